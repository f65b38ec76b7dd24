// A plain client for the suites of this folder, over the WebSocket of the runtime; Node 20 has none, and takes `ws`.

import { queue } from "../peers/queue.mjs";

const WebSocket = globalThis.WebSocket ?? (await import("ws")).default;

export const JSON_PROTOCOL = "json.webpubsub.azure.v1";
export const RELIABLE = "json.reliable.webpubsub.azure.v1";

/** Opens a socket and gives it, with the frames it gets; `subprotocol` undefined makes a simple client. */
export async function open(url, subprotocol) {
  const socket = subprotocol ? new WebSocket(url, subprotocol) : new WebSocket(url);
  socket.binaryType = "arraybuffer";
  const frames = queue();
  const isJson = subprotocol?.startsWith("json");
  socket.onmessage = ({ data }) => frames.push(isJson ? JSON.parse(data) : typeof data === "string" ? data : new Uint8Array(data));
  const closed = new Promise((resolve) => (socket.onclose = ({ code, reason }) => resolve({ code, reason })));
  const opened = new Promise((resolve) => (socket.onopen = () => resolve(true)));
  // Node 22 tells of a refused upgrade by this event alone.
  const failed = new Promise((resolve) => (socket.onerror = () => resolve(false)));
  if (!(await Promise.race([opened, failed, closed.then(() => false)]))) {
    throw new Error("the socket did not open");
  }
  return { socket, frames, closed, close: () => socket.close(1000), send: (data) => socket.send(data) };
}

/** Opens a client of a JSON protocol, and gives it once it is connected. */
export async function connect(url, subprotocol = JSON_PROTOCOL) {
  const client = await open(url, subprotocol);
  const [connected] = await client.frames.take(1);
  let lastAckId = 0;
  /** Sends a frame with an ack id; gives the frames up to its ack, and the ack. */
  const exchange = async (frame) => {
    const ackId = ++lastAckId;
    client.send(JSON.stringify({ ...frame, ackId }));
    const before = [];
    for (;;) {
      const [answer] = await client.frames.take(1);
      if (answer.type === "ack" && answer.ackId === ackId) return { ack: answer, before };
      before.push(answer);
    }
  };
  return {
    ...client,
    connected,
    connectionId: connected.connectionId,
    exchange,
    say: (frame) => client.send(JSON.stringify(frame)),
    /** Sends a frame; "ok", or the name of the error in its ack. */
    ask: async (frame) => {
      const { ack } = await exchange(frame);
      return ack.success ? "ok" : ack.error.name;
    },
    /** What `count` messages say. */
    data: async (count) => (await client.frames.take(count)).map(({ data }) => data),
  };
}

/** The URL with which a reliable client comes back. */
export function recoveryUrl(url, { connectionId, reconnectionToken }) {
  const { origin, pathname } = new URL(url);
  const query = new URLSearchParams({ awps_connection_id: connectionId, awps_reconnection_token: reconnectionToken });
  return `${origin.replace(/^http/, "ws")}${pathname}?${query}`;
}
