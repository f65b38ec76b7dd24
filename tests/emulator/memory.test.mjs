// A process that starts an emulator for each of its tests does not grow: each has a memory of its own.

import assert from "node:assert/strict";
import { test } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { startEmulator } from "../../pkg/dist/emulator/index.js";
import { eventually } from "../harness.mjs";
import { memoriesCreatedBy } from "../wasm-memory.mjs";
import { connect, RELIABLE } from "./client.mjs";

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc");

const ROUNDS = 10;

test("the memory of an emulator is freed when it has stopped, even if its object is kept", async () => {
  const emulators = [];
  const memories = [];
  for (let round = 0; round < ROUNDS; round++) {
    let emulator;
    const [memory] = await memoriesCreatedBy(async () => (emulator = await startEmulator()));
    const client = await connect(emulator.clientUrl("chat", { roles: ["webpubsub.sendToGroup"], groups: ["g"] }), RELIABLE);
    // The hub keeps messages that are not acknowledged: 2 MiB in all.
    for (let n = 0; n < 4; n++) {
      assert.equal(await client.ask({ type: "sendToGroup", group: "g", dataType: "text", data: "x".repeat(512 * 1024) }), "ok");
    }
    assert.ok(memory.buffer.byteLength > 2 * 1024 * 1024, `${memory.buffer.byteLength} bytes`);
    const stopped = emulator.stop();
    await client.closed;
    await stopped;
    emulators.push(emulator);
    memories.push(new WeakRef(memory));
  }
  await eventually(() => {
    collectGarbage();
    // The last one may still be on the stack.
    return memories.filter((memory) => memory.deref() !== undefined).length <= 1;
  }, "the garbage collector");
  assert.equal(emulators.length, ROUNDS);
});
