//! The session of a WebSocket client: it connects, recovers, reconnects, rejoins, repeats and acknowledges, and does no
//! I/O.
//!
//! A [`Session`] is told what happens ([`Input`]) and says what to do ([`Action`]). It has no clock, no socket, no
//! payload and no text: a host keeps each message, group, stream and socket under a number of its own and the session
//! speaks of the numbers. So a payload is never copied into WebAssembly, one call crosses with a few numbers, and
//! every rule is tested by simulation in microseconds.
//!
//! | file | what it decides |
//! | --- | --- |
//! | `options` | the limits and policies, named as in the official SDK |
//! | `input`, `action` | what goes in, what comes out |
//! | `session` | the connection: open, recover, reconnect, keep alive, sleep, stop |
//! | `retry` | how long to wait before the next try |
//! | `clock` | time that leaves out sleep and never goes back |
//! | `messages` | sends, joins and invocations until they are settled |
//! | `index` | finds entries by a number, in constant time |
//! | `groups` | which groups are joined again, and which numbers of groups are in use |
//! | `sequence` | which messages are new, and when they are acknowledged |
//! | `streams` | outbound streams with their replay window, inbound streams with gaps and idle times |
//! | `group_state` | the states in a group, out of snapshots and updates in any order (feature `json`) |
//!
//! # Frames
//!
//! A host in Rust encodes and decodes frames with `protocol` (feature `json`; `protobuf` for the protobuf subprotocols).
//! It handles each frame that arrives as follows:
//!
//! | frame | input of the session |
//! | --- | --- |
//! | `Downstream::Connected` | [`Input::Connected`]; the host keeps the ids for [`recovery_url`] |
//! | `Downstream::Ack` | [`Input::Ack`], with the outcome of [`AckOutcome::of_error`] |
//! | `Downstream::Message` with a sequence id | [`Input::Data`]; the host delivers the message if the answer is true |
//! | `Downstream::Message` without a sequence id | [`Input::Heard`]; the host delivers the message if the answer is true |
//! | `Downstream::Message` with a stream part | as above, but instead of a delivery [`Input::Part`] for each reader of the stream, which gets the part if the answer is true |
//! | `Downstream::GroupState` | [`Input::Data`] with a sequence id, otherwise [`Input::Heard`]; if the answer is true, `GroupStates` takes the items before the host carries out the actions, which may end the connection |
//! | `Downstream::Pong` | [`Input::Pong`] |
//! | `Downstream::InvokeResponse` | [`Input::Response`] |
//! | `Downstream::StreamAck`, `StreamNack`, `StreamClosed` | the input of the same name |
//! | other frames, unknown and malformed ones | [`Input::Heard`] |
//!
//! # A host
//!
//! A host is a loop: carry out the actions, hand in what happens, and call again at [`Session::wake_at`]. This one has
//! a service that answers at once.
//!
//! ```
//! use webpubsub_edge::client::{AckOutcome, Action, Input, NEXT_ACK_ID, Options, Outcome, Session};
//!
//! let mut session = Session::new(Options::default(), 42); // a seed for the jitter: take it from your host
//! let now = 1_700_000_000_000; // milliseconds; take it from your host's clock
//! session.handle(now, Input::Start);
//! session.handle(now, Input::Send { message: 7, ack_id: NEXT_ACK_ID });
//! let mut settled = None;
//! while settled.is_none() {
//!     for action in session.take_actions() {
//!         match action {
//!             // Open a WebSocket; without `recover`, to a fresh URL.
//!             Action::Open { socket, recover } => {
//!                 assert!(!recover);
//!                 session.handle(now, Input::Opened { socket });
//!                 session.handle(now, Input::Connected { socket, recoverable: true });
//!             }
//!             // Write the frame that is kept as message 7, with this ack id; here its ack comes back at once.
//!             Action::Send { message: 7, ack_id } => {
//!                 session.handle(now, Input::Ack { socket: session.socket(), ack_id, outcome: AckOutcome::Success });
//!             }
//!             Action::Settle { message: 7, outcome } => settled = Some(outcome),
//!             _ => {}
//!         }
//!     }
//! }
//! assert_eq!(settled, Some(Outcome::Done));
//! ```

mod action;
mod clock;
#[cfg(feature = "json")]
mod group_state;
mod groups;
mod index;
mod input;
mod messages;
mod options;
mod retry;
mod sequence;
mod session;
mod streams;
#[cfg(test)]
mod tests;

pub use action::{Action, Outcome, StreamProblem};
#[cfg(feature = "json")]
pub use group_state::GroupStates;
pub use input::{AckOutcome, Input, NEXT_ACK_ID, StreamClosing};
pub use options::{Options, Protocol, Retry, RetryMode};
pub use session::{Session, Status};

/// The URL that recovers a connection: the one that made it, with what its `connected` frame told.
pub fn recovery_url(url: &str, connection_id: &str, reconnection_token: &str) -> String {
    let mut recovery = String::from(url);
    for (name, value) in [("awps_connection_id", connection_id), ("awps_reconnection_token", reconnection_token)] {
        recovery.push(if recovery.contains('?') { '&' } else { '?' });
        recovery.push_str(name);
        recovery.push('=');
        crate::names::push_query_value(&mut recovery, value);
    }
    recovery
}
