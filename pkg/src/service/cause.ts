import { WebPubSubError } from "./errors.js";

/** Texts of `fetch` in several hosts that hold nothing of the request. */
const SAFE_TEXTS: readonly string[] = [
  "fetch failed",
  "terminated",
  "other side closed",
  "socket hang up",
  "Failed to fetch",
  "Load failed",
  "NetworkError when attempting to fetch resource.",
  "Network connection lost.",
];

const LEFT_OUT = "The text of this error is left out, because it could hold a URL, a header or a token.";

/** How many causes of causes are kept. */
const MAX_DEPTH = 3;

/**
 * Copies an error of the host, a credential or a `fetch` of the caller's for use as a `cause`. The copy has the name and
 * the code of the error, and its text where the text is known to hold no secret. An error of this package is kept as it
 * is. Returns undefined for what is not an error.
 */
export function safeCause(error: unknown, depth = 1): Error | undefined {
  if (error instanceof WebPubSubError) {
    return error;
  }
  try {
    const { name, code, message, cause } = error as Record<string, unknown>;
    if (typeof name !== "string" || typeof message !== "string") {
      return undefined;
    }
    const inner = depth < MAX_DEPTH ? safeCause(cause, depth + 1) : undefined;
    const copy = new Error(safeText(message), inner && { cause: inner });
    return Object.assign(copy, isIdentifier(name) && { name }, (typeof code === "number" || isIdentifier(code)) && { code });
  } catch {
    // Not an object, or an object whose members throw.
    return undefined;
  }
}

function safeText(message: string): string {
  // Microsoft Entra ID numbers its refusals.
  const refusal = /\bAADSTS\d{1,9}\b/.exec(message)?.[0];
  return refusal ?? (SAFE_TEXTS.includes(message) ? message : LEFT_OUT);
}

/** True for names and codes such as `TypeError` and `ECONNREFUSED`, and false for what could hold a token. */
function isIdentifier(value: unknown): value is string {
  return typeof value === "string" && /^[A-Za-z]\w{0,39}$/.test(value);
}
