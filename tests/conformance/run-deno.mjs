// Deno, allowed to use the network of this machine and nothing else: no file, no environment variable.

import * as lib from "webpubsub-edge";
import { runSuite } from "./runner.mjs";

const given = await new Response(Deno.stdin.readable).json();
console.log(JSON.stringify(await runSuite(lib, given)));
