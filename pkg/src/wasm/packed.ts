// Packs several values into one text, so that one call carries them all into wasm. pkg/wasm/src/packed.rs reads them, and
// describes the format.

export type Packable = string | number | boolean | readonly string[];

/** Packs values. A number that is not whole arrives as 0. */
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
