// The Edge runtime of Vercel: the host calls this function in it.

import * as lib from "webpubsub-edge";
import { runSuite } from "./runner.mjs";

globalThis.run = async (given) => JSON.stringify(await runSuite(lib, JSON.parse(given)));
