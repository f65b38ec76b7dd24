/**
 * The WebSocket client of Azure Web PubSub.
 *
 * @module
 */
import { decodeBase64 } from "../client/base64.js";
import { provide } from "../client/core/core.js";
import { deflated } from "../wasm/inline-client.js";

// Deflated, it costs a page no more than a file of its own would, which not every host could fetch.
provide(async () => {
  const inflated = new Blob([decodeBase64(deflated)]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
  return WebAssembly.compile(await new Response(inflated).arrayBuffer());
});

export * from "../client/index.js";
