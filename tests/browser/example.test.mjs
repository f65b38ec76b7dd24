// The page of docs/runtimes.md: its snippet, put into www/ as a reader would.

import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { root, startWorker } from "../harness.mjs";
import { skip, useBrowser } from "./browser.mjs";
import { copyProject } from "./project.mjs";

const PAGE = `<!doctype html>
<link rel="icon" href="icon.svg">
<title>The page of docs/runtimes.md</title>
<script type="module" src="page.js"></script>
`;

describe("the page of docs/runtimes.md", { skip }, () => {
  const openTab = useBrowser();
  let project;
  let worker;
  before(async () => {
    project = await copyProject();
    await writeFile(path.join(project.folder, "www/example.html"), PAGE);
    await writeFile(path.join(project.folder, "www/page.js"), await snippet());
    worker = await startWorker({ env: "local", project: project.folder });
  });
  after(async () => {
    await worker?.stop();
    await project?.remove();
  });

  test("it connects, and logs what is broadcast", async (t) => {
    const page = await openTab(t, "about:blank");
    const logged = page.waitForEvent("console", (message) => message.type() === "log");
    const socket = page.waitForEvent("websocket");
    await page.goto(`${worker.origin}/example`);
    await (await socket).waitForEvent("framereceived", ({ payload }) => /"connected"/.test(payload));
    await broadcast("hello");
    assert.equal((await logged).text(), "hello");
  });

  test("a refusal of /negotiate is told, and opens no socket", async (t) => {
    const page = await openTab(t, "about:blank", { expected: /status of 401/ });
    const refusal = { error: { code: "unauthorized", message: "The session has expired." } };
    await page.route("**/negotiate", (route) => route.fulfill({ status: 401, json: refusal }));
    const sockets = [];
    page.on("websocket", (socket) => sockets.push(socket.url()));
    const logged = page.waitForEvent("console", (message) => message.type() === "log");
    await page.goto(`${worker.origin}/example`);
    assert.match((await logged).text(), /The session has expired\.$/);
    assert.deepEqual(sockets, []);
  });

  async function broadcast(message) {
    const headers = { "content-type": "application/json" };
    const body = JSON.stringify({ message });
    const answer = await fetch(`${worker.origin}/broadcast`, { method: "POST", headers, body });
    assert.equal(answer.status, 202);
  }
});

async function snippet() {
  const guide = await readFile(path.join(root, "docs/runtimes.md"), "utf8");
  const [, code] = guide.match(/^```js\n(\/\/ page\.js[^]*?)^```$/m) ?? [];
  assert.ok(code, "docs/runtimes.md has no snippet that begins with // page.js");
  return code;
}
