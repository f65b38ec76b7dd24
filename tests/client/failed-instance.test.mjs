// Failures of the WebAssembly instance in which the sessions of all clients live.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { WebPubSubClient } from "../../pkg/dist/entrypoints/client.js";
import { corrupt, onFullStack, watchMemories } from "../wasm-memory.mjs";
import { ADDRESS, fakeSockets, GREETING, settled, start, until } from "./fake.mjs";

const FAILURE = { name: "WebPubSubClientError", code: "ERR_WASM", message: "The client's WebAssembly instance failed. Start the client again." };

/** Of every instance in this process; the last one serves the clients that start. */
const { memories } = watchMemories();

const restart = async (client, sockets) => {
  const count = sockets.length;
  const starting = client.start();
  await until(() => sockets.length > count);
  sockets.at(-1).open(GREETING);
  await starting;
  assert.equal(client.status, "connected");
};

test("a trap ends all sessions of the instance with ERR_WASM, and clients can be started again", async (t) => {
  const { client, events, sockets, socket } = await start(t);
  const other = await start(t);
  assert.equal(memories.length, 1, "one instance serves all clients");
  const sending = assert.rejects(client.sendToGroup("g", "x", "text"), FAILURE);
  const joining = assert.rejects(other.client.joinGroup("g"), FAILURE);
  const invoking = assert.rejects(client.invokeEvent("e", "x", "text"), FAILURE);
  const opening = assert.rejects(client.openGroupStream("g"), { code: "ERR_STREAM", name: "ConnectionLost" });
  const messages = client.messages();
  await settled();
  corrupt(memories.at(-1));
  const failing = assert.rejects(client.sendToGroup("g", "y", "text"), FAILURE);
  await Promise.all([sending, joining, invoking, opening, failing]);
  assert.deepEqual(await messages.next(), { value: undefined, done: true });
  await settled();
  for (const [{ status }, told] of [[client, events], [other.client, other.events]]) {
    assert.equal(status, "stopped");
    const [connected, stopped, error] = told.map(([name]) => name);
    assert.deepEqual([connected, stopped, error], ["connected", "stopped", "error"]);
    const { error: failure } = told[2][1];
    assert.equal(failure.code, "ERR_WASM");
    assert.ok(failure.cause instanceof WebAssembly.RuntimeError);
    assert.equal(told.length, 3);
  }
  assert.deepEqual([socket.closed, other.socket.closed], [{ code: undefined }, { code: undefined }]);

  await restart(client, sockets);
  await restart(other.client, other.sockets);
  assert.equal(memories.length, 2);
  const again = client.sendToGroup("g", "z", "text");
  await settled();
  sockets.at(-1).receive({ type: "ack", ackId: 1, success: true });
  assert.deepEqual(await again, { ackId: 1, isDuplicated: false });
});

test("a trap during a start rejects the start", async (t) => {
  const { client: running } = await start(t);
  const fake = fakeSockets();
  const client = new WebPubSubClient(ADDRESS, { WebSocket: fake.WebSocket });
  const starting = assert.rejects(client.connect(), FAILURE);
  await until(() => fake.sockets.length > 0);
  corrupt(memories.at(-1));
  fake.sockets[0].open(GREETING);
  await starting;
  assert.deepEqual([client.status, running.status], ["stopped", "stopped"]);
});

test("a client that was stopped when the instance failed starts in a new one", async (t) => {
  const { client, sockets, socket } = await start(t);
  const other = await start(t);
  socket.close = () => socket.drop(1000);
  await client.stop();
  corrupt(memories.at(-1));
  await assert.rejects(other.client.sendToGroup("g", "x", "text"), FAILURE);
  await settled();
  await restart(client, sockets);
});

test("a stop while the instance fails ends", async (t) => {
  const { client } = await start(t);
  corrupt(memories.at(-1));
  await client.stop();
  assert.equal(client.status, "stopped");
});

test("a stack overflow ends the sessions of the instance, and new sessions use another one", async () => {
  const { CoreSession, loadInstance } = await import("../../pkg/dist/client/core/core.js?overflow");
  const { settingsOf } = await import("../../pkg/dist/client/settings.js");
  const { Start } = await import("../../pkg/dist/client/core/input.js");
  const module = await WebAssembly.compile(await readFile(new URL("../../pkg/dist/wasm/webpubsub_edge_client.wasm", import.meta.url)));
  const newSession = (onFailure) => new CoreSession(loadInstance(() => module), settingsOf({}).session, onFailure);
  let rounds = 0;
  for (let tries = 0; rounds < 300; tries++) {
    assert.ok(tries < 600, "the stack does not overflow in the module");
    let failures = 0;
    const sessions = [newSession(() => failures++), newSession(() => failures++)];
    for (const session of sessions) session.isRunning = true;
    onFullStack(() => sessions[0].handle(Start, 0, 0, 0));
    if (!sessions[0].hasFailed) continue;
    rounds++;
    assert.ok(sessions[1].hasFailed);
    // A session whose notice did not fit on the stack gets it with its next input.
    for (const session of sessions) assert.equal(session.handle(Start, 0, 0, 0), 0);
    await settled();
    assert.equal(failures, 2);
  }
  const session = newSession(() => {});
  assert.notEqual(session.handle(Start, 0, 0, 0), 0);
});

test("flags of a frame that are not booleans are refused", async (t) => {
  const { client, events, socket } = await start(t);
  const parts = [];
  client.onGroupStream(async (stream) => {
    for await (const part of stream) parts.push(part.data);
  });
  const part = (endOfStream) => ({
    ...{ type: "message", from: "group", group: "g", dataType: "text", data: "x" },
    stream: { streamId: "s", streamSequenceId: 1, endOfStream },
  });
  socket.receive(part(2));
  socket.receive({ type: "ack", ackId: 1, success: 2 });
  const errors = events.filter(([name]) => name === "error").map(([, { error }]) => [error.code, error.message]);
  assert.deepEqual(errors, [
    ["ERR_FRAME", "A frame could not be read: endOfStream must be true or false, not 2."],
    ["ERR_FRAME", "A frame could not be read: success must be true or false, not 2."],
  ]);
  socket.receive(part(true));
  await settled();
  assert.deepEqual([parts, client.status], [["x"], "connected"]);
});
