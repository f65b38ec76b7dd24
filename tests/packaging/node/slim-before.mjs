// The slim entry before it has its module.
import { WebPubSubServiceClient } from "webpubsub-edge/slim";

try {
  new WebPubSubServiceClient("Endpoint=https://a;AccessKey=k", "hub");
} catch (error) {
  process.stdout.write(error.message);
}
