import { typeError, WebPubSubError } from "./errors.js";
import { kindOf, text } from "./text.js";

/** A message as it goes out. */
export interface Body {
  contentType: "text/plain" | "application/json" | "application/octet-stream";
  bytes: Uint8Array<ArrayBuffer>;
}

const MAX_BYTES = 1024 * 1024;

const encoder = new TextEncoder();

/**
 * Turns a message into bytes, by the rules of the official SDK: bytes are binary, all else is JSON unless it is to be text.
 * At once, but for a Blob and a stream.
 */
export function toBody(message: unknown, contentType: unknown, signal?: AbortSignal): Body | Promise<Body> {
  if (contentType !== undefined && contentType !== "text/plain") {
    throw typeError("ERR_MESSAGE_TYPE", 'contentType can only be "text/plain"; leave it out for JSON and binary messages.');
  }
  if (contentType === "text/plain") {
    if (typeof message !== "string") {
      throw typeError("ERR_MESSAGE_TYPE", `With contentType "text/plain" the message must be a string, not ${kindOf(message)}.`);
    }
    if (message.length > MAX_BYTES) {
      throw tooLarge();
    }
    return sized("text/plain", encode(text(message, "The text message", "ERR_MESSAGE_TYPE")));
  }
  const binary = toBytes(message, signal);
  if (binary === undefined) {
    return jsonBody(message);
  }
  const body = (bytes: Uint8Array<ArrayBuffer>) => sized("application/octet-stream", bytes);
  return binary instanceof Uint8Array ? body(binary) : binary.then(body);
}

/** A body of JSON. */
export function jsonBody(value: unknown): Body {
  return sized("application/json", encode(toJson(value)));
}

function sized(contentType: Body["contentType"], bytes: Uint8Array<ArrayBuffer>): Body {
  if (bytes.byteLength > MAX_BYTES) {
    throw tooLarge();
  }
  return { contentType, bytes };
}

function encode(message: string): Uint8Array<ArrayBuffer> {
  return encoder.encode(message);
}

function toJson(message: unknown): string {
  const json = JSON.stringify(message) as string | undefined;
  if (json === undefined) {
    throw typeError("ERR_MESSAGE_TYPE", `The message is ${kindOf(message)}, which JSON cannot hold.`);
  }
  return json;
}

/** The bytes of a binary message, or undefined for one that is not binary. Told by what it can do, not by its class, which differs between realms. */
function toBytes(
  message: unknown,
  signal: AbortSignal | undefined,
): Uint8Array<ArrayBuffer> | Promise<Uint8Array<ArrayBuffer>> | undefined {
  if (typeof message !== "object" || message === null) {
    return undefined;
  }
  const binary = message as Partial<Blob & ReadableStream<Uint8Array>>;
  if (ArrayBuffer.isView(message)) {
    return copied(new Uint8Array(message.buffer, message.byteOffset, message.byteLength));
  }
  if (/^\[object (Shared)?ArrayBuffer\]$/.test(Object.prototype.toString.call(message))) {
    return copied(new Uint8Array(message as ArrayBuffer));
  }
  if (typeof binary.arrayBuffer === "function" && typeof binary.size === "number") {
    if (binary.size > MAX_BYTES) {
      throw tooLarge();
    }
    return Promise.resolve(binary.arrayBuffer()).then((buffer) => new Uint8Array(buffer));
  }
  if (typeof binary.getReader === "function") {
    return readAll(message as ReadableStream<Uint8Array>, signal);
  }
  return undefined;
}

/** A copy, so that what the caller writes later does not change what is sent again; and no shared memory, which fetch refuses. */
function copied(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  if (bytes.byteLength > MAX_BYTES) {
    throw tooLarge();
  }
  return new Uint8Array(bytes);
}

async function readAll(stream: ReadableStream<Uint8Array>, signal: AbortSignal | undefined): Promise<Uint8Array<ArrayBuffer>> {
  const reader = stream.getReader();
  signal?.addEventListener("abort", () => void reader.cancel(signal.reason).catch(() => undefined), { once: true });
  const chunks: Uint8Array[] = [];
  let length = 0;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) {
        break;
      }
      if (!ArrayBuffer.isView(value)) {
        throw typeError("ERR_MESSAGE_TYPE", `A stream must give bytes (Uint8Array), not ${kindOf(value)}.`);
      }
      length += value.byteLength;
      if (length > MAX_BYTES) {
        throw tooLarge();
      }
      chunks.push(value);
    }
  } catch (error) {
    await reader.cancel(error).catch(() => undefined);
    throw error;
  }
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.byteLength;
  }
  return bytes;
}

function tooLarge(): WebPubSubError {
  return new WebPubSubError("ERR_MESSAGE_TOO_LARGE", "The message is too large: the service takes at most 1 MiB (1048576 bytes) in one message.");
}

