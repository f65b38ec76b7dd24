// A project whose types have no globals but those of the language: every entry, with what the project brings itself.

import { odata, WebPubSubServiceClient, type OperationOptions } from "webpubsub-edge";
import { WebPubSubClient } from "webpubsub-edge/client";
import { WebPubSubProtobufProtocol } from "webpubsub-edge/client/protobuf";
import { startEmulator } from "webpubsub-edge/emulator";
import { initSync } from "webpubsub-edge/slim";
import module from "webpubsub-edge/webpubsub_edge.wasm";
import { same } from "./equal.js";

export async function service(abortSignal: NonNullable<OperationOptions["abortSignal"]>): Promise<void> {
  initSync(module);
  initSync(new Uint8Array());
  // @ts-expect-error neither a module nor bytes
  initSync("webpubsub_edge.wasm");

  const client = new WebPubSubServiceClient("connection string", "hub", {
    fetch: async (url, { method, headers, body, signal }) => {
      same<[typeof url, typeof method], [string, string]>();
      void [headers["authorization"], body, signal?.aborted];
      const answer = "";
      return { status: 202, headers: { get: () => null }, text: async () => answer, json: async () => null };
    },
  });
  await client.sendToAll(new Uint8Array([1]), { abortSignal, filter: odata`userId eq ${"a"}` });
  await client.getServiceStatus({ onResponse: ({ headers }) => same<ReturnType<typeof headers.get>, string | null>() });

  // @ts-expect-error no signal
  await client.getServiceStatus({ abortSignal: "now" });
  // @ts-expect-error no answer
  new WebPubSubServiceClient("connection string", "hub", { fetch: async () => "" });
}

export async function socket(): Promise<void> {
  const emulator = await startEmulator();
  emulator.onEvent("hub", ({ abortSignal }) => same<typeof abortSignal.aborted, boolean>());
  const protocol = WebPubSubProtobufProtocol();
  const client = new WebPubSubClient({ getClientAccessUrl: ({ abortSignal }) => String(abortSignal.aborted) }, { protocol });
  await client.start();

  // @ts-expect-error no constructor
  new WebPubSubClient("wss://x", { WebSocket: {} });
}
