// The support table of docs/emulator.md names tests that exist.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { test } from "node:test";
import { root } from "../harness.mjs";

const page = await readFile(path.join(root, "docs/emulator.md"), "utf8");
const rows = page.split("\n").filter((line) => /^\|.*\| `(tests|emulator)\//.test(line));

test("each row names a test of its own", () => {
  assert.ok(rows.length >= 25, `only ${rows.length} rows found`);
  assert.equal(new Set(rows.map((row) => row.split(" | ").at(-1))).size, rows.length);
});

for (const row of rows) {
  const [, what] = row.split("|");
  test(`the table's row: ${what.trim()}`, async () => {
    const [, file, name] = /\| `([^`]+)`: (.+) \|$/.exec(row);
    const source = await readFile(path.join(root, file), "utf8");
    const isThere = file.endsWith(".rs")
      ? new RegExp(`#\\[test\\]\\nfn ${name}\\(`).test(source)
      : file.endsWith(".py")
        ? source.includes(`    async def ${name}(self)`)
        : [`test("${name}"`, `["${name}", `, `each("${name}", `].some((start) => source.includes(start));
    assert.ok(isThere, `${file} has no test "${name}"`);
  });
}
