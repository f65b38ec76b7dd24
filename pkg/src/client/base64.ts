// Payloads as bytes, and bytes as standard base64, by what is fastest in the host. What reads base64 is wasm/base64.ts.

import type { HostBuffer } from "../wasm/base64.js";

/** Encodes bytes. */
export function encodeBase64(bytes: Uint8Array): string {
  const native = bytes as { toBase64?: () => string };
  if (native.toBase64 !== undefined) {
    return native.toBase64();
  }
  // Node 24 and older.
  const { Buffer } = globalThis as HostBuffer;
  if (Buffer !== undefined) {
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("base64");
  }
  let binary = "";
  // A call takes so many arguments.
  for (let at = 0; at < bytes.length; at += 8192) {
    binary += String.fromCharCode(...bytes.subarray(at, at + 8192));
  }
  return btoa(binary);
}

/** The bytes of a payload that has to be bytes. */
export function bytesOf(data: unknown): Uint8Array {
  if (ArrayBuffer.isView(data)) {
    return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  }
  // Told by what it has, not by its class, which differs between realms.
  if ((data as ArrayBuffer | null)?.byteLength! >= 0) {
    return new Uint8Array(data as ArrayBuffer);
  }
  throw new TypeError(`The content must be an ArrayBuffer or a view of one, not ${typeof data}.`);
}

