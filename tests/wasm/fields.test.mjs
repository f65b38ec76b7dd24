// The fields that cross into WebAssembly have the same names, in the same order, on both sides.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { test } from "node:test";
import { root } from "../harness.mjs";

const source = (file) => readFile(path.join(root, file), "utf8");
const camelCase = (name) => name.replaceAll(/_(\w)/g, (_, letter) => letter.toUpperCase());
const matches = (text, pattern) => [...text.matchAll(pattern)].map(([, found]) => found);

test("the functions of the service client", async () => {
  const rust = await source("pkg/wasm/src/service.rs");
  const inRust = rust
    .split("fields! {")
    .slice(1)
    .map((part) => matches(part.slice(0, part.indexOf("\n}")), /^ {8}(\w+): /gm).map(camelCase));
  const typescript = await source("pkg/src/wasm/calls.ts");
  const functions = [...typescript.matchAll(/number: (\d+),\n  order: \(fields\) => \[([^\]]*)\]/g)];
  assert.deepEqual(functions.map(([, number]) => Number(number)), [0, 1, 2, 3, 4, 5, 6, 7]);
  const inTypescript = functions.map(([, , fields]) => matches(fields, /fields\.(\w+)/g));
  // The last one has a single number.
  assert.deepEqual(inTypescript.pop(), ["status"]);
  assert.deepEqual(inTypescript, inRust);
});

test("the options of the WebSocket client's session", async () => {
  const rust = await source("pkg/wasm-client/src/options.rs");
  const inRust = matches(/let \[\n([^]*?)\n    \] = /.exec(rust)[1], /(\w+),/g).map(camelCase);
  const typescript = await source("pkg/src/client/core/core.ts");
  const words = [...(/number\[\] => \[\n([^]*?)\n\];/.exec(typescript)[1]).matchAll(/(messageRetry|connectRetry|reconnectRetry|options)\.(\w+)/g)];
  const inTypescript = words.map(([, group, name]) => {
    if (group === "options") return name;
    return group.replace("Retry", "") + name[0].toUpperCase() + name.slice(1);
  });
  assert.deepEqual([...inTypescript, "SeedHigh", "SeedLow"], inRust);
});
