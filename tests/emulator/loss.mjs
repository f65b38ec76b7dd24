// Reliable clients publish to a group in which all of them are, while sockets are cut, frames swallowed and the service
// restarted. Each client must get each message exactly once, and those of one publisher in order.

import { setTimeout as sleep } from "node:timers/promises";
import WebSocket from "ws";
import { random } from "../peers/differential/random.mjs";
import { recoveryUrl, RELIABLE } from "./client.mjs";

/** So many messages a publisher leaves without an ack. */
const WINDOW = 8;
/** So far the publishers may be ahead of what the slowest client is known to have acknowledged: a service gives up on one
 * that is 1000 behind. */
const LEAD = 500;
/** A client pings so often. */
const PING_MS = 125;

/**
 * Runs `clients` clients that publish `each` messages each, and take a socket for dead when a ping stays unanswered for
 * `patienceMs`. `url` gives the URL of a client's new connection, `inject` injects a fault. Gives what happened; throws when a message was lost, doubled or out of order.
 */
export async function withoutLoss({ clients: count, each, patienceMs, seed, url, inject, onProgress = () => {} }) {
  const { below, pick } = random(seed);
  const total = count * each;
  const happened = { delivered: 0, recoveries: 0, dead: 0, repeated: 0, faults: 0 };
  const clients = Array.from({ length: count }, (_, name) => new ReliableClient(name, patienceMs, happened));
  const isDone = () => clients.every((client) => client.received === total);
  let failure;
  const watch = (promise) => promise.catch((error) => (failure ??= error));
  await Promise.all(clients.map(async (client) => client.connect(await url(`user-${client.name}`))));

  const ahead = () => clients.reduce((sum, { published }) => sum + published, 0) - Math.min(...clients.map(({ confirmed }) => confirmed));
  for (const client of clients) void watch(client.publish(each, () => ahead() < LEAD));
  void watch(breakThings());
  while (!isDone() && failure === undefined) {
    failure = clients.find((client) => client.failure)?.failure;
    onProgress(happened);
    await sleep(20);
  }
  for (const client of clients) client.end();
  if (failure) {
    throw failure;
  }
  return happened;

  /** Something breaks every few milliseconds, more than one thing at a time. */
  async function breakThings() {
    while (!isDone() && failure === undefined) {
      await sleep(1 + below(15));
      happened.faults++;
      const userId = `user-${below(count)}`;
      const some = { userId, durationMs: 100 + below(400), seed: below(1000) };
      await pick([
        () => inject({ type: "cut", userId }),
        () => inject({ type: "cut", share: 0.3, seed: below(1000) }),
        () => inject({ type: "cutOnFrame", ...some, count: 1 + below(3) }),
        () => inject({ type: "cutOnFrame", share: 0.01, seed: below(1000), count: 3, durationMs: 200 }),
        () => inject({ type: "halfOpen", ...some, direction: pick(["both", "fromClient", "toClient"]) }),
        () => inject({ type: "delayAcks", ...some, ms: below(100) }),
        () => inject({ type: "duplicateAcks", ...some }),
        () => inject({ type: "reorderAcks", ...some, ms: 20 }),
        () => below(8) === 0 && inject({ type: "restart" }),
        () => clients[below(count)].socket.terminate(),
      ])();
    }
  }
}

/** Speaks the reliable protocol as its specification says, and checks what it gets. */
class ReliableClient {
  received = 0;
  published = 0;
  /** So many messages the service knows this client to have. */
  confirmed = 0;
  failure;
  socket;
  #connection;
  #url;
  #patienceMs;
  #happened;
  #lastSequenceId = 0;
  #acknowledged = 0;
  /** The last number that came from each publisher. */
  #last = new Map();
  /** What is published and not acknowledged, by ack id, in order. */
  #pending = new Map();
  #room = () => {};
  #timer;
  /** The ping that is not answered yet: when it was sent, and what was acknowledged before. */
  #ping;
  #isOver = false;

  constructor(name, patienceMs, happened) {
    this.name = name;
    this.#patienceMs = patienceMs;
    this.#happened = happened;
  }

  async connect(url) {
    this.#url = url;
    await new Promise((resolve) => this.#open(url, resolve));
    this.#timer = setInterval(() => this.#tick(), PING_MS);
  }

  /** Publishes so many messages, as fast as their acks come and the others can follow. */
  async publish(count, mayGoOn) {
    for (let n = 1; n <= count && !this.#isOver; n++) {
      while (this.#pending.size >= WINDOW && !this.#isOver) await new Promise((resolve) => (this.#room = resolve));
      while (!mayGoOn() && !this.#isOver) await sleep(5);
      this.published = n;
      const frame = { type: "sendToGroup", group: "all", dataType: "json", data: [this.name, n], ackId: n };
      this.#pending.set(n, JSON.stringify(frame));
      this.#say(this.#pending.get(n));
    }
  }

  end() {
    this.#isOver = true;
    clearInterval(this.#timer);
    this.#room();
    this.socket.terminate();
  }

  #open(url, onConnected) {
    const socket = new WebSocket(url, RELIABLE);
    this.socket = socket;
    socket.on("error", () => {});
    socket.on("open", () => {
      this.#ping = undefined;
      // The service drops those that it has, by their ack ids.
      if (this.#connection) for (const frame of this.#pending.values()) this.#say(frame);
    });
    socket.on("message", (text) => {
      if (socket !== this.socket) return;
      this.#take(JSON.parse(text), onConnected);
    });
    socket.on("close", (code, reason) => {
      if (this.#isOver || socket !== this.socket) return;
      if (code === 1008 || code === 1000) {
        this.failure = new Error(`client ${this.name} was closed with ${code}: ${reason}`);
        return;
      }
      this.#happened.recoveries++;
      if (this.#connection) this.#open(recoveryUrl(this.#url, this.#connection), onConnected);
      else this.#open(this.#url, onConnected);
    });
  }

  #take(frame, onConnected) {
    if (frame.type === "system" && frame.event === "connected") {
      this.#connection = frame;
      onConnected();
    } else if (frame.type === "ack") {
      this.#takeAck(frame);
    } else if (frame.type === "message") {
      this.#takeMessage(frame);
    } else if (frame.type === "pong") {
      this.confirmed = Math.max(this.confirmed, this.#ping?.acknowledged ?? 0);
      this.#ping = undefined;
    }
  }

  #takeAck({ ackId, success, error }) {
    if (!success && error.name !== "Duplicate") {
      this.failure = new Error(`client ${this.name} was told ${error.name}: ${error.message}`);
    } else if (this.#pending.delete(ackId)) {
      this.#room();
    }
  }

  #takeMessage({ sequenceId, data: [from, n] }) {
    if (sequenceId <= this.#lastSequenceId) {
      this.#happened.repeated++;
      return;
    }
    const last = this.#last.get(from) ?? 0;
    if (sequenceId !== this.#lastSequenceId + 1 || n !== last + 1) {
      const got = `message ${n} of ${from} with the sequence id ${sequenceId}`;
      this.failure = new Error(`client ${this.name} got ${got} after ${last} and ${this.#lastSequenceId}`);
    }
    this.#lastSequenceId = sequenceId;
    this.#last.set(from, n);
    this.received++;
    this.#happened.delivered++;
    if (sequenceId - this.#acknowledged >= 50) this.#acknowledge();
  }

  /** Acknowledges what came, and asks whether that arrived. */
  #acknowledge() {
    this.#acknowledged = this.#lastSequenceId;
    this.#say(JSON.stringify({ type: "sequenceAck", sequenceId: this.#lastSequenceId }));
    if (this.#ping === undefined) {
      this.#ping = { at: Date.now(), acknowledged: this.#acknowledged };
      this.#say('{"type":"ping"}');
    }
  }

  #tick() {
    if (this.socket.readyState === WebSocket.OPEN && this.#ping && Date.now() - this.#ping.at > this.#patienceMs) {
      this.#happened.dead++;
      this.socket.terminate();
    } else {
      this.#acknowledge();
    }
  }

  #say(text) {
    if (this.socket.readyState === WebSocket.OPEN) this.socket.send(text);
  }
}
