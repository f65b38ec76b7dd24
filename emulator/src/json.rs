//! The frames of `json.webpubsub.azure.v1` and `json.reliable.webpubsub.azure.v1`.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use webpubsub_edge::protocol::protobuf::is_any;

use crate::group_state::{State, StateItem};
use crate::limits::{self, frame_ttl_ms};
use crate::message::{Data, Message, Sender, StreamPart};
use crate::metadata::Metadata;
use crate::protocol::{ClientAction, Command, Publication, StreamCommand};
use crate::reply::{AckError, Reply};
use crate::turn::shortened;

/// Reads a client's frame.
///
/// # Errors
/// What is wrong with it, for the client's developer.
pub(crate) fn read(text: &str) -> Result<Command, String> {
    // serde would also take an array for a structure, its items in the order of the fields.
    if !text.trim_start().starts_with('{') {
        return Err("The frame is not a JSON object.".to_owned());
    }
    let frame: ClientFrame =
        serde_json::from_str(text).map_err(|error| format!("The frame cannot be read: {}.", brief(&error)))?;
    frame.into_command()
}

/// The frame of a reply.
pub(crate) fn reply(reply: Reply<'_>) -> String {
    write(&match reply {
        Reply::Connected { connection_id, user_id, reconnection_token } => {
            ServerFrame::System(SystemFrame::Connected { user_id, connection_id, reconnection_token })
        }
        Reply::Disconnected { reason } => ServerFrame::System(SystemFrame::Disconnected { message: reason }),
        Reply::Ack { ack_id, outcome } => ServerFrame::Ack { ack_id, success: outcome.is_ok(), error: outcome.err() },
        Reply::Pong => ServerFrame::Pong,
        Reply::InvokeResponse { invocation_id, result } => {
            let data = result.ok().flatten();
            ServerFrame::InvokeResponse {
                invocation_id,
                success: result.is_ok(),
                data_type: data.map(Data::kind),
                data: data.map(Written::of),
                error: result.err(),
            }
        }
        Reply::StreamAck { stream_id, expected } => {
            ServerFrame::StreamAck { stream_id, expected_sequence_id: expected }
        }
        Reply::StreamNack { stream_id, expected, name, message } => {
            ServerFrame::StreamNack { stream_id, expected_sequence_id: expected, name, message }
        }
        Reply::StreamClosed { stream_id, error } => ServerFrame::StreamClosed { stream_id, error },
        Reply::GroupState { group, items, is_snapshot } => {
            let items = items.iter().map(WrittenState::of).collect();
            if is_snapshot {
                ServerFrame::GroupStateSnapshot { group, items }
            } else {
                ServerFrame::GroupStateUpdate { group, items }
            }
        }
    })
}

/// A message without a sequence id.
pub(crate) fn message(message: &Message) -> String {
    let (from, group, from_user_id) = match &message.from {
        Sender::Server => ("server", None, None),
        Sender::Group { group, user_id } => ("group", Some(group.as_str()), Some(user_id.as_deref())),
    };
    let data_type = message.data.kind();
    let data = Written::of(&message.data);
    let metadata = Some(&message.metadata).filter(|metadata| !metadata.is_empty());
    let stream = message.stream.as_ref();
    write(&ServerFrame::Message { from, group, from_user_id, data_type, data, metadata, stream })
}

/// A message up to where the sequence id of its receiver and a closing brace follow.
pub(crate) fn message_head(of: &Message) -> String {
    let mut head = message(of);
    head.pop();
    head.push_str(r#","sequenceId":"#);
    head
}

/// serde quotes what it found, which may be a megabyte.
fn brief(error: &serde_json::Error) -> String {
    shortened(&error.to_string(), 300)
}

fn write(frame: &ServerFrame) -> String {
    // Structures with string keys always serialise.
    serde_json::to_string(frame).unwrap_or_default()
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "camelCase", rename_all_fields = "camelCase")]
enum ServerFrame<'a> {
    System(SystemFrame<'a>),
    Ack {
        ack_id: u64,
        success: bool,
        #[serde(skip_serializing_if = "Option::is_none")]
        error: Option<&'a AckError>,
    },
    Message {
        from: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        group: Option<&'a str>,
        // Present and null for a publisher without a user id, absent when the server sent the message.
        #[serde(skip_serializing_if = "Option::is_none")]
        from_user_id: Option<Option<&'a str>>,
        data_type: &'a str,
        data: Written<'a>,
        #[serde(skip_serializing_if = "Option::is_none")]
        metadata: Option<&'a Metadata>,
        #[serde(skip_serializing_if = "Option::is_none")]
        stream: Option<&'a StreamPart>,
    },
    Pong,
    InvokeResponse {
        invocation_id: &'a str,
        success: bool,
        #[serde(skip_serializing_if = "Option::is_none")]
        data_type: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        data: Option<Written<'a>>,
        #[serde(skip_serializing_if = "Option::is_none")]
        error: Option<&'a AckError>,
    },
    StreamAck {
        stream_id: &'a str,
        expected_sequence_id: u64,
    },
    StreamNack {
        stream_id: &'a str,
        expected_sequence_id: u64,
        name: &'a str,
        message: &'a str,
    },
    StreamClosed {
        stream_id: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        error: Option<&'a AckError>,
    },
    GroupStateSnapshot {
        group: &'a str,
        items: Vec<WrittenState<'a>>,
    },
    GroupStateUpdate {
        group: &'a str,
        items: Vec<WrittenState<'a>>,
    },
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct WrittenState<'a> {
    connection_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<&'a State>,
    updated_at: u64,
}

impl<'a> WrittenState<'a> {
    fn of(item: &'a StateItem) -> WrittenState<'a> {
        WrittenState {
            connection_id: &item.connection_id,
            user_id: item.user_id.as_deref(),
            state: item.state.as_ref(),
            updated_at: item.updated_at,
        }
    }
}

#[derive(Serialize)]
#[serde(tag = "event", rename_all = "camelCase", rename_all_fields = "camelCase")]
enum SystemFrame<'a> {
    Connected {
        user_id: Option<&'a str>,
        connection_id: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        reconnection_token: Option<&'a str>,
    },
    Disconnected {
        message: &'a str,
    },
}

#[derive(Serialize)]
#[serde(untagged)]
enum Written<'a> {
    Text(&'a str),
    Raw(&'a RawValue),
    Base64(String),
}

impl<'a> Written<'a> {
    fn of(data: &'a Data) -> Written<'a> {
        match data {
            Data::Text(text) => Written::Text(text),
            Data::Json(raw) => Written::Raw(raw),
            Data::Binary(bytes) | Data::Protobuf(bytes) => Written::Base64(Data::base64(bytes)),
        }
    }
}

/// Every member that any frame of a client may have. Members that are not listed are ignored.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ClientFrame<'a> {
    r#type: String,
    group: Option<String>,
    event: Option<String>,
    ack_id: Option<u64>,
    no_echo: Option<bool>,
    data_type: Option<String>,
    #[serde(borrow)]
    data: Option<&'a RawValue>,
    ttl_seconds: Option<u64>,
    sequence_id: Option<u64>,
    metadata: Option<Metadata>,
    stream: Option<StreamStart>,
    stream_id: Option<String>,
    stream_sequence_id: Option<u64>,
    error: Option<StreamEndError>,
    invocation_id: Option<String>,
    target: Option<String>,
    state: Option<State>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct StreamStart {
    stream_id: String,
    idle_timeout_ms: Option<u64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct StreamEndError {
    message: Option<String>,
    user_error_code: Option<String>,
}

impl ClientFrame<'_> {
    fn into_command(self) -> Result<Command, String> {
        let ack_id = self.ack_id;
        let act = |action| Ok(Command::Act { action, ack_id });
        match self.r#type.to_ascii_lowercase().as_str() {
            "ping" => Ok(Command::Ping),
            "sequenceack" => {
                let missing = "A sequenceAck frame needs a sequenceId.";
                self.sequence_id.map(Command::SequenceAck).ok_or_else(|| missing.to_owned())
            }
            "joingroup" => act(ClientAction::Join { group: self.group()? }),
            "leavegroup" => act(ClientAction::Leave { group: self.group()? }),
            "sendtogroup" if self.stream.is_some() => self.stream_start(),
            "sendtogroup" => act(ClientAction::Publish(Publication {
                group: self.group()?,
                data: self.data()?,
                metadata: self.metadata.clone().unwrap_or_default(),
                no_echo: self.no_echo.unwrap_or(false),
                ttl_ms: frame_ttl_ms(self.ttl_seconds)?,
            })),
            "event" => Ok(Command::Event {
                name: self.event()?,
                data: self.data()?,
                metadata: self.metadata.clone().unwrap_or_default(),
                ack_id,
            }),
            "invoke" if self.target.as_deref() == Some("event") => Ok(Command::Invoke {
                id: self.invocation_id()?,
                event: self.event()?,
                data: self.data()?,
                metadata: self.metadata.clone().unwrap_or_default(),
            }),
            "invoke" => Err("The target of an invoke frame must be event.".to_owned()),
            "cancelinvocation" => Ok(Command::CancelInvocation { id: self.invocation_id()? }),
            "streamdata" => {
                let command = match (self.stream_sequence_id, self.data) {
                    (Some(sequence_id), _) => StreamCommand::Data { sequence_id, data: self.data()? },
                    (None, None) => StreamCommand::KeepAlive,
                    (None, Some(_)) => return Err("A streamData frame with data needs a streamSequenceId.".to_owned()),
                };
                Ok(Command::Stream { id: self.stream_id()?, command })
            }
            "streamend" => {
                let id = self.stream_id()?;
                let error = self.error.map(|error| (error.message, error.user_error_code));
                Ok(Command::Stream { id, command: StreamCommand::end(error) })
            }
            "setgroupstate" => {
                let group = self.group()?;
                act(ClientAction::SetState { group, state: self.state })
            }
            "subscribegroupstate" => act(ClientAction::WatchStates { group: self.group()? }),
            "unsubscribegroupstate" => act(ClientAction::UnwatchStates { group: self.group()? }),
            _ => Err("The frame's type is not known.".to_owned()),
        }
    }

    fn group(&self) -> Result<String, String> {
        limits::group(self.group.as_deref().unwrap_or_default())
    }

    fn event(&self) -> Result<String, String> {
        limits::event(self.event.as_deref().unwrap_or_default())
    }

    fn stream_id(&self) -> Result<String, String> {
        self.stream_id.clone().ok_or_else(|| "The frame needs a streamId.".to_owned())
    }

    fn invocation_id(&self) -> Result<String, String> {
        let id = self.invocation_id.clone().filter(|id| !id.is_empty());
        id.ok_or_else(|| "The frame needs an invocationId.".to_owned())
    }

    fn stream_start(self) -> Result<Command, String> {
        if self.data.is_some() || self.ack_id.is_some() {
            return Err("The start of a stream has neither data nor an ackId.".to_owned());
        }
        let group = self.group()?;
        let StreamStart { stream_id, idle_timeout_ms } = self.stream.ok_or("The frame needs a stream.")?;
        let no_echo = self.no_echo.unwrap_or(false);
        Ok(Command::Stream { id: stream_id, command: StreamCommand::Start { group, no_echo, idle_timeout_ms } })
    }

    fn data(&self) -> Result<Data, String> {
        // To drop it silently would look like a fault of the client.
        if self.stream.is_some() {
            return Err("Only a sendToGroup frame can start a stream.".to_owned());
        }
        let raw = match self.data {
            Some(raw) => raw,
            None if self.metadata.as_ref().is_some_and(|metadata| !metadata.is_empty()) => {
                return Ok(Data::Text(String::new()));
            }
            None => return Err("The frame needs data, which must not be null.".to_owned()),
        };
        let string = |what: &str| {
            serde_json::from_str::<String>(raw.get()).map_err(|_| format!("Data of type {what} must be a string."))
        };
        let bytes = |what: &str| {
            Data::from_base64(&string(what)?).ok_or_else(|| format!("Data of type {what} must be base64."))
        };
        match self.data_type.as_deref().unwrap_or("json").to_ascii_lowercase().as_str() {
            "json" => Ok(Data::Json(raw.to_owned())),
            "text" => string("text").map(Data::Text),
            "binary" => bytes("binary").map(Data::Binary),
            "protobuf" => {
                let bytes = bytes("protobuf")?;
                let problem = "Data of type protobuf must be an encoded google.protobuf.Any.";
                if is_any(&bytes) { Ok(Data::Protobuf(bytes)) } else { Err(problem.to_owned()) }
            }
            _ => Err("The frame's dataType must be json, text, binary or protobuf.".to_owned()),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests {
    use super::*;

    fn sent(frame: &str) -> (Publication, Option<u64>) {
        match read(frame).unwrap() {
            Command::Act { action: ClientAction::Publish(publication), ack_id } => (publication, ack_id),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_send_frame_is_read_whole() {
        let frame = r#"{"type":"sendToGroup","group":"g","ackId":18446744073709551615,"noEcho":true,"ttlSeconds":30,"dataType":"TEXT","data":"h\u00e9"}"#;
        let (Publication { group, data, no_echo, ttl_ms, .. }, ack_id) = sent(frame);
        assert_eq!((group.as_str(), no_echo, ttl_ms, ack_id), ("g", true, Some(30_000), Some(u64::MAX)));
        assert!(matches!(data, Data::Text(text) if text == "hé"));
    }

    #[test]
    fn json_passes_through_byte_for_byte() {
        let json = r#"{"b" : 1.0,"a":[ 1e400, "\ud800" ],"a":0}"#;
        let (Publication { data, .. }, _) = sent(&format!(r#"{{"type":"sendToGroup","group":"g","data": {json} }}"#));
        let from = Sender::Group { group: "g".to_owned(), user_id: None };
        let written = message(&Message { from, data, metadata: Metadata::default(), ttl_ms: None, stream: None });
        assert_eq!(
            written,
            format!(
                r#"{{"type":"message","from":"group","group":"g","fromUserId":null,"dataType":"json","data":{json}}}"#
            )
        );
    }

    #[test]
    fn bytes_travel_as_base64() {
        let (Publication { data, .. }, _) =
            sent(r#"{"type":"sendToGroup","group":"g","dataType":"binary","data":"AQI="}"#);
        let written = message_head(&Message {
            from: Sender::Server,
            data,
            metadata: Metadata::default(),
            ttl_ms: None,
            stream: None,
        });
        assert_eq!(written, r#"{"type":"message","from":"server","dataType":"binary","data":"AQI=","sequenceId":"#);
    }

    #[test]
    fn system_frames_and_acks_have_the_documented_shape() {
        let connected =
            |user_id, reconnection_token| reply(Reply::Connected { connection_id: "c", user_id, reconnection_token });
        assert_eq!(
            connected(None, Some("t")),
            r#"{"type":"system","event":"connected","userId":null,"connectionId":"c","reconnectionToken":"t"}"#
        );
        assert_eq!(
            connected(Some("u"), None),
            r#"{"type":"system","event":"connected","userId":"u","connectionId":"c"}"#
        );
        assert_eq!(
            reply(Reply::Disconnected { reason: "why" }),
            r#"{"type":"system","event":"disconnected","message":"why"}"#
        );
        assert_eq!(reply(Reply::Ack { ack_id: 1, outcome: Ok(()) }), r#"{"type":"ack","ackId":1,"success":true}"#);
        let error = AckError { name: "Forbidden", message: "m".to_owned() };
        assert_eq!(
            reply(Reply::Ack { ack_id: 1, outcome: Err(&error) }),
            r#"{"type":"ack","ackId":1,"success":false,"error":{"name":"Forbidden","message":"m"}}"#
        );
        assert_eq!(reply(Reply::Pong), r#"{"type":"pong"}"#);
    }

    #[test]
    fn metadata_travels_behind_the_data_and_may_stand_alone() {
        let (Publication { data, metadata, .. }, _) =
            sent(r#"{"type":"sendToGroup","group":"g","metadata":{"k":"v"}}"#);
        let written = message(&Message { from: Sender::Server, data, metadata, ttl_ms: None, stream: None });
        assert_eq!(written, r#"{"type":"message","from":"server","dataType":"text","data":"","metadata":{"k":"v"}}"#);
        assert!(read(r#"{"type":"sendToGroup","group":"g","metadata":{}}"#).is_err());
    }

    #[test]
    fn unknown_members_and_null_options_are_ignored() {
        assert!(matches!(read(r#"{"type":"PING","x":{"y":[]}}"#).unwrap(), Command::Ping));
        let frame = r#" {"type":"joinGroup","group":"g","ackId":null} "#;
        assert!(matches!(read(frame).unwrap(), Command::Act { ack_id: None, .. }));
    }
}
