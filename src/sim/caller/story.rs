//! What a caller lived through.

use crate::time::Instant;
use std::collections::BTreeSet;
use std::net::SocketAddr;

/// What a caller lived through.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Story {
    /// The caller's own number.
    pub number: String,
    /// The Call-ID of the call to us.
    pub call_id: String,
    /// Final responses to the INVITE, each once.
    pub finals: BTreeSet<u16>,
    /// When sound could first be heard before the answer.
    pub early: Option<Instant>,
    /// When the first 200 came.
    pub connected: Option<Instant>,
    /// Where the engine wants our sound: tells which of its streams is ours.
    pub media: Option<SocketAddr>,
    /// Keys pressed.
    pub pressed: Vec<(Instant, char)>,
    /// Whether we have put the engine on hold.
    pub holding: bool,
    /// What we were asked to call.
    pub referred: Vec<(Instant, String)>,
    /// Centres that answered us.
    pub reached: Vec<(Instant, String)>,
    /// The engine was told, or may conclude, that a centre has us: a NOTIFY of success has left.
    pub told: bool,
    /// It does not keep the session alive, or says that there is none: the engine may let it go.
    pub deserted: bool,
    /// No ACK ever came for a 200 of ours.
    pub unacknowledged: bool,
    /// How the call to us ended.
    pub end: Option<(Instant, End)>,
}

/// How a call ended for the caller.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum End {
    /// We hung up.
    HungUp,
    /// We gave up before the answer.
    Cancelled,
    /// The engine refused.
    Refused(u16),
    /// The engine hung up.
    Released,
    /// Nobody ever answered.
    NoAnswer,
    /// We are gone without a word.
    Vanished,
}
