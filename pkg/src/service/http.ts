import { core } from "../wasm/core.js";
import { pack, unpack } from "../wasm/packed.js";
import { AbortError, checked, rangeError, RestError, typeError, WebPubSubError } from "./errors.js";
import type { Body } from "./message.js";
import { Operation } from "./operations.js";
import type { OperationOptions, RetryOptions } from "./options.js";

/** One call: what is sent, and how. */
export interface Call {
  operation: number;
  /** Packed, as `request` takes it. */
  fields: string;
  body?: Body | undefined;
  options: OperationOptions;
}

/** What every call of a client shares. */
export interface Host {
  retry: Retry;
  strict: boolean;
  fetch: typeof fetch;
  now: () => number;
  log: (line: string) => void;
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
  const requestId = crypto.randomUUID();
  let claims: string | undefined;
  for (let retries = 0; ; ) {
    limits.check();
    const answer = await attempt(call, host, requestId, limits, claims);
    if (answer.status === 401 && claims === undefined) {
      claims = host.challenge?.(answer.headers?.get("www-authenticate") ?? null);
      if (claims !== undefined) {
        continue;
      }
    }
    const wait = core().after_try(
      call.operation,
      retries++,
      host.retry.maxRetries,
      host.retry.retryDelayInMs,
      host.retry.maxRetryDelayInMs,
      host.retry.sends === "always",
      answer.status,
      packedHeaders(answer.headers),
      host.now(),
      limits.deadline,
      Math.random(),
    );
    host.log(`${nameOf(call.operation)}: try ${retries}: ${answer.what}${wait >= 0 ? `, again in ${Math.ceil(wait)} ms` : ""}`);
    switch (wait) {
      case DONE:
        return answer.body ?? "";
      case ABSENT:
        return undefined;
      case FAILED:
        throw answer.error();
      default:
        await sleep(wait, limits);
    }
  }
}

/** What `after_try` answers when there is nothing to wait for. */
const DONE = -1;
const FAILED = -2;
const ABSENT = -3;

/** What `after_try` takes for a try without an answer. */
const NOT_SENT = -1;
const TIMED_OUT = -2;
const UNKNOWN = -3;

interface Answer {
  status: number;
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
  readonly #options: OperationOptions["requestOptions"];

  constructor({ abortSignal, requestOptions }: OperationOptions, now: number) {
    this.#options = requestOptions;
    const total = milliseconds("totalTimeout", requestOptions?.totalTimeout);
    this.deadline = total === undefined ? Infinity : now + total;
    this.#total = total === undefined ? undefined : AbortSignal.timeout(total);
    this.#abort = abortSignal;
  }

  /** The signals of one try. */
  signals(): { all: AbortSignal | undefined; hasTimedOut: () => boolean } {
    const one = milliseconds("timeout", this.#options?.timeout);
    const timeout = one === undefined ? undefined : AbortSignal.timeout(one);
    const signals = [this.#abort, this.#total, timeout].filter((signal) => signal !== undefined);
    const all = signals.length > 1 ? AbortSignal.any(signals) : signals[0];
    return { all, hasTimedOut: () => timeout?.aborted === true || this.#total?.aborted === true };
  }

  check(): void {
    if (this.#abort?.aborted) {
      throw new AbortError(this.#abort.reason);
    }
  }

  get abort(): AbortSignal | undefined {
    return this.#abort;
  }
}

async function attempt(call: Call, host: Host, requestId: string, limits: Limits, claims: string | undefined): Promise<Answer> {
  const built = checked(() => core().request(call.operation, call.fields, Math.floor(host.now() / 1000), host.strict));
  const [method = "", url = "", signed = ""] = unpack(built);
  const token = host.bearer === undefined ? signed : await host.bearer(claims);
  const { all: signal, hasTimedOut } = limits.signals();
  const { fetch } = host;
  try {
    const response = await fetch(host.route(url), {
      method,
      headers: {
        ...lowerCased(call.options.requestOptions?.customHeaders),
        accept: "application/json",
        authorization: `Bearer ${token}`,
        "x-ms-client-request-id": requestId,
        ...(call.body && { "content-type": call.body.contentType }),
      },
      // The token is bound to the URL, and a redirect would take the message elsewhere.
      redirect: "manual",
      ...(call.body && { body: call.body.bytes }),
      ...(signal && { signal }),
    });
    // Read to the end even when it is not needed: an unread answer holds its connection.
    const body = await response.text();
    const { status, headers } = response;
    call.options.onResponse?.({ status, headers, bodyAsText: body, requestId });
    const error = () => new RestError(status, headers.get("x-ms-error-code"), body, requestId);
    return { status, headers, body, what: `status ${status}`, error };
  } catch (cause) {
    limits.check();
    if (hasTimedOut()) {
      return failed(TIMED_OUT, "ERR_TIMEOUT", "The service did not answer in time; the request may have arrived.", cause);
    }
    if (wasNotSent(cause)) {
      return failed(NOT_SENT, "ERR_NETWORK", "The service could not be reached: check the endpoint and that it is running.", cause);
    }
    return failed(UNKNOWN, "ERR_NETWORK", "The connection to the service failed; the request may have arrived.", cause);
  }
}

function failed(status: number, code: "ERR_TIMEOUT" | "ERR_NETWORK", message: string, cause: unknown): Answer {
  return { status, what: code, error: () => new WebPubSubError(code, message, { cause }) };
}

/** Whether the connection was never made. Node and Bun name the system error; where nothing is named, nobody knows. */
function wasNotSent(error: unknown): boolean {
  const { code, cause } = (error ?? {}) as { code?: unknown; cause?: { code?: unknown } };
  return ["ECONNREFUSED", "ENOTFOUND", "ConnectionRefused"].includes(String(cause?.code ?? code));
}

/** Header names are equal in any case; two spellings of one would be sent as two values. */
function lowerCased(headers: Record<string, string> | undefined): Record<string, string> {
  return Object.fromEntries(Object.entries(headers ?? {}).map(([name, value]) => [name.toLowerCase(), value]));
}

function packedHeaders(headers: Headers | undefined): string {
  const list = (name: string) => {
    const value = headers?.get(name);
    return value === null || value === undefined ? [] : [value];
  };
  return pack(list("retry-after-ms"), list("x-ms-retry-after-ms"), list("retry-after"));
}

function milliseconds(name: string, value: number | undefined): number | undefined {
  if (value !== undefined && !(Number.isInteger(value) && value >= 0)) {
    throw rangeError("ERR_TIMEOUT", `requestOptions.${name} must be a whole number of milliseconds.`);
  }
  return value === 0 ? undefined : value;
}

function sleep(wait: number, { abort }: Limits): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      abort?.removeEventListener("abort", giveUp);
      resolve();
    }, wait);
    const giveUp = () => {
      clearTimeout(timer);
      reject(new AbortError(abort?.reason));
    };
    abort?.addEventListener("abort", giveUp, { once: true });
  });
}

function nameOf(operation: number): string {
  return Object.keys(Operation)[operation] ?? "";
}

/** Fills in the defaults and refuses numbers that mean nothing. */
export function completeRetry(options: RetryOptions | undefined): Retry {
  const number = (name: "maxRetries" | "retryDelayInMs" | "maxRetryDelayInMs", fallback: number) => {
    const value = options?.[name] ?? fallback;
    if (!(Number.isInteger(value) && value >= 0 && value <= 0x7fff_ffff)) {
      throw rangeError("ERR_RETRY_OPTIONS", `retryOptions.${name} must be a whole number from 0 to 2147483647.`);
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
