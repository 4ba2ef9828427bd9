//! Every 2xx to an INVITE of ours meets an ACK, and so does every copy of it (RFC 3261 §13.2.2.4).
//!
//! To the INVITE that places a call, to re-INVITEs, of every fork, and whatever became of the call meanwhile.

use super::{GIVE_UP, MARGIN, Oracle};
use crate::sim::caller::text::Message;
use crate::time::Instant;
use std::collections::BTreeMap;

/// INVITEs of ours, and answers that wait for their ACK.
#[derive(Debug, Default)]
pub(super) struct Acks {
    /// By branch.
    invites: BTreeMap<String, Invite>,
    /// In the order in which they came.
    owed: Vec<Owed>,
}

/// One INVITE transaction, seen from outside.
#[derive(Debug)]
struct Invite {
    left: Instant,
    /// It is inside a dialog.
    within: bool,
    rang: bool,
    cancelled: Option<Instant>,
    refused: bool,
    accepted: Option<Instant>,
}

/// An answer without its ACK.
#[derive(Debug)]
struct Owed {
    came: Instant,
    call_id: String,
    cseq: u32,
    tag: String,
}

impl Invite {
    /// Whether a 2xx that comes now must be acknowledged. None can come to an INVITE that is lost on its way, and an answer that is lost
    /// on its way reaches nobody; but the engine may have done with the INVITE:
    /// - it was refused before (no 2xx has a place behind that);
    /// - 64·T1 have passed since its first 2xx (RFC 6026, timer M), or since it left and nothing had come (timer B), or since it
    ///   was cancelled (§9.1). One that rings is waited for until it is cancelled.
    fn awaits_success(&self, now: Instant) -> bool {
        let since = match (self.accepted, self.cancelled) {
            (Some(accepted), _) => Some(accepted),
            (None, Some(cancelled)) => Some(cancelled),
            (None, None) if self.rang && !self.within => None,
            (None, None) => Some(self.left),
        };
        !self.refused && since.is_none_or(|since| now + MARGIN < since + GIVE_UP)
    }
}

impl Acks {
    /// A message leaves the engine.
    pub fn sent(&mut self, now: Instant, message: &Message<'_>) {
        match message.method() {
            Some("INVITE") => {
                let within = !message.tag("To").is_empty();
                let invite = Invite { left: now, within, rang: false, cancelled: None, refused: false, accepted: None };
                self.invites.entry(message.branch().to_owned()).or_insert(invite);
            }
            Some("CANCEL") => {
                if let Some(invite) = self.invites.get_mut(message.branch()) {
                    invite.cancelled.get_or_insert(now);
                }
            }
            Some("ACK") => {
                let cseq = message.cseq().map_or(0, |(cseq, _)| cseq);
                let (call_id, tag) = (message.call_id(), message.tag("To"));
                let met = |owed: &Owed| owed.cseq == cseq && owed.call_id == call_id && owed.tag == tag;
                if let Some(at) = self.owed.iter().position(met) {
                    self.owed.remove(at);
                }
            }
            _ => {}
        }
    }

    /// A message reaches the engine; whether it is a 2xx that must be acknowledged.
    pub fn came(&mut self, now: Instant, message: &Message<'_>) -> bool {
        let (Some(status), Some((cseq, "INVITE"))) = (message.status(), message.cseq()) else { return false };
        // Of an INVITE that a process sent which has died meanwhile the next one knows no more than what was on disk: see `far`.
        let Some(invite) = self.invites.get_mut(message.branch()) else { return false };
        match status {
            ..200 => invite.rang = true,
            200..300 if invite.awaits_success(now) => {
                invite.accepted.get_or_insert(now);
                let (call_id, tag) = (message.call_id().to_owned(), message.tag("To").to_owned());
                self.owed.push(Owed { came: now, call_id, cseq, tag });
                return true;
            }
            200..300 => {}
            300.. => invite.refused |= invite.accepted.is_none(),
        }
        false
    }
}

impl Oracle {
    /// Time went by: whoever answered before has its ACK by now.
    pub(super) fn check_acks(&mut self, now: Instant) {
        while let Some(at) = self.acks.owed.iter().position(|owed| owed.came + MARGIN < now) {
            let Owed { came, call_id, cseq, tag } = self.acks.owed.remove(at);
            let what = format!("a 2xx to INVITE {cseq} of {tag:?}, which came at {came:?}, met no ACK");
            self.broken(now, "every answer is acknowledged", &call_id, what);
        }
    }
}
