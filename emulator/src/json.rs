//! The frames of `json.webpubsub.azure.v1` and `json.reliable.webpubsub.azure.v1`.

use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use webpubsub_edge::protocol::protobuf::is_any;

use crate::limits::{self, frame_ttl_ms};
use crate::message::{Data, Message, Sender};
use crate::metadata::Metadata;
use crate::protocol::{ClientAction, Command, Publication};
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
    })
}

/// A message without a sequence id.
pub(crate) fn message(message: &Message) -> String {
    let (from, group, from_user_id) = match &message.from {
        Sender::Server => ("server", None, None),
        Sender::Group { group, user_id } => ("group", Some(group.as_str()), Some(user_id.as_deref())),
    };
    let data_type = message.data.kind();
    let base64;
    let data = match &message.data {
        Data::Text(text) => Written::Text(text),
        Data::Json(raw) => Written::Raw(raw),
        Data::Binary(bytes) | Data::Protobuf(bytes) => {
            base64 = Data::base64(bytes);
            Written::Text(&base64)
        }
    };
    let metadata = Some(&message.metadata).filter(|metadata| !metadata.is_empty());
    write(&ServerFrame::Message { from, group, from_user_id, data_type, data, metadata })
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
    },
    Pong,
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
    stream: Option<IgnoredAny>,
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
            "sendtogroup" => act(ClientAction::Publish(Publication {
                group: self.group()?,
                data: self.data()?,
                metadata: self.metadata.clone().unwrap_or_default(),
                no_echo: self.no_echo.unwrap_or(false),
                ttl_ms: frame_ttl_ms(self.ttl_seconds)?,
            })),
            "event" => {
                self.data()?;
                act(ClientAction::Event { name: self.event()? })
            }
            "invoke"
            | "cancelinvocation"
            | "streamdata"
            | "streamend"
            | "setgroupstate"
            | "subscribegroupstate"
            | "unsubscribegroupstate" => Err(format!("The emulator does not support {} frames yet.", self.r#type)),
            _ => Err("The frame's type is not known.".to_owned()),
        }
    }

    fn group(&self) -> Result<String, String> {
        limits::group(self.group.as_deref().unwrap_or_default())
    }

    fn event(&self) -> Result<String, String> {
        limits::event(self.event.as_deref().unwrap_or_default())
    }

    fn data(&self) -> Result<Data, String> {
        // To drop it silently would look like a fault of the client.
        if self.stream.is_some() {
            return Err("The emulator does not support streams yet.".to_owned());
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
        let written = message(&Message { from, data, metadata: Metadata::default(), ttl_ms: None });
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
        let written =
            message_head(&Message { from: Sender::Server, data, metadata: Metadata::default(), ttl_ms: None });
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
        let written = message(&Message { from: Sender::Server, data, metadata, ttl_ms: None });
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
