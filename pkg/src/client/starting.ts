import * as Outcome from "./core/outcome.js";
import { failed } from "./errors.js";
import type { AbortSignalLike, OnConnectedArgs } from "./options.js";

/** A call of `start` or `connect` that is not settled yet. */
export class Starting {
  readonly promise: Promise<OnConnectedArgs | undefined>;
  readonly #untilReady: boolean;
  readonly #leave: () => void;
  #resolve!: (args: OnConnectedArgs | undefined) => void;
  #reject!: (error: unknown) => void;
  #isOver = false;

  /**
   * @param untilReady True for `connect`, which waits until the connection is ready; false for `start`, which waits until the
   * socket is open.
   * @param signal Aborts the call.
   * @param onAbort Called after the signal has aborted the call.
   */
  constructor(untilReady: boolean, signal: AbortSignalLike | undefined, onAbort: () => void) {
    this.#untilReady = untilReady;
    this.promise = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    const abort = () => {
      this.reject(failed(Outcome.Aborted, signal!.reason));
      onAbort();
    };
    this.#leave = () => signal?.removeEventListener("abort", abort);
    signal?.addEventListener("abort", abort);
  }

  /** True once the promise is settled. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** Tells that the socket is open. */
  opened(): void {
    if (!this.#untilReady) this.#settle(this.#resolve, undefined);
  }

  /** Tells that the connection is ready. */
  ready(args: OnConnectedArgs): void {
    this.#settle(this.#resolve, this.#untilReady ? args : undefined);
  }

  reject(error: unknown): void {
    this.#settle(this.#reject, error);
  }

  /**
   * Rejects because the client was stopped. That is no failure, so hosts do not report the rejection if nobody handles it:
   * React's StrictMode stops a client at once that a component has just started.
   */
  stop(): void {
    if (this.#isOver) return;
    this.promise.catch(() => {});
    this.reject(failed(Outcome.Stopped));
  }

  #settle<Value>(settle: (value: Value) => void, value: Value): void {
    this.#isOver = true;
    this.#leave();
    settle(value);
  }
}
