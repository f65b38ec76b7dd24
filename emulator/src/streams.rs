//! Streams to a group: their order, their acks, and what their receivers are told.
//!
//! From client-spec section 3.6. Not recorded from the service: what receivers are told when a publisher is gone
//! (`Cancelled`), and that a start which is repeated after a recovery is acknowledged again.

use std::collections::{BTreeMap, BTreeSet};

use webpubsub_edge::protocol::{
    DataMessage, Downstream, ErrorDetail, Payload, Sender, StreamEndError, StreamError, StreamPart,
};

use crate::client::publisher;
use crate::hub::{Hub, Key};
use crate::limits::{DEFAULT_STREAM_IDLE_MS, MAX_STREAMS_PER_CONNECTION};
use crate::message::Outgoing;
use crate::turn::Turn;

/// An outbound stream of one connection.
#[derive(Clone, Debug)]
pub(crate) struct Stream {
    group: String,
    /// Whose it is.
    user_id: Option<String>,
    no_echo: bool,
    /// The number of the part that is published next.
    expected: u64,
    idle_ms: u64,
    /// When it has been idle for too long.
    due: u64,
}

impl Stream {
    /// The bytes of its texts.
    pub(crate) fn bytes(&self) -> usize {
        self.group.len().saturating_add(self.user_id.as_ref().map_or(0, String::len))
    }
}

/// The streams of one connection, by their ids.
pub(crate) type Streams = BTreeMap<String, Stream>;

/// When streams become idle, first the one that does so first.
pub(crate) type IdleStreams = BTreeSet<(u64, Key, String)>;

impl Hub {
    /// Opens a stream, or acknowledges again that it is open.
    pub(crate) fn open_stream(
        &mut self,
        turn: &mut Turn,
        key: Key,
        stream_id: &str,
        group: String,
        no_echo: bool,
        idle_timeout_ms: Option<u32>,
    ) -> Result<(), ErrorDetail<'static>> {
        let bad = |message: String| Err(ErrorDetail::new("BadRequest", message));
        publisher(self, key, &group)?;
        if stream_id.is_empty() || idle_timeout_ms == Some(0) {
            return bad("A stream needs a streamId and an idleTimeoutMs over 0.".to_owned());
        }
        let now = turn.now;
        let user_id = self.connection(key).and_then(|connection| connection.user_id.clone());
        let Some(streams) = self.streams_mut(key) else { return Ok(()) };
        if let Some(known) = streams.get(stream_id) {
            if known.group != group {
                return bad(format!("The stream '{stream_id}' exists already."));
            }
            let expected = known.expected;
            self.acknowledge_stream(turn, key, stream_id, expected);
            return Ok(());
        }
        if streams.len() >= MAX_STREAMS_PER_CONNECTION {
            return bad(format!("A connection may have {MAX_STREAMS_PER_CONNECTION} streams in the emulator."));
        }
        let idle_ms = idle_timeout_ms.map_or(DEFAULT_STREAM_IDLE_MS, u64::from);
        let due = now.saturating_add(idle_ms);
        streams.insert(stream_id.to_owned(), Stream { group, user_id, no_echo, expected: 1, idle_ms, due });
        self.idle_streams.insert((due, key, stream_id.to_owned()));
        self.acknowledge_stream(turn, key, stream_id, 1);
        Ok(())
    }

    fn acknowledge_stream(&self, turn: &mut Turn, key: Key, stream_id: &str, expected: u64) {
        let stream_id = stream_id.into();
        self.reply(turn, key, &Downstream::StreamAck { stream_id, expected_sequence_id: expected });
    }

    /// Finds a stream and restarts its idle time.
    pub(crate) fn touch_stream(
        &mut self,
        turn: &Turn,
        key: Key,
        stream_id: &str,
    ) -> Result<&mut Stream, ErrorDetail<'static>> {
        let not_found = || ErrorDetail::new("StreamNotFound", format!("There is no stream '{stream_id}'."));
        let stream = self.streams_mut(key).and_then(|streams| streams.get_mut(stream_id)).ok_or_else(not_found)?;
        let before = stream.due;
        stream.due = turn.now.saturating_add(stream.idle_ms);
        let after = stream.due;
        if self.idle_streams.remove(&(before, key, stream_id.to_owned())) {
            self.idle_streams.insert((after, key, stream_id.to_owned()));
        }
        self.streams_mut(key).and_then(|streams| streams.get_mut(stream_id)).ok_or_else(not_found)
    }

    /// Publishes a part of a stream if it is the next one.
    pub(crate) fn stream_data(
        &mut self,
        turn: &mut Turn,
        key: Key,
        stream_id: &str,
        sequence_id: u64,
        payload: Payload<'_>,
    ) -> Result<(), ErrorDetail<'static>> {
        let stream = self.touch_stream(turn, key, stream_id)?;
        let (expected, group) = (stream.expected, stream.group.clone());
        if sequence_id > expected {
            let message = format!("The next part of the stream is {expected}, not {sequence_id}.");
            let error = ErrorDetail::new("InvalidSequenceId", message);
            let nack = Downstream::StreamNack { stream_id: stream_id.into(), expected_sequence_id: expected, error };
            self.reply(turn, key, &nack);
            return Ok(());
        }
        // An earlier part is acknowledged again and not published again.
        if sequence_id < expected {
            self.acknowledge_stream(turn, key, stream_id, expected);
            return Ok(());
        }
        if let Err(forbidden) = publisher(self, key, &group) {
            let error = stream_error("Forbidden", &forbidden.message);
            self.close_stream(turn, key, stream_id, Some(error))?;
            return Err(forbidden);
        }
        let stream = self.touch_stream(turn, key, stream_id)?;
        stream.expected = expected.saturating_add(1);
        let (user_id, no_echo, next) = (stream.user_id.clone(), stream.no_echo, stream.expected);
        let part = StreamPart { stream_id: stream_id.into(), sequence_id, is_end: false, error: None };
        self.publish_part(turn, no_echo.then_some(key), &group, user_id, part, payload);
        self.acknowledge_stream(turn, key, stream_id, next);
        Ok(())
    }

    /// Ends a stream as its publisher asks.
    pub(crate) fn end_stream(
        &mut self,
        turn: &mut Turn,
        key: Key,
        stream_id: &str,
        error: Option<StreamEndError<'_>>,
    ) -> Result<(), ErrorDetail<'static>> {
        let error = error.map(|StreamEndError { message, user_error_code }| StreamError {
            name: "UserError".into(),
            message: message.unwrap_or_default(),
            user_error_code: user_error_code.filter(|code| !code.is_empty()),
        });
        self.close_stream(turn, key, stream_id, error)?;
        self.reply(turn, key, &Downstream::StreamClosed { stream_id: stream_id.into(), error: None });
        Ok(())
    }

    /// Removes a stream and sends its end to its receivers.
    fn close_stream(
        &mut self,
        turn: &mut Turn,
        key: Key,
        stream_id: &str,
        error: Option<StreamError<'_>>,
    ) -> Result<(), ErrorDetail<'static>> {
        self.touch_stream(turn, key, stream_id)?;
        if let Some(stream) = self.streams_mut(key).and_then(|streams| streams.remove(stream_id)) {
            self.idle_streams.remove(&(stream.due, key, stream_id.to_owned()));
            self.publish_end(turn, key, stream_id, stream, error);
        }
        Ok(())
    }

    fn publish_end(
        &mut self,
        turn: &mut Turn,
        key: Key,
        stream_id: &str,
        stream: Stream,
        error: Option<StreamError<'_>>,
    ) {
        let Stream { group, user_id, no_echo, expected, .. } = stream;
        let part = StreamPart { stream_id: stream_id.into(), sequence_id: expected, is_end: true, error };
        self.publish_part(turn, no_echo.then_some(key), &group, user_id, part, Payload::Text("".into()));
    }

    fn publish_part(
        &mut self,
        turn: &mut Turn,
        except: Option<Key>,
        group: &str,
        user_id: Option<String>,
        part: StreamPart<'_>,
        payload: Payload<'_>,
    ) {
        let mut receivers = self.of_group(group);
        // A client without a subprotocol could not tell the end from a text.
        let is_framed = |key| self.connection(key).is_some_and(|connection| !connection.is_simple());
        receivers.retain(|receiver| Some(*receiver) != except && (!part.is_end || is_framed(*receiver)));
        let from = Sender::Group { group: group.into(), user_id: user_id.map(Into::into) };
        let message = DataMessage { from, payload, metadata: vec![], stream: Some(part), sequence_id: None };
        self.deliver(turn, &receivers, &Outgoing { message, ttl_ms: None });
    }

    /// Ends the streams whose publishers have said nothing for too long.
    pub(crate) fn expire_streams(&mut self, turn: &mut Turn) {
        while let Some((_, key, stream_id)) = self.idle_streams.first().filter(|(due, ..)| *due <= turn.now).cloned() {
            self.idle_streams.pop_first();
            let message = "The stream was idle for too long.";
            if let Some(stream) = self.streams_mut(key).and_then(|streams| streams.remove(&stream_id)) {
                self.publish_end(turn, key, &stream_id, stream, Some(stream_error("IdleTimeout", message)));
                let error = Some(ErrorDetail::new("IdleTimeout", message));
                self.reply(turn, key, &Downstream::StreamClosed { stream_id: stream_id.into(), error });
            }
        }
    }

    /// The publisher is gone, and its streams with it.
    pub(crate) fn cancel_streams(&mut self, turn: &mut Turn, key: Key, streams: Streams) {
        for (stream_id, stream) in streams {
            self.idle_streams.remove(&(stream.due, key, stream_id.clone()));
            let error = stream_error("Cancelled", "The publisher has disconnected.");
            self.publish_end(turn, key, &stream_id, stream, Some(error));
        }
    }
}

/// Makes an error of the service's own.
fn stream_error<'a>(name: &'a str, message: &'a str) -> StreamError<'a> {
    StreamError { name: name.into(), message: message.into(), user_error_code: None }
}
