import type { Response } from "../globals.js";
import { WebPubSubError } from "./errors.js";

/** The largest body of an answer that is read: 4 MiB, as in the core (`MAX_ANSWER_BYTES` in src/service/call.rs). */
const MAX_BYTES = 4 * 1024 * 1024;

/**
 * Reads the body of an answer as text. Stops reading and cancels the body when it is too large or the signal aborts.
 *
 * @throws (rejects with) {@link WebPubSubError} `ERR_ANSWER_TOO_LARGE`.
 */
export async function readText(response: Response, signal: AbortSignal): Promise<string> {
  // A `fetch` of the caller's may answer with a body that is no stream of the web.
  const reader = response.body?.getReader?.();
  if (reader === undefined) {
    const text = await response.text();
    if (text.length > MAX_BYTES) {
      throw tooLarge();
    }
    return text;
  }
  const cancel = () => void reader.cancel().catch(() => undefined);
  // A `fetch` of the caller's may answer after the call has ended.
  if (signal.aborted) {
    cancel();
    signal.throwIfAborted();
  }
  signal.addEventListener("abort", cancel, { once: true });
  try {
    const decoder = new TextDecoder();
    let text = "";
    let length = 0;
    for (;;) {
      const { done, value } = await reader.read();
      if (done) {
        return text + decoder.decode();
      }
      length += value.byteLength;
      if (length > MAX_BYTES) {
        cancel();
        throw tooLarge();
      }
      text += decoder.decode(value, { stream: true });
    }
  } finally {
    signal.removeEventListener("abort", cancel);
  }
}

function tooLarge(): WebPubSubError {
  return new WebPubSubError("ERR_ANSWER_TOO_LARGE", "The body of the answer is larger than 4 MiB: check the endpoint. The request has arrived.");
}
