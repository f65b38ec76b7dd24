import { readOptions } from "../read-options.js";
import { MAX_WORD } from "./checks.js";
import { WebPubSubJsonReliableProtocol } from "./json.js";
import { CLIENT_OPTIONS, RETRY_OPTIONS } from "./option-names.js";
import type { RetryMode, WebPubSubClientOptions, WebPubSubRetryOptions } from "./options.js";
import type { WebPubSubClientProtocol } from "./protocol.js";

/** The options of a client with their defaults. */
export interface Settings {
  readonly options: WebPubSubClientOptions;
  readonly protocol: WebPubSubClientProtocol;
  /** Whether a first connection that fails is tried again. */
  readonly retriesConnect: boolean;
  /** The options for the session in WebAssembly, in the order of pkg/wasm-client. */
  readonly words: readonly number[];
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
  const words = [
    protocol.isReliableSubProtocol ? 2 : protocol.name === "" ? 0 : 1,
    +(options.autoReconnect ?? true),
    +(options.autoRejoinGroups ?? true),
    ...retry(options, "messageRetryOptions", 3, "Fixed"),
    ...retry(options, "reconnectRetryOptions", MAX_WORD, "Exponential"),
    limit("keepAliveIntervalInMs", 20_000),
    limit("keepAliveTimeoutInMs", 120_000),
    limit("connectTimeoutInMs", 30_000),
    limit("ackTimeoutInMs", 30_000),
    limit("invokeTimeoutInMs", 30_000),
    Math.random() * MAX_WORD,
    Math.random() * MAX_WORD,
    ...connectRetry,
  ];
  return { options, protocol, retriesConnect: connectRetry[0]! > 0, words };
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
function retry(options: WebPubSubClientOptions, name: RetryName, retries: number, defaultMode: RetryMode): number[] {
  const given: WebPubSubRetryOptions = readOptions(options[name], RETRY_OPTIONS, name);
  const number = (value: number | null | undefined, fallback: number) => Math.min((value ?? -1) >= 0 ? value! : fallback, MAX_WORD);
  const delay = number(given.retryDelayInMs, 1000);
  const longest = number(given.maxRetryDelayInMs, Math.max(30_000, delay));
  if (longest < delay) {
    throw new RangeError(`maxRetryDelayInMs of ${name} must be retryDelayInMs or more.`);
  }
  const mode = given.mode ?? defaultMode;
  const modeNumber = MODES.indexOf(mode);
  if (modeNumber < 0) {
    throw new RangeError(`mode of ${name} must be Fixed or Exponential, not ${mode}.`);
  }
  return [number(given.maxRetries, retries), delay, longest, modeNumber];
}
