// What the service, a pluggable part or the caller may do wrong: it is told, and the client goes on and stops.

import assert from "node:assert/strict";
import { test } from "node:test";
import { inspect } from "node:util";
import { WebPubSubClient, WebPubSubJsonReliableProtocol } from "../../pkg/dist/entrypoints/client.js";
import { WebPubSubProtobufReliableProtocol } from "../../pkg/dist/entrypoints/client-protobuf.js";
import { ADDRESS, fakeSockets, fakeTime, GREETING, pass, settled, start, until } from "./fake.mjs";

/** An object that cannot be made a string or a number. */
const ODD = { toString: 1, valueOf: 1 };

/** Acknowledges what is sent from now on, and lets sockets close. */
function answers(socket) {
  const { send } = socket;
  socket.send = function (data) {
    send.call(this, data);
    const { type, ackId, stream } = JSON.parse(data);
    if (ackId !== undefined) queueMicrotask(() => socket.receive({ type: "ack", ackId, success: true }));
    if (type === "sendToGroup" && stream) queueMicrotask(() => socket.receive({ type: "streamAck", streamId: stream.streamId, expectedSequenceId: 1 }));
  };
  socket.close = () => socket.drop(1000);
}

/** That a client still sends, and stops. */
async function isWell(client) {
  assert.deepEqual(await client.sendEvent("e", "x", "text", { ackId: 77 }), { ackId: 77, isDuplicated: false });
  await client.stop();
  assert.equal(client.status, "stopped");
}

const part = (stream) => ({ type: "message", from: "group", group: "g", dataType: "text", data: "x", stream });

for (const [name, frame] of Object.entries({
  "an ack whose id is an object": { type: "ack", ackId: ODD, success: true },
  "an ack without an id": { type: "ack", success: true },
  "a sequence id that is an object": { type: "message", from: "server", dataType: "text", data: "x", sequenceId: ODD },
  "a sequence id below 0": { type: "message", from: "server", dataType: "text", data: "x", sequenceId: -1 },
  "a sequence id beyond 64 bits": '{"type":"message","from":"server","dataType":"text","data":"x","sequenceId":18446744073709551617}',
  "a group that is an object": { type: "message", from: "group", group: ODD, dataType: "text", data: "x" },
  "a group state without items": { type: "groupStateUpdate", group: "g" },
  "a group state with null for an item": { type: "groupStateUpdate", group: "g", items: [null] },
  "a group state whose items are a number": { type: "groupStateSnapshot", group: "g", items: 5 },
  "a connection id that is an object": { type: "system", event: "connected", connectionId: ODD, userId: "u" },
  "a connection id that is half a character": String.raw`{"type":"system","event":"connected","connectionId":"\ud800"}`,
  "a stream that is a number": part(5),
  "a stream sequence id that is an object": part({ streamId: "s", streamSequenceId: ODD }),
  "a stream id that is an object": part({ streamId: ODD, streamSequenceId: 1 }),
  "a stream ack whose number is an object": { type: "streamAck", streamId: "s1", expectedSequenceId: ODD },
})) {
  test(`${name} is told by \`error\`, and the client goes on`, async (t) => {
    const { client, events, socket } = await start(t);
    answers(socket);
    client.onGroupStream(() => {});
    await client.subscribeGroupState("g");
    await client.openGroupStream("g", { streamId: "s1" });
    socket.receive(frame);
    assert.deepEqual(events.slice(1).map(([name, { error }]) => [name, error.code]), [["error", "ERR_FRAME"]]);
    assert.equal(client.connectionId, "conn");
    socket.receive({ type: "message", from: "server", dataType: "text", data: "x", sequenceId: 1 });
    await isWell(client);
  });
}

test("errors of streams have what belongs there, whatever the service puts into them", async (t) => {
  const { client, events, socket } = await start(t);
  answers(socket);
  const evil = `{"name":5,"message":{},"userErrorCode":"mine","code":"ERR_ABORTED","stack":"s","__proto__":{"polluted":1}}`;
  const isFine = (error, message = "The stream ended: undefined.") => {
    assert.deepEqual([error.code, error.userErrorCode, error.polluted, error.message], ["ERR_STREAM", "mine", undefined, message]);
    assert.match(error.stack, /WebPubSubClientError|streams/);
    return error instanceof Error;
  };
  const read = new Promise((resolve, reject) => {
    client.onGroupStream(async (stream) => {
      for await (const _ of stream);
    });
    client.on("error", ({ error }) => reject(error));
  });
  socket.receive(`{"type":"message","from":"group","group":"g","dataType":"text","data":"","stream":{"streamId":"s","streamSequenceId":1,"endOfStream":true,"error":${evil}}}`);
  await assert.rejects(read, (error) => isFine(error));
  const writer = await client.openGroupStream("g", { streamId: "s1" });
  const told = [];
  writer.onError((error) => told.push(error));
  socket.receive(`{"type":"streamClosed","streamId":"s1","error":${evil}}`);
  await assert.rejects(writer.write("x", "text"), (error) => isFine(error, "Stream 's1' is completed.") && isFine(error.cause));
  assert.deepEqual([told, events.length], [[{ userErrorCode: "mine" }], 2]);
  await isWell(client);
});

test("a message of more than 1 MiB is refused before it is sent", async (t) => {
  const { client, socket } = await start(t);
  answers(socket);
  const writer = await client.openGroupStream("g");
  socket.sent.length = 0;
  const large = "x".repeat(2 ** 20);
  for (const call of [
    () => client.sendToGroup("g", large, "text"),
    () => client.sendToGroup("g", "🦀".repeat(2 ** 18), "text", { fireAndForget: true }),
    () => client.sendEvent("e", new Uint8Array(800_000), "binary"),
    () => client.invokeEvent("e", large, "text"),
    () => client.setGroupState("g", { large }),
    () => writer.write(large, "text"),
    () => writer.abort({ message: large }),
  ]) {
    await assert.rejects(call(), { code: "ERR_MESSAGE_TOO_LARGE" }, String(call));
  }
  assert.deepEqual(socket.sent, []);
  // The largest that there is: 1048576 bytes with everything around it.
  const around = '{"type":"sendToGroup","group":"g","ackId":1,"noEcho":false,"dataType":"text","data":""}'.length;
  await client.sendToGroup("g", large.slice(around), "text", { ackId: 8 });
  await assert.rejects(client.sendToGroup("g", large.slice(around - 1), "text", { ackId: 9 }), { code: "ERR_MESSAGE_TOO_LARGE" });
  await isWell(client);
});

test("with protobuf, a message of more than 1 MiB is refused, and so is half a millisecond", async (t) => {
  const sent = [];
  const { client, socket } = await start(t, { protocol: WebPubSubProtobufReliableProtocol(), send: (frame) => sent.push(frame) }, null);
  socket.send = (frame) => sent.push(frame);
  for (const size of [2 ** 20, 2 ** 21]) {
    await assert.rejects(client.sendEvent("e", new Uint8Array(size), "binary"), { code: "ERR_MESSAGE_TOO_LARGE" });
  }
  await assert.rejects(client.openGroupStream("g", { idleTimeoutInMs: 0.5 }), RangeError);
  assert.deepEqual(sent, []);
  client.sendEvent("e", new Uint8Array(2 ** 20 - 100), "binary", { fireAndForget: true });
  await settled();
  assert.equal(sent.length, 1);
});

test("an error of a stream that JSON cannot carry rejects `abort`, and the stream goes on", async (t) => {
  const { client, socket } = await start(t);
  answers(socket);
  const writer = await client.openGroupStream("g");
  await assert.rejects(writer.abort({ message: 1n }), TypeError);
  await writer.write("x", "text");
  assert.equal(socket.of("streamData").length, 1);
  await isWell(client);
});

test("a listener may throw what cannot be made a string", async (t) => {
  const { client, events, socket } = await start(t);
  answers(socket);
  const odd = Object.create(null);
  client.on("server-message", () => { throw odd; });
  client.on("server-message", async () => { throw odd; });
  socket.receive({ type: "message", from: "server", dataType: "text", data: "x" });
  await settled();
  assert.deepEqual(events.slice(1).map(([name, { error }]) => [name, error.cause]), [["error", odd], ["error", odd]]);
  await isWell(client);
});

test("a protocol of one's own may throw for a ping", async (t) => {
  fakeTime(t);
  const json = WebPubSubJsonReliableProtocol();
  const protocol = {
    ...json,
    writeMessage: (message) => {
      if (message.kind === "ping") throw new Error("no pings");
      return json.writeMessage(message);
    },
  };
  const { client, events, socket } = await start(t, { protocol, keepAliveIntervalInMs: 1000 });
  answers(socket);
  await pass(t, 1500);
  assert.deepEqual(events.slice(1).map(([name, { error }]) => [name, error.message]), [["error", "no pings"]]);
  await isWell(client);
});

test("a protocol of one's own may have no frame for a ping, whether it says null or undefined", async (t) => {
  fakeTime(t);
  const json = WebPubSubJsonReliableProtocol();
  const protocol = { ...json, writeMessage: (message) => (message.kind === "ping" ? undefined : json.writeMessage(message)) };
  const { client, socket } = await start(t, { protocol, keepAliveIntervalInMs: 1000 });
  answers(socket);
  await pass(t, 1500);
  assert.deepEqual(socket.sent, []);
  await isWell(client);
});

test("a socket whose close throws is let go", async (t) => {
  fakeTime(t);
  const { client, socket } = await start(t);
  socket.close = () => { throw new Error("no"); };
  const stopped = client.stop();
  await pass(t, 5000);
  await stopped;
  assert.equal(client.status, "stopped");
});

test("arguments that the service would not take are refused before anything is sent", async (t) => {
  const { client, socket } = await start(t);
  const odd = [undefined, null, 5, {}, "", " ", "\t\n", "g".repeat(1025)];
  for (const name of odd) {
    for (const call of [
      () => client.joinGroup(name),
      () => client.leaveGroup(name),
      () => client.sendToGroup(name, "x", "text"),
      () => client.setGroupState(name, {}),
      () => client.subscribeGroupState(name),
      () => client.openGroupStream(name),
    ]) {
      await assert.rejects(call(), { name: "TypeError", message: /groupName/ }, `${call} ${name}`);
    }
    await assert.rejects(client.sendEvent(name, "x", "text"), { name: "TypeError", message: /eventName/ });
    await assert.rejects(client.invokeEvent(name, "x", "text"), { name: "TypeError", message: /eventName/ });
  }
  for (const name of ["1abc", "a b", "a".repeat(129)]) {
    await assert.rejects(client.sendEvent(name, "x", "text"), { name: "TypeError", message: /eventName must match/ });
  }
  for (const idleTimeoutInMs of [-1, 0.5, "5", 2 ** 32]) {
    await assert.rejects(client.openGroupStream("g", { idleTimeoutInMs }), { name: "RangeError", message: /idleTimeoutInMs/ });
  }
  for (const idleTimeoutInMs of [-1, 0.5, "5", NaN, 2 ** 32]) {
    assert.throws(() => client.onGroupStream(() => {}, { idleTimeoutInMs }), { name: "RangeError", message: /idleTimeoutInMs/ });
  }
  await assert.rejects(client.openGroupStream("g", { streamId: 5 }), TypeError);
  await assert.rejects(client.openGroupStream("g", { abortSignal: AbortSignal.abort() }), { code: "ERR_ABORTED" });
  for (const ttlSeconds of [-1, 301, 0.5, NaN, "5", null]) {
    await assert.rejects(client.sendToGroup("g", "x", "text", { ttlSeconds }), { name: "RangeError", message: /ttlSeconds/ });
  }
  for (const metadata of [{ n: 1 }, "text", ["x"], 5, { "a b": "x" }, { n: "Zo\u00eb" }, { n: "1\n2" }, { "": "x" }, { ["n".repeat(257)]: "x" }, { n: "x".repeat(1025) }]) {
    await assert.rejects(client.sendToGroup("g", "x", "text", { metadata }), TypeError);
    await assert.rejects(client.sendEvent("e", "x", "text", { metadata }), TypeError);
  }
  await assert.rejects(client.setGroupState("g", { good: "x", bad: true }), { message: '"bad" must be a string, not boolean.' });
  await assert.rejects(client.sendEvent("e", "x", "text", { metadata: { "a b": "x" } }), { message: /^"a b" must match \// });
  for (const ackId of ["1", -1, 0.5, null]) {
    await assert.rejects(client.joinGroup("g", { ackId }), { name: "RangeError", message: /ackId/ });
  }
  assert.deepEqual(socket.sent, []);
  answers(socket);
  await client.joinGroup("g".repeat(1024));
  const metadata = { ["!#$%&'*+-.^_`|~aZ0".padEnd(256, "k")]: " ~".repeat(512), empty: "" };
  await client.sendToGroup("g", "x", "text", { ttlSeconds: 300, metadata });
  await client.setGroupState("g", { "any key \u00eb": "any value\n" });
  await isWell(client);
});

test("half a character is sent as the sign for none wherever it stands, and ends no connection", async (t) => {
  const { client, socket } = await start(t);
  answers(socket);
  const [half, none] = ["half \ud83d, whole \ud83d\ude00, \\ud83d", "half \ufffd, whole \ud83d\ude00, \\ud83d"];
  await client.sendToGroup(half, half, "text");
  await client.sendToGroup("g", { [half]: half + half }, "json");
  await client.setGroupState("g", { draft: half });
  const stream = await client.openGroupStream("g", { streamId: none });
  void stream.abort(new Error(half)).catch(() => {});
  const [first, second] = socket.of("sendToGroup");
  assert.deepEqual([first.group, first.data], [none, none]);
  assert.deepEqual(second.data, { [none]: none + none });
  assert.equal(socket.of("setGroupState")[0].state.draft, none);
  assert.equal(socket.of("streamEnd")[0].error.message, none);
  await isWell(client);
});

test("a signal that is none rejects before anything is done", async (t) => {
  const { client, socket } = await start(t);
  const abortSignal = new AbortController();
  await assert.rejects(client.sendEvent("e", "x", "text", { abortSignal }), TypeError);
  assert.throws(() => client.messages({ abortSignal }), TypeError);
  assert.deepEqual(socket.sent, []);
  const fake = fakeSockets();
  const other = new WebPubSubClient(ADDRESS, { WebSocket: fake.WebSocket });
  await assert.rejects(other.connect({ abortSignal }), TypeError);
  await settled();
  assert.deepEqual([other.status, fake.sockets.length], ["stopped", 0]);
});

test("a call that is aborted while it is written is given up, and no other", async (t) => {
  let write = () => {};
  const { client, socket } = await start(t, { send: () => write() });
  const other = client.sendEvent("e", "other", "text");
  const aborter = new AbortController();
  write = () => aborter.abort();
  await assert.rejects(client.sendEvent("e", "x", "text", { abortSignal: aborter.signal }), { code: "ERR_ABORTED" });
  socket.receive({ type: "ack", ackId: 1, success: true });
  assert.equal((await other).ackId, 1);
});

test("a socket whose close tells nothing is recovered", async (t) => {
  const { socket, events } = await start(t);
  socket.readyState = 3;
  socket.onclose();
  assert.deepEqual(events[1], ["recovering", { connectionId: "conn", code: 1006, reason: "" }]);
});

test("an error of a connection that cannot be opened shows no URL", async () => {
  const url = `${ADDRESS}?access_token=SECRET`;
  for (const [name, error] of Object.entries({
    message: new Error(`no way to ${url}`),
    "message that is cut": new Error(`no way to ${url.slice(0, -3)}`),
    property: Object.assign(new Error("no way"), { url }),
    cause: new Error("no way", { cause: new Error(url) }),
    "several attempts": Object.assign(new AggregateError([new Error(url)], ""), { code: "ECONNREFUSED" }),
  })) {
    // A line that was read from a file.
    const client = new WebPubSubClient(`${url}\n`, { fetch: async () => Promise.reject(error) });
    const found = await client.connect().catch((error) => error);
    assert.equal(found.code, "ERR_CONNECT");
    assert.doesNotMatch(inspect(found, { depth: 9, showHidden: true }), /SEC/, name);
    const said = { property: "no way", cause: "no way", "several attempts": "ECONNREFUSED" }[name] ?? `no way to ${ADDRESS}`;
    assert.equal(found.message, `The socket to example.com is closed: ${said}.`);
  }
});

test("what the service refuses is told in the message of the error", async (t) => {
  const { client, socket } = await start(t);
  const joining = client.joinGroup("g");
  await settled();
  socket.receive({ type: "ack", ackId: 1, success: false, error: { name: "Forbidden", message: "no right to it" } });
  await assert.rejects(joining, { code: "ERR_REFUSED", message: "Failed to send message. Forbidden: no right to it" });
});

for (const [what, url] of [["undefined", undefined], ["object", { url: ADDRESS }], ["string", JSON.stringify(ADDRESS)], ["https:", "https://example.com?access_token=t"]]) {
  test(`a URL that is ${what} is ERR_URL, with what it is and not what it says`, async () => {
    const client = new WebPubSubClient({ getClientAccessUrl: async () => url }, { WebSocket: fakeSockets().WebSocket });
    await assert.rejects(client.start(), { code: "ERR_URL", message: `The client access URL is no ws: or wss: URL, but ${what}.` });
  });
}

test("a listener of `error` may stop the client and start it again", async (t) => {
  fakeTime(t);
  const { client, sockets, socket } = await start(t);
  let starting;
  client.on("error", () => {
    if (starting !== undefined) return;
    void client.stop();
    starting = client.start();
  });
  socket.drop(1008);
  await pass(t, 10);
  sockets[1].drop();
  await pass(t, 10);
  const last = sockets.at(-1);
  last.open({ ...GREETING, connectionId: "again" });
  await starting;
  assert.deepEqual([sockets.length, client.status, client.connectionId], [3, "connected", "again"]);
  answers(last);
  await isWell(client);
});

test("what was sent to sockets that were closing is settled, also what wants no answer", async (t) => {
  fakeTime(t);
  const { client, sockets, socket } = await start(t, { messageRetryOptions: { maxRetries: 0 } });
  socket.drop();
  await pass(t, 10);
  let sent;
  client.on("recovered", () => {
    sockets[1].readyState = 2;
    const post = () => client.sendToGroup("g", "x", "text", { fireAndForget: true });
    sent = Promise.allSettled([post(), post(), post(), client.sendToGroup("g", "x", "text")]);
  });
  sockets[1].open(GREETING);
  sockets[1].receive({ type: "pong" });
  await pass(t, 10);
  sockets[1].drop(1008);
  await pass(t, 60_000);
  for (const socket of sockets) socket.close = () => socket.drop(1000);
  await client.stop();
  assert.deepEqual((await sent).map(({ status }) => status), Array(4).fill("rejected"));
});

test("a client without a credential is refused at once", () => {
  for (const credential of [undefined, null, "", {}, 5]) {
    assert.throws(() => new WebPubSubClient(credential), { name: "TypeError", message: /credential/ });
  }
});

test("an option that would be misread is refused at once", () => {
  const url = "wss://service/client/hubs/hub";
  const refused = [
    [{ protocol: "json.webpubsub.azure.v1" }, "TypeError", /^protocol .*WebPubSubJsonProtocol\(\)/],
    [{ reconnectRetryOptions: { mode: "exponential" } }, "RangeError", /^mode .*Fixed or Exponential, not exponential/],
    [{ messageRetryOptions: { retryDelayInMs: 20, maxRetryDelayInMs: 10 } }, "RangeError", /^maxRetryDelayInMs /],
    [{ ackTimeoutInMs: -1 }, "RangeError", /^ackTimeoutInMs .*-1/],
  ];
  for (const [options, name, message] of refused) {
    assert.throws(() => new WebPubSubClient(url, options), { name, message });
  }
});

test("a group state that is none, or that the service refuses, is not set again on the next connection", async (t) => {
  fakeTime(t);
  const { client, sockets, socket } = await start(t, { reconnectRetryOptions: { retryDelayInMs: 10 } });
  const set = async (state, success) => {
    const setting = client.setGroupState("g", state);
    await settled();
    socket.receive({ type: "ack", ackId: socket.sent.at(-1).ackId, success, ...(!success && { error: { name: "Forbidden", message: "m" } }) });
    await setting;
  };
  for (const state of [{ s: 1 }, "online", ["x"], 5]) await assert.rejects(client.setGroupState("g", state), TypeError);
  assert.deepEqual(socket.sent, []);
  await set({ is: "good" }, true);
  await assert.rejects(set({ is: "bad" }, false), { code: "ERR_REFUSED" });
  await assert.rejects(client.setGroupState("large", { large: "x".repeat(2 ** 20) }), { code: "ERR_MESSAGE_TOO_LARGE" });
  socket.drop(1008);
  await pass(t, 2000);
  sockets[1].open({ ...GREETING, connectionId: "new" });
  await settled();
  assert.deepEqual(sockets[1].of("setGroupState").map(({ group, state }) => [group, state]), [["g", { is: "good" }]]);
  sockets[1].receive({ type: "ack", ackId: sockets[1].sent[0].ackId, success: false, error: { name: "Forbidden", message: "m" } });
  await settled();
  sockets[1].drop(1008);
  await pass(t, 3000);
  sockets[2].open({ ...GREETING, connectionId: "newer" });
  await settled();
  assert.deepEqual(sockets[2].of("setGroupState"), []);
});

test("a group state is set again once the service has it, as it was then, and not before", async (t) => {
  fakeTime(t);
  const { client, sockets, socket } = await start(t, { reconnectRetryOptions: { retryDelayInMs: 10 }, messageRetryOptions: { maxRetries: 0 } });
  const replace = async (connectionId) => {
    sockets.at(-1).drop(1008);
    await pass(t, 3000);
    sockets.at(-1).open({ ...GREETING, connectionId });
    await settled();
    return sockets.at(-1).of("setGroupState").map(({ state }) => state);
  };
  const state = { is: "first" };
  const setting = client.setGroupState("g", state);
  await settled();
  socket.receive({ type: "ack", ackId: 1, success: true });
  await setting;
  state.is = "changed by its owner";
  await assert.rejects(client.setGroupState("g", { is: "aborted" }, { abortSignal: AbortSignal.abort() }), { code: "ERR_ABORTED" });
  const lost = assert.rejects(client.setGroupState("g", { is: "lost" }), { code: "ERR_NOT_CONNECTED" });
  await settled();
  assert.deepEqual(await replace("second"), [{ is: "first" }]);
  await lost;
  // Nobody has acknowledged it there: it is set once more.
  assert.deepEqual(await replace("third"), [{ is: "first" }]);
});

test("a group state that waits for its ack when the connection is lost is set once on the next, and not overtaken by itself", async (t) => {
  fakeTime(t);
  const { client, events, sockets, socket } = await start(t, { reconnectRetryOptions: { retryDelayInMs: 10 }, messageRetryOptions: { retryDelayInMs: 10 } });
  const setting = client.setGroupState("g", { is: "set" });
  await settled();
  socket.drop(1008);
  await pass(t, 3000);
  sockets[1].open({ ...GREETING, connectionId: "new" });
  await pass(t, 1000);
  const sent = sockets[1].of("setGroupState");
  assert.deepEqual(sent.map(({ state }) => state), [{ is: "set" }]);
  sockets[1].receive({ type: "ack", ackId: sent[0].ackId, success: true });
  await setting;
  assert.deepEqual(events.map(([name]) => name), ["connected", "disconnected", "connected"]);
});

test("a subscription to group states that fails leaves the view that was there", async (t) => {
  const { client, socket } = await start(t);
  const subscribing = client.subscribeGroupState("g");
  await settled();
  socket.receive({ type: "ack", ackId: 1, success: true });
  const view = await subscribing;
  await assert.rejects(client.subscribeGroupState("g", { ackId: -1 }), RangeError);
  const refused = assert.rejects(client.subscribeGroupState("g"), { code: "ERR_REFUSED" });
  await settled();
  socket.receive({ type: "ack", ackId: 2, success: false, error: { name: "Forbidden", message: "m" } });
  await refused;
  socket.receive({ type: "groupStateUpdate", group: "g", items: [{ connectionId: "a", updatedAt: 1, state: { k: "1" } }] });
  assert.equal(view.items.size, 1);
  view.close().catch(() => {});
  await settled();
  assert.equal(socket.of("unsubscribeGroupState").length, 1);
});

test("a stop while states are set again is no error", async (t) => {
  fakeTime(t);
  const { client, events, sockets, socket } = await start(t, { reconnectRetryOptions: { retryDelayInMs: 10 } });
  const setting = client.setGroupState("g", {});
  await settled();
  socket.receive({ type: "ack", ackId: 1, success: true });
  await setting;
  socket.drop(1008);
  await pass(t, 3000);
  sockets[1].open({ ...GREETING, connectionId: "new" });
  sockets[1].close = () => sockets[1].drop(1000);
  await client.stop();
  await settled();
  assert.deepEqual(events.map(([name]) => name), ["connected", "disconnected", "connected", "disconnected", "stopped"]);
});

test("a connection that takes too long is ERR_TIMEOUT, also when its socket then tells that it is closed", async (t) => {
  fakeTime(t);
  const fake = fakeSockets();
  const client = new WebPubSubClient(ADDRESS, { WebSocket: fake.WebSocket, connectTimeoutInMs: 1000 });
  const timedOut = assert.rejects(client.start(), { code: "ERR_TIMEOUT" });
  await until(() => fake.sockets.length > 0);
  fake.sockets[0].close = () => fake.sockets[0].drop();
  await pass(t, 2000);
  await timedOut;
});

test("a module that the host refuses to compile is ERR_WASM", async () => {
  const cause = new WebAssembly.CompileError("blocked by the policy");
  for (const [index, source] of [() => Promise.reject(cause), () => { throw cause; }].entries()) {
    const module = await import(`../../pkg/dist/client/core/core.js?${index}`);
    await assert.rejects(async () => module.loadInstance(source), { code: "ERR_WASM", cause, message: /Content-Security-Policy/ });
  }
});
