// Those that are compared: each mints the same claims for input number `index`, and no two inputs are the same.

import { createHmac } from "node:crypto";
import { createRequire } from "node:module";
import { WebPubSubServiceClient as OfficialClient } from "@azure/web-pubsub";
import { createSigner } from "fast-jwt";
import { SignJWT } from "jose";
import { WebPubSubServiceClient } from "../pkg/dist/entrypoints/index.js";

export const KEY = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789ABCDEFGH";
export const CONNECTION = `Endpoint=https://host.webpubsub.azure.com;AccessKey=${KEY};Version=1.0;`;

const require = createRequire(import.meta.url);
export const versions = Object.fromEntries(
  ["@azure/web-pubsub", "jose", "fast-jwt"].map((name) => [name, packageOf(name).version]),
);

export function options(index) {
  return {
    userId: `user-${index}`,
    roles: [`webpubsub.sendToGroup.room-${index % 1000}`, `webpubsub.joinLeaveGroup.room-${index % 1000}`],
    groups: [`room-${index % 1000}`],
  };
}

function claims(index, now) {
  const { userId, roles, groups } = options(index);
  const aud = "https://host.webpubsub.azure.com/client/hubs/chat";
  return { role: roles, "webpubsub.group": groups, iat: now, exp: now + 3600, aud, sub: userId };
}

function access(token) {
  const baseUrl = "wss://host.webpubsub.azure.com/client/hubs/chat";
  return { token, baseUrl, url: `${baseUrl}?access_token=${token}` };
}

const seconds = () => Math.floor(Date.now() / 1000);
const base64url = (text) => Buffer.from(text).toString("base64url");

/** Each makes a function that mints, given the number of the input. */
export function contenders() {
  const ours = new WebPubSubServiceClient(CONNECTION, "chat");
  const official = new OfficialClient(CONNECTION, "chat");
  const joseKey = new TextEncoder().encode(KEY);
  const header = base64url('{"alg":"HS256","typ":"JWT"}');
  const sign = createSigner({ key: KEY, algorithm: "HS256", noTimestamp: true });
  return {
    "webpubsub-edge": (index) => ours.getClientAccessTokenSync(options(index)),
    "@azure/web-pubsub": (index) => official.getClientAccessToken(options(index)),
    jose: async (index) => access(await new SignJWT(claims(index, seconds())).setProtectedHeader({ alg: "HS256", typ: "JWT" }).sign(joseKey)),
    "node:crypto by hand": (index) => {
      const signed = `${header}.${base64url(JSON.stringify(claims(index, seconds())))}`;
      return access(`${signed}.${createHmac("sha256", KEY).update(signed).digest("base64url")}`);
    },
    "fast-jwt": (index) => access(sign(claims(index, seconds()))),
  };
}

function packageOf(name) {
  const entry = require.resolve(name);
  const folder = entry.slice(0, entry.lastIndexOf(`node_modules/${name}/`) + `node_modules/${name}/`.length);
  return require(`${folder}package.json`);
}
