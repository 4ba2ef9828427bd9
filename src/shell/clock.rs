//! The one clock: where [`Now`] comes from.
//!
//! `clock.start` shifts wall time only, so that demos and tests do not hear "closed" at night.

use crate::time::{Instant, Now, Wall};
use std::time::{SystemTime, UNIX_EPOCH};

/// A clock that began when the program did. Copies agree with each other.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    base: std::time::Instant,
    /// Microseconds to add to the system's wall time.
    shift: i64,
}

impl Clock {
    /// A clock that begins now; with `start`, wall time begins there instead.
    pub fn start(start: Option<Wall>) -> Self {
        let shift = start.map_or(0, |start| start.as_micros().saturating_sub(system_micros()));
        Self { base: std::time::Instant::now(), shift }
    }

    /// Both clocks, now.
    pub fn now(self) -> Now {
        Now { instant: self.instant(), wall: Wall::from_micros(system_micros().saturating_add(self.shift)) }
    }

    /// The moment a [`std::time::Instant`] stands for.
    pub fn instant(self) -> Instant {
        Instant::from_nanos(u64::try_from(self.base.elapsed().as_nanos()).unwrap_or(u64::MAX))
    }

    /// The system's instant of one of ours: what a socket or a condition variable can wait for.
    pub fn system(self, instant: Instant) -> std::time::Instant {
        self.base + instant.since(Instant::START)
    }
}

/// Read anew each time, so that wall time follows the corrections of NTP.
fn system_micros() -> i64 {
    match SystemTime::now().duration_since(UNIX_EPOCH) {
        Ok(since) => i64::try_from(since.as_micros()).unwrap_or(i64::MAX),
        Err(before) => i64::try_from(before.duration().as_micros()).map_or(i64::MIN, |micros| -micros),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_clock_with_a_start_begins_there_and_goes_on() {
        let start = Wall::from_micros(1_795_000_000_000_000);
        let clock = Clock::start(Some(start));
        let (first, second) = (clock.now(), clock.now());
        assert!(first.wall >= start && first.wall < start + Duration::from_secs(60));
        assert!(second.instant >= first.instant);
    }

    #[test]
    fn an_instant_and_the_systems_name_the_same_moment() {
        let clock = Clock::start(None);
        assert_eq!(clock.system(Instant::START + Duration::from_secs(1)), clock.base + Duration::from_secs(1));
    }
}
