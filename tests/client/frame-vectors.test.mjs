// The frames of tests/vectors/frames.json, which the Rust layer (src/protocol) runs too.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";
import { WebPubSubJsonReliableProtocol } from "../../pkg/dist/entrypoints/client.js";
import { WebPubSubProtobufReliableProtocol } from "../../pkg/dist/entrypoints/client-protobuf.js";

const vectors = JSON.parse(readFileSync(new URL("../vectors/frames.json", import.meta.url), "utf8"));
const json = WebPubSubJsonReliableProtocol();
const protobuf = WebPubSubProtobufReliableProtocol();
const buffer = (base64) => Uint8Array.from(Buffer.from(base64, "base64")).buffer;

/** The message of a vector, in which JSON cannot write bytes and large numbers. */
function message(vector) {
  const { data, ...rest } = vector.message;
  const whole = Object.fromEntries(Object.entries(rest).map(([name, value]) => [name, value?.bigint ? BigInt(value.bigint) : value]));
  if (data === undefined) return whole;
  return { ...whole, data: data.null ? null : data.base64 === undefined ? data : buffer(data.base64) };
}

/** A message without what only JSON frames carry. */
function plain({ type, from, event, data, ...rest }) {
  const members = Object.entries(rest).filter(([name, value]) => value !== null && (name !== "error" || !rest.success));
  return { ...Object.fromEntries(members), ...(data === undefined ? {} : { data }) };
}

/** The data as something that `deepEqual` compares: two buffers are always equal to it. */
const comparable = ({ data, ...rest }) => ({ ...rest, data: data instanceof ArrayBuffer ? Buffer.from(data).toString("hex") : data });
const same = (found, expected, name) => assert.deepEqual(comparable(plain(found)), comparable(expected), name);

function withoutSender({ fromUserId, ...rest }) {
  return rest;
}

test("frames of clients are written as the vectors say", () => {
  for (const vector of vectors.upstream) {
    assert.equal(json.writeMessage(message(vector)), vector.json, vector.name);
    assert.equal(Buffer.from(protobuf.writeMessage(message(vector))).toString("base64"), vector.protobuf, vector.name);
  }
});

test("frames of the service are read as the vectors say", () => {
  for (const vector of vectors.downstream) {
    same(json.parseMessages(vector.json), message(vector), vector.name);
    same(protobuf.parseMessages(buffer(vector.protobuf)), withoutSender(message(vector)), vector.name);
  }
});

test("a frame may be written in other ways", () => {
  for (const vector of vectors.alternatives.filter(({ direction }) => direction === "downstream")) {
    const expected = message(vectors.downstream.find(({ name }) => name === vector.of));
    if (vector.json !== undefined) same(json.parseMessages(vector.json), expected, vector.name);
    if (vector.protobuf !== undefined) same(protobuf.parseMessages(buffer(vector.protobuf)), expected, vector.name);
  }
});

test("a frame that the service may add is ignored", () => {
  for (const vector of vectors.unknown) {
    assert.equal(json.parseMessages(vector.json), null, vector.name);
    if (vector.protobuf !== undefined) assert.equal(protobuf.parseMessages(buffer(vector.protobuf)), null, vector.name);
  }
});

test("an invalid frame is refused", () => {
  for (const vector of vectors.invalid.filter(({ direction }) => direction === "downstream")) {
    if (vector.json !== undefined) assert.throws(() => json.parseMessages(vector.json), vector.name);
    if (vector.protobuf !== undefined) assert.throws(() => protobuf.parseMessages(buffer(vector.protobuf)), vector.name);
  }
});
