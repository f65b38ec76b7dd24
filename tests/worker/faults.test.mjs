// LocalHub carries out what faults ask of a host: timers of several lengths, answers that come late, sockets that end.

import assert from "node:assert/strict";
import { once } from "node:events";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { WebPubSubServiceClient } from "@azure/web-pubsub";
import WebSocket from "ws";
import { startWorker } from "../harness.mjs";

const HUB = "demo";

let worker, service;
before(async () => {
  worker = await startWorker({ env: "local", vars: { AZURE_WEBPUBSUB_HUB: HUB } });
  const connection = `Endpoint=${worker.origin};AccessKey=${worker.key};Version=1.0;`;
  service = new WebPubSubServiceClient(connection, HUB, { allowInsecureConnection: true, retryOptions: { maxRetries: 0 } });
});
after(() => worker?.stop());

/** Injects a fault, ends it after the test, and gives what the emulator says of it. */
async function inject(t, fault, hub = HUB) {
  const faults = `${worker.origin}/_emulator/faults?hub=${hub}`;
  const answer = await fetch(faults, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(fault),
  });
  assert.equal(answer.status, 200);
  t.after(() => fetch(faults, { method: "DELETE" }));
  return answer.json();
}

/** A client that has been told that it is connected, and what it hears from then on. */
async function connect(t, subprotocol = "json.webpubsub.azure.v1") {
  const { url } = await service.getClientAccessToken({ roles: ["webpubsub.sendToGroup"] });
  const socket = new WebSocket(url, subprotocol);
  t.after(() => socket.terminate());
  await once(socket, "message");
  const frames = [];
  socket.on("message", (data) => frames.push(JSON.parse(data)));
  return { socket, frames, next: () => once(socket, "message").then(([data]) => JSON.parse(data)) };
}

test("what is due sooner does not wait for what is due later", async (t) => {
  const slow = await connect(t);
  const quick = await connect(t);
  await inject(t, { type: "delay", ms: 60_000, direction: "toClient", count: 1 });
  slow.socket.send('{"type":"ping"}');
  // Its pong sets the long timer; a pong of the other, delayed less, must not wait for that one.
  await sleep(100);
  await inject(t, { type: "delay", ms: 50, direction: "toClient", count: 1 });
  quick.socket.send('{"type":"ping"}');
  assert.deepEqual(await quick.next(), { type: "pong" });
  assert.deepEqual(slow.frames, []);
});

test("an answer may be late, and the next one need not wait for it", async (t) => {
  await inject(t, { type: "delayAnswer", ms: 400, count: 1 });
  const order = [];
  const late = service.sendToAll("x", { contentType: "text/plain" }).then(() => order.push("late"));
  await sleep(50);
  await service.sendToAll("x", { contentType: "text/plain" }).then(() => order.push("at once"));
  await late;
  assert.deepEqual(order, ["at once", "late"]);
});

test("a status is answered in place of the service's", async (t) => {
  await inject(t, { type: "answer", status: 429, retryAfterSeconds: 7, count: 1 });
  await assert.rejects(service.sendToAll("x", { contentType: "text/plain" }), { statusCode: 429 });
  await service.sendToAll("x", { contentType: "text/plain" });
});

test("a half-open socket ends with its fault", async (t) => {
  const { socket, frames } = await connect(t);
  const { id } = await inject(t, { type: "halfOpen" });
  socket.send('{"type":"ping"}');
  await service.sendToAll("nobody hears it", { contentType: "text/plain" });
  const closed = once(socket, "close");
  assert.equal((await fetch(`${worker.origin}/_emulator/faults/${id}`, { method: "DELETE" })).status, 204);
  await closed;
  assert.deepEqual(frames, []);
});

test("a fault waits for its client in an object that nobody else keeps awake", async (t) => {
  const { id } = await inject(t, { type: "refuseConnection", status: 502 }, "idle");
  // Workers forget an object that was idle for ten seconds.
  await sleep(15_000);
  const { faults } = await (await fetch(`${worker.origin}/_emulator/faults?hub=idle`, { headers: { authorization: `Bearer ${worker.key}` } })).json();
  assert.deepEqual(faults, [{ id, hub: "idle", type: "refuseConnection", status: 502, acted: 0 }]);
});
