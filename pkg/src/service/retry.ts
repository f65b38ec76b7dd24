import { readOptions, type OptionNames } from "../read-options.js";
import { rangeError, typeError } from "./errors.js";
import type { RetryOptions } from "./options.js";

/** The retry options, complete. */
export type Retry = Required<{ [name in keyof RetryOptions]: NonNullable<RetryOptions[name]> }>;

/** The longest that a timer waits, in every host. */
export const MAX_MS = 0x7fff_ffff;

const NAMES: OptionNames<RetryOptions> = { maxRetries: true, retryDelayInMs: true, maxRetryDelayInMs: true, sends: true };

/** Fills in the defaults and refuses numbers that mean nothing. */
export function completeRetry(given: RetryOptions | null | undefined): Retry {
  const options = readOptions(given, NAMES, "retryOptions");
  const number = (name: "maxRetries" | "retryDelayInMs" | "maxRetryDelayInMs", fallback: number) => {
    const value = options[name] ?? fallback;
    if (!(Number.isInteger(value) && value >= 0 && value <= MAX_MS)) {
      throw rangeError("ERR_RETRY_OPTIONS", `retryOptions.${name} must be a whole number from 0 to ${MAX_MS}.`);
    }
    return value;
  };
  const sends = options.sends ?? "safe";
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
