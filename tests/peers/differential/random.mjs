// A seeded source of values, so that a failure can be repeated, and the strings that break URLs, quotes and claims.

/** Whole numbers and choices that are the same for the same seed. */
export function random(seed) {
  let state = seed >>> 0;
  const below = (limit) => {
    // Mulberry32: small, and good enough to vary inputs.
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % limit;
  };
  const pick = (list) => list[below(list.length)];
  return { below, pick, maybe: (make) => (below(2) === 0 ? undefined : make()) };
}

/** Strings that are legal nearly everywhere and that careless code gets wrong. */
export const NASTY = [
  ..."!\"#$%&'()*+,/:;<=>?@[\\]^_`{|}~\u007f",
  " ",
  " a  b ",
  "a/../b",
  "..a",
  "...",
  "%",
  "%2e%2e",
  "%2F",
  "%00",
  "a%20b+c",
  "?x=1&y=2#z",
  "{hub}{userId}$&$1",
  "it's ''quoted'' \"twice\"",
  "\\u0041\\",
  "\u0000\u0001\t\r\n",
  "\u0085\u00a0\u200b\u2028\u2029\ufeff",
  "ünï",
  "e\u0301",
  "\u00e9",
  "日本語",
  "\ufffd\uffff",
  "🦀👩‍👩‍👧‍👦",
  "مرحبا\u202e",
  "__proto__",
  "null",
  "x".repeat(1024),
];

/** A nasty string, or several pieces of such and random code points. */
export function nasty({ below, pick }) {
  if (below(2) === 0) {
    return pick(NASTY);
  }
  let text = "";
  for (let pieces = 1 + below(5); pieces > 0; pieces--) {
    text += below(3) === 0 ? pick(NASTY.slice(0, -1)) : String.fromCodePoint(codePoint(below));
  }
  return text;
}

/** Any code point but a surrogate, the first planes more often. */
function codePoint(below) {
  const point = below(pickLimit(below));
  return point >= 0xd800 && point <= 0xdfff ? point - 0x800 : point;
}

function pickLimit(below) {
  return [0x80, 0x800, 0x10000, 0x110000][below(4)];
}
