import { MAX_WORD } from "./checks.js";
import { WebPubSubJsonReliableProtocol } from "./json.js";
import type { SessionOptions, SessionRetry } from "./core/core.js";
import type { RetryMode, WebPubSubClientOptions, WebPubSubRetryOptions } from "./options.js";
import type { WebPubSubClientProtocol } from "./protocol.js";

/** The options as they are used. */
export interface Settings {
  readonly options: WebPubSubClientOptions;
  readonly protocol: WebPubSubClientProtocol;
  readonly session: SessionOptions;
}

/** Reads the options and fills in the defaults, which are those of the official client but for time limits and jitter. */
export function settingsOf(options: WebPubSubClientOptions): Settings {
  const protocol = options.protocol ?? WebPubSubJsonReliableProtocol();
  if (typeof protocol.parseMessages !== "function") {
    throw new TypeError("protocol must be one such as WebPubSubJsonProtocol().");
  }
  const limit = (name: LimitName, fallback: number): number => {
    const value = options[name] ?? fallback;
    if (!(value >= 0)) throw new RangeError(`${name} must be 0 or more, not ${value}.`);
    return Math.min(value, MAX_WORD);
  };
  const session: SessionOptions = {
    protocol: protocol.isReliableSubProtocol ? 2 : protocol.name === "" ? 0 : 1,
    autoReconnect: options.autoReconnect ?? true,
    autoRejoinGroups: options.autoRejoinGroups ?? true,
    messageRetry: retry(options.messageRetryOptions, 3, "Fixed"),
    reconnectRetry: retry(options.reconnectRetryOptions, MAX_WORD, "Exponential"),
    keepAliveIntervalMs: limit("keepAliveIntervalInMs", 20_000),
    keepAliveTimeoutMs: limit("keepAliveTimeoutInMs", 120_000),
    openTimeoutMs: limit("connectTimeoutInMs", 30_000),
    ackTimeoutMs: limit("ackTimeoutInMs", 30_000),
    invokeTimeoutMs: limit("invokeTimeoutInMs", 30_000),
  };
  return { options, protocol, session };
}

type LimitName =
  | "keepAliveIntervalInMs"
  | "keepAliveTimeoutInMs"
  | "connectTimeoutInMs"
  | "ackTimeoutInMs"
  | "invokeTimeoutInMs";

/** By their number in the core. */
const MODES: readonly RetryMode[] = ["Fixed", "Exponential"];

/** A number that is missing or negative is the default, as in the official client. */
function retry(given: WebPubSubRetryOptions | undefined, retries: number, mode: RetryMode): SessionRetry {
  const number = (value: number | null | undefined, fallback: number) => Math.min((value ?? -1) >= 0 ? value! : fallback, MAX_WORD);
  const delay = number(given?.retryDelayInMs, 1000);
  const longest = number(given?.maxRetryDelayInMs, Math.max(30_000, delay));
  if (longest < delay) {
    throw new RangeError("maxRetryDelayInMs must be retryDelayInMs or more.");
  }
  mode = given?.mode ?? mode;
  const retryMode = MODES.indexOf(mode);
  if (retryMode < 0) {
    throw new RangeError(`mode must be Fixed or Exponential, not ${mode}.`);
  }
  return { maxRetries: number(given?.maxRetries, retries), retryDelayMs: delay, maxRetryDelayMs: longest, retryMode };
}
