// The slim entry in workerd, which compiles the raw module when it loads the Worker.
import module from "webpubsub-edge/webpubsub_edge.wasm";
import { initSync, WebPubSubServiceClient } from "webpubsub-edge/slim";

initSync(module);

export default {
  async fetch(request) {
    if (request.method !== "POST") return new Response(null);
    const vector = await request.json();
    const client = new WebPubSubServiceClient(vector.connectionString, vector.hub, { now: () => vector.now * 1000 });
    return new Response(client.getClientAccessTokenSync(vector).token);
  },
};
