// `webpubsub-edge/emulator` where it cannot run: bundlers take it, and `startEmulator` says where it can run.

import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import path from "node:path";
import { after, before, test } from "node:test";
import { EdgeVM } from "@edge-runtime/vm";
import { bundle, installPacked, serveWorkerd } from "../packed.mjs";

const HERE = /^ERR_RUNTIME: startEmulator cannot run here: .* Call it in Node, Deno or Bun, .* `npx webpubsub-edge emulator`/;
const KEY = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789ABCDEFGH";

let packed;
before(async () => {
  packed = await installPacked();
  const file = (name, lines) => writeFile(path.join(packed.folder, name), lines.join("\n"));
  await file("try.js", [
    'import { EMULATOR_ACCESS_KEY, startEmulator } from "webpubsub-edge/emulator";',
    "export const tried = () => startEmulator({ port: 0 }).then(() => 'it runs', ({ code, message }) => `${code}: ${message}`);",
    "export const key = EMULATOR_ACCESS_KEY;",
  ]);
  await file("worker.js", ['import { key, tried } from "./try.js";', "export default { fetch: async () => Response.json([key, await tried()]) };"]);
  await file("edge.js", ['import { key, tried } from "./try.js";', "globalThis.result = tried().then((said) => [key, said]);"]);
});
after(() => packed?.remove());

test("in workerd", async (t) => {
  const { origin, stop } = await serveWorkerd(packed.folder, "worker.js");
  t.after(stop);
  const [key, said] = await (await fetch(origin)).json();
  assert.equal(key, KEY);
  assert.match(said, HERE);
});

test("in an edge runtime", async () => {
  const { outputFiles } = await bundle(packed.folder, "edge.js", { outdir: "edge", conditions: ["edge-light"], format: "iife", write: false });
  const vm = new EdgeVM();
  vm.evaluate(outputFiles[0].text);
  const [key, said] = await vm.evaluate("result");
  assert.equal(key, KEY);
  assert.match(said, HERE);
});

test("in a browser's bundle, which holds nothing of the emulator", async () => {
  const { outputFiles } = await bundle(packed.folder, "try.js", { outdir: "page", platform: "browser", write: false });
  const { text } = outputFiles[0];
  assert.ok(text.length < 5_000, `${text.length} bytes`);
  const { tried } = await import(`data:text/javascript,${encodeURIComponent(text)}`);
  assert.match(await tried(), HERE);
});

test("in Node with the modules for browsers, as in Jest with jsdom, it says which option to set", async (t) => {
  const { outputFiles } = await bundle(packed.folder, "try.js", { outdir: "page", platform: "browser", write: false });
  const { tried } = await import(`data:text/javascript,${encodeURIComponent(`/* again */${outputFiles[0].text}`)}`);
  globalThis.HTMLElement = class {};
  t.after(() => delete globalThis.HTMLElement);
  assert.match(await tried(), /^ERR_RUNTIME: .* testEnvironmentOptions: \{ customExportConditions: \["node"\] \}/);
});
