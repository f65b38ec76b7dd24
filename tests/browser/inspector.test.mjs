// What the demo page shows of frames and payloads: no secret, and never more than a person reads. No browser is needed.

import assert from "node:assert/strict";
import { test } from "node:test";
import { masked } from "../../www/inspector.js";
import { pretty } from "../../www/pretty.js";

const TOKEN = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJzZWNyZXQifQ.c2VjcmV0LXNpZ25hdHVyZQ";
const LONGEST = 200_000;

test("no secret is shown, however it is written", () => {
  for (const value of [
    TOKEN,
    { a: [`see ${TOKEN}.`] },
    { [TOKEN]: 1 },
    { a: `t_${TOKEN}` },
    { a: `wss://x.example/client/hubs/h?a=1&access_token=secret&b=2` },
    { a: "next=wss%3A%2F%2Fx.example%3Faccess_token%3Dsecret" },
    { a: "next=access_token%253Dsecret" },
    { a: '{"access_token": "secret"}' },
    { a: JSON.stringify(JSON.stringify({ reconnectionToken: "secret" })) },
    { a: "Authorization: Bearer secret-secret-secret" },
    { a: "authorization=bearer%20secret-secret-secret" },
    { a: "?awps_reconnection_token=secret&x=1" },
    { a: "awps_reconnection_token%3Dsecret" },
    { access_token: "secret" },
    { accessToken: { inner: "secret" } },
    { reconnectionToken: "secret" },
    { reconnectiontoken: ["secret"] },
    { awps_reconnection_token: "secret" },
    // A token that is cut off, too.
    { a: `${"x".repeat(9_950)}${TOKEN}` },
    { a: `${"x".repeat(9_990)}access_token=secret` },
  ]) {
    const shown = masked(value);
    assert.match(shown, /•••|more characters/);
    assert.doesNotMatch(shown, /secret|eyJzdWIi|c2VjcmV0/, shown.slice(-200));
  }
});

test("what is no secret is shown as it is", () => {
  const frame = {
    type: "message", group: "a", dataType: "json",
    data: { n: [1, null, true], text: "the bearer of eyJ, access_token and Bearer", encoded: "eyJhIjoxfQ==", empty: {} },
  };
  assert.equal(masked(frame), JSON.stringify(frame, undefined, 2));
  assert.equal(masked(JSON.parse('{"__proto__":{"a":1}}')), '{\n  "__proto__": {\n    "a": 1\n  }\n}');
  assert.equal(masked(undefined), "");
});

test("a large value is shown shortened", () => {
  const mebibyte = 1024 * 1024;
  for (const [name, value] of [
    ["text", "x".repeat(mebibyte)],
    ["text of beginnings of tokens", "eyJ-".repeat(mebibyte / 4)],
    ["text of beginnings of parameters", "access_token".repeat(mebibyte / 12)],
    ["text of escapes", "\u0000".repeat(mebibyte)],
    ["key", { ["eyJ-".repeat(mebibyte / 4)]: 1 }],
    ["list", Array(mebibyte / 2).fill(1)],
    ["list of texts", Array(mebibyte / 8).fill("eyJ-")],
    ["object", Object.fromEntries(Array.from({ length: mebibyte / 8 }, (_, n) => [`k${n}`, n]))],
    ["wide and deep", Array(500).fill(nested(30))],
  ]) {
    for (const shown of [masked({ data: value }), pretty(value)]) {
      assert.ok(shown.length < LONGEST, `${name}: ${shown.length}`);
      assert.match(shown, /more characters|cut off here/, name);
    }
  }
  assert.match(masked("eyJ-".repeat(mebibyte / 4)), /^"eyJ-.* more characters"$/);
});

test("a deep value is shown to a depth", () => {
  for (const depth of [3_000, 100_000]) {
    for (const shown of [masked({ data: nested(depth) }), pretty(nested(depth)), pretty(JSON.parse('{"a":'.repeat(depth) + "1" + "}".repeat(depth)))]) {
      assert.ok(shown.length < LONGEST, String(shown.length));
      assert.match(shown, /cut off here/);
    }
  }
  assert.equal(pretty(nested(30)), JSON.stringify(nested(30), undefined, 2));
});

/** Lists in lists. */
function nested(depth) {
  return JSON.parse("[".repeat(depth) + "]".repeat(depth));
}
