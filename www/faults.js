// The panel that breaks things in the local emulator, to see the client mend them. Every fault ends by itself.

import { byId, element, say } from "./dom.js";

const PATH = "/_emulator/faults";
const A_SECOND_MS = 1_000;
const CUT = { type: "cut" };
/** These meet everybody; the others only this connection. */
const FOR_ALL = ["answer", "restart"];

/** By group: what each is called, what happens and what to look at, and what the emulator is told, in order. */
const FAULTS = {
  "This connection": [
    {
      name: "Cut the socket",
      note: "The socket drops. The client recovers: the same connection, and nothing lost.",
      steps: [CUT],
    },
    {
      name: "Half-open socket",
      note: "Nothing arrives any more, and nobody is told. Within 20 s the client notices, and recovers.",
      endsWith: "connection",
      steps: [{ type: "halfOpen", count: 1, durationMs: 60_000 }],
    },
    {
      name: "Lost frame",
      note: "The next frame is lost with its socket. Send to a group: it arrives all the same, and once.",
      endsWith: "connection",
      steps: [{ type: "cutOnFrame", count: 1, durationMs: 60_000 }],
    },
    {
      name: "Late frames",
      note: "For 20 s every frame is 2 s late, both ways. Send to a group, and the page waits for it.",
      steps: [{ type: "delay", ms: 2_000, durationMs: 20_000 }],
    },
    {
      name: "Slow client",
      note: "For 10 s what is sent to this tab piles up in the service. Then it arrives, in order.",
      steps: [{ type: "slowClient", durationMs: 10_000 }],
    },
    {
      name: "Refused sockets",
      note: "The socket drops, and two attempts to come back get 503. The third one recovers.",
      endsWith: "connection",
      steps: [{ type: "refuseConnection", status: 503, count: 2, durationMs: 30_000 }, CUT],
    },
    {
      name: "Refused recovery",
      note: "The socket drops and cannot be had back (1008). A new connection: messages may be missing.",
      endsWith: "connection",
      steps: [{ type: "refuseRecovery", count: 1, durationMs: 30_000 }, CUT],
    },
  ],
  "Its acks": [
    {
      name: "Held acks",
      note: "For 8 s nothing is acknowledged. Send to a group: the page waits for the ack.",
      steps: [{ type: "pauseAcks", durationMs: 8_000 }],
    },
    {
      name: "Double acks",
      note: "For 20 s every ack comes twice. Send to a group, and look at the frames: one of the two counts.",
      steps: [{ type: "duplicateAcks", durationMs: 20_000 }],
    },
    {
      name: "Swapped acks",
      note: "For 20 s acks change places in pairs. Send to a group twice within 3 s, and look at the frames.",
      steps: [{ type: "reorderAcks", ms: 3_000, durationMs: 20_000 }],
    },
  ],
  "The service, for every tab": [
    {
      name: "Throttled REST",
      note: "The next request gets 429. Broadcast to everyone: the Worker waits a second and tries again.",
      endsWith: "broadcast",
      steps: [{ type: "answer", status: 429, retryAfterSeconds: 1, count: 1, durationMs: 60_000 }],
    },
    {
      name: "Failing REST",
      note: "The next request gets 500. Broadcast to everyone: the Worker says that it failed.",
      endsWith: "broadcast",
      steps: [{ type: "answer", status: 500, count: 1, durationMs: 60_000 }],
    },
    {
      name: "Restart",
      note: "Every socket of every tab drops. All of them recover, and nothing is lost.",
      steps: [{ type: "restart" }],
    },
    {
      name: "Forgetful restart",
      note: "Every socket drops, and nothing can be recovered: new connections, messages may be missing.",
      steps: [{ type: "restart", keepState: false }],
    },
  ],
};
const ALL = Object.values(FAULTS).flat();

export class FaultPanel {
  #call;
  #getConnectionId;
  #inForce = []; // What this tab has injected: the fault, and until when at most.
  #timer;

  /** `call(method, path, body)` asks the Worker; `getConnectionId()` throws when there is no connection to break. */
  constructor(call, getConnectionId) {
    this.#call = call;
    this.#getConnectionId = getConnectionId;
    const options = (faults) => faults.map(({ name }) => element("option", {}, name));
    const groups = Object.entries(FAULTS).map(([label, faults]) => element("optgroup", { label }, ...options(faults)));
    byId("fault").append(...groups);
    byId("fault").addEventListener("change", () => this.#describe());
    this.#describe();
  }

  async inject() {
    const fault = this.#chosen;
    const isForAll = (step) => FOR_ALL.includes(step.type);
    const connectionId = fault.steps.every(isForAll) ? undefined : this.#getConnectionId();
    // Before the answer, for what ends it may come sooner.
    this.#inForce = [...this.#inForce.filter((active) => active.fault !== fault), { fault, until: Date.now() + lasts(fault) }];
    this.#show();
    for (const step of fault.steps) await this.#call("POST", PATH, isForAll(step) ? step : { ...step, connectionId });
    return `Done. ${fault.note}`;
  }

  async mend() {
    await this.#call("DELETE", PATH);
    this.#inForce = [];
    this.#show();
    return "All is mended.";
  }

  /** Some faults have acted, and are over, when the `connection` is back or a `broadcast` is answered. */
  happened(what) {
    this.#inForce = this.#inForce.filter(({ fault }) => fault.endsWith !== what);
    this.#show();
  }

  get #chosen() {
    return ALL.find(({ name }) => name === byId("fault").value);
  }

  #describe() {
    say(byId("break-note"), this.#chosen.note);
  }

  #show() {
    const now = Date.now();
    this.#inForce = this.#inForce.filter(({ until }) => until > now);
    const text = ({ fault, until }) =>
      `${fault.name} · ${fault.endsWith ? "at most " : ""}${Math.ceil((until - now) / 1_000)} s`;
    byId("broken").replaceChildren(...this.#inForce.map((active) => element("li", {}, text(active))));
    clearTimeout(this.#timer);
    if (this.#inForce.length > 0) this.#timer = setTimeout(() => this.#show(), A_SECOND_MS);
  }
}

const lasts = ({ steps }) => Math.max(...steps.map(({ durationMs = 0 }) => durationMs));
