// What stopped leaves nothing: a process that starts an emulator for each of its tests does not grow.

import assert from "node:assert/strict";
import { test } from "node:test";
import { startEmulator } from "../../pkg/dist/emulator/index.js";
import { memoryStartedBy } from "../wasm-memory.mjs";
import { connect, RELIABLE } from "./client.mjs";

const ROUNDS = 30;

test("emulators that were stopped give their memory back", async () => {
  const memory = await memoryStartedBy(async () => (await startEmulator()).stop());

  let before;
  for (let round = 0; round < ROUNDS; round++) {
    const emulator = await startEmulator();
    const client = await connect(emulator.clientUrl("chat", { roles: ["webpubsub.sendToGroup"], groups: ["g"] }), RELIABLE);
    // The hub keeps what nobody acknowledges: 2 MiB in all.
    for (let n = 0; n < 4; n++) {
      assert.equal(await client.ask({ type: "sendToGroup", group: "g", dataType: "text", data: "x".repeat(512 * 1024) }), "ok");
    }
    const stopped = emulator.stop();
    await client.closed;
    await stopped;
    if (round === 4) {
      before = memory.buffer.byteLength;
    }
  }
  assert.ok(before > 2 * 1024 * 1024, `${before} bytes after some`);
  assert.equal(memory.buffer.byteLength, before, `after ${ROUNDS}`);
});
