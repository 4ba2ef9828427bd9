//! The transaction machines (RFC 3261 §17, with RFC 6026), one file each.
//!
//! All have one shape: `handle` takes what happened and says what to do, `deadline` says when `Tick` is due at
//! the latest. They know nothing of dialogs; finding the machine for a message is `agent::table`'s work.

pub mod asking;
pub mod client;
pub mod invite_client;
pub mod invite_server;
pub mod server;

use crate::limits::{T1, T2};
use crate::sip::status::StatusCode;
use crate::time::{Duration, Instant};

/// What a machine wants done.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Output {
    /// Send these bytes to where the transaction lives.
    Send(Vec<u8>),
    /// Tell the user of the transaction: a response, 408 for silence, 503 for a transport that failed.
    Response(StatusCode),
}

/// A message that is sent again: after T1, then after twice the time, up to a ceiling.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Repeat {
    next: Instant,
    interval: Duration,
}

impl Repeat {
    /// Begins with T1 from now.
    pub fn new(now: Instant) -> Self {
        Self { next: now + T1, interval: T1 }
    }

    /// When it is due.
    pub fn next(&self) -> Instant {
        self.next
    }

    /// True when it was due; the wait then doubles up to T2.
    pub fn due(&mut self, now: Instant) -> bool {
        self.due_up_to(now, T2)
    }

    /// As [`Repeat::due`], with another ceiling: an INVITE doubles without end (RFC 3261 §17.1.1.2).
    pub fn due_up_to(&mut self, now: Instant, ceiling: Duration) -> bool {
        if now < self.next {
            return false;
        }
        self.interval = (self.interval * 2).min(ceiling);
        self.next = now + self.interval;
        true
    }

    /// From now on every T2 (RFC 3261 §17.1.2.2: a provisional response slows the repeats).
    pub fn slow(&mut self) {
        self.interval = T2;
    }
}
