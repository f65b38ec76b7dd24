// The Edge runtime that Next.js runs locally. It finds the package by the condition `edge-light`, and the module comes
// as Vercel hands it over: compiled before, as the default export of "file.wasm?module".
//
// This is not production: `wasm: false` makes the sandbox refuse to compile bytes, as Vercel does, but its limits of
// size, time and API are not reproduced.

import { readFile } from "node:fs/promises";
import path from "node:path";
import { EdgeVM } from "@edge-runtime/vm";
import { bundle } from "../packed.mjs";

/** Runs the suite of a runner in the folder, and gives its results. */
export async function runEdgeLight(folder, runner, given) {
  let module;
  const compiledBefore = {
    name: "compiled-before",
    setup(build) {
      build.onLoad({ filter: /\.wasm$/ }, async ({ path: file, suffix }) => {
        if (suffix !== "?module") return undefined;
        module = new WebAssembly.Module(await readFile(file));
        return { contents: "export default globalThis.compiledModule;" };
      });
    },
  };
  await bundle(folder, runner, { conditions: ["edge-light", "worker"], format: "iife", outdir: "edge-light", plugins: [compiledBefore] });
  const vm = new EdgeVM({
    codeGeneration: { strings: false, wasm: false },
    extend: (context) => Object.assign(context, { compiledModule: module }),
  });
  vm.evaluate(await readFile(path.join(folder, "edge-light/main.js"), "utf8"));
  return JSON.parse(await vm.context.run(JSON.stringify(given)));
}
