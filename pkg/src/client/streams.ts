/// <reference lib="esnext.disposable" preserve="true" />
import type { AbortSignal } from "../globals.js";
import { readOptions } from "../read-options.js";
import { checkedId, checkMessage, checkText, MAX_WORD } from "./checks.js";
import * as Action from "./core/action.js";
import * as Input from "./core/input.js";
import * as Outcome from "./core/outcome.js";
import * as StreamClosing from "./core/stream-closing.js";
import * as StreamProblem from "./core/stream-problem.js";
import { checkAborted, failed, streamCompleted, WebPubSubClientError } from "./errors.js";
import { MessageQueue } from "./message-queue.js";
import { ABORT_OPTIONS } from "./option-names.js";
import type {
  BinaryData,
  GroupDataMessage,
  JSONTypes,
  StreamAckMessage,
  StreamClosedMessage,
  StreamDataError,
  StreamEndError,
  StreamInfo,
  StreamNackMessage,
  UpstreamMessage,
  WebPubSubDataType,
} from "./messages.js";
import type { AbortSignalLike, GroupStreamWriteOptions, OnGroupStreamOptions, OpenGroupStreamOptions } from "./options.js";
import type { ClientSession, StreamHost } from "./session.js";

/** Writes a stream to a group. */
export interface GroupStreamWriter<Message = JSONTypes> {
  readonly streamId: string;
  /**
   * Writes a part. Resolves when the client has stored it. The client sends it when there is a connection, and again until the
   * service has it. A stream that has ended rejects with the text "is completed".
   */
  write(content: Message | string | BinaryData, dataType: WebPubSubDataType, options?: GroupStreamWriteOptions): Promise<void>;
  /** Ends the stream. Resolves when the service has all parts. */
  end(options?: GroupStreamWriteOptions): Promise<void>;
  /** Ends the stream with an error for its readers. */
  abort(error: StreamEndError, options?: GroupStreamWriteOptions): Promise<void>;
  /** Calls back if the stream fails. Returns a function that removes the listener. */
  onError(listener: (error: StreamDataError) => void): () => void;
}

/** A part of a stream. */
export type GroupStreamMessage<Message = JSONTypes> = GroupDataMessage<Message> & {
  /** The same as `group`. */
  readonly groupName: string;
  readonly stream: StreamInfo;
};

/** Reads a stream: its parts in order, up to its end. The iteration throws if parts are missing or the writer aborted. */
export interface GroupStream<Message = JSONTypes> extends AsyncIterable<GroupStreamMessage<Message>> {
  readonly groupName: string;
  readonly streamId: string;
  /** Aborted when the stream is over. */
  readonly abortSignal: AbortSignal;
}

/** A subscription of `onGroupStream`. */
export interface GroupStreamSubscription {
  /** Ends the subscription and all its streams. */
  close(): Promise<void>;
  /** Whether the subscription is open. */
  readonly isActive: boolean;
  /** Calls `close`, for `await using`. */
  [Symbol.asyncDispose](): Promise<void>;
}

/** What the core says of a stream that failed, as the official names: in the order of `StreamProblem`, of which the first is none. */
const PROBLEMS = ["", "InternalServerError", "ConnectionLost", "ProtocolViolation", "Timeout", "MissingParts", "IdleTimeout"];

/** A stream that is written here. */
interface Outbound {
  readonly streamId: string;
  /** The frames of its start and its end. */
  readonly start: string | ArrayBuffer;
  end: string | ArrayBuffer;
  /** The frames of the parts that the service does not have yet, and the number of the first of them. */
  readonly parts: Map<number, string | ArrayBuffer>;
  first: number;
  isEnding: boolean;
  closed?: StreamClosedMessage;
  failure?: StreamDataError;
  readonly listeners: Set<(error: StreamDataError) => void>;
  /** What settles the calls that wait, with an error if there is one. */
  readonly waiting: Set<(error?: Error) => void>;
}

interface Subscription {
  readonly callback: (stream: GroupStream) => unknown;
  readonly options: OnGroupStreamOptions;
  readonly streams: Map<string, number>;
}

/** Keeps what streams carry; the core says what is written, and what a reader may have. */
export class Streams<Message> implements StreamHost {
  readonly #session: () => ClientSession | undefined;
  readonly #outbound = new Map<number, Outbound>();
  /** The streams that are read here: what came of each, for one subscription. */
  readonly #inbound = new Map<number, MessageQueue<GroupStreamMessage>>();
  readonly #subscriptions = new Set<Subscription>();
  #lastNumber = 0;
  readonly #onFailure: (error: unknown) => void;

  /** `onFailure` is told what a listener threw. */
  constructor(session: () => ClientSession | undefined, onFailure: (error: unknown) => void) {
    this.#session = session;
    this.#onFailure = onFailure;
  }

  async open(session: ClientSession, groupName: string, options: OpenGroupStreamOptions): Promise<GroupStreamWriter<Message>> {
    const streamId = options.streamId ?? String(Math.random()).slice(2);
    if (this.#numberOf(streamId) !== undefined) {
      throw new WebPubSubClientError("ERR_STATE", `Stream '${streamId}' already exists.`);
    }
    const { noEcho = false, idleTimeoutInMs, abortSignal } = options;
    checkAborted(abortSignal);
    checkText(streamId);
    checkedId(idleTimeoutInMs ?? 1, "idleTimeoutInMs", MAX_WORD);
    const endFrame = (error?: StreamEndError) =>
      session.encode({
        kind: "streamEnd",
        streamId,
        // Nothing else: an error may have anything in it.
        ...(error && { error: { message: error.message, userErrorCode: error.userErrorCode } }),
      } as UpstreamMessage);
    const stream: Outbound = {
      streamId,
      start: session.encode(checkMessage({ kind: "sendToGroup", group: groupName, noEcho, stream: { streamId, idleTimeoutInMs } }) as UpstreamMessage),
      end: endFrame(),
      parts: new Map(),
      first: 1,
      isEnding: false,
      listeners: new Set(),
      waiting: new Set(),
    };
    const number = ++this.#lastNumber;
    this.#outbound.set(number, stream);
    const opened = wait(stream, abortSignal);
    session.input(Input.StreamOpen, number);
    try {
      await opened;
    } catch (error) {
      if (this.#outbound.has(number)) session.input(Input.StreamEnd, number);
      throw error;
    }
    const end = async (call: string, options?: GroupStreamWriteOptions, endError?: StreamEndError) => {
      const { abortSignal } = readOptions(options, ABORT_OPTIONS, call);
      check(stream);
      stream.end = endFrame(endError);
      stream.isEnding = true;
      const ended = wait(stream, abortSignal);
      session.input(Input.StreamEnd, number);
      await ended;
    };
    return {
      streamId,
      write: async (content, dataType, options) => {
        if (options !== undefined) checkAborted(readOptions(options, ABORT_OPTIONS, "write").abortSignal);
        check(stream);
        const streamSequenceId = stream.first + stream.parts.size;
        const part = { kind: "streamData", streamId, streamSequenceId, dataType, data: content } as const;
        stream.parts.set(streamSequenceId, session.encode(part));
        session.input(Input.StreamWrite, number);
      },
      end: (options) => end("end", options),
      abort: (error, options) => end("abort", options, error),
      onError: (listener) => {
        stream.listeners.add(listener);
        return () => void stream.listeners.delete(listener);
      },
    };
  }

  subscribe(callback: (stream: GroupStream<Message>) => unknown, options: OnGroupStreamOptions): GroupStreamSubscription {
    checkedId(options.idleTimeoutInMs ?? 1, "idleTimeoutInMs", MAX_WORD);
    const subscription: Subscription = { callback: callback as never, options, streams: new Map() };
    const subscriptions = this.#subscriptions;
    subscriptions.add(subscription);
    const close = async () => {
      subscriptions.delete(subscription);
      for (const number of subscription.streams.values()) this.#inbound.get(number)?.end();
    };
    return {
      close,
      get isActive() {
        return subscriptions.has(subscription);
      },
      [Symbol.asyncDispose]: close,
    };
  }

  received(message: GroupDataMessage): void {
    const { streamId, streamSequenceId, endOfStream = false, error } = message.stream!;
    checkText(streamId);
    checkedId(streamSequenceId, "streamSequenceId");
    const key = JSON.stringify([message.group, streamId]);
    for (const subscription of this.#subscriptions) {
      const { options, streams } = subscription;
      if (options.groupNames?.includes(message.group) === false) continue;
      if (streamSequenceId === 1 ? !this.#inbound.has(streams.get(key)!) : !options.handleFromStart && !streams.has(key)) {
        this.#read(key, subscription, message.group, streamId);
      }
      const number = streams.get(key)!;
      // What comes of a stream that its reader has left is for nobody.
      if (endOfStream) streams.delete(key);
      const queue = this.#inbound.get(number);
      if (!queue || !this.#session()!.input(Input.Part, number, streamSequenceId, endOfStream ? 1 : 0)) continue;
      // The end may come with a last part, or alone.
      if (message.data !== undefined && !(endOfStream && isEmpty(message))) {
        queue.push({ ...message, groupName: message.group } as GroupStreamMessage);
      }
      if (endOfStream) queue.end(error && streamError(error));
    }
  }

  acknowledged(message: StreamAckMessage | StreamNackMessage | StreamClosedMessage): void {
    const number = this.#numberOf(message.streamId);
    if (number === undefined) return;
    const session = this.#session()!;
    if (message.kind === "streamClosed") {
      const { error } = (this.#outbound.get(number)!.closed = message);
      const isUnknown = error?.name === "StreamNotFound";
      session.input(Input.StreamClosed, number, !error ? StreamClosing.Ended : isUnknown ? StreamClosing.NotFound : StreamClosing.Failed);
    } else {
      const expected = checkedId(message.expectedSequenceId, "expectedSequenceId");
      session.input(message.kind === "streamAck" ? Input.StreamAck : Input.StreamNack, number, expected);
    }
  }

  act(action: number, number: number, detail: number): void {
    if (action === Action.ReadEnded) {
      const name = PROBLEMS[detail];
      // The end that is no problem came with a part, which is not handed on yet.
      if (name) this.#inbound.get(number)?.end(streamError({ name }));
      return;
    }
    const stream = this.#outbound.get(number);
    if (stream === undefined) return;
    const session = this.#session()!;
    switch (action) {
      case Action.StreamStart:
        return session.writeFrame(stream.start);
      case Action.StreamOpened:
        return settleWaiting(stream);
      case Action.StreamData:
        return session.writeFrame(stream.parts.get(detail)!);
      case Action.StreamTrim:
        while (stream.first < detail) stream.parts.delete(stream.first++);
        return;
      case Action.StreamEnd:
        return session.writeFrame(stream.end);
      case Action.StreamClosed:
        return this.#ended(number, stream, detail);
    }
  }

  lost(): void {
    for (const number of [...this.#outbound.keys()]) this.act(Action.StreamClosed, number, StreamProblem.Lost);
    for (const number of [...this.#inbound.keys()]) this.act(Action.ReadEnded, number, StreamProblem.Lost);
  }

  #ended(number: number, stream: Outbound, problem: number): void {
    this.#outbound.delete(number);
    stream.isEnding = true;
    stream.parts.clear();
    if (problem === StreamProblem.None) return settleWaiting(stream);
    if (problem === StreamProblem.ProtocolViolation) {
      // The service acknowledged parts that were never sent.
      this.#session()!.write({ kind: "streamEnd", streamId: stream.streamId, error: { userErrorCode: PROBLEMS[problem]! } });
    }
    const failure = (stream.failure = detailOf(stream.closed?.error ?? { name: PROBLEMS[problem]! }));
    settleWaiting(stream, streamError(failure));
    for (const listener of stream.listeners) (async () => listener(failure))().catch(this.#onFailure);
  }

  #read(key: string, subscription: Subscription, groupName: string, streamId: string): void {
    const number = ++this.#lastNumber;
    const queue = new MessageQueue<GroupStreamMessage>();
    const aborter = new AbortController();
    this.#inbound.set(number, queue);
    subscription.streams.set(key, number);
    queue.onEnd = (error) => {
      // What comes of it after all is read anew, unless its reader has left or parts of it are missing.
      if (error && error.name !== PROBLEMS[StreamProblem.Gap]) subscription.streams.delete(key);
      this.#inbound.delete(number);
      aborter.abort();
      this.#session()?.input(Input.ForgetStream, number);
    };
    this.#session()!.input(Input.ReadStream, number, subscription.options.idleTimeoutInMs ?? 300_000);
    const stream: GroupStream = { groupName, streamId, abortSignal: aborter.signal, [Symbol.asyncIterator]: () => queue };
    (async () => subscription.callback(stream))().catch(this.#onFailure);
  }

  #numberOf(streamId: string): number | undefined {
    for (const [number, stream] of this.#outbound) {
      if (stream.streamId === streamId) return number;
    }
    return undefined;
  }
}

/** Why a stream ended that should not have. */
function streamError(error: StreamDataError): Error {
  const detail = detailOf(error);
  return Object.assign(new WebPubSubClientError("ERR_STREAM", detail.message ?? `The stream ended: ${detail.name}.`), detail);
}

/** What there may be in an error, and nothing else that the service puts there. */
function detailOf(error: StreamDataError): StreamDataError {
  const detail: Record<string, string> = {};
  for (const name of ["name", "message", "userErrorCode"] as const) {
    if (typeof error[name] === "string") detail[name] = error[name];
  }
  return detail as never;
}

/**
 * Throws if nothing more can be written, with the text of the official client. The error of a stream that failed has the name
 * of the failure, and the failure as its cause.
 */
function check({ streamId, failure, isEnding }: Outbound): void {
  if (failure !== undefined) {
    const { message: _, ...detail } = failure;
    throw Object.assign(streamCompleted(streamId, "ERR_STREAM", streamError(failure)), detail);
  }
  if (isEnding) throw streamCompleted(streamId, "ERR_STATE");
}

function isEmpty({ data }: GroupDataMessage): boolean {
  return data === "" || data === null || (data instanceof ArrayBuffer && data.byteLength === 0);
}

/** Waits for the next thing that a stream comes to: that it is open, or that it is over. */
function wait({ waiting }: Outbound, signal: AbortSignalLike | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const abort = () => settle(failed(Outcome.Aborted, signal!.reason));
    const settle = (error?: Error) => {
      waiting.delete(settle);
      signal?.removeEventListener("abort", abort);
      if (error) reject(error);
      else resolve();
    };
    waiting.add(settle);
    if (signal?.aborted) return abort();
    signal?.addEventListener("abort", abort);
  });
}

function settleWaiting({ waiting }: Outbound, error?: Error): void {
  for (const settle of waiting) settle(error);
}
