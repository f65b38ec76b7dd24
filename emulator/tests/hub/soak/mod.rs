//! What holds for any input, tried on many: see random.rs.

mod filters;
mod no_loss;
pub mod protobuf;
