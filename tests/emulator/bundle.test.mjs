// The emulator in one file, as a bundler for Node makes it.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { build } from "esbuild";

const EMULATOR = fileURLToPath(new URL("../../pkg/dist/emulator/index.js", import.meta.url));

for (const [format, name] of [["esm", "bundle.mjs"], ["cjs", "bundle.cjs"]]) {
  test(`esbuild makes ${format} of it`, async (t) => {
    const folder = await mkdtemp(path.join(tmpdir(), "webpubsub-edge-bundle-"));
    t.after(() => rm(folder, { recursive: true, force: true }));
    const entry = path.join(folder, "main.mjs");
    await writeFile(
      entry,
      `import { startEmulator } from ${JSON.stringify(EMULATOR)};
      startEmulator().then(async (emulator) => {
        console.log(JSON.stringify(emulator.inspect("chat")));
        await emulator.stop();
      });`,
    );
    const outfile = path.join(folder, name);
    await build({ entryPoints: [entry], outfile, bundle: true, platform: "node", format, logLevel: "silent" });
    const { stdout } = await promisify(execFile)(process.execPath, [outfile]);
    assert.deepEqual(JSON.parse(stdout), { hub: "chat", connections: [], groups: [] });
  });
}
