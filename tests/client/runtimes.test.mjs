// One suite of the WebSocket client, over the package as `npm pack` makes it, in every runtime that has sockets, against
// two hosts of the emulator.

import assert from "node:assert/strict";
import { copyFile, readdir, readFile } from "node:fs/promises";
import path from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath, pathToFileURL } from "node:url";
import { WebPubSubClient as OfficialClient } from "@azure/web-pubsub-client";
import { chromium } from "playwright-core";
import { FLAGS } from "../browser/browser.mjs";
import { RUNTIMES } from "../conformance/runtimes.mjs";
import { startWorker } from "../harness.mjs";
import { startEmulator } from "../../pkg/dist/emulator/index.js";
import { WebPubSubServiceClient } from "../../pkg/dist/entrypoints/index.js";
import { bundle, installPacked } from "../packed.mjs";
import { underCuts } from "./cuts.mjs";
import { answer } from "./features.mjs";

const here = path.dirname(fileURLToPath(import.meta.url));
/** For how long sockets are cut in each runtime. `cargo xtask soak` says how long it has. */
const cutSeconds = Math.min(Number(process.env.SOAK_SECONDS ?? 10), 300);
const WORKER = "wrangler dev";
const IN_PROCESS = "startEmulator";
/** Cuts are tried for long enough against one host. */
const IN_PROCESS_SHARE = 0.3;
const KEY = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789ABCDEFGH";

let packed;
let worker;
let emulator;
/** By host, what the suite is given. */
const given = {};

before(async () => {
  [packed, worker] = await Promise.all([installPacked(), startWorker({ env: "local" })]);
  const wsModule = pathToFileURL(path.join(here, "../node_modules/ws/wrapper.mjs")).href;
  emulator = await startEmulator();
  emulator.onEvent("client", answer);
  given[WORKER] = { connectionString: `Endpoint=${worker.origin};AccessKey=${KEY};Version=1.0;`, origin: worker.origin, wsModule, cutSeconds };
  const { connectionString, endpoint } = emulator;
  given[IN_PROCESS] = { connectionString, origin: endpoint, wsModule, cutSeconds: cutSeconds * IN_PROCESS_SHARE, answers: true };
  const conformance = path.join(here, "../conformance");
  for (const file of await readdir(conformance)) {
    await copyFile(path.join(conformance, file), path.join(packed.folder, file));
  }
  for (const file of ["suite.mjs", "cuts.mjs", "features.mjs"]) await copyFile(path.join(here, file), path.join(packed.folder, file));
});

after(async () => {
  await Promise.all([worker?.stop(), emulator?.stop()]);
  await packed?.remove();
});

// The sandbox of Vercel's edge runtime has no sockets; a service worker is no place to hold a connection.
const { "edge-light": _, "Chromium service worker": __, "Chromium page": page, ...others } = RUNTIMES;

for (const [name, { skip, run }] of Object.entries({ ...others, "Chromium page": { ...page, run: inPage } })) {
  for (const host of [WORKER, IN_PROCESS]) {
    test(`${name}, against ${host}`, { skip }, async (t) => {
      for (const { name, error } of await run(packed.folder, given[host])) {
        await t.test(name, () => {
          if (error !== undefined) throw new Error(error);
        });
      }
    });
  }
}

/** What the official client comes to is told, and not judged. */
test("the official client under the same cuts", async (t) => {
  const service = new WebPubSubServiceClient(given[WORKER].connectionString, "client");
  const roles = ["webpubsub.joinLeaveGroup", "webpubsub.sendToGroup"];
  const connect = async (userId) => {
    const client = new OfficialClient({ getClientAccessUrl: async () => (await service.getClientAccessToken({ userId, roles })).url });
    const connected = new Promise((resolve) => client.on("connected", resolve));
    await client.start();
    await connected;
    return client;
  };
  const cut = async (userId) => {
    const headers = { "content-type": "application/json" };
    const body = JSON.stringify({ type: "cut", userId });
    await (await fetch(`${given[WORKER].origin}/_emulator/faults?hub=client`, { method: "POST", headers, body })).text();
  };
  const counts = await underCuts({ connect, cut, seconds: cutSeconds, run: "official" });
  assert.ok(counts.cuts > 10);
  t.diagnostic(Object.entries(counts).map(([what, count]) => `${count} ${what}`).join(", "));
});

/** A page of the emulator's own origin: it lets no other page in, nor does Chromium let another one reach it. */
async function inPage(folder, given) {
  await bundle(folder, "run-page.mjs", { outdir: "page", external: ["ws"] });
  const browser = await chromium.launch({ executablePath: process.env.CHROME, args: FLAGS });
  try {
    const page = await browser.newPage();
    const failed = new Promise((_, reject) => page.once("pageerror", reject));
    failed.catch(() => {});
    await page.goto(`${given.origin}/health`);
    await page.addScriptTag({ type: "module", content: await readFile(path.join(folder, "page/main.js"), "utf8") });
    await page.waitForFunction(() => globalThis.run !== undefined);
    return await Promise.race([page.evaluate((given) => globalThis.run(given), given), failed]);
  } finally {
    await browser.close();
  }
}
