// Mints with the options and at the time that a request names; runs in workerd.

import { WebPubSubServiceClient } from "webpubsub-edge";

export default {
  async fetch(request) {
    if (request.method === "HEAD") {
      return new Response(null);
    }
    const { connectionString, hub, options, now } = await request.json();
    const realNow = Date.now;
    Date.now = () => now * 1000;
    try {
      return Response.json(new WebPubSubServiceClient(connectionString, hub).getClientAccessTokenSync(options));
    } finally {
      Date.now = realNow;
    }
  },
};
