//! What senders say about a message beside its payload: short texts under names.

use std::fmt;

use serde::de::{Error, MapAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::http::Request;
use crate::limits::{MAX_METADATA_BYTES, MAX_METADATA_KEY_BYTES, MAX_METADATA_VALUE_BYTES};

/// Values by their keys, in the order in which they were given. Keys are compared without regard to case, for they are
/// the ends of header names too.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Metadata(Vec<(String, String)>);

impl Metadata {
    /// What the headers of a REST request say about its message. Of a header that comes twice the last one counts.
    ///
    /// # Errors
    /// What is wrong.
    pub(crate) fn of(request: &Request) -> Result<Metadata, String> {
        let mut metadata = Metadata::default();
        for (name, value) in &request.headers {
            let name = name.to_ascii_lowercase();
            if let Some(key) = name.strip_prefix(HEADER) {
                metadata.0.retain(|(known, _)| known != key);
                metadata.insert(key.to_owned(), value.clone())?;
            }
        }
        Ok(metadata)
    }

    /// Adds a value.
    ///
    /// # Errors
    /// What is wrong, for whoever wrote it.
    pub(crate) fn insert(&mut self, key: String, value: String) -> Result<(), String> {
        let is_key_byte = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
        if key.is_empty() || key.len() > MAX_METADATA_KEY_BYTES || !key.bytes().all(is_key_byte) {
            return Err(format!(
                "A key of metadata must have 1 to {MAX_METADATA_KEY_BYTES} letters, digits and characters out of !#$%&'*+-.^_`|~"
            ));
        }
        let is_value_byte = |byte: u8| byte.is_ascii() && !byte.is_ascii_control();
        if value.len() > MAX_METADATA_VALUE_BYTES || !value.bytes().all(is_value_byte) {
            return Err(format!(
                "A value of metadata must have at most {MAX_METADATA_VALUE_BYTES} printable ASCII characters"
            ));
        }
        if self.0.iter().any(|(known, _)| known.eq_ignore_ascii_case(&key)) {
            return Err("A key of metadata may come once only".to_owned());
        }
        let bytes = self.0.iter().map(|(key, value)| key.len().saturating_add(value.len()));
        let bytes = bytes.fold(key.len().saturating_add(value.len()), usize::saturating_add);
        if bytes > MAX_METADATA_BYTES {
            return Err(format!("All metadata of a message may have {MAX_METADATA_BYTES} bytes together"));
        }
        self.0.push((key, value));
        Ok(())
    }

    /// The bytes of its keys and values.
    pub(crate) fn bytes(&self) -> usize {
        self.pairs().map(|(key, value)| key.len().saturating_add(value.len())).fold(0, usize::saturating_add)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(key, value)| (key.as_str(), value.as_str()))
    }
}

/// The key follows.
const HEADER: &str = "x-webpubsub-metadata-";

impl Serialize for Metadata {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (key, value) in self.pairs() {
            map.serialize_entry(key, value)?;
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for Metadata {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Metadata, D::Error> {
        struct Object;
        impl<'de> Visitor<'de> for Object {
            type Value = Metadata;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("metadata as an object of strings")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Metadata, A::Error> {
                let mut metadata = Metadata::default();
                while let Some((key, value)) = map.next_entry()? {
                    metadata.insert(key, value).map_err(A::Error::custom)?;
                }
                Ok(metadata)
            }
        }
        deserializer.deserialize_map(Object)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn read(json: &str) -> Result<Metadata, String> {
        serde_json::from_str(json).map_err(|error| error.to_string())
    }

    #[test]
    fn it_comes_back_in_order() {
        let json = r#"{"b":"2","a":"","~x.Y":"a b"}"#;
        assert_eq!(serde_json::to_string(&read(json).unwrap()).unwrap(), json);
    }

    #[test]
    fn what_is_beyond_a_limit_is_refused() {
        let with = |key: &str, value: &str| read(&format!(r#"{{"{key}":"{value}"}}"#));
        assert!(with(&"k".repeat(256), &"v".repeat(1024)).is_ok());
        for (key, value) in [
            ("k".repeat(257).as_str(), "v"),
            ("k", "v".repeat(1025).as_str()),
            ("", "v"),
            ("a b", "v"),
            ("é", "v"),
            ("k", "é"),
            ("k", "\\n"),
        ] {
            assert!(with(key, value).is_err(), "{key} {value}");
        }
        for bad in [r#"{"a":"1","A":"2"}"#, r#"{"a":1}"#, r#"{"a":null}"#, "[]", r#""a""#] {
            assert!(read(bad).is_err(), "{bad}");
        }
        let many = |count: usize| {
            let pairs: Vec<_> = (0..count).map(|n| format!(r#""{n:04}":"{}""#, "v".repeat(1020))).collect();
            read(&format!("{{{}}}", pairs.join(",")))
        };
        assert!(many(8).is_ok(), "8 KiB are taken");
        assert!(many(9).is_err());
    }

    #[test]
    fn headers_carry_it_and_the_last_one_counts() {
        let headers = [("X-WebPubSub-Metadata-Kind", "1"), ("x-webpubsub-metadata-kind", "2"), ("x-other", "3")];
        let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
        let metadata = Metadata::of(&Request { headers, ..Request::default() }).unwrap();
        assert_eq!(metadata.pairs().collect::<Vec<_>>(), [("kind", "2")]);
        let headers = vec![("x-webpubsub-metadata-".to_owned(), "1".to_owned())];
        assert!(Metadata::of(&Request { headers, ..Request::default() }).is_err());
    }
}
