// What `startEmulator` promises, in every runtime: `[name, run]` each. `lib` is webpubsub-edge/emulator, `Service` the
// service client of the package.

import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { once } from "node:events";
import http from "node:http";
import https from "node:https";
import { connect as connectTcp, createServer } from "node:net";
import process from "node:process";
import { connect as connectTls } from "node:tls";
import { CERTIFICATE } from "./certificate.mjs";
import { connect, JSON_PROTOCOL, open, recoveryUrl, RELIABLE } from "./client.mjs";

const OWN_KEY = "a key of one's own, which is long enough";
const MIB = 1024 * 1024;

export function apiSuite({ startEmulator, EMULATOR_ACCESS_KEY }, Service) {
  /** Runs with an emulator, which is stopped in the end. */
  const withEmulator = (options, use) => async () => {
    const emulator = await startEmulator(options);
    try {
      await use(emulator, (hub) => new Service(emulator.connectionString, hub));
    } finally {
      await emulator.stop();
    }
  };
  const refusal = (promise) => promise.then(() => assert.fail("this should be refused"), (error) => error);

  return [
    ["a server's message reaches a client", withEmulator({}, async (emulator, service) => {
      const { connectionString, endpoint } = emulator;
      assert.match(endpoint, /^http:\/\/127\.0\.0\.1:\d+$/);
      assert.equal(connectionString, `Endpoint=${endpoint};AccessKey=${EMULATOR_ACCESS_KEY};Version=1.0;`);
      const ann = await connect(emulator.clientUrl("chat", { userId: "ann" }));
      assert.equal(ann.connected.userId, "ann");
      await service("chat").sendToUser("ann", { n: 1 });
      assert.deepEqual(await ann.data(1), [{ n: 1 }]);
    })],

    ["many run side by side and do not see each other", async () => {
      const emulators = await Promise.all(Array.from({ length: 20 }, () => startEmulator()));
      assert.equal(new Set(emulators.map(({ endpoint }) => endpoint)).size, 20);
      const [first, second] = emulators;
      const client = await connect(first.clientUrl("chat", { userId: "ann" }));
      assert.equal(first.inspect("chat").connections.length, 1);
      assert.equal(second.inspect("chat").connections.length, 0);
      await Promise.all(emulators.slice(1).map((emulator) => emulator.stop()));
      await new Service(first.connectionString, "chat").sendToAll("still here");
      assert.deepEqual(await client.data(1), ["still here"]);
      await first.stop();
    }],

    ["a taken port is named, with what to do", async () => {
      const server = createServer().listen(0, "127.0.0.1");
      await once(server, "listening");
      const { port } = server.address();
      const error = await refusal(startEmulator({ port }));
      assert.equal(error.code, "EADDRINUSE");
      assert.match(error.message, new RegExp(`^Port ${port} of 127.0.0.1 is in use: .* a free one.$`));
      server.close();
      await once(server, "close");
      const emulator = await startEmulator({ port });
      assert.equal(emulator.endpoint, `http://127.0.0.1:${port}`);
      await emulator.stop();
    }],

    ["an option that cannot be used is refused by name", async () => {
      for (const [name, options] of [
        ["host needs a key of your own", { host: "0.0.0.0" }],
        ["host needs a key of your own", { host: "0.0.0.0", key: EMULATOR_ACCESS_KEY }],
        ["publicUrl needs a key of your own", { publicUrl: "https://emulator.example" }],
        ["host", { host: "a:1", key: OWN_KEY }],
        ["host", { host: 1, key: OWN_KEY }],
        ["host", { host: "", key: OWN_KEY }],
        ...["0", "127.1", "0x7f000001", "2130706433", "::1%lo"].map((host) => ["host", { host, key: OWN_KEY }]),
        ["publicUrl", { publicUrl: "https://emulator.example/path", key: OWN_KEY }],
        ["publicUrl", { publicUrl: "https://too short@emulator.example", key: OWN_KEY }],
        ["publicUrl", { publicUrl: "wss://emulator.example", key: OWN_KEY }],
        ["publicUrl", { publicUrl: "emulator.example", key: OWN_KEY }],
        ["tls must be", { tls: "yes" }],
        ["tls: key must be PEM", { tls: { cert: "too short" } }],
        ["tls: cert must be a certificate as PEM", { tls: { cert: "too short", key: CERTIFICATE.key } }],
        ["tls: key must be a private key as PEM", { tls: { cert: CERTIFICATE.cert, key: "too short" } }],
        ["tls: key is not the private key", { tls: { cert: CERTIFICATE.cert, key: generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey.export({ type: "pkcs8", format: "pem" }) } }],
        ["port", { port: "80" }],
        ["port", { port: 65_536 }],
        ["port", { port: 1.5 }],
        ["key", { key: "too short" }],
        ["key", { key: 1 }],
        ["now", { now: 0 }],
        ["allowedOrigins", { allowedOrigins: "http://localhost:1" }],
        ["allowedOrigins", { allowedOrigins: ["null"] }],
        ["hubs", { hubs: { "no hub": {} } }],
        ["hubs", { hubs: null }],
        ["hubs", { hubs: [] }],
        ["hubs", { hubs: { chat: [] } }],
        ["appears twice", { hubs: { chat: {}, CHAT: {} } }],
        ["webSocketKeepAliveIntervalInSeconds", { hubs: { chat: { webSocketKeepAliveIntervalInSeconds: Number.NaN } } }],
        ["webSocketKeepAliveIntervalInSeconds", { hubs: { chat: { webSocketKeepAliveIntervalInSeconds: "5" } } }],
        ["anonymousConnectPolicy", { hubs: { chat: { anonymousConnectPolicy: "maybe" } } }],
        ["now", { now: () => Number.NaN }],
        ["allowedOrigins must be an array", { allowedOrigins: "http://localhost:5173" }],
        ["allowedOrigins must be an array", { allowedOrigins: [1] }],
        ["webSocketKeepAliveIntervalInSeconds", { hubs: { chat: { webSocketKeepAliveIntervalInSeconds: 0 } } }],
        ["maxRetainedBytes must be a whole number from 1048576 to 2147483648", { maxRetainedBytes: 2 ** 20 - 1 }],
        ["maxRetainedBytes", { maxRetainedBytes: Number.NaN }],
        ["maxRetainedBytes", { maxRetainedBytes: "1" }],
        ["allowUnvalidatedEntraTokens", { allowUnvalidatedEntraTokens: "yes" }],
        ["logger", { logger: {} }],
      ]) {
        const error = await refusal(startEmulator(options));
        assert.ok(error instanceof TypeError, `${name}: ${error}`);
        assert.equal(error.code, "ERR_ARGUMENT_TYPE");
        assert.ok(error.message.includes(name), `${name}: ${error.message}`);
        assert.ok(!error.message.includes("too short"), "no key is shown");
      }
      // Undefined is the same as absent.
      await (await startEmulator({ port: undefined, key: undefined, hubs: { chat: { anonymousConnectPolicy: undefined } } })).stop();
    }],

    ["an option that does not exist is refused by name, nested options too", async () => {
      for (const [message, options] of [
        ['startEmulator has no option "porrt". Its options are port, host, ', { porrt: 1 }],
        ['startEmulator has no option "allowedorigins". Did you mean "allowedOrigins"?', { allowedorigins: [] }],
        ['hubs: hub "chat" has no option "anonymousConectPolicy". Its options are ', { hubs: { chat: { anonymousConectPolicy: "allow" } } }],
        ['tls has no option "ca". Its options are cert, key.', { tls: { ca: "" } }],
      ]) {
        const error = await refusal(startEmulator(options));
        assert.ok(error instanceof TypeError && error.message.startsWith(message), String(error));
        assert.equal(error.code, "ERR_OPTION");
      }
    }],

    ["a key of one's own takes the place of the public one", withEmulator({ key: OWN_KEY }, async (emulator, service) => {
      await service("chat").sendToAll(1);
      const stranger = new Service(`Endpoint=${emulator.endpoint};AccessKey=${EMULATOR_ACCESS_KEY}`, "chat");
      assert.equal((await refusal(stranger.sendToAll(1))).statusCode, 401);
      const { url } = stranger.getClientAccessTokenSync();
      await assert.rejects(open(url, JSON_PROTOCOL));
    })],

    ["a lost client can come back for 30 seconds of a fake clock", withEmulator({ now: () => 1_750_000_000_000 }, async (emulator, service) => {
      const url = emulator.clientUrl("chat", { userId: "ann" });
      const cut = async () => {
        const client = await connect(url, RELIABLE);
        emulator.faults.inject({ type: "cut", connectionId: client.connectionId });
        assert.notEqual((await client.closed).code, 1000);
        return recoveryUrl(url, client.connected);
      };
      const early = await cut();
      await service("chat").sendToUser("ann", "meanwhile");
      await emulator.clock.advance(29_000);
      const back = await open(early, RELIABLE);
      assert.equal((await back.frames.take(1))[0].data, "meanwhile");
      back.close();

      const late = await cut();
      await emulator.clock.advance(31_000);
      assert.equal((await (await open(late, RELIABLE)).closed).code, 1008);
      assert.equal(emulator.clock.now(), 1_750_000_060_000);
      await assert.rejects(emulator.clock.advance(-1), RangeError);
    })],

    ["a URL expires by the emulator's clock", withEmulator({ now: () => 1_750_000_000_000 }, async (emulator) => {
      const url = emulator.clientUrl("chat", { expirationTimeInMinutes: 1 });
      (await connect(url)).close();
      // A minute, and the five that clocks may differ.
      await emulator.clock.advance(361_000);
      await assert.rejects(open(url, JSON_PROTOCOL));
    })],

    ["time can be advanced past many pings: who answers stays", withEmulator({}, async (emulator, service) => {
      const client = await connect(emulator.clientUrl("chat", { userId: "ann" }));
      const before = emulator.clock.now();
      await emulator.clock.advance(200_000);
      assert.ok(emulator.clock.now() >= before + 200_000);
      await service("chat").sendToUser("ann", "there");
      assert.deepEqual(await client.data(1), ["there"]);
    })],

    ["who answers no ping is dropped", withEmulator({ hubs: { quick: { webSocketKeepAliveIntervalInSeconds: 5 } } }, async (emulator) => {
      const sockets = [await openSilently(emulator.clientUrl("chat")), await openSilently(emulator.clientUrl("quick"))];
      const left = (hub) => emulator.inspect(hub).connections.length;
      assert.deepEqual([left("chat"), left("quick")], [1, 1]);
      await emulator.clock.advance(11_000);
      assert.deepEqual([left("chat"), left("quick")], [1, 0]);
      await emulator.clock.advance(34_000);
      assert.deepEqual([left("chat"), left("quick")], [0, 0]);
      for (const socket of sockets) socket.destroy();
    })],

    ["who does not read is given up, and the others get everything", withEmulator({}, async (emulator, service) => {
      const stalled = await openSilently(emulator.clientUrl("chat"));
      stalled.pause();
      const reader = await connect(emulator.clientUrl("chat"));
      const message = "x".repeat(MIB - 1000);
      let sent = 0;
      // The system takes some, the emulator 16 MiB.
      while (emulator.inspect("chat").connections.length === 2 && sent < 64) {
        await service("chat").sendToAll(message, { contentType: "text/plain" });
        sent++;
      }
      assert.ok(sent >= 16 && sent < 64, `${sent} MiB`);
      assert.ok((await reader.data(sent)).every((data) => data === message));
      stalled.destroy();
    })],

    ["stop ends what clients keep open: refused upgrades, and closes that nobody answers", async () => {
      const emulator = await startEmulator();
      const refused = await openSilently(`${emulator.endpoint}/client/hubs/chat`, { answer: /^HTTP\/1\.1 401 / });
      const closed = await openSilently(emulator.clientUrl("chat"));
      const gone = [refused, closed].map((socket) => once(socket, "close"));
      await new Service(emulator.connectionString, "chat").closeAllConnections();
      await emulator.stop();
      // Each is told of the end, and then ends its own side.
      for (const socket of [refused, closed]) socket.end();
      await Promise.all(gone);
    }],

    ["a client cannot keep a refused upgrade open", withEmulator({}, async (emulator) => {
      const refused = await openSilently(`${emulator.endpoint}/client/hubs/chat`, { answer: /^HTTP\/1\.1 401 / });
      // It writes until the other side is gone, which it is told as an error.
      const gone = new Promise((resolve) => refused.on("close", resolve));
      const writing = setInterval(() => refused.write("x"), 50);
      await gone;
      clearInterval(writing);
    })],

    ["a bad handshake with a good token leaves no connection", withEmulator({}, async (emulator) => {
      const socket = await openSilently(emulator.clientUrl("chat"), { answer: /^HTTP\/1\.1 400 /, headers: `Sec-WebSocket-Protocol: ${RELIABLE}`, key: "x" });
      assert.deepEqual(emulator.inspect("chat").connections, []);
      socket.destroy();
    })],

    ["an offer of HTTP/2 is ignored, or refused where the runtime knows nothing else", withEmulator({}, async (emulator) => {
      const { hostname, port, host } = new URL(emulator.endpoint);
      const socket = connectTcp(port, hostname);
      const body = JSON.stringify({ type: "pauseAcks" });
      const offer = "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA";
      socket.write(`POST /_emulator/faults?hub=chat HTTP/1.1\r\nHost: ${host}\r\n${offer}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n`);
      socket.write(body);
      const [answer] = await once(socket, "data");
      const isNode = process.versions.bun === undefined && process.versions.deno === undefined;
      assert.match(String(answer), isNode ? /^HTTP\/1\.1 200 / : /^HTTP\/1\.1 400 [^]*leave the header Upgrade out/);
      assert.equal(emulator.faults.list().length, isNode ? 1 : 0);
      socket.destroy();
    })],

    ...[["http", {}], ["https", { tls: true }]].map(([scheme, options]) => [`${scheme}: pipelined offers of HTTP/2 are answered in order, and leave no listeners behind`, withEmulator(options, async (emulator) => {
      if (process.versions.bun !== undefined || process.versions.deno !== undefined) return;
      const warnings = [];
      const warn = (warning) => warnings.push(String(warning));
      process.on("warning", warn);
      const { hostname, port, host } = new URL(emulator.endpoint);
      const socket = scheme === "https" ? connectTls({ host: hostname, port, ca: emulator.certificate }) : connectTcp(port, hostname);
      let received = "";
      let heard = () => {};
      socket.setEncoding("utf8").on("data", (text) => (received += text, heard()));
      const closed = once(socket, "close").then(() => assert.fail(`the socket closed after:\n${received}`));
      const answers = async (count) => {
        while (received.split("HTTP/1.1 200 ").length <= count) {
          await Promise.race([closed, new Promise((resolve) => (heard = resolve))]);
        }
      };
      const offer = "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA";
      const request = (id) => {
        const body = JSON.stringify({ type: "pauseAcks", userId: `user${id}` });
        return `POST /_emulator/faults?hub=chat HTTP/1.1\r\nHost: ${host}\r\n${offer}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
      };
      const ids = Array.from({ length: 20 }, (_, index) => index);
      socket.write(ids.map(request).join(""));
      await answers(20);
      // The connection is still good, for a request without an offer too.
      socket.write(`GET /_emulator?hub=chat HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
      await answers(21);
      assert.deepEqual(emulator.faults.list().map(({ userId }) => userId), ids.map((id) => `user${id}`));
      await new Promise((resolve) => setImmediate(resolve));
      process.off("warning", warn);
      assert.deepEqual(warnings, []);
      closed.catch(() => {});
      socket.destroy();
    })]),

    ["40 reliable clients that acknowledge nothing do not exceed a small budget", async () => {
      const lines = [];
      const options = { maxRetainedBytes: 16 * MIB, logger: (line) => lines.push(line) };
      await withEmulator(options, async (emulator, service) => {
        const clients = await Promise.all(Array.from({ length: 40 }, (_, index) => connect(emulator.clientUrl("chat", { userId: `user${index}` }), RELIABLE)));
        const ends = [];
        for (const client of clients) client.closed.then((end) => ends.push(end));
        for (const [index] of clients.entries()) {
          for (let sent = 0; sent < 2; sent++) {
            await service("chat").sendToUser(`user${index}`, "x".repeat(MIB - 1000), { contentType: "text/plain" });
          }
        }
        const left = emulator.inspect("chat").connections;
        assert.ok(left.length > 0 && left.length <= 8, `${left.length} connections are left of 40`);
        // The last one that was sent to has its messages, and the emulator serves on.
        assert.ok(left.some(({ userId }) => userId === "user39"));
        assert.deepEqual((await clients[39].data(2)).map((text) => text.length), [MIB - 1000, MIB - 1000]);
        await service("chat").sendToUser("user39", "still here", { contentType: "text/plain" });
        assert.deepEqual(await clients[39].data(1), ["still here"]);
        await clients[0].closed;
        assert.deepEqual([...new Set(ends.map(({ code, reason }) => `${code} ${reason}`))], ["1008 The reliable message buffer is full."]);
      })();
      assert.ok(lines.some((line) => line.startsWith("The emulator retains ")), lines.join("\n"));
      assert.ok(lines.some((line) => / \(user user0\) was closed: 1008 The reliable message buffer is full\.$/.test(line)), lines.join("\n"));
    }],

    ["the clock and the hubs are there over HTTP, for other languages", withEmulator({ now: () => 1_750_000_000_000 }, async (emulator) => {
      const ask = async (path, body) => {
        const init = body && { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) };
        const response = await fetch(emulator.endpoint + path, init);
        return [response.status, await response.json()];
      };
      assert.deepEqual(await ask("/_emulator/clock"), [200, { now: 1_750_000_000_000 }]);
      assert.deepEqual(await ask("/_emulator"), [200, { hubs: [] }]);
      const url = emulator.clientUrl("chat");
      const client = await connect(url, RELIABLE);
      assert.deepEqual(await ask("/_emulator"), [200, { hubs: [{ hub: "chat", connections: 1, groups: 0 }] }]);
      emulator.faults.inject({ type: "cut" });
      await client.closed;
      const both = await Promise.all([ask("/_emulator/clock", { advanceMs: 20_000 }), ask("/_emulator/clock", { advanceMs: 20_000 })]);
      assert.deepEqual(both.map(([status]) => status), [200, 200]);
      assert.equal(emulator.clock.now(), 1_750_000_040_000, "one after the other");
      assert.deepEqual(emulator.inspect("chat").connections, [], "its 30 seconds are over");
      assert.equal((await ask("/_emulator/clock", { advanceMs: 1e12 }))[0], 400);
    })],

    ["the log names users, connections and the receivers of REST calls, and no content", async () => {
      const lines = [];
      await withEmulator({ logger: (line) => lines.push(line) }, async (emulator, service) => {
        const client = await connect(emulator.clientUrl("chat", { userId: "ann" }));
        await service("chat").sendToAll("secret", { contentType: "text/plain" });
        await service("chat").sendToUser("bob", "secret", { contentType: "text/plain" });
        await service("chat").group("g").sendToAll("secret", { contentType: "text/plain" });
        client.close();
        await client.closed;
        while (!lines.some((line) => line.includes("is gone"))) await new Promise((resolve) => setImmediate(resolve));
        const who = `client ${client.connectionId} (user ann)`;
        assert.deepEqual(lines, [
          `${who} connected to the hub chat (${JSON_PROTOCOL})`,
          "sendToAll chat: 1 connection",
          "sendToUser chat, user bob: 0 connections",
          "sendToGroup chat, group g: 0 connections",
          `${who} is gone (1000)`,
        ]);
      })();
    }],

    ["lines of the log hold no control character", async () => {
      const lines = [];
      await withEmulator({ logger: (line) => lines.push(line) }, async (emulator, service) => {
        const client = await connect(emulator.clientUrl("chat"));
        await service("chat").closeAllConnections({ reason: "\u001b[31mred\u001b[0m\nclient 99 connected" });
        await client.closed;
      })();
      assert.ok(lines.some((line) => line.endsWith("\\u{1b}[31mred\\u{1b}[0m\\u{a}client 99 connected")), lines.join("\n"));
      assert.ok(!/[\p{Cc}]/u.test(lines.join("")));
    }],

    ["a page of another local port may connect and call REST, but not /_emulator, without configuration", withEmulator({}, async (emulator) => {
      const { port, host, pathname, search } = new URL(emulator.clientUrl("chat"));
      for (const origin of ["http://localhost:5173", "https://127.0.0.1:8443", "http://app.localhost:3000", "http://[::1]:4000"]) {
        const socket = await openSilently(emulator.clientUrl("chat"), { headers: `Origin: ${origin}` });
        socket.destroy();
        const preflight = await askAs(emulator, "OPTIONS", "/api/hubs/chat/:send", origin);
        assert.deepEqual([preflight.statusCode, preflight.headers["access-control-allow-origin"]], [204, origin]);
        const send = await askAs(emulator, "POST", "/api/hubs/chat/:send", origin);
        assert.deepEqual([send.statusCode, send.headers["access-control-allow-origin"]], [401, origin], "only the token is missing");
        const control = await askAs(emulator, "GET", "/_emulator?hub=chat", origin);
        assert.deepEqual([control.statusCode, control.headers["access-control-allow-origin"]], [403, origin]);
        assert.ok(control.text.includes(`--allow-origin ${origin} `), control.text);
      }
      for (const origin of ["null", "https://evil.example"]) {
        const socket = connectTcp(port, "127.0.0.1").on("error", () => {});
        const handshake = "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: MTIzNDU2Nzg5MDEyMzQ1Ng==";
        socket.write(`GET ${pathname}${search} HTTP/1.1\r\nHost: ${host}\r\nOrigin: ${origin}\r\n${handshake}\r\n\r\n`);
        assert.match(String((await once(socket, "data"))[0]), /^HTTP\/1\.1 403 /, origin);
        socket.destroy();
      }
    })],

    ["with a host, every Host is accepted and /_emulator needs the key", withEmulator({ host: "127.0.0.1", key: OWN_KEY }, async (emulator, service) => {
      await service("chat").sendToAll(1);
      const ask = (host, path, authorization) => askAs(emulator, "GET", path, undefined, { host, ...(authorization && { authorization }) });
      for (const host of ["emulator:9770", "192.168.1.2", new URL(emulator.endpoint).host]) {
        assert.equal((await ask(host, "/api/health?api-version=2024-12-01")).statusCode, 405, "GET is not one of its methods");
        const refused = await ask(host, "/_emulator?hub=chat");
        assert.equal(refused.statusCode, 401);
        assert.match(refused.text, /Authorization: Bearer <key>/);
        assert.equal((await ask(host, "/_emulator?hub=chat", `Bearer ${EMULATOR_ACCESS_KEY}`)).statusCode, 401);
        assert.equal((await ask(host, "/_emulator?hub=chat", `Bearer ${OWN_KEY}`)).statusCode, 200);
        // The audience is the host that was asked.
        const elsewhere = new Service(`Endpoint=http://${host};AccessKey=${OWN_KEY}`, "chat");
        const { pathname, search } = new URL(elsewhere.getClientAccessTokenSync().url);
        const socket = await openSilently(`${emulator.endpoint}${pathname}${search}`, { host });
        socket.destroy();
      }
    })],

    ["with a public URL, it is the endpoint, and links and tokens are for it", withEmulator({ publicUrl: "https://emulator.example/", key: OWN_KEY, allowUnvalidatedEntraTokens: true }, async (emulator) => {
      assert.equal(emulator.endpoint, "https://emulator.example");
      assert.equal(emulator.connectionString, `Endpoint=https://emulator.example;AccessKey=${OWN_KEY};Version=1.0;`);
      assert.ok(emulator.clientUrl("chat").startsWith("wss://emulator.example/client/hubs/chat?"));
    })],

    ["tls serves https and wss with a generated certificate", withEmulator({ tls: true }, async (emulator) => {
      const { protocol, port } = new URL(emulator.endpoint);
      assert.equal(protocol, "https:");
      assert.ok(emulator.connectionString.startsWith(`Endpoint=https://127.0.0.1:${port};`));
      assert.ok(emulator.clientUrl("chat").startsWith("wss://"));
      for (const servername of ["localhost", "127.0.0.1"]) {
        const options = { host: "127.0.0.1", port, path: "/", ca: emulator.certificate, headers: { host: `${servername}:${port}` } };
        if (servername === "localhost") options.servername = servername;
        const request = https.get(options);
        const [response] = await once(request, "response");
        response.resume();
        assert.equal(response.statusCode, 200, servername);
      }
      // Deno needs a permission to read the certificates that it trusts by default.
      if (process.versions.deno === undefined) {
        await assert.rejects(once(https.get({ host: "127.0.0.1", port, path: "/" }), "response"), "it is not trusted by default");
      }
      const message = await receiveOverTls(emulator, Service);
      assert.equal(message, "over tls");
    })],

    ["tls takes a certificate of one's own", async () => {
      const first = await startEmulator({ tls: { cert: CERTIFICATE.cert, key: CERTIFICATE.key } });
      assert.equal(first.certificate, undefined);
      const { port } = new URL(first.endpoint);
      const [response] = await once(https.get({ host: "127.0.0.1", port, path: "/", ca: CERTIFICATE.cert }), "response");
      response.resume();
      assert.equal(response.statusCode, 200);
      await first.stop();
    }],

    ["a page whose origin is named can ask first and read, and no other", withEmulator({ allowedOrigins: ["http://localhost:5173"] }, async (emulator) => {
      const ask = (method, path, origin) => askAs(emulator, method, path, origin);
      for (const [method, path, status] of [["OPTIONS", "/api/hubs/chat/:send", 204], ["GET", "/_emulator?hub=chat", 200], ["POST", "/api/hubs/chat/:send", 401]]) {
        const { statusCode, headers } = await ask(method, path, "http://localhost:5173");
        assert.deepEqual([statusCode, headers["access-control-allow-origin"], headers.vary], [status, "http://localhost:5173", "origin"], path);
        if (method === "OPTIONS") assert.match(headers["access-control-allow-headers"], /^authorization, content-type/);
        const other = await ask(method, path, "http://192.168.1.2:5173");
        assert.deepEqual([other.statusCode, other.headers["access-control-allow-origin"]], [403, undefined], path);
        assert.match(other.text, /--allow-origin http:\/\/192\.168\.1\.2:5173 /, path);
      }
    })],

    ["one message to many reliable clients that number it differently arrives everywhere", withEmulator({}, async (emulator, service) => {
      const clients = [];
      for (let n = 0; n < 20; n++) {
        clients.push(await connect(emulator.clientUrl("chat"), RELIABLE));
        await service("chat").sendToAll(n);
      }
      // Together they are more than crosses the boundary at once.
      const message = "x".repeat(MIB - 1000);
      await service("chat").sendToAll(message, { contentType: "text/plain" });
      for (const [n, client] of clients.entries()) {
        const data = await client.data(20 - n + 1);
        assert.equal(data.at(-1), message);
      }
    })],

    ["inspect shows connections and groups", withEmulator({}, async (emulator) => {
      const roles = ["webpubsub.joinLeaveGroup"];
      const ann = await connect(emulator.clientUrl("Chat", { userId: "ann", roles, groups: ["a"] }), RELIABLE);
      await ann.ask({ type: "joinGroup", group: "b" });
      await open(emulator.clientUrl("chat"));
      const { hub, connections, groups } = emulator.inspect("CHAT");
      assert.equal(hub, "chat");
      const byUser = Object.fromEntries(connections.map(({ userId, ...rest }) => [userId, rest]));
      const { connectionId } = ann;
      assert.deepEqual(byUser.ann, { connectionId, protocol: RELIABLE, open: true, groups: ["a", "b"] });
      assert.equal(byUser.null.protocol, "simple");
      assert.deepEqual(groups, [{ group: "a", connections: 1 }, { group: "b", connections: 1 }]);
      assert.deepEqual(emulator.inspect("other"), { hub: "other", connections: [], groups: [] });
    })],

    ["stop drops clients and frees the port", async () => {
      const emulator = await startEmulator();
      const port = Number(new URL(emulator.endpoint).port);
      const client = await connect(emulator.clientUrl("chat"));
      await emulator[Symbol.asyncDispose]();
      assert.notEqual((await client.closed).code, 1000);
      await emulator.stop();
      for (const use of [() => emulator.inspect("chat"), () => emulator.faults.list(), () => emulator.faults.inject({ type: "cut" })]) {
        assert.throws(use, /^Error: This emulator has been stopped: start another one\.$/);
      }
      await assert.rejects(emulator.clock.advance(1), /has been stopped/);
      await (await startEmulator({ port })).stop();
    }],

    ["only this machine and the pages that are named get in", withEmulator({ allowedOrigins: ["http://localhost:5173"] }, async (emulator) => {
      const { port } = new URL(emulator.endpoint);
      const status = async (headers, method = "HEAD", path = "/api/health?api-version=2024-12-01") => {
        const request = http.request({ host: "127.0.0.1", port, path, headers, method });
        request.end();
        const [response] = await once(request, "response");
        response.resume();
        await once(response, "end");
        return response.statusCode;
      };
      assert.equal(await status({ host: `localhost:${port}` }), 200);
      assert.equal(await status({ host: "evil.example" }), 403);
      assert.equal(await status({ host: `localhost:${port}`, origin: "https://evil.example" }), 403);
      assert.equal(await status({ host: `localhost:${port}`, origin: "http://localhost:5173" }), 200);
      assert.equal(await status({ host: `localhost:${port}`, "sec-fetch-site": "cross-site" }, "GET", "/_emulator?hub=chat"), 403);
    })],

    ["a hub can let clients in without a token", withEmulator({ hubs: { Open: { anonymousConnectPolicy: "allow" } } }, async (emulator) => {
      const url = (hub) => `${emulator.endpoint.replace("http", "ws")}/client/hubs/${hub}`;
      assert.equal((await connect(url("open"))).connected.userId, null);
      await assert.rejects(open(url("closed"), JSON_PROTOCOL));
    })],

    ["a message of 1 MiB arrives, a larger one closes with 1009", withEmulator({}, async (emulator) => {
      const url = emulator.clientUrl("chat", { roles: ["webpubsub.sendToGroup"], groups: ["g"] });
      const client = await connect(url);
      const frame = (bytes) => {
        const empty = JSON.stringify({ type: "sendToGroup", group: "g", dataType: "text", data: "" });
        return JSON.stringify({ type: "sendToGroup", group: "g", dataType: "text", data: "x".repeat(bytes - empty.length) });
      };
      client.send(frame(MIB));
      assert.ok((await client.data(1))[0].length > MIB - 100);
      client.send(frame(MIB + 1));
      assert.equal((await client.closed).code, 1009);
    })],

    ["a body over 1 MiB is refused, and the emulator goes on", withEmulator({}, async (emulator, service) => {
      const body = new Uint8Array(MIB + 1);
      const url = `${emulator.endpoint}/api/hubs/chat/:send?api-version=2024-12-01`;
      const authorization = await authorizationOf(Service, emulator);
      const headers = { authorization, "content-type": "application/octet-stream" };
      const response = await fetch(url, { method: "POST", headers, body });
      await response.body?.cancel();
      assert.equal(response.status, 413);
      await service("chat").sendToAll(1);
    })],

    ["what is no HTTP, no handshake and no frame ends its socket and nothing else", withEmulator({}, async (emulator, service) => {
      const url = new URL(emulator.clientUrl("chat", { userId: "ann" }));
      const handshake = (headers) => `GET ${url.pathname}${url.search} HTTP/1.1\r\nHost: ${url.host}\r\nConnection: Upgrade\r\n${headers}\r\n\r\n`;
      const good = handshake("Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: MTIzNDU2Nzg5MDEyMzQ1Ng==");
      /** Sends bytes, and gives all that comes back until the other side ends. */
      const answer = (...parts) =>
        new Promise((resolve) => {
          const socket = connectTcp(url.port, url.hostname);
          let got = Buffer.alloc(0);
          socket.on("data", (data) => (got = Buffer.concat([got, data])));
          socket.on("error", () => {});
          socket.on("close", () => resolve(got));
          for (const part of parts) socket.write(part);
        });
      /** The code of the close frame after the handshake. */
      const closeCode = async (...frames) => {
        const got = await answer(good, ...frames);
        const at = got.indexOf("\r\n\r\n") + 4;
        assert.equal(got[at], 0x88, String(got));
        return got.readUInt16BE(at + 2);
      };
      const mask = [0, 0, 0, 0];
      for (const [code, ...frame] of [
        [1002, 0x81, 2, 104, 105], // without a mask
        [1002, 0xf1, 0x80, ...mask], // reserved bits
        [1002, 0x8f, 0x80, ...mask], // no such opcode
        [1002, 0x80, 0x80, ...mask], // goes on from nothing
        [1007, 0x81, 0x82, ...mask, 0xc3, 0x28], // no UTF-8
        [1009, 0x81, 0xff, 0, 0, 0, 0, 0x7f, 0, 0, 0, ...mask], // over a mebibyte, and only begun
      ]) {
        assert.equal(await closeCode(Uint8Array.from(frame)), code, String(frame));
      }
      for (const [status, text] of [
        [400, "no HTTP\r\n\r\n"],
        [400, handshake("Upgrade: h2c")],
        [400, handshake("Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: short")],
        [400, handshake("Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: MTIzNDU2Nzg5MDEyMzQ1Ng==\r\nSec-WebSocket-Protocol: a,,b")],
        [403, "GET / HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n"],
      ]) {
        assert.match(String(await answer(text)), new RegExp(`^HTTP/1\\.1 ${status} `), text);
      }
      // Cut short, at any place.
      await Promise.all(
        Array.from({ length: 20 }, (_, index) => {
          const socket = connectTcp(url.port, url.hostname).on("error", () => {});
          socket.end(good.slice(0, (good.length * index) / 20));
          socket.resume();
          return once(socket, "close");
        }),
      );
      const ann = await connect(url.href);
      await service("chat").sendToUser("ann", "still here");
      assert.deepEqual(await ann.data(1), ["still here"]);
      assert.equal(emulator.inspect("chat").connections.length, 1);
    })],

    ["a logger that fails fails alone", async () => {
      const failures = [];
      const hear = (error) => failures.push(error.message);
      process.on("uncaughtException", hear);
      process.on("unhandledRejection", hear);
      let lines = 0;
      const logger = () => {
        lines++;
        throw new Error("no space left");
      };
      const emulator = await startEmulator({ logger });
      const client = await connect(emulator.clientUrl("chat", { userId: "ann" }));
      await new Service(emulator.connectionString, "chat").sendToUser("ann", 1);
      assert.deepEqual(await client.data(1), [1]);
      await emulator.stop();
      assert.deepEqual([lines, failures], [2, []], "the connection and the request");
      process.off("uncaughtException", hear);
      process.off("unhandledRejection", hear);
    }],

    ["the logger is told of connections and refusals, and of no secret", async () => {
      const lines = [];
      const emulator = await startEmulator({ key: OWN_KEY, logger: (line) => lines.push(line) });
      const client = await connect(emulator.clientUrl("chat", { userId: "ann" }));
      await new Service(emulator.connectionString, "chat").closeAllConnections({ reason: "enough" });
      await client.closed;
      await fetch(`${emulator.endpoint}/api/hubs/chat/:send?api-version=2024-12-01`, { method: "POST" });
      await assert.rejects(open(`${emulator.endpoint.replace("http", "ws")}/client/hubs/chat?access_token=secret`, JSON_PROTOCOL));
      await emulator.stop();
      // Some WebSockets try again.
      assert.equal(new Set(lines).size, 5, lines.join("\n"));
      const who = `client ${client.connectionId} (user ann)`;
      const [connected, called, closed, ...refused] = lines;
      assert.equal(connected, `${who} connected to the hub chat (json.webpubsub.azure.v1)`);
      assert.equal(called, "closeAllConnections chat: 1 connection");
      assert.equal(closed, `${who} was closed: 1000 enough`);
      assert.match(refused[0], /^POST \/api\/hubs\/chat\/:send was answered with 401: /);
      assert.match(refused[1], /^GET \/client\/hubs\/chat was answered with 401: /);
      assert.ok(!/secret|eyJ|one's own/.test(lines.join("\n")), lines.join("\n"));
    }],
  ];
}

/** Sends what a page of this origin would send. The answer has its body as `text`. */
function askAs(emulator, method, path, origin, more = {}) {
  const { hostname, port } = new URL(emulator.endpoint);
  const preflight = { "access-control-request-method": "POST", "access-control-request-headers": "authorization,content-type" };
  const headers = { ...(origin && { origin, ...preflight }), ...more };
  return new Promise((resolve, reject) => {
    http.request({ hostname, port, path, method, headers }, async (response) => {
      response.text = "";
      for await (const part of response) response.text += part;
      resolve(response);
    }).on("error", reject).end();
  });
}

/** Connects a client over wss, sends to it over https, and returns what it received. */
async function receiveOverTls(emulator, Service) {
  const url = new URL(emulator.clientUrl("chat"));
  const key = "MTIzNDU2Nzg5MDEyMzQ1Ng==";
  const socket = connectTls({ host: url.hostname, port: url.port, ca: emulator.certificate });
  await once(socket, "secureConnect");
  socket.write(`GET ${url.pathname}${url.search} HTTP/1.1\r\nHost: ${url.host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${key}\r\n\r\n`);
  const [answer] = await once(socket, "data");
  assert.match(String(answer), /^HTTP\/1\.1 101 /);
  const received = once(socket, "data");
  // The fetch of the service client, over a connection that trusts the certificate.
  const fetch = async (url, { method, headers, body }) => {
    const request = https.request(url, { method, headers: Object.fromEntries(new Headers(headers)), ca: emulator.certificate });
    request.end(body);
    const [response] = await once(request, "response");
    response.resume();
    return new Response(null, { status: response.statusCode });
  };
  await new Service(emulator.connectionString, "chat", { fetch }).sendToAll("over tls", { contentType: "text/plain" });
  const [frame] = await received;
  socket.destroy();
  return String(frame.subarray(2));
}

/** The header with which the service client sends to everybody of the hub `chat`. */
async function authorizationOf(Service, { connectionString }) {
  let authorization;
  const fetch = async (_, { headers }) => {
    authorization = new Headers(headers).get("authorization");
    return new Response(null, { status: 202 });
  };
  await new Service(connectionString, "chat", { fetch }).sendToAll(1);
  return authorization;
}

/** Opens a simple client that says nothing more, not even a pong. */
async function openSilently(url, { answer: wanted = /^HTTP\/1\.1 101 /, headers = "X: y", key: nonce = "MTIzNDU2Nzg5MDEyMzQ1Ng==", host = new URL(url).host } = {}) {
  const { hostname, port, pathname, search } = new URL(url);
  const socket = connectTcp({ port, host: hostname, allowHalfOpen: true });
  socket.on("error", () => {});
  await once(socket, "connect");
  const key = `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${nonce}\r\n${headers}`;
  socket.write(`GET ${pathname}${search} HTTP/1.1\r\nHost: ${host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n${key}\r\n\r\n`);
  const [answer] = await once(socket, "data");
  assert.match(String(answer), wanted);
  socket.resume();
  return socket;
}
