// Payloads as bytes, and bytes as standard base64 by what the host has, which in Node 24 and older is little: its `btoa`
// takes a string of bytes, and is slower than the loop here. What reads base64 is wasm/base64.ts.

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/** Encodes bytes. */
export function encodeBase64(bytes: Uint8Array): string {
  const native = bytes as { toBase64?: () => string };
  if (native.toBase64 !== undefined) {
    return native.toBase64();
  }
  const codes = new TextEncoder().encode(ALPHABET);
  const text = new Uint8Array(Math.ceil(bytes.length / 3) * 4);
  for (let from = 0, to = 0; from < bytes.length; from += 3) {
    // What lies behind the end counts as zero.
    const bits = (bytes[from]! << 16) | (bytes[from + 1]! << 8) | bytes[from + 2]!;
    text[to++] = codes[bits >> 18]!;
    text[to++] = codes[(bits >> 12) & 63]!;
    text[to++] = codes[(bits >> 6) & 63]!;
    text[to++] = codes[bits & 63]!;
  }
  return new TextDecoder().decode(text.fill(61, text.length - ((3 - (bytes.length % 3)) % 3)));
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

