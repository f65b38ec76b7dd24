//! The frames that the service sends.

use super::{Metadata, Payload, State, Text};

/// A frame that the service sends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Downstream<'a> {
    /// The first frame of a connection.
    Connected {
        /// The id of the connection.
        connection_id: Option<Text<'a>>,
        /// The user of the connection. `None` for an anonymous client.
        user_id: Option<Text<'a>>,
        /// The token that recovers the connection. Only reliable subprotocols have one.
        reconnection_token: Option<Text<'a>>,
    },
    /// The service is about to close the connection.
    Disconnected {
        /// The reason.
        message: Text<'a>,
    },
    /// The answer to a frame with an ack id.
    Ack {
        /// The ack id of that frame.
        ack_id: u64,
        /// Whether the service did what the frame asked for.
        result: Result<(), ErrorDetail<'a>>,
    },
    /// A message of a group or of the server.
    Message(DataMessage<'a>),
    /// The answer to a ping.
    Pong,
    /// The answer to an invocation.
    InvokeResponse {
        /// The id of the invocation.
        invocation_id: Text<'a>,
        /// The content of the answer, if it has any.
        result: Result<Option<Payload<'a>>, ErrorDetail<'a>>,
    },
    /// The service accepted parts of a stream.
    StreamAck {
        /// The id of the stream.
        stream_id: Text<'a>,
        /// The number of the next part. All parts before it were accepted.
        expected_sequence_id: u64,
    },
    /// The service refused a part of a stream.
    StreamNack {
        /// The id of the stream.
        stream_id: Text<'a>,
        /// The number of the next part.
        expected_sequence_id: u64,
        /// The reason.
        error: ErrorDetail<'a>,
    },
    /// A stream of the client has ended.
    StreamClosed {
        /// The id of the stream.
        stream_id: Text<'a>,
        /// The reason, unless the client ended the stream.
        error: Option<ErrorDetail<'a>>,
    },
    /// States of connections in a group.
    GroupState {
        /// The group.
        group: Text<'a>,
        /// The states that changed. A snapshot contains all states that are set.
        items: Vec<GroupStateItem<'a>>,
        /// Whether this is a snapshot.
        is_snapshot: bool,
        /// The number of the frame on this connection, if it has one.
        sequence_id: Option<u64>,
    },
}

/// A message of a group or of the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DataMessage<'a> {
    /// The sender.
    pub from: Sender<'a>,
    /// The content.
    pub payload: Payload<'a>,
    /// What the sender attached.
    pub metadata: Metadata<'a>,
    /// The place of the message in a stream, if it is part of one.
    pub stream: Option<StreamPart<'a>>,
    /// The number of the message on this connection. Only reliable subprotocols have one.
    pub sequence_id: Option<u64>,
}

/// The sender of a message, as its receivers see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sender<'a> {
    /// A server, to everybody, to a user or to this connection.
    Server,
    /// A client or a server, to a group.
    Group {
        /// The group.
        group: Text<'a>,
        /// The user of the sender. `None` for an anonymous client, for a server, and always in protobuf.
        user_id: Option<Text<'a>>,
    },
}

/// The place of a message in a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamPart<'a> {
    /// The id of the stream.
    pub stream_id: Text<'a>,
    /// The number of the part, from 1.
    pub sequence_id: u64,
    /// Whether this is the last part.
    pub is_end: bool,
    /// Why the stream ended early.
    pub error: Option<StreamError<'a>>,
}

/// Why a stream ended early.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamError<'a> {
    /// `UserError` when the publisher ended the stream, otherwise a name of the service such as `IdleTimeout`.
    pub name: Text<'a>,
    /// The text for the readers.
    pub message: Text<'a>,
    /// The code of the publisher.
    pub user_error_code: Option<Text<'a>>,
}

/// Why the service refused something.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ErrorDetail<'a> {
    /// A stable name, such as `Forbidden`.
    pub name: Text<'a>,
    /// The text for the developer.
    pub message: Text<'a>,
}

impl<'a> ErrorDetail<'a> {
    /// Makes an error of its name and text.
    pub fn new(name: impl Into<Text<'a>>, message: impl Into<Text<'a>>) -> ErrorDetail<'a> {
        ErrorDetail { name: name.into(), message: message.into() }
    }
}

/// The state of one connection in a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupStateItem<'a> {
    /// The id of the connection.
    pub connection_id: Text<'a>,
    /// The user of the connection.
    pub user_id: Option<Text<'a>>,
    /// The state. `None` after it was cleared.
    pub state: Option<State<'a>>,
    /// When the state was set, in milliseconds since 1970 by the clock of the service. Of two states of a connection,
    /// the later replaces the earlier.
    pub updated_at: u64,
}

impl GroupStateItem<'_> {
    /// Copies what is borrowed.
    pub fn into_owned(self) -> GroupStateItem<'static> {
        let owned = |text: Text<'_>| Text::Owned(text.into_owned());
        GroupStateItem {
            connection_id: owned(self.connection_id),
            user_id: self.user_id.map(owned),
            state: self.state.map(|state| state.into_iter().map(|(name, text)| (owned(name), owned(text))).collect()),
            updated_at: self.updated_at,
        }
    }
}
