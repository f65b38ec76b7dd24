// The protobuf protocols, byte for byte: the vectors are those of facts/service-behaviour.md 2.11, and round trips
// through a reader and a writer of the test's own, which knows no field by name.

import assert from "node:assert/strict";
import { test } from "node:test";
import { WebPubSubProtobufProtocol, WebPubSubProtobufReliableProtocol } from "../../pkg/dist/entrypoints/client-protobuf.js";

const protocol = WebPubSubProtobufReliableProtocol();
const hex = (buffer) => Buffer.from(buffer).toString("hex");
const write = (message) => hex(protocol.writeMessage(message));
const parse = (bytes) => protocol.parseMessages(Uint8Array.from(bytes).buffer);

/** A field with bytes, text, a message (an array of fields), or a number. */
function field(tag, value) {
  if (typeof value === "number" || typeof value === "bigint") return [...varint(tag << 3), ...varint(value)];
  const bytes = typeof value === "string" ? Buffer.from(value) : Array.isArray(value) ? value.flat() : value;
  return [...varint((tag << 3) | 2), ...varint(bytes.length), ...bytes];
}

function varint(value) {
  const bytes = [];
  for (let rest = BigInt(value); ; rest >>= 7n) {
    if (rest < 128n) return [...bytes, Number(rest)];
    bytes.push(Number(rest & 127n) | 128);
  }
}

test("the names say what is reliable", () => {
  assert.deepEqual(
    [WebPubSubProtobufProtocol(), protocol].map(({ name, isReliableSubProtocol }) => [name, isReliableSubProtocol]),
    [["protobuf.webpubsub.azure.v1", false], ["protobuf.reliable.webpubsub.azure.v1", true]],
  );
});

test("frames are written as the schema says", () => {
  for (const [message, expected] of [
    [{ kind: "joinGroup", group: "group" }, "32070a0567726f7570"],
    [{ kind: "joinGroup", group: "group", ackId: 1 }, "32090a0567726f75701001"],
    [{ kind: "leaveGroup", group: "g", ackId: 300 }, "3a060a016710ac02"],
    [{ kind: "ping" }, "4a00"],
    [{ kind: "sequenceAck", sequenceId: 5 }, "42020805"],
    [{ kind: "sequenceAck", sequenceId: 2n ** 64n - 1n }, "420b08ffffffffffffffffff01"],
    [{ kind: "sendToGroup", group: "g", noEcho: false, dataType: "text", data: "" }, "0a070a01671a020a00"],
    [{ kind: "sendToGroup", group: "g", ackId: 1, noEcho: true, dataType: "json", data: null }, "0a0f0a016710011a0622046e756c6c2001"],
    [{ kind: "cancelInvocation", invocationId: "1" }, "5a030a0131"],
    [{ kind: "streamEnd", streamId: "s" }, "72030a0173"],
  ]) {
    assert.equal(write(message), expected, JSON.stringify(message, (_, value) => (typeof value === "bigint" ? String(value) : value)));
  }
  const bytes = Uint8Array.of(0, 1, 2);
  assert.equal(write({ kind: "sendEvent", event: "e", dataType: "binary", data: bytes, metadata: { k: "v" } }),
    hex(Uint8Array.from(field(5, [field(1, "e"), field(2, [field(2, bytes)]), field(4, [field(1, "k"), field(2, "v")])]))));
  assert.equal(write({ kind: "invoke", invocationId: "7", target: "event", event: "e", dataType: "protobuf", data: bytes }),
    hex(Uint8Array.from(field(10, [field(1, "e"), field(2, "7"), field(3, [field(3, bytes)])]))));
  assert.equal(write({ kind: "sendToGroup", group: "g", noEcho: true, stream: { streamId: "s", idleTimeoutInMs: 9 } }),
    hex(Uint8Array.from(field(1, [field(1, "g"), field(4, 1), field(7, [field(1, "s"), field(2, 9)])]))));
  assert.equal(write({ kind: "setGroupState", group: "g", ackId: 2, state: { a: "b" } }),
    hex(Uint8Array.from(field(15, [field(1, "g"), field(2, 2), field(3, [field(1, [field(1, "a"), field(2, "b")])])]))));
  assert.throws(() => write({ kind: "sendEvent", event: "e", dataType: "text", data: 5 }), TypeError);
  assert.throws(() => write({ kind: "sendEvent", event: "e", dataType: "json", data: undefined }), TypeError);
});

test("frames are read as the schema says", () => {
  assert.deepEqual(parse([0x22, 0x00]), { kind: "pong" });
  assert.deepEqual(parse([0x0a, 0x04, 0x08, 0x01, 0x10, 0x01]), { kind: "ack", ackId: 1, success: true });
  const error = [field(1, "Forbidden"), field(2, "no")];
  assert.deepEqual(parse(field(1, [field(1, 2n ** 63n), field(3, error)])), {
    kind: "ack", ackId: 2n ** 63n, success: false, error: { name: "Forbidden", message: "no" },
  });
  assert.deepEqual(parse(field(3, [field(1, [field(1, "c"), field(2, "u"), field(3, "t")])])), {
    kind: "connected", connectionId: "c", userId: "u", reconnectionToken: "t",
  });
  assert.deepEqual(parse(field(3, [field(2, [field(2, "bye")])])), { kind: "disconnected", message: "bye" });
  const group = (payload, ...more) => parse(field(2, [field(1, "group"), field(2, "g"), field(3, payload), ...more]));
  assert.deepEqual(group([field(1, "")], field(4, 7)), { kind: "groupData", group: "g", dataType: "text", data: "", sequenceId: 7 });
  assert.deepEqual(group([field(4, '{"a":null}')]).data, { a: null });
  assert.deepEqual([...new Uint8Array(group([field(2, Uint8Array.of(9, 8))]).data)], [9, 8]);
  assert.equal(group([field(2, Uint8Array.of())]).data.byteLength, 0);
  const end = [field(1, "s"), field(2, 3), field(3, 1), field(4, [field(1, "UserError"), field(3, "C")])];
  assert.deepEqual(parse(field(2, [field(1, "group"), field(2, "g"), field(6, end)])).stream, {
    streamId: "s", streamSequenceId: 3, endOfStream: true, error: { name: "UserError", userErrorCode: "C" },
  });
  assert.deepEqual(parse(field(2, [field(1, "server"), field(3, [field(1, "x")]), field(5, [field(1, "k"), field(2, "v")])])), {
    kind: "serverData", dataType: "text", data: "x", metadata: { k: "v" },
  });
  assert.deepEqual(parse(field(10, [field(1, "g"), field(2, [field(1, "c"), field(4, 1_700_000_000_000)])])), {
    kind: "groupStateSnapshot", group: "g", items: [{ connectionId: "c", updatedAt: 1_700_000_000_000 }],
  });
});

test("what is unknown is ignored, and what is no message throws", () => {
  assert.equal(parse(field(99, "x")), null);
  assert.equal(parse(field(2, [field(1, "later"), field(3, [field(1, "x")])])), null);
  assert.equal(parse([]), null);
  // Fields of fixed width are skipped.
  assert.deepEqual(parse([...field(4, []), (5 << 3) | 5, 1, 2, 3, 4]), { kind: "pong" });
  for (const bytes of [[0x0a], [0x0a, 0x05, 1], [0x08, 0xff], [0x0f], Array(12).fill(0xff)]) {
    assert.throws(() => parse(bytes), TypeError, String(bytes));
  }
  assert.throws(() => protocol.parseMessages("text"), TypeError);
});

test("frames that were damaged either read or say what is wrong", () => {
  let seed = 1;
  const random = (below) => (seed = (seed * 48271) % 2147483647) % below;
  const error = [field(1, "Forbidden"), field(2, "no")];
  const frames = [
    field(1, [field(1, 2n ** 63n), field(3, error)]),
    field(2, [field(1, "group"), field(2, "g"), field(3, [field(4, '{"a":[1,2]}')]), field(4, 7), field(5, [field(1, "k"), field(2, "v")])]),
    field(2, [field(1, "group"), field(2, "g"), field(6, [field(1, "s"), field(2, 3), field(3, 1), field(4, error)])]),
    field(3, [field(1, [field(1, "c"), field(2, "u"), field(3, "t")])]),
    field(10, [field(1, "g"), field(2, [field(1, "c"), field(4, 1_700_000_000_000)])]),
  ];
  let read = 0;
  let refused = 0;
  for (let run = 0; run < 20_000; run++) {
    const bytes = [...frames[run % frames.length]];
    for (let times = random(3); times >= 0; times--) {
      // Most often a byte is another one; else some are missing or too many.
      const [removed, inserted] = random(4) > 0 ? [1, 1] : [random(3), random(3)];
      bytes.splice(random(bytes.length), removed, ...Array.from({ length: inserted }, () => random(256)));
    }
    try {
      parse(bytes);
      read++;
    } catch (error) {
      assert.match(error.message, /^The frame (ends|has)|^The encoded data was not valid|JSON/, String(bytes));
      refused++;
    }
  }
  assert.ok(read > 2000 && refused > 2000, `${read} read, ${refused} refused`);
});
