//! Addresses in numbers, as hosts of a URL.
//!
//! The parsers of `std::net` accept the same, and are more than a kilobyte of the npm package's wasm.

use crate::text::{cut, decimal, pieces};

/// Four decimal numbers without leading zeros, which other readers take for octal.
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

/// Appends an IPv6 address as a URL parser writes it, in brackets (RFC 5952: the longest run of two or more zero groups
/// is `::`).
pub(crate) fn push_ipv6(out: &mut String, text: &str) -> Option<()> {
    let groups = ipv6(text)?;
    let (mut run_starts, mut run_length) = (8, 1);
    for start in 0..groups.len() {
        let length = groups.iter().skip(start).take_while(|&&group| group == 0).count();
        if length > run_length {
            (run_starts, run_length) = (start, length);
        }
    }
    out.push('[');
    let mut skip = 0;
    for (index, group) in groups.into_iter().enumerate() {
        if index == run_starts {
            out.push_str("::");
            skip = run_length;
        }
        if skip > 0 {
            skip = skip.saturating_sub(1);
            continue;
        }
        if !out.ends_with([':', '[']) {
            out.push(':');
        }
        push_hex(out, group);
    }
    out.push(']');
    Some(())
}

fn ipv6(text: &str) -> Option<[u16; 8]> {
    let mut groups = [0; 8];
    let mut count = 0usize;
    let mut gap = None;
    let mut rest = text;
    if let Some(after) = text.strip_prefix("::") {
        (gap, rest) = (Some(0), after);
    }
    while !rest.is_empty() {
        let (group, after) = cut(rest, b':').map_or((rest, None), |(group, after)| (group, Some(after)));
        if after.is_none()
            && let Some(address) = ipv4(group)
        {
            *groups.get_mut(count)? = (address >> 16) as u16;
            count = count.saturating_add(1);
            *groups.get_mut(count)? = address as u16;
        } else {
            *groups.get_mut(count)? = hexadecimal(group)?;
        }
        count = count.saturating_add(1);
        rest = match after {
            None => "",
            Some("") => return None,
            Some(after) => match after.strip_prefix(':') {
                Some(_) if gap.is_some() => return None,
                Some(after) => {
                    gap = Some(count);
                    after
                }
                None => after,
            },
        };
    }
    // The groups behind the gap move to the end.
    let missing = 8usize.checked_sub(count)?;
    match gap {
        None if missing > 0 => return None,
        Some(_) if missing == 0 => return None,
        None => {}
        Some(gap) => (gap..count).rev().for_each(|place| groups.swap(place, place.saturating_add(missing))),
    }
    Some(groups)
}

fn hexadecimal(text: &str) -> Option<u16> {
    let digit = |number: u32, c: char| Some(number << 4 | c.to_digit(16)?);
    text.chars().try_fold(0, digit).filter(|_| (1..=4).contains(&text.len())).map(|number| number as u16)
}

fn push_hex(out: &mut String, number: u16) {
    if number >= 16 {
        push_hex(out, number >> 4);
    }
    out.push(char::from_digit(u32::from(number & 0xf), 16).unwrap_or('0'));
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{Ipv4Addr, Ipv6Addr};

    #[test]
    fn addresses_are_those_of_the_standard_library() {
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
        for text in [
            "::",
            "::1",
            "1::",
            "1:2:3:4:5:6:7:8",
            "1::8",
            "::8:7:6:5:4:3:2",
            "2:3:4:5:6:7:8::",
            "::1.2.3.4",
            "1:2:3:4:5:6:1.2.3.4",
            "64:ff9b::1.2.3.4",
            "ffff:FFFF::a",
            "1:0:0:4::",
            "1::0:3:0:0",
            "",
            ":",
            ":::",
            "1",
            "1:",
            ":1",
            "1:2:3:4:5:6:7",
            "1:2:3:4:5:6:7:8:9",
            "1::2::3",
            "::1::",
            "1:2:3:4:5:6:7::8",
            "1:2:3:4::5:6:7:8",
            "12345::",
            "g::",
            "::1.2.3",
            "1.2.3.4::",
            "1:2:3:4:5:6:7:1.2.3.4",
            "::01.2.3.4",
            "1:::2",
            "+1::",
            "::1%1",
            "1.2.3.4",
        ] {
            assert_eq!(ipv6(text), text.parse().ok().map(|address: Ipv6Addr| address.segments()), "{text}");
        }
    }
}
