/** The parts of Node's `Buffer` in use. It is read from the global object, so that no bundler adds a substitute. */
export interface HostBuffer {
  readonly Buffer?: {
    from(
      bytes: ArrayBufferLike,
      at?: number,
      length?: number,
    ): { toString(encoding: "base64"): string; write(text: string, encoding: "latin1"): number };
  };
}

/** Decodes standard base64. */
export function decodeBase64(text: string): Uint8Array<ArrayBuffer> {
  const native = (Uint8Array as { fromBase64?: (text: string) => Uint8Array<ArrayBuffer> }).fromBase64;
  if (native !== undefined) {
    return native.call(Uint8Array, text);
  }
  const binary = atob(text);
  const bytes = new Uint8Array(binary.length);
  // In Node 24 and older, `atob` and a latin1 copy take half as long as Node's own base64.
  const { Buffer } = globalThis as HostBuffer;
  if (Buffer !== undefined) {
    Buffer.from(bytes.buffer).write(binary, "latin1");
    return bytes;
  }
  for (let index = 0; index < bytes.length; index++) {
    bytes[index] = binary.charCodeAt(index);
  }
  return bytes;
}
