import type { Fetch } from "../globals.js";
import { AFTER_TRY, REQUEST, type RequestFields, STATUS_MESSAGE } from "../wasm/calls.js";
import { ask } from "./ask.js";
import { AbortError, rangeError, RestError, typeError, WebPubSubError } from "./errors.js";
import type { Body } from "./message.js";
import * as Operation from "./operations.js";
import type { OperationOptions, RetryOptions } from "./options.js";

/** One call: what is sent, and how. */
export interface Call {
  operation: number;
  /** The fields of the request, without the time. */
  fields: Omit<RequestFields, "now">;
  /** Makes the body, and stops when the signal says so. */
  body?: ((signal: AbortSignal | undefined) => Body | Promise<Body>) | undefined;
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
  /** The token of a credential, instead of a signature; `claims` are those of a challenge. */
  bearer: ((claims?: string) => Promise<string>) | undefined;
  /** The claims of a 401's challenge, where the credential can answer one. */
  challenge: ((header: string | null) => string | undefined) | undefined;
}

/** The retry options, complete. */
export type Retry = Required<{ [name in keyof RetryOptions]: NonNullable<RetryOptions[name]> }>;

/**
 * Sends a call and gives the body of the answer, or undefined where the answer is "no". It is tried again as the core
 * says; each try is signed anew under the same request id.
 */
export async function run(call: Call, host: Host): Promise<string | undefined> {
  const limits = new Limits(call.options, host.now());
  limits.check();
  const body = call.body && (await limits.during(call.body));
  const requestId = crypto.randomUUID();
  let claims: string | undefined;
  for (let retries = 0; ; ) {
    limits.check();
    const answer = await attempt(call, body, host, requestId, limits, claims);
    if (answer.status === 401 && claims === undefined) {
      claims = host.challenge?.(answer.headers?.get("www-authenticate") ?? null);
      if (claims !== undefined) {
        continue;
      }
    }
    // Only a refusal says when to come back.
    const header = (name: string) => (answer.status < 400 ? "" : (answer.headers?.get(name) ?? ""));
    const wait = answer.isSuccess
      ? DONE
      : Number(
          ask(AFTER_TRY, {
            operation: call.operation,
            retries,
            maxRetries: host.retry.maxRetries,
            retryDelayMs: host.retry.retryDelayInMs,
            maxRetryDelayMs: host.retry.maxRetryDelayInMs,
            always: host.retry.sends === "always",
            status: answer.status,
            nowMs: Math.floor(host.now()),
            deadlineMs: Math.floor(limits.deadline),
            random: Math.floor(Math.random() * 1000),
            retryAfterMs: header("retry-after-ms"),
            xMsRetryAfterMs: header("x-ms-retry-after-ms"),
            retryAfter: header("retry-after").replace(HTTP_DATE, (date) => `@${Date.parse(date) / 1000}`),
          }),
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

/** The longest that a timer waits, in every host. */
const MAX_MS = 0x7fff_ffff;

/** What is said instead of a time to wait: by us when it succeeded, by `after_try` when it failed or the answer is "no". */
const DONE = -1;
const FAILED = -2;
const ABSENT = -3;

/** What `after_try` takes for a try without an answer. */
const NOT_SENT = 1;
const TIMED_OUT = 2;
const UNKNOWN = 3;

interface Answer {
  status: number;
  isSuccess?: boolean;
  headers?: Headers;
  body?: string;
  /** For the log. */
  what: string;
  error(): Error;
}

/** What can end a call from outside: the caller's signal, and the time for the whole of it. */
class Limits {
  readonly deadline: number;
  readonly #abort: AbortSignal | undefined;
  readonly #total: AbortSignal | undefined;
  readonly #tryMs: number | undefined;

  constructor({ abortSignal, requestOptions }: OperationOptions, now: number) {
    this.#tryMs = milliseconds("timeout", requestOptions?.timeout);
    const totalMs = milliseconds("totalTimeout", requestOptions?.totalTimeout);
    this.deadline = totalMs === undefined ? Infinity : now + totalMs;
    this.#total = totalMs === undefined ? undefined : AbortSignal.timeout(totalMs);
    this.#abort = abortSignal;
  }

  /** Throws when the caller gave the call up, or its time is over. */
  check(): void {
    if (this.#abort?.aborted) {
      throw new AbortError(this.#abort.reason);
    }
    if (this.#total?.aborted) {
      throw new WebPubSubError("ERR_TIMEOUT", "The call took longer than requestOptions.totalTimeout.");
    }
  }

  /** Does something, and throws as `check` does at once when it must end, whether or not that heeds the signal. */
  during<T>(work: (signal: AbortSignal | undefined) => T | Promise<T>): T | Promise<T> {
    const signal = anyOf(this.#abort, this.#total);
    return signal === undefined ? work(signal) : this.#until(signal, work);
  }

  async #until<T>(signal: AbortSignal, work: (signal: AbortSignal) => T | Promise<T>): Promise<T> {
    this.check();
    try {
      return await raced(work(signal), signal);
    } catch (error) {
      this.check();
      throw error;
    }
  }

  /** The same for one try, which can also time out by itself: that is `TIMED_OUT`. */
  duringTry<T>(work: (signal: AbortSignal | undefined) => Promise<T>): T | Promise<T | typeof TIMED_OUT> {
    return this.#tryMs === undefined ? this.during(work) : this.#within(AbortSignal.timeout(this.#tryMs), work);
  }

  async #within<T>(timeout: AbortSignal, work: (signal: AbortSignal) => Promise<T>): Promise<T | typeof TIMED_OUT> {
    try {
      return await this.during((signal) => {
        const both = anyOf(signal, timeout) as AbortSignal;
        return raced(work(both), both);
      });
    } catch (error) {
      this.check();
      if (timeout.aborted) {
        return TIMED_OUT;
      }
      throw error;
    }
  }
}

function anyOf(one: AbortSignal | undefined, other: AbortSignal | undefined): AbortSignal | undefined {
  return one && other ? AbortSignal.any([one, other]) : (one ?? other);
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
  body: Body | undefined,
  host: Host,
  requestId: string,
  limits: Limits,
  claims: string | undefined,
): Promise<Answer> {
  const [method = "", success, url = "", signed = ""] = ask(REQUEST, {
    ...call.fields,
    now: Math.floor(host.now() / 1000),
  }).split(" ");
  const { bearer, fetch } = host;
  const token = bearer === undefined ? signed : await limits.during(() => bearer(claims));
  const headers = lowerCased(call.options.requestOptions?.customHeaders);
  headers["accept"] = "application/json";
  headers["authorization"] = `Bearer ${token}`;
  headers["x-ms-client-request-id"] = requestId;
  // The token is bound to the URL, and a redirect would take the message elsewhere.
  const init: RequestInit = { method, headers, redirect: "manual" };
  if (body) {
    headers["content-type"] = body.contentType;
    init.body = body.bytes;
  }
  try {
    const answer = await limits.duringTry(async (signal) => {
      if (signal) {
        init.signal = signal;
      }
      const response = await fetch(host.route(url), init);
      // Read to the end even when it is not needed: an unread answer holds its connection.
      return { response, text: await response.text() };
    });
    if (answer === TIMED_OUT) {
      return failed(TIMED_OUT, "ERR_TIMEOUT", "The service did not answer in time; the request may have arrived.");
    }
    const { response, text } = answer;
    const { status, headers } = response;
    call.options.onResponse?.({ status, headers, bodyAsText: text, requestId });
    const error = () =>
      new RestError(status, headers.get("x-ms-error-code"), text, requestId, ask(STATUS_MESSAGE, { status }));
    return { status, isSuccess: String(status) === success, headers, body: text, what: `status ${status}`, error };
  } catch (error) {
    limits.check();
    const target = host.route(url);
    const cause = withoutUrl(error, target);
    const service = `The service at ${new URL(target).host}`;
    if (wasNotSent(error)) {
      return failed(NOT_SENT, "ERR_NETWORK", `${service} could not be reached: check the endpoint and that it is running.`, cause);
    }
    return failed(UNKNOWN, "ERR_NETWORK", `${service} gave no answer; the request may have arrived. See the cause.`, cause);
  }
}

/** What a host throws, unless the URL stands in it. */
function withoutUrl(error: unknown, url: string): unknown {
  const cause = (error as { cause?: unknown } | null | undefined)?.cause;
  return `${String(error)} ${String(cause)}`.includes(url) ? undefined : error;
}

function failed(status: number, code: "ERR_TIMEOUT" | "ERR_NETWORK", message: string, cause?: unknown): Answer {
  return { status, what: code, error: () => new WebPubSubError(code, message, { cause }) };
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

/** Header names are equal in any case; two spellings of one would be sent as two values. */
function lowerCased(headers: Record<string, string> | undefined): Record<string, string> {
  return headers === undefined ? {} : Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
}

function milliseconds(name: string, value: number | undefined): number | undefined {
  if (value !== undefined && !(Number.isInteger(value) && value >= 0 && value <= MAX_MS)) {
    throw rangeError("ERR_TIMEOUT", `requestOptions.${name} must be a whole number of milliseconds, at most ${MAX_MS}.`);
  }
  return value === 0 ? undefined : value;
}

function sleep(wait: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, wait);
    signal?.addEventListener("abort", () => clearTimeout(timer), { once: true });
  });
}

function nameOf(operation: number): string {
  return Operation.NAMES.split(" ")[operation] ?? "";
}

/** Fills in the defaults and refuses numbers that mean nothing. */
export function completeRetry(options: RetryOptions | undefined): Retry {
  const number = (name: "maxRetries" | "retryDelayInMs" | "maxRetryDelayInMs", fallback: number) => {
    const value = options?.[name] ?? fallback;
    if (!(Number.isInteger(value) && value >= 0 && value <= MAX_MS)) {
      throw rangeError("ERR_RETRY_OPTIONS", `retryOptions.${name} must be a whole number from 0 to ${MAX_MS}.`);
    }
    return value;
  };
  const sends = options?.sends ?? "safe";
  if (sends !== "safe" && sends !== "always") {
    throw typeError("ERR_RETRY_OPTIONS", 'retryOptions.sends must be "safe" or "always".');
  }
  return {
    maxRetries: number("maxRetries", 3),
    retryDelayInMs: number("retryDelayInMs", 1000),
    maxRetryDelayInMs: number("maxRetryDelayInMs", 64_000),
    sends,
  };
}
