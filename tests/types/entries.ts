// The entries beside the main one.

import module from "webpubsub-edge/webpubsub_edge.wasm";
import { initSync, WebPubSubServiceClient } from "webpubsub-edge/slim";

initSync(module);
initSync(new Uint8Array());
new WebPubSubServiceClient("connection string", "hub");

// @ts-expect-error no module
initSync();
// @ts-expect-error no default export
import nothing from "webpubsub-edge";
void nothing;
// @ts-expect-error what is inside is nobody's
import { Hub } from "webpubsub-edge/dist/service/hub.js";
void Hub;
