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
  const value = (value) => {
    if (value?.bigint !== undefined) return BigInt(value.bigint);
    if (value?.base64 !== undefined) return buffer(value.base64);
    return value?.null === true ? null : value;
  };
  return Object.fromEntries(Object.entries(vector.message).map(([name, found]) => [name, value(found)]));
}

/** Compares what was read with a message. Of a JSON frame, `null`, unknown members and those that `kind` replaces remain. */
function same({ type, from, event, x, ...found }, expected, name) {
  const members = (message) => {
    const entries = Object.entries(message).filter(([name, value]) => value !== null || name === "data");
    // All buffers are equal to `deepEqual`.
    return Object.fromEntries(entries.map(([name, value]) => [name, value instanceof ArrayBuffer ? [...new Uint8Array(value)] : value]));
  };
  assert.deepEqual(members(found), members(expected), name);
}

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
