import { core } from "../wasm/core.js";
import { pack, unpack } from "../wasm/packed.js";
import { AbortError, checked, RestError, typeError, WebPubSubError } from "./errors.js";
import type { Body } from "./message.js";
import type { OperationOptions, RetryOptions } from "./options.js";

/** The operations, by their place in the core's table (src/service/operation.rs). */
export const SEND_TO_ALL = 0;
export const SEND_TO_GROUP = 1;
export const SEND_TO_USER = 2;
export const SEND_TO_CONNECTION = 3;

/** One call: what is sent, and how. */
export interface Call {
  operation: number;
  /** Packed, as `send_request` takes it. */
  fields: string;
  ttlSeconds: number | undefined;
  allowInsecure: boolean;
  body: Body;
  options: OperationOptions;
}

/** The retry options, complete. */
export type Retry = Required<{ [name in keyof RetryOptions]: NonNullable<RetryOptions[name]> }>;

/** Sends a call, and tries again as the core says; each try is signed anew under the same request id. */
export async function run(call: Call, retry: Retry, send: typeof fetch): Promise<void> {
  const { abortSignal } = call.options;
  const requestId = crypto.randomUUID();
  for (let retries = 0; ; retries++) {
    throwIfAborted(abortSignal);
    const answer = await attempt(call, send, requestId);
    const wait = core().after_try(
      call.operation,
      retries,
      retry.maxRetries,
      retry.retryDelayInMs,
      retry.maxRetryDelayInMs,
      retry.sends === "always",
      answer.status,
      packedHeaders(answer.headers),
      Date.now(),
      Math.random(),
    );
    if (wait === DONE) {
      return;
    }
    if (wait === FAILED) {
      throw answer.error(requestId);
    }
    await sleep(wait, abortSignal);
  }
}

/** What `after_try` answers when there is nothing to wait for. */
const DONE = -1;
const FAILED = -2;

/** What `after_try` takes for a try without an answer. */
const NOT_SENT = -1;
const TIMED_OUT = -2;
const UNKNOWN = -3;

interface Answer {
  status: number;
  headers?: Headers;
  error(requestId: string): Error;
}

async function attempt(call: Call, send: typeof fetch, requestId: string): Promise<Answer> {
  const [url = "", token = ""] = unpack(
    checked(() =>
      core().send_request(call.operation, call.fields, call.ttlSeconds, call.allowInsecure, Math.floor(Date.now() / 1000)),
    ),
  );
  const { abortSignal, requestOptions } = call.options;
  const timeout = requestOptions?.timeout ? AbortSignal.timeout(requestOptions.timeout) : undefined;
  const signals = [abortSignal, timeout].filter((signal) => signal !== undefined);
  try {
    const response = await send(url, {
      method: "POST",
      headers: {
        accept: "application/json",
        authorization: `Bearer ${token}`,
        "content-type": call.body.contentType,
        "x-ms-client-request-id": requestId,
      },
      body: call.body.bytes,
      // The token is bound to the URL, and a redirect would take the message elsewhere.
      redirect: "manual",
      ...(signals.length > 0 && { signal: AbortSignal.any(signals) }),
    });
    // Read to the end even when it is not needed: an unread answer holds its connection.
    const body = await response.text();
    const { status, headers } = response;
    return { status, headers, error: (id) => new RestError(status, headers.get("x-ms-error-code"), body, id) };
  } catch (cause) {
    throwIfAborted(abortSignal);
    if (timeout?.aborted) {
      const message = `The service did not answer within ${requestOptions?.timeout} ms; the message may have arrived.`;
      return { status: TIMED_OUT, error: () => new WebPubSubError("ERR_TIMEOUT", message) };
    }
    const notSent = wasNotSent(cause);
    const message = notSent
      ? "The service could not be reached: check the endpoint and that it is running."
      : "The connection to the service failed; the message may have arrived.";
    return { status: notSent ? NOT_SENT : UNKNOWN, error: () => new WebPubSubError("ERR_NETWORK", message, { cause }) };
  }
}

/** Whether the connection was never made. Node names the system error in `cause.code`; where nothing is named, nobody knows. */
function wasNotSent(error: unknown): boolean {
  const code = (error as { cause?: { code?: unknown } } | null | undefined)?.cause?.code;
  return code === "ECONNREFUSED" || code === "ENOTFOUND";
}

function packedHeaders(headers: Headers | undefined): string {
  const list = (name: string) => {
    const value = headers?.get(name);
    return value === null || value === undefined ? [] : [value];
  };
  return pack(list("retry-after-ms"), list("x-ms-retry-after-ms"), list("retry-after"));
}

function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) {
    throw new AbortError(signal.reason);
  }
}

function sleep(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", abort);
      resolve();
    }, milliseconds);
    const abort = () => {
      clearTimeout(timer);
      reject(new AbortError(signal?.reason));
    };
    signal?.addEventListener("abort", abort, { once: true });
  });
}

/** Fills in the defaults and refuses numbers that mean nothing. */
export function completeRetry(options: RetryOptions | undefined): Retry {
  const number = (name: "maxRetries" | "retryDelayInMs" | "maxRetryDelayInMs", fallback: number) => {
    const value = options?.[name] ?? fallback;
    if (!(Number.isInteger(value) && value >= 0 && value <= 0x7fff_ffff)) {
      throw Object.assign(new RangeError(`retryOptions.${name} must be a whole number from 0 to 2147483647.`), {
        code: "ERR_RETRY_OPTIONS",
      });
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
