// Bun: what the suite is given comes in on standard input, the results go out on standard output.

import * as lib from "webpubsub-edge";
import { runSuite } from "./runner.mjs";

console.log(JSON.stringify(await runSuite(lib, await Bun.stdin.json())));
