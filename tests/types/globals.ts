// The host's own globals, where its types have them: what takes and gives them takes and gives exactly those.

import {
  ClientSecretCredential,
  WebPubSubServiceClient,
  type BinaryMessage,
  type GetTokenOptions,
  type OperationOptions,
  type RawResponse,
  type WebPubSubServiceClientOptions,
} from "webpubsub-edge";
import type { GetClientAccessUrlOptions, GroupStream, StartOptions, WebPubSubClientOptions } from "webpubsub-edge/client";
import { same } from "./equal.js";

same<OperationOptions["abortSignal"], AbortSignal | undefined>();
same<NonNullable<GetTokenOptions["abortSignal"]>, AbortSignal>();
same<RawResponse["headers"], Headers>();
same<BinaryMessage, ArrayBuffer | ArrayBufferView | Blob | ReadableStream<Uint8Array>>();
same<GetClientAccessUrlOptions["abortSignal"], AbortSignal>();
same<GroupStream["abortSignal"], AbortSignal>();
same<ReturnType<NonNullable<WebPubSubClientOptions["fetch"]>>, Promise<Response>>();

// Any signal will do there, and so will the host's.
export const started = (abortSignal: AbortSignal): StartOptions => ({ abortSignal });

type Fetch = NonNullable<WebPubSubServiceClientOptions["fetch"]>;
same<Parameters<Fetch>, Parameters<typeof fetch>>();
same<ReturnType<Fetch>, Promise<Response>>();
new WebPubSubServiceClient("connection string", "hub", { fetch });
new WebPubSubServiceClient("connection string", "hub", { fetch: globalThis.fetch });
// Bun's fetch has properties, which nobody's own has.
new WebPubSubServiceClient("connection string", "hub", { fetch: (input, init) => fetch(input, init) });
new ClientSecretCredential("tenant", "client", "secret", { fetch: async () => new Response("{}") });

// @ts-expect-error no response
new WebPubSubServiceClient("connection string", "hub", { fetch: async () => "{}" });
