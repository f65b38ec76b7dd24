//! Protobuf on the wire, as far as the service's messages need it: varints, and fields that have a length.

use std::error::Error;
use std::fmt;

/// The bytes are not the protobuf message that they should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed;

impl fmt::Display for Malformed {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("The frame is not a protobuf message of this subprotocol.")
    }
}

impl Error for Malformed {}

/// The value of a field.
#[derive(Clone, Copy)]
pub(super) enum Value<'a> {
    Number(u64),
    Bytes(&'a [u8]),
    /// Of a fixed width, which no known field has.
    Fixed,
}

/// The fields of a message, one after the other.
pub(super) struct Fields<'a>(pub(super) &'a [u8]);

impl<'a> Fields<'a> {
    /// The next field with its number; `None` at the end of the message.
    pub(super) fn next(&mut self) -> Result<Option<(u32, Value<'a>)>, Malformed> {
        if self.0.is_empty() {
            return Ok(None);
        }
        let tag = u32::try_from(self.varint()?).map_err(|_| Malformed)?;
        let value = match tag & 7 {
            0 => Value::Number(self.varint()?),
            1 => self.take(8).map(|_| Value::Fixed)?,
            2 => {
                let length = usize::try_from(self.varint()?).map_err(|_| Malformed)?;
                Value::Bytes(self.take(length)?)
            }
            5 => self.take(4).map(|_| Value::Fixed)?,
            // Groups, which proto3 has not, and what is reserved.
            _ => return Err(Malformed),
        };
        match tag >> 3 {
            0 => Err(Malformed),
            number => Ok(Some((number, value))),
        }
    }

    fn varint(&mut self) -> Result<u64, Malformed> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let [byte] = self.take(1)? else { return Err(Malformed) };
            let bits = u64::from(byte & 0x7f);
            // The tenth byte has room for one bit only.
            if shift == 63 && bits > 1 {
                return Err(Malformed);
            }
            value |= bits << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(Malformed)
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], Malformed> {
        let (taken, rest) = self.0.split_at_checked(length).ok_or(Malformed)?;
        self.0 = rest;
        Ok(taken)
    }
}

/// Writes a message.
#[derive(Default)]
pub(super) struct Writer(pub(super) Vec<u8>);

impl Writer {
    pub(super) fn number(&mut self, field: u32, value: u64) {
        self.varint(u64::from(field) << 3);
        self.varint(value);
    }

    pub(super) fn bytes(&mut self, field: u32, bytes: &[u8]) {
        self.tag_with_length(field);
        self.varint(bytes.len() as u64);
        self.0.extend_from_slice(bytes);
    }

    pub(super) fn text(&mut self, field: u32, text: &str) {
        self.bytes(field, text.as_bytes());
    }

    /// Begins a message in this message. What is written from now on belongs to it, until [`Writer::end`] is called
    /// with the result.
    pub(super) fn begin(&mut self, field: u32) -> usize {
        self.tag_with_length(field);
        self.0.len()
    }

    pub(super) fn end(&mut self, start: usize) {
        let end = self.0.len();
        self.varint(end.saturating_sub(start) as u64);
        // The length was not known before; it belongs in front.
        for _ in end..self.0.len() {
            if let Some(byte) = self.0.pop() {
                self.0.insert(start, byte);
            }
        }
    }

    fn tag_with_length(&mut self, field: u32) {
        self.varint(u64::from(field) << 3 | 2);
    }

    fn varint(&mut self, mut value: u64) {
        while value > 0x7f {
            // The cast keeps the lowest bits, which are the ones meant.
            self.0.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_every_length_come_back() {
        for value in [0, 1, 127, 128, 300, u64::from(u32::MAX), 1 << 63, u64::MAX] {
            let mut writer = Writer::default();
            writer.number(17, value);
            let (number, read) = Fields(&writer.0).next().unwrap().unwrap();
            assert!(matches!(read, Value::Number(read) if read == value) && number == 17, "{value}");
        }
    }

    #[test]
    fn a_message_within_a_message_has_its_length_in_front() {
        for length in [0, 1, 126, 127, 128, 16_384] {
            let mut writer = Writer::default();
            let outer = writer.begin(1);
            let inner = writer.begin(2);
            writer.bytes(3, &vec![7; length]);
            writer.end(inner);
            writer.number(4, 5);
            writer.end(outer);
            let Ok(Some((1, Value::Bytes(outer)))) = Fields(&writer.0).next() else { unreachable!() };
            let mut fields = Fields(outer);
            let Ok(Some((2, Value::Bytes(inner)))) = fields.next() else { unreachable!() };
            assert!(matches!(fields.next(), Ok(Some((4, Value::Number(5))))));
            assert!(matches!(Fields(inner).next(), Ok(Some((3, Value::Bytes(bytes)))) if bytes.len() == length));
        }
    }

    #[test]
    fn what_is_cut_off_or_too_long_is_malformed() {
        let overlong = [&[0x08][..], &[0xff; 10], &[0]].concat();
        let overflow = [&[0x08][..], &[0xff; 9], &[2]].concat();
        let wide_tag = [&[0xff; 9][..], &[1, 0]].concat();
        for bad in [
            &[0x08][..],
            &[0x08, 0x80],
            &[0x0a, 1],
            &[0x0a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1],
            &[0x09, 0, 0, 0, 0, 0, 0, 0],
            &[0x0d, 0, 0, 0],
            &[0x0b],
            &[0x0c],
            &[0x0e],
            &[0x0f],
            &[0x00, 0],
            &overlong,
            &overflow,
            &wide_tag,
        ] {
            assert!(Fields(bad).next().is_err(), "{bad:?}");
        }
    }
}
