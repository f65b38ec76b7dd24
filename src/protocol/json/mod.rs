//! Encodes and decodes frames as JSON: each frame is one object.

mod downstream;
mod members;
mod object;
mod upstream;

pub use downstream::number_json;
