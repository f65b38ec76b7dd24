// Clients in a process of their own, started by ../emulator.mjs. They read frames no further than they must, so that
// this machine's cores are left to the server.

import { once } from "node:events";
import { connect } from "node:net";

/** A reliable client acknowledges each so many messages. */
const ACK_EVERY = 100;

let publisher;
let receivers = [];
let onFrame = () => {};

const commands = {
  /** Opens so many receivers, some at a time, and a publisher. */
  async open({ receiver, publisher: url, count, subprotocol }) {
    const isReliable = subprotocol?.includes("reliable") ?? false;
    while (receivers.length < count) {
      const some = Math.min(100, count - receivers.length);
      const opened = Array.from({ length: some }, () => open(receiver, subprotocol, isReliable, () => onFrame()));
      receivers.push(...(await Promise.all(opened)));
    }
    publisher = await open(url, subprotocol && "json.webpubsub.azure.v1", false, () => {});
  },

  /** Publishes in bursts, as fast as the receivers get them; gives the milliseconds. */
  async flood({ text, messages, burst }) {
    const started = performance.now();
    for (let sent = 0; sent < messages; ) {
      const some = Math.min(burst, messages - sent);
      await publish(text, some);
      sent += some;
    }
    return performance.now() - started;
  },

  /** Publishes one message after the other; gives how many milliseconds each receiver waited for each, sorted. */
  async latencies({ text, messages }) {
    const waited = [];
    for (let sent = 0; sent < messages; sent++) {
      const started = performance.now();
      await publish(text, 1, () => waited.push(performance.now() - started));
    }
    return waited.sort((a, b) => a - b);
  },

  close() {
    for (const { destroy } of [...receivers, publisher]) destroy();
    receivers = [];
  },
};

process.on("message", async ({ command, ...given }) => process.send({ result: await commands[command](given) }));
process.on("disconnect", () => process.exit());

/** Sends a frame so often, at once, and waits until every receiver has all of them. */
function publish(text, times, onEach = () => {}) {
  let left = times * receivers.length;
  return new Promise((resolve) => {
    onFrame = () => {
      onEach();
      if (--left === 0) resolve();
    };
    publisher.write(Buffer.concat(Array(times).fill(frame(1, Buffer.from(text)))));
  });
}

/** A WebSocket that tells of each text message but a first one that only greets. */
async function open(target, subprotocol, isReliable, onText) {
  const { hostname, port, pathname, search } = new URL(target);
  const socket = connect(port, hostname);
  socket.setNoDelay(true);
  await once(socket, "connect");
  const lines = [
    `GET ${pathname}${search} HTTP/1.1`,
    `Host: ${hostname}:${port}`,
    ...["Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: MTIzNDU2Nzg5MDEyMzQ1Ng=="],
    ...(subprotocol ? [`Sec-WebSocket-Protocol: ${subprotocol}`] : []),
  ];
  let rest = Buffer.alloc(0);
  let isOpen = false;
  let greetings = subprotocol ? 1 : 0;
  let received = 0;
  const opened = new Promise((resolve, reject) => {
    const settle = () => isOpen && greetings === 0 && resolve();
    socket.on("data", (data) => {
      rest = rest.length === 0 ? data : Buffer.concat([rest, data]);
      if (!isOpen) {
        const end = rest.indexOf("\r\n\r\n");
        if (end < 0) return;
        const status = rest.subarray(0, 12).toString();
        if (status !== "HTTP/1.1 101") return reject(new Error(rest.toString()));
        isOpen = true;
        rest = rest.subarray(end + 4);
        settle();
      }
      let at = 0;
      for (;;) {
        const end = endOfFrame(rest, at);
        if (end === undefined) break;
        const opcode = rest[at] & 15;
        at = end;
        if (opcode === 9) {
          socket.write(frame(10, Buffer.alloc(0)));
        } else if (opcode === 1 && greetings > 0) {
          greetings--;
          settle();
        } else if (opcode === 1) {
          received++;
          if (isReliable && received % ACK_EVERY === 0) {
            socket.write(frame(1, Buffer.from(`{"type":"sequenceAck","sequenceId":${received}}`)));
          }
          onText();
        } else if (opcode === 8) {
          throw new Error(`the server closed a socket: ${rest.subarray(at - 40, at)}`);
        }
      }
      rest = rest.subarray(at);
    });
    socket.on("error", reject);
  });
  socket.write(`${lines.join("\r\n")}\r\n\r\n`);
  await opened;
  return { write: (data) => socket.write(data), destroy: () => socket.destroy() };
}

/** Where the frame that begins at `at` ends, if all of it is there. */
function endOfFrame(buffer, at) {
  if (buffer.length < at + 2) return undefined;
  const short = buffer[at + 1] & 127;
  let payload = at + 2;
  let length = short;
  if (short === 126) {
    if (buffer.length < at + 4) return undefined;
    length = buffer.readUInt16BE(at + 2);
    payload = at + 4;
  } else if (short === 127) {
    if (buffer.length < at + 10) return undefined;
    length = Number(buffer.readBigUInt64BE(at + 2));
    payload = at + 10;
  }
  return payload + length <= buffer.length ? payload + length : undefined;
}

/** A frame of a client; a mask of zeros leaves the payload as it is. */
function frame(opcode, payload) {
  const head = payload.length < 126 ? [128 | payload.length] : [128 | 126, payload.length >> 8, payload.length & 255];
  return Buffer.concat([Buffer.from([128 | opcode, ...head, 0, 0, 0, 0]), payload]);
}
