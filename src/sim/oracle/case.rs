//! What the oracle knows of one call.

use crate::time::{Duration, Instant};
use std::collections::{BTreeMap, BTreeSet};

/// One call, seen from outside.
#[derive(Debug, Default)]
pub struct Case {
    /// When its INVITE first reached the engine.
    pub invited: Option<Instant>,
    /// It came when nothing new was taken any more.
    pub unwelcome: bool,
    /// Its INVITE met a 503 of an engine that has caps.
    pub shed: bool,
    /// The transaction of the INVITE that reached the engine first.
    pub initial: Option<(u32, String)>,
    /// Final responses by transaction.
    pub finals: BTreeMap<(u32, String), u16>,
    /// The start is on disk.
    pub started: bool,
    /// The 200 left.
    pub answered: Option<Instant>,
    /// 200s that have no ACK yet, by CSeq.
    pub owed: BTreeMap<u32, OwedOk>,
    /// Reliable provisional responses that have no PRACK yet, by RSeq.
    pub reliable: BTreeMap<u32, OwedOk>,
    /// Those that have.
    pub pracked: BTreeSet<u32>,
    /// The ACK came.
    pub connected: Option<Instant>,
    /// What was dialled.
    pub dialled: String,
    /// The greeting was heard to its end, on this line.
    pub greeted: bool,
    /// What was last played.
    pub played: Vec<String>,
    /// The last row of the table entered.
    pub row: String,
    /// The keys that were counted in it.
    pub typed: String,
    /// Whether the caller agreed to be recorded, by the last key that says so.
    pub agreed: Option<bool>,
    /// What was recorded, by its file; messages aside.
    pub tapes: Vec<String>,
    /// The row in which a sound last came to its own end.
    pub finished_in: Option<String>,
    /// What the caller had to say has been recorded.
    pub recorded: bool,
    /// When the engine asked for its start to be written.
    pub start_asked: Option<Instant>,
    /// Something plays and the caller may hear it.
    pub sounding: bool,
    /// Connected, owed sound, and nothing heard since.
    pub silent_since: Option<Instant>,
    /// REFERs, by CSeq, and when they first left: several may repeat at once.
    pub refers: BTreeMap<u32, Instant>,
    /// Where the last one leads.
    pub referred: Option<String>,
    /// The caller has put us on hold.
    pub holding: bool,
    /// What plays goes on for ever.
    pub tone: bool,
    /// The engine has been told that a centre answered.
    pub told: bool,
    /// The caller's CANCEL reached the engine.
    pub cancelled: bool,
    /// The caller's BYE reached the engine, before any of ours.
    pub hung_up: Option<Instant>,
    /// The record was closed before the caller's BYE came.
    pub late_bye: bool,
    /// Our first BYE.
    pub released: Option<Instant>,
    /// Nothing more is owed to the caller's ears.
    pub parted: Option<Instant>,
    /// Keys that reached the engine from the stream.
    pub heard: String,
    /// Keys that counted.
    pub counted: String,
    /// Records.
    pub ends: u32,
    /// The last of them.
    pub end: Option<serde_json::Value>,
    /// The engine died while this call was there.
    pub crashed: bool,
    /// It left the caller with a dialog that nobody had ended.
    pub orphaned: bool,
    /// The caller's side lets the session go.
    pub deserted: bool,
    /// It means to take over the call with this Call-ID.
    pub heir_of: Option<String>,
    /// Another dialog goes on with this call; the record is told there.
    pub succeeded: bool,
    /// Calls of ours for which there was no port.
    pub unopened: usize,
    /// Calls of ours to centres, by their Call-ID.
    pub placed: BTreeSet<String>,
    /// REFERs of the dialogs before this one.
    pub refers_before: usize,
}

/// A response that repeats until it is acknowledged.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct OwedOk {
    /// When it first left.
    pub first: Instant,
    /// The pause before its next repeat.
    pub interval: Duration,
    /// When that is due.
    pub next: Instant,
}

impl Case {
    /// Our final response to the INVITE that began the call.
    pub fn decided(&self) -> Option<u16> {
        self.finals.get(self.initial.as_ref()?).copied()
    }

    /// The caller can hear us and nobody has hung up.
    pub fn is_connected(&self) -> bool {
        self.connected.is_some() && !self.is_over()
    }

    /// Somebody hung up.
    pub fn is_over(&self) -> bool {
        self.hung_up.is_some() || self.released.is_some() || self.parted.is_some()
    }
}
