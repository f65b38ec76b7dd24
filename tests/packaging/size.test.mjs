// The sizes of a Worker that creates tokens and sends, and of a page with the WebSocket client. A size may grow by 5 % before
// bench/sizes.json has to change in the same commit, so that growth is visible in review. With BLESS=1 the test writes the file.

import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { after, test } from "node:test";
import { build } from "esbuild";
import { clients, GOAL, mintsAndSends, PAGE, sizes, SIZES_FILE, weigh } from "../../bench/weigh.mjs";

const TOLERANCE = 1.05;
const isBlessed = process.env.BLESS === "1";
const measured = {};

after(async () => {
  if (isBlessed) await writeFile(SIZES_FILE, `${JSON.stringify(measured, undefined, 2)}\n`);
});

test("a Worker that creates tokens and sends has the committed size", async (t) => {
  const { gzip, files } = await weigh(build, mintsAndSends);
  t.diagnostic(`${gzip} bytes (${files.map(({ kind, gzip }) => `${kind} ${gzip}`).join(", ")}); goal ${GOAL}`);
  compare("worker", gzip);
});

for (const [name, entry] of [["client", clients.json], ["clientWithProtobuf", clients.protobuf]]) {
  test(`a page with everything of the WebSocket client has the committed size: ${name}`, async (t) => {
    const { gzip } = await weigh(build, entry, PAGE);
    t.diagnostic(`${gzip} bytes`);
    compare(name, gzip);
  });
}

function compare(name, bytes) {
  measured[name] = bytes;
  const limit = Math.floor(sizes[name] * TOLERANCE);
  assert.ok(
    isBlessed || bytes <= limit,
    `${bytes} bytes are over ${limit}, which is bench/sizes.json and 5 %. \`cargo xtask bench size\` shows where they are; BLESS=1 accepts them.`,
  );
}
