//! An emulator of Azure Web PubSub for development and tests, as one state machine.
//!
//! [`Service::handle`] is fed what happens ([`Input`]) and answers with what to do ([`Action`]). It has no clock, no
//! randomness and no sockets, so it runs in any host; with the feature `durable-object` this crate holds one, for
//! `wrangler dev`.
//!
//! # The map
//!
//! | module | what it does |
//! | --- | --- |
//! | `service` | takes in an input, finds its hub, collects the actions |
//! | [`guard`] | keeps other hosts and pages from elsewhere out |
//! | `auth`, `entra` | check tokens and what they may be used for |
//! | `upgrade` | reads what a new WebSocket asks for |
//! | `client` | carries out the frames of a client |
//! | `rest` | carries out the requests of a server, a file for each kind of operation |
//! | `filter` | the filters that choose connections: read and evaluated |
//! | `control` | `/_emulator`: looks into a hub, injects faults |
//! | `hub` | holds connections, groups and users, and delivers messages |
//! | `connection`, `permissions`, `pattern`, `acks`, `reliable` | the state of one client |
//! | `protocol`, `json` | what clients say, and how frames are read and written |
//! | `message`, `frame` | a message, and its one frame for many receivers |
//! | `http`, `url`, `answer` | requests and answers as plain values |
//! | [`limits`] | the numbers of the service |
//! | `local_hub`, `worker_http` | the host (feature `durable-object`) |
//!
//! # What it serves
//!
//! | what | how much of it |
//! | --- | --- |
//! | `/client/hubs/{hub}`, `/client/?hub={hub}` | simple clients in both modes, `json.webpubsub.azure.v1`, `json.reliable.webpubsub.azure.v1` |
//! | frames | `joinGroup`, `leaveGroup`, `sendToGroup`, `ping`, `sequenceAck`; `event` is acknowledged with `InternalServerError`, for there is no handler |
//! | roles | `joinLeaveGroup`, `sendToGroup`, with a group or without; `joinLeaveGroups`, `sendToGroups` with a pattern |
//! | REST | all operations of 2024-12-01, and the same of the four versions before |
//! | filters | the whole language, for sends, `:addToGroups` and `:removeFromGroups` |
//! | `GET /_emulator?hub=` | the connections and groups of a hub |
//! | `POST /_emulator/faults?hub=` | `{"type":"cut"}`, with `connectionId`, `userId` or neither: drops sockets |
//!
//! What it does not have is refused aloud, never ignored: preview versions of REST and `application/x-protobuf` bodies
//! (400, 415), the protobuf and MQTT subprotocols (400), MQTT and Socket.IO paths (404), and `metadata`, streams,
//! invocations and group state in frames (close code 1007).
//!
//! Entra tokens cannot be validated here. They are refused unless the host sets
//! [`Settings::allow_unvalidated_entra_tokens`]; then any token that claims the audience of the service and has not
//! expired is taken, and `:generateToken` works.
//!
//! A 401 has an empty body, as in the service; its header `x-emulator-reason` says why.
//!
//! As in the service, an encoded slash in a path stays encoded: REST reaches the group `a%2Fb`, not `a/b`.

#![forbid(unsafe_code)]
// Types that may hold a token or a URL with one have no `Debug`.

mod acks;
mod answer;
mod auth;
mod client;
mod connection;
mod control;
mod entra;
mod fault;
mod faults;
mod filter;
mod frame;
pub mod guard;
mod host;
mod http;
mod hub;
mod json;
pub mod limits;
#[cfg(feature = "durable-object")]
mod local_hub;
mod message;
mod metadata;
mod network;
mod pattern;
mod permissions;
mod protobuf;
mod protocol;
mod reliable;
mod reply;
mod rest;
mod service;
mod settings;
mod turn;
mod upgrade;
mod url;
#[cfg(feature = "durable-object")]
mod worker_http;

pub use control::{Connected, GroupSize, Injected, Snapshot};
pub use fault::{Direction, FaultType, Injection};
pub use faults::Listed;
pub use frame::{Body, Content, Frame};
pub use host::{Action, Input, RequestId, SocketId};
pub use http::{Request, Response};
#[cfg(feature = "durable-object")]
pub use local_hub::{LocalHub, forward};
pub use service::Service;
pub use settings::{AnonymousConnectPolicy, HubSettings, Settings};

/// The access key that the official emulator publishes. Everybody knows it: it protects nothing.
pub const ACCESS_KEY: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789ABCDEFGH";

/// The hub that is meant where nothing names another.
pub const DEFAULT_HUB: &str = "demo";
