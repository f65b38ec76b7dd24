// One suite, over the package as `npm pack` makes it, in every runtime.

import { spawn } from "node:child_process";
import { copyFile, readdir, readFile } from "node:fs/promises";
import path from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { freePort, installPacked, serveWorkerd } from "../packed.mjs";
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

for (const version of ["20", "24"]) {
  const node = process.env[`NODE${version}`];
  test(`Node ${version}`, { skip: !node && `NODE${version} names no Node ${version}` }, async (t) => {
    await report(t, JSON.parse(await output(node, ["run-node.mjs"], JSON.stringify(given))));
  });
}

test("workerd", async (t) => {
  const workerd = await serveWorkerd(packed.folder, "run-workerd.mjs");
  try {
    const answer = await fetch(workerd.origin, { method: "POST", body: JSON.stringify(given) });
    await report(t, await answer.json());
  } finally {
    workerd.stop();
  }
});

if (cases.length === 0) {
  test.skip("the recorded token cases: shared/cases is not beside this checkout", () => {});
}

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
  let lines;
  try {
    lines = await readFile(path.join(here, "../../../shared/cases/token.jsonl"), "utf8");
  } catch {
    return [];
  }
  return lines
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line))
    .filter(({ inputs }) => inputs.connectionString !== undefined || inputs.connectionStrings !== undefined);
}

/** Runs a program in the folder with an input, and gives what it prints. */
function output(program, args, input) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { cwd: packed.folder, stdio: ["pipe", "pipe", "inherit"] });
    let printed = "";
    child.stdout.on("data", (data) => (printed += data));
    child.on("error", reject);
    child.on("close", (code) => (code === 0 ? resolve(printed) : reject(new Error(`${program} ended with ${code}`))));
    child.stdin.end(input);
  });
}
