import { AbortError, rangeError, WebPubSubError } from "./errors.js";
import type { OperationOptions } from "./options.js";
import { MAX_MS } from "./retry.js";

/** The total timeout of a call unless it is set: 100 seconds. */
const DEFAULT_TOTAL_MS = 100_000;

/** Ends a call from outside: through the caller's signal, or when the time for a try or for the whole call is over. */
export class Limits {
  /** When the whole call must be over, in milliseconds since 1970; infinite without a limit. */
  readonly deadline: number;
  /** True when the time for a try is over. The call then ends with that try. */
  isTryOver = false;
  readonly #controller = new AbortController();
  readonly #callersSignal: OperationOptions["abortSignal"];
  readonly #tryMs: number;
  readonly #totalTimer: ReturnType<typeof setTimeout> | undefined;

  constructor({ abortSignal, requestOptions }: OperationOptions, now: number) {
    this.#tryMs = milliseconds("timeout", requestOptions?.timeout ?? 0);
    const totalMs = milliseconds("totalTimeout", requestOptions?.totalTimeout ?? DEFAULT_TOTAL_MS);
    this.#callersSignal = abortSignal;
    if (abortSignal?.aborted) {
      this.#abort();
    }
    abortSignal?.addEventListener("abort", this.#abort, { once: true });
    this.deadline = totalMs === 0 ? Infinity : now + totalMs;
    this.#totalTimer = totalMs === 0 ? undefined : setTimeout(() => this.#controller.abort(tooLong(totalMs)), totalMs);
  }

  /** Throws when the call must end. */
  check(): void {
    this.#controller.signal.throwIfAborted();
  }

  /** Does something, and rejects as soon as the call must end, whether or not the work heeds the signal. */
  async during<T>(work: (signal: AbortSignal) => T | Promise<T>): Promise<T> {
    this.check();
    const { signal } = this.#controller;
    try {
      return await raced(work(signal), signal);
    } catch (error) {
      this.check();
      throw error;
    }
  }

  /** Does the same for one try, whose own time limit can also end the call. */
  async duringTry<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const endTry = () => {
      this.isTryOver = true;
      this.#controller.abort(new WebPubSubError("ERR_TIMEOUT", TRY_TOO_LONG));
    };
    const timer = this.#tryMs === 0 ? undefined : setTimeout(endTry, this.#tryMs);
    try {
      return await this.during(work);
    } finally {
      clearTimeout(timer);
    }
  }

  /** Lets go of timers and listeners when the call is over: a timer would keep the host from ending. */
  end(): void {
    clearTimeout(this.#totalTimer);
    this.#callersSignal?.removeEventListener("abort", this.#abort);
  }

  readonly #abort = (): void => this.#controller.abort(new AbortError(this.#callersSignal?.reason));
}

/** The message when one try took too long. */
export const TRY_TOO_LONG = "The service did not answer in time; the request may have arrived.";

function tooLong(totalMs: number): WebPubSubError {
  const what = `The call took longer than requestOptions.totalTimeout (${totalMs} ms); a request may have arrived.`;
  return new WebPubSubError("ERR_TIMEOUT", what);
}

/** A promise that also rejects as soon as the signal aborts. */
function raced<T>(work: T | Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const giveUp = () => reject(signal.reason);
    signal.addEventListener("abort", giveUp, { once: true });
    if (signal.aborted) {
      giveUp();
    }
    Promise.resolve(work).then(resolve, reject).finally(() => signal.removeEventListener("abort", giveUp));
  });
}

/** Checks a number of milliseconds; 0 means no limit. */
function milliseconds(name: string, value: number): number {
  if (!(Number.isInteger(value) && value >= 0 && value <= MAX_MS)) {
    throw rangeError("ERR_TIMEOUT", `requestOptions.${name} must be a whole number of milliseconds, at most ${MAX_MS}.`);
  }
  return value;
}
