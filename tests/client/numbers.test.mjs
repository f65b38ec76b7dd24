// The numbers that cross into the client's wasm are the orders of enums in Rust.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { test } from "node:test";
import { root } from "../harness.mjs";

for (const [name, file] of [["Input", "input"], ["Action", "action"], ["Outcome", "action"], ["AckOutcome", "input"], ["StreamClosing", "input"], ["StreamProblem", "action"]]) {
  test(`the variants of ${name}`, async () => {
    const rust = await readFile(path.join(root, `src/client/${file}.rs`), "utf8");
    const [, body] = new RegExp(`pub enum ${name} \\{\\n([^]*?)\\n\\}`).exec(rust);
    const variants = [...body.matchAll(/^ {4}([A-Z]\w+)/gm)].map(([, variant]) => variant);
    const kebab = name.replaceAll(/(?<=.)[A-Z]/g, (letter) => `-${letter}`).toLowerCase();
    const numbers = await import(path.join(root, `pkg/dist/client/core/${kebab}.js`));
    assert.deepEqual({ ...numbers }, Object.fromEntries(variants.map((variant, index) => [variant, index])));
  });
}
