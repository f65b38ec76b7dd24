// Vercel Edge takes a module through "?module" and refuses to compile bytes at run time.
import { WebPubSubClient as Client } from "../client/client.js";
import type { ModuleSource } from "../client/core/core.js";
import type { JSONTypes } from "../client/messages.js";
import module from "../wasm/webpubsub_edge_client.wasm?module";

/** The class of the entry point "./client" with the module that the host has compiled. */
export class WebPubSubClient<Message = JSONTypes> extends Client<Message> {
  /** @internal */
  protected override moduleSource(): ModuleSource {
    return () => module;
  }
}

export * from "../client/index.js";
