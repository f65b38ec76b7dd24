// Every call refuses options and events that it does not know.

import assert from "node:assert/strict";
import { test } from "node:test";
import { WebPubSubClient } from "../../pkg/dist/entrypoints/client.js";
import { ADDRESS, settled, start } from "./fake.mjs";

const UNKNOWN = { code: "ERR_OPTION", name: "TypeError" };

for (const [name, options, message] of [
  ["a name of the wrong case", { autoReConnect: true }, /^WebPubSubClient has no option "autoReConnect"\. Did you mean "autoReconnect"\?$/],
  ["an unknown name", { retries: 3 }, /^WebPubSubClient has no option "retries"\. Its options are protocol, .*, fetch\.$/],
  ["an unknown name of messageRetryOptions", { messageRetryOptions: { retries: 3 } }, /^messageRetryOptions has no option "retries"/],
  ["an unknown name of reconnectRetryOptions", { reconnectRetryOptions: { maxretries: 3 } }, /^reconnectRetryOptions .* Did you mean "maxRetries"\?$/],
  ["an unknown name of connectRetryOptions", { connectRetryOptions: { max: 3 } }, /^connectRetryOptions has no option "max"/],
  ["no object", 5, /^The options of WebPubSubClient must be an object\.$/],
]) {
  test(`the constructor refuses ${name}`, () => {
    assert.throws(() => new WebPubSubClient(ADDRESS, options), { ...UNKNOWN, message });
  });
}

test("every call refuses an unknown option, and sends nothing", async (t) => {
  const { client, socket } = await start(t);
  const opening = client.openGroupStream("g", { streamId: "S" });
  await settled();
  socket.receive({ type: "streamAck", streamId: "S", expectedSequenceId: 1 });
  const writer = await opening;
  socket.sent.length = 0;
  const wrong = { abortsignal: undefined, fireandforget: true };
  for (const [name, call] of Object.entries({
    start: () => client.start(wrong),
    connect: () => client.connect(wrong),
    joinGroup: () => client.joinGroup("g", wrong),
    leaveGroup: () => client.leaveGroup("g", wrong),
    sendToGroup: () => client.sendToGroup("g", "x", "text", wrong),
    sendEvent: () => client.sendEvent("e", "x", "text", wrong),
    invokeEvent: () => client.invokeEvent("e", "x", "text", wrong),
    openGroupStream: () => client.openGroupStream("g", wrong),
    setGroupState: () => client.setGroupState("g", {}, wrong),
    subscribeGroupState: () => client.subscribeGroupState("g", wrong),
    write: () => writer.write("x", "text", wrong),
    end: () => writer.end(wrong),
    abort: () => writer.abort({ message: "m" }, wrong),
  })) {
    // A call that returns a promise never throws.
    await assert.rejects(call(), { ...UNKNOWN, message: new RegExp(`^${name} has no option "abortsignal"\\. Did you mean "abortSignal"\\?$`) });
  }
  assert.throws(() => client.messages(wrong), { ...UNKNOWN, message: /^messages has no option/ });
  assert.throws(() => client.onGroupStream(() => {}, { groups: ["g"] }), { ...UNKNOWN, message: /^onGroupStream has no option "groups"/ });
  await settled();
  assert.deepEqual(socket.sent, []);
  await writer.write("still open", "text");
  assert.equal(socket.of("streamData").length, 1);
});

test("options that are inherited from a class or from defaults are read", async (t) => {
  const { client, socket } = await start(t);
  const options = Object.create({ noEcho: true, fireAndForget: true });
  await client.sendToGroup("g", "x", "text", options);
  assert.deepEqual(socket.sent, [{ type: "sendToGroup", group: "g", noEcho: true, dataType: "text", data: "x" }]);
});

test("the options of the official client 1.1.0 are accepted", () => {
  const retry = { maxRetries: 1, retryDelayInMs: 1, maxRetryDelayInMs: 2, mode: "Fixed" };
  new WebPubSubClient(ADDRESS, {
    protocol: undefined,
    autoReconnect: true,
    autoRejoinGroups: true,
    messageRetryOptions: retry,
    reconnectRetryOptions: retry,
    keepAliveTimeoutInMs: 1,
    keepAliveIntervalInMs: 1,
  });
});

test("`on` and `off` refuse an unknown event, and `on` a listener that is no function", () => {
  const client = new WebPubSubClient(ADDRESS);
  const message = /^There is no event "messages"\. The events are connected, .*"?error\.$/;
  for (const call of ["on", "off"]) {
    assert.throws(() => client[call]("messages", () => {}), { name: "TypeError", message });
    assert.throws(() => client[call]("toString", () => {}), TypeError);
  }
  assert.throws(() => client.on("connected", undefined), { name: "TypeError", message: /^The listener of the event "connected" must be a function/ });
});
