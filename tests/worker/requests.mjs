// What the tests of the Worker share: requests, refusals and the request log.

import assert from "node:assert/strict";
import { eventually } from "../harness.mjs";

/** Calls the Worker; gives status, headers and the body, as JSON where it is JSON. */
export async function call(worker, method, path, { body, headers = {}, type = "application/json" } = {}) {
  const isRaw = body === undefined || typeof body === "string" || body instanceof Uint8Array || body instanceof ReadableStream;
  const response = await fetch(worker.origin + path, {
    method,
    headers: body === undefined || type === undefined ? headers : { "content-type": type, ...headers },
    body: isRaw ? body : JSON.stringify(body),
    ...(body instanceof ReadableStream && { duplex: "half" }),
  });
  const text = await response.text();
  const isJson = text !== "" && response.headers.get("content-type") === "application/json";
  return { status: response.status, headers: response.headers, text, json: isJson ? JSON.parse(text) : undefined };
}

/** Asserts that an answer is the documented refusal; `says` is part of its message. */
export function assertRefused(answer, status, code, says = /./) {
  assert.equal(answer.status, status, answer.text);
  assert.deepEqual(Object.keys(answer.json), ["error"]);
  assert.deepEqual(Object.keys(answer.json.error).sort(), ["code", "message"]);
  assert.equal(answer.json.error.code, code);
  assert.match(answer.json.error.message, says);
}

/** The lines that the Worker logged, once there are as many as `count`. */
export async function requestLog(worker, count = 1) {
  const lines = () => worker.log().split("\n").filter((line) => line.startsWith('{"')).map((line) => JSON.parse(line));
  await eventually(() => lines().length >= count, `${count} lines of the request log`);
  return lines();
}

/** The claims of a token, unverified. */
export function claims(token) {
  return JSON.parse(Buffer.from(token.split(".")[1], "base64url"));
}
