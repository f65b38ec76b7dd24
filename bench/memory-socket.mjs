// A connection inside the process, for both clients: what they spend is all their own. The service in it acknowledges
// what it gets in a later turn, as a real one does.

import { WebPubSubClient as OfficialClient } from "@azure/web-pubsub-client";
import { WebPubSubClient } from "../pkg/dist/entrypoints/client.js";

export const CONNECTED = '{"type":"system","event":"connected","userId":"u","connectionId":"c","reconnectionToken":"t"}';

/** Gives a connected client and what a frame is handed to. */
export async function ours(options) {
  let socket;
  class MemorySocket {
    readyState = 1;
    constructor() {
      socket = this;
      queueMicrotask(() => {
        this.onopen({});
        this.onmessage({ data: CONNECTED });
      });
    }
    send(frame) {
      acknowledge(frame, (data) => this.onmessage({ data }));
    }
    close() {}
  }
  const client = new WebPubSubClient("wss://service/client/hubs/hub", { ...options, WebSocket: MemorySocket });
  await client.start();
  return { client, receive: (data) => socket.onmessage({ data }) };
}

/** The same with the official client, whose factory of sockets is replaced. */
export async function official(options) {
  let received;
  const client = new OfficialClient("wss://service/client/hubs/hub", { ...options });
  client._getWebSocketClientFactory = () => ({
    create: () => ({
      onopen: (call) => queueMicrotask(() => {
        call();
        received(CONNECTED);
      }),
      onclose() {},
      onerror() {},
      onmessage: (call) => (received = call),
      close() {},
      send: async (frame) => acknowledge(frame, received),
      isOpen: () => true,
    }),
  });
  await client.start();
  return { client, receive: received };
}

/** All frames of the benchmark have their ack id near the start. */
function acknowledge(frame, receive) {
  const ackId = /"ackId":(\d+)/.exec(frame.slice(0, 200))?.[1];
  if (ackId !== undefined) queueMicrotask(() => receive(`{"type":"ack","ackId":${ackId},"success":true}`));
}
