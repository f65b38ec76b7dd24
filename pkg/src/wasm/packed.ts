// Several values in one text, so that one call carries them all into wasm. A text is its length, a colon, and itself; a
// number is its digits and a colon; a list is the number of its items, and these. No character separates texts, so no
// character in one can make it two. The other side is pkg/wasm/src/packed.rs.

export type Packable = string | number | boolean | readonly string[];

/** Packs values. What is no whole number arrives as 0. */
export function pack(fields: readonly Packable[]): string {
  let packed = "";
  for (const field of fields) {
    if (typeof field === "string") {
      packed += `${field.length}:${field}`;
    } else if (typeof field === "object") {
      packed += `${field.length}:${pack(field)}`;
    } else {
      packed += `${+field}:`;
    }
  }
  return packed;
}
