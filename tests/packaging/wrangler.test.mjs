// Cloudflare: what wrangler would deploy, run in workerd without a compatibility flag.

import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { test } from "node:test";
import { startWorkerd } from "../packed.mjs";
import { ENTRA, runTool, useProject } from "./project.mjs";

const project = useProject("wrangler");

test("wrangler bundles a Worker that works", async (t) => {
  const said = await runTool("../node_modules/wrangler/bin/wrangler.js", ["deploy", "--dry-run", "--outdir=dist"], project.folder);
  assert.doesNotMatch(said, /warning|nodejs_compat/i);
  const files = await readdir(project.file("dist"));
  assert.equal(files.filter((name) => name.endsWith(".wasm")).length, 1, "the module once, compiled when deploying");
  const script = await readFile(project.file("dist/worker.js"), "utf8");
  assert.ok(!script.includes("AGFzbQ"), "and not as text too");
  assert.ok(!script.includes(ENTRA), "without the credentials of Entra ID, which are not used");

  const workerd = await startWorkerd(project.file("dist"), "worker.js");
  t.after(workerd.stop);
  await project.works(async (given) => (await fetch(workerd.origin, { method: "POST", body: JSON.stringify(given) })).text());
});
