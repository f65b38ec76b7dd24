//! The functions on texts, which are UTF-16. Each is exact: no language, no culture.

use std::ops::Range;

pub(super) fn lower(text: &[u16]) -> Vec<u16> {
    mapped(text, |character| character.to_lowercase())
}

pub(super) fn upper(text: &[u16]) -> Vec<u16> {
    mapped(text, |character| character.to_uppercase())
}

/// Maps each character that has exactly one counterpart; `ß`, whose capital is two letters, stays.
fn mapped<I: Iterator<Item = char>>(text: &[u16], map: impl Fn(char) -> I) -> Vec<u16> {
    let mut mapped = Vec::with_capacity(text.len());
    for unit in char::decode_utf16(text.iter().copied()) {
        match unit {
            Ok(character) => {
                let mut counterparts = map(character);
                let only = counterparts.next().filter(|_| counterparts.next().is_none());
                mapped.extend_from_slice(only.unwrap_or(character).encode_utf16(&mut [0; 2]));
            }
            // Half a character, left over from a cut.
            Err(half) => mapped.push(half.unpaired_surrogate()),
        }
    }
    mapped
}

pub(super) fn trim(text: &[u16]) -> Vec<u16> {
    let is_space = |unit: &u16| char::from_u32(u32::from(*unit)).is_some_and(char::is_whitespace);
    let Some(start) = text.iter().position(|unit| !is_space(unit)) else {
        return Vec::new();
    };
    let end = text.iter().rposition(|unit| !is_space(unit)).unwrap_or(start);
    text.get(start..=end).unwrap_or_default().to_vec()
}

/// `None` when it begins or ends outside of the text.
pub(super) fn substring(text: &[u16], start: i64, length: Option<i64>) -> Option<Vec<u16>> {
    let start = usize::try_from(start).ok()?;
    let end = match length {
        Some(length) => start.checked_add(usize::try_from(length).ok()?)?,
        None => text.len(),
    };
    text.get(Range { start, end }).map(<[u16]>::to_vec)
}

/// Where `part` begins first. Texts may be cut inside a pair, so the search of `str` gets a character for each unit.
pub(super) fn index_of(text: &[u16], part: &[u16]) -> Option<usize> {
    let text = character_for_each(text);
    let (before, _) = text.split_at_checked(text.find(&character_for_each(part))?)?;
    Some(before.chars().count())
}

/// Half of a pair is no character: one that no unit is stands for it.
fn character_for_each(text: &[u16]) -> String {
    let character = |unit: u32| char::from_u32(unit).or_else(|| char::from_u32(unit | 0x1_0000));
    text.iter().filter_map(|unit| character(u32::from(*unit))).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn utf16(text: &str) -> Vec<u16> {
        text.encode_utf16().collect()
    }

    #[test]
    fn case_is_mapped_one_to_one() {
        assert_eq!(upper(&utf16("aß é𐐨")), utf16("Aß É𐐀"));
        assert_eq!(lower(&utf16("AİÉ𐐀")), utf16("aİé𐐨"));
        assert_eq!(lower(&[0xD800, 0x41]), [0xD800, 0x61]);
    }

    #[test]
    fn trimming_takes_any_space() {
        assert_eq!(trim(&utf16("\t\u{2003}a b\u{a0}\r\n")), utf16("a b"));
        assert!(trim(&utf16("  ")).is_empty());
    }

    #[test]
    fn a_substring_lies_inside() {
        let text = utf16("abc");
        assert_eq!(substring(&text, 1, None).unwrap(), utf16("bc"));
        assert!(substring(&text, 3, None).unwrap().is_empty());
        assert_eq!(substring(&text, 1, Some(2)).unwrap(), utf16("bc"));
        assert!(substring(&text, 0, Some(0)).unwrap().is_empty());
        for (start, length) in [(-1, None), (4, None), (1, Some(3)), (0, Some(-1)), (i64::MAX, Some(i64::MAX))] {
            assert_eq!(substring(&text, start, length), None, "{start} {length:?}");
        }
    }

    #[test]
    fn a_part_is_found_where_it_is_first() {
        assert_eq!(index_of(&utf16("abab"), &utf16("ba")), Some(1));
        assert_eq!(index_of(&utf16("abab"), &[]), Some(0));
        assert_eq!(index_of(&utf16("ab"), &utf16("abc")), None);
        assert_eq!(index_of(&utf16("é𐐨b"), &utf16("b")), Some(3));
        assert_eq!(index_of(&utf16("𐐀𐐨b"), &[0xDC28]), Some(3));
        assert_eq!(index_of(&utf16("𐐨"), &[0xDC00]), None);
    }

    #[test]
    fn a_part_is_found_as_by_trying_every_place() {
        // Every text of up to seven units, and every part of up to four, over two letters.
        let words = |longest: u32| {
            (1..=longest).flat_map(|length| {
                (0..1_u32 << length)
                    .map(move |bits| (0..length).map(|at| (bits >> at & 1) as u16).collect::<Vec<u16>>())
            })
        };
        for text in words(7) {
            for part in words(4) {
                let naive = text.windows(part.len()).position(|window| window == part);
                assert_eq!(index_of(&text, &part), naive, "{part:?} in {text:?}");
            }
        }
    }

    #[test]
    fn a_long_part_takes_no_longer_than_its_text() {
        let (text, part) = (vec![1; 1 << 20], [vec![1; 1 << 19], vec![2]].concat());
        assert_eq!(index_of(&text, &part), None, "2^38 steps when every place is tried");
    }
}
