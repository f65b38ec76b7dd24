// The hosts of the emulator: `wrangler dev`, and `webpubsub-edge emulator` in each runtime.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { root, startWorker } from "../harness.mjs";
import { freePort } from "../ports.mjs";
import { BUN, DENO, NODE_20, NODE_22, NODE_24 } from "../programs.mjs";

/** The key of the official emulator, which the command uses by default. */
const PUBLIC_KEY = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789ABCDEFGH";

const MAIN = path.join(root, "pkg/dist/cli/main.js");

/**
 * By name: why the host cannot run here, if it cannot, and what starts it. That gives where it listens, its access key,
 * `stop`, and `log`, everything that it printed so far; `pid`, where the emulator is one process. With a
 * `certificateFile`, a command serves https and writes the certificate there.
 */
export const HOSTS = {
  "wrangler dev": {
    skip: false,
    start: ({ takesEntraTokens = false } = {}) =>
      startWorker({ env: "local", vars: { EMULATOR_ALLOW_UNVALIDATED_ENTRA_TOKENS: String(takesEntraTokens) } }),
  },
  "Node 20": command(NODE_20),
  "Node 22": command(NODE_22),
  "Node 24": command(NODE_24),
  // The right to listen on this machine, and no other.
  Deno: command(DENO, ["run", "--no-prompt", "--allow-net=127.0.0.1"]),
  Bun: command(BUN),
};

function command({ program, skip }, before = []) {
  return {
    skip,
    start: async ({ takesEntraTokens = false, certificateFile } = {}) => {
      const port = await freePort();
      const tls = certificateFile === undefined ? [] : ["--tls", `--tls-out=${certificateFile}`];
      const args = ["emulator", `--port=${port}`, ...(takesEntraTokens ? ["--allow-unvalidated-entra-tokens"] : []), ...tls];
      const { isUp, ...emulator } = await run(program, [...before, MAIN, ...args]);
      await isUp();
      const origin = `${certificateFile === undefined ? "http" : "https"}://127.0.0.1:${port}`;
      return { origin, key: PUBLIC_KEY, ...emulator };
    },
  };
}

/**
 * Runs `webpubsub-edge` in a folder of its own, or in `cwd`. `isUp` waits until it listens, or until it prints `text`;
 * `ended` gives its exit code.
 */
export async function run(program, args, env = {}, cwd = undefined) {
  const folder = await mkdtemp(path.join(tmpdir(), "webpubsub-edge-emulator-"));
  const child = spawn(program, args, {
    cwd: cwd ?? folder,
    stdio: ["ignore", "pipe", "pipe"],
    // `exec` does not replace a NODE_EXTRA_CA_CERTS that the developer has set.
    env: { ...process.env, NODE_EXTRA_CA_CERTS: undefined, DENO_DIR: path.join(folder, ".deno"), DENO_NO_UPDATE_CHECK: "1", NO_COLOR: "1", ...env },
  });
  let said = "";
  let heard = () => {};
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (data) => {
      said += data;
      heard();
    });
  }
  const kill = () => child.kill("SIGKILL");
  process.once("exit", kill);
  const ended = once(child, "close").then(async ([code]) => {
    process.off("exit", kill);
    heard();
    await rm(folder, { recursive: true, force: true });
    return code;
  });
  return {
    pid: child.pid,
    log: () => said,
    /** Nobody reads any more. */
    closeOutput: () => child.stdout.destroy(),
    ended,
    signal: (signal) => child.kill(signal),
    stop: async () => {
      child.kill("SIGTERM");
      await ended;
    },
    isUp: async (text = "Ctrl-C ends it.") => {
      while (!said.includes(text)) {
        if (child.exitCode !== null) throw new Error(`the emulator did not start:\n${said}`);
        await new Promise((resolve) => (heard = resolve));
      }
    },
  };
}
