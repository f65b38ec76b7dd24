// V8 11.3, which is in Node 20, crashes if it compiles the call of a WebAssembly export into its caller. `run` in
// pkg/src/wasm/core.ts prevents that. Without it, these processes end with a segmentation fault.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { NODE_20, NODE_22, NODE_24 } from "../programs.mjs";

const script = fileURLToPath(new URL("mint.mjs", import.meta.url));

for (const [version, { program, skip }] of Object.entries({ 20: NODE_20, 22: NODE_22, 24: NODE_24 })) {
  for (const users of ["ascii", "mixed"]) {
    test(`Node ${version} mints tokens for ${users} users in a loop`, { skip }, async () => {
      const { stdout } = await promisify(execFile)(program, [script, users]);
      assert.equal(stdout.trim(), "300000");
    });
  }
}
