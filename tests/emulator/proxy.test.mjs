// The command behind a TLS proxy (`--public-url`), and with TLS of its own: the official SDK with an access key, and with
// a credential of Entra ID, whose tokens it sends over https only.

import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import http from "node:http";
import https from "node:https";
import { connect as connectTcp } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { WebPubSubServiceClient } from "@azure/web-pubsub";
import { SignJWT } from "jose";
import WebSocket from "ws";
import { root } from "../harness.mjs";
import { queue } from "../peers/queue.mjs";
import { freePort } from "../ports.mjs";
import { CERTIFICATE } from "./certificate.mjs";
import { run } from "./hosts.mjs";

const MAIN = path.join(root, "pkg/dist/cli/main.js");
const OWN_KEY = "a key of one's own, which is long enough";

/** A token such as Entra ID issues, but for the signature. */
const credential = {
  getToken: async () => {
    const token = new SignJWT({ aud: "https://webpubsub.azure.com" }).setProtectedHeader({ alg: "HS256", typ: "JWT", kid: "k" }).setExpirationTime("1h");
    const [, payload, signature] = (await token.sign(new Uint8Array(32))).split(".");
    const header = Buffer.from(JSON.stringify({ alg: "RS256", typ: "JWT", kid: "k" })).toString("base64url");
    return { token: `${header}.${payload}.${signature}`, expiresOnTimestamp: Date.now() + 3_600_000 };
  },
};

let folder;
before(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "webpubsub-edge-tls-"));
});
after(() => rm(folder, { recursive: true, force: true }));

describe("behind a TLS proxy that passes its own Host on", () => {
  suite(async (t) => {
    const [port, proxyPort] = [await freePort(), await freePort()];
    const origin = `https://localhost:${proxyPort}`;
    await command(t, port, [`--public-url=${origin}`]);
    await proxy(t, proxyPort, port, `127.0.0.1:${port}`);
    return { origin, ca: CERTIFICATE.cert };
  });
});

describe("behind a TLS proxy that keeps the Host", () => {
  suite(async (t) => {
    const [port, proxyPort] = [await freePort(), await freePort()];
    const origin = `https://localhost:${proxyPort}`;
    await command(t, port, [`--public-url=${origin}`]);
    await proxy(t, proxyPort, port, undefined);
    return { origin, ca: CERTIFICATE.cert };
  });
});

describe("with a generated certificate, on every address", () => {
  suite(async (t) => {
    const port = await freePort();
    const file = path.join(folder, `cert-${port}.pem`);
    await command(t, port, ["--host=0.0.0.0", "--tls", `--tls-out=${file}`]);
    return { origin: `https://127.0.0.1:${port}`, ca: await readFile(file, "utf8") };
  });
});

describe("with a certificate of one's own", () => {
  suite(async (t) => {
    const port = await freePort();
    const [cert, key] = ["cert.pem", "key.pem"].map((name) => path.join(folder, name));
    await Promise.all([writeFile(cert, CERTIFICATE.cert), writeFile(key, CERTIFICATE.key)]);
    await command(t, port, [`--tls-cert=${cert}`, `--tls-key=${key}`]);
    return { origin: `https://127.0.0.1:${port}`, ca: CERTIFICATE.cert };
  });
});

/** `start` gives where the emulator is reached, and the certificate to trust. */
function suite(start) {
  for (const [name, clientOf] of [
    ["an access key", ({ origin, ca }) => new WebPubSubServiceClient(`Endpoint=${origin};AccessKey=${OWN_KEY};Version=1.0;`, "chat", { tlsOptions: { ca } })],
    ["a credential of Entra ID", ({ origin, ca }) => new WebPubSubServiceClient(origin, credential, "chat", { tlsOptions: { ca } })],
  ]) {
    test(`the official SDK with ${name} issues client URLs, sends, and lists by page`, async (t) => {
      const place = await start(t);
      const service = clientOf(place);
      const clients = [];
      for (const userId of ["ann", "ben", "cem"]) {
        const { url } = await service.getClientAccessToken({ userId, groups: ["g"] });
        assert.ok(url.startsWith(`${place.origin.replace("https:", "wss:")}/client/hubs/chat?access_token=`), url);
        clients.push(await connect(t, url, place.ca));
      }
      await service.sendToAll({ n: 1 });
      for (const { frames } of clients) assert.deepEqual((await frames.take(1))[0].data, { n: 1 });
      const users = [];
      for await (const page of (await service.group("g").listConnections({ maxPageSize: 1 })).byPage()) {
        users.push(...page.map(({ userId }) => userId));
      }
      assert.deepEqual(users.sort(), ["ann", "ben", "cem"]);
    });
  }
}

/** Starts the command with a key of its own. */
async function command(t, port, options) {
  const args = [MAIN, "emulator", `--port=${port}`, "--allow-unvalidated-entra-tokens", ...options];
  const emulator = await run(process.execPath, args, { WEBPUBSUB_EMULATOR_KEY: OWN_KEY });
  t.after(emulator.stop);
  await emulator.isUp();
  assert.ok(!emulator.log().includes(OWN_KEY), emulator.log());
}

/** Forwards https and wss to a port of http, with this `Host` or with the one that was asked. */
async function proxy(t, port, target, host) {
  const headersOf = (request) => ({ ...request.headers, ...(host && { host }) });
  const server = https.createServer({ cert: CERTIFICATE.cert, key: CERTIFICATE.key }, (request, response) => {
    const { method, url } = request;
    const forwarded = http.request({ host: "127.0.0.1", port: target, method, path: url, headers: headersOf(request) }, (answer) => {
      response.writeHead(answer.statusCode, answer.rawHeaders);
      answer.pipe(response);
    });
    request.pipe(forwarded);
  });
  server.on("upgrade", (request, client) => {
    const upstream = connectTcp(target, "127.0.0.1");
    const headers = Object.entries(headersOf(request)).map(([name, value]) => `${name}: ${value}`);
    upstream.write([`GET ${request.url} HTTP/1.1`, ...headers, "", ""].join("\r\n"));
    for (const [from, to] of [[client, upstream], [upstream, client]]) {
      from.on("error", () => to.destroy());
      from.pipe(to);
    }
  });
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
}

async function connect(t, url, ca) {
  const socket = new WebSocket(url, "json.webpubsub.azure.v1", { ca });
  t.after(() => socket.terminate());
  const frames = queue();
  socket.on("message", (data) => frames.push(JSON.parse(data)));
  await once(socket, "open");
  await frames.take(1);
  return { frames };
}
