// The WebSocket client, whose messages may have a type of their own.

import {
  type GroupDataMessage,
  type GroupState,
  type ServerDataMessage,
  type WebPubSubClientOptions,
  type WebPubSubClientProtocol,
  type WebPubSubClientStatus,
  type WebPubSubResult,
  SendMessageError,
  WebPubSubClient,
  WebPubSubJsonProtocol,
} from "webpubsub-edge/client";
import { WebPubSubProtobufReliableProtocol } from "webpubsub-edge/client/protobuf";
import { same } from "./equal.js";

type Move = { x: number; y: number };

export async function untyped(): Promise<void> {
  const options: WebPubSubClientOptions = { protocol: WebPubSubJsonProtocol(), reconnectRetryOptions: { mode: "Fixed" } };
  const client = new WebPubSubClient({ getClientAccessUrl: async ({ abortSignal }) => String(abortSignal.aborted) }, options);
  client.on("group-message", ({ message }) => {
    const { group, data, fromUserId } = message;
    same<typeof group, string>();
    void [data, fromUserId];
    if (message.dataType === "text") same<typeof message.data, string>();
    if (message.dataType === "binary") same<typeof message.data, ArrayBuffer>();
  });
  const remove = client.on("status-changed", ({ status, previousStatus }) => {
    same<typeof status, WebPubSubClientStatus>();
    same<typeof previousStatus, WebPubSubClientStatus>();
  });
  remove();
  client.on("stopped", ({ code, reason }) => void [code?.toFixed(), reason?.length]);
  const result = await client.sendToGroup("g", new Uint8Array(1), "binary", { noEcho: true, abortSignal: AbortSignal.timeout(1) });
  same<typeof result, WebPubSubResult>();
  const ackId: number | undefined = result.ackId;
  void ackId;
  const state: GroupState = await client.subscribeGroupState("g");
  void state.items.get("c")?.state?.["key"];
  for await (const message of client) void message.kind;
  // @ts-expect-error no such event
  client.on("later", () => {});
  // @ts-expect-error no such type of data
  await client.sendEvent("e", "x", "xml");
  // @ts-expect-error no such option
  new WebPubSubClient("wss://x", { autoRecconect: true });
  new WebPubSubClient("wss://x", { connectRetryOptions: { maxRetries: 3, mode: "Fixed" } });
  // Options are set one by one, and may be undefined.
  options.autoRejoinGroups = true;
  options.protocol = undefined;
  // A signal of another make, such as that of @azure/abort-controller.
  type Listener = (this: unknown, event: unknown) => unknown;
  const signal = { aborted: false, addEventListener: (_: "abort", __: Listener) => {}, removeEventListener: (_: "abort", __: Listener) => {} };
  await client.connect({ abortSignal: signal });
}

export async function typed(): Promise<void> {
  const client = new WebPubSubClient<Move>("wss://x", { protocol: WebPubSubProtobufReliableProtocol() });
  for await (const message of client.messages()) {
    same<typeof message, GroupDataMessage<Move> | ServerDataMessage<Move>>();
    if (message.dataType === "json") same<typeof message.data, Move>();
  }
  await client.sendToGroup("g", { x: 1, y: 2 }, "json");
  await client.sendToGroup("g", "text", "text");
  // @ts-expect-error no y
  await client.sendToGroup("g", { x: 1 }, "json");
  const answer = await client.invokeEvent("e", { x: 1, y: 2 }, "json");
  same<typeof answer.data, Move | string | ArrayBuffer | undefined>();
  if (answer.dataType === "json") same<typeof answer.data, Move>();
  const other = await client.invokeEvent<{ won: boolean }>("e", { x: 1, y: 2 }, "json");
  if (other.dataType === "json") same<typeof other.data, { won: boolean }>();
  try {
    await client.joinGroup("g");
  } catch (error) {
    if (error instanceof SendMessageError) void [error.code, error.errorDetail?.name];
  }
}

export const custom: WebPubSubClientProtocol = {
  name: "custom",
  isReliableSubProtocol: false,
  parseMessages: () => [{ kind: "pong" }],
  writeMessage: (message) => (message.kind === "ping" ? null : message.kind),
};
