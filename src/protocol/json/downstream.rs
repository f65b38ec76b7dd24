use serde::Deserialize;
use serde_json::value::RawValue;

use super::members::{Str, Texts, lenient_metadata, payload, present, read, text};
use super::object::Object;
use crate::json::push_number;
use crate::protocol::{
    DataMessage, Downstream, ErrorDetail, FrameError, GroupStateItem, Payload, Sender, StreamError, StreamPart,
};

impl<'a> Downstream<'a> {
    /// Encodes the frame as JSON, with its members in the order of the service.
    pub fn to_json(&self) -> String {
        let object = match self {
            Downstream::Connected { connection_id, user_id, reconnection_token } => Object::of_type("system")
                .text("event", "connected")
                .text_or_null("userId", user_id.as_ref())
                .maybe_text("connectionId", connection_id.as_ref())
                .maybe_text("reconnectionToken", reconnection_token.as_ref()),
            Downstream::Disconnected { message } => {
                Object::of_type("system").text("event", "disconnected").text("message", message)
            }
            Downstream::Ack { ack_id, result } => {
                let object = Object::of_type("ack").number("ackId", *ack_id).flag("success", result.is_ok());
                with_error(object, result.as_ref().err())
            }
            Downstream::Message(message) => return message.to_json(),
            Downstream::Pong => Object::of_type("pong"),
            Downstream::InvokeResponse { invocation_id, result } => {
                let object = Object::of_type("invokeResponse")
                    .text("invocationId", invocation_id)
                    .flag("success", result.is_ok());
                match result {
                    Ok(Some(payload)) => object.payload(payload),
                    Ok(None) => object,
                    Err(error) => object.error(error),
                }
            }
            Downstream::StreamAck { stream_id, expected_sequence_id } => Object::of_type("streamAck")
                .text("streamId", stream_id)
                .number("expectedSequenceId", *expected_sequence_id),
            Downstream::StreamNack { stream_id, expected_sequence_id, error } => Object::of_type("streamNack")
                .text("streamId", stream_id)
                .number("expectedSequenceId", *expected_sequence_id)
                .text("name", &error.name)
                .text("message", &error.message),
            Downstream::StreamClosed { stream_id, error } => {
                with_error(Object::of_type("streamClosed").text("streamId", stream_id), error.as_ref())
            }
            Downstream::GroupState { group, items, is_snapshot, sequence_id } => {
                Object::of_type(if *is_snapshot { "groupStateSnapshot" } else { "groupStateUpdate" })
                    .text("group", group)
                    .objects("items", items.iter().map(state_item))
                    .maybe_number("sequenceId", *sequence_id)
            }
        };
        object.end()
    }

    /// Decodes a JSON frame. `None` is a frame, a sender or a type of data that is not known: the service may add some.
    ///
    /// # Errors
    /// [`FrameError`] when the frame is malformed.
    pub fn from_json(frame: &'a str) -> Result<Option<Downstream<'a>>, FrameError> {
        read::<Members<'a>>(frame)?.into_frame()
    }
}

impl DataMessage<'_> {
    /// Encodes the message as a JSON frame.
    pub fn to_json(&self) -> String {
        data_message(self).maybe_number("sequenceId", self.sequence_id).end()
    }

    /// Encodes the message without its sequence id and its end, so that many receivers can share the text.
    /// [`number_json`] completes it.
    pub fn to_unnumbered_json(&self) -> String {
        data_message(self).unfinished()
    }
}

/// Completes a message of [`DataMessage::to_unnumbered_json`] with the sequence id of a receiver.
pub fn number_json(message: &str, sequence_id: u64) -> String {
    const NAME: &str = r#","sequenceId":"#;
    let mut frame = String::with_capacity(message.len().saturating_add(NAME.len()).saturating_add(21));
    frame.push_str(message);
    frame.push_str(NAME);
    push_number(&mut frame, sequence_id);
    frame.push('}');
    frame
}

fn data_message(message: &DataMessage<'_>) -> Object {
    let object = Object::of_type("message");
    let object = match &message.from {
        Sender::Server => object.text("from", "server"),
        Sender::Group { group, user_id } => {
            object.text("from", "group").text("group", group).text_or_null("fromUserId", user_id.as_ref())
        }
    };
    let mut object = object.payload(&message.payload);
    if !message.metadata.is_empty() {
        object = object.texts("metadata", message.metadata.iter().map(|(key, value)| (key, value)));
    }
    match &message.stream {
        Some(part) => object.object("stream", stream_part(part)),
        None => object,
    }
}

fn stream_part(part: &StreamPart<'_>) -> Object {
    let mut object = Object::new().text("streamId", &part.stream_id).number("streamSequenceId", part.sequence_id);
    if part.is_end {
        object = object.flag("endOfStream", true);
    }
    match &part.error {
        Some(StreamError { name, message, user_error_code }) => {
            let error = Object::new().text("name", name).text("message", message);
            object.object("error", error.maybe_text("userErrorCode", user_error_code.as_ref()))
        }
        None => object,
    }
}

fn state_item(item: &GroupStateItem<'_>) -> Object {
    let object = Object::new().text("connectionId", &item.connection_id).maybe_text("userId", item.user_id.as_ref());
    let object = match &item.state {
        Some(state) => object.texts("state", state),
        None => object,
    };
    object.number("updatedAt", item.updated_at)
}

fn with_error(object: Object, error: Option<&ErrorDetail<'_>>) -> Object {
    match error {
        Some(error) => object.error(error),
        None => object,
    }
}

/// The members of all frames.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Members<'a> {
    #[serde(borrow)]
    r#type: Option<Str<'a>>,
    #[serde(borrow)]
    event: Option<Str<'a>>,
    #[serde(borrow)]
    connection_id: Option<Str<'a>>,
    #[serde(borrow)]
    user_id: Option<Str<'a>>,
    #[serde(borrow)]
    reconnection_token: Option<Str<'a>>,
    #[serde(borrow)]
    name: Option<Str<'a>>,
    #[serde(borrow)]
    message: Option<Str<'a>>,
    ack_id: Option<u64>,
    success: Option<bool>,
    #[serde(borrow)]
    error: Option<ErrorMembers<'a>>,
    #[serde(borrow)]
    from: Option<Str<'a>>,
    #[serde(borrow)]
    group: Option<Str<'a>>,
    #[serde(borrow)]
    from_user_id: Option<Str<'a>>,
    #[serde(borrow)]
    data_type: Option<Str<'a>>,
    #[serde(borrow, default, deserialize_with = "present")]
    data: Option<&'a RawValue>,
    sequence_id: Option<u64>,
    #[serde(borrow)]
    metadata: Option<&'a RawValue>,
    #[serde(borrow)]
    stream: Option<StreamMembers<'a>>,
    #[serde(borrow)]
    invocation_id: Option<Str<'a>>,
    #[serde(borrow)]
    stream_id: Option<Str<'a>>,
    expected_sequence_id: Option<u64>,
    #[serde(borrow)]
    items: Option<Vec<StateMembers<'a>>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ErrorMembers<'a> {
    #[serde(borrow)]
    name: Option<Str<'a>>,
    #[serde(borrow)]
    message: Option<Str<'a>>,
    #[serde(borrow)]
    user_error_code: Option<Str<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct StreamMembers<'a> {
    #[serde(borrow)]
    stream_id: Str<'a>,
    #[serde(rename = "streamSequenceId")]
    sequence_id: u64,
    end_of_stream: Option<bool>,
    #[serde(borrow)]
    error: Option<ErrorMembers<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct StateMembers<'a> {
    #[serde(borrow)]
    connection_id: Str<'a>,
    #[serde(borrow)]
    user_id: Option<Str<'a>>,
    #[serde(borrow)]
    state: Option<Texts<'a>>,
    updated_at: u64,
}

impl<'a> Members<'a> {
    fn into_frame(mut self) -> Result<Option<Downstream<'a>>, FrameError> {
        let kind = self.r#type.take().map(Str::into_text);
        Ok(Some(match kind.as_deref() {
            Some("system") => match required(self.event, "event")?.into_text().as_ref() {
                "connected" => Downstream::Connected {
                    connection_id: self.connection_id.map(Str::into_text),
                    user_id: self.user_id.map(Str::into_text),
                    reconnection_token: self.reconnection_token.map(Str::into_text),
                },
                "disconnected" => Downstream::Disconnected { message: text(self.message) },
                _ => return Ok(None),
            },
            Some("ack") => {
                let error = self.error.map(ErrorMembers::into_detail).unwrap_or_default();
                let result = if required(self.success, "success")? { Ok(()) } else { Err(error) };
                Downstream::Ack { ack_id: required(self.ack_id, "ackId")?, result }
            }
            Some("message") => return self.into_message(),
            Some("pong") => Downstream::Pong,
            Some("invokeResponse") => {
                let result = if required(self.success, "success")? {
                    let Some(payload) = known_payload(self.data_type, self.data)? else { return Ok(None) };
                    Ok(payload)
                } else {
                    Err(self.error.map(ErrorMembers::into_detail).unwrap_or_default())
                };
                let invocation_id = required(self.invocation_id, "invocationId")?.into_text();
                Downstream::InvokeResponse { invocation_id, result }
            }
            Some("streamAck") => Downstream::StreamAck {
                stream_id: required(self.stream_id, "streamId")?.into_text(),
                expected_sequence_id: required(self.expected_sequence_id, "expectedSequenceId")?,
            },
            Some("streamNack") => Downstream::StreamNack {
                stream_id: required(self.stream_id, "streamId")?.into_text(),
                expected_sequence_id: required(self.expected_sequence_id, "expectedSequenceId")?,
                error: ErrorDetail { name: text(self.name), message: text(self.message) },
            },
            Some("streamClosed") => Downstream::StreamClosed {
                stream_id: required(self.stream_id, "streamId")?.into_text(),
                error: self.error.map(ErrorMembers::into_detail),
            },
            Some(kind @ ("groupStateSnapshot" | "groupStateUpdate")) => Downstream::GroupState {
                is_snapshot: kind == "groupStateSnapshot",
                group: required(self.group, "group")?.into_text(),
                items: required(self.items, "items")?.into_iter().map(StateMembers::into_item).collect(),
                sequence_id: self.sequence_id,
            },
            _ => return Ok(None),
        }))
    }

    fn into_message(self) -> Result<Option<Downstream<'a>>, FrameError> {
        let from = match required(self.from, "from")?.into_text().as_ref() {
            "server" => Sender::Server,
            "group" => Sender::Group {
                group: required(self.group, "group")?.into_text(),
                user_id: self.from_user_id.map(Str::into_text),
            },
            _ => return Ok(None),
        };
        let metadata = lenient_metadata(self.metadata);
        let Some(payload) = known_payload(self.data_type, self.data)? else { return Ok(None) };
        // The last part of a stream and a message of metadata alone may have no data.
        let is_complete = self.stream.is_some() || !metadata.is_empty();
        let empty = is_complete.then(|| Payload::Text("".into()));
        let payload = required(payload.or(empty), "data")?;
        let stream = self.stream.map(StreamMembers::into_part);
        Ok(Some(Downstream::Message(DataMessage { from, payload, metadata, stream, sequence_id: self.sequence_id })))
    }
}

impl<'a> ErrorMembers<'a> {
    fn into_detail(self) -> ErrorDetail<'a> {
        ErrorDetail { name: text(self.name), message: text(self.message) }
    }
}

impl<'a> StreamMembers<'a> {
    fn into_part(self) -> StreamPart<'a> {
        StreamPart {
            stream_id: self.stream_id.into_text(),
            sequence_id: self.sequence_id,
            is_end: self.end_of_stream.unwrap_or_default(),
            error: self.error.map(|error| StreamError {
                name: text(error.name),
                message: text(error.message),
                user_error_code: error.user_error_code.map(Str::into_text),
            }),
        }
    }
}

impl<'a> StateMembers<'a> {
    fn into_item(self) -> GroupStateItem<'a> {
        GroupStateItem {
            connection_id: self.connection_id.into_text(),
            user_id: self.user_id.map(Str::into_text),
            state: self.state.map(Texts::into_state),
            updated_at: self.updated_at,
        }
    }
}

/// Reads the payload of a frame that may have none. `None` is a type of data that is not known.
fn known_payload<'a>(
    data_type: Option<Str<'a>>,
    data: Option<&'a RawValue>,
) -> Result<Option<Option<Payload<'a>>>, FrameError> {
    let Some(data) = data else { return Ok(Some(None)) };
    let data_type = data_type.map(Str::into_text);
    Ok(payload(data_type.as_deref(), data).transpose()?.map(Some))
}

fn required<T>(member: Option<T>, name: &str) -> Result<T, FrameError> {
    member.ok_or_else(|| FrameError::new(format!("The frame needs the member {name}.")))
}
