// A host that refuses WebAssembly, such as a page whose Content-Security-Policy does not allow it.

import assert from "node:assert/strict";
import { test } from "node:test";
import { WebPubSubClient } from "../../pkg/dist/entrypoints/client.js";
import { ADDRESS, fakeSockets, GREETING, until } from "./fake.mjs";

test("a start that is refused its module is over, and another one may be let", async (t) => {
  const { Instance, instantiate, Module, compile } = WebAssembly;
  const refuse = () => {
    throw new WebAssembly.CompileError("blocked by the policy");
  };
  Object.assign(WebAssembly, { Instance: refuse, instantiate: refuse, Module: refuse, compile: refuse });
  t.after(() => Object.assign(WebAssembly, { Instance, instantiate, Module, compile }));
  const fake = fakeSockets();
  const client = new WebPubSubClient(ADDRESS, { WebSocket: fake.WebSocket });
  for (let tries = 0; tries < 2; tries++) {
    await assert.rejects(client.start(), { code: "ERR_WASM" });
    assert.equal(client.status, "stopped");
  }
  Object.assign(WebAssembly, { Instance, instantiate, Module, compile });
  const starting = client.start();
  await until(() => fake.sockets.length > 0);
  fake.sockets[0].open(GREETING);
  await starting;
  fake.sockets[0].close = () => fake.sockets[0].drop(1000);
  await client.stop();
});
