// One suite, over the package as `npm pack` makes it, in every runtime.

import { copyFile, readdir, readFile } from "node:fs/promises";
import path from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { installPacked } from "../packed.mjs";
import { freePort } from "../ports.mjs";
import { RUNTIMES } from "./runtimes.mjs";
import { startServer } from "./server.mjs";

const here = path.dirname(fileURLToPath(import.meta.url));
const cases = await recordedCases();

let packed;
let server;
let given;

before(async () => {
  server = await startServer();
  const vectors = JSON.parse(await readFile(path.join(here, "../vectors/tokens.json"), "utf8"));
  given = { origin: server.origin, closedOrigin: `http://127.0.0.1:${await freePort()}`, vectors, cases };
  packed = await installPacked();
  for (const file of await readdir(here)) {
    await copyFile(path.join(here, file), path.join(packed.folder, file));
  }
});

after(async () => {
  await server?.close();
  await packed?.remove();
});

for (const [name, { skip, run, namesRefusal = false }] of Object.entries(RUNTIMES)) {
  test(name, { skip }, async (t) => report(t, await run(packed.folder, { ...given, namesRefusal })));
}

/** Each result is a test. No case is left out anywhere; one that cannot hold in a runtime would be named here. */
async function report(t, results) {
  for (const { name, error } of results) {
    await t.test(name, () => {
      if (error !== undefined) {
        throw new Error(error);
      }
    });
  }
}

/** The cases that a connection string answers. */
async function recordedCases() {
  const lines = await readFile(path.join(here, "../cases/token.jsonl"), "utf8");
  return lines
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line))
    .filter(({ inputs }) => inputs.connectionString !== undefined || inputs.connectionStrings !== undefined);
}
