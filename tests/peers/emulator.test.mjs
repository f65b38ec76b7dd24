// The official SDKs against the emulator on each of its hosts, with URLs that our package mints.

import assert from "node:assert/strict";
import { once } from "node:events";
import { after, before, describe, test } from "node:test";
import { pathToFileURL } from "node:url";
import path from "node:path";
import { WebPubSubServiceClient as OfficialServiceClient } from "@azure/web-pubsub";
import { WebPubSubClient, WebPubSubJsonProtocol, WebPubSubJsonReliableProtocol } from "@azure/web-pubsub-client";
import WebSocket from "ws";
import { HOSTS } from "../emulator/hosts.mjs";
import { installPacked } from "../packed.mjs";
import { queue } from "./queue.mjs";

const ROLES = ["webpubsub.joinLeaveGroup", "webpubsub.sendToGroup"];

let packed;
let lib;
before(async () => {
  packed = await installPacked();
  lib = await import(pathToFileURL(path.join(packed.folder, "node_modules/webpubsub-edge/dist/entrypoints/index.js")));
});
after(() => packed?.remove());

for (const [name, { skip, start }] of Object.entries(HOSTS)) {
  describe(name, { skip }, () => suite(start));
}

function suite(start) {
  let emulator;
  let ours;
  let official;
  const clients = new Set();

  before(async () => {
    emulator = await start();
    const connectionString = `Endpoint=${emulator.origin};AccessKey=${emulator.key};Version=1.0;`;
    ours = new lib.WebPubSubServiceClient(connectionString, "peers");
    official = new OfficialServiceClient(connectionString, "peers", { allowInsecureConnection: true });
  });

  after(async () => {
    for (const client of clients) {
      client.stop();
    }
    await emulator?.stop();
  });

  for (const [name, protocol] of [
    ["json", WebPubSubJsonProtocol()],
    ["json.reliable", WebPubSubJsonReliableProtocol()],
  ]) {
    test(`the official client (${name}) joins, sends, receives and leaves`, async () => {
      const [ann, bob] = await Promise.all([connect(`ann-${name}`, { protocol }), connect(`bob-${name}`, { protocol })]);
      const group = `news ${name}`;
      await Promise.all([ann.client.joinGroup(group), bob.client.joinGroup(group)]);

      await ann.client.sendToGroup(group, { n: 1 }, "json");
      await ann.client.sendToGroup(group, "two", "text", { noEcho: true });
      await ann.client.sendToGroup(group, new Uint8Array([3, 4]).buffer, "binary");
      const [one, two, three] = await bob.groupMessages.take(3);
      assert.deepEqual([one.data, one.dataType, one.fromUserId, one.group], [{ n: 1 }, "json", `ann-${name}`, group]);
      assert.deepEqual([two.data, two.dataType], ["two", "text"]);
      assert.deepEqual([...new Uint8Array(three.data)], [3, 4]);
      const echoes = await ann.groupMessages.take(2);
      assert.deepEqual(echoes.map(({ dataType }) => dataType), ["json", "binary"], "the noEcho one does not come back");

      await bob.client.leaveGroup(group);
      await ann.client.sendToGroup(group, "after", "text");
      await ours.sendToUser(`bob-${name}`, "last", { contentType: "text/plain" });
      const [next] = await bob.serverMessages.take(1);
      assert.equal(next.data, "last");
      assert.equal(bob.groupMessages.waiting(), 0, "who left gets nothing");
    });
  }

  test("the official client is told what it may not do, and that an event has no handler", async () => {
    const { client } = await connect("carl", { roles: ["webpubsub.joinLeaveGroup.mine"] });
    await client.joinGroup("mine");
    await assert.rejects(client.joinGroup("other"), (error) => error.errorDetail?.name === "Forbidden");
    await assert.rejects(client.sendToGroup("mine", "x", "text"), (error) => error.errorDetail?.name === "Forbidden");
    await assert.rejects(client.sendEvent("e", "x", "text"), (error) => error.errorDetail?.name === "InternalServerError");
  });

  test("the official client recovers after its socket is cut, and misses nothing", async () => {
    const dora = await connect("dora", { protocol: WebPubSubJsonReliableProtocol() });
    let disconnected = 0;
    dora.client.on("disconnected", () => disconnected++);
    await ours.sendToUser("dora", 1);
    await dora.serverMessages.take(1);

    await fault({ type: "cut", userId: "dora" });
    for (const n of [2, 3, 4]) {
      await ours.sendToUser("dora", n);
    }
    const messages = await dora.serverMessages.take(3);
    assert.deepEqual(messages.map(({ data }) => data), [2, 3, 4]);
    assert.equal(disconnected, 0, "recovered, not reconnected");
    assert.equal(await official.connectionExists(dora.connectionId), true);
  });

  test("the official service client sends, checks, groups and closes", async () => {
    const eve = await connect("eve");
    assert.equal(await official.connectionExists(eve.connectionId), true);
    assert.equal(await official.userExists("eve"), true);
    assert.equal(await official.userExists("nobody"), false);
    assert.equal(await official.groupExists("club"), false);

    const club = official.group("club");
    await club.addConnection(eve.connectionId);
    assert.equal(await official.groupExists("club"), true);
    await assert.rejects(club.addConnection("unknown"), (error) => error.statusCode === 404);

    await official.sendToAll({ to: "all" });
    await official.sendToAll("not for eve", { contentType: "text/plain", excludedConnections: [eve.connectionId] });
    await official.sendToUser("eve", "text", { contentType: "text/plain" });
    await official.sendToConnection(eve.connectionId, new Uint8Array([1, 2]).buffer);
    const [all, text, binary] = await eve.serverMessages.take(3);
    assert.deepEqual([all.data, text.data, [...new Uint8Array(binary.data)]], [{ to: "all" }, "text", [1, 2]]);
    await club.sendToAll({ to: "club" });
    const [toClub] = await eve.groupMessages.take(1);
    assert.deepEqual([toClub.data, toClub.group], [{ to: "club" }, "club"]);

    await club.removeConnection(eve.connectionId);
    assert.equal(await official.groupExists("club"), false);
    await club.addUser("eve");
    assert.equal(await official.groupExists("club"), true);
    await official.removeUserFromAllGroups("eve");
    assert.equal(await official.groupExists("club"), false);

    const closed = new Promise((resolve) => eve.client.on("disconnected", resolve));
    await official.closeUserConnections("eve", { reason: "bye" });
    assert.equal((await closed).message.message, "bye");
  });

  test("our package sends to everybody, a group, a user and a connection", async () => {
    const fay = await connect("fay");
    await fay.client.joinGroup("a-b");
    await ours.sendToAll({ n: 1 });
    await ours.sendToConnection(fay.connectionId, new Uint8Array([9]));
    await ours.group("a-b").sendToAll("hi", { contentType: "text/plain" });
    const [json, binary] = await fay.serverMessages.take(2);
    assert.deepEqual([json.data, [...new Uint8Array(binary.data)]], [{ n: 1 }, [9]]);
    assert.equal((await fay.groupMessages.take(1))[0].data, "hi");
  });

  test("a simple client gets raw frames", async () => {
    const { url } = await ours.getClientAccessToken({ userId: "gil" });
    const socket = new WebSocket(url);
    const frames = queue();
    socket.on("message", (data, isBinary) => frames.push(isBinary ? [...data] : String(data)));
    await once(socket, "open");
    await ours.sendToUser("gil", "text", { contentType: "text/plain" });
    await ours.sendToUser("gil", { a: 1 });
    await ours.sendToUser("gil", new Uint8Array([5, 6]));
    assert.deepEqual(await frames.take(3), ["text", '{"a":1}', [5, 6]]);
    socket.send("an event that nobody handles");
    const [code] = await once(socket, "close");
    assert.equal(code, 1011);
  });

  test("a URL for another host, hub or key does not open", async () => {
    const port = new URL(emulator.origin).port;
    const status = async (endpoint, key, hub, path) => {
      const client = new lib.WebPubSubServiceClient(`Endpoint=${endpoint};AccessKey=${key}`, hub);
      const { token } = client.getClientAccessTokenSync();
      const socket = new WebSocket(`ws://127.0.0.1:${port}/client/hubs/${path}?access_token=${token}`);
      const [request, response] = await once(socket, "unexpected-response");
      request.destroy();
      return response.statusCode;
    };
    assert.equal(await status("https://elsewhere.example", emulator.key, "h", "h"), 401);
    assert.equal(await status(`http://127.0.0.1:${port}`, "another key", "h", "h"), 401);
    assert.equal(await status(`http://127.0.0.1:${port}`, emulator.key, "h", "other"), 401);

    for (const host of ["localhost", "127.0.0.1", "[::1]"]) {
      const client = new lib.WebPubSubServiceClient(`Endpoint=http://${host}:${port};AccessKey=${emulator.key}`, "h");
      const { token } = client.getClientAccessTokenSync();
      const socket = new WebSocket(`ws://127.0.0.1:${port}/client/hubs/h?access_token=${token}`);
      await once(socket, "open");
      socket.close();
    }
  });

  /** Connects an official client with a URL of ours; collects what it gets. */
  async function connect(userId, { roles = ROLES, protocol = WebPubSubJsonProtocol() } = {}) {
    const client = new WebPubSubClient(
      { getClientAccessUrl: async () => (await ours.getClientAccessToken({ userId, roles })).url },
      { protocol, autoReconnect: false, messageRetryOptions: { maxRetries: 0 } },
    );
    clients.add(client);
    const groupMessages = queue();
    const serverMessages = queue();
    client.on("group-message", ({ message }) => groupMessages.push(message));
    client.on("server-message", ({ message }) => serverMessages.push(message));
    const connected = new Promise((resolve) => client.on("connected", resolve));
    await client.start();
    const { connectionId } = await connected;
    return { client, connectionId, groupMessages, serverMessages };
  }

  async function fault(body) {
    const answer = await fetch(`${emulator.origin}/_emulator/faults?hub=peers`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    });
    assert.equal(answer.ok, true, await answer.text());
  }
}
