// What the WebSocket client must do against a service, the same in every runtime. `lib` is the service client of the
// package; `given` is { connectionString, origin, wsModule, cutSeconds, answers }: the service, where its faults are, a
// WebSocket for runtimes that have none, for how long sockets are cut, and whether events are answered (features.mjs).

import { WebPubSubClient, WebPubSubJsonProtocol, WebPubSubJsonReliableProtocol } from "webpubsub-edge/client";
import { WebPubSubProtobufProtocol, WebPubSubProtobufReliableProtocol } from "webpubsub-edge/client/protobuf";
import { underCuts } from "./cuts.mjs";
import { equal, ok, rejects } from "./expect.mjs";
import { features } from "./features.mjs";

const ROLES = ["webpubsub.joinLeaveGroup", "webpubsub.sendToGroup"];
const STATE_ROLES = ["webpubsub.setGroupState", "webpubsub.getGroupState"];

/** The tests: a list of [name, function]. */
export function suite(lib, { connectionString, origin, wsModule, cutSeconds, answers }) {
  const service = new lib.WebPubSubServiceClient(connectionString, "client");
  // Runs side by side share a hub.
  const run = Math.random().toString(36).slice(2);
  let users = 0;
  const clients = new Set();

  /** A client of a new user, and everything that it tells. */
  async function make(options = {}, token = {}, all = clients) {
    const userId = `user-${run}-${++users}`;
    const WebSocket = globalThis.WebSocket ?? (await import(wsModule)).default;
    const getClientAccessUrl = async () => (await service.getClientAccessToken({ userId, roles: ROLES, ...token })).url;
    const client = new WebPubSubClient({ getClientAccessUrl }, { WebSocket, ...options });
    all.add(client);
    const events = [];
    for (const name of ["connected", "disconnected", "stopped", "recovering", "recovered", "rejoin-group-failed", "error"]) {
      client.on(name, (args) => events.push([name, args]));
    }
    return { client, events, userId, names: () => events.map(([name]) => name) };
  }

  async function connected(options, token, all) {
    const made = await make(options, token, all);
    await made.client.connect();
    return made;
  }

  const fault = async (body) => {
    const response = await fetch(`${origin}/_emulator/faults?hub=client`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    });
    const text = await response.text();
    ok(response.ok, `the fault was answered with ${response.status}`);
    return JSON.parse(text).id;
  };
  const mend = async (id) => {
    await (await fetch(`${origin}/_emulator/faults/${id}?hub=client`, { method: "DELETE" })).text();
  };

  /** Whatever a test comes to, it comes to an end, and no client outlives it. */
  const ends = ([name, run]) => [name, async () => {
    let timer;
    const tooLong = new Promise((_, reject) => {
      timer = setTimeout(() => reject(new Error("It does not end.")), (cutSeconds + 30) * 1000);
    });
    try {
      await Promise.race([run(), tooLong]);
    } finally {
      clearTimeout(timer);
      await Promise.all([...clients].map((client) => client.stop()));
      clients.clear();
    }
  }];

  // While the other tests run, which it does not touch.
  const cutting = underCuts({
    connect: async (userId) => (await connected({}, { userId }, new Set())).client,
    cut: (userId) => fault({ type: "cut", userId }),
    seconds: cutSeconds,
    run,
  });
  cutting.catch(() => {});
  const cuts = ["sockets that are cut at random lose nothing, double nothing, and keep the order", async () => {
    const { sent, failed, cuts, lost, doubled, disordered } = await cutting;
    ok(sent > 10 && cuts > cutSeconds, `${sent} sent, ${cuts} cuts`);
    equal({ failed, lost, doubled, disordered }, { failed: 0, lost: 0, doubled: 0, disordered: 0 });
  }];

  const protocols = { json: WebPubSubJsonProtocol, "json.reliable": WebPubSubJsonReliableProtocol };

  const tests = [
    ...Object.entries(protocols).map(([name, protocol]) => [`${name}: joins, sends and receives every type of data`, async () => {
      const ann = await connected({ protocol: protocol() });
      const bob = await connected({ protocol: protocol() });
      equal([ann.client.status, ann.client.userId], ["connected", ann.userId]);
      ok(ann.client.connectionId.length > 0, "a connection id");
      const group = `types ${run} ${name}`;
      await Promise.all([ann.client.joinGroup(group), bob.client.joinGroup(group)]);
      const messages = bob.client.messages();
      await ann.client.sendToGroup(group, new Uint8Array([9, 3, 4, 9]).subarray(1, 3), "binary", { fireAndForget: true });
      await ann.client.sendToGroup(group, { n: 1 }, "json");
      await ann.client.sendToGroup(group, "zwei \u{1f389}", "text");
      await service.sendToUser(bob.userId, "last", { contentType: "text/plain" });
      const received = [];
      for await (const message of messages) {
        const data = message.data instanceof ArrayBuffer ? [...new Uint8Array(message.data)] : message.data;
        received.push([message.kind, message.dataType, data, message.fromUserId]);
        if (message.data === "last") break;
      }
      equal(received, [
        ["groupData", "binary", [3, 4], ann.userId],
        ["groupData", "json", { n: 1 }, ann.userId],
        ["groupData", "text", "zwei \u{1f389}", ann.userId],
        ["serverData", "text", "last", undefined],
      ]);
      await bob.client.leaveGroup(group);
      await Promise.all([ann.client.stop(), bob.client.stop()]);
      equal(ann.names(), ["connected", "disconnected", "stopped"]);
      equal([ann.client.status, ann.client.connectionId], ["stopped", undefined]);
    }]),

    ["what is not allowed is refused with what the service says", async () => {
      const { client } = await connected({}, { roles: [] });
      const error = await rejects(() => client.joinGroup("forbidden"));
      equal([error.name, error.code, error.errorDetail.name, error.ackId], ["SendMessageError", "ERR_REFUSED", "Forbidden", 1]);
    }],

    ["a cut connection is recovered, and nothing is lost or doubled", async () => {
      const { client, userId, names } = await connected();
      const group = `cut ${run}`;
      await client.joinGroup(group);
      const messages = client.messages();
      const recovered = new Promise((resolve) => client.on("recovered", resolve));
      for (let n = 0; n < 20; n++) {
        if (n === 7) await fault({ type: "cut", userId });
        await service.group(group).sendToAll({ n });
      }
      await recovered;
      const received = [];
      for await (const { data } of messages) {
        received.push(data.n);
        if (received.length === 20) break;
      }
      equal(received, Array.from({ length: 20 }, (_, n) => n));
      equal(names(), ["connected", "recovering", "recovered"]);
      equal((await client.sendToGroup(group, "after", "text")).isDuplicated, false);
    }],

    ["a connection that cannot be recovered is made anew, joins its groups, and tells of a gap", async () => {
      const { client, events, userId } = await connected({ protocol: WebPubSubJsonProtocol() });
      const group = `anew ${run}`;
      await client.joinGroup(group);
      const again = new Promise((resolve) => client.on("connected", resolve));
      await fault({ type: "cut", userId });
      equal((await again).mayHaveMissedMessages, true);
      const messages = client.messages();
      await service.group(group).sendToAll({ n: 1 });
      equal((await messages.next()).value.data, { n: 1 });
      equal(events.map(([name]) => name), ["connected", "disconnected", "connected"]);
      equal(events[0][1].mayHaveMissedMessages, false);
    }],

    ["a connection that the service closes tells why", async () => {
      const { client, userId } = await connected({ autoReconnect: false });
      const stopped = new Promise((resolve) => client.on("stopped", resolve));
      const disconnected = new Promise((resolve) => client.on("disconnected", resolve));
      await service.closeUserConnections(userId, { reason: "enough" });
      const { code, message, connectionId } = await disconnected;
      ok(code >= 1000 && connectionId.length > 0, `code ${code}`);
      equal(message?.message, "enough");
      equal((await stopped).code, code);
    }],

    ["a client that was stopped starts again", async () => {
      const { client, names } = await connected();
      equal((await rejects(() => client.start())).code, "ERR_STATE");
      await client.stop();
      await client.connect();
      await client[Symbol.asyncDispose ?? "stop"]();
      equal(names(), ["connected", "disconnected", "stopped", "connected", "disconnected", "stopped"]);
    }],

    ["an attempt that fails says so, without the URL", async () => {
      const WebSocket = globalThis.WebSocket ?? (await import(wsModule)).default;
      const url = `${origin.replace("http", "ws")}/client/hubs/client?access_token=SECRET.SECRET.SECRET`;
      const error = await rejects(() => new WebPubSubClient(url, { WebSocket, connectTimeoutInMs: 20_000 }).start());
      equal([error.name, error.code], ["WebPubSubClientError", "ERR_CONNECT"]);
      ok(!`${error.message} ${error.cause} ${error.stack}`.includes("SECRET"), error.message);
      equal((await rejects(() => new WebPubSubClient("https://x", { WebSocket }).start())).code, "ERR_URL");
      const signal = AbortSignal.abort("no");
      equal((await rejects(() => new WebPubSubClient(url).start({ abortSignal: signal }))).name, "AbortError");
    }],

    ["ws-client-122: connections that are added to groups get what is sent to the groups", async () => {
      const userId = `user 1 ${run}`;
      const both = [await connected({}, { userId }), await connected({}, { userId })];
      const [one, two] = [`group1 ${run}`, `group2 ${run}`];
      await service.addConnectionsToGroups([one, two], `userId eq '${userId}'`);
      let received = 0;
      const all = new Promise((resolve) => {
        for (const { client } of both) client.on("server-message", () => ++received === 6 && resolve());
      });
      const filter = `'${one}' in groups and '${two}' in groups`;
      for (let n = 0; n < 3; n++) await service.sendToAll({ n }, { filter });
      await all;
    }],
  ];
  const { both, ours } = features({
    expect: { equal, ok, rejects },
    protocols: {
      ...protocols,
      protobuf: WebPubSubProtobufProtocol,
      "protobuf.reliable": WebPubSubProtobufReliableProtocol,
    },
    connect: (options, token) => connected(options, { roles: [...ROLES, ...STATE_ROLES], ...token }),
    fault,
    mend,
    service,
    run,
    binary: new Uint8Array([9, 0, 255, 9]).subarray(1, 3),
    back: (client) => {
      const isBack = new Promise((resolve) => ["recovered", "connected"].forEach((event) => client.on(event, resolve)));
      return () => isBack;
    },
    answers,
  });
  return [...tests, ...both, ...ours, cuts].map(ends);
}
