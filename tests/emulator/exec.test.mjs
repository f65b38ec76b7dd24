// `webpubsub-edge emulator exec`: a command with an emulator of its own.

import assert from "node:assert/strict";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, test } from "node:test";
import { root } from "../harness.mjs";
import { freePort } from "../ports.mjs";
import { BUN, DENO, NODE_20, NODE_24 } from "../programs.mjs";
import { run } from "./hosts.mjs";

const MAIN = path.join(root, "pkg/dist/cli/main.js");
const OWN_KEY = "a key of one's own, which is long enough";
const NODE = process.execPath;

let folder;
before(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "webpubsub-edge-exec-"));
});
after(() => rm(folder, { recursive: true, force: true }));

/** Starts `emulator exec` in a folder of this file; `command` follows `--`. */
function start(command, { options = [], env = {}, cwd = folder, program = NODE, permissions = [] } = {}) {
  return run(program, [...permissions, MAIN, "emulator", "exec", ...options, "--", ...command], env, cwd);
}

/** Runs it to its end. */
async function end(command, more) {
  const running = await start(command, more);
  return { code: await running.ended, said: running.log() };
}

/** A script that prints the variables that the command got, and ends with 7. */
const SHOW = `console.log(JSON.stringify(["AZURE_WEBPUBSUB_CONNECTION_STRING", "WebPubSubConnectionString",
  "CLOUDFLARE_INCLUDE_PROCESS_ENV", "NODE_EXTRA_CA_CERTS", "OWN"].map((name) => process.env[name] ?? null))); process.exit(7)`;

function shown(said) {
  return JSON.parse(said.match(/^\[.*\]$/m)[0]);
}

for (const [name, { program, skip }, permissions] of [
  ["Node 20", NODE_20, []],
  ["Node 24", NODE_24, []],
  ["Deno", DENO, ["run", "--no-prompt", "--allow-net=127.0.0.1", "--allow-env", "--allow-run", "--allow-read"]],
  ["Bun", BUN, []],
]) {
  test(`${name}: the command gets the connection string, and its exit code is the result`, { skip }, async () => {
    const { code, said } = await end([NODE, "-e", SHOW], { env: { OWN: "kept" }, program, permissions });
    const [first, second, cloudflare, , own] = shown(said);
    assert.match(first, /^Endpoint=http:\/\/127\.0\.0\.1:\d+;AccessKey=\w+;Version=1\.0;$/, said);
    assert.deepEqual([second, cloudflare, own], [first, "true", "kept"]);
    assert.equal(code, 7);
  });
}

test("the command reaches the emulator, which stops with it, and its lines stay apart", async () => {
  const script = `
    const [, endpoint] = process.env.WebPubSubConnectionString.match(/Endpoint=([^;]+)/);
    const response = await fetch(endpoint + "/api/hubs/chat/:send?api-version=2024-12-01", { method: "POST" });
    console.log(JSON.stringify([endpoint, response.status]));`;
  const { code, said } = await end([NODE, "--input-type=module", "-e", script]);
  const [endpoint, status] = shown(said);
  assert.deepEqual([code, status], [0, 401], said);
  assert.match(said, /^emulator: POST \/api\/hubs\/chat\/:send was answered with 401: /m);
  await assert.rejects(fetch(endpoint));
});

test("options before the two dashes are the emulator's, those after are the command's", async () => {
  const port = await freePort();
  const { said } = await end([NODE, "-e", SHOW, "--", "--port=1"], { options: [`--port=${port}`, "--quiet", `--key=${OWN_KEY}`] });
  assert.equal(shown(said)[0], `Endpoint=http://127.0.0.1:${port};AccessKey=${OWN_KEY};Version=1.0;`);
});

test("with a generated certificate, Node trusts it, and an own NODE_EXTRA_CA_CERTS stays", async () => {
  const file = path.join(folder, "exec-cert.pem");
  const options = ["--tls", `--tls-out=${file}`];
  const { said } = await end([NODE, "-e", SHOW], { options });
  assert.deepEqual([shown(said)[0].slice(0, 16), shown(said)[3]], ["Endpoint=https:/", file]);
  assert.match(await readFile(file, "utf8"), /^-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----\n$/, "no private key");
  const kept = await end([NODE, "-e", SHOW], { options, env: { NODE_EXTRA_CA_CERTS: file } });
  assert.match(kept.said, /^emulator: NODE_EXTRA_CA_CERTS is set already/m);
});

for (const signal of ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT"]) {
  test(`${signal} reaches the command, which decides`, { skip: process.platform === "win32" && "Windows has no signals" }, async () => {
    const script = `process.on("${signal}", () => { console.log("told"); process.exit(3); }); setInterval(() => {}, 1000); console.log("up");`;
    const running = await start([NODE, "-e", script]);
    await running.isUp("up\n");
    running.signal(signal);
    assert.equal(await running.ended, 3);
    assert.match(running.log(), /^told$/m);
  });
}

test("a command that a signal ended gives 128 and its number", { skip: process.platform === "win32" && "Windows has no signals" }, async () => {
  assert.equal((await end([NODE, "-e", "process.kill(process.pid, 'SIGKILL')"])).code, 137);
});

test("an empty command is a misuse", async () => {
  const { code, said } = await end([""]);
  assert.equal(code, 2);
  assert.match(said, /^webpubsub-edge: emulator exec: the command after `--` is empty\.$/m);
});

test("a command that cannot be run gives 127, with its name", async () => {
  const { code, said } = await end(["no-such-program"]);
  assert.equal(code, 127);
  assert.match(said, /^webpubsub-edge: The command no-such-program cannot be run: there is no such program\.$/m);
});

test("Deno without its permissions says which are missing", { skip: DENO.skip }, async () => {
  const permissions = ["run", "--no-prompt", "--allow-net=127.0.0.1"];
  const { code, said } = await end([NODE, "-e", SHOW], { program: DENO.program, permissions });
  assert.equal(code, 1);
  assert.match(said, /add --allow-env and --allow-run\.$/m);
});

test("wrangler passes the connection string on to a Worker, unless a .dev.vars takes precedence, of which it warns", async (t) => {
  const project = path.join(folder, "worker");
  await mkdir(project);
  await writeFile(path.join(project, "wrangler.toml"), 'name = "w"\nmain = "worker.js"\ncompatibility_date = "2026-01-01"\n');
  await writeFile(path.join(project, "worker.js"), "export default { fetch: (_, env) => Response.json(env.WebPubSubConnectionString ?? null) };");
  const ask = async () => {
    const port = await freePort();
    const wrangler = [path.join(root, "node_modules/wrangler/bin/wrangler.js"), "dev", `--port=${port}`, "--ip=127.0.0.1", "--inspector-port=0"];
    const quiet = { WRANGLER_SEND_METRICS: "false", CLOUDFLARE_CF_FETCH_ENABLED: "false", WRANGLER_HIDE_BANNER: "true" };
    const running = await start([NODE, ...wrangler, "--show-interactive-dev-session=false"], { cwd: project, env: quiet });
    t.after(running.stop);
    await running.isUp("Ready on ");
    const answer = await (await fetch(`http://127.0.0.1:${port}`)).json();
    await running.stop();
    return { answer, said: running.log() };
  };
  const without = await ask();
  assert.match(without.answer, /^Endpoint=http:/, without.said);
  assert.ok(!without.said.includes("Warning: wrangler ignores"), without.said);
  await writeFile(path.join(project, ".dev.vars"), "OTHER=1\n");
  const withFile = await ask();
  assert.equal(withFile.answer, null);
  assert.match(withFile.said, /^emulator: Warning: wrangler ignores the environment, .* this folder has a \.dev\.vars\. /m);
});
