//! Payloads as JavaScript has them: the type that clients call it, and bytes.

use webpubsub_edge_emulator::Payload;

/// The type of a payload, and its bytes.
pub(crate) fn write(payload: &Payload) -> (&'static str, &[u8]) {
    match payload {
        Payload::Text(text) => ("text", text.as_bytes()),
        Payload::Json(text) => ("json", text.as_bytes()),
        Payload::Binary(bytes) => ("binary", bytes),
        Payload::Protobuf(bytes) => ("protobuf", bytes),
    }
}

/// The reverse; what is text must be UTF-8.
pub(crate) fn read(data_type: &str, data: Vec<u8>) -> Result<Payload, String> {
    let text = |data| String::from_utf8(data).map_err(|_| "The answer of the event handler is not UTF-8.".to_owned());
    match data_type {
        "text" => text(data).map(Payload::Text),
        "json" => text(data).map(Payload::Json),
        "binary" => Ok(Payload::Binary(data)),
        "protobuf" => Ok(Payload::Protobuf(data)),
        _ => Err(format!("The answer of the event handler has the unknown type '{data_type}'.")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn payloads_come_back_as_they_were() {
        for payload in [
            Payload::Text("a".to_owned()),
            Payload::Json("[1]".to_owned()),
            Payload::Binary(vec![255]),
            Payload::Protobuf(vec![8, 1]),
        ] {
            let (data_type, data) = write(&payload);
            assert_eq!(read(data_type, data.to_vec()), Ok(payload));
        }
        assert!(read("text", vec![255]).is_err() && read("xml", vec![]).is_err());
    }
}
