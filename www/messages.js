// The list of received messages.

import { appendBounded, clip, clock, element } from "./dom.js";
import { pretty } from "./pretty.js";

const LIMIT = 200;

/** Shows that messages may be missing between the one before and the next. */
export function showGap(list) {
  appendBounded(list, element("p", { className: "gap" }, "The connection was lost: messages may be missing here."), LIMIT);
}

/** Shows one message. A server message names no sender, and an anonymous one has none. */
export function showMessage(list, frame) {
  const fromServer = frame.kind === "serverData";
  const sender = fromServer ? "Server" : (frame.fromUserId ?? "anonymous");
  const place = fromServer ? "" : `in ${frame.group}`;
  const head = element("p", { className: "head" },
    element("strong", {}, sender), " ",
    element("span", { className: "place" }, place), " ",
    element("time", {}, clock(new Date())));
  appendBounded(list, element("article", {}, head, payload(frame)), LIMIT);
}

/** A string reads best as it is, also when it came as JSON. */
function payload({ dataType, data }) {
  if (dataType !== "text" && dataType !== "json") return element("pre", {}, clip(`${dataType}: ${[...new Uint8Array(data)].join(" ")}`));
  if (typeof data === "string") return element("p", { className: "text" }, clip(data));
  return element("pre", {}, clip(pretty(data)));
}
