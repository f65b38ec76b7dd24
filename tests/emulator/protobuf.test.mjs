// Protobuf clients on two hosts. The official package for protobuf is not on npm, so the frames are made and read by
// protobufjs, from the schema beside this file.

import assert from "node:assert/strict";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import protobuf from "protobufjs";
import { WebPubSubServiceClient } from "@azure/web-pubsub";
import { connect, open, recoveryUrl } from "./client.mjs";
import { HOSTS } from "./hosts.mjs";

const PROTOBUF = "protobuf.webpubsub.azure.v1";
const RELIABLE = "protobuf.reliable.webpubsub.azure.v1";
const ROLES = ["webpubsub.joinLeaveGroup", "webpubsub.sendToGroup"];

const schema = await protobuf.load(path.join(path.dirname(fileURLToPath(import.meta.url)), "webpubsub.proto"));
const Upstream = schema.lookupType("azure.webpubsub.UpstreamMessage");
const Downstream = schema.lookupType("azure.webpubsub.DownstreamMessage");

for (const host of ["wrangler dev", "Node 24"]) {
  describe(host, () => {
    let emulator;
    let service;
    before(async () => {
      emulator = await HOSTS[host].start();
      service = new WebPubSubServiceClient(`Endpoint=${emulator.origin};AccessKey=${emulator.key}`, "protobuf", { allowInsecureConnection: true });
    });
    after(() => emulator?.stop());

    const url = async (token) => (await service.getClientAccessToken(token)).url;
    const joined = async (userId, group, subprotocol = PROTOBUF) =>
      protobufClient(await url({ userId, roles: ROLES, groups: [group] }), subprotocol);

    test("clients of protobuf and of JSON understand each other, whatever the data", async () => {
      const ann = await joined("ann", "mixed");
      const bob = await connect(await url({ userId: "bob", roles: ROLES, groups: ["mixed"] }));
      const send = (data) => ann.ask({ sendToGroup: { group: "mixed", data, noEcho: true } });
      assert.equal(await send({ textData: "hé" }), "ok");
      assert.equal(await send({ jsonData: '{"n":1}' }), "ok");
      assert.equal(await send({ binaryData: Uint8Array.of(0, 255) }), "ok");
      const any = { type_url: "type.example/it", value: Uint8Array.of(1, 2) };
      assert.equal(await send({ protobufData: any }), "ok");
      const seen = (await bob.frames.take(4)).map(({ from, fromUserId, dataType, data }) => [from, fromUserId, dataType, data]);
      const anyBytes = schema.lookupType("google.protobuf.Any").encode(any).finish();
      assert.deepEqual(seen, [
        ["group", "ann", "text", "hé"],
        ["group", "ann", "json", { n: 1 }],
        ["group", "ann", "binary", "AP8="],
        ["group", "ann", "protobuf", Buffer.from(anyBytes).toString("base64")],
      ]);

      assert.equal(await bob.ask({ type: "sendToGroup", group: "mixed", dataType: "json", data: [1], noEcho: true }), "ok");
      assert.equal(await bob.ask({ type: "sendToGroup", group: "mixed", dataType: "binary", data: "AP8=", noEcho: true }), "ok");
      await service.sendToUser("ann", "text", { contentType: "text/plain" });
      const [json, binary, text] = (await ann.take(3)).map(({ data }) => data);
      assert.deepEqual([json.from, json.group, json.data.jsonData], ["group", "mixed", "[1]"]);
      assert.deepEqual([...binary.data.binaryData], [0, 255]);
      assert.deepEqual([text.from, text.data.textData, "sequenceId" in text], ["server", "text", false]);
    });

    test("a client joins, leaves, pings, and is told what it may not do", async () => {
      const carl = await protobufClient(await url({ userId: "carl", roles: ["webpubsub.joinLeaveGroup.mine"] }), PROTOBUF);
      assert.equal(carl.connected.userId, "carl");
      assert.equal("reconnectionToken" in carl.connected, false);
      assert.equal(await carl.ask({ joinGroup: { group: "mine" } }), "ok");
      assert.equal(await service.groupExists("mine"), true);
      assert.equal(await carl.ask({ leaveGroup: { group: "mine" } }), "ok");
      assert.equal(await service.groupExists("mine"), false);
      assert.equal(await carl.ask({ joinGroup: { group: "other" } }), "Forbidden");
      assert.equal(await carl.ask({ sendToGroup: { group: "mine", data: { textData: "x" } } }), "Forbidden");
      assert.equal(await carl.ask({ event: { event: "e", data: { textData: "x" } } }), "InternalServerError");
      carl.say({ ping: {} });
      assert.deepEqual(await carl.take(1), [{ pong: {} }]);
    });

    test("an ack id counts once, and metadata goes along", async () => {
      const dora = await joined("dora", "meta");
      const frame = { sendToGroup: { group: "meta", ackId: 9, data: { textData: "once" }, metadata: { trace: "7" } } };
      dora.say(frame);
      dora.say(frame);
      const [first, , second] = await dora.take(3);
      assert.deepEqual([first.data.data.textData, first.data.metadata], ["once", { trace: "7" }]);
      assert.equal(second.ack.error.name, "Duplicate");
    });

    test("a reliable client comes back after a cut, and misses nothing", async () => {
      const link = await url({ userId: "eve", roles: ROLES, groups: ["kept"] });
      const eve = await protobufClient(link, RELIABLE);
      await service.sendToUser("eve", 1);
      await service.sendToUser("eve", 2);
      const ids = (frames) => frames.map(({ data }) => [Number(data.sequenceId), data.data.jsonData]);
      assert.deepEqual(ids(await eve.take(2)), [[1, "1"], [2, "2"]]);
      eve.say({ sequenceAck: { sequenceId: 1 } });
      eve.say({ ping: {} });
      await eve.take(1);
      await cut(emulator, eve.connected.connectionId);
      await eve.closed;
      await service.sendToUser("eve", 3);
      const back = await protobufClient(recoveryUrl(link, eve.connected), RELIABLE, { isRecovery: true });
      assert.deepEqual(ids(await back.take(2)), [[2, "2"], [3, "3"]]);
      await service.group("kept").sendToAll(4);
      assert.deepEqual(ids(await back.take(1)), [[4, "4"]]);
    });

    test("what is no protobuf closes the socket", async () => {
      const client = await protobufClient(await url({}), PROTOBUF);
      client.send(Uint8Array.of(0xff, 0xff, 0xff));
      assert.equal((await client.closed).code, 1007);
    });
  });
}

/** Opens a client and gives it once it is connected, which a client that comes back is not told. */
async function protobufClient(url, subprotocol, { isRecovery = false } = {}) {
  const client = await open(url, subprotocol);
  const options = { longs: Number, oneofs: false };
  const take = async (count) => (await client.frames.take(count)).map((bytes) => Downstream.toObject(Downstream.decode(bytes), options));
  const say = (frame) => client.send(Upstream.encode(Upstream.fromObject(frame)).finish());
  let lastAckId = 0;
  return {
    ...client,
    connected: isRecovery ? undefined : (await take(1))[0].system.connected,
    take,
    say,
    /** Sends a frame; "ok", or the name of the error in its ack. */
    ask: async (frame) => {
      const [[kind, members]] = Object.entries(frame);
      say({ [kind]: { ...members, ackId: ++lastAckId } });
      const [{ ack }] = await take(1);
      assert.equal(ack.ackId, lastAckId);
      return ack.success ? "ok" : ack.error.name;
    },
  };
}

async function cut({ origin }, connectionId) {
  const response = await fetch(`${origin}/_emulator/faults?hub=protobuf`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ type: "cut", connectionId }),
  });
  assert.equal(response.status, 200, await response.text());
}
