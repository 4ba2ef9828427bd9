//! Offer and answer as functions (RFC 3264). (First cut: the bodies follow; the signatures stand.)

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

/// A codec we speak.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Codec {
    /// G.711 A-law, payload type 8: the national preference.
    Pcma,
    /// G.711 µ-law, payload type 0.
    Pcmu,
}

/// Who may send, seen from us (RFC 3264 §5.1).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Direction {
    /// Both.
    SendRecv,
    /// Only we send: the peer has us on hold, or listens.
    SendOnly,
    /// Only the peer sends.
    RecvOnly,
    /// Nobody.
    Inactive,
}

/// How key presses arrive as events (RFC 4733).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Events {
    /// Payload type of `telephone-event`.
    pub payload_type: u8,
    /// Its clock rate: 8000, or 16000/48000 beside 8000 Hz audio.
    pub clock: u32,
}

/// What both sides agreed on for the one audio stream.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Chosen {
    /// Where the peer says it listens; `None` when it gave 0.0.0.0 or port 0 (hold, RFC 2543 style).
    pub remote: Option<SocketAddr>,
    /// The codec.
    pub codec: Codec,
    /// Its payload type as the peer numbers it.
    pub payload_type: u8,
    /// Packet length we send: the peer's `ptime` within 10–60 ms, else 20 ms.
    pub packet: Duration,
    /// Key events, when the peer has them (every `telephone-event` format it listed).
    pub events: Vec<Events>,
    /// The direction from our side.
    pub direction: Direction,
}

/// An answer to send and what it agreed on.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The body.
    pub sdp: Vec<u8>,
    /// What was agreed.
    pub chosen: Chosen,
}

/// Our side of a description.
#[derive(Clone, Copy, Debug)]
pub struct Local {
    /// Our address as the peer sees it.
    pub ip: IpAddr,
    /// Our RTP port.
    pub port: u16,
    /// `o=` session id, the same for the whole dialog.
    pub session: u64,
    /// `o=` version, one more for each changed description.
    pub version: u64,
}

/// Why an offer or answer does not do: 488 for an offer, the end for an answer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Refusal(pub &'static str);

/// Answers an offer: one audio line taken, all others refused with port 0, every line in its place.
pub fn answer(_offer: &[u8], _local: Local) -> Result<Answer, Refusal> {
    Err(Refusal("not written yet"))
}

/// Our own offer, for an INVITE without one: PCMA, PCMU, telephone-event.
pub fn offer(_local: Local) -> Vec<u8> {
    Vec::new()
}

/// What an answer to our offer agreed on.
pub fn accept(_answer: &[u8]) -> Result<Chosen, Refusal> {
    Err(Refusal("not written yet"))
}
