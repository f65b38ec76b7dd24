// `cargo xtask bench size`: what a Worker that mints and sends weighs, where each kilobyte goes, and what the rest costs.

import { readFileSync } from "node:fs";
import path from "node:path";
import { createRequire } from "node:module";
import { build, version } from "esbuild";
import { clients, GOAL, functions, gzip, PAGE, mintsAndSends, root, sections, sizes, weigh, withAlso, worker } from "./weigh.mjs";

const require = createRequire(import.meta.url);
const nodeModules = ["node:*", "crypto", "http", "https", "net", "tls", "os", "util", "url", "stream", "zlib", "events", "assert", "buffer", "process", "path", "fs", "async_hooks", "tty"];

const ours = await weigh(build, mintsAndSends);
const official = await weigh(build, worker("@azure/web-pubsub"), { external: nodeModules });
const { version: officialVersion } = require("@azure/web-pubsub/package.json");

print(`A Worker that mints and sends, esbuild ${version}, minified, Workers conditions, gzip -9`, [
  ["webpubsub-edge", ours.gzip, "", ""],
  ...ours.files.map(({ kind, gzip, raw }) => [`  ${kind}`, gzip, raw, ""]),
  [`@azure/web-pubsub ${officialVersion}`, official.gzip, official.files[0].raw, "and nodejs_compat"],
  ["ratio", (official.gzip / ours.gzip).toFixed(1), "", ""],
]);

const script = ours.files.find(({ kind }) => kind === "js");
print("The JavaScript, by file (gzip: its share)", ours.inputs
  .filter(({ file }) => file.endsWith(".js"))
  .map(({ file, raw }) => [file, Math.round((raw / script.raw) * script.gzip), raw, ""]));

print("The wasm, by section (gzip: by itself)", sections(path.join(root, "pkg/dist/wasm/webpubsub_edge.wasm"))
  .filter(({ raw }) => raw > 100)
  .map(({ name, gzip, raw }) => [name, gzip, raw, ""]));

const named = path.join(root, process.env.CARGO_TARGET_DIR ?? "target", "npm/wasm32-unknown-unknown/npm/webpubsub_edge_wasm.wasm");
print("The wasm's code, by the file it comes from (before wasm-opt, so as the compiler inlined it)", functions(named, source)
  .map(([name, raw]) => [name, "", raw, ""]));

const rows = [];
for (const names of [["AzureKeyCredential"], ["ClientSecretCredential"], ["ClientAssertionCredential"], ["odata"], ["roles"], ["RestError", "AbortError", "WebPubSubError"]]) {
  const { gzip } = await weigh(build, withAlso(...names));
  rows.push([names.join(", "), `+${gzip - ours.gzip}`, "", ""]);
}
print("What each further export costs", rows);
console.log(`\ngoal ${GOAL} bytes: ${ours.gzip <= GOAL ? "reached" : `${ours.gzip - GOAL} above it`}; committed: ${sizes.worker}`);

await weighClients();

async function weighClients() {
  const weights = {};
  for (const [name, contents] of Object.entries(clients)) weights[name] = await weigh(build, contents, PAGE);
  const { json, protobuf, official } = weights;
  print("Everything of the WebSocket client in a page, esbuild, minified, gzip -9, wasm counted", [
    ["webpubsub-edge/client", json.gzip, json.files[0].raw, `committed: ${sizes.client}`],
    ["  with protobuf", protobuf.gzip, protobuf.files[0].raw, `committed: ${sizes.clientWithProtobuf}`],
    [`@azure/web-pubsub-client ${require("@azure/web-pubsub-client/package.json").version}`, official.gzip, official.files[0].raw, "without protobuf and group state"],
  ]);
  const module = readFileSync(path.join(root, "pkg/dist/wasm/webpubsub_edge_client.wasm"));
  print("Its parts, by file (gzip: its share; the module inlined, and the same as a file)", [
    ...json.inputs.filter(({ raw }) => raw > 0).map(({ file, raw: part }) => [file, Math.round((part / json.files[0].raw) * json.gzip), part, ""]),
    ["the module as a file", gzip(module), module.length, ""],
  ]);
}

/** The crate and module in a mangled name: `_RNv…14webpubsub_edge8endpoint…` is `webpubsub_edge::endpoint`. */
function source(name) {
  const parts = [];
  const length = /(\d+)_?(?=[a-z_])/g;
  for (let match = length.exec(name); match !== null; match = length.exec(name)) {
    const part = name.substr(length.lastIndex, Number(match[1]));
    if (/^[a-z_][a-z0-9_]*$/.test(part)) {
      parts.push(part);
      length.lastIndex += part.length;
    }
  }
  const at = parts.findIndex((part) => ["webpubsub_edge", "webpubsub_edge_wasm", "rlsf", "sha2", "hmac", "digest", "base64", "core", "alloc"].includes(part));
  if (at < 0) return name === "" ? "?" : /^(call|input)$/.test(name) ? "the exports, with all that is inlined there" : "std and compiler-builtins";
  return ["core", "alloc"].includes(parts[at]) ? "std and compiler-builtins" : parts.slice(at, at + (parts[at + 1] === "service" ? 3 : 2)).join("::");
}

function print(title, rows) {
  console.log(`\n${title}`);
  console.log(`  ${"".padEnd(44)}${"gzip".padStart(8)}${"raw".padStart(9)}`);
  for (const [name, gzip, raw, note] of rows) {
    console.log(`  ${name.padEnd(44)}${String(gzip).padStart(8)}${String(raw).padStart(9)}  ${note}`.trimEnd());
  }
}
