// A module of CommonJS: TypeScript compiles its imports to `require`.

import client = require("webpubsub-edge/client");
import emulator = require("webpubsub-edge/emulator");
import { WebPubSubServiceClient } from "webpubsub-edge";
import { WebPubSubProtobufProtocol } from "webpubsub-edge/client/protobuf";
import { initSync } from "webpubsub-edge/slim";

initSync(new Uint8Array());
export const service: WebPubSubServiceClient = new WebPubSubServiceClient("connection string", "hub");
export const socket = new client.WebPubSubClient("wss://x", { protocol: WebPubSubProtobufProtocol() });
export const started: Promise<emulator.Emulator> = emulator.startEmulator();
