// A client that runs for long takes no more memory than what is in use.

import assert from "node:assert/strict";
import { test } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { memoriesCreatedBy } from "../wasm-memory.mjs";
import { start } from "./fake.mjs";

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc");

test("50,000 groups that were joined and left take no memory", async (t) => {
  let started;
  const [wasm] = await memoriesCreatedBy(async () => (started = await start(t)));
  const { client, socket } = started;
  socket.send = (data) => {
    const { ackId } = JSON.parse(data);
    queueMicrotask(() => socket.receive({ type: "ack", ackId, success: true }));
  };
  const sizes = () => {
    collectGarbage();
    return [wasm.buffer.byteLength, process.memoryUsage().heapUsed];
  };
  let before;
  for (let nth = 0; nth < 50_000; nth++) {
    if (nth === 1000) before = sizes();
    // Kept, the names would be 50 MB.
    const name = `${nth}`.padEnd(1000, "x");
    await client.joinGroup(name);
    await client.leaveGroup(name);
  }
  const after = sizes();
  assert.equal(after[0], before[0]);
  assert.ok(after[1] - before[1] < 8e6, `the heap grew by ${after[1] - before[1]} bytes`);
});

test("a number of a group that is free goes to another group, and both are joined again under their names", async (t) => {
  const { client, sockets, socket } = await start(t);
  socket.send = (data) => {
    const { ackId } = JSON.parse(data);
    queueMicrotask(() => socket.receive({ type: "ack", ackId, success: true }));
  };
  await client.joinGroup("left");
  await client.joinGroup("stays");
  await client.leaveGroup("left");
  await client.joinGroup("new");
  await client.subscribeGroupState("new");
  const closed = new Promise((resolve) => client.on("disconnected", resolve));
  socket.drop(1008);
  await closed;
  sockets[1].open({ connectionId: "again", reconnectionToken: "token" });
  const sent = sockets[1].sent.map(({ type, group }) => `${type} ${group}`);
  assert.deepEqual(sent.sort(), ["joinGroup new", "joinGroup stays", "subscribeGroupState new"]);
});
