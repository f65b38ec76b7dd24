// `cargo xtask bench service`: the service client beside the official SDK and other signers, in one run.

import { createServer } from "node:http";
import { once } from "node:events";
import { createRequire } from "node:module";
import { fork } from "node:child_process";
import { WebPubSubServiceClient as OfficialClient } from "@azure/web-pubsub";
import { createHttpHeaders } from "@azure/core-rest-pipeline";
import { WebPubSubServiceClient } from "../pkg/dist/entrypoints/index.js";
import { CONNECTION, contenders, KEY, versions } from "./contenders.mjs";
import { canReadCpu, inFreshNode, startWorkerd } from "./processes.mjs";
import { cpuOf, print, rounds, timeOf } from "./rounds.mjs";
import { root } from "./weigh.mjs";

const require = createRequire(import.meta.url);
const OURS = JSON.stringify(`${root}/pkg/dist/entrypoints/index.js`);
const OURS_IN_WORKERS = JSON.stringify(`${root}/pkg/dist/entrypoints/workerd.js`);
const OFFICIAL = '"@azure/web-pubsub"';

if (process.argv[2] === "serve") {
  await serve();
} else if (process.argv[2] === "send") {
  await send();
  process.exit(0);
} else {
  const workerd = require("workerd/package.json").version;
  const others = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
  console.log(["webpubsub-edge (this build)", ...others, `Node ${process.versions.node}`, `workerd ${workerd}`].join(", "));
  await clientTokens();
  await sends();
  await overASocket();
  await firstToken();
  if (canReadCpu) {
    await inWorkerd();
    await freshIsolate();
  } else {
    console.log("\nskipped workerd: only Linux tells the CPU time of another process");
  }
  process.exit(0);
}

async function clientTokens() {
  // In CPU time: on a busy machine the time that passes favours whoever yields.
  const mints = Object.entries(contenders()).map(([name, mint]) => [name, cpuOf(mint, 3000)]);
  const goals = { "@azure/web-pubsub": 15, jose: 10, "node:crypto by hand": 1 };
  print("A client token in Node, inputs varied (CPU)", "us", await rounds(21, Object.fromEntries(mints)), goals);
}

async function sends() {
  const answer = { status: 202, headers: new Headers(), text: async () => "" };
  const ours = new WebPubSubServiceClient(CONNECTION, "chat", { fetch: async () => answer });
  const httpClient = { sendRequest: async (request) => ({ request, status: 202, headers: createHttpHeaders() }) };
  const official = new OfficialClient(CONNECTION, "chat", { httpClient });
  const send = (client) => cpuOf((index) => client.sendToAll({ index, text: "hello" }), 1000);
  const medians = await rounds(21, { "webpubsub-edge": send(ours), "@azure/web-pubsub": send(official) });
  print("The SDK's own part of sendToAll, nothing sent (CPU)", "us", medians, { "@azure/web-pubsub": 8 });
}

/** In a process of its own, where the official SDK is told that this is a browser: then it too sends over fetch. */
async function overASocket() {
  const client = fork(import.meta.filename, ["send"], { execArgv: ["--conditions=browser"] });
  await once(client, "exit");
}

async function send() {
  const server = fork(import.meta.filename, ["serve"], { execArgv: [] });
  const [port] = await once(server, "message");
  const connection = `Endpoint=http://127.0.0.1:${port};AccessKey=${KEY};Version=1.0;`;
  const ours = new WebPubSubServiceClient(connection, "chat");
  const official = new OfficialClient(connection, "chat", { allowInsecureConnection: true });
  const sending = (client) => timeOf((index) => client.sendToAll({ index, text: "hello" }), 200);
  const bare = timeOf(async (index) => {
    const response = await fetch(`http://127.0.0.1:${port}/`, { method: "POST", body: JSON.stringify({ index, text: "hello" }) });
    await response.text();
  }, 200);
  const medians = await rounds(15, { "webpubsub-edge": sending(ours), "@azure/web-pubsub": sending(official), "fetch alone": bare });
  print("sendToAll over fetch and a local socket, one after the other (time)", "us", medians, { "@azure/web-pubsub": 1 });
  server.kill();
}

/** The service, in a process of its own: it takes everything and says 202. */
async function serve() {
  const server = createServer((request, response) => {
    request.resume().on("end", () => response.writeHead(202).end());
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  process.send(server.address().port);
  process.on("disconnect", () => process.exit(0));
}

async function firstToken() {
  const module = (from) => `const started = performance.now();
    const { WebPubSubServiceClient } = await import(${from});
    await new WebPubSubServiceClient(${JSON.stringify(CONNECTION)}, "chat").getClientAccessToken({ userId: "ann" });
    console.log(performance.now() - started);`;
  const first = (from) => () => inFreshNode(module(from));
  const medians = await rounds(11, { "webpubsub-edge": first(OURS), "@azure/web-pubsub": first(OFFICIAL) });
  print("From import to the first token in a fresh Node (time)", "ms", medians, { "@azure/web-pubsub": 5 });
}

function mintingWorker(from) {
  return `import { WebPubSubServiceClient } from ${from};
const client = new WebPubSubServiceClient(${JSON.stringify(CONNECTION)}, "chat");
export default {
  async fetch(request) {
    const { searchParams } = new URL(request.url);
    const first = Number(searchParams.get("first"));
    let length = 0;
    for (let index = first; index < first + Number(searchParams.get("count")); index++) {
      const room = "room-" + (index % 1000);
      const roles = ["webpubsub.sendToGroup." + room, "webpubsub.joinLeaveGroup." + room];
      length += (await client.getClientAccessToken({ userId: "user-" + index, roles, groups: [room] })).token.length;
    }
    return new Response(String(length));
  },
};`;
}

async function inWorkerd() {
  const COUNT = 10_000;
  const started = {
    "webpubsub-edge": await startWorkerd(mintingWorker(OURS_IN_WORKERS), []),
    "@azure/web-pubsub": await startWorkerd(mintingWorker(OFFICIAL), ["nodejs_compat"]),
  };
  const mint = (worker) => async (round) => {
    const before = worker.cpu();
    await worker.get(`/?first=${(round + 1) * COUNT}&count=${COUNT}`);
    return (worker.cpu() - before) / COUNT;
  };
  for (const worker of Object.values(started)) await worker.up();
  const medians = await rounds(11, Object.fromEntries(Object.entries(started).map(([name, worker]) => [name, mint(worker)])));
  print("A client token in workerd, inputs varied (CPU of the process)", "us", medians, { "@azure/web-pubsub": 8 });
  for (const worker of Object.values(started)) await worker.stop();
}

async function freshIsolate() {
  const empty = `export default { fetch: () => new Response("") };`;
  const first = (contents, flags) => async () => {
    const worker = await startWorkerd(contents, flags);
    await worker.up();
    await worker.get("/?first=0&count=1");
    const used = worker.cpu() / 1000;
    await worker.stop();
    return used;
  };
  const medians = await rounds(9, {
    "webpubsub-edge": first(mintingWorker(OURS_IN_WORKERS), []),
    "@azure/web-pubsub": first(mintingWorker(OFFICIAL), ["nodejs_compat"]),
    "nothing": first(empty, []),
  });
  const { nothing, ...both } = medians;
  for (const name of Object.keys(both)) both[name] = Math.max(both[name] - nothing, 0.1);
  print(`The first token of a fresh isolate, beyond an empty Worker's ${nothing.toFixed(0)} ms (CPU of workerd)`, "ms", both, { "@azure/web-pubsub": 5 });
}
