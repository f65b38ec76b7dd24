// The demo page in a real browser, with the local Worker and its emulator.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { startWorker } from "../harness.mjs";
import { skip, useBrowser, waitForText } from "./browser.mjs";

/** A move within 500 ms of a click counts as the click's own. */
const LONGER_THAN_A_CLICK_EXCUSES_MS = 600;

describe("demo page", { skip }, () => {
  const openTab = useBrowser();
  let worker;
  before(async () => {
    worker = await startWorker({ env: "local" });
  });
  after(() => worker?.stop());

  test("a broadcast of one page reaches both", async (t) => {
    const [ada, lin] = [await connect(t, "ada"), await connect(t, "lin")];
    await send(ada, "Everyone", "hello, everyone");
    for (const page of [ada, lin]) await waitForText(messages(page), /Server.*hello, everyone/);
    await waitForText(ada.locator("#send-note"), /accepted/);
  });

  test("a broadcast can leave out the page that sends it", async (t) => {
    const [ada, lin] = [await connect(t, "ada"), await connect(t, "lin")];
    await ada.getByLabel("Skip this tab").check();
    await send(ada, "Everyone", "only the others");
    await waitForText(messages(lin), /only the others/);
    await ada.getByLabel("Skip this tab").uncheck();
    await send(ada, "Everyone", "and now all");
    await waitForText(messages(ada), /and now all/);
    assert.doesNotMatch(await messages(ada).textContent(), /only the others/);
  });

  test("a group message reaches the members, and with noEcho not its sender", async (t) => {
    const [ada, lin, outsider] = [await connect(t, "ada"), await connect(t, "lin"), await connect(t, "mo")];
    for (const page of [ada, lin]) await join(page, "lobby");
    await ada.getByLabel("Skip this tab").check();
    await send(ada, "Group lobby", "without echo");
    await waitForText(messages(lin), /ada in lobby.*without echo/);
    await ada.getByLabel("Skip this tab").uncheck();
    await send(ada, "Group lobby", "with echo");
    for (const page of [ada, lin]) await waitForText(messages(page), /ada in lobby.*with echo/);
    assert.doesNotMatch(await messages(ada).textContent(), /without echo/);
    await send(outsider, "Everyone", "the last one");
    await waitForText(messages(outsider), /the last one/);
    assert.doesNotMatch(await messages(outsider).textContent(), /with/);
  });

  test("a group that was left sends nothing more", async (t) => {
    const ada = await connect(t, "ada");
    await join(ada, "lobby");
    await ada.getByRole("button", { name: "Leave lobby" }).click();
    await ada.getByRole("button", { name: "Join lobby" }).waitFor();
    await send(ada, "Group lobby", "not for me");
    await waitForText(ada.locator("#send-note"), /not in this group/);
    await send(ada, "Everyone", "the last one");
    await waitForText(messages(ada), /the last one/);
    assert.doesNotMatch(await messages(ada).textContent(), /not for me/);
  });

  test("joining a group that was not granted shows Forbidden", async (t) => {
    const ada = await connect(t, "ada");
    await ada.getByLabel("Any group name").fill("admins");
    await ada.getByRole("button", { name: "Join", exact: true }).click();
    await waitForText(ada.locator("#join-note"), /Forbidden.*admins/);
    await waitForText(ada.locator("#group-list"), /admins\s*Forbidden/);
    await send(ada, "Group admins", "let me in");
    await waitForText(ada.locator("#send-note"), /Forbidden.*admins/);
    await waitForText(ada.locator("#frames"), /"success": false/);
  });

  test("a blank group name is refused here, for the service would close the socket", async (t) => {
    const ada = await connect(t, "ada");
    await ada.getByLabel("Any group name").fill("   ");
    await ada.getByRole("button", { name: "Join", exact: true }).click();
    await waitForText(ada.locator("#join-note"), /cannot be blank/);
    assert.doesNotMatch(await ada.locator("#frames").textContent(), /joinGroup/);
  });

  test("a reloaded page comes back under its name and receives", async (t) => {
    const ada = await connect(t, "ada");
    const before = await ada.locator("#fact-connection").textContent();
    await ada.reload();
    await waitForText(ada.locator("#state"), /^Connected$/);
    assert.equal(await ada.locator("#fact-user").textContent(), "ada");
    assert.notEqual(await ada.locator("#fact-connection").textContent(), before);
    await send(ada, "Everyone", "back again");
    await waitForText(messages(ada), /back again/);
  });

  test("a suggestion leaves alone the field that somebody is in", async (t) => {
    const ada = await openTab(t, "about:blank");
    const asked = new Promise((resolve) => ada.route("**/health", resolve));
    await ada.goto(worker.origin);
    const request = await asked;
    await ada.getByLabel("Groups to ask for").focus();
    await request.continue();
    await waitForText(ada.locator("#mode"), /emulator/);
    await ada.keyboard.type("builders");
    assert.equal(await ada.getByLabel("Groups to ask for").inputValue(), "builders");
    assert.match(await ada.getByLabel("Name", { exact: true }).inputValue(), /^guest-/);
  });

  test("a page that disconnected stays so after a reload", async (t) => {
    const ada = await connect(t, "ada");
    await ada.getByRole("button", { name: "Disconnect" }).click();
    await waitForText(ada.locator("#state"), /^Disconnected$/);
    await ada.reload();
    await waitForText(ada.locator("#mode"), /emulator/);
    assert.equal(await ada.getByLabel("Name", { exact: true }).inputValue(), "ada");
    assert.equal(await ada.locator("#state").textContent(), "Disconnected");
  });

  test("a cut socket is recovered: the same connection, and nothing lost", async (t) => {
    const [ada, lin] = [await connect(t, "ada"), await connect(t, "lin")];
    for (const page of [ada, lin]) await join(page, "lobby");
    const connectionId = await ada.locator("#fact-connection").textContent();
    await ada.getByRole("button", { name: "Cut the socket" }).click();
    await send(lin, "Group lobby", "while it was away");
    await waitForText(ada.locator("#connect-note"), /^Recovered: nothing was lost\.$/);
    await waitForText(messages(ada), /lin in lobby.*while it was away/);
    await send(ada, "Group lobby", "still a member");
    await waitForText(messages(ada), /ada in lobby.*still a member/);
    assert.equal(await ada.locator("#fact-connection").textContent(), connectionId);
    assert.equal(await ada.locator("#state").textContent(), "Connected");
  });

  test("a fault needs a connection", async (t) => {
    const ada = await openTab(t, worker.origin);
    await waitForText(ada.locator("#mode"), /emulator/);
    await ada.getByRole("button", { name: "Cut the socket" }).click();
    await waitForText(ada.locator("#break-note"), /^Connect first\.$/);
  });

  test("a network that falls silent is noticed, and the connection made anew", async (t) => {
    const ada = await openTab(t, "about:blank");
    await ada.clock.install();
    let sockets = 0;
    await ada.routeWebSocket(/\/client\//, (socket) => {
      sockets += 1;
      socket.send(JSON.stringify({ type: "system", event: "connected", userId: "ada", connectionId: `c${sockets}` }));
    });
    await ada.goto(worker.origin);
    await ada.getByRole("button", { name: "Connect" }).click();
    await waitForText(ada.locator("#fact-connection"), /^c1$/);
    await ada.clock.runFor(19_000);
    assert.doesNotMatch(await ada.locator("#frames").textContent(), /ping/);
    await ada.clock.runFor(2_000);
    assert.match(await ada.locator("#frames").textContent(), /ping/);
    await ada.clock.runFor(40_000);
    await waitForText(ada.locator("#fact-connection"), /^c2$/);
    await waitForText(ada.locator("#messages .gap"), /may be missing here/);
  });

  test("a payload is shown as the text it is", async (t) => {
    const ada = await connect(t, "ada");
    await join(ada, "lobby");
    const markup = "<img src=x onerror=\"document.title='owned'\">";
    await send(ada, "Everyone", markup);
    await send(ada, "Group lobby", markup);
    await waitForText(messages(ada), /Server.*<img src=x.*ada in lobby.*<img src=x/s);
    await waitForText(ada.locator("#frames"), /<img src=x/);
    assert.equal(await ada.locator("main img").count(), 0);
    assert.equal(await ada.title(), "webpubsub-edge demo");
  });

  test("no token is in the document, and the inspector masks what it shows", async (t) => {
    const ada = await openTab(t, worker.origin);
    const answered = ada.waitForResponse((response) => response.url().endsWith("/negotiate"));
    await ada.getByRole("button", { name: "Connect" }).click();
    const { url } = await (await answered).json();
    await waitForText(ada.locator("#state"), /^Connected$/);
    await waitForText(ada.locator("#frames"), /access_token=•••/);
    const token = new URL(url).searchParams.get("access_token");
    const document = await ada.content();
    for (const part of token.split(".")) assert.ok(!document.includes(part), "a part of the token is in the document");
    const masked = await ada.evaluate(async (secret) => {
      const { masked } = await import("/inspector.js");
      const inner = [{ access_token: "secret-2" }, `see ${secret}`];
      return masked({ type: "system", reconnectionToken: "secret-1", inner, a: 1 });
    }, token);
    assert.doesNotMatch(masked, /secret-|eyJ/);
    assert.match(masked, /"a": 1/);
  });

  test("the expiry of the client URL counts down from five minutes", async (t) => {
    const ada = await connect(t, "ada");
    await waitForText(ada.locator("#fact-expiry"), /^\d\d:\d\d:\d\d · (5:00|4:5\d) left$/);
  });

  test("the inspector pauses, resumes, clears, and keeps the last 200", async (t) => {
    const ada = await connect(t, "ada");
    await ada.getByRole("button", { name: "Clear" }).click();
    await ada.getByRole("button", { name: "Pause" }).click();
    await send(ada, "Everyone", "while paused");
    await waitForText(ada.locator("#frame-count"), /3 held back/);
    assert.equal(await ada.locator("#frames > li").count(), 0);
    await ada.getByRole("button", { name: "Pause" }).click();
    await waitForText(ada.locator("#frames"), /POST.*while paused/s);
    await ada.evaluate(async () => {
      const body = (number) => JSON.stringify({ message: `number ${number}` });
      const headers = { "Content-Type": "application/json" };
      for (let number = 1; number <= 205; number += 1) {
        await fetch("/broadcast", { method: "POST", headers, body: body(number) });
      }
    });
    await waitForText(messages(ada), /number 205$/);
    assert.equal(await ada.locator("#frames > li").count(), 200);
    assert.equal(await ada.locator("#messages > article").count(), 200);
    assert.doesNotMatch(await ada.locator("#frames").textContent(), /while paused/);
  });

  test("a phone of 360 pixels needs no sideways scrolling", async (t) => {
    const ada = await connect(t, "a-name-without-any-space-".repeat(5), { viewport: { width: 360, height: 740 } });
    await ada.getByLabel("Any group name").fill("g".repeat(300));
    await ada.getByRole("button", { name: "Join", exact: true }).click();
    await waitForText(ada.locator("#join-note"), /Forbidden/);
    await join(ada, "lobby");
    await send(ada, "Group lobby", "w".repeat(500));
    await waitForText(messages(ada), /www/);
    const widths = await ada.evaluate(() => ["html", "#messages", "#frames"].map((selector) => {
      const { scrollWidth, clientWidth } = document.querySelector(selector);
      return [selector, scrollWidth, clientWidth];
    }));
    assert.deepEqual(widths, [["html", 360, 360], ["#messages", 360, 360], ["#frames", 360, 360]]);
  });

  test("nothing moves while the page loads and connects", async (t) => {
    for (const viewport of [{ width: 1280, height: 800 }, { width: 360, height: 740 }]) {
      const ada = await openTab(t, "about:blank", { viewport });
      await ada.route("**/{health,negotiate}", async (route) => {
        await sleep(LONGER_THAN_A_CLICK_EXCUSES_MS);
        await route.continue();
      });
      await ada.goto(worker.origin);
      await connectAs(ada, "ada");
      const shifts = await ada.evaluate(() => new Promise((resolve) => {
        const observer = new PerformanceObserver((list) => resolve(list.getEntries().flatMap(describe)));
        const describe = ({ sources }) => sources.map(({ node }) => node?.parentElement?.outerHTML ?? "a removed node");
        observer.observe({ type: "layout-shift", buffered: true });
        setTimeout(() => resolve([]), 250);
      }));
      assert.deepEqual(shifts, []);
    }
  });

  test("the keyboard is enough, and shows where it is", async (t) => {
    const ada = await openTab(t, worker.origin);
    await waitForText(ada.locator("#mode"), /emulator/);
    await tabTo(ada, "name");
    await ada.keyboard.press("Enter");
    await waitForText(ada.locator("#state"), /^Connected$/);
    await tabTo(ada, "Join lobby");
    await ada.keyboard.press("Space");
    await waitForText(ada.locator("#join-note"), /Joined lobby/);
    assert.equal(await focused(ada), "Leave lobby", "the focus was lost");
    await tabTo(ada, "to");
    await ada.keyboard.type("Group lobby");
    await tabTo(ada, "text");
    await ada.keyboard.type("typed only");
    await ada.keyboard.press("Enter");
    await waitForText(messages(ada), /in lobby.*typed only/);
    assert.equal(await focused(ada), "text", "the focus was lost");
  });

  test("both colour schemes are readable", async (t) => {
    const grounds = new Set();
    for (const colorScheme of ["light", "dark"]) {
      const page = await openTab(t, worker.origin, { colorScheme });
      const { ground, ratios } = await page.evaluate(measureContrast);
      grounds.add(ground);
      for (const [what, ratio] of ratios) assert.ok(ratio >= 4.5, `${what} has contrast ${ratio} in ${colorScheme}`);
    }
    assert.equal(grounds.size, 2);
  });

  test("the files come with a strict policy, and the list of headers is no page", async () => {
    const page = await fetch(worker.origin);
    const policy = page.headers.get("content-security-policy");
    for (const rule of ["default-src 'self'", "base-uri 'none'", "form-action 'self'", "frame-ancestors 'none'"]) {
      assert.ok(policy.includes(rule), `${rule} is missing`);
    }
    assert.doesNotMatch(policy, /'unsafe|data:| \*/);
    assert.equal(page.headers.get("x-content-type-options"), "nosniff");
    assert.equal(page.headers.get("referrer-policy"), "no-referrer");
    assert.equal((await fetch(`${worker.origin}/_headers`)).status, 404);
  });

  async function connect(t, name, options) {
    const page = await openTab(t, worker.origin, options);
    await connectAs(page, name);
    return page;
  }
});

/** Once the page knows its mode, it suggests nothing more. */
async function connectAs(page, name) {
  await waitForText(page.locator("#mode"), /emulator/);
  await page.getByLabel("Name", { exact: true }).fill(name);
  await page.getByLabel("Groups to ask for").fill("lobby, builders");
  await page.getByRole("button", { name: "Connect" }).click();
  await waitForText(page.locator("#state"), /^Connected$/);
}

const messages = (page) => page.locator("#messages");

async function join(page, group) {
  await page.getByRole("button", { name: `Join ${group}` }).click();
  await page.getByRole("button", { name: `Leave ${group}` }).waitFor();
}

/** Sends, and waits for the page's sign that it went, which is the emptied field, or for an error. */
async function send(page, destination, text) {
  const option = page.locator("#to option", { hasText: destination });
  await page.getByLabel("To", { exact: true }).selectOption(await option.getAttribute("value"));
  await page.getByLabel("Message", { exact: true }).fill(text);
  await page.getByRole("button", { name: "Send" }).click();
  await page.waitForFunction(() => {
    return document.querySelector("#text").value === "" || document.querySelector("#send-note.error");
  });
}

/** The id of the focused element, or its label when it has no id. */
const focused = (page) => page.evaluate(() => document.activeElement.id || document.activeElement.ariaLabel);

/** Presses Tab until the element has the focus, and looks for its outline. */
async function tabTo(page, target) {
  for (let presses = 0; presses < 30; presses += 1) {
    await page.keyboard.press("Tab");
    if ((await focused(page)) !== target) continue;
    const outline = await page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle);
    assert.notEqual(outline, "none", `${target} shows no focus`);
    return;
  }
  assert.fail(`Tab does not reach ${target}`);
}

/** Runs in the page: the contrast of its texts against what is behind them, by the formula of WCAG 2. */
function measureContrast() {
  const channels = (color) => color.match(/[\d.]+/g).map(Number);
  const luminance = (color) => {
    const [red, green, blue] = channels(color).slice(0, 3).map((value) => {
      const share = value / 255;
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const behind = (node) => {
    const color = getComputedStyle(node).backgroundColor;
    return channels(color)[3] === 0 ? behind(node.parentElement) : color;
  };
  const contrast = (node) => {
    const [high, low] = [luminance(getComputedStyle(node).color), luminance(behind(node))].sort((a, b) => b - a);
    return (high + 0.05) / (low + 0.05);
  };
  document.querySelector("#join-note").classList.add("error");
  document.querySelector("#state").dataset.state = "reconnecting";
  const texts = ["h1", "h2", "dt", "label", ".note", ".note.error", ".state", ".mode"];
  const shown = [...texts, "button.primary", "button.small"];
  return {
    ground: getComputedStyle(document.body).backgroundColor,
    ratios: shown.map((selector) => [selector, contrast(document.querySelector(selector))]),
  };
}
