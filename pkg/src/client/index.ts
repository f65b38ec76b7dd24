export { WebPubSubClient } from "./client.js";
export { InvocationError, SendMessageError, WebPubSubClientError, type WebPubSubClientErrorCode } from "./errors.js";
export type { GroupState } from "./group-state.js";
export { WebPubSubJsonProtocol, WebPubSubJsonReliableProtocol } from "./json.js";
export type * from "./messages.js";
export type * from "./options.js";
export type { WebPubSubClientProtocol } from "./protocol.js";
export type { GroupStream, GroupStreamMessage, GroupStreamSubscription, GroupStreamWriter } from "./streams.js";
