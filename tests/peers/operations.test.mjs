// Every operation of the official service SDK and of our package against the emulator on each of its hosts, with the
// same calls; what they do is looked at on the other side, with bare WebSocket clients.

import assert from "node:assert/strict";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { pathToFileURL } from "node:url";
import * as official from "@azure/web-pubsub";
import { HOSTS } from "../emulator/hosts.mjs";
import { installPacked } from "../packed.mjs";
import { nasty, random } from "./differential/random.mjs";
import { openSocket } from "./socket.mjs";

const NOT_FOUND = (code) => (error) => error.statusCode === 404 && error.code === code;

let packed;
let ours;
before(async () => {
  packed = await installPacked();
  ours = await import(pathToFileURL(path.join(packed.folder, "node_modules/webpubsub-edge/dist/entrypoints/index.js")));
});
after(() => packed?.remove());

for (const [name, { skip, start }] of Object.entries(HOSTS)) {
  describe(name, { skip }, () => suite(start));
}

function suite(start) {
  let emulator;
  const sockets = new Set();

  before(async () => {
    emulator = await start({ takesEntraTokens: true });
  });

  after(async () => {
    for (const socket of sockets) {
      socket.stop();
    }
    await emulator?.stop();
  });

  for (const [name, hub, lib] of [
    ["the official SDK", "official", () => official],
    ["our package", "ours", () => ours],
  ]) {
    describe(name, () => {
      let client;
      let odata;

      before(() => {
        const options = { allowInsecureConnection: true, retryOptions: { maxRetries: 0 } };
        client = new (lib().WebPubSubServiceClient)(connectionString(), hub, options);
        odata = lib().odata;
      });

      const connect = (options) => connectWith(client, options);

      test("sends text, JSON and binary to whom it says", async () => {
        const ann = await connect({ userId: "ann" });
        const annToo = await connect({ userId: "ann" });
        const bob = await connect({ userId: "bob é?%2F#", groups: ["a b?ü+"] });
        const nobody = await connect({ groups: ["a b?ü+"] });

        await client.sendToAll({ to: "all" });
        const excludedConnections = [ann.connectionId, annToo.connectionId];
        await client.sendToAll("not ann", { contentType: "text/plain", excludedConnections });
        await client.sendToAll(new Uint8Array([0, 255]).buffer, { filter: odata`userId eq ${null}`, messageTtlSeconds: 300 });
        await client.sendToUser("ann", "user", { contentType: "text/plain" });
        await client.sendToUser("ann", 1, { filter: `connectionId eq '${annToo.connectionId}'`, messageTtlSeconds: 0 });
        await client.sendToUser("bob é?%2F#", [null, { "": "ü" }]);
        await client.sendToConnection(ann.connectionId, null);
        await client.sendToConnection(bob.connectionId, "quoted");
        const group = client.group("a b?ü+");
        await group.sendToAll("group", { contentType: "text/plain" });
        await group.sendToAll({ not: "bob" }, { excludedConnections: [bob.connectionId] });
        await group.sendToAll(new Uint8Array([1, 2, 3]), { filter: odata`${"bob é?%2F#"} eq userId` });
        // Nobody is there, which is no error.
        await client.sendToUser("unknown", 1);
        await client.sendToConnection("unknown", 1);
        await client.group("unknown").sendToAll(1);

        await fenceAll(client);
        const server = (type, data) => ({ from: "server", type, data });
        const inGroup = (type, data) => ({ from: "group", type, data });
        const all = server("json", { to: "all" });
        assert.deepEqual(await ann.before(FENCE), [all, server("text", "user"), server("json", null)]);
        assert.deepEqual(await annToo.before(FENCE), [all, server("text", "user"), server("json", 1)]);
        assert.deepEqual(await bob.before(FENCE), [
          all,
          server("text", "not ann"),
          server("json", [null, { "": "ü" }]),
          server("json", "quoted"),
          inGroup("text", "group"),
          inGroup("binary", "AQID"),
        ]);
        assert.deepEqual(await nobody.before(FENCE), [
          all,
          server("text", "not ann"),
          server("binary", "AP8="),
          inGroup("text", "group"),
          inGroup("json", { not: "bob" }),
        ]);
      });

      test("tells what exists", async () => {
        const cat = await connect({ userId: "cat", groups: ["cats"] });
        for (const [exists, check] of [
          [true, () => client.connectionExists(cat.connectionId)],
          [true, () => client.userExists("cat")],
          [true, () => client.groupExists("cats")],
          [false, () => client.connectionExists("cat")],
          [false, () => client.userExists("Cat")],
          [false, () => client.groupExists("dogs")],
          [false, () => client.hasPermission("cat", "sendToGroup", { targetName: "cats" })],
        ]) {
          assert.equal(await check(), exists, String(check));
        }
      });

      test("a slash in a name stays encoded in the service, which tells it from the name with a slash", async () => {
        await connect({ userId: "u/1", groups: ["g/1"] });
        assert.deepEqual([await client.userExists("u/1"), await client.groupExists("g/1")], [false, false]);
        await connect({ userId: "u%2F1", groups: ["g%2F1"] });
        assert.deepEqual([await client.userExists("u/1"), await client.groupExists("g/1")], [true, true]);
      });

      test("adds to groups and removes from them", async () => {
        const dan = await connect({ userId: "dan" });
        const danToo = await connect({ userId: "dan" });
        const group = client.group("it's \"in\" 日本");
        const members = async () => (await entries(group.listConnections())).map(({ connectionId }) => connectionId);
        const both = [dan.connectionId, danToo.connectionId].sort();

        await group.addConnection(dan.connectionId);
        await group.addConnection(dan.connectionId);
        assert.deepEqual(await members(), [dan.connectionId]);
        await group.removeConnection(danToo.connectionId);
        await group.removeConnection(dan.connectionId);
        assert.deepEqual(await members(), []);

        await group.addUser("dan");
        assert.deepEqual(await members(), both);
        await client.removeConnectionFromAllGroups(dan.connectionId);
        assert.deepEqual(await members(), [danToo.connectionId]);
        await group.removeUser("dan");
        assert.deepEqual(await members(), []);

        await group.addUser("dan");
        await client.removeUserFromAllGroups("dan");
        assert.deepEqual(await members(), []);

        await assert.rejects(group.addConnection("unknown"), NOT_FOUND("Error.Connection.NotExisted"));
        await assert.rejects(group.addUser("unknown"), NOT_FOUND("Warning.User.NotExisted"));
        await group.removeUser("unknown");
        await client.removeConnectionFromAllGroups("unknown");
      });

      test("adds and removes those whom a filter selects", async () => {
        const [eve, finn, anonymous] = [await connect({ userId: "eve's" }), await connect({ userId: "finn" }), await connect({})];
        const [one, two] = [client.group("bulk 1"), client.group("bulk'2")];
        const users = async (group) => (await entries(group.listConnections())).map(({ userId }) => userId ?? "").sort();

        const some = odata`userId eq ${"eve's"} or connectionId eq ${finn.connectionId}`;
        await client.addConnectionsToGroups(["bulk 1", "bulk'2"], some);
        assert.deepEqual([await users(one), await users(two)], [["eve's", "finn"], ["eve's", "finn"]]);
        await client.removeConnectionsFromGroups(["bulk'2"], odata`userId eq ${"eve's"} and ${"bulk 1"} in groups`);
        assert.deepEqual([await users(one), await users(two)], [["eve's", "finn"], ["finn"]]);
        await client.addConnectionsToGroups(["bulk 1"], "");
        const members = (await entries(one.listConnections())).map(({ connectionId }) => connectionId);
        assert.ok(members.includes(anonymous.connectionId), "an empty filter is all");
        await client.removeConnectionsFromGroups(["bulk 1", "bulk'2"], odata`length(groups) gt ${0}`);
        assert.deepEqual([await client.groupExists("bulk 1"), await client.groupExists("bulk'2")], [false, false]);
        assert.ok(eve.isOpen());

        // The official SDK does not read the code of this content type.
        const code = hub === "ours" ? "Error.BadRequest" : undefined;
        const badFilter = (error) => error.statusCode === 400 && error.code === code && /position 14/.test(error.message);
        await assert.rejects(client.addConnectionsToGroups(["bulk 1"], "invalid filter"), badFilter);
        await assert.rejects(client.sendToAll(1, { filter: "invalid filter" }), badFilter);
      });

      test("grants, checks and revokes permissions, and the client feels it", async () => {
        const gil = await connect({ userId: "gil", groups: ["g/1"] });
        const id = gil.connectionId;
        const target = { targetName: "g/1" };
        const send = () => gil.ask({ type: "sendToGroup", group: "g/1", data: 1, noEcho: true });
        const leave = () => gil.ask({ type: "leaveGroup", group: "g/1" });

        assert.equal(await send(), "Forbidden");
        assert.equal(await client.hasPermission(id, "sendToGroup", target), false);
        await client.grantPermission(id, "sendToGroup", target);
        assert.equal(await client.hasPermission(id, "sendToGroup", target), true);
        assert.equal(await client.hasPermission(id, "joinLeaveGroup", target), false);
        assert.equal(await client.hasPermission(id, "sendToGroup", { targetName: "other" }), false);
        assert.equal(await send(), "ok");
        assert.equal(await leave(), "Forbidden");
        await client.revokePermission(id, "sendToGroup", target);
        assert.equal(await client.hasPermission(id, "sendToGroup", target), false);
        assert.equal(await send(), "Forbidden");
        await client.grantPermission(id, "joinLeaveGroup", target);
        assert.equal(await leave(), "ok");

        const all = await connect({ roles: ["webpubsub.sendToGroup"] });
        await client.revokePermission(all.connectionId, "sendToGroup", target);
        // A revoked name wins over a role for all.
        assert.equal(await all.ask({ type: "sendToGroup", group: "g/1", data: 1 }), "Forbidden");
        assert.equal(await all.ask({ type: "sendToGroup", group: "g/2", data: 1 }), "ok");

        await assert.rejects(client.grantPermission("unknown", "sendToGroup", target), NOT_FOUND("Info.Connection.NotExisted"));
        const badRequest = (error) => error.statusCode === 400 && error.code === "Error.BadRequest";
        await assert.rejects(client.revokePermission(id, "sendToGroup"), badRequest);
      });

      test("lists a group page by page", async () => {
        const name = "page & page?ü's";
        const users = [undefined, "p1", "p2", "p3", "p4"];
        const members = await Promise.all(users.map((userId) => connect({ userId, groups: [name] })));
        const expected = members.map(({ connectionId, userId }) => `${connectionId} ${userId ?? ""}`).sort();
        const shown = (list) => list.map(({ connectionId, userId }) => `${connectionId} ${userId ?? ""}`);
        const list = (options) => client.group(name).listConnections(options);
        assert.deepEqual(shown(await entries(list())), expected);
        assert.deepEqual(shown(await entries(list({ maxPageSize: 2 }))), expected);
        assert.deepEqual(shown(await entries(list({ maxPageSize: 2, top: 3 }))), expected.slice(0, 3));
        const pages = await entries((await list({ maxPageSize: 2 })).byPage());
        assert.deepEqual(pages.map(shown), [expected.slice(0, 2), expected.slice(2, 4), expected.slice(4)]);
        assert.deepEqual(shown(await entries(client.group("nobody here").listConnections())), []);
      });

      test("closes a connection, a user, a group and all, but those it excludes", async () => {
        const reason = "bye & thanks, ü";
        const closedWith = { message: reason, code: 1000, reason };
        const byId = await connect({});
        const [user, userToo] = [await connect({ userId: "hal" }), await connect({ userId: "hal" })];
        const [member, memberToo] = [await connect({ groups: ["closing"] }), await connect({ groups: ["closing"] })];
        const [last, stays] = [await connect({}), await connect({})];

        await client.closeConnection(byId.connectionId, { reason });
        assert.deepEqual(await byId.closed(), closedWith);
        assert.equal(await client.connectionExists(byId.connectionId), false);
        await client.closeConnection("unknown");

        await client.closeUserConnections("hal", { reason, excluded: [userToo.connectionId] });
        assert.deepEqual(await user.closed(), closedWith);
        assert.equal(await client.connectionExists(userToo.connectionId), true);

        await client.group("closing").closeAllConnections({ reason, excluded: [memberToo.connectionId] });
        assert.deepEqual(await member.closed(), closedWith);
        assert.equal(await client.connectionExists(memberToo.connectionId), true);

        await client.closeAllConnections({ reason, excluded: [stays.connectionId] });
        for (const socket of [userToo, memberToo, last]) {
          assert.deepEqual(await socket.closed(), closedWith);
        }
        assert.equal(await client.connectionExists(stays.connectionId), true);
        await client.closeAllConnections();
        assert.equal((await stays.closed()).code, 1000);
        assert.equal(await client.connectionExists(stays.connectionId), false);
      });

      test("a client token grants its roles and groups, and nothing more", async () => {
        const roles = ["webpubsub.joinLeaveGroup.mine", "webpubsub.sendToGroups.room.*"];
        const ida = await connect({ userId: "ida", roles, groups: ["from the start"] });
        assert.equal(await client.groupExists("from the start"), true);
        assert.equal(await ida.ask({ type: "joinGroup", group: "mine" }), "ok");
        assert.equal(await ida.ask({ type: "joinGroup", group: "other" }), "Forbidden");
        assert.equal(await ida.ask({ type: "sendToGroup", group: "room.1", data: 1 }), "ok");
        assert.equal(await ida.ask({ type: "sendToGroup", group: "room.1.2", data: 1 }), "Forbidden");
        assert.equal(await ida.ask({ type: "sendToGroup", group: "mine", data: 1 }), "Forbidden");
      });

      test("with a token of Entra ID the service mints, and every operation works", async () => {
        const entra = entraClient(name, lib());
        const granted = { roles: ["webpubsub.sendToGroup.g"], groups: ["g"], expirationTimeInMinutes: 5 };
        const jim = await connectWith(entra, { userId: "jïm", ...granted });
        assert.equal(jim.userId, "jïm");
        assert.equal(await entra.userExists("jïm"), true);
        assert.equal(await entra.groupExists("g"), true);
        assert.equal(await jim.ask({ type: "sendToGroup", group: "g", data: 1, noEcho: true }), "ok");
        assert.equal(await jim.ask({ type: "sendToGroup", group: "h", data: 1 }), "Forbidden");
        await entra.sendToUser("jïm", "hi", { contentType: "text/plain" });
        await fenceAll(entra);
        assert.deepEqual(await jim.before(FENCE), [{ from: "server", type: "text", data: "hi" }]);
      });

      test("a wrong key is refused", async () => {
        const wrong = new (lib().WebPubSubServiceClient)(connectionString("another key"), hub, { allowInsecureConnection: true });
        await assert.rejects(wrong.sendToAll(1), (error) => error.statusCode === 401);
        await assert.rejects(wrong.userExists("x"), (error) => error.statusCode === 401);
      });
    });
  }

  test("our package asks for the health", async () => {
    const client = new ours.WebPubSubServiceClient(connectionString(), "more");
    assert.equal(await client.getServiceStatus(), undefined);
  });

  test("our package goes on from a page, with its link as a setting and as an option", async () => {
    const client = new ours.WebPubSubServiceClient(connectionString(), "more");
    const members = await Promise.all([0, 1, 2].map(() => connectWith(client, { groups: ["g"] })));
    const group = client.group("g");
    const ids = (list) => list.flat().map(({ connectionId }) => connectionId);
    const { value: page } = await group.listConnections().byPage({ maxPageSize: 1 }).next();
    const { continuationToken } = page;
    const expected = ids(members).sort();
    assert.deepEqual(ids(page), expected.slice(0, 1));
    assert.deepEqual(ids(await entries(group.listConnections({ continuationToken }))), expected.slice(1));
    assert.deepEqual(ids(await entries(group.listConnections().byPage({ continuationToken }))), expected.slice(1));
  });

  test("our package replaces a key that is in use", async () => {
    const credential = new ours.AzureKeyCredential("another key");
    const client = new ours.WebPubSubServiceClient(emulator.origin, credential, "more");
    await assert.rejects(client.sendToAll(1), ours.RestError);
    credential.update(emulator.key);
    await client.sendToAll(1);
  });

  test("a filter made of any values selects exactly those it says", async () => {
    const source = random(3);
    const { odata } = ours;
    const client = new ours.WebPubSubServiceClient(connectionString(), "filters");
    // Beside any values some that are nearly the same, or mean something else without their quotes.
    const near = ["ann", "Ann", "ann ", "it's", "it''s", "ü", "u\u0308", "null", "true", "1", "userId"];
    const any = Array.from({ length: 22 }, () => nasty(source).slice(0, 200).toWellFormed());
    const users = [...new Set([...near, ...any])];
    const clients = await Promise.all(users.map((userId) => connectWith(client, { userId })));
    assert.deepEqual(clients.map(({ userId }) => userId), users, "the service has the user ids as they are");
    const anonymous = await connectWith(client, {});

    const expected = new Map(users.map((user) => [user, []]));
    const send = async (filter, isSelected) => {
      await client.sendToAll(filter, { contentType: "text/plain", filter });
      users.filter(isSelected).forEach((user) => expected.get(user).push(filter));
    };
    for (const value of [...users, ...Array.from({ length: 10 }, () => nasty(source))]) {
      const [other, piece] = [source.pick(users), [...value].slice(0, 2).join("")];
      await send(odata`userId eq ${value}`, (user) => user === value);
      await send(odata`not (userId ne '${value}') and ${other} ne userId`, (user) => user === value && user !== other);
      await send(odata`userId in (${value}, ${other})`, (user) => user === value || user === other);
      const matches = odata`startswith(userId, ${piece}) or contains(userId, '${other}')`;
      await send(matches, (user) => user.startsWith(piece) || user.includes(other));
      await send(odata`concat(${value}, userId) eq ${value + other}`, (user) => user === other);
    }
    await client.sendToAll("anonymous", { contentType: "text/plain", filter: odata`userId eq ${null}` });
    await fenceAll(client);
    assert.deepEqual((await anonymous.before(FENCE)).map(({ data }) => data), ["anonymous"]);
    for (const socket of clients) {
      const got = (await socket.before(FENCE)).map(({ data }) => data);
      assert.deepEqual(got, expected.get(socket.userId), JSON.stringify(socket.userId));
    }
  });

  function connectionString(key = emulator.key) {
    return `Endpoint=${emulator.origin};AccessKey=${key};Version=1.0;`;
  }

  async function connectWith(client, options) {
    const { url } = await client.getClientAccessToken(options);
    // Behind the https endpoint that Entra tokens want is the same emulator.
    const socket = await openSocket(url.replace(/^wss:\/\/[^/]+/, emulator.origin.replace("http", "ws")));
    sockets.add(socket);
    return socket;
  }

  /** A client whose token is not validated. The official one sends such tokens over https only, so its transport goes here. */
  function entraClient(name, { WebPubSubServiceClient }) {
    const part = (object) => Buffer.from(JSON.stringify(object)).toString("base64url");
    const expires = Math.floor(Date.now() / 1000) + 600;
    const claims = { aud: "https://webpubsub.azure.com", exp: expires };
    const token = `${part({ alg: "RS256", typ: "JWT" })}.${part(claims)}.${part("signed")}`;
    const credential = { getToken: async () => ({ token, expiresOnTimestamp: expires * 1000 }) };
    if (name === "our package") {
      return new WebPubSubServiceClient(emulator.origin, credential, "entra_ours", { allowInsecureConnection: true });
    }
    const httpClient = {
      async sendRequest(request) {
        const { method, url, headers, body } = request;
        const answer = await fetch(url.replace("https://entra.example", emulator.origin), { method, headers: [...headers], body });
        const bodyAsText = await answer.text();
        return { request, status: answer.status, headers: new headers.constructor([...answer.headers]), bodyAsText };
      },
    };
    return new WebPubSubServiceClient("https://entra.example", credential, "entra_official", { httpClient });
  }

  /** The last message of what a test looks at: it comes after all that was sent before. */
  const FENCE = "~fence~";

  function fenceAll(client) {
    return client.sendToAll(FENCE, { contentType: "text/plain" });
  }

  async function entries(listing) {
    const all = [];
    for await (const entry of await listing) {
      all.push(entry);
    }
    return all;
  }
}
