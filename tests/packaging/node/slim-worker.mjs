// The slim entry in workerd, which compiles the raw module when it loads the Worker.
import module from "webpubsub-edge/webpubsub_edge.wasm";
import { initSync, WebPubSubServiceClient } from "webpubsub-edge/slim";

initSync(module);

export default {
  async fetch(request) {
    if (request.method !== "POST") return new Response(null);
    const vector = await request.json();
    const { connectionString, hub, now, baseUrl, token: expected, ...options } = vector;
    const client = new WebPubSubServiceClient(connectionString, hub, { now: () => now * 1000 });
    return new Response(client.getClientAccessTokenSync(options).token);
  },
};
