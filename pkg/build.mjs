// Completes dist/ after tsc: the wasm modules, and each as text for hosts that take no .wasm file.
// `cargo xtask build pkg` makes build/ and runs this.
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";

const from = (name) => new URL(`build/${name}`, import.meta.url);
const to = (name) => new URL(`dist/wasm/${name}`, import.meta.url);

mkdirSync(to(""), { recursive: true });
copyFileSync(from("webpubsub_edge.wasm"), to("webpubsub_edge.wasm"));
copyFileSync(new URL("src/wasm/module.d.ts", import.meta.url), to("module.d.ts"));
const text = readFileSync(from("webpubsub_edge.wasm")).toString("base64");
writeFileSync(to("inline.js"), `export const base64 = "${text}";\n`);
copyFileSync(from("webpubsub_edge_client.wasm"), to("webpubsub_edge_client.wasm"));
writeFileSync(to("inline-client.js"), `export const text = "${textOf(readFileSync(from("webpubsub_edge_client.wasm")))}";\n`);
for (const licence of ["LICENSE-MIT", "LICENSE-APACHE"]) {
  copyFileSync(new URL(`../${licence}`, import.meta.url), new URL(licence, import.meta.url));
}

/**
 * Bytes as printable text: src/wasm/text.ts reads it. 91 characters stand for themselves, and two more say that the next
 * one is 91 or 182 higher. Quotation mark and backslash are in neither.
 */
function textOf(bytes) {
  const character = (code) => String.fromCharCode(code + 35 + (code >= 57 ? 1 : 0));
  const codes = Array.from(bytes, (byte) => (80 - byte) & 255);
  return codes.map((code) => ["", " ", "!"][Math.floor(code / 91)] + character(code % 91)).join("");
}
