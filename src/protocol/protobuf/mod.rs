//! Encodes and decodes frames as protobuf: each frame is one message of the package `azure.webpubsub`.
//!
//! Decoders skip unknown fields, so that they understand a newer peer as far as possible.

mod downstream;
mod message;
mod upstream;
mod writer;

pub use downstream::number_protobuf;
