import { bytesOf } from "../client/base64.js";
import type { BinaryData, JSONTypes, Payload, WebPubSubDataType } from "../client/messages.js";
import type { AbortSignal } from "../globals.js";
import { typeError, WebPubSubError } from "../service/errors.js";
import { kindOf, text } from "../service/text.js";

/**
 * What a client asks the event handler of its hub: `sendEvent`, `invokeEvent`, or a frame of a client without a
 * subprotocol. Look at `dataType`, and TypeScript knows what `data` is.
 */
export type EmulatorEvent<Message = JSONTypes> = Payload<Message> & {
  /** The hub, in lower case. */
  readonly hub: string;
  /** The connection that asks. */
  readonly connectionId: string;
  /** Its user; absent when it is anonymous. */
  readonly userId?: string;
  /** The name of the event; `message` for a client without a subprotocol. */
  readonly name: string;
  /** Whether it is an invocation: then the reply is its result, and no message. */
  readonly isInvocation: boolean;
  /** What the client attached. */
  readonly metadata: Readonly<Record<string, string>>;
  /**
   * Aborted when nobody waits for the reply any more: the invocation was cancelled, the connection is gone, 100 seconds
   * have passed, or the emulator was stopped.
   */
  readonly abortSignal: AbortSignal;
};

/** A reply that says what it is. */
export type EmulatorEventPayload =
  | { readonly dataType: "json"; readonly data: JSONTypes }
  | { readonly dataType: "text"; readonly data: string }
  | { readonly dataType: "binary" | "protobuf"; readonly data: BinaryData };

/**
 * What a handler may reply: nothing (`undefined`), a string, which is text, an `ArrayBuffer` or a view of one, which is
 * binary, or any other value, `null` too, which is JSON. An object that has `data` and `dataType` and nothing else is
 * taken at its word, so JSON of that very form has to be given as `{ dataType: "json", data: { ... } }`.
 */
export type EmulatorEventReply = EmulatorEventPayload | BinaryData | JSONTypes | undefined | void;

/**
 * Answers events and invocations. Handlers of several events run side by side. What one throws is told to the client
 * that asked, as far as it is safe: the message, without URLs, keys and tokens.
 */
export type EmulatorEventHandler<Message = JSONTypes> = (
  event: EmulatorEvent<Message>,
) => EmulatorEventReply | Promise<EmulatorEventReply>;

/** An event as it comes from the service. Its bytes are only good until the service goes on. */
export interface AskedEvent {
  hub: string;
  id: number;
  connectionId: string;
  userId: string | undefined;
  name: string;
  isInvocation: boolean;
  dataType: WebPubSubDataType;
  data: Uint8Array;
  /** Names and values in turn. */
  metadata: string[];
}

/** Where answers go. */
export interface Answers {
  reply(hub: string, id: number, dataType?: WebPubSubDataType, data?: Uint8Array): void;
  fail(hub: string, id: number, message: string): void;
  log(line: string): void;
}

/** A longer message of an error is cut. */
const MAX_MESSAGE_LENGTH = 500;

/** The handlers of hubs, and what they were asked. */
export class EventHandlers {
  readonly #answers: Answers;
  readonly #handlers = new Map<string, { handler: EmulatorEventHandler<never> }>();
  /** What ends the wait for an answer, by hub and id. */
  readonly #asked = new Map<string, AbortController>();

  constructor(answers: Answers) {
    this.#answers = answers;
  }

  /** Adds the handler of a hub, and gives what removes it and says whether it was there. */
  add(hub: string, handler: EmulatorEventHandler<never>): () => boolean {
    if (typeof handler !== "function") {
      throw typeError("ERR_ARGUMENT_TYPE", `The handler of the hub ${hub} must be a function, not ${kindOf(handler)}.`);
    }
    if (this.#handlers.has(hub)) {
      throw new WebPubSubError("ERR_STATE", `The hub ${hub} has an event handler: remove it by the function that onEvent returned.`);
    }
    const entry = { handler };
    this.#handlers.set(hub, entry);
    return () => this.#handlers.get(hub) === entry && this.#handlers.delete(hub);
  }

  /** Calls the handler: later, when the service is done with what it was told. */
  ask({ data: bytes, metadata, userId, id, ...asked }: AskedEvent): void {
    const { hub, name, dataType } = asked;
    const entry = this.#handlers.get(hub);
    const data = bytes.slice();
    const key = keyOf(hub, id);
    const aborter = new AbortController();
    this.#asked.set(key, aborter);
    const answer = async () => {
      try {
        const event = {
          ...asked,
          ...(userId !== undefined && { userId }),
          data: decode(dataType, data),
          metadata: Object.fromEntries(pairs(metadata)),
          abortSignal: aborter.signal,
        };
        const reply = encode(await entry!.handler(event as EmulatorEvent<never>));
        if (this.#asked.delete(key)) this.#answers.reply(hub, id, reply?.dataType, reply?.data);
      } catch (error) {
        const message = safeMessage(error);
        this.#answers.log(`the handler of the hub ${hub} failed on the event ${name}: ${message}`);
        if (this.#asked.delete(key)) this.#answers.fail(hub, id, message);
      }
    };
    queueMicrotask(() => void answer());
  }

  /** Nobody waits for this answer any more. */
  over(hub: string, id: number): void {
    const key = keyOf(hub, id);
    const aborter = this.#asked.get(key);
    this.#asked.delete(key);
    // Later, as what listens may do anything.
    if (aborter !== undefined) queueMicrotask(() => aborter.abort());
  }

  /** Nobody waits for any answer any more. */
  stop(): void {
    const aborters = [...this.#asked.values()];
    this.#asked.clear();
    this.#handlers.clear();
    for (const aborter of aborters) aborter.abort();
  }
}

function keyOf(hub: string, id: number): string {
  return `${id} ${hub}`;
}

/** What comes as names and values in turn. */
function* pairs(flat: string[]): Generator<[string, string]> {
  for (let at = 0; at + 1 < flat.length; at += 2) yield [flat[at]!, flat[at + 1]!];
}

function decode(dataType: WebPubSubDataType, data: Uint8Array): unknown {
  if (dataType === "binary" || dataType === "protobuf") return data.buffer;
  const string = new TextDecoder("utf-8", { ignoreBOM: true }).decode(data);
  return dataType === "json" ? JSON.parse(string) : string;
}

/** @throws `TypeError` or `WebPubSubError` for a reply that cannot be sent. */
function encode(reply: EmulatorEventReply): { dataType: WebPubSubDataType; data: Uint8Array } | undefined {
  if (reply === undefined) return undefined;
  const { dataType, data } = payloadOf(reply);
  switch (dataType) {
    case "text":
      return { dataType, data: new TextEncoder().encode(text(data, "The text of a reply", "ERR_MESSAGE_TYPE")) };
    case "json": {
      const json = JSON.stringify(data) as string | undefined;
      if (json === undefined) {
        throw typeError("ERR_MESSAGE_TYPE", `A reply cannot be a ${typeof data}, for which JSON has nothing.`);
      }
      return { dataType, data: new TextEncoder().encode(json) };
    }
    default:
      return { dataType, data: bytesOf(data) };
  }
}

function payloadOf(reply: unknown): { dataType: WebPubSubDataType; data: unknown } {
  if (typeof reply === "string") return { dataType: "text", data: reply };
  if (reply instanceof ArrayBuffer || ArrayBuffer.isView(reply)) return { dataType: "binary", data: reply };
  return isPayload(reply) ? reply : { dataType: "json", data: reply };
}

const DATA_TYPES: readonly unknown[] = ["text", "json", "binary", "protobuf"] satisfies WebPubSubDataType[];

function isPayload(reply: unknown): reply is { dataType: WebPubSubDataType; data: unknown } {
  return (
    typeof reply === "object" &&
    reply !== null &&
    Object.keys(reply).length === 2 &&
    Object.hasOwn(reply, "data") &&
    DATA_TYPES.includes((reply as { dataType?: unknown }).dataType)
  );
}

/** What a client may be told of what a handler threw: no URL, key or token may stand in it. */
function safeMessage(thrown: unknown): string {
  const message = typeof thrown === "string" ? thrown : messageOf(thrown);
  const safe = message
    // First, so that what follows takes no time that matters.
    .slice(0, MAX_MESSAGE_LENGTH)
    .replace(/\bAccessKey=[^;\s"']*/gi, "AccessKey=(hidden)")
    .replace(/[a-z][a-z0-9+.-]*:\/\/[^\s"'<>)]*/gi, "(a URL)")
    .replace(/\beyJ[\w-]{8,}(\.[\w-]*){0,2}/g, "(a token)")
    .trim();
  return safe === "" ? "The event handler failed." : safe;
}

function messageOf(thrown: unknown): string {
  try {
    return String((thrown as { message?: unknown }).message ?? "");
  } catch {
    return "";
  }
}
