//! Reads several values from one text, which `pkg/src/wasm/packed.ts` writes.
//!
//! | value | how it is written |
//! | --- | --- |
//! | text | its length in UTF-16 code units (JavaScript's `length`), a colon, the text |
//! | number | its decimal digits, a colon |
//! | flag | the number 0 or 1 |
//! | list | the number of its texts, these texts |
//! | pairs | a list of names and values in turn |
//!
//! Because each text has its length, no character in a text can begin another value.

/// Reads packed values from front to back.
pub struct Reader<'a> {
    rest: &'a str,
    /// If true, a code unit is a byte, and no characters have to be counted.
    is_ascii: bool,
}

/// A value that can be read.
pub trait Value<'a> {
    /// Reads the next value.
    fn read(reader: &mut Reader<'a>) -> Self;
}

/// Declares the fields of a function, and reads them in the order of their declaration.
macro_rules! fields {
    (struct $name:ident<$life:lifetime> { $($(#[$comment:meta])* $field:ident: $type:ty,)* }) => {
        struct $name<$life> {
            $($(#[$comment])* $field: $type,)*
        }

        impl<$life> $crate::packed::Value<$life> for $name<$life> {
            fn read(reader: &mut $crate::packed::Reader<$life>) -> Self {
                // A struct's fields are evaluated in the order in which they are written.
                Self { $($field: <$type as $crate::packed::Value>::read(reader),)* }
            }
        }
    };
}
pub(crate) use fields;

impl<'a> Reader<'a> {
    pub fn new(packed: &'a str, is_ascii: bool) -> Self {
        Reader { rest: packed, is_ascii }
    }

    /// Reads the next text. At the end of the input, texts are empty and numbers are 0.
    fn text(&mut self) -> &'a str {
        let mut units = self.number();
        if self.is_ascii {
            return self.split(units as usize);
        }
        let end = self.rest.bytes().position(|byte| {
            // A character starts with any byte but 10xxxxxx, and is two units if it has four bytes.
            let is_start = byte & 0xc0 != 0x80;
            let is_end = is_start && units == 0;
            units = units.saturating_sub(u64::from(is_start) + u64::from(byte >= 0xf0));
            is_end
        });
        self.split(end.unwrap_or(self.rest.len()))
    }

    /// Reads a whole number. Anything else, such as a fraction, is 0. Numbers above 2^56 are not exact.
    fn number(&mut self) -> u64 {
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

    /// Reads the number of items that follow. An item takes at least two bytes.
    fn count(&mut self) -> usize {
        (self.number() as usize).min(self.rest.len() / 2)
    }

    fn split(&mut self, at: usize) -> &'a str {
        let (before, rest) = self.rest.split_at_checked(at).unwrap_or_default();
        self.rest = rest;
        before
    }
}

impl<'a> Value<'a> for &'a str {
    fn read(reader: &mut Reader<'a>) -> Self {
        reader.text()
    }
}

impl<'a> Value<'a> for u64 {
    fn read(reader: &mut Reader<'a>) -> Self {
        reader.number()
    }
}

impl<'a> Value<'a> for bool {
    fn read(reader: &mut Reader<'a>) -> Self {
        reader.number() == 1
    }
}

/// A list.
impl<'a> Value<'a> for Vec<&'a str> {
    fn read(reader: &mut Reader<'a>) -> Self {
        (0..reader.count()).map(|_| reader.text()).collect()
    }
}

/// Pairs.
impl<'a> Value<'a> for Vec<(&'a str, &'a str)> {
    fn read(reader: &mut Reader<'a>) -> Self {
        (0..reader.count() / 2).map(|_| (reader.text(), reader.text())).collect()
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
        assert_eq!(Vec::<&str>::read(&mut reader), ["a\nb", ""]);
        assert!(Vec::<&str>::read(&mut reader).is_empty());
        assert_eq!(reader.number(), 17);
        assert_eq!(reader.text(), "end");
        assert_eq!(reader.number(), 0);
    }

    #[test]
    fn a_count_above_the_input_reads_no_more_than_the_input() {
        assert_eq!(Vec::<&str>::read(&mut Reader::new("18446744073709551615:1:a", true)), ["a"]);
    }

    #[test]
    fn fields_are_read_in_the_order_of_their_declaration() {
        fields! {
            struct Fields<'a> {
                texts: Vec<&'a str>,
                pairs: Vec<(&'a str, &'a str)>,
                number: u64,
                flag: bool,
            }
        }
        let packed = format!("2:{}2:{}7:1:", pack(&["a", "b"]), pack(&["n", "v"]));
        let fields = Fields::read(&mut Reader::new(&packed, true));
        assert_eq!(
            (fields.texts, fields.pairs, fields.number, fields.flag),
            (vec!["a", "b"], vec![("n", "v")], 7, true)
        );
    }

    #[test]
    fn what_is_no_number_is_0() {
        let mut reader = Reader::new("NaN:-1:1.5:Infinity:1e+300:5", true);
        assert_eq!([(); 5].map(|()| reader.number()), [0; 5]);
        assert_eq!(reader.number(), 5);
        assert!(Reader::new("18446744073709551617:", true).number() > 1 << 56);
    }
}
