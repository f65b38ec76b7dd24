//! The frames of `protobuf.webpubsub.azure.v1` and `protobuf.reliable.webpubsub.azure.v1`.

use serde_json::value::RawValue;
use webpubsub_edge::protocol::protobuf as wire;
use wire::{DataMessage, Downstream, Failure, Upstream};

use crate::limits;
use crate::message::{Data, Message, Sender};
use crate::metadata::Metadata;
use crate::protocol::{ClientAction, Command, Publication};
use crate::reply::Reply;

/// Reads a client's frame.
///
/// # Errors
/// What is wrong with it, for the client's developer.
pub(crate) fn read(bytes: &[u8]) -> Result<Command, String> {
    let frame = Upstream::decode(bytes).map_err(|malformed| malformed.to_string())?;
    match frame.ok_or("The frame holds no message that is known.")? {
        Upstream::Ping => Ok(Command::Ping),
        Upstream::SequenceAck { sequence_id } => Ok(Command::SequenceAck(sequence_id)),
        Upstream::JoinGroup { group, ack_id } => {
            Ok(Command::Act { action: ClientAction::Join { group: limits::group(group)? }, ack_id })
        }
        Upstream::LeaveGroup { group, ack_id } => {
            Ok(Command::Act { action: ClientAction::Leave { group: limits::group(group)? }, ack_id })
        }
        Upstream::SendToGroup { stream: Some(_), .. } | Upstream::Event { stream: Some(_), .. } => {
            Err(NOT_SUPPORTED.to_owned())
        }
        Upstream::SendToGroup { group, ack_id, data, no_echo, ttl_seconds, metadata, stream: None } => {
            let (data, metadata) = payload(data, &metadata)?;
            let publication = Publication {
                group: limits::group(group)?,
                data,
                metadata,
                no_echo,
                ttl_ms: limits::frame_ttl_ms(ttl_seconds.map(u64::from))?,
            };
            Ok(Command::Act { action: ClientAction::Publish(publication), ack_id })
        }
        Upstream::Event { event, data, ack_id, metadata, stream: None } => {
            payload(data, &metadata)?;
            Ok(Command::Act { action: ClientAction::Event { name: limits::event(event)? }, ack_id })
        }
        Upstream::Invoke { .. }
        | Upstream::CancelInvocation { .. }
        | Upstream::StreamData { .. }
        | Upstream::StreamEnd { .. }
        | Upstream::SetGroupState { .. }
        | Upstream::SubscribeGroupState { .. }
        | Upstream::UnsubscribeGroupState { .. } => Err(NOT_SUPPORTED.to_owned()),
    }
}

const NOT_SUPPORTED: &str = "The emulator does not support invocations, streams and group states yet.";

fn payload(data: Option<wire::Data<'_>>, pairs: &[(&str, &str)]) -> Result<(Data, Metadata), String> {
    let mut metadata = Metadata::default();
    for (key, value) in pairs {
        metadata.insert((*key).to_owned(), (*value).to_owned())?;
    }
    let data = match data {
        Some(wire::Data::Text(text)) => Data::Text(text.to_owned()),
        Some(wire::Data::Binary(bytes)) => Data::Binary(bytes.to_vec()),
        Some(wire::Data::Any(bytes)) => Data::Protobuf(bytes.to_vec()),
        Some(wire::Data::Json(text)) => {
            let json = RawValue::from_string(text.to_owned());
            Data::Json(json.map_err(|_| "The frame's json_data is not JSON.")?)
        }
        None if !metadata.is_empty() => Data::Text(String::new()),
        None => return Err("The frame needs data.".to_owned()),
    };
    Ok((data, metadata))
}

/// The frame of a reply.
pub(crate) fn reply(reply: Reply<'_>) -> Vec<u8> {
    let frame = match reply {
        Reply::Connected { connection_id, user_id, reconnection_token } => {
            Downstream::Connected { connection_id, user_id: user_id.unwrap_or_default(), reconnection_token }
        }
        Reply::Disconnected { reason } => Downstream::Disconnected { reason },
        Reply::Ack { ack_id, outcome } => Downstream::Ack {
            ack_id,
            success: outcome.is_ok(),
            error: outcome.err().map(|error| Failure { name: error.name, message: &error.message }),
        },
        Reply::Pong => Downstream::Pong,
    };
    frame.encode()
}

/// The frame of a message without a sequence id.
pub(crate) fn message(of: &Message) -> Vec<u8> {
    Downstream::Data(data_message(of), None).encode()
}

/// A message without its envelope, to which the sequence id of each receiver is added.
pub(crate) fn message_body(of: &Message) -> Vec<u8> {
    data_message(of).encode()
}

fn data_message(message: &Message) -> DataMessage<'_> {
    let (from, group) = match &message.from {
        Sender::Server => ("server", None),
        Sender::Group { group, .. } => ("group", Some(group.as_str())),
    };
    let data = match &message.data {
        Data::Text(text) => wire::Data::Text(text),
        Data::Json(raw) => wire::Data::Json(raw.get()),
        Data::Binary(bytes) => wire::Data::Binary(bytes),
        Data::Protobuf(bytes) => wire::Data::Any(bytes),
    };
    DataMessage { from, group, data: Some(data), metadata: message.metadata.pairs().collect(), stream: None }
}
