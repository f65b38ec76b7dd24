// What the demo page says and shows when something is missing, refused or lost.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { WebPubSubServiceClient } from "../../pkg/dist/entrypoints/index.js";
import { startWorker } from "../harness.mjs";
import { skip, useBrowser, waitForText } from "./browser.mjs";

const REFUSED = /status of (401|503)|ERR_FAILED/; // Chromium itself reports these on the console.

describe("demo page when something fails", { skip }, () => {
  const openTab = useBrowser();
  let worker;
  before(async () => {
    worker = await startWorker({ env: "local" });
  });
  after(() => worker?.stop());

  test("an address that is no socket URL is refused, and no part of it is shown", { timeout: 30_000 }, async (t) => {
    const page = await openTab(t, worker.origin);
    const sockets = [];
    page.on("websocket", (socket) => sockets.push(socket.url()));
    const refusals = await page.evaluate(async () => {
      const { createClient } = await import("/client.js");
      const refusal = (given) => createClient(async () => given).connect().catch((error) => [error.code, error.message]);
      return Promise.all([undefined, null, {}, "", "/client", "https://example.com/?access_token=secret"].map(refusal));
    });
    for (const [code, message] of refusals) {
      assert.equal(code, "ERR_URL");
      assert.doesNotMatch(message, /secret|example/);
    }
    assert.deepEqual(sockets, []);
  });

  test("a broadcast of a page that is not connected says so", async (t) => {
    const page = await openTab(t, worker.origin);
    await send(page, "nobody here sees it");
    await waitForText(page.locator("#send-note"), /^Accepted\. This tab is not connected, so it shows no copy\.$/);
    await page.getByLabel("Skip this tab").check();
    await send(page, "nor this");
    await waitForText(page.locator("#send-note"), /^Accepted\..*“Skip this tab” has no effect then\.$/);
  });

  test("joining needs a connection", async (t) => {
    const page = await openTab(t, worker.origin);
    await page.getByLabel("Any group name").fill("lobby");
    await page.getByRole("button", { name: "Join", exact: true }).click();
    await waitForText(page.locator("#join-note"), /^Connect first\.$/);
  });

  test("Enter in a field never disconnects, and a hint says what would let it be changed", async (t) => {
    const page = await connect(t);
    const id = await page.locator("#fact-connection").textContent();
    await waitForText(page.locator("#groups-hint"), /^Disconnect to change/);
    for (const field of ["Name", "Groups to ask for", "Session"]) {
      await page.getByLabel(field, { exact: true }).press("Enter");
      assert.equal(await page.locator("#state").textContent(), "Connected", field);
    }
    assert.equal(await page.locator("#fact-connection").textContent(), id);
    await page.getByRole("button", { name: "Disconnect" }).focus();
    await page.keyboard.press("Enter");
    await waitForText(page.locator("#state"), /^Disconnected$/);
    await waitForText(page.locator("#groups-hint"), /^Separate them with commas\.$/);
    assert.equal(await page.evaluate(() => document.activeElement.id), "connect-button", "the focus was lost");
  });

  test("a refusal and a missing answer are failures in the inspector, in words and in colour", async (t) => {
    const page = await openTab(t, worker.origin, { expected: REFUSED });
    const usual = await colourOf(page, "#frame-count");
    await answer(page, 503, "not_configured");
    await page.getByRole("button", { name: "Connect" }).click();
    await waitForText(page.locator("#frames .failed").last(), /503 not_configured\s*\/negotiate/);
    await page.route("**/negotiate", (route) => route.abort());
    await page.getByRole("button", { name: "Connect" }).click();
    await waitForText(page.locator("#frames .failed").last(), /unreachable\s*\/negotiate/);
    await waitForText(page.locator("#connect-note"), /^unreachable .*did not answer/);
    assert.equal(await page.locator("#frames > li").count(), 4);
    assert.equal(await page.locator("#frames .failed").count(), 2);
    const failure = await colourOf(page, "#frames .failed .kind");
    assert.equal(failure, await colourOf(page, "#connect-note"));
    assert.notEqual(failure, usual);
  });

  test("a socket that does not open is told with its host, and no token", async (t) => {
    const page = await openTab(t, worker.origin, { expected: /WebSocket connection/ });
    const { host } = new URL(worker.origin);
    const url = `ws://${host}/client/hubs/demo?access_token=do-not-show`;
    await page.route("**/negotiate", (route) => route.fulfill({ json: { url, groups: [], expiresOn: new Date() } }));
    await page.getByRole("button", { name: "Connect" }).click();
    await waitForText(page.locator("#connect-note"), new RegExp(`^WebPubSubClientError The socket to ${host} is closed`));
    assert.doesNotMatch(await page.content(), /do-not-show/);
  });

  test("while it reconnects, the page says why and shows what is not true any more", async (t) => {
    const page = await openTab(t, worker.origin, { expected: REFUSED });
    await join(page);
    const id = await page.locator("#fact-connection").textContent();
    await answer(page, 503, "upstream_failed");
    await close(id);
    await waitForText(page.locator("#state"), /^(Retrying|Connecting)$/);
    await page.locator("#fact-connection s").waitFor();
    await waitForText(page.locator("#fact-close"), /^1008 The connection cannot be recovered\.$/);
    await waitForText(page.locator("#frames"), /close1000.*Closed by REST API\..*close1008/s);
    assert.equal(await page.locator("#fact-connection s").textContent(), id);
    await waitForText(page.locator("#group-list"), /lobby\s*Rejoins later/);
    await waitForText(page.locator("#connect-note.warning"), /^No\. Trying again\.$/);
    for (const button of ["Leave lobby", "Join builders"]) {
      assert.equal(await page.getByRole("button", { name: button }).getAttribute("aria-disabled"), "true");
    }
    await page.getByRole("button", { name: "Leave lobby" }).focus();
    await page.keyboard.press("Enter");
    await waitForText(page.locator("#join-note"), /^There is no connection/);

    await page.unroute("**/negotiate");
    await waitForText(page.locator("#state"), /^Connected$/);
    await waitForText(page.locator("#group-list"), /lobby\s*Joined/);
    await waitForText(page.locator("#connect-note"), /may be missing/);
    await waitForText(page.locator("#messages .gap"), /may be missing here/);
    assert.equal(await page.locator("#fact-connection s").count(), 0);
    assert.equal(await page.locator("#connect-note.warning").count(), 0);
    assert.equal(await page.getByRole("button", { name: "Leave lobby" }).getAttribute("aria-disabled"), "false");
  });

  test("a reconnect that is refused ends, and says what to do", async (t) => {
    const page = await connect(t, { expected: REFUSED });
    await answer(page, 401, "unauthorized");
    await close(await page.locator("#fact-connection").textContent());
    await waitForText(page.locator("#state"), /^Disconnected$/);
    await waitForText(page.locator("#connect-note"), /^unauthorized .*Paste a session above/);
    assert.equal(await page.evaluate(() => document.activeElement.id), "session");
  });

  async function connect(t, options) {
    const page = await openTab(t, worker.origin, options);
    await page.getByRole("button", { name: "Connect" }).click();
    await waitForText(page.locator("#state"), /^Connected$/);
    return page;
  }

  /** Closed by the service, a connection cannot be recovered. */
  function close(connectionId) {
    const connectionString = `Endpoint=${worker.origin};AccessKey=${worker.key};Version=1.0;`;
    return new WebPubSubServiceClient(connectionString, "demo").closeConnection(connectionId);
  }
});

/** Connects, and joins the group that the page asks for at first. */
async function join(page) {
  await waitForText(page.locator("#mode"), /emulator/);
  await page.getByRole("button", { name: "Connect" }).click();
  await page.getByRole("button", { name: "Join lobby" }).click();
  await page.getByRole("button", { name: "Leave lobby" }).waitFor();
}

async function send(page, text) {
  await page.getByLabel("Message", { exact: true }).fill(text);
  await page.getByRole("button", { name: "Send" }).click();
}

/** From now on, /negotiate answers this page with an error. */
async function answer(page, status, code) {
  await page.route("**/negotiate", (route) => route.fulfill({ status, json: { error: { code, message: "No." } } }));
}

const colourOf = (page, selector) => page.locator(selector).first().evaluate((node) => getComputedStyle(node).color);
