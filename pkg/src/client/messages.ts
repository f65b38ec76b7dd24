// The messages between client and service, as the protocols read and write them. Names are the official SDK's.

/** What JSON can carry. */
export type JSONTypes = string | number | boolean | object | null;

/** Bytes to send: an `ArrayBuffer` or any view of one, such as a `Uint8Array`. */
export type BinaryData = ArrayBuffer | ArrayBufferView;

/**
 * How `data` is carried: any JSON, a string, bytes, or bytes of a serialized `google.protobuf.Any`. It does not depend
 * on the protocol of the connection.
 */
export type WebPubSubDataType = "binary" | "json" | "text" | "protobuf";

/**
 * A number of the service. It is 64 bits wide there, so a value above `Number.MAX_SAFE_INTEGER` is a `bigint` here and
 * every other one a `number`.
 */
export type Id = number | bigint;

/** The payload of a received message. Look at `dataType`, and TypeScript knows what `data` is. */
export type Payload<Message = JSONTypes> =
  | { readonly dataType: "json"; readonly data: Message }
  | { readonly dataType: "text"; readonly data: string }
  | { readonly dataType: "binary" | "protobuf"; readonly data: ArrayBuffer };

/** A message that was sent to a group, by a client or by a server. */
export type GroupDataMessage<Message = JSONTypes> = Payload<Message> & {
  readonly kind: "groupData";
  readonly group: string;
  /** The sender; absent for an anonymous one, for a server, and with the protobuf protocols, which do not carry it. */
  readonly fromUserId?: string | null;
  /** Its number on this connection, with a reliable protocol. */
  readonly sequenceId?: Id;
  /** Where it belongs, when it is part of a stream. */
  readonly stream?: StreamInfo;
  /** What the sender attached. */
  readonly metadata?: Readonly<Record<string, string>>;
};

/** A message that a server sent to this connection, to its user, or to everybody. */
export type ServerDataMessage<Message = JSONTypes> = Payload<Message> & {
  readonly kind: "serverData";
  /** Its number on this connection, with a reliable protocol. */
  readonly sequenceId?: Id;
  /** What the sender attached. */
  readonly metadata?: Readonly<Record<string, string>>;
};

/** The place of a message in a stream. */
export interface StreamInfo {
  readonly streamId: string;
  /** Its number in the stream, from 1. */
  readonly streamSequenceId: number;
  /** Whether it is the last one. */
  readonly endOfStream?: boolean;
  /** Why the stream ended, when it did not end well. */
  readonly error?: StreamDataError;
}

/** Why a stream ended. */
export interface StreamDataError {
  /** `UserError`, `IdleTimeout`, `InternalServerError`, `Forbidden` or `Cancelled`; others may come. */
  readonly name: string;
  readonly message?: string;
  /** What the writer gave to `abort`. */
  readonly userErrorCode?: string;
}

/** What `abort` of a stream tells its readers. */
export interface StreamEndError {
  readonly message?: string | undefined;
  readonly userErrorCode?: string | undefined;
}

/** The first frame of a connection. */
export interface ConnectedMessage {
  readonly kind: "connected";
  readonly connectionId: string;
  readonly userId: string;
  /** With a reliable protocol: what recovers the connection. */
  readonly reconnectionToken?: string;
}

/** Says why the service is about to close the connection. */
export interface DisconnectedMessage {
  readonly kind: "disconnected";
  readonly message: string;
}

/** The answer to a message that was sent with an `ackId`. */
export interface AckMessage {
  readonly kind: "ack";
  readonly ackId: Id;
  readonly success: boolean;
  readonly error?: AckMessageError;
}

/** Why the service did not do what it was asked. */
export interface AckMessageError {
  /** `Forbidden`, `InternalServerError`, `Duplicate`, `BadRequest`, `NotFound`, `Timeout`; others may come. */
  readonly name: string;
  readonly message: string;
}

/** The answer to a ping. */
export interface PongMessage {
  readonly kind: "pong";
}

/** The answer to an invocation. */
export interface InvokeResponseMessage {
  readonly kind: "invokeResponse";
  readonly invocationId: string;
  readonly success?: boolean;
  readonly dataType?: WebPubSubDataType;
  readonly data?: JSONTypes | ArrayBuffer;
  readonly error?: AckMessageError;
}

/** The service took everything of a stream before `expectedSequenceId`. */
export interface StreamAckMessage {
  readonly kind: "streamAck";
  readonly streamId: string;
  readonly expectedSequenceId: number;
}

/** The service wants a stream again from `expectedSequenceId`. */
export interface StreamNackMessage {
  readonly kind: "streamNack";
  readonly streamId: string;
  readonly name: string;
  readonly message?: string;
  readonly expectedSequenceId: number;
}

/** The service ended a stream. */
export interface StreamClosedMessage {
  readonly kind: "streamClosed";
  readonly streamId: string;
  readonly error?: { readonly name: string; readonly message?: string };
}

/** The state that one connection keeps in a group. */
export interface GroupStateItem {
  readonly connectionId: string;
  readonly userId?: string;
  /** Absent once it was cleared. */
  readonly state?: Readonly<Record<string, string>>;
  /** When it was set, in milliseconds since 1970. */
  readonly updatedAt: number;
}

/** All states of a group, once it is subscribed to. */
export interface GroupStateSnapshotMessage {
  readonly kind: "groupStateSnapshot";
  readonly group: string;
  /** Its number on this connection, where it has one. */
  readonly sequenceId?: Id;
  readonly items: readonly GroupStateItem[];
}

/** States of a group that changed. */
export interface GroupStateUpdateMessage {
  readonly kind: "groupStateUpdate";
  readonly group: string;
  /** Its number on this connection, where it has one. */
  readonly sequenceId?: Id;
  readonly items: readonly GroupStateItem[];
}

/** Everything that comes from the service. */
export type DownstreamMessage =
  | ConnectedMessage
  | DisconnectedMessage
  | AckMessage
  | GroupDataMessage
  | ServerDataMessage
  | PongMessage
  | InvokeResponseMessage
  | StreamAckMessage
  | StreamNackMessage
  | StreamClosedMessage
  | GroupStateSnapshotMessage
  | GroupStateUpdateMessage;

/** Joins or leaves a group. */
export interface GroupMessage {
  readonly kind: "joinGroup" | "leaveGroup" | "subscribeGroupState" | "unsubscribeGroupState";
  readonly group: string;
  readonly ackId?: Id | undefined;
}

/** Sends to a group, or starts a stream to it. */
export interface SendToGroupMessage {
  readonly kind: "sendToGroup";
  readonly group: string;
  readonly ackId?: Id | undefined;
  readonly noEcho: boolean;
  readonly dataType?: WebPubSubDataType | undefined;
  readonly data?: JSONTypes | BinaryData | undefined;
  readonly stream?: { readonly streamId: string; readonly idleTimeoutInMs?: number | undefined } | undefined;
  /** How long the service keeps it for a connection that is away, in seconds. */
  readonly ttlSeconds?: number | undefined;
  readonly metadata?: Readonly<Record<string, string>> | undefined;
}

/** Sends an event to the event handler. */
export interface SendEventMessage {
  readonly kind: "sendEvent";
  readonly event: string;
  readonly ackId?: Id | undefined;
  readonly dataType: WebPubSubDataType;
  readonly data: JSONTypes | BinaryData;
  readonly metadata?: Readonly<Record<string, string>> | undefined;
}

/** Invokes an event and wants its answer. */
export interface InvokeMessage {
  readonly kind: "invoke";
  readonly invocationId: string;
  readonly target: "event";
  readonly event: string;
  readonly dataType: WebPubSubDataType;
  readonly data: JSONTypes | BinaryData;
}

/** Takes an invocation back. */
export interface CancelInvocationMessage {
  readonly kind: "cancelInvocation";
  readonly invocationId: string;
}

/** A part of a stream, or without a number and data a sign that the stream is alive. */
export interface StreamDataMessage {
  readonly kind: "streamData";
  readonly streamId: string;
  readonly streamSequenceId?: number | undefined;
  readonly dataType?: WebPubSubDataType | undefined;
  readonly data?: JSONTypes | BinaryData | undefined;
}

/** Ends a stream. */
export interface StreamEndMessage {
  readonly kind: "streamEnd";
  readonly streamId: string;
  readonly error?: StreamEndError | undefined;
}

/** Sets what this connection keeps in a group; without a state it is cleared. */
export interface SetGroupStateMessage {
  readonly kind: "setGroupState";
  readonly group: string;
  readonly state?: Readonly<Record<string, string>> | undefined;
  readonly ackId?: Id | undefined;
}

/** Says that everything up to a number has arrived. */
export interface SequenceAckMessage {
  readonly kind: "sequenceAck";
  readonly sequenceId: Id;
}

/** Asks the service for a sign of life. */
export interface PingMessage {
  readonly kind: "ping";
}

/** Everything that goes to the service. */
export type UpstreamMessage =
  | GroupMessage
  | SendToGroupMessage
  | SendEventMessage
  | SequenceAckMessage
  | PingMessage
  | InvokeMessage
  | CancelInvocationMessage
  | StreamDataMessage
  | StreamEndMessage
  | SetGroupStateMessage;

/** Any message. */
export type WebPubSubMessage = DownstreamMessage | UpstreamMessage;
