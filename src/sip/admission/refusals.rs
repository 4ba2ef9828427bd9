//! Which INVITEs were refused, in eight bytes each.
//!
//! A stateless 503 may cross a copy of its INVITE, and by then there may be room again. Taking the copy would answer one
//! INVITE twice: its sender has given up, and nobody would be at the other end of the call.

use crate::limits::{REFUSALS_REMEMBERED_MAX, TRANSACTION_TIMEOUT};
use crate::time::Instant;
use std::collections::HashSet;

/// Two generations: what is older than both is forgotten.
#[derive(Debug, Default)]
pub struct Refusals {
    young: HashSet<u64>,
    old: HashSet<u64>,
    since: Instant,
}

impl Refusals {
    /// Whether it was refused within 64·T1.
    pub fn knows(&mut self, now: Instant, invite: u64) -> bool {
        self.age(now);
        self.young.contains(&invite) || self.old.contains(&invite)
    }

    /// It is refused.
    pub fn remember(&mut self, now: Instant, invite: u64) {
        self.age(now);
        if self.young.len() >= REFUSALS_REMEMBERED_MAX {
            self.turn(now);
        }
        self.young.insert(invite);
    }

    fn age(&mut self, now: Instant) {
        let age = now.since(self.since);
        if age >= TRANSACTION_TIMEOUT * 2 {
            self.young.clear();
        }
        if age >= TRANSACTION_TIMEOUT {
            self.turn(now);
        }
    }

    fn turn(&mut self, now: Instant) {
        self.old = std::mem::take(&mut self.young);
        self.since = now;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Duration;

    #[test]
    fn a_refusal_is_known_for_32_seconds_at_least_and_not_for_ever() {
        let at = |seconds| Instant::START + Duration::from_secs(seconds);
        let mut refusals = Refusals::default();
        refusals.remember(at(20), 7);
        for (seconds, known) in [(20, true), (51, true), (52, true), (97, false)] {
            assert_eq!(refusals.knows(at(seconds), 7), known, "after {seconds} s");
        }
        assert!(!refusals.knows(at(20), 8));
    }

    #[test]
    fn a_flood_of_refusals_is_bounded() {
        let mut refusals = Refusals::default();
        for invite in 0..3 * REFUSALS_REMEMBERED_MAX as u64 {
            refusals.remember(Instant::START, invite);
        }
        assert!(refusals.young.len() + refusals.old.len() <= 2 * REFUSALS_REMEMBERED_MAX);
        assert!(refusals.knows(Instant::START, 3 * REFUSALS_REMEMBERED_MAX as u64 - 1));
    }
}
