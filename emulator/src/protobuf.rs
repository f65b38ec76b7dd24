//! The frames of `protobuf.webpubsub.azure.v1` and `protobuf.reliable.webpubsub.azure.v1`.

use serde_json::value::RawValue;
use webpubsub_edge::protocol::protobuf as wire;
use wire::{
    DataMessage, Downstream, Failure, GroupState, GroupStateItem, StreamEndError, StreamInfo, StreamStart, Upstream,
};

use crate::group_state::StateItem;
use crate::limits;
use crate::message::{Data, Message, Sender};
use crate::metadata::Metadata;
use crate::protocol::{ClientAction, Command, Publication, StreamCommand};
use crate::reply::{AckError, Reply};

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
        Upstream::Event { stream: Some(_), .. } | Upstream::Invoke { stream: Some(_), .. } => {
            Err("Only a send to a group can start a stream.".to_owned())
        }
        Upstream::SendToGroup { group, ack_id, data, no_echo, stream: Some(stream), .. } => {
            if data.is_some() || ack_id.is_some() {
                return Err("The start of a stream has neither data nor an ack_id.".to_owned());
            }
            let StreamStart { stream_id, idle_timeout_ms } = stream;
            let (group, idle_timeout_ms) = (limits::group(group)?, idle_timeout_ms.map(u64::from));
            let command = StreamCommand::Start { group, no_echo, idle_timeout_ms };
            Ok(Command::Stream { id: stream_id.to_owned(), command })
        }
        Upstream::StreamData { stream_id, stream_sequence_id, data } => {
            let command = match (stream_sequence_id, data) {
                (Some(sequence_id), data) => StreamCommand::Data { sequence_id, data: payload(data, &[])?.0 },
                (None, None) => StreamCommand::KeepAlive,
                (None, Some(_)) => return Err("A part of a stream needs a stream_sequence_id.".to_owned()),
            };
            Ok(Command::Stream { id: stream_id.to_owned(), command })
        }
        Upstream::StreamEnd { stream_id, error } => {
            let owned = |text: Option<&str>| text.map(str::to_owned);
            let error =
                error.map(|StreamEndError { message, user_error_code }| (owned(message), owned(user_error_code)));
            Ok(Command::Stream { id: stream_id.to_owned(), command: StreamCommand::end(error) })
        }
        Upstream::Invoke { event, invocation_id, data, metadata, stream: None } => {
            let (data, metadata) = payload(data, &metadata)?;
            if invocation_id.is_empty() {
                return Err("The frame needs an invocation_id.".to_owned());
            }
            Ok(Command::Invoke { id: invocation_id.to_owned(), event: limits::event(event)?, data, metadata })
        }
        Upstream::CancelInvocation { invocation_id } => Ok(Command::CancelInvocation { id: invocation_id.to_owned() }),
        Upstream::SetGroupState { group, ack_id, state } => {
            let owned = |(name, text): (&str, &str)| (name.to_owned(), text.to_owned());
            let state = state.map(|state| state.into_iter().map(owned).collect());
            Ok(Command::Act { action: ClientAction::SetState { group: limits::group(group)?, state }, ack_id })
        }
        Upstream::SubscribeGroupState { group, ack_id } => {
            Ok(Command::Act { action: ClientAction::WatchStates { group: limits::group(group)? }, ack_id })
        }
        Upstream::UnsubscribeGroupState { group, ack_id } => {
            Ok(Command::Act { action: ClientAction::UnwatchStates { group: limits::group(group)? }, ack_id })
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
            let (data, metadata) = payload(data, &metadata)?;
            Ok(Command::Event { name: limits::event(event)?, data, metadata, ack_id })
        }
    }
}

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
        Reply::Ack { ack_id, outcome } => {
            Downstream::Ack { ack_id, success: outcome.is_ok(), error: outcome.err().map(failure) }
        }
        Reply::Pong => Downstream::Pong,
        Reply::InvokeResponse { invocation_id, result } => Downstream::InvokeResponse {
            invocation_id,
            success: result.is_ok(),
            data: result.ok().flatten().map(wire_data),
            error: result.err().map(failure),
            metadata: Vec::new(),
        },
        Reply::StreamAck { stream_id, expected } => Downstream::StreamAck { stream_id, expected_sequence_id: expected },
        Reply::StreamNack { stream_id, expected, name, message } => {
            Downstream::StreamNack { stream_id, name, message, expected_sequence_id: expected }
        }
        Reply::StreamClosed { stream_id, error } => Downstream::StreamClosed { stream_id, error: error.map(failure) },
        Reply::GroupState { group, items, is_snapshot } => {
            let state = GroupState { group, items: items.iter().map(state_item).collect(), sequence_id: None };
            if is_snapshot { Downstream::GroupStateSnapshot(state) } else { Downstream::GroupStateUpdate(state) }
        }
    };
    frame.encode()
}

fn state_item(item: &StateItem) -> GroupStateItem<'_> {
    GroupStateItem {
        connection_id: &item.connection_id,
        user_id: item.user_id.as_deref(),
        state: item.state.as_ref().map(|state| state.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect()),
        updated_at: i64::try_from(item.updated_at).unwrap_or(i64::MAX),
    }
}

fn failure(error: &AckError) -> Failure<'_> {
    Failure { name: error.name, message: &error.message }
}

fn wire_data(data: &Data) -> wire::Data<'_> {
    match data {
        Data::Text(text) => wire::Data::Text(text),
        Data::Json(raw) => wire::Data::Json(raw.get()),
        Data::Binary(bytes) => wire::Data::Binary(bytes),
        Data::Protobuf(bytes) => wire::Data::Any(bytes),
    }
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
    let stream = message.stream.as_ref().map(|part| StreamInfo {
        stream_id: &part.stream_id,
        stream_sequence_id: part.sequence_id,
        end_of_stream: part.is_end,
        error: part
            .error
            .as_ref()
            .map(|error| (Failure { name: error.name, message: &error.message }, error.user_error_code.as_str())),
    });
    let (data, metadata) = (Some(wire_data(&message.data)), message.metadata.pairs().collect());
    DataMessage { from, group, data, metadata, stream }
}
