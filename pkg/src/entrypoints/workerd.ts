// Cloudflare Workers compile a .wasm file at deploy time and refuse to compile bytes at run time.
import { WebPubSubServiceClient as ServiceClient } from "../service/client.js";
import type { JSONTypes } from "../service/options.js";
import type { ModuleSource } from "../wasm/core.js";
import module from "../wasm/webpubsub_edge.wasm";

/** The class of the entry point "." with the module that the host has compiled. */
export class WebPubSubServiceClient<Message = JSONTypes> extends ServiceClient<Message> {
  /** @internal */
  protected override moduleSource(): ModuleSource {
    return () => module;
  }
}

export * from "../service/index.js";
