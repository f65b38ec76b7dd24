//! What holds for any input, tried on many: see random.rs.

mod filters;
pub mod frames;
mod no_loss;
