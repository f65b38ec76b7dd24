// Runs the suite and gives plain results, so that they can leave the runtime as JSON.

import { suite } from "./suite.mjs";

/** One { name, error? } a test. They run one after the other, since some of them set the clock. */
export async function runSuite(lib, given) {
  const results = [];
  for (const [name, run] of suite(lib, given)) {
    try {
      await run();
      results.push({ name });
    } catch (error) {
      results.push({ name, error: String(error?.stack ?? error) });
    }
  }
  return results;
}
