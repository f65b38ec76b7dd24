// A page in a browser: the test calls this function in it.

import * as lib from "webpubsub-edge";
import { runSuite } from "./runner.mjs";

globalThis.run = (given) => runSuite(lib, given);
