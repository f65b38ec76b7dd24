// The names that the calls of the client accept. The compiler reports a name that is missing here.

import type { OptionNames } from "../read-options.js";
import type {
  AckOptions,
  GroupStreamWriteOptions,
  InvokeEventOptions,
  MessagesOptions,
  OnGroupStreamOptions,
  OpenGroupStreamOptions,
  SendEventOptions,
  SendToGroupOptions,
  StartOptions,
  WebPubSubClientEvents,
  WebPubSubClientOptions,
  WebPubSubRetryOptions,
} from "./options.js";

export const CLIENT_OPTIONS: OptionNames<WebPubSubClientOptions> = {
  protocol: true,
  autoReconnect: true,
  autoRejoinGroups: true,
  messageRetryOptions: true,
  connectRetryOptions: true,
  reconnectRetryOptions: true,
  keepAliveTimeoutInMs: true,
  keepAliveIntervalInMs: true,
  connectTimeoutInMs: true,
  ackTimeoutInMs: true,
  invokeTimeoutInMs: true,
  WebSocket: true,
  fetch: true,
};

export const RETRY_OPTIONS: OptionNames<WebPubSubRetryOptions> = {
  maxRetries: true,
  retryDelayInMs: true,
  maxRetryDelayInMs: true,
  mode: true,
};

/** The options of `start`, `connect`, `messages`, and of each call of a stream. */
export const ABORT_OPTIONS: OptionNames<StartOptions & MessagesOptions & GroupStreamWriteOptions> = { abortSignal: true };

export const ACK_OPTIONS: OptionNames<AckOptions> = { ackId: true, abortSignal: true };

export const SEND_EVENT_OPTIONS: OptionNames<SendEventOptions> = { ...ACK_OPTIONS, fireAndForget: true, metadata: true };

export const SEND_TO_GROUP_OPTIONS: OptionNames<SendToGroupOptions> = { ...SEND_EVENT_OPTIONS, noEcho: true, ttlSeconds: true };

export const INVOKE_EVENT_OPTIONS: OptionNames<InvokeEventOptions> = { invocationId: true, abortSignal: true };

export const OPEN_GROUP_STREAM_OPTIONS: OptionNames<OpenGroupStreamOptions> = {
  streamId: true,
  noEcho: true,
  idleTimeoutInMs: true,
  abortSignal: true,
};

export const ON_GROUP_STREAM_OPTIONS: OptionNames<OnGroupStreamOptions> = {
  idleTimeoutInMs: true,
  handleFromStart: true,
  groupNames: true,
};

/** The events of a client. */
export const EVENTS: OptionNames<WebPubSubClientEvents> = {
  connected: true,
  disconnected: true,
  stopped: true,
  "status-changed": true,
  "server-message": true,
  "group-message": true,
  "rejoin-group-failed": true,
  recovering: true,
  recovered: true,
  error: true,
};
