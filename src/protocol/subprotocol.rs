/// A subprotocol of the service: the encoding of its frames, and whether its connections can be recovered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Subprotocol {
    /// The encoding of its frames.
    pub encoding: Encoding,
    /// Whether messages are numbered, acknowledged and replayed after a recovery.
    pub is_reliable: bool,
}

/// The encoding of frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// Each frame is a JSON object in a text message.
    Json,
    /// Each frame is a protobuf message in a binary message.
    Protobuf,
}

impl Subprotocol {
    /// Finds the subprotocol of a name, whatever its case.
    pub fn named(name: &str) -> Option<Subprotocol> {
        let all = [Encoding::Json, Encoding::Protobuf]
            .into_iter()
            .flat_map(|encoding| [false, true].map(|is_reliable| Subprotocol { encoding, is_reliable }));
        all.into_iter().find(|known| known.name().eq_ignore_ascii_case(name))
    }

    /// Returns the value of `Sec-WebSocket-Protocol`.
    pub const fn name(self) -> &'static str {
        match (self.encoding, self.is_reliable) {
            (Encoding::Json, false) => "json.webpubsub.azure.v1",
            (Encoding::Json, true) => "json.reliable.webpubsub.azure.v1",
            (Encoding::Protobuf, false) => "protobuf.webpubsub.azure.v1",
            (Encoding::Protobuf, true) => "protobuf.reliable.webpubsub.azure.v1",
        }
    }
}
