import type { AzureKeyCredential, TokenCredential } from "./credentials.js";
import { typeError } from "./errors.js";
import { GroupClient, type WebPubSubGroup } from "./group.js";
import { type ModuleSource, setModuleSource } from "../wasm/core.js";
import { accessOf, Hub } from "./hub.js";
import { jsonBody, toBody } from "./message.js";
import * as Names from "./option-names.js";
import { readCall } from "./option-names.js";
import * as Operation from "./operations.js";
import { Query } from "./operations.js";
import type {
  BinaryMessage,
  ClientAccessToken,
  CloseAllConnectionsOptions,
  CloseConnectionOptions,
  GenerateClientTokenOptions,
  HubSendToAllOptions,
  HubSendToConnectionOptions,
  HubSendToUserOptions,
  JSONTypes,
  OperationOptions,
  Permission,
  PermissionOptions,
  TextMessage,
  WebPubSubServiceClientOptions,
} from "./options.js";
import { closeQuery, permissionQuery, sendQuery } from "./queries.js";
import { text, texts } from "./text.js";

/**
 * Everything that the REST API of Azure Web PubSub does with a hub, and the minting of client access URLs.
 *
 * It holds no connection and needs no closing. The constructor and {@link group} throw at once for a bad argument;
 * everything that returns a promise only rejects: with {@link RestError} when the service refuses, {@link AbortError},
 * and {@link WebPubSubError} `ERR_NETWORK`, `ERR_TIMEOUT`, `ERR_ANSWER_TOO_LARGE`, `ERR_INSECURE_ENDPOINT`,
 * `ERR_CREDENTIAL`, or the code of the argument that cannot be used. An unknown option is a `TypeError` with the code
 * `ERR_OPTION`. A call takes at most 100 seconds unless `requestOptions.totalTimeout` says otherwise.
 *
 * The type argument is what messages are, any JSON when it is left out.
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
export abstract class WebPubSubServiceClient<Message = JSONTypes> {
  readonly #hub: Hub;
  /** The name of the hub. */
  readonly hubName: string;
  /** The endpoint of the service, with a trailing slash as in the official SDK. */
  readonly endpoint: string;
  /** The version of the REST API that is spoken. */
  readonly apiVersion: string = "2024-12-01";

  /**
   * @param endpoint - `https://name.webpubsub.azure.com`; with a {@link TokenCredential} also a connection string
   * without a key.
   * @param credential - An access key that can be replaced, or a source of tokens of Microsoft Entra ID, which go over
   * https only (to this machine over http with `allowInsecureConnection`).
   * @param hubName - A letter, then up to 127 letters, digits and the characters `` _ ` , . [ ] ``.
   *
   * @example
   * ```ts
   * const credential = new ClientSecretCredential(env.TENANT_ID, env.CLIENT_ID, env.CLIENT_SECRET);
   * const client = new WebPubSubServiceClient("https://name.webpubsub.azure.com", credential, "chat");
   * ```
   */
  constructor(
    endpoint: string,
    credential: AzureKeyCredential | { readonly key: string } | TokenCredential,
    hubName: string,
    options?: WebPubSubServiceClientOptions,
  );
  // TypeScript reports the mistake of the last signature, so the more frequent one stands last.
  /**
   * @param connectionString - `Endpoint=https://name.webpubsub.azure.com;AccessKey=...;Version=1.0;`, from the Azure
   * portal or `az webpubsub key show`.
   * @param hubName - A letter, then up to 127 letters, digits and the characters `` _ ` , . [ ] ``.
   * @throws {@link WebPubSubError} `ERR_CONNECTION_STRING`, `ERR_ENDPOINT` or `ERR_HUB`; `TypeError` for a wrong type
   * or an unknown option; `RangeError` for a retry option out of range.
   */
  constructor(connectionString: string, hubName: string, options?: WebPubSubServiceClientOptions);
  constructor(
    endpoint: string,
    second: string | object,
    third?: string | WebPubSubServiceClientOptions,
    fourth?: WebPubSubServiceClientOptions,
  ) {
    setModuleSource(this.moduleSource());
    this.#hub =
      typeof second === "object" && second !== null
        ? new Hub(accessOf(endpoint, second), third as string, fourth)
        : new Hub(accessOf(endpoint), second, third as WebPubSubServiceClientOptions | undefined);
    this.hubName = this.#hub.name;
    this.endpoint = `${this.#hub.endpoint}/`;
  }

  /**
   * Mints the URL with which a client connects. With an access key nothing is sent: it is signed here. With a
   * {@link TokenCredential} the service mints.
   *
   * @throws (rejects with) what {@link getClientAccessTokenSync} throws.
   *
   * @example
   * ```ts
   * const { url } = await client.getClientAccessToken({ userId: "ann", expirationTimeInMinutes: 5 });
   * ```
   */
  async getClientAccessToken(options?: GenerateClientTokenOptions): Promise<ClientAccessToken> {
    return this.#hub.clientAccess(options);
  }

  /**
   * Mints at once, with an access key.
   *
   * @throws `RangeError` for `expirationTimeInMinutes` or `expiresAt`; `TypeError` for `clientProtocol`, a wrong
   * type or an unknown option; {@link WebPubSubError} `ERR_USER_ID`, `ERR_GROUP`, `ERR_ROLE`, `ERR_CLAIM`;
   * `ERR_CREDENTIAL` without an access key; `ERR_CLOCK` where the clock is 0, as at the module scope of a Worker: mint inside a request handler.
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
   * @throws (rejects with) `TypeError` for what JSON cannot hold; `RangeError` for `messageTtlSeconds`;
   * {@link WebPubSubError} `ERR_MESSAGE_TOO_LARGE` over 1 MiB.
   *
   * @example
   * ```ts
   * await client.sendToAll({ text: "hello" }, { excludedConnections: [connectionId] });
   * await client.sendToAll(new Uint8Array([1, 2, 3]));
   * ```
   */
  sendToAll(message: Message | BinaryMessage, options?: HubSendToAllOptions): Promise<void>;
  async sendToAll(message: unknown, options?: HubSendToAllOptions & Partial<TextMessage>): Promise<void> {
    await this.#send(Operation.sendToAll, [], message, readCall(options, Names.SEND_TO_MANY, Operation.sendToAll));
  }

  /**
   * Sends a text to every connection of a user. A user without a connection is no error.
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
  sendToUser(userId: string, message: Message | BinaryMessage, options?: HubSendToUserOptions): Promise<void>;
  async sendToUser(userId: string, message: unknown, options?: HubSendToUserOptions & Partial<TextMessage>): Promise<void> {
    await this.#send(Operation.sendToUser, [user(userId)], message, readCall(options, Names.SEND_TO_USER, Operation.sendToUser));
  }

  /**
   * Sends a text to one connection. A connection that does not exist is no error.
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
  sendToConnection(connectionId: string, message: Message | BinaryMessage, options?: HubSendToConnectionOptions): Promise<void>;
  async sendToConnection(
    connectionId: string,
    message: unknown,
    options?: HubSendToConnectionOptions & Partial<TextMessage>,
  ): Promise<void> {
    const read = readCall(options, Names.SEND_TO_ONE, Operation.sendToConnection);
    await this.#send(Operation.sendToConnection, [connection(connectionId)], message, read);
  }

  /**
   * Whether a connection exists.
   *
   * @example
   * ```ts
   * console.log(await client.connectionExists(connectionId)); // true
   * ```
   */
  async connectionExists(connectionId: string, options?: OperationOptions): Promise<boolean> {
    return this.#ask(Operation.connectionExists, [connection(connectionId)], options);
  }

  /**
   * Whether a group has a connection.
   *
   * @example
   * ```ts
   * console.log(await client.groupExists("news")); // true
   * ```
   */
  async groupExists(groupName: string, options?: OperationOptions): Promise<boolean> {
    return this.#ask(Operation.groupExists, [this.#hub.group(groupName)], options);
  }

  /**
   * Whether a user has a connection.
   *
   * @example
   * ```ts
   * console.log(await client.userExists("ann")); // true
   * ```
   */
  async userExists(userId: string, options?: OperationOptions): Promise<boolean> {
    return this.#ask(Operation.userExists, [user(userId)], options);
  }

  /**
   * Whether a connection holds a permission. `false` too when the connection does not exist.
   *
   * @example
   * ```ts
   * await client.hasPermission(connectionId, "sendToGroup", { targetName: "news" });
   * ```
   */
  async hasPermission(connectionId: string, permission: Permission, options?: PermissionOptions): Promise<boolean> {
    return (await this.#permission(Operation.checkPermission, connectionId, permission, options)) !== undefined;
  }

  /**
   * Gives a connection a permission.
   *
   * @throws (rejects with) {@link RestError} with `statusCode` 404 when the connection does not exist.
   *
   * @example
   * ```ts
   * await client.grantPermission(connectionId, "sendToGroup", { targetName: "news" });
   * ```
   */
  async grantPermission(connectionId: string, permission: Permission, options?: PermissionOptions): Promise<void> {
    await this.#permission(Operation.grantPermission, connectionId, permission, options);
  }

  /**
   * Takes a permission from a connection. It stays in the groups it is in.
   *
   * @example
   * ```ts
   * await client.revokePermission(connectionId, "sendToGroup", { targetName: "news" });
   * ```
   */
  async revokePermission(connectionId: string, permission: Permission, options?: PermissionOptions): Promise<void> {
    await this.#permission(Operation.revokePermission, connectionId, permission, options);
  }

  /**
   * Closes a connection. One that does not exist is no error.
   *
   * @example
   * ```ts
   * await client.closeConnection(connectionId, { reason: "Signed out." });
   * ```
   */
  async closeConnection(connectionId: string, options?: CloseConnectionOptions): Promise<void> {
    const read = readCall(options, Names.CLOSE_ONE, Operation.closeConnection);
    await this.#hub.call(Operation.closeConnection, [connection(connectionId)], closeQuery(read), read);
  }

  /**
   * Closes every connection of the hub.
   *
   * @example
   * ```ts
   * await client.closeAllConnections({ reason: "Good night.", excluded: [connectionId] });
   * ```
   */
  async closeAllConnections(options?: CloseAllConnectionsOptions): Promise<void> {
    const read = readCall(options, Names.CLOSE_MANY, Operation.closeAllConnections);
    await this.#hub.call(Operation.closeAllConnections, [], closeQuery(read), read);
  }

  /**
   * Closes every connection of a user.
   *
   * @example
   * ```ts
   * await client.closeUserConnections("ann");
   * ```
   */
  async closeUserConnections(userId: string, options?: CloseAllConnectionsOptions): Promise<void> {
    const read = readCall(options, Names.CLOSE_MANY, Operation.closeUserConnections);
    await this.#hub.call(Operation.closeUserConnections, [user(userId)], closeQuery(read), read);
  }

  /**
   * Removes the connections of a user from every group. The official SDK takes `reason` here; it has no effect.
   *
   * @example
   * ```ts
   * await client.removeUserFromAllGroups("ann");
   * ```
   */
  async removeUserFromAllGroups(userId: string, options?: CloseConnectionOptions): Promise<void> {
    const read = readCall(options, Names.CLOSE_ONE, Operation.removeUserFromAllGroups);
    await this.#hub.call(Operation.removeUserFromAllGroups, [user(userId)], new Query(), read);
  }

  /**
   * Removes a connection from every group. The official SDK takes `reason` here; it has no effect.
   *
   * @example
   * ```ts
   * await client.removeConnectionFromAllGroups(connectionId);
   * ```
   */
  async removeConnectionFromAllGroups(connectionId: string, options?: CloseConnectionOptions): Promise<void> {
    const read = readCall(options, Names.CLOSE_ONE, Operation.removeConnectionFromAllGroups);
    await this.#hub.call(Operation.removeConnectionFromAllGroups, [connection(connectionId)], new Query(), read);
  }

  /**
   * Adds every connection that a filter selects to groups. An empty filter selects all.
   *
   * @throws (rejects with) {@link WebPubSubError} `ERR_GROUP` for a group, and when there is none.
   *
   * @example
   * ```ts
   * await client.addConnectionsToGroups(["news", "sport"], odata`userId eq ${userId}`);
   * ```
   */
  async addConnectionsToGroups(groups: string[], filter: string, options?: OperationOptions): Promise<void> {
    await this.#bulk(Operation.addConnectionsToGroups, groups, filter, options);
  }

  /**
   * Removes every connection that a filter selects from groups. An empty filter selects all.
   *
   * @throws (rejects with) {@link WebPubSubError} `ERR_GROUP` for a group, and when there is none.
   *
   * @example
   * ```ts
   * await client.removeConnectionsFromGroups(["news"], odata`userId eq ${userId}`);
   * ```
   */
  async removeConnectionsFromGroups(groups: string[], filter: string, options?: OperationOptions): Promise<void> {
    await this.#bulk(Operation.removeConnectionsFromGroups, groups, filter, options);
  }

  /**
   * Asks whether the service is healthy: resolves when it is.
   *
   * @example
   * ```ts
   * await client.getServiceStatus();
   * ```
   */
  async getServiceStatus(options?: OperationOptions): Promise<void> {
    await this.#ask(Operation.getServiceStatus, [], options);
  }

  /**
   * A group of the hub. Nothing is sent.
   *
   * @param groupName - 1 to 1024 characters, not blank, not `.` or `..`.
   * @throws {@link WebPubSubError} `ERR_GROUP`; `TypeError` when it is not a string.
   *
   * @example
   * ```ts
   * await client.group("news").sendToAll({ text: "hello" });
   * ```
   */
  group(groupName: string): WebPubSubGroup<Message> {
    return new GroupClient(this.#hub, groupName, this.endpoint, this.apiVersion);
  }

  /** The options are those that `readCall` returns. */
  #send(
    operation: number,
    to: string[],
    message: unknown,
    options: HubSendToAllOptions & Partial<TextMessage>,
  ): Promise<unknown> {
    const query = sendQuery(options);
    return this.#hub.call(operation, to, query, options, (signal) => toBody(message, options.contentType, signal));
  }

  /**
   * @internal
   * Returns the source of the WebAssembly module. Each entry point has its own, in a method, so that importing an entry
   * point has no side effects and bundlers can leave out a module that is not used.
   */
  protected abstract moduleSource(): ModuleSource;

  async #ask(operation: number, about: string[], options: OperationOptions | undefined): Promise<boolean> {
    return (await this.#hub.call(operation, about, new Query(), readCall(options, Names.OPERATION, operation))) !== undefined;
  }

  #permission(
    operation: number,
    connectionId: unknown,
    permission: unknown,
    options: PermissionOptions | undefined,
  ): Promise<string | undefined> {
    const read = readCall(options, Names.PERMISSION, operation);
    const targets = [text(permission, "The permission", "ERR_PERMISSION"), connection(connectionId)];
    return this.#hub.call(operation, targets, permissionQuery(read), read);
  }

  async #bulk(operation: number, groups: unknown, filter: unknown, options: OperationOptions | undefined): Promise<void> {
    const names = texts(groups, "groups", "ERR_GROUP").map((group) => this.#hub.group(group));
    if (names.length === 0) {
      throw typeError("ERR_GROUP", "groups is empty: name at least one group.");
    }
    const body = jsonBody({ groups: names, filter: text(filter, "filter", "ERR_FILTER") });
    await this.#hub.call(operation, [], new Query(), readCall(options, Names.OPERATION, operation), () => body);
  }
}

function user(userId: unknown): string {
  return text(userId, "The user id", "ERR_USER_ID");
}

function connection(connectionId: unknown): string {
  return text(connectionId, "The connection id", "ERR_CONNECTION_ID");
}
