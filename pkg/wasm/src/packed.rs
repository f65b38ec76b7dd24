//! Several texts in one string: each is its length in UTF-16 code units (JavaScript's `length`), a colon, and itself.
//! No character separates them, so no character in one can become two.

/// Reads packed texts, front to back.
pub struct Reader<'a>(&'a str);

impl<'a> Reader<'a> {
    pub fn new(packed: &'a str) -> Self {
        Reader(packed)
    }

    /// The next text; empty at the end.
    pub fn text(&mut self) -> &'a str {
        let Some((length, rest)) = self.0.split_once(':') else {
            return "";
        };
        let mut left: usize = length.parse().unwrap_or(0);
        let end = rest.char_indices().find(|(_, c)| {
            let is_end = left == 0;
            left = left.saturating_sub(c.len_utf16());
            is_end
        });
        let (text, rest) = rest.split_at_checked(end.map_or(rest.len(), |(at, _)| at)).unwrap_or((rest, ""));
        self.0 = rest;
        text
    }

    /// A list: its count as a text, then its items.
    pub fn list(&mut self) -> Vec<&'a str> {
        let count: usize = self.text().parse().unwrap_or(0);
        (0..count).map(|_| self.text()).collect()
    }

    /// A list of pairs.
    pub fn pairs(&mut self) -> Vec<(&'a str, &'a str)> {
        self.list().chunks_exact(2).map(|pair| (pair[0], pair[1])).collect()
    }
}

/// Packs texts.
pub fn pack(texts: &[&str]) -> String {
    let mut packed = String::with_capacity(texts.iter().map(|text| text.len() + 8).sum());
    for text in texts {
        push_number(&mut packed, text.encode_utf16().count() as u64);
        packed.push(':');
        packed.push_str(text);
    }
    packed
}

pub fn push_number(out: &mut String, number: u64) {
    if number >= 10 {
        push_number(out, number / 10);
    }
    out.push(char::from(b'0' + (number % 10) as u8));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_come_back_whatever_they_hold() {
        let texts = ["", "a", "3:abc", "12", ":", "é\n🦀\u{0}", "0", "🦀"];
        let packed = pack(&texts);
        let mut reader = Reader::new(&packed);
        assert_eq!(texts.map(|_| reader.text()), texts);
        assert_eq!(reader.text(), "");
    }

    #[test]
    fn lists_come_back() {
        let packed = pack(&["2", "a\nb", "", "0", "end"]);
        let mut reader = Reader::new(&packed);
        assert_eq!(reader.list(), ["a\nb", ""]);
        assert!(reader.list().is_empty());
        assert_eq!(reader.text(), "end");
    }
}
