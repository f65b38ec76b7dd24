// What the package must do, the same in every runtime. `lib` is the package, `given` is data that the runner passes in:
// { origin, closedOrigin, vectors, cases }.

import { boundaries } from "./boundaries.mjs";
import { credentials } from "./credentials.mjs";
import { operations } from "./operations.mjs";
import { sends } from "./sends.mjs";
import { tokens } from "./tokens.mjs";

/** The tests: a list of [name, function]. */
export function suite(lib, given) {
  return [tokens, sends, operations, credentials, boundaries].flatMap((part) => part(lib, given));
}
