// A Worker under the types of Cloudflare, without those of a browser.

import { WebPubSubServiceClient } from "webpubsub-edge";

interface Env {
  CONNECTION_STRING: string;
  PROXY: Fetcher;
}

export default {
  async fetch(request, env) {
    const options = { fetch: (input: RequestInfo | URL, init?: RequestInit) => env.PROXY.fetch(input, init) };
    const client = new WebPubSubServiceClient(env.CONNECTION_STRING, "hub", options);
    if (request.body !== null) await client.sendToAll(request.body, { abortSignal: request.signal });
    return Response.json(client.getClientAccessTokenSync());
  },
} satisfies ExportedHandler<Env>;
