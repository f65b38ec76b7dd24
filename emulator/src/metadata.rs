//! The metadata of a message that a server sends.

use webpubsub_edge::protocol::limits::check_metadata;
use webpubsub_edge::protocol::{FrameError, Metadata};

use crate::http::Request;

/// Reads the metadata from the headers of a REST request. Of a header that appears twice, the last one counts.
///
/// # Errors
/// [`FrameError`] with the limit that is exceeded.
pub(crate) fn of_headers(request: &Request) -> Result<Metadata<'_>, FrameError> {
    let mut metadata = Metadata::new();
    for (name, value) in &request.headers {
        let name = name.to_ascii_lowercase();
        if let Some(key) = name.strip_prefix(HEADER) {
            metadata.retain(|(known, _)| known != key);
            metadata.push((key.to_owned().into(), value.into()));
        }
    }
    check_metadata(&metadata)?;
    Ok(metadata)
}

/// The start of a header name. The key of the metadata follows.
const HEADER: &str = "x-webpubsub-metadata-";

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn the_last_header_of_a_key_counts() {
        let headers = [("X-WebPubSub-Metadata-Kind", "1"), ("x-webpubsub-metadata-kind", "2"), ("x-other", "3")];
        let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
        let request = Request { headers, ..Request::default() };
        assert_eq!(of_headers(&request).unwrap(), [("kind".into(), "2".into())]);
        let headers = vec![("x-webpubsub-metadata-".to_owned(), "1".to_owned())];
        assert!(of_headers(&Request { headers, ..Request::default() }).is_err());
    }
}
