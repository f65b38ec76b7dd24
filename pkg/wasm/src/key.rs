//! Keeps the key that was used last ready to sign. Preparing a key is a quarter of the work of a token.

use std::cell::RefCell;

use webpubsub_edge::jwt::Key;

thread_local! {
    static LAST: RefCell<Option<(String, Key)>> = const { RefCell::new(None) };
}

/// Longer keys are not kept. Keys of Azure have 44 to 88 characters.
const MAX_KEPT_LENGTH: usize = 128;

/// Returns the key of a text, ready to sign.
pub fn key(text: &str) -> Key {
    LAST.with_borrow_mut(|last| {
        if let Some((known, key)) = last
            && known == text
        {
            return key.clone();
        }
        let key = Key::new(text.as_bytes());
        if text.len() <= MAX_KEPT_LENGTH {
            *last = Some((text.to_owned(), key.clone()));
        }
        key
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_text_has_its_own_key() {
        let long = "k".repeat(MAX_KEPT_LENGTH + 1);
        let texts = ["a", "b", "b", "a", "ab", "a", "", &long, &long[1..], &long, "a"];
        for text in texts {
            assert_eq!(key(text).signature(b"m"), Key::new(text.as_bytes()).signature(b"m"), "{text}");
        }
    }
}
