// What a bundle weighs: minified by esbuild under the conditions of Workers, compressed with gzip -9, wasm counted.

import { gzipSync } from "node:zlib";
import { readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

export const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "..");

/** What a Worker that mints and sends should weigh. */
export const GOAL = 12_000;

/** The sizes that were committed last, in bytes. tests/packaging/size.test.mjs compares the build with them. */
export const SIZES_FILE = path.join(root, "bench/sizes.json");
export const sizes = JSON.parse(readFileSync(SIZES_FILE, "utf8"));

const OURS = path.join(root, "pkg/dist/entrypoints/workerd.js");

const CLIENT = path.join(root, "pkg/dist/entrypoints/client.js");
const PROTOBUF = path.join(root, "pkg/dist/entrypoints/client-protobuf.js");

/** Everything of the client, without protobuf and with it, and the official client, whose protobuf is a package of its own with a library below it. */
export const clients = {
  json: `export * from ${JSON.stringify(CLIENT)};`,
  protobuf: `export * from ${JSON.stringify(CLIENT)}; export * from ${JSON.stringify(PROTOBUF)};`,
  official: 'export * from "@azure/web-pubsub-client";',
};

/** For a page: the conditions of browsers. */
export const PAGE = { conditions: [], platform: "browser" };

/** A Worker that mints and sends, with our package. */
export const mintsAndSends = worker(OURS);

/** The same with further exports of ours in use. */
export function withAlso(...names) {
  return `${mintsAndSends}\nexport { ${names.join(", ")} } from ${JSON.stringify(OURS)};`;
}

/** A Worker that mints and sends with a package that has the official API. */
export function worker(from) {
  return `import { WebPubSubServiceClient } from ${JSON.stringify(from)};
export default {
  async fetch(request, env) {
    const client = new WebPubSubServiceClient(env.CONNECTION_STRING, "hub");
    await client.sendToAll({ text: "hello" });
    return Response.json(await client.getClientAccessToken({ userId: "ann" }));
  },
};`;
}

/** Bundles a module with esbuild's `build`; gives the bytes of each output, compressed and not, and of each input. */
export async function weigh(build, contents, options = {}) {
  const { outputFiles, metafile } = await build({
    stdin: { contents, resolveDir: path.join(root, "bench") },
    bundle: true,
    minify: true,
    format: "esm",
    write: false,
    metafile: true,
    outdir: "out",
    conditions: ["workerd", "worker", "browser"],
    loader: { ".wasm": "copy" },
    logLevel: "error",
    ...options,
  });
  const files = outputFiles.map(({ path: file, contents }) => ({
    kind: path.extname(file).slice(1),
    raw: contents.length,
    gzip: gzip(contents),
  }));
  const inputs = Object.values(metafile.outputs)
    .flatMap(({ inputs }) => Object.entries(inputs))
    .map(([file, { bytesInOutput }]) => ({ file: path.basename(file), raw: bytesInOutput }))
    .sort((a, b) => b.raw - a.raw);
  return { files, inputs, gzip: files.reduce((sum, file) => sum + file.gzip, 0) };
}

export function gzip(bytes) {
  return gzipSync(bytes, { level: 9 }).length;
}

/** The sections of a wasm module that weigh something, compressed each by itself. */
export function sections(file) {
  const bytes = readFileSync(file);
  const names = ["custom", "type", "import", "function", "table", "memory", "global", "export", "start", "element", "code", "data"];
  const found = [];
  for (let at = 8; at < bytes.length; ) {
    const name = names[bytes[at]] ?? String(bytes[at]);
    const { value: length, next } = leb(bytes, at + 1);
    const content = bytes.subarray(next, next + length);
    found.push({ name, raw: length, gzip: gzip(content) });
    at = next + length;
  }
  return found;
}

/** The sizes of the functions of a module with names, summed by what `groupOf` makes of a name. */
export function functions(file, groupOf) {
  const bytes = readFileSync(file);
  const names = new Map();
  const sizes = [];
  let imported = 0;
  for (let at = 8; at < bytes.length; ) {
    const id = bytes[at];
    const { value: length, next: start } = leb(bytes, at + 1);
    at = start + length;
    if (id === 2) imported = importedFunctions(bytes, start);
    if (id === 10) {
      let { value: count, next } = leb(bytes, start);
      while (count-- > 0) {
        const body = leb(bytes, next);
        sizes.push(body.value);
        next = body.next + body.value;
      }
    }
    if (id === 0) readNames(bytes, start, at, names);
  }
  const groups = new Map();
  sizes.forEach((size, index) => {
    const group = groupOf(names.get(index + imported) ?? "");
    groups.set(group, (groups.get(group) ?? 0) + size);
  });
  return [...groups].sort((a, b) => b[1] - a[1]);
}

function importedFunctions(bytes, start) {
  // Our module imports nothing: a count above zero would need the kinds read too.
  const { value } = leb(bytes, start);
  if (value !== 0) throw new Error("the module imports something");
  return 0;
}

function readNames(bytes, start, end, names) {
  const text = (from, length) => bytes.toString("utf8", from, from + length);
  let { value: length, next } = leb(bytes, start);
  if (text(next, length) !== "name") return;
  for (let at = next + length; at < end; ) {
    const kind = bytes[at];
    const section = leb(bytes, at + 1);
    at = section.next + section.value;
    if (kind !== 1) continue;
    let entry = leb(bytes, section.next);
    for (let left = entry.value; left > 0; left--) {
      const index = leb(bytes, entry.next);
      const name = leb(bytes, index.next);
      names.set(index.value, text(name.next, name.value));
      entry = { next: name.next + name.value };
    }
  }
}

/** A LEB128 number and where it ends. */
function leb(bytes, at) {
  let value = 0;
  for (let shift = 0; ; shift += 7) {
    const byte = bytes[at++];
    value += (byte & 0x7f) * 2 ** shift;
    if (byte < 0x80) return { value, next: at };
  }
}
