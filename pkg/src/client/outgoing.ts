import type { AckMessageError, Id, InvokeResponseMessage, UpstreamMessage } from "./messages.js";

/** A message that is not settled yet. */
export interface Outgoing {
  /** The number that the session in Rust knows the message by. 0 before it is sent. */
  number: number;
  /** The message. It gets its ack id when it is written, unless the caller gave an id. */
  readonly message: UpstreamMessage & { ackId?: Id | undefined };
  /** Whether the service is not asked for an answer. */
  readonly isPost: boolean;
  /** The number of the group that it joins or leaves, or whose state it sets or watches. */
  group?: number;
  frame: string | ArrayBuffer | undefined;
  /** Why the message could not be encoded. */
  error?: unknown;
  /** The error of the ack, if the service refused the message. */
  detail?: AckMessageError | undefined;
  /** The response to an invocation. */
  response?: InvokeResponseMessage;
  /** Gives the caller the outcome. Called once. */
  settle(outcome: number): void;
}
