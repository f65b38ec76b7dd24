// The WebSockets of packages, as the client's option takes them.

import type { WebSocket as UndiciWebSocket } from "undici-types";
import { WebPubSubClient } from "webpubsub-edge/client";
import { WebSocket } from "ws";

export function sockets(undici: typeof UndiciWebSocket): void {
  new WebPubSubClient("wss://x", { WebSocket });
  new WebPubSubClient("wss://x", { WebSocket: undici });
  // @ts-expect-error an instance is no constructor
  new WebPubSubClient("wss://x", { WebSocket: new WebSocket("wss://x") });
  // @ts-expect-error no socket
  new WebPubSubClient("wss://x", { WebSocket: URL });
}
