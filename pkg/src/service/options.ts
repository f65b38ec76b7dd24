/** What JSON can hold. `null` is a message like any other. */
export type JSONTypes = string | number | boolean | object | null;

/** A binary message. A view sends its own window of the buffer; a stream is read to its end, up to 1 MiB. */
export type BinaryMessage = ArrayBuffer | ArrayBufferView | Blob | ReadableStream<Uint8Array>;

/** Anything that can be sent: bytes go out as they are, everything else as JSON. */
export type Message = BinaryMessage | JSONTypes;

/** Options of every call that sends a request. */
export interface OperationOptions {
  /** Gives the call up, at once and in every phase: while it waits for an answer and while it waits to try again. */
  abortSignal?: AbortSignal | undefined;
  /** Settings of the request. */
  requestOptions?: {
    /** How long one try may take, in milliseconds. 0 or absent: no limit. A try that took too long is not repeated. */
    timeout?: number | undefined;
  } | undefined;
}

/** Options of every send. */
export interface SendOptions extends OperationOptions {
  /**
   * How long the message may wait for a client that is slow or recovering: a whole number of seconds from 0 (for ever,
   * the default) to 300.
   */
  messageTtlSeconds?: number | undefined;
}

/** Options of {@link WebPubSubServiceClient.sendToAll}. */
export interface HubSendToAllOptions extends SendOptions {
  /** Ids of connections that do not get the message. */
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

/** Says that a string goes out as it is. Without it a string is JSON, with quotes, as in the official SDK. */
export interface TextMessage {
  /** The content type. */
  contentType: "text/plain";
}

/** Options of {@link WebPubSubServiceClient.getClientAccessToken}. */
export interface GenerateClientTokenOptions {
  /** Who the client is. Absent or empty: an anonymous client. */
  userId?: string | undefined;
  /**
   * What the client may do, such as `webpubsub.sendToGroup.chat` or `webpubsub.joinLeaveGroup`. Without a role it may
   * send events only.
   */
  roles?: string[] | undefined;
  /** The groups the client is in from the start. */
  groups?: string[] | undefined;
  /**
   * For how many minutes the URL can be used to connect, 60 when absent. A fraction is rounded down to a whole second;
   * below one second, not finite, or over 4294967295 seconds is a `RangeError`. An open connection is not cut then.
   */
  expirationTimeInMinutes?: number | undefined;
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

/** When a call is tried again. The names and defaults are those of the official SDK, save {@link RetryOptions.sends}. */
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
   * - `"safe"`, the default: only those after which it surely was not delivered: 429 and 503 with `Retry-After`, and
   *   a connection that was refused or a name that was not found.
   * - `"always"`: what the official SDK does: also 408, 5xx save 501 and 505, and any failure of the connection.
   */
  sends?: "safe" | "always" | undefined;
}

/** Options of {@link WebPubSubServiceClient}. */
export interface WebPubSubServiceClientOptions {
  /** When a call is tried again. */
  retryOptions?: RetryOptions | undefined;
  /**
   * Lets requests go over plain http to another machine than this one; tokens and messages can then be read on the
   * way. It is looked at when sending, not when minting. Default false.
   */
  allowInsecureConnection?: boolean | undefined;
  /** What sends requests, instead of the global `fetch`: that of a service binding, or a test's. */
  fetch?: typeof fetch | undefined;
}
