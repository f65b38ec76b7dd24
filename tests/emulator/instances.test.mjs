// Each emulator has an instance of the module of its own: one that fails stops, and the others go on.

import assert from "node:assert/strict";
import { test } from "node:test";
import { startEmulator } from "../../pkg/dist/emulator/index.js";
import { WebPubSubServiceClient } from "../../pkg/dist/entrypoints/index.js";
import { corrupt, memoriesCreatedBy, onFullStack } from "../wasm-memory.mjs";
import { connect, RELIABLE } from "./client.mjs";

const ROLES = { roles: ["webpubsub.sendToGroup"], groups: ["g"] };

/** Starts two emulators with a client each, and collects what is printed as an error. */
async function startTwo(t) {
  const printed = [];
  t.mock.method(console, "error", (line) => printed.push(line));
  const start = async () => {
    let emulator;
    const memories = await memoriesCreatedBy(async () => (emulator = await startEmulator()));
    assert.equal(memories.length, 1);
    t.after(() => emulator.stop());
    return { emulator, memory: memories[0], client: await connect(emulator.clientUrl("chat", ROLES), RELIABLE) };
  };
  return { failing: await start(), other: await start(), printed };
}

async function assertFailed({ emulator, client }, printed, message) {
  await client.closed;
  assert.equal(printed.length, 1);
  assert.match(printed[0], message);
  const failure = { name: "Error", message: printed[0] };
  assert.throws(() => emulator.inspect("chat"), failure);
  assert.throws(() => emulator.faults.list(), failure);
  assert.throws(() => emulator.onEvent("chat", () => {}), failure);
  await assert.rejects(emulator.clock.advance(1), failure);
  await emulator.stop();
  await assert.rejects(fetch(emulator.endpoint), { name: "TypeError" });
  await (await startEmulator({ port: Number(new URL(emulator.endpoint).port) })).stop();
}

async function assertWorks({ emulator, client }) {
  assert.equal(await client.ask({ type: "sendToGroup", group: "g", dataType: "text", data: "x" }), "ok");
  assert.equal(emulator.inspect("chat").connections.length, 1);
}

const TRAP = /^This emulator has failed and was stopped \(RuntimeError: .*\)\. Start another one\. Please report this error\.$/;

test("a trap while a socket is served stops that emulator and no other", async (t) => {
  const { failing, other, printed } = await startTwo(t);
  corrupt(failing.memory);
  failing.client.say({ type: "sendToGroup", group: "g", dataType: "text", data: "x" });
  await assertFailed(failing, printed, TRAP);
  await assertWorks(other);
});

test("a trap while a request is served stops that emulator and no other", async (t) => {
  const { failing, other, printed } = await startTwo(t);
  corrupt(failing.memory);
  const service = new WebPubSubServiceClient(failing.emulator.connectionString, "chat", { retryOptions: { maxRetries: 0 } });
  await assert.rejects(service.sendToAll("x", { contentType: "text/plain" }), { code: "ERR_NETWORK" });
  await assertFailed(failing, printed, TRAP);
  await assertWorks(other);
});

test("a trap in a call of the API is thrown, and stops that emulator and no other", async (t) => {
  const { failing, other, printed } = await startTwo(t);
  corrupt(failing.memory);
  assert.throws(() => failing.emulator.inspect("chat"), { message: TRAP });
  await assertFailed(failing, printed, TRAP);
  await assertWorks(other);
});

test("a stack overflow stops that emulator and no other", async (t) => {
  const { failing, other, printed } = await startTwo(t);
  for (let tries = 0; printed.length === 0; tries++) {
    assert.ok(tries < 100, "the stack does not overflow in the module");
    onFullStack(() => failing.emulator.faults.list());
    await new Promise((resolve) => setImmediate(resolve));
  }
  await assertFailed(failing, printed, /stopped \(RangeError: Maximum call stack size exceeded\)\. Start/);
  await assertWorks(other);
});

test("an invalid argument is thrown, and stops nothing", async (t) => {
  const { failing, printed } = await startTwo(t);
  assert.throws(() => failing.emulator.faults.inject({ kind: "nonsense" }));
  assert.throws(() => failing.emulator.inspect("no hub"), { code: "ERR_HUB" });
  await assertWorks(failing);
  assert.deepEqual(printed, []);
});
