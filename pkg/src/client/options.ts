import type { AbortSignal, Response } from "../globals.js";
import type {
  DisconnectedMessage,
  GroupDataMessage,
  JSONTypes,
  Payload,
  ServerDataMessage,
} from "./messages.js";
import type { WebPubSubClientProtocol } from "./protocol.js";

/** The source of client access URLs. */
export interface WebPubSubClientCredential {
  /**
   * A client access URL, or a function that returns one. A URL soon expires, so the client calls the function for every new
   * connection; to recover a connection, it does not. What the function throws counts as a failed attempt.
   */
  readonly getClientAccessUrl: string | ((options: GetClientAccessUrlOptions) => string | Promise<string>);
}

/** The argument of `getClientAccessUrl`. */
export interface GetClientAccessUrlOptions {
  /** Aborted when the client is stopped, also through the `abortSignal` of `start` and `connect`. */
  readonly abortSignal: AbortSignal;
}

/** How often the client retries, and how long it waits before. */
export interface WebPubSubRetryOptions {
  /** How many retries follow the first try. */
  maxRetries?: number | undefined;
  /** The wait before a retry, in milliseconds. With `Exponential`, the longest wait before the first retry. Default 1000. */
  retryDelayInMs?: number | undefined;
  /** The longest wait, in milliseconds. Default 30000, or `retryDelayInMs` if that is longer. */
  maxRetryDelayInMs?: number | undefined;
  /**
   * `Fixed`: each wait is `retryDelayInMs`. `Exponential`: each wait is random, from a tenth of `retryDelayInMs` up to a limit
   * that doubles with every retry. Default `Fixed` for messages, `Exponential` for connections.
   */
  mode?: RetryMode | undefined;
}

/** How the waits between retries grow. */
export type RetryMode = "Exponential" | "Fixed";

/** The part of the constructor `WebSocket` that the client uses. */
export interface WebSocketConstructor {
  new (url: string, protocols?: string | string[]): WebSocketLike;
}

/** The part of a `WebSocket` that the client uses. The sockets of browsers and of the package `ws` have it. */
export interface WebSocketLike {
  binaryType: string;
  readonly readyState: number;
  /** How many bytes wait to be sent. Without it, no send waits for the socket to drain. */
  readonly bufferedAmount?: number;
  send(data: string | ArrayBuffer): void;
  close(code?: number, reason?: string): void;
  onopen: ((event: never) => void) | null;
  onmessage: ((event: never) => void) | null;
  onerror: ((event: never) => void) | null;
  onclose: ((event: never) => void) | null;
}

/**
 * The options of a client. The client copies them, so later changes have no effect. All options of the official client are
 * here, and each has an effect. Any other name is refused, here and in the options of every call.
 */
export interface WebPubSubClientOptions {
  /** The subprotocol. Default {@link WebPubSubJsonReliableProtocol}. */
  protocol?: WebPubSubClientProtocol | undefined;
  /** Whether a new connection replaces one that is lost for good. Default true. */
  autoReconnect?: boolean | undefined;
  /** Whether a new connection joins the groups of the client again, and watches their states. Default true. */
  autoRejoinGroups?: boolean | undefined;
  /**
   * How the client retries a message that could not be sent, or for which the service reported a temporary failure. The
   * message keeps its `ackId`: on the same connection the service takes it once; on a new connection it may arrive twice.
   * Default 3 retries.
   */
  messageRetryOptions?: WebPubSubRetryOptions | undefined;
  /**
   * How the client retries the first connection after `start` or `connect`. Without this option, or with `maxRetries: 0`, the
   * first attempt is the only one. With it, the default of `maxRetries` is no limit, and each failed attempt emits `error`.
   * The retries go on until the service has greeted the client; `autoReconnect` does not matter. `ERR_NO_WEBSOCKET` and
   * `ERR_WASM` are not retried.
   */
  connectRetryOptions?: WebPubSubRetryOptions | undefined;
  /** How the client retries a new connection after a lost one: the first attempt is made at once. Default no limit of retries. */
  reconnectRetryOptions?: WebPubSubRetryOptions | undefined;
  /** How long the service may be silent before the connection counts as lost, in milliseconds. 0 is no limit. Default 120000. */
  keepAliveTimeoutInMs?: number | undefined;
  /** How often the client asks the service for a sign of life, in milliseconds. 0 is never. Default 20000. */
  keepAliveIntervalInMs?: number | undefined;
  /**
   * How long each attempt to connect may take, from the call of `getClientAccessUrl` to the greeting of the service, in
   * milliseconds. 0 is no limit. Default 30000.
   */
  connectTimeoutInMs?: number | undefined;
  /**
   * How long each try of a message may wait for a connection, and then for its acknowledgement, in milliseconds. 0 is no
   * limit. It also limits the time to open a stream and to end one. Default 30000.
   */
  ackTimeoutInMs?: number | undefined;
  /** How long an invocation may take, with the wait for a connection, in milliseconds. 0 is no limit. Default 30000. */
  invokeTimeoutInMs?: number | undefined;
  /** The constructor of sockets. Default `globalThis.WebSocket`. Node 20 has none: pass the one of the package `ws`. */
  WebSocket?: WebSocketConstructor | undefined;
  /**
   * Opens sockets by an upgrade, as in Cloudflare Workers: the `fetch` of a service binding or of a Durable Object's stub.
   * Default: the global `fetch` in a Worker without `WebSocket`.
   */
  fetch?: ((url: string, init: { headers: Record<string, string> }) => Promise<Response>) | undefined;
}

/** The part of an `AbortSignal` that the client uses. A signal of the host has it, and one of `@azure/abort-controller`. */
export interface AbortSignalLike {
  readonly aborted: boolean;
  /** Why it was aborted. The error has it as its `cause`. */
  readonly reason?: unknown;
  addEventListener(type: "abort", listener: () => void): void;
  removeEventListener(type: "abort", listener: () => void): void;
}

/** Options of `start` and `connect`. */
export interface StartOptions {
  /** Aborts the call, and stops the client. */
  abortSignal?: AbortSignalLike | undefined;
}

/** Options of every call that the service acknowledges. */
export interface AckOptions {
  /**
   * The id of the message, a whole number from 0. If a message is sent again with its id on the same connection, the service
   * takes it once. Default: the next number. Give ids to all messages or to none, because the service takes two messages with
   * the same id for one.
   *
   * The type is `number`, as in the official client. At run time a `bigint` up to 2^64 - 2 is accepted too; then the result
   * and the error have the `bigint`.
   */
  ackId?: number | undefined;
  /** Stops waiting. A message that is already sent is not taken back. */
  abortSignal?: AbortSignalLike | undefined;
}

/** Options of `joinGroup`. */
export interface JoinGroupOptions extends AckOptions {}

/** Options of `leaveGroup`. */
export interface LeaveGroupOptions extends AckOptions {}

/** Options of `sendEvent`. */
export interface SendEventOptions extends AckOptions {
  /**
   * Resolves once the message is written, without asking the service to acknowledge it. If 1 MiB or more waits in the socket
   * already, it resolves when the socket has drained. Default false.
   */
  fireAndForget?: boolean | undefined;
  /**
   * Metadata for the receivers: keys such as the names of HTTP headers, of up to 256 characters, and values of up to 1024
   * printable ASCII characters. Other metadata rejects with a `TypeError`, because the service would close the connection.
   * The service also closes it for more than 8 KiB in all.
   */
  metadata?: Readonly<Record<string, string>> | undefined;
}

/** Options of `sendToGroup`. */
export interface SendToGroupOptions extends SendEventOptions {
  /** Whether this connection gets no copy. Default false. */
  noEcho?: boolean | undefined;
  /** How long the service keeps the message for a connection that is away, 0 to 300 seconds. */
  ttlSeconds?: number | undefined;
}

/** Options of `invokeEvent`. */
export interface InvokeEventOptions {
  /** The id of the invocation. Default: the next number. */
  invocationId?: string | undefined;
  /** Cancels the invocation. */
  abortSignal?: AbortSignalLike | undefined;
}

/** The result of a message. */
export interface WebPubSubResult {
  /** The `ackId` of the message. Absent with `fireAndForget`. */
  readonly ackId?: number;
  /** Whether the service had the message before. */
  readonly isDuplicated: boolean;
}

/** The answer to an invocation. `dataType` is absent if there is no payload; a comparison of it tells TypeScript the type of `data`. */
export type InvokeEventResult<Message = JSONTypes> = { readonly invocationId: string } & (
  | Payload<Message>
  | { readonly dataType?: undefined; readonly data?: undefined }
);

/** The states of a client. */
export type WebPubSubClientStatus =
  /** Not started, or stopped. */
  | "stopped"
  /** Makes the first connection, or a new one. With `connectRetryOptions`, also the waits between the first attempts. */
  | "connecting"
  /** Ready, with its groups joined again. */
  | "connected"
  /** Tries to get a lost connection back. */
  | "recovering"
  /** Waits before it makes a new connection. */
  | "disconnected";

/** The argument of `connected`: a new connection is ready, and the groups are joined again. */
export interface OnConnectedArgs {
  readonly connectionId: string;
  /** The user of the connection. `""` if the client is anonymous. */
  readonly userId: string;
  /**
   * Whether messages may have been missed, because the connection before was lost and could not be recovered. Fetch what
   * must not be missed.
   */
  readonly mayHaveMissedMessages: boolean;
}

/** The argument of `disconnected`: a connection is lost for good. */
export interface OnDisconnectedArgs {
  readonly connectionId?: string;
  /** The message of the service before it closed the connection. */
  readonly message?: DisconnectedMessage;
  /** The close code of the WebSocket: 1006 if it broke. Absent if the client gave the socket up. */
  readonly code?: number;
  /** The close reason of the WebSocket. */
  readonly reason?: string;
}

/** The argument of `stopped`: the client does nothing until it is started again. */
export interface OnStoppedArgs {
  /** The close code of the last socket. */
  readonly code?: number;
  /** The close reason of the last socket. */
  readonly reason?: string;
}

/** The argument of `status-changed`: `status` of the client has another value. */
export interface OnStatusChangedArgs {
  readonly status: WebPubSubClientStatus;
  readonly previousStatus: WebPubSubClientStatus;
}

/** The argument of `server-message`: a message from a server. */
export interface OnServerDataMessageArgs<Message = JSONTypes> {
  readonly message: ServerDataMessage<Message>;
}

/** The argument of `group-message`: a message to a group. */
export interface OnGroupDataMessageArgs<Message = JSONTypes> {
  readonly message: GroupDataMessage<Message>;
}

/** The argument of `rejoin-group-failed`: a new connection could not join a group again. */
export interface OnRejoinGroupFailedArgs {
  readonly group: string;
  readonly error: Error;
}

/** The argument of `recovering`: the connection is lost and may come back. */
export interface OnRecoveringArgs {
  readonly connectionId: string;
  /** The close code of the WebSocket: 1006 if it broke. Absent if the client gave the socket up. */
  readonly code?: number;
  /** The close reason of the WebSocket. */
  readonly reason?: string;
}

/** The argument of `recovered`: the connection is back, and no message is lost. */
export interface OnRecoveredArgs {
  readonly connectionId: string;
}

/** The argument of `error`: a failure that no call waits for. */
export interface OnErrorArgs {
  /**
   * `ERR_FRAME` for a frame that could not be read; `ERR_CONNECT`, `ERR_TIMEOUT` or `ERR_URL` for a failed attempt to
   * reconnect, or to connect with `connectRetryOptions`; or what a listener or a protocol threw. Without a listener for this
   * event, `console.error` gets what another listener threw.
   */
  readonly error: Error;
}

/** The events, and the arguments of their listeners. */
export interface WebPubSubClientEvents<Message = JSONTypes> {
  connected: OnConnectedArgs;
  disconnected: OnDisconnectedArgs;
  stopped: OnStoppedArgs;
  /** Comes before the event that belongs to the same change, such as `connected`. */
  "status-changed": OnStatusChangedArgs;
  "server-message": OnServerDataMessageArgs<Message>;
  "group-message": OnGroupDataMessageArgs<Message>;
  "rejoin-group-failed": OnRejoinGroupFailedArgs;
  recovering: OnRecoveringArgs;
  recovered: OnRecoveredArgs;
  error: OnErrorArgs;
}

/** Options of `messages`. */
export interface MessagesOptions {
  /** Ends the iteration. */
  abortSignal?: AbortSignalLike | undefined;
}

/** Options of `openGroupStream`. */
export interface OpenGroupStreamOptions {
  /** The id of the stream. Default: a random number. */
  streamId?: string | undefined;
  /** Whether this connection gets no copy. Default false. */
  noEcho?: boolean | undefined;
  /** How long the service waits for the next part, in milliseconds. Default five minutes. */
  idleTimeoutInMs?: number | undefined;
  /** Stops waiting for the service to accept the stream. */
  abortSignal?: AbortSignalLike | undefined;
}

/** Options of one call of a stream. */
export interface GroupStreamWriteOptions {
  /** Stops waiting. Parts that are already written stay. */
  abortSignal?: AbortSignalLike | undefined;
}

/** Options of `onGroupStream`. */
export interface OnGroupStreamOptions {
  /** How long the reader waits for the next part, in milliseconds. Default five minutes. */
  idleTimeoutInMs?: number | undefined;
  /** Whether streams are left out whose first part was not seen. Default false. */
  handleFromStart?: boolean | undefined;
  /** The groups whose streams are read. Default: all. */
  groupNames?: readonly string[] | undefined;
}
