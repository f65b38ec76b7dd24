//! Random frames and damaged frames, in both encodings.

use webpubsub_edge::protocol::{
    DataMessage, Downstream, ErrorDetail, GroupStateItem, Metadata, Payload, Sender, State, StreamEndError,
    StreamError, StreamPart, Text, Upstream, number_json, number_protobuf,
};

use crate::random::{Random, soak};

#[test]
fn every_frame_is_decoded_as_it_was_encoded() {
    soak("frame round trips", |random| {
        for _ in 0..50 {
            let texts: Vec<String> = (0..12).map(|_| random.text()).collect();
            let frame = upstream(random, &texts);
            assert_eq!(Upstream::from_protobuf(&frame.to_protobuf()).as_ref(), Ok(&frame));
            assert_eq!(Upstream::from_json(&frame.to_json()), Ok(frame));
            let frame = downstream(random, &texts);
            if let Downstream::Message(message) = &frame
                && let Some(id) = message.sequence_id
            {
                assert_eq!(number_protobuf(&message.to_unnumbered_protobuf(), id), frame.to_protobuf());
                assert_eq!(number_json(&message.to_unnumbered_json(), id), frame.to_json());
            }
            assert_eq!(Downstream::from_protobuf(&frame.to_protobuf()), Ok(Some(without_sender(frame.clone()))));
            assert_eq!(Downstream::from_json(&frame.to_json()), Ok(Some(frame)));
        }
    });
}

/// Protobuf has no field for the user of a sender.
fn without_sender(mut frame: Downstream<'_>) -> Downstream<'_> {
    if let Downstream::Message(DataMessage { from: Sender::Group { user_id, .. }, .. }) = &mut frame {
        *user_id = None;
    }
    frame
}

#[test]
fn a_damaged_frame_that_can_be_decoded_can_be_encoded() {
    soak("damaged frames", |random| {
        for _ in 0..50 {
            let texts: Vec<String> = (0..12).map(|_| random.text()).collect();
            let (up, down) = (upstream(random, &texts), downstream(random, &texts));
            let bytes = damaged(random, up.to_protobuf());
            if let Ok(frame) = Upstream::from_protobuf(&bytes) {
                assert_eq!(Upstream::from_protobuf(&frame.to_protobuf()), Ok(frame));
            }
            let bytes = damaged(random, down.to_protobuf());
            if let Ok(Some(frame)) = Downstream::from_protobuf(&bytes) {
                assert_eq!(Downstream::from_protobuf(&frame.to_protobuf()), Ok(Some(frame)));
            }
            if let Ok(text) = String::from_utf8(damaged(random, up.to_json().into_bytes()))
                && let Ok(frame) = Upstream::from_json(&text)
            {
                assert_eq!(Upstream::from_json(&frame.to_json()), Ok(frame));
            }
            if let Ok(text) = String::from_utf8(damaged(random, down.to_json().into_bytes()))
                && let Ok(Some(frame)) = Downstream::from_json(&text)
            {
                assert_eq!(Downstream::from_json(&frame.to_json()), Ok(Some(frame)));
            }
        }
    });
}

/// The same bytes but for a few: a length, a tag, a text, the end.
pub fn damaged(random: &mut Random, mut bytes: Vec<u8>) -> Vec<u8> {
    for _ in 0..1 + random.below(3) {
        let at = random.below(bytes.len() + 1);
        match random.below(4) {
            0 => bytes.truncate(at),
            1 => bytes.insert(at, random.below(256) as u8),
            2 => bytes.extend_from_within(at..),
            _ => {
                if let Some(byte) = bytes.get_mut(at) {
                    *byte ^= 1 << random.below(8);
                }
            }
        }
    }
    bytes
}

/// Makes a frame of a client with these texts.
pub fn upstream<'a>(random: &mut Random, texts: &'a [String]) -> Upstream<'a> {
    let (name, other) = (any(random, texts), any(random, texts));
    let ack_id = maybe(random, number);
    match random.below(15) {
        0 => Upstream::SendToGroup {
            group: name,
            ack_id,
            payload: payload(random, texts),
            no_echo: random.one_in(2),
            ttl_seconds: maybe(random, |random| number(random) as u32),
            metadata: metadata(random, texts),
        },
        1 => Upstream::OpenStream {
            group: name,
            no_echo: random.one_in(2),
            stream_id: other,
            idle_timeout_ms: maybe(random, |random| number(random) as u32),
        },
        2 => {
            Upstream::Event { event: name, ack_id, payload: payload(random, texts), metadata: metadata(random, texts) }
        }
        3 => Upstream::JoinGroup { group: name, ack_id },
        4 => Upstream::LeaveGroup { group: name, ack_id },
        5 => Upstream::SequenceAck { sequence_id: number(random) },
        6 => Upstream::Ping,
        7 => Upstream::Invoke {
            invocation_id: other,
            event: name,
            payload: payload(random, texts),
            metadata: metadata(random, texts),
        },
        8 => Upstream::CancelInvocation { invocation_id: name },
        9 => Upstream::StreamData { stream_id: name, sequence_id: number(random), payload: payload(random, texts) },
        10 => Upstream::KeepStreamAlive { stream_id: name },
        11 => {
            let error = StreamEndError { message: Some(other), user_error_code: None };
            Upstream::EndStream { stream_id: name, error: maybe(random, |_| error) }
        }
        12 => Upstream::SetGroupState { group: name, ack_id, state: maybe(random, |random| state(random, texts)) },
        13 => Upstream::SubscribeGroupState { group: name, ack_id },
        _ => Upstream::UnsubscribeGroupState { group: name, ack_id },
    }
}

fn downstream<'a>(random: &mut Random, texts: &'a [String]) -> Downstream<'a> {
    let (name, other) = (any(random, texts), any(random, texts));
    let error = ErrorDetail { name: name.clone(), message: other.clone() };
    // In protobuf an empty id is no id.
    let filled = |text: &Text<'a>| Text::Owned(format!("{text}."));
    match random.below(10) {
        0 => Downstream::Ack { ack_id: number(random), result: if random.one_in(2) { Ok(()) } else { Err(error) } },
        1 => {
            let user_error_code = Some(filled(&other));
            let error = StreamError { name: name.clone(), message: other.clone(), user_error_code };
            let stream = StreamPart {
                stream_id: name.clone(),
                sequence_id: number(random),
                is_end: random.one_in(2),
                error: maybe(random, |_| error),
            };
            let group = Sender::Group { group: other, user_id: maybe(random, |_| name) };
            Downstream::Message(DataMessage {
                from: if random.one_in(2) { group } else { Sender::Server },
                payload: payload(random, texts),
                metadata: state(random, texts).into_iter().collect(),
                stream: maybe(random, |_| stream),
                sequence_id: maybe(random, number),
            })
        }
        2 => Downstream::Connected {
            connection_id: Some(filled(&name)),
            user_id: maybe(random, |_| filled(&other)),
            reconnection_token: maybe(random, |_| name),
        },
        3 => Downstream::Disconnected { message: name },
        4 => Downstream::Pong,
        5 => {
            let payload = maybe(random, |random| payload(random, texts));
            Downstream::InvokeResponse {
                invocation_id: name,
                result: if random.one_in(2) { Ok(payload) } else { Err(error) },
            }
        }
        6 => Downstream::StreamAck { stream_id: name, expected_sequence_id: number(random) },
        7 => Downstream::StreamNack { stream_id: name, expected_sequence_id: number(random), error },
        8 => Downstream::StreamClosed { stream_id: name, error: maybe(random, |_| error) },
        _ => {
            let item = |random: &mut Random| GroupStateItem {
                connection_id: name.clone(),
                user_id: maybe(random, |_| filled(&other)),
                state: maybe(random, |random| state(random, texts)),
                updated_at: number(random) >> 1,
            };
            let items = (0..random.below(3)).map(|_| item(random)).collect();
            let sequence_id = maybe(random, number);
            Downstream::GroupState { group: other.clone(), items, is_snapshot: random.one_in(2), sequence_id }
        }
    }
}

fn payload<'a>(random: &mut Random, texts: &'a [String]) -> Payload<'a> {
    let text = any(random, texts);
    match random.below(4) {
        0 => Payload::Text(text),
        1 => Payload::Json(serde_json::Value::from(text).to_string().into()),
        2 => Payload::Binary(text.into_owned().into_bytes().into()),
        _ => Payload::Protobuf((&[0x0a, 1, b't', 0x12, 1, 7]).into()),
    }
}

fn metadata<'a>(random: &mut Random, texts: &'a [String]) -> Metadata<'a> {
    (0..random.below(3)).map(|_| (any(random, texts), any(random, texts))).collect()
}

fn state<'a>(random: &mut Random, texts: &'a [String]) -> State<'a> {
    metadata(random, texts).into_iter().collect()
}

fn any<'a>(random: &mut Random, texts: &'a [String]) -> Text<'a> {
    texts[random.below(texts.len())].as_str().into()
}

/// Small ones and large ones, as varints of every length.
fn number(random: &mut Random) -> u64 {
    random.next() >> random.below(64)
}

fn maybe<T>(random: &mut Random, make: impl FnOnce(&mut Random) -> T) -> Option<T> {
    random.one_in(2).then(|| make(random))
}
