//! Reads protobuf on the wire: varints, and fields with a length. No message of the service has other fields.

use super::FrameError;

/// The value of a field.
#[derive(Clone, Copy)]
pub(super) enum Value<'a> {
    #[cfg_attr(not(feature = "protobuf"), expect(dead_code, reason = "only frames in protobuf have numbers"))]
    Number(u64),
    Bytes(&'a [u8]),
    /// A value of a fixed width. No known field has one.
    Fixed,
}

/// The fields of a message, in the order of the message.
pub(super) struct Fields<'a>(pub(super) &'a [u8]);

impl<'a> Fields<'a> {
    /// Returns the next field with its number, or `None` at the end of the message.
    pub(super) fn next(&mut self) -> Result<Option<(u32, Value<'a>)>, FrameError> {
        if self.0.is_empty() {
            return Ok(None);
        }
        let tag = u32::try_from(self.varint()?).map_err(|_| malformed())?;
        let value = match tag & 7 {
            0 => Value::Number(self.varint()?),
            1 => self.take(8).map(|_| Value::Fixed)?,
            2 => {
                let length = usize::try_from(self.varint()?).map_err(|_| malformed())?;
                Value::Bytes(self.take(length)?)
            }
            5 => self.take(4).map(|_| Value::Fixed)?,
            // Groups, which proto3 does not have, and reserved types.
            _ => return Err(malformed()),
        };
        match tag >> 3 {
            0 => Err(malformed()),
            number => Ok(Some((number, value))),
        }
    }

    fn varint(&mut self) -> Result<u64, FrameError> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let [byte] = self.take(1)? else { return Err(malformed()) };
            let bits = u64::from(byte & 0x7f);
            // The tenth byte has room for one bit only.
            if shift == 63 && bits > 1 {
                return Err(malformed());
            }
            value |= bits << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(malformed())
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], FrameError> {
        let (taken, rest) = self.0.split_at_checked(length).ok_or_else(malformed)?;
        self.0 = rest;
        Ok(taken)
    }
}

/// Returns whether `bytes` are an encoded `google.protobuf.Any`: a message whose field 1, if it has any, is text.
pub(super) fn is_any(bytes: &[u8]) -> bool {
    let (mut fields, mut type_url) = (Fields(bytes), &[][..]);
    loop {
        match fields.next() {
            Ok(Some((1, Value::Bytes(text)))) => type_url = text,
            Ok(Some(_)) => {}
            Ok(None) => return utf8(type_url).is_ok(),
            Err(_) => return false,
        }
    }
}

/// Checks that a field is text.
pub(super) fn utf8(bytes: &[u8]) -> Result<&str, FrameError> {
    std::str::from_utf8(bytes).map_err(|_| malformed())
}

pub(super) fn malformed() -> FrameError {
    FrameError::new("The frame is not a protobuf message of this subprotocol.")
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn truncated_and_overlong_fields_are_malformed() {
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

    #[test]
    fn an_any_has_a_type_url_that_is_text() {
        for good in [&[][..], &[0x0a, 1, b't', 0x12, 1, 7], &[0x12, 0]] {
            assert!(is_any(good), "{good:?}");
        }
        for bad in [&[0x0a][..], &[0x0a, 1, 0xff], b"x"] {
            assert!(!is_any(bad), "{bad:?}");
        }
    }
}
