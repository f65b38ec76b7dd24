import type { AckMessageError, Id, InvokeResponseMessage, UpstreamMessage } from "./messages.js";

/** A message until it is settled. */
export class Outgoing {
  /** The message, to which the session gives an ack id. */
  declare readonly message: UpstreamMessage & { ackId?: Id | undefined };
  /** Whether no answer is wanted. */
  declare readonly isPost: boolean;
  isSettled = false;
  frame: string | ArrayBuffer | undefined;
  /** Why it could not be written at all. */
  error: unknown;
  /** What the service said when it refused. */
  detail: AckMessageError | undefined;
  /** The answer to an invocation. */
  response: InvokeResponseMessage | undefined;
  /** Called when it is settled, whatever it comes to. */
  onSettled: (() => void) | undefined;
  readonly #resolve: (result: never) => void;
  readonly #reject: (error: unknown) => void;
  readonly #result: (outgoing: Outgoing, outcome: number) => unknown;

  /** `result` makes of it and of its outcome what the caller gets, or throws it. */
  constructor(
    message: UpstreamMessage,
    isPost: boolean,
    result: (outgoing: Outgoing, outcome: number) => unknown,
    resolve: (result: never) => void,
    reject: (error: unknown) => void,
  ) {
    this.message = message;
    this.isPost = isPost;
    this.#result = result;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  /** Called once. */
  settle(outcome: number): void {
    this.isSettled = true;
    this.onSettled?.();
    try {
      if (this.error !== undefined) throw this.error;
      this.#resolve(this.#result(this, outcome) as never);
    } catch (error) {
      this.#reject(error);
    }
  }
}
