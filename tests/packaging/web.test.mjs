// Bundlers for the web: each builds a page, and Chromium loads it.

import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { describe, test } from "node:test";
import { promisify } from "node:util";
import webpack from "webpack";
import { skip } from "../browser/browser.mjs";
import { withPage } from "../browser/page.mjs";
import { bundle } from "../packed.mjs";
import { assertLean, ENTRA, runTool, useProject } from "./project.mjs";

const PAGE = '<script type="module" src="/main.js"></script>';
/** Lets the page of a folder do what every project does. */
const inPage = (folder) => (given) => withPage(folder, (page) => page.evaluate((given) => globalThis.use(given), given));

describe("Vite", () => {
  const project = useProject("vite");

  test("builds a page that works", { skip }, async () => {
    await runTool("node_modules/vite/bin/vite.js", ["build", "--logLevel=warn"], project.folder);
    await assertLean(project, "dist");
    await project.works(inPage(project.file("dist")));
  });
});

describe("webpack", () => {
  const project = useProject("webpack");

  test("builds a page that works", { skip }, async () => {
    const { default: config } = await import(project.file("webpack.config.mjs"));
    const stats = await promisify(webpack)({ ...config, context: project.folder, output: { ...config.output, path: project.file("dist") } });
    // The module as text is large for a page, and webpack says so.
    const warnings = stats.compilation.warnings.filter(({ name }) => !/SizeWarning|NoAsyncChunksWarning/.test(name));
    assert.deepEqual([stats.compilation.errors, warnings], [[], []]);
    await assertLean(project, "dist");
    await writeFile(project.file("dist/index.html"), PAGE);
    await project.works(inPage(project.file("dist")));
  });
});

describe("esbuild", () => {
  const project = useProject("esbuild");

  test("for browsers builds a page that works", { skip }, async () => {
    await bundle(project.folder, "page.js", { outdir: "page", minify: true });
    await assertLean(project, "page");
    await writeFile(project.file("page/index.html"), PAGE);
    await project.works(inPage(project.file("page")));
  });

  test("for no platform builds a module that works", async () => {
    await bundle(project.folder, "neutral.js", { outdir: "neutral", platform: "neutral", minify: true });
    await assertLean(project, "neutral");
    const { use } = await import(project.file("neutral/main.js"));
    await project.works(use);
  });

  test("keeps the credentials of Entra ID where they are used", async () => {
    await bundle(project.folder, "entra.js", { outdir: "entra", minify: true });
    assert.ok((await readFile(project.file("entra/main.js"), "utf8")).includes(ENTRA));
  });
});
