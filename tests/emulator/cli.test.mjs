// `webpubsub-edge emulator` as a person runs it, out of the packed package.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import http from "node:http";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { WebPubSubServiceClient } from "@azure/web-pubsub";
import { installPacked } from "../packed.mjs";
import { freePort } from "../ports.mjs";
import { DENO } from "../programs.mjs";
import { connect, JSON_PROTOCOL, open } from "./client.mjs";
import { run } from "./hosts.mjs";

const PUBLIC_KEY = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789ABCDEFGH";
const OWN_KEY = "a key of one's own, which is long enough";

let packed;
before(async () => {
  packed = await installPacked();
});
after(() => packed?.remove());

/** Starts the emulator with further options, on a free port if none of them names one; it is stopped after the test. */
async function start(t, options = [], env = {}) {
  const port = await freePort();
  const main = path.join(packed.folder, "node_modules/webpubsub-edge/dist/cli/main.js");
  const emulator = await run(process.execPath, [main, "emulator", `--port=${port}`, ...options], env);
  t.after(emulator.stop);
  await emulator.isUp();
  return { ...emulator, port, origin: `http://127.0.0.1:${port}` };
}

/** Runs a command to its end. */
async function end(args, env) {
  const main = path.join(packed.folder, "node_modules/webpubsub-edge/dist/cli/main.js");
  const command = await run(process.execPath, [main, ...args], env);
  return { code: await command.ended, said: command.log() };
}

/** Waits until a line is printed: it may come after what it tells of. */
async function printed(log, line) {
  while (!line.test(log())) await sleep(10);
}

function service(origin, key = PUBLIC_KEY) {
  return new WebPubSubServiceClient(`Endpoint=${origin};AccessKey=${key};Version=1.0;`, "chat", { allowInsecureConnection: true });
}

test("the connection string that it prints is all that the official SDK needs", async (t) => {
  const { log, origin } = await start(t);
  const [connectionString] = log().match(/Endpoint=\S+/);
  assert.equal(connectionString, `Endpoint=${origin};AccessKey=${PUBLIC_KEY};Version=1.0;`);
  const official = new WebPubSubServiceClient(connectionString, "chat", { allowInsecureConnection: true });
  const { url } = await official.getClientAccessToken({ userId: "ann" });
  const ann = await connect(url);
  await official.sendToUser("ann", "hello");
  assert.deepEqual(await ann.data(1), ["hello"]);
  await printed(log, /^client [0-9a-f]{32} \(user ann\) connected to the hub chat \(json\.webpubsub\.azure\.v1\)$/m);
  await printed(log, /^sendToUser chat, user ann: 1 connection$/m);
  assert.ok(!log().includes("access_token"), log());
});

for (const signal of ["SIGINT", "SIGTERM"]) {
  test(`${signal} ends it, and clients see the end`, { skip: process.platform === "win32" && "Windows has no signals" }, async (t) => {
    const { signal: send, ended, origin, port } = await start(t);
    const { url } = await service(origin).getClientAccessToken();
    const client = await connect(url);
    send(signal);
    assert.equal(await ended, 0);
    assert.equal((await client.closed).code, 1006);
    const server = createServer().listen(port, "127.0.0.1");
    await once(server, "listening");
    server.close();
  });
}

test("without a port it takes 9770 or the next free one, and says so", async (t) => {
  const main = path.join(packed.folder, "node_modules/webpubsub-edge/dist/cli/main.js");
  const ports = [];
  for (let started = 0; started < 2; started++) {
    const emulator = await run(process.execPath, [main, "emulator"]);
    t.after(emulator.stop);
    await emulator.isUp();
    const port = Number(emulator.log().match(/listens on http:\/\/127\.0\.0\.1:(\d+)/)[1]);
    for (let taken = 9770; taken < port; taken++) {
      assert.match(emulator.log(), new RegExp(`^Port ${taken} is in use, trying ${taken + 1}\\.$`, "m"));
    }
    ports.push(port);
  }
  assert.ok(ports[0] >= 9770 && ports[1] > ports[0], String(ports));
});

test("a port that was asked for and is taken ends it", async () => {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  const { code, said } = await end(["emulator", `--port=${port}`]);
  server.close();
  assert.equal(code, 1);
  assert.match(said, new RegExp(`^webpubsub-edge: Port ${port} of 127.0.0.1 is in use: `));
});

for (const [from, options, env] of [
  ["--key", [`--key=${OWN_KEY}`], {}],
  ["WEBPUBSUB_EMULATOR_KEY", [], { WEBPUBSUB_EMULATOR_KEY: OWN_KEY }],
]) {
  test(`a key from ${from} counts, and is not printed`, async (t) => {
    const { log, origin } = await start(t, options, env);
    assert.ok(log().includes(`AccessKey=<the key of ${from}>`), log());
    assert.ok(!log().includes(OWN_KEY) && !log().includes(PUBLIC_KEY), log());
    await service(origin, OWN_KEY).sendToAll(1);
    await assert.rejects(service(origin).sendToAll(1), (error) => error.statusCode === 401);
  });
}

test("a file sets hubs up", async (t) => {
  const file = path.join(packed.folder, "hubs.json");
  await writeFile(file, '{ "open": { "anonymousConnectPolicy": "allow" } }');
  const { origin } = await start(t, ["--hubs", file]);
  const url = (hub) => `${origin.replace("http", "ws")}/client/hubs/${hub}`;
  assert.equal((await connect(url("open"))).connected.userId, null);
  await assert.rejects(open(url("closed"), JSON_PROTOCOL));

  for (const [text, problem] of [
    ["{", /^webpubsub-edge: The file of --hubs is no JSON: /],
    ["[]", /^webpubsub-edge: The file of --hubs must hold an object/],
    ['{ "chat": { "messages": 1 } }', /^webpubsub-edge: --hubs FILE: hub "chat" has no option "messages"\. Its options are /],
    ['{ "chat": [] }', /^webpubsub-edge: --hubs FILE: the settings of hub "chat" must be an object, not an array/],
    ['{ "chat": {}, "CHAT": {} }', /^webpubsub-edge: --hubs FILE: hub "CHAT" appears twice/],
    ['{ "a b": {} }', /^webpubsub-edge: --hubs FILE: /],
    ['{ "chat": { "webSocketKeepAliveIntervalInSeconds": 121 } }', /webSocketKeepAliveIntervalInSeconds must be a whole number from 1 to 120/],
  ]) {
    await writeFile(file, text);
    const { code, said } = await end(["emulator", "--hubs", file]);
    assert.equal(code, 2, said);
    assert.match(said, problem);
  }
  await writeFile(file, '\ufeff{ "open": {} }');
  await start(t, ["--hubs", file]);
  assert.match((await end(["emulator", "--hubs", `${file}.absent`])).said, /^webpubsub-edge: The file of --hubs cannot be read: /);
});

test("a page elsewhere gets in when it is named", async (t) => {
  const { origin, port } = await start(t, ["--allow-origin", "http://localhost:5173", "--allow-origin=https://app.example"]);
  const status = async (origin) => {
    const headers = { host: `127.0.0.1:${port}`, origin };
    const request = http.request({ host: "127.0.0.1", port, method: "HEAD", path: "/api/health?api-version=2024-12-01", headers });
    request.end();
    const [response] = await once(request, "response");
    response.resume();
    return response.statusCode;
  };
  assert.deepEqual(await Promise.all(["http://localhost:5173", "https://app.example", "http://localhost:5174", origin].map(status)), [200, 200, 200, 200]);
  assert.equal(await status("https://evil.example"), 403);
});

test("--tls writes the certificate to trust into the current folder, and says how to trust it", async (t) => {
  const folder = await mkdtemp(path.join(tmpdir(), "webpubsub-edge-tls-"));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const main = path.join(packed.folder, "node_modules/webpubsub-edge/dist/cli/main.js");
  const emulator = await run(process.execPath, [main, "emulator", `--port=${await freePort()}`, "--tls"], {}, folder);
  t.after(emulator.stop);
  await emulator.isUp();
  const file = path.join(folder, "webpubsub-emulator-cert.pem");
  assert.deepEqual(await readdir(folder), ["webpubsub-emulator-cert.pem"]);
  assert.match(await readFile(file, "utf8"), /^-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----\n$/, "no private key");
  for (const line of [`NODE_EXTRA_CA_CERTS=${file}`, `REQUESTS_CA_BUNDLE=${file}`, `--cacert "${file}"`, "Endpoint=https://127.0.0.1:"]) {
    assert.ok(emulator.log().includes(line), emulator.log());
  }
  assert.ok(!emulator.log().includes("allowInsecureConnection"), emulator.log());
});

test("a certificate that cannot be written ends it", async () => {
  const { code, said } = await end(["emulator", "--port=0", "--tls", "--tls-out=absent/cert.pem"]);
  assert.equal(code, 1);
  assert.match(said, /^webpubsub-edge: The certificate cannot be written: .* Name another file with --tls-out\.$/m);
});

test("the text at the start names the pages that may connect, and with a host how to use /_emulator", async (t) => {
  const { log } = await start(t);
  assert.match(log(), /^Pages of this machine may connect from any port; --allow-origin allows other pages\./m);
  const exposed = await start(t, ["--host=0.0.0.0", `--key=${OWN_KEY}`]);
  const look = (headers) => fetch(`${exposed.origin}/_emulator?hub=chat`, { headers }).then(({ status }) => status);
  assert.ok(exposed.log().includes('-H "Authorization: Bearer <the key of --key>"'), exposed.log());
  assert.deepEqual([await look({}), await look({ authorization: `Bearer ${OWN_KEY}` })], [401, 200]);
});

test("it goes on when nobody reads what it prints any more", async (t) => {
  const emulator = await start(t);
  emulator.closeOutput();
  for (let sent = 0; sent < 20; sent++) {
    await assert.rejects(service(emulator.origin, OWN_KEY).sendToAll(1), (error) => error.statusCode === 401);
  }
  await service(emulator.origin).sendToAll(1);
});

test("Deno without the right to read the environment says so", { skip: DENO.skip }, async (t) => {
  const main = path.join(packed.folder, "node_modules/webpubsub-edge/dist/cli/main.js");
  const port = await freePort();
  const env = { WEBPUBSUB_EMULATOR_KEY: OWN_KEY };
  const emulator = await run(DENO.program, ["run", "--no-prompt", "--allow-net=127.0.0.1", main, "emulator", `--port=${port}`], env);
  t.after(emulator.stop);
  await emulator.isUp();
  assert.match(emulator.log(), /^Note: the environment cannot be read, so WEBPUBSUB_EMULATOR_KEY does not count if it is set \(Deno: --allow-env\)\.$/m);
});

test("an event fails with advice for who started the command", async (t) => {
  const { log, origin } = await start(t, ["--max-retained-bytes=1048576"]);
  const { url } = await service(origin).getClientAccessToken({ userId: "ann" });
  const ann = await connect(url);
  const { ack } = await ann.exchange({ type: "event", event: "save", dataType: "text", data: "secret" });
  const advice = /The command `webpubsub-edge emulator` does not answer events\./;
  assert.match(ack.error.message, advice);
  await printed(log, /^client [0-9a-f]{32} \(user ann\): the hub chat has no event handler for the event 'save'\. /m);
  assert.match(log(), advice);
  assert.ok(!log().includes("secret"), log());
});

test("quiet is quiet", async (t) => {
  const { log, origin } = await start(t, ["--quiet"]);
  const before = log();
  const { url } = await service(origin).getClientAccessToken();
  (await connect(url)).close();
  await assert.rejects(service(origin, OWN_KEY).sendToAll(1));
  assert.equal(log(), before);
});

test("what cannot be understood is refused, with a way on", async () => {
  for (const [args, said] of [
    [["emulator", "--porrt=1"], /^webpubsub-edge: Unknown option '--porrt'\. `webpubsub-edge emulator --help` lists the options\.\n$/],
    [["emulator", "chat"], /^webpubsub-edge: Unexpected argument 'chat'/],
    [["emulator", "--port"], /^webpubsub-edge: Option '--port <value>' argument missing/],
    [["emulator", "--port=http"], /^webpubsub-edge: --port must be a number from 0 to 65535, not http\.\n$/],
    [["emulator", "--port=5", "--port=6"], /^webpubsub-edge: --port is there twice\.\n$/],
    [["emulator", "--port=0", "--key=short"], /^webpubsub-edge: --key must have at least 32 bytes/],
    [["emulator", "--port=0", "--allow-origin=x"], /^webpubsub-edge: --allow-origin must hold origins such as /],
    [["emulator", "--port=0", "--max-retained-bytes=much"], /^webpubsub-edge: --max-retained-bytes must be a whole number, not much\.\n$/],
    [["emulator", "--port=0", "--max-retained-bytes=1"], /^webpubsub-edge: --max-retained-bytes must be a whole number from 1048576 to 2147483648, not 1\.\n$/],
    [["emulator", "--port=0", "--host=0.0.0.0"], /^webpubsub-edge: --host needs a key of your own, .*: set --key or WEBPUBSUB_EMULATOR_KEY to at least 32 bytes\.\n$/],
    [["emulator", "--port=0", `--key=${PUBLIC_KEY}`, "--public-url=https://emulator.example"], /^webpubsub-edge: --public-url needs a key of your own/],
    [["emulator", "--port=0", `--key=${OWN_KEY}`, "--public-url=https://emulator.example/hubs"], /^webpubsub-edge: --public-url must be an http or https URL/],
    [["emulator", "--tls-cert=cert.pem"], /^webpubsub-edge: --tls-cert and --tls-key belong together/],
    [["emulator", "--tls-out=cert.pem"], /^webpubsub-edge: --tls-out is for a generated certificate/],
    [["emulator", "--tls-cert=absent.pem", "--tls-key=absent.pem"], /^webpubsub-edge: The file of --tls-cert cannot be read: /],
    [["emulator", "exec", "npm", "start"], /^webpubsub-edge: emulator exec needs a command after `--`, for example: /],
    [["emulator", "exec", "--"], /^webpubsub-edge: emulator exec needs a command after `--`/],
    [["emulator", "exec", "--porrt=1", "--", "true"], /^webpubsub-edge: Unknown option '--porrt'\. `webpubsub-edge emulator exec --help` lists the options\.\n$/],
    [["emulate"], /^webpubsub-edge: There is no command emulate\. /],
  ]) {
    const ended = await end(args);
    assert.match(ended.said, said);
    assert.equal(ended.code, 2, args.join(" "));
  }
  const empty = await end(["emulator", "--port=0"], { WEBPUBSUB_EMULATOR_KEY: "" });
  assert.match(empty.said, /^webpubsub-edge: WEBPUBSUB_EMULATOR_KEY is set, but empty/);
  const short = await end(["emulator", "--port=0"], { WEBPUBSUB_EMULATOR_KEY: "short" });
  assert.match(short.said, /^webpubsub-edge: WEBPUBSUB_EMULATOR_KEY must have at least 32 bytes/);
  assert.deepEqual([empty.code, short.code], [2, 2]);
});

test("npx finds the command, its help and its version", async () => {
  const npx = async (...args) => {
    const { stdout } = await promisify(execFile)("npx", ["--no-install", "webpubsub-edge", ...args], { cwd: packed.folder });
    return stdout;
  };
  assert.equal(await npx("--version"), "0.1.0\n");
  assert.match(await npx(), /webpubsub-edge emulator /);
  const help = await npx("emulator", "--help");
  for (const option of ["--port", "--host", "--public-url", "--tls", "--tls-cert", "--tls-key", "--tls-out", "--key", "--hubs", "--allow-origin", "--allow-unvalidated-entra-tokens", "--max-retained-bytes", "--quiet"]) {
    assert.ok(help.includes(`  ${option} `) || help.includes(`  ${option}\n`), option);
  }
});
