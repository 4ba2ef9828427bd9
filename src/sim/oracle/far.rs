//! Calls of ours to centres: whoever is called is hung up on once, no leg outlives its other one, and both are heard.

use super::{GIVE_UP, MARGIN, Oracle};
use crate::media::StreamKey;
use crate::number::Key;
use crate::sim::caller::text::Message;
use crate::time::Instant;
use std::collections::{BTreeMap, BTreeSet};

/// One call of ours to a centre, seen from outside.
#[derive(Debug)]
pub struct Far {
    /// The Call-ID of the caller whom it is for.
    pub caller: String,
    /// Its address in the table.
    pub target: String,
    /// Its stream.
    pub stream: StreamKey,
    /// The CSeq of its INVITE.
    cseq: u32,
    /// A provisional response reached the engine: from now on it can be cancelled.
    provisional: Option<Instant>,
    /// A provisional response told where its sound comes from.
    early: bool,
    /// A 2xx reached the engine.
    accepted: Option<Instant>,
    /// The tag of that 2xx: the fork that makes the call.
    tag: String,
    /// Forks that answered behind it, by their tags, and whether our BYE left.
    forks: BTreeMap<String, bool>,
    /// Another final response did.
    refused: Option<Instant>,
    cancelled: Option<Instant>,
    acknowledged: bool,
    /// Keys that are being pressed for it.
    dialling: String,
    /// Those that are out.
    dialled: String,
    /// Our BYEs, by CSeq: one may go several ways (RFC 3263 §4.3).
    byes: BTreeSet<u32>,
    /// When our BYE left.
    pub released: Option<Instant>,
    hung_up: Option<Instant>,
    /// Caller and centre hear each other, and it has answered.
    pub talks: Option<Instant>,
    closed: Option<Instant>,
    /// It knows nothing of the call any more.
    lost: bool,
    /// The process died meanwhile.
    pub crashed: bool,
    /// The process died over a talk that nobody had ended.
    orphaned: bool,
    /// Final responses to its re-INVITEs.
    finals: BTreeMap<(u32, String), u16>,
    /// Those that are a 2xx and have no ACK yet, and when they first left.
    owed: BTreeMap<u32, Instant>,
    /// Some were, when the caller left: our BYE has to wait for their ACK, or for the time in which it may come (RFC 3261 §15).
    waits: bool,
    /// When the last of them came.
    freed: Option<Instant>,
    /// It could be cancelled when the process died.
    rang_orphaned: bool,
}

impl Far {
    /// When it was over for us.
    fn over(&self) -> Option<Instant> {
        [self.refused, self.released, self.hung_up, self.cancelled].into_iter().flatten().min()
    }

    /// When our BYE may leave to a centre whose caller has gone: at once, or with the last ACK that is owed to us.
    fn free(&self) -> Instant {
        let in_vain = self.owed.values().map(|first| *first + GIVE_UP).max();
        let last = in_vain.or(self.freed).filter(|_| self.waits);
        last.unwrap_or(Instant::START)
    }
}

impl Far {
    /// Whoever rang or talked when the process died is told by the next one.
    fn mismatch_after_crash(&self) -> Option<(&'static str, String)> {
        let rule = "a goodbye after a crash";
        let over = self.released.is_some() || self.hung_up.is_some() || self.lost;
        let what = match self.accepted {
            _ if self.orphaned && !over => "a centre left in silence",
            // It answered the next process.
            Some(_) if self.rang_orphaned && !self.acknowledged => "an answer met no ACK",
            Some(_) if self.rang_orphaned && !over => "a centre that answered nobody is not hung up",
            None if self.rang_orphaned && self.cancelled.is_none() && self.refused.is_none() => "a centre rings on",
            Some(_) | None => return None,
        };
        Some((rule, what.to_owned()))
    }
}

impl Oracle {
    /// An INVITE of ours leaves for a centre.
    pub(super) fn calls_far(&mut self, call_id: &str, caller: String, target: String, stream: StreamKey, cseq: u32) {
        let far = Far {
            caller,
            target,
            stream,
            cseq,
            provisional: None,
            early: false,
            accepted: None,
            tag: String::new(),
            forks: BTreeMap::new(),
            refused: None,
            cancelled: None,
            acknowledged: false,
            dialling: String::new(),
            dialled: String::new(),
            byes: BTreeSet::new(),
            released: None,
            hung_up: None,
            talks: None,
            closed: None,
            lost: false,
            crashed: false,
            orphaned: false,
            finals: BTreeMap::new(),
            owed: BTreeMap::new(),
            waits: false,
            freed: None,
            rang_orphaned: false,
        };
        self.fars.insert(call_id.to_owned(), far);
    }

    /// Something leaves in a call of ours; `false` when it belongs to none.
    pub(super) fn sent_far(&mut self, now: Instant, message: &Message<'_>) -> bool {
        let Some(far) = self.fars.get_mut(message.call_id()) else { return false };
        let Some((cseq, method)) = message.cseq() else { return true };
        let transaction = (cseq, message.branch().to_owned());
        let mut wrong = None;
        match (message.method(), message.status()) {
            // Once more, with what a refusal asked for.
            (Some("INVITE"), _) if message.tag("To").is_empty() => far.cseq = cseq,
            (Some("ACK"), _) if cseq == far.cseq => {
                far.acknowledged |= far.accepted.is_some() && message.tag("To") == far.tag;
            }
            (Some("CANCEL"), _) => _ = far.cancelled.get_or_insert(now),
            (Some("BYE"), _) if far.forks.contains_key(message.tag("To")) => {
                far.forks.insert(message.tag("To").to_owned(), true);
            }
            (Some("BYE"), _) => {
                if far.hung_up.is_some() && far.released.is_none() && !far.crashed {
                    wrong = Some("our BYE behind theirs".to_owned());
                }
                far.released.get_or_insert(now);
                far.byes.insert(cseq);
                if far.byes.len() > 1 {
                    wrong = Some(format!("{} BYEs", far.byes.len()));
                }
            }
            (None, Some(status @ 200..)) if method == "INVITE" => {
                let known = far.finals.insert(transaction, status);
                if known.is_none() && status < 300 {
                    far.owed.insert(cseq, now);
                }
                // A new process knows nothing of the answers of the last one.
                if let Some(known) = known.filter(|known| *known != status && !far.crashed) {
                    wrong = Some(format!("{status} after {known}"));
                }
            }
            _ => {}
        }
        if let Some(what) = wrong {
            self.broken(now, "one BYE a dialog", message.call_id(), what);
        }
        true
    }

    /// A datagram of a centre reaches the engine.
    pub fn centre_says(&mut self, now: Instant, bytes: &[u8]) {
        let Some(message) = Message::read(bytes) else { return };
        let counts = self.acks.came(now, &message);
        let Some(far) = self.fars.get_mut(message.call_id()) else { return };
        let Some((cseq, method)) = message.cseq() else { return };
        match (message.method(), message.status()) {
            (Some("BYE"), _) if far.forks.contains_key(message.tag("From")) => {}
            (Some("BYE"), _) if far.accepted.is_some() && far.released.is_none() => {
                far.hung_up.get_or_insert(now);
            }
            (None, Some(status)) if method == "INVITE" && cseq == far.cseq => {
                let decided = far.accepted.is_some() || far.refused.is_some();
                match status {
                    100..200 if !decided => {
                        far.provisional.get_or_insert(now);
                        far.early |= !message.body.is_empty();
                    }
                    200..300 if !decided => {
                        far.accepted = Some(now);
                        message.tag("To").clone_into(&mut far.tag);
                    }
                    200..300 if far.accepted.is_some() && message.tag("To") != far.tag => {
                        // Of one that comes too late to be acknowledged no BYE is asked for either.
                        far.forks.entry(message.tag("To").to_owned()).or_insert(!counts);
                    }
                    300.. if !decided => far.refused = Some(now),
                    _ => {}
                }
            }
            (Some("ACK"), _) => {
                far.owed.remove(&cseq);
                far.freed = far.owed.is_empty().then_some(now);
            }
            (None, Some(481 | 408)) if method != "CANCEL" => far.lost = true,
            _ => {}
        }
    }

    /// A caller hears a centre; `talks`: and the centre the caller.
    pub fn bridged(&mut self, now: Instant, stream: StreamKey, talks: bool) {
        let Some((call_id, far)) = self.fars.iter_mut().find(|(_, far)| far.stream == stream) else { return };
        if far.over().is_some() {
            return;
        }
        if !far.acknowledged && (talks || !far.early) {
            let call_id = call_id.clone();
            let what = "bridged with a centre that is not there".to_owned();
            return self.broken(now, "bridged with somebody", &call_id, what);
        }
        if !talks {
            return;
        }
        let early = far.talks.is_none() && !self.law.post_dial.contains(&(far.target.clone(), far.dialled.clone()));
        far.talks.get_or_insert(now);
        if let Some(case) = self.cases.get_mut(&far.caller) {
            case.told = true;
        }
        if early {
            let call_id = call_id.clone();
            let what = "a talk before the post-dial digits were out, or behind others".to_owned();
            self.broken(now, "keys before the talk", &call_id, what);
        }
    }

    /// A centre is sent these keys.
    pub fn post_dials(&mut self, stream: StreamKey, keys: &[Key]) {
        if let Some(far) = self.fars.values_mut().find(|far| far.stream == stream) {
            far.dialling = keys.iter().map(|key| key.as_char()).collect();
        }
    }

    /// So many of them are out.
    pub fn post_dialled(&mut self, stream: StreamKey, count: u8) {
        if let Some(far) = self.fars.values_mut().find(|far| far.stream == stream) {
            far.dialled.extend(std::mem::take(&mut far.dialling).chars().take(count.into()));
        }
    }

    /// A caller leaves.
    pub(super) fn far_waits(&mut self, caller: &str) {
        for far in self.fars.values_mut().filter(|far| far.caller == caller) {
            far.waits |= !far.owed.is_empty();
        }
    }

    /// The stream of a call of ours is closed.
    pub(super) fn far_closed(&mut self, now: Instant, call_id: &str) {
        if let Some(far) = self.fars.get_mut(call_id) {
            far.closed.get_or_insert(now);
        }
    }

    /// The process died.
    pub(super) fn fars_crashed(&mut self) {
        for far in self.fars.values_mut() {
            far.crashed = true;
            far.orphaned = far.accepted.is_some() && far.over().is_none();
            // Given up before the centre's first word: no CANCEL may leave (RFC 3261 §9.1), and what is on disk is of whom we called behind it.
            let forgotten = far.provisional.is_none() && far.closed.is_some();
            far.rang_orphaned = far.accepted.is_none() && far.over().is_none() && !forgotten;
            far.owed.clear();
            // The next one cannot know what was said already.
            far.byes.clear();
            // Its streams begin to count anew.
            far.stream = StreamKey(u64::MAX);
        }
    }

    /// What was for one caller is for another now.
    pub(super) fn fars_follow(&mut self, old: &str, new: &str) {
        for far in self.fars.values_mut().filter(|far| far.caller == old) {
            new.clone_into(&mut far.caller);
        }
    }

    /// Everybody has gone: how each call of ours ended.
    pub(super) fn fars_settle(&mut self, now: Instant) {
        let wrong: Vec<(&'static str, String, String)> = self
            .fars
            .iter()
            .filter_map(|(call_id, far)| {
                let (rule, what) = self.mismatch(far)?;
                Some((rule, call_id.clone(), what))
            })
            .collect();
        for (rule, call_id, what) in wrong {
            self.broken(now, rule, &call_id, what);
        }
    }

    fn mismatch(&self, far: &Far) -> Option<(&'static str, String)> {
        if far.crashed {
            return far.mismatch_after_crash();
        }
        let late = |due: Instant, done: Option<Instant>| done.is_none_or(|done| done > due + MARGIN);
        let case = self.cases.get(&far.caller);
        let parted = case.filter(|case| !case.crashed).and_then(|case| case.parted);
        if let Some(accepted) = far.accepted {
            if !far.acknowledged {
                return Some(("every answer is acknowledged", "a 2xx of a centre met no ACK".to_owned()));
            }
            if far.released.is_none() && far.hung_up.is_none() && !far.lost {
                return Some(("one BYE a dialog", "none".to_owned()));
            }
            if far.forks.values().any(|released| !released) {
                return Some(("one BYE a dialog", "none for a fork that was not taken".to_owned()));
            }
            let over = [far.released, far.hung_up].into_iter().flatten().min();
            let due = |parted: Instant| accepted.max(parted).max(far.free());
            if let Some(parted) = parted.filter(|parted| late(due(*parted), over) && !far.lost) {
                return Some(("no leg alone", format!("the caller left at {parted:?}, the centre at {over:?}")));
            }
        } else if let (Some(parted), Some(provisional), None) = (parted, far.provisional, far.refused)
            && late(parted.max(provisional), far.cancelled)
        {
            let what = format!("the caller left at {parted:?}, CANCEL at {:?}", far.cancelled);
            return Some(("no leg alone", what));
        }
        // A caller who has not acknowledged our 200 cannot be hung up on yet (RFC 3261 §15).
        let over = [far.released, far.hung_up].into_iter().flatten().min();
        if let (Some(over), Some(_), Some(case)) = (over, far.talks, case)
            && !case.crashed
            && case.owed.is_empty()
            && late(over, case.parted)
        {
            return Some(("no leg alone", format!("the centre left at {over:?}, the caller at {:?}", case.parted)));
        }
        match (far.over(), far.closed) {
            (_, None) => Some(("every stream is closed", "the stream of a centre is open".to_owned())),
            (Some(over), Some(closed)) if closed > over + MARGIN => {
                Some(("every stream is closed", format!("over at {over:?}, closed at {closed:?}")))
            }
            _ => None,
        }
    }

    /// Talks with centres that we called.
    pub fn talks(&self) -> usize {
        self.fars.values().filter(|far| far.talks.is_some()).count()
    }

    /// The centre that this caller talked with, and whether its stream tells how it sounded.
    pub(super) fn talked_with(&self, caller: &str) -> Option<(&str, StreamKey)> {
        let far = self.fars.values().find(|far| far.caller == caller && far.talks.is_some())?;
        Some((&far.target, far.stream))
    }
}
