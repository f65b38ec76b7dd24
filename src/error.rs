//! What can be wrong with an argument. Messages name the input and the remedy, and never hold a secret.

use crate::names::Name;

/// An argument that was refused before anything was signed or sent.
///
/// The text of the refused input is never part of the error: it may hold a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// The connection string cannot be used; the text says why.
    ConnectionString(&'static str),
    /// The endpoint cannot be used; the text says why.
    Endpoint(&'static str),
    /// A hub, group, user or connection id cannot be used.
    Name {
        /// Which kind of name.
        name: Name,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// A role is empty.
    Role,
    /// The lifetime of a token is not positive, not finite, or over [`crate::token::MAX_LIFETIME_SECONDS`].
    Lifetime,
    /// The clock reads zero, as `Date.now()` does at the module scope of a Cloudflare Worker.
    Clock,
    /// `clientProtocol` is none of `default`, `mqtt`, `socketio`.
    ClientProtocol,
    /// `messageTtlSeconds` is not a whole number from 0 to 300.
    MessageTtl,
    /// `maxPageSize` is not a whole number from 1 to 200.
    PageSize,
    /// `top` is not a whole number from 1 to 2147483647.
    Top,
    /// A continuation token is empty, or a next link leads to another endpoint.
    ContinuationToken,
    /// The operation does not take a parameter that it was given.
    Parameter,
    /// A custom claim or header of a token is reserved, or not JSON.
    Claim,
    /// A message is over [`crate::service::MAX_MESSAGE_BYTES`].
    MessageTooLarge,
    /// The endpoint is plain http on a host that is not this machine, and that was not allowed.
    InsecureEndpoint,
}

impl Error {
    /// A stable code, the same in Rust and in the npm package.
    pub const fn code(&self) -> &'static str {
        match self {
            Error::ConnectionString(_) => "ERR_CONNECTION_STRING",
            Error::Endpoint(_) => "ERR_ENDPOINT",
            Error::Name { name: Name::Hub, .. } => "ERR_HUB",
            Error::Name { name: Name::Group, .. } => "ERR_GROUP",
            Error::Name { name: Name::User, .. } => "ERR_USER_ID",
            Error::Name { name: Name::Connection, .. } => "ERR_CONNECTION_ID",
            Error::Name { name: Name::Permission, .. } => "ERR_PERMISSION",
            Error::Role => "ERR_ROLE",
            Error::Lifetime => "ERR_EXPIRATION",
            Error::Clock => "ERR_CLOCK",
            Error::ClientProtocol => "ERR_CLIENT_PROTOCOL",
            Error::MessageTtl => "ERR_MESSAGE_TTL",
            Error::PageSize => "ERR_PAGE_SIZE",
            Error::Top => "ERR_TOP",
            Error::ContinuationToken => "ERR_CONTINUATION_TOKEN",
            Error::Parameter => "ERR_PARAMETER",
            Error::Claim => "ERR_CLAIM",
            Error::MessageTooLarge => "ERR_MESSAGE_TOO_LARGE",
            Error::InsecureEndpoint => "ERR_INSECURE_ENDPOINT",
        }
    }

    /// What was wrong, with which input, and what to do. Built without `format!`, which the wasm modules of the
    /// npm package do not carry.
    pub fn message(&self) -> String {
        let (start, end) = match *self {
            Error::ConnectionString(problem) => ("The connection string cannot be used: ", problem),
            Error::Endpoint(problem) => ("The endpoint cannot be used: ", problem),
            Error::Name { name, problem } => (name.sentence_start(), problem),
            Error::Role => ("A role is empty: ", "leave it out, or name one such as webpubsub.sendToGroup."),
            Error::Lifetime => (
                "The expiration time is out of range: ",
                "expirationTimeInMinutes must be a finite number, come to at least one whole second and at most \
                 4294967295 seconds.",
            ),
            Error::Clock => (
                "The clock reads zero, so a token would be born expired: ",
                "at the module scope of a Cloudflare Worker Date.now() is 0. Mint inside a request handler.",
            ),
            Error::ClientProtocol => ("clientProtocol is unknown: ", "use \"default\", \"mqtt\" or \"socketio\"."),
            Error::MessageTtl => {
                ("messageTtlSeconds is out of range: ", "use a whole number from 0 (never expires) to 300.")
            }
            Error::PageSize => ("maxPageSize is out of range: ", "use a whole number from 1 to 200."),
            Error::Top => ("top is out of range: ", "use a whole number from 1 to 2147483647."),
            Error::ContinuationToken => {
                ("The continuation token cannot be used: ", "pass the one of an earlier page of this endpoint.")
            }
            Error::Parameter => ("A parameter cannot be used: ", "this operation does not take it."),
            Error::Claim => (
                "A custom claim or header cannot be used: ",
                "its name is empty or one that the package sets itself, or its value is not JSON.",
            ),
            Error::MessageTooLarge => {
                ("The message is too large: ", "the service takes at most 1 MiB (1048576 bytes) in one message.")
            }
            Error::InsecureEndpoint => (
                "The endpoint is plain http on a host that is not this machine, so the token could be read on the way: ",
                "use https, or set allowInsecureConnection if you are sure.",
            ),
        };
        let mut text = String::from(start);
        text.push_str(end);
        text
    }
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message())
    }
}

impl std::error::Error for Error {}
