// The subprotocols `json.webpubsub.azure.v1` and `json.reliable.webpubsub.azure.v1`: every frame is one JSON object.

import { decodeBase64 } from "../wasm/base64.js";
import { bytesOf, encodeBase64 } from "./base64.js";
import { checkText } from "./checks.js";
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

/**
 * The two most frequent frames as the service writes them: an ack, and a message up to its payload, or to its end when the
 * payload is a short string. The strings in it have no escapes. It takes a quarter of the time of `JSON.parse`.
 */
const FREQUENT =
  /^\{"type":"(?:ack","ackId":\d{1,15},"success":true\}$|message","from":"(?:server"|group","group":"([^"\\\x00-\x1f]*)","fromUserId":(?:null|"([^"\\\x00-\x1f]*)")),"dataType":"(\w+)","data":(?:"([^"\\\x00-\x1f]{0,99})"(?:,"sequenceId":[1-9]\d{0,14})?\}$)?)/;

/** How much stands around the number of an ack, and what before that of a message. */
const BEFORE_ACK_ID = '{"type":"ack","ackId":'.length;
const BEHIND_ACK_ID = ',"success":true}'.length;
const SEQUENCE_ID = ',"sequenceId":';

/**
 * Learned from the frames so far, of all clients: whether members follow the payload. Then they are looked for first, for an
 * exception costs more than the look.
 */
let hasMore = false;

function parseMessages(input: string | ArrayBuffer): DownstreamMessage | null {
  // Bytes are no JSON as a string: a JSON protocol has no binary frames.
  input = String(input);
  const found = FREQUENT.exec(input);
  if (found !== null) {
    if (found[3] === undefined) {
      return { kind: "ack", ackId: numberIn(input, BEFORE_ACK_ID, input.length - BEHIND_ACK_ID), success: true };
    }
    try {
      const frame = readFrequent(input, found);
      if (frame !== undefined) return withPayload(frame);
    } catch {
      // `JSON.parse` knows better what is wrong, or reads what is not that frequent.
      hasMore = true;
    }
  }
  const frame = JSON.parse(input) as Frame;
  // Throws for what is no object.
  const type = "type" in frame ? frame["type"] : "";
  const kind = type === "message" ? `${frame["from"]}Data` : type === "system" ? frame["event"] : type;
  if (typeof kind !== "string" || !KINDS.test(kind)) {
    return null;
  }
  frame["kind"] = kind;
  if (kind === "ack" || kind === "invokeResponse") checkFlag("success", frame["success"]);
  checkFlag("endOfStream", (frame["stream"] as Frame | null | undefined)?.["endOfStream"] ?? false);
  if (isLarge(frame["sequenceId"]) || isLarge(frame["ackId"])) {
    readLargeIds(frame, input);
  }
  return type === "message" || (kind === "invokeResponse" && frame["dataType"] != null) ? withPayload(frame) : (frame as never);
}

/**
 * Reads a message of which only the payload and perhaps the number is left. A frame is valid JSON in one way only: when what
 * stands there for the payload is a JSON value, it is the payload. Throws or gives nothing when anything else stands there.
 */
function readFrequent(input: string, found: RegExpExecArray): Frame | undefined {
  const [group, dataType] = [found[1], found[3]];
  if (!input.endsWith("}")) return undefined;
  let end = input.length - 1;
  let sequenceId: number | undefined;
  // At most 15 digits, to be exact.
  const at = input.indexOf(SEQUENCE_ID, end - SEQUENCE_ID.length - 15);
  if (at >= 0) {
    const from = at + SEQUENCE_ID.length;
    sequenceId = numberIn(input, from, end);
    if (!(sequenceId > 0) || input[from] === "0") return undefined;
    end = at;
  }
  let data: unknown = found[4];
  if (data === undefined) {
    const payload = input.slice(found[0].length, end);
    // What has other members behind the payload, which end as an object, would throw below.
    if (payload.endsWith("}") && (payload[0] !== "{" || (hasMore && payload.includes('},"')))) return undefined;
    data = payload.endsWith('"') && /^[bp]/.test(dataType!) ? payload.slice(1, -1) : JSON.parse(payload);
  }
  const message: Frame =
    group === undefined
      ? { kind: "serverData", type: "message", from: "server", dataType, data }
      : { kind: "groupData", type: "message", from: "group", group, fromUserId: found[2] ?? null, dataType, data };
  if (sequenceId !== undefined) message["sequenceId"] = sequenceId;
  return message;
}

/** A whole number, `NaN` where anything but digits stands. `Number` of a part of a text takes five times as long. */
function numberIn(input: string, from: number, end: number): number {
  let number = 0;
  for (let at = from; at < end; at++) {
    const digit = input.charCodeAt(at) - 48;
    number = digit >= 0 && digit < 10 ? number * 10 + digit : NaN;
  }
  return number;
}

/** What a frame is, if this version knows it. */
const KINDS =
  /^((dis)?connected|groupData|serverData|ack|pong|invokeResponse|stream(Ack|Nack|Closed)|groupState(Snapshot|Update))$/;

/** Reads the payload as its type says. Returns `null` for a type that this version does not know. */
function withPayload(frame: Frame): DownstreamMessage | null {
  if (frame["kind"] === "groupData") checkText(frame["group"]);
  // The last part of a stream and a message of metadata alone may have no data.
  if (frame["data"] === undefined && (frame["stream"] ?? frame["metadata"])) {
    frame["dataType"] = "text";
    frame["data"] = "";
  }
  const data = frame["data"];
  switch ((frame["dataType"] ??= "json")) {
    case "json":
      if (data === undefined) throw new TypeError("A message needs data.");
      break;
    case "text":
      checkText(data);
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

/** Refuses a flag that is not a boolean. */
function checkFlag(name: string, value: unknown): void {
  if (typeof value !== "boolean") throw new TypeError(`${name} must be true or false, not ${JSON.stringify(value)}.`);
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
  let text = JSON.stringify(frameOf(message));
  // Half a character, which only JSON can write. The service would close the connection for it; UTF-8 encoders do as here.
  if (text.includes("\\ud")) text = text.replace(/\\\\|\\ud.../g, (found) => (found[2] ? "\ufffd" : found));
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
        const frame: Frame = { type: "sendToGroup", group, ackId, noEcho, dataType, data: content(dataType, message.data) };
        // A member that is undefined costs as much as one that is not.
        if (ttlSeconds !== undefined) frame["ttlSeconds"] = ttlSeconds;
        if (metadata !== undefined) frame["metadata"] = metadata;
        return frame;
      }
      const { streamId, idleTimeoutInMs } = stream;
      return { type: "sendToGroup", group, noEcho, stream: { streamId, idleTimeoutMs: idleTimeoutInMs } };
    }
    default: {
      const { kind, ...rest } = message;
      const frame: Frame = { type: kind === "sendEvent" ? "event" : kind, ...rest };
      if ("dataType" in rest) frame["data"] = content(rest.dataType!, rest.data);
      return frame;
    }
  }
}

function content(dataType: string, data: unknown): unknown {
  switch (dataType) {
    case "text":
      checkText(data);
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
