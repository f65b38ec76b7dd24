import { typeError, WebPubSubError, type WebPubSubErrorCode } from "./errors.js";

/** Longer than any name or filter that the service takes, and short enough that no memory runs out over it. */
const MAX_LENGTH = 1_048_576;

/**
 * Checks that a value is a string that UTF-8 can carry. Turning a lone surrogate into bytes would silently change it,
 * and two names would become one.
 */
export function text(value: unknown, what: string, code: WebPubSubErrorCode): string {
  if (typeof value !== "string") {
    throw typeError("ERR_ARGUMENT_TYPE", `${what} must be a string, not ${kindOf(value)}.`);
  }
  if (value.length > MAX_LENGTH) {
    throw new WebPubSubError(code, `${what} is longer than ${MAX_LENGTH} characters.`);
  }
  if (!isWellFormed(value)) {
    throw new WebPubSubError(code, `${what} holds a lone surrogate, half of a character: it cannot be sent.`);
  }
  return value;
}

/** Checks each string of a list as {@link text} does. Returns a copy, which the caller cannot change after the check. */
export function texts(value: unknown, what: string, code: WebPubSubErrorCode): readonly string[] {
  if (value === undefined || value === null) {
    return [];
  }
  if (!Array.isArray(value)) {
    throw typeError("ERR_ARGUMENT_TYPE", `${what} must be an array of strings, not ${kindOf(value)}.`);
  }
  const copy: string[] = [];
  for (const item of value) {
    copy.push(text(item, `Each of ${what}`, code));
  }
  checkTotalLength(copy, what, code);
  return copy;
}

/** Refuses a list whose texts are too long together: no request or token can carry them. */
export function checkTotalLength(texts: readonly string[], what: string, code: WebPubSubErrorCode): void {
  const length = texts.reduce((sum, text) => sum + text.length, 0);
  if (length > MAX_LENGTH) {
    throw new WebPubSubError(code, `${what} have ${length} characters together; at most ${MAX_LENGTH} are allowed.`);
  }
}

/** What a value is, without showing it. */
export function kindOf(value: unknown): string {
  return value === null ? "null" : Array.isArray(value) ? "an array" : typeof value;
}

function isWellFormed(value: string): boolean {
  const native = (value as { isWellFormed?: () => boolean }).isWellFormed;
  if (native !== undefined) {
    return native.call(value);
  }
  try {
    encodeURIComponent(value);
    return true;
  } catch {
    return false;
  }
}
