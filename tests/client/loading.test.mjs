// A client whose module is still loading: each file of tests has a process of its own, and here it is loaded once.

import assert from "node:assert/strict";
import { test } from "node:test";
import { WebPubSubClient } from "../../pkg/dist/entrypoints/client.js";
import { ADDRESS, fakeSockets, GREETING, until } from "./fake.mjs";

test("a start, a stop and a start while the module is loading are one start", async (t) => {
  const listeners = new Set();
  const host = {
    addEventListener: (type) => assert.ok(!listeners.has(type) && listeners.add(type), `${type} twice`),
    removeEventListener: (type) => listeners.delete(type),
  };
  const navigator = Object.getOwnPropertyDescriptor(globalThis, "navigator");
  Object.defineProperty(globalThis, "navigator", { configurable: true, value: { onLine: true } });
  Object.assign(globalThis, host);
  t.after(() => {
    Object.defineProperty(globalThis, "navigator", navigator);
    for (const name in host) delete globalThis[name];
  });

  const fake = fakeSockets();
  const client = new WebPubSubClient(ADDRESS, { WebSocket: fake.WebSocket });
  const first = assert.rejects(client.start(), { code: "ERR_STOPPED" });
  await client.stop();
  const second = client.start();
  await first;
  await until(() => fake.sockets.length > 0);
  fake.sockets[0].open(GREETING);
  await second;
  assert.deepEqual([fake.sockets.length, listeners.size > 0], [1, true]);
  fake.sockets[0].close = () => fake.sockets[0].drop(1000);
  await client.stop();
  assert.equal(listeners.size, 0);
});
