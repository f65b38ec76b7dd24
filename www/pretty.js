// JSON to read: indented, and never more of it than is read, whoever wrote it.

const LONGEST_STRING = 10_000;
const MOST_CHARACTERS = 40_000; // More than is shown of one value.
const DEEPEST = 40;
const CUT = "… cut off here";

/** Every key and string is shown as `mask` gives it back, and a value as `replace` does, which is given its key too. */
export function pretty(value, { mask = (text) => text, replace = (key, value) => value } = {}) {
  let left = MOST_CHARACTERS;
  return JSON.stringify(copy(value, 0), undefined, 2) ?? "";

  /** What is cut off is cut off before it is looked at, so that a large value costs no more than a small one. */
  function copy(value, depth) {
    left -= 2 * depth + 8; // The indentation, and what stands around a value.
    if (typeof value === "string") return text(value);
    if (typeof value !== "object" || value === null) return value;
    if (depth === DEEPEST) return CUT;
    return Array.isArray(value) ? items(value, depth + 1) : members(value, depth + 1);
  }

  function items(list, depth) {
    const shown = [];
    for (const item of list) {
      if (left <= 0) return [...shown, CUT];
      shown.push(copy(item, depth));
    }
    return shown;
  }

  function members(object, depth) {
    const shown = Object.create(null); // Here `__proto__` is a name like any other.
    for (const key in object) {
      if (left <= 0) {
        shown["…"] = CUT;
        break;
      }
      shown[text(key)] = copy(replace(key, object[key]), depth);
    }
    return shown;
  }

  function text(whole) {
    const beginning = whole.slice(0, Math.min(LONGEST_STRING, Math.max(left, 0)));
    left -= beginning.length;
    const more = whole.length - beginning.length;
    return more > 0 ? `${mask(beginning)}… and ${more} more characters` : mask(beginning);
  }
}
