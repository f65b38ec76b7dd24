// Names that the official client exports for what has another name, or none, here.

import type {
  AckMessageError,
  DownstreamMessage,
  GroupMessage,
  SendToGroupMessage,
  UpstreamMessage,
} from "./messages.js";
import type { GroupStreamWriteOptions } from "./options.js";

/** What every message has. */
export interface WebPubSubMessageBase {
  readonly kind: DownstreamMessageType | UpstreamMessageType;
}
/** The kinds of what comes. */
export type DownstreamMessageType = DownstreamMessage["kind"];
/** The kinds of what goes. */
export type UpstreamMessageType = UpstreamMessage["kind"];
/** Joins a group. */
export type JoinGroupMessage = GroupMessage & { readonly kind: "joinGroup" };
/** Leaves a group. */
export type LeaveGroupMessage = GroupMessage & { readonly kind: "leaveGroup" };
/** Watches the states of a group. */
export type SubscribeGroupStateMessage = GroupMessage & { readonly kind: "subscribeGroupState" };
/** Watches them no longer. */
export type UnsubscribeGroupStateMessage = GroupMessage & { readonly kind: "unsubscribeGroupState" };
/** Starts a stream. */
export type StartStreamOptions = NonNullable<SendToGroupMessage["stream"]>;
/** Why an invocation failed. */
export type InvokeResponseError = AckMessageError;
/** Options of `end` of a stream. */
export type EndGroupStreamOptions = GroupStreamWriteOptions;
/** Options of `abort` of a stream. */
export type AbortGroupStreamOptions = GroupStreamWriteOptions;
