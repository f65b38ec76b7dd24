// The package is ESM only; Node since 20.19 requires it all the same.
const { WebPubSubServiceClient } = require("webpubsub-edge");

const vector = JSON.parse(process.argv[2]);
const client = new WebPubSubServiceClient(vector.connectionString, vector.hub, { now: () => vector.now * 1000 });
process.stdout.write(client.getClientAccessTokenSync(vector).token);
