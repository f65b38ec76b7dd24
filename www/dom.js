// The few DOM helpers the page needs. Text only ever becomes a text node, never markup.

const NEAR_THE_END_PX = 48;
const LONGEST_TEXT = 20_000;

export const byId = (id) => document.getElementById(id);

/** An element with properties and children; a string child becomes text. */
export function element(tag, properties = {}, ...children) {
  const node = Object.assign(document.createElement(tag), properties);
  node.append(...children);
  return node;
}

/** Appends to a scrolling list, drops the oldest beyond `limit`, and follows the end if it was in view. */
export function appendBounded(list, item, limit) {
  const follows = isNearEnd(list);
  list.append(item);
  while (list.childElementCount > limit) list.firstElementChild.remove();
  if (follows) list.scrollTop = list.scrollHeight;
}

/** Keeps the end of a scrolling list in view when the list changes its size, unless somebody has scrolled up. */
export function keepEnd(list) {
  const size = () => `${list.clientWidth} ${list.clientHeight}`;
  let follows = true;
  let seen = size();
  list.addEventListener("scroll", () => {
    // What a new size does to the place is nobody's scrolling.
    if (size() === seen) follows = isNearEnd(list);
  });
  new ResizeObserver(() => {
    seen = size();
    if (follows) list.scrollTop = list.scrollHeight;
  }).observe(list);
}

const isNearEnd = (list) => list.scrollHeight - list.scrollTop - list.clientHeight < NEAR_THE_END_PX;

/** A payload may hold a megabyte; a page of it is enough to read. */
export function clip(text) {
  if (text.length <= LONGEST_TEXT) return text;
  return `${text.slice(0, LONGEST_TEXT)}\n… and ${text.length - LONGEST_TEXT} more characters`;
}

export const clock = (date) => date.toLocaleTimeString([], { hourCycle: "h23" });

/** Writes the line next to a form: a result, or an error's text after its name. */
export function say(note, text, errorName) {
  const named = errorName && errorName !== "Error";
  note.classList.toggle("error", Boolean(errorName));
  note.classList.remove("warning");
  note.replaceChildren(...(named ? [element("strong", {}, errorName), " "] : []), text);
}

/** The same for what is no error yet, and needs nothing of the reader. */
export function warn(note, text) {
  say(note, text);
  note.classList.add("warning");
}
