// The Worker as it is deployed, against a service that this file plays: sessions, CORS, upstream failures, secrecy.

import assert from "node:assert/strict";
import { once } from "node:events";
import { readFile, readdir } from "node:fs/promises";
import http from "node:http";
import path from "node:path";
import { after, before, beforeEach, test } from "node:test";
import { SignJWT, UnsecuredJWT, jwtVerify } from "jose";
import { root, startWorker } from "../harness.mjs";
import { freePort } from "../ports.mjs";
import { assertRefused, call, claims, requestLog } from "./requests.mjs";

const ACCESS_KEY = "access-key-that-must-not-leak-0123456789";
const SESSION_SECRET = "session-secret-that-must-not-leak-0123456789";
const EMULATOR_KEY = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789ABCDEFGH";
const PAGE = "https://page.example";
const LEAK = /must-not-leak/;

let worker;
let service;
let endpoint;
before(async () => {
  const port = await freePort();
  endpoint = `http://127.0.0.1:${port}`;
  service = await playService(port);
  worker = await startWorker({
    env: "production",
    vars: {
      AZURE_WEBPUBSUB_CONNECTION_STRING: `Endpoint=${endpoint};AccessKey=${ACCESS_KEY};Version=1.0;`,
      AZURE_WEBPUBSUB_HUB: "chat",
      SESSION_SECRET,
      ALLOWED_ORIGINS: `https://other.example, ${PAGE}`,
    },
  });
});
after(async () => {
  service?.close();
  await worker?.stop();
});
beforeEach(() => service.forget());

const routes = [
  ["/negotiate", undefined],
  ["/broadcast", { message: 1 }],
  ["/groups/blue/messages", { message: 1 }],
];

test("health says that Azure is configured", async () => {
  assert.deepEqual((await call(worker, "GET", "/health")).json, { status: "ok", mode: "azure" });
});

test("a session connects as its user, with the groups it grants", async () => {
  const token = await session({ sub: "ann", groups: ["blue", "red"] });
  for (const [body, groups] of [
    [undefined, []],
    [{}, []],
    [{ userId: null }, []],
    [{ userId: "ann", groups: ["red"] }, ["red"]],
  ]) {
    const answer = await post("/negotiate", body, token);
    assert.equal(answer.status, 200, answer.text);
    assert.deepEqual([answer.json.userId, answer.json.groups], ["ann", groups]);
    const url = new URL(answer.json.url);
    const audience = `${endpoint}/client/hubs/chat`;
    const key = new TextEncoder().encode(ACCESS_KEY);
    const { payload } = await jwtVerify(url.searchParams.get("access_token"), key, { audience, algorithms: ["HS256"] });
    assert.equal(payload.sub, "ann");
    assert.deepEqual(payload.role ?? [], groups.flatMap((g) => [`webpubsub.joinLeaveGroup.${g}`, `webpubsub.sendToGroup.${g}`]));
    assert.equal(payload["webpubsub.group"], undefined);
    assert.equal(payload.exp - payload.iat, 300);
  }
});

test("nobody gets another user or another group", async () => {
  const token = await session({ sub: "ann", groups: ["blue"] });
  assertRefused(await post("/negotiate", { userId: "bob" }, token), 403, "forbidden", /userId/);
  assertRefused(await post("/negotiate", { groups: ["blue", "red"] }, token), 403, "forbidden", /red/);
  assertRefused(await post("/groups/red/messages", { message: 1 }, token), 403, "forbidden", /red/);
  assertRefused(await post("/groups/Blue/messages", { message: 1 }, token), 403, "forbidden");
  assertRefused(await post("/broadcast", { message: 1 }, token), 403, "forbidden", /broadcast/);
  assertRefused(await post("/groups/blue/messages", { message: 1 }, await session({ sub: "ann" })), 403, "forbidden");
  assert.deepEqual(service.requests, []);
});

test("a session that is not in order is refused on every route", async (t) => {
  const good = { sub: "ann", groups: ["blue"], broadcast: true };
  const now = Math.floor(Date.now() / 1000);
  const unsigned = new UnsecuredJWT({ ...good, aud: "webpubsub-edge", exp: now + 60 }).encode();
  const [header, payload, signature] = (await session(good)).split(".");
  const forged = Buffer.from(JSON.stringify({ ...claims(`.${payload}`), sub: "root" })).toString("base64url");
  const sessions = {
    "none at all": undefined,
    "not a token": "abc",
    expired: await session({ ...good, exp: now - 120 }),
    "not valid yet": await session({ ...good, nbf: now + 600 }),
    "for another audience": await session({ ...good, aud: "https://elsewhere.example" }),
    "without an audience": await session({ ...good, aud: undefined }),
    "without an expiry": await session({ ...good, exp: undefined }),
    "longer than a day": await session({ ...good, exp: now + 25 * 3600 }),
    unsigned,
    "unsigned, with a signature": `${unsigned}${signature}`,
    "signed with HS512": await session(good, { alg: "HS512" }),
    "signed with another secret": await session(good, { secret: "another-secret-of-more-than-thirty-two-bytes" }),
    "signed with the access key": await session(good, { secret: ACCESS_KEY }),
    "changed after it was signed": [header, forged, signature].join("."),
    "cut off": [header, payload].join("."),
    "without a user": await session({ ...good, sub: undefined }),
    "of an empty user": await session({ ...good, sub: "" }),
    "with a group that is no string": await session({ ...good, groups: [7] }),
    "with groups that are no list": await session({ ...good, groups: "blue" }),
    "with broadcast that is no boolean": await session({ ...good, broadcast: "true" }),
    "longer than a header should be": `${header}.${"a".repeat(6000)}.${signature}`,
  };
  for (const [name, token] of Object.entries(sessions)) {
    await t.test(name, async () => {
      for (const [path, body] of routes) {
        const answer = await post(path, body, token);
        assertRefused(answer, 401, "unauthorized");
        assert.equal(answer.headers.get("www-authenticate"), "Bearer");
        assert.doesNotMatch(answer.text, /eyJ|must-not-leak/);
      }
    });
  }
  const basic = await call(worker, "POST", "/negotiate", { headers: { authorization: `Basic ${await session(good)}` } });
  assertRefused(basic, 401, "unauthorized");
  assert.deepEqual(service.requests, []);
});

test("a caller without a session cannot make the Worker read a body", async () => {
  assertRefused(await post("/broadcast", "x".repeat(2 * 1024 * 1024)), 401, "unauthorized");
});

test("messages reach the service signed and as they were written", async () => {
  const token = await session({ sub: "ann", groups: ["a b é%"], broadcast: true });
  const message = '{ "n": 1.50, "big": 18446744073709551616 }';
  assert.equal((await post("/broadcast", `{"message":${message},"excluded":["id 1","id'2"]}`, token)).status, 202);
  assert.equal((await post("/groups/a%20b%20%C3%A9%25/messages", `{"message":${message}}`, token)).status, 202);
  assert.deepEqual(
    service.requests.map(({ method, url, body }) => [method, url, body]),
    [
      ["POST", "/api/hubs/chat/:send?api-version=2024-12-01&excluded=id%201&excluded=id%272", message],
      ["POST", "/api/hubs/chat/groups/a%20b%20%C3%A9%25/:send?api-version=2024-12-01", message],
    ],
  );
  for (const { url, headers } of service.requests) {
    assert.equal(headers["content-type"], "application/json");
    const bearer = headers.authorization.replace("Bearer ", "");
    await jwtVerify(bearer, new TextEncoder().encode(ACCESS_KEY), { audience: endpoint + url, algorithms: ["HS256"] });
  }
});

test("a group with a slash is refused, for REST would reach another group", async () => {
  const token = await session({ sub: "ann", groups: ["a/b", "a%2Fb"] });
  assertRefused(await post("/negotiate", { groups: ["a/b"] }, token), 400, "bad_request", /slash/);
  assertRefused(await post("/groups/a%2Fb/messages", { message: 1 }, token), 400, "bad_request", /slash/);
  assert.deepEqual(service.requests, []);
});

test("a service that does not answer, or asks for a long wait, holds a caller for ten seconds at most", async () => {
  const token = await session({ sub: "ann", broadcast: true });
  const ask = async (status, headers) => {
    Object.assign(service, { status, headers });
    service.requests.length = 0;
    const started = performance.now();
    const count = (await requestLog(worker)).length;
    assertRefused(await post("/broadcast", { message: 1 }, token), 502, "upstream_failed");
    const { cause } = (await requestLog(worker, count + 1)).at(-1);
    return { cause, tries: service.requests.length, seconds: (performance.now() - started) / 1000 };
  };
  const { seconds, ...silent } = await ask(undefined);
  assert.deepEqual(silent, { cause: "no answer in time", tries: 1 });
  assert.ok(seconds >= 9.5 && seconds < 20, `${seconds} s`);
  for (const [retryAfter, tries] of [["3", 1], ["1", 2]]) {
    const busy = await ask(429, { "retry-after": retryAfter });
    assert.deepEqual([busy.cause, busy.tries], ["status 429", tries]);
  }
});

test("what the service says when it fails is not passed on", async (t) => {
  const token = await session({ sub: "ann", groups: ["blue"], broadcast: true });
  for (const status of [200, 302, 400, 401, 404, 413, 500, 502]) {
    await t.test(`status ${status}`, async () => {
      service.status = status;
      for (const [path, body] of routes.slice(1)) {
        const count = (await requestLog(worker)).length;
        const answer = await post(path, body, token);
        assertRefused(answer, 502, "upstream_failed");
        assert.doesNotMatch(answer.text, LEAK);
        assert.ok(!answer.text.includes("127.0.0.1"));
        const line = (await requestLog(worker, count + 1)).at(-1);
        assert.deepEqual([line.status, line.code, line.cause], [502, "upstream_failed", `status ${status}`]);
      }
    });
  }
});

test("pages of listed origins may call with a session, others may not", async () => {
  const token = await session({ sub: "ann" });
  const ask = { "access-control-request-method": "POST", "access-control-request-headers": "authorization" };
  for (const [origin, allowed] of [
    [PAGE, PAGE],
    ["https://other.example", "https://other.example"],
    ["https://evil.example", null],
    ["http://page.example", null],
    ["null", null],
    ["*", null],
  ]) {
    const preflight = await call(worker, "OPTIONS", "/broadcast", { headers: { origin, ...ask } });
    assert.equal(preflight.status, allowed ? 204 : 405, origin);
    const answers = [preflight, await post("/negotiate", {}, token, { origin }), await post("/negotiate", {}, undefined, { origin })];
    for (const { headers } of answers) {
      assert.equal(headers.get("access-control-allow-origin"), allowed, origin);
      assert.equal(headers.get("access-control-allow-credentials"), null);
      assert.match(headers.get("vary"), /Origin/);
    }
  }
});

test("there is no emulator", async () => {
  for (const path of ["/api/hubs/chat/:send", "/api/health", "/client/hubs/chat", "/client/?hub=chat", "/clients/mqtt/hubs/chat"]) {
    for (const method of ["GET", "POST"]) assertRefused(await call(worker, method, path), 404, "not_found");
  }
  for (const path of ["/_emulator", "/_emulator/faults"]) {
    for (const method of ["GET", "POST"]) assertRefused(await call(worker, method, path), 404, "not_found");
  }
  const folder = path.join(root, "worker/build/production");
  const files = (await readdir(folder, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile());
  const names = files.map(({ name }) => name);
  assert.ok(names.includes("index_bg.wasm") && names.includes("index.js"), names.join());
  for (const { parentPath, name } of files) {
    const bytes = await readFile(path.join(parentPath, name));
    for (const trace of ["_emulator", "LocalHub", "LOCAL_HUB", "reliable.webpubsub", EMULATOR_KEY]) {
      assert.ok(!bytes.includes(trace), `${name} holds ${trace}`);
    }
  }
});

test("a service that is down is a 502", async () => {
  const token = await session({ sub: "ann", groups: ["blue"], broadcast: true });
  await service.close();
  for (const [path, body] of routes.slice(1)) {
    const answer = await post(path, body, token);
    assertRefused(answer, 502, "upstream_failed");
    assert.ok(!answer.text.includes("127.0.0.1"), answer.text);
  }
  assert.equal((await requestLog(worker)).at(-1).cause, "no answer");
});

test("no secret, token, user or group is in the log", async () => {
  const lines = await requestLog(worker, 50);
  assert.ok(lines.every((line) => Object.keys(line).every((key) => ["method", "route", "status", "ms", "code", "cause"].includes(key))));
  assert.doesNotMatch(worker.log(), /must-not-leak|eyJ/);
  assert.doesNotMatch(JSON.stringify(lines), /ann|blue/);
});

function post(path, body, token, headers = {}) {
  const authorization = token === undefined ? {} : { authorization: `Bearer ${token}` };
  return call(worker, "POST", path, { body, headers: { ...headers, ...authorization } });
}

/** A session as somebody else's code would sign it. A claim that is undefined is left out. */
function session(claimed, { secret = SESSION_SECRET, alg = "HS256" } = {}) {
  const payload = { aud: "webpubsub-edge", exp: Math.floor(Date.now() / 1000) + 3600, ...claimed };
  return new SignJWT(JSON.parse(JSON.stringify(payload))).setProtectedHeader({ alg, typ: "JWT" }).sign(new TextEncoder().encode(secret));
}

/** Plays the service: keeps each request, and answers with `status` and a body that must stay inside; without a status, never. */
async function playService(port) {
  const played = { requests: [], status: 202, headers: {}, forget, close };
  const server = http.createServer(async (request, response) => {
    let body = "";
    for await (const chunk of request) body += chunk;
    played.requests.push({ method: request.method, url: request.url, headers: request.headers, body });
    if (played.status === undefined) return;
    response.writeHead(played.status, { "content-type": "application/json", location: "/elsewhere", ...played.headers });
    response.end(played.status === 202 ? "" : '{"code":"must-not-leak","message":"must-not-leak"}');
  });
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  return played;

  function forget() {
    played.requests.length = 0;
    played.status = 202;
    played.headers = {};
  }

  async function close() {
    if (!server.listening) return;
    server.close();
    server.closeAllConnections();
    await once(server, "close");
  }
}
