//! The emulator as its hosts see it: inputs in, actions out.

#![allow(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used
)]

mod access;
mod budget;
mod clients;
mod control;
mod entra;
mod faults;
mod filters;
mod garbage;
mod group_state;
mod groups;
mod handler;
mod hostile;
mod liveness;
mod log;
mod metadata;
mod permissions;
mod protobuf;
#[path = "../../../tests/soak/random.rs"]
mod random;
mod recordings;
mod recovery;
mod rest;
mod soak;
mod streams;
mod world;
