// Several texts in one string, so that one call carries them all into wasm: each text is its length, a colon, and
// itself. No character separates them, so no character in one can become two. The other side is pkg/wasm/src/packed.rs.

/** Packs texts. An array is its count as a text, then its items. */
export function pack(...fields: (string | readonly string[])[]): string {
  let packed = "";
  for (const field of fields) {
    if (typeof field === "string") {
      packed += `${field.length}:${field}`;
    } else {
      packed += pack(String(field.length), ...field);
    }
  }
  return packed;
}

/** Reads packed texts. */
export function unpack(packed: string): string[] {
  const texts: string[] = [];
  for (let at = 0; at < packed.length; ) {
    const start = packed.indexOf(":", at) + 1;
    const end = start + Number(packed.slice(at, start - 1));
    texts.push(packed.slice(start, end));
    at = end;
  }
  return texts;
}
