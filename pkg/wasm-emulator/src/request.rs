//! Requests and headers as JavaScript has them.

use webpubsub_edge_emulator::Request;

/// A request; `headers` are names and values in turn, as Node's `rawHeaders`.
pub(crate) fn from_parts(method: String, url: String, headers: Vec<String>, body: Vec<u8>) -> Request {
    let mut headers = headers.into_iter();
    let mut pairs = Vec::new();
    while let (Some(name), Some(value)) = (headers.next(), headers.next()) {
        pairs.push((name, value));
    }
    Request { method, url, headers: pairs, body }
}

/// Names and values in turn.
pub(crate) fn flat(headers: Vec<(&'static str, String)>) -> Vec<String> {
    headers.into_iter().flat_map(|(name, value)| [name.to_owned(), value]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_come_in_pairs() {
        let headers = ["Host", "localhost", "A", "1", "left over"].map(str::to_owned).to_vec();
        let request = from_parts("GET".to_owned(), "http://localhost/".to_owned(), headers, Vec::new());
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(request.headers, [pair("Host", "localhost"), pair("A", "1")]);
        assert_eq!(flat(vec![("a", "1".to_owned()), ("b", "2".to_owned())]), ["a", "1", "b", "2"]);
    }
}
