// The Worker with settings that it must refuse: it says what to set, and shows none of it.

import assert from "node:assert/strict";
import { after, test } from "node:test";
import { startWorker } from "../harness.mjs";
import { assertRefused, call } from "./requests.mjs";

const SECRET = "session-secret-that-must-not-leak-0123456789";
const EMULATOR_KEY = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789ABCDEFGH";

const workers = [];
after(() => Promise.all(workers.map((worker) => worker.stop())));

for (const [name, vars, says] of [
  ["nothing is set", { AZURE_WEBPUBSUB_HUB: "" }, /AZURE_WEBPUBSUB_CONNECTION_STRING.*AZURE_WEBPUBSUB_HUB.*SESSION_SECRET/],
  [
    "the key is the published one of the emulator",
    {
      AZURE_WEBPUBSUB_CONNECTION_STRING: `Endpoint=https://must-not-leak.webpubsub.azure.com;AccessKey=${EMULATOR_KEY};Version=1.0;`,
      AZURE_WEBPUBSUB_HUB: "chat",
      SESSION_SECRET: SECRET,
    },
    /CONNECTION_STRING holds the published key/,
  ],
  [
    "the session secret is that key",
    {
      AZURE_WEBPUBSUB_CONNECTION_STRING: "Endpoint=https://must-not-leak.webpubsub.azure.com;AccessKey=k;Version=1.0;",
      AZURE_WEBPUBSUB_HUB: "chat",
      SESSION_SECRET: EMULATOR_KEY,
    },
    /SESSION_SECRET is the published key/,
  ],
]) {
  test(name, async () => {
    const worker = await startWorker({ env: "production", vars });
    workers.push(worker);
    assert.deepEqual((await call(worker, "GET", "/health")).json, { status: "ok", mode: "unconfigured" });
    for (const path of ["/negotiate", "/broadcast", "/groups/blue/messages"]) {
      const answer = await call(worker, "POST", path, { body: { message: 1 } });
      assertRefused(answer, 503, "not_configured", says);
      assert.doesNotMatch(answer.text, /must-not-leak|ABCDEFGH/);
    }
    assertRefused(await call(worker, "GET", "/negotiate"), 405, "method_not_allowed");
    assertRefused(await call(worker, "POST", "/nowhere", { body: {} }), 404, "not_found");
    assert.doesNotMatch(worker.log(), /must-not-leak|ABCDEFGH/);
  });
}
