import type { Fetch, Headers } from "../globals.js";
import { AFTER_TRY, REQUEST, type RequestFields, STATUS_MESSAGE } from "../wasm/calls.js";
import { ask } from "./ask.js";
import { readText } from "./body.js";
import { safeCause } from "./cause.js";
import type { Challenge } from "./credentials.js";
import { RestError, WebPubSubError } from "./errors.js";
import { customHeaders } from "./headers.js";
import { Limits, TRY_TOO_LONG } from "./limits.js";
import type { Body } from "./message.js";
import { nameOf } from "./operations.js";
import type { OperationOptions } from "./options.js";
import type { Retry } from "./retry.js";

/** One call: what is sent, and how. */
export interface Call {
  operation: number;
  /** The fields of the request, without the time. */
  fields: Omit<RequestFields, "now">;
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

async function attempt(
  call: Call,
  headers: Record<string, string>,
  body: Body | undefined,
  host: Host,
  limits: Limits,
  challenge: Challenge | undefined,
): Promise<Answer> {
  const [method = "", success, url = "", signed = ""] = ask(REQUEST, {
    ...call.fields,
    now: Math.floor(host.now() / 1000),
  }).split(" ");
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
    error: () =>
      new RestError(status, received.headers.get("x-ms-error-code"), bodyAsText, requestId, ask(STATUS_MESSAGE, { status })),
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

function sleep(wait: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, wait);
    signal.addEventListener("abort", () => clearTimeout(timer), { once: true });
  });
}
