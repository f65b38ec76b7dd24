// Sends without acknowledgement to a service that reads slowly or not at all: what waits in the client is limited.

import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import { WebSocket, WebSocketServer } from "ws";
import { WebPubSubClient } from "../../pkg/dist/entrypoints/client.js";
import { fakeTime, GREETING, pass, settled, start, until } from "./fake.mjs";

const MIB = 2 ** 20;
const POST = { fireAndForget: true };

/** A service that greets and then reads nothing until its socket is resumed. */
async function silentService(t) {
  const server = new WebSocketServer({ host: "127.0.0.1", port: 0 });
  t.after(() => server.close());
  await once(server, "listening");
  const connected = once(server, "connection").then(([peer]) => {
    peer.received = 0;
    peer.on("message", (data) => /"sendToGroup"/.test(data.subarray(0, 30)) && peer.received++);
    peer.send(JSON.stringify({ type: "system", event: "connected", ...GREETING }));
    peer.pause();
    return peer;
  });
  return { url: `ws://127.0.0.1:${server.address().port}/client/hubs/chat`, connected };
}

/** Lets the host write what it can, until the number stays the same. */
async function atRest(number) {
  for (let before = -1, turns = 0; turns < 200; turns++) {
    if (number() !== before) turns = 0;
    before = number();
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

for (const [name, Constructor] of Object.entries({ ws: WebSocket, "the host": globalThis.WebSocket })) {
  test(`with the WebSocket of ${name}, awaited posts to a peer that does not read keep 3 MiB at most in memory`, async (t) => {
    const { url, connected } = await silentService(t);
    const client = new WebPubSubClient(url, { WebSocket: Constructor });
    t.after(() => client.stop());
    await client.connect();
    const peer = await connected;
    const text = "x".repeat(500_000);
    const count = 100;
    let sent = 0;
    const flood = (async () => {
      for (; sent < count; sent++) await client.sendToGroup("g", text, "text", POST);
    })();
    await atRest(() => sent);
    assert.ok(sent < count, "the sends wait");
    assert.ok(client.bufferedAmount >= MIB && client.bufferedAmount < 3 * MIB, `${client.bufferedAmount} bytes`);

    // They go on when the peer reads.
    peer.resume();
    await flood;
    await until(() => peer.received === count);
    assert.equal(client.bufferedAmount, 0);
  });
}

/** A client whose socket says how much waits in it. */
async function withBuffer(t, bufferedAmount) {
  fakeTime(t);
  const started = await start(t);
  Object.assign(started.socket, { bufferedAmount });
  const states = [];
  const post = (options) => {
    const at = states.push("waits") - 1;
    const sending = started.client.sendToGroup("g", "x", "text", { ...POST, ...options });
    sending.then(() => (states[at] = "sent"), (error) => (states[at] = error.code));
    return sending;
  };
  return { ...started, states, post };
}

test("a post waits while 1 MiB or more waits in the socket, and no longer", async (t) => {
  const { client, socket, states, post } = await withBuffer(t, MIB - 1);
  post();
  await settled();
  assert.deepEqual([states, client.bufferedAmount], [["sent"], MIB - 1]);
  socket.bufferedAmount = 2 * MIB;
  post();
  post();
  await pass(t, 1000);
  assert.deepEqual([states, socket.sent.length], [["sent", "waits", "waits"], 3]);
  socket.bufferedAmount = MIB - 1;
  await pass(t, 20);
  assert.deepEqual(states, ["sent", "sent", "sent"]);
});

test("a send that is acknowledged does not wait for the socket to drain, for it waits for its ack", async (t) => {
  const { client, socket } = await withBuffer(t, 2 * MIB);
  const sending = client.sendToGroup("g", "x", "text");
  await settled();
  socket.receive({ type: "ack", ackId: 1, success: true });
  assert.deepEqual(await sending, { ackId: 1, isDuplicated: false });
});

test("a post that waits for the socket to drain ends with its signal, its connection and its client", async (t) => {
  const { client, sockets, socket, states, post } = await withBuffer(t, 2 * MIB);
  const aborter = new AbortController();
  post({ abortSignal: aborter.signal });
  post();
  await settled();
  aborter.abort();
  await settled();
  assert.deepEqual(states, ["ERR_ABORTED", "waits"]);
  // It was written, and nobody knows more of it.
  socket.drop();
  await settled();
  assert.deepEqual([states[1], client.bufferedAmount], ["sent", 0]);

  await pass(t, 10);
  sockets[1].open();
  sockets[1].receive({ type: "pong" });
  sockets[1].bufferedAmount = 2 * MIB;
  post();
  await settled();
  assert.equal(states[2], "waits");
  sockets[1].close = () => {};
  const stopped = client.stop();
  await pass(t, 3000);
  await stopped;
  assert.equal(states[2], "sent");
});

test("a socket that does not say how much waits in it never delays a post", async (t) => {
  const { client, states, post } = await withBuffer(t, undefined);
  for (let count = 0; count < 3; count++) post();
  await settled();
  assert.deepEqual([states, client.bufferedAmount], [["sent", "sent", "sent"], 0]);
});
