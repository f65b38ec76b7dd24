// The entry of the Worker, written by worker/pack. It hands the events of the runtime to the Rust exports, and replaces
// the wasm instance after a panic: the memory that a panic leaves behind cannot be trusted.

import { DurableObject, WorkerEntrypoint } from "cloudflare:workers";
import * as rust from "./rust.js";

/** Shared with the `worker` crate, whose panic hook sets `criticalError`; a new instance has a new `instanceId`. */
const state = rust.__worker_init_state();

// A trap inside a task that nobody awaits (a timer, a microtask) reaches no caller.
addEventListener("error", (event) => noteTrap(event.error));

const workerEvents = ["fetch", "scheduled", "queue", "email", "connect"];
const objectEvents = ["fetch", "alarm", "webSocketMessage", "webSocketClose", "webSocketError", "connect"];

export default class Entrypoint extends WorkerEntrypoint {
  static {
    // Only events that Rust handles may be methods: the runtime takes a method's presence as the handler's.
    for (const event of workerEvents.filter((name) => name in rust)) {
      this.prototype[event] = function (argument) {
        return enter(() => rust[event](argument, this.env, this.ctx));
      };
    }
  }
}

/** A Durable Object class around one of Rust's: a new instance of the module gets a new Rust object. */
function durableObject(RustClass) {
  return class extends DurableObject {
    #object;
    #instanceId;

    static {
      for (const event of objectEvents.filter((name) => name in RustClass.prototype)) {
        this.prototype[event] = function (...values) {
          return enter(() => this.#current()[event](...values));
        };
      }
    }

    constructor(context, env) {
      super(context, env);
      enter(() => this.#current());
    }

    #current() {
      if (this.#instanceId !== state.instanceId) {
        this.#object = new RustClass(this.ctx, this.env);
        this.#instanceId = state.instanceId;
      }
      return this.#object;
    }
  };
}

/** Calls into Rust; after a panic, into a new instance. */
function enter(call) {
  if (state.criticalError) {
    console.warn("Starting a new wasm instance after a panic");
    rust.__wbg_reset_state();
    state.criticalError = false;
  }
  try {
    const result = call();
    return result instanceof Promise ? result.catch(noteAndThrow) : result;
  } catch (error) {
    return noteAndThrow(error);
  }
}

function noteAndThrow(error) {
  noteTrap(error);
  throw error;
}

function noteTrap(error) {
  if (error instanceof WebAssembly.RuntimeError) {
    state.criticalError = true;
  }
}

