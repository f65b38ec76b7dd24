import type { Fetch, Headers } from "../globals.js";
import { AFTER_TRY, core, REQUEST } from "../wasm/core.js";
import type { Packable } from "../wasm/packed.js";
import { readText } from "./body.js";
import { safeCause } from "./cause.js";
import type { Challenge } from "./credentials.js";
import { AbortError, ask, rangeError, RestError, WebPubSubError } from "./errors.js";
import { customHeaders } from "./headers.js";
import type { Body } from "./message.js";
import { nameOf } from "./operations.js";
import type { OperationOptions } from "./options.js";
import { MAX_MS, type Retry } from "./retry.js";

/** One call: what is sent, and how. */
export interface Call {
  operation: number;
  /** As the core's `request` takes them, but for the time. */
  fields: Packable[];
  /** Makes the body, and stops when the signal says so. */
  body?: ((signal: AbortSignal) => Body | Promise<Body>) | undefined;
  /** As `readCall` returns them. */
  options: OperationOptions;
}

/** What every call of a client shares. */
export interface Host {
  retry: Retry;
  strict: boolean;
  fetch: Fetch;
  now: () => number;
  log: ((line: string) => void) | undefined;
  /** Where a URL of the service is really sent: there, or to a reverse proxy. */
  route: (url: string) => string;
  /** Gets the token of a credential, which is sent instead of a signature. */
  bearer: ((challenge?: Challenge) => Promise<string>) | undefined;
  /** Reads the claims of a challenge, where the credential can answer one. */
  claims: ((header: string | null) => string | undefined) | undefined;
}

/**
 * Sends a call and gives the body of the answer, or undefined where the answer is "no". It is tried again as the core
 * says; each try is signed anew under the same request id.
 */
export async function run(call: Call, host: Host): Promise<string | undefined> {
  const limits = new Limits(call.options, host.now());
  try {
    return await tryUntilSettled(call, host, limits);
  } finally {
    limits.end();
  }
}

async function tryUntilSettled(call: Call, host: Host, limits: Limits): Promise<string | undefined> {
  limits.check();
  const headers = customHeaders(call.options.requestOptions?.customHeaders);
  headers["x-ms-client-request-id"] = crypto.randomUUID();
  const body = call.body && (await limits.during(call.body));
  let challenge: Challenge | undefined;
  for (let retries = 0; ; ) {
    limits.check();
    const answer = await attempt(call, { ...headers }, body, host, limits, challenge);
    if (answer.status === 401 && challenge === undefined) {
      const claims = host.claims?.(answer.headers?.get("www-authenticate") ?? null);
      if (claims !== undefined) {
        challenge = { claims, refused: answer.token };
        continue;
      }
    }
    // Only a refusal says when to come back.
    const header = (name: string) => (answer.status < 400 ? "" : (answer.headers?.get(name) ?? ""));
    const wait = answer.isSuccess
      ? DONE
      : Number(
          core(AFTER_TRY, [
            call.operation,
            retries,
            host.retry.maxRetries,
            host.retry.retryDelayInMs,
            host.retry.maxRetryDelayInMs,
            host.retry.sends === "always",
            answer.status,
            Math.floor(host.now()),
            Math.floor(limits.deadline),
            Math.floor(Math.random() * 1000),
            header("retry-after-ms"),
            header("x-ms-retry-after-ms"),
            header("retry-after").replace(HTTP_DATE, (date) => `@${Date.parse(date) / 1000}`),
          ]),
        );
    retries++;
    host.log?.(`${nameOf(call.operation)}: try ${retries}: ${answer.what}${wait >= 0 ? `, again in ${Math.ceil(wait)} ms` : ""}`);
    switch (wait) {
      case DONE:
        return answer.body ?? "";
      case ABSENT:
        return undefined;
      case FAILED:
        throw answer.error();
      default:
        await limits.during((signal) => sleep(wait, signal));
    }
  }
}

/** The core takes a date as `@` and seconds since 1970: JavaScript reads them already. */
const HTTP_DATE = /^\s*\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT\s*$/;

/** The total timeout of a call unless it is set: 100 seconds. */
export const DEFAULT_TOTAL_MS = 100_000;

/** What is said instead of a time to wait: by us when it succeeded, by `after_try` when it failed or the answer is "no". */
const DONE = -1;
const FAILED = -2;
const ABSENT = -3;

/** What `after_try` takes for a try without an answer. */
const NOT_SENT = 1;
const TIMED_OUT = 2;
const UNKNOWN = 3;
const TOO_LARGE = 4;

/** How a try ended. */
interface Answer extends Outcome {
  /** The token that was sent. */
  token: string;
}

interface Outcome {
  status: number;
  isSuccess?: boolean;
  headers?: Headers;
  body?: string;
  /** For the log. */
  what: string;
  error(): Error;
}

/** Ends a call from outside: through the caller's signal, or when the time for a try or for the whole call is over. */
class Limits {
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

const TRY_TOO_LONG = "The service did not answer in time; the request may have arrived.";

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

async function attempt(
  call: Call,
  headers: Record<string, string>,
  body: Body | undefined,
  host: Host,
  limits: Limits,
  challenge: Challenge | undefined,
): Promise<Answer> {
  const [method = "", success, url = "", signed = ""] = ask(REQUEST, ...call.fields, Math.floor(host.now() / 1000)).split(" ");
  const { bearer, fetch } = host;
  const token = bearer === undefined ? signed : await limits.during(() => bearer(challenge));
  headers["accept"] = "application/json";
  headers["authorization"] = `Bearer ${token}`;
  // The token is bound to the URL, and a redirect would take the message elsewhere.
  const init: RequestInit = { method, headers, redirect: "manual" };
  if (body) {
    headers["content-type"] = body.contentType;
    init.body = body.bytes;
  }
  const target = host.route(url);
  let received;
  try {
    received = await limits.duringTry(async (signal) => {
      const response = await fetch(target, { ...init, signal });
      // Read to the end even when it is not needed: an unread answer holds its connection.
      return { status: response.status, headers: response.headers, bodyAsText: await readText(response, signal) };
    });
  } catch (error) {
    return { token, ...withoutAnswer(error, target, limits) };
  }
  const requestId = headers["x-ms-client-request-id"] ?? "";
  call.options.onResponse?.({ ...received, requestId });
  const { status, bodyAsText } = received;
  return {
    token,
    status,
    isSuccess: String(status) === success,
    headers: received.headers,
    body: bodyAsText,
    what: `status ${status}`,
    error: () => new RestError(status, received.headers.get("x-ms-error-code"), bodyAsText, requestId),
  };
}

/** Tells why no answer came. */
function withoutAnswer(error: unknown, target: string, limits: Limits): Outcome {
  if (limits.isTryOver) {
    return failed(TIMED_OUT, new WebPubSubError("ERR_TIMEOUT", TRY_TOO_LONG));
  }
  limits.check();
  if (error instanceof WebPubSubError && error.code === "ERR_ANSWER_TOO_LARGE") {
    return failed(TOO_LARGE, error);
  }
  const service = `The service at ${new URL(target).host}`;
  const cause = safeCause(error);
  return wasNotSent(error)
    ? failed(NOT_SENT, networkError(`${service} could not be reached: check the endpoint and that it is running.`, cause))
    : failed(UNKNOWN, networkError(`${service} gave no answer; the request may have arrived. See the cause.`, cause));
}

function networkError(message: string, cause: Error | undefined): WebPubSubError {
  return new WebPubSubError("ERR_NETWORK", message, cause && { cause });
}

function failed(status: number, error: WebPubSubError): Outcome {
  return { status, what: String(error.code), error: () => error };
}

/**
 * Whether the connection was never made. Node and Bun name the system error, Deno says so in a text in which no URL can
 * stand, for its blanks; where nothing is named, nobody knows.
 */
function wasNotSent(error: unknown): boolean {
  const { code, cause } = (error ?? {}) as { code?: unknown; cause?: { code?: unknown; message?: unknown } };
  const isNamed = ["ECONNREFUSED", "ENOTFOUND", "ConnectionRefused"].includes(String(cause?.code ?? code));
  return isNamed || String(cause?.message).includes(": client error (Connect): ");
}

/** Checks a number of milliseconds; 0 means no limit. */
function milliseconds(name: string, value: number): number {
  if (!(Number.isInteger(value) && value >= 0 && value <= MAX_MS)) {
    throw rangeError("ERR_TIMEOUT", `requestOptions.${name} must be a whole number of milliseconds, at most ${MAX_MS}.`);
  }
  return value;
}

function sleep(wait: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, wait);
    signal.addEventListener("abort", () => clearTimeout(timer), { once: true });
  });
}
