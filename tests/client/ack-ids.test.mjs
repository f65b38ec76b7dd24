// The `ackId` that a caller gives: every result and every error carries it.

import assert from "node:assert/strict";
import { test } from "node:test";
import { WebPubSubClient } from "../../pkg/dist/entrypoints/client.js";
import { ADDRESS, settled, start } from "./fake.mjs";

/** A send with an id, and a join with the same id. */
const both = (client, options) => [client.sendToGroup("g", "x", "text", options), client.joinGroup("g", options)];

test("two messages with one ackId at once: both results carry it, and it is sent once", async (t) => {
  const { client, socket } = await start(t);
  for (const ackId of [7, 2n ** 60n]) {
    const sending = both(client, { ackId });
    await settled();
    socket.receive(`{"type":"ack","ackId":${ackId},"success":true}`);
    assert.deepEqual(await Promise.all(sending), [{ ackId, isDuplicated: false }, { ackId, isDuplicated: false }]);
  }
  assert.equal(socket.sent.length, 2);
});

test("two messages with one ackId at once that are refused: both errors carry it and what the service said", async (t) => {
  const { client, socket } = await start(t);
  const sending = both(client, { ackId: 7 });
  await settled();
  const error = { name: "Forbidden", message: "m" };
  socket.receive({ type: "ack", ackId: 7, success: false, error });
  for (const { reason } of await Promise.allSettled(sending)) {
    assert.deepEqual([reason.code, reason.ackId, reason.errorDetail], ["ERR_REFUSED", 7, error]);
  }
});

test("a message that is rejected before it is sent: its error carries its ackId", async (t) => {
  const stopped = new WebPubSubClient(ADDRESS);
  const { client } = await start(t);
  for (const [sending, code] of [
    [both(stopped, { ackId: 7 }), "ERR_NOT_CONNECTED"],
    [both(client, { ackId: 7, abortSignal: AbortSignal.abort() }), "ERR_ABORTED"],
  ]) {
    for (const { reason } of await Promise.allSettled(sending)) assert.deepEqual([reason.code, reason.ackId], [code, 7]);
  }
});

test("a message that the service does not acknowledge has no ackId", async (t) => {
  const { client, socket } = await start(t);
  assert.deepEqual(await client.sendToGroup("g", "x", "text", { fireAndForget: true, ackId: 7 }), { isDuplicated: false });
  assert.equal("ackId" in socket.sent[0], false);
});
