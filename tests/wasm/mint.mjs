// Mints tokens in a plain loop, long enough for the engine to optimize it.
import { WebPubSubServiceClient } from "../../pkg/dist/entrypoints/index.js";

const client = new WebPubSubServiceClient("Endpoint=https://a.example.com;AccessKey=key;", "hub");
const userOf = { ascii: (index) => `user-${index}`, mixed: (index) => (index % 2 ? "\u00e4" : "a") }[process.argv[2]];

let count = 0;
for (let index = 0; index < 300_000; index++) {
  if (client.getClientAccessTokenSync({ userId: userOf(index) }).token.split(".").length === 3) count++;
}
console.log(count);
