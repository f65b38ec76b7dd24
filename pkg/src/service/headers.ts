import { WebPubSubError } from "./errors.js";

/** The headers that the package sets itself. */
const OWN = ["accept", "authorization", "content-type", "x-ms-client-request-id"];

/**
 * Copies the caller's headers, with their names in lower case: two spellings of one name would be sent as two values.
 * Leaves out those that the package sets itself. The check comes before `fetch`, which shows the value in its error.
 *
 * @throws {@link WebPubSubError} `ERR_HEADER` for a name or a value that cannot be sent.
 */
export function customHeaders(given: Record<string, string> | null | undefined): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(given ?? {})) {
    const lower = name.toLowerCase();
    if (OWN.includes(lower)) {
      continue;
    }
    if (!/^[\w!#$%&'*+.^`|~-]+$/.test(name)) {
      throw new WebPubSubError("ERR_HEADER", "A name in requestOptions.customHeaders cannot be sent: it must be a token of HTTP.");
    }
    if (typeof value !== "string" || !/^[\t -~]*$/.test(value)) {
      throw new WebPubSubError("ERR_HEADER", "A value in requestOptions.customHeaders cannot be sent: it must be a string of printable ASCII.");
    }
    headers[lower] = value;
  }
  return headers;
}
