//! Reads the frames of the protobuf subprotocols, for hosts in Rust (features `json` and `protobuf`).
//!
//! [`read`] makes of what arrived the same [`Frame`] that [`json`](super::json) makes of the JSON subprotocols, so that a
//! host does the same with both. What a host sends is written by
//! [`Upstream::encode`](crate::protocol::protobuf::Upstream::encode).

use super::json::{Data, ErrorDetail, Frame, Message, Metadata, StreamDataError, StreamPart};
use super::{AckOutcome, StateItem};
use crate::protocol::protobuf as wire;
use wire::{DataMessage, Downstream, Failure, GroupState, StreamInfo};

/// Reads a frame; `None` when it is none. A message does not say who sent it: this subprotocol does not tell.
pub fn read(frame: &[u8]) -> Option<Frame> {
    let Some(frame) = Downstream::decode(frame).ok()? else { return Some(Frame::Unknown) };
    Some(match frame {
        Downstream::Connected { connection_id, user_id, reconnection_token } => Frame::Connected {
            connection_id: filled(connection_id),
            user_id: filled(user_id),
            reconnection_token: reconnection_token.map(str::to_owned),
        },
        Downstream::Disconnected { reason } => Frame::Disconnected { message: reason.to_owned() },
        Downstream::Ack { ack_id, success, error } => {
            let error = (!success).then(|| error.map(detail).unwrap_or_default());
            let outcome = error.as_ref().map_or(AckOutcome::Success, |error| AckOutcome::of_error(&error.name));
            Frame::Ack { ack_id, outcome, error }
        }
        Downstream::Data(message, sequence_id) => return data_message(message, sequence_id),
        Downstream::Pong => Frame::Pong,
        Downstream::InvokeResponse { invocation_id, success, data: payload, error, .. } => {
            let result = if success {
                Ok(payload.map(data).map_or(Some(None), |data| data.map(Some))?)
            } else {
                Err(error.map(detail).unwrap_or_default())
            };
            Frame::InvokeResponse { invocation_id: invocation_id.to_owned(), result }
        }
        Downstream::StreamAck { stream_id, expected_sequence_id } => {
            Frame::StreamAck { stream_id: stream_id.to_owned(), expected: expected_sequence_id }
        }
        Downstream::StreamNack { stream_id, name, message, expected_sequence_id } => Frame::StreamNack {
            stream_id: stream_id.to_owned(),
            expected: expected_sequence_id,
            error: detail(Failure { name, message }),
        },
        Downstream::StreamClosed { stream_id, error } => {
            Frame::StreamClosed { stream_id: stream_id.to_owned(), error: error.map(detail) }
        }
        Downstream::GroupStateUpdate(states) => group_state(states, false)?,
        Downstream::GroupStateSnapshot(states) => group_state(states, true)?,
    })
}

fn data_message(message: DataMessage<'_>, sequence_id: Option<u64>) -> Option<Frame> {
    let stream = message.stream.map(stream_part);
    let owned = |(name, text): (&str, &str)| (name.to_owned(), text.to_owned());
    let metadata: Metadata = message.metadata.into_iter().map(owned).collect();
    // The end of a stream may carry nothing, and so may a message of metadata alone.
    let empty = (stream.is_some() || !metadata.is_empty()).then(|| Data::Text(String::new()));
    let data = message.data.map_or(empty, data)?;
    let group = message.group.map(str::to_owned);
    Some(Frame::Message(Message { group, from_user_id: None, data, sequence_id, metadata, stream }))
}

fn data(data: wire::Data<'_>) -> Option<Data> {
    Some(match data {
        wire::Data::Text(text) => Data::Text(text.to_owned()),
        wire::Data::Binary(bytes) => Data::Binary(bytes.to_vec()),
        wire::Data::Any(bytes) => Data::Protobuf(bytes.to_vec()),
        wire::Data::Json(text) => Data::Json(serde_json::from_str(text).ok()?),
    })
}

fn stream_part(stream: StreamInfo<'_>) -> StreamPart {
    StreamPart {
        stream_id: stream.stream_id.to_owned(),
        sequence_id: stream.stream_sequence_id,
        is_end: stream.end_of_stream,
        error: stream.error.map(|(Failure { name, message }, code)| StreamDataError {
            name: name.to_owned(),
            message: message.to_owned(),
            user_error_code: filled(code),
        }),
    }
}

fn group_state(states: GroupState<'_>, is_snapshot: bool) -> Option<Frame> {
    let owned = |(name, text): (&str, &str)| (name.to_owned(), text.to_owned());
    let mut items = Vec::with_capacity(states.items.len());
    for item in states.items {
        items.push(StateItem {
            connection_id: item.connection_id.to_owned(),
            user_id: item.user_id.and_then(filled),
            state: item.state.map(|state| state.into_iter().map(owned).collect()),
            updated_at: u64::try_from(item.updated_at).ok()?,
        });
    }
    Some(Frame::GroupState { group: states.group.to_owned(), items, is_snapshot })
}

fn detail(failure: Failure<'_>) -> ErrorDetail {
    ErrorDetail { name: failure.name.to_owned(), message: failure.message.to_owned() }
}

/// In protobuf, a text that is empty is one that is not there.
fn filled(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::json;

    use super::*;

    fn read_back(frame: Downstream<'_>) -> Option<Frame> {
        read(&frame.encode())
    }

    #[test]
    fn what_is_about_the_connection() {
        let connected = Downstream::Connected { connection_id: "c", user_id: "", reconnection_token: Some("t") };
        let (connection_id, reconnection_token) = (Some("c".to_owned()), Some("t".to_owned()));
        assert_eq!(read_back(connected), Some(Frame::Connected { connection_id, user_id: None, reconnection_token }));
        let disconnected = Frame::Disconnected { message: "m".to_owned() };
        assert_eq!(read_back(Downstream::Disconnected { reason: "m" }), Some(disconnected));
        assert_eq!(read_back(Downstream::Pong), Some(Frame::Pong));
        assert_eq!(read(&[]), Some(Frame::Unknown));
        assert_eq!(read(&[0x0a, 0x05, 0x01]), None);
    }

    #[test]
    fn acks() {
        for (success, name, outcome) in [
            (true, "", AckOutcome::Success),
            (false, "Duplicate", AckOutcome::Duplicate),
            (false, "Timeout", AckOutcome::Transient),
            (false, "Forbidden", AckOutcome::Refused),
        ] {
            let failure = (!success).then_some(Failure { name, message: "m" });
            let error = failure.map(detail);
            let frame = Downstream::Ack { ack_id: u64::MAX, success, error: failure };
            assert_eq!(read_back(frame), Some(Frame::Ack { ack_id: u64::MAX, outcome, error }));
        }
        let error = Some(ErrorDetail::default());
        let refused = Frame::Ack { ack_id: 1, outcome: AckOutcome::Refused, error };
        assert_eq!(read_back(Downstream::Ack { ack_id: 1, success: false, error: None }), Some(refused));
    }

    #[test]
    fn messages() {
        let message = |data, stream| DataMessage { from: "group", group: Some("g"), data, metadata: vec![], stream };
        let expected = |data, sequence_id, stream| {
            let (group, metadata) = (Some("g".to_owned()), Metadata::new());
            Some(Frame::Message(Message { group, from_user_id: None, data, sequence_id, metadata, stream }))
        };
        for (sent, received) in [
            (wire::Data::Text(""), Data::Text(String::new())),
            (wire::Data::Json("[null]"), Data::Json(json!([null]))),
            (wire::Data::Binary(&[1]), Data::Binary(vec![1])),
        ] {
            let frame = Downstream::Data(message(Some(sent), None), Some(7));
            assert_eq!(read_back(frame), expected(received, Some(7), None));
        }
        assert_eq!(read_back(Downstream::Data(message(Some(wire::Data::Json("{")), None), None)), None);
        assert_eq!(read_back(Downstream::Data(message(None, None), None)), None);
        let failure = Failure { name: "UserError", message: "m" };
        let end =
            StreamInfo { stream_id: "S", stream_sequence_id: 3, end_of_stream: true, error: Some((failure, "c")) };
        let (name, text, user_error_code) = ("UserError".to_owned(), "m".to_owned(), Some("c".to_owned()));
        let (stream_id, error) = ("S".to_owned(), Some(StreamDataError { name, message: text, user_error_code }));
        let part = Some(StreamPart { stream_id, sequence_id: 3, is_end: true, error });
        let frame = Downstream::Data(message(None, Some(end)), None);
        assert_eq!(read_back(frame), expected(Data::Text(String::new()), None, part));
    }

    #[test]
    fn metadata_may_stand_alone() {
        let metadata = vec![("k", "first"), ("k", "v"), ("", "")];
        let message = DataMessage { from: "server", group: None, data: None, metadata, stream: None };
        let Some(Frame::Message(message)) = read_back(Downstream::Data(message, None)) else { unreachable!() };
        assert_eq!(message.data, Data::Text(String::new()));
        let expected = [("k", "v"), ("", "")].map(|(name, text)| (name.to_owned(), text.to_owned()));
        assert_eq!(message.metadata, Metadata::from(expected));
    }

    #[test]
    fn invocations_streams_and_states() {
        let response = |success, data, error| Downstream::InvokeResponse {
            invocation_id: "1",
            success,
            data,
            error,
            metadata: vec![],
        };
        let failure = Failure { name: "N", message: "M" };
        for (frame, result) in [
            (response(true, None, None), Ok(None)),
            (response(true, Some(wire::Data::Text("x")), None), Ok(Some(Data::Text("x".to_owned())))),
            (response(false, None, Some(failure)), Err(detail(failure))),
        ] {
            assert_eq!(read_back(frame), Some(Frame::InvokeResponse { invocation_id: "1".to_owned(), result }));
        }
        let stream_id = || "S".to_owned();
        let ack = Downstream::StreamAck { stream_id: "S", expected_sequence_id: 2 };
        assert_eq!(read_back(ack), Some(Frame::StreamAck { stream_id: stream_id(), expected: 2 }));
        let nack = Downstream::StreamNack { stream_id: "S", name: "N", message: "M", expected_sequence_id: 2 };
        let refused = Frame::StreamNack { stream_id: stream_id(), expected: 2, error: detail(failure) };
        assert_eq!(read_back(nack), Some(refused));
        let closed = Downstream::StreamClosed { stream_id: "S", error: None };
        assert_eq!(read_back(closed), Some(Frame::StreamClosed { stream_id: stream_id(), error: None }));

        let item = |updated_at| wire::GroupStateItem {
            connection_id: "c",
            user_id: Some("u"),
            state: Some(vec![("k", "v")]),
            updated_at,
        };
        let states = |updated_at| GroupState { group: "g", items: vec![item(updated_at)], sequence_id: None };
        let state = Some(BTreeMap::from([("k".to_owned(), "v".to_owned())]));
        let (connection_id, user_id) = ("c".to_owned(), Some("u".to_owned()));
        let items = vec![StateItem { connection_id, user_id, state, updated_at: 9 }];
        let frame = |is_snapshot| Frame::GroupState { group: "g".to_owned(), items: items.clone(), is_snapshot };
        assert_eq!(read_back(Downstream::GroupStateUpdate(states(9))), Some(frame(false)));
        assert_eq!(read_back(Downstream::GroupStateSnapshot(states(9))), Some(frame(true)));
        assert_eq!(read_back(Downstream::GroupStateUpdate(states(-1))), None);
    }
}
