//! Streams to a group: their order, their acks, and what their receivers are told.
//!
//! From client-spec section 3.6. Not recorded from the service: what receivers are told when a publisher is gone
//! (`Cancelled`), and that a start which is repeated after a recovery is acknowledged again.

use std::collections::{BTreeMap, BTreeSet};

use crate::client::publisher;
use crate::hub::{Hub, Key};
use crate::limits::{DEFAULT_STREAM_IDLE_MS, MAX_STREAMS_PER_CONNECTION};
use crate::message::{Data, Message, Sender, StreamError, StreamPart};
use crate::metadata::Metadata;
use crate::protocol::StreamCommand;
use crate::reply::{AckError, Reply};
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
    /// Carries out a frame about a stream.
    pub(crate) fn stream(&mut self, turn: &mut Turn, key: Key, stream_id: &str, command: StreamCommand) {
        let outcome = match command {
            StreamCommand::Start { group, no_echo, idle_timeout_ms } => {
                self.start_stream(turn, key, stream_id, group, no_echo, idle_timeout_ms)
            }
            StreamCommand::KeepAlive => self.touch_stream(turn, key, stream_id).map(|_| ()),
            StreamCommand::Data { sequence_id, data } => self.stream_data(turn, key, stream_id, sequence_id, data),
            StreamCommand::End { error } => self.end_stream(turn, key, stream_id, error).map(|()| {
                self.reply(turn, key, Reply::StreamClosed { stream_id, error: None });
            }),
        };
        if let Err(error) = outcome {
            self.reply(turn, key, Reply::StreamClosed { stream_id, error: Some(&error) });
        }
    }

    fn start_stream(
        &mut self,
        turn: &mut Turn,
        key: Key,
        stream_id: &str,
        group: String,
        no_echo: bool,
        idle_timeout_ms: Option<u64>,
    ) -> Result<(), AckError> {
        let bad = |message: String| Err(AckError { name: "BadRequest", message });
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
            self.reply(turn, key, Reply::StreamAck { stream_id, expected });
            return Ok(());
        }
        if streams.len() >= MAX_STREAMS_PER_CONNECTION {
            return bad(format!("A connection may have {MAX_STREAMS_PER_CONNECTION} streams in the emulator."));
        }
        let idle_ms = idle_timeout_ms.unwrap_or(DEFAULT_STREAM_IDLE_MS);
        let due = now.saturating_add(idle_ms);
        streams.insert(stream_id.to_owned(), Stream { group, user_id, no_echo, expected: 1, idle_ms, due });
        self.idle_streams.insert((due, key, stream_id.to_owned()));
        self.reply(turn, key, Reply::StreamAck { stream_id, expected: 1 });
        Ok(())
    }

    /// Finds a stream and lets its idle time begin anew.
    fn touch_stream(&mut self, turn: &Turn, key: Key, stream_id: &str) -> Result<&mut Stream, AckError> {
        let not_found = || AckError { name: "StreamNotFound", message: format!("There is no stream '{stream_id}'.") };
        let stream = self.streams_mut(key).and_then(|streams| streams.get_mut(stream_id)).ok_or_else(not_found)?;
        let before = stream.due;
        stream.due = turn.now.saturating_add(stream.idle_ms);
        let after = stream.due;
        if self.idle_streams.remove(&(before, key, stream_id.to_owned())) {
            self.idle_streams.insert((after, key, stream_id.to_owned()));
        }
        self.streams_mut(key).and_then(|streams| streams.get_mut(stream_id)).ok_or_else(not_found)
    }

    fn stream_data(
        &mut self,
        turn: &mut Turn,
        key: Key,
        stream_id: &str,
        sequence_id: u64,
        data: Data,
    ) -> Result<(), AckError> {
        let stream = self.touch_stream(turn, key, stream_id)?;
        let (expected, group) = (stream.expected, stream.group.clone());
        if sequence_id > expected {
            let message = format!("The next part of the stream is {expected}, not {sequence_id}.");
            let nack = Reply::StreamNack { stream_id, expected, name: "InvalidSequenceId", message: &message };
            self.reply(turn, key, nack);
            return Ok(());
        }
        // What came before is acknowledged again and not published again.
        if sequence_id < expected {
            self.reply(turn, key, Reply::StreamAck { stream_id, expected });
            return Ok(());
        }
        if let Err(forbidden) = publisher(self, key, &group) {
            let error = StreamError::new("Forbidden", &forbidden.message);
            self.end_stream(turn, key, stream_id, Some(error))?;
            return Err(forbidden);
        }
        let stream = self.touch_stream(turn, key, stream_id)?;
        stream.expected = expected.saturating_add(1);
        let (user_id, no_echo, next) = (stream.user_id.clone(), stream.no_echo, stream.expected);
        let part = StreamPart { stream_id: stream_id.to_owned(), sequence_id, is_end: false, error: None };
        self.publish_part(turn, no_echo.then_some(key), Sender::Group { group, user_id }, part, data);
        self.reply(turn, key, Reply::StreamAck { stream_id, expected: next });
        Ok(())
    }

    /// Takes a stream away and tells its receivers that it is over.
    fn end_stream(
        &mut self,
        turn: &mut Turn,
        key: Key,
        stream_id: &str,
        error: Option<StreamError>,
    ) -> Result<(), AckError> {
        self.touch_stream(turn, key, stream_id)?;
        if let Some(stream) = self.streams_mut(key).and_then(|streams| streams.remove(stream_id)) {
            self.idle_streams.remove(&(stream.due, key, stream_id.to_owned()));
            self.tell_end(turn, key, stream_id, stream, error);
        }
        Ok(())
    }

    fn tell_end(&mut self, turn: &mut Turn, key: Key, stream_id: &str, stream: Stream, error: Option<StreamError>) {
        let Stream { group, user_id, no_echo, expected, .. } = stream;
        let part = StreamPart { stream_id: stream_id.to_owned(), sequence_id: expected, is_end: true, error };
        let except = no_echo.then_some(key);
        self.publish_part(turn, except, Sender::Group { group, user_id }, part, Data::Text(String::new()));
    }

    fn publish_part(&mut self, turn: &mut Turn, except: Option<Key>, from: Sender, part: StreamPart, data: Data) {
        let Sender::Group { group, .. } = &from else { return };
        let mut receivers = self.of_group(group);
        // A client without a subprotocol could not tell the end from a text.
        let is_framed = |key| self.connection(key).is_some_and(|connection| !connection.is_simple());
        receivers.retain(|receiver| Some(*receiver) != except && (!part.is_end || is_framed(*receiver)));
        let message = Message { from, data, metadata: Metadata::default(), ttl_ms: None, stream: Some(part) };
        self.deliver(turn, &receivers, &message);
    }

    /// Ends the streams whose publishers have said nothing for too long.
    pub(crate) fn expire_streams(&mut self, turn: &mut Turn) {
        while let Some((_, key, stream_id)) = self.idle_streams.first().filter(|(due, ..)| *due <= turn.now).cloned() {
            self.idle_streams.pop_first();
            let message = "The stream was idle for too long.";
            if let Some(stream) = self.streams_mut(key).and_then(|streams| streams.remove(&stream_id)) {
                let error = StreamError::new("IdleTimeout", message);
                self.tell_end(turn, key, &stream_id, stream, Some(error));
                let error = AckError { name: "IdleTimeout", message: message.to_owned() };
                self.reply(turn, key, Reply::StreamClosed { stream_id: &stream_id, error: Some(&error) });
            }
        }
    }

    /// The publisher is gone, and its streams with it.
    pub(crate) fn cancel_streams(&mut self, turn: &mut Turn, key: Key, streams: Streams) {
        for (stream_id, stream) in streams {
            self.idle_streams.remove(&(stream.due, key, stream_id.clone()));
            let error = StreamError::new("Cancelled", "The publisher has disconnected.");
            self.tell_end(turn, key, &stream_id, stream, Some(error));
        }
    }
}
