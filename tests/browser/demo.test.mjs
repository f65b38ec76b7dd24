// The demo page in a real browser, with the local Worker and its emulator.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { eventually, startWorker } from "../harness.mjs";
import { skip, useBrowser, waitForText } from "./browser.mjs";
import { connectAs, fillIn, join, messages, send } from "./demo.mjs";

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

  test("who connects again is in the joined groups again, and in no other", async (t) => {
    const ada = await connect(t, "ada");
    await join(ada, "lobby");
    await ada.getByRole("button", { name: "Disconnect" }).click();
    await waitForText(ada.locator("#group-list"), /lobby\s*Rejoins later.*builders\s*Not joined/);
    await ada.getByLabel("Groups to ask for").fill("lobby, testers");
    await ada.getByRole("button", { name: "Connect" }).click();
    await waitForText(ada.locator("#state"), /^Connected$/);
    await waitForText(ada.locator("#group-list"), /^lobby\s*Joined\s*Leave\s*testers\s*Not joined\s*Join$/);
    await send(ada, "Group lobby", "a member again");
    await waitForText(messages(ada), /ada in lobby.*a member again/);
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
    await ada.clock.runFor(9_000);
    assert.doesNotMatch(await ada.locator("#frames").textContent(), /ping/);
    await ada.clock.runFor(2_000);
    assert.match(await ada.locator("#frames").textContent(), /ping/);
    await ada.clock.runFor(14_000);
    await waitForText(ada.locator("#fact-connection"), /^c2$/);
    await waitForText(ada.locator("#messages .gap"), /may be missing here/);
    assert.equal(await ada.locator("#fact-close").textContent(), "given up: it was silent");
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

  test("the page is no taller than its window", async (t) => {
    for (const viewport of [{ width: 1366, height: 600 }, { width: 1024, height: 600 }]) {
      const ada = await connect(t, "ada", { viewport });
      const height = await ada.evaluate(() => document.documentElement.scrollHeight);
      assert.equal(height, viewport.height, `at ${viewport.width} x ${viewport.height}`);
    }
  });

  test("a list stays at its end when the window changes its size, and where somebody scrolled to", async (t) => {
    const ada = await connect(t, "ada");
    for (let number = 1; number <= 20; number += 1) await send(ada, "Everyone", `number ${number} ${"word ".repeat(40)}`);
    await waitForText(messages(ada), /number 20 [a-z ]*$/);
    for (const viewport of [{ width: 360, height: 740 }, { width: 740, height: 360 }, { width: 1280, height: 800 }]) {
      await ada.setViewportSize(viewport);
      await painted(ada);
      assert.deepEqual(await ada.evaluate(pixelsBelow), [0, 0], `at ${viewport.width} x ${viewport.height}`);
    }
    for (const list of ["#messages", "#frames"]) {
      await ada.locator(list).evaluate((node) => { node.scrollTop = 0; });
    }
    await painted(ada);
    await ada.setViewportSize({ width: 360, height: 740 });
    await painted(ada);
    for (const below of await ada.evaluate(pixelsBelow)) assert.ok(below > 1000, `${below} pixels below`);
  });

  test("nothing moves when the Worker answers late, however many groups are asked for", async (t) => {
    for (const viewport of [{ width: 1280, height: 800 }, { width: 360, height: 740 }]) {
      const ada = await openTab(t, "about:blank", { viewport });
      const requests = [];
      await ada.route("**/{health,negotiate}", (route) => requests.push(route));
      const answerLate = async () => {
        const request = await eventually(() => requests.shift(), "a request of the page");
        await painted(ada);
        await request.continue();
      };
      await ada.goto(worker.origin);
      await answerLate();
      await fillIn(ada, "ada", "lobby, builders, testers, writers");
      // A click may move something. What comes of it later may not.
      const before = await painted(ada);
      await ada.getByRole("button", { name: "Connect" }).click();
      await ada.getByRole("button", { name: "Join writers" }).waitFor();
      const after = await painted(ada);
      await answerLate();
      await waitForText(ada.locator("#state"), /^Connected$/);
      const moved = (await ada.evaluate(layoutShifts)).filter(({ at }) => at < before || at > after);
      assert.deepEqual(moved, [], "it moved while it connected");

      await ada.reload();
      const reloaded = await painted(ada);
      await answerLate();
      await answerLate();
      await waitForText(ada.locator("#state"), /^Connected$/);
      assert.equal(await ada.locator("#group-list li").count(), 4);
      const movedAgain = (await ada.evaluate(layoutShifts)).filter(({ at }) => at > reloaded);
      assert.deepEqual(movedAgain, [], "it moved after a reload");
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
    await tabTo(ada, "fault");
    await ada.keyboard.type("Late");
    await waitForText(ada.locator("#break-note"), /2 s late/);
    await tabTo(ada, "break-button");
    await ada.keyboard.press("Space");
    await waitForText(ada.locator("#broken"), /^Late frames/);
    await tabTo(ada, "mend");
    await ada.keyboard.press("Space");
    await waitForText(ada.locator("#broken"), /^$/);
    assert.equal(await focused(ada), "mend", "the focus was lost");
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

/** When the page has shown what it has to show. */
const painted = (page) => page.evaluate(() => new Promise((resolve) => {
  requestAnimationFrame(() => requestAnimationFrame(() => resolve(performance.now())));
}));

/** Runs in the page: how far each list is from its end. */
function pixelsBelow() {
  return ["#messages", "#frames"].map((selector) => {
    const { scrollHeight, scrollTop, clientHeight } = document.querySelector(selector);
    return Math.floor(scrollHeight - scrollTop - clientHeight);
  });
}

/** Runs in the page: what has moved since it was loaded, and when. */
function layoutShifts() {
  const shown = ({ node }) => node?.parentElement?.outerHTML ?? "a removed node";
  return new Promise((resolve) => {
    const observer = new PerformanceObserver((list) => {
      resolve(list.getEntries().map(({ startTime, sources }) => ({ at: startTime, what: sources.map(shown) })));
    });
    observer.observe({ type: "layout-shift", buffered: true });
    setTimeout(() => resolve([]), 250);
  });
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
  document.querySelector("#break-note").classList.add("warning");
  document.querySelector("#broken").append(Object.assign(document.createElement("li"), { textContent: "broken" }));
  const texts = ["h1", "h2", "dt", "label", ".note", ".note.error", ".note.warning", "#broken li", ".state", ".mode"];
  const shown = [...texts, "button.primary", "button.small"];
  return {
    ground: getComputedStyle(document.body).backgroundColor,
    ratios: shown.map((selector) => [selector, contrast(document.querySelector(selector))]),
  };
}
