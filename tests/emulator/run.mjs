// Runs the suites in this runtime, and prints one { name, error? } a test.

import * as emulator from "../../pkg/dist/emulator/index.js";
import { WebPubSubServiceClient } from "../../pkg/dist/entrypoints/index.js";
import { apiSuite } from "./api.mjs";
import { faultsSuite } from "./faults.mjs";

const results = [];
for (const [name, run] of [...apiSuite(emulator, WebPubSubServiceClient), ...faultsSuite(emulator, WebPubSubServiceClient)]) {
  try {
    await run();
    results.push({ name });
  } catch (error) {
    results.push({ name, error: String(error?.stack ?? error) });
  }
}
console.log(JSON.stringify(results));
process.exit();
