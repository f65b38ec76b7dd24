// The panel of the demo page that breaks things: what a person sees of each fault, and how it mends.

import assert from "node:assert/strict";
import { after, afterEach, before, describe, test } from "node:test";
import { WebPubSubServiceClient } from "../../pkg/dist/entrypoints/index.js";
import { eventually, startWorker } from "../harness.mjs";
import { skip, useBrowser, waitForText } from "./browser.mjs";
import { connectAs, join, messages, send } from "./demo.mjs";

const RECOVERED = /^Recovered after [\d.]+ m?s: the same connection, and nothing was lost\.$/;
const ANEW = /^A new connection after [\d.]+ m?s\. Messages may be missing\.$/;
const ACKNOWLEDGED = /^The service acknowledged it\.$/;

describe("breaking it on the demo page", { skip }, () => {
  const openTab = useBrowser();
  let worker;
  before(async () => {
    worker = await startWorker({ env: "local" });
  });
  after(() => worker?.stop());
  // A fault outlives the page of its test.
  afterEach(() => fetch(`${worker.origin}/_emulator/faults`, { method: "DELETE" }));

  test("a cut socket is recovered: the same connection, and nothing lost", async (t) => {
    const [ada, lin] = [await member(t, "ada"), await member(t, "lin")];
    const connectionId = await ada.locator("#fact-connection").textContent();
    await breakIt(ada, "Cut the socket");
    await send(lin, "Group lobby", "while it was away");
    await waitForText(ada.locator("#connect-note"), RECOVERED);
    await waitForText(messages(ada), /lin in lobby.*while it was away/);
    await send(ada, "Group lobby", "still a member");
    await waitForText(messages(ada), /ada in lobby.*still a member/);
    assert.equal(await ada.locator("#fact-connection").textContent(), connectionId);
    assert.equal(await ada.locator("#fact-close").textContent(), "4006 The connection was cut.");
    await waitForText(ada.locator("#frames"), /close4006/);
    assert.deepEqual(await seen(ada, "state-word"), ["Recovering", "Connected"]);
    assert.match((await seen(ada, "connect-note"))[0], /^Closed with 4006: The connection was cut\. Getting it back\.$/);
    assert.equal(await messages(ada).locator(".gap").count(), 0);
  });

  test("over a half-open socket nothing comes, until the client notices by itself", async (t) => {
    const [ada, lin] = [await openTab(t, "about:blank"), await member(t, "lin")];
    await ada.clock.install();
    await ada.goto(worker.origin);
    await connectAs(ada, "ada");
    await join(ada, "lobby");
    await watch(ada);
    await breakIt(ada, "Half-open socket");
    await waitForText(ada.locator("#broken"), /^Half-open socket · at most \d+ s$/);
    await send(lin, "Group lobby", "swallowed at first");
    assert.doesNotMatch(await messages(ada).textContent(), /swallowed/);
    for (let seconds = 0; seconds < 30 && (await seen(ada, "state-word")).length === 0; seconds += 1) {
      await ada.clock.runFor(1_000);
    }
    await waitForText(ada.locator("#connect-note"), RECOVERED);
    await waitForText(messages(ada), /lin in lobby.*swallowed at first/);
    assert.match((await seen(ada, "connect-note"))[0], /^No sign of life from the service\. Getting it back\.$/);
    assert.equal(await ada.locator("#fact-close").textContent(), "given up: it was silent");
    await waitForText(ada.locator("#broken"), /^$/);
    await eventually(async () => (await inForce()).length === 0, "the fault to end with its socket");
  });

  test("a frame that is lost with its socket is sent again, and arrives once", async (t) => {
    const ada = await member(t, "ada");
    await breakIt(ada, "Lost frame");
    await send(ada, "Group lobby", "exactly once");
    await waitForText(ada.locator("#send-note"), ACKNOWLEDGED);
    await waitForText(ada.locator("#connect-note"), RECOVERED);
    await send(ada, "Group lobby", "the last one");
    await waitForText(messages(ada), /the last one/);
    assert.equal(await messages(ada).locator("article", { hasText: "exactly once" }).count(), 1);
    await waitForText(ada.locator("#broken"), /^$/);
  });

  test("late frames let the page wait, and it says so", async (t) => {
    const ada = await member(t, "ada");
    await breakIt(ada, "Late frames");
    await send(ada, "Group lobby", "late");
    await waitForText(messages(ada), /late$/);
    assert.deepEqual(await seen(ada, "send-note"), ["Waiting for the service.", "The service acknowledged it."]);
    assert.deepEqual(await seen(ada, "state-word"), [], "late is not lost");
  });

  test("what piles up for a slow client arrives in order", async (t) => {
    const ada = await member(t, "slow");
    await breakIt(ada, "Slow client");
    for (const text of ["one", "two", "three"]) await service().sendToUser("slow", text);
    assert.equal(await messages(ada).locator("article").count(), 0);
    await mend(ada);
    await waitForText(messages(ada), /one.*two.*three/);
    assert.deepEqual(await seen(ada, "state-word"), []);
  });

  test("while sockets are refused, the page says that it tries again", async (t) => {
    const ada = await member(t, "ada", { expected: /code: 503/ });
    await breakIt(ada, "Refused sockets");
    await waitForText(ada.locator("#connect-note"), RECOVERED);
    const notes = await seen(ada, "connect-note");
    assert.ok(notes.some((note) => /^The socket to [\d.:]+ is closed.*Trying again\.$/.test(note)), notes.join("\n"));
    assert.deepEqual(await seen(ada, "state-word"), ["Recovering", "Connected"]);
  });

  test("a refused recovery is a new connection in the same groups, and a gap", async (t) => {
    const ada = await member(t, "ada");
    const connectionId = await ada.locator("#fact-connection").textContent();
    await breakIt(ada, "Refused recovery");
    await expectAnew(ada, connectionId);
    await send(ada, "Group lobby", "a member again");
    await waitForText(messages(ada), /ada in lobby.*a member again/);
  });

  test("a message arrives although its ack is held, for which the page waits", async (t) => {
    const ada = await member(t, "ada");
    await breakIt(ada, "Held acks");
    const sent = send(ada, "Group lobby", "unacknowledged");
    await waitForText(messages(ada), /unacknowledged/);
    await eventually(async () => (await seen(ada, "send-note")).length > 0, "the page to say that it waits");
    await mend(ada);
    await sent;
    await waitForText(ada.locator("#send-note"), ACKNOWLEDGED);
    assert.deepEqual(await seen(ada, "send-note"), ["Waiting for the service.", "The service acknowledged it."]);
  });

  test("of an ack that comes twice one counts", async (t) => {
    const ada = await member(t, "ada");
    await breakIt(ada, "Double acks");
    await send(ada, "Group lobby", "twice acknowledged");
    await waitForText(ada.locator("#send-note"), ACKNOWLEDGED);
    const acks = await eventually(async () => {
      const acks = await ackIds(ada);
      return acks.at(-1) === acks.at(-2) && acks;
    }, "the second ack");
    assert.equal(new Set(acks).size, acks.length - 1);
    assert.equal(await ada.locator("#send-note").textContent(), "The service acknowledged it.");
  });

  test("acks that change places find their sends", async (t) => {
    const ada = await member(t, "ada");
    const before = (await ackIds(ada)).length;
    await breakIt(ada, "Swapped acks");
    await ada.getByLabel("To", { exact: true }).selectOption("lobby");
    await ada.evaluate(() => {
      for (const text of ["first", "second"]) {
        document.querySelector("#text").value = text;
        document.querySelector("#send").requestSubmit();
      }
    });
    await waitForText(ada.locator("#send-note"), ACKNOWLEDGED);
    const [first, second] = await eventually(async () => {
      const acks = (await ackIds(ada)).slice(before);
      return acks.length === 2 && acks;
    }, "both acks");
    assert.ok(first > second, `${first} came before ${second}`);
    await waitForText(messages(ada), /first.*second/);
    assert.equal(await ada.locator("#send-note.error").count(), 0);
  });

  test("a throttled request is tried again, and the broadcast is only late", async (t) => {
    const ada = await member(t, "ada");
    await breakIt(ada, "Throttled REST");
    await waitForText(ada.locator("#broken"), /^Throttled REST · at most \d+ s$/);
    assert.equal((await inForce()).length, 1);
    await send(ada, "Everyone", "only late");
    await waitForText(messages(ada), /Server.*only late/);
    assert.deepEqual(await seen(ada, "send-note"), ["Waiting for the service.", "The Worker accepted the broadcast."]);
    assert.deepEqual(await inForce(), []);
    await waitForText(ada.locator("#broken"), /^$/);
  });

  test("a broadcast that fails says so, keeps its text, and can be sent again", async (t) => {
    const ada = await openTab(t, worker.origin, { expected: /status of 502/ });
    await connectAs(ada, "ada");
    await breakIt(ada, "Failing REST");
    await send(ada, "Everyone", "in vain");
    await waitForText(ada.locator("#send-note.error"), /^upstream_failed .*did not take the message/);
    await waitForText(ada.locator("#broken"), /^$/);
    assert.equal(await ada.getByLabel("Message", { exact: true }).inputValue(), "in vain");
    await ada.getByRole("button", { name: "Send" }).click();
    await waitForText(messages(ada), /Server.*in vain/);
    assert.equal(await messages(ada).locator("article").count(), 1);
  });

  test("a restart of the service is recovered in every tab", async (t) => {
    const tabs = [await member(t, "ada"), await member(t, "lin")];
    await breakIt(tabs[0], "Restart");
    for (const tab of tabs) {
      await waitForText(tab.locator("#connect-note"), RECOVERED);
      assert.deepEqual(await seen(tab, "state-word"), ["Recovering", "Connected"]);
    }
    await send(tabs[0], "Group lobby", "still members");
    for (const tab of tabs) await waitForText(messages(tab), /ada in lobby.*still members/);
  });

  test("a restart that forgets is a new connection and a gap in every tab", async (t) => {
    const tabs = [await member(t, "ada"), await member(t, "lin")];
    const ids = await Promise.all(tabs.map((tab) => tab.locator("#fact-connection").textContent()));
    await breakIt(tabs[0], "Forgetful restart");
    for (const [index, tab] of tabs.entries()) await expectAnew(tab, ids[index]);
  });

  test("every fault ends by itself, and meets this connection or says that it meets all", async (t) => {
    const ada = await member(t, "ada", { expected: /code: 503/ });
    const options = await ada.locator("#fault option").evaluateAll((all) => all.map((option) => [option.value, option.parentElement.label]));
    assert.equal(options.length, 14);
    for (const [name, group] of options) {
      const connectionId = await ada.locator("#fact-connection").textContent();
      const injected = [];
      const note = (request) => request.url().endsWith("/_emulator/faults") && injected.push(request.postDataJSON());
      ada.on("request", note);
      await breakIt(ada, name);
      ada.off("request", note);
      assert.ok(injected.length > 0);
      for (const { type, durationMs, ...fault } of injected) {
        assert.equal(fault.connectionId, /every tab/.test(group) ? undefined : connectionId, name);
        if (!["cut", "restart"].includes(type)) assert.ok(durationMs <= 60_000, `${name} does not end`);
      }
      await waitForText(ada.locator("#state"), /^Connected$/);
      await mend(ada);
      await waitForText(ada.locator("#state"), /^Connected$/);
    }
  });

  test("what is broken is listed, and mended at once", async (t) => {
    const ada = await member(t, "ada");
    await breakIt(ada, "Slow client");
    await breakIt(ada, "Double acks");
    await breakIt(ada, "Double acks");
    await waitForText(ada.locator("#broken"), /^Slow client · \d+ sDouble acks · \d+ s$/);
    assert.equal((await inForce()).length, 3);
    await mend(ada);
    assert.deepEqual(await inForce(), []);
    assert.equal(await ada.evaluate(() => document.activeElement.id), "mend", "the focus was lost");
  });

  test("a fault needs a connection, unless it meets the whole service", async (t) => {
    const ada = await openTab(t, worker.origin);
    await waitForText(ada.locator("#mode"), /emulator/);
    await ada.getByRole("button", { name: "Break" }).click();
    await waitForText(ada.locator("#break-note"), /^Connect first\.$/);
    assert.equal(await ada.locator("#broken").textContent(), "");
    await breakIt(ada, "Failing REST");
    await waitForText(ada.locator("#broken"), /^Failing REST/);
    await mend(ada);
  });

  /** A tab that is connected and in the lobby. What it shows from now on is kept. */
  async function member(t, name, options) {
    const page = await openTab(t, worker.origin, options);
    await connectAs(page, name);
    await join(page, "lobby");
    await watch(page);
    return page;
  }

  async function inForce() {
    return (await (await fetch(`${worker.origin}/_emulator/faults`, { headers: { authorization: `Bearer ${worker.key}` } })).json()).faults;
  }

  const service = () => new WebPubSubServiceClient(`Endpoint=${worker.origin};AccessKey=${worker.key};Version=1.0;`, "demo");
});

async function breakIt(page, fault) {
  await page.getByLabel("Break it").selectOption(fault);
  await page.getByRole("button", { name: "Break" }).click();
  await waitForText(page.locator("#break-note"), /^Done\. /);
}

async function mend(page) {
  await page.getByRole("button", { name: "Mend all" }).click();
  await waitForText(page.locator("#break-note"), /^All is mended\.$/);
  assert.equal(await page.locator("#broken").textContent(), "");
}

async function expectAnew(page, oldId) {
  await waitForText(page.locator("#connect-note"), ANEW);
  await waitForText(messages(page).locator(".gap"), /may be missing here/);
  assert.deepEqual(await seen(page, "state-word"), ["Recovering", "Retrying", "Connected"]);
  const notes = await seen(page, "connect-note");
  assert.ok(notes.includes("Closed with 1008: The connection cannot be recovered. Making a new one."), notes.join("\n"));
  assert.equal(await page.locator("#fact-close").textContent(), "1008 The connection cannot be recovered.");
  assert.notEqual(await page.locator("#fact-connection").textContent(), oldId);
  await waitForText(page.locator("#group-list"), /lobby\s*Joined/);
}

/** Keeps every text of these elements, for a client that mends fast shows some only for milliseconds. */
const watch = (page) => page.evaluate(() => {
  window.seen = {};
  for (const id of ["state-word", "connect-note", "send-note"]) {
    const texts = (window.seen[id] = []);
    const note = () => texts.push(document.getElementById(id).textContent);
    new MutationObserver(note).observe(document.getElementById(id), { childList: true });
  }
});

const seen = (page, id) => page.evaluate((id) => window.seen[id], id);

/** The ids of the acks that the page has received, in order. */
const ackIds = (page) => page.locator("#frames .received pre").evaluateAll((bodies) => {
  return bodies.map((body) => JSON.parse(body.textContent || "{}")).filter(({ type }) => type === "ack").map(({ ackId }) => ackId);
});
