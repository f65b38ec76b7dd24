// The WebSocket client beside the types of @azure/web-pubsub-client: code that is typed with them keeps compiling.

import type * as official from "@azure/web-pubsub-client";
import { WebPubSubJsonReliableProtocol as OfficialProtocol } from "@azure/web-pubsub-client";
import {
  type GroupStreamWriteOptions,
  type Id,
  type InvokeEventOptions,
  type JoinGroupOptions,
  type LeaveGroupOptions,
  type OnGroupStreamOptions,
  type OpenGroupStreamOptions,
  type SendEventOptions,
  SendMessageError,
  type SendToGroupOptions,
  type StartOptions,
  WebPubSubClient,
  type WebPubSubClientOptions,
  type WebPubSubResult,
  type WebPubSubRetryOptions,
} from "webpubsub-edge/client";
import { same } from "./equal.js";

/** A protocol that is typed with the official interface. */
const custom: official.WebPubSubClientProtocol = {
  name: "custom",
  isReliableSubProtocol: true,
  parseMessages: () => [{ kind: "serverData", dataType: "text", data: "x", sequenceId: 1 }],
  writeMessage: (message) => ("ackId" in message ? String(message.ackId) : message.kind),
};

class Custom implements official.WebPubSubClientProtocol {
  readonly name = "custom";
  readonly isReliableSubProtocol = false;
  parseMessages(input: string | ArrayBuffer | Buffer): official.WebPubSubMessage | null {
    return typeof input === "string" ? (JSON.parse(input) as official.WebPubSubMessage) : null;
  }
  writeMessage(message: official.WebPubSubMessage): string {
    return JSON.stringify(message);
  }
}

export function protocols(): void {
  new WebPubSubClient("wss://x", { protocol: custom });
  new WebPubSubClient("wss://x", { protocol: new Custom() });
  new WebPubSubClient("wss://x", { protocol: OfficialProtocol() });
  // @ts-expect-error no writeMessage
  new WebPubSubClient("wss://x", { protocol: { name: "x", isReliableSubProtocol: false, parseMessages: () => null } });
  new WebPubSubClient("wss://x", {
    protocol: {
      name: "x",
      isReliableSubProtocol: false,
      // @ts-expect-error no such message
      parseMessages: () => ({ kind: "later" }),
      // The parameter has its type here.
      writeMessage: (message) => (message.kind === "sequenceAck" ? message.sequenceId.toFixed() : null),
    },
  });
}

/** Options that are typed with the official interfaces. */
export function options(
  client: official.WebPubSubClientOptions,
  send: official.SendToGroupOptions,
  join: official.JoinGroupOptions,
  invoke: official.InvokeEventOptions,
  open: official.OpenGroupStreamOptions,
  read: official.OnGroupStreamOptions,
): void {
  const chat = new WebPubSubClient("wss://x", client);
  void chat.start();
  void chat.sendToGroup("g", "x", "text", send);
  void chat.joinGroup("g", join);
  void chat.invokeEvent("e", "x", "text", invoke);
  void chat.openGroupStream("g", open);
  chat.onGroupStream(() => {}, read);
  const own: WebPubSubClientOptions = client;
  void own;
}

/** No option of the official client is missing, so none is refused at run time. */
export function optionNames(): void {
  same<Missing<official.WebPubSubClientOptions, WebPubSubClientOptions>, never>();
  same<Missing<official.WebPubSubRetryOptions, WebPubSubRetryOptions>, never>();
  same<Missing<official.StartOptions, StartOptions>, never>();
  same<Missing<official.JoinGroupOptions, JoinGroupOptions>, never>();
  same<Missing<official.LeaveGroupOptions, LeaveGroupOptions>, never>();
  same<Missing<official.SendToGroupOptions, SendToGroupOptions>, never>();
  same<Missing<official.SendEventOptions, SendEventOptions>, never>();
  same<Missing<official.InvokeEventOptions, InvokeEventOptions>, never>();
  same<Missing<official.OpenGroupStreamOptions, OpenGroupStreamOptions>, never>();
  same<Missing<official.GroupStreamWriteOptions, GroupStreamWriteOptions>, never>();
  same<Missing<official.EndGroupStreamOptions, GroupStreamWriteOptions>, never>();
  same<Missing<official.AbortGroupStreamOptions, GroupStreamWriteOptions>, never>();
  same<Missing<official.OnGroupStreamOptions, OnGroupStreamOptions>, never>();
}

type Missing<Theirs, Ours> = Exclude<keyof Theirs, keyof Ours>;

/** Ids are numbers, as in the official client. */
export async function ids(client: WebPubSubClient): Promise<void> {
  const result = await client.joinGroup("g", { ackId: 7 });
  same<typeof result, WebPubSubResult>();
  const like: official.WebPubSubResult = result;
  const ackId: number | undefined = like.ackId;
  client.on("server-message", ({ message }) => {
    const sequenceId: number | undefined = message.sequenceId;
    // Code that must handle more than 2^53 - 1 says so.
    const id = message.sequenceId as Id | undefined;
    if (typeof id === "bigint") void id.toString();
    void sequenceId;
  });
  client.on("group-message", ({ message }) => void message.sequenceId?.toFixed());
  client.onGroupStream(async (stream) => {
    for await (const { sequenceId } of stream) void sequenceId?.toFixed();
  });
  try {
    await client.leaveGroup("g");
  } catch (error) {
    if (error instanceof SendMessageError) void error.ackId?.toFixed();
  }
  void ackId;
}

/** Listeners that are typed with the official arguments. */
export function listeners(client: WebPubSubClient): void {
  client.on("connected", (args: official.OnConnectedArgs) => void args.userId.length);
  client.on("disconnected", (args: official.OnDisconnectedArgs) => void args.message);
  client.on("stopped", (args: official.OnStoppedArgs) => void args);
  client.on("rejoin-group-failed", (args: official.OnRejoinGroupFailedArgs) => void args.group);
  client.on("server-message", (args: { message: { sequenceId?: number } }) => void args.message.sequenceId);
}
