import type { BufferSource, WebAssemblyModule } from "../globals.js";
import { provide } from "../wasm/core.js";

/**
 * Starts the package with a module that the host has compiled, or with its bytes. Call it once, before anything else;
 * a later call changes nothing.
 *
 * @param module - `webpubsub-edge/webpubsub_edge.wasm`, compiled or as bytes.
 *
 * @example
 * ```ts
 * import { readFile } from "node:fs/promises";
 * import { initSync, WebPubSubServiceClient } from "webpubsub-edge/slim";
 *
 * const file = new URL(import.meta.resolve("webpubsub-edge/webpubsub_edge.wasm"));
 * initSync(await readFile(file));
 * ```
 */
export function initSync(module: WebAssemblyModule | BufferSource): void {
  // Told by its name, not by its class, which differs between realms.
  const isCompiled = Object.prototype.toString.call(module) === "[object WebAssembly.Module]";
  provide(() => (isCompiled ? (module as WebAssembly.Module) : new WebAssembly.Module(module as BufferSource)));
}

export * from "../service/index.js";
