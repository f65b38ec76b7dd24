// `cargo xtask bench emulator`: how fast and how large the emulator is, beside a broadcast server of bare `ws`.

import { fork } from "node:child_process";
import { once } from "node:events";
import { createRequire } from "node:module";
import path from "node:path";
import { median, print } from "./rounds.mjs";
import { root } from "./weigh.mjs";

const require = createRequire(import.meta.url);

/** What one publishes, and what the others get of it in the JSON protocol: `ws` is given the latter to broadcast. */
const DATA = "x".repeat(100);
const PUBLISHED = JSON.stringify({ type: "sendToGroup", group: "g", dataType: "text", data: DATA });
const DELIVERED = JSON.stringify({ type: "message", from: "group", group: "g", fromUserId: null, dataType: "text", data: DATA });

const CONTENDERS = {
  "json clients": { server: "ours", subprotocol: "json.webpubsub.azure.v1", text: PUBLISHED },
  "json.reliable clients": { server: "ours", subprotocol: "json.reliable.webpubsub.azure.v1", text: PUBLISHED },
  "bare ws": { server: "ws", text: DELIVERED },
};

/** How much of the rate of bare `ws` we want at least; said where it is not reached. */
const GOALS = { "json clients": 0.85, "json.reliable clients": 0.7 };

const ROUNDS = 7;
/** So many frames a round, whatever the number of connections. */
const FRAMES = 40_000;
/** So many messages are published at once, where a round has so many. */
const BURST = 64;

console.log(`webpubsub-edge (this build), ws ${require("ws/package.json").version}, Node ${process.versions.node}`);
for (const count of [1, 100, 5000]) {
  await fanOut(count);
}
await idle(10_000);
await startUp();
process.exit(0);

/** Interleaved rounds of the contenders, each with its server and its clients, which stay open. */
async function fanOut(count) {
  const setups = {};
  for (const [name, contender] of Object.entries(CONTENDERS)) {
    setups[name] = await setUp(contender, count);
  }
  const messages = Math.max(5, Math.round(FRAMES / count));
  const burst = Math.min(BURST, messages);
  const lone = Math.min(500, Math.max(5, Math.round(20_000 / count)));
  const taken = Object.fromEntries(Object.keys(setups).map((name) => [name, { cpu: [], time: [], alone: [], p50: [], p99: [] }]));
  for (let round = -1; round < ROUNDS; round++) {
    for (const [name, { server, clients }] of Object.entries(setups)) {
      const { text } = CONTENDERS[name];
      const before = await server.used();
      const milliseconds = await clients.ask("flood", { text, messages, burst });
      const after = await server.used();
      const waited = await clients.ask("latencies", { text, messages: lone });
      const end = await server.used();
      if (round < 0) continue;
      const frames = messages * count;
      taken[name].cpu.push((after.cpu - before.cpu) / frames);
      taken[name].alone.push((end.cpu - after.cpu) / (lone * count));
      taken[name].time.push((milliseconds * 1000) / frames);
      taken[name].p50.push(waited[Math.floor(waited.length * 0.5)]);
      taken[name].p99.push(waited[Math.floor(waited.length * 0.99)]);
    }
  }
  const of = (name, what) => median(taken[name][what]);
  const [json, reliable, ws] = Object.keys(CONTENDERS);
  console.log(`\n${count} connection${count === 1 ? "" : "s"}: how many times as long bare ws takes`);
  console.log(`  ${"json".padStart(7)}${"reliable".padStart(10)}  ${"".padEnd(44)}${"json".padStart(9)}${"reliable".padStart(10)}${"bare ws".padStart(10)}`);
  for (const [what, label, hasGoal] of [
    ["cpu", `bursts of ${burst}: CPU of the server a frame, us`, true],
    ["time", `bursts of ${burst}: time a frame, us`, true],
    ["alone", "one at a time: CPU of the server a frame, us", true],
    ["p50", "one at a time: latency p50, ms", false],
    ["p99", "one at a time: latency p99, ms", false],
  ]) {
    const ratio = (name) => of(ws, what) / of(name, what);
    const missed = hasGoal ? Object.keys(GOALS).filter((name) => ratio(name) < GOALS[name]) : [];
    const verdict = missed.map((name) => `goal ${GOALS[name]}x not reached for ${name}`).join(", ");
    const numbers = [of(json, what).toFixed(2).padStart(9), of(reliable, what).toFixed(2).padStart(10), of(ws, what).toFixed(2).padStart(10)];
    console.log(`  ${ratio(json).toFixed(2).padStart(6)}x${ratio(reliable).toFixed(2).padStart(9)}x  ${label.padEnd(44)}${numbers.join("")}  ${verdict}`.trimEnd());
  }
  const rates = [json, reliable, ws].map((name) => String(Math.round(1e6 / of(name, "time"))));
  console.log(`  ${"".padEnd(18)}${`bursts of ${burst}: frames a second`.padEnd(44)}${rates[0].padStart(9)}${rates[1].padStart(10)}${rates[2].padStart(10)}`);
  for (const { server, clients } of Object.values(setups)) {
    await clients.ask("close");
    clients.stop();
    server.stop();
  }
}

/** What connections cost that do nothing. Half of them in each of two processes, as each takes a file. */
async function idle(count) {
  console.log(`\nMemory with ${count} idle connections`);
  for (const [name, contender] of Object.entries(CONTENDERS)) {
    const { server, clients, empty } = await setUp(contender, count / 2);
    const more = await startClients(server.ready, contender, count / 2);
    const { rss } = await server.used();
    const each = (rss - empty) / count / 1024;
    const verdict = rss < 2 ** 30 ? "under 1 GiB" : "over 1 GiB";
    console.log(`  ${(rss / 2 ** 20).toFixed(0).padStart(5)} MiB (${verdict}), ${each.toFixed(1)} KiB each  ${name}`);
    more.stop();
    clients.stop();
    server.stop();
  }
}

async function startUp() {
  const first = { ours: [], ws: [] };
  for (let round = 0; round < ROUNDS; round++) {
    for (const which of Object.keys(first)) {
      const server = await startServer(which);
      first[which].push(server.ready.startMs);
      server.stop();
    }
  }
  print("Start of the first server in a process that has imported it", "ms", { "webpubsub-edge": median(first.ours), "bare ws": median(first.ws) });
  const { startEmulator } = await import("../pkg/dist/emulator/index.js");
  const further = [];
  for (let round = -1; round < ROUNDS; round++) {
    const started = performance.now();
    const emulator = await startEmulator();
    if (round >= 0) further.push(performance.now() - started);
    await emulator.stop();
  }
  const time = median(further);
  console.log(`  ${time.toFixed(2)} ms for each further one: goal 50 ms: ${time < 50 ? "reached" : "not reached"}`);
}

async function setUp(contender, count) {
  const server = await startServer(contender.server);
  const { rss: empty } = await server.used();
  return { server, empty, clients: await startClients(server.ready, contender, count) };
}

async function startServer(which) {
  const { ask, ready, stop } = await start("server.mjs", [which]);
  return { ready, used: () => ask({}), stop };
}

async function startClients({ receiver, publisher }, { subprotocol }, count) {
  const { ask: send, stop } = await start("clients.mjs", []);
  const ask = async (command, given = {}) => (await send({ command, ...given })).result;
  await ask("open", { receiver, publisher, count, subprotocol });
  return { ask, stop };
}

/** Starts a file of bench/emulator; `ready` is the first that a server says. */
async function start(file, args) {
  const child = fork(path.join(root, "bench/emulator", file), args);
  const died = once(child, "exit").then(([code]) => {
    throw new Error(`${file} ended with ${code}`);
  });
  died.catch(() => {});
  const heard = async () => (await Promise.race([once(child, "message"), died]))[0];
  const ready = file === "server.mjs" ? await heard() : undefined;
  const ask = (message) => {
    const answer = heard();
    child.send(message);
    return answer;
  };
  return { ask, ready, stop: () => child.disconnect() };
}
