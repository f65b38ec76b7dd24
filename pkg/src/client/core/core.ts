// The session in WebAssembly: numbers go in and numbers come out. The other side is pkg/wasm-client.

import type { WebAssemblyMemory, WebAssemblyModule } from "../../globals.js";
import { WebPubSubClientError } from "../errors.js";
import type { Id } from "../messages.js";

/** Returns the compiled module, or a promise of it. */
export type ModuleSource = () => WebAssemblyModule | Promise<WebAssemblyModule>;

/** The exports of pkg/wasm-client, whose exports.rs describes them. */
interface Exports {
  readonly memory: WebAssemblyMemory;
  options(): number;
  create(): number;
  destroy(session: number): void;
  handle(session: number, nowMs: number, tag: number, a: number, low: number, high: number, b: number): number;
  actions(session: number): number;
  wake_at(session: number): number;
}

/** The options of a session. Durations are in milliseconds, and all numbers are whole and below 2^32. */
export interface SessionOptions {
  /** 0: simple, 1: with acks, 2: reliable. */
  readonly protocol: number;
  readonly autoReconnect: boolean;
  readonly autoRejoinGroups: boolean;
  readonly messageRetry: SessionRetry;
  readonly connectRetry: SessionRetry;
  readonly reconnectRetry: SessionRetry;
  readonly keepAliveIntervalMs: number;
  readonly keepAliveTimeoutMs: number;
  readonly openTimeoutMs: number;
  readonly ackTimeoutMs: number;
  readonly invokeTimeoutMs: number;
}

/** When something that failed is tried again. */
export interface SessionRetry {
  readonly maxRetries: number;
  readonly retryDelayMs: number;
  readonly maxRetryDelayMs: number;
  /** 0: a fixed delay, 1: an exponential one. */
  readonly retryMode: number;
}

/** The order in which pkg/wasm-client/src/options.rs reads the options. A test compares the two. */
const orderOptions = ({ messageRetry, connectRetry, reconnectRetry, ...options }: SessionOptions): number[] => [
  options.protocol,
  +options.autoReconnect,
  +options.autoRejoinGroups,
  messageRetry.maxRetries,
  messageRetry.retryDelayMs,
  messageRetry.maxRetryDelayMs,
  messageRetry.retryMode,
  connectRetry.maxRetries,
  connectRetry.retryDelayMs,
  connectRetry.maxRetryDelayMs,
  connectRetry.retryMode,
  reconnectRetry.maxRetries,
  reconnectRetry.retryDelayMs,
  reconnectRetry.maxRetryDelayMs,
  reconnectRetry.retryMode,
  options.keepAliveIntervalMs,
  options.keepAliveTimeoutMs,
  options.openTimeoutMs,
  options.ackTimeoutMs,
  options.invokeTimeoutMs,
];

/** New sessions do not use an instance whose memory has grown beyond this size. Memory never shrinks. */
const MAX_MEMORY_BYTES = 16 * 2 ** 20;

/**
 * An instance of the module, which serves many sessions.
 *
 * An instance in which a call threw is broken: a trap leaves its data half written, and a stack overflow leaves its stack
 * pointer where it was. All its sessions end with the error `ERR_WASM`. New sessions use a new instance.
 */
export class Instance {
  readonly exports: Exports;
  /** True from the start of each call until it has succeeded. A call that throws leaves it true. */
  isBroken = false;
  /** What the call threw. */
  cause: unknown;
  /** The sessions that are told when the instance breaks. Other sessions notice it at their next input. */
  readonly running = new Set<CoreSession>();

  constructor(exports: Exports) {
    this.exports = exports;
  }

  /** Calls an export. Returns `undefined` if it throws, and ends the running sessions. */
  call<Result>(work: (exports: Exports) => Result): Result | undefined {
    this.isBroken = true;
    try {
      const result = work(this.exports);
      this.isBroken = false;
      return result;
    } catch (error) {
      this.cause = error;
      for (const session of this.running) session.end();
      return undefined;
    }
  }
}

let current: Instance | Promise<Instance> | undefined;

/**
 * Returns the instance for new sessions. The first call creates it; a failure is not kept.
 *
 * @throws (or rejects with) {@link WebPubSubClientError} `ERR_WASM`.
 */
export function loadInstance(source: ModuleSource): Instance | Promise<Instance> {
  if (current instanceof Instance) {
    const { isBroken, exports } = current;
    if (isBroken || exports.memory.buffer.byteLength > MAX_MEMORY_BYTES) current = undefined;
  }
  if (current === undefined) {
    try {
      const module = source();
      current = module instanceof Promise ? instantiateLater(module) : instanceOf(new WebAssembly.Instance(module));
    } catch (error) {
      throw refused(error);
    }
  }
  return current;
}

async function instantiateLater(module: Promise<WebAssembly.Module>): Promise<Instance> {
  try {
    return (current = instanceOf(await WebAssembly.instantiate(await module)));
  } catch (error) {
    current = undefined;
    throw refused(error);
  }
}

function instanceOf({ exports }: WebAssembly.Instance): Instance {
  return new Instance(exports as unknown as Exports);
}

function refused(cause: unknown): WebPubSubClientError {
  return new WebPubSubClientError("ERR_WASM", "WebAssembly is refused here. A Content-Security-Policy needs 'wasm-unsafe-eval'.", cause);
}

/** One session of an instance. */
export class CoreSession {
  /** The memory in which the actions are: four words each. */
  words: Uint32Array;
  /** The index of the first action's first word in {@link words}. */
  actionsAt = 0;
  /** Set by the host if it could not carry out the actions: then the session's state is wrong. */
  isBroken = false;
  /** Why the session ended, if it has failed. */
  failure: WebPubSubClientError | undefined;

  readonly #instance: Instance;
  readonly #number: number;
  readonly #onFailure: () => void;

  /**
   * `onFailure` is called once, in a microtask, if the session fails.
   *
   * @throws {@link WebPubSubClientError} `ERR_WASM`.
   */
  constructor(instance: Instance, options: SessionOptions, onFailure: () => void) {
    this.#instance = instance;
    this.#onFailure = onFailure;
    const words = [...orderOptions(options), Math.random() * WORD, Math.random() * WORD];
    const number = instance.call((exports) => {
      new Uint32Array(exports.memory.buffer).set(words, exports.options() >>> 2);
      return exports.create();
    });
    if (number === undefined) throw failed(instance.cause);
    this.#number = number;
    this.words = new Uint32Array(instance.exports.memory.buffer);
    sessions?.register(this, { instance, number });
  }

  /** Whether the session takes no more inputs. */
  get hasFailed(): boolean {
    return this.isBroken || this.#instance.isBroken;
  }

  /** Says whether the session is told when its instance breaks. It is told at its next input in any case. */
  set isRunning(isRunning: boolean) {
    if (isRunning) this.#instance.running.add(this);
    else this.#instance.running.delete(this);
  }

  /**
   * Gives the session an input: a tag of input.ts and its fields. The lowest bit of the result is the session's answer, the
   * next bit says whether {@link wakeAt} has changed, and the other bits are the number of actions. After a failure the
   * result is 0.
   */
  handle(tag: number, a: number, id: Id, b: number): number {
    if (this.hasFailed) {
      this.end();
      return 0;
    }
    const now = Date.now();
    // As `Instance.call`, without a closure for each message.
    const instance = this.#instance;
    const { exports } = instance;
    let result = 0;
    instance.isBroken = true;
    try {
      result = exports.handle(this.#number, now, tag, a, low(id), high(id), b);
      if (result > 3) this.actionsAt = exports.actions(this.#number) >>> 2;
      instance.isBroken = false;
    } catch (error) {
      // First, because the call stack may be too full for what follows.
      instance.cause = error;
      this.end();
      for (const session of instance.running) session.end();
      return 0;
    }
    if (result < 0) throw new TypeError(`The session does not take the input ${tag} with ${a}, ${id} and ${b}.`);
    // When the memory grows, its buffer is replaced.
    if (this.words.length === 0) this.words = new Uint32Array(exports.memory.buffer);
    return result;
  }

  /** Returns the time of the next tick in milliseconds since 1970, or `Infinity`. */
  wakeAt(): number {
    return this.hasFailed ? Infinity : (this.#instance.call((exports) => exports.wake_at(this.#number)) ?? Infinity);
  }

  /** Ends the session because it has failed. `cause` is what was thrown, if that was not in a call of the instance. */
  end(cause = this.#instance.cause): void {
    if (this.failure !== undefined) return;
    this.isBroken = true;
    const failure = failed(cause);
    // In a microtask, because the call stack may have no room left, and the caller must see the result of the input first.
    queueMicrotask(this.#onFailure);
    // Last, because the call above may overflow the stack too: then the next input ends the session.
    this.failure = failure;
  }
}

function failed(cause?: unknown): WebPubSubClientError {
  return new WebPubSubClientError("ERR_WASM", "The client's WebAssembly instance failed. Start the client again.", cause);
}

/** Removes the sessions of clients that were garbage-collected. */
const sessions =
  typeof FinalizationRegistry === "undefined"
    ? undefined
    : new FinalizationRegistry<{ instance: Instance; number: number }>(({ instance, number }) => {
        if (!instance.isBroken) instance.call((exports) => exports.destroy(number));
      });

const WORD = 2 ** 32;

/** What the core takes for "the next one": all bits set. */
export const NEXT_ACK_ID = -1;

/** The lower half of an id. */
export const low = (id: Id): number => (typeof id === "bigint" ? Number(id & 0xffff_ffffn) : id >>> 0);

/** The upper half of an id. */
export const high = (id: Id): number => (typeof id === "bigint" ? Number(id >> 32n) : Math.floor(id / WORD) >>> 0);

/** An id of two halves, in the type that holds it exactly. */
export function idOf(low: number, high: number): Id {
  return high < 0x20_0000 ? high * WORD + low : (BigInt(high) << 32n) | BigInt(low);
}
