//! Azure Web PubSub for edge runtimes: the part that decides, without any I/O.
//!
//! Every module is a pure function or a small state machine. Time, randomness and sockets are arguments, so the
//! same code runs natively, in a Cloudflare Worker, and inside the npm package `webpubsub-edge`.
//!
//! | module | what it does |
//! | --- | --- |
//! | [`endpoint`] | reads a connection string and an endpoint |
//! | [`names`] | checks every hub, group, user and connection id, and encodes it for a URL |
//! | [`jwt`] | signs HS256 tokens with a cached key state, verifies them in constant time |
//! | [`token`] | mints client access URLs and the bearer token of a REST call |
//! | [`session`] | the signed session that a caller of the Worker template shows |
//! | [`filter`] | builds an OData filter in which nothing can be injected |
//! | `protocol` | encodes and decodes the frames between clients and the service (features `json` and `protobuf`) |
//! | [`service`] | turns an operation into a signed request and decides what to do with the answer |
//! | `client` | the session of a WebSocket client: it survives, and loses nothing (feature `client`) |
//! | `fetch` | runs the service client over the fetch API of a wasm host (feature `fetch`) |
//!
//! # Mint a client URL
//!
//! ```
//! use webpubsub_edge::endpoint::ConnectionString;
//! use webpubsub_edge::token::{ClientTokenOptions, client_access};
//!
//! let text = "Endpoint=https://example.webpubsub.azure.com;AccessKey=secret;Version=1.0;";
//! let connection = ConnectionString::parse(text)?;
//! let options = ClientTokenOptions { user_id: Some("ann"), ..Default::default() };
//! let now = 1_700_000_000; // seconds since 1970; take it from your host's clock
//! let access = client_access(&connection.endpoint, "chat", &connection.access_key.key(), &options, now)?;
//! assert!(access.url().starts_with("wss://example.webpubsub.azure.com/client/hubs/chat?access_token="));
//! # Ok::<(), webpubsub_edge::Error>(())
//! ```

mod address;
#[cfg(feature = "client")]
pub mod client;
pub mod endpoint;
mod error;
#[cfg(feature = "fetch")]
pub mod fetch;
pub mod filter;
mod json;
pub mod jwt;
pub mod names;
#[cfg(feature = "json")]
pub mod protocol;
pub mod service;
#[cfg(feature = "json")]
pub mod session;
mod text;
pub mod token;

pub use error::{Error, Problem};
