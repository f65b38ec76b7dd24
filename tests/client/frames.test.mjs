// The frames that json.ts reads at a glance: what it makes of them is what `JSON.parse` makes of them, and what is not JSON
// is refused as it is there.

import assert from "node:assert/strict";
import test from "node:test";
import { WebPubSubJsonReliableProtocol } from "../../pkg/dist/entrypoints/client.js";

const { parseMessages, writeMessage } = WebPubSubJsonReliableProtocol();

const HEADS = ["group", "server"].flatMap((from) => {
  const head = { type: "message", from };
  if (from === "server") return [head];
  return [null, "u", 'a"b', "\u00e4\u20ac"].flatMap((fromUserId) => ["g", "a\\b", "x".repeat(300)].map((group) => ({ ...head, group, fromUserId })));
});
const JSONS = [null, true, -1.5e3, 12, "text", 'a"},"metadata":{', [], [1, { a: [{}] }], {}, { a: 1 }, { a: { b: 1 }, c: [{ d: 1 }, 2] }, { sequenceId: 5 }, { data: { data: 1 } }];
const TEXTS = ["", "hello", '","sequenceId":5}', '"', "\\", "\n\u0000\u2028", "\u00e4\ud83d\ude00", "5", "x".repeat(99), "x".repeat(100), "\\".repeat(120)];
const BYTES = ["", "AA==", "AQI=", "AAEC", Buffer.from(Uint8Array.from({ length: 70000 }, (_, index) => index * 7)).toString("base64")];
const PAYLOADS = [
  ...JSONS.map((data) => ({ dataType: "json", data })),
  ...TEXTS.flatMap((data) => [{ dataType: "text", data }, { dataType: "json", data }]),
  ...BYTES.flatMap((data) => [{ dataType: "binary", data }, { dataType: "protobuf", data }]),
];
const TAILS = [
  {},
  { metadata: { k: "v" } },
  { stream: { streamId: "s", streamSequenceId: 1 } },
  { metadata: { k: "}" }, stream: { streamId: "s", streamSequenceId: 1 } },
  { fromUserId: "later" },
];
const NUMBERS = [undefined, 0, 1, 19, 999_999_999_999_999, 1_000_000_000_000_000, Number.MAX_SAFE_INTEGER];

test("a message is read as JSON.parse reads it, whatever stands in it and behind it", () => {
  let count = 0;
  for (const head of HEADS) {
    for (const payload of PAYLOADS) {
      for (const tail of TAILS) {
        for (const sequenceId of NUMBERS) {
          const frame = { ...head, ...payload, ...tail, sequenceId };
          const text = JSON.stringify(frame);
          const { kind, data, ...rest } = parseMessages(text);
          const { data: expected, ...members } = JSON.parse(text);
          assert.equal(kind, `${head.from}Data`);
          assert.deepEqual(rest, members, text.slice(0, 300));
          const isBytes = payload.dataType === "binary" || payload.dataType === "protobuf";
          assert.deepEqual(isBytes ? Buffer.from(data).toString("base64") : data, expected, text.slice(0, 300));
          count++;
        }
      }
    }
  }
  assert.ok(count > 10_000, String(count));
});

test("bytes have a buffer of their own, also where the frame has escapes", () => {
  const { data } = parseMessages('{"type":"message","from":"server","dataType":"binary","data":"\\u0041\\/8=","sequenceId":1}');
  assert.deepEqual([data.constructor, data.byteLength, ...new Uint8Array(data)], [ArrayBuffer, 2, 3, 255]);
});

test("an id of 16 digits and more is exact", () => {
  const message = (id) => parseMessages(`{"type":"message","from":"server","dataType":"json","data":1,"sequenceId":${id}}`).sequenceId;
  assert.deepEqual([message("9007199254740991"), message("9007199254740993"), message("18446744073709551615")], [9007199254740991, 9007199254740993n, 18446744073709551615n]);
  const ack = (id) => parseMessages(`{"type":"ack","ackId":${id},"success":true}`).ackId;
  assert.deepEqual([ack("0"), ack("7"), ack("999999999999999"), ack("1234567890123456"), ack("9007199254740993")], [0, 7, 999999999999999, 1234567890123456, 9007199254740993n]);
});

test("what is no JSON is refused", () => {
  const head = '{"type":"message","from":"server","dataType":';
  for (const bad of [
    `${head}"text","data":"a","sequenceId":01}`,
    `${head}"text","data":"a","sequenceId":}`,
    `${head}"text","data":"a","sequenceId":1`,
    `${head}"text","data":"a","sequenceId":12`,
    `${head}"json","data":{},"sequenceId":12`,
    `${head}"json","data":{},"sequenceId":12]`,
    `${head}"json","data":15`,
    `${head}"text","data":"a","sequenceId":1}}`,
    `${head}"text","data":"a"b","sequenceId":1}`,
    `${head}"text","data":"a\nb","sequenceId":1}`,
    `${head}"text","data":"${"\n".repeat(200)}","sequenceId":1}`,
    `${head}"text","data":5,"sequenceId":1}`,
    `${head}"text","data":,"sequenceId":1}`,
    `${head}"json","data":{"a":1,"sequenceId":1}`,
    `${head}"json","data":{"a":1}},"sequenceId":1}`,
    `${head}"json","data":[1,"sequenceId":1}`,
    `${head}"json","data":undefined}`,
    `${head}"binary","data":"A","sequenceId":1}`,
    `${head}"binary","data":"????","sequenceId":1}`,
    `${head}"binary","data":"AA==","x":"AA==}`,
    `${head}"binary","data":5,"sequenceId":1}`,
    '{"type":"message","from":"group","group":"a\tb","fromUserId":null,"dataType":"json","data":1}',
    '{"type":"ack","ackId":1,"success":true}}',
    '{"type":"ack","ackId":,"success":true}',
  ]) {
    assert.throws(() => parseMessages(bad), bad.slice(0, 200));
  }
  assert.equal(parseMessages(`${head}"new","data":1,"sequenceId":1}`), null);
});

test("what is written is what JSON.stringify writes, in the order of the official client", () => {
  const written = (message, frame) => assert.equal(writeMessage(message), JSON.stringify(frame));
  for (const text of [...TEXTS, ...JSONS.filter((data) => typeof data === "string")]) {
    const group = text;
    written(
      { kind: "sendToGroup", group, ackId: 1, noEcho: true, dataType: "text", data: text, ttlSeconds: 2, metadata: { k: text } },
      { type: "sendToGroup", group, ackId: 1, noEcho: true, dataType: "text", data: text, ttlSeconds: 2, metadata: { k: text } },
    );
    written({ kind: "sendEvent", event: text, ackId: undefined, dataType: "json", data: { text } }, { type: "event", event: text, dataType: "json", data: { text } });
  }
  for (const base64 of BYTES) {
    const data = Uint8Array.from(Buffer.from(base64, "base64"));
    written({ kind: "sendToGroup", group: '"data":"', noEcho: false, dataType: "binary", data }, { type: "sendToGroup", group: '"data":"', noEcho: false, dataType: "binary", data: base64 });
  }
});

test("a frame that is broken in one place is refused, or read as JSON.parse reads it", () => {
  const pieces = ['"', "\\", "{", "}", "[", "]", ",", ":", "0", "7", " ", "\n", "", '},"', ',"sequenceId":', '"data":', "null", '"metadata":{"k":"v"}'];
  let random = 1;
  const below = (limit) => (random = (random * 48271) % 2147483647) % limit;
  let refused = 0;
  for (let round = 0; round < 40_000; round++) {
    const payload = PAYLOADS[below(JSONS.length + TEXTS.length * 2)];
    const whole = JSON.stringify({ ...HEADS[below(HEADS.length)], ...payload, ...TAILS[below(TAILS.length)], sequenceId: NUMBERS[below(NUMBERS.length)] });
    const at = below(whole.length);
    const text = whole.slice(0, at) + pieces[below(pieces.length)] + whole.slice(at + below(3));
    let expected;
    try {
      expected = JSON.parse(text);
    } catch {
      assert.throws(() => parseMessages(text), text.slice(0, 400));
      refused++;
      continue;
    }
    if (expected.type !== "message" || (expected.from !== "group" && expected.from !== "server")) continue;
    if (expected.dataType !== "json" && (expected.dataType !== "text" || typeof expected.data !== "string")) continue;
    if (expected.sequenceId > Number.MAX_SAFE_INTEGER) continue;
    // What the protocol requires, not JSON.
    if (expected.data === undefined || (expected.from === "group" && typeof expected.group !== "string")) continue;
    const { kind, ...members } = parseMessages(text);
    assert.deepEqual(members, expected, text.slice(0, 400));
  }
  assert.ok(refused > 10_000, String(refused));
});

test("bytes are the same where there is no Buffer", () => {
  const { Buffer } = globalThis;
  const data = Uint8Array.from({ length: 70000 }, (_, index) => index * 7);
  const base64 = BYTES.at(-1);
  delete globalThis.Buffer;
  try {
    assert.equal(writeMessage({ kind: "sendEvent", event: "e", dataType: "binary", data }), `{"type":"event","event":"e","dataType":"binary","data":"${base64}"}`);
    assert.deepEqual(new Uint8Array(parseMessages(`{"type":"message","from":"server","dataType":"binary","data":"${base64}","sequenceId":1}`).data), data);
  } finally {
    globalThis.Buffer = Buffer;
  }
});
