//! Sources that are nobody's trunk: whoever puts a trunk into service must see that they knock, and nobody else learns that we are here.

use super::AgentEvent;
use crate::limits::TURNED_AWAY_TOLD_EVERY;
use crate::time::Instant;
use std::net::IpAddr;

/// What strangers asked, since it was told last.
#[derive(Debug, Default)]
pub(super) struct TurnedAway {
    count: u64,
    told: Option<Instant>,
}

impl TurnedAway {
    /// One more, from there; how many, when it is time to tell: at once, and then once a minute.
    pub fn count(&mut self, now: Instant, last: IpAddr) -> Option<AgentEvent> {
        self.count += 1;
        if self.told.is_some_and(|told| now.since(told) < TURNED_AWAY_TOLD_EVERY) {
            return None;
        }
        self.told = Some(now);
        Some(AgentEvent::TurnedAway { count: std::mem::take(&mut self.count), last })
    }
}
