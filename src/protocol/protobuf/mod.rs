//! The messages of `protobuf.webpubsub.azure.v1` and `protobuf.reliable.webpubsub.azure.v1`.
//!
//! Each is read without a copy and written into one buffer. Fields that are not known are skipped, so a newer peer is
//! understood as far as possible. Of a field that comes twice the last one counts.

mod downstream;
mod parts;
mod upstream;

pub use downstream::{DataMessage, Downstream, numbered};
pub use parts::{Data, Failure, GroupState, GroupStateItem, Map, StreamEndError, StreamInfo, StreamStart, is_any};
pub use upstream::Upstream;

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::protocol::Malformed;

    fn hex(text: &str) -> Vec<u8> {
        text.split(' ').map(|byte| u8::from_str_radix(byte, 16).unwrap()).collect()
    }

    /// Worked out by hand from the schema of the service.
    #[test]
    fn frames_have_the_documented_bytes() {
        for (message, bytes) in [
            (Upstream::JoinGroup { group: "group", ack_id: None }, "32 07 0a 05 67 72 6f 75 70"),
            (Upstream::JoinGroup { group: "group", ack_id: Some(1) }, "32 09 0a 05 67 72 6f 75 70 10 01"),
            (Upstream::Ping, "4a 00"),
            (Upstream::SequenceAck { sequence_id: 5 }, "42 02 08 05"),
        ] {
            assert_eq!(message.encode(), hex(bytes));
            assert_eq!(Upstream::decode(&hex(bytes)), Ok(Some(message)));
        }
        for (message, bytes) in [
            (Downstream::Pong, "22 00"),
            (Downstream::Ack { ack_id: 1, success: true, error: None }, "0a 04 08 01 10 01"),
            (Downstream::Disconnected { reason: "x" }, "1a 05 12 03 12 01 78"),
        ] {
            assert_eq!(message.encode(), hex(bytes));
            assert_eq!(Downstream::decode(&hex(bytes)), Ok(Some(message)));
        }
    }

    #[test]
    fn every_message_of_a_client_comes_back_as_it_was() {
        let metadata = vec![("k", "v"), ("", "")];
        let stream = Some(StreamStart { stream_id: "s", idle_timeout_ms: Some(1000) });
        for message in [
            Upstream::SendToGroup {
                group: "g",
                ack_id: Some(u64::MAX),
                data: Some(Data::Json("{}")),
                no_echo: true,
                ttl_seconds: Some(300),
                metadata: metadata.clone(),
                stream,
            },
            Upstream::Event {
                event: "e",
                data: Some(Data::Binary(&[])),
                ack_id: Some(0),
                metadata: metadata.clone(),
                stream,
            },
            Upstream::LeaveGroup { group: "g", ack_id: None },
            Upstream::Invoke { event: "e", invocation_id: "1", data: Some(Data::Text("")), metadata, stream: None },
            Upstream::CancelInvocation { invocation_id: "1" },
            Upstream::StreamData {
                stream_id: "s",
                stream_sequence_id: Some(1),
                data: Some(Data::Any(&[0x0a, 1, b't', 0x12, 0])),
            },
            Upstream::StreamData { stream_id: "s", stream_sequence_id: None, data: None },
            Upstream::StreamEnd { stream_id: "s", error: None },
            Upstream::StreamEnd {
                stream_id: "s",
                error: Some(StreamEndError { message: Some("m"), user_error_code: Some("") }),
            },
            Upstream::SetGroupState { group: "g", ack_id: Some(7), state: Some(vec![("activity", "typing")]) },
            Upstream::SetGroupState { group: "g", ack_id: None, state: None },
            Upstream::SetGroupState { group: "g", ack_id: None, state: Some(vec![]) },
            Upstream::SubscribeGroupState { group: "g", ack_id: Some(8) },
            Upstream::UnsubscribeGroupState { group: "g", ack_id: None },
        ] {
            assert_eq!(Upstream::decode(&message.encode()), Ok(Some(message)));
        }
    }

    #[test]
    fn every_message_of_the_service_comes_back_as_it_was() {
        let failure = Failure { name: "Forbidden", message: "m" };
        let stream = StreamInfo {
            stream_id: "s",
            stream_sequence_id: 2,
            end_of_stream: true,
            error: Some((Failure { name: "UserError", message: "m" }, "E1")),
        };
        let data = DataMessage {
            from: "group",
            group: Some("g"),
            data: Some(Data::Text("hi")),
            metadata: vec![("k", "v")],
            stream: Some(stream),
        };
        let item = |state, updated_at| GroupStateItem { connection_id: "c", user_id: Some("u"), state, updated_at };
        let state = GroupState {
            group: "g",
            items: vec![item(Some(vec![("k", "v")]), 1_700_000_000_000), item(None, -1)],
            sequence_id: Some(5),
        };
        for message in [
            Downstream::Ack { ack_id: 0, success: false, error: Some(failure) },
            Downstream::Data(data.clone(), None),
            Downstream::Data(data, Some(u64::MAX)),
            Downstream::Connected { connection_id: "c", user_id: "", reconnection_token: Some("t") },
            Downstream::InvokeResponse {
                invocation_id: "1",
                success: true,
                data: Some(Data::Json("1")),
                error: Some(failure),
                metadata: vec![],
            },
            Downstream::StreamAck { stream_id: "s", expected_sequence_id: 1 },
            Downstream::StreamNack { stream_id: "s", name: "n", message: "m", expected_sequence_id: 2 },
            Downstream::StreamClosed { stream_id: "s", error: Some(failure) },
            Downstream::GroupStateUpdate(state.clone()),
            Downstream::GroupStateSnapshot(state),
        ] {
            assert_eq!(Downstream::decode(&message.encode()), Ok(Some(message)));
        }
    }

    #[test]
    fn a_shared_message_gets_the_number_of_its_receiver() {
        let message =
            DataMessage { from: "server", group: None, data: Some(Data::Text("x")), metadata: vec![], stream: None };
        let frame = numbered(&message.encode(), 300);
        assert_eq!(Downstream::decode(&frame), Ok(Some(Downstream::Data(message, Some(300)))));
    }

    #[test]
    fn what_is_not_known_is_skipped() {
        for unknown in ["", "60 01", "62 01 78", "fa 01 00", "0d 00 00 00 00", "09 00 00 00 00 00 00 00 00"] {
            let unknown = if unknown.is_empty() { vec![] } else { hex(unknown) };
            assert_eq!(Upstream::decode(&unknown), Ok(None));
            let ping = [unknown.as_slice(), &hex("4a 00"), &unknown].concat();
            assert_eq!(Upstream::decode(&ping), Ok(Some(Upstream::Ping)));
        }
        // A field of another type than the known one is another field.
        assert_eq!(
            Upstream::decode(&hex("32 04 08 01 12 00")),
            Ok(Some(Upstream::JoinGroup { group: "", ack_id: None }))
        );
    }

    #[test]
    fn of_what_comes_twice_the_last_one_counts() {
        assert_eq!(
            Upstream::decode(&hex("32 06 0a 01 61 0a 01 62")),
            Ok(Some(Upstream::JoinGroup { group: "b", ack_id: None }))
        );
        assert_eq!(Upstream::decode(&hex("32 03 0a 01 61 4a 00")), Ok(Some(Upstream::Ping)));
        let entry = |value: &str| [hex("32 06 0a 01 6b 12 01"), value.as_bytes().to_vec()].concat();
        let bytes = [hex("0a 13 0a 01 67"), entry("a"), entry("b")].concat();
        let Ok(Some(Upstream::SendToGroup { metadata, .. })) = Upstream::decode(&bytes) else { unreachable!() };
        assert_eq!(metadata, [("k", "a"), ("k", "b")], "whoever makes a map of it keeps the last one");
    }

    #[test]
    fn bad_text_and_bad_any_are_malformed() {
        for bad in ["32 03 0a 01 ff", "0a 05 1a 03 0a 01 ff", "0a 05 1a 03 1a 01 08", "32 05 0a 01 61", "4a"] {
            assert_eq!(Upstream::decode(&hex(bad)), Err(Malformed), "{bad}");
        }
    }
}
