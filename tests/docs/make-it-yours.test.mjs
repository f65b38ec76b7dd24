// docs/make-it-yours.md works as it is written: its commands are run in an empty folder, and the Worker is called.
//
// A comment above a block says how the test treats it:
//   <!-- replaced: … -->             the test does something equivalent
//   <!-- keeps running: until "…" -->  the command runs until the test ends; the text says when it is ready
//   <!-- file: NAME -->              the block is the content of a file
//   <!-- unchecked: … -->            the block is not run

import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { access, cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
import WebSocket from "ws";
import { root } from "../harness.mjs";
import { freePort } from "../ports.mjs";
import { wasmCargo } from "./wasm-cargo.mjs";

const run = promisify(execFile);
const page = await readFile(path.join(root, "docs/make-it-yours.md"), "utf8");
const blocks = [...page.matchAll(/(?:<!-- ([\w ]+): (.+) -->\n\n)?^```(\w+)\n([\s\S]*?)^```$/gm)].map(
  ([, remark = "run", detail, language, code]) => ({ remark, detail, language, code }),
);
const hasCurl = await run("curl", ["--version"]).then(() => true, () => false);
const skip = process.platform === "win32" && "the commands are for a POSIX shell";

let home;
let folder;
let env;
let ports;
const running = [];
const printed = new Map();

before(async () => {
  if (skip) return;
  home = await mkdtemp(path.join(tmpdir(), "webpubsub-edge-yours-"));
  folder = home;
  ports = { 9770: await freePort(), 8787: await freePort() };
  const { CARGO_TARGET_DIR, ...inherited } = process.env;
  env = {
    ...inherited,
    PATH: [await wasmCargo(path.join(home, "bin")), path.dirname(process.execPath), process.env.PATH].join(path.delimiter),
    npm_config_audit: "false",
    npm_config_fund: "false",
    npm_config_prefer_offline: "true",
    WRANGLER_SEND_METRICS: "false",
    CLOUDFLARE_CF_FETCH_ENABLED: "false",
    NO_COLOR: "1",
    CI: "1",
  };
});

after(async () => {
  for (const child of running) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    const exited = once(child, "exit");
    end(child);
    await exited;
  }
  if (home) await rm(home, { recursive: true, force: true, maxRetries: 5 });
});

test("the page is a Worker that runs and deploys", { skip, timeout: 900_000 }, async (t) => {
  assert.deepEqual([...new Set(blocks.map(({ remark }) => remark))].toSorted(), ["file", "keeps running", "replaced", "run", "unchecked"]);
  for (const block of blocks) {
    const code = block.code.replace(/\b(9770|8787)\b/g, (port) => ports[port]);
    if (block.remark === "unchecked") continue;
    const skip = code.includes("curl ") && !hasCurl && "there is no curl on this machine";
    await t.test(code.split("\n")[0], { skip }, async () => {
      if (block.remark === "replaced") await copyClone(code);
      else if (block.remark === "file") await writeFile(path.join(folder, block.detail), code);
      else if (block.remark === "keeps running") await start(code, JSON.parse(block.detail.replace("until ", "")));
      else await finish(code);
    });
  }

  const origin = `http://localhost:${ports[8787]}`;
  await t.test("the page and its client are served", async () => {
    for (const file of ["/", "/app.js", "/webpubsub-edge/entrypoints/client.js"]) {
      assert.equal((await fetch(origin + file)).status, 200, file);
    }
  });

  await t.test("a message goes from the Worker to a client", async (t) => {
    const session = printed.get("npx webpubsub-edge session").trim();
    const post = (route, body, headers = { authorization: `Bearer ${session}` }) =>
      fetch(origin + route, { method: "POST", headers: { "content-type": "application/json", ...headers }, body: JSON.stringify(body) });
    assert.equal((await post("/negotiate", {}, {})).status, 401);
    const answer = await (await post("/negotiate", { groups: ["lobby"] })).json();
    assert.equal(answer.userId, "ann", JSON.stringify(answer));
    const socket = new WebSocket(answer.url, "json.webpubsub.azure.v1");
    t.after(() => socket.terminate());
    await once(socket, "message");
    const received = once(socket, "message");
    assert.equal((await post("/broadcast", { message: "hello" })).status, 202);
    const [message] = await received;
    assert.equal(JSON.parse(message).data, "hello");
  });

  await t.test("no secret was printed", async () => {
    const [, secret] = /^SESSION_SECRET=(.+)$/m.exec(await readFile(path.join(folder, ".dev.vars"), "utf8"));
    for (const [command, text] of printed) assert.ok(!text.includes(secret), command);
  });
});

test("the settings of the copy are those of the clone", async () => {
  const [clone, copy] = await Promise.all(
    ["wrangler.toml", "worker/standalone/wrangler.toml"].map((file) => readFile(path.join(root, file), "utf8")),
  );
  const production = clone.slice(0, clone.indexOf("\n[env.local]"));
  for (const setting of [/^compatibility_date = .*$/m, /^compatibility_flags = \[[^\]]*\]/m, /^\[vars\]\n[^[]*/m, /^# How often[\s\S]*/m]) {
    assert.equal(setting.exec(copy)[0].trim(), setting.exec(production)[0].trim());
  }
  const { devDependencies } = JSON.parse(await readFile(path.join(root, "worker/standalone/package.json"), "utf8"));
  const installed = async (file, name) => JSON.parse(await readFile(path.join(root, file), "utf8")).devDependencies[name];
  assert.equal(devDependencies.wrangler, await installed("package.json", "wrangler"));
  assert.equal(devDependencies.esbuild, await installed("pkg/package.json", "esbuild"));
});

/** Does what the first block does: a copy of this clone, without what git ignores, and the package in it. */
async function copyClone(code) {
  assert.deepEqual(code.trim().split("\n").slice(1), ["cd webpubsub-edge", "cargo xtask build pkg", "cd pkg", "npm pack", "cd ../.."]);
  const clone = path.join(home, "webpubsub-edge");
  const { stdout } = await run("git", ["ls-files", "-z", "--cached", "--others", "--exclude-standard"], { cwd: root });
  for (const file of stdout.split("\0").filter(Boolean)) {
    const isThere = await access(path.join(root, file)).then(() => true, () => false);
    if (isThere) await cp(path.join(root, file), path.join(clone, file));
  }
  await run("npm", ["pack", "--silent", "--pack-destination", path.join(clone, "pkg")], { cwd: path.join(root, "pkg") });
}

/** Runs a block to its end. The folder in which it ends is that of the next block. */
async function finish(code) {
  const script = `set -eu\n${code}\npwd > "${home}/pwd"\n`;
  const { stdout, stderr } = await run("sh", ["-c", script], { cwd: folder, env, maxBuffer: 2 ** 26 }).catch((error) => {
    throw new Error(`${code}failed:\n${error.stdout}\n${error.stderr}`);
  });
  printed.set(code.split(" ").slice(0, 3).join(" "), stdout + (code.startsWith("npx webpubsub-edge session") ? "" : stderr));
  folder = (await readFile(path.join(home, "pwd"), "utf8")).trim();
  if (code.includes("mkdir my-worker")) await reuseTarget();
}

/** The dependencies stay compiled from one run of the test to the next. */
async function reuseTarget() {
  const target = path.join(root, "target/make-it-yours");
  await mkdir(target, { recursive: true });
  await symlink(target, path.join(folder, "target"));
}

/** Ends a command and everything that it started. */
function end(child) {
  if (child.exitCode === null && child.signalCode === null) process.kill(-child.pid, "SIGTERM");
}

/** Starts a command, and waits until it prints a text. */
async function start(code, text) {
  const options = code.startsWith("npx wrangler dev") ? ` --port=${ports[8787]} --inspector-port=0` : "";
  const command = code.trim() + options;
  // A group of its own, so that one signal reaches everything that npx starts.
  const child = spawn("sh", ["-c", `exec ${command}`], { cwd: folder, env, detached: true, stdio: ["ignore", "pipe", "pipe"] });
  running.push(child);
  process.once("exit", () => end(child));
  let log = "";
  await new Promise((resolve, reject) => {
    for (const output of [child.stdout, child.stderr]) {
      output.on("data", (chunk) => {
        log += chunk;
        printed.set(command, log);
        if (log.includes(text)) resolve();
      });
    }
    child.once("exit", (status) => reject(new Error(`${command} ended with ${status}:\n${log}`)));
  });
}
