// `cargo xtask bench client`: the WebSocket client beside the official one, in one run.

import { fork } from "node:child_process";
import { once } from "node:events";
import { createRequire } from "node:module";
import { WebPubSubClient as OfficialClient } from "@azure/web-pubsub-client";
import { WebSocket, WebSocketServer } from "ws";
import { WebPubSubClient } from "../pkg/dist/entrypoints/client.js";
import { bare, CONNECTED, flat, official, ours } from "./memory-socket.mjs";
import { print, rounds } from "./rounds.mjs";

const GOALS = { "@azure/web-pubsub-client": 1.5 };
const JSON_1K = { text: "x".repeat(900), numbers: [1, 2, 3], nested: { a: true, b: null } };
const BYTES_64K = Uint8Array.from({ length: 65536 }, (_, index) => index * 7).buffer;
/** What is sent and received: its content, its type, and how many a round. */
const PAYLOADS = {
  "small text": ["hello", "text", 10000],
  "1 kB JSON": [JSON_1K, "json", 5000],
  "64 kB binary": [BYTES_64K, "binary", 200],
};
/** How many sends wait for their ack at a time. */
const WINDOW = 100;
/** In how many parts a round is prepared and run. */
const PARTS = 20;
const IDLE = 500;

if (process.argv[2] === "serve") {
  serve();
} else if (process.argv[2] === "idle") {
  await holdIdle(process.argv[3], process.argv[4]);
} else {
  const { version } = createRequire(import.meta.url)("@azure/web-pubsub-client/package.json");
  console.log(`webpubsub-edge (this build), @azure/web-pubsub-client ${version}, Node ${process.versions.node}`);
  for (const [name, payload] of Object.entries(PAYLOADS)) {
    print(`Receiving ${name} from a socket in memory (CPU)`, "us", await inMemory(receives, payload), GOALS);
    print(`Sending ${name} and taking the ack, socket in memory (CPU)`, "us", await inMemory(sends, payload), GOALS);
  }
  await overASocket();
  process.exit(0);
}

/** All clients with sockets in memory; `measure` makes of one what a round of it takes. */
async function inMemory(measure, payload) {
  const contenders = {};
  for (const [name, make] of [["webpubsub-edge", ours], ["@azure/web-pubsub-client", official], ["bare JSON", bare]]) {
    contenders[name] = measure(await make(), payload);
  }
  return rounds(45, contenders);
}

function receives({ client, receive }, [content, dataType, times]) {
  const data = dataType === "binary" ? Buffer.from(content).toString("base64") : content;
  // The members stand as the service writes them.
  const head = JSON.stringify({ type: "message", from: "group", group: "g", fromUserId: "u", dataType, data }).slice(0, -1);
  let heard = 0;
  let sequenceId = 0;
  client.on("group-message", () => heard++);
  return inParts(
    times,
    (count) => Array.from({ length: count }, () => flat(`${head},"sequenceId":${++sequenceId}}`)),
    async (frames) => {
      const wanted = heard + frames.length;
      for (const frame of frames) receive(frame);
      // The official client handles some frames in later turns.
      while (heard < wanted) await new Promise(setImmediate);
    },
  );
}

function sends({ client, service }, [content, dataType, times]) {
  const prepare = (count) => (service.prepare(count), count);
  return inParts(times, prepare, (count) => windowed(count, () => client.sendToGroup("g", content, dataType)));
}

/**
 * A round of which each part is prepared and then run, and only the run counts. The parts are small: to keep much that is
 * prepared would be work for the garbage collector that no client makes.
 */
function inParts(times, prepare, run) {
  return async () => {
    let spent = 0;
    for (let part = 0; part < PARTS; part++) {
      const prepared = prepare(times / PARTS);
      spent += await cpu(() => run(prepared));
    }
    return spent / times;
  };
}

async function windowed(times, call) {
  for (let left = times; left > 0; left -= WINDOW) {
    await Promise.all(Array.from({ length: Math.min(WINDOW, left) }, call));
  }
}

/** Microseconds of this process's CPU. */
async function cpu(work) {
  const started = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(started);
  return user + system;
}

/** A service of its own process: it greets, acknowledges, and sends back what it gets. Both clients use the sockets of `ws`. */
async function overASocket() {
  const service = fork(import.meta.filename, ["serve"]);
  const [port] = await once(service, "message");
  const url = `ws://127.0.0.1:${port}`;
  const clients = {
    "webpubsub-edge": new WebPubSubClient(url, { WebSocket }),
    "@azure/web-pubsub-client": new OfficialClient(url),
  };
  const contenders = {};
  for (const [name, client] of Object.entries(clients)) {
    await client.start();
    let heard = 0;
    client.on("group-message", () => heard++);
    contenders[name] = async () => {
      const before = heard;
      const times = 3000;
      const spent = await cpu(async () => {
        await windowed(times, () => client.sendToGroup("g", "hello", "text"));
        while (heard - before < times) await new Promise(setImmediate);
      });
      return spent / times;
    };
  }
  // Most of it are system calls, whose time varies: it takes many rounds.
  print("Sending small text over a real socket, with its ack and its echo (CPU)", "us", await rounds(41, contenders), { "@azure/web-pubsub-client": 1 });

  const idle = {};
  for (const name of Object.keys(clients)) {
    const child = fork(import.meta.filename, ["idle", name, url], { execArgv: ["--expose-gc"] });
    [idle[name]] = await once(child, "message");
    child.disconnect();
  }
  print(`Memory of an idle connection, sockets of ws included (of ${IDLE})`, "kB", idle, { "@azure/web-pubsub-client": 1 });
  service.disconnect();
}

function serve() {
  const server = new WebSocketServer({ port: 0, host: "127.0.0.1", handleProtocols: ([protocol]) => protocol });
  server.on("connection", (socket) => {
    let sequenceId = 0;
    socket.send(CONNECTED);
    socket.on("message", (data) => {
      const frame = JSON.parse(data);
      if (frame.ackId === undefined) return;
      socket.send(`{"type":"ack","ackId":${frame.ackId},"success":true}`);
      const { group, dataType } = frame;
      socket.send(JSON.stringify({ type: "message", from: "group", sequenceId: ++sequenceId, group, dataType, data: frame.data }));
    });
  });
  server.on("listening", () => process.send(server.address().port));
  process.on("disconnect", () => process.exit(0));
}

/** Opens many connections, and tells what each takes of the heap and of memory beside it, wasm included. */
async function holdIdle(name, url) {
  const make = name === "webpubsub-edge" ? () => new WebPubSubClient(url, { WebSocket }) : () => new OfficialClient(url);
  const clients = [make()];
  await clients[0].start();
  const before = used();
  for (let count = 0; count < IDLE; count++) {
    clients.push(make());
    await clients.at(-1).start();
  }
  await new Promise((resolve) => setTimeout(resolve, 500));
  process.send((used() - before) / IDLE / 1024);
  process.on("disconnect", () => process.exit(0));
}

function used() {
  for (let count = 0; count < 4; count++) globalThis.gc();
  const { heapUsed, external, arrayBuffers } = process.memoryUsage();
  return heapUsed + external + arrayBuffers;
}
