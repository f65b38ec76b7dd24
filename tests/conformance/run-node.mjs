// Node: what the suite is given comes in on standard input, the results go out on standard output.

import { text } from "node:stream/consumers";
import * as lib from "webpubsub-edge";
import { runSuite } from "./runner.mjs";

console.log(JSON.stringify(await runSuite(lib, JSON.parse(await text(process.stdin)))));
