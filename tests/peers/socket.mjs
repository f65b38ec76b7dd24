// A bare WebSocket client of the JSON subprotocol, which shows every frame: the other side of a REST call.

import { once } from "node:events";
import WebSocket from "ws";
import { queue } from "./queue.mjs";

/** Opens a client URL and gives the client once it is connected. */
export async function openSocket(url) {
  const socket = new WebSocket(url, "json.webpubsub.azure.v1");
  const frames = queue();
  let closed;
  const closing = new Promise((resolve) => {
    socket.on("close", (code, reason) => resolve((closed = { code, reason: String(reason) })));
  });
  socket.on("message", (data) => frames.push(JSON.parse(data)));
  await once(socket, "open");
  const [{ connectionId, userId }] = await frames.take(1);
  let lastAckId = 0;
  return {
    connectionId,
    userId,
    isOpen: () => closed === undefined,
    stop: () => socket.terminate(),
    /** Resolves with the code and the reason of the close, and the message of the frame before it. */
    closed: async () => {
      const [{ message }] = await frames.take(1);
      return { message, ...(await closing) };
    },
    /** The data of every message that came before a message that only says `fence`. */
    before: async (fence) => {
      const messages = [];
      for (;;) {
        const [frame] = await frames.take(1);
        if (frame.type === "message" && frame.data === fence) {
          return messages;
        }
        messages.push(frame.type === "message" ? { from: frame.from, type: frame.dataType, data: frame.data } : frame);
      }
    },
    /** Sends a frame and gives the name of the error in its ack, or "ok". */
    ask: async (frame) => {
      const ackId = ++lastAckId;
      socket.send(JSON.stringify({ ...frame, ackId }));
      for (;;) {
        const [answer] = await frames.take(1);
        if (answer.type === "ack" && answer.ackId === ackId) {
          return answer.success ? "ok" : answer.error.name;
        }
      }
    },
  };
}
