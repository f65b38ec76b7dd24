// `start` and `connect`: retries of the first connection, a stop meanwhile, and what the client tells of it.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { test } from "node:test";
import { promisify } from "node:util";
import { startEmulator } from "../../pkg/dist/emulator/index.js";
import { WebPubSubClient } from "../../pkg/dist/entrypoints/client.js";
import { ADDRESS, eventsOf, fakeSockets, fakeTime, GREETING, pass, settled, start, until } from "./fake.mjs";

/** A client with fake sockets, which close at once when they are told to. */
function fakeClient(t, options = {}, credential = ADDRESS) {
  const { WebSocket, sockets } = fakeSockets();
  class ClosingWebSocket extends WebSocket {
    close(code) {
      super.close(code);
      this.drop(1000);
    }
  }
  const client = new WebPubSubClient(credential, { WebSocket: ClosingWebSocket, ...options });
  t.after(() => client.stop());
  return { client, sockets, events: eventsOf(client), statuses: statusesOf(client) };
}

function statusesOf(client) {
  const statuses = [];
  client.on("status-changed", ({ previousStatus, status }) => {
    assert.deepEqual([previousStatus, client.status], [statuses.at(-1) ?? "stopped", status]);
    statuses.push(status);
  });
  return statuses;
}

const names = (events) => events.map(([name]) => name);

const FIXED = { retryDelayInMs: 1000, mode: "Fixed" };

test("`connect` retries the first connection until the service has greeted", async (t) => {
  fakeTime(t);
  let asked = 0;
  const getClientAccessUrl = () => {
    asked++;
    if (asked === 1) throw new Error("the server is not up yet");
    return ADDRESS;
  };
  const { client, sockets, events, statuses } = fakeClient(t, { connectRetryOptions: FIXED }, { getClientAccessUrl });
  const connecting = client.connect();
  await until(() => asked === 1);
  await pass(t, 1000);
  await until(() => sockets.length === 1);
  sockets[0].drop();
  await pass(t, 1000);
  // A socket that opens without a greeting is another failed attempt.
  sockets[1].open();
  sockets[1].drop(1011);
  await pass(t, 1000);
  sockets[2].open(GREETING);
  assert.equal((await connecting).mayHaveMissedMessages, false);
  assert.deepEqual(events.slice(0, 3).map(([name, { error }]) => [name, error.code]), [
    ["error", "ERR_URL"],
    ["error", "ERR_CONNECT"],
    ["error", "ERR_CONNECT"],
  ]);
  assert.deepEqual([names(events.slice(3)), asked, statuses], [["connected"], 4, ["connecting", "connected"]]);
});

test("a message that is sent while the first connection is retried waits for it", async (t) => {
  fakeTime(t);
  const { client, sockets } = fakeClient(t, { connectRetryOptions: FIXED });
  const connecting = client.connect();
  const joining = client.joinGroup("g");
  await until(() => sockets.length === 1);
  sockets[0].drop();
  await pass(t, 1000);
  sockets[1].open(GREETING);
  await connecting;
  await settled();
  const [{ ackId }] = sockets[1].of("joinGroup");
  sockets[1].receive({ type: "ack", ackId, success: true });
  await joining;
});

test("`connect` rejects with the last error when its retries are used up", async (t) => {
  fakeTime(t);
  const { client, sockets, events, statuses } = fakeClient(t, { connectRetryOptions: { ...FIXED, maxRetries: 2 } });
  for (const start of ["connect", "start"]) {
    sockets.length = events.length = statuses.length = 0;
    const refused = assert.rejects(client[start](), { code: "ERR_CONNECT", message: /closed: 1006, attempt 3\./ });
    await until(() => sockets.length === 1);
    for (let attempt = 1; attempt <= 3; attempt++) {
      sockets.at(-1).drop(1006, `attempt ${attempt}`);
      await pass(t, 1000);
    }
    await refused;
    await pass(t, 60_000);
    assert.deepEqual([sockets.length, names(events), client.status], [3, ["error", "error", "error", "stopped"], "stopped"]);
    assert.deepEqual(statuses, ["connecting", "stopped"]);
  }
});

for (const connectRetryOptions of [undefined, { maxRetries: 0 }]) {
  test(`\`connect\` makes one attempt with connectRetryOptions: ${JSON.stringify(connectRetryOptions)}`, async (t) => {
    fakeTime(t);
    const { client, sockets, events } = fakeClient(t, { connectRetryOptions });
    const refused = assert.rejects(client.connect(), { code: "ERR_CONNECT" });
    await until(() => sockets.length === 1);
    sockets[0].drop();
    await refused;
    await pass(t, 60_000);
    assert.deepEqual([sockets.length, names(events)], [1, ["stopped"]]);
  });
}

test("a stop and an abort end the retries of the first connection", async (t) => {
  fakeTime(t);
  const { client, sockets, events } = fakeClient(t, { connectRetryOptions: FIXED });
  const stopped = assert.rejects(client.connect(), { code: "ERR_STOPPED", name: "AbortError" });
  await until(() => sockets.length === 1);
  sockets[0].drop();
  await client.stop();
  await stopped;
  const aborter = new AbortController();
  const aborted = assert.rejects(client.connect({ abortSignal: aborter.signal }), { code: "ERR_ABORTED", cause: "enough" });
  await settled();
  aborter.abort("enough");
  await aborted;
  await pass(t, 60_000);
  assert.deepEqual([sockets.length, names(events)], [2, ["error", "stopped", "stopped"]]);
});

test("a host without WebSocket is ERR_NO_WEBSOCKET, which is not retried", async (t) => {
  const { WebSocket } = globalThis;
  delete globalThis.WebSocket;
  t.after(() => WebSocket && Object.assign(globalThis, { WebSocket }));
  const client = new WebPubSubClient(ADDRESS, { connectRetryOptions: {} });
  const events = eventsOf(client);
  await assert.rejects(client.connect(), {
    code: "ERR_NO_WEBSOCKET",
    message: /^This runtime has no WebSocket\. In Node 20, install the package ws .* new WebPubSubClient\(credential, \{ WebSocket \}\)\.$/,
  });
  assert.deepEqual([client.status, names(events)], ["stopped", ["stopped"]]);
});

for (const host of ["localhost:8080", "app.localhost", "127.0.0.1:1", "127.1.2.3", "[::1]:8080"]) {
  test(`ERR_CONNECT of ${host} names the log of the emulator`, async (t) => {
    const { client, sockets } = fakeClient(t, {}, `ws://${host}/client/hubs/h?access_token=SECRET`);
    const refused = assert.rejects(client.connect(), {
      code: "ERR_CONNECT",
      message: `The socket to ${host} is closed: 1006. If this is the emulator, its log says why.`,
    });
    await until(() => sockets.length === 1);
    sockets[0].drop();
    await refused;
  });
}

test("ERR_CONNECT of another host does not name the emulator", async (t) => {
  const { client, sockets } = fakeClient(t, {}, "wss://127.0.0.1.example.com/client/hubs/h");
  const refused = assert.rejects(client.connect(), { message: "The socket to 127.0.0.1.example.com is closed: 1006." });
  await until(() => sockets.length === 1);
  sockets[0].drop();
  await refused;
});

test("`status-changed` tells every status, before the event that belongs to it", async (t) => {
  fakeTime(t);
  const { client, sockets, events, statuses } = fakeClient(t);
  client.on("status-changed", ({ status }) => events.push([`is ${status}`]));
  const connecting = client.connect();
  await until(() => sockets.length === 1);
  sockets[0].open(GREETING);
  await connecting;
  await pass(t, 6000);
  sockets[0].drop();
  await pass(t, 10);
  sockets[1].open();
  await pass(t, 10);
  sockets[1].receive({ type: "pong" });
  sockets[1].drop(1008);
  await pass(t, 2000);
  sockets[2].open({ ...GREETING, connectionId: "second" });
  await client.stop();
  assert.deepEqual(statuses, [
    ...["connecting", "connected", "recovering", "connected", "disconnected", "connecting", "connected", "disconnected", "stopped"],
  ]);
  const told = names(events);
  for (const status of ["connected", "recovering", "disconnected", "stopped"]) {
    assert.equal(told.indexOf(status), told.indexOf(`is ${status}`) + 1, told.join());
  }
});

test("`on` returns a function that removes its registration once", async (t) => {
  const { client, socket } = await start(t);
  let heard = 0;
  const listener = () => heard++;
  const message = () => socket.receive({ type: "message", from: "server", dataType: "text", data: "x" });
  const [remove] = [client.on("server-message", listener), client.on("server-message", listener)];
  message();
  remove();
  remove();
  message();
  assert.equal(heard, 3);
});

test("a client without a user id is the empty string in `connected` and in `userId`", async (t) => {
  for (const userId of [undefined, null, ""]) {
    const { client, events } = await start(t, {}, { connectionId: "c", userId });
    assert.deepEqual([events[0][1].userId, client.userId], ["", ""]);
  }
});

/** Runs `act`, and returns what the process would report to the developer meanwhile. */
async function reportsOf(t, act) {
  const reports = [];
  const report = (error) => reports.push(error);
  t.mock.method(console, "error", report);
  process.on("unhandledRejection", report);
  try {
    await act();
    await new Promise((resolve) => setTimeout(resolve, 20));
  } finally {
    process.off("unhandledRejection", report);
  }
  return reports;
}

/** What React's StrictMode does with an effect that connects and whose cleanup stops. */
const STRICT_MODE = {
  "in the same tick": (client) => {
    void client.connect();
    void client.stop();
    return client.connect();
  },
  "twice in the same tick": (client) => {
    void client.connect();
    void client.stop();
    void client.connect();
    void client.stop();
    return client.connect();
  },
  "in turns": async (client) => {
    void client.connect();
    await Promise.resolve();
    void client.stop();
    await Promise.resolve();
    return client.connect();
  },
  "with awaits": async (client) => {
    void client.connect();
    await client.stop();
    return client.connect();
  },
  "while the first connection is stopped": async (client) => {
    await client.connect();
    void client.stop();
    return client.connect();
  },
  "twice while the first connection is stopped": async (client) => {
    await client.connect();
    void client.stop();
    void client.connect();
    void client.stop();
    return client.connect();
  },
};

for (const [name, act] of Object.entries(STRICT_MODE)) {
  test(`connect, stop and connect ${name} reports no error and leaves one connection`, async (t) => {
    const emulator = await startEmulator();
    t.after(() => emulator.stop());
    const { WebSocket = (await import("ws")).default } = globalThis;
    const client = new WebPubSubClient({ getClientAccessUrl: () => emulator.clientUrl("h", { roles: ["webpubsub.joinLeaveGroup"] }) }, { WebSocket });
    const errors = [];
    client.on("error", ({ error }) => errors.push(error));
    const reports = await reportsOf(t, async () => {
      const connecting = act(client);
      assert.equal((await connecting).connectionId, client.connectionId);
      await client.joinGroup("g");
    });
    assert.deepEqual([reports, errors, client.status], [[], [], "connected"]);
    assert.equal(emulator.inspect("h").connections.length, 1);
    await client.stop();
  });
}

test("`connect().catch` sees that the client was stopped", async (t) => {
  const { client, events } = fakeClient(t);
  const seen = client.connect().catch(({ code, name }) => [code, name]);
  void client.stop();
  assert.deepEqual([await seen, names(events)], [["ERR_STOPPED", "AbortError"], ["stopped"]]);
});

test("a failed `connect` that nobody handles is reported", async () => {
  const entry = new URL("../../pkg/dist/entrypoints/client.js", import.meta.url).href;
  const program = `
    import { WebPubSubClient } from ${JSON.stringify(entry)};
    process.on("unhandledRejection", ({ code }) => console.log(code));
    new WebPubSubClient("wss://example.com", { fetch: async () => ({ status: 403 }) }).connect();
  `;
  const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "--eval", program]);
  assert.equal(stdout, "ERR_CONNECT\n");
});

test("a message that is sent after a connect that waits for a stop waits for the new connection", async (t) => {
  const { client, sockets, socket } = await start(t);
  void client.stop();
  const connecting = client.connect();
  const joining = client.joinGroup("g");
  socket.drop(1000);
  await until(() => sockets.length === 2);
  sockets[1].open(GREETING);
  await connecting;
  await settled();
  const [{ ackId }] = sockets[1].of("joinGroup");
  sockets[1].receive({ type: "ack", ackId, success: true });
  await joining;
});

test("a second `connect` is ERR_STATE, also while the first one waits for a stop", async (t) => {
  const { client, socket } = await start(t);
  await assert.rejects(client.connect(), { code: "ERR_STATE" });
  const stopped = client.stop();
  const waiting = assert.rejects(client.connect(), { code: "ERR_STOPPED" });
  await assert.rejects(client.connect(), { code: "ERR_STATE" });
  void client.stop();
  socket.drop(1000);
  await Promise.all([waiting, stopped]);
  assert.equal(client.status, "stopped");
});
