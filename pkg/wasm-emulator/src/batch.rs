//! Frames for many sockets, so that all of them cross the boundary together.

use webpubsub_edge_emulator::{Content, Frame, SocketId};

use crate::number;

/// Frames one after the other, and for each of them in `plan`: its length, to how many sockets it goes, and to which.
#[derive(Default)]
pub(crate) struct Batch {
    pub(crate) plan: Vec<u32>,
    pub(crate) frames: Vec<u8>,
}

impl Batch {
    /// Adds a message as a frame of the WebSocket protocol.
    pub(crate) fn add(&mut self, to: &[SocketId], frame: &Frame) {
        let before = self.frames.len();
        match frame.content() {
            Content::Text(text) => self.write(TEXT, text.as_bytes()),
            Content::Binary(bytes) => self.write(BINARY, &bytes),
        }
        let length = self.frames.len().saturating_sub(before);
        self.plan.extend([length, to.len()].map(|number| u32::try_from(number).unwrap_or(u32::MAX)));
        self.plan.extend(to.iter().copied().map(number));
    }

    /// Whether it should be sent before more comes: a message whose receivers know it by different ids is here once for
    /// each of them.
    pub(crate) fn is_full(&self) -> bool {
        self.frames.len() >= ENOUGH_BYTES
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.plan.is_empty()
    }

    /// A whole message in one frame, without a mask, as servers send it (RFC 6455, 5.2).
    fn write(&mut self, opcode: u8, payload: &[u8]) {
        self.frames.push(FINAL | opcode);
        match (u8::try_from(payload.len()), u16::try_from(payload.len())) {
            (Ok(length @ ..126), _) => self.frames.push(length),
            (_, Ok(length)) => {
                self.frames.push(126);
                self.frames.extend(length.to_be_bytes());
            }
            _ => {
                self.frames.push(127);
                self.frames.extend((payload.len() as u64).to_be_bytes());
            }
        }
        self.frames.extend(payload);
    }
}

/// So many bytes are worth a call of their own.
const ENOUGH_BYTES: usize = 16 * 1024 * 1024;

const FINAL: u8 = 0x80;
const TEXT: u8 = 1;
const BINARY: u8 = 2;

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn lengths_are_written_in_three_sizes() {
        for (length, head) in [
            (0, vec![0x82, 0]),
            (125, vec![0x82, 125]),
            (126, vec![0x82, 126, 0, 126]),
            (65_535, vec![0x82, 126, 255, 255]),
            (65_536, vec![0x82, 127, 0, 0, 0, 0, 0, 1, 0, 0]),
        ] {
            let mut batch = Batch::default();
            batch.add(&[1], &Frame::Binary(Arc::from(vec![7; length])));
            assert!(batch.frames.starts_with(&head), "{length}");
            assert_eq!(batch.frames.len(), head.len().saturating_add(length));
        }
    }

    #[test]
    fn it_is_full_before_it_is_large() {
        let mut batch = Batch::default();
        let large = Frame::Binary(Arc::from(vec![7; 1024 * 1024]));
        let added = (0..1000).take_while(|_| {
            batch.add(&[1], &large);
            !batch.is_full()
        });
        assert_eq!(added.count(), 15);
    }

    #[test]
    fn the_plan_tells_where_each_frame_ends_and_whose_it_is() {
        let mut batch = Batch::default();
        batch.add(&[3, 4], &Frame::Text(Arc::from("hi")));
        batch.add(&[5], &Frame::Binary(Arc::from([9])));
        assert_eq!(batch.plan, [4, 2, 3, 4, 3, 1, 5]);
        assert_eq!(batch.frames, [0x81, 2, b'h', b'i', 0x82, 1, 9]);
    }
}
