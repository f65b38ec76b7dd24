export {
  InvocationError,
  type InvocationErrorOptions,
  SendMessageError,
  type SendMessageErrorOptions,
  WebPubSubClientError,
  type WebPubSubClientErrorCode,
} from "./errors.js";
export type { GroupState } from "./group-state.js";
export { WebPubSubJsonProtocol, WebPubSubJsonReliableProtocol } from "./json.js";
export type * from "./messages.js";
export type * from "./official-names.js";
export type * from "./options.js";
export type { WebPubSubClientProtocol } from "./protocol.js";
export type { GroupStream, GroupStreamMessage, GroupStreamSubscription, GroupStreamWriter } from "./streams.js";
