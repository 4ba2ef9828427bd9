//! What an engineer must be told, and not a thousand times.

use crate::limits::ALARM_EVERY;
use std::time::Instant;
use tracing::error;

/// An error in the log, at most once a minute.
#[derive(Default)]
pub(super) struct Alarm {
    raised: Option<Instant>,
    lost: usize,
}

impl Alarm {
    /// What happened and why, and how many things were lost by it; the sum of them is told.
    pub(super) fn raise(&mut self, what: &str, why: &str, lost: usize) {
        self.lost += lost;
        if self.raised.is_none_or(|raised| raised.elapsed() >= ALARM_EVERY) {
            self.raised = Some(Instant::now());
            error!(why, lost = self.lost, "{what}; calls go on");
        }
    }
}
