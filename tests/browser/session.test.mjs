// The demo page with the production Worker, which asks for a session. The Azure resource is made up:
// the Worker signs without reaching it, and the browser's socket to it is played by the test.

import assert from "node:assert/strict";
import { createHmac, randomBytes } from "node:crypto";
import { after, before, describe, test } from "node:test";
import { startWorker } from "../harness.mjs";
import { skip, useBrowser, waitForText } from "./browser.mjs";

const SECRET = randomBytes(32).toString("base64");
const ACCESS_KEY = randomBytes(32).toString("base64");
const RESOURCE = `Endpoint=https://example.webpubsub.azure.com;AccessKey=${ACCESS_KEY};Version=1.0;`;
const REFUSED = /status of (401|403)/; // Chromium itself reports these on the console.

describe("demo page with sessions", { skip }, () => {
  const openTab = useBrowser();
  let worker;
  before(async () => {
    const vars = { AZURE_WEBPUBSUB_CONNECTION_STRING: RESOURCE, AZURE_WEBPUBSUB_HUB: "demo", SESSION_SECRET: SECRET };
    worker = await startWorker({ env: "production", vars });
  });
  after(() => worker?.stop());

  test("the page asks for a session before anything is refused", async (t) => {
    const page = await openTab(t, worker.origin);
    await waitForText(page.locator("#mode"), /Azure/);
    await waitForText(page.locator("#connect-note"), /^Paste a session above/);
    assert.equal(await page.getByLabel("Session").getAttribute("placeholder"), "paste a session");
  });

  test("a socket that does not open names its host, and what to check", async (t) => {
    const page = await openTab(t, worker.origin, { expected: /WebSocket connection/ });
    await page.getByLabel("Session").fill(session({ groups: [] }));
    await page.getByRole("button", { name: "Connect" }).click();
    const help = /^WebPubSubClientError .*example\.webpubsub\.azure\.com.*AZURE_WEBPUBSUB_CONNECTION_STRING.*www\/_headers/;
    await waitForText(page.locator("#connect-note"), help);
  });

  test("a refused session is said clearly, and the session field gets the focus", async (t) => {
    const page = await openTab(t, worker.origin, { expected: REFUSED });
    await waitForText(page.locator("#mode"), /Azure/);
    for (const refused of ["", "no.real.session", "pasted “with” quotes"]) {
      await page.getByLabel("Session").fill(refused);
      await page.getByRole("button", { name: "Connect" }).click();
      await waitForText(page.locator("#connect-note"), /^unauthorized .*Paste a session above/);
      await page.waitForFunction(() => document.activeElement.id === "session");
      assert.equal(await page.getByLabel("Session").getAttribute("aria-invalid"), "true");
      assert.equal(await page.locator("#state").textContent(), "Disconnected");
    }
    await page.getByLabel("Message", { exact: true }).fill("hello");
    await page.getByRole("button", { name: "Send" }).click();
    await waitForText(page.locator("#send-note"), /^unauthorized /);
    assert.equal(await page.getByLabel("Message", { exact: true }).inputValue(), "hello");
    await page.waitForFunction(() => document.activeElement.id === "session");
  });

  test("a group outside the session is refused by name", async (t) => {
    const page = await openTab(t, worker.origin, { expected: REFUSED });
    await page.getByLabel("Session").fill(session({ groups: ["lobby"] }));
    await page.getByLabel("Groups to ask for").fill("lobby, admins");
    await page.getByRole("button", { name: "Connect" }).click();
    await waitForText(page.locator("#connect-note"), /^forbidden .*admins/);
  });

  test("a good session connects to Azure, and is kept nowhere", async (t) => {
    const page = await openTab(t, "about:blank");
    const sockets = [];
    await page.routeWebSocket(/./, (socket) => {
      sockets.push(socket.url());
      socket.send(JSON.stringify({ type: "system", event: "connected", userId: "ada", connectionId: "c1" }));
    });
    await page.goto(worker.origin);
    const good = session({ groups: ["lobby"] });
    await page.getByLabel("Session").fill(good);
    await page.getByLabel("Groups to ask for").fill("lobby");
    await page.getByRole("button", { name: "Connect" }).click();
    await waitForText(page.locator("#state"), /^Connected$/);
    await page.getByRole("button", { name: "Join lobby" }).waitFor();
    assert.match(sockets[0], /^wss:\/\/example\.webpubsub\.azure\.com\/client\/hubs\/demo\?access_token=/);
    assert.ok(!(await page.content()).includes(good), "the session is in the document");
    const stored = await page.evaluate(() => {
      return JSON.stringify([history.state, { ...localStorage }, { ...sessionStorage }, document.cookie]);
    });
    assert.ok(!stored.includes(good), "the session is stored");
    await page.reload();
    await waitForText(page.locator("#mode"), /Azure/);
    assert.equal(await page.getByLabel("Session").inputValue(), "");
    assert.equal(await page.locator("#state").textContent(), "Disconnected");
  });

  test("the policy lets the page open sockets to Azure and nowhere else", async (t) => {
    const page = await openTab(t, worker.origin, { expected: /./ });
    const blocked = (url) => page.evaluate((url) => new Promise((resolve) => {
      addEventListener("securitypolicyviolation", () => resolve(true), { once: true });
      new WebSocket(url).onerror = () => setTimeout(() => resolve(false), 200);
    }), url);
    assert.equal(await blocked("wss://example.webpubsub.azure.com/"), false);
    assert.equal(await blocked("wss://example.invalid/"), true);
    assert.equal(await blocked("wss://example.webpubsub.azure.com:1/"), true, "only the port of https is Azure's");
  });
});

/** A session as the owner of the Worker would sign it. */
function session({ groups }) {
  const encode = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const exp = Math.floor(Date.now() / 1_000) + 600;
  const claims = { sub: "ada", groups, broadcast: true, aud: "webpubsub-edge", exp };
  const signed = `${encode({ alg: "HS256", typ: "JWT" })}.${encode(claims)}`;
  return `${signed}.${createHmac("sha256", SECRET).update(signed).digest("base64url")}`;
}
