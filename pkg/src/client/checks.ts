// What is not to be trusted, because a caller or the service gave it.

import type { Id } from "./messages.js";

/** The largest number of 32 bits. */
export const MAX_WORD = 2 ** 32 - 1;

/** All bits set is no id. */
const MAX_ID = 2n ** 64n - 2n;

/** A whole number, such as an id. */
export function checkedId(id: unknown, name: string, most: Id = MAX_ID): Id {
  if ((typeof id === "bigint" || Number.isSafeInteger(id)) && (id as Id) >= 0 && (id as Id) <= most) return id as Id;
  throw new RangeError(`${name} must be a whole number from 0 to ${most}, not ${id}.`);
}

/** The names that the service takes. */
const NAMES = { event: /^[a-z][\w.-]{0,127}$/i, group: /^(?!\s*$).{1,1024}$/s };

/** Each key and value of metadata: they are names and values of HTTP headers too. */
const METADATA = /^[\w!#$%&'*+.^`|~-]{1,256}:[ -~]{0,1024}$/;

/** Refuses what the service would never answer, or close the connection for. */
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

/** Refuses what is no text where one must be. */
export function checkText(...values: unknown[]): void {
  for (const value of values) if (typeof value !== "string") throw new TypeError(`A text must be a string, not ${typeof value}.`);
}

/** Whatever was thrown, as an error: not everything can be made a string. */
export function asError(failure: unknown): Error {
  return failure instanceof Error ? failure : new Error(typeof failure === "string" ? failure : typeof failure, { cause: failure });
}
