//! Protobuf messages put together at random, and bytes that were one once.

use webpubsub_edge::protocol::protobuf::{
    Data, DataMessage, Downstream, Failure, GroupState, GroupStateItem, Map, StreamEndError, StreamInfo, StreamStart,
    Upstream, numbered,
};

use crate::random::{Random, soak};

#[test]
fn every_message_comes_back_as_it_was() {
    soak("protobuf round trips", |random| {
        for _ in 0..50 {
            let texts: Vec<String> = (0..12).map(|_| random.text()).collect();
            let message = upstream(random, &texts);
            assert_eq!(Upstream::decode(&message.encode()), Ok(Some(message)));
            let message = downstream(random, &texts);
            if let Downstream::Data(data, Some(id)) = &message {
                let shared = numbered(&data.encode(), *id);
                assert_eq!(Downstream::decode(&shared), Ok(Some(message.clone())));
            }
            assert_eq!(Downstream::decode(&message.encode()), Ok(Some(message)));
        }
    });
}

#[test]
fn bytes_that_can_be_read_can_be_written() {
    soak("protobuf garbage", |random| {
        for _ in 0..50 {
            let texts: Vec<String> = (0..12).map(|_| random.text()).collect();
            let up = upstream(random, &texts).encode();
            let up = damaged(random, up);
            if let Ok(Some(message)) = Upstream::decode(&up) {
                assert_eq!(Upstream::decode(&message.encode()), Ok(Some(message)));
            }
            let down = downstream(random, &texts).encode();
            let down = damaged(random, down);
            if let Ok(Some(message)) = Downstream::decode(&down) {
                assert_eq!(Downstream::decode(&message.encode()), Ok(Some(message)));
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

/// A message of a client that makes use of these texts.
pub fn upstream<'a>(random: &mut Random, texts: &'a [String]) -> Upstream<'a> {
    let (name, other) = (any(random, texts), any(random, texts));
    let ack_id = maybe(random, number);
    match random.below(13) {
        0 => Upstream::SendToGroup {
            group: name,
            ack_id,
            data: data(random, texts),
            no_echo: random.one_in(2),
            ttl_seconds: maybe(random, |random| number(random) as u32),
            metadata: map(random, texts),
            stream: stream_start(random, other),
        },
        1 => Upstream::Event {
            event: name,
            data: data(random, texts),
            ack_id,
            metadata: map(random, texts),
            stream: stream_start(random, other),
        },
        2 => Upstream::JoinGroup { group: name, ack_id },
        3 => Upstream::LeaveGroup { group: name, ack_id },
        4 => Upstream::SequenceAck { sequence_id: number(random) },
        5 => Upstream::Ping,
        6 => Upstream::Invoke {
            event: name,
            invocation_id: other,
            data: data(random, texts),
            metadata: map(random, texts),
            stream: None,
        },
        7 => Upstream::CancelInvocation { invocation_id: name },
        8 => Upstream::StreamData { stream_id: name, stream_sequence_id: ack_id, data: data(random, texts) },
        9 => {
            let error = StreamEndError { message: Some(other), user_error_code: None };
            Upstream::StreamEnd { stream_id: name, error: maybe(random, |_| error) }
        }
        10 => Upstream::SetGroupState { group: name, ack_id, state: maybe(random, |random| map(random, texts)) },
        11 => Upstream::SubscribeGroupState { group: name, ack_id },
        _ => Upstream::UnsubscribeGroupState { group: name, ack_id },
    }
}

fn downstream<'a>(random: &mut Random, texts: &'a [String]) -> Downstream<'a> {
    let (name, other) = (any(random, texts), any(random, texts));
    let failure = maybe(random, |_| Failure { name, message: other });
    match random.below(11) {
        0 => Downstream::Ack { ack_id: number(random), success: random.one_in(2), error: failure },
        1 => {
            let stream = StreamInfo {
                stream_id: name,
                stream_sequence_id: number(random),
                end_of_stream: random.one_in(2),
                error: failure.map(|failure| (failure, other)),
            };
            let message = DataMessage {
                from: name,
                group: maybe(random, |_| other),
                data: data(random, texts),
                metadata: map(random, texts),
                stream: maybe(random, |_| stream),
            };
            Downstream::Data(message, maybe(random, number))
        }
        2 => Downstream::Connected { connection_id: name, user_id: other, reconnection_token: maybe(random, |_| name) },
        3 => Downstream::Disconnected { reason: name },
        4 => Downstream::Pong,
        5 => Downstream::InvokeResponse {
            invocation_id: name,
            success: random.one_in(2),
            data: data(random, texts),
            error: failure,
            metadata: map(random, texts),
        },
        6 => Downstream::StreamAck { stream_id: name, expected_sequence_id: number(random) },
        7 => {
            Downstream::StreamNack { stream_id: name, name: other, message: name, expected_sequence_id: number(random) }
        }
        8 => Downstream::StreamClosed { stream_id: name, error: failure },
        kind => {
            let item = |random: &mut Random| GroupStateItem {
                connection_id: name,
                user_id: maybe(random, |_| other),
                state: maybe(random, |random| map(random, texts)),
                updated_at: number(random) as i64,
            };
            let items = (0..random.below(3)).map(|_| item(random)).collect();
            let state = GroupState { group: other, items, sequence_id: maybe(random, number) };
            if kind == 9 { Downstream::GroupStateUpdate(state) } else { Downstream::GroupStateSnapshot(state) }
        }
    }
}

fn data<'a>(random: &mut Random, texts: &'a [String]) -> Option<Data<'a>> {
    let text = any(random, texts);
    match random.below(5) {
        0 => Some(Data::Text(text)),
        1 => Some(Data::Json(text)),
        2 => Some(Data::Binary(text.as_bytes())),
        3 => Some(Data::Any(&[0x0a, 1, b't', 0x12, 1, 7])),
        _ => None,
    }
}

fn map<'a>(random: &mut Random, texts: &'a [String]) -> Map<'a> {
    (0..random.below(3)).map(|_| (any(random, texts), any(random, texts))).collect()
}

fn stream_start<'a>(random: &mut Random, stream_id: &'a str) -> Option<StreamStart<'a>> {
    let idle_timeout_ms = maybe(random, |random| number(random) as u32);
    maybe(random, |_| StreamStart { stream_id, idle_timeout_ms })
}

fn any<'a>(random: &mut Random, texts: &'a [String]) -> &'a str {
    &texts[random.below(texts.len())]
}

/// Small ones and large ones, as varints of every length.
fn number(random: &mut Random) -> u64 {
    random.next() >> random.below(64)
}

fn maybe<T>(random: &mut Random, make: impl FnOnce(&mut Random) -> T) -> Option<T> {
    random.one_in(2).then(|| make(random))
}
