// Clients whose messages have a type of their own.

import { WebPubSubServiceClient, type WebPubSubGroup } from "webpubsub-edge";
import { same } from "./equal.js";

type Events = { kind: "moved"; x: number; y: number } | { kind: "left" };

export async function typed(connectionString: string): Promise<void> {
  const client = new WebPubSubServiceClient<Events>(connectionString, "hub");
  const group = client.group("g");
  same<typeof group, WebPubSubGroup<Events>>();

  await client.sendToAll({ kind: "moved", x: 1, y: 2 });
  await client.sendToUser("u", { kind: "left" });
  await client.sendToConnection("c", { kind: "left" }, { messageTtlSeconds: 1 });
  await group.sendToAll({ kind: "left" }, { filter: "userId ne null" });
  // Text and bytes are said to be so, and have no type.
  await client.sendToAll("text", { contentType: "text/plain" });
  await client.sendToAll(new Uint8Array([1]));

  // @ts-expect-error no y
  await client.sendToAll({ kind: "moved", x: 1 });
  // @ts-expect-error no such event
  await client.sendToUser("u", { kind: "joined" });
  // @ts-expect-error too much
  await client.sendToConnection("c", { kind: "left", x: 1 });
  // @ts-expect-error a string without contentType is JSON, and no event
  await client.sendToAll("text");
  // @ts-expect-error null is no event
  await group.sendToAll(null);
}
