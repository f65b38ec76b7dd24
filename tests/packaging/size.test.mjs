// What a Worker that mints and sends weighs, and a page with the WebSocket client. The goal of the first is 12,000 bytes; until it is reached, nothing may be added unseen.

import assert from "node:assert/strict";
import test from "node:test";
import { build } from "esbuild";
import { BUDGET, CLIENT_GOALS, clients, GOAL, mintsAndSends, PAGE, weigh } from "../../bench/weigh.mjs";

test("a Worker that mints and sends keeps its weight", async (t) => {
  const { gzip, files } = await weigh(build, mintsAndSends);
  const parts = files.map(({ kind, gzip }) => `${kind} ${gzip}`).join(", ");
  t.diagnostic(`${gzip} bytes (${parts}); goal ${GOAL}`);
  assert.ok(gzip <= BUDGET, `${gzip} bytes (${parts}) are over ${BUDGET}: \`cargo xtask bench size\` tells where they are`);
});

for (const [name, goal] of Object.entries(CLIENT_GOALS)) {
  test(`everything of the WebSocket client, with the protocols of ${name}, keeps its weight in a page`, async (t) => {
    const { gzip } = await weigh(build, clients[name], PAGE);
    t.diagnostic(`${gzip} bytes; goal ${goal}`);
    assert.ok(gzip <= goal, `${gzip} bytes are over ${goal}: \`cargo xtask bench size\` tells where they are`);
  });
}
