//! Messages out of a connection's bytes, by the simplest means: an empty line, and what Content-Length says.

/// The bytes of one direction that are not yet a message.
#[derive(Debug, Default)]
pub struct Splitter {
    held: Vec<u8>,
}

impl Splitter {
    /// More bytes; every message that is whole by now. Empty lines between messages are pings and pongs.
    pub fn push(&mut self, bytes: &[u8]) -> Vec<Vec<u8>> {
        self.held.extend_from_slice(bytes);
        let mut messages = Vec::new();
        loop {
            let empty = self.held.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
            self.held.drain(..empty);
            let Some(head) = self.held.windows(4).position(|four| four == b"\r\n\r\n") else { return messages };
            let length = length(&self.held[..head + 4]);
            if self.held.len() < head + 4 + length {
                return messages;
            }
            messages.push(self.held.drain(..head + 4 + length).collect());
        }
    }
}

fn length(head: &[u8]) -> usize {
    let text = String::from_utf8_lossy(head);
    let value = text.lines().find_map(|line| line.strip_prefix("Content-Length:"));
    value.and_then(|value| value.trim().parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_come_out_whole_however_their_bytes_were_cut_and_joined() {
        let one = b"SIP/2.0 200 OK\r\nContent-Length: 3\r\n\r\nabc";
        let all = [b"\r\n\r\n".as_slice(), one, b"\r\n", one, one].concat();
        for size in 1..all.len() {
            let mut splitter = Splitter::default();
            let messages: Vec<Vec<u8>> = all.chunks(size).flat_map(|piece| splitter.push(piece)).collect();
            assert_eq!(messages, vec![one.to_vec(); 3], "pieces of {size}");
        }
    }
}
