/**
 * The WebSocket client of Azure Web PubSub.
 *
 * @module
 */
import { WebPubSubClient as Client } from "../client/client.js";
import type { ModuleSource } from "../client/core/core.js";
import type { JSONTypes } from "../client/messages.js";
import { table, text } from "../wasm/inline-client.js";
import { bytesOfText } from "../wasm/text.js";

/**
 * A connection to Azure Web PubSub that recovers from network failures and joins its groups again. With a reliable
 * protocol, the default, no message is lost in an interruption of up to 30 seconds. The type argument is the type of JSON
 * messages: any JSON by default.
 *
 * @example
 * ```ts
 * import { roles } from "webpubsub-edge";
 * import { WebPubSubClient } from "webpubsub-edge/client";
 *
 * const getClientAccessUrl = async () => (await client.getClientAccessToken({ roles: [roles.joinLeaveGroup("news")] })).url;
 * const chat = new WebPubSubClient({ getClientAccessUrl }); // in a page, ask your own server for the URL
 * chat.on("group-message", ({ message }) => console.log(message.group, message.data));
 * await chat.connect();
 * await chat.joinGroup("news");
 * await chat.stop();
 * ```
 */
export class WebPubSubClient<Message = JSONTypes> extends Client<Message> {
  /** @internal */
  protected override moduleSource(): ModuleSource {
    return () => WebAssembly.compile(bytesOfText(text, table));
  }
}

export * from "../client/index.js";
