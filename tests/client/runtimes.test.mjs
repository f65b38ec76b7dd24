// One suite of the WebSocket client, over the package as `npm pack` makes it, in every runtime that has sockets, against
// two hosts of the emulator.

import assert from "node:assert/strict";
import { copyFile, cp, mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
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
import { answer } from "./handler.mjs";

const here = path.dirname(fileURLToPath(import.meta.url));
/** For how long sockets are cut in each runtime. `cargo xtask soak` says how long it has. */
const cutSeconds = Math.min(Number(process.env.SOAK_SECONDS ?? 10), 300);

let packed;
let worker;
let emulator;
/** By host, what the suite is given, and in which folder it runs: bundles of two must not meet. */
const hosts = { "wrangler dev": {}, startEmulator: {} };

before(async () => {
  [packed, worker] = await Promise.all([installPacked(), startWorker({ env: "local" })]);
  emulator = await startEmulator();
  emulator.onEvent("client", answer);
  const conformance = path.join(here, "../conformance");
  for (const file of await readdir(conformance)) {
    await copyFile(path.join(conformance, file), path.join(packed.folder, file));
  }
  for (const file of ["suite.mjs", "cuts.mjs", "features.mjs"]) await copyFile(path.join(here, file), path.join(packed.folder, file));
  const wsModule = pathToFileURL(path.join(here, "../node_modules/ws/wrapper.mjs")).href;
  const connectionString = `Endpoint=${worker.origin};AccessKey=${worker.key};Version=1.0;`;
  // Cuts are tried for long enough against the other one.
  hosts["wrangler dev"] = { folder: packed.folder, given: { connectionString, origin: worker.origin, wsModule, cutSeconds: cutSeconds * 0.3 } };
  const folder = await mkdtemp(path.join(tmpdir(), "webpubsub-edge-"));
  await cp(packed.folder, folder, { recursive: true });
  const { connectionString: ownString, endpoint } = emulator;
  hosts.startEmulator = { folder, given: { connectionString: ownString, origin: endpoint, wsModule, cutSeconds, answers: true } };
});

after(async () => {
  await Promise.all([worker?.stop(), emulator?.stop()]);
  await packed?.remove();
  const { folder } = hosts.startEmulator;
  if (folder !== undefined) await rm(folder, { recursive: true, force: true });
});

// The sandbox of Vercel's edge runtime has no sockets; a service worker is no place to hold a connection.
const { "edge-light": _, "Chromium service worker": __, "Chromium page": page, ...others } = RUNTIMES;
const runtimes = Object.entries({ ...others, "Chromium page": { ...page, run: inPage } });

/** Mostly it waits: the hosts take their turns side by side. */
test("in every runtime", { concurrency: true }, async (t) => {
  const against = async (t, { folder, given }) => {
    for (const [name, { skip, run }] of runtimes) {
      await t.test(name, { skip }, async (t) => {
        for (const { name, error } of await run(folder, given)) {
          await t.test(name, () => {
            if (error !== undefined) throw new Error(error);
          });
        }
      });
    }
  };
  await Promise.all(Object.keys(hosts).map((host) => t.test(`against ${host}`, (t) => against(t, hosts[host]))));
});

/** What the official client comes to is told, and not judged. */
test("the official client under the same cuts", async (t) => {
  const { given } = hosts["wrangler dev"];
  const service = new WebPubSubServiceClient(given.connectionString, "client");
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
    await (await fetch(`${given.origin}/_emulator/faults?hub=client`, { method: "POST", headers, body })).text();
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
