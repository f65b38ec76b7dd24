// What the browser tests share: a Chromium, and tabs that report whatever goes wrong in them.

import assert from "node:assert/strict";
import { after, before } from "node:test";
import { chromium } from "playwright-core";

/** For `describe(name, { skip })`: the path of Chromium comes from the environment. */
export const skip = process.env.CHROME ? false : "set CHROME to the path of a Chromium or Chrome";

/** For launches of other test files too. */
export const FLAGS = [
  "--no-sandbox",
  "--headless",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  // No test leaves this machine. Pages of elsewhere.test come from it too, but have a foreign origin.
  "--host-resolver-rules=MAP elsewhere.test 127.0.0.1, MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
];

/** Starts one Chromium for the enclosing suite; the result opens tabs in it. */
export function useBrowser() {
  let browser;
  before(async () => {
    browser = await chromium.launch({ executablePath: process.env.CHROME, args: FLAGS });
  });
  after(() => browser?.close());

  /**
   * A tab with a profile of its own. When test `t` ends, the tab closes, and the test fails if the
   * console held an error that `expected` does not match.
   */
  return async function openTab(t, url, { expected = /^$/, ...options } = {}) {
    const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options });
    context.setDefaultTimeout(10_000);
    const page = await context.newPage();
    const problems = [];
    page.on("pageerror", (error) => problems.push(String(error)));
    page.on("console", (message) => {
      if (["error", "warning"].includes(message.type())) problems.push(message.text());
    });
    t.after(async () => {
      await context.close();
      assert.deepEqual(problems.filter((problem) => !expected.test(problem)), [], "the console holds errors");
    });
    await page.goto(url);
    return page;
  };
}

/** Waits until the text of `locator` matches; the error shows what it was instead. */
export async function waitForText(locator, pattern) {
  const deadline = Date.now() + 10_000;
  let text;
  do {
    text = (await locator.textContent()) ?? "";
    if (pattern.test(text)) return text;
    await new Promise((resolve) => setTimeout(resolve, 25));
  } while (Date.now() < deadline);
  assert.match(text, pattern);
}
