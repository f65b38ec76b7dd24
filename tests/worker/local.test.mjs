// The Worker in front of the emulator: its HTTP contract, and the way of a message to official clients.

import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import http from "node:http";
import { after, before, test } from "node:test";
import { WebPubSubServiceClient } from "@azure/web-pubsub";
import { WebPubSubClient } from "@azure/web-pubsub-client";
import { SignJWT, jwtVerify } from "jose";
import WebSocket from "ws";
import { eventually, startWorker } from "../harness.mjs";
import { assertRefused, call, claims, requestLog } from "./requests.mjs";

const PAGE = "https://page.example";
// Not the name that wrangler.toml has, and not in lower case.
const HUB = "Chat";

let worker;
before(async () => {
  worker = await startWorker({ env: "local", vars: { ALLOWED_ORIGINS: PAGE, AZURE_WEBPUBSUB_HUB: HUB } });
});
after(() => worker?.stop());

const post = (path, body, options) => call(worker, "POST", path, { body, ...options });

test("health says that the emulator runs", async () => {
  const answer = await call(worker, "GET", "/health");
  assert.equal(answer.status, 200);
  assert.deepEqual(answer.json, { status: "ok", mode: "emulator" });
  const head = await call(worker, "HEAD", "/health");
  assert.deepEqual([head.status, head.text], [200, ""]);
});

test("the demo page is served", async () => {
  const answer = await call(worker, "GET", "/");
  assert.equal(answer.status, 200);
  assert.match(answer.headers.get("content-type"), /text\/html/);
});

test("negotiate gives a URL for what was asked, and no more", async () => {
  const before = Math.floor(Date.now() / 1000);
  const answer = await post("/negotiate", { userId: "ann", groups: ["blue", "a b é%"], other: 1 });
  assert.equal(answer.status, 200, answer.text);
  assert.equal(answer.headers.get("cache-control"), "no-store");
  const { url, userId, groups, expiresOn, ...rest } = answer.json;
  assert.deepEqual([userId, groups, rest], ["ann", ["blue", "a b é%"], {}]);
  assert.match(expiresOn, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/);

  const minted = new URL(url);
  const audience = `${worker.origin}/client/hubs/${HUB}`;
  assert.equal(`${minted.origin}${minted.pathname}`, audience.replace("http:", "ws:"));
  const token = minted.searchParams.get("access_token");
  const { payload } = await jwtVerify(token, new TextEncoder().encode(worker.key), { algorithms: ["HS256"], audience });
  const { iat, exp, ...claimed } = payload;
  assert.deepEqual(claimed, {
    role: ["blue", "a b é%"].flatMap((group) => [`webpubsub.joinLeaveGroup.${group}`, `webpubsub.sendToGroup.${group}`]),
    aud: audience,
    sub: "ann",
  });
  assert.equal(exp - iat, 300);
  assert.ok(iat >= before && iat <= before + 10);
  assert.equal(Date.parse(expiresOn), exp * 1000);
});

test("negotiate without a body, or with an empty object, is anonymous", async () => {
  for (const options of [undefined, {}, { type: undefined }]) {
    const answer = options ? await post("/negotiate", "{}", { type: "application/json; charset=utf-8" }) : await post("/negotiate");
    assert.equal(answer.status, 200, answer.text);
    assert.deepEqual([answer.json.userId, answer.json.groups], [null, []]);
    assert.deepEqual(Object.keys(claims(new URL(answer.json.url).searchParams.get("access_token"))), ["iat", "exp", "aud"]);
  }
});

test("a group that is asked for twice is granted once", async () => {
  const many = Array.from({ length: 100 }, (_, n) => `g${n}`);
  const { json } = await post("/negotiate", { groups: [...many, ...many] });
  assert.deepEqual(json.groups, many);
  assert.equal(claims(new URL(json.url).searchParams.get("access_token")).role.length, 200);
});

test("the URL is for the host that was asked", async () => {
  const { port } = new URL(worker.origin);
  const answer = await rawRequest("/negotiate", { host: `localhost:${port}` });
  assert.equal(new URL(JSON.parse(answer.text).url).host, `localhost:${port}`);
});

test("bad input gets an error that names it", async (t) => {
  const requests = [
    ["/negotiate", "[]", /JSON object/],
    ["/negotiate", "null", /JSON object/],
    ["/negotiate", "{", /JSON object/],
    ["/negotiate", Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]), /JSON object/],
    ["/negotiate", { userId: 7 }, /"userId"/],
    ["/negotiate", { userId: "" }, /user id/],
    ["/negotiate", { userId: ".." }, /user id/],
    ["/negotiate", '{"userId":"\\ud800"}', /"userId"/],
    ["/negotiate", { groups: "blue" }, /"groups"/],
    ["/negotiate", { groups: [null] }, /"groups"/],
    ["/negotiate", { groups: ["blue", ""] }, /group name/],
    ["/negotiate", { groups: ["."] }, /group name/],
    ["/negotiate", { groups: [" "] }, /group name/],
    ["/negotiate", { groups: ["g".repeat(1025)] }, /group name/],
    ["/broadcast", {}, /"message"/],
    ["/broadcast", undefined, /"message"/],
    ["/broadcast", "{'message':1}", /JSON object/],
    ["/broadcast", '{"message":nul}', /JSON object/],
    ["/broadcast", { message: 1, excluded: "id" }, /"excluded"/],
    ["/broadcast", { message: 1, excluded: [1] }, /"excluded"/],
    ["/broadcast", { message: 1, excluded: [".."] }, /connection id/],
    ["/broadcast", { message: 1, excluded: Array(100).fill("i".repeat(2000)) }, /"excluded" .*64/],
    ["/negotiate", { groups: ["blue", "a/b"] }, /slash/],
    ["/negotiate", { groups: Array.from({ length: 101 }, (_, n) => `g${n}`) }, /"groups" .*100/],
    ["/broadcast", { message: 1, excluded: Array(101).fill("id") }, /"excluded" .*100/],
    ["/broadcast", { message: 1, excluded: Array(100).fill("i".repeat(64)) }, /"excluded" .*4800/],
    ["/broadcast", { message: 1, excluded: Array(100).fill("é".repeat(32)) }, /"excluded" .*4800/],
    ["/groups/a%2Fb/messages", { message: 1 }, /slash/],
    ["/groups/blue/messages", {}, /"message"/],
    ["/groups/blue/messages", undefined, /"message"/],
    ["/groups//messages", { message: 1 }, /group name/],
    ["/groups/%20/messages", { message: 1 }, /group name/],
    ["/groups/%zz/messages", { message: 1 }, /percent-encoded/],
    ["/groups/%/messages", { message: 1 }, /percent-encoded/],
    ["/groups/%ff/messages", { message: 1 }, /percent-encoded/],
  ];
  for (const [path, body, says] of requests) {
    await t.test(`${path} ${String(JSON.stringify(body)).slice(0, 40)}`, async () => {
      assertRefused(await post(path, body), 400, "bad_request", says);
    });
  }
});

test("as many and as long ids as are allowed can be excluded", async () => {
  assert.equal((await post("/broadcast", { message: 1, excluded: Array(100).fill("i".repeat(48)) })).status, 202);
  assert.equal((await post("/broadcast", { message: 1, excluded: Array(75).fill("i".repeat(64)) })).status, 202);
});

test("other paths, methods and types are refused", async () => {
  for (const path of ["/negotiate/x", "/groups/blue", "/groups/blue/messages/x", "/groups/a/b/messages", "/Negotiate"]) {
    assertRefused(await post(path, {}), 404, "not_found");
  }
  for (const [path, method, allow] of [
    ["/negotiate", "GET", "POST"],
    ["/broadcast", "PUT", "POST"],
    ["/groups/blue/messages", "DELETE", "POST"],
    ["/negotiate", "OPTIONS", "POST"],
    ["/health", "POST", "GET, HEAD"],
  ]) {
    const answer = await call(worker, method, path);
    assertRefused(answer, 405, "method_not_allowed");
    assert.equal(answer.headers.get("allow"), allow);
  }
  for (const path of ["/negotiate", "/broadcast", "/groups/blue/messages"]) {
    for (const type of ["text/plain", "application/jsonp", "application/x-www-form-urlencoded"]) {
      assertRefused(await post(path, '{"message":1}', { type }), 415, "unsupported_media_type", /application\/json/);
    }
  }
});

test("bodies are bounded, declared or not", async () => {
  const fill = (limit, shell) => shell.replace("#", "x".repeat(limit - shell.length + 1));
  for (const [path, limit, shell, status] of [
    ["/negotiate", 8 * 1024, '{"other":"#"}', 200],
    ["/broadcast", 1024 * 1024, '{"message":"#"}', 202],
    ["/groups/blue/messages", 1024 * 1024, '{"message":"#"}', 202],
  ]) {
    const fits = fill(limit, shell);
    assert.equal(Buffer.byteLength(fits), limit);
    assert.equal((await post(path, fits)).status, status);
    assertRefused(await post(path, fits + " "), 413, "payload_too_large");
    assert.equal((await post(path, new Blob([fits]).stream())).status, status);
    assertRefused(await post(path, new Blob([fits, " "]).stream()), 413, "payload_too_large");
  }
});

test("deep nesting is passed on and harms nobody", async () => {
  const deep = (depth) => `{"message":${"[".repeat(depth)}${"]".repeat(depth)}}`;
  assert.equal((await post("/broadcast", deep(500_000))).status, 202);
  assertRefused(await post("/negotiate", deep(4_000).replace("message", "userId")), 400, "bad_request", /"userId"/);
  assert.equal((await call(worker, "GET", "/health")).status, 200);
});

test("official clients receive broadcasts and group messages as they were written", async (t) => {
  const [ann, bob] = await Promise.all([connect(t, "ann", ["blue"]), connect(t, "bob", [])]);
  await ann.client.joinGroup("blue");

  assert.equal((await post("/broadcast", '{"message":{ "n": 1.50, "é": [null] }}')).status, 202);
  await eventually(() => ann.received.length === 1 && bob.received.length === 1, "a broadcast");
  assert.deepEqual(ann.received[0], ["server", { n: 1.5, é: [null] }]);

  const excluded = [ann.id];
  assert.equal((await post("/broadcast", { message: "not for ann", excluded })).status, 202);
  await eventually(() => bob.received.length === 2, "a broadcast");

  assert.equal((await post("/groups/blue/messages", { message: [null] })).status, 202);
  await eventually(() => ann.received.length === 2, "a group message");
  assert.deepEqual(ann.received[1], ["group:blue", [null]]);

  await assert.rejects(bob.client.joinGroup("blue"), (error) => error.errorDetail.name === "Forbidden");
  assert.deepEqual(bob.received.map(([, data]) => data), [{ n: 1.5, é: [null] }, "not for ann"]);
});

test("the official service client broadcasts through the same origin", async (t) => {
  const ann = await connect(t, "ann", []);
  const service = new WebPubSubServiceClient(`Endpoint=${worker.origin};AccessKey=${worker.key};Version=1.0;`, HUB, {
    allowInsecureConnection: true,
  });
  await service.sendToAll({ from: "service" });
  await eventually(() => ann.received.length === 1, "the broadcast");
  assert.deepEqual(ann.received[0], ["server", { from: "service" }]);
  assert.equal(await service.connectionExists(ann.id), true);
});

test("hub names are one in any case", async (t) => {
  const ann = await connect(t, "ann", []);
  const service = new WebPubSubServiceClient(`Endpoint=${worker.origin};AccessKey=${worker.key};Version=1.0;`, HUB.toUpperCase(), {
    allowInsecureConnection: true,
  });
  await service.sendToAll("hello");
  await eventually(() => ann.received.length === 1, "the broadcast");
});

test("other hosts and pages from elsewhere are kept out", async () => {
  const { host } = new URL(worker.origin);
  for (const [path, status] of [["/negotiate", 200], ["/broadcast", 202], ["/groups/blue/messages", 202]]) {
    for (const stranger of [
      { host: "rebound.example" },
      { host, origin: "https://evil.example" },
      { host, origin: "null" },
      // wrangler takes this header for the host that was asked; the page's origin stays.
      { host: "rebound.example", origin: "http://rebound.example", "mf-original-url": worker.origin + path },
    ]) {
      const answer = await rawRequest(path, stranger, '{"message":1}');
      assert.equal(answer.status, 403, `${path} ${JSON.stringify(stranger)}`);
      assert.equal(JSON.parse(answer.text).error.code, "forbidden");
    }
    for (const origin of [`http://${host}`, PAGE]) {
      assert.equal((await rawRequest(path, { host, origin }, '{"message":1}')).status, status, origin);
    }
  }
  for (const path of [`/api/hubs/${HUB}/:send`, `/client/hubs/${HUB}`, "/_emulator", "/_emulator/faults"]) {
    const overruled = { host: "rebound.example", origin: "http://rebound.example", "mf-original-url": worker.origin + path };
    assert.equal((await rawRequest(path, overruled)).status, 403, path);
    assert.equal((await rawRequest(path, { host: "rebound.example" })).status, 403, path);
    assert.equal((await rawRequest(path, { host, origin: "https://evil.example" })).status, 403, path);
    assert.notEqual((await rawRequest(path, { host, origin: `http://${host}` })).status, 403, path);
    assert.notEqual((await rawRequest(path, { host, origin: PAGE })).status, 403, path);
  }
  assert.equal((await rawRequest("/health", { host: "rebound.example" }, undefined, "GET")).status, 200);

  const { json } = await post("/negotiate");
  const rebound = { host: "rebound.example", "mf-original-url": json.url.replace("ws:", "http:") };
  assert.equal(await upgradeStatus(json.url, "https://evil.example"), 403);
  assert.equal(await upgradeStatus(json.url, "http://rebound.example", rebound), 403);
  assert.equal(await upgradeStatus(json.url, `http://${host}`), 101);
});

test("a page of another local port may use the paths of the emulator that need a token, and no others", async () => {
  const { host } = new URL(worker.origin);
  const { json } = await post("/negotiate");
  for (const origin of ["http://localhost:4321", "https://127.0.0.1:4321", "http://app.localhost"]) {
    assert.equal(await upgradeStatus(json.url, origin), 101, origin);
    assert.equal((await rawRequest(`/api/hubs/${HUB}/:send`, { host, origin }, "1")).status, 401, "only the token is missing");
    for (const path of ["/_emulator/faults", "/negotiate", "/broadcast", "/groups/blue/messages"]) {
      assert.equal((await rawRequest(path, { host, origin }, "{}")).status, 403, `${path} ${origin}`);
    }
  }
});

test("no page may look into the emulator, but a person and a program may", async () => {
  const look = (site) => rawRequest("/_emulator", { ...withKey(), ...(site && { "sec-fetch-site": site }) }, undefined, "GET");
  for (const site of ["cross-site", "same-site", "same-origin"]) assert.equal((await look(site)).status, 403, site);
  for (const site of [undefined, "none"]) assert.equal((await look(site)).status, 200, site);
});

test("a page that rebinds its name cannot use the emulator, because the key is random", async () => {
  const published = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789ABCDEFGH";
  assert.match(worker.key, /^[\w-]{43}$/);
  // What such a page can send: a GET without an Origin, whose host wrangler replaces.
  const ask = (path, headers) =>
    rawRequest(path, { host: "rebound.example", "mf-original-url": worker.origin + path, ...headers }, undefined, "GET");
  const bearer = (token) => ({ authorization: `Bearer ${token}` });
  for (const path of ["/_emulator", "/_emulator?hub=chat", "/_emulator/faults", "//_emulator"]) {
    for (const headers of [{}, bearer(published), bearer(""), { authorization: worker.key }, { authorization: `Basic ${worker.key}` }]) {
      const { status, text } = await ask(path, headers);
      assert.ok(status >= 400, `${path} ${JSON.stringify(headers)} ${status}`);
      assert.ok(!text.includes(worker.key) && !text.includes("connections"));
    }
  }
  assert.equal((await rawRequest("/_emulator", {}, undefined, "GET")).status, 401);
  assert.equal((await rawRequest("/_emulator", withKey(), undefined, "GET")).status, 200);
  const list = `/api/hubs/${HUB}/groups/blue/connections?api-version=2024-12-01`;
  const signed = (key) =>
    new SignJWT({}).setProtectedHeader({ alg: "HS256" }).setAudience(worker.origin + list).setExpirationTime("5 minutes")
      .sign(new TextEncoder().encode(key));
  assert.equal((await ask(list, bearer(await signed(published)))).status, 401);
  assert.equal((await rawRequest(list, bearer(await signed(worker.key)), undefined, "GET")).status, 200);
});

test("the emulator lists its hubs, and shows one of them: of two in the query the last", async (t) => {
  const ann = await connect(t, "ann", []);
  const look = async (query) => JSON.parse((await rawRequest(`/_emulator${query}`, withKey(), undefined, "GET")).text);
  const isChat = ({ hub, connections }) => hub === "chat" && connections > 0;
  assert.ok((await look("")).hubs.some(isChat));
  assert.ok((await look("?hub=other")).connections.length === 0 && (await look("")).hubs.some(isChat), "in whatever hub it is asked");
  for (const query of ["?hub=CHAT", "?hub=other&hub=chat"]) {
    const { hub, connections } = await look(query);
    assert.equal(hub, "chat", query);
    assert.ok(connections.some(({ connectionId }) => connectionId === ann.id), query);
  }
  assert.deepEqual(await look("?hub=chat&hub=other"), { hub: "other", connections: [], groups: [] });
});

test("the clock of a hub is set forward over HTTP", async (t) => {
  const { authorization } = withKey();
  const clock = (init) =>
    fetch(`${worker.origin}/_emulator/clock?hub=clocked`, { headers: { authorization }, ...init }).then((response) => response.json());
  const advance = (advanceMs) =>
    clock({ method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ advanceMs }) });
  const faults = async () => (await (await fetch(`${worker.origin}/_emulator/faults?hub=clocked`, { headers: { authorization } })).json()).faults;
  t.after(() => fetch(`${worker.origin}/_emulator/faults?hub=clocked`, { method: "DELETE" }));
  const fault = JSON.stringify({ type: "pauseAcks", durationMs: 3_600_000 });
  await fetch(`${worker.origin}/_emulator/faults?hub=clocked`, { method: "POST", headers: { "content-type": "application/json" }, body: fault });
  const { now } = await clock();
  const later = await advance(1_800_000);
  assert.ok(later.now >= now + 1_800_000, `${later.now} ${now}`);
  assert.ok((await faults())[0].remainingMs <= 1_800_000);
  await advance(1_800_000);
  assert.deepEqual(await faults(), []);
  assert.ok((await clock()).now >= now + 3_600_000);
  assert.match((await advance(-1)).message, /^The body must be a JSON object such as /);
});

test("what is refused makes no hub", async () => {
  const objects = () => readdirSync(worker.folder, { recursive: true }).filter((name) => name.endsWith(".sqlite")).sort();
  const before = objects();
  assert.ok(before.length > 0);
  const origin = "https://evil.example";
  for (const [path, headers, method] of [
    ["/api/hubs/foreign/:send", { origin }],
    ["/api/hubs/unsigned/:send", {}],
    ["/api/hubs/unsigned/:what", {}],
    ["/api/hubs/1-bad/:send", {}],
    ["/client/?hub=unsigned", {}],
    ["/client/hubs/unsigned", {}, "GET"],
    ["/_emulator?hub=foreign", { ...withKey(), origin }, "GET"],
    ["/_emulator?hub=shown", { ...withKey(), "sec-fetch-site": "cross-site" }, "GET"],
    ["/_emulator?hub=1-bad", withKey(), "GET"],
    ["/_emulator?hub=unsigned", {}, "GET"],
  ]) {
    const { status } = await rawRequest(path, headers, undefined, method);
    assert.ok(status >= 400 && status < 500, `${path} ${status}`);
  }
  assert.equal(await upgradeStatus(`${worker.origin}/client/hubs/unsigned`), 401);
  assert.deepEqual(objects(), before);
  assert.equal((await rawRequest("/_emulator?hub=new", withKey(), undefined, "GET")).status, 200);
  assert.ok(objects().length > before.length, "a hub that is made would be seen");
});

test("a request is refused before its body is read, or once it is too large", async () => {
  const path = `/api/hubs/${HUB}/:send`;
  const token = await new SignJWT({}).setProtectedHeader({ alg: "HS256" }).setAudience(worker.origin + path)
    .setExpirationTime("5 minutes").sign(new TextEncoder().encode(worker.key));
  const limit = 1024 * 1024;
  for (const [headers, bytes, status] of [
    [{ origin: "https://evil.example" }, 1, 403],
    [{}, 1, 401],
    [{ authorization: `Bearer ${token}` }, limit + 1, 413],
  ]) {
    assert.equal(await statusBeforeTheEnd(path, { "content-type": "text/plain", ...headers }, bytes), status);
  }
  const signed = { authorization: `Bearer ${token}`, "content-type": "text/plain" };
  assert.equal((await rawRequest(path, signed, "x".repeat(limit))).status, 202);
});

test("pages of listed origins may call, others may not", async () => {
  const preflight = { "access-control-request-method": "POST", "access-control-request-headers": "content-type" };
  const asked = await call(worker, "OPTIONS", "/negotiate", { headers: { origin: PAGE, ...preflight } });
  assert.equal(asked.status, 204);
  assert.equal(asked.headers.get("access-control-allow-origin"), PAGE);
  assert.equal(asked.headers.get("access-control-allow-headers"), "authorization, content-type");
  assert.equal(asked.headers.get("access-control-allow-methods"), "POST");
  for (const body of [{}, { userId: 7 }]) {
    const answer = await post("/negotiate", body, { headers: { origin: PAGE } });
    assert.equal(answer.headers.get("access-control-allow-origin"), PAGE);
    assert.match(answer.headers.get("vary"), /Origin/);
  }
  for (const origin of ["https://evil.example", "null", `${PAGE}.evil.example`]) {
    for (const method of ["OPTIONS", "POST"]) {
      const answer = await call(worker, method, "/negotiate", { headers: { origin, ...preflight } });
      assert.equal(answer.headers.get("access-control-allow-origin"), null, origin);
      assert.match(answer.headers.get("vary"), /Origin/);
    }
  }
});

test("every request leaves one line in the log, without a name or a token", async () => {
  const count = (await requestLog(worker)).length;
  const { json } = await post("/negotiate", { userId: "user-in-log", groups: ["group-in-log"] });
  await post("/groups/group-in-log/messages", { message: "message-in-log" });
  await post("/broadcast", {});
  await upgradeStatus(json.url);
  const lines = (await requestLog(worker, count + 4)).slice(count);
  assert.deepEqual(
    lines.map(({ ms, ...line }) => line),
    [
      { method: "POST", route: "/negotiate", status: 200 },
      { method: "POST", route: "/groups/{group}/messages", status: 202 },
      { method: "POST", route: "/broadcast", status: 400, code: "bad_request" },
      { method: "GET", route: "/client/*", status: 101 },
    ],
  );
  assert.ok(lines.every(({ ms }) => Number.isInteger(ms) && ms >= 0));
  assert.doesNotMatch(JSON.stringify(lines), /in-log|eyJ/);
});

/** An official client on a URL of `/negotiate`, and what it received: [from, data] for each message. */
async function connect(t, userId, groups) {
  const received = [];
  const getClientAccessUrl = async () => (await post("/negotiate", { userId, groups })).json.url;
  // Its keep-alive would leave a timer behind when it stops.
  const options = { messageRetryOptions: { maxRetries: 0 }, keepAliveIntervalInMs: 0, keepAliveTimeoutInMs: 0 };
  const client = new WebPubSubClient({ getClientAccessUrl }, options);
  const connected = new Promise((resolve) => client.on("connected", ({ connectionId }) => resolve(connectionId)));
  client.on("server-message", ({ message }) => received.push(["server", message.data]));
  client.on("group-message", ({ message }) => received.push([`group:${message.group}`, message.data]));
  t.after(() => client.stop());
  await client.start();
  return { client, received, id: await connected };
}

/** The access key, which reading `/_emulator` needs. */
const withKey = () => ({ authorization: `Bearer ${worker.key}` });

/** A request with headers that `fetch` does not let through. */
async function rawRequest(path, headers, body, method = "POST") {
  const { port } = new URL(worker.origin);
  return new Promise((resolve, reject) => {
    const request = http.request({ host: "127.0.0.1", port, path, method, headers: { "content-type": "application/json", ...headers } });
    request.on("error", reject);
    request.on("response", async (response) => {
      let text = "";
      for await (const chunk of response) text += chunk;
      resolve({ status: response.statusCode, text });
    });
    request.end(body);
  });
}

/**
 * What the Worker answers to a request that sends so many bytes of a body and never the rest. It is read from the log,
 * because wrangler's proxy holds some answers back until the whole body was sent.
 */
async function statusBeforeTheEnd(path, headers, bytes) {
  const { port } = new URL(worker.origin);
  const count = (await requestLog(worker)).length;
  const request = http.request({ host: "127.0.0.1", port, path, method: "POST", headers });
  request.on("error", () => {}); // It is ended below.
  request.write("x".repeat(bytes));
  try {
    return (await requestLog(worker, count + 1)).at(-1).status;
  } finally {
    request.destroy();
  }
}

/** The status of a WebSocket's upgrade, sent from a page of `origin`. */
function upgradeStatus(url, origin, headers) {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(url, { origin, headers });
    socket.on("error", reject);
    socket.on("unexpected-response", (request, response) => {
      request.destroy();
      resolve(response.statusCode);
    });
    socket.on("open", () => {
      socket.close();
      resolve(101);
    });
  });
}
