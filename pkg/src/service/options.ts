import type { AbortSignal, Blob, ByteStream, Fetch, Headers } from "../globals.js";
import type { WebPubSubRole } from "./roles.js";

/** What JSON can hold. `null` is a message like any other. */
export type JSONTypes = string | number | boolean | object | null;

/**
 * A binary message. A view sends its own window of the buffer; a stream is read to its end, up to 1 MiB.
 *
 * @example
 * ```ts
 * await client.sendToAll(new Uint8Array([1, 2, 3]));
 * await client.sendToAll(new Blob(["bytes"]).stream());
 * ```
 */
export type BinaryMessage = ArrayBuffer | ArrayBufferView | Blob | ByteStream;

/**
 * What {@link OperationOptions.onResponse} is told.
 *
 * @example
 * ```ts
 * await client.sendToAll("hello", {
 *   onResponse: ({ status, headers }) => console.log(status, headers.get("x-ms-request-id") ?? ""),
 * });
 * ```
 */
export interface RawResponse {
  /** The HTTP status. */
  status: number;
  /** The headers. */
  headers: Headers;
  /** The body. */
  bodyAsText: string;
  /** The `x-ms-client-request-id` that was sent. */
  requestId: string;
}

/**
 * Options of a client in `@azure/web-pubsub` that have no effect here. They are accepted, so that code that sets them
 * needs no change. Every other unknown option is a `TypeError` with the code `ERR_OPTION`.
 */
export interface IgnoredClientOptions {
  /** No effect. Give {@link WebPubSubServiceClientOptions.fetch} instead. */
  httpClient?: unknown;
  /** No effect. Give {@link WebPubSubServiceClientOptions.fetch} instead. */
  additionalPolicies?: unknown;
  /** No effect. Give a {@link WebPubSubServiceClientOptions.fetch} that uses the proxy. */
  proxyOptions?: unknown;
  /** No effect. Give a {@link WebPubSubServiceClientOptions.fetch} with these settings. */
  tlsOptions?: unknown;
  /** No effect. Give a {@link WebPubSubServiceClientOptions.fetch} that uses the agent. */
  agent?: unknown;
  /** No effect: redirects are never followed. */
  redirectOptions?: unknown;
  /** No effect. Give {@link WebPubSubServiceClientOptions.logger} instead. */
  loggingOptions?: unknown;
  /** No effect: no user agent is set. */
  userAgentOptions?: unknown;
  /** No effect: the header of the request id is always `x-ms-client-request-id`. */
  telemetryOptions?: unknown;
}

/** Options of a call in `@azure/web-pubsub` that have no effect here, accepted like {@link IgnoredClientOptions}. */
export interface IgnoredCallOptions {
  /** No effect. Give `traceparent` in {@link RequestOptions.customHeaders} instead. */
  tracingOptions?: unknown;
  /** No effect. */
  serializerOptions?: unknown;
}

/** `requestOptions` of `@azure/web-pubsub` that have no effect here, accepted like {@link IgnoredClientOptions}. */
export interface IgnoredRequestOptions {
  /** No effect. */
  onUploadProgress?: unknown;
  /** No effect. */
  onDownloadProgress?: unknown;
  /** No effect. */
  shouldDeserialize?: unknown;
  /** No effect. Set {@link WebPubSubServiceClientOptions.allowInsecureConnection} instead. */
  allowInsecureConnection?: unknown;
}

/** Settings of the requests of a call. */
export interface RequestOptions extends IgnoredRequestOptions {
  /** How long one try may take, in milliseconds. 0 or absent: no limit. A try that took too long is not repeated. */
  timeout?: number | undefined;
  /**
   * How long the whole call may take, waits between tries included, in milliseconds. The default is 100000, which is
   * 100 seconds; 0 is no limit. A call that takes longer rejects with `ERR_TIMEOUT`. A wait that would go beyond the
   * limit is not begun: the last answer is then the result.
   */
  totalTimeout?: number | undefined;
  /**
   * Further headers, such as `traceparent`. Names are tokens of HTTP, and values are printable ASCII; others reject with
   * `ERR_HEADER`. Those that the package sets itself (`authorization`, `content-type`, `accept`,
   * `x-ms-client-request-id`) stay as they are.
   */
  customHeaders?: Record<string, string> | undefined;
}

/**
 * Options of every call that sends a request.
 *
 * @example
 * ```ts
 * await client.sendToAll("hello", {
 *   abortSignal: AbortSignal.timeout(5000),
 *   requestOptions: { timeout: 2000, customHeaders: { traceparent } },
 * });
 * ```
 */
export interface OperationOptions extends IgnoredCallOptions {
  /** Gives the call up, at once and in every phase: while it waits for an answer and while it waits to try again. */
  abortSignal?: AbortSignal | undefined;
  /** Settings of the requests. */
  requestOptions?: RequestOptions | undefined;
  /** Is called with each answer of the service, those before a further try included. What it throws ends the call. */
  onResponse?: ((response: RawResponse) => void) | undefined;
}

/** Options of every send. */
export interface SendOptions extends OperationOptions {
  /**
   * How long the message may wait for a client that is slow or recovering: a whole number of seconds from 0 (for ever,
   * the default) to 300.
   */
  messageTtlSeconds?: number | undefined;
}

/**
 * Options of {@link WebPubSubServiceClient.sendToAll}.
 *
 * @example
 * ```ts
 * const filter = odata`userId ne ${userId}`;
 * await client.sendToAll({ text: "hello" }, { filter, excludedConnections: [connectionId], messageTtlSeconds: 60 });
 * ```
 */
export interface HubSendToAllOptions extends SendOptions {
  /** Ids of connections that do not get the message, each of at most 1,024 characters. */
  excludedConnections?: string[] | undefined;
  /** An OData filter: only connections it is true for get the message. Example: `userId ne 'ann'`. */
  filter?: string | undefined;
}

/** Options of {@link WebPubSubGroup.sendToAll}. */
export interface GroupSendToAllOptions extends HubSendToAllOptions {}

/** Options of {@link WebPubSubServiceClient.sendToUser}. */
export interface HubSendToUserOptions extends SendOptions {
  /** An OData filter: only connections of the user that it is true for get the message. */
  filter?: string | undefined;
}

/** Options of {@link WebPubSubServiceClient.sendToConnection}. */
export interface HubSendToConnectionOptions extends SendOptions {}

/** Options of closing connections. */
export interface CloseConnectionOptions extends OperationOptions {
  /** Why; the clients see it. */
  reason?: string | undefined;
}

/**
 * Options of closing every connection of a hub, a group or a user.
 *
 * @example
 * ```ts
 * await client.closeUserConnections("ann", { reason: "Signed in elsewhere.", excluded: [connectionId] });
 * ```
 */
export interface CloseAllConnectionsOptions extends CloseConnectionOptions {
  /** Ids of connections that stay open, each of at most 1,024 characters. */
  excluded?: string[] | undefined;
}

/** What a connection can be allowed to do. */
export type Permission = "joinLeaveGroup" | "sendToGroup";

/**
 * Options of granting, revoking and checking a permission.
 *
 * @example
 * ```ts
 * await client.grantPermission(connectionId, "joinLeaveGroup", { targetName: "news" });
 * ```
 */
export interface PermissionOptions extends OperationOptions {
  /** The group the permission is for; absent: every group. The service revokes with a group only. */
  targetName?: string | undefined;
}

/**
 * Options of {@link WebPubSubGroup.listConnections}.
 *
 * @example
 * ```ts
 * for await (const { userId } of client.group("news").listConnections({ maxPageSize: 50, top: 100 })) {
 *   console.log(userId); // ann
 * }
 * ```
 */
export interface ListConnectionsOptions extends OperationOptions {
  /** How many entries a page has at most: 1 to 200. */
  maxPageSize?: number | undefined;
  /** How many entries there are at most in all: 1 to 2147483647. */
  top?: number | undefined;
  /**
   * Where to go on: a continuation token of the service. It is sent to the service as it is, which refuses a token of
   * another group. {@link PagedAsyncIterableIterator.byPage} takes the token of a page.
   */
  continuationToken?: string | undefined;
}

/** A connection in a group. */
export interface GroupConnection {
  /** The connection id. */
  connectionId: string;
  /** The user id; absent for an anonymous connection. */
  userId?: string | undefined;
}

/**
 * Says that a string goes out as it is. Without it a string is JSON, with quotes, as in the official SDK.
 *
 * @example
 * ```ts
 * await client.sendToUser("ann", "hello", { contentType: "text/plain" }); // hello
 * await client.sendToUser("ann", "hello"); // "hello"
 * ```
 */
export interface TextMessage {
  /** The content type. */
  contentType: "text/plain";
}

/**
 * Options of {@link WebPubSubServiceClient.getClientAccessToken}. Those of a call, such as `abortSignal`, have an effect
 * only where the service mints the token.
 *
 * @example
 * ```ts
 * const { url } = client.getClientAccessTokenSync({
 *   userId: "ann",
 *   roles: [roles.joinLeaveGroup("news"), roles.sendToGroup("news")],
 *   groups: ["news"],
 *   expirationTimeInMinutes: 5,
 *   claims: { plan: "free" },
 * });
 * ```
 */
export interface GenerateClientTokenOptions extends OperationOptions {
  /** Who the client is. Absent or empty: an anonymous client. */
  userId?: string | undefined;
  /**
   * What the client may do, such as `webpubsub.sendToGroup.chat` or `webpubsub.joinLeaveGroup`. Without a role it may
   * send events only. A role that this version does not know is granted all the same, and reported to `logger`.
   */
  roles?: readonly WebPubSubRole[] | undefined;
  /** The groups the client is in from the start. */
  groups?: string[] | undefined;
  /**
   * For how many minutes the URL can be used to connect, 60 when absent. A fraction is rounded down to a whole second;
   * below one second, not finite, or over 4294967295 seconds is a `RangeError`. An open connection is not cut then.
   * With Entra ID the service takes whole minutes: it is rounded down, to at least one.
   */
  expirationTimeInMinutes?: number | undefined;
  /** When the URL stops to be good, instead of {@link expirationTimeInMinutes}. Not later than now is a `RangeError`. */
  expiresAt?: Date | undefined;
  /**
   * Further claims of the token, which the service hands to the `connect` event. With an access key only. The names
   * that the package sets itself (`role`, `sub`, ...) are refused.
   */
  claims?: Record<string, unknown> | undefined;
  /** Further members of the token's header, such as `kid`. With an access key only. */
  jwtHeader?: Record<string, unknown> | undefined;
  /** Which kind of client, in any case; `"default"` when absent. Unknown ones are a `TypeError`. */
  clientProtocol?: "default" | "mqtt" | "socketio" | undefined;
}

/** With what a client connects. Whoever has `token` or `url` can connect until it expires: do not log them. */
export interface ClientAccessToken {
  /** The token. */
  token: string;
  /** The WebSocket URL without the token. */
  baseUrl: string;
  /** The WebSocket URL with the token: what `new WebSocket(url)` takes. */
  url: string;
  /** When the token expires. */
  expiresOn: Date;
}

/**
 * When a call is tried again. The names and defaults are those of the official SDK, save {@link RetryOptions.sends}.
 *
 * @example
 * ```ts
 * const retryOptions = { maxRetries: 5, maxRetryDelayInMs: 10_000, sends: "always" } as const;
 * const client = new WebPubSubServiceClient(env.AZURE_WEBPUBSUB_CONNECTION_STRING, "chat", { retryOptions });
 * ```
 */
export interface RetryOptions {
  /** How many times a call is tried again: a whole number, 3 when absent, 0 for never. */
  maxRetries?: number | undefined;
  /** The first delay in milliseconds, 1000 when absent. It doubles with each try, and half of it is random. */
  retryDelayInMs?: number | undefined;
  /**
   * The longest delay in milliseconds, 64000 when absent. When the service asks for a longer one with `Retry-After`,
   * its answer is the result.
   */
  maxRetryDelayInMs?: number | undefined;
  /**
   * Which failures of a send are tried again. A send that is repeated can arrive twice.
   *
   * - `"safe"`, the default: only those after which it surely was not delivered: 429, 503 with `Retry-After`, and a
   *   connection that was refused or a name that was not found.
   * - `"always"`: what the official SDK does: also 408, 5xx save 501 and 505, and any failure of the connection.
   */
  sends?: "safe" | "always" | undefined;
}

/**
 * Options of {@link WebPubSubServiceClient}.
 *
 * @example
 * ```ts
 * const client = new WebPubSubServiceClient(env.AZURE_WEBPUBSUB_CONNECTION_STRING, "chat", {
 *   retryOptions: { maxRetries: 1 },
 *   logger: (line) => console.log(line), // sendToAll: try 1: status 202
 * });
 * await client.sendToAll("hello");
 * ```
 */
export interface WebPubSubServiceClientOptions extends IgnoredClientOptions {
  /** When a call is tried again. */
  retryOptions?: RetryOptions | undefined;
  /**
   * Lets requests go over plain http to another machine than this one; tokens and messages can then be read on the
   * way. It is looked at when sending, not when minting. Default false.
   */
  allowInsecureConnection?: boolean | undefined;
  /**
   * Sends requests to a reverse proxy, scheme and base path included. Tokens stay bound to the service's endpoint, and
   * clients connect there.
   */
  reverseProxyEndpoint?: string | undefined;
  /**
   * Whether hub and group names must follow the service's patterns, which is so when absent. With `false` they may
   * hold anything, but no name may be empty, `.` or `..`.
   */
  strict?: boolean | undefined;
  /** What sends requests, instead of the global `fetch`: that of a service binding, or a test's. */
  fetch?: Fetch | undefined;
  /** The clock, in milliseconds since 1970, instead of `Date.now`. */
  now?: (() => number) | undefined;
  /**
   * Is told a line for each try: operation, status, and how long it waits. It is also told when a client token gets a
   * role that this version does not know. No name, token or URL is in a line.
   */
  logger?: ((line: string) => void) | undefined;
}
