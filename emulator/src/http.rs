//! Requests and answers as plain values, so that every host can make them from whatever it has.

use crate::url::Url;

/// An HTTP request as a host received it.
#[derive(Clone, Default)]
pub struct Request {
    /// The method, in capitals.
    pub method: String,
    /// The absolute URL that the client asked for. A host that only knows the path joins it to
    /// `http://` and the `Host` header.
    pub url: String,
    /// The headers, names in any case.
    pub headers: Vec<(String, String)>,
    /// The whole body; empty when there is none.
    pub body: Vec<u8>,
}

impl Request {
    /// The value of the first header of this name.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    /// Whether it asks for a WebSocket.
    pub fn is_upgrade(&self) -> bool {
        self.header("upgrade").is_some_and(|protocol| protocol.trim().eq_ignore_ascii_case("websocket"))
    }

    /// The media type of the body, in lower case and without parameters.
    pub(crate) fn media_type(&self) -> Option<String> {
        let value = self.header("content-type")?;
        let media_type = value.split(';').next().unwrap_or_default();
        Some(media_type.trim().to_ascii_lowercase())
    }

    /// The token of an `Authorization: Bearer` header.
    pub(crate) fn bearer(&self) -> Option<&str> {
        let (scheme, token) = self.header("authorization")?.trim().split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
    }

    /// Which host the client believes it talks to.
    pub(crate) fn host<'a>(&'a self, url: &Url<'a>) -> &'a str {
        self.header("host").unwrap_or(url.authority)
    }
}

/// An HTTP answer for a host to write out as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// The headers. An answer to HEAD states the `content-length` of the body it leaves out.
    pub headers: Vec<(&'static str, String)>,
    /// The body; empty when there is none.
    pub body: Vec<u8>,
}

impl Response {
    /// An answer without a body.
    pub(crate) fn empty(status: u16) -> Response {
        let mut response = Response { status, headers: Vec::new(), body: Vec::new() };
        // 204 says by itself that nothing follows; a length there is forbidden by HTTP.
        if status != 204 {
            response.headers.push(("content-length", "0".to_owned()));
        }
        response
    }

    /// An answer with a JSON body of this content type.
    pub(crate) fn json(status: u16, content_type: &str, body: String) -> Response {
        let headers = vec![("content-type", content_type.to_owned()), ("content-length", body.len().to_string())];
        Response { status, headers, body: body.into_bytes() }
    }

    /// The same answer with one more header.
    pub(crate) fn with(mut self, name: &'static str, value: impl Into<String>) -> Response {
        self.headers.push((name, value.into()));
        self
    }

    /// What HEAD gets: the same headers, no body.
    pub(crate) fn without_body(mut self) -> Response {
        self.body.clear();
        self
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_found_in_any_case() {
        let headers = vec![
            ("Content-Type".to_owned(), "Application/JSON; charset=utf-8".to_owned()),
            ("AUTHORIZATION".to_owned(), "bearer abc".to_owned()),
        ];
        let request = Request { headers, ..Request::default() };
        assert_eq!(request.media_type().unwrap(), "application/json");
        assert_eq!(request.bearer(), Some("abc"));
        assert_eq!(request.header("host"), None);
    }

    #[test]
    fn an_upgrade_is_told_by_its_header() {
        for (value, is_upgrade) in [("WebSocket", true), (" websocket ", true), ("h2c", false), ("", false)] {
            let headers = vec![("Upgrade".to_owned(), value.to_owned())];
            assert_eq!(Request { headers, ..Request::default() }.is_upgrade(), is_upgrade, "{value}");
        }
    }

    #[test]
    fn other_authorization_schemes_hold_no_bearer() {
        for value in ["Basic abc", "Bearer", ""] {
            let headers = vec![("authorization".to_owned(), value.to_owned())];
            assert_eq!(Request { headers, ..Request::default() }.bearer(), None, "{value}");
        }
    }

    #[test]
    fn only_204_has_no_length() {
        assert_eq!(Response::empty(202).headers, [("content-length", "0".to_owned())]);
        assert!(Response::empty(204).headers.is_empty());
    }
}
