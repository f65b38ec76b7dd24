/** The number of characters in use: those from 35 to 126 without the backslash. */
const SINGLE = 91;

/**
 * Decodes bytes from printable text (`textOf` in build.mjs). Unlike base64, the text compresses as well as the bytes do.
 *
 * @param table - The byte of each character, in base64. The other bytes follow in their order.
 */
export function bytesOfText(text: string, table: string): Uint8Array<ArrayBuffer> {
  const known = new Set(Array.from(atob(table), (character) => character.charCodeAt(0)));
  for (let byte = 0; byte < 256; byte++) known.add(byte);
  const all = [...known];
  const bytes = new Uint8Array(text.length);
  let length = 0;
  let shift = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    // A blank or an exclamation mark moves the next character to the second or third part of the table.
    if (code < 35) {
      shift = (code - 31) * SINGLE;
    } else {
      bytes[length++] = all[code - 35 - Number(code > 92) + shift]!;
      shift = 0;
    }
  }
  return bytes.slice(0, length);
}
