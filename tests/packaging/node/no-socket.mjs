// The client where there is no WebSocket, and none is given.
import { WebPubSubClient } from "webpubsub-edge/client";

try {
  await new WebPubSubClient("ws://127.0.0.1:1/client/hubs/chat?access_token=secret").start();
} catch (error) {
  process.stdout.write(`${error.name} ${error.code}: ${error.message}`);
}
