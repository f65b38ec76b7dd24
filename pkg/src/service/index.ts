export { WebPubSubServiceClient } from "./client.js";
export type { WebPubSubGroup } from "./group.js";
export { AbortError, RestError, WebPubSubError, type WebPubSubErrorCode } from "./errors.js";
export type {
  BinaryMessage,
  ClientAccessToken,
  GenerateClientTokenOptions,
  GroupSendToAllOptions,
  HubSendToAllOptions,
  HubSendToConnectionOptions,
  HubSendToUserOptions,
  JSONTypes,
  Message,
  OperationOptions,
  RetryOptions,
  SendOptions,
  TextMessage,
  WebPubSubServiceClientOptions,
} from "./options.js";
