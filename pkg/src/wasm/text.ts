/** How many characters stand for a byte: those from 35 to 126, but for the backslash. */
const SINGLE = 91;

/**
 * Decodes bytes that stand in a script as printable text (`textOf` in build.mjs). gzip finds in it what it would find in
 * the bytes, which it does not in base64: a page pays as much as for a file of its own. `table` has for each character
 * the byte that it stands for, in base64.
 */
export function bytesOfText(text: string, table: string): Uint8Array<ArrayBuffer> {
  const known = new Set(Array.from(atob(table), (character) => character.charCodeAt(0)));
  // The other bytes follow in their order.
  for (let byte = 0; byte < 256; byte++) known.add(byte);
  const all = [...known];
  const bytes = new Uint8Array(text.length);
  let length = 0;
  let shift = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    // A blank or an exclamation mark: the next character is of the second or third part of the bytes.
    if (code < 35) {
      shift = (code - 31) * SINGLE;
    } else {
      bytes[length++] = all[code - 35 - Number(code > 92) + shift]!;
      shift = 0;
    }
  }
  return bytes.slice(0, length);
}
