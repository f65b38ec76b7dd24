// A service worker: a message brings what the suite is given and a port for the results.

import * as lib from "webpubsub-edge";
import { runSuite } from "./runner.mjs";

addEventListener("message", (event) => {
  const answer = async () => event.ports[0].postMessage(await runSuite(lib, event.data));
  event.waitUntil(answer());
});
