// A module of CommonJS that does not `require` the package: what TypeScript leaves to it under "node16".

export async function socket(): Promise<void> {
  const { WebPubSubServiceClient } = await import("webpubsub-edge");
  await import("webpubsub-edge/slim");
  const { WebPubSubClient } = await import("webpubsub-edge/client");
  const { WebPubSubProtobufProtocol } = await import("webpubsub-edge/client/protobuf");
  const { startEmulator } = await import("webpubsub-edge/emulator");
  const emulator = await startEmulator();
  new WebPubSubServiceClient(emulator.connectionString, "hub");
  new WebPubSubClient(emulator.clientUrl("hub"), { protocol: WebPubSubProtobufProtocol() });
}
