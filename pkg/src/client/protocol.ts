import type { ParsedMessage, UpstreamMessage } from "./messages.js";

/**
 * Writes messages as frames of a WebSocket, and reads them. {@link WebPubSubJsonProtocol} and the like return one, and an
 * application can bring its own. A protocol that is typed with the interface of the official client is accepted too.
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
  /** The name that the client offers to the service as `Sec-WebSocket-Protocol`. If it is empty, the client offers none. */
  readonly name: string;
  /** Whether the service numbers the messages, so that a lost connection can be recovered without losing any. */
  readonly isReliableSubProtocol: boolean;
  /**
   * Reads a frame. Returns `null` for a frame that this version does not know. The event `error` reports what this method
   * throws, and the connection goes on.
   */
  parseMessages(input: string | ArrayBuffer): ParsedMessage | readonly ParsedMessage[] | null;
  /**
   * Writes a frame. Returns `null` if the protocol has no frame for the message: the call that sends it rejects with a
   * `TypeError`, and the client leaves out its own messages, such as pings. A call rejects with what this method throws.
   */
  writeMessage(message: UpstreamMessage): string | ArrayBuffer | null;
}
