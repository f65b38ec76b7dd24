// `emulator.onEvent`, and what else of the newer features needs the emulator's clock, over real sockets in every runtime:
// `[name, run]` each. `lib` is webpubsub-edge/emulator, `client` webpubsub-edge/client with the protocols of protobuf.

import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { open } from "./client.mjs";

const WebSocket = globalThis.WebSocket ?? (await import("ws")).default;
const NOON = 1_750_000_000_000;

export function eventsSuite({ startEmulator }, client) {
  const { WebPubSubClient } = client;
  const protocols = {
    json: client.WebPubSubJsonProtocol,
    "json.reliable": client.WebPubSubJsonReliableProtocol,
    protobuf: client.WebPubSubProtobufProtocol,
    "protobuf.reliable": client.WebPubSubProtobufReliableProtocol,
  };

  /** Runs with an emulator and a way to connect to its hub `chat`; what was started is stopped in the end. */
  const withEmulator = (options, use) => async () => {
    const emulator = await startEmulator(options);
    const clients = [];
    const connect = async (token = {}, more = {}) => {
      const url = emulator.clientUrl("chat", token);
      const options = { WebSocket, autoReconnect: false, messageRetryOptions: { maxRetries: 0 }, ...more };
      const made = new WebPubSubClient(url, options);
      clients.push(made);
      await made.connect();
      return made;
    };
    try {
      await use(emulator, connect);
    } finally {
      await emulator.stop();
      await Promise.all(clients.map((made) => made.stop()));
    }
  };
  const failure = (promise) => promise.then(() => assert.fail("this should fail"), (error) => error);
  const plain = (data) => (data instanceof ArrayBuffer ? [...new Uint8Array(data)] : data);

  return [
    ...Object.entries(protocols).map(([name, protocol]) => [`${name}: an anonymous client has no user, in the client, in events and in inspect`, withEmulator({}, async (emulator) => {
      const seen = [];
      emulator.onEvent("chat", (event) => void seen.push("userId" in event));
      const client = new WebPubSubClient(emulator.clientUrl("chat"), { WebSocket, protocol: protocol() });
      client.on("connected", ({ userId }) => seen.push(userId));
      await client.connect();
      await client.sendEvent("e", "x", "text");
      assert.deepEqual([client.userId, ...seen], ["", "", false]);
      assert.equal(emulator.inspect("chat").connections[0].userId, null);
      await client.stop();
    })]),

    ...Object.entries(protocols).map(([name, protocol]) => [`onEvent, ${name}: a handler is told who asks what, and replies with any data`, withEmulator({}, async (emulator, connect) => {
      const ann = await connect({ userId: "ann" }, { protocol: protocol() });
      const bytes = new Uint8Array([9, 0, 255, 9]).subarray(1, 3);
      const any = new Uint8Array([10, 1, 97]);
      for (const [reply, dataType, data] of [
        ["zwei \u{1f389}", "text", "zwei \u{1f389}"],
        ["", "text", ""],
        [bytes, "binary", [0, 255]],
        [any.buffer, "binary", [10, 1, 97]],
        [{ n: [1, null] }, "json", { n: [1, null] }],
        [null, "json", null],
        [0, "json", 0],
        [{ dataType: "json", data: "text" }, "json", "text"],
        [{ dataType: "json", data: { dataType: "text", data: "x" } }, "json", { dataType: "text", data: "x" }],
        [{ dataType: "text", data: "{}" }, "text", "{}"],
        [{ dataType: "protobuf", data: any }, "protobuf", [10, 1, 97]],
        [{ dataType: "text", data: "x", more: 1 }, "json", { dataType: "text", data: "x", more: 1 }],
        [undefined, undefined, undefined],
      ]) {
        const remove = emulator.onEvent("chat", async () => reply);
        const result = await ann.invokeEvent("ask", 0, "json");
        assert.deepEqual([result.dataType, plain(result.data)], [dataType, data]);
        remove();
      }

      const events = [];
      emulator.onEvent("chat", (event) => void events.push(event));
      await ann.invokeEvent("a.b-c", { n: 1 }, "json");
      await ann.invokeEvent("b", "text", "text");
      await ann.invokeEvent("c", bytes, "binary");
      await ann.sendEvent("d", any, "protobuf", { metadata: { "x-trace": "1" } });
      assert.deepEqual(
        events.map(({ abortSignal, data, ...event }) => ({ ...event, data: plain(data) })),
        [
          { name: "a.b-c", dataType: "json", data: { n: 1 }, isInvocation: true, metadata: {} },
          { name: "b", dataType: "text", data: "text", isInvocation: true, metadata: {} },
          { name: "c", dataType: "binary", data: [0, 255], isInvocation: true, metadata: {} },
          { name: "d", dataType: "protobuf", data: [10, 1, 97], isInvocation: false, metadata: { "x-trace": "1" } },
        ].map((event) => ({ hub: "chat", connectionId: ann.connectionId, userId: "ann", ...event })),
      );
      assert.ok(events.every(({ abortSignal }) => abortSignal instanceof AbortSignal && !abortSignal.aborted));
    })]),

    ["onEvent: an event is acknowledged when its handler has replied, which is a message for the client", withEmulator({}, async (emulator, connect) => {
      let release;
      const held = new Promise((resolve) => (release = resolve));
      emulator.onEvent("Chat", async ({ data, userId }) => {
        await held;
        assert.equal(userId, undefined);
        return `${data}!`;
      });
      const anonymous = await connect();
      const messages = anonymous.messages();
      let isAcknowledged = false;
      const sent = anonymous.sendEvent("save", "hello", "text").then((result) => {
        isAcknowledged = true;
        return result;
      });
      // The service answers in order: had it acknowledged the event, it would have done so by now.
      await anonymous.joinGroup("g").catch(() => {});
      assert.equal(isAcknowledged, false);
      release();
      assert.deepEqual(await sent, { ackId: 1, isDuplicated: false });
      const { value } = await messages.next();
      assert.deepEqual([value.kind, value.dataType, value.data], ["serverData", "text", "hello!"]);
      await anonymous.sendEvent("save", "no ack", "text", { fireAndForget: true });
      assert.equal((await messages.next()).value.data, "no ack!");
    })],

    ["onEvent: a client without a subprotocol is answered, or closed when the handler fails", withEmulator({}, async (emulator) => {
      emulator.onEvent("chat", ({ name, dataType, data }) => {
        if (data === "fail") throw new Error("not today");
        return `${name} ${dataType} ${plain(data)}`;
      });
      const simple = await open(emulator.clientUrl("chat"));
      simple.send("hello");
      assert.deepEqual(await simple.frames.take(1), ["message text hello"]);
      simple.send(new Uint8Array([1, 2]));
      assert.deepEqual(await simple.frames.take(1), ["message binary 1,2"]);
      simple.send("fail");
      assert.deepEqual(await simple.closed, { code: 1011, reason: "not today" });
    })],

    ["onEvent: what a handler throws is told to the client as far as it is safe, and stops nothing", async () => {
      const lines = [];
      await withEmulator({ logger: (line) => lines.push(line) }, async (emulator, connect) => {
        const ann = await connect({ userId: "ann" });
        const token = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhbm4ifQ.c2lnbmF0dXJl";
        const circle = {};
        circle.self = circle;
        for (const [handler, message] of [
          [() => { throw new Error("no such room"); }, "no such room"],
          [async () => { throw new RangeError("too far"); }, "too far"],
          [() => Promise.reject("just text"), "just text"],
          [() => Promise.reject(undefined), "The event handler failed."],
          [() => { throw new Error(""); }, "The event handler failed."],
          [() => { throw { get message() { throw new Error("evil"); } }; }, "The event handler failed."],
          [() => { throw new Error(`GET ${emulator.clientUrl("chat")} failed`); }, "GET (a URL) failed"],
          [() => { throw new Error(`the token ${token} is bad`); }, "the token (a token) is bad"],
          [() => { throw new Error(emulator.connectionString); }, /^Endpoint=\(a URL\)/],
          [() => { throw new Error("x".repeat(1_000_000)); }, "x".repeat(500)],
          [() => Symbol("s"), "A reply cannot be a symbol, for which JSON has nothing."],
          [() => 1n, /BigInt/],
          [() => circle, /circular|cyclic/i],
          [() => ({ dataType: "text", data: 5 }), "The text of a reply must be a string, not number."],
          [() => ({ dataType: "binary", data: "text" }), /ArrayBuffer/],
          [() => "\ud800", /lone surrogate/],
        ]) {
          const remove = emulator.onEvent("chat", handler);
          const error = await failure(ann.invokeEvent("ask", "x", "text"));
          assert.deepEqual([error.name, error.code, error.errorDetail.name], ["InvocationError", "ERR_REFUSED", "InternalServerError"]);
          if (message instanceof RegExp) assert.match(error.message, message);
          else assert.equal(error.message, message);
          assert.ok(!/eyJ|ABCDEFGH/.test(error.message), error.message);
          remove();
        }
        emulator.onEvent("chat", () => { throw new Error("no such room"); });
        const refused = await failure(ann.sendEvent("ask", "x", "text"));
        assert.deepEqual(refused.errorDetail, { name: "InternalServerError", message: "no such room" });
        assert.equal(ann.status, "connected");
      })();
      const told = lines.filter((line) => line.startsWith("the handler of the hub chat failed on the event ask: "));
      assert.equal(told.length, 17);
      assert.ok(!/eyJ|ABCDEFGH/.test(lines.join()), "no key and no token is logged");
    }],

    ["onEvent: a hub has one handler, which can be removed", withEmulator({}, async (emulator, connect) => {
      const ann = await connect();
      const ask = () => ann.invokeEvent("ask", "x", "text");
      assert.match((await failure(ask())).message, /no event handler for the event 'ask'/);
      const remove = emulator.onEvent("chat", () => "first");
      for (const hub of ["chat", "CHAT"]) {
        assert.throws(() => emulator.onEvent(hub, () => "second"), { name: "WebPubSubError", code: "ERR_STATE", message: /chat has an event handler/ });
      }
      emulator.onEvent("other", () => "other");
      assert.equal((await ask()).data, "first");
      remove();
      assert.match((await failure(ask())).message, /no event handler/);
      const again = emulator.onEvent("chat", () => "again");
      // It is over, and must not remove another.
      remove();
      assert.equal((await ask()).data, "again");
      again();

      assert.throws(() => emulator.onEvent("a b", () => {}), { code: "ERR_HUB" });
      assert.throws(() => emulator.onEvent("chat"), { name: "TypeError", code: "ERR_ARGUMENT_TYPE", message: /must be a function, not undefined/ });
      // What a handler was asked before it was removed, it answers.
      let release;
      const asked = new Promise((resolve) => (release = resolve));
      const last = emulator.onEvent("chat", async () => {
        release();
        await sleep(1);
        return "last";
      });
      const answer = ask();
      await asked;
      last();
      assert.equal((await answer).data, "last");
    })],

    ["onEvent: abortSignal tells that nobody waits any more", withEmulator({ now: () => NOON }, async (emulator, connect) => {
      const asked = [];
      let arrived = () => {};
      emulator.onEvent("chat", (event) => {
        asked.push(event);
        arrived();
        return new Promise((resolve) => event.abortSignal.addEventListener("abort", () => resolve("too late")));
      });
      const over = async (act) => {
        const before = asked.length;
        const arrives = new Promise((resolve) => (arrived = resolve));
        const outcome = act();
        outcome.catch(() => {});
        if (asked.length === before) await arrives;
        const { abortSignal } = asked.at(-1);
        assert.equal(abortSignal.aborted, false);
        return { outcome, isOver: new Promise((resolve) => abortSignal.addEventListener("abort", resolve)) };
      };
      const ann = await connect({ userId: "ann" });
      const aborter = new AbortController();
      const cancelled = await over(() => ann.invokeEvent("ask", 1, "json", { abortSignal: aborter.signal }));
      aborter.abort();
      await cancelled.isOver;
      assert.equal((await failure(cancelled.outcome)).code, "ERR_ABORTED");

      const late = await over(() => ann.sendEvent("ask", 2, "json"));
      await emulator.clock.advance(99_999);
      assert.equal(asked.at(-1).abortSignal.aborted, false);
      await emulator.clock.advance(1);
      await late.isOver;
      assert.match((await failure(late.outcome)).errorDetail.message, /did not answer in time/);

      const gone = await over(() => ann.invokeEvent("ask", 3, "json"));
      await ann.stop();
      await gone.isOver;

      const bob = await connect({ userId: "bob" });
      const stopped = await over(() => bob.invokeEvent("ask", 4, "json"));
      await emulator.stop();
      await stopped.isOver;
      assert.equal(asked.length, 4);
      await failure(stopped.outcome);
      assert.throws(() => emulator.onEvent("chat", () => {}), /has been stopped/);
    })],

    ["onEvent: a handler may use the emulator, and stop it", withEmulator({}, async (emulator, connect) => {
      let stopped;
      const remove = emulator.onEvent("chat", ({ name, connectionId }) => {
        if (name === "look") return emulator.inspect("chat").connections.map(({ userId }) => userId);
        if (name === "cut") return emulator.faults.inject({ type: "cut", connectionId });
        stopped = emulator.stop();
        return "nobody gets this";
      });
      const ann = await connect({ userId: "ann" });
      assert.deepEqual((await ann.invokeEvent("look", 0, "json")).data, ["ann"]);
      // The invocation is lost with its socket; the connection is recovered.
      const back = new Promise((resolve) => ann.on("recovered", resolve));
      assert.equal((await failure(ann.invokeEvent("cut", 0, "json"))).code, "ERR_NOT_CONNECTED");
      await back;
      await failure(ann.invokeEvent("stop", 0, "json"));
      await stopped;
      remove();
    })],

    ["a stream ends after five idle minutes of the emulator's clock, and goes on when something is written", withEmulator({ now: () => NOON }, async (emulator, connect) => {
      const token = { roles: ["webpubsub.joinLeaveGroup", "webpubsub.sendToGroup"] };
      const [ann, bob] = [await connect(token), await connect(token)];
      await bob.joinGroup("g");
      const read = new Promise((resolve) => {
        bob.onGroupStream(async (stream) => {
          const parts = [];
          try {
            for await (const { data } of stream) parts.push(data);
          } catch (error) {
            resolve({ parts, name: error.name });
          }
        });
      });
      const stream = await ann.openGroupStream("g");
      const failed = new Promise((resolve) => stream.onError(resolve));
      const write = async (text) => {
        const received = new Promise((resolve) => bob.on("group-message", ({ message }) => message.data === text && resolve()));
        await stream.write(text, "text");
        await received;
      };
      await write("a");
      await emulator.clock.advance(299_999);
      await write("b");
      await emulator.clock.advance(299_999);
      await write("c");
      await emulator.clock.advance(300_000);
      assert.equal((await failed).name, "IdleTimeout");
      assert.deepEqual(await read, { parts: ["a", "b", "c"], name: "IdleTimeout" });
    })],
  ];
}
