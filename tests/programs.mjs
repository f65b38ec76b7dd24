// The runtimes that run on this machine as a program: where each one is, or why it is not here.

import { existsSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

const nodeModules = path.join(path.dirname(fileURLToPath(import.meta.url)), "node_modules");

export const NODE_20 = nodeAt(process.env.NODE20);
export const NODE_22 = nodeAt(path.join(nodeModules, "node-v22/bin/node"));
export const NODE_24 = nodeAt(process.env.NODE24 ?? process.execPath);
export const DENO = found([path.join(nodeModules, "@deno/linux-x64-glibc/deno")], "Deno is installed for Linux on x64 only");
// Where npm runs no scripts, Bun stays in the package of the platform.
export const BUN = found(
  [`@oven/bun-${process.platform}-${process.arch}/bin/bun`, "bun/bin/bun.exe"].map((file) => path.join(nodeModules, file)),
  "npm has no Bun for this platform",
);

function nodeAt(program) {
  return found([program].filter(Boolean), "this Node is installed for Linux on x64 only");
}

function found(candidates, otherwise) {
  const program = candidates.find(existsSync);
  return { program, skip: program === undefined && otherwise };
}
