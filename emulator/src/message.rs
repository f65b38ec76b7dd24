//! A message on its way to clients. Each of its frames is encoded once, however many clients receive it.

use std::sync::Arc;

use webpubsub_edge::protocol::{DataMessage, Encoding, Payload};

use crate::budget::Budget;
use crate::frame::{Body, Frame, Unnumbered};

/// A message on its way to clients.
#[derive(Debug)]
pub(crate) struct Outgoing<'a> {
    pub(crate) message: DataMessage<'a>,
    /// How long the message is kept for a lost connection. `None` means as long as the connection is.
    pub(crate) ttl_ms: Option<u64>,
}

/// The frames of one message. Each is encoded for its first receiver and shared with the others.
pub(crate) struct Frames<'m> {
    message: &'m DataMessage<'m>,
    budget: &'m Budget,
    simple: Option<Frame>,
    json: Option<Frame>,
    json_body: Option<Body>,
    protobuf: Option<Frame>,
    protobuf_body: Option<Body>,
}

impl<'m> Frames<'m> {
    pub(crate) fn new(outgoing: &'m Outgoing<'_>, budget: &'m Budget) -> Frames<'m> {
        Frames {
            message: &outgoing.message,
            budget,
            simple: None,
            json: None,
            json_body: None,
            protobuf: None,
            protobuf_body: None,
        }
    }

    /// Returns the frame for a simple client: the bare payload.
    pub(crate) fn simple(&mut self) -> Frame {
        let payload = &self.message.payload;
        let frame = self.simple.get_or_insert_with(|| match payload {
            Payload::Text(text) | Payload::Json(text) => Frame::Text(Arc::from(text.as_ref())),
            Payload::Binary(bytes) | Payload::Protobuf(bytes) => Frame::Binary(Arc::from(bytes.as_ref())),
        });
        frame.clone()
    }

    /// Returns the frame for a subprotocol that is not reliable.
    pub(crate) fn whole(&mut self, encoding: Encoding) -> Frame {
        let message = self.message;
        let frame = match encoding {
            Encoding::Json => self.json.get_or_insert_with(|| Frame::Text(message.to_json().into())),
            Encoding::Protobuf => self.protobuf.get_or_insert_with(|| Frame::Binary(message.to_protobuf().into())),
        };
        frame.clone()
    }

    /// Returns the frame for a reliable subprotocol, without the sequence id.
    pub(crate) fn body(&mut self, encoding: Encoding) -> Body {
        let Frames { message, budget, .. } = *self;
        let body = match encoding {
            Encoding::Json => self
                .json_body
                .get_or_insert_with(|| Body::new(Unnumbered::Json(message.to_unnumbered_json().into()), budget)),
            Encoding::Protobuf => self.protobuf_body.get_or_insert_with(|| {
                Body::new(Unnumbered::Protobuf(message.to_unnumbered_protobuf().into()), budget)
            }),
        };
        body.clone()
    }
}

#[cfg(test)]
mod tests {
    use webpubsub_edge::protocol::Sender;

    use super::*;

    fn outgoing(payload: Payload<'_>) -> Outgoing<'_> {
        let (metadata, stream, sequence_id) = (vec![], None, None);
        Outgoing { message: DataMessage { from: Sender::Server, payload, metadata, stream, sequence_id }, ttl_ms: None }
    }

    #[test]
    fn a_simple_client_gets_the_bare_payload() {
        let budget = Budget::new(0);
        let json = outgoing(Payload::Json(r#""quoted""#.into()));
        assert!(Frames::new(&json, &budget).simple() == Frame::Text(Arc::from(r#""quoted""#)));
        let binary = outgoing(Payload::Binary(vec![1, 2].into()));
        assert!(Frames::new(&binary, &budget).simple() == Frame::Binary(Arc::from([1, 2])));
    }

    #[test]
    fn receivers_of_a_kind_share_one_frame() {
        let message = outgoing(Payload::Text("hi".into()));
        let budget = Budget::new(0);
        let mut frames = Frames::new(&message, &budget);
        let (Frame::Text(first), Frame::Text(second)) = (frames.whole(Encoding::Json), frames.whole(Encoding::Json))
        else {
            unreachable!("JSON frames are text")
        };
        assert!(Arc::ptr_eq(&first, &second));
        assert!(frames.body(Encoding::Protobuf).is_same(&frames.body(Encoding::Protobuf)));
    }
}
