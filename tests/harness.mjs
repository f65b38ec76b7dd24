// Starts the Worker as a developer does, with `wrangler dev`, on a free port of this machine.

import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { freePort } from "./ports.mjs";

export const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "..");

/** A build from nothing takes minutes; one that is there takes seconds. */
const START_MS = 10 * 60_000;

/** The Worker prints it when it first needs the key. */
const KEY_LINE = /^Access key of the emulator: (\S+)$/m;

// A signal alone would skip what is to be done on exit, and leave wrangler behind.
for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => process.exit(1));

/**
 * Starts the Worker of an environment of wrangler.toml: "local" or "production". `vars` are its variables and
 * secrets; those of a developer's own `.dev.vars` are not seen. `project` is the folder of wrangler.toml. `key` of the
 * result is the access key of the local emulator.
 */
export async function startWorker({ env, vars = {}, project = root }) {
  const port = await freePort();
  const folder = mkdtempSync(path.join(tmpdir(), "webpubsub-edge-worker-"));
  const envFile = path.join(folder, "vars.env");
  writeFileSync(envFile, Object.entries(vars).map(([name, value]) => `${name}=${quoted(value)}\n`).join(""));
  const wrangler = spawn(
    process.execPath,
    [
      path.join(root, "node_modules/wrangler/bin/wrangler.js"),
      ...["dev", `--env=${env === "local" ? "local" : ""}`, `--env-file=${envFile}`, `--persist-to=${folder}`],
      ...["--ip=127.0.0.1", `--port=${port}`, "--inspector-port=0", "--show-interactive-dev-session=false"],
    ],
    {
      cwd: project,
      // A group of its own, so that one signal reaches workerd and esbuild too.
      detached: true,
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, WRANGLER_SEND_METRICS: "false", CLOUDFLARE_CF_FETCH_ENABLED: "false", NO_COLOR: "1" },
    },
  );
  let log = "";
  wrangler.stdout.on("data", (chunk) => (log += chunk));
  wrangler.stderr.on("data", (chunk) => (log += chunk));
  const exited = once(wrangler, "exit");
  const cleanUp = () => {
    killGroup(wrangler.pid, "SIGKILL");
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  };
  process.once("exit", cleanUp);

  async function stop() {
    killGroup(wrangler.pid, "SIGINT");
    await Promise.race([exited, sleep(5000, undefined, { ref: false })]);
    cleanUp();
    process.off("exit", cleanUp);
  }

  const origin = `http://127.0.0.1:${port}`;
  const deadline = Date.now() + START_MS;
  while (!(await answers(`${origin}/health`))) {
    if (wrangler.exitCode !== null || Date.now() > deadline) {
      await stop();
      throw new Error(`wrangler did not start the Worker:\n${log}`);
    }
    await sleep(100);
  }
  const key = env === "local" ? await eventually(() => KEY_LINE.exec(log)?.[1], "the access key of the emulator") : undefined;
  return { origin, key, folder, log: () => log, stop };
}

/** Repeats `look` until it gives something, and gives that. */
export async function eventually(look, what) {
  const deadline = Date.now() + 10_000;
  while (Date.now() < deadline) {
    const found = await look();
    if (found) return found;
    await sleep(25);
  }
  throw new Error(`Waited 10 s for ${what}`);
}

async function answers(url) {
  const response = await fetch(url).catch(() => undefined);
  await response?.arrayBuffer();
  return response?.ok;
}

/** Ends a process and all its children. */
function killGroup(pid, signal) {
  try {
    if (process.platform === "win32") spawnSync("taskkill", ["/pid", String(pid), "/T", "/F"]);
    else process.kill(-pid, signal);
  } catch (error) {
    if (error.code !== "ESRCH") throw error;
  }
}

/** A value for the .env file, taken as it is. */
function quoted(value) {
  if (/['\n\r]/.test(value)) throw new Error("the value of a variable holds a quote or a line break");
  return `'${value}'`;
}
