//! Reads JSON bodies within limits.

use std::collections::BTreeMap;

use futures_util::TryStreamExt;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use worker::Request;

use crate::refusal::Refusal;

/// Reads a body of at most `limit` bytes. One that is not empty must be declared as JSON.
pub async fn read(request: &mut Request, limit: usize) -> Result<Vec<u8>, Refusal> {
    let header = |name| request.headers().get(name).ok().flatten();
    let declared = header("content-length").and_then(|length| length.parse::<usize>().ok());
    let is_json = header("content-type").is_some_and(|value| is_json(&value));
    if declared.is_some_and(|length| length > limit) {
        return Err(Refusal::payload_too_large(limit));
    }
    let mut body = Vec::new();
    if request.inner().body().is_some() {
        let unreadable = |_| Refusal::bad_request("The body could not be read.");
        let mut chunks = request.stream().map_err(unreadable)?;
        // The declared length may be absent; what counts is what arrives.
        while let Some(chunk) = chunks.try_next().await.map_err(unreadable)? {
            if body.len().saturating_add(chunk.len()) > limit {
                return Err(Refusal::payload_too_large(limit));
            }
            body.extend(chunk);
        }
    }
    if body.is_empty() || is_json { Ok(body) } else { Err(Refusal::unsupported_media_type()) }
}

/// The members of a JSON object, each still as it was written. Members that nobody asks for are ignored.
#[derive(Debug)]
pub struct Members<'a>(BTreeMap<String, &'a RawValue>);

impl<'a> Members<'a> {
    /// An empty body has no members.
    pub fn parse(body: &'a [u8]) -> Result<Self, Refusal> {
        if body.is_empty() {
            return Ok(Members(BTreeMap::new()));
        }
        serde_json::from_slice(body).map(Members).map_err(|_| Refusal::bad_request("The body is not a JSON object."))
    }

    /// A member that may be absent or null.
    pub fn optional<T: DeserializeOwned>(&self, name: &str, kind: &str) -> Result<Option<T>, Refusal> {
        self.0.get(name).map_or(Ok(None), |raw| {
            serde_json::from_str(raw.get()).map_err(|_| Refusal::bad_request(format!("\"{name}\" must be {kind}.")))
        })
    }

    /// Any JSON, null included, as it was written.
    pub fn required(&self, name: &str) -> Result<&'a str, Refusal> {
        self.0.get(name).map(|raw| raw.get()).ok_or_else(|| Refusal::bad_request(format!("\"{name}\" is missing.")))
    }
}

fn is_json(content_type: &str) -> bool {
    let media_type = content_type.split(';').next().unwrap_or_default();
    media_type.trim().eq_ignore_ascii_case("application/json")
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn members_are_read_by_name() {
        let members = Members::parse(br#"{"a":"x","b":["y"],"n":null,"other":{}}"#).unwrap();
        assert_eq!(members.optional::<String>("a", "a string"), Ok(Some("x".into())));
        assert_eq!(members.optional::<Vec<String>>("b", "a list"), Ok(Some(vec!["y".into()])));
        assert_eq!(members.optional::<String>("n", "a string"), Ok(None));
        assert_eq!(members.optional::<String>("absent", "a string"), Ok(None));
    }

    #[test]
    fn a_wrong_type_names_its_member() {
        let members = Members::parse(br#"{"a":7,"b":["y",1],"lone":"\ud800"}"#).unwrap();
        for (name, refusal) in [
            ("a", members.optional::<String>("a", "a string").unwrap_err()),
            ("b", members.optional::<Vec<String>>("b", "a list").unwrap_err()),
            ("lone", members.optional::<String>("lone", "a string").unwrap_err()),
            ("none", members.required("none").unwrap_err()),
        ] {
            assert_eq!(refusal.status, 400);
            assert!(refusal.message.contains(&format!("\"{name}\"")), "{}", refusal.message);
        }
    }

    #[test]
    fn a_message_passes_as_it_was_written() {
        for message in ["null", "1.0", "1e999", "18446744073709551616", r#""\u0041""#, r#"{ "b":1, "a":[ ] }"#] {
            let body = format!(r#"{{"message": {message} }}"#);
            assert_eq!(Members::parse(body.as_bytes()).unwrap().required("message"), Ok(message));
        }
    }

    #[test]
    fn only_objects_are_taken() {
        assert!(Members::parse(b"").is_ok());
        for bad in ["[]", "null", "7", "{", "{} {}", "{a:1}", "\"\"", " ", "{\"a\":01}"] {
            assert_eq!(Members::parse(bad.as_bytes()).unwrap_err().status, 400, "{bad}");
        }
        assert!(Members::parse(b"{\"a\":\"\xff\"}").is_err());
        // Deep nesting must not overflow the stack.
        let deep = format!("{{\"message\":{}{}}}", "[".repeat(400_000), "]".repeat(400_000));
        assert!(Members::parse(deep.as_bytes()).is_ok());
    }

    #[test]
    fn json_is_declared_with_or_without_parameters() {
        for good in ["application/json", "Application/JSON; charset=utf-8", " application/json ;x"] {
            assert!(is_json(good), "{good}");
        }
        for bad in ["", "text/plain", "application/jsonp", "text/plain; application/json"] {
            assert!(!is_json(bad), "{bad}");
        }
    }
}
