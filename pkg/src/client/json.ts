// The subprotocols `json.webpubsub.azure.v1` and `json.reliable.webpubsub.azure.v1`: every frame is one JSON object.

import { bytesOf, decodeBase64, encodeBase64 } from "./base64.js";
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

function parseMessages(input: string | ArrayBuffer): DownstreamMessage | null {
  if (typeof input !== "string") {
    throw new TypeError("A JSON protocol has no binary frames.");
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
  if ((frame["sequenceId"] as number) > Number.MAX_SAFE_INTEGER || (frame["ackId"] as number) > Number.MAX_SAFE_INTEGER) {
    readLargeIds(frame, input);
  }
  return kind.endsWith("Data") || (kind === "invokeResponse" && frame["dataType"] != null) ? withPayload(frame) : (frame as never);
}

function kindOf({ type, event, from }: Frame): string | undefined {
  switch (type) {
    case "message":
      return from === "group" || from === "server" ? `${from}Data` : undefined;
    case "system":
      return event === "connected" || event === "disconnected" ? event : undefined;
    case "ack":
    case "pong":
    case "invokeResponse":
    case "streamAck":
    case "streamNack":
    case "streamClosed":
    case "groupStateSnapshot":
    case "groupStateUpdate":
      return type;
    default:
      return undefined;
  }
}

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
  switch (message.kind) {
    case "sendEvent":
      return (
        begin("event") +
        member("event", message.event) +
        member("ackId", message.ackId) +
        payload(message.dataType, message.data) +
        member("metadata", message.metadata) +
        "}"
      );
    case "sendToGroup": {
      const { stream } = message;
      return (
        begin("sendToGroup") +
        member("group", message.group) +
        member("ackId", message.ackId) +
        member("noEcho", message.noEcho) +
        (stream === undefined ? payload(message.dataType ?? "json", message.data) : "") +
        member("ttlSeconds", message.ttlSeconds) +
        member("metadata", message.metadata) +
        member("stream", stream && { streamId: stream.streamId, idleTimeoutMs: stream.idleTimeoutInMs }) +
        "}"
      );
    }
    case "invoke":
      return (
        begin("invoke") +
        member("invocationId", message.invocationId) +
        member("target", message.target) +
        member("event", message.event) +
        payload(message.dataType, message.data) +
        "}"
      );
    case "streamData":
      return (
        begin("streamData") +
        member("streamId", message.streamId) +
        member("streamSequenceId", message.streamSequenceId) +
        (message.dataType === undefined ? "" : payload(message.dataType, message.data)) +
        "}"
      );
    default: {
      // The members stand in the order that they are named in; the rest are as the message has them.
      const { kind, ackId, sequenceId, ...rest } = message as { kind: string; ackId?: unknown; sequenceId?: unknown };
      let frame = begin(kind) + member("sequenceId", sequenceId);
      for (const [name, value] of Object.entries(rest)) {
        frame += member(name, value);
      }
      return `${frame}${member("ackId", ackId)}}`;
    }
  }
}

function begin(type: string): string {
  return `{"type":"${type}"`;
}

/** A member of a frame, or nothing for one that is absent. Ids may be `bigint`, which `JSON.stringify` refuses. */
function member(name: string, value: unknown): string {
  return value === undefined ? "" : `,"${name}":${typeof value === "bigint" ? value : JSON.stringify(value)}`;
}

function payload(dataType: string, data: unknown): string {
  return `${member("dataType", dataType)},"data":${content(dataType, data)}`;
}

function content(dataType: string, data: unknown): string {
  switch (dataType) {
    case "text":
      if (typeof data !== "string") {
        throw new TypeError(`A text message must be a string, not ${typeof data}.`);
      }
      return JSON.stringify(data);
    case "json": {
      const text = JSON.stringify(data) as string | undefined;
      if (text === undefined) {
        throw new TypeError(`JSON cannot carry ${typeof data}.`);
      }
      return text;
    }
    case "binary":
    case "protobuf":
      return `"${encodeBase64(bytesOf(data))}"`;
    default:
      throw new TypeError(`The data type must be json, text, binary or protobuf, not ${dataType}.`);
  }
}
