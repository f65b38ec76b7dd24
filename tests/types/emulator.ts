// What compiles, and what must not: the emulator.

import { WebPubSubServiceClient } from "webpubsub-edge";
import {
  EMULATOR_ACCESS_KEY,
  startEmulator,
  type Emulator,
  type EmulatorEvent,
  type EmulatorEventHandler,
  type EmulatorOptions,
  type Fault,
  type HubSnapshot,
  type InjectedFault,
  type ListedFault,
} from "webpubsub-edge/emulator";
import { same } from "./equal.js";

export async function emulator(options: EmulatorOptions): Promise<void> {
  const started = await startEmulator(options);
  same<typeof started, Emulator>();
  same<typeof EMULATOR_ACCESS_KEY, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789ABCDEFGH">();
  new WebPubSubServiceClient(started.connectionString, "chat", { now: () => started.clock.now() });
  same<ReturnType<typeof started.clientUrl>, string>();
  started.clientUrl("chat", { userId: "ann", roles: ["webpubsub.sendToGroup"] });
  same<ReturnType<typeof started.inspect>, HubSnapshot>();
  await started.clock.advance(1000);
  await started.stop();
  await started[Symbol.asyncDispose]();

  same<typeof started.certificate, string | undefined>();
  await startEmulator({
    port: 9770,
    host: "0.0.0.0",
    publicUrl: "https://emulator.example",
    tls: { cert: "cert", key: "key" },
    key: "key",
    now: () => 0,
    allowedOrigins: ["http://localhost:5173"],
    hubs: { chat: { webSocketKeepAliveIntervalInSeconds: 5, anonymousConnectPolicy: "allow" } },
    allowUnvalidatedEntraTokens: true,
    logger: (line) => same<typeof line, string>(),
  });
  await startEmulator({ port: undefined, hubs: undefined, tls: true, host: undefined, publicUrl: undefined });

  // @ts-expect-error misspelt
  await startEmulator({ ports: 1 });
  // @ts-expect-error a clock is a function
  await startEmulator({ now: 0 });
  // @ts-expect-error neither of the two
  await startEmulator({ hubs: { chat: { anonymousConnectPolicy: "maybe" } } });
  // @ts-expect-error a certificate and its key belong together
  await startEmulator({ tls: { cert: "cert" } });
  // @ts-expect-error read only
  started.endpoint = "http://elsewhere";
}

export function faults({ faults }: Emulator): void {
  const lasting: Fault = { type: "delay", ms: 5, direction: "toClient", userId: "ann", share: 0.5, seed: 1, durationMs: 9 };
  same<ReturnType<typeof faults.inject>, InjectedFault>();
  faults.inject(lasting);
  faults.inject({ type: "cut", hub: "chat", connectionId: undefined });
  same<ReturnType<typeof faults.list>, ListedFault[]>();
  same<ReturnType<typeof faults.remove>, boolean>();
  faults.clear("chat");

  // @ts-expect-error it is over at once
  faults.inject({ type: "cut", durationMs: 1 });
  // @ts-expect-error how late
  faults.inject({ type: "delay" });
  // @ts-expect-error no such fault
  faults.inject({ type: "melt" });
}

export function events(emulator: Emulator): void {
  const remove = emulator.onEvent("chat", async (event) => {
    same<typeof event, EmulatorEvent>();
    same<typeof event.hub, string>();
    same<typeof event.userId, string | undefined>();
    same<typeof event.abortSignal, AbortSignal>();
    if (event.dataType === "text") same<typeof event.data, string>();
    if (event.dataType === "binary") same<typeof event.data, ArrayBuffer>();
    if (event.isInvocation) return { dataType: "protobuf", data: new Uint8Array(2) };
    return event.metadata["x-trace"];
  });
  same<typeof remove, () => void>();
  emulator.onEvent<{ n: number }>("chat", (event) => (event.dataType === "json" ? event.data.n : undefined));
  const nothing: EmulatorEventHandler = () => {};
  emulator.onEvent("chat", nothing);
  emulator.onEvent("chat", async () => [null, new ArrayBuffer(1)]);

  // @ts-expect-error JSON has none
  emulator.onEvent("chat", () => 1n);
  // @ts-expect-error of every hub
  emulator.onEvent(() => "x");
}
