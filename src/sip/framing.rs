//! Messages out of a byte stream (RFC 3261 §18.3, RFC 5626 §3.5.1).
//!
//! Cuts by the very Content-Length rule of `reader`. A head whose length cannot be trusted breaks the stream:
//! nobody knows where the next message begins. Work is bounded: bytes are searched once, however they trickle in.

use crate::limits::{BODY_BYTES_MAX, MESSAGE_BYTES_MAX, STREAM_BUFFER_KEPT};
use crate::sip::reader::{Fault, Framing, Message, Name, content_length};
use crate::time::Instant;
use std::ops::Range;

/// One connection's bytes that are not yet a message.
#[derive(Debug, Default)]
pub struct Stream {
    buffer: Vec<u8>,
    /// Bytes before this are done with.
    start: usize,
    /// Bytes before this hold no end of the head.
    scanned: usize,
    /// Where the message under way ends, once its head is whole.
    end: Option<usize>,
    /// Empty lines seen between messages: two are a ping.
    empty_lines: u8,
    /// Since when a message is under way; its rest must come in time.
    pub waiting_since: Option<Instant>,
    /// We asked to close it: whatever still comes is ignored.
    pub closed: bool,
}

/// What the stream holds next.
#[derive(PartialEq, Eq, Debug)]
pub enum Frame {
    /// Nothing whole.
    Incomplete,
    /// CRLFCRLF between messages; a single CRLF wants to be sent back.
    Ping,
    /// One message, at this place of [`Stream::bytes`].
    Message(Range<usize>),
    /// A head after which nothing can be cut, at this place; empty when not even a head can be found.
    Broken(Range<usize>),
}

impl Stream {
    /// More bytes.
    pub fn push(&mut self, bytes: &[u8]) {
        if self.start > 0 {
            self.buffer.drain(..self.start);
            self.scanned -= self.start;
            self.end = self.end.map(|end| end - self.start);
            self.start = 0;
        }
        self.buffer.extend_from_slice(bytes);
    }

    /// Drops what is held and ignores what still comes.
    pub fn close(&mut self) {
        *self = Self { closed: true, ..Self::default() };
    }

    /// The bytes at a place that [`Stream::next_frame`] told.
    pub fn bytes(&self, range: Range<usize>) -> &[u8] {
        self.buffer.get(range).unwrap_or_default()
    }

    /// Bytes of a message that is not whole yet.
    pub fn held(&self) -> usize {
        self.buffer.len() - self.start
    }

    /// Gives back the room of what is done with. An idle connection holds little.
    pub fn rest(&mut self) {
        if self.is_empty() && self.buffer.capacity() > STREAM_BUFFER_KEPT {
            (self.buffer, self.start, self.scanned) = (Vec::new(), 0, 0);
        }
    }

    /// No message is under way.
    pub fn is_empty(&self) -> bool {
        self.start >= self.buffer.len()
    }

    /// Takes the next thing off the stream.
    pub fn next_frame(&mut self) -> Frame {
        if self.end.is_none() {
            if self.skip_empty_lines() {
                return Frame::Ping;
            }
            let Some(head_end) = self.find_head_end() else {
                let held = self.buffer.len() - self.start;
                return if held > MESSAGE_BYTES_MAX { Frame::Broken(0..0) } else { Frame::Incomplete };
            };
            let head = self.start..head_end;
            match body_length(&self.buffer[head.clone()]) {
                Ok(length) => self.end = Some(head_end + length),
                Err(_) => {
                    self.start = self.buffer.len();
                    self.scanned = self.start;
                    return Frame::Broken(head);
                }
            }
        }
        match self.end {
            Some(end) if end <= self.buffer.len() => {
                let message = self.start..end;
                (self.start, self.scanned, self.end) = (end, end, None);
                Frame::Message(message)
            }
            _ => Frame::Incomplete,
        }
    }

    /// True when two empty lines in a row were skipped.
    fn skip_empty_lines(&mut self) -> bool {
        let mut ping = false;
        while let Some(byte @ (b'\r' | b'\n')) = self.buffer.get(self.start) {
            if *byte == b'\n' {
                self.empty_lines += 1;
                if self.empty_lines == 2 {
                    (self.empty_lines, ping) = (0, true);
                }
            }
            self.start += 1;
        }
        if !self.is_empty() {
            self.empty_lines = 0;
        }
        self.scanned = self.scanned.max(self.start);
        ping
    }

    /// Behind the empty line that ends the head: LF LF or LF CR LF, as the reader cuts lines.
    fn find_head_end(&mut self) -> Option<usize> {
        while let Some(at) = self.buffer[self.scanned..].iter().position(|&byte| byte == b'\n') {
            let line_end = self.scanned + at + 1;
            match self.buffer.get(line_end..) {
                Some([b'\n', ..]) => return Some(line_end + 1),
                Some([b'\r', b'\n', ..]) => return Some(line_end + 2),
                // The bytes that decide have not come yet.
                Some([] | [b'\r']) => {
                    self.scanned = line_end - 1;
                    return None;
                }
                _ => self.scanned = line_end,
            }
        }
        self.scanned = self.buffer.len();
        None
    }
}

/// The length of the body behind this head.
fn body_length(head: &[u8]) -> Result<usize, Option<Fault>> {
    let message = Message::read(head, Framing::Stream).ok_or(None)?;
    match content_length(message.values(Name::ContentLength)).map_err(Some)? {
        Some(length) if length <= BODY_BYTES_MAX => Ok(length),
        // Without it a stream cannot be cut (RFC 3261 §20.14); more than we hold would have to be skipped.
        Some(_) | None => Err(message.fault),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPTIONS: &str = "OPTIONS sip:1357@h SIP/2.0\r\nVia: SIP/2.0/TCP h;branch=z9hG4bK1\r\n";

    /// What a stream yields when its bytes come in pieces of `piece`.
    fn frames(bytes: &[u8], piece: usize) -> Vec<String> {
        let mut stream = Stream::default();
        let mut found = Vec::new();
        for part in bytes.chunks(piece) {
            stream.push(part);
            loop {
                match stream.next_frame() {
                    Frame::Incomplete => break,
                    Frame::Ping => found.push("ping".to_owned()),
                    Frame::Message(range) => {
                        let body = String::from_utf8_lossy(stream.bytes(range)).into_owned();
                        found.push(body.rsplit("\r\n\r\n").next().unwrap_or("").to_owned());
                    }
                    Frame::Broken(_) => {
                        found.push("broken".to_owned());
                        return found;
                    }
                }
            }
        }
        found
    }

    #[test]
    fn a_stream_is_cut_alike_however_it_trickles_in() {
        let bytes = format!(
            "{OPTIONS}Content-Length: 5\r\n\r\nfirst\r\n\r\n{OPTIONS}l : 6\r\n\r\nsecond{OPTIONS}Content-Length: 5\r\nContent-Length: 05\r\n\r\nthird"
        );
        for piece in [1, 2, 3, 7, 64, 100_000] {
            assert_eq!(frames(bytes.as_bytes(), piece), ["first", "ping", "second", "third"], "pieces of {piece}");
        }
    }

    #[test]
    fn a_length_that_cannot_be_trusted_breaks_the_stream() {
        for lines in [
            "Content-Length: 5\r\nContent-Length: 6\r\n",
            "Content-Length: -1\r\n",
            "Content-Length: +5\r\n",
            "Content-Length: 5 5\r\n",
            "Content-Length: 5,5\r\n",
            "Content-Length:\r\n",
            "Content-Length : 4294967296\r\n",
            "Content-Length: 18446744073709551617\r\n",
            "Content-Length: 32769\r\n",
            "",
        ] {
            let bytes = format!("{OPTIONS}{lines}\r\nhello");
            for piece in [1, 100_000] {
                assert_eq!(frames(bytes.as_bytes(), piece), ["broken"], "{lines:?}");
            }
        }
    }

    #[test]
    fn a_single_empty_line_is_no_ping_and_an_endless_head_breaks_the_stream() {
        assert_eq!(frames(b"\r\n", 1), Vec::<String>::new());
        assert_eq!(frames(b"\r\n\r\n", 1), ["ping"]);
        assert_eq!(frames("x".repeat(MESSAGE_BYTES_MAX + 1).as_bytes(), 4096), ["broken"]);
        assert_eq!(frames(b"hello\r\n\r\n", 1), ["broken"], "what is no SIP cannot be cut");
    }
}
