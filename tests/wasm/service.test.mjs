// Failures of the service client's WebAssembly instance.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { initSync, WebPubSubServiceClient } from "../../pkg/dist/entrypoints/slim.js";
import { corrupt, memoriesCreatedBy, onFullStack } from "../wasm-memory.mjs";

initSync(await readFile(new URL("../../pkg/dist/wasm/webpubsub_edge.wasm", import.meta.url)));
const client = new WebPubSubServiceClient("Endpoint=https://a.example.com;AccessKey=key;", "hub", { now: () => 1000 });
const mint = (options) => client.getClientAccessTokenSync(options).token;
const expected = mint();

/** Makes the client use a new instance, and returns that instance's memory. */
async function newInstance() {
  for (let tries = 0; tries < 100; tries++) {
    const memories = await memoriesCreatedBy(() => onFullStack(mint));
    if (memories.length > 0) return memories.at(-1);
  }
  throw new Error("No instance was replaced.");
}

test("calls succeed after thousands of stack overflows", () => {
  let overflows = 0;
  for (let tries = 0; overflows < 3000; tries++) {
    assert.ok(tries < 3000, "the stack does not overflow");
    for (const error of onFullStack(mint)) {
      assert.ok(error instanceof RangeError, error);
      overflows++;
    }
    assert.equal(mint(), expected);
  }
});

test("the call after a trap succeeds", async () => {
  const memory = await newInstance();
  corrupt(memory);
  assert.throws(mint, WebAssembly.RuntimeError);
  const memories = await memoriesCreatedBy(() => assert.equal(mint(), expected));
  assert.equal(memories.length, 1);
  assert.deepEqual(await memoriesCreatedBy(() => assert.equal(mint(), expected)), []);
});

test("an instance whose memory has grown past 16 MiB is replaced", async () => {
  const memory = await newInstance();
  // Four bytes of UTF-8 and a longer escape for two code units.
  const large = () => mint({ userId: "\u{1F980}".repeat(400_000), claims: { a: "\u{1F980}".repeat(300_000) } });
  large();
  assert.ok(memory.buffer.byteLength > 16 * 2 ** 20, `${memory.buffer.byteLength} bytes`);
  const memories = await memoriesCreatedBy(() => assert.equal(mint(), expected));
  assert.equal(memories.length, 1);
});

test("a token's claims are limited to 1 MiB", () => {
  const limit = 2 ** 20;
  const claims = (length) => ({ claims: { a: "x".repeat(length - 'a""'.length) } });
  assert.ok(mint(claims(limit)).length > limit);
  assert.throws(() => mint(claims(limit + 1)), {
    code: "ERR_CLAIM",
    message: "claims have 1048577 characters together; at most 1048576 are allowed.",
  });
  assert.throws(() => mint({ jwtHeader: claims(limit + 1).claims }), { code: "ERR_CLAIM" });
  assert.throws(() => mint({ roles: ["x".repeat(limit), "y"] }), { code: "ERR_ROLE" });
  assert.throws(() => mint({ groups: Array(limit + 1).fill("g") }), { code: "ERR_GROUP" });
});

test("all arguments of a call are limited together", () => {
  const text = "x".repeat(1_000_000);
  assert.throws(() => mint({ userId: text, claims: { a: text }, jwtHeader: { kid: text } }), {
    code: "ERR_PARAMETER",
    message: /^The arguments have 300\d{4} characters together; at most 2097152 are allowed\.$/,
  });
  assert.equal(mint(), expected);
});
