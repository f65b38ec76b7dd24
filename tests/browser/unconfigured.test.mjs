// The demo page with a production Worker that nobody has configured yet.

import { after, before, describe, test } from "node:test";
import { startWorker } from "../harness.mjs";
import { skip, useBrowser, waitForText } from "./browser.mjs";

describe("demo page of an unconfigured Worker", { skip }, () => {
  const openTab = useBrowser();
  let worker;
  before(async () => {
    worker = await startWorker({ env: "production" });
  });
  after(() => worker?.stop());

  test("the page says at once that it is not configured, and then what to set", async (t) => {
    const page = await openTab(t, worker.origin, { expected: /status of 503/ });
    await waitForText(page.locator("#mode"), /^Not configured$/);
    await waitForText(page.locator("#connect-note"), /^not_configured Press Connect/);
    await page.getByRole("button", { name: "Connect" }).click();
    await waitForText(page.locator("#connect-note"), /^not_configured .*AZURE_WEBPUBSUB_CONNECTION_STRING/);
    await page.getByLabel("Message", { exact: true }).fill("hello");
    await page.getByRole("button", { name: "Send" }).click();
    await waitForText(page.locator("#send-note"), /^not_configured .*AZURE_WEBPUBSUB_CONNECTION_STRING/);
  });
});
