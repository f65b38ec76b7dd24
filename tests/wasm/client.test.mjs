// The memory of the WebSocket client's module, and inputs that it does not know.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { CoreSession, loadInstance, NEXT_ACK_ID } from "../../pkg/dist/client/core/core.js";
import * as Action from "../../pkg/dist/client/core/action.js";
import * as Input from "../../pkg/dist/client/core/input.js";
import { settingsOf } from "../../pkg/dist/client/settings.js";

const module = new WebAssembly.Module(await readFile(new URL("../../pkg/dist/wasm/webpubsub_edge_client.wasm", import.meta.url)));

/** A session that is connected over its first socket. */
function connected() {
  const session = new CoreSession(loadInstance(() => module), settingsOf({}).session, () => assert.fail("the session failed"));
  const [[action, socket]] = give(session, Input.Start);
  assert.equal(action, Action.Open);
  give(session, Input.Opened, socket);
  give(session, Input.Connected, socket, 1);
  return { session, socket };
}

/** Gives an input, and returns the actions: the words of each. */
function give(session, tag, a = 0, id = 0, b = 0) {
  const count = session.handle(tag, a, id, b) >>> 2;
  return Array.from({ length: count }, (_, index) => {
    const at = session.actionsAt + index * 4;
    return [...session.words.subarray(at, at + 4)];
  });
}

test("40,000 messages in flight and thousands of groups leave memory as it was", () => {
  const { session, socket } = connected();
  const sizes = [];
  for (let round = 0; round < 3; round++) {
    const ids = [];
    for (let message = 0; message < 40_000; message++) {
      for (const [action, , id] of give(session, Input.Send, message, NEXT_ACK_ID)) if (action === Action.Send) ids.push(id);
    }
    assert.equal(ids.length, 40_000);
    for (const id of ids) give(session, Input.Ack, socket, id, 0);
    for (const input of [Input.Join, Input.Leave]) {
      for (let group = 0; group < 3000; group++) {
        for (const [action, , id] of give(session, input, 0, NEXT_ACK_ID, group)) {
          if (action === Action.Send) give(session, Input.Ack, socket, id, 0);
        }
      }
    }
    sizes.push(session.words.buffer.byteLength);
  }
  assert.ok(sizes[0] < 16 * 2 ** 20, `${sizes[0]} bytes`);
  assert.deepEqual(sizes, [sizes[0], sizes[0], sizes[0]]);
});

test("an input that does not exist is refused, and the session goes on", () => {
  const { session, socket } = connected();
  for (const input of [[99, 0, 0, 0], [Input.Part, 1, 1, 2], [Input.Connected, socket, 2, 0], [Input.Ack, socket, 1, 9]]) {
    assert.throws(() => session.handle(...input), {
      name: "TypeError",
      message: `The session does not take the input ${input[0]} with ${input[1]}, ${input[2]} and ${input[3]}.`,
    });
  }
  const [[action]] = give(session, Input.Send, 0, NEXT_ACK_ID);
  assert.equal(action, Action.Send);
});

test("numbers in the module's match are those of the inputs", async () => {
  const rust = await readFile(new URL("../../pkg/wasm-client/src/input.rs", import.meta.url), "utf8");
  const arms = [...rust.matchAll(/^ {8}(\d+) => Input::(\w+)/gm)].map(([, number, name]) => [name, Number(number)]);
  assert.deepEqual(Object.fromEntries(arms), { ...Input });
});
