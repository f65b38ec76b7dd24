//! Several values in one text. A text is its length in UTF-16 code units (JavaScript's `length`), a colon, and itself;
//! a number is its digits and a colon; a list is the number of its items, and these. No character separates texts, so
//! no character in one can make it two. pkg/src/wasm/packed.ts packs them.

/// Reads packed values, front to back.
pub struct Reader<'a> {
    rest: &'a str,
    /// Then a code unit is a byte, and nothing has to be counted.
    is_ascii: bool,
}

impl<'a> Reader<'a> {
    pub fn new(packed: &'a str, is_ascii: bool) -> Self {
        Reader { rest: packed, is_ascii }
    }

    /// The next text; empty at the end.
    pub fn text(&mut self) -> &'a str {
        let mut units = self.number();
        if self.is_ascii {
            return self.split(units as usize);
        }
        let end = self.rest.bytes().position(|byte| {
            // A character starts with any byte but 10xxxxxx, and is two units when it has four bytes.
            let is_start = byte & 0xc0 != 0x80;
            let is_end = is_start && units == 0;
            units = units.saturating_sub(u64::from(is_start) + u64::from(byte >= 0xf0));
            is_end
        });
        self.split(end.unwrap_or(self.rest.len()))
    }

    /// A list of texts.
    pub fn list(&mut self) -> Vec<&'a str> {
        (0..self.number()).map(|_| self.text()).collect()
    }

    /// A list of pairs of texts, one text after the other.
    pub fn pairs(&mut self) -> Vec<(&'a str, &'a str)> {
        (0..self.number() / 2).map(|_| (self.text(), self.text())).collect()
    }

    /// A whole number. What is none, such as a fraction, is 0; what is larger than any that we use is one such.
    pub fn number(&mut self) -> u64 {
        let (mut number, mut is_number) = (0u64, true);
        let end = self.rest.bytes().position(|byte| {
            let digit = byte.wrapping_sub(b'0');
            if digit < 10 && number < 1 << 56 {
                number = number * 10 + u64::from(digit);
            }
            is_number &= digit <= 10;
            byte == b':'
        });
        self.split(end.map_or(self.rest.len(), |end| end + 1));
        if is_number { number } else { 0 }
    }

    fn split(&mut self, at: usize) -> &'a str {
        let (before, rest) = self.rest.split_at_checked(at).unwrap_or_default();
        self.rest = rest;
        before
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pack(texts: &[&str]) -> String {
        texts.iter().map(|text| format!("{}:{text}", text.encode_utf16().count())).collect()
    }

    #[test]
    fn texts_come_back_whatever_they_hold() {
        let texts = ["", "a", "3:abc", "12", ":", "é\n🦀\u{0}", "0", "🦀"];
        let packed = pack(&texts);
        let mut reader = Reader::new(&packed, false);
        assert_eq!(texts.map(|_| reader.text()), texts);
        assert_eq!(reader.text(), "");
        let texts = ["", "a", "3:abc", "12", ":", "\n\u{0}", "0"];
        let packed = pack(&texts);
        let mut reader = Reader::new(&packed, true);
        assert_eq!(texts.map(|_| reader.text()), texts);
        assert_eq!(reader.text(), "");
    }

    #[test]
    fn lists_and_numbers_come_back() {
        let packed = format!("2:{}0:17:{}", pack(&["a\nb", ""]), pack(&["end"]));
        let mut reader = Reader::new(&packed, true);
        assert_eq!(reader.list(), ["a\nb", ""]);
        assert!(reader.list().is_empty());
        assert_eq!(reader.number(), 17);
        assert_eq!(reader.text(), "end");
        assert_eq!(reader.number(), 0);
    }

    #[test]
    fn what_is_no_number_is_0() {
        let mut reader = Reader::new("NaN:-1:1.5:Infinity:1e+300:5", true);
        assert_eq!([(); 5].map(|()| reader.number()), [0; 5]);
        assert_eq!(reader.number(), 5);
        assert!(Reader::new("18446744073709551617:", true).number() > 1 << 56);
    }
}
