// workerd, without any compatibility flag: a request brings what the suite is given, the answer is the results.

import * as lib from "webpubsub-edge";
import { runSuite } from "./runner.mjs";

// At module scope the clock is 0 and minting must say so; the suite runs in a handler, where it is not.
const atModuleScope = { clock: Date.now() };
try {
  new lib.WebPubSubServiceClient("Endpoint=https://a;AccessKey=k", "hub").getClientAccessTokenSync();
} catch (error) {
  atModuleScope.code = error.code;
}

export default {
  async fetch(request) {
    if (request.method === "HEAD") {
      return new Response(null);
    }
    const results = await runSuite(lib, await request.json());
    return Response.json([
      ...results,
      {
        name: "minting at module scope, where the clock is 0, throws and says so",
        ...(atModuleScope.clock === 0 && atModuleScope.code === "ERR_CLOCK" ? {} : { error: JSON.stringify(atModuleScope) }),
      },
    ]);
  },
};
