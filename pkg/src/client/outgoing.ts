import type { AckMessageError, Id, InvokeResponseMessage, UpstreamMessage } from "./messages.js";

/** A message until it is settled. */
export interface Outgoing {
  /** What the session knows it by, once it has it. */
  number: number;
  /** The message, to which the session gives an ack id. */
  readonly message: UpstreamMessage & { ackId?: Id | undefined };
  /** Whether no answer is wanted. */
  readonly isPost: boolean;
  /** The number of the group that it joins or leaves, or whose state it sets or watches. */
  group?: number;
  frame: string | ArrayBuffer | undefined;
  /** Why it could not be written at all. */
  error?: unknown;
  /** What the service said when it refused. */
  detail?: AckMessageError | undefined;
  /** The answer to an invocation. */
  response?: InvokeResponseMessage;
  /** Tells the caller what it came to, once. */
  settle(outcome: number): void;
}
