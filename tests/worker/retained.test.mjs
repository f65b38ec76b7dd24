// The budget of the emulator under `wrangler dev`: EMULATOR_MAX_RETAINED_BYTES.

import assert from "node:assert/strict";
import { test } from "node:test";
import { WebPubSubServiceClient } from "@azure/web-pubsub";
import { connect, RELIABLE } from "../emulator/client.mjs";
import { startWorker } from "../harness.mjs";

async function start(t, bytes) {
  const worker = await startWorker({ env: "local", vars: { EMULATOR_MAX_RETAINED_BYTES: bytes } });
  t.after(worker.stop);
  return worker;
}

test("a client that acknowledges nothing is closed when its hub retains more than the variable says", async (t) => {
  const { origin, key } = await start(t, String(2 * 1024 * 1024));
  const service = new WebPubSubServiceClient(`Endpoint=${origin};AccessKey=${key};Version=1.0;`, "chat", { allowInsecureConnection: true });
  const { url } = await service.getClientAccessToken({ userId: "ann" });
  const ann = await connect(url, RELIABLE);
  for (let sent = 0; sent < 3; sent++) await service.sendToUser("ann", "x".repeat(1_000_000), { contentType: "text/plain" });
  assert.deepEqual(await ann.closed, { code: 1008, reason: "The reliable message buffer is full." });
});

test("a value that cannot be used is named in the answer to every request of the emulator", async (t) => {
  const { origin } = await start(t, "much");
  const response = await fetch(`${origin}/_emulator`);
  assert.equal(response.status, 500);
  const message = "EMULATOR_MAX_RETAINED_BYTES must be a whole number from 1048576 to 2147483648.";
  assert.equal((await response.json()).message, message);
});
