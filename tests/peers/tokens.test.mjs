// Tokens minted in workerd by the wasm core, beside the official SDK and jose.

import assert from "node:assert/strict";
import { copyFile } from "node:fs/promises";
import path from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { WebPubSubServiceClient } from "@azure/web-pubsub";
import { jwtVerify } from "jose";
import { installPacked, serveWorkerd } from "../packed.mjs";

const KEY = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789ABCDEFGH";
const NOW = 1_790_000_000;

let packed;
let workerd;

before(async () => {
  packed = await installPacked();
  const here = path.dirname(fileURLToPath(import.meta.url));
  await copyFile(path.join(here, "mint-workerd.mjs"), path.join(packed.folder, "mint-workerd.mjs"));
  workerd = await serveWorkerd(packed.folder, "mint-workerd.mjs");
});

after(async () => {
  workerd?.stop();
  await packed?.remove();
});

for (const [name, endpoint, hub, options] of [
  ["no options", "https://host.webpubsub.azure.com", "chat", {}],
  ["a user", "https://host.webpubsub.azure.com/", "chat", { userId: "ann" }],
  ["everything", "http://localhost:8080", "Chat_1", { userId: "ünn \"\\\n\u2028🦀", roles: ["webpubsub.sendToGroup.a,b", "\u0001"], groups: ["g 1", "日本"], expirationTimeInMinutes: 5 }],
  ["MQTT", "https://host:8443/base", "chat", { clientProtocol: "mqtt", expirationTimeInMinutes: 0.5 }],
  ["Socket.IO", "https://[::1]:8443", "chat", { clientProtocol: "socketio" }],
]) {
  test(`byte for byte the official SDK's, and good for jose: ${name}`, async () => {
    const connectionString = `Endpoint=${endpoint};AccessKey=${KEY};Version=1.0;`;
    const answer = await fetch(workerd.origin, {
      method: "POST",
      body: JSON.stringify({ connectionString, hub, options, now: NOW }),
    });
    const ours = await answer.json();
    const theirs = await at(NOW, () => new WebPubSubServiceClient(connectionString, hub).getClientAccessToken(options));
    assert.equal(ours.token, theirs.token);
    assert.equal(ours.url, theirs.url);
    assert.equal(ours.baseUrl, theirs.baseUrl);

    const { payload, protectedHeader } = await jwtVerify(ours.token, new TextEncoder().encode(KEY), {
      algorithms: ["HS256"],
      audience: ours.baseUrl.replace(/^ws/, "http"),
      currentDate: new Date(NOW * 1000),
    });
    assert.deepEqual(protectedHeader, { alg: "HS256", typ: "JWT" });
    assert.equal(payload.sub, options.userId);
    assert.equal(payload.exp * 1000, new Date(ours.expiresOn).getTime());
  });
}

/** Runs a call with the clock at a time in seconds. The official SDK reads it before it first waits. */
async function at(seconds, call) {
  const realNow = Date.now;
  Date.now = () => seconds * 1000;
  try {
    return await call();
  } finally {
    Date.now = realNow;
  }
}
