// Completes dist/ after tsc: the wasm modules, the modules as text for hosts that take no .wasm file, and `ws` and `asn1js`
// for the emulator. `cargo xtask build pkg` makes build/ and runs this. With the argument `client`, only what the demo page needs.
import { chmodSync, copyFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { isBuiltin } from "node:module";
import { fileURLToPath } from "node:url";
import { deflateRawSync } from "node:zlib";
import { build } from "esbuild";

const here = (name) => new URL(name, import.meta.url);

mkdirSync(here("dist/wasm/"), { recursive: true });
if (process.argv[2] !== "client") await buildOthers();
copyFileSync(here("build/client/webpubsub_edge_client.wasm"), here("dist/wasm/webpubsub_edge_client.wasm"));
writeFileSync(here("dist/wasm/inline-client.js"), textOf(readFileSync(here("build/client/webpubsub_edge_client.wasm"))));

/** Everything but the client. */
async function buildOthers() {
  copyFileSync(here("build/service/webpubsub_edge.wasm"), here("dist/wasm/webpubsub_edge.wasm"));
  copyFileSync(here("src/globals.d.ts"), here("dist/globals.d.ts"));
  copyFileSync(here("src/wasm/module.d.ts"), here("dist/wasm/module.d.ts"));
  inline(readFileSync(here("build/service/webpubsub_edge.wasm")), "dist/wasm/inline.js");

  mkdirSync(here("dist/emulator/wasm/"), { recursive: true });
  await wrapGlue();
  // Where it runs there is zlib, and it is large.
  inline(deflateRawSync(readFileSync(here("build/emulator/emulator.wasm")), { level: 9 }), "dist/emulator/wasm/inline.js");
  await bundleWs();
  await bundleAsn1();

  const { version } = JSON.parse(readFileSync(here("package.json"), "utf8"));
  writeFileSync(here("dist/cli/version.js"), `export const version = "${version}";\n`);
  chmodSync(here("dist/cli/main.js"), 0o755);

  for (const licence of ["LICENSE-MIT", "LICENSE-APACHE"]) {
    copyFileSync(here(`../${licence}`), here(licence));
  }
}

/** Writes bytes as the text of a script. */
function inline(bytes, script) {
  writeFileSync(here(script), `export const base64 = "${bytes.toString("base64")}";\n`);
}

/**
 * Bytes as printable text, and the table that src/wasm/text.ts reads it with: the 91 most frequent bytes are a character
 * each, and two more characters say that the next one is 91 or 182 further in the table. Quotation mark and backslash
 * are none of them. What is frequent in the bytes is what is frequent in scripts, so that one code of gzip serves both.
 */
function textOf(bytes) {
  const characters = Array.from({ length: 91 }, (_, index) => String.fromCharCode(index + 35 + (index >= 57 ? 1 : 0)));
  const script = readdirSync(here("dist/client/"))
    .filter((name) => name.endsWith(".js"))
    .map((name) => readFileSync(here(`dist/client/${name}`), "latin1"))
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
  const table = Buffer.from(known).toString("base64");
  return `export const text = "${text}";\nexport const table = "${table}";\n`;
}

/** Makes each `require` of a module of Node an import, which bundlers can put into any module. */
function importBuiltins({ onResolve, onLoad }) {
  onResolve({ filter: /./ }, ({ path, kind }) => {
    if (kind === "require-call" && isBuiltin(path)) return { path: path.replace(/^(node:)?/, "node:"), namespace: "builtin" };
  });
  onLoad({ filter: /./, namespace: "builtin" }, ({ path }) => ({ contents: `import builtin from "${path}"; module.exports = builtin;` }));
}

/**
 * Makes a function of the bindings of wasm-bindgen, which keep their instance in variables: each call creates bindings of
 * another instance.
 */
async function wrapGlue() {
  const { outputFiles } = await build({
    stdin: { contents: 'export { Emulator, initSync } from "./build/emulator/glue.js";', resolveDir: fileURLToPath(here(".")) },
    bundle: true,
    write: false,
    format: "iife",
    globalName: "glue",
    target: "node20",
    logLevel: "warning",
  });
  writeFileSync(here("dist/emulator/wasm/glue.js"), `export function createGlue() {\n${outputFiles[0].text}return glue;\n}\n`);
}

/** The server of `ws` in one file, with its licence, so that the package depends on nothing. */
async function bundleWs() {
  await build({
    entryPoints: [fileURLToPath(here("node_modules/ws/lib/websocket-server.js"))],
    outfile: fileURLToPath(here("dist/emulator/ws.js")),
    bundle: true,
    platform: "node",
    format: "esm",
    plugins: [{ name: "import-builtins", setup: importBuiltins }],
    target: "node20",
    // Its native parts are not here; and Deno would ask for the right to read these variables.
    define: { "process.env.WS_NO_BUFFER_UTIL": "true", "process.env.WS_NO_UTF_8_VALIDATE": "true" },
    minifySyntax: true,
    legalComments: "none",
    banner: { js: "// ws, bundled; its licence is in LICENSE-ws beside this file." },
    logLevel: "warning",
  });
  copyFileSync(here("node_modules/ws/LICENSE"), here("dist/emulator/LICENSE-ws"));
}

/** The classes of `asn1js` that certificates need, in one file, with its licence and that of its dependency. */
async function bundleAsn1() {
  const classes = "BitString, Boolean, Constructed, fromBER, Integer, ObjectIdentifier, OctetString, Primitive, Sequence, Set, UTCTime, Utf8String";
  await build({
    stdin: { contents: `export { ${classes} } from "asn1js";`, resolveDir: fileURLToPath(here(".")) },
    outfile: fileURLToPath(here("dist/emulator/asn1.js")),
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node20",
    // third-party.mjs finds bundled packages by the comments that name their files, so white space stays.
    minifySyntax: true,
    legalComments: "none",
    banner: { js: "// asn1js, bundled; its licence is in LICENSE-asn1js beside this file." },
    logLevel: "warning",
  });
  const licences = ["asn1js", "@peculiar/utils"].map((name) => `${name}\n\n${readFileSync(here(`node_modules/${name}/LICENSE`), "utf8").trim()}\n`);
  writeFileSync(here("dist/emulator/LICENSE-asn1js"), licences.join("\n---\n\n"));
}
