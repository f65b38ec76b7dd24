// The messages between client and service, as the protocols read and write them. The names are those of the official SDK.

/** Everything that JSON can carry. */
export type JSONTypes = string | number | boolean | object | null;

/** Bytes to send: an `ArrayBuffer` or a view, such as a `Uint8Array`. */
export type BinaryData = ArrayBuffer | ArrayBufferView;

/**
 * The type of `data`: any JSON, a string, bytes, or bytes of a serialized `google.protobuf.Any`. The type does not depend
 * on the protocol of the connection.
 */
export type WebPubSubDataType = "binary" | "json" | "text" | "protobuf";

/**
 * An `ackId` or a `sequenceId` with the 64 bits of the service.
 *
 * The messages declare these ids as `number`, as in the official client: both count from 1, so no connection reaches
 * `Number.MAX_SAFE_INTEGER`. A larger id is a `bigint` at run time, so that it stays exact. Code that must handle such ids
 * reads them as `Id`, for example `const id = message.sequenceId as Id | undefined`.
 */
export type Id = number | bigint;

/** The payload of a received message. A comparison of `dataType` tells TypeScript the type of `data`. */
export type Payload<Message = JSONTypes> =
  | { readonly dataType: "json"; readonly data: Message }
  | { readonly dataType: "text"; readonly data: string }
  | { readonly dataType: "binary" | "protobuf"; readonly data: ArrayBuffer };

/** A payload as a protocol reads it, where the types of `dataType` and `data` do not depend on each other. */
export interface ParsedPayload {
  readonly dataType: WebPubSubDataType;
  readonly data: JSONTypes | ArrayBuffer;
}

/** What a message to a group has besides its payload. */
export interface GroupDataHeader {
  readonly kind: "groupData";
  readonly group: string;
  /**
   * The user id of the sender. It is `null` or absent if the sender is an anonymous client or a server, and absent with the
   * protobuf protocols, which do not carry it.
   */
  readonly fromUserId?: string | null;
  /** The number of the message on this connection, with a reliable protocol. See {@link Id} for values above 2^53 - 1. */
  readonly sequenceId?: number;
  /** The place of the message in its stream, if it is part of a stream. */
  readonly stream?: StreamInfo;
  /** The metadata that the sender attached. */
  readonly metadata?: Readonly<Record<string, string>>;
}

/** What a message from a server has besides its payload. */
export interface ServerDataHeader {
  readonly kind: "serverData";
  /** The number of the message on this connection, with a reliable protocol. See {@link Id} for values above 2^53 - 1. */
  readonly sequenceId?: number;
  /** The metadata that the sender attached. */
  readonly metadata?: Readonly<Record<string, string>>;
}

/** A message that a client or a server sent to a group. */
export type GroupDataMessage<Message = JSONTypes> = Payload<Message> & GroupDataHeader;

/** A message that a server sent to this connection, to its user, or to all connections. */
export type ServerDataMessage<Message = JSONTypes> = Payload<Message> & ServerDataHeader;

/** The place of a message in a stream. */
export interface StreamInfo {
  readonly streamId: string;
  /** The number of the part in the stream, from 1. */
  readonly streamSequenceId: number;
  /** Whether this is the last part. */
  readonly endOfStream?: boolean;
  /** Why the stream failed, on the last part. */
  readonly error?: StreamDataError;
}

/** Why a stream failed. */
export interface StreamDataError {
  /** `UserError`, `IdleTimeout`, `InternalServerError`, `Forbidden` or `Cancelled`. The service may add others. */
  readonly name: string;
  readonly message?: string;
  /** The code that the writer gave to `abort`. */
  readonly userErrorCode?: string;
}

/** The error that `abort` of a stream sends to the readers. */
export interface StreamEndError {
  readonly message?: string | undefined;
  readonly userErrorCode?: string | undefined;
}

/** The first frame of a connection. */
export interface ConnectedMessage {
  readonly kind: "connected";
  readonly connectionId: string;
  readonly userId: string;
  /** The token that recovers the connection, with a reliable protocol. */
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
  /** The `ackId` of the message. See {@link Id} for values above 2^53 - 1. */
  readonly ackId: number;
  readonly success: boolean;
  readonly error?: AckMessageError;
}

/** Why the service refused a message. */
export interface AckMessageError {
  /** `Forbidden`, `InternalServerError`, `Duplicate`, `BadRequest`, `NotFound` or `Timeout`. The service may add others. */
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

/** Says that the service has all parts of a stream before `expectedSequenceId`. */
export interface StreamAckMessage {
  readonly kind: "streamAck";
  readonly streamId: string;
  readonly expectedSequenceId: number;
}

/** Asks for the parts of a stream from `expectedSequenceId` again. */
export interface StreamNackMessage {
  readonly kind: "streamNack";
  readonly streamId: string;
  readonly name: string;
  readonly message?: string;
  readonly expectedSequenceId: number;
}

/** Says that the service ended a stream. */
export interface StreamClosedMessage {
  readonly kind: "streamClosed";
  readonly streamId: string;
  readonly error?: { readonly name: string; readonly message?: string };
}

/** The state that one connection keeps in a group. */
export interface GroupStateItem {
  readonly connectionId: string;
  /** The user of the connection. Absent if the connection is anonymous. */
  readonly userId?: string;
  /** The state. Absent if the connection has cleared it. */
  readonly state?: Readonly<Record<string, string>>;
  /** When the state was set, in milliseconds since 1970. */
  readonly updatedAt: number;
}

/** All states of a group, after a subscription. */
export interface GroupStateSnapshotMessage {
  readonly kind: "groupStateSnapshot";
  readonly group: string;
  /** The number of the message on this connection, if it has one. See {@link Id} for values above 2^53 - 1. */
  readonly sequenceId?: number;
  readonly items: readonly GroupStateItem[];
}

/** The states of a group that changed. */
export interface GroupStateUpdateMessage {
  readonly kind: "groupStateUpdate";
  readonly group: string;
  /** The number of the message on this connection, if it has one. See {@link Id} for values above 2^53 - 1. */
  readonly sequenceId?: number;
  readonly items: readonly GroupStateItem[];
}

/** A message from the service. */
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

/** Joins or leaves a group, or starts or stops watching its states. */
export interface GroupMessage {
  readonly kind: "joinGroup" | "leaveGroup" | "subscribeGroupState" | "unsubscribeGroupState";
  readonly group: string;
  readonly ackId?: number;
}

/** Sends to a group, or starts a stream to it. */
export interface SendToGroupMessage {
  readonly kind: "sendToGroup";
  readonly group: string;
  readonly ackId?: number;
  readonly noEcho: boolean;
  readonly dataType?: WebPubSubDataType;
  /** JSON of any kind, a string, an `ArrayBuffer` or a view, as `dataType` says. */
  readonly data?: any;
  readonly stream?: { readonly streamId: string; readonly idleTimeoutInMs?: number };
  /** How long the service keeps the message for a connection that is away, in seconds. */
  readonly ttlSeconds?: number;
  readonly metadata?: Readonly<Record<string, string>>;
}

/** Sends an event to the event handler. */
export interface SendEventMessage {
  readonly kind: "sendEvent";
  readonly event: string;
  readonly ackId?: number;
  readonly dataType: WebPubSubDataType;
  /** JSON of any kind, a string, an `ArrayBuffer` or a view, as `dataType` says. */
  readonly data: any;
  readonly metadata?: Readonly<Record<string, string>>;
}

/** Sends an event to the event handler, and asks for an answer. */
export interface InvokeMessage {
  readonly kind: "invoke";
  readonly invocationId: string;
  readonly target: "event";
  readonly event: string;
  readonly dataType: WebPubSubDataType;
  /** JSON of any kind, a string, an `ArrayBuffer` or a view, as `dataType` says. */
  readonly data: any;
}

/** Cancels an invocation. */
export interface CancelInvocationMessage {
  readonly kind: "cancelInvocation";
  readonly invocationId: string;
}

/** Sends a part of a stream. Without a number and data, it keeps the stream alive. */
export interface StreamDataMessage {
  readonly kind: "streamData";
  readonly streamId: string;
  readonly streamSequenceId?: number;
  readonly dataType?: WebPubSubDataType;
  /** JSON of any kind, a string, an `ArrayBuffer` or a view, as `dataType` says. */
  readonly data?: any;
}

/** Ends a stream. */
export interface StreamEndMessage {
  readonly kind: "streamEnd";
  readonly streamId: string;
  readonly error?: { readonly message?: string; readonly userErrorCode?: string };
}

/** Sets the state of this connection in a group. Without a state, it clears it. */
export interface SetGroupStateMessage {
  readonly kind: "setGroupState";
  readonly group: string;
  readonly state?: Readonly<Record<string, string>>;
  readonly ackId?: number;
}

/** Acknowledges all messages up to a number. */
export interface SequenceAckMessage {
  readonly kind: "sequenceAck";
  readonly sequenceId: number;
}

/** Asks the service for a sign of life. */
export interface PingMessage {
  readonly kind: "ping";
}

/** A message to the service. */
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

/**
 * A message that a protocol read from a frame. It differs from {@link WebPubSubMessage} in two points, so that protocols
 * with the official types fit: a payload is a {@link ParsedPayload}, and of a message to the service only the kind counts,
 * because the client ignores it.
 */
export type ParsedMessage =
  | Exclude<DownstreamMessage, { kind: "groupData" | "serverData" }>
  | (ParsedPayload & GroupDataHeader)
  | (ParsedPayload & ServerDataHeader)
  | { readonly kind: UpstreamMessage["kind"] };
