// `startEmulator` in each runtime.

import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { BUN, DENO, NODE_20, NODE_22, NODE_24 } from "../programs.mjs";

const RUNTIMES = {
  "Node 20": { ...NODE_20, args: [] },
  "Node 22": { ...NODE_22, args: [] },
  "Node 24": { ...NODE_24, args: [] },
  "Deno with net permission only": { ...DENO, args: ["run", "--no-prompt", "--allow-net=127.0.0.1"] },
  Bun: { ...BUN, args: [] },
};

for (const [name, { program, skip, args }] of Object.entries(RUNTIMES)) {
  test(name, { skip }, async (t) => {
    const folder = await mkdtemp(path.join(tmpdir(), "webpubsub-edge-runtime-"));
    try {
      const env = { ...process.env, DENO_DIR: folder, DENO_NO_UPDATE_CHECK: "1", NO_COLOR: "1" };
      const file = fileURLToPath(new URL("run.mjs", import.meta.url));
      const { stdout } = await promisify(execFile)(program, [...args, file], { env, timeout: 120_000 });
      for (const { name, error } of JSON.parse(stdout)) {
        await t.test(name, () => {
          if (error !== undefined) {
            throw new Error(error);
          }
        });
      }
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
}
