import type { UpstreamMessage, WebPubSubMessage } from "./messages.js";

/**
 * How messages are written as frames of a WebSocket and read from them. {@link WebPubSubJsonProtocol} and its kin make
 * one; you can bring your own.
 *
 * @example
 * ```ts
 * import { type WebPubSubClientProtocol, WebPubSubJsonReliableProtocol } from "webpubsub-edge/client";
 *
 * const json = WebPubSubJsonReliableProtocol();
 * const logged: WebPubSubClientProtocol = {
 *   ...json,
 *   parseMessages: (frame) => {
 *     console.log(frame);
 *     return json.parseMessages(frame);
 *   },
 * };
 * ```
 */
export interface WebPubSubClientProtocol {
  /** What is offered to the service as `Sec-WebSocket-Protocol`. When it is empty, nothing is. */
  readonly name: string;
  /** Whether messages are numbered, so that a lost connection can be recovered without losing one. */
  readonly isReliableSubProtocol: boolean;
  /**
   * Reads a frame. `null` is for what this version does not know. What it throws is told by the `error` event, and the
   * connection goes on.
   */
  parseMessages(input: string | ArrayBuffer): WebPubSubMessage | readonly WebPubSubMessage[] | null;
  /**
   * Writes a frame, or gives `null` for a message that the protocol has no frame for: the call that wanted to send it rejects
   * with a `TypeError`, pings and the like are left out. What it throws is the error of the call.
   */
  writeMessage(message: UpstreamMessage): string | ArrayBuffer | null;
}
