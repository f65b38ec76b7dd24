// What the client has beyond plain messages: streams, invocations, group state, sleep, aborts, and sockets of other makes.

import assert from "node:assert/strict";
import { getEventListeners } from "node:events";
import { test } from "node:test";
import {
  WebPubSubJsonProtocol as OfficialJsonProtocol,
  WebPubSubJsonReliableProtocol as OfficialJsonReliableProtocol,
} from "@azure/web-pubsub-client";
import { startEmulator } from "../../pkg/dist/emulator/index.js";
import { WebPubSubClient, WebPubSubJsonProtocol, WebPubSubJsonReliableProtocol } from "../../pkg/dist/entrypoints/client.js";
import { ADDRESS, fakeSockets, fakeTime, GREETING, pass, settled, start, until } from "./fake.mjs";

// The first test of the file: later the module is there.
test("a stop while the module is loading is for good", async () => {
  const fake = fakeSockets();
  const client = new WebPubSubClient(ADDRESS, { WebSocket: fake.WebSocket });
  const starting = assert.rejects(client.start(), { code: "ERR_STOPPED" });
  const stopped = client.stop();
  await Promise.all([starting, stopped]);
  await settled();
  assert.deepEqual([fake.sockets.length, client.status], [0, "stopped"]);
});

const streamed = (streamSequenceId, data, more = {}) => ({
  type: "message", from: "group", group: "g", dataType: "text", data, stream: { streamId: "S", streamSequenceId, ...more },
});

/** A stream that the service has opened. */
async function openStream(t, options) {
  const started = await start(t);
  const opening = started.client.openGroupStream("g", { streamId: "S", ...options });
  await settled();
  started.socket.receive({ type: "streamAck", streamId: "S", expectedSequenceId: 1 });
  return { ...started, writer: await opening };
}

test("a stream is started, written in order, and ended", async (t) => {
  const { client, socket, writer } = await openStream(t, { noEcho: true, idleTimeoutInMs: 1000 });
  await assert.rejects(client.openGroupStream("g", { streamId: "S" }), /already exists/);
  await writer.write({ a: 1 }, "json");
  await writer.write("two", "text");
  const ended = writer.end();
  await settled();
  assert.deepEqual(socket.sent.slice(0, 3), [
    { type: "sendToGroup", group: "g", noEcho: true, stream: { streamId: "S", idleTimeoutMs: 1000 } },
    { type: "streamData", streamId: "S", streamSequenceId: 1, dataType: "json", data: { a: 1 } },
    { type: "streamData", streamId: "S", streamSequenceId: 2, dataType: "text", data: "two" },
  ]);
  socket.receive({ type: "streamAck", streamId: "S", expectedSequenceId: 3 });
  assert.deepEqual(socket.of("streamEnd"), [{ type: "streamEnd", streamId: "S" }]);
  socket.receive({ type: "streamClosed", streamId: "S" });
  await ended;
  await assert.rejects(writer.write("x", "text"), /is completed/);
});

test("a call that is settled leaves no listener on a long-lived AbortSignal", async (t) => {
  const { signal: abortSignal } = new AbortController();
  const { client, socket, writer } = await openStream(t, { abortSignal });
  assert.deepEqual(getEventListeners(abortSignal, "abort"), [], "the stream is open");
  const ended = writer.end({ abortSignal });
  assert.equal(getEventListeners(abortSignal, "abort").length, 1);
  socket.receive({ type: "streamClosed", streamId: "S" });
  await ended;
  const sent = client.invokeEvent("e", "x", "text", { abortSignal, invocationId: "1" });
  await settled();
  socket.receive({ type: "invokeResponse", invocationId: "1", success: true });
  await sent;
  // One that fails, too.
  const refused = assert.rejects(client.openGroupStream("g", { streamId: "T", abortSignal }), { name: "Forbidden" });
  await settled();
  socket.receive({ type: "streamClosed", streamId: "T", error: { name: "Forbidden", message: "no" } });
  await refused;
  assert.deepEqual(getEventListeners(abortSignal, "abort"), []);
});

test("what a stream cannot carry is refused at once, and costs no part", async (t) => {
  const { socket, writer } = await openStream(t);
  await assert.rejects(writer.write(5, "text"), TypeError);
  await writer.write("one", "text");
  assert.deepEqual(socket.of("streamData").map(({ streamSequenceId }) => streamSequenceId), [1]);
});

test("a stream goes on after a recovery from what the service has", async (t) => {
  fakeTime(t);
  const { sockets, socket, writer } = await openStream(t);
  for (const data of ["one", "two", "three"]) await writer.write(data, "text");
  socket.receive({ type: "streamAck", streamId: "S", expectedSequenceId: 2 });
  socket.drop();
  await pass(t, 10);
  await writer.write("four", "text");
  sockets[1].open(GREETING);
  await pass(t, 1000);
  assert.deepEqual(sockets[1].of("streamData").map(({ data }) => data), ["two", "three", "four"]);
});

test("a stream that the service closes tells its writer, and a later write is refused with the text of the official client", async (t) => {
  const { socket, writer, events } = await openStream(t);
  const told = [];
  writer.onError((error) => told.push(error));
  writer.onError(() => {
    throw new Error("a listener");
  });
  socket.receive({ type: "streamClosed", streamId: "S", error: { name: "IdleTimeout", message: "too slow" } });
  assert.deepEqual(told, [{ name: "IdleTimeout", message: "too slow" }]);
  for (const call of [() => writer.write("x", "text"), () => writer.end(), () => writer.abort({})]) {
    await assert.rejects(call(), (error) => {
      assert.deepEqual([error.name, error.code, error.message], ["IdleTimeout", "ERR_STREAM", "Stream 'S' is completed."]);
      assert.deepEqual([error.cause.name, error.cause.message], ["IdleTimeout", "too slow"]);
      return true;
    });
  }
  const [name, { error }] = events.at(-1);
  assert.deepEqual([name, error.message], ["error", "a listener"]);
});

test("an ack of what was never sent ends a stream as a violation", async (t) => {
  const { socket, writer } = await openStream(t);
  await writer.write("one", "text");
  socket.receive({ type: "streamAck", streamId: "S", expectedSequenceId: 9 });
  assert.equal(socket.of("streamEnd")[0].error.userErrorCode, "ProtocolViolation");
  await assert.rejects(writer.write("x", "text"), { name: "ProtocolViolation" });
});

/** Reads every stream to its end; gives what came and what ended it. */
function read(client, options) {
  const read = [];
  const subscription = client.onGroupStream(async (stream) => {
    const parts = [];
    read.push({ stream, parts });
    try {
      for await (const { data } of stream) parts.push(data);
      parts.push("end");
    } catch (error) {
      parts.push(error.name);
    }
  }, options);
  return { read, subscription };
}

test("a stream is read in order to its end, and is told as messages too", async (t) => {
  const { client, socket } = await start(t);
  const { read: all, subscription } = read(client);
  const { read: others } = read(client, { groupNames: ["other"] });
  let messages = 0;
  client.on("group-message", () => messages++);
  socket.receive(streamed(1, "a"));
  socket.receive(streamed(1, "a"));
  socket.receive(streamed(2, "b"));
  socket.receive(streamed(3, "", { endOfStream: true }));
  await settled();
  assert.deepEqual(all.map(({ parts }) => parts), [["a", "b", "end"]]);
  assert.equal(all[0].stream.abortSignal.aborted, true);
  assert.deepEqual([others.length, messages, subscription.isActive], [0, 4, true]);
  await subscription.close();
  socket.receive(streamed(1, "again"));
  await settled();
  assert.deepEqual([all.length, subscription.isActive], [1, false]);
});

test("what comes of a stream that its reader has left is for nobody, and its id is then free", async (t) => {
  const { client, socket } = await start(t);
  const read = [];
  client.onGroupStream(async (stream) => {
    const parts = [];
    read.push(parts);
    for await (const { data } of stream) {
      parts.push(data);
      if (data === "b") break;
    }
  });
  for (const [index, data] of ["a", "b", "c", "d"].entries()) {
    socket.receive(streamed(index + 1, data));
    await settled();
  }
  socket.receive(streamed(5, "", { endOfStream: true }));
  socket.receive(streamed(1, "again"));
  await settled();
  assert.deepEqual(read, [["a", "b"], ["again"]]);
});

test("a stream is given up with what an Error says, and nothing else of it", async (t) => {
  const { socket, writer } = await openStream(t);
  void writer.abort(Object.assign(new Error("boom"), { userErrorCode: "E1", headers: { authorization: "SECRET" } })).catch(() => {});
  await settled();
  assert.deepEqual(socket.of("streamEnd")[0].error, { userErrorCode: "E1", message: "boom" });
});

test("a stream that goes on after a silence, or after a stop and a start, is read anew; one with a missing part is not", async (t) => {
  fakeTime(t);
  const { client, sockets, socket } = await start(t);
  const { read: all } = read(client, { idleTimeoutInMs: 5000 });
  socket.receive(streamed(1, "a"));
  await pass(t, 6000);
  socket.receive(streamed(2, "b"));
  socket.receive({ ...streamed(1, "a"), group: "h" });
  socket.receive({ ...streamed(3, "c"), group: "h" });
  socket.receive({ ...streamed(4, "d"), group: "h" });
  await settled();
  assert.deepEqual(all.map(({ parts }) => parts), [["a", "IdleTimeout"], ["b"], ["a", "MissingParts"]]);
  socket.close = () => socket.drop(1000);
  await client.stop();
  const starting = client.start();
  await settled();
  sockets[1].open({ ...GREETING, connectionId: "new" });
  await starting;
  sockets[1].receive(streamed(3, "c"));
  await settled();
  assert.deepEqual(all.map(({ parts }) => parts), [["a", "IdleTimeout"], ["b", "ConnectionLost"], ["a", "MissingParts"], ["c"]]);
});

test("streams are told apart by their group and their id, whatever stands in them", async (t) => {
  const { client, socket } = await start(t);
  const { read: all } = read(client);
  for (const [group, streamId] of [["a\nb", "c"], ["a", "b\nc"], ['a","b', "c"]]) {
    socket.receive({ type: "message", from: "group", group, dataType: "text", data: "x", stream: { streamId, streamSequenceId: 1 } });
  }
  assert.equal(all.length, 3);
});

test("a stream gets an id of its own, also in a page over http:, where there is no randomUUID", async (t) => {
  t.mock.method(crypto, "randomUUID", () => assert.fail("there is none"));
  const { client, socket } = await start(t);
  for (let nth = 0; nth < 2; nth++) client.openGroupStream("g").catch(() => {});
  await settled();
  const [first, second] = socket.of("sendToGroup").map(({ stream }) => stream.streamId);
  assert.match(first, /^\d{5,}$/);
  assert.notEqual(first, second);
});

test("a call that was aborted says why", async (t) => {
  const { client } = await start(t);
  for (const call of [
    (options) => client.sendEvent("e", "x", "text", options),
    (options) => client.joinGroup("g", options),
    (options) => client.invokeEvent("e", "x", "text", options),
    (options) => client.openGroupStream("g", options),
    (options) => client.setGroupState("g", {}, options),
  ]) {
    const aborter = new AbortController();
    const reason = new Error("nobody waits any more");
    const rejected = assert.rejects(call({ abortSignal: aborter.signal }), { code: "ERR_ABORTED", cause: reason }, `${call}`);
    await settled();
    aborter.abort(reason);
    await rejected;
    await assert.rejects(call({ abortSignal: aborter.signal }), { code: "ERR_ABORTED", cause: reason }, `${call}`);
  }
});

test("a call that was overtaken while it waited to be tried again says how it had failed", async (t) => {
  const { client, socket } = await start(t, { messageRetryOptions: { retryDelayInMs: 1 } });
  const joining = assert.rejects(client.joinGroup("g"), { name: "SendMessageError", code: "ERR_REFUSED" });
  const leaving = client.leaveGroup("g");
  await settled();
  socket.receive({ type: "ack", ackId: 1, success: false, error: { name: "InternalServerError", message: "busy" } });
  socket.receive({ type: "ack", ackId: 2, success: true });
  await Promise.all([joining, leaving]);
});

test("an invocation id is a text, and is made where there is none", async (t) => {
  const { client, socket } = await start(t);
  for (const invocationId of ["own", 7, "", undefined]) client.invokeEvent("e", "x", "text", { invocationId }).catch(() => {});
  await settled();
  assert.deepEqual(socket.of("invoke").map(({ invocationId }) => invocationId), ["own", "7", "1", "2"]);
});

test("a stream with a missing part, an error or a silence fails its reader", async (t) => {
  fakeTime(t);
  const { client, socket } = await start(t);
  const { read: all } = read(client, { idleTimeoutInMs: 5000 });
  socket.receive(streamed(1, "a"));
  socket.receive(streamed(3, "c"));
  await settled();
  assert.deepEqual(all.at(-1).parts, ["a", "MissingParts"]);
  socket.receive({ ...streamed(1, "a"), group: "h" });
  socket.receive({ ...streamed(2, "b", { endOfStream: true, error: { name: "UserError", userErrorCode: "C" } }), group: "h" });
  await settled();
  assert.deepEqual(all.at(-1).parts, ["a", "b", "UserError"]);
  socket.receive({ ...streamed(1, "a"), group: "i" });
  await pass(t, 6000);
  assert.deepEqual(all.at(-1).parts, ["a", "IdleTimeout"]);
});

test("with handleFromStart, only streams that are seen from the start are read", async (t) => {
  const { client, socket } = await start(t);
  const { read: fromStart } = read(client, { handleFromStart: true });
  const { read: all } = read(client);
  socket.receive(streamed(5, "late"));
  await settled();
  assert.deepEqual([fromStart.length, all.map(({ parts }) => parts)], [0, [["late"]]]);
});

test("an invocation is answered, refused, or lost with its connection", async (t) => {
  const { client, socket } = await start(t, { autoReconnect: false, protocol: WebPubSubJsonProtocol() }, { connectionId: "c" });
  const answers = ["1", "2"].map((invocationId) => client.invokeEvent("e", { q: 1 }, "json", { invocationId }));
  await settled();
  await assert.rejects(client.invokeEvent("e", "x", "text", { invocationId: "1" }), /already registered/);
  socket.receive({ type: "invokeResponse", invocationId: "1", success: true, dataType: "binary", data: "AQI=" });
  const { data } = await answers[0];
  assert.deepEqual([...new Uint8Array(data)], [1, 2]);
  socket.receive({ type: "invokeResponse", invocationId: "2", success: false, error: { name: "BadRequest", message: "no" } });
  await assert.rejects(answers[1], { name: "InvocationError", invocationId: "2", message: "no", errorDetail: { name: "BadRequest", message: "no" } });
  const lost = assert.rejects(client.invokeEvent("e", "x", "text"), { code: "ERR_NOT_CONNECTED" });
  await settled();
  socket.drop();
  await lost;
});

test("group states are watched, and set and watched again on a new connection", async (t) => {
  fakeTime(t);
  const { client, sockets, socket } = await start(t);
  const ack = (socket, ackId) => socket.receive({ type: "ack", ackId, success: true });
  const setting = client.setGroupState("g", { typing: "yes" });
  const subscribing = client.subscribeGroupState("g");
  await settled();
  assert.deepEqual(socket.sent, [
    { type: "setGroupState", group: "g", ackId: 1, state: { typing: "yes" } },
    { type: "subscribeGroupState", group: "g", ackId: 2 },
  ]);
  ack(socket, 1);
  ack(socket, 2);
  const item = (connectionId, updatedAt, state) => ({ connectionId, updatedAt, ...(state && { state }) });
  socket.receive({ type: "groupStateSnapshot", group: "g", items: [item("a", 5, { k: "1" }), item("b", 5, { k: "2" })] });
  const [, view] = await Promise.all([setting, subscribing]);
  const states = () => Object.fromEntries([...view.items].map(([id, { state }]) => [id, state.k]));
  assert.deepEqual(states(), { a: "1", b: "2" });
  let changes = 0;
  const stop = view.onChange(() => changes++);
  const update = (...items) => socket.receive({ type: "groupStateUpdate", group: "g", items, sequenceId: changes + 1 });
  update(item("a", 6, { k: "3" }), item("b", 6));
  update(item("a", 4, { k: "old" }), item("b", 5, { k: "old" }));
  assert.deepEqual([states(), changes], [{ a: "3" }, 2]);
  stop();

  socket.drop(1008);
  await pass(t, 3000);
  sockets[1].open({ ...GREETING, connectionId: "c2" });
  await settled();
  const rejoin = sockets[1].of("subscribeGroupState");
  assert.equal(rejoin.length, 1);
  ack(sockets[1], rejoin[0].ackId);
  await settled();
  assert.deepEqual(sockets[1].of("setGroupState").map(({ state }) => state), [{ typing: "yes" }]);
  sockets[1].receive({ type: "groupStateSnapshot", group: "g", items: [item("z", 9, { k: "9" })] });
  assert.deepEqual([states(), changes], [{ z: "9" }, 2]);

  // A snapshot may be older than an update, but not than an update before the connection was lost.
  const on = (socket, kind, ...items) => socket.receive({ type: `groupState${kind}`, group: "g", items });
  on(sockets[1], "Update", item("y", 20, { k: "20" }));
  on(sockets[1], "Snapshot", item("z", 9, { k: "9" }));
  assert.deepEqual(states(), { z: "9", y: "20" });
  sockets[1].drop();
  await pass(t, 1000);
  sockets[2].open();
  on(sockets[2], "Snapshot", item("z", 9, { k: "9" }));
  assert.deepEqual(states(), { z: "9" });
});

test("the joined groups are joined again before `connected` is told, and those that fail are named", async (t) => {
  fakeTime(t);
  const { client, events, sockets, socket } = await start(t);
  const joined = Promise.all(["a", "b", "left"].map((group) => client.joinGroup(group)));
  await settled();
  for (const ackId of [1, 2, 3]) socket.receive({ type: "ack", ackId, success: true });
  await joined;
  const leaving = client.leaveGroup("left");
  await settled();
  socket.receive({ type: "ack", ackId: 4, success: true });
  await leaving;
  socket.drop(1008);
  await pass(t, 3000);
  sockets[1].open({ ...GREETING, connectionId: "c2" });
  await settled();
  const frames = sockets[1].of("joinGroup");
  assert.deepEqual(frames.map(({ group }) => group).sort(), ["a", "b"]);
  assert.equal(events.filter(([name]) => name === "connected").length, 1);
  for (const { group, ackId } of frames) {
    sockets[1].receive({ type: "ack", ackId, success: group === "a", ...(group === "b" && { error: { name: "Forbidden", message: "m" } }) });
  }
  await settled();
  const told = events.slice(-2);
  assert.deepEqual(told.map(([name]) => name), ["rejoin-group-failed", "connected"]);
  assert.deepEqual([told[0][1].group, told[1][1].mayHaveMissedMessages], ["b", true]);
});

test("a start that is aborted stops, and an abort after it does nothing", async (t) => {
  const fake = fakeSockets();
  const client = new WebPubSubClient(ADDRESS, { WebSocket: fake.WebSocket });
  const aborter = new AbortController();
  const starting = assert.rejects(client.start({ abortSignal: aborter.signal }), { name: "AbortError", code: "ERR_ABORTED" });
  await until(() => fake.sockets.length === 1);
  fake.sockets[0].close = () => fake.sockets[0].drop(1006);
  aborter.abort("enough");
  await starting;
  assert.equal(client.status, "stopped");
  const later = new AbortController();
  const again = client.start({ abortSignal: later.signal });
  await until(() => fake.sockets.length === 2);
  fake.sockets[1].open(GREETING);
  await again;
  later.abort();
  await settled();
  assert.equal(client.status, "connected");
  fake.sockets[1].close = () => fake.sockets[1].drop(1000);
  await client.stop();
});

for (const [name, lose, code] of [
  ["is not greeted in time", (t) => pass(t, 2000), "ERR_TIMEOUT"],
  ["is lost before the greeting", (t, socket) => socket.drop(1011, "busy"), "ERR_CONNECT"],
]) {
  test(`a connect whose socket opens and ${name} is over`, async (t) => {
    fakeTime(t);
    const fake = fakeSockets();
    const client = new WebPubSubClient(ADDRESS, { WebSocket: fake.WebSocket, connectTimeoutInMs: 1000 });
    const connecting = assert.rejects(client.connect(), { name: "WebPubSubClientError", code });
    await until(() => fake.sockets.length === 1);
    fake.sockets[0].open();
    await lose(t, fake.sockets[0]);
    await connecting;
    await pass(t, 60_000);
    assert.deepEqual([client.status, fake.sockets.length], ["stopped", 1]);
    // Nothing is left that hinders another.
    const again = client.connect();
    await until(() => fake.sockets.length === 2);
    fake.sockets[1].open(GREETING);
    assert.equal((await again).connectionId, GREETING.connectionId);
    fake.sockets[1].close = () => fake.sockets[1].drop(1000);
    await client.stop();
  });
}

test("closing a view of group states has nothing of the options that it was asked for with", async (t) => {
  const { client, socket } = await start(t);
  const aborter = new AbortController();
  const subscribing = client.subscribeGroupState("g", { ackId: 77, abortSignal: aborter.signal });
  await settled();
  socket.receive({ type: "ack", ackId: 77, success: true });
  const view = await subscribing;
  aborter.abort();
  const closing = view.close();
  await settled();
  const [{ ackId }] = socket.of("unsubscribeGroupState");
  assert.notEqual(ackId, 77);
  socket.receive({ type: "ack", ackId, success: true });
  await closing;
});

test("what comes of a subscription that has ended is not kept in the next one", async (t) => {
  const { client, socket } = await start(t);
  const first = client.subscribeGroupState("g");
  await settled();
  socket.receive({ type: "ack", ackId: 1, success: true });
  const closing = (await first).close();
  const second = client.subscribeGroupState("g");
  await settled();
  const items = [{ connectionId: "a", updatedAt: 1, state: { k: "1" } }];
  socket.receive({ type: "groupStateUpdate", group: "g", items });
  for (const ackId of [2, 3]) socket.receive({ type: "ack", ackId, success: true });
  // Between the two it was cleared.
  socket.receive({ type: "groupStateSnapshot", group: "g", items: [] });
  await closing;
  assert.equal((await second).items.size, 0);
});

test("what is sent in one turn is sent in its order", async (t) => {
  const { client, socket } = await start(t);
  void client.invokeEvent("first", "x", "text").catch(() => {});
  void client.sendEvent("second", "x", "text").catch(() => {});
  await settled();
  assert.deepEqual(socket.sent.map(({ event }) => event), ["first", "second"]);
});

test("a view of group states that was replaced closes nothing", async (t) => {
  const { client, socket } = await start(t);
  const subscribe = async (ackId) => {
    const subscribing = client.subscribeGroupState("g");
    await settled();
    socket.receive({ type: "ack", ackId, success: true });
    return subscribing;
  };
  const [replaced, view] = [await subscribe(1), await subscribe(2)];
  await replaced.close();
  assert.deepEqual(socket.of("unsubscribeGroupState"), []);
  socket.receive({ type: "groupStateSnapshot", group: "g", items: [{ connectionId: "a", updatedAt: 1, state: { k: "1" } }] });
  assert.deepEqual([replaced.items.size, view.items.size], [0, 1]);
  const closing = view.close();
  await settled();
  socket.receive({ type: "ack", ackId: 3, success: true });
  await closing;
  assert.equal(socket.of("unsubscribeGroupState").length, 1);
});

test("what cannot be watched again is told by `error`, and what cannot be joined again with the reason of the service", async (t) => {
  fakeTime(t);
  const { client, events, sockets, socket } = await start(t, { messageRetryOptions: { maxRetries: 0 }, ackTimeoutInMs: 1000 });
  const asked = Promise.all([client.joinGroup("refused"), client.joinGroup("silent"), client.subscribeGroupState("watched")]);
  await settled();
  for (const { ackId } of [...socket.of("joinGroup"), ...socket.of("subscribeGroupState")]) socket.receive({ type: "ack", ackId, success: true });
  await asked;
  socket.drop(1008);
  await pass(t, 3000);
  sockets[1].open({ ...GREETING, connectionId: "c2" });
  await settled();
  const error = { name: "Forbidden", message: "not any more" };
  for (const { ackId, group } of [...sockets[1].of("joinGroup"), ...sockets[1].of("subscribeGroupState")]) {
    if (group !== "silent") sockets[1].receive({ type: "ack", ackId, success: false, error });
  }
  sockets[1].receive({ type: "pong" });
  await pass(t, 1000);
  const told = (name) => events.filter(([event]) => event === name).map(([, args]) => args);
  const failed = told("rejoin-group-failed");
  assert.deepEqual(failed.map(({ group, error }) => [group, error.name, error.code, error.errorDetail]), [
    ["refused", "SendMessageError", "ERR_REFUSED", error],
    ["silent", "SendMessageError", "ERR_TIMEOUT", undefined],
  ]);
  const [watched] = told("error").slice(-1);
  assert.match(watched.error.message, /^subscribeGroupState watched /);
  assert.deepEqual(watched.error.errorDetail, error);
});

test("an iteration of messages ends with the client, with its signal, and when it is left", async (t) => {
  const { client, socket } = await start(t);
  const message = (data) => socket.receive({ type: "message", from: "server", dataType: "text", data });
  const aborter = new AbortController();
  const aborted = client.messages({ abortSignal: aborter.signal });
  const stopped = client.messages();
  message("one");
  aborter.abort();
  message("two");
  const all = async (messages) => {
    const data = [];
    for await (const message of messages) data.push(message.data);
    return data;
  };
  assert.deepEqual(await all(aborted), ["one"]);
  for await (const { data } of stopped) {
    assert.equal(data, "one");
    break;
  }
  assert.equal((await stopped.next()).done, true);
  const rest = all(client);
  message("three");
  socket.drop(1000);
  socket.close = () => socket.drop(1000);
  await client.stop();
  assert.deepEqual(await rest, ["three"]);
});

test("the options are not changed", () => {
  const options = Object.freeze({ messageRetryOptions: Object.freeze({}), reconnectRetryOptions: Object.freeze({ maxRetries: -1 }) });
  new WebPubSubClient(ADDRESS, options);
  for (const bad of [{ keepAliveIntervalInMs: -1 }, { ackTimeoutInMs: Number.NaN }]) {
    assert.throws(() => new WebPubSubClient(ADDRESS, bad), RangeError);
  }
});

test("a host that wakes up or comes on line makes the client look whether its connection is alive", async (t) => {
  fakeTime(t);
  const host = new EventTarget();
  const document = Object.assign(new EventTarget(), { visibilityState: "visible" });
  const navigator = Object.getOwnPropertyDescriptor(globalThis, "navigator");
  Object.defineProperty(globalThis, "navigator", { configurable: true, value: { onLine: true } });
  Object.assign(globalThis, { document, addEventListener: host.addEventListener.bind(host), removeEventListener: host.removeEventListener.bind(host) });
  t.after(() => {
    Object.defineProperty(globalThis, "navigator", navigator);
    for (const name of ["document", "addEventListener", "removeEventListener"]) delete globalThis[name];
  });
  const { client, events, sockets, socket } = await start(t);
  await pass(t, 1000);
  let pings = socket.of("ping").length;
  for (const [target, type] of [[document, "visibilitychange"], [host, "online"], [host, "pageshow"], [document, "resume"]]) {
    target.dispatchEvent(new Event(type));
    assert.equal(socket.of("ping").length, pings + 1, type);
    socket.receive({ type: "pong" });
    pings++;
    await pass(t, 1000);
  }
  document.visibilityState = "hidden";
  document.dispatchEvent(new Event("visibilitychange"));
  assert.equal(socket.of("ping").length, pings, "a page that is hidden did not wake");
  // Asleep for an hour: the socket is dead, and nobody has told.
  document.visibilityState = "visible";
  document.dispatchEvent(new Event("visibilitychange"));
  await pass(t, 21_000);
  assert.ok(sockets.length > 1, "the dead socket was kept");
  assert.equal(events[1][0], "recovering");
  await client.stop();
});

test("sockets are opened by an upgrade where a fetch is given", async (t) => {
  const frames = [];
  const socket = Object.assign(new EventTarget(), {
    readyState: 1,
    accept: () => {},
    send: (frame) => frames.push(JSON.parse(frame)),
    close: () => socket.dispatchEvent(Object.assign(new Event("close"), { code: 1000, reason: "" })),
  });
  const asked = [];
  const fetch = async (url, { headers }) => {
    asked.push([url, headers]);
    return { status: 101, webSocket: socket };
  };
  const client = new WebPubSubClient(ADDRESS, { fetch });
  t.after(() => client.stop());
  await client.start();
  assert.deepEqual(asked, [
    [ADDRESS.replace("wss", "https"), { Upgrade: "websocket", "Sec-WebSocket-Protocol": "json.reliable.webpubsub.azure.v1" }],
  ]);
  socket.dispatchEvent(Object.assign(new Event("message"), { data: JSON.stringify({ type: "system", event: "connected", ...GREETING }) }));
  assert.equal(client.connectionId, "conn");
  await client.sendToGroup("g", "x", "text", { fireAndForget: true });
  assert.equal(frames.at(-1).data, "x");
  const refused = new WebPubSubClient(ADDRESS, { fetch: async () => ({ status: 403 }) });
  await assert.rejects(refused.start(), (error) => error.code === "ERR_CONNECT" && /403/.test(error.message));
});

test("a protocol of one's own, and one without a name, can be plugged in", async (t) => {
  const protocol = {
    name: "",
    isReliableSubProtocol: false,
    parseMessages: (data) => ({ kind: "serverData", dataType: "text", data }),
    writeMessage: (message) => (message.kind === "sendEvent" ? JSON.stringify(message.data) : null),
  };
  const { client, events, socket } = await start(t, { protocol }, null);
  assert.equal(socket.protocol, undefined);
  assert.equal(events[0][0], "connected");
  const heard = [];
  client.on("server-message", ({ message }) => heard.push(message.data));
  socket.receive("raw");
  await client.sendEvent("message", { a: 1 }, "json", { fireAndForget: true });
  assert.deepEqual([heard, socket.sent], [["raw"], [{ a: 1 }]]);
  await assert.rejects(client.sendToGroup("g", "x", "text", { fireAndForget: true }), TypeError);
});

for (const protocol of [OfficialJsonProtocol(), OfficialJsonReliableProtocol()]) {
  test(`the official client's ${protocol.name} can be plugged in`, async (t) => {
    const emulator = await startEmulator();
    t.after(() => emulator.stop());
    const { WebSocket = (await import("ws")).default } = globalThis;
    const url = emulator.clientUrl("h", { roles: ["webpubsub.joinLeaveGroup", "webpubsub.sendToGroup"] });
    const client = new WebPubSubClient(url, { protocol, WebSocket });
    t.after(() => client.stop());
    await client.connect();
    const messages = client.messages();
    await client.joinGroup("g");
    await client.sendToGroup("g", { n: 1 }, "json");
    await client.sendToGroup("g", Uint8Array.of(1, 2).buffer, "binary");
    const [json, binary] = [await messages.next(), await messages.next()].map(({ value }) => value.data);
    assert.deepEqual([json, [...new Uint8Array(binary)]], [{ n: 1 }, [1, 2]]);
  });
}

test("a call before the start waits for the connection", async (t) => {
  const fake = fakeSockets();
  const client = new WebPubSubClient(ADDRESS, { WebSocket: fake.WebSocket, protocol: WebPubSubJsonReliableProtocol() });
  const starting = client.start();
  const joining = client.joinGroup("g");
  t.after(() => client.stop());
  await until(() => fake.sockets.length === 1);
  fake.sockets[0].close = () => fake.sockets[0].drop(1000);
  fake.sockets[0].open(GREETING);
  await starting;
  await settled();
  assert.equal(fake.sockets[0].of("joinGroup").length, 1);
  fake.sockets[0].receive({ type: "ack", ackId: 1, success: true });
  await joining;
});
