// Runs the suites in this runtime, and prints one { name, error? } a test.

import * as emulator from "../../pkg/dist/emulator/index.js";
import * as client from "../../pkg/dist/entrypoints/client.js";
import * as protobuf from "../../pkg/dist/entrypoints/client-protobuf.js";
import { WebPubSubServiceClient } from "../../pkg/dist/entrypoints/index.js";
import { apiSuite } from "./api.mjs";
import { eventsSuite } from "./events.mjs";
import { faultsSuite } from "./faults.mjs";

const results = [];
const suites = [
  ...apiSuite(emulator, WebPubSubServiceClient),
  ...faultsSuite(emulator, WebPubSubServiceClient),
  ...eventsSuite(emulator, { ...client, ...protobuf }),
];
for (const [name, run] of suites) {
  try {
    await run();
    results.push({ name });
  } catch (error) {
    results.push({ name, error: String(error?.stack ?? error) });
  }
}
console.log(JSON.stringify(results));
process.exit();
