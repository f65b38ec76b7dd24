//! The key used last, ready to sign: to make it ready is a quarter of the work of a token.

use std::cell::RefCell;

use webpubsub_edge::jwt::Key;

/// Longer keys are made ready at each call; those of Azure have 44 to 88 characters.
const LONGEST: usize = 128;

/// It lies outside the heap, which each call empties.
struct Known {
    text: [u8; LONGEST],
    length: usize,
    key: Key,
}

thread_local! {
    static LAST: RefCell<Option<Known>> = const { RefCell::new(None) };
}

/// The key of a text.
pub fn key(text: &str) -> Key {
    let text = text.as_bytes();
    LAST.with_borrow_mut(|last| {
        if let Some(known) = last
            && known.text.get(..known.length) == Some(text)
        {
            return known.key.clone();
        }
        let key = Key::new(text);
        let mut known = Known { text: [0; LONGEST], length: text.len(), key: key.clone() };
        if let Some(room) = known.text.get_mut(..text.len()) {
            room.copy_from_slice(text);
            *last = Some(known);
        }
        key
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_text_has_its_own_key() {
        let long = "k".repeat(LONGEST + 1);
        let texts = ["a", "b", "b", "a", "ab", "a", "", &long, &long[1..], &long, "a"];
        for text in texts {
            assert_eq!(key(text).signature(b"m"), Key::new(text.as_bytes()).signature(b"m"), "{text}");
        }
    }
}
