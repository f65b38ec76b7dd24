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
//! | `host` | what a host hands in and is told to do |
//! | `settings` | what a service is told once |
//! | `service` | takes in an input, finds its hub, collects the actions |
//! | `turn` | one input being handled: what was decided so far |
//! | `network` | what lies between hubs and sockets: faults act here |
//! | `fault`, `faults` | what can be broken, whom it meets, how long it lasts |
//! | `budget`, `eviction` | counts what is retained for later, and gives up what does not fit |
//! | `admission` | decides whether a request may be carried out, and what it is for |
//! | [`guard`] | keeps other hosts and pages from elsewhere out |
//! | `cors` | lets pages of the origins that are named read answers |
//! | `auth`, `entra` | check tokens and what they may be used for |
//! | `upgrade` | reads what a new WebSocket asks for |
//! | `client` | carries out the frames of a client |
//! | `rest` | carries out the requests of a server, a file for each kind of operation |
//! | `filter` | the filters that choose connections: read and evaluated |
//! | `control` | `/_emulator`: looks into a hub, injects faults |
//! | `event`, `handler` | events and invocations that the host answers |
//! | `streams`, `group_state` | streams to a group, and the states of its connections |
//! | `hub` | holds connections, groups and users, and delivers messages |
//! | `connection`, `permissions`, `pattern`, `acks`, `reliable` | the state of one client |
//! | `message`, `metadata`, `frame` | a message on its way, the metadata of REST calls, and one frame for many receivers |
//! | `http`, `url`, `answer` | requests and answers as plain values |
//! | [`limits`] | the numbers of the service |
//! | `local_hub`, `local_key`, `worker_http` | the host (feature `durable-object`), and its access key |
//!
//! # What it serves
//!
//! | what | how much of it |
//! | --- | --- |
//! | `/client/hubs/{hub}`, `/client/?hub={hub}` | simple clients in both modes, `json.webpubsub.azure.v1`, `protobuf.webpubsub.azure.v1`, and `json.reliable`, `protobuf.reliable` of the same |
//! | frames | `joinGroup`, `leaveGroup`, `sendToGroup`, `ping`, `sequenceAck`, with `metadata`, `ttlSeconds` and `noEcho`; `event`, `invoke` and `cancelInvocation`, answered by the host ([`Service::answer_events`]) or, without it, failed with `InternalServerError` |
//! | streams | to a group, with every ack, nack and close; idle time-outs; they outlive a socket, not a connection |
//! | group state | set, cleared, subscribed to, snapshots and updates |
//! | roles | `joinLeaveGroup`, `sendToGroup`, with a group or without; `joinLeaveGroups`, `sendToGroups` with a pattern; `setGroupState`, `getGroupState`, with a group or without |
//! | recovery | within 30 seconds, in order, of what was not acknowledged and has not outlived its time to live |
//! | keep-alive | a WebSocket ping every 20 seconds or as the hub's settings say; who answers nothing is dropped |
//! | close codes | 1000 by REST, 1003 wrong kind of frame, 1007 malformed frame, 1008 recovery refused, too much unacknowledged, client reads too slowly, or simple client without the role, 1009 over 1 MiB, 1011 event without handler of a simple client |
//! | REST | all operations of 2024-12-01, and the same of the four versions before; bodies of text, JSON, bytes and `application/x-protobuf`; metadata in `X-WebPubSub-Metadata-*` headers |
//! | filters | the whole language, for sends, `:addToGroups` and `:removeFromGroups` |
//! | `GET /_emulator` | the hubs, and how many connections and groups each has; with `?hub=`, the connections and groups of that hub |
//! | `/_emulator/clock` | `GET` reads the clock, `POST` sets it forward |
//! | `/_emulator/faults?hub=` | `POST` injects an [`Injection`], `GET` lists, `DELETE` ends all of the hub, `DELETE /_emulator/faults/{id}` ends one |
//!
//! What it does not have is refused aloud, never ignored: preview versions of REST (400), the MQTT subprotocol (400)
//! and MQTT and Socket.IO paths (404).
//!
//! Invocations, streams and group state were never recorded from the service. They follow the client specification, and
//! what that leaves open is said in `handler`, `streams` and `group_state`.
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
mod admission;
mod answer;
mod auth;
mod budget;
mod client;
mod connection;
mod control;
mod cors;
mod entra;
mod event;
mod eviction;
mod fault;
mod faults;
mod filter;
mod frame;
mod group_state;
pub mod guard;
mod handler;
mod host;
mod http;
mod hub;
pub mod limits;
#[cfg(feature = "durable-object")]
mod local_hub;
#[cfg(feature = "durable-object")]
mod local_key;
mod message;
mod metadata;
mod network;
mod pattern;
mod permissions;
mod reliable;
mod rest;
mod service;
mod settings;
mod streams;
mod turn;
mod upgrade;
mod url;
#[cfg(feature = "durable-object")]
mod worker_http;

pub use control::{Connected, GroupSize, HubSize, Injected, Snapshot};
pub use event::{Event, EventId, EventReply, Payload};
pub use fault::{Direction, FaultType, Injection};
pub use faults::Listed;
pub use frame::{Body, Content, Frame};
pub use host::{Action, Input, RequestId, SocketId};
pub use http::{Request, Response};
#[cfg(feature = "durable-object")]
pub use local_hub::{LocalHub, forward};
#[cfg(feature = "durable-object")]
pub use local_key::{KEY_BINDING, LocalKey, access_key};
pub use service::Service;
pub use settings::{AnonymousConnectPolicy, HubSettings, Settings, StartedBy};

/// The access key that the official emulator publishes. Everybody knows it: it protects nothing.
pub const ACCESS_KEY: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789ABCDEFGH";

/// The hub that is meant where nothing names another.
pub const DEFAULT_HUB: &str = "demo";
