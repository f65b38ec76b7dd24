// Runs what features.mjs has for the official client too over that, and prints one { name, outcome } a test.

import { setTimeout as sleep } from "node:timers/promises";
import { WebPubSubClient, WebPubSubJsonProtocol, WebPubSubJsonReliableProtocol } from "@azure/web-pubsub-client";
import { startEmulator } from "../../pkg/dist/emulator/index.js";
import { WebPubSubServiceClient } from "../../pkg/dist/entrypoints/index.js";
import * as expect from "../conformance/expect.mjs";
import { queue } from "../peers/queue.mjs";
import { features } from "./features.mjs";
import { answer } from "./handler.mjs";

/** What has not come to an end by then never does. */
const PATIENCE_MS = 5_000;

const emulator = await startEmulator();
emulator.onEvent("client", answer);
const clients = [];
let users = 0;

// What nobody waits for any more fails when a client is stopped.
process.on("unhandledRejection", () => {});
const { both } = features({
  expect,
  protocols: { json: WebPubSubJsonProtocol, "json.reliable": WebPubSubJsonReliableProtocol },
  connect,
  fault: async (fault) => emulator.faults.inject(fault).id,
  mend: async (id) => emulator.faults.remove(id),
  service: new WebPubSubServiceClient(emulator.connectionString, "client"),
  run: "official",
  binary: new Uint8Array([0, 255]).buffer,
  // It tells of no recovery, so the hub is asked, and then the client whether it knows.
  back: (client, userId) => async () => {
    while (!emulator.inspect("client").connections.some((connection) => connection.userId === userId && connection.open)) {
      await sleep(5);
    }
    while (await client.invokeEvent("echo", "there?", "text").then(() => false, () => true)) await sleep(5);
  },
  answers: true,
});
const results = [];
for (const [name, run] of both) {
  const outcome = await Promise.race([
    run().then(() => "like ours", (error) => `otherwise: ${error.message}`),
    sleep(PATIENCE_MS, "otherwise: it never ends"),
  ]);
  for (const client of clients.splice(0)) client.stop();
  results.push({ name, outcome });
}
console.log(JSON.stringify(results));
// Its timers go on for half a minute.
process.exit();

/** A client with what the suite uses of ours: `messages`, and the id of its connection. */
async function connect(options) {
  const userId = `official ${++users}`;
  const roles = ["webpubsub.joinLeaveGroup", "webpubsub.sendToGroup"];
  const getClientAccessUrl = async () => emulator.clientUrl("client", { userId, roles });
  const client = new WebPubSubClient({ getClientAccessUrl }, options);
  client.messages = () => {
    const messages = queue();
    client.on("server-message", ({ message }) => messages.push(message));
    return { next: async () => ({ value: (await messages.take(1))[0] }) };
  };
  clients.push(client);
  const connected = new Promise((resolve) => client.on("connected", resolve));
  await client.start();
  await connected;
  return { client, userId };
}
