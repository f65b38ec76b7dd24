// What the newer features of the client must do against a hub, over real sockets and the same in every runtime: events,
// invocations, streams and group state. `kit` is what makes clients and breaks their sockets:
//   expect     the assertions
//   protocols  by name, those that the client has
//   connect(options?, token?) -> { client, userId }, connected, as a new user with every role
//   fault(body) -> id         injects a fault; mend(id) ends it
//   service    a service client of the hub
//   run        a text that no other run has
//   binary     the bytes 0 and 255, as the client takes them
//   back(client, userId) -> what waits until it is connected again, made before its socket is cut
//   answers    whether the hub's events are answered by handler.mjs

/** The tests, each [name, function]: `both` are for the official client too, `ours` for ours alone. */
export function features(kit) {
  const { expect, protocols, connect, fault, mend, service, run, binary, back, answers } = kit;
  const { equal, ok, rejects } = expect;
  let groups = 0;
  const newGroup = () => `feature ${run} ${++groups}`;
  const each = (name, test, only = () => true) =>
    Object.entries(protocols)
      .filter(([protocol]) => only(protocol))
      .map(([protocol, create]) => [`${protocol}: ${name}`, () => test({ protocol: create() }, protocol)]);
  const isReliable = (protocol) => protocol.endsWith("reliable");
  const bytes = (data) => (data instanceof ArrayBuffer ? [...new Uint8Array(data)] : data);
  const refused = { messageRetryOptions: { maxRetries: 0 } };
  const once = (client, event, filter = () => true) =>
    new Promise((resolve) => client.on(event, (args) => filter(args) && resolve(args)));

  /** Reads every stream to its end: `ended(n)` waits for n of them, each { streamId, parts, error }. */
  function reads(client, options) {
    const all = [];
    const waiting = [];
    const told = [];
    client.on("group-message", ({ message }) => message.stream && told.push(bytes(message.data)));
    const subscription = client.onGroupStream(async (stream) => {
      const read = { streamId: stream.streamId, group: stream.groupName, parts: [], error: undefined };
      try {
        for await (const { data } of stream) read.parts.push(bytes(data));
      } catch (error) {
        read.error = { name: error.name, code: error.userErrorCode, message: error.message };
      }
      all.push(read);
      for (const [count, resolve] of waiting) if (all.length >= count) resolve(all);
    }, options);
    const ended = (count) => (all.length >= count ? Promise.resolve(all) : new Promise((resolve) => waiting.push([count, resolve])));
    return { ended, told, subscription };
  }

  /** What a group's states are, as { userId: state }, and how to wait for some. */
  function watch(state) {
    const now = () => Object.fromEntries([...state.items.values()].map(({ userId, state }) => [userId, state]));
    const until = (expected) =>
      new Promise((resolve) => {
        const look = () => JSON.stringify(sorted(now())) === JSON.stringify(sorted(expected)) && resolve();
        state.onChange(look);
        look();
      });
    return { now, until };
  }

  const events = !answers ? [] : [
    ...each("an event is acknowledged when it is handled, and its reply is a message", async (options) => {
      const { client } = await connect(options);
      const messages = client.messages();
      for (const [data, dataType, expected] of [
        ["zwei \u{1f389}", "text", "zwei \u{1f389}"],
        [{ n: [1] }, "json", { n: [1] }],
        [binary, "binary", [0, 255]],
      ]) {
        equal((await client.sendEvent("echo", data, dataType)).isDuplicated, false);
        const { value } = await messages.next();
        equal([value.kind, value.dataType, bytes(value.data)], ["serverData", dataType, expected]);
      }
      await client.sendEvent("echo", "no ack", "text", { fireAndForget: true });
      equal((await messages.next()).value.data, "no ack");
      equal((await client.sendEvent("echo", "own id", "text", { ackId: 77 })).ackId, 77);
      equal((await client.sendEvent("echo", "own id", "text", { ackId: 77 })).isDuplicated, true);
    }),

    ...each("an event that fails says why, and the connection stays", async (options) => {
      const { client } = await connect({ ...options, ...refused });
      const error = await rejects(() => client.sendEvent("fail", "way", "text"));
      equal([error.name, error.errorDetail.name, error.errorDetail.message], ["SendMessageError", "InternalServerError", "no way"]);
      equal((await client.sendEvent("nothing", "x", "text")).isDuplicated, false);
    }),

    ...each("an invocation gets the reply as its result", async (options) => {
      const { client, userId } = await connect(options);
      for (const [data, dataType, expected] of [
        ["zwei \u{1f389}", "text", "zwei \u{1f389}"],
        [{ n: [1] }, "json", { n: [1] }],
        [binary, "binary", [0, 255]],
      ]) {
        const { invocationId, ...result } = await client.invokeEvent("echo", data, dataType);
        ok(invocationId.length > 0, "an id");
        equal([result.dataType, bytes(result.data)], [dataType, expected]);
      }
      equal((await client.invokeEvent("who", "x", "text")).data, { userId, isInvocation: true, metadata: {} });
      equal((await client.invokeEvent("nothing", "x", "text", { invocationId: "own" })).invocationId, "own");
      const many = await Promise.all(Array.from({ length: 100 }, (_, n) => client.invokeEvent("echo", { n }, "json")));
      equal(many.map(({ data }) => data.n), Array.from({ length: 100 }, (_, n) => n));
    }),

    ...each("an invocation that fails says why, and is made once", async (options) => {
      const { client } = await connect(options);
      const error = await rejects(() => client.invokeEvent("fail", "way", "text", { invocationId: "i" }));
      equal([error.name, error.invocationId, error.errorDetail.name, error.message], ["InvocationError", "i", "InternalServerError", "no way"]);
      equal((await client.invokeEvent("echo", "after", "text", { invocationId: "i" })).data, "after");
    }),

    ...each("an invocation is cancelled by its AbortSignal, and its id is free again", async (options) => {
      const { client } = await connect(options);
      const aborter = new AbortController();
      const never = client.invokeEvent("never", "x", "text", { invocationId: "i", abortSignal: aborter.signal });
      never.catch(() => {});
      // The service has it when it has answered what came after.
      await client.invokeEvent("echo", "x", "text");
      const twice = await rejects(() => client.invokeEvent("echo", "x", "text", { invocationId: "i" }));
      ok(/already registered/.test(twice.message), twice.message);
      aborter.abort();
      equal((await rejects(() => never)).name, "InvocationError");
      equal((await client.invokeEvent("echo", "again", "text", { invocationId: "i" })).data, "again");
    }),

    ...each("an invocation is lost with its socket", async (options) => {
      const { client, userId } = await connect(options);
      const never = client.invokeEvent("never", "x", "text");
      never.catch(() => {});
      await client.invokeEvent("echo", "x", "text");
      const isBack = back(client, userId);
      await fault({ type: "cut", userId });
      equal((await rejects(() => never)).name, "InvocationError");
      await isBack();
      equal((await client.invokeEvent("echo", "after", "text")).data, "after");
    }),
  ];

  const ours = !answers ? [] : [
    ...each("an invocation that nobody answers runs out of time", async (options) => {
      const { client } = await connect({ ...options, invokeTimeoutInMs: 100 });
      const error = await rejects(() => client.invokeEvent("never", "x", "text", { invocationId: "i" }));
      equal([error.name, error.code], ["InvocationError", "ERR_TIMEOUT"]);
      // The service was told: the id would be in use otherwise.
      equal((await client.invokeEvent("echo", "again", "text", { invocationId: "i" })).data, "again");
    }),

    ["a protocol without frames sends bare events and gets bare replies", async () => {
      const protocol = {
        name: "",
        isReliableSubProtocol: false,
        parseMessages: (data) => ({ kind: "serverData", dataType: typeof data === "string" ? "text" : "binary", data }),
        writeMessage: (message) => (message.kind === "sendEvent" ? message.data : null),
      };
      const { client } = await connect({ protocol });
      const messages = client.messages();
      await client.sendEvent("message", "hello", "text", { fireAndForget: true });
      equal((await messages.next()).value.data, "message text hello");
    }],

    ...each("an event whose ack is lost with the socket is sent again, and handled once", async (options) => {
      const { client, userId } = await connect(options);
      const messages = client.messages();
      const pause = await fault({ type: "pauseAcks", userId, durationMs: 60_000 });
      const sent = client.sendEvent("echo", "once", "text");
      equal((await messages.next()).value.data, "once");
      await fault({ type: "cut", userId });
      await mend(pause);
      // That the service has it already is what its first try came to.
      equal((await sent).isDuplicated, false);
      await client.sendEvent("echo", "then", "text");
      equal((await messages.next()).value.data, "then");
    }, isReliable),
  ];

  const streams = [
    ...each("streams go both ways at once, and arrive in order to their end", async (options) => {
      const [ann, bob] = [await connect(options), await connect(options)];
      const group = newGroup();
      await Promise.all([ann.client.joinGroup(group), bob.client.joinGroup(group)]);
      const [toAnn, toBob] = [reads(ann.client), reads(bob.client)];
      const write = async ({ client, userId }) => {
        const stream = await client.openGroupStream(group, { noEcho: true, streamId: `of ${userId}` });
        equal(stream.streamId, `of ${userId}`);
        for (let n = 0; n < 50; n++) await stream.write({ n }, "json");
        await stream.write("zwei \u{1f389}", "text");
        await stream.write(binary, "binary");
        await stream.end();
      };
      await Promise.all([write(ann), write(bob)]);
      const parts = [...Array.from({ length: 50 }, (_, n) => ({ n })), "zwei \u{1f389}", [0, 255]];
      for (const [reader, writer] of [[toAnn, bob], [toBob, ann]]) {
        const all = await reader.ended(1);
        equal(all, [{ streamId: `of ${writer.userId}`, group, parts, error: undefined }]);
        equal(reader.told.slice(0, parts.length), parts, "parts are told as messages too");
      }
    }),

    ...each("a stream that its writer gives up fails its readers with the writer's error", async (options) => {
      const { client } = await connect(options);
      const group = newGroup();
      await client.joinGroup(group);
      const reader = reads(client);
      const stream = await client.openGroupStream(group);
      await stream.write("a", "text");
      await stream.abort({ message: "out of words", userErrorCode: "E7" });
      const [{ parts, error }] = await reader.ended(1);
      equal(parts, ["a"]);
      equal([error.name, error.code, error.message], ["UserError", "E7", "out of words"]);
    }),

    ...each("an id is taken until its stream is over, and then free", async (options) => {
      const { client } = await connect(options);
      const group = newGroup();
      const first = await client.openGroupStream(group, { streamId: "S" });
      const taken = await rejects(() => client.openGroupStream(group, { streamId: "S" }));
      ok(/already exists/.test(taken.message), taken.message);
      await first.write("x", "text");
      await first.end();
      const completed = await rejects(() => first.write("y", "text"));
      ok(/completed/.test(completed.message), completed.message);
      const second = await client.openGroupStream(group, { streamId: "S" });
      await second.end();
    }),

    ...each("a stream survives its sockets: nothing is lost, doubled or out of order", async (options) => {
      const [ann, bob] = [await connect(options), await connect(options)];
      const group = newGroup();
      await bob.client.joinGroup(group);
      const reader = reads(bob.client);
      const stream = await ann.client.openGroupStream(group);
      for (let n = 0; n < 300; n++) {
        await stream.write({ n }, "json");
        if (n % 60 === 30) await fault({ type: "cut", userId: (n % 120 === 30 ? ann : bob).userId });
        if (n % 10 === 0) await new Promise((resolve) => setTimeout(resolve, 5));
      }
      await stream.end();
      const [{ parts, error }] = await reader.ended(1);
      equal([parts.map(({ n }) => n), error], [Array.from({ length: 300 }, (_, n) => n), undefined]);
    }, isReliable),
  ];

  const ourStreams = [
    ...each("a stream of a connection that is gone fails its writer and its readers", async (options) => {
      const [ann, bob] = [await connect(options), await connect(options)];
      const group = newGroup();
      await bob.client.joinGroup(group);
      const reader = reads(bob.client);
      const stream = await ann.client.openGroupStream(group);
      const failed = new Promise((resolve) => stream.onError(resolve));
      await stream.write("a", "text");
      // It is written when the other side has it.
      await once(bob.client, "group-message");
      await service.closeUserConnections(ann.userId);
      equal((await failed).name, "ConnectionLost");
      const [{ parts, error }] = await reader.ended(1);
      equal([parts, error.name], [["a"], "Cancelled"]);
      equal((await rejects(() => stream.write("b", "text"))).name, "ConnectionLost");
    }),

    ...each("a stream that is not allowed does not open", async (options) => {
      const { client } = await connect(options, { roles: [] });
      const error = await rejects(() => client.openGroupStream(newGroup()));
      equal([error.code, error.name], ["ERR_STREAM", "Forbidden"]);
    }),

    ...each("a stream whose right is revoked ends for both sides", async (options) => {
      const { client } = await connect(options);
      const group = newGroup();
      await client.joinGroup(group);
      const reader = reads(client);
      const stream = await client.openGroupStream(group);
      const failed = new Promise((resolve) => stream.onError(resolve));
      await stream.write("a", "text");
      await once(client, "group-message");
      await service.revokePermission(client.connectionId, "sendToGroup", { targetName: group });
      await stream.write("b", "text");
      equal((await failed).name, "Forbidden");
      const [{ parts, error }] = await reader.ended(1);
      equal([parts, error.name], [["a"], "Forbidden"]);
    }),

    ...each("a stream that is idle for too long ends for both sides", async (options) => {
      const { client } = await connect(options);
      const group = newGroup();
      await client.joinGroup(group);
      const reader = reads(client);
      const stream = await client.openGroupStream(group, { idleTimeoutInMs: 1000 }); // Longer than a busy machine takes for the first part.
      const failed = new Promise((resolve) => stream.onError(resolve));
      await stream.write("a", "text");
      equal((await failed).name, "IdleTimeout");
      const [{ parts, error }] = await reader.ended(1);
      equal([parts, error.name], [["a"], "IdleTimeout"]);
      equal((await rejects(() => stream.write("b", "text"))).name, "IdleTimeout");
    }),

    ...each("waiting for a stream is aborted", async (options) => {
      const { client, userId } = await connect(options);
      const group = newGroup();
      const aborted = { abortSignal: AbortSignal.abort() };
      equal((await rejects(() => client.openGroupStream(group, aborted))).name, "AbortError");
      const stream = await client.openGroupStream(group, { streamId: "S" });
      equal((await rejects(() => stream.write("x", "text", aborted))).name, "AbortError");
      // The end is on its way, but not its answer.
      await fault({ type: "delay", ms: 300, direction: "toClient", userId, durationMs: 300 });
      const aborter = new AbortController();
      const ending = stream.end({ abortSignal: aborter.signal });
      aborter.abort();
      equal((await rejects(() => ending)).name, "AbortError");
      const again = async () => {
        for (;;) {
          try {
            return await client.openGroupStream(group, { streamId: "S" });
          } catch (error) {
            if (!/already exists/.test(error.message)) throw error;
            await new Promise((resolve) => setTimeout(resolve, 20));
          }
        }
      };
      await (await again()).end();
    }),

    ...each("a reader chooses its groups, comes too late, and goes", async (options) => {
      const [ann, bob] = [await connect(options), await connect(options)];
      const [one, two] = [newGroup(), newGroup()];
      await Promise.all([one, two].map((group) => bob.client.joinGroup(group)));
      const chosen = reads(bob.client, { groupNames: [one] });
      const streams = await Promise.all([one, two].map((group) => ann.client.openGroupStream(group)));
      const second = once(bob.client, "group-message", ({ message }) => message.group === two);
      for (const stream of streams) await stream.write("a", "text");
      await second;
      const fromStart = reads(bob.client, { handleFromStart: true });
      const late = reads(bob.client);
      for (const stream of streams) {
        await stream.write("b", "text");
        await stream.end();
      }
      equal((await chosen.ended(1)).map(({ group, parts }) => [group, parts]), [[one, ["a", "b"]]]);
      equal((await late.ended(2)).map(({ group, parts }) => [group, parts]), [[one, ["b"]], [two, ["b"]]]);
      await chosen.subscription.close();
      equal(chosen.subscription.isActive, false);
      const last = await ann.client.openGroupStream(one);
      await last.write("c", "text");
      await last.end();
      equal((await fromStart.ended(1)).map(({ parts }) => parts), [["c"]]);
      equal((await late.ended(3)).length, 3);
      equal((await chosen.ended(1)).length, 1);
    }),
  ];

  const states = [
    ...each("who watches a group gets a snapshot, and then what changes", async (options) => {
      const [ann, bob, cat] = [await connect(options), await connect(options), await connect(options)];
      const group = newGroup();
      await ann.client.setGroupState(group, { activity: "typing" });
      const state = await cat.client.subscribeGroupState(group);
      equal(state.groupName, group);
      const { now, until } = watch(state);
      await until({ [ann.userId]: { activity: "typing" } });
      await bob.client.setGroupState(group, { activity: "idle", "zwei": "\u{1f389}" });
      await until({ [ann.userId]: { activity: "typing" }, [bob.userId]: { activity: "idle", "zwei": "\u{1f389}" } });
      for (let n = 0; n < 50; n++) await ann.client.setGroupState(group, { n: String(n) });
      await until({ [ann.userId]: { n: "49" }, [bob.userId]: { activity: "idle", "zwei": "\u{1f389}" } });
      await ann.client.setGroupState(group, undefined);
      await until({ [bob.userId]: { activity: "idle", "zwei": "\u{1f389}" } });
      await bob.client.stop();
      await until({});
      // A second one sees the same.
      await cat.client.setGroupState(group, {});
      await until({ [cat.userId]: {} });
      const { until: alsoUntil } = watch(await ann.client.subscribeGroupState(group));
      await alsoUntil({ [cat.userId]: {} });

      await state.close();
      const other = watch(await (await connect(options)).client.subscribeGroupState(group));
      await ann.client.setGroupState(group, { after: "close" });
      await other.until({ [ann.userId]: { after: "close" }, [cat.userId]: {} });
      equal(now(), { [cat.userId]: {} }, "who has closed it hears no more");
    }),

    ...each("after a cut, what changed meanwhile is known, and who has left is gone", async (options) => {
      const [ann, bob, cat] = [await connect(options), await connect(options), await connect(options)];
      const group = newGroup();
      const { until } = watch(await ann.client.subscribeGroupState(group));
      await until({});
      // Both come by updates, the one that leaves last.
      await cat.client.setGroupState(group, { n: "1" });
      await bob.client.setGroupState(group, { n: "1" });
      await until({ [bob.userId]: { n: "1" }, [cat.userId]: { n: "1" } });
      // Nobody comes back while this lasts.
      await fault({ type: "refuseConnection", userId: ann.userId, durationMs: 500 });
      const isBack = back(ann.client, ann.userId);
      await fault({ type: "cut", userId: ann.userId });
      await bob.client.stop();
      await cat.client.setGroupState(group, { n: "2" });
      await isBack();
      await until({ [cat.userId]: { n: "2" } });
      await cat.client.setGroupState(group, { n: "3" });
      await until({ [cat.userId]: { n: "3" } });
    }),

    ...each("on a new connection the own state is set again and groups are watched again", async (options) => {
      const [ann, bob] = [await connect(options), await connect(options)];
      const group = newGroup();
      await ann.client.setGroupState(group, { me: "ann" });
      const { until } = watch(await ann.client.subscribeGroupState(group));
      const theirs = watch(await bob.client.subscribeGroupState(group));
      await bob.client.setGroupState(group, { me: "bob" });
      const both = { [ann.userId]: { me: "ann" }, [bob.userId]: { me: "bob" } };
      await Promise.all([until(both), theirs.until(both)]);
      const before = ann.client.connectionId;
      const anew = once(ann.client, "connected");
      await service.closeUserConnections(ann.userId);
      equal((await anew).mayHaveMissedMessages, true);
      ok(ann.client.connectionId !== before, "another connection");
      await Promise.all([until(both), theirs.until(both)]);
      await bob.client.setGroupState(group, { me: "changed" });
      await until({ ...both, [bob.userId]: { me: "changed" } });
    }),

    ...each("states need their roles", async (options) => {
      const { client } = await connect({ ...options, ...refused }, { roles: [] });
      for (const call of [() => client.setGroupState("g", { a: "b" }), () => client.subscribeGroupState("g")]) {
        const error = await rejects(call);
        equal([error.name, error.errorDetail.name], ["SendMessageError", "Forbidden"]);
      }
    }),
  ];
  return { both: [...events, ...streams], ours: [...ours, ...ourStreams, ...states] };
}

/** By name, so that the order in which they came does not count. */
function sorted(states) {
  return Object.entries(states).sort(([a], [b]) => (a < b ? -1 : 1)).map(([user, state]) => [user, Object.entries(state).sort()]);
}
