// Tokens and clients leave the memory of the wasm module as it was, without any free(). `cargo xtask soak` makes a
// million tokens and a hundred thousand clients, a test run a twentieth of that.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import test from "node:test";
import { initSync, WebPubSubServiceClient } from "../../pkg/dist/entrypoints/slim.js";
import { memoriesCreatedBy } from "../wasm-memory.mjs";

const SHARE = process.env.SOAK_SECONDS === undefined ? 20 : 1;
const TOKENS = 1_000_000 / SHARE;
const CLIENTS = 100_000 / SHARE;

test("memory stays as large as the largest call made it", async () => {
  initSync(await readFile(new URL("../../pkg/dist/wasm/webpubsub_edge.wasm", import.meta.url)));
  let client;
  const [memory] = await memoriesCreatedBy(() => (client = new WebPubSubServiceClient(connection(0), "hub")));

  const options = (index) => ({ userId: `user-${index}`, roles: [`webpubsub.sendToGroup.g${index}`], groups: [`g${index}`] });
  client.getClientAccessTokenSync(options(TOKENS));
  const before = memory.buffer.byteLength;
  assert.ok(before < 2 * 1024 * 1024, `${before} bytes at the start`);
  for (let index = 0; index < TOKENS; index++) client.getClientAccessTokenSync(options(index));
  assert.equal(memory.buffer.byteLength, before, `after ${TOKENS} tokens`);

  for (let index = 0; index < CLIENTS; index++) {
    const other = new WebPubSubServiceClient(connection(index), "hub");
    if (index % 100 === 0) other.group("g") && other.getClientAccessTokenSync();
  }
  assert.equal(memory.buffer.byteLength, before, `after ${CLIENTS} clients`);

  // What is refused leaves nothing either, and a large call makes memory as large as itself once.
  for (let index = 0; index < 10_000; index++) assert.throws(() => client.group(".."));
  assert.equal(memory.buffer.byteLength, before, "after errors");
  const large = () => client.getClientAccessTokenSync({ userId: "u".repeat(1_000_000) });
  large();
  const grown = memory.buffer.byteLength;
  assert.ok(grown > before && grown < 32 * 1024 * 1024, `${grown} bytes after a large call`);
  for (let index = 0; index < 50; index++) large();
  assert.equal(memory.buffer.byteLength, grown, "after more large calls");
});

function connection(index) {
  return `Endpoint=https://host-${index}.example.com;AccessKey=key-${index};`;
}
