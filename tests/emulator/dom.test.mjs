// Component tests: jsdom and happy-dom in the process of the emulator, alone and as environments of Vitest.

import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { Window } from "happy-dom";
import { JSDOM } from "jsdom";
import { EMULATOR_ACCESS_KEY, startEmulator } from "../../pkg/dist/emulator/index.js";
import { WebPubSubServiceClient } from "../../pkg/dist/entrypoints/index.js";
import { installPacked } from "../packed.mjs";
import { runTool, tests } from "../packaging/project.mjs";

/** By name: a window of this library with a URL, or with its default. */
const WINDOWS = {
  jsdom: (url) => new JSDOM("", url && { url }).window,
  "happy-dom": (url) => new Window(url && { url }),
};

for (const [name, newWindow] of Object.entries(WINDOWS)) {
  describe(name, () => {
    let emulator;
    const lines = [];
    before(async () => {
      emulator = await startEmulator({ logger: (line) => lines.push(line) });
    });
    after(() => emulator.stop());

    // Vitest and Jest use these URLs.
    for (const url of ["http://localhost:3000/", "http://localhost/"]) {
      test(`a window of ${url} connects and receives without configuration`, async () => {
        const window = newWindow(url);
        const socket = new window.WebSocket(emulator.clientUrl("chat", { userId: "ann" }));
        const received = new Promise((resolve) => (socket.onmessage = ({ data }) => resolve(data)));
        await opened(socket);
        await new WebPubSubServiceClient(emulator.connectionString, "chat").sendToUser("ann", { text: "hello" });
        assert.equal(await received, '{"text":"hello"}');
        socket.close();
      });
    }

    test("a window without a URL has the origin null, which is refused, and the log says what to do", async () => {
      const window = newWindow();
      await assert.rejects(opened(new window.WebSocket(emulator.clientUrl("chat"))));
      assert.ok(lines.some((line) => /was answered with 403: .*give the window a URL such as http:\/\/localhost\/\.$/.test(line)), lines.join("\n"));
    });
  });
}

test("happy-dom calls REST from its window, as CORS allows", async () => {
  const emulator = await startEmulator();
  const window = new Window({ url: "http://localhost:3000/" });
  let request;
  const recorder = async (url, init) => {
    request = { url, authorization: new Headers(init.headers).get("authorization") };
    return new Response(null, { status: 202 });
  };
  await new WebPubSubServiceClient(emulator.connectionString, "chat", { fetch: recorder }).sendToAll("hello");
  const { url, authorization } = request;
  const headers = { authorization, "content-type": "application/json" };
  const response = await window.fetch(url, { method: "POST", headers, body: '"hello"' });
  assert.equal(response.status, 202);
  await assert.rejects(window.fetch(`${emulator.endpoint}/_emulator`, { headers: { authorization: `Bearer ${EMULATOR_ACCESS_KEY}` } }).then((answer) => {
    if (answer.status === 403) throw new Error("refused");
  }));
  await emulator.stop();
});

test("the example of docs/emulator.md passes in Vitest, with jsdom and with happy-dom", async (t) => {
  const packed = await installPacked(path.join(tests, "target"));
  t.after(() => packed.remove());
  const page = await readFile(path.join(tests, "../docs/emulator.md"), "utf8");
  const example = /```ts\n(\/\/ @vitest-environment jsdom\n[^]*?)```/.exec(page)[1];
  await writeFile(path.join(packed.folder, "jsdom.test.ts"), example);
  const onlyForJsdom = /^import { WebSocket } from "ws";\n|^\/\/ For jsdom 28.*\n^vi\.stubGlobal.*\n/gm;
  const inHappyDom = example.replace("environment jsdom", "environment happy-dom").replace(onlyForJsdom, "");
  assert.ok(!/ws"|stubGlobal/.test(inHappyDom));
  await writeFile(path.join(packed.folder, "happy-dom.test.ts"), inHappyDom);
  const said = await runTool("node_modules/vitest/vitest.mjs", ["run", "--root", packed.folder], packed.folder);
  assert.match(said, /Tests\s+2 passed/, said);
});

function opened(socket) {
  return new Promise((resolve, reject) => {
    socket.onopen = resolve;
    socket.onerror = socket.onclose = () => reject(new Error("the socket did not open"));
  });
}
