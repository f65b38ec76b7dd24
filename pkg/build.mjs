// Completes dist/ after tsc: the wasm modules, and each as text for hosts that take no .wasm file.
// `cargo xtask build pkg` makes build/ and runs this.
import { copyFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";

const from = (name) => new URL(`build/${name}`, import.meta.url);
const to = (name) => new URL(`dist/wasm/${name}`, import.meta.url);

mkdirSync(to(""), { recursive: true });
copyFileSync(from("webpubsub_edge.wasm"), to("webpubsub_edge.wasm"));
copyFileSync(new URL("src/wasm/module.d.ts", import.meta.url), to("module.d.ts"));
const text = readFileSync(from("webpubsub_edge.wasm")).toString("base64");
writeFileSync(to("inline.js"), `export const base64 = "${text}";\n`);
copyFileSync(from("webpubsub_edge_client.wasm"), to("webpubsub_edge_client.wasm"));
writeFileSync(to("inline-client.js"), textOf(readFileSync(from("webpubsub_edge_client.wasm"))));
for (const licence of ["LICENSE-MIT", "LICENSE-APACHE"]) {
  copyFileSync(new URL(`../${licence}`, import.meta.url), new URL(licence, import.meta.url));
}

/**
 * Bytes as printable text, and the table that src/wasm/text.ts reads it with: the 91 most frequent bytes are a character
 * each, and two more characters say that the next one is 91 or 182 further in the table. Quotation mark and backslash
 * are none of them. What is frequent in the bytes is what is frequent in scripts, so that one code of gzip serves both.
 */
function textOf(bytes) {
  const characters = Array.from({ length: 91 }, (_, index) => String.fromCharCode(index + 35 + (index >= 57 ? 1 : 0)));
  const script = readdirSync(new URL("dist/client/", import.meta.url))
    .filter((name) => name.endsWith(".js"))
    .map((name) => readFileSync(new URL(`dist/client/${name}`, import.meta.url), "latin1"))
    .join("");
  const byFrequency = (values, all) => {
    const counts = new Map(values.map((value) => [value, 0]));
    for (const value of all) counts.set(value, (counts.get(value) ?? 0) + 1);
    return values.toSorted((a, b) => counts.get(b) - counts.get(a));
  };
  const frequent = byFrequency(Array.from({ length: 256 }, (_, byte) => byte), bytes).slice(0, 91);
  const favoured = byFrequency(characters, script);
  const known = characters.map((character) => frequent[favoured.indexOf(character)]);
  const all = [...new Set([...known, ...Array(256).keys()])];
  const codes = Array.from(bytes, (byte) => all.indexOf(byte));
  const text = codes.map((code) => ["", " ", "!"][Math.floor(code / 91)] + characters[code % 91]).join("");
  const table = known.map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return `export const text = "${text}";\nexport const table = "${table}";\n`;
}
