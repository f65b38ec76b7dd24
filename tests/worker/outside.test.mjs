// The template copied out of the repository builds against the crate as it is published.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { cp, mkdtemp, readFile, readdir, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
import { root } from "../harness.mjs";

const run = promisify(execFile);
const target = path.join(root, "target");

let folder;
before(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "webpubsub-edge-outside-"));
});
after(() => folder && rm(folder, { recursive: true, force: true }));

test("worker/ copied out of the repository builds against the packed crate", async () => {
  await cargo(root, "package", "--package=webpubsub-edge", "--no-verify", "--allow-dirty", "--target-dir", folder);
  const packages = path.join(folder, "package");
  const crate = (await readdir(packages)).find((name) => name.endsWith(".crate"));
  await run("tar", ["xzf", path.join(packages, crate), "-C", folder]);

  const app = path.join(folder, "app");
  await cp(path.join(root, "worker"), app, { recursive: true, filter: (source) => path.basename(source) !== "build" });
  await cp(path.join(root, "Cargo.lock"), path.join(app, "Cargo.lock"));
  // Under a name of its own, as it would have elsewhere, and so that this build does not replace that of the repository.
  const manifest = path.join(app, "Cargo.toml");
  await writeFile(manifest, (await readFile(manifest, "utf8")).replace('name = "webpubsub-edge-worker"', 'name = "my-app"'));

  await cargo(
    app,
    "build",
    "--target=wasm32-unknown-unknown",
    // The dependencies that are compiled already serve again; their profile must then be the same.
    ...["--target-dir", target, "--config", 'profile.dev.debug="line-tables-only"'],
    ...["--config", patch("webpubsub-edge", path.join(folder, crate.replace(/\.crate$/, "")))],
    ...["--config", patch("webpubsub-edge-emulator", path.join(root, "emulator"))],
  );
  const wasm = await stat(path.join(target, "wasm32-unknown-unknown/debug/my_app.wasm"));
  assert.ok(wasm.size > 0);
});

function cargo(cwd, command, ...options) {
  return run(process.env.CARGO ?? "cargo", [command, "--offline", "--quiet", ...options], { cwd });
}

/** Stands in for the version on crates.io. */
function patch(crate, folder) {
  return `patch.crates-io.${crate}.path=${JSON.stringify(folder)}`;
}
