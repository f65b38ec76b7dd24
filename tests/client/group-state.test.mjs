// What a client knows of the states in a group, by the cases that the Rust crate runs too (src/client/group_state.rs).

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { GroupStateView } from "../../pkg/dist/client/group-state.js";

const { cases } = JSON.parse(await readFile(new URL("../vectors/group-state.json", import.meta.url), "utf8"));

/** The items of a step, in which # stands for a number. */
const itemsOf = (step, number) =>
  step.map((item) => ({
    ...item,
    connectionId: item.connectionId.replace("#", number),
    updatedAt: item.updatedAt === "#" ? number : item.updatedAt,
  }));

for (const { name, steps } of cases) {
  test(name, () => {
    const view = new GroupStateView("g", async () => {}, assert.fail);
    // Updates are missed from one socket to the next.
    let socket = 1;
    for (const step of steps) {
      const [first, last] = step.for ?? [0, 0];
      for (let number = first; number <= last; number++) {
        if (step.missed) socket++;
        else if (step.snapshot) view.received({ kind: "groupStateSnapshot", group: "g", items: itemsOf(step.snapshot, number) }, socket);
        else view.received({ kind: "groupStateUpdate", group: "g", items: itemsOf(step.update, number) }, socket);
      }
      if (step.known === undefined) continue;
      const known = Object.fromEntries([...view.items].map(([id, { updatedAt }]) => [id, updatedAt]));
      assert.deepEqual(known, step.known, JSON.stringify(step));
    }
  });
}
