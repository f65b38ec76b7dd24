//! The client protocol: its frames, their encodings in JSON and protobuf, and the limits of their parts.
//!
//! A client encodes [`Upstream`] and decodes [`Downstream`]. The service does the reverse. Frames borrow what they
//! can: a decoded frame borrows from its input, an encoded frame from the values of its caller.
//!
//! | file | contents |
//! | --- | --- |
//! | `upstream`, `downstream` | the frames of each direction |
//! | `payload` | the content of messages, events and invocations |
//! | `limits` | the limits of the protocol and its patterns of names |
//! | `subprotocol` | the names of the subprotocols |
//! | `json` | encodes and decodes frames as JSON |
//! | `protobuf` | encodes and decodes frames as protobuf (feature `protobuf`) |
//!
//! `tests/vectors/frames.json` contains every frame in both encodings. This module and the TypeScript client run it.

mod downstream;
mod error;
mod json;
pub mod limits;
mod payload;
#[cfg(feature = "protobuf")]
mod protobuf;
mod subprotocol;
mod upstream;
#[cfg(all(test, feature = "protobuf"))]
#[allow(clippy::unwrap_used)]
mod vectors;
mod wire;

use std::borrow::Cow;
use std::collections::BTreeMap;

pub use downstream::{DataMessage, Downstream, ErrorDetail, GroupStateItem, Sender, StreamError, StreamPart};
pub use error::FrameError;
pub use json::number_json;
pub use payload::Payload;
#[cfg(feature = "protobuf")]
pub use protobuf::number_protobuf;
pub use subprotocol::{Encoding, Subprotocol};
pub use upstream::{StreamEndError, Upstream};

/// A text of a frame.
pub type Text<'a> = Cow<'a, str>;

/// The metadata of a message: keys and values in the order of the sender.
pub type Metadata<'a> = Vec<(Text<'a>, Text<'a>)>;

/// The state of a connection in a group: texts by their names.
pub type State<'a> = BTreeMap<Text<'a>, Text<'a>>;
