//! The frames of the service's WebSocket subprotocols, as a client and the emulated service both speak them.

pub mod protobuf;
mod wire;

pub use wire::Malformed;
