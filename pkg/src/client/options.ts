import type { AbortSignal, Response } from "../globals.js";
import type {
  DisconnectedMessage,
  GroupDataMessage,
  Id,
  JSONTypes,
  Payload,
  ServerDataMessage,
} from "./messages.js";
import type { WebPubSubClientProtocol } from "./protocol.js";

/** Where client access URLs come from. */
export interface WebPubSubClientCredential {
  /**
   * A client access URL, or what gets one. It is asked for every new connection, because a URL soon expires, and not to
   * recover one. What it throws ends `start`; when reconnecting it counts as a failed attempt.
   */
  readonly getClientAccessUrl: string | ((options: GetClientAccessUrlOptions) => string | Promise<string>);
}

/** What `getClientAccessUrl` is called with. */
export interface GetClientAccessUrlOptions {
  /** Aborted when the client is stopped, or through the `abortSignal` of `start`. */
  readonly abortSignal: AbortSignal;
}

/** How often something is tried again, and how long to wait before it is. */
export interface WebPubSubRetryOptions {
  /** How many tries follow the first one. */
  maxRetries?: number | undefined;
  /** The wait before a try, in milliseconds; with `Exponential` the longest before the first one. Default 1000. */
  retryDelayInMs?: number | undefined;
  /** The longest wait, in milliseconds. Default 30000. */
  maxRetryDelayInMs?: number | undefined;
  /**
   * `Fixed`: each wait is `retryDelayInMs`. `Exponential`: it is drawn at random, up to a limit that doubles with every try,
   * and is at least a tenth of `retryDelayInMs`. Default `Fixed` for messages, `Exponential` for connections.
   */
  mode?: RetryMode | undefined;
}

/** How waits grow. */
export type RetryMode = "Exponential" | "Fixed";

/** The constructor of `WebSocket`, as far as it is used. */
export interface WebSocketConstructor {
  new (url: string, protocols?: string | string[]): WebSocketLike;
}

/** A `WebSocket`, as far as it is used. That of a browser is one, and that of the package `ws`. */
export interface WebSocketLike {
  binaryType: string;
  readonly readyState: number;
  send(data: string | ArrayBuffer): void;
  close(code?: number, reason?: string): void;
  onopen: ((event: never) => void) | null;
  onmessage: ((event: never) => void) | null;
  onerror: ((event: never) => void) | null;
  onclose: ((event: never) => void) | null;
}

/** Options of a client. The object is read once and never changed. */
export interface WebPubSubClientOptions {
  /** The subprotocol. Default {@link WebPubSubJsonReliableProtocol}. */
  protocol?: WebPubSubClientProtocol | undefined;
  /** Whether a connection that is lost for good is replaced by a new one. Default true. */
  autoReconnect?: boolean | undefined;
  /** Whether a new connection joins the groups again that this client had joined, and watches their states. Default true. */
  autoRejoinGroups?: boolean | undefined;
  /**
   * How a message is tried again that could not be sent, or that the service failed over. It keeps its `ackId`, so on
   * the same connection the service takes it once; on a new one it may arrive twice. Default 3 retries.
   */
  messageRetryOptions?: WebPubSubRetryOptions | undefined;
  /** How a new connection is tried again: at once, and then with these waits. Default no end of retries. */
  reconnectRetryOptions?: WebPubSubRetryOptions | undefined;
  /** How long the service may be silent before the connection counts as lost, in milliseconds; 0 is for ever. Default 120000. */
  keepAliveTimeoutInMs?: number | undefined;
  /** How often the service is asked for a sign of life, in milliseconds; 0 is never. Default 20000. */
  keepAliveIntervalInMs?: number | undefined;
  /** How long an attempt to connect may take, from asking for the URL to the greeting, in milliseconds; 0 is for ever. Default 30000. */
  connectTimeoutInMs?: number | undefined;
  /**
   * How long each try of a message may wait for a connection, and the service may take to acknowledge it, in milliseconds; 0 is
   * for ever. It is also the time to open a stream, and to end one. Default 30000.
   */
  ackTimeoutInMs?: number | undefined;
  /** How long an invocation may take, with the wait for a connection, in milliseconds; 0 is for ever. Default 30000. */
  invokeTimeoutInMs?: number | undefined;
  /** What makes sockets. Default `globalThis.WebSocket`; Node 20 has none, so pass that of the package `ws` there. */
  WebSocket?: WebSocketConstructor | undefined;
  /**
   * Opens sockets by an upgrade, as Cloudflare Workers do: the `fetch` of a service binding or of a Durable Object's
   * stub. Without it, the global `fetch` is used where there is no `WebSocket`.
   */
  fetch?: ((url: string, init: { headers: Record<string, string> }) => Promise<Response>) | undefined;
}

/** An `AbortSignal`, as far as it is used: that of the host, or another that does the same. */
export interface AbortSignalLike {
  readonly aborted: boolean;
  /** Why it was aborted; the `cause` of the error. */
  readonly reason?: unknown;
  addEventListener(type: "abort", listener: () => void): void;
  removeEventListener(type: "abort", listener: () => void): void;
}

/** Options of `start` and `connect`. */
export interface StartOptions {
  /** Gives up, and stops the client. */
  abortSignal?: AbortSignalLike | undefined;
}

/** Options of everything that the service acknowledges. */
export interface AckOptions {
  /**
   * A number of the caller's own: a message that is sent again with it on the same connection is not doubled. Default
   * the next one. Number all messages or none: what shares a number is taken for one message.
   */
  ackId?: Id | undefined;
  /** Stops waiting. What is already sent is not taken back. */
  abortSignal?: AbortSignalLike | undefined;
}

/** Options of `joinGroup`. */
export interface JoinGroupOptions extends AckOptions {}

/** Options of `leaveGroup`. */
export interface LeaveGroupOptions extends AckOptions {}

/** Options of `sendEvent`. */
export interface SendEventOptions extends AckOptions {
  /** Resolves once it is sent, without asking the service to acknowledge it. Default false. */
  fireAndForget?: boolean | undefined;
  /**
   * What is said about the message, for who gets it: keys such as those of HTTP headers, of up to 256 characters, and
   * values of up to 1024 printable ASCII characters. Others reject with a `TypeError`, for the service would close the
   * connection; so it does over 8 KiB in all.
   */
  metadata?: Readonly<Record<string, string>> | undefined;
}

/** Options of `sendToGroup`. */
export interface SendToGroupOptions extends SendEventOptions {
  /** Sends no copy to this connection. Default false. */
  noEcho?: boolean | undefined;
  /** How long the service keeps the message for a connection that is away, 0 to 300 seconds. */
  ttlSeconds?: number | undefined;
}

/** Options of `invokeEvent`. */
export interface InvokeEventOptions {
  /** Default the next number. */
  invocationId?: string | undefined;
  /** Takes the invocation back. */
  abortSignal?: AbortSignalLike | undefined;
}

/** What a message that was sent comes to. */
export interface WebPubSubResult {
  /** Its `ackId`, unless it was fire and forget. */
  readonly ackId?: Id;
  /** Whether the service had it already. */
  readonly isDuplicated: boolean;
}

/** The answer to an invocation. Look at `dataType`, which is absent when there is no payload, and TypeScript knows what `data` is. */
export type InvokeEventResult<Message = JSONTypes> = { readonly invocationId: string } & (
  | Payload<Message>
  | { readonly dataType?: undefined; readonly data?: undefined }
);

/** What `status` tells. */
export type WebPubSubClientStatus =
  /** Not started, or stopped. */
  | "stopped"
  /** Making the first connection or, later, a new one. */
  | "connecting"
  /** Ready, with its groups joined again. */
  | "connected"
  /** Trying to get a lost connection back. */
  | "recovering"
  /** Waiting to try a new connection. */
  | "disconnected";

/** A new connection is there, and the groups are joined again. */
export interface OnConnectedArgs {
  readonly connectionId: string;
  /** The user; `undefined` if the connection is anonymous. */
  readonly userId: string | undefined;
  /**
   * Whether messages may have been missed: the connection before it was lost and could not be recovered. Fetch what
   * must not be missed.
   */
  readonly mayHaveMissedMessages: boolean;
}

/** A connection is lost for good. */
export interface OnDisconnectedArgs {
  readonly connectionId?: string;
  /** What the service said before it closed the connection. */
  readonly message?: DisconnectedMessage;
  /** The close code of the WebSocket: 1006 when it broke. Absent when the socket was given up. */
  readonly code?: number;
  /** The close reason of the WebSocket. */
  readonly reason?: string;
}

/** The client stopped and does nothing any more until it is started again. */
export interface OnStoppedArgs {
  /** The close code of the last socket. */
  readonly code?: number;
  /** The close reason of the last socket. */
  readonly reason?: string;
}

/** A message of a server. */
export interface OnServerDataMessageArgs<Message = JSONTypes> {
  readonly message: ServerDataMessage<Message>;
}

/** A message to a group. */
export interface OnGroupDataMessageArgs<Message = JSONTypes> {
  readonly message: GroupDataMessage<Message>;
}

/** A new connection could not join a group again. */
export interface OnRejoinGroupFailedArgs {
  readonly group: string;
  readonly error: Error;
}

/** The connection is lost and may come back. */
export interface OnRecoveringArgs {
  readonly connectionId: string;
  /** The close code of the WebSocket: 1006 when it broke. Absent when the socket was given up. */
  readonly code?: number;
  /** The close reason of the WebSocket. */
  readonly reason?: string;
}

/** The connection is back, and nothing is lost. */
export interface OnRecoveredArgs {
  readonly connectionId: string;
}

/** Something went wrong that no call waits for. */
export interface OnErrorArgs {
  /**
   * `ERR_FRAME` for a frame that could not be read, `ERR_CONNECT`, `ERR_TIMEOUT` or `ERR_URL` for a failed attempt to
   * reconnect, or what a listener or a pluggable part threw. What a listener threw goes to `console.error` when nobody
   * listens to this event.
   */
  readonly error: Error;
}

/** The events and what their listeners get. */
export interface WebPubSubClientEvents<Message = JSONTypes> {
  connected: OnConnectedArgs;
  disconnected: OnDisconnectedArgs;
  stopped: OnStoppedArgs;
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
  /** Default a random UUID. */
  streamId?: string | undefined;
  /** Sends no copy to this connection. Default false. */
  noEcho?: boolean | undefined;
  /** How long the service waits for the next part, in milliseconds. Default five minutes. */
  idleTimeoutInMs?: number | undefined;
  /** Stops waiting for the service to accept the stream. */
  abortSignal?: AbortSignalLike | undefined;
}

/** Options of one call of a stream. */
export interface GroupStreamWriteOptions {
  /** Stops waiting. What is already written stays. */
  abortSignal?: AbortSignalLike | undefined;
}

/** Options of `onGroupStream`. */
export interface OnGroupStreamOptions {
  /** How long to wait for the next part, in milliseconds. Default five minutes. */
  idleTimeoutInMs?: number | undefined;
  /** Leaves out streams of which the first part is not seen. Default false. */
  handleFromStart?: boolean | undefined;
  /** Only streams to these groups. Default all. */
  groupNames?: readonly string[] | undefined;
}

