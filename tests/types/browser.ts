// What only pages and web workers have.

import { WebPubSubClient } from "webpubsub-edge/client";
import { initSync } from "webpubsub-edge/slim";
import { same } from "./equal.js";

same<Parameters<typeof initSync>, [module: WebAssembly.Module | BufferSource]>();

new WebPubSubClient("wss://x", { WebSocket });
new WebPubSubClient("wss://x", { WebSocket: globalThis.WebSocket });
