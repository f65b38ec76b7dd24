// A server in a process of its own, started by ../emulator.mjs: ours, or one that broadcasts with bare `ws`. It answers
// its parent with what it used so far.

import { once } from "node:events";
import { WebSocketServer } from "ws";
import { startEmulator } from "../../pkg/dist/emulator/index.js";

const started = performance.now();
process.send(await (process.argv[2] === "ws" ? bare() : ours()));

process.on("message", () => {
  const { user, system } = process.cpuUsage();
  process.send({ cpu: user + system, rss: process.memoryUsage.rss() });
});
process.on("disconnect", () => process.exit());

async function ours() {
  const emulator = await startEmulator();
  const startMs = performance.now() - started;
  const options = { userId: "receiver", groups: ["g"], expirationTimeInMinutes: 600 };
  const receiver = emulator.clientUrl("bench", options);
  return { startMs, receiver, publisher: emulator.clientUrl("bench", { roles: ["webpubsub.sendToGroup"] }) };
}

/** Every message goes to all others as it is. */
async function bare() {
  const server = new WebSocketServer({ port: 0, host: "127.0.0.1" });
  server.on("connection", (sender) => {
    sender.on("error", () => {});
    sender.on("message", (data, isBinary) => {
      for (const client of server.clients) {
        if (client !== sender) client.send(data, { binary: isBinary });
      }
    });
  });
  await once(server, "listening");
  const url = `ws://127.0.0.1:${server.address().port}/`;
  return { startMs: performance.now() - started, receiver: url, publisher: url };
}
