// What a Worker that mints and sends weighs. The goal is 12,000 bytes; until it is reached, nothing may be added unseen.

import assert from "node:assert/strict";
import test from "node:test";
import { build } from "esbuild";
import { BUDGET, GOAL, mintsAndSends, weigh } from "../../bench/weigh.mjs";

test("a Worker that mints and sends keeps its weight", async (t) => {
  const { gzip, files } = await weigh(build, mintsAndSends);
  const parts = files.map(({ kind, gzip }) => `${kind} ${gzip}`).join(", ");
  t.diagnostic(`${gzip} bytes (${parts}); goal ${GOAL}`);
  assert.ok(gzip <= BUDGET, `${gzip} bytes (${parts}) are over ${BUDGET}: \`cargo xtask bench size\` tells where they are`);
});
