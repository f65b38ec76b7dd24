// Each fault through the API, in every runtime: `[name, run]` each. Time stands still unless a test advances it, so
// that what is late is late for sure.

import assert from "node:assert/strict";
import { once } from "node:events";
import http from "node:http";
import { connect, open, recoveryUrl, RELIABLE } from "./client.mjs";

const ROLES = ["webpubsub.joinLeaveGroup", "webpubsub.sendToGroup"];

export function faultsSuite({ startEmulator }, Service) {
  const withEmulator = (use) => async () => {
    const emulator = await startEmulator({ now: () => 1_750_000_000_000 });
    const { faults } = emulator;
    const service = new Service(emulator.connectionString, "chat", { retryOptions: { maxRetries: 0 } });
    const url = (userId) => emulator.clientUrl("chat", { userId, roles: ROLES, groups: ["g"] });
    const client = (userId, subprotocol) => connect(url(userId), subprotocol);
    /** Comes back with the token of a lost client. */
    const recover = ({ connected }) => open(recoveryUrl(url("any"), connected), RELIABLE);
    try {
      await use({ emulator, faults, service, url, client, recover });
    } finally {
      await emulator.stop();
    }
  };

  return [
    ["cut drops the sockets of a user, of a connection, of a hub", withEmulator(async ({ faults, client, service }) => {
      const [ann, bob, bobToo] = await Promise.all([client("ann"), client("bob"), client("bob")]);
      assert.deepEqual(faults.inject({ type: "cut", userId: "ann" }), { cut: 1 });
      assert.notEqual((await ann.closed).code, 1000);
      assert.deepEqual(faults.inject({ type: "cut", connectionId: bob.connectionId }), { cut: 1 });
      await bob.closed;
      assert.deepEqual(faults.inject({ type: "cut", hub: "other" }), { cut: 0 });
      await service.sendToUser("bob", "still here");
      assert.deepEqual(await bobToo.data(1), ["still here"]);
      assert.deepEqual(faults.inject({ type: "cut", hub: "Chat" }), { cut: 1 });
      await bobToo.closed;
    })],

    ["what is no fault, no hub and no number is refused by name, and breaks nothing", withEmulator(async ({ emulator, faults, client }) => {
      const cyclic = { type: "cut" };
      cyclic.share = cyclic;
      let deep = {};
      for (let level = 0; level < 1000; level++) deep = { deep };
      for (const [named, wrong] of [
        ["fault", () => faults.inject()],
        ["fault", () => faults.inject(null)],
        ["fault", () => faults.inject("cut")],
        ["fault", () => faults.inject(cyclic)],
        ["recursion", () => faults.inject({ type: "cut", share: deep })],
        ["`type`, `hub`, `ms`", () => faults.inject({ type: "cut", user: "ann" })],
        ["must be one of `cut`, `restart`", () => faults.inject({})],
        ["hub", () => faults.inject({ type: "cut", hub: 5 })],
        ["hub", () => faults.inject({ type: "cut", hub: "1 no" })],
        ["hub", () => faults.list(5)],
        ["hub", () => faults.clear("1 no")],
        ["hub", () => emulator.inspect(5)],
        ["hub", () => emulator.inspect("1 no")],
        ["id", () => faults.remove(2 ** 32 + 1)],
        ["id", () => faults.remove("1")],
        ["share", () => faults.inject({ type: "cut", share: Number.NaN })],
        ["ms", () => faults.inject({ type: "delay", ms: Number.NaN })],
        ["ms", () => faults.inject({ type: "delay", ms: Infinity })],
        ["count", () => faults.inject({ type: "pauseAcks", count: 0 })],
        ["seed", () => faults.inject({ type: "pauseAcks", seed: 2 ** 53 })],
        ["count", () => faults.inject({ type: "pauseAcks", count: 2 ** 60 })],
        ["durationms", () => faults.inject({ type: "pauseAcks", durationMs: 2 ** 53 })],
      ]) {
        assert.throws(wrong, (error) => /^ERR_(ARGUMENT_TYPE|HUB)$/.test(error.code) && error.message.toLowerCase().includes(named), String(wrong));
      }
      assert.deepEqual(faults.list(), []);
      const { id } = faults.inject({ type: "pauseAcks", hub: "Chat" });
      assert.equal(faults.remove(2 ** 32 - 1), false);
      assert.equal(faults.remove(id), true);
      // Another one of this process is as good as new.
      const other = await startEmulator();
      assert.deepEqual(other.inspect("chat").connections, []);
      await other.stop();
      await client("ann");
      assert.equal(emulator.inspect("chat").connections.length, 1);
    })],

    ["restart drops everybody; without its state nobody comes back", withEmulator(async ({ faults, client, service, recover }) => {
      const first = await client("ann", RELIABLE);
      assert.deepEqual(faults.inject({ type: "restart" }), { cut: 1 });
      await first.closed;
      await service.sendToUser("ann", "meanwhile");
      assert.equal((await (await recover(first)).frames.take(1))[0].data, "meanwhile");

      const second = await client("bob", RELIABLE);
      assert.deepEqual(faults.inject({ type: "restart", keepState: false }), { cut: 2 });
      await second.closed;
      assert.equal((await (await recover(second)).closed).code, 1008);
    })],

    ["cutOnFrame cuts in place of a frame", withEmulator(async ({ faults, client, service, recover }) => {
      const [ann, bob] = await Promise.all([client("ann", RELIABLE), client("bob")]);
      faults.inject({ type: "cutOnFrame", userId: "ann", count: 1 });
      ann.say({ type: "sendToGroup", group: "g", data: "lost", ackId: 1 });
      await ann.closed;
      const back = await recover(ann);
      back.send(JSON.stringify({ type: "sendToGroup", group: "g", data: "again", ackId: 1 }));
      assert.deepEqual(await bob.data(1), ["again"]);
      await service.sendToUser("bob", "end");
      assert.deepEqual(await bob.data(1), ["end"]);
    })],

    ["halfOpen swallows frames, and only the client can notice", withEmulator(async ({ emulator, faults, client, service, recover }) => {
      const [ann, bob] = await Promise.all([client("ann", RELIABLE), client("bob")]);
      const { id } = faults.inject({ type: "halfOpen", userId: "ann", direction: "toClient" });
      await service.sendToUser("ann", "swallowed");
      // What she says still arrives.
      ann.say({ type: "sendToGroup", group: "g", data: "hello?" });
      assert.deepEqual(await bob.data(1), ["hello?"]);
      assert.equal(ann.frames.waiting(), 0);
      const her = () => emulator.inspect("chat").connections.find(({ userId }) => userId === "ann");
      assert.equal(her().open, true);
      assert.equal(faults.remove(id), true);
      await ann.closed;
      const back = await recover(ann);
      assert.deepEqual((await back.frames.take(2)).map(({ data }) => data), ["swallowed", "hello?"]);
    })],

    ["delay makes frames late, in their order", withEmulator(async ({ emulator, faults, client, service }) => {
      const [ann, bob] = await Promise.all([client("ann"), client("bob")]);
      faults.inject({ type: "delay", ms: 500, userId: "ann", direction: "toClient" });
      await service.sendToAll(1);
      await service.sendToAll(2);
      assert.deepEqual(await bob.data(2), [1, 2]);
      await emulator.clock.advance(499);
      await service.sendToUser("bob", 3);
      assert.deepEqual(await bob.data(1), [3]);
      assert.equal(ann.frames.waiting(), 0);
      await emulator.clock.advance(1);
      assert.deepEqual(await ann.data(2), [1, 2]);
    })],

    ["delayAcks lets messages pass acks", withEmulator(async ({ emulator, faults, client, service }) => {
      const ann = await client("ann");
      faults.inject({ type: "delayAcks", ms: 500 });
      ann.say({ type: "joinGroup", group: "late", ackId: 1 });
      await group(emulator, "late", 1);
      await service.sendToUser("ann", "first");
      assert.deepEqual(await ann.data(1), ["first"]);
      await emulator.clock.advance(500);
      assert.deepEqual(await acks(ann, 1), [1]);
    })],

    ["duplicateAcks sends each twice", withEmulator(async ({ faults, client }) => {
      const ann = await client("ann");
      faults.inject({ type: "duplicateAcks", count: 1 });
      ann.say({ type: "joinGroup", group: "a", ackId: 1 });
      ann.say({ type: "joinGroup", group: "b", ackId: 2 });
      assert.deepEqual(await acks(ann, 3), [1, 1, 2]);
    })],

    ["reorderAcks sends them in another order", withEmulator(async ({ faults, client }) => {
      const ann = await client("ann");
      faults.inject({ type: "reorderAcks", window: 3 });
      for (const ackId of [1, 2, 3]) ann.say({ type: "joinGroup", group: "a", ackId });
      const order = await acks(ann, 3);
      assert.notDeepEqual(order, [1, 2, 3]);
      assert.deepEqual(order.toSorted(), [1, 2, 3]);
    })],

    ["pauseAcks holds them until it is removed", withEmulator(async ({ emulator, faults, client, service }) => {
      const ann = await client("ann");
      const { id } = faults.inject({ type: "pauseAcks", hub: "chat" });
      ann.say({ type: "joinGroup", group: "held", ackId: 1 });
      await group(emulator, "held", 1);
      await emulator.clock.advance(10_000);
      await service.sendToUser("ann", "first");
      assert.deepEqual(await ann.data(1), ["first"]);
      faults.remove(id);
      assert.deepEqual(await acks(ann, 1), [1]);
    })],

    ["slowClient lets frames pile up, and too many close it", withEmulator(async ({ faults, client, service }) => {
      const [ann, bob] = await Promise.all([client("ann"), client("bob")]);
      const { id } = faults.inject({ type: "slowClient", userId: "ann" });
      faults.inject({ type: "slowClient", userId: "bob" });
      for (const n of [1, 2, 3]) await service.sendToUser("ann", n);
      assert.equal(ann.frames.waiting(), 0);
      faults.remove(id);
      assert.deepEqual(await ann.data(3), [1, 2, 3]);
      for (let n = 0; n < 1010; n++) ann.say({ type: "sendToGroup", group: "g", data: n, noEcho: true });
      assert.equal((await bob.closed).code, 1008);
    })],

    ["refuseRecovery ends what could have come back", withEmulator(async ({ faults, client, recover }) => {
      const ann = await client("ann", RELIABLE);
      faults.inject({ type: "cut" });
      await ann.closed;
      faults.inject({ type: "refuseRecovery", count: 1 });
      assert.equal((await (await recover(ann)).closed).code, 1008);
    })],

    ["refuseConnection answers upgrades", withEmulator(async ({ faults, url, client }) => {
      faults.inject({ type: "refuseConnection", status: 429, retryAfterSeconds: 7, count: 1 });
      const { hostname, port, pathname, search } = new URL(url("ann"));
      const headers = { connection: "Upgrade", upgrade: "websocket", "sec-websocket-version": "13", "sec-websocket-key": "MTIzNDU2Nzg5MDEyMzQ1Ng==" };
      const request = http.request({ hostname, port, path: pathname + search, headers });
      request.end();
      const [response] = await once(request, "response");
      response.resume();
      assert.deepEqual([response.statusCode, response.headers["retry-after"]], [429, "7"]);
      await client("ann");
    })],

    ["answer answers REST, carried out or not", withEmulator(async ({ faults, client, service, emulator }) => {
      const ann = await client("ann");
      faults.inject({ type: "answer", status: 429, retryAfterSeconds: 1, count: 1 });
      await assert.rejects(service.sendToAll("not sent"), (error) => error.statusCode === 429);
      faults.inject({ type: "answer", status: 500, carriedOut: true, count: 1 });
      await assert.rejects(service.sendToAll("sent"), (error) => error.statusCode === 500);
      // The package waits as it is told and tries again.
      faults.inject({ type: "answer", status: 503, retryAfterSeconds: 0, count: 1 });
      await new Service(emulator.connectionString, "chat").sendToAll("in the end");
      assert.deepEqual(await ann.data(2), ["sent", "in the end"]);
    })],

    ["delayAnswer answers late", withEmulator(async ({ emulator, faults, client, service }) => {
      const ann = await client("ann");
      faults.inject({ type: "delayAnswer", ms: 5000, count: 1 });
      let isAnswered = false;
      const sending = service.sendToUser("ann", "late").then(() => (isAnswered = true));
      assert.deepEqual(await ann.data(1), ["late"]);
      await service.sendToUser("ann", "next");
      assert.deepEqual(await ann.data(1), ["next"]);
      assert.equal(isAnswered, false);
      await emulator.clock.advance(5000);
      await sending;
    })],

    ["faults are listed, removed, and end by themselves", withEmulator(async ({ emulator, faults, client }) => {
      const pause = { type: "pauseAcks", hub: "chat", durationMs: 1000 };
      const { id, cut } = faults.inject(pause);
      assert.equal(cut, 0);
      const other = faults.inject({ type: "duplicateAcks", hub: "other", count: 2, share: undefined });
      assert.deepEqual(faults.list("chat"), [{ ...pause, id, acted: 0, remainingMs: 1000 }]);
      assert.deepEqual(faults.list().map(({ type }) => type), ["pauseAcks", "duplicateAcks"]);
      const ann = await client("ann");
      ann.say({ type: "joinGroup", group: "a", ackId: 1 });
      await group(emulator, "a", 1);
      assert.equal(faults.list("chat")[0].acted, 1);
      await emulator.clock.advance(1000);
      assert.deepEqual(await acks(ann, 1), [1]);
      assert.deepEqual(faults.list("chat"), []);
      assert.equal(faults.remove(other.id), true);
      assert.equal(faults.remove(other.id), false);
      faults.inject({ type: "refuseRecovery" });
      faults.clear();
      assert.deepEqual(faults.list(), []);
    })],

    ["a share meets the same ones for the same seed", withEmulator(async ({ emulator, faults, client }) => {
      const met = async (seed) => {
        const clients = await Promise.all(Array.from({ length: 20 }, (_, index) => client(String(index))));
        const users = () => emulator.inspect("chat").connections.map(({ userId }) => userId);
        const order = users();
        const { cut } = faults.inject({ type: "cut", share: 0.5, seed });
        const left = users();
        assert.equal(left.length, 20 - cut);
        faults.inject({ type: "cut" });
        await Promise.all(clients.map(({ closed }) => closed));
        return order.map((user) => left.includes(user));
      };
      const first = await met(1);
      assert.ok(first.includes(true) && first.includes(false), String(first));
      assert.notDeepEqual(await met(2), first);
    })],

    ["a fault that makes no sense is refused, and says why", withEmulator(async ({ faults }) => {
      for (const [fault, problem] of [
        [{ type: "melt" }, /melt/],
        [{ type: "cut", user: "ann" }, /user/],
        [{ type: "cut", userId: "ann", connectionId: "c" }, /connectionId or userId/],
        [{ type: "delay" }, /needs ms/],
        [{ type: "delay", ms: -1 }, /-1/],
        [{ type: "answer", status: 99 }, /status must be/],
        [{ type: "cutOnFrame", share: 2 }, /share must be/],
      ]) {
        assert.throws(() => faults.inject(fault), (error) => error instanceof TypeError && problem.test(error.message), JSON.stringify(fault));
      }
      assert.deepEqual(faults.list(), []);
    })],
  ];
}

/** The ack ids of the next acks. */
async function acks(client, count) {
  return (await client.frames.take(count)).map(({ type, ackId }) => (type === "ack" ? ackId : type));
}

/** Waits until a group of the hub has so many members: what a client said has arrived. */
async function group(emulator, name, size) {
  for (;;) {
    const found = emulator.inspect("chat").groups.find(({ group }) => group === name);
    if (found?.connections === size) return;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
