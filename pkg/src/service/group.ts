import type { Hub } from "./hub.js";
import { SEND_TO_GROUP } from "./http.js";
import type { GroupSendToAllOptions, Message, TextMessage } from "./options.js";

/** A group of connections of a hub. {@link WebPubSubServiceClient.group} makes it; nothing is sent for that. */
export interface WebPubSubGroup {
  /** The name of the group. */
  readonly groupName: string;
  /** The name of the hub. */
  readonly hubName: string;
  /** The endpoint of the service. */
  readonly endpoint: string;
  /** The version of the REST API that is spoken. */
  readonly apiVersion: string;

  /**
   * Sends a text to every connection in the group.
   *
   * @example
   * ```ts
   * await client.group("chat").sendToAll("hello", { contentType: "text/plain" });
   * ```
   */
  sendToAll(message: string, options: GroupSendToAllOptions & TextMessage): Promise<void>;
  /**
   * Sends JSON, or bytes, to every connection in the group. A group without a connection is no error.
   *
   * @example
   * ```ts
   * await client.group("chat").sendToAll({ from: "server", text: "hello" });
   * ```
   */
  sendToAll(message: Message, options?: GroupSendToAllOptions): Promise<void>;
}

/** @internal */
export class GroupClient implements WebPubSubGroup {
  readonly #hub: Hub;
  readonly groupName: string;
  readonly hubName: string;
  readonly endpoint: string;
  readonly apiVersion: string;

  constructor(hub: Hub, name: string, endpoint: string, apiVersion: string) {
    this.#hub = hub;
    this.groupName = hub.group(name);
    this.hubName = hub.name;
    this.endpoint = endpoint;
    this.apiVersion = apiVersion;
  }

  async sendToAll(message: Message, options?: GroupSendToAllOptions): Promise<void> {
    await this.#hub.send(SEND_TO_GROUP, this.groupName, "ERR_GROUP", message, options);
  }
}
