import type { BufferSource, WebAssemblyModule } from "../globals.js";
import { WebPubSubServiceClient as ServiceClient } from "../service/client.js";
import type { JSONTypes } from "../service/options.js";
import type { ModuleSource } from "../wasm/core.js";

let module: WebAssemblyModule | BufferSource | undefined;

/**
 * Sets the WebAssembly module: compiled by the host, or its bytes, which are compiled at the first use. Call it once,
 * before the first client is created. Later calls have no effect.
 *
 * @param source - `webpubsub-edge/webpubsub_edge.wasm`, compiled or as bytes.
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
export function initSync(source: WebAssemblyModule | BufferSource): void {
  module ??= source;
}

/** The class of the entry point ".", with the module that {@link initSync} was given. */
export class WebPubSubServiceClient<Message = JSONTypes> extends ServiceClient<Message> {
  /** @internal */
  protected override moduleSource(): ModuleSource {
    return compile;
  }
}

function compile(): WebAssembly.Module {
  if (module === undefined) {
    throw new TypeError("webpubsub-edge/slim has no WebAssembly module yet: call initSync(module) first.");
  }
  // By name and not by class, which differs between realms.
  const isCompiled = Object.prototype.toString.call(module) === "[object WebAssembly.Module]";
  return isCompiled ? (module as WebAssembly.Module) : new WebAssembly.Module(module as BufferSource);
}

export * from "../service/index.js";
