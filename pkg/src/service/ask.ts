import type { CoreFunction } from "../wasm/calls.js";
import { core } from "../wasm/core.js";
import { rangeError, typeError, WebPubSubError } from "./errors.js";

/**
 * Calls a function of the core and returns its result.
 *
 * @throws The error that the core returned: a line with its code, a blank and its message.
 */
export function ask<Fields>(target: CoreFunction<Fields>, fields: Fields): string {
  const answer = core(target, fields);
  if (!answer.startsWith("ERR_")) {
    return answer;
  }
  const blank = answer.indexOf(" ");
  const code = answer.slice(0, blank);
  const message = answer.slice(blank + 1);
  switch (code) {
    case "ERR_EXPIRATION":
    case "ERR_MESSAGE_TTL":
    case "ERR_PAGE_SIZE":
    case "ERR_TOP":
      throw rangeError(code, message);
    case "ERR_CLIENT_PROTOCOL":
      throw typeError(code, message);
    default:
      throw new WebPubSubError(code, message);
  }
}
