// The slim entry with the raw module of the package.
import { readFile } from "node:fs/promises";
import { initSync, WebPubSubServiceClient } from "webpubsub-edge/slim";

initSync(await readFile(new URL(import.meta.resolve("webpubsub-edge/webpubsub_edge.wasm"))));

const vector = JSON.parse(process.argv[2]);
const { connectionString, hub, now, baseUrl, token: expected, ...options } = vector;
const client = new WebPubSubServiceClient(connectionString, hub, { now: () => now * 1000 });
process.stdout.write(client.getClientAccessTokenSync(options).token);
