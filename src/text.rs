//! Splits and trims text at single ASCII bytes.
//!
//! The pattern searches of `str` are general. Each kind adds a kilobyte to the WebAssembly module of the npm package.

/// Splits a text at the first `at`, which must be an ASCII byte.
pub(crate) fn cut(text: &str, at: u8) -> Option<(&str, &str)> {
    let place = text.bytes().position(|byte| byte == at)?;
    Some((text.get(..place)?, text.get(place.saturating_add(1)..)?))
}

/// Splits a text at every `at`, which must be an ASCII byte.
pub(crate) fn pieces(text: &str, at: u8) -> Pieces<'_> {
    Pieces { rest: Some(text), at }
}

pub(crate) struct Pieces<'a> {
    rest: Option<&'a str>,
    at: u8,
}

impl<'a> Iterator for Pieces<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        let rest = self.rest?;
        let (piece, rest) = cut(rest, self.at).map_or((rest, None), |(piece, rest)| (piece, Some(rest)));
        self.rest = rest;
        Some(piece)
    }
}

/// Reads a decimal number of at most 18 digits.
pub(crate) fn decimal(text: &str) -> Option<u64> {
    let mut number = 0u64;
    for byte in text.bytes() {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        number = number.wrapping_mul(10).wrapping_add(digit.into());
    }
    Some(number).filter(|_| (1..=18).contains(&text.len()))
}

/// Removes white space at both ends, as `str::trim` does.
pub(crate) fn trim(mut text: &str) -> &str {
    while let Some(rest) = text.strip_prefix(is_blank) {
        text = rest;
    }
    while let Some(rest) = text.strip_suffix(is_blank) {
        text = rest;
    }
    text
}

/// Returns what `char::is_whitespace` returns, with less code.
pub(crate) fn is_blank(c: char) -> bool {
    matches!(c, '\t'..='\r' | ' ' | '\u{85}' | '\u{a0}' | '\u{1680}' | '\u{2000}'..='\u{200a}' | '\u{2028}' | '\u{2029}' | '\u{202f}' | '\u{205f}' | '\u{3000}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_those_of_split() {
        for text in ["", ";", "a", "a;b", ";;a;", "é;🦀;"] {
            assert!(pieces(text, b';').eq(text.split(';')), "{text}");
            assert_eq!(cut(text, b';'), text.split_once(';'), "{text}");
        }
    }

    #[test]
    fn decimals_are_digits_only() {
        assert_eq!(["0", "007", "999999999999999999"].map(decimal), [Some(0), Some(7), Some(999_999_999_999_999_999)]);
        for text in ["", "+1", "-1", " 1", "1 ", "1.", "a", "/", ":", "1000000000000000000", "99999999999999999999999"]
        {
            assert_eq!(decimal(text), None, "{text}");
        }
    }

    #[test]
    fn blanks_are_those_of_unicode() {
        for c in (0..=0x10_ffff).filter_map(char::from_u32) {
            assert_eq!(is_blank(c), c.is_whitespace(), "{c:?}");
        }
        for text in ["", " ", "a", " a b\t", "\u{a0}é\u{3000}\n"] {
            assert_eq!(trim(text), text.trim());
        }
    }
}
