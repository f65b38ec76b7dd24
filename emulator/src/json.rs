//! The frames of `json.webpubsub.azure.v1` and `json.reliable.webpubsub.azure.v1`.

use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::limits::{BAD_GROUP, MAX_MESSAGE_TTL_SECONDS, is_event_name, is_group, message_ttl_ms};
use crate::message::{Data, Message, Sender};
use crate::protocol::{ClientAction, Command, Publication};
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

/// Tells a client that it is connected. Only a reliable one gets a reconnection token.
pub(crate) fn connected(connection_id: &str, user_id: Option<&str>, reconnection_token: Option<&str>) -> String {
    write(&ServerFrame::System(SystemFrame::Connected { user_id, connection_id, reconnection_token }))
}

/// Tells a client why it is about to be disconnected.
pub(crate) fn disconnected(message: &str) -> String {
    write(&ServerFrame::System(SystemFrame::Disconnected { message }))
}

/// Acknowledges a request of a client.
pub(crate) fn ack(ack_id: u64, outcome: Result<(), &AckError>) -> String {
    write(&ServerFrame::Ack { ack_id, success: outcome.is_ok(), error: outcome.err() })
}

/// Answers a ping.
pub(crate) fn pong() -> String {
    write(&ServerFrame::Pong)
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
    write(&ServerFrame::Message { from, group, from_user_id, data_type, data })
}

/// A message up to where the sequence id of its receiver and a closing brace follow.
pub(crate) fn message_head(of: &Message) -> String {
    let mut head = message(of);
    head.pop();
    head.push_str(r#","sequenceId":"#);
    head
}

/// Why a client's request was not carried out.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct AckError {
    pub(crate) name: &'static str,
    pub(crate) message: String,
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
    metadata: Option<IgnoredAny>,
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
                no_echo: self.no_echo.unwrap_or(false),
                ttl_ms: self.ttl_ms()?,
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
        self.group.clone().filter(|group| is_group(group)).ok_or_else(|| BAD_GROUP.to_owned())
    }

    fn event(&self) -> Result<String, String> {
        let needed = "The frame needs an event name: a letter, then up to 127 letters, digits, '_', '.' and '-'.";
        self.event.clone().filter(|event| is_event_name(event)).ok_or_else(|| needed.to_owned())
    }

    fn data(&self) -> Result<Data, String> {
        // To drop either silently would look like a fault of the client.
        if self.metadata.is_some() || self.stream.is_some() {
            return Err("The emulator does not support metadata and streams yet.".to_owned());
        }
        let raw = self.data.ok_or("The frame needs data, which must not be null.")?;
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
            "protobuf" => bytes("protobuf").map(Data::Protobuf),
            _ => Err("The frame's dataType must be json, text, binary or protobuf.".to_owned()),
        }
    }

    fn ttl_ms(&self) -> Result<Option<u64>, String> {
        message_ttl_ms(self.ttl_seconds)
            .map_err(|()| format!("ttlSeconds must be a whole number from 0 to {MAX_MESSAGE_TTL_SECONDS}."))
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
        let (Publication { group, data, no_echo, ttl_ms }, ack_id) = sent(frame);
        assert_eq!((group.as_str(), no_echo, ttl_ms, ack_id), ("g", true, Some(30_000), Some(u64::MAX)));
        assert!(matches!(data, Data::Text(text) if text == "hé"));
    }

    #[test]
    fn json_passes_through_byte_for_byte() {
        let json = r#"{"b" : 1.0,"a":[ 1e400, "\ud800" ],"a":0}"#;
        let (Publication { data, .. }, _) = sent(&format!(r#"{{"type":"sendToGroup","group":"g","data": {json} }}"#));
        let from = Sender::Group { group: "g".to_owned(), user_id: None };
        let written = message(&Message { from, data, ttl_ms: None });
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
        let written = message_head(&Message { from: Sender::Server, data, ttl_ms: None });
        assert_eq!(written, r#"{"type":"message","from":"server","dataType":"binary","data":"AQI=","sequenceId":"#);
    }

    #[test]
    fn system_frames_and_acks_have_the_documented_shape() {
        assert_eq!(
            connected("c", None, Some("t")),
            r#"{"type":"system","event":"connected","userId":null,"connectionId":"c","reconnectionToken":"t"}"#
        );
        assert_eq!(
            connected("c", Some("u"), None),
            r#"{"type":"system","event":"connected","userId":"u","connectionId":"c"}"#
        );
        assert_eq!(disconnected("why"), r#"{"type":"system","event":"disconnected","message":"why"}"#);
        assert_eq!(ack(1, Ok(())), r#"{"type":"ack","ackId":1,"success":true}"#);
        let error = AckError { name: "Forbidden", message: "m".to_owned() };
        assert_eq!(
            ack(1, Err(&error)),
            r#"{"type":"ack","ackId":1,"success":false,"error":{"name":"Forbidden","message":"m"}}"#
        );
        assert_eq!(pong(), r#"{"type":"pong"}"#);
    }

    #[test]
    fn unknown_members_and_null_options_are_ignored() {
        assert!(matches!(read(r#"{"type":"PING","x":{"y":[]}}"#).unwrap(), Command::Ping));
        let frame = r#" {"type":"joinGroup","group":"g","ackId":null} "#;
        assert!(matches!(read(frame).unwrap(), Command::Act { ack_id: None, .. }));
    }
}
