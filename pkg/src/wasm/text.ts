/** Bytes are counted down from here, so that frequent ones fall on letters that are frequent in scripts as well. */
const FIRST = 80;

/**
 * Decodes bytes that stand in a script as printable text (`textOf` in build.mjs). gzip finds in it what it would find in
 * the bytes, which it does not in base64: a page pays as much as for a file of its own.
 */
export function bytesOfText(text: string): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(text.length);
  let length = 0;
  let shift = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code < 35) {
      // A blank or an exclamation mark: the next character is of the second or third part of the bytes.
      shift = (code - 31) * 91;
    } else {
      // The backslash is left out.
      bytes[length++] = FIRST - (code - 35 - Number(code > 92) + shift);
      shift = 0;
    }
  }
  return bytes.slice(0, length);
}
