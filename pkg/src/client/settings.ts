import { readOptions } from "../read-options.js";
import { MAX_WORD } from "./checks.js";
import { WebPubSubJsonReliableProtocol } from "./json.js";
import type { SessionOptions, SessionRetry } from "./core/core.js";
import { CLIENT_OPTIONS, RETRY_OPTIONS } from "./option-names.js";
import type { RetryMode, WebPubSubClientOptions, WebPubSubRetryOptions } from "./options.js";
import type { WebPubSubClientProtocol } from "./protocol.js";

/** The options of a client with their defaults. */
export interface Settings {
  readonly options: WebPubSubClientOptions;
  readonly protocol: WebPubSubClientProtocol;
  readonly session: SessionOptions;
  /** Whether a first connection that fails is tried again. */
  readonly retriesConnect: boolean;
}

/** Reads the options, and fills in the defaults. They are those of the official client, except for time limits and jitter. */
export function settingsOf(given: WebPubSubClientOptions | undefined): Settings {
  const options = readOptions(given, CLIENT_OPTIONS, "WebPubSubClient");
  const protocol = options.protocol ?? WebPubSubJsonReliableProtocol();
  if (typeof protocol.parseMessages !== "function") {
    throw new TypeError("protocol must be an object such as WebPubSubJsonProtocol().");
  }
  const limit = (name: LimitName, fallback: number): number => {
    const value = options[name] ?? fallback;
    if (!(value >= 0)) throw new RangeError(`${name} must be 0 or more, not ${value}.`);
    return Math.min(value, MAX_WORD);
  };
  const connectRetry = retry(options, "connectRetryOptions", options.connectRetryOptions ? MAX_WORD : 0, "Exponential");
  const session: SessionOptions = {
    protocol: protocol.isReliableSubProtocol ? 2 : protocol.name === "" ? 0 : 1,
    autoReconnect: options.autoReconnect ?? true,
    autoRejoinGroups: options.autoRejoinGroups ?? true,
    messageRetry: retry(options, "messageRetryOptions", 3, "Fixed"),
    connectRetry,
    reconnectRetry: retry(options, "reconnectRetryOptions", MAX_WORD, "Exponential"),
    keepAliveIntervalMs: limit("keepAliveIntervalInMs", 20_000),
    keepAliveTimeoutMs: limit("keepAliveTimeoutInMs", 120_000),
    openTimeoutMs: limit("connectTimeoutInMs", 30_000),
    ackTimeoutMs: limit("ackTimeoutInMs", 30_000),
    invokeTimeoutMs: limit("invokeTimeoutInMs", 30_000),
  };
  return { options, protocol, session, retriesConnect: connectRetry.maxRetries > 0 };
}

type LimitName =
  | "keepAliveIntervalInMs"
  | "keepAliveTimeoutInMs"
  | "connectTimeoutInMs"
  | "ackTimeoutInMs"
  | "invokeTimeoutInMs";

type RetryName = "messageRetryOptions" | "connectRetryOptions" | "reconnectRetryOptions";

/** The modes in the order of the session's numbers. */
const MODES: readonly RetryMode[] = ["Fixed", "Exponential"];

/** Reads retry options. A number that is missing or negative takes its default, as in the official client. */
function retry(options: WebPubSubClientOptions, name: RetryName, retries: number, defaultMode: RetryMode): SessionRetry {
  const given: WebPubSubRetryOptions = readOptions(options[name], RETRY_OPTIONS, name);
  const number = (value: number | null | undefined, fallback: number) => Math.min((value ?? -1) >= 0 ? value! : fallback, MAX_WORD);
  const delay = number(given.retryDelayInMs, 1000);
  const longest = number(given.maxRetryDelayInMs, Math.max(30_000, delay));
  if (longest < delay) {
    throw new RangeError(`maxRetryDelayInMs of ${name} must be retryDelayInMs or more.`);
  }
  const mode = given.mode ?? defaultMode;
  const retryMode = MODES.indexOf(mode);
  if (retryMode < 0) {
    throw new RangeError(`mode of ${name} must be Fixed or Exponential, not ${mode}.`);
  }
  return { maxRetries: number(given.maxRetries, retries), retryDelayMs: delay, maxRetryDelayMs: longest, retryMode };
}
