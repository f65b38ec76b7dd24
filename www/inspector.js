// The frame inspector: what went over the wire, in order, readable, with secrets masked.

import { appendBounded, clip, clock, element } from "./dom.js";
import { pretty } from "./pretty.js";

const LIMIT = 200;
const MASK = "•••";
const SECRET_KEY = /^(?:access_?token|(?:awps_)?reconnection_?token)$/i;
// Each is tried anew at every character, so none may run far before it fails.
const SECRETS_IN_TEXT = [
  // A member or parameter with its value, also as it stands in JSON or in a URL inside of a text.
  /((?:access|reconnection)_?token(?:["\\]{0,2}\s?[:=]\s?["\\]{0,2}|%(?:25){0,3}3D))[^&\s"\\]+/gi,
  /(bearer(?:\s|\+|%20))[^&\s"]{16,}/gi,
  // A token by itself: its first part is the JSON of an object in base64url.
  /()eyJ[\w-]{1,1000}\.[\w.-]*/g,
];

export class Inspector {
  #list;
  #count;
  #paused = false;
  #held = [];

  constructor(list, count) {
    this.#list = list;
    this.#count = count;
  }

  /** `kind` names the entry, `detail` says which group or answer it is about. */
  add(direction, kind, detail, value, failed = false) {
    const entry = { time: new Date(), direction, kind, detail, value, failed };
    if (!this.#paused) return this.#show(entry);
    this.#held.push(entry);
    if (this.#held.length > LIMIT) this.#held.shift();
    this.#showCount();
  }

  addFrame({ direction, frame }) {
    this.add(direction, frame.type, summary(frame), frame, frame.success === false);
  }

  /** A failure is named as well, for colour alone does not tell everybody. */
  addAnswer(status, path, answer) {
    const failed = !(status < 400);
    const name = status >= 400 ? ` ${answer?.error?.code ?? "failed"}` : "";
    this.add("received", `${status}${name}`, path, answer, failed);
  }

  /** While paused, the newest entries are held back, not lost. */
  pause(paused) {
    this.#paused = paused;
    if (!paused) for (const entry of this.#held.splice(0)) this.#show(entry);
    this.#showCount();
  }

  clear() {
    this.#list.replaceChildren();
    this.#held = [];
    this.#showCount();
  }

  #show({ time, direction, kind, detail, value, failed }) {
    const milliseconds = String(time.getMilliseconds()).padStart(3, "0");
    const arrow = direction === "sent" ? "↑" : "↓";
    const line = element("summary", {},
      element("span", { className: "arrow", role: "img", title: direction, ariaLabel: direction }, arrow),
      element("span", { className: "kind" }, kind),
      element("span", { className: "detail" }, detail),
      element("time", {}, `${clock(time)}.${milliseconds}`));
    const body = element("pre", {}, ...readable(clip(masked(value))));
    const heartbeat = kind === "ping" || kind === "pong";
    const className = `${direction}${heartbeat ? " heartbeat" : ""}${failed ? " failed" : ""}`;
    const item = element("li", { className }, element("details", { open: !heartbeat }, line, body));
    appendBounded(this.#list, item, LIMIT);
    this.#showCount();
  }

  #showCount() {
    const entries = this.#list.childElementCount;
    const shown = entries < LIMIT ? `${entries} entries` : `last ${LIMIT} entries`;
    this.#count.textContent = this.#paused ? `${this.#held.length} held back` : shown;
  }
}

/** Pretty JSON in which no token can be read, whichever way it got there. */
export function masked(value) {
  return pretty(value, {
    mask: (text) => SECRETS_IN_TEXT.reduce((rest, secret) => rest.replace(secret, `$1${MASK}`), text),
    replace: (key, inner) => (SECRET_KEY.test(key) ? MASK : inner),
  });
}

/** Dims the keys so that the values stand out. In pretty JSON a key begins its line. */
function readable(json) {
  const parts = json.split(/^(\s*"(?:[^"\\]|\\.)*":)/m);
  return parts.map((part, index) => (index % 2 === 1 ? element("span", { className: "key" }, part) : part));
}

function summary(frame) {
  if (frame.type === "system") return frame.event;
  if (frame.type === "ack") return `${frame.ackId} ${frame.success ? "ok" : frame.error?.name}`;
  return frame.group ?? frame.from ?? "";
}
