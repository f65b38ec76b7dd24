import * as Outcome from "./core/outcome.js";
import type { AckMessageError, Id } from "./messages.js";
import type { AbortSignalLike } from "./options.js";

/** What went wrong on this side. It is stable; messages are not. */
export type WebPubSubClientErrorCode =
  /** The call was given up through its `abortSignal`. */
  | "ERR_ABORTED"
  /** No answer came within the time limit. */
  | "ERR_TIMEOUT"
  /** There was no connection, or there is none any more, and it is not known whether the service got the message. */
  | "ERR_NOT_CONNECTED"
  /** The client was stopped. */
  | "ERR_STOPPED"
  /** The service said no: `errorDetail` tells what it said. */
  | "ERR_REFUSED"
  /** It cannot be done in the state that the client is in. */
  | "ERR_STATE"
  /** The connection could not be opened. */
  | "ERR_CONNECT"
  /** `getClientAccessUrl` failed or gave no client URL. */
  | "ERR_URL"
  /** A frame could not be read. */
  | "ERR_FRAME"
  /** The service takes at most 1 MiB in one message, which is then not sent. */
  | "ERR_MESSAGE_TOO_LARGE"
  /** A stream ended that should not have. */
  | "ERR_STREAM"
  /**
   * WebAssembly could not be compiled (a page with a Content-Security-Policy needs `'wasm-unsafe-eval'` in it), or a call
   * into it failed: start the client again.
   */
  | "ERR_WASM";

/** A code, and what it says. */
export type Failure = readonly [WebPubSubClientErrorCode, string];

/** Why a message was not sent: in the order of `Outcome`, of which the first two are none. */
export const FAILURES: readonly (Failure | undefined)[] = [
  undefined,
  undefined,
  ["ERR_REFUSED", "Failed to send message."],
  ["ERR_NOT_CONNECTED", "The connection is not connected."],
  ["ERR_NOT_CONNECTED", "The connection was lost."],
  ["ERR_TIMEOUT", "The service did not answer in time."],
  ["ERR_ABORTED", "Cancelled by abortSignal"],
  ["ERR_STOPPED", "The client was stopped."],
];

/**
 * An error of the WebSocket client. Tell errors apart by `code`, not by `message`.
 *
 * @example
 * ```ts
 * await chat.start().catch((error: WebPubSubClientError) => console.log(error.code)); // ERR_STATE
 * ```
 */
export class WebPubSubClientError extends Error {
  override readonly name: string = "WebPubSubClientError";
  /** What went wrong. */
  declare readonly code: WebPubSubClientErrorCode;

  /** @internal */
  constructor(code: WebPubSubClientErrorCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    if (code === "ERR_ABORTED") {
      this.name = "AbortError";
    }
  }
}

/** Throws what a call rejects with that was given up before it began. */
export function checkAborted(signal: AbortSignalLike | undefined): void {
  if (signal?.aborted) throw failed(Outcome.Aborted, signal.reason);
}

/** The error of what came to this outcome. */
export function failed(outcome: number, cause?: unknown): WebPubSubClientError {
  return new WebPubSubClientError(...FAILURES[outcome]!, cause);
}

/** What a {@link SendMessageError} tells. */
export interface SendMessageErrorOptions {
  readonly ackId?: Id | undefined;
  readonly errorDetail?: AckMessageError | undefined;
}

/** What an {@link InvocationError} tells. */
export interface InvocationErrorOptions {
  readonly invocationId: string;
  readonly errorDetail?: AckMessageError | undefined;
}

/** A message was not sent, or the service did not accept it. */
export class SendMessageError extends WebPubSubClientError {
  override readonly name = "SendMessageError";
  /** The `ackId` of the message. Sent again with it while the connection lasts, the message is not doubled. */
  declare readonly ackId?: Id;
  /** What the service said. */
  declare readonly errorDetail?: AckMessageError;

  /** As in the official client, with a code. */
  constructor(message: string, detail: SendMessageErrorOptions, code: WebPubSubClientErrorCode = "ERR_REFUSED") {
    super(code, message);
    Object.assign(this, detail);
  }
}

/** An invocation failed, was given up, or lost its connection. */
export class InvocationError extends WebPubSubClientError {
  override readonly name = "InvocationError";
  declare readonly invocationId: string;
  /** What the service said. */
  declare readonly errorDetail?: AckMessageError;

  /** As in the official client, with a code. */
  constructor(message: string, detail: InvocationErrorOptions, code: WebPubSubClientErrorCode = "ERR_REFUSED") {
    super(code, message);
    Object.assign(this, detail);
  }
}
