// The package is ESM only; Node since 20.19 requires every entry of it all the same. A client of the emulator hears a
// message and prints the token that the slim entry minted.
const { readFileSync } = require("node:fs");
const { WebPubSubServiceClient } = require("webpubsub-edge");
const { WebPubSubClient } = require("webpubsub-edge/client");
const { WebPubSubProtobufReliableProtocol } = require("webpubsub-edge/client/protobuf");
const { startEmulator } = require("webpubsub-edge/emulator");
const slim = require("webpubsub-edge/slim");
const { WebSocket } = require("ws");

async function main(vector) {
  slim.initSync(readFileSync(require.resolve("webpubsub-edge/webpubsub_edge.wasm")));
  const { connectionString, hub, now, baseUrl, token: expected, ...options } = vector;
  const minting = new slim.WebPubSubServiceClient(connectionString, hub, { now: () => now * 1000 });
  const { token } = minting.getClientAccessTokenSync(options);

  const emulator = await startEmulator();
  const protocol = WebPubSubProtobufReliableProtocol();
  const client = new WebPubSubClient(emulator.clientUrl("chat"), { protocol, WebSocket });
  const heard = new Promise((resolve) => client.on("server-message", ({ message }) => resolve(message.data)));
  await client.connect();
  await new WebPubSubServiceClient(emulator.connectionString, "chat").sendToAll(token, { contentType: "text/plain" });
  process.stdout.write(await heard);
  await client.stop();
  await emulator.stop();
}

main(JSON.parse(process.argv[2]));
