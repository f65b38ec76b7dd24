//! Appends JSON to a string, exactly as `JSON.stringify` writes it.

/// Appends `text` as a JSON string, quotes included.
pub(crate) fn push_string(out: &mut String, text: &str) {
    out.push('"');
    let mut rest = text;
    // Characters that need no escape are appended together. Most texts have no other characters.
    while let Some((at, byte)) =
        rest.bytes().enumerate().find(|&(_, byte)| byte < b' ' || byte == b'"' || byte == b'\\')
    {
        out.push_str(rest.get(..at).unwrap_or_default());
        rest = rest.get(at.saturating_add(1)..).unwrap_or_default();
        let short = match byte {
            0x8 => b'b',
            b'\t' => b't',
            b'\n' => b'n',
            0xc => b'f',
            b'\r' => b'r',
            b'"' | b'\\' => byte,
            _ => {
                out.push_str(if byte < 0x10 { "\\u000" } else { "\\u001" });
                out.push(char::from_digit(u32::from(byte & 0xf), 16).unwrap_or('0'));
                continue;
            }
        };
        out.push('\\');
        out.push(char::from(short));
    }
    out.push_str(rest);
    out.push('"');
}

/// Appends `texts` as a JSON array of strings.
pub(crate) fn push_strings(out: &mut String, texts: &[&str]) {
    out.push('[');
    for (index, text) in texts.iter().enumerate() {
        out.push_str(if index > 0 { "," } else { "" });
        push_string(out, text);
    }
    out.push(']');
}

/// Appends a decimal number.
pub(crate) fn push_number(out: &mut String, number: u64) {
    if number >= 10 {
        push_number(out, number / 10);
    }
    // The remainder of a division by ten is a digit.
    out.push(char::from_digit((number % 10) as u32, 10).unwrap_or('0'));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_those_of_json_stringify() {
        let mut out = String::new();
        push_string(&mut out, "a\"\\\u{8}\t\n\u{c}\r\u{0}\u{1f}\u{7f}/é\u{2028}😀");
        assert_eq!(out, "\"a\\\"\\\\\\b\\t\\n\\f\\r\\u0000\\u001f\u{7f}/é\u{2028}😀\"");
    }

    #[test]
    fn every_escape_reads_back() -> Result<(), serde_json::Error> {
        let all: String = (0..0x100).filter_map(char::from_u32).collect();
        let mut out = String::new();
        push_strings(&mut out, &[&all, ""]);
        assert_eq!(serde_json::from_str::<Vec<String>>(&out)?, [all.as_str(), ""]);
        Ok(())
    }

    #[test]
    fn numbers_have_no_leading_zero() {
        for number in [0, 7, 10, 1_700_000_000, u64::MAX] {
            let mut out = String::new();
            push_number(&mut out, number);
            assert_eq!(out, number.to_string());
        }
    }
}
