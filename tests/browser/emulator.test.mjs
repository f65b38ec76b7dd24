// What pages of other origins may do with an emulator on this machine: a page of another machine nothing, although the key
// is public; a page of another local port what needs a token.

import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { after, before, describe, test } from "node:test";
import { WebPubSubServiceClient } from "../../pkg/dist/entrypoints/index.js";
import { startEmulator } from "../../pkg/dist/emulator/index.js";
import { connect } from "../emulator/client.mjs";
import { skip, useBrowser } from "./browser.mjs";

describe("a page", { skip }, () => {
  const openTab = useBrowser();
  let page;
  let local;
  let origin;
  let emulator;
  before(async () => {
    page = createServer((_, response) => response.setHeader("content-type", "text/html").end("<title>elsewhere</title>")).listen(0, "127.0.0.1");
    await once(page, "listening");
    local = `http://localhost:${page.address().port}`;
    origin = `http://elsewhere.test:${page.address().port}`;
  });
  after(() => page?.close());

  async function start(t, options) {
    emulator = await startEmulator(options);
    t.after(() => emulator.stop());
    return emulator;
  }

  test("of another local port connects, and sends by REST, without configuration, but does not control", async (t) => {
    await start(t);
    const client = await connect(emulator.clientUrl("chat", { userId: "ann" }));
    const tab = await openTab(t, local, { expected: /403/ });
    const { url, bearer } = await signedSend();
    const got = await tab.evaluate(
      async ({ endpoint, url, bearer, client }) => {
        const frame = await new Promise((resolve, reject) => {
          const socket = new WebSocket(client, "json.webpubsub.azure.v1");
          socket.onmessage = ({ data }) => resolve(JSON.parse(data));
          socket.onerror = reject;
        });
        const headers = { authorization: bearer, "content-type": "text/plain" };
        const sent = await fetch(url, { method: "POST", headers, body: "from a page" });
        const looked = await fetch(`${endpoint}/_emulator?hub=chat`);
        const faults = `${endpoint}/_emulator/faults?hub=chat`;
        const cut = { method: "POST", body: JSON.stringify({ type: "cut" }) };
        const refused = await fetch(faults, { ...cut, headers: { "content-type": "application/json" } });
        // Without a preflight.
        await fetch(faults, { ...cut, mode: "no-cors" });
        return [frame.event, sent.status, looked.status, (await looked.json()).message, refused.status];
      },
      { endpoint: emulator.endpoint, url, bearer, client: emulator.clientUrl("chat") },
    );
    const message = got.splice(3, 1)[0];
    assert.deepEqual(got, ["connected", 202, 403, 403]);
    assert.ok(message.includes(`--allow-origin ${local} `), message);
    assert.deepEqual(await client.data(2), ["x", "from a page"]);
    await new WebPubSubServiceClient(emulator.connectionString, "chat").sendToUser("ann", "still here");
    assert.deepEqual(await client.data(1), ["still here"], "it was not cut");
  });

  test("of another machine can neither read, nor send, nor connect, nor break anything", async (t) => {
    await start(t);
    const victim = await connect(emulator.clientUrl("chat", { userId: "ann" }));
    const tab = await openTab(t, origin, { expected: /CORS policy|ERR_FAILED|403|WebSocket connection/ });
    const { url, bearer } = await signedSend();
    const got = await tab.evaluate(
      async ({ endpoint, url, bearer, client }) => {
        const attempt = (work) => work().then((result) => result, (error) => error.name);
        const read = async (response) => (response.type === "opaque" ? "opaque" : response.text());
        const opens = (url, protocols) =>
          new Promise((resolve) => {
            const socket = new WebSocket(url, protocols);
            socket.onopen = () => resolve("open");
            socket.onerror = () => resolve("refused");
          });
        const send = { method: "POST", headers: { authorization: bearer, "content-type": "text/plain" }, body: "from elsewhere" };
        const cut = JSON.stringify({ type: "cut" });
        return {
          look: await attempt(() => fetch(`${endpoint}/_emulator?hub=chat`).then(read)),
          send: await attempt(() => fetch(url, send).then(read)),
          cutAsJson: await attempt(() =>
            fetch(`${endpoint}/_emulator/faults?hub=chat`, { method: "POST", headers: { "content-type": "application/json" }, body: cut }).then(read),
          ),
          // Sent without asking first.
          cutAsText: await attempt(() => fetch(`${endpoint}/_emulator/faults?hub=chat`, { method: "POST", mode: "no-cors", body: cut }).then(read)),
          simple: await opens(client),
          json: await opens(client, "json.webpubsub.azure.v1"),
          // Blind to the answer, but not to whether there was a picture or a script.
          script: await new Promise((resolve) => {
            const script = document.createElement("script");
            script.src = `${endpoint}/_emulator?hub=chat`;
            script.onload = () => resolve("loaded");
            script.onerror = () => resolve("refused");
            document.head.append(script);
          }),
        };
      },
      { endpoint: emulator.endpoint, url, bearer, client: emulator.clientUrl("chat") },
    );
    assert.deepEqual(got, {
      look: "TypeError",
      send: "TypeError",
      cutAsJson: "TypeError",
      cutAsText: "opaque",
      simple: "refused",
      json: "refused",
      script: "refused",
    });
    await new WebPubSubServiceClient(emulator.connectionString, "chat").sendToAll("from here");
    assert.deepEqual(await victim.data(2), ["x", "from here"], "neither cut nor told anything else");
    assert.equal(emulator.inspect("chat").connections.length, 1);
  });

  test("of another machine connects where its origin is named", async (t) => {
    await start(t, { allowedOrigins: [origin] });
    const tab = await openTab(t, origin);
    const frame = await tab.evaluate(
      (url) =>
        new Promise((resolve, reject) => {
          const socket = new WebSocket(url, "json.webpubsub.azure.v1");
          socket.onmessage = ({ data }) => resolve(JSON.parse(data));
          socket.onerror = reject;
        }),
      emulator.clientUrl("chat", { userId: "page" }),
    );
    assert.deepEqual([frame.event, frame.userId], ["connected", "page"]);
  });

  test("of another machine sends by REST and breaks things where its origin is named", async (t) => {
    await start(t, { allowedOrigins: [origin] });
    const client = await connect(emulator.clientUrl("chat", { userId: "ann" }));
    const tab = await openTab(t, origin);
    const { url, bearer } = await signedSend();
    assert.deepEqual(await client.data(1), ["x"]);
    const got = await tab.evaluate(
      async ({ endpoint, url, bearer }) => {
        const headers = { authorization: bearer, "content-type": "text/plain" };
        const sent = await fetch(url, { method: "POST", headers, body: "from a page" });
        const faults = `${endpoint}/_emulator/faults?hub=chat`;
        const fault = { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ type: "pauseAcks" }) };
        const { id } = await (await fetch(faults, fault)).json();
        return { sent: sent.status, id, hub: (await (await fetch(`${endpoint}/_emulator?hub=chat`)).json()).hub };
      },
      { endpoint: emulator.endpoint, url, bearer },
    );
    assert.deepEqual(got, { sent: 202, id: 1, hub: "chat" });
    assert.deepEqual(await client.data(1), ["from a page"]);
  });

  /** A send that would be carried out, if only it came from a program. */
  async function signedSend() {
    let caught;
    const fetch = async (url, { headers }) => {
      caught = { url: String(url), bearer: new Headers(headers).get("authorization") };
      return new Response(null, { status: 202 });
    };
    await new WebPubSubServiceClient(emulator.connectionString, "chat", { fetch }).sendToAll("x", { contentType: "text/plain" });
    const response = await globalThis.fetch(caught.url, { method: "POST", headers: { authorization: caught.bearer, "content-type": "text/plain" }, body: "x" });
    assert.equal(response.status, 202);
    return caught;
  }
});
