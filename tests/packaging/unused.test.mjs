// What is not used is not in a bundle: above all the WebAssembly module.

import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
import { gzipSync } from "node:zlib";
import { rolldown } from "rolldown";
import webpack from "webpack";
import { bundle, installPacked } from "../packed.mjs";
import { tests } from "./project.mjs";

let packed;
before(async () => {
  packed = await installPacked(path.join(tests, "target"));
});
after(() => packed?.remove());

/** Bundlers: each writes `out/main.js` for the file main.js of a folder, with the conditions of a host. */
const BUNDLERS = {
  esbuild: (folder, conditions) =>
    // It warns of imports that it ignores.
    bundle(folder, "main.js", { outdir: "out", minify: true, conditions, loader: { ".wasm": "copy" }, logLevel: "error" }),
  rolldown: async (folder, conditionNames) => {
    const build = await rolldown({ cwd: folder, input: "main.js", external: /\.wasm$/, resolve: { conditionNames } });
    await build.write({ file: path.join(folder, "out/main.js"), minify: true });
  },
  webpack: async (folder, conditionNames) => {
    const stats = await promisify(webpack)({
      context: folder,
      entry: "./main.js",
      mode: "production",
      experiments: { outputModule: true },
      output: { path: path.join(folder, "out"), filename: "main.js", library: { type: "module" } },
      performance: { hints: false },
      resolve: { conditionNames },
    });
    assert.deepEqual(stats.compilation.errors, []);
  },
};

const HOSTS = { browser: ["browser", "import", "default"], workerd: ["workerd", "worker", "import", "default"] };

const ROLES = `import { roles } from "webpubsub-edge";
console.log(roles.sendToGroup("news"));`;
const ODATA = 'import { odata } from "webpubsub-edge";\nconsole.log(odata`userId eq ${"ann"}`);';
const PROTOCOL = 'import { WebPubSubClientError } from "webpubsub-edge/client";\nconsole.log(WebPubSubClientError);';
const BARE = `import "webpubsub-edge";
import "webpubsub-edge/client";
import "webpubsub-edge/slim";`;

for (const [bundler, build] of Object.entries(BUNDLERS)) {
  for (const [host, conditions] of Object.entries(HOSTS)) {
    // webpack cannot import a module that is not instantiated, as Workers do.
    if (bundler === "webpack" && host === "workerd") continue;
    /** Bundles a script, and returns the bundle. */
    const bundled = async (script) => {
      await writeFile(path.join(packed.folder, "main.js"), script);
      await build(packed.folder, conditions);
      return readFile(path.join(packed.folder, "out/main.js"), "utf8");
    };
    const assertSmall = (code, most) => {
      const { length } = gzipSync(code, { level: 9 });
      assert.doesNotMatch(code, /WebAssembly|\.wasm\b/);
      assert.ok(length < most, `${length} bytes: ${code.slice(0, 500)}`);
    };

    test(`${bundler} for ${host}: roles, filters and errors do not bring the module`, async () => {
      assertSmall(await bundled(ROLES), 2000);
      assertSmall(await bundled(ODATA), 2000);
      assertSmall(await bundled(PROTOCOL), 2000);
    });

    test(`${bundler} for ${host}: an import of nothing is nothing`, async () => {
      assertSmall(await bundled(BARE), 200);
    });
  }
}

test("an import compiles nothing", async () => {
  const { Module, Instance, compile, instantiate } = WebAssembly;
  const refuse = () => assert.fail("something was compiled");
  Object.assign(WebAssembly, { Module: refuse, Instance: refuse, compile: refuse, instantiate: refuse });
  try {
    const at = (entry) => path.join(packed.folder, `node_modules/webpubsub-edge/dist/${entry}.js`);
    const { roles } = await import(at("entrypoints/index"));
    await import(at("entrypoints/client"));
    await import(at("emulator/index"));
    assert.equal(roles.sendToGroup("news"), "webpubsub.sendToGroup.news");
  } finally {
    Object.assign(WebAssembly, { Module, Instance, compile, instantiate });
  }
});
