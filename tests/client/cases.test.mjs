// What the official clients' own tests want of a client: every case of tests/cases/ws-client.jsonl, by its id.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import {
  InvocationError,
  SendMessageError,
  WebPubSubClient,
  WebPubSubJsonProtocol,
  WebPubSubJsonReliableProtocol,
} from "../../pkg/dist/entrypoints/client.js";
import { WebPubSubProtobufProtocol } from "../../pkg/dist/entrypoints/client-protobuf.js";
import { fakeTime, GREETING, pass, settled, start, until } from "./fake.mjs";

const URL_ = "wss://example.com/client/hubs/test";
const bytes = (text) => new TextEncoder().encode(text).buffer;

/** What a client that is asked for one thing writes. */
async function written(t, call, options) {
  const { client, socket } = await start(t, options);
  call(client).catch(() => {});
  await settled();
  return socket.sent.at(-1);
}

const encode = {
  sendToGroup: (client, { group, data, dataType, ackId, noEcho }) => client.sendToGroup(group, data, dataType, { ackId, noEcho, fireAndForget: ackId === undefined }),
  sendEvent: (client, { event, data, dataType, ackId }) => client.sendEvent(event, data, dataType, { ackId, fireAndForget: ackId === undefined }),
};

/** Frames are compared as they are read; the official writers leave noEcho out in some cases and write false in others. */
async function encodes(t, { given, expected }) {
  const protocol = WebPubSubJsonReliableProtocol();
  const data = given.dataBytesUtf8 === undefined ? given.data : bytes(given.dataBytesUtf8);
  const { op, ...message } = given;
  let frame;
  if (op === "sequenceAck") frame = JSON.parse(protocol.writeMessage({ kind: "sequenceAck", sequenceId: given.sequenceId }));
  else if (op === "subscribeGroupState") frame = JSON.parse(protocol.writeMessage({ kind: op, group: given.group, ackId: given.ackId }));
  else if (op === "sendToGroup stream start") {
    const stream = { streamId: given.stream.streamId, idleTimeoutInMs: given.stream.idleTimeoutMs };
    frame = JSON.parse(protocol.writeMessage({ kind: "sendToGroup", group: given.group, noEcho: given.noEcho, stream }));
  } else frame = await written(t, (client) => encode[op](client, { ...message, data }));
  if (expected.frameJson.noEcho === undefined && frame.noEcho === false) delete frame.noEcho;
  assert.deepEqual(frame, expected.frameJson);
}

const KINDS = { groupMessage: "groupData", serverMessage: "serverData" };

function decodes(_, { given, expected }) {
  const message = WebPubSubJsonReliableProtocol().parseMessages(JSON.stringify(given.frameJson));
  for (const [name, value] of Object.entries(expected)) {
    if (name === "kind") assert.equal(message.kind, KINDS[value] ?? value);
    else if (name === "dataBytesUtf8") assert.equal(new TextDecoder().decode(message.data), value);
    else if (name === "items[0].state") assert.equal(message.items[0].state, undefined);
    else assert.deepEqual(message[name], value === "(none)" ? undefined : value, name);
  }
}

/** Every attempt fails, because the socket takes nothing. */
async function retries(t, attempts, call, messageRetryOptions) {
  let isBroken = false;
  let tries = 0;
  const seen = new Set();
  const send = (data) => {
    const { ackId } = JSON.parse(data);
    if (!isBroken || ackId === undefined) return;
    tries++;
    seen.add(ackId);
    throw new Error("broken");
  };
  fakeTime(t);
  const { client } = await start(t, { send, messageRetryOptions });
  isBroken = true;
  const failed = assert.rejects(call(client), SendMessageError);
  await settled();
  await pass(t, 20_000);
  await failed;
  assert.deepEqual([tries, seen.size], [attempts, 1]);
}

const jsonData = async (t, { given, expected }) => {
  const data = JSON.parse(given.jsonText);
  const frame = await written(t, (client) => client.invokeEvent("e", data, given.dataType));
  assert.deepEqual(frame.data, expected["frame member data"]);
  const nothing = await written(t, (client) => client.invokeEvent("e", null, "json"));
  assert.equal(nothing.data, null);
  assert.ok("data" in nothing);
};

const CASES = {
  "049": jsonData,
  "052": jsonData,
  "053": jsonData,
  "055": async (t) => assert.deepEqual(await written(t, (client) => client.joinGroup("groupName")), { type: "joinGroup", group: "groupName", ackId: 1 }),
  "056": async (t) =>
    assert.deepEqual(await written(t, (client) => client.joinGroup("groupName", { ackId: 2233 })), { type: "joinGroup", group: "groupName", ackId: 2233 }),
  "057": async (t) => {
    const { client, socket } = await start(t);
    assert.deepEqual(await client.sendToGroup("groupName", "xyz", "text", { fireAndForget: true }), { isDuplicated: false });
    assert.deepEqual(socket.sent.at(-1), { type: "sendToGroup", group: "groupName", noEcho: false, dataType: "text", data: "xyz" });
  },
  "058": async (t) =>
    assert.deepEqual(await written(t, (client) => client.sendToGroup("groupName", "xyz", "text", { noEcho: true })), {
      type: "sendToGroup", group: "groupName", ackId: 1, noEcho: true, dataType: "text", data: "xyz",
    }),
  "059": async (t) => {
    const { client, socket } = await start(t);
    await client.sendEvent("eventName", "xyz", "text", { fireAndForget: true });
    assert.deepEqual(socket.sent.at(-1), { type: "event", event: "eventName", dataType: "text", data: "xyz" });
  },
  "062": async () => {
    for (const getClientAccessUrl of [() => Promise.reject(new Error("no")), () => { throw new Error("no"); }, async () => 5]) {
      await assert.rejects(new WebPubSubClient({ getClientAccessUrl }).start(), { code: "ERR_URL" });
    }
    await assert.rejects(new WebPubSubClient({ getClientAccessUrl: async () => 5 }).start(), { code: "ERR_URL" });
  },
  "064": () => {
    const protocol = WebPubSubProtobufProtocol();
    assert.deepEqual([protocol.name, protocol.isReliableSubProtocol], ["protobuf.webpubsub.azure.v1", false]);
    assert.ok(protocol.writeMessage({ kind: "ping" }) instanceof ArrayBuffer);
  },
  "067": (t) => retries(t, 4, (client) => client.leaveGroup("g"), { retryDelayInMs: 10 }),
  "068": (t) => retries(t, 4, (client) => client.sendToGroup("g", "x", "text"), { retryDelayInMs: 10 }),
  "069": (t) => retries(t, 4, (client) => client.sendEvent("e", "x", "text"), { retryDelayInMs: 10 }),
  "070": (t) => retries(t, 6, (client) => client.sendEvent("e", "x", "text"), { maxRetries: 5 }),
  "072": async (t) => {
    const { client, socket } = await start(t, { messageRetryOptions: { maxRetries: 0 } });
    const aborter = new AbortController();
    const joining = client.joinGroup("group", { ackId: 1, abortSignal: aborter.signal });
    await settled();
    aborter.abort();
    await assert.rejects(joining, (error) => error instanceof SendMessageError && error.code === "ERR_ABORTED");
    const again = client.joinGroup("group", { ackId: 1 });
    await settled();
    socket.receive({ type: "ack", ackId: 1, success: true });
    assert.deepEqual(await again, { ackId: 1, isDuplicated: false });
  },
  "074": async (t) => {
    fakeTime(t);
    const { sockets, socket } = await start(t, { reconnectRetryOptions: { retryDelayInMs: 10 } }, null);
    socket.drop();
    await pass(t, 1000);
    assert.equal(sockets.length, 2);
    sockets[1].drop();
    await pass(t, 1000);
    assert.equal(sockets.length, 3);
    sockets[2].open(GREETING);
  },
  "076": async (t) => {
    fakeTime(t);
    const { events, sockets, socket } = await start(t);
    socket.drop();
    await pass(t, 10);
    sockets[1].open(GREETING);
    await pass(t, 2000);
    assert.deepEqual(events.map(([name]) => name), ["connected", "recovering", "recovered"]);
  },
  "077": async (t) => {
    fakeTime(t);
    const { events, sockets, socket } = await start(t);
    socket.drop(1008);
    await pass(t, 5000);
    sockets[1].open({ ...GREETING, connectionId: "conn2" });
    await settled();
    const connected = events.filter(([name]) => name === "connected").map(([, { connectionId }]) => connectionId);
    assert.deepEqual(connected, ["conn", "conn2"]);
  },
  "079": async (t) => {
    fakeTime(t);
    const { client, sockets, socket } = await start(t, { autoRejoinGroups: false, protocol: WebPubSubJsonProtocol() }, { connectionId: "conn" });
    const joined = Promise.all([client.joinGroup("a"), client.joinGroup("b")]);
    await settled();
    for (const ackId of [1, 2]) socket.receive({ type: "ack", ackId, success: true });
    await joined;
    socket.drop();
    await pass(t, 5000);
    sockets[1].open({ connectionId: "conn2" });
    await pass(t, 1000);
    assert.equal(sockets.reduce((sum, socket) => sum + socket.of("joinGroup").length, 0), 2);
  },
  "081": async (t) => {
    const { socket } = await start(t);
    const message = { type: "message", from: "server", dataType: "text", data: "x" };
    socket.receive({ ...message, sequenceId: 1 });
    assert.deepEqual(socket.of("sequenceAck"), []);
    socket.receive({ ...message, sequenceId: 302 });
    assert.deepEqual(socket.of("sequenceAck"), [{ type: "sequenceAck", sequenceId: 302 }]);
  },
  "083": async (t) => {
    fakeTime(t);
    let asked = 0;
    const credential = { getClientAccessUrl: async () => (asked++, URL_) };
    const { client, events, sockets, socket } = await start(t, {}, null, credential);
    const delivered = [];
    client.on("group-message", ({ message }) => delivered.push(message.data));
    const greeting = { connectionId: "A", userId: "u", reconnectionToken: "test-token" };
    const message = (sequenceId, data) => ({ type: "message", from: "group", group: "g", dataType: "text", data, sequenceId });
    socket.greet(greeting);
    socket.receive(message(1, "before"));
    socket.drop();
    await pass(t, 10);
    const { searchParams } = new URL(sockets[1].url);
    assert.deepEqual([searchParams.get("awps_connection_id"), searchParams.get("awps_reconnection_token")], ["A", "test-token"]);
    sockets[1].open(greeting);
    sockets[1].receive(message(1, "before"));
    sockets[1].receive(message(2, "after"));
    assert.deepEqual(delivered, ["before", "after"]);
    assert.deepEqual([events.filter(([name]) => name === "connected").length, asked], [1, 1]);
  },
  "085": (t) => endsAfterOne(t, { protocol: WebPubSubJsonProtocol() }, { connectionId: "conn" }),
  "087": (t) => endsAfterOne(t, {}, { userId: "u", reconnectionToken: "token" }),
  "090": async (t) => {
    fakeTime(t);
    const { events, sockets, socket } = await start(t);
    socket.drop();
    await pass(t, 10);
    sockets[1].drop();
    await pass(t, 1000);
    sockets[2].drop();
    await pass(t, 1000);
    sockets[3].open(GREETING);
    assert.equal(sockets.length, 4);
    assert.ok(!events.some(([name]) => name === "disconnected"));
  },
  "093": (t) => reconnects(t, 1008, {}),
  "094": (t) => reconnects(t, 1001, { protocol: WebPubSubJsonProtocol() }),
  "096": async (t) => {
    const { client, sockets, socket } = await start(t);
    await assert.rejects(client.start(), { code: "ERR_STATE", message: "Client can be only started when it's Stopped" });
    const stopped = client.stop();
    socket.drop(1000);
    await stopped;
    const again = client.start();
    await until(() => sockets.length === 2);
    sockets[1].open(GREETING);
    await again;
  },
  "097": async (t) => {
    const { client, events, socket } = await start(t, { autoReconnect: false });
    for (const name of ["server-message", "group-message"]) client.on(name, (args) => events.push([name, args]));
    socket.receive({ type: "message", from: "server", dataType: "text", data: "x", sequenceId: 1 });
    socket.receive({ type: "message", from: "group", group: "g", dataType: "text", data: "x", sequenceId: 2 });
    socket.receive({ type: "system", event: "disconnected", message: "reason" });
    socket.drop(1008, "bye");
    await settled();
    assert.deepEqual(events.map(([name]) => name), ["connected", "server-message", "group-message", "disconnected", "stopped"]);
    const [, disconnected] = events[3];
    assert.deepEqual([disconnected.message.message, disconnected.code, disconnected.reason], ["reason", 1008, "bye"]);
    assert.deepEqual(events[4][1], { code: 1008, reason: "bye" });
  },
  "099": async (t) => {
    fakeTime(t);
    const { client, sockets, socket } = await start(t);
    const delivered = [];
    for (const name of ["group-message", "server-message"]) {
      client.on(name, ({ message }) => delivered.push(`${message.kind === "groupData" ? "group" : "server"} ${message.sequenceId}`));
    }
    const receive = (socket, ...frames) => {
      for (const [from, sequenceId] of frames) socket.receive({ type: "message", from, group: "g", dataType: "text", data: "x", sequenceId });
    };
    receive(socket, ["group", 1], ["server", 2], ["group", 2], ["server", 2]);
    socket.drop(1000);
    await pass(t, 10);
    sockets[1].open();
    receive(sockets[1], ["group", 2], ["server", 2]);
    sockets[1].drop(1008);
    await pass(t, 5000);
    sockets[2].open(GREETING);
    receive(sockets[2], ["group", 1], ["server", 2]);
    assert.deepEqual(delivered, ["group 1", "server 2", "group 1", "server 2"]);
  },
  "101": async (t) => {
    const { client, socket } = await start(t);
    let isDone = false;
    const joining = client.joinGroup("g", { ackId: 1 }).then(() => (isDone = true));
    await settled();
    assert.equal(isDone, false);
    socket.receive({ type: "ack", ackId: 1, success: true });
    await joining;
  },
  "103": async (t) => {
    const { client, socket } = await start(t);
    const joining = client.joinGroup("g", { ackId: 1 });
    await settled();
    socket.receive({ type: "ack", ackId: 1, success: false, error: { name: "Duplicate", message: "message" } });
    assert.deepEqual(await joining, { ackId: 1, isDuplicated: true });
  },
  "107": async (t) => {
    let isBroken = false;
    const times = [];
    fakeTime(t);
    const send = (data) => {
      if (!isBroken || JSON.parse(data).ackId === undefined) return;
      times.push(Date.now());
      throw new Error("broken");
    };
    const { client } = await start(t, { send, messageRetryOptions: { mode: "Fixed", retryDelayInMs: 5000, maxRetries: 5 } });
    isBroken = true;
    const failed = assert.rejects(client.joinGroup("g"));
    await settled();
    await pass(t, 60_000);
    await failed;
    assert.equal(times.length, 6);
    const delays = times.slice(1).map((time, index) => time - times[index]);
    assert.ok(delays.every((delay) => delay >= 5000 && delay < 5050), String(delays));
  },
  "109": () => {
    const options = { mode: "Exponential", retryDelayInMs: 5000, maxRetryDelayInMs: 1000 };
    assert.throws(() => new WebPubSubClient(URL_, { messageRetryOptions: options }), RangeError);
    assert.throws(() => new WebPubSubClient(URL_, { reconnectRetryOptions: options }), RangeError);
  },
  "110": async (t) => {
    const { client } = await start(t);
    for (const call of [
      () => client.joinGroup("g", { ackId: -1 }),
      () => client.leaveGroup("g", { ackId: -1 }),
      () => client.sendToGroup("g", "x", "text", { ackId: -1 }),
      () => client.sendEvent("e", "x", "text", { ackId: -1 }),
    ]) {
      await assert.rejects(call, RangeError);
    }
  },
  "111": async (t) => {
    const { client, socket } = await start(t);
    client.joinGroup("a").catch(() => {});
    client.joinGroup("b").catch(() => {});
    await settled();
    assert.deepEqual(socket.sent.map(({ ackId }) => ackId), [1, 2]);
  },
  "113": async (t) => {
    const { client, socket, events } = await start(t);
    const joining = client.joinGroup("a");
    await settled();
    for (let count = 0; count < 2; count++) socket.receive({ type: "ack", ackId: 1, success: true });
    await joining;
    assert.deepEqual(events.map(([name]) => name), ["connected"]);
  },
  "116": async (t) => {
    const { client, socket } = await start(
      t,
      { protocol: WebPubSubJsonProtocol(), reconnectRetryOptions: { maxRetries: 0 }, autoReconnect: false, messageRetryOptions: { maxRetries: 0 } },
      { connectionId: "conn" },
    );
    socket.drop(1001);
    await assert.rejects(client.sendToGroup("g", "x", "text"), SendMessageError);
    assert.deepEqual(socket.of("sendToGroup"), []);
  },
  "117": async (t) => {
    const { client, socket } = await start(t, { messageRetryOptions: { maxRetries: 0 } });
    const sending = client.sendEvent("event", "test_send_event", "text");
    await settled();
    socket.receive({ type: "ack", ackId: 1, success: false, error: { name: "InternalServerError", message: "no handler" } });
    await assert.rejects(sending, (error) => error instanceof SendMessageError && error.errorDetail.name === "InternalServerError");
  },
  "123": async (t) => {
    const { client, socket } = await start(t);
    const invoking = client.invokeEvent("echo", "ping", "text", { invocationId: "invoke-id" });
    await settled();
    socket.receive({ type: "invokeResponse", invocationId: "invoke-id", success: true, dataType: "text", data: "pong" });
    assert.deepEqual(await invoking, { invocationId: "invoke-id", dataType: "text", data: "pong" });
  },
  "124": async (t) => {
    const { client, socket } = await start(t);
    const aborter = new AbortController();
    const invoking = client.invokeEvent("echo", "ping", "text", { invocationId: "invoke-abort", abortSignal: aborter.signal });
    await settled();
    aborter.abort();
    await assert.rejects(invoking, InvocationError);
    assert.deepEqual(socket.sent.at(-1), { type: "cancelInvocation", invocationId: "invoke-abort" });
  },
};

async function endsAfterOne(t, options, greeting) {
  const { events, sockets, socket } = await start(t, { autoReconnect: false, ...options }, greeting);
  socket.drop();
  await settled();
  assert.equal(sockets.length, 1);
  assert.equal(events.at(-1)[0], "stopped");
}

async function reconnects(t, code, options) {
  fakeTime(t);
  const { events, sockets } = await start(t, options, GREETING, "wss://test.com/");
  for (let index = 0; index < 2; index++) {
    sockets[index].drop(code);
    await pass(t, 3000);
    sockets[index + 1].open(GREETING);
  }
  assert.deepEqual(sockets.map(({ url }) => url), Array(3).fill("wss://test.com/"));
  assert.equal(events.filter(([name]) => name === "disconnected").length, 2);
}

const GENERAL = [
  [/^encode an upstream frame/, encodes],
  [/^decode/, decodes],
];

const here = path.dirname(fileURLToPath(import.meta.url));
const file = await readFile(path.join(here, "../cases/ws-client.jsonl"), "utf8");
for (const line of file.split("\n").filter(Boolean)) {
  const given = JSON.parse(line);
  const { id, operation } = given;
  const check = CASES[id.slice(-3)] ?? GENERAL.find(([pattern]) => pattern.test(operation))?.[1];
  // Case 122 is about the REST operations, with clients as witnesses.
  const skip = id === "ws-client-122" && "suite.mjs plays it in every runtime";
  test(`${id}: ${operation}`, { skip }, (t) => check(t, given));
}
