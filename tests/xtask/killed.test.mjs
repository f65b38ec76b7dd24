// `cargo xtask test` that is killed takes along all that runs under it. This file is both: the test, which starts
// `cargo xtask test` for this file alone, and there what hangs, which holds a connection to the test as long as it lives.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { on, once } from "node:events";
import { connect, createServer } from "node:net";
import { text } from "node:stream/consumers";
import { test } from "node:test";
import { root } from "../harness.mjs";

const INNER = "XTASK_KILLED_PORT";

/** A server of a test file: it cleans up when it is asked to end, and also ends when the test outside is gone. */
const SERVER = `
  const socket = require("node:net").connect(process.env.${INNER}, "127.0.0.1");
  process.on("SIGINT", () => setTimeout(() => socket.end("cleaned up", () => process.exit()), 500));
  socket.on("close", () => process.exit());
`;

const port = process.env[INNER];
if (port) {
  test("hangs", async () => {
    spawn(process.execPath, ["--eval", SERVER], { stdio: "ignore" });
    await once(connect(Number(port), "127.0.0.1"), "close");
  });
} else {
  const skip = process.platform === "win32" && "Windows has no signals";
  test("what runs under cargo xtask test ends with it, and cleans up before", { skip }, endsWithXtask);
}

async function endsWithXtask(context) {
  const server = createServer().listen(0, "127.0.0.1");
  context.after(() => server.close());
  await once(server, "listening");

  const env = { ...process.env, [INNER]: String(server.address().port) };
  // Node's runner would take the run inside for a part of this one, and do nothing.
  delete env.NODE_TEST_CONTEXT;
  const xtask = spawn(process.env.CARGO ?? "cargo", ["xtask", "test", "xtask/killed"], { cwd: root, env });
  context.after(() => xtask.kill("SIGKILL"));
  const log = Promise.all([text(xtask.stdout), text(xtask.stderr)]);
  const tooEarly = once(xtask, "exit").then(async () => assert.fail(`xtask ended too early:\n${(await log).join("")}`));

  const sockets = await Promise.race([two(server), tooEarly]);
  xtask.kill("SIGKILL");
  // The system closes the connections of a process that ends.
  const lastWords = await Promise.all(sockets.map((socket) => text(socket)));
  assert.deepEqual(lastWords.sort(), ["", "cleaned up"]);
}

/** The connections of the test file and of its server. */
async function two(server) {
  const sockets = [];
  for await (const [socket] of on(server, "connection")) {
    if (sockets.push(socket) === 2) return sockets;
  }
}
