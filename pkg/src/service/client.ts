import { GroupClient, type WebPubSubGroup } from "./group.js";
import { SEND_TO_ALL, SEND_TO_CONNECTION, SEND_TO_USER } from "./http.js";
import { Hub } from "./hub.js";
import type {
  ClientAccessToken,
  GenerateClientTokenOptions,
  HubSendToAllOptions,
  HubSendToConnectionOptions,
  HubSendToUserOptions,
  Message,
  TextMessage,
  WebPubSubServiceClientOptions,
} from "./options.js";

/**
 * Mints client access URLs for a hub of Azure Web PubSub, and sends to its clients.
 *
 * It holds no connection and needs no closing. The constructor and {@link group} throw at once for a bad argument;
 * everything that returns a promise only rejects.
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
export class WebPubSubServiceClient {
  readonly #hub: Hub;
  /** The name of the hub. */
  readonly hubName: string;
  /** The endpoint of the service, with a trailing slash as in the official SDK. */
  readonly endpoint: string;
  /** The version of the REST API that is spoken. */
  readonly apiVersion: string = "2024-12-01";

  /**
   * @param connectionString - `Endpoint=https://name.webpubsub.azure.com;AccessKey=...;Version=1.0;`, from the Azure
   * portal or `az webpubsub key show`.
   * @param hubName - A letter, then up to 127 letters, digits and the characters `` _ ` , . [ ] ``.
   * @param options - Retries, plain http, and what sends requests.
   * @throws {@link WebPubSubError} `ERR_CONNECTION_STRING`, `ERR_ENDPOINT` or `ERR_HUB`; `TypeError` for a wrong type;
   * `RangeError` for a retry option out of range.
   */
  constructor(connectionString: string, hubName: string, options?: WebPubSubServiceClientOptions) {
    this.#hub = new Hub(connectionString, hubName, options);
    this.hubName = hubName;
    this.endpoint = `${this.#hub.endpoint}/`;
  }

  /**
   * Mints the URL with which a client connects. Nothing is sent: it is signed here.
   *
   * @throws (rejects with) what {@link getClientAccessTokenSync} throws.
   *
   * @example
   * ```ts
   * const { url } = await client.getClientAccessToken({ userId: "ann", expirationTimeInMinutes: 5 });
   * ```
   */
  async getClientAccessToken(options?: GenerateClientTokenOptions): Promise<ClientAccessToken> {
    return this.getClientAccessTokenSync(options);
  }

  /**
   * The same, at once.
   *
   * @throws `RangeError` for `expirationTimeInMinutes`; `TypeError` for `clientProtocol` or a wrong type;
   * {@link WebPubSubError} `ERR_USER_ID`, `ERR_GROUP`, `ERR_ROLE`; `ERR_CLOCK` where the clock is 0, as at the module
   * scope of a Worker: mint inside a request handler.
   *
   * @example
   * ```ts
   * const { url, expiresOn } = client.getClientAccessTokenSync({ userId: "ann" });
   * ```
   */
  getClientAccessTokenSync(options?: GenerateClientTokenOptions): ClientAccessToken {
    return this.#hub.mint(options);
  }

  /**
   * Sends a text to every connection of the hub.
   *
   * @throws (rejects with) {@link RestError} when the service refuses; {@link AbortError}; {@link WebPubSubError}
   * `ERR_NETWORK`, `ERR_TIMEOUT`, `ERR_MESSAGE_TOO_LARGE`, `ERR_INSECURE_ENDPOINT`, `ERR_CONNECTION_ID`.
   *
   * @example
   * ```ts
   * await client.sendToAll("hello", { contentType: "text/plain" });
   * ```
   */
  sendToAll(message: string, options: HubSendToAllOptions & TextMessage): Promise<void>;
  /**
   * Sends JSON, or bytes, to every connection of the hub. A plain string is JSON too, and arrives with quotes at a
   * simple client.
   *
   * @example
   * ```ts
   * await client.sendToAll({ text: "hello" }, { excludedConnections: [connectionId] });
   * await client.sendToAll(new Uint8Array([1, 2, 3]));
   * ```
   */
  sendToAll(message: Message, options?: HubSendToAllOptions): Promise<void>;
  async sendToAll(message: Message, options?: HubSendToAllOptions): Promise<void> {
    await this.#hub.send(SEND_TO_ALL, "", "ERR_ARGUMENT_TYPE", message, options);
  }

  /**
   * Sends a text to every connection of a user. A user without a connection is no error.
   *
   * @throws (rejects with) what {@link sendToAll} rejects with, and `ERR_USER_ID`.
   *
   * @example
   * ```ts
   * await client.sendToUser("ann", "hello", { contentType: "text/plain" });
   * ```
   */
  sendToUser(userId: string, message: string, options: HubSendToUserOptions & TextMessage): Promise<void>;
  /**
   * Sends JSON, or bytes, to every connection of a user.
   *
   * @example
   * ```ts
   * await client.sendToUser("ann", { unread: 3 });
   * ```
   */
  sendToUser(userId: string, message: Message, options?: HubSendToUserOptions): Promise<void>;
  async sendToUser(userId: string, message: Message, options?: HubSendToUserOptions): Promise<void> {
    await this.#hub.send(SEND_TO_USER, userId, "ERR_USER_ID", message, options);
  }

  /**
   * Sends a text to one connection. A connection that does not exist is no error.
   *
   * @throws (rejects with) what {@link sendToAll} rejects with, and `ERR_CONNECTION_ID`.
   *
   * @example
   * ```ts
   * await client.sendToConnection(connectionId, "hello", { contentType: "text/plain" });
   * ```
   */
  sendToConnection(connectionId: string, message: string, options: HubSendToConnectionOptions & TextMessage): Promise<void>;
  /**
   * Sends JSON, or bytes, to one connection.
   *
   * @example
   * ```ts
   * await client.sendToConnection(connectionId, { text: "for you" });
   * ```
   */
  sendToConnection(connectionId: string, message: Message, options?: HubSendToConnectionOptions): Promise<void>;
  async sendToConnection(connectionId: string, message: Message, options?: HubSendToConnectionOptions): Promise<void> {
    await this.#hub.send(SEND_TO_CONNECTION, connectionId, "ERR_CONNECTION_ID", message, options);
  }

  /**
   * A group of the hub. Nothing is sent.
   *
   * @param name - 1 to 1024 characters, not blank, not `.` or `..`.
   * @throws {@link WebPubSubError} `ERR_GROUP`; `TypeError` when it is not a string.
   *
   * @example
   * ```ts
   * await client.group("news").sendToAll({ text: "hello" });
   * ```
   */
  group(name: string): WebPubSubGroup {
    return new GroupClient(this.#hub, name, this.endpoint, this.apiVersion);
  }
}
