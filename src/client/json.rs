//! The frames of the JSON subprotocols, for hosts in Rust (feature `json`).
//!
//! [`read`] makes a [`Frame`] of what arrived; the other functions write what an [`Action`](super::Action) asks for.
//! What a host does with each frame:
//!
//! | frame | input of the session |
//! | --- | --- |
//! | [`Frame::Connected`] | [`Input::Connected`]; the host keeps the ids for [`recovery_url`](super::recovery_url) |
//! | [`Frame::Ack`] | [`Input::Ack`] |
//! | [`Frame::Message`] with a sequence id | [`Input::Data`], and the message is delivered when the answer is true |
//! | [`Frame::Message`] without one | [`Input::Heard`], and the message is delivered when the answer is true |
//! | [`Frame::Message`] with [`stream`](Message::stream) | what its row above says; then, in the place of a delivery, [`Input::Part`] for each reader of the stream, who gets it when the answer is true |
//! | [`Frame::GroupState`] | [`Input::Heard`], and [`GroupStates`] takes in the items when the answer is true, before the actions: they may end the connection |
//! | [`Frame::Pong`] | [`Input::Pong`] |
//! | [`Frame::InvokeResponse`] | [`Input::Response`] |
//! | [`Frame::StreamAck`], [`Frame::StreamNack`], [`Frame::StreamClosed`] | the input of the same name |
//! | anything else, and what cannot be read | [`Input::Heard`] |

use std::collections::BTreeMap;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Map, Value, json};

use super::{AckOutcome, StateItem};
#[cfg(doc)]
use super::{GroupStates, Input};

/// A frame of the service.
#[derive(Debug, Clone, PartialEq)]
pub enum Frame {
    /// The connection is there.
    Connected {
        /// Its id; without one it cannot be recovered.
        connection_id: Option<String>,
        /// Whose it is.
        user_id: Option<String>,
        /// What recovers it, on a reliable subprotocol.
        reconnection_token: Option<String>,
    },
    /// The service will close the connection.
    Disconnected {
        /// Why.
        message: String,
    },
    /// A message was taken or refused.
    Ack {
        /// Which.
        ack_id: u64,
        /// What became of it.
        outcome: AckOutcome,
        /// Why it was refused.
        error: Option<ErrorDetail>,
    },
    /// A message of a group or of the server.
    Message(Message),
    /// The answer to a ping.
    Pong,
    /// The answer to an invocation.
    InvokeResponse {
        /// Of which.
        invocation_id: String,
        /// What it answers.
        result: Result<Option<Data>, ErrorDetail>,
    },
    /// Parts of an outbound stream have arrived.
    StreamAck {
        /// Of which.
        stream_id: String,
        /// The next part.
        expected: u64,
    },
    /// A part of an outbound stream was refused.
    StreamNack {
        /// Of which.
        stream_id: String,
        /// The next part.
        expected: u64,
        /// Why.
        error: ErrorDetail,
    },
    /// An outbound stream is over.
    StreamClosed {
        /// Which.
        stream_id: String,
        /// Why, when it was not ended by its sender.
        error: Option<ErrorDetail>,
    },
    /// States in a group.
    GroupState {
        /// Which group.
        group: String,
        /// All that are set, or those that changed.
        items: Vec<StateItem>,
        /// Whether it is all of them.
        is_snapshot: bool,
    },
    /// A kind of frame that is not known here; there may be more in the future.
    Unknown,
}

/// A message that arrived.
#[derive(Debug, Clone, PartialEq)]
pub struct Message {
    /// The group it was sent to; none for a message of the server to all, a user or a connection.
    pub group: Option<String>,
    /// Who sent it.
    pub from_user_id: Option<String>,
    /// What it says.
    pub data: Data,
    /// Its number, on a reliable subprotocol.
    pub sequence_id: Option<u64>,
    /// What the sender attached to it.
    pub metadata: Metadata,
    /// Which part of which stream it is.
    pub stream: Option<StreamPart>,
}

/// What a sender attaches to a message: short texts under names.
pub type Metadata = BTreeMap<String, String>;

/// What a message says of its stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamPart {
    /// Which stream.
    pub stream_id: String,
    /// Which part.
    pub sequence_id: u64,
    /// Whether it is the last.
    pub is_end: bool,
    /// Why the stream ended, when not as it should.
    pub error: Option<StreamDataError>,
}

/// Why a stream did not end as it should.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamDataError {
    /// `UserError` for an end that the publisher tells, otherwise a name of the service's such as `IdleTimeout`.
    pub name: String,
    /// Its text.
    pub message: String,
    /// The code that the publisher gave it.
    pub user_error_code: Option<String>,
}

/// What the service says of an error.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ErrorDetail {
    /// Its name, such as `Forbidden`.
    pub name: String,
    /// Its text.
    pub message: String,
}

/// What a message carries.
#[derive(Debug, Clone, PartialEq)]
pub enum Data {
    /// Text.
    Text(String),
    /// Any JSON.
    Json(Value),
    /// Bytes.
    Binary(Vec<u8>),
    /// A serialized `google.protobuf.Any`.
    Protobuf(Vec<u8>),
}

/// Reads a frame; `None` when it is none.
pub fn read(text: &str) -> Option<Frame> {
    let mut frame: Map<String, Value> = serde_json::from_str(text).ok()?;
    let text = |name: &str| frame.get(name).and_then(Value::as_str).map(str::to_owned);
    let number = |name: &str| frame.get(name).and_then(Value::as_u64);
    let error = frame.get("error").filter(|error| error.is_object()).map(error_detail);
    Some(match text("type")?.as_str() {
        "system" => match text("event")?.as_str() {
            "connected" => Frame::Connected {
                connection_id: text("connectionId"),
                user_id: text("userId"),
                reconnection_token: text("reconnectionToken"),
            },
            "disconnected" => Frame::Disconnected { message: text("message").unwrap_or_default() },
            _ => Frame::Unknown,
        },
        "ack" => {
            let error = error.or_else(|| Some(ErrorDetail::default()));
            let error = error.filter(|_| frame.get("success") != Some(&Value::Bool(true)));
            let outcome = error.as_ref().map_or(AckOutcome::Success, |error| AckOutcome::of_error(&error.name));
            Frame::Ack { ack_id: number("ackId")?, outcome, error }
        }
        "message" => {
            if !matches!(text("from")?.as_str(), "group" | "server") {
                return Some(Frame::Unknown);
            }
            let (group, from_user_id) = (text("group"), text("fromUserId"));
            let metadata = frame.get("metadata").map(metadata).unwrap_or_default();
            let (sequence_id, stream) = (number("sequenceId"), frame.get("stream").map(stream_part));
            let stream = stream.map_or(Some(None), |stream| stream.map(Some))?;
            // The end of a stream may carry nothing.
            let empty = stream.as_ref().map(|_| Data::Text(String::new()));
            let data = data(&mut frame).or(empty)?;
            Frame::Message(Message { group, from_user_id, data, sequence_id, metadata, stream })
        }
        "pong" => Frame::Pong,
        "invokeResponse" => {
            let invocation_id = text("invocationId")?;
            let is_success = frame.get("success")?.as_bool()?;
            let result = if is_success { Ok(data(&mut frame)) } else { Err(error.unwrap_or_default()) };
            Frame::InvokeResponse { invocation_id, result }
        }
        "streamAck" => Frame::StreamAck { stream_id: text("streamId")?, expected: number("expectedSequenceId")? },
        "streamNack" => {
            let error = error_detail(&Value::Object(frame.clone()));
            Frame::StreamNack { stream_id: text("streamId")?, expected: number("expectedSequenceId")?, error }
        }
        kind @ ("groupStateSnapshot" | "groupStateUpdate") => {
            let items = frame.get("items")?.as_array()?.iter().map(state_item).collect::<Option<Vec<_>>>()?;
            Frame::GroupState { group: text("group")?, items, is_snapshot: kind == "groupStateSnapshot" }
        }
        "streamClosed" => Frame::StreamClosed { stream_id: text("streamId")?, error },
        _ => Frame::Unknown,
    })
}

fn error_detail(error: &Value) -> ErrorDetail {
    let text = |name: &str| error.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    ErrorDetail { name: text("name"), message: text("message") }
}

fn stream_part(stream: &Value) -> Option<StreamPart> {
    Some(StreamPart {
        stream_id: stream.get("streamId")?.as_str()?.to_owned(),
        sequence_id: stream.get("streamSequenceId")?.as_u64()?,
        is_end: stream.get("endOfStream").and_then(Value::as_bool).unwrap_or_default(),
        error: stream.get("error").filter(|error| error.is_object()).map(stream_data_error),
    })
}

fn stream_data_error(error: &Value) -> StreamDataError {
    let ErrorDetail { name, message } = error_detail(error);
    let user_error_code = error.get("userErrorCode").and_then(Value::as_str).map(str::to_owned);
    StreamDataError { name, message, user_error_code }
}

/// A message counts, and is acknowledged, whatever stands beside its payload.
fn metadata(metadata: &Value) -> Metadata {
    let entries = metadata.as_object().into_iter().flatten();
    entries.filter_map(|(name, text)| Some((name.clone(), text.as_str()?.to_owned()))).collect()
}

fn state_item(item: &Value) -> Option<StateItem> {
    let text = |name: &str| item.get(name).and_then(Value::as_str).map(str::to_owned);
    let entry = |(name, text): (&String, &Value)| Some((name.clone(), text.as_str()?.to_owned()));
    let state = match item.get("state") {
        None | Some(Value::Null) => None,
        Some(state) => Some(state.as_object()?.iter().map(entry).collect::<Option<_>>()?),
    };
    let updated_at = item.get("updatedAt")?.as_u64()?;
    Some(StateItem { connection_id: text("connectionId")?, user_id: text("userId"), state, updated_at })
}

fn data(frame: &mut Map<String, Value>) -> Option<Data> {
    let data = frame.remove("data")?;
    let bytes = |data: Value| BASE64_STANDARD.decode(data.as_str()?).ok();
    match (frame.get("dataType")?.as_str()?, data) {
        ("text", Value::String(text)) => Some(Data::Text(text)),
        ("json", json) => Some(Data::Json(json)),
        ("binary", data) => bytes(data).map(Data::Binary),
        ("protobuf", data) => bytes(data).map(Data::Protobuf),
        _ => None,
    }
}

/// `joinGroup`
pub fn join_group(group: &str, ack_id: u64) -> String {
    json!({ "type": "joinGroup", "group": group, "ackId": ack_id }).to_string()
}

/// `leaveGroup`
pub fn leave_group(group: &str, ack_id: u64) -> String {
    json!({ "type": "leaveGroup", "group": group, "ackId": ack_id }).to_string()
}

/// Options of [`send_to_group`].
#[derive(Debug, Clone, Copy, Default)]
pub struct SendToGroupOptions<'a> {
    /// Whether the sender gets no copy, if it is in the group.
    pub no_echo: bool,
    /// How long the service keeps the message for a connection that is away, 0 to 300 seconds; 0 and `None` for as long
    /// as the connection can be recovered.
    pub ttl_seconds: Option<u32>,
    /// What the receivers get beside the message.
    pub metadata: Option<&'a Metadata>,
}

/// `sendToGroup`
pub fn send_to_group(group: &str, data: &Data, options: SendToGroupOptions<'_>, ack_id: Option<u64>) -> String {
    let SendToGroupOptions { no_echo, ttl_seconds, metadata } = options;
    let mut frame = json!({ "type": "sendToGroup", "group": group, "noEcho": no_echo });
    insert(&mut frame, "ackId", ack_id);
    insert(&mut frame, "ttlSeconds", ttl_seconds);
    insert(&mut frame, "metadata", metadata.map(|metadata| json!(metadata)));
    with_data(frame, data)
}

/// `event`; the metadata is for the event handler.
pub fn event(name: &str, data: &Data, metadata: Option<&Metadata>, ack_id: Option<u64>) -> String {
    let mut frame = json!({ "type": "event", "event": name });
    insert(&mut frame, "ackId", ack_id);
    insert(&mut frame, "metadata", metadata.map(|metadata| json!(metadata)));
    with_data(frame, data)
}

/// `sequenceAck`
pub fn sequence_ack(sequence_id: u64) -> String {
    json!({ "type": "sequenceAck", "sequenceId": sequence_id }).to_string()
}

/// `ping`
pub fn ping() -> String {
    json!({ "type": "ping" }).to_string()
}

/// `invoke`
pub fn invoke(invocation_id: &str, event: &str, data: &Data) -> String {
    let frame = json!({ "type": "invoke", "invocationId": invocation_id, "target": "event", "event": event });
    with_data(frame, data)
}

/// `cancelInvocation`
pub fn cancel_invocation(invocation_id: &str) -> String {
    json!({ "type": "cancelInvocation", "invocationId": invocation_id }).to_string()
}

/// The start of an outbound stream: a `sendToGroup` without data. Without an idle time the service takes its own, of 5
/// minutes.
pub fn stream_start(group: &str, stream_id: &str, no_echo: bool, idle_timeout_ms: Option<u32>) -> String {
    let mut stream = json!({ "streamId": stream_id });
    insert(&mut stream, "idleTimeoutMs", idle_timeout_ms);
    json!({ "type": "sendToGroup", "group": group, "noEcho": no_echo, "stream": stream }).to_string()
}

/// `streamData`
pub fn stream_data(stream_id: &str, sequence_id: u64, data: &Data) -> String {
    let frame = json!({ "type": "streamData", "streamId": stream_id, "streamSequenceId": sequence_id });
    with_data(frame, data)
}

/// `streamEnd`, with the message and code of an error if it ends with one.
pub fn stream_end(stream_id: &str, error: Option<(&str, &str)>) -> String {
    match error {
        None => json!({ "type": "streamEnd", "streamId": stream_id }),
        Some((message, code)) => {
            let error = json!({ "message": message, "userErrorCode": code });
            json!({ "type": "streamEnd", "streamId": stream_id, "error": error })
        }
    }
    .to_string()
}

/// `setGroupState`; without a state it clears it.
pub fn set_group_state(group: &str, state: Option<&BTreeMap<String, String>>, ack_id: u64) -> String {
    match state {
        None => json!({ "type": "setGroupState", "group": group, "ackId": ack_id }),
        Some(state) => json!({ "type": "setGroupState", "group": group, "ackId": ack_id, "state": state }),
    }
    .to_string()
}

/// `subscribeGroupState`
pub fn subscribe_group_state(group: &str, ack_id: u64) -> String {
    json!({ "type": "subscribeGroupState", "group": group, "ackId": ack_id }).to_string()
}

/// `unsubscribeGroupState`
pub fn unsubscribe_group_state(group: &str, ack_id: u64) -> String {
    json!({ "type": "unsubscribeGroupState", "group": group, "ackId": ack_id }).to_string()
}

fn with_data(mut frame: Value, data: &Data) -> String {
    let (data_type, data) = match data {
        Data::Text(text) => ("text", Value::String(text.clone())),
        Data::Json(json) => ("json", json.clone()),
        Data::Binary(bytes) => ("binary", Value::String(BASE64_STANDARD.encode(bytes))),
        Data::Protobuf(bytes) => ("protobuf", Value::String(BASE64_STANDARD.encode(bytes))),
    };
    insert(&mut frame, "dataType", Some(data_type));
    insert(&mut frame, "data", Some(data));
    frame.to_string()
}

/// Adds a member, if there is one.
fn insert(frame: &mut Value, name: &str, value: Option<impl Into<Value>>) {
    if let (Value::Object(members), Some(value)) = (frame, value) {
        members.insert(name.to_owned(), value.into());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(name: &str, message: &str) -> ErrorDetail {
        ErrorDetail { name: name.to_owned(), message: message.to_owned() }
    }

    #[test]
    fn acks() {
        let ack = |rest: &str| read(&format!(r#"{{"type":"ack","ackId":18446744073709551615,{rest}}}"#));
        let expected = |outcome, error| Some(Frame::Ack { ack_id: u64::MAX, outcome, error });
        assert_eq!(ack(r#""success":true"#), expected(AckOutcome::Success, None));
        for (name, outcome) in [
            ("Duplicate", AckOutcome::Duplicate),
            ("InternalServerError", AckOutcome::Transient),
            ("Timeout", AckOutcome::Transient),
            ("Forbidden", AckOutcome::Refused),
            ("NewInTheFuture", AckOutcome::Refused),
        ] {
            let frame = ack(&format!(r#""success":false,"error":{{"name":"{name}","message":"m"}}"#));
            assert_eq!(frame, expected(outcome, Some(error(name, "m"))));
        }
        assert_eq!(ack(r#""success":false"#), expected(AckOutcome::Refused, Some(error("", ""))));
        assert_eq!(read(r#"{"type":"ack","ackId":-1,"success":true}"#), None);
    }

    #[test]
    fn messages() {
        let message = |rest: &str| read(&format!(r#"{{"type":"message","from":"group","group":"g",{rest}}}"#));
        let expected = |data| {
            let (group, metadata) = (Some("g".to_owned()), Metadata::new());
            Some(Frame::Message(Message { group, from_user_id: None, data, sequence_id: None, metadata, stream: None }))
        };
        for (rest, data) in [
            (r#""dataType":"text","data":"""#, Data::Text(String::new())),
            (r#""dataType":"json","data":null"#, Data::Json(Value::Null)),
            (r#""dataType":"json","data":[1]"#, Data::Json(json!([1]))),
            (r#""dataType":"binary","data":"AQI=""#, Data::Binary(vec![1, 2])),
            (r#""dataType":"protobuf","data":"""#, Data::Protobuf(vec![])),
        ] {
            assert_eq!(message(rest), expected(data), "{rest}");
        }
        for bad in [r#""data":"x""#, r#""dataType":"text","data":1"#, r#""dataType":"binary","data":"?""#] {
            assert_eq!(message(bad), None, "{bad}");
        }
        let server =
            r#"{"type":"message","from":"server","dataType":"text","data":"x","sequenceId":2,"fromUserId":"u"}"#;
        let Some(Frame::Message(server)) = read(server) else { unreachable!() };
        assert_eq!((server.group, server.sequence_id, server.from_user_id.as_deref()), (None, Some(2), Some("u")));
    }

    #[test]
    fn metadata_of_messages() {
        for (text, expected) in [
            (r#"{"k":"v","":""}"#, Metadata::from([("k", "v"), ("", "")].map(|(k, v)| (k.to_owned(), v.to_owned())))),
            (r#"{"k":"v","n":1}"#, Metadata::from([("k".to_owned(), "v".to_owned())])),
            ("{}", Metadata::new()),
            ("null", Metadata::new()),
            ("[]", Metadata::new()),
        ] {
            let frame = r#"{"type":"message","from":"server","dataType":"text","data":"","metadata":"#;
            let Some(Frame::Message(message)) = read(&format!("{frame}{text}}}")) else { unreachable!() };
            assert_eq!(message.metadata, expected, "{text}");
        }
    }

    #[test]
    fn parts_of_streams() {
        let end = json!({ "name": "UserError", "message": "m", "userErrorCode": "c" });
        let stream = json!({ "streamId": "S", "streamSequenceId": 2, "endOfStream": true, "error": end });
        let frame = json!({ "type": "message", "from": "group", "group": "g", "stream": stream });
        let Some(Frame::Message(message)) = read(&frame.to_string()) else { unreachable!() };
        let (name, message_of_error) = ("UserError".to_owned(), "m".to_owned());
        let user_error_code = Some("c".to_owned());
        let error = Some(StreamDataError { name, message: message_of_error, user_error_code });
        assert_eq!(message.data, Data::Text(String::new()));
        assert_eq!(message.stream, Some(StreamPart { stream_id: "S".to_owned(), sequence_id: 2, is_end: true, error }));
    }

    #[test]
    fn other_frames() {
        let stream_id = "S".to_owned();
        for (text, frame) in [
            (r#"{"type":"pong"}"#, Frame::Pong),
            (r#"{"type":"new"}"#, Frame::Unknown),
            (r#"{"type":"system","event":"new"}"#, Frame::Unknown),
            (
                r#"{"type":"system","event":"disconnected","message":"m"}"#,
                Frame::Disconnected { message: "m".to_owned() },
            ),
            (
                r#"{"type":"system","event":"connected","connectionId":"c","userId":null,"reconnectionToken":"t"}"#,
                Frame::Connected {
                    connection_id: Some("c".to_owned()),
                    user_id: None,
                    reconnection_token: Some("t".to_owned()),
                },
            ),
            (
                r#"{"type":"streamAck","streamId":"S","expectedSequenceId":1}"#,
                Frame::StreamAck { stream_id: stream_id.clone(), expected: 1 },
            ),
            (
                r#"{"type":"streamNack","streamId":"S","name":"n","message":"m","expectedSequenceId":2}"#,
                Frame::StreamNack { stream_id: stream_id.clone(), expected: 2, error: error("n", "m") },
            ),
            (r#"{"type":"streamClosed","streamId":"S"}"#, Frame::StreamClosed { stream_id, error: None }),
            (
                r#"{"type":"invokeResponse","invocationId":"1","success":true,"dataType":"text","data":"x"}"#,
                Frame::InvokeResponse { invocation_id: "1".to_owned(), result: Ok(Some(Data::Text("x".to_owned()))) },
            ),
            (
                r#"{"type":"invokeResponse","invocationId":"1","success":false,"error":{"name":"N","message":"M"}}"#,
                Frame::InvokeResponse { invocation_id: "1".to_owned(), result: Err(error("N", "M")) },
            ),
        ] {
            assert_eq!(read(text), Some(frame), "{text}");
        }
        for bad in ["", "1", "{}", "[]", r#"{"type":1}"#, r#"{"type":"system"}"#, r#"{"type":"streamAck"}"#] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }

    #[test]
    fn group_states() {
        let item = r#"{"connectionId":"c","userId":"u","state":{"k":"v"},"updatedAt":1700000000000}"#;
        let cleared = r#"{"connectionId":"d","updatedAt":1}"#;
        for (kind, is_snapshot) in [("groupStateSnapshot", true), ("groupStateUpdate", false)] {
            let text = format!(r#"{{"type":"{kind}","group":"g","items":[{item},{cleared}]}}"#);
            let state = Some(BTreeMap::from([("k".to_owned(), "v".to_owned())]));
            let (connection_id, user_id) = ("c".to_owned(), Some("u".to_owned()));
            let first = StateItem { connection_id, user_id, state, updated_at: 1_700_000_000_000 };
            let second = StateItem { connection_id: "d".to_owned(), user_id: None, state: None, updated_at: 1 };
            let items = vec![first, second];
            assert_eq!(read(&text), Some(Frame::GroupState { group: "g".to_owned(), items, is_snapshot }));
        }
        assert_eq!(read(r#"{"type":"groupStateUpdate","group":"g","items":[{"connectionId":"c"}]}"#), None);
    }

    #[test]
    fn what_is_written() {
        let written = |text: String| serde_json::from_str::<Value>(&text).ok();
        let (binary, stream) = (Data::Binary(vec![1, 2]), json!({ "streamId": "S", "idleTimeoutMs": 1000 }));
        let (to_group, part) = (r#"{"type":"sendToGroup","group":"g","#, r#"{"type":"streamData","streamId":"S","#);
        let state = BTreeMap::from([("k".to_owned(), "v".to_owned())]);
        let no_echo = SendToGroupOptions { no_echo: true, ..Default::default() };
        let rich = SendToGroupOptions { no_echo: false, ttl_seconds: Some(30), metadata: Some(&state) };
        let parsed = |text: String| serde_json::from_str::<Value>(&text).unwrap_or_default();
        for (text, frame) in [
            (join_group("g", 1), json!({ "type": "joinGroup", "group": "g", "ackId": 1 })),
            (leave_group("g", 2), json!({ "type": "leaveGroup", "group": "g", "ackId": 2 })),
            (
                send_to_group("g", &binary, no_echo, Some(4)),
                parsed(format!(r#"{to_group}"ackId":4,"noEcho":true,"dataType":"binary","data":"AQI="}}"#)),
            ),
            (
                send_to_group("g", &Data::Text("x".to_owned()), rich, None),
                json!({
                    "type": "sendToGroup", "group": "g", "noEcho": false, "dataType": "text", "data": "x",
                    "ttlSeconds": 30, "metadata": { "k": "v" },
                }),
            ),
            (
                event("e", &Data::Json(Value::Null), None, None),
                json!({ "type": "event", "event": "e", "dataType": "json", "data": null }),
            ),
            (
                event("e", &Data::Json(json!(1)), Some(&state), Some(5)),
                json!({
                    "type": "event", "event": "e", "ackId": 5, "dataType": "json", "data": 1, "metadata": { "k": "v" },
                }),
            ),
            (sequence_ack(6), json!({ "type": "sequenceAck", "sequenceId": 6 })),
            (ping(), json!({ "type": "ping" })),
            (
                invoke("1", "ok", &Data::Text("x".to_owned())),
                json!({
                    "type": "invoke", "invocationId": "1", "target": "event", "event": "ok",
                    "dataType": "text", "data": "x",
                }),
            ),
            (cancel_invocation("3"), json!({ "type": "cancelInvocation", "invocationId": "3" })),
            (
                stream_start("g", "S", false, Some(1000)),
                json!({ "type": "sendToGroup", "group": "g", "noEcho": false, "stream": stream }),
            ),
            (
                stream_data("S", 1, &Data::Protobuf(vec![3])),
                parsed(format!(r#"{part}"streamSequenceId":1,"dataType":"protobuf","data":"Aw=="}}"#)),
            ),
            (
                stream_end("S", Some(("m", "c"))),
                json!({ "type": "streamEnd", "streamId": "S", "error": { "message": "m", "userErrorCode": "c" } }),
            ),
            (
                set_group_state("g", Some(&state), 7),
                json!({ "type": "setGroupState", "group": "g", "ackId": 7, "state": { "k": "v" } }),
            ),
            (set_group_state("g", None, 7), json!({ "type": "setGroupState", "group": "g", "ackId": 7 })),
            (subscribe_group_state("g", 8), json!({ "type": "subscribeGroupState", "group": "g", "ackId": 8 })),
            (unsubscribe_group_state("g", 9), json!({ "type": "unsubscribeGroupState", "group": "g", "ackId": 9 })),
            (stream_end("S", None), json!({ "type": "streamEnd", "streamId": "S" })),
        ] {
            assert_eq!(written(text), Some(frame));
        }
    }
}
