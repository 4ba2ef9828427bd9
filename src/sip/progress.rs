//! What a caller is told before the answer: provisional responses, plain ones each minute (RFC 3261 §13.3.1.1) and
//! reliable ones until their PRACK (RFC 3262), one at a time.
//!
//! Holds what was said and what waits; sends nothing. Without its PRACK a reliable response that carried a description
//! allows no 2xx ever (§3), so after 64·T1 the call can only be refused: 504. One without a description is then left
//! alone and the caller goes on to the answer: §3 says SHOULD, and nobody is dropped for a ringing tone.

use crate::limits::{PROGRESS_AGAIN, T1, TRANSACTION_TIMEOUT};
use crate::sip::identity::{lists, supports_early_media};
use crate::sip::reader::{Message, Name};
use crate::sip::status::StatusCode;
use crate::time::{Duration, Instant};

/// What the INVITE lets us do (RFC 3262 §3).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Reliability {
    /// It does not know 100rel.
    None,
    /// It supports or requires 100rel: every provisional response but 100 is reliable.
    Reliable,
}

/// How far offer and answer are while the INVITE is open (RFC 6337 §2.2).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Exchange {
    /// Nothing was said reliably: the 2xx will carry our answer, or our offer.
    Open,
    /// Our offer left in a reliable response; its PRACK brings the answer.
    Offered,
    /// Complete, as the reliable response said.
    Agreed,
    /// Complete, and changed since by an UPDATE or a PRACK.
    Revised,
}

/// Which way early media may go, from us (RFC 5009 §8).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum EarlyMedia {
    /// We play, and listen for keys.
    SendRecv,
    /// We play.
    SendOnly,
    /// We listen.
    RecvOnly,
    /// Neither.
    Inactive,
}

impl EarlyMedia {
    /// Its header line.
    pub fn line(self) -> &'static [u8] {
        match self {
            Self::SendRecv => b"P-Early-Media: sendrecv\r\n",
            Self::SendOnly => b"P-Early-Media: sendonly\r\n",
            Self::RecvOnly => b"P-Early-Media: recvonly\r\n",
            Self::Inactive => b"P-Early-Media: inactive\r\n",
        }
    }
}

/// What the caller was told.
#[derive(Debug)]
pub struct Progress {
    /// What the INVITE lets us do.
    pub reliability: Reliability,
    /// It said `P-Early-Media: supported`.
    pub early_media: bool,
    /// How far offer and answer are.
    pub exchange: Exchange,
    /// The 2xx that waits for a PRACK.
    pub answer: Option<Vec<u8>>,
    rseq: u32,
    said: Option<Said>,
}

/// The latest provisional response.
#[derive(Debug)]
struct Said {
    status: StatusCode,
    bytes: Vec<u8>,
    waits: Option<Waits>,
    /// When it is said again, so that no proxy gives up (its timer C is three minutes).
    again: Instant,
}

/// For a PRACK.
#[derive(Debug)]
struct Waits {
    with_sdp: bool,
    next: Instant,
    interval: Duration,
    until: Instant,
}

/// What is due.
#[derive(PartialEq, Eq, Debug)]
pub enum Due {
    /// Nothing yet.
    Nothing,
    /// These bytes again.
    Repeat(Vec<u8>),
    /// A minute went by: a reliable response of this status, with a number of its own.
    Renew(StatusCode),
    /// No PRACK in 64·T1 for a response with a description.
    Unpracked,
}

impl Progress {
    /// Nothing said yet.
    pub fn new(message: &Message<'_>) -> Self {
        let reliable = [Name::Require, Name::Supported].into_iter().any(|name| lists(message, name, "100rel"));
        Self {
            reliability: if reliable { Reliability::Reliable } else { Reliability::None },
            early_media: supports_early_media(message),
            exchange: Exchange::Open,
            answer: None,
            rseq: 0,
            said: None,
        }
    }

    /// The number of the next reliable response; the first is drawn (§3).
    pub fn next_rseq(&mut self, drawn: u32) -> u32 {
        self.rseq = if self.rseq == 0 { drawn } else { self.rseq + 1 };
        self.rseq
    }

    /// A response leaves now.
    pub fn said(&mut self, now: Instant, status: StatusCode, bytes: Vec<u8>, with_sdp: bool) {
        let waits = (self.reliability == Reliability::Reliable).then(|| Waits {
            with_sdp,
            next: now + T1,
            interval: T1,
            until: now + TRANSACTION_TIMEOUT,
        });
        self.said = Some(Said { status, bytes, waits, again: now + PROGRESS_AGAIN });
    }

    /// A reliable response waits for its PRACK.
    pub fn waits(&self) -> bool {
        self.said.as_ref().is_some_and(|said| said.waits.is_some())
    }

    /// No 2xx may leave before the PRACK (§3).
    pub fn bars_the_answer(&self) -> bool {
        self.said.as_ref().is_some_and(|said| said.waits.as_ref().is_some_and(|waits| waits.with_sdp))
    }

    /// The PRACK came; true when it is that of a description.
    pub fn acknowledged(&mut self) -> bool {
        let waits = self.said.as_mut().and_then(|said| said.waits.take());
        waits.is_some_and(|waits| waits.with_sdp)
    }

    /// Time went by.
    pub fn tick(&mut self, now: Instant) -> Due {
        let Some(said) = &mut self.said else { return Due::Nothing };
        match &mut said.waits {
            Some(waits) if now >= waits.until => {
                if waits.with_sdp {
                    return Due::Unpracked;
                }
                said.waits = None;
                Due::Nothing
            }
            Some(waits) if now >= waits.next => {
                // It doubles without a ceiling (§3).
                waits.interval *= 2;
                waits.next = now + waits.interval;
                Due::Repeat(said.bytes.clone())
            }
            Some(_) => Due::Nothing,
            None if now >= said.again => {
                said.again = now + PROGRESS_AGAIN;
                match self.reliability {
                    Reliability::None => Due::Repeat(said.bytes.clone()),
                    Reliability::Reliable => Due::Renew(said.status),
                }
            }
            None => Due::Nothing,
        }
    }

    /// When [`Progress::tick`] is due.
    pub fn deadline(&self) -> Option<Instant> {
        let said = self.said.as_ref()?;
        Some(said.waits.as_ref().map_or(said.again, |waits| waits.next.min(waits.until)))
    }
}
