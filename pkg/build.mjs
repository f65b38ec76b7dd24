// Completes dist/ after tsc: the wasm modules, the modules as text for hosts that take no .wasm file, and `ws` for the
// emulator. `cargo xtask build pkg` makes build/ and runs this.
import { chmodSync, copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = (name) => new URL(name, import.meta.url);

for (const folder of ["dist/wasm/", "dist/emulator/wasm/"]) {
  mkdirSync(here(folder), { recursive: true });
}
copyFileSync(here("build/service/webpubsub_edge.wasm"), here("dist/wasm/webpubsub_edge.wasm"));
copyFileSync(here("src/wasm/module.d.ts"), here("dist/wasm/module.d.ts"));
inline("build/service/webpubsub_edge.wasm", "dist/wasm/inline.js");

copyFileSync(here("build/client/webpubsub_edge_client.wasm"), here("dist/wasm/webpubsub_edge_client.wasm"));
writeFileSync(here("dist/wasm/inline-client.js"), `export const text = "${textOf("build/client/webpubsub_edge_client.wasm")}";\n`);

copyFileSync(here("build/emulator/glue.js"), here("dist/emulator/wasm/glue.js"));
inline("build/emulator/emulator.wasm", "dist/emulator/wasm/inline.js");
await bundleWs();

const { version } = JSON.parse(readFileSync(here("package.json"), "utf8"));
writeFileSync(here("dist/cli/version.js"), `export const version = "${version}";\n`);
chmodSync(here("dist/cli/main.js"), 0o755);

for (const licence of ["LICENSE-MIT", "LICENSE-APACHE"]) {
  copyFileSync(here(`../${licence}`), here(licence));
}

/** Writes a module as the text of a script. */
function inline(module, script) {
  writeFileSync(here(script), `export const base64 = "${readFileSync(here(module)).toString("base64")}";\n`);
}

/**
 * A module as printable text that gzip can read: src/wasm/text.ts reads it. 91 characters stand for themselves, and two
 * more say that the next one is 91 or 182 higher. Quotation mark and backslash are in neither.
 */
function textOf(module) {
  const character = (code) => String.fromCharCode(code + 35 + (code >= 57 ? 1 : 0));
  const codes = Array.from(readFileSync(here(module)), (byte) => (80 - byte) & 255);
  return codes.map((code) => ["", " ", "!"][Math.floor(code / 91)] + character(code % 91)).join("");
}

/** The server of `ws` in one file, with its licence, so that the package depends on nothing. */
async function bundleWs() {
  await build({
    entryPoints: [fileURLToPath(here("node_modules/ws/lib/websocket-server.js"))],
    outfile: fileURLToPath(here("dist/emulator/ws.cjs")),
    bundle: true,
    platform: "node",
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
