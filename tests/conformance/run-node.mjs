// Node: what the suite is given comes in on standard input, the results go out on standard output.

import { text } from "node:stream/consumers";
import * as lib from "webpubsub-edge";
import { runSuite } from "./runner.mjs";

// Where a test waits for a timeout alone, nothing else keeps Node alive.
const alive = setInterval(() => {}, 1000);
console.log(JSON.stringify(await runSuite(lib, JSON.parse(await text(process.stdin)))));
clearInterval(alive);
