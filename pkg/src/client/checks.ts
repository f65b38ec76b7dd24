// Checks of values that a caller or the service gave.

import type { Id } from "./messages.js";

/** The largest number of 32 bits. */
export const MAX_WORD = 2 ** 32 - 1;

/** The largest id. The session uses the next number, all bits set, for "the next free id". */
const MAX_ID = 2n ** 64n - 2n;

/**
 * Returns a whole number, such as an id.
 *
 * @throws `RangeError` if the value is not a whole number from 0 to `most`.
 */
export function checkedId(id: unknown, name: string, most: Id = MAX_ID): Id {
  if ((typeof id === "bigint" || Number.isSafeInteger(id)) && (id as Id) >= 0 && (id as Id) <= most) return id as Id;
  throw new RangeError(`${name} must be a whole number from 0 to ${most}, not ${id}.`);
}

/** The names that the service accepts. */
const NAMES = { event: /^[a-z][\w.-]{0,127}$/i, group: /^(?!\s*$).{1,1024}$/s };

/** The form of each key and value of metadata. They are also names and values of HTTP headers. */
const METADATA = /^[\w!#$%&'*+.^`|~-]{1,256}:[ -~]{0,1024}$/;

/**
 * Checks the members of a message that the service would not answer, or would close the connection for.
 *
 * @throws `TypeError` for a name, metadata or a state; `RangeError` for `ttlSeconds`.
 */
export function checkMessage<const Message extends object>(message: Message): Message {
  // A message has a group or an event, and metadata or a state.
  const { group, event = group, ttlSeconds = 0, metadata, state = metadata } = message as { [member: string]: unknown };
  const what = "event" in message ? "event" : "group";
  if (typeof event !== "string" || !NAMES[what].test(event)) throw new TypeError(`${what}Name must match ${NAMES[what]}.`);
  checkedId(ttlSeconds, "ttlSeconds", 300);
  if (state != null) {
    if (typeof state !== "object" || Array.isArray(state)) throw new TypeError("Metadata and states must be objects.");
    for (const [key, value] of Object.entries(state)) {
      if (typeof value !== "string") throw new TypeError(`"${key}" must be a string, not ${typeof value}.`);
      if (metadata && !METADATA.test(`${key}:${value}`)) throw new TypeError(`"${key}" must match ${METADATA}.`);
    }
  }
  return message;
}

/** Throws a `TypeError` if a value is not a string. */
export function checkText(...values: unknown[]): void {
  for (const value of values) if (typeof value !== "string") throw new TypeError(`A text must be a string, not ${typeof value}.`);
}

/** Returns a thrown value as an `Error`. Some values cannot be converted to a string, so only their type is told. */
export function asError(failure: unknown): Error {
  return failure instanceof Error ? failure : new Error(typeof failure === "string" ? failure : typeof failure, { cause: failure });
}
