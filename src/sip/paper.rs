//! What a process leaves to a later one: the way a peer's messages go, and below it a message of ours.
//!
//! Our own message reader reads it back, so that nothing new has to be parsed, and what it cannot read is nothing.

use crate::sip::flow::{Flow, Transport};
use crate::sip::reader::{Framing, Message};

/// No trunk.
const NO_TRUNK: &str = "-";

/// A paper that was read.
pub struct Paper {
    /// The way; its connection ended with its process.
    pub flow: Flow,
    /// The name of the trunk.
    pub trunk: Option<String>,
    message: Vec<u8>,
}

/// Writes one.
pub fn write(flow: Flow, trunk: Option<&str>, message: &[u8]) -> String {
    let Flow { transport, local, remote, .. } = flow;
    let mut paper = format!("{} {local} {remote} {}\r\n", transport.name(), trunk.unwrap_or(NO_TRUNK));
    // Peers write UTF-8 and EUC-KR: one character a byte keeps them all.
    paper.extend(message.iter().copied().map(char::from));
    paper
}

impl Paper {
    /// Reads one.
    pub fn read(paper: &str) -> Option<Self> {
        let (way, message) = paper.split_once("\r\n")?;
        let mut words = way.splitn(4, ' ');
        let transport = Transport::from_param(words.next()?.as_bytes())?;
        let (local, remote) = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
        let trunk = words.next().filter(|name| *name != NO_TRUNK).map(str::to_owned);
        let message = message.chars().map(|c| u8::try_from(u32::from(c))).collect::<Result<_, _>>().ok()?;
        Some(Self { flow: Flow { transport, local, remote, connection: 0 }, trunk, message })
    }

    /// Its message.
    pub fn message(&self) -> Option<Message<'_>> {
        Message::read(&self.message, Framing::Datagram)
    }

    /// The same, as it was written.
    pub fn bytes(&self) -> &[u8] {
        &self.message
    }
}
