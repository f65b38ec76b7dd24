// Next.js: an edge route and a nodejs route, built and started as in production, with both of its bundlers.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdir, rm } from "node:fs/promises";
import path from "node:path";
import { test } from "node:test";
import { eventually } from "../harness.mjs";
import { freePort } from "../ports.mjs";
import { runTool, tests, useProject } from "./project.mjs";

const NEXT = "node_modules/next/dist/bin/next";
const project = useProject("next");

for (const bundler of ["turbopack", "webpack"]) {
  test(`routes that ${bundler} builds work`, async (t) => {
    // The bundlers do not understand what the other one left.
    await rm(project.file(".next"), { recursive: true, force: true });
    const said = await runTool(NEXT, ["build", `--${bundler}`], project.folder);
    // What stops people with the official SDK: "... which is not supported in the Edge Runtime".
    assert.doesNotMatch(said, /not supported|Node\.js (API|module)|Dynamic Code Evaluation|Module not found/i);
    const built = await readdir(project.file(".next/server"), { recursive: true });
    assert.equal(built.filter((name) => name.endsWith(".wasm")).length, 1, "the module once, for the edge route");

    const origin = await start(t);
    for (const runtime of ["edge", "nodejs"]) {
      await t.test(`${runtime} route`, () =>
        project.works(async (given) => {
          const response = await fetch(`${origin}/${runtime}`, { method: "POST", body: JSON.stringify(given) });
          const { token, isEdge } = await response.json();
          assert.equal(isEdge, runtime === "edge");
          return token;
        }),
      );
    }
  });
}

/** Starts what was built. */
async function start(t) {
  const port = await freePort();
  const server = spawn(process.execPath, [path.join(tests, NEXT), "start", "--hostname=127.0.0.1", `--port=${port}`], {
    cwd: project.folder,
    stdio: ["ignore", "inherit", "inherit"],
    env: { ...process.env, NEXT_TELEMETRY_DISABLED: "1" },
  });
  t.after(async () => {
    const exited = once(server, "exit");
    server.kill();
    await exited;
  });
  const origin = `http://127.0.0.1:${port}`;
  await eventually(() => fetch(origin).then(({ status }) => status === 404, () => false), "next start");
  return origin;
}
