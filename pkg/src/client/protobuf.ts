// The subprotocols `protobuf.webpubsub.azure.v1` and `protobuf.reliable.webpubsub.azure.v1`: every frame is one message
// of the package `azure.webpubsub`. Tags are those of its newest proto file.

import { bytesOf } from "./base64.js";
import type { DownstreamMessage, GroupStateItem, Id, UpstreamMessage } from "./messages.js";
import type { WebPubSubClientProtocol } from "./protocol.js";

/**
 * The protocol `protobuf.webpubsub.azure.v1`. Bytes travel as they are, a quarter smaller than in JSON. It does not tell
 * who sent a message.
 *
 * @example
 * ```ts
 * import { WebPubSubClient } from "webpubsub-edge/client";
 * import { WebPubSubProtobufReliableProtocol } from "webpubsub-edge/client/protobuf";
 *
 * const chat = new WebPubSubClient("wss://name.webpubsub.azure.com/client/hubs/chat?access_token=...", {
 *   protocol: WebPubSubProtobufReliableProtocol(),
 * });
 * console.log(chat.status); // stopped
 * ```
 */
export const WebPubSubProtobufProtocol = (): WebPubSubClientProtocol => protobuf("protobuf.webpubsub.azure.v1", false);

/** The protocol `protobuf.reliable.webpubsub.azure.v1`: the same, and nothing is lost or doubled. */
export const WebPubSubProtobufReliableProtocol = (): WebPubSubClientProtocol =>
  protobuf("protobuf.reliable.webpubsub.azure.v1", true);

function protobuf(name: string, isReliableSubProtocol: boolean): WebPubSubClientProtocol {
  return { name, isReliableSubProtocol, parseMessages, writeMessage };
}

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true });
const NOTHING = new Uint8Array();

function writeMessage(message: UpstreamMessage): ArrayBuffer {
  const [tag, ...fields] = envelope(message);
  return bytes(tag, concat(fields)).buffer;
}

/** The tag of the message in its envelope, and its fields. */
function envelope(message: UpstreamMessage): [tag: number, ...fields: Uint8Array[]] {
  switch (message.kind) {
    case "sendToGroup": {
      const { stream } = message;
      return [
        1,
        text(1, message.group),
        number(2, message.ackId),
        stream === undefined ? payload(3, message.dataType ?? "json", message.data) : NOTHING,
        number(4, message.noEcho ? 1 : undefined),
        number(5, message.ttlSeconds),
        ...strings(6, message.metadata),
        stream === undefined ? NOTHING : bytes(7, concat([text(1, stream.streamId), number(2, stream.idleTimeoutInMs)])),
      ];
    }
    case "sendEvent":
      return [
        5,
        text(1, message.event),
        payload(2, message.dataType, message.data),
        number(3, message.ackId),
        ...strings(4, message.metadata),
      ];
    case "joinGroup":
      return [6, text(1, message.group), number(2, message.ackId)];
    case "leaveGroup":
      return [7, text(1, message.group), number(2, message.ackId)];
    case "sequenceAck":
      return [8, number(1, message.sequenceId)];
    case "ping":
      return [9];
    case "invoke":
      return [10, text(1, message.event), text(2, message.invocationId), payload(3, message.dataType, message.data)];
    case "cancelInvocation":
      return [11, text(1, message.invocationId)];
    case "streamData":
      return [
        13,
        text(1, message.streamId),
        number(2, message.streamSequenceId),
        message.dataType === undefined ? NOTHING : payload(3, message.dataType, message.data),
      ];
    case "streamEnd": {
      const { error } = message;
      const told = error && bytes(2, concat([text(1, error.message), text(2, error.userErrorCode)]));
      return [14, text(1, message.streamId), told ?? NOTHING];
    }
    case "setGroupState": {
      const { state } = message;
      return [15, text(1, message.group), number(2, message.ackId), state ? bytes(3, concat(strings(1, state))) : NOTHING];
    }
    case "subscribeGroupState":
      return [16, text(1, message.group), number(2, message.ackId)];
    case "unsubscribeGroupState":
      return [17, text(1, message.group), number(2, message.ackId)];
  }
}

function payload(tag: number, dataType: string, data: unknown): Uint8Array {
  switch (dataType) {
    case "text":
      if (typeof data !== "string") throw new TypeError(`A text message must be a string, not ${typeof data}.`);
      return bytes(tag, text(1, data));
    case "json": {
      const json = JSON.stringify(data) as string | undefined;
      if (json === undefined) throw new TypeError(`JSON cannot carry ${typeof data}.`);
      return bytes(tag, text(4, json));
    }
    case "binary":
      return bytes(tag, bytes(2, bytesOf(data)));
    case "protobuf":
      return bytes(tag, bytes(3, bytesOf(data)));
    default:
      throw new TypeError(`The data type must be json, text, binary or protobuf, not ${dataType}.`);
  }
}

function strings(tag: number, map: Readonly<Record<string, string>> = {}): Uint8Array[] {
  return Object.entries(map).map(([name, value]) => bytes(tag, concat([text(1, name), text(2, value)])));
}

function text(tag: number, value: string | undefined): Uint8Array {
  return value === undefined ? NOTHING : bytes(tag, encoder.encode(value));
}

function number(tag: number, value: Id | undefined): Uint8Array {
  return value === undefined ? NOTHING : concat([varint(tag << 3), varint(value)]);
}

function bytes(tag: number, value: Uint8Array): Uint8Array<ArrayBuffer> {
  return concat([varint((tag << 3) | 2), varint(value.length), value]);
}

function varint(value: Id): Uint8Array {
  const groups: number[] = [];
  let rest = BigInt(value);
  for (; rest > 0x7fn; rest >>= 7n) groups.push(Number(rest & 0x7fn) | 0x80);
  return Uint8Array.of(...groups, Number(rest));
}

function concat(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** The fields of a message by their tags, each with all its values. */
class Fields {
  readonly #values = new Map<number, (Id | Uint8Array)[]>();

  constructor(bytes: Uint8Array) {
    let at = 0;
    const varint = (): Id => {
      let value = 0n;
      for (let shift = 0n; ; shift += 7n) {
        const byte = bytes[at++];
        if (byte === undefined) throw new TypeError("The frame ends within a number.");
        // The tenth byte has room for one bit.
        if (shift > 63n || (shift === 63n && byte > 1)) throw new TypeError("The frame has a number of more than 64 bits.");
        value |= BigInt(byte & 0x7f) << shift;
        if (byte < 0x80) return value > Number.MAX_SAFE_INTEGER ? BigInt.asUintN(64, value) : Number(value);
      }
    };
    while (at < bytes.length) {
      const key = Number(varint());
      if (key < 8) throw new TypeError("The frame has a field with the number 0.");
      let value: Id | Uint8Array = 0;
      const type = key & 7;
      if (type === 0) {
        value = varint();
      } else {
        const length = type === 2 ? Number(varint()) : type === 1 ? 8 : type === 5 ? 4 : Infinity;
        if (length > bytes.length - at) throw new TypeError("The frame ends within a field.");
        value = bytes.subarray(at, (at += length));
      }
      const values = this.#values.get(key >>> 3);
      if (values === undefined) this.#values.set(key >>> 3, [value]);
      else values.push(value);
    }
  }

  number(tag: number): Id | undefined {
    const value = this.#values.get(tag)?.at(-1);
    return value instanceof Uint8Array ? undefined : value;
  }

  flag(tag: number): boolean {
    return Number(this.number(tag) ?? 0) !== 0;
  }

  bytes(tag: number): Uint8Array | undefined {
    const value = this.#values.get(tag)?.at(-1);
    return value instanceof Uint8Array ? value : undefined;
  }

  text(tag: number): string | undefined {
    const value = this.bytes(tag);
    return value && decoder.decode(value);
  }

  message(tag: number): Fields | undefined {
    const value = this.bytes(tag);
    return value && new Fields(value);
  }

  messages(tag: number): Fields[] {
    return (this.#values.get(tag) ?? []).flatMap((value) => (value instanceof Uint8Array ? new Fields(value) : []));
  }

  /** A map of strings, or nothing for an empty one. */
  strings(tag: number): Record<string, string> | undefined {
    const entries = this.messages(tag).map((entry) => [entry.text(1) ?? "", entry.text(2) ?? ""] as const);
    return entries.length === 0 ? undefined : Object.fromEntries(entries);
  }

  /** `name` and `message` of an error. */
  error(tag: number): { name: string; message: string } | undefined {
    const error = this.message(tag);
    return error && { name: error.text(1) ?? "", message: error.text(2) ?? "" };
  }
}

function parseMessages(input: string | ArrayBuffer): DownstreamMessage | null {
  if (typeof input === "string") throw new TypeError("A protobuf protocol has no text frames.");
  const envelope = new Fields(new Uint8Array(input));
  for (const [tag, read] of Object.entries(READERS)) {
    const message = envelope.message(Number(tag));
    // Members that are absent are left out.
    if (message !== undefined) return present(read(message)) as unknown as DownstreamMessage | null;
  }
  return null;
}

type Members = Record<string, unknown> | null;

/** What reads each message of the envelope, by its tag. */
const READERS: Readonly<Record<number, (message: Fields) => Members>> = {
  1: (ack) => ({ kind: "ack", ackId: ack.number(1) ?? 0, success: ack.flag(2), error: ack.error(3) }),
  2: data,
  3: (system) => {
    const connected = system.message(1);
    const disconnected = system.message(2);
    if (connected) {
      const [connectionId, userId, reconnectionToken] = [1, 2, 3].map((tag) => connected.text(tag));
      return { kind: "connected", connectionId, userId, reconnectionToken };
    }
    return disconnected ? { kind: "disconnected", message: disconnected.text(2) ?? "" } : null;
  },
  4: () => ({ kind: "pong" }),
  5: (response) => ({
    kind: "invokeResponse",
    invocationId: response.text(1),
    success: response.flag(2),
    ...content(response.message(3)),
    error: response.error(4),
  }),
  6: (ack) => ({ kind: "streamAck", streamId: ack.text(1), expectedSequenceId: ack.number(2) ?? 0 }),
  7: (nack) => ({
    kind: "streamNack",
    streamId: nack.text(1),
    name: nack.text(2),
    message: nack.text(3),
    expectedSequenceId: nack.number(4) ?? 0,
  }),
  8: (closed) => ({ kind: "streamClosed", streamId: closed.text(1), error: closed.error(2) }),
  9: (update) => ({ kind: "groupStateUpdate", group: update.text(1), items: update.messages(2).map(stateItem), sequenceId: update.number(3) }),
  10: (snapshot) => ({
    kind: "groupStateSnapshot",
    group: snapshot.text(1),
    items: snapshot.messages(2).map(stateItem),
    sequenceId: snapshot.number(3),
  }),
};

function data(message: Fields): Members {
  const from = message.text(1);
  if (from !== "group" && from !== "server") return null;
  const metadata = message.strings(5);
  const stream = message.message(6);
  // The last part of a stream and a message of metadata alone may have no data.
  const payload = content(message.message(3)) ?? (metadata || stream ? { dataType: "text", data: "" } : undefined);
  if (payload === undefined) throw new TypeError("The frame has a message without data.");
  return {
    kind: `${from}Data`,
    group: message.text(2),
    ...payload,
    sequenceId: message.number(4),
    metadata,
    stream: stream && streamInfo(stream),
  };
}

function streamInfo(stream: Fields): Members {
  const error = stream.message(4);
  return present({
    streamId: stream.text(1),
    streamSequenceId: stream.number(2) ?? 0,
    endOfStream: stream.flag(3) || undefined,
    error: error && present({ name: error.text(1), message: error.text(2), userErrorCode: error.text(3) }),
  });
}

function stateItem(item: Fields): GroupStateItem {
  const updatedAt = item.number(4) ?? 0;
  // A negative time is read as a number above 2^63.
  if (typeof updatedAt === "bigint") throw new TypeError("The frame has a state with an invalid time.");
  return present({
    connectionId: item.text(1),
    userId: item.text(2),
    state: item.message(3)?.strings(1) ?? (item.message(3) && {}),
    updatedAt,
  }) as unknown as GroupStateItem;
}

/** Reads a payload, which may be empty. Returns `undefined` when there is none. */
function content(data: Fields | undefined): { dataType: string; data: unknown } | undefined {
  const [text, json] = [data?.text(1), data?.text(4)];
  const [binary, any] = [data?.bytes(2), data?.bytes(3)];
  if (text !== undefined) return { dataType: "text", data: text };
  if (json !== undefined) return { dataType: "json", data: JSON.parse(json) as unknown };
  if (binary !== undefined) return { dataType: "binary", data: binary.slice().buffer };
  return any && { dataType: "protobuf", data: any.slice().buffer };
}

/** Without the members that are absent. */
function present(members: Members): Members {
  return members && Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined));
}
