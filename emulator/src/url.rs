//! Takes a request's URL apart and decodes its parts the way the service does.

/// The parts of an absolute URL, still encoded.
#[derive(Clone, Copy)]
pub(crate) struct Url<'a> {
    pub(crate) scheme: &'a str,
    pub(crate) authority: &'a str,
    /// Begins with a slash.
    pub(crate) path: &'a str,
    /// Without the question mark; empty when there is none.
    pub(crate) query: &'a str,
}

impl<'a> Url<'a> {
    /// `None` when `text` is not an absolute URL.
    pub(crate) fn parse(text: &'a str) -> Option<Url<'a>> {
        let (scheme, rest) = text.split_once("://")?;
        let rest = rest.split('#').next().unwrap_or_default();
        let (before, query) = rest.split_once('?').unwrap_or((rest, ""));
        let path_start = before.find('/').unwrap_or(before.len());
        let (authority, path) = before.split_at(path_start);
        let path = if path.is_empty() { "/" } else { path };
        (!scheme.is_empty() && !authority.is_empty()).then_some(Url { scheme, authority, path, query })
    }

    /// Returns the same URL with the scheme and the host of `base`, if there is one.
    pub(crate) fn at(self, base: Option<&'a str>) -> Url<'a> {
        match base.and_then(Url::parse) {
            Some(Url { scheme, authority, .. }) => Url { scheme, authority, ..self },
            None => self,
        }
    }

    /// The decoded segments of the path; `None` when one is not UTF-8.
    pub(crate) fn segments(&self) -> Option<Vec<String>> {
        self.path.trim_start_matches('/').split('/').map(decode_segment).collect()
    }

    /// The decoded query parameters in order; `None` when one is not UTF-8.
    pub(crate) fn parameters(&self) -> Option<Query> {
        let pairs = self.query.split('&').filter(|pair| !pair.is_empty());
        let decoded = pairs.map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            Some((decode(&name.replace('+', " "))?, decode(&value.replace('+', " "))?))
        });
        decoded.collect::<Option<Vec<_>>>().map(Query)
    }
}

/// Decoded query parameters. Names are compared without regard to case, as ASP.NET does.
pub(crate) struct Query(Vec<(String, String)>);

impl Query {
    /// Every value of a repeated parameter.
    pub(crate) fn all<'q>(&'q self, name: &'q str) -> impl DoubleEndedIterator<Item = &'q str> {
        self.0.iter().filter(move |(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// The last value of a parameter: where one value is meant, the last one wins.
    pub(crate) fn last(&self, name: &str) -> Option<&str> {
        self.0.iter().rev().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }
}

/// Percent-decodes once; a `%` that starts no escape stays. `None` when the result is not UTF-8.
pub(crate) fn decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        match (first, escape(tail)) {
            (b'%', Some(byte)) => {
                bytes.push(byte);
                rest = tail.get(2..).unwrap_or_default();
            }
            _ => {
                bytes.push(first);
                rest = tail;
            }
        }
    }
    String::from_utf8(bytes).ok()
}

/// Decodes one path segment. An encoded slash stays encoded, as it does in the service: `a%2Fb` addresses the
/// name `a%2Fb`, and `a%252Fb` the same.
fn decode_segment(segment: &str) -> Option<String> {
    decode(&segment.replace("%2F", "%252F").replace("%2f", "%252f"))
}

fn escape(after_percent: &[u8]) -> Option<u8> {
    let digits = std::str::from_utf8(after_percent.get(..2)?).ok()?;
    // `from_str_radix` would take a sign, which is no hex digit.
    let hex = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    hex.then(|| u8::from_str_radix(digits, 16).ok())?
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn an_absolute_url_falls_into_its_parts() {
        let url = Url::parse("http://[::1]:80/a/b?c=d?e#f").unwrap();
        assert_eq!((url.scheme, url.authority, url.path, url.query), ("http", "[::1]:80", "/a/b", "c=d?e"));
        assert_eq!(Url::parse("http://h?x").unwrap().path, "/");
        assert!(Url::parse("/only/a/path").is_none());
        assert!(Url::parse("http:///path").is_none());
        let moved = url.at(Some("https://h"));
        assert_eq!((moved.scheme, moved.authority, moved.path, moved.query), ("https", "h", "/a/b", "c=d?e"));
        assert_eq!(url.at(None).authority, "[::1]:80");
    }

    #[test]
    fn a_segment_is_decoded_once_and_keeps_an_encoded_slash() {
        let segments = |path: &str| Url::parse(&format!("http://h{path}")).unwrap().segments();
        assert_eq!(segments("/a%20b/c%2Fd/e%252Fd/f+g").unwrap(), ["a b", "c%2Fd", "e%2Fd", "f+g"]);
        assert_eq!(segments("/%/%4/%zz/%+1").unwrap(), ["%", "%4", "%zz", "%+1"]);
        assert_eq!(segments("/%ff"), None);
    }

    #[test]
    fn parameters_repeat_and_the_last_one_wins() {
        let url = Url::parse("http://h/?a=1&b=x+y%26&A=2&flag&").unwrap();
        let query = url.parameters().unwrap();
        assert_eq!(query.all("a").collect::<Vec<_>>(), ["1", "2"]);
        assert_eq!(query.last("a"), Some("2"));
        assert_eq!(query.last("b"), Some("x y&"));
        assert_eq!(query.last("flag"), Some(""));
        assert_eq!(query.last("none"), None);
    }
}
