//! Events and invocations of clients that a host answers, in place of a web server with an event handler.

/// Names an event that waits for its answer; never used twice in a hub.
pub type EventId = u64;

/// Something that a client asks the hub's handler.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// What to answer it under.
    pub id: EventId,
    /// Whose handler is asked.
    pub hub: String,
    /// Who asks.
    pub connection_id: String,
    /// Which user that is.
    pub user_id: Option<String>,
    /// What is asked; `message` for a frame of a simple client.
    pub name: String,
    /// Whether it is an `invoke` frame: then the answer is its response.
    pub is_invocation: bool,
    /// With what.
    pub payload: Payload,
    /// What is said about it.
    pub metadata: Vec<(String, String)>,
}

/// What an event or its answer carries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Payload {
    /// Text.
    Text(String),
    /// JSON as it is written.
    Json(String),
    /// Bytes.
    Binary(Vec<u8>),
    /// An encoded `google.protobuf.Any`.
    Protobuf(Vec<u8>),
}

impl Payload {
    pub(crate) fn len(&self) -> usize {
        match self {
            Payload::Text(text) | Payload::Json(text) => text.len(),
            Payload::Binary(bytes) | Payload::Protobuf(bytes) => bytes.len(),
        }
    }
}

/// What the handler says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EventReply {
    /// It worked, and this is for the client.
    Done(Option<Payload>),
    /// It did not, for this reason.
    Failed(String),
}
