// Attempts to connect that fail or are given up: what the client reports, and that nothing of them comes back.

import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import { WebSocket } from "ws";
import { WebPubSubClient, WebPubSubJsonProtocol } from "../../pkg/dist/entrypoints/client.js";
import { startEmulator } from "../../pkg/dist/emulator/index.js";
import { ADDRESS, fakeTime, GREETING, pass, settled, start, until } from "./fake.mjs";

/** After the first attempt to reconnect, which is made at once, the next one is far away. */
const RARELY = { reconnectRetryOptions: { mode: "Fixed", retryDelayInMs: 600_000, maxRetryDelayInMs: 600_000 } };

/** The codes of the `error` events. */
const errorCodes = (events) => events.filter(([name]) => name === "error").map(([, { error }]) => error.code);

test("a URL that comes after its attempt was given up opens no socket", async (t) => {
  const emulator = await startEmulator();
  t.after(() => emulator.stop());
  let sockets = 0;
  class CountedWebSocket extends WebSocket {
    constructor(...args) {
      super(...args);
      sockets++;
    }
  }
  let calls = 0;
  let comeLate;
  // The function ignores its signal.
  const getClientAccessUrl = () => {
    const url = emulator.clientUrl("chat");
    return ++calls === 1 ? url : new Promise((resolve) => (comeLate = () => resolve(url)));
  };
  const client = new WebPubSubClient({ getClientAccessUrl }, {
    protocol: WebPubSubJsonProtocol(),
    WebSocket: CountedWebSocket,
    connectTimeoutInMs: 1000,
    ...RARELY,
  });
  const { connectionId } = await client.connect();
  const failed = new Promise((resolve) => client.on("error", ({ error }) => resolve(error)));
  emulator.faults.inject({ type: "cut", connectionId });
  assert.equal((await failed).code, "ERR_TIMEOUT");
  // The client now waits for its next attempt.
  comeLate();
  // A second client connects after the late URL came. The ghost would be connected before it.
  const other = new WebSocket(emulator.clientUrl("chat"));
  await once(other, "open");
  assert.equal(sockets, 1);
  assert.equal(emulator.inspect("chat").connections.length, 1);
  await client.stop();
  assert.equal(emulator.inspect("chat").connections.length, 1);
  other.close();
  await once(other, "close");
});

test("a socket that opens after its attempt was given up is closed and ignored", async (t) => {
  fakeTime(t);
  const { client, events, sockets, socket } = await start(t, { connectTimeoutInMs: 5000, ...RARELY });
  socket.drop(1008);
  await pass(t, 6000);
  const late = sockets[1];
  assert.deepEqual([late.closed, errorCodes(events)], [{ code: undefined }, ["ERR_TIMEOUT"]]);
  delete late.closed;
  late.open(GREETING);
  late.drop();
  assert.deepEqual(late.closed, { code: undefined });
  assert.notEqual(client.status, "connected");
  assert.deepEqual(errorCodes(events), ["ERR_TIMEOUT"]);
});

test("an upgrade that comes after its attempt was given up is closed and ignored", async (t) => {
  fakeTime(t);
  const closed = [];
  const webSocket = Object.assign(new EventTarget(), { readyState: 1, accept() {}, close: (code) => closed.push(code) });
  let comeLate;
  const fetch = () => new Promise((resolve) => (comeLate = () => resolve({ webSocket })));
  const client = new WebPubSubClient(ADDRESS, { fetch, connectTimeoutInMs: 5000 });
  const starting = assert.rejects(client.start(), { code: "ERR_TIMEOUT" });
  await until(() => comeLate);
  await pass(t, 5500);
  await starting;
  comeLate();
  await settled();
  assert.deepEqual([closed, client.status], [[undefined], "stopped"]);
});

for (const [how, fails] of Object.entries({
  "never settles": () => {},
  "rejects when its signal is aborted": (signal, reject) => signal.addEventListener("abort", () => reject(new Error("aborted"))),
})) {
  test(`a getClientAccessUrl that ${how} is reported as ERR_TIMEOUT`, async (t) => {
    fakeTime(t);
    let calls = 0;
    const getClientAccessUrl = ({ abortSignal }) =>
      ++calls === 1 ? ADDRESS : new Promise((_, reject) => fails(abortSignal, reject));
    const { client, events, socket } = await start(t, { connectTimeoutInMs: 5000, ...RARELY }, GREETING, { getClientAccessUrl });
    socket.drop(1008);
    await pass(t, 5500);
    assert.deepEqual(errorCodes(events), ["ERR_TIMEOUT"]);
    await client.stop();

    // The error of the first attempt is that of `start` and `connect`.
    for (const method of ["start", "connect"]) {
      const starting = assert.rejects(client[method](), { code: "ERR_TIMEOUT" });
      await pass(t, 5500);
      await starting;
    }
    assert.deepEqual([calls, errorCodes(events)], [4, ["ERR_TIMEOUT"]]);
  });
}

test("an attempt whose greeting does not come in time is reported as ERR_TIMEOUT", async (t) => {
  fakeTime(t);
  const { events, sockets, socket } = await start(t, { connectTimeoutInMs: 5000, ...RARELY });
  socket.drop(1008);
  await pass(t, 10);
  sockets[1].open();
  await pass(t, 5500);
  assert.deepEqual(errorCodes(events), ["ERR_TIMEOUT"]);
  assert.deepEqual(sockets[1].closed, { code: undefined });
});

test("a stop while the client asks for a URL reports no error", async (t) => {
  fakeTime(t);
  let calls = 0;
  const getClientAccessUrl = ({ abortSignal }) =>
    ++calls === 1 ? ADDRESS : new Promise((_, reject) => abortSignal.addEventListener("abort", () => reject(new Error("aborted"))));
  const { client, events, socket } = await start(t, {}, GREETING, { getClientAccessUrl });
  socket.drop(1008);
  await pass(t, 10);
  await client.stop();
  await pass(t, 60_000);
  assert.deepEqual([calls, errorCodes(events), client.status], [2, [], "stopped"]);
});

test("a rejoin that the service does not answer delays `connected` by 30 seconds at most", async (t) => {
  fakeTime(t);
  const { client, events, sockets, socket } = await start(t);
  const joining = client.joinGroup("g");
  await settled();
  socket.receive({ type: "ack", ackId: 1, success: true });
  await joining;
  socket.drop(1008);
  await pass(t, 10);
  sockets[1].open({ ...GREETING, connectionId: "again" });
  for (let seconds = 0; seconds < 30; seconds += 5) {
    assert.equal(client.status, "connecting");
    sockets[1].receive({ type: "pong" });
    await pass(t, 5000);
  }
  const [[failed, { group, error }], [connected]] = events.slice(-2);
  assert.deepEqual([failed, group, error.code, connected], ["rejoin-group-failed", "g", "ERR_TIMEOUT", "connected"]);
});
