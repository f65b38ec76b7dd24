// A small project of a user: the packed package, a template from this folder, and what every project is asked to do.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { cp, readdir, readFile } from "node:fs/promises";
import path from "node:path";
import { after, before } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { startServer } from "../conformance/server.mjs";
import { installPacked } from "../packed.mjs";

export const here = path.dirname(fileURLToPath(import.meta.url));
export const tests = path.dirname(here);

const vectors = JSON.parse(await readFile(path.join(tests, "vectors/tokens.json"), "utf8"));
const [vector] = vectors.clientTokens;

/** A project of the enclosing test file, made of a template. It stands under tests/, where its tools are installed. */
export function useProject(template) {
  const project = { folder: "", file: (name) => path.join(project.folder, name) };
  let packed;
  let server;
  before(async () => {
    [server, packed] = await Promise.all([startServer(), installPacked(path.join(tests, "target"))]);
    await cp(path.join(here, template), packed.folder, { recursive: true });
    await cp(path.join(here, "use.mjs"), path.join(packed.folder, "use.mjs"));
    project.folder = packed.folder;
  });
  after(async () => {
    await server?.close();
    await packed?.remove();
  });

  /** Lets the project mint and send, and checks that it did: `use` passes what it is given to use.mjs there. */
  project.works = async (use) => {
    const name = crypto.randomUUID();
    assert.equal(await use({ vector, endpoint: `${server.origin}/202/${name}` }), vector.token);
    const recorded = await (await fetch(`${server.origin}/recorded/${name}`)).json();
    assert.deepEqual(recorded.map(({ method, body }) => [method, atob(body)]), [["POST", '{"hello":"world"}']]);
  };
  return project;
}

/** Runs a tool that tests/ has installed, in a folder; gives everything it prints. */
export async function runTool(file, args, cwd) {
  const env = { ...process.env, NO_COLOR: "1", NEXT_TELEMETRY_DISABLED: "1", WRANGLER_SEND_METRICS: "false" };
  const program = path.join(tests, file);
  try {
    const { stdout, stderr } = await promisify(execFile)(process.execPath, [program, ...args], { cwd, env, timeout: 240_000 });
    return stdout + stderr;
  } catch (error) {
    throw new Error(`${file} ${args.join(" ")} failed:\n${error.stdout}${error.stderr}`);
  }
}

/** Checks that a build for the web holds the module once, as text, and nothing of what is not used. */
export async function assertLean(project, output) {
  const files = await readdir(project.file(output), { recursive: true });
  const scripts = files.filter((name) => /\.m?js$/.test(name));
  const text = (await Promise.all(scripts.map((name) => readFile(project.file(path.join(output, name)), "utf8")))).join("\n");
  const { base64 } = await import(project.file("node_modules/webpubsub-edge/dist/wasm/inline.js"));
  assert.equal(text.split(base64).length - 1, 1, "how often the module stands in the build");
  assert.deepEqual(files.filter((name) => name.endsWith(".wasm")), [], "the module as a file of its own");
  assert.ok(!text.includes(ENTRA), "the credentials of Entra ID are in a build that does not use them");
}

/** Stands in the code of the credentials of Entra ID, and nowhere else. */
export const ENTRA = "login.microsoftonline.com";
