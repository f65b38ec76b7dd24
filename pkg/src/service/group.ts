import type { Hub } from "./hub.js";
import { toBody } from "./message.js";
import * as Names from "./option-names.js";
import { readCall } from "./option-names.js";
import * as Operation from "./operations.js";
import { Query } from "./operations.js";
import * as Parameter from "./parameters.js";
import type {
  BinaryMessage,
  CloseAllConnectionsOptions,
  GroupConnection,
  GroupSendToAllOptions,
  JSONTypes,
  ListConnectionsOptions,
  OperationOptions,
  TextMessage,
} from "./options.js";
import { listing, type Page, type PagedListing, type PageSettings } from "./paging.js";
import { closeQuery, sendQuery } from "./queries.js";
import { text } from "./text.js";

/** A group of connections of a hub. {@link WebPubSubServiceClient.group} makes it; nothing is sent for that. */
export interface WebPubSubGroup<Message = JSONTypes> {
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
  sendToAll(message: Message | BinaryMessage, options?: GroupSendToAllOptions): Promise<void>;

  /**
   * Adds a connection to the group.
   *
   * @throws (rejects with) {@link RestError} with `statusCode` 404 when the connection does not exist.
   *
   * @example
   * ```ts
   * await client.group("chat").addConnection(connectionId);
   * ```
   */
  addConnection(connectionId: string, options?: OperationOptions): Promise<void>;
  /**
   * Removes a connection from the group. One that is not in it is no error.
   *
   * @example
   * ```ts
   * await client.group("chat").removeConnection(connectionId);
   * ```
   */
  removeConnection(connectionId: string, options?: OperationOptions): Promise<void>;
  /**
   * Adds the connections that a user has now to the group; those of later are not in it.
   *
   * @throws (rejects with) {@link RestError} with `statusCode` 404 when the user has no connection.
   *
   * @example
   * ```ts
   * await client.group("chat").addUser("ann");
   * ```
   */
  addUser(userId: string, options?: OperationOptions): Promise<void>;
  /**
   * Removes the connections of a user from the group.
   *
   * @example
   * ```ts
   * await client.group("chat").removeUser("ann");
   * ```
   */
  removeUser(userId: string, options?: OperationOptions): Promise<void>;
  /**
   * Closes every connection in the group.
   *
   * @example
   * ```ts
   * await client.group("chat").closeAllConnections({ reason: "The chat is over." });
   * ```
   */
  closeAllConnections(options?: CloseAllConnectionsOptions): Promise<void>;
  /**
   * Lists the connections in the group. A group without any gives none.
   *
   * @throws `TypeError` for an unknown option, at once. At the first entry it rejects with `RangeError` for `maxPageSize`
   * or `top`, {@link WebPubSubError} `ERR_CONTINUATION_TOKEN` for a token of another listing, or {@link RestError}.
   *
   * @example
   * ```ts
   * for await (const { connectionId, userId } of client.group("chat").listConnections()) {
   *   await client.sendToConnection(connectionId, { hello: userId ?? "stranger" });
   * }
   * for await (const page of client.group("chat").listConnections().byPage({ maxPageSize: 50 })) {
   *   console.log(page.length); // 1
   * }
   * ```
   */
  listConnections(options?: ListConnectionsOptions): PagedListing<GroupConnection>;
}

function continuationToken({ continuationToken: token }: PageSettings): string | undefined {
  return token === undefined ? undefined : text(token, "continuationToken", "ERR_CONTINUATION_TOKEN");
}

/** @internal */
export class GroupClient<Message> implements WebPubSubGroup<Message> {
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

  async sendToAll(message: unknown, options?: GroupSendToAllOptions & Partial<TextMessage>): Promise<void> {
    const read = readCall(options, Names.SEND_TO_MANY, Operation.sendToGroup);
    const body = (signal: AbortSignal) => toBody(message, read.contentType, signal);
    await this.#hub.call(Operation.sendToGroup, [this.groupName], sendQuery(read), read, body);
  }

  async addConnection(connectionId: string, options?: OperationOptions): Promise<void> {
    await this.#member(Operation.addConnectionToGroup, connectionId, options);
  }

  async removeConnection(connectionId: string, options?: OperationOptions): Promise<void> {
    await this.#member(Operation.removeConnectionFromGroup, connectionId, options);
  }

  async addUser(userId: string, options?: OperationOptions): Promise<void> {
    await this.#user(Operation.addUserToGroup, userId, options);
  }

  async removeUser(userId: string, options?: OperationOptions): Promise<void> {
    await this.#user(Operation.removeUserFromGroup, userId, options);
  }

  async closeAllConnections(options?: CloseAllConnectionsOptions): Promise<void> {
    const read = readCall(options, Names.CLOSE_MANY, Operation.closeGroupConnections);
    await this.#hub.call(Operation.closeGroupConnections, [this.groupName], closeQuery(read), read);
  }

  listConnections(given?: ListConnectionsOptions | null): PagedListing<GroupConnection> {
    const options = readCall(given, Names.LIST, Operation.listConnectionsInGroup);
    const page = async (targets: string[], query: Query): Promise<Page<GroupConnection>> => {
      const { value, nextLink } = await this.#hub.json(Operation.listConnectionsInGroup, targets, query, options);
      const entries = (Array.isArray(value) ? value : []) as { connectionId: string; userId?: string | null }[];
      return {
        items: entries.map(({ connectionId, userId }) => ({ connectionId, ...(userId != null && { userId }) })),
        nextLink: typeof nextLink === "string" ? nextLink : undefined,
      };
    };
    const number = (value: number | undefined) => (value === undefined ? undefined : String(value));
    return listing(
      (settings) => {
        const query = new Query()
          .add(Parameter.maxPageSize, number(settings.maxPageSize ?? options.maxPageSize))
          .add(Parameter.top, number(options.top))
          .add(Parameter.continuationToken, continuationToken(settings) ?? continuationToken(options));
        return page([this.groupName], query);
      },
      // The core follows a link only to the listing of this group.
      (link) => page([this.groupName, link], new Query()),
    );
  }

  async #member(operation: number, connectionId: string, options: OperationOptions | undefined): Promise<void> {
    const id = text(connectionId, "The connection id", "ERR_CONNECTION_ID");
    await this.#hub.call(operation, [this.groupName, id], new Query(), readCall(options, Names.OPERATION, operation));
  }

  async #user(operation: number, userId: string, options: OperationOptions | undefined): Promise<void> {
    const id = text(userId, "The user id", "ERR_USER_ID");
    await this.#hub.call(operation, [id, this.groupName], new Query(), readCall(options, Names.OPERATION, operation));
  }
}
