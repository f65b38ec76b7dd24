// Plain Node without a bundler, and the slim entry with the raw module, in Node and in workerd.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { serveWorkerd } from "../packed.mjs";
import { NODE_20, NODE_22, NODE_24 } from "../programs.mjs";
import { tests, useProject } from "./project.mjs";

const project = useProject("node");
const { clientTokens: vectors } = JSON.parse(await readFile(path.join(tests, "vectors/tokens.json"), "utf8"));
const [vector] = vectors;

for (const [version, { program, skip }] of Object.entries({ 20: NODE_20, 22: NODE_22, 24: NODE_24 })) {
  const printed = async (script) => {
    const { stdout } = await promisify(execFile)(program, [script, JSON.stringify(vector)], { cwd: project.folder });
    return stdout;
  };

  test(`Node ${version} requires every entry`, { skip }, async () => {
    assert.equal(await printed("require.cjs"), vector.token);
  });

  test(`Node ${version} starts the slim entry with the raw module`, { skip }, async () => {
    assert.equal(await printed("slim.mjs"), vector.token);
  });
}

test("Node 20, which has no WebSocket, says how to give the client one", { skip: NODE_20.skip }, async () => {
  const { stdout } = await promisify(execFile)(NODE_20.program, ["no-socket.mjs"], { cwd: project.folder });
  assert.equal(
    stdout,
    "WebPubSubClientError ERR_NO_WEBSOCKET: This runtime has no WebSocket. In Node 20, install the package ws and pass its " +
      "WebSocket: new WebPubSubClient(credential, { WebSocket }).",
  );
});

test("the slim entry says that it has no module yet", async () => {
  const { stdout } = await promisify(execFile)(process.execPath, ["slim-before.mjs"], { cwd: project.folder });
  assert.match(stdout, /initSync\(module\)/);
});

test("workerd starts the slim entry with the raw module", async (t) => {
  const workerd = await serveWorkerd(project.folder, "slim-worker.mjs");
  t.after(workerd.stop);
  const response = await fetch(workerd.origin, { method: "POST", body: JSON.stringify(vector) });
  assert.equal(await response.text(), vector.token);
});
