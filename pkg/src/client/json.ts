// The subprotocols `json.webpubsub.azure.v1` and `json.reliable.webpubsub.azure.v1`: every frame is one JSON object.

import { decodeBase64 } from "../wasm/base64.js";
import { bytesOf, encodeBase64 } from "./base64.js";
import type { DownstreamMessage, UpstreamMessage } from "./messages.js";
import type { WebPubSubClientProtocol } from "./protocol.js";

/**
 * The protocol `json.webpubsub.azure.v1`: a lost connection is replaced by a new one, and what was sent meanwhile is
 * lost.
 */
export const WebPubSubJsonProtocol = (): WebPubSubClientProtocol => json("json.webpubsub.azure.v1", false);

/**
 * The protocol `json.reliable.webpubsub.azure.v1`, the default: a lost connection is recovered, and nothing is lost or
 * doubled.
 */
export const WebPubSubJsonReliableProtocol = (): WebPubSubClientProtocol => json("json.reliable.webpubsub.azure.v1", true);

function json(name: string, isReliableSubProtocol: boolean): WebPubSubClientProtocol {
  return { name, isReliableSubProtocol, parseMessages, writeMessage };
}

/** The objects of the wire, whose members are not to be trusted. */
type Frame = { [member: string]: unknown };

/** How the service writes the ack that is by far the most frequent: reading it at a glance makes a send cost a fifth less. */
const ACK = '{"type":"ack","ackId":';
const SUCCESS = ',"success":true}';

function parseMessages(input: string | ArrayBuffer): DownstreamMessage | null {
  if (typeof input !== "string") {
    throw new TypeError("A JSON protocol has no binary frames.");
  }
  if (input.startsWith(ACK) && input.endsWith(SUCCESS)) {
    const id = input.slice(ACK.length, -SUCCESS.length);
    // Short enough to be exact, and no other form of a number.
    if (/^\d{1,15}$/.test(id)) return { kind: "ack", ackId: +id, success: true };
  }
  const frame = JSON.parse(input) as Frame;
  if (typeof frame !== "object" || frame === null) {
    throw new TypeError("A frame must be a JSON object.");
  }
  const kind = kindOf(frame);
  if (kind === undefined) {
    return null;
  }
  frame["kind"] = kind;
  if (isLarge(frame["sequenceId"]) || isLarge(frame["ackId"])) {
    readLargeIds(frame, input);
  }
  return frame["type"] === "message" || (kind === "invokeResponse" && frame["dataType"] != null) ? withPayload(frame) : (frame as never);
}

function kindOf({ type, event, from }: Frame): string | undefined {
  switch (type) {
    case "message":
      return from === "group" || from === "server" ? `${from}Data` : undefined;
    case "system":
      return event === "connected" || event === "disconnected" ? event : undefined;
    default:
      return KINDS.test(type as string) ? (type as string) : undefined;
  }
}

/** The types that are kinds by the same name. */
const KINDS = /^(ack|pong|invokeResponse|stream(Ack|Nack|Closed)|groupState(Snapshot|Update))$/;

/** The payload as its type says; `null` for a type that this version does not know. */
function withPayload(frame: Frame): DownstreamMessage | null {
  const data = frame["data"];
  switch ((frame["dataType"] ??= "json")) {
    case "json":
      break;
    case "text":
      if (typeof data !== "string") {
        throw new TypeError("A text message must hold a string.");
      }
      break;
    case "binary":
    case "protobuf":
      frame["data"] = decodeBase64(data as string).buffer;
      break;
    default:
      return null;
  }
  return frame as never;
}

function isLarge(id: unknown): boolean {
  return typeof id === "number" && id > Number.MAX_SAFE_INTEGER;
}

/** A number of JSON is a double here, so a large id is read again from the text, where long numbers become strings. */
function readLargeIds(frame: Frame, input: string): void {
  const token = /"(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*/g;
  const exact = JSON.parse(input.replace(token, (text) => (/^\d{16,}$/.test(text) ? `"${text}"` : text))) as Frame;
  for (const name of ["sequenceId", "ackId"]) {
    if (typeof frame[name] === "number" && typeof exact[name] === "string") {
      const id = BigInt(exact[name]);
      frame[name] = id > Number.MAX_SAFE_INTEGER ? id : Number(id);
    }
  }
}

function writeMessage(message: UpstreamMessage): string {
  const { ackId, sequenceId } = message as { ackId?: unknown; sequenceId?: unknown };
  if (typeof ackId === "bigint") return writeLargeId(message, "ackId", ackId);
  if (typeof sequenceId === "bigint") return writeLargeId(message, "sequenceId", sequenceId);
  const text = JSON.stringify(frameOf(message));
  const { dataType, data } = message as { dataType?: string; data?: unknown };
  if (dataType !== "binary" && dataType !== "protobuf") return text;
  // Nothing in base64 needs an escape: it is put in where there is room for it, and not looked at.
  const at = text.indexOf(DATA) + DATA.length;
  return text.slice(0, at) + encodeBase64(bytesOf(data)) + text.slice(at);
}

/** In a string, the quotation marks would have backslashes before them. */
const DATA = '"data":"';

/** `JSON.stringify` refuses a `bigint`. An id stands before everything in which its name could occur once more. */
function writeLargeId(message: UpstreamMessage, name: string, id: bigint): string {
  return writeMessage({ ...message, [name]: 0 } as UpstreamMessage).replace(`"${name}":0`, `"${name}":${id}`);
}

/** The object of the wire, with its members in the order of the official client. Those that are undefined are left out. */
function frameOf(message: UpstreamMessage): object {
  switch (message.kind) {
    case "sendToGroup": {
      const { group, ackId, noEcho, ttlSeconds, metadata, stream } = message;
      if (stream === undefined) {
        const dataType = message.dataType ?? "json";
        return { type: "sendToGroup", group, ackId, noEcho, dataType, data: content(dataType, message.data), ttlSeconds, metadata };
      }
      const { streamId, idleTimeoutInMs } = stream;
      return { type: "sendToGroup", group, noEcho, stream: { streamId, idleTimeoutMs: idleTimeoutInMs } };
    }
    case "sendEvent": {
      const { event, ackId, dataType, data, metadata } = message;
      return { type: "event", event, ackId, dataType, data: content(dataType, data), metadata };
    }
    case "invoke": {
      const { invocationId, target, event, dataType, data } = message;
      return { type: "invoke", invocationId, target, event, dataType, data: content(dataType, data) };
    }
    case "streamData": {
      const { streamId, streamSequenceId, dataType, data } = message;
      return { type: "streamData", streamId, streamSequenceId, dataType, data: dataType && content(dataType, data) };
    }
    default: {
      const { kind, ...rest } = message;
      return { type: kind, ...rest };
    }
  }
}

function content(dataType: string, data: unknown): unknown {
  switch (dataType) {
    case "text":
      if (typeof data !== "string") {
        throw new TypeError(`A text message must be a string, not ${typeof data}.`);
      }
      return data;
    case "json":
      if (data === undefined || typeof data === "function" || typeof data === "symbol") {
        throw new TypeError(`JSON cannot carry ${typeof data}.`);
      }
      return data;
    case "binary":
    case "protobuf":
      return "";
    default:
      throw new TypeError(`The data type must be json, text, binary or protobuf, not ${dataType}.`);
  }
}
