// The way of a new user, from an empty folder: a Vite page on its own port, `npx webpubsub-edge emulator`, and a message on
// the screen.

import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import path from "node:path";
import { describe, test } from "node:test";
import { createServer } from "vite";
import { WebPubSubServiceClient } from "@azure/web-pubsub";
import { run } from "../emulator/hosts.mjs";
import { installPacked } from "../packed.mjs";
import { freePort } from "../ports.mjs";
import { skip, useBrowser, waitForText } from "./browser.mjs";

const PAGE = `<!doctype html><link rel="icon" href="data:,"><p id="said">nothing</p><script type="module" src="/main.js"></script>`;
const SCRIPT = `
import { WebPubSubClient } from "webpubsub-edge/client";

const client = new WebPubSubClient(new URLSearchParams(location.search).get("url"));
client.on("server-message", ({ message }) => (document.getElementById("said").textContent = message.data));
await client.connect();
document.getElementById("said").textContent = "connected";
`;

describe("a Vite page and the emulator, each on its own port", { skip }, () => {
  const openTab = useBrowser();

  test("a message appears on the screen, without configuration", async (t) => {
    const { folder, remove } = await installPacked();
    t.after(remove);
    await writeFile(path.join(folder, "index.html"), PAGE);
    await writeFile(path.join(folder, "main.js"), SCRIPT);

    const port = await freePort();
    const main = path.join(folder, "node_modules/webpubsub-edge/dist/cli/main.js");
    const emulator = await run(process.execPath, [main, "emulator", `--port=${port}`]);
    t.after(emulator.stop);
    await emulator.isUp();
    const [connectionString] = emulator.log().match(/Endpoint=\S+/);

    const vite = await createServer({ root: folder, logLevel: "warn", server: { port: await freePort(), host: "localhost" } });
    await vite.listen();
    t.after(() => vite.close());
    const service = new WebPubSubServiceClient(connectionString, "chat", { allowInsecureConnection: true });
    const { url } = await service.getClientAccessToken({ userId: "ann" });

    const tab = await openTab(t, `${vite.resolvedUrls.local[0]}?url=${encodeURIComponent(url)}`);
    await waitForText(tab.locator("#said"), /^connected$/);
    await service.sendToUser("ann", "hello from the server", { contentType: "text/plain" });
    await waitForText(tab.locator("#said"), /^hello from the server$/);
    assert.ok(!emulator.log().includes("403"), emulator.log());
    // Otherwise the page would log that the emulator is gone.
    await tab.goto("about:blank");
  });
});
