import { typeError } from "./errors.js";
import { kindOf, text } from "./text.js";

/**
 * Writes an OData filter in which nothing can be injected: each value becomes a literal of its type.
 *
 * Strings are quoted; inside quotes that stand in the template (`'room-${id}'`) only strings go, and their quotes are
 * doubled. `null`, booleans, bigints and whole numbers are written as they are. Everything else is refused.
 *
 * @throws `TypeError` for a value of another type, a fraction, or quotes in the template that do not close.
 *
 * @example
 * ```ts
 * const filter = odata`userId ne ${userId} and not (${group} in groups)`;
 * await client.sendToAll("hello", { contentType: "text/plain", filter });
 * ```
 */
export function odata(template: TemplateStringsArray, ...values: unknown[]): string {
  let filter = "";
  let isInQuotes = false;
  template.forEach((part, index) => {
    filter += part;
    // Each quote opens or closes; a doubled one does both and changes nothing.
    isInQuotes = isInQuotes !== (part.split("'").length % 2 === 0);
    if (index < values.length) {
      filter += isInQuotes ? inQuotes(values[index]) : literal(values[index]);
    }
  });
  if (isInQuotes) {
    throw typeError("ERR_FILTER", "A quote in the filter does not close.");
  }
  return filter;
}

function literal(value: unknown): string {
  switch (typeof value) {
    case "string":
      return `'${inQuotes(value)}'`;
    case "boolean":
    case "bigint":
      return String(value);
    case "number":
      if (Number.isSafeInteger(value)) {
        return String(value);
      }
      throw typeError("ERR_FILTER", "A number in a filter must be a whole one that a double holds exactly.");
    default:
      if (value === null) {
        return "null";
      }
      throw typeError("ERR_FILTER", `A filter takes null, booleans, numbers, bigints and strings, not ${kindOf(value)}.`);
  }
}

function inQuotes(value: unknown): string {
  if (typeof value !== "string") {
    throw typeError("ERR_FILTER", `Inside quotes a filter takes strings, not ${kindOf(value)}.`);
  }
  return text(value, "A value of the filter", "ERR_FILTER").replaceAll("'", "''");
}
