// No reliable message is lost, on two hosts, through real sockets that break all the time: 50,000 deliveries each. Under
// `cargo xtask soak` it is a million with 200 clients, again and again until the time is over.

import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { describe, test } from "node:test";
import { WebPubSubServiceClient } from "@azure/web-pubsub";
import { HOSTS } from "./hosts.mjs";
import { withoutLoss } from "./loss.mjs";

const SOAK_MS = 1000 * Number(process.env.SOAK_SECONDS ?? 0);
// More clients on the same cores need more patience: else they take a busy machine for a dead socket.
const SIZE = SOAK_MS > 0 ? { clients: 200, each: 25, patienceMs: 5000 } : { clients: 20, each: 125, patienceMs: 1000 };
const DELIVERIES = SIZE.clients ** 2 * SIZE.each;

for (const host of ["Node 24", "wrangler dev"]) {
  describe(host, () => {
    test("nothing is lost, doubled or out of order", (t) => loseNothing(t, host));
  });
}

async function loseNothing(t, host) {
  const emulator = await HOSTS[host].start();
  t.after(emulator.stop);
  const end = performance.now() + SOAK_MS;
  const sizes = [];
  let recoveries = 0;
  let seed = Number(process.env.SOAK_SEED ?? 1);
  do {
    const happened = await withoutLoss({ ...SIZE, seed, ...doors(emulator) }).catch((cause) => {
      throw new Error(`seed ${seed}: ${cause.message}`, { cause });
    });
    t.diagnostic(`seed ${seed}: ${JSON.stringify(happened)}`);
    assert.equal(happened.delivered, DELIVERIES);
    recoveries += happened.recoveries;
    sizes.push(memoryOf(emulator.pid));
    seed++;
  } while (performance.now() < end);
  // A quick round meets few cuts.
  assert.ok(recoveries >= SIZE.clients, `only ${recoveries} recoveries`);
  // Memory rises to what the worst rounds need, for WebAssembly gives none back: what leaks goes on rising after that.
  const [first, middle, last] = [0, sizes.length >> 1, -1].map((at) => sizes.at(at));
  if (first !== undefined) {
    t.diagnostic(`MiB of the host after the first round, the middle one and the last: ${[first, middle, last].map(Math.round).join(", ")}`);
    assert.ok(last < 1.25 * middle + 32, `memory grew from ${middle} to ${last} MiB in the second half`);
  }
}

/** How clients and faults get into an emulator. */
function doors({ origin, key }) {
  // Of its own for each round: what was lost is not to be found again.
  const hub = `loss_${Math.random().toString(36).slice(2)}`;
  const service = new WebPubSubServiceClient(`Endpoint=${origin};AccessKey=${key}`, hub, { allowInsecureConnection: true });
  return {
    url: async (userId) => (await service.getClientAccessToken({ userId, groups: ["all"], roles: ["webpubsub.sendToGroup"] })).url,
    inject: async (fault) => {
      const headers = { "content-type": "application/json" };
      const response = await fetch(`${origin}/_emulator/faults?hub=${hub}`, { method: "POST", headers, body: JSON.stringify(fault) });
      assert.equal(response.status, 200, await response.text());
    },
  };
}

/** The memory of a process in MiB, where the system has a file that tells it. */
function memoryOf(pid) {
  const file = `/proc/${pid}/status`;
  return pid !== undefined && existsSync(file) ? Number(/VmRSS:\s+(\d+)/.exec(readFileSync(file, "utf8"))[1]) / 1024 : undefined;
}
