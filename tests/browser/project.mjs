// A copy of what wrangler serves, so that a test can change the page's files without disturbing others.

import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { root } from "../harness.mjs";

/** The local Worker as it is built, and www/. Only what wrangler.toml calls to build is left out. */
export async function copyProject() {
  const folder = await mkdtemp(path.join(tmpdir(), "webpubsub-edge-project-"));
  for (const part of ["www", "worker/build/local"]) {
    await cp(path.join(root, part), path.join(folder, part), { recursive: true });
  }
  const settings = await readFile(path.join(root, "wrangler.toml"), "utf8");
  await writeFile(path.join(folder, "wrangler.toml"), settings.replaceAll(/^command = .*$/gm, 'command = "node --version"'));
  return { folder, remove: () => rm(folder, { recursive: true, force: true, maxRetries: 5 }) };
}
