// The rate limit of wrangler.toml: it counts each user on each route, and is off where the section is missing.

import assert from "node:assert/strict";
import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { test } from "node:test";
import { SignJWT } from "jose";
import { root, startWorker } from "../harness.mjs";
import { assertRefused, call } from "./requests.mjs";

const SESSION_SECRET = "a-session-secret-of-the-tests-0123456789";
const SECTION = /^\[\[ratelimits\]\][^[]*/m;

/** Starts the production Worker with another rate limit section, and gives what calls it as a user. */
async function start(t, section) {
  const folder = await mkdtemp(path.join(tmpdir(), "webpubsub-edge-limits-"));
  t.after(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }));
  for (const part of ["www", "worker/build/production"]) await cp(path.join(root, part), path.join(folder, part), { recursive: true });
  const settings = await readFile(path.join(root, "wrangler.toml"), "utf8");
  assert.match(settings, SECTION);
  await writeFile(
    path.join(folder, "wrangler.toml"),
    settings.replace(SECTION, section).replaceAll(/^command = .*$/gm, 'command = "node --version"'),
  );
  const AZURE_WEBPUBSUB_CONNECTION_STRING = "Endpoint=https://example.webpubsub.azure.com;AccessKey=k;Version=1.0;";
  const worker = await startWorker({ env: "production", vars: { AZURE_WEBPUBSUB_CONNECTION_STRING, SESSION_SECRET }, project: folder });
  t.after(() => worker.stop());
  return async (user, route) => {
    const token = await new SignJWT({ sub: user, aud: "webpubsub-edge" }).setProtectedHeader({ alg: "HS256" })
      .setExpirationTime("5 minutes").sign(new TextEncoder().encode(SESSION_SECRET));
    return call(worker, "POST", route, { headers: { authorization: `Bearer ${token}` } });
  };
}

test("who calls a route too often gets 429, and nobody else", async (t) => {
  const as = await start(t, '[[ratelimits]]\nname = "RATE_LIMITER"\nnamespace_id = "1001"\nsimple = { limit = 3, period = 60 }\n\n');
  const answers = [];
  // The minute may end in between: after twice as many calls and one, some were refused.
  for (let calls = 0; calls < 7; calls++) answers.push(await as("ann", "/negotiate"));
  const refused = answers.filter(({ status }) => status === 429);
  assert.ok(refused.length > 0);
  assert.equal(answers.filter(({ status }) => status === 200).length, 7 - refused.length);
  assertRefused(refused[0], 429, "too_many_requests", /too often/);
  assert.equal((await as("bob", "/negotiate")).status, 200);
  assertRefused(await as("ann", "/broadcast"), 403, "forbidden");
});

test("without the section there is no limit", async (t) => {
  const as = await start(t, "");
  for (let calls = 0; calls < 150; calls++) assert.equal((await as("ann", "/negotiate")).status, 200);
});
