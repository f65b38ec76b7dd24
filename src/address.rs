//! Reads and writes IP addresses, as URL parsers do.
//!
//! The parsers of `std::net` would add more than a kilobyte to the npm package's WebAssembly module.

use crate::text::{decimal, pieces};

/// Reads an IPv4 address: four decimal numbers. Leading zeros are refused, because some parsers read them as octal.
pub(crate) fn ipv4(text: &str) -> Option<u32> {
    let mut address = 0u32;
    let mut parts = 0u8;
    for part in pieces(text, b'.') {
        let number = decimal(part).filter(|&number| number < 256 && (part.len() == 1 || !part.starts_with('0')))?;
        address = address << 8 | number as u32;
        parts = parts.saturating_add(1);
    }
    Some(address).filter(|_| parts == 4)
}

/// Appends an IPv6 address as a URL parser writes it, in brackets.
#[cfg(feature = "parsers")]
pub(crate) fn push_ipv6(out: &mut String, text: &str) -> Option<()> {
    let address: std::net::Ipv6Addr = text.parse().ok()?;
    out.push_str(&match (address.to_ipv4_mapped(), address.segments()) {
        // The standard library writes the last 32 bits of these addresses in decimal. A URL parser does not.
        (Some(_), [.., high, low]) => format!("[::ffff:{high:x}:{low:x}]"),
        _ => format!("[{address}]"),
    });
    Some(())
}

/// Appends an IPv6 address unchanged. The JavaScript host then rewrites it with its own URL parser.
#[cfg(not(feature = "parsers"))]
pub(crate) fn push_ipv6(out: &mut String, text: &str) -> Option<()> {
    if !text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'A'..=b'F' | b'a'..=b'f' | b':' | b'.')) {
        return None;
    }
    out.push('[');
    out.push_str(text);
    out.push(']');
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    #[test]
    fn ipv4_addresses_are_those_of_the_standard_library() {
        for text in [
            "0.0.0.0",
            "127.0.0.1",
            "255.255.255.255",
            "256.1.1.1",
            "1.2.3",
            "1.2.3.4.5",
            "01.2.3.4",
            "1.2.3.00",
            "",
            "1..2.3",
            "1.2.3.-4",
            "1.2.3.4 ",
            "0x1.2.3.4",
        ] {
            assert_eq!(ipv4(text), text.parse().ok().map(Ipv4Addr::to_bits), "{text}");
        }
    }

    #[cfg(feature = "parsers")]
    #[test]
    fn ipv6_addresses_have_one_form() {
        for (text, form) in [
            ("::", "[::]"),
            ("0:0:0:0:0:0:0:1", "[::1]"),
            ("1::", "[1::]"),
            ("1:0:0:2:3:4:5:6", "[1::2:3:4:5:6]"),
            ("1:0:2:3:4:5:6:7", "[1:0:2:3:4:5:6:7]"),
            ("1:0:0:4::", "[1:0:0:4::]"),
            ("64:FF9B::1.2.3.4", "[64:ff9b::102:304]"),
            ("::1.2.3.4", "[::102:304]"),
            ("::ffff:1.2.3.4", "[::ffff:102:304]"),
            ("::ffff:0:0", "[::ffff:0:0]"),
        ] {
            let mut out = String::new();
            assert_eq!(push_ipv6(&mut out, text), Some(()), "{text}");
            assert_eq!(out, form, "{text}");
        }
        for text in ["", ":", "1", "1::2::3", "12345::", "g::", "::01.2.3.4", "::1%1", "1.2.3.4", "[::1]"] {
            assert_eq!(push_ipv6(&mut String::new(), text), None, "{text}");
        }
    }
}
