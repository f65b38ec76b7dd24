// THIRD-PARTY.txt, which the package ships, names everything by others in it, each with its licence.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
import { installPacked } from "../packed.mjs";
import { tests } from "./project.mjs";

const root = path.join(tests, "..");

let packed;
let notice;
before(async () => {
  packed = await installPacked();
  notice = await readFile(path.join(packed.folder, "node_modules/webpubsub-edge/THIRD-PARTY.txt"), "utf8");
});
after(() => packed?.remove());

test("every crate in a wasm module is named", async () => {
  for (const module of ["webpubsub-edge-wasm", "webpubsub-edge-wasm-client", "webpubsub-edge-emulator-wasm"]) {
    const tree = ["tree", "--locked", `--package=${module}`, "--edges=normal,no-proc-macro", "--target=wasm32-unknown-unknown"];
    const { stdout } = await promisify(execFile)("cargo", [...tree, "--prefix=none", "--format={p}"], { cwd: root });
    const crates = stdout.split("\n").flatMap((line) => /^(\S+) v(\S+)(?: \(\*\))?$/.exec(line)?.slice(1).join(" ") ?? []);
    assert.ok(crates.length > 5, module);
    for (const crate of crates) assert.ok(notice.includes(`\n${crate} (crate): `), `${crate} of ${module} is missing`);
  }
  for (const crate of ["serde-wasm-bindgen", "zmij"]) assert.match(notice, new RegExp(`^${crate} \\S+ \\(crate\\): MIT,`, "m"));
  assert.match(notice, /^Rust standard library/m);
});

/** The build uses these, and puts nothing of them into the package. */
const TOOLS = ["@types/node", "binaryen", "esbuild", "typescript"];

test("every bundled npm package is named", async () => {
  const { devDependencies } = JSON.parse(await readFile(path.join(root, "pkg/package.json"), "utf8"));
  const bundled = Object.keys(devDependencies).filter((name) => !TOOLS.includes(name));
  assert.ok(bundled.includes("ws"));
  for (const name of bundled) assert.ok(notice.includes(`\n${name} ${devDependencies[name]} (npm package): `), `${name} is missing`);
});

test("each entry comes with the text of its licence", () => {
  const sections = notice.split(/\n-{80}\n\n/);
  assert.ok(sections.length > 10);
  for (const section of sections) assert.match(section, /Permission is hereby granted|Redistribution and use/);
  const [both] = sections.filter((section) => /^unicode-ident /m.test(section));
  assert.match(both, /Permission is hereby granted[\s\S]*UNICODE LICENSE/, "both licences apply");
  assert.ok(!notice.includes(root), "no path of the machine that built it");
});
