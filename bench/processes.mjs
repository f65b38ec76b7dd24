// Fresh processes and workerd: what they cost is read from the system.

import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { builtinModules, createRequire } from "node:module";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { build } from "esbuild";
import { root } from "./weigh.mjs";

const run = promisify(execFile);

/** Runs a module in a fresh Node and gives the number it prints. */
export async function inFreshNode(module) {
  const { stdout } = await run(process.execPath, ["--input-type=module", "--eval", module], { cwd: path.join(root, "bench") });
  return Number(stdout);
}

/** Only Linux tells the CPU time of another process by a file. */
export const canReadCpu = existsSync("/proc/self/schedstat");

/** The CPU time of the threads of a process so far, in microseconds. */
function cpu(pid) {
  // Each file begins with the nanoseconds that its thread ran.
  const ran = (thread) => Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, "utf8").split(" ")[0]);
  return readdirSync(`/proc/${pid}/task`).reduce((sum, thread) => sum + ran(thread), 0) / 1000;
}

/** Starts a module in workerd. `flags` are its compatibility flags. */
export async function startWorkerd(contents, flags) {
  const folder = await mkdtemp(path.join(tmpdir(), "webpubsub-edge-bench-"));
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: path.join(root, "bench") },
    ...{ bundle: true, minify: true, format: "esm", write: false, outdir: folder, logLevel: "error" },
    conditions: ["workerd", "worker", "browser"],
    loader: { ".wasm": "copy" },
    assetNames: "[name]",
    plugins: flags.length > 0 ? [nodeModules] : [],
  });
  for (const file of outputFiles) await writeFile(path.join(folder, path.basename(file.path)), file.contents);
  const wasm = outputFiles.some(({ path: file }) => file.endsWith(".wasm"));
  const port = await freePort();
  await writeFile(path.join(folder, "config.capnp"), config(port, flags, wasm));
  const started = spawn(workerd, ["serve", "config.capnp"], {
    cwd: folder,
    stdio: ["ignore", "ignore", "inherit"],
  });
  const origin = `http://127.0.0.1:${port}`;
  const kill = () => started.kill();
  process.once("exit", kill);
  const stop = async () => {
    process.off("exit", kill);
    if (started.exitCode === null && kill()) await once(started, "exit");
    await rm(folder, { recursive: true, force: true });
  };
  const get = async (target) => {
    const response = await fetch(origin + target);
    if (response.status !== 200) throw new Error(`workerd answered ${response.status}: ${await response.text()}`);
    return response.text();
  };
  return { get, stop, cpu: () => cpu(started.pid), up: () => isUp(port, started) };
}

/** The program itself: what npm's package has in bin/ is a script that starts it. */
const workerd = createRequire(createRequire(import.meta.url).resolve("workerd")).resolve(
  `@cloudflare/workerd-${process.platform}-${process.arch === "x64" ? "64" : process.arch}/bin/workerd`,
);

/** Waits until the port is open, without a request: the isolate is not started by that. */
async function isUp(port, child) {
  for (let tries = 0; tries < 200; tries++) {
    const socket = connect(port, "127.0.0.1");
    const isOpen = await once(socket, "connect").then(() => true, () => false);
    socket.destroy();
    if (isOpen) return;
    if (child.exitCode !== null) break;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error("workerd did not start");
}

/** Leaves Node's modules to workerd. Its CommonJS users get them through an import, as wrangler does it. */
const nodeModules = {
  name: "node modules",
  setup(build) {
    build.onResolve({ filter: new RegExp(`^(node:.*|${builtinModules.join("|")})$`) }, ({ path: name, kind }) => {
      const full = name.startsWith("node:") ? name : `node:${name}`;
      return kind === "require-call" ? { path: full, namespace: "required" } : { path: full, external: true };
    });
    build.onLoad({ filter: /.*/, namespace: "required" }, ({ path: name }) => ({
      contents: `import all from ${JSON.stringify(name)}; module.exports = all;`,
    }));
  },
};

async function freePort() {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  server.close();
  await once(server, "close");
  return port;
}

function config(port, flags, wasm) {
  const module = wasm ? `(name = "./webpubsub_edge.wasm", wasm = embed "webpubsub_edge.wasm"),` : "";
  return `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [(name = "main", worker = .worker)],
  sockets = [(name = "http", address = "127.0.0.1:${port}", http = (), service = "main")],
);
const worker :Workerd.Worker = (
  modules = [(name = "main.js", esModule = embed "stdin.js"), ${module}],
  compatibilityDate = "2026-07-01",
  compatibilityFlags = [${flags.map((flag) => JSON.stringify(flag)).join(", ")}],
);
`;
}
