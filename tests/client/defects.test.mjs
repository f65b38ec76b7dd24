// What the official clients get wrong (facts/wire-contract.md, 8.2), and ours must not.

import assert from "node:assert/strict";
import { test } from "node:test";
import { SendMessageError, WebPubSubClient, WebPubSubJsonReliableProtocol } from "../../pkg/dist/entrypoints/client.js";
import { ADDRESS, fakeSockets, fakeTime, GREETING, pass, settled, start, until } from "./fake.mjs";

const names = (events) => events.map(([name]) => name);

test("8: a stop while recovering is for good", async (t) => {
  fakeTime(t);
  const { client, events, sockets, socket } = await start(t);
  socket.drop();
  await pass(t, 10);
  sockets[1].drop();
  await pass(t, 10);
  assert.equal(client.status, "recovering");
  await client.stop();
  await pass(t, 120_000);
  assert.equal(sockets.length, 2);
  assert.deepEqual(names(events), ["connected", "recovering", "error", "disconnected", "stopped"]);
});

test("8: a stop while reconnecting is for good, also while the URL is asked for", async (t) => {
  fakeTime(t);
  let asked = 0;
  let signal;
  const getClientAccessUrl = ({ abortSignal }) => {
    signal = abortSignal;
    return ++asked === 1 ? ADDRESS : new Promise(() => {});
  };
  const { client, events, sockets, socket } = await start(t, {}, GREETING, { getClientAccessUrl });
  socket.drop(1008);
  await pass(t, 2000);
  assert.equal(asked, 2);
  await client.stop();
  assert.equal(signal.aborted, true);
  await pass(t, 120_000);
  assert.deepEqual([asked, sockets.length, names(events).at(-1)], [2, 1, "stopped"]);
});

test("8: a stop ends in `stopped` though the service never answers the close", async (t) => {
  fakeTime(t);
  const { client, socket } = await start(t);
  const joining = assert.rejects(client.joinGroup("g"), { code: "ERR_STOPPED" });
  await settled();
  socket.close = (code) => (socket.closed = { code });
  const stopped = client.stop();
  await joining;
  await pass(t, 10_000);
  await stopped;
  assert.deepEqual([client.status, socket.closed], ["stopped", { code: undefined }]);
});

test("9: sockets that open and drop buy no more time for recovery, and make no hot loop", async (t) => {
  fakeTime(t);
  const { events, sockets, socket } = await start(t, { autoReconnect: false });
  socket.drop();
  for (let elapsed = 0; elapsed < 40_000; elapsed += 10) {
    await pass(t, 10);
    const last = sockets.at(-1);
    if (last !== socket && last.readyState === 0) {
      last.open();
      last.drop();
    }
  }
  assert.ok(sockets.length < 60, `${sockets.length} sockets`);
  assert.deepEqual(names(events), ["connected", "recovering", "disconnected", "stopped"]);
});

test("10: a retry has the ack id and everything else of the first try", async (t) => {
  fakeTime(t);
  const { client, socket } = await start(t);
  const sending = client.sendToGroup("g", "x", "text", { noEcho: true });
  await settled();
  socket.receive({ type: "ack", ackId: 1, success: false, error: { name: "InternalServerError", message: "m" } });
  await pass(t, 2000);
  const frames = socket.of("sendToGroup");
  assert.equal(frames.length, 2);
  assert.deepEqual(frames[0], frames[1]);
  socket.receive({ type: "ack", ackId: 1, success: true });
  assert.deepEqual(await sending, { ackId: 1, isDuplicated: false });
});

test("11: what cannot be sent fails at once, and what is refused is not tried again", async (t) => {
  fakeTime(t);
  const { client, socket } = await start(t);
  const circular = {};
  circular.self = circular;
  for (const [content, dataType] of [[undefined, "json"], [circular, "json"], [5, "text"], ["x", "binary"], [{}, "binary"], ["x", "xml"]]) {
    await assert.rejects(client.sendToGroup("g", content, dataType), TypeError, String(dataType));
    await assert.rejects(client.sendEvent("e", content, dataType, { fireAndForget: true }), TypeError, String(dataType));
  }
  assert.deepEqual(socket.sent, []);
  const joining = assert.rejects(client.joinGroup("g", { ackId: 100 }), (error) => error.errorDetail.name === "Forbidden");
  await settled();
  socket.receive({ type: "ack", ackId: 100, success: false, error: { name: "Forbidden", message: "m" } });
  await joining;
  await pass(t, 10_000);
  assert.equal(socket.of("joinGroup").length, 1);
});

test("11: null is JSON", async (t) => {
  const { client, socket } = await start(t);
  client.sendToGroup("g", null, "json").catch(() => {});
  await settled();
  assert.equal(socket.sent[0].data, null);
});

test("12: a frame that cannot be read is told by `error`, and the connection goes on", async (t) => {
  const { client, events, socket } = await start(t);
  const heard = [];
  client.on("server-message", ({ message }) => heard.push(message.data));
  for (const frame of ["{", "5", "null", '{"type":"message","from":"server","dataType":"text","data":5}', new ArrayBuffer(3)]) socket.receive(frame);
  assert.deepEqual(events.slice(1).map(([name, { error }]) => [name, error.code]), Array(5).fill(["error", "ERR_FRAME"]));
  for (const frame of [
    { type: "later" },
    { type: "system", event: "later" },
    { type: "message", from: "space", dataType: "text", data: "x" },
    { type: "message", from: "server", dataType: "later", data: "x" },
    { type: "ack", ackId: 99, success: true },
    { type: "streamAck", streamId: "unknown", expectedSequenceId: 7 },
    { type: "invokeResponse", invocationId: "unknown", success: true },
  ]) {
    socket.receive(frame);
  }
  socket.receive({ type: "message", from: "server", dataType: "text", data: "still here" });
  assert.deepEqual([heard, events.length, client.status], [["still here"], 6, "connected"]);
});

test("12: a listener that throws, or rejects, stops no other one", async (t) => {
  const { client, events, socket } = await start(t, {}, null);
  const heard = [];
  for (const name of ["connected", "server-message"]) {
    client.on(name, () => { throw new Error(`${name} 1`); });
    client.on(name, async () => { throw new Error(`${name} 2`); });
    client.on(name, () => heard.push(name));
  }
  client.on("error", () => { throw new Error("also here"); });
  socket.greet(GREETING);
  socket.receive({ type: "message", from: "server", dataType: "text", data: "x" });
  await settled();
  assert.deepEqual(heard, ["connected", "server-message"]);
  const told = events.filter(([name]) => name === "error").map(([, { error }]) => error.message);
  for (const message of ["connected 1", "connected 2", "server-message 1", "server-message 2"]) assert.ok(told.includes(message), message);
});

test("13: a start fails with an Error, connect waits for the greeting, and everything has a time limit", async (t) => {
  fakeTime(t);
  const fake = fakeSockets();
  const make = (options) => new WebPubSubClient(ADDRESS, { WebSocket: fake.WebSocket, ...options });
  const refused = make().start();
  await until(() => fake.sockets.length === 1);
  fake.sockets[0].onerror({ type: "error" });
  fake.sockets[0].drop();
  await assert.rejects(refused, (error) => error instanceof Error && error.code === "ERR_CONNECT" && /example\.com/.test(error.message));

  const silent = make({ connectTimeoutInMs: 5000 }).start();
  await until(() => fake.sockets.length === 2);
  const timedOut = assert.rejects(silent, { code: "ERR_TIMEOUT" });
  await pass(t, 8000);
  await timedOut;

  const client = make({ ackTimeoutInMs: 3000, invokeTimeoutInMs: 4000, messageRetryOptions: { maxRetries: 0 } });
  t.after(() => client.stop());
  let isConnected = false;
  const connecting = client.connect().then((args) => (isConnected = args.connectionId));
  await until(() => fake.sockets.length === 3);
  fake.sockets[2].open();
  await settled();
  assert.equal(isConnected, false);
  fake.sockets[2].greet(GREETING);
  await connecting;
  assert.equal(isConnected, "conn");
  const sends = [
    assert.rejects(client.joinGroup("g"), (error) => error instanceof SendMessageError && error.code === "ERR_TIMEOUT"),
    assert.rejects(client.invokeEvent("e", "x", "text"), { name: "InvocationError", code: "ERR_TIMEOUT" }),
  ];
  await pass(t, 5000);
  await Promise.all(sends);
  assert.equal(fake.sockets[2].of("cancelInvocation").length, 1);
  fake.sockets[2].close = () => fake.sockets[2].drop(1000);
});

test("14: bytes are an ArrayBuffer or any view, and empty ones are bytes too", async (t) => {
  const { client, socket } = await start(t);
  const { buffer } = Uint8Array.of(0, 1, 2, 3);
  for (const content of [buffer, new Uint8Array(buffer, 1, 2), new DataView(buffer, 2), new Uint16Array(buffer), new Uint8Array()]) {
    client.sendToGroup("g", content, "binary").catch(() => {});
  }
  await settled();
  const sent = socket.of("sendToGroup").map(({ data }) => [...Buffer.from(data, "base64")]);
  assert.deepEqual(sent, [[0, 1, 2, 3], [1, 2], [2, 3], [0, 1, 2, 3], []]);
});

test("15: ids beyond 2^53 are exact", async (t) => {
  const frames = [];
  const { client, socket } = await start(t, { send: (frame) => frames.push(frame) });
  const ackId = 2n ** 64n - 2n;
  const sending = client.sendToGroup('"ackId":0', { ackId: 0 }, "json", { ackId });
  await settled();
  assert.equal(frames[0], String.raw`{"type":"sendToGroup","group":"\"ackId\":0","ackId":18446744073709551614,"noEcho":false,"dataType":"json","data":{"ackId":0}}`);
  socket.receive('{"type":"ack","ackId":18446744073709551614,"success":true}');
  assert.deepEqual(await sending, { ackId, isDuplicated: false });

  const ids = [];
  client.on("server-message", ({ message }) => ids.push(message.sequenceId, message.data));
  const text = String.raw`"{\"n\":12345678901234567890}"`;
  socket.receive(`{"sequenceId":9007199254740993,"type":"message","from":"server","dataType":"text","data":${text}}`);
  socket.receive('{"sequenceId":9007199254740993,"type":"message","from":"server","dataType":"text","data":"again"}');
  assert.deepEqual(ids, [9007199254740993n, '{"n":12345678901234567890}']);
  const protocol = WebPubSubJsonReliableProtocol();
  assert.equal(protocol.writeMessage({ kind: "sequenceAck", sequenceId: 9007199254740993n }), '{"type":"sequenceAck","sequenceId":9007199254740993}');
});
