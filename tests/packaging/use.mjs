// What every project does with the package: it mints a token that is known, and sends a message.

import { WebPubSubServiceClient } from "webpubsub-edge";

export async function use({ vector, endpoint }) {
  const { connectionString, hub, now, baseUrl, token: expected, ...options } = vector;
  const client = new WebPubSubServiceClient(connectionString, hub, { now: () => now * 1000 });
  const { token } = client.getClientAccessTokenSync(options);
  await new WebPubSubServiceClient(`Endpoint=${endpoint};AccessKey=k`, "hub").sendToAll({ hello: "world" });
  return token;
}
