// Text files that hold what is expected: a change shows in review as a change of the file.

import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";

/** Compares a text with a file. With BLESS=1 in the environment the file becomes the text. */
export async function assertSnapshot(file, text) {
  if (process.env.BLESS === "1") {
    await writeFile(file, text);
  }
  assert.equal(text, await readFile(file, "utf8"), `differs from ${file}; if that is intended, run the test with BLESS=1`);
}
