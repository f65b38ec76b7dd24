//! Payloads as JavaScript has them: the type that clients call it, and bytes.

use webpubsub_edge_emulator::Payload;

/// Returns the type of a payload and its bytes.
pub(crate) fn write(payload: &Payload) -> (&'static str, &[u8]) {
    let bytes = match payload {
        Payload::Text(text) | Payload::Json(text) => text.as_bytes(),
        Payload::Binary(bytes) | Payload::Protobuf(bytes) => bytes,
    };
    (payload.data_type(), bytes)
}

/// The reverse; what is text must be UTF-8.
pub(crate) fn read(data_type: &str, data: Vec<u8>) -> Result<Payload, String> {
    let text = |data| String::from_utf8(data).map_err(|_| "The answer of the event handler is not UTF-8.".to_owned());
    match data_type {
        "text" => text(data).map(Into::into).map(Payload::Text),
        "json" => text(data).map(Into::into).map(Payload::Json),
        "binary" => Ok(Payload::Binary(data.into())),
        "protobuf" => Ok(Payload::Protobuf(data.into())),
        _ => Err(format!("The answer of the event handler has the unknown type '{data_type}'.")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn payloads_come_back_as_they_were() {
        for payload in [
            Payload::Text("a".into()),
            Payload::Json("[1]".into()),
            Payload::Binary(vec![255].into()),
            Payload::Protobuf(vec![8, 1].into()),
        ] {
            let (data_type, data) = write(&payload);
            assert_eq!(read(data_type, data.to_vec()), Ok(payload));
        }
        assert!(read("text", vec![255]).is_err() && read("xml", vec![]).is_err());
    }
}
