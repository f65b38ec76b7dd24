/**
 * Azure Web PubSub for edge runtimes.
 *
 * @module
 */
import { WebPubSubServiceClient as ServiceClient } from "../service/client.js";
import type { JSONTypes } from "../service/options.js";
import { decodeBase64 } from "../wasm/base64.js";
import type { ModuleSource } from "../wasm/core.js";
import { base64 } from "../wasm/inline.js";

/**
 * Mints client access URLs and calls the REST API of Azure Web PubSub for one hub. It holds no connection and needs no
 * closing. The type argument is the type of messages: any JSON by default.
 *
 * @example
 * ```ts
 * import { WebPubSubServiceClient } from "webpubsub-edge";
 *
 * const client = new WebPubSubServiceClient(env.AZURE_WEBPUBSUB_CONNECTION_STRING, "chat");
 * const { url } = await client.getClientAccessToken({ userId: "ann", roles: ["webpubsub.sendToGroup.news"] });
 * await client.sendToAll({ text: "hello" });
 * ```
 */
export class WebPubSubServiceClient<Message = JSONTypes> extends ServiceClient<Message> {
  /** @internal */
  protected override moduleSource(): ModuleSource {
    return () => new WebAssembly.Module(decodeBase64(base64));
  }
}

export * from "../service/index.js";
