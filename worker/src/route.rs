//! Finds the route of a path.

/// What a path stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Route<'a> {
    Negotiate,
    Broadcast,
    /// With the group as it stands in the path, still encoded.
    GroupMessages(&'a str),
    Health,
    Unknown,
}

impl<'a> Route<'a> {
    pub fn of(path: &'a str) -> Self {
        let group = path.strip_prefix("/groups/").and_then(|rest| rest.strip_suffix("/messages"));
        match (path, group) {
            ("/negotiate", _) => Route::Negotiate,
            ("/broadcast", _) => Route::Broadcast,
            ("/health", _) => Route::Health,
            (_, Some(group)) if !group.contains('/') => Route::GroupMessages(group),
            _ => Route::Unknown,
        }
    }

    /// Its name in the log.
    pub fn pattern(self) -> &'static str {
        match self {
            Route::Negotiate => "/negotiate",
            Route::Broadcast => "/broadcast",
            Route::GroupMessages(_) => "/groups/{group}/messages",
            Route::Health => "/health",
            Route::Unknown => "unknown",
        }
    }

    /// The methods it takes, as the header `Allow` lists them.
    pub fn methods(self) -> &'static str {
        if self == Route::Health { "GET, HEAD" } else { "POST" }
    }
}

/// Percent-decodes one path segment, once. `None` when an escape is broken or the result is not UTF-8.
pub fn decode(segment: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(segment.len());
    let mut rest = segment.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let mut digit = || char::from(rest.next()?).to_digit(16);
            let (high, low) = (digit()?, digit()?);
            bytes.push(u8::try_from(high << 4 | low).ok()?);
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_have_one_route() {
        for (path, route) in [
            ("/negotiate", Route::Negotiate),
            ("/broadcast", Route::Broadcast),
            ("/health", Route::Health),
            ("/groups/a%2Fb/messages", Route::GroupMessages("a%2Fb")),
            ("/groups//messages", Route::GroupMessages("")),
            ("/groups/a/b/messages", Route::Unknown),
            ("/groups/messages", Route::Unknown),
            ("/groups/a/messages/", Route::Unknown),
            ("/negotiate/", Route::Unknown),
            ("/Negotiate", Route::Unknown),
            ("/", Route::Unknown),
        ] {
            assert_eq!(Route::of(path), route, "{path}");
        }
    }

    #[test]
    fn a_segment_is_decoded_once() {
        for (segment, text) in
            [("a%20b", "a b"), ("a%2Fb", "a/b"), ("%252e", "%2e"), ("%C3%a9", "é"), ("a+b", "a+b"), ("", "")]
        {
            assert_eq!(decode(segment).as_deref(), Some(text), "{segment}");
        }
        for bad in ["%", "%4", "a%zz", "%+1", "%ff", "%C3", "%ed%a0%80"] {
            assert_eq!(decode(bad), None, "{bad}");
        }
    }
}
