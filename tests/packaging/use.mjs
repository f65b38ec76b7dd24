// What every project does with the package: it mints a token that is known, and sends a message.

import { WebPubSubServiceClient } from "webpubsub-edge";

export async function use({ vector, endpoint }) {
  const client = new WebPubSubServiceClient(vector.connectionString, vector.hub, { now: () => vector.now * 1000 });
  const { token } = client.getClientAccessTokenSync(vector);
  await new WebPubSubServiceClient(`Endpoint=${endpoint};AccessKey=k`, "hub").sendToAll({ hello: "world" });
  return token;
}
