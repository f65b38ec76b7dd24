import * as Outcome from "./core/outcome.js";
import type { AckMessageError } from "./messages.js";
import type { AbortSignalLike } from "./options.js";

/** The kind of a failure. Codes are stable; messages may change. */
export type WebPubSubClientErrorCode =
  /** The caller aborted the call through its `abortSignal`. */
  | "ERR_ABORTED"
  /** No answer came within the time limit. */
  | "ERR_TIMEOUT"
  /** There was no connection, or it was lost before the answer came. The service may have the message. */
  | "ERR_NOT_CONNECTED"
  /** The client was stopped. */
  | "ERR_STOPPED"
  /** The service refused. `errorDetail` has its reason. */
  | "ERR_REFUSED"
  /** The state of the client does not allow the call. */
  | "ERR_STATE"
  /** The connection could not be opened. */
  | "ERR_CONNECT"
  /** The host has no `WebSocket`, such as Node 20. Pass the one of the package `ws` as the option `WebSocket`. */
  | "ERR_NO_WEBSOCKET"
  /** `getClientAccessUrl` failed, or did not return a client access URL. */
  | "ERR_URL"
  /** A frame could not be read. */
  | "ERR_FRAME"
  /** The message is larger than 1 MiB, which is the limit of the service, and was not sent. */
  | "ERR_MESSAGE_TOO_LARGE"
  /** A stream failed. */
  | "ERR_STREAM"
  /**
   * WebAssembly could not be compiled (a page with a Content-Security-Policy needs `'wasm-unsafe-eval'` in it), or a call
   * into it failed: start the client again.
   */
  | "ERR_WASM";

/** A code and its message. */
export type Failure = readonly [WebPubSubClientErrorCode, string];

/** The failure of each `Outcome`, by its number. The first two outcomes are no failures. */
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
 * Its `name` is `AbortError` if the caller ended the call (`ERR_ABORTED`, `ERR_STOPPED`), which is mostly no failure.
 *
 * @example
 * ```ts
 * await chat.start().catch((error: WebPubSubClientError) => console.log(error.code)); // ERR_STATE
 * ```
 */
export class WebPubSubClientError extends Error {
  override readonly name: string = "WebPubSubClientError";
  /** The kind of the failure. */
  declare readonly code: WebPubSubClientErrorCode;

  /** @internal */
  constructor(code: WebPubSubClientErrorCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    if (code === "ERR_ABORTED" || code === "ERR_STOPPED") {
      this.name = "AbortError";
    }
  }
}

/** Throws if a call was aborted before it began. */
export function checkAborted(signal: AbortSignalLike | undefined): void {
  if (signal?.aborted) throw failed(Outcome.Aborted, signal.reason);
}

/** Returns the error of an outcome. */
export function failed(outcome: number, cause?: unknown): WebPubSubClientError {
  return new WebPubSubClientError(...FAILURES[outcome]!, cause);
}

/** Returns the error of a call to a stream that has ended. The text is that of the official client. */
export function streamCompleted(streamId: string, code: WebPubSubClientErrorCode, cause?: Error): WebPubSubClientError {
  return new WebPubSubClientError(code, `Stream '${streamId}' is completed.`, cause);
}

/** The members of a {@link SendMessageError}. */
export interface SendMessageErrorOptions {
  readonly ackId?: number | undefined;
  readonly errorDetail?: AckMessageError | undefined;
}

/** The members of an {@link InvocationError}. */
export interface InvocationErrorOptions {
  readonly invocationId: string;
  readonly errorDetail?: AckMessageError | undefined;
}

/** The client could not send a message, or the service did not accept it. */
export class SendMessageError extends WebPubSubClientError {
  override readonly name = "SendMessageError";
  /** The `ackId` of the message. If the call is repeated with it on the same connection, the service takes the message once. */
  declare readonly ackId?: number;
  /** The reason of the service. */
  declare readonly errorDetail?: AckMessageError;

  /** Takes the arguments of the official client, and a code. */
  constructor(message: string, detail: SendMessageErrorOptions, code: WebPubSubClientErrorCode = "ERR_REFUSED") {
    super(code, message);
    Object.assign(this, detail);
  }
}

/** An invocation failed, was aborted, or lost its connection. */
export class InvocationError extends WebPubSubClientError {
  override readonly name = "InvocationError";
  declare readonly invocationId: string;
  /** The reason of the service. */
  declare readonly errorDetail?: AckMessageError;

  /** Takes the arguments of the official client, and a code. */
  constructor(message: string, detail: InvocationErrorOptions, code: WebPubSubClientErrorCode = "ERR_REFUSED") {
    super(code, message);
    Object.assign(this, detail);
  }
}
