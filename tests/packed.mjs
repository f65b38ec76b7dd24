// The npm package as users get it: packed, and installed from the tarball into a folder of its own.

import { execFile, spawn } from "node:child_process";
import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { build } from "esbuild";
import { freePort } from "./ports.mjs";

const run = promisify(execFile);
const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "..");

/**
 * Packs pkg/ and installs the tarball into a new folder of `parent`; gives the folder, the tarball, and what removes
 * them.
 */
export async function installPacked(parent = tmpdir()) {
  await mkdir(parent, { recursive: true });
  const folder = await mkdtemp(path.join(parent, "webpubsub-edge-"));
  await run("npm", ["pack", "--silent", "--pack-destination", folder], { cwd: path.join(root, "pkg") });
  const tarball = (await readdir(folder)).find((name) => name.endsWith(".tgz"));
  await writeFile(path.join(folder, "package.json"), '{ "private": true, "type": "module" }');
  await run("npm", ["install", "--silent", "--no-audit", "--no-fund", `./${tarball}`], { cwd: folder });
  return { folder, tarball: path.join(folder, tarball), remove: () => rm(folder, { recursive: true, force: true }) };
}

/** Bundles a file of the folder into `outdir`/main.js with esbuild, under the given conditions. */
export async function bundle(folder, entry, { outdir, ...options }) {
  await mkdir(path.join(folder, outdir), { recursive: true });
  return build({
    absWorkingDir: folder,
    entryPoints: { main: entry },
    bundle: true,
    format: "esm",
    outdir,
    assetNames: "[name]",
    logLevel: "warning",
    ...options,
  });
}

/** Serves a file of the folder in workerd, bundled with the conditions that wrangler sets and no compatibility flag. */
export async function serveWorkerd(folder, entry) {
  await bundle(folder, entry, { conditions: ["workerd", "worker", "browser"], loader: { ".wasm": "copy" }, outdir: "workerd" });
  return startWorkerd(path.join(folder, "workerd"), "main.js");
}

/** Serves a bundle that stands in a folder with its .wasm file, if it has one. */
export async function startWorkerd(folder, main) {
  const port = await freePort();
  const wasm = (await readdir(folder)).filter((name) => name.endsWith(".wasm"));
  await writeFile(path.join(folder, "config.capnp"), config(port, main, wasm));
  const workerd = spawn(path.join(root, "tests/node_modules/workerd/bin/workerd"), ["serve", "config.capnp"], {
    cwd: folder,
    stdio: ["ignore", "inherit", "inherit"],
  });
  const origin = `http://127.0.0.1:${port}`;
  const stop = () => workerd.kill();
  for (let tries = 0; ; tries++) {
    try {
      await fetch(origin, { method: "HEAD" });
      return { origin, stop };
    } catch (error) {
      if (tries === 100 || workerd.exitCode !== null) {
        stop();
        throw error;
      }
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

function config(port, main, wasm) {
  const modules = [`(name = "main.js", esModule = embed "${main}")`, ...wasm.map((name) => `(name = "./${name}", wasm = embed "${name}")`)];
  return `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "main", worker = .worker),
    (name = "network", network = (allow = ["private"])),
  ],
  sockets = [(name = "http", address = "127.0.0.1:${port}", http = (), service = "main")],
);
const worker :Workerd.Worker = (
  modules = [${modules.join(", ")}],
  compatibilityDate = "2026-10-01",
  globalOutbound = "network",
);
`;
}
