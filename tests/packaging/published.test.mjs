// What would be published: the tarball as linters, and its files as reviewers, see it.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
import { transform } from "esbuild";
import { installPacked } from "../packed.mjs";
import { assertSnapshot } from "../snapshot.mjs";
import { here, runTool, tests } from "./project.mjs";

let packed;
before(async () => {
  packed = await installPacked();
});
after(() => packed?.remove());

test("npm packs these files", async () => {
  const { stdout } = await promisify(execFile)("npm", ["pack", "--dry-run", "--json"], { cwd: path.join(tests, "../pkg") });
  const [{ files }] = JSON.parse(stdout);
  await assertSnapshot(path.join(here, "npm-files.txt"), lines(files.map((file) => file.path)));
});

test("cargo packages these files of the crate, and they compile by themselves", async () => {
  const root = path.join(tests, "..");
  const crate = ["package", "--package=webpubsub-edge", "--allow-dirty", "--quiet"];
  const { stdout } = await promisify(execFile)("cargo", [...crate, "--list"], { cwd: root });
  // cargo adds a note about the commit where there is one.
  const files = stdout.trim().split("\n").filter((file) => file !== ".cargo_vcs_info.json");
  await assertSnapshot(path.join(here, "crate-files.txt"), lines(files));
  await promisify(execFile)("cargo", crate, { cwd: root });
});

test("publint has nothing to say", async () => {
  await runTool("node_modules/publint/src/cli.js", ["run", packed.tarball, "--strict", "--level=suggestion"], packed.folder);
});

test("the types are right for every way of importing the package as ESM", async () => {
  await runTool("node_modules/@arethetypeswrong/cli/dist/index.js", [packed.tarball, "--profile=esm-only"], packed.folder);
});

const SERVICE = ["service/client.js", "service/entra.js", "wasm/core.js"];
const CLIENT = ["client/client.js", "client/session.js", "client/core/core.js"];
/** The entries, and what each must reach; the client reaches nothing of the service. */
const ENTRIES = {
  index: SERVICE,
  workerd: SERVICE,
  "edge-light": SERVICE,
  slim: SERVICE,
  client: CLIENT,
  "client-workerd": CLIENT,
  "client-edge-light": CLIENT,
  "client-protobuf": ["client/protobuf.js"],
};

for (const [entry, expected] of Object.entries(ENTRIES)) {
  test(`nothing that ${entry}.js reaches names an API of one host, or makes code of text`, async () => {
    const files = await reachable(path.join(packed.folder, "node_modules/webpubsub-edge/dist"), `entrypoints/${entry}.js`);
    for (const needed of expected) {
      assert.ok(files.has(needed), `${needed} is not among ${[...files.keys()]}`);
    }
    const isService = expected === SERVICE;
    for (const file of files.keys()) assert.ok(!file.startsWith(isService ? "client/" : "service/"), file);
    for (const [file, code] of files) {
      // Base64 uses what Node has where it is there. Taken from the global object: no bundler brings a substitute for that.
      const isOptional = file.endsWith("/base64.js") && code.includes("const { Buffer } = globalThis;");
      assert.equal((isOptional ? code.replaceAll("Buffer", "") : code).match(FORBIDDEN)?.[0], undefined, file);
    }
  });
}

/** APIs of Node, Deno and Bun, what bundlers take for an asset or a chunk, and what a content security policy refuses. */
const FORBIDDEN =
  /\bnode:|\bprocess\b|\bBuffer\b|\brequire\b|\b__(dirname|filename)\b|\bsetImmediate\b|\b(Deno|Bun)\b|\bimport\.meta\b|(?<!wasm-unsafe-)\beval\b|\bFunction\(|\bimport\(/;

/** The files that a file imports, itself included, each with its code but for comments and the module as text. */
async function reachable(dist, start) {
  const files = new Map();
  const queue = [start];
  for (const file of queue) {
    if (files.has(file) || !file.endsWith(".js")) continue;
    const { code } = await transform(await readFile(path.join(dist, file), "utf8"), { format: "esm" });
    files.set(file, code.replace(/"[^"\\]{1000,}"/, '""'));
    for (const [, specifier] of code.matchAll(/^(?:import|export)\b[^;"]*"([^"]+)";$/gm)) {
      assert.match(specifier, /^\.\.?\//, `${file} imports ${specifier}`);
      queue.push(path.posix.join(path.posix.dirname(file), specifier));
    }
  }
  return files;
}

function lines(names) {
  return names.toSorted().map((name) => `${name}\n`).join("");
}
