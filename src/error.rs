//! What can be wrong with an argument. Messages name the input and the remedy, and never hold a secret.

use crate::names::Name;
use crate::text::{cut, pieces};

/// An argument that was refused before anything was signed or sent.
///
/// The text of the refused input is never part of the error: it may hold a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// The connection string cannot be used.
    ConnectionString(Problem),
    /// The endpoint cannot be used.
    Endpoint(Problem),
    /// A hub, group, user or connection id cannot be used.
    Name {
        /// Which kind of name.
        name: Name,
        /// What is wrong with it.
        problem: Problem,
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
    /// A continuation token is empty, or a next link leads to another listing.
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

/// Defines an enum and the texts of its variants, which lie in one string, a line each: so they take fewer bytes in the
/// wasm module of the npm package than a table of strings.
macro_rules! texts {
    ($(#[$about:meta])* $visible:vis enum $name:ident { $($variant:ident $text:literal,)* }) => {
        $(#[$about])*
        $visible enum $name { $(#[doc = $text] $variant,)* }

        impl $name {
            pub(crate) fn text(self) -> &'static str {
                pieces(concat!($($text, "\n"),*), b'\n').nth(self as usize).unwrap_or_default()
            }
        }
    };
}

texts! {
    /// What is wrong with a connection string, an endpoint or a name.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    #[non_exhaustive]
    pub enum Problem {
        Empty "it is empty.",
        Dots "a URL cannot carry \".\" or \"..\" as a name.",
        HubPattern "it must be a letter and up to 127 letters, digits and characters of _`,.[].",
        Blank "it is blank.",
        TooLong "it is longer than 1024 characters.",
        Form "it must be Name=value;Name=value.",
        Twice "it holds a name twice.",
        NoEndpoint "Endpoint is missing or empty.",
        NoKey "AccessKey is missing or empty.",
        NoCredential "it has AuthType and no AccessKey: pass a credential with it.",
        KeyAndCredential "it has an AccessKey beside a credential: leave one out.",
        ControlCharacter "AccessKey holds a control character: copy it again.",
        Port "its port must be a number from 1 to 65535.",
        Scheme "its scheme must be https or http.",
        User "it holds a user name or password.",
        Host "its host must be letters, digits, \"-\" and \"_\" between dots; an international name is written xn--.",
        Ipv4 "its host ends in a number and is not an IPv4 address of four decimal parts.",
        Ipv6 "its host is not an IPv6 address.",
        Path "its path holds a query, a fragment or a character that must be percent-encoded.",
        PathDots "its path holds \".\" or \"..\".",
    }
}

texts! {
    /// How the line of an error begins: its code, a blank, and its message.
    #[derive(Clone, Copy)]
    enum Line {
        ConnectionString "ERR_CONNECTION_STRING The connection string cannot be used: ",
        Endpoint "ERR_ENDPOINT The endpoint cannot be used: ",
        Hub "ERR_HUB The hub name cannot be used: ",
        Group "ERR_GROUP The group name cannot be used: ",
        User "ERR_USER_ID The user id cannot be used: ",
        Connection "ERR_CONNECTION_ID The connection id cannot be used: ",
        Permission "ERR_PERMISSION The permission cannot be used: ",
        Role "ERR_ROLE A role cannot be used: it is empty.",
        Lifetime "ERR_EXPIRATION The expiration time must be from 1 to 4294967295 seconds ahead.",
        Clock "ERR_CLOCK The clock reads 0, as at the module scope of a Cloudflare Worker: mint inside a request handler.",
        ClientProtocol "ERR_CLIENT_PROTOCOL clientProtocol must be default, mqtt or socketio.",
        MessageTtl "ERR_MESSAGE_TTL messageTtlSeconds must be a whole number from 0 to 300.",
        PageSize "ERR_PAGE_SIZE maxPageSize must be a whole number from 1 to 200.",
        Top "ERR_TOP top must be a whole number from 1 to 2147483647.",
        ContinuationToken "ERR_CONTINUATION_TOKEN The continuation token cannot be used: pass one of the same group, hub and endpoint.",
        Parameter "ERR_PARAMETER A parameter cannot be used: this operation does not take it.",
        Claim "ERR_CLAIM A claim or header cannot be used: its name is empty or reserved, or its value is not JSON.",
        MessageTooLarge "ERR_MESSAGE_TOO_LARGE The message is over 1048576 bytes, the most that the service takes.",
        InsecureEndpoint "ERR_INSECURE_ENDPOINT Over plain http to another machine the token can be read: use https, or set allowInsecureConnection.",
    }
}

impl Error {
    /// A stable code, the same in Rust and in the npm package.
    pub fn code(&self) -> &'static str {
        self.parts().0
    }

    /// What was wrong, with which input, and what to do.
    pub fn message(&self) -> String {
        let (_, start, end) = self.parts();
        [start, end].concat()
    }

    /// Appends the code, a blank and the message. (The wasm module of the npm package carries no `core::fmt`.)
    pub fn push_line(&self, out: &mut String) {
        let (line, problem) = self.texts();
        out.push_str(line.text());
        out.push_str(problem.map_or("", Problem::text));
    }

    fn parts(&self) -> (&'static str, &'static str, &'static str) {
        let (line, problem) = self.texts();
        let (code, start) = cut(line.text(), b' ').unwrap_or_default();
        (code, start, problem.map_or("", Problem::text))
    }

    fn texts(&self) -> (Line, Option<Problem>) {
        let line = match *self {
            Error::ConnectionString(problem) => return (Line::ConnectionString, Some(problem)),
            Error::Endpoint(problem) => return (Line::Endpoint, Some(problem)),
            Error::Name { name, problem } => {
                let line = match name {
                    Name::Hub => Line::Hub,
                    Name::Group => Line::Group,
                    Name::User => Line::User,
                    Name::Connection => Line::Connection,
                    Name::Permission => Line::Permission,
                };
                return (line, Some(problem));
            }
            Error::Role => Line::Role,
            Error::Lifetime => Line::Lifetime,
            Error::Clock => Line::Clock,
            Error::ClientProtocol => Line::ClientProtocol,
            Error::MessageTtl => Line::MessageTtl,
            Error::PageSize => Line::PageSize,
            Error::Top => Line::Top,
            Error::ContinuationToken => Line::ContinuationToken,
            Error::Parameter => Line::Parameter,
            Error::Claim => Line::Claim,
            Error::MessageTooLarge => Line::MessageTooLarge,
            Error::InsecureEndpoint => Line::InsecureEndpoint,
        };
        (line, None)
    }
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (_, start, end) = self.parts();
        f.write_str(start)?;
        f.write_str(end)
    }
}

impl std::error::Error for Error {}
