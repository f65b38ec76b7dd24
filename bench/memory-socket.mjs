// A connection inside the process, for both clients: what they spend is all their own. The service in it acknowledges
// what it gets in a later turn, as a real one does, with acks that are made before the clock runs: an ack for each frame,
// with ids from 1, as both clients count.

import { WebPubSubClient as OfficialClient } from "@azure/web-pubsub-client";
import { WebPubSubClient } from "../pkg/dist/entrypoints/client.js";

export const CONNECTED = '{"type":"system","event":"connected","userId":"u","connectionId":"c","reconnectionToken":"t"}';

/** The other end of a connection. */
class Service {
  #acks = [];
  #given = 0;
  #asked = 0;
  #receive;

  /** Makes the acks of the next frames. */
  prepare(count) {
    this.#acks = Array.from({ length: count }, (_, index) => flat(`{"type":"ack","ackId":${this.#given + 1 + index},"success":true}`));
    this.#acks.reverse();
  }

  take(frame, receive) {
    // Every socket needs the text in one piece, and so pays for one that was only put together.
    frame.charCodeAt(0);
    if (!frame.includes('"ackId"')) return;
    this.#receive = receive;
    if (this.#asked++ === 0) queueMicrotask(() => this.#acknowledge());
  }

  #acknowledge() {
    const asked = this.#asked;
    this.#asked = 0;
    this.#given += asked;
    for (let left = asked; left > 0; left--) this.#receive(this.#acks.pop());
  }
}

/** A text in one piece, as one from a real socket is. */
export function flat(text) {
  return Buffer.from(text).toString();
}

/** Gives a connected client, what a frame is handed to, and the service. */
export async function ours(options) {
  const service = new Service();
  let socket;
  class MemorySocket {
    readyState = 1;
    #receive = (data) => this.onmessage({ data });
    constructor() {
      socket = this;
      queueMicrotask(() => {
        this.onopen({});
        this.onmessage({ data: CONNECTED });
      });
    }
    send(frame) {
      service.take(frame, this.#receive);
    }
    close() {}
  }
  const client = new WebPubSubClient("wss://service/client/hubs/hub", { ...options, WebSocket: MemorySocket });
  await client.start();
  return { client, receive: (data) => socket.onmessage({ data }), service };
}

/** The same with the official client, whose factory of sockets is replaced. */
export async function official(options) {
  const service = new Service();
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
      send: async (frame) => service.take(frame, received),
      isOpen: () => true,
    }),
  });
  await client.start();
  return { client, receive: received, service };
}

/**
 * The least that a client of JSON in JavaScript can do: parse a frame and call a listener; write a frame and keep a promise
 * until its ack. It checks nothing, has no limits of time, and does not survive the loss of a connection.
 */
export async function bare() {
  const service = new Service();
  const waiting = new Map();
  let ackId = 0;
  let listener;
  const receive = (text) => {
    const frame = JSON.parse(text);
    if (frame.type === "ack") {
      const resolve = waiting.get(frame.ackId);
      waiting.delete(frame.ackId);
      return resolve({ ackId: frame.ackId, isDuplicated: false });
    }
    if (frame.dataType === "binary") frame.data = Buffer.from(frame.data, "base64").buffer;
    listener({ message: frame });
  };
  const client = {
    on: (_, call) => (listener = call),
    sendToGroup: (group, content, dataType) =>
      new Promise((resolve) => {
        waiting.set(++ackId, resolve);
        const data = dataType === "binary" ? Buffer.from(content).toString("base64") : content;
        service.take(JSON.stringify({ type: "sendToGroup", group, ackId, noEcho: false, dataType, data }), receive);
      }),
  };
  return { client, receive, service };
}
