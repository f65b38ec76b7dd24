// Standard base64, by what the host has. A host without the new methods has `atob` and `btoa`, which go by way of a
// string of bytes.

interface Native {
  fromBase64?: (text: string) => Uint8Array<ArrayBuffer>;
  prototype: { toBase64?: (this: Uint8Array) => string };
}

const native = Uint8Array as unknown as Native;

/** As many bytes as can safely be arguments of one call. */
const CHUNK = 8192;

/** Encodes bytes. */
export function encodeBase64(bytes: Uint8Array): string {
  if (native.prototype.toBase64 !== undefined) {
    return native.prototype.toBase64.call(bytes);
  }
  let binary = "";
  for (let start = 0; start < bytes.length; start += CHUNK) {
    binary += String.fromCharCode.apply(null, bytes.subarray(start, start + CHUNK) as unknown as number[]);
  }
  return btoa(binary);
}

/** Decodes to bytes; throws when it is not base64. */
export function decodeBase64(text: string): Uint8Array<ArrayBuffer> {
  if (native.fromBase64 !== undefined) {
    return native.fromBase64(text);
  }
  const binary = atob(text);
  const bytes = new Uint8Array(binary.length);
  for (let index = 0; index < bytes.length; index++) {
    bytes[index] = binary.charCodeAt(index);
  }
  return bytes;
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
  throw new TypeError(`The content must be an ArrayBuffer or a view of one, such as a Uint8Array, not ${typeof data}.`);
}

