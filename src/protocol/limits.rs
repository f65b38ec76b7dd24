//! The limits of the client protocol, and the patterns of the names in it.

pub use crate::names::MAX_GROUP_LENGTH;
pub use crate::service::MAX_MESSAGE_BYTES;

use super::{FrameError, Metadata};

/// The longest event name, in ASCII characters.
pub const MAX_EVENT_LENGTH: usize = 128;

/// The longest time to live of a message, in seconds.
pub const MAX_MESSAGE_TTL_SECONDS: u64 = 300;

/// The longest key in the metadata of a message, in bytes.
pub const MAX_METADATA_KEY_BYTES: usize = 256;

/// The longest value in the metadata of a message, in bytes.
pub const MAX_METADATA_VALUE_BYTES: usize = 1024;

/// The largest metadata of a message: all keys and values together, in bytes.
pub const MAX_METADATA_BYTES: usize = 8 * 1024;

/// The error of the service for an invalid group name.
pub const BAD_GROUP: &str = "Invalid group name. Valid group name should be in between 1 and 1024 characters long.";

/// Returns whether the service accepts `name` as a group name. Unlike [`names`](crate::names), it accepts `.` and `..`.
pub fn is_group_name(name: &str) -> bool {
    !name.chars().all(char::is_whitespace) && name.encode_utf16().count() <= MAX_GROUP_LENGTH
}

/// Returns whether the service accepts `name` as the name of a client event: a letter, then up to 127 letters, digits,
/// `_`, `.` and `-`.
pub fn is_event_name(name: &str) -> bool {
    let follows = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte);
    name.len() <= MAX_EVENT_LENGTH
        && name.starts_with(|first: char| first.is_ascii_alphabetic())
        && name.bytes().all(follows)
}

/// Checks the metadata of a message. Keys and values may become HTTP headers, so keys are unique whatever their case.
///
/// # Errors
/// [`FrameError`] with the limit that is exceeded. The text ends without a period.
pub fn check_metadata(metadata: &Metadata<'_>) -> Result<(), FrameError> {
    let is_key_byte = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    let is_value_byte = |byte: u8| byte.is_ascii() && !byte.is_ascii_control();
    let mut total = 0_usize;
    for (index, (key, value)) in metadata.iter().enumerate() {
        if key.is_empty() || key.len() > MAX_METADATA_KEY_BYTES || !key.bytes().all(is_key_byte) {
            return Err(FrameError::new(format!(
                "A key of metadata must have 1 to {MAX_METADATA_KEY_BYTES} letters, digits and characters out of !#$%&'*+-.^_`|~"
            )));
        }
        if value.len() > MAX_METADATA_VALUE_BYTES || !value.bytes().all(is_value_byte) {
            return Err(FrameError::new(format!(
                "A value of metadata must have at most {MAX_METADATA_VALUE_BYTES} printable ASCII characters"
            )));
        }
        if metadata.iter().take(index).any(|(earlier, _)| earlier.eq_ignore_ascii_case(key)) {
            return Err(FrameError::new(format!("The key '{key}' of metadata appears twice")));
        }
        total = total.saturating_add(key.len()).saturating_add(value.len());
        if total > MAX_METADATA_BYTES {
            return Err(FrameError::new(format!(
                "The metadata of a message must have at most {MAX_METADATA_BYTES} bytes"
            )));
        }
    }
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn group_names_are_bounded_and_not_blank() {
        for good in ["g", ".", "..", "a b", "ü", &"x".repeat(1024), &"𝄞".repeat(512)] {
            assert!(is_group_name(good), "{good}");
        }
        for bad in ["", " ", "\t\u{2003}", &"x".repeat(1025), &"𝄞".repeat(513)] {
            assert!(!is_group_name(bad), "{bad}");
        }
    }

    #[test]
    fn event_names_follow_the_pattern_of_the_service() {
        for good in ["e", "E9_.-", &"x".repeat(128)] {
            assert!(is_event_name(good), "{good}");
        }
        for bad in ["", "9", "_a", "a b", "ä", &"x".repeat(129)] {
            assert!(!is_event_name(bad), "{bad}");
        }
    }

    #[test]
    fn metadata_beyond_a_limit_is_refused() {
        let with = |key: &str, value: &str| check_metadata(&vec![(key.into(), value.into())].clone()).is_ok();
        assert!(with("~x.Y", "a b") && with("a", "") && with(&"k".repeat(256), &"v".repeat(1024)));
        for (key, value) in [
            ("k".repeat(257).as_str(), "v"),
            ("k", "v".repeat(1025).as_str()),
            ("", "v"),
            ("a b", "v"),
            ("é", "v"),
            ("k", "é"),
            ("k", "\n"),
        ] {
            assert!(!with(key, value), "{key} {value}");
        }
        let twice: Metadata<'_> = vec![("a".into(), "1".into()), ("A".into(), "2".into())];
        assert_eq!(check_metadata(&twice).unwrap_err().to_string(), "The key 'A' of metadata appears twice");
        let many = |count: usize| (0..count).map(|n| (format!("{n:04}").into(), "v".repeat(1020).into())).collect();
        assert!(check_metadata(&many(8)).is_ok(), "8 KiB are accepted");
        assert!(check_metadata(&many(9)).is_err());
    }
}
