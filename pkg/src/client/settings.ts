import { MAX_WORD } from "./checks.js";
import { WebPubSubJsonReliableProtocol } from "./json.js";
import type { RetryMode, WebPubSubClientOptions, WebPubSubRetryOptions } from "./options.js";
import type { WebPubSubClientProtocol } from "./protocol.js";

/** The options as they are used. */
export interface Settings {
  readonly options: WebPubSubClientOptions;
  readonly protocol: WebPubSubClientProtocol;
  /** What the core is told, in the order of pkg/wasm-client. */
  readonly words: readonly number[];
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
  const words = [
    protocol.isReliableSubProtocol ? 2 : protocol.name === "" ? 0 : 1,
    +(options.autoReconnect ?? true),
    +(options.autoRejoinGroups ?? true),
    ...retry(options.messageRetryOptions, 3, "Fixed"),
    ...retry(options.reconnectRetryOptions, MAX_WORD, "Exponential"),
    limit("keepAliveIntervalInMs", 20_000),
    limit("keepAliveTimeoutInMs", 120_000),
    limit("connectTimeoutInMs", 30_000),
    limit("ackTimeoutInMs", 30_000),
    limit("invokeTimeoutInMs", 30_000),
    Math.random() * MAX_WORD,
    Math.random() * MAX_WORD,
  ];
  return { options, protocol, words };
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
function retry(given: WebPubSubRetryOptions | undefined, retries: number, mode: RetryMode): number[] {
  const number = (value: number | null | undefined, fallback: number) => Math.min((value ?? -1) >= 0 ? value! : fallback, MAX_WORD);
  const delay = number(given?.retryDelayInMs, 1000);
  const longest = number(given?.maxRetryDelayInMs, Math.max(30_000, delay));
  if (longest < delay) {
    throw new RangeError("maxRetryDelayInMs must be retryDelayInMs or more.");
  }
  mode = given?.mode ?? mode;
  const modeNumber = MODES.indexOf(mode);
  if (modeNumber < 0) {
    throw new RangeError(`mode must be Fixed or Exponential, not ${mode}.`);
  }
  return [number(given?.maxRetries, retries), delay, longest, modeNumber];
}
