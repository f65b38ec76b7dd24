// The official client beside ours: events, invocations and streams over real sockets, by the tests of features.mjs. What
// it does otherwise is named here, with the reason, so that a change on either side is seen.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

/** What the official client 1.1.0 does otherwise. */
const OTHERWISE = {
  "json: an id is taken until its stream is over, and then free": "its end resolves before the stream is over",
  "json.reliable: an id is taken until its stream is over, and then free": "its end resolves before the stream is over",
  "json.reliable: a stream survives its sockets: nothing is lost, doubled or out of order":
    "it goes on with a stream when the service says `connected` again, which no service has to",
};

test("the official client", async (t) => {
  const file = fileURLToPath(new URL("run-official.mjs", import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, [file], { timeout: 120_000 });
  for (const { name, outcome } of JSON.parse(stdout)) {
    await t.test(name, (t) => {
      const expected = OTHERWISE[name];
      if (expected !== undefined) t.diagnostic(`${expected} (${outcome.split("\n")[0]})`);
      assert.equal(outcome.startsWith("otherwise"), expected !== undefined, outcome);
    });
  }
});
