// The token of a request is bound to its URL: fetch must send exactly the URL that was signed.

import assert from "node:assert/strict";
import test from "node:test";
import { WebPubSubServiceClient } from "../../pkg/dist/entrypoints/index.js";
import { nasty } from "../peers/differential/random.mjs";
import { soak } from "./soak.mjs";

const CONNECTION = "Endpoint=https://host.webpubsub.azure.com/base;AccessKey=k;";

test("a URL parser leaves every request as it was signed", async () => {
  let sent;
  const fetch = async (url, { headers }) => {
    sent = { url, audience: audienceOf(headers.authorization) };
    return new Response(null, { status: 202 });
  };
  const client = new WebPubSubServiceClient(CONNECTION, "hub", { fetch, strict: false, retryOptions: { maxRetries: 0 } });
  await soak("names to URL in JavaScript", async (source) => {
    const [name, filter, excluded] = [nasty(source), nasty(source), nasty(source)];
    sent = undefined;
    const call = source.pick([
      () => client.sendToUser(name, "x", { filter }),
      async () => client.group(name).sendToAll("x", { filter, excludedConnections: [excluded] }),
      () => client.sendToConnection(name, "x"),
      () => client.addConnectionsToGroups([name], filter),
      () => client.closeAllConnections({ reason: filter, excluded: [excluded] }),
    ]);
    await call().catch((error) => assert.match(error.name, /^(RestError|WebPubSubError)$/, String(error)));
    if (sent === undefined) return;
    assert.equal(new URL(sent.url).href, sent.url);
    assert.equal(sent.audience, sent.url);
  });
});

const PIECES = [
  ...["http", "https", "HTTPS", "://", ":", "/", "//", ".", "..", "%2e", "[", "]", "::", "::1", "FFFF", "1", "0", "127.0.0.1"],
  ...["0x7f", "256", "a", "B", "-", "_", "localhost", "xn--", "@", "?", "#", "\\", "é", " ", ":443", ":80", "~", "!"],
];

test("a URL parser leaves every endpoint as it was accepted", async () => {
  let accepted = 0;
  await soak("endpoints in JavaScript", ({ below, pick }) => {
    const pieces = Array.from({ length: 1 + below(9) }, () => pick(PIECES)).join("");
    const text = pick([pieces, `https://a${pieces}`, `http://[::${pieces}`]);
    let client;
    try {
      client = new WebPubSubServiceClient(text, { key: "k" }, "hub");
    } catch (error) {
      assert.equal(error.code, "ERR_ENDPOINT", text);
      return;
    }
    accepted++;
    assert.equal(new URL(client.endpoint).href, client.endpoint, text);
    assert.equal(new WebPubSubServiceClient(client.endpoint, { key: "k" }, "hub").endpoint, client.endpoint);
  });
  assert.ok(accepted > 0 || process.env.SOAK_SEED !== undefined, "the generator makes endpoints that are accepted");
});

function audienceOf(authorization) {
  return JSON.parse(Buffer.from(authorization.split(".")[1], "base64url").toString("utf8")).aud;
}
