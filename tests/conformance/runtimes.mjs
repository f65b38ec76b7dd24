// The runtimes: where each one is, and how the suite runs in it. Each gives the results of runner.mjs.

import { spawn } from "node:child_process";
import { once } from "node:events";
import http from "node:http";
import path from "node:path";
import { json } from "node:stream/consumers";
import { serveWorkerd } from "../packed.mjs";
import { BUN, DENO, NODE_20, NODE_22, NODE_24 } from "../programs.mjs";
import { runPage, runServiceWorker } from "./host-chromium.mjs";
import { runEdgeLight } from "./host-edge-light.mjs";

const denoArguments = ["run", "--no-prompt", "--no-remote", "--allow-net=127.0.0.1", "run-deno.mjs"];
const noChromium = !process.env.CHROME && "set CHROME to the path of a Chromium or Chrome";

/** A suite that still runs after this hangs. `cargo xtask soak` gives it longer. */
const TIMEOUT_MS = 120_000 + Number(process.env.SOAK_SECONDS ?? 0) * 1000;

/**
 * By name: why the runtime cannot run here, if it cannot; how it runs the suite; and whether its `fetch` tells that a
 * connection was never made.
 */
export const RUNTIMES = {
  "Node 20": asProgram(NODE_20, ["run-node.mjs"]),
  "Node 22": asProgram(NODE_22, ["run-node.mjs"]),
  "Node 24": asProgram(NODE_24, ["run-node.mjs"]),
  "Deno with net permission only": asProgram(DENO, denoArguments),
  Bun: asProgram(BUN, ["run-bun.mjs"]),
  workerd: { run: inWorkerd },
  "edge-light": { namesRefusal: true, run: (folder, given) => runEdgeLight(folder, "run-edge-light.mjs", given) },
  "Chromium page": { skip: noChromium, run: (folder, given) => runPage(folder, "run-page.mjs", given) },
  "Chromium service worker": {
    skip: noChromium,
    run: (folder, given) => runServiceWorker(folder, "run-service-worker.mjs", given),
  },
};

function asProgram({ program, skip }, args) {
  return { skip, namesRefusal: true, run: (folder, given) => printed(program, args, folder, given) };
}

async function inWorkerd(folder, given) {
  const workerd = await serveWorkerd(folder, "run-workerd.mjs");
  try {
    // Not with fetch, which gives up when an answer takes five minutes, as it does in a soak.
    const asking = http.request(workerd.origin, { method: "POST" }).end(JSON.stringify(given));
    const [response] = await once(asking, "response");
    return await json(response);
  } finally {
    workerd.stop();
  }
}

/** Runs a program in the folder, which reads what the suite needs, and gives the results that it prints. */
function printed(program, args, folder, given) {
  const env = { ...process.env, DENO_DIR: path.join(folder, ".deno"), DENO_NO_UPDATE_CHECK: "1" };
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { cwd: folder, env, stdio: ["pipe", "pipe", "inherit"], timeout: TIMEOUT_MS });
    let output = "";
    child.stdout.on("data", (data) => (output += data));
    child.on("error", reject);
    child.on("close", (code) => (code === 0 ? resolve(JSON.parse(output)) : reject(new Error(`${program} ended with ${code}`))));
    child.stdin.end(JSON.stringify(given));
  });
}
