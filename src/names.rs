//! Checks every name that becomes part of a URL or a frame.
//!
//! The patterns of hubs and groups are from the service's OpenAPI document (2024-12-01). This package also refuses `.`
//! and `..`: URL parsers remove these segments even if they are percent-encoded, and `sendToUser("..")` would become
//! a broadcast to the whole hub.

use crate::text::is_blank;
use crate::{Error, Problem};

/// The kinds of names that callers pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Name {
    /// A hub.
    Hub,
    /// A group.
    Group,
    /// A user id.
    User,
    /// A connection id.
    Connection,
    /// A permission: `joinLeaveGroup` or `sendToGroup`, and whatever the service adds.
    Permission,
}

impl Name {
    /// Checks that `text` is a name of this kind. Without `strict`, the patterns of hubs and groups do not apply. The
    /// other rules always hold: a name is not empty, `.` or `..`, and the length of a connection id is limited.
    ///
    /// # Errors
    /// [`Error::Name`] with the rule that the name breaks.
    pub fn check(self, text: &str, strict: bool) -> Result<(), Error> {
        match self.problem(text, strict) {
            Some(problem) => Err(Error::Name { name: self, problem }),
            None => Ok(()),
        }
    }

    fn problem(self, text: &str, strict: bool) -> Option<Problem> {
        match self {
            _ if text.is_empty() => Some(Problem::Empty),
            _ if text == "." || text == ".." => Some(Problem::Dots),
            Name::Connection if is_longer_than(MAX_CONNECTION_ID_LENGTH, text) => Some(Problem::TooLong),
            _ if !strict => None,
            Name::Hub if !is_hub(text) => Some(Problem::HubPattern),
            Name::Group if text.chars().all(is_blank) => Some(Problem::Blank),
            Name::Group if is_longer_than(MAX_GROUP_LENGTH, text) => Some(Problem::TooLong),
            _ => None,
        }
    }
}

/// The maximum length of a group name, in UTF-16 code units (the unit of JavaScript and .NET).
pub const MAX_GROUP_LENGTH: usize = 1024;

/// The longest connection id, counted in the same way. The service publishes no limit, and its ids are far shorter. The
/// limit keeps one id from making a URL that the service refuses for its length.
pub const MAX_CONNECTION_ID_LENGTH: usize = 1024;

fn is_longer_than(limit: usize, text: &str) -> bool {
    text.len() > limit && text.encode_utf16().count() > limit
}

/// Checks a hub name: a letter, then up to 127 letters, digits, `_`, `` ` ``, `,`, `.`, `[`, `]`.
///
/// # Errors
/// [`Error::Name`].
pub fn check_hub(text: &str) -> Result<(), Error> {
    Name::Hub.check(text, true)
}

/// Checks a group name: 1 to [`MAX_GROUP_LENGTH`] characters, not blank, not `.` or `..`.
///
/// # Errors
/// [`Error::Name`].
pub fn check_group(text: &str) -> Result<(), Error> {
    Name::Group.check(text, true)
}

/// Checks a user id: not empty, not `.` or `..`.
///
/// # Errors
/// [`Error::Name`].
pub fn check_user_id(text: &str) -> Result<(), Error> {
    Name::User.check(text, true)
}

/// Checks a connection id: 1 to [`MAX_CONNECTION_ID_LENGTH`] characters, not `.` or `..`.
///
/// # Errors
/// [`Error::Name`].
pub fn check_connection_id(text: &str) -> Result<(), Error> {
    Name::Connection.check(text, true)
}

/// Appends `text` as one path segment, encoded as JavaScript's `encodeURIComponent` does.
pub fn push_segment(out: &mut String, text: &str) {
    push_encoded(out, text, b'\'');
}

/// Appends `text` as a query value. The encoding is that of a path segment, except that a quote becomes `%27`, which is
/// what URL parsers write.
pub fn push_query_value(out: &mut String, text: &str) {
    push_encoded(out, text, b'-');
}

fn push_encoded(out: &mut String, text: &str, quote: u8) {
    for byte in text.bytes() {
        if matches!(byte, b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' | b'-' | b'_' | b'.' | b'!' | b'~' | b'*' | b'(' | b')')
            || byte == quote
        {
            out.push(char::from(byte));
        } else {
            out.push('%');
            for nibble in [byte >> 4, byte & 0xf] {
                out.push(char::from_digit(u32::from(nibble), 16).unwrap_or('0').to_ascii_uppercase());
            }
        }
    }
}

fn is_hub(text: &str) -> bool {
    text.len() <= 128
        && text.as_bytes().first().is_some_and(u8::is_ascii_alphabetic)
        && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'A'..=b'[' | b']' | b'_'..=b'z' | b',' | b'.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hubs_follow_the_pattern_of_the_service() {
        for good in ["a", "Z9", "chat_room", "a`,.[]", "a..", &"h".repeat(128)] {
            assert_eq!(check_hub(good), Ok(()), "{good}");
        }
        for bad in ["", "1hub", "_a", "a b", "a/b", "a-b", "é", "a%", ".", "..", &"h".repeat(129)] {
            assert!(check_hub(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn ids_that_would_address_something_else_are_refused() {
        for check in [check_group, check_user_id, check_connection_id] {
            for bad in ["", ".", ".."] {
                assert!(check(bad).is_err(), "{bad:?}");
            }
            for good in ["...", "a/b", "\\", "%2e%2e", "a b", "日本", "🦀", "..a", "/"] {
                assert_eq!(check(good), Ok(()), "{good:?}");
            }
        }
    }

    #[test]
    fn groups_are_bounded_and_not_blank() {
        assert_eq!(check_group(&"g".repeat(1024)), Ok(()));
        assert!(check_group(&"g".repeat(1025)).is_err());
        // The crab emoji has two UTF-16 code units.
        assert_eq!(check_group(&"🦀".repeat(512)), Ok(()));
        assert!(check_group(&"🦀".repeat(513)).is_err());
        for blank in [" ", "\t\n", "\u{a0}\u{3000}"] {
            assert!(check_group(blank).is_err(), "{blank:?}");
        }
        assert_eq!(check_user_id(" "), Ok(()));
    }

    #[test]
    fn the_length_of_a_connection_id_is_limited_without_strictness_too() {
        for strict in [true, false] {
            assert_eq!(Name::Connection.check(&"c".repeat(1024), strict), Ok(()));
            let problem = Problem::TooLong;
            assert_eq!(
                Name::Connection.check(&"c".repeat(1025), strict),
                Err(Error::Name { name: Name::Connection, problem })
            );
        }
    }

    #[test]
    fn a_name_is_one_path_segment() {
        let mut out = String::new();
        push_segment(&mut out, "a/b c?d#e%f'(x)!*~é");
        assert_eq!(out, "a%2Fb%20c%3Fd%23e%25f'(x)!*~%C3%A9");
        out.clear();
        push_segment(&mut out, "%2e%2e\\🦀\n");
        assert_eq!(out, "%252e%252e%5C%F0%9F%A6%80%0A");
        out.clear();
        push_query_value(&mut out, "userId ne 'a' and not('g1' in groups)");
        assert_eq!(out, "userId%20ne%20%27a%27%20and%20not(%27g1%27%20in%20groups)");
    }
}
