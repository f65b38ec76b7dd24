// Writes THIRD-PARTY.txt: the licences of everything by others in the package. `cargo xtask build pkg` runs it after the
// build, because it looks for bundled npm packages in dist/.

import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";

const here = (name) => new URL(name, import.meta.url);

const MODULES = ["webpubsub-edge-wasm", "webpubsub-edge-wasm-client", "webpubsub-edge-emulator-wasm"];
const TARGET = "wasm32-unknown-unknown";

const MIT = `Copyright (c) HOLDER

Permission is hereby granted, free of charge, to any person obtaining a copy
of this software and associated documentation files (the "Software"), to deal
in the Software without restriction, including without limitation the rights
to use, copy, modify, merge, publish, distribute, sublicense, and/or sell
copies of the Software, and to permit persons to whom the Software is
furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all
copies or substantial portions of the Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR
IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY,
FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE
AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER
LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM,
OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE
SOFTWARE.`;

writeFileSync(here("THIRD-PARTY.txt"), notice([standardLibrary(), ...crates(), ...npmPackages()]));

/** The standard library, which cargo does not list. It is compiled into every module. */
function standardLibrary() {
  const sysroot = execFileSync(process.env.RUSTC ?? "rustc", ["--print", "sysroot"], { encoding: "utf8" }).trim();
  const library = `${sysroot}/lib/rustlib/src/rust/library`;
  const lock = readFileSync(`${library}/Cargo.lock`, "utf8");
  const version = (name) => new RegExp(`name = "${name}"\nversion = "([^"]+)"`).exec(lock)?.[1];
  const parts = ["compiler_builtins", "dlmalloc", "hashbrown", "cfg-if"].map((name) => `${name} ${version(name) ?? ""}`.trim());
  return {
    name: `Rust standard library, with ${parts.join(", ")}`,
    licence: "MIT OR Apache-2.0",
    source: "https://github.com/rust-lang/rust",
    text: MIT.replace("HOLDER", "The Rust Project Contributors, and the authors of the crates named above"),
  };
}

/** The crates in the modules. Procedural macros run at compile time only, and are in none. */
function crates() {
  const options = ["metadata", "--locked", "--format-version=1", `--filter-platform=${TARGET}`];
  const output = execFileSync(process.env.CARGO ?? "cargo", options, { cwd: fileURLToPath(here("..")), maxBuffer: 2 ** 28 });
  const { packages, resolve } = JSON.parse(output);
  const byId = new Map(packages.map((found) => [found.id, found]));
  const nodes = new Map(resolve.nodes.map((node) => [node.id, node]));
  const isMacro = ({ targets }) => targets.some(({ kind }) => kind.includes("proc-macro"));
  const found = new Set(packages.filter(({ name }) => MODULES.includes(name)).map(({ id }) => id));
  for (const id of found) {
    for (const { pkg, dep_kinds } of nodes.get(id).deps) {
      if (dep_kinds.some(({ kind }) => kind === null) && !isMacro(byId.get(pkg))) found.add(pkg);
    }
  }
  const byOthers = [...found].map((id) => byId.get(id)).filter(({ source }) => source !== null);
  return byOthers.map(({ name, version, license, repository, authors, manifest_path }) => ({
    name: `${name} ${version} (crate)`,
    licence: license,
    source: repository,
    text: licenceIn(dirname(manifest_path), name, license, authors),
  }));
}

/** The npm packages that esbuild has bundled. It names the file in a comment above its code. */
function npmPackages() {
  const scripts = readdirSync(here("dist"), { recursive: true }).filter((name) => name.endsWith(".js"));
  const code = scripts.map((name) => readFileSync(here(`dist/${name}`), "utf8")).join("\n");
  const names = new Set([...code.matchAll(/^\s*\/\/ (?:\.\.\/)*node_modules\/((?:@[^/]+\/)?[^/]+)\//gm)].map(([, name]) => name));
  return [...names].map((name) => {
    const folder = fileURLToPath(here(`node_modules/${name}`));
    const { version, license, repository } = JSON.parse(readFileSync(`${folder}/package.json`, "utf8"));
    return {
      name: `${name} ${version} (npm package)`,
      licence: license,
      source: repository?.url ?? repository,
      text: licenceIn(folder, name, license),
    };
  });
}

/**
 * The text of the licence: that of MIT where there is a choice, and all but Apache's where several apply. A package that
 * offers MIT and ships no text gets the standard one, with its authors as the holders of the copyright.
 */
function licenceIn(folder, name, licence, authors = []) {
  const files = readdirSync(folder).filter((file) => /^(licen[cs]e|copying)/i.test(file));
  const chosen = licence.includes(" AND ")
    ? files.filter((file) => !/apache/i.test(file))
    : [files.find((file) => /mit/i.test(file)) ?? files[0]].filter(Boolean);
  if (chosen.length === 0 && authors.length > 0 && licence.split(/ OR |\//).includes("MIT")) {
    return MIT.replace("HOLDER", () => authors.join(", "));
  }
  if (chosen.length === 0) throw new Error(`${name} has no file with its licence: say in third-party.mjs what to do.`);
  return chosen.map((file) => readFileSync(`${folder}/${file}`, "utf8").trim().replaceAll("\r\n", "\n")).join("\n\n");
}

/** Each text once, below everything that it applies to. */
function notice(components) {
  const byText = new Map(components.map(({ text }) => [text, []]));
  for (const component of components.toSorted((a, b) => (a.name < b.name ? -1 : 1))) byText.get(component.text).push(component);
  const sections = [...byText].map(([text, those]) => {
    const names = those.map(({ name, licence, source }) => `${name}: ${licence}, ${source ?? "no address"}`);
    return `${names.join("\n")}\n\n${text}\n`;
  });
  return `The npm package webpubsub-edge contains code by others: the Rust crates compiled into its WebAssembly modules, and
bundled npm packages. Their licences follow. Where there is a choice of licences, the one below is used.

${sections.join(`\n${"-".repeat(80)}\n\n`)}`;
}
