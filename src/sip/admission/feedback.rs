//! Overload control as its server speaks it (RFC 7339), by loss: each response to a peer that offered `oc` says how many
//! of a hundred new calls that peer should keep to itself. Whoever offers promises to do so.

use crate::limits::{LOSS_PERCENT_MAX, OVERLOAD_VALIDITY};
use crate::time::{Duration, Instant, Now, Wall};
use std::io::Write;

/// How often the loss is set anew: long enough for peers to have heard the last one and acted on it.
const INTERVAL: Duration = Duration::from_secs(1);
/// What the loss loses in an interval without a refusal.
const EASE: u32 = 10;

/// What a response says.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Control {
    loss: u32,
    since: Wall,
}

impl Control {
    /// The parameters of the topmost Via (§4).
    pub fn write(self, out: &mut Vec<u8>) {
        // Without overload the validity is zero, which ends what was said before.
        let validity = if self.loss == 0 { 0 } else { OVERLOAD_VALIDITY.as_millis() };
        let millis = self.since.as_micros().max(0) / 1000;
        write!(
            out,
            ";oc={};oc-algo=\"loss\";oc-validity={validity};oc-seq={}.{:03}",
            self.loss,
            millis / 1000,
            millis % 1000
        )
        .expect("a Vec takes every write");
    }
}

/// The loss, set from what peers under control still send too much.
#[derive(Debug, Default)]
pub struct Feedback {
    control: Control,
    until: Instant,
    offered: u32,
    refused: u32,
}

impl Feedback {
    /// A new call of a peer under control.
    pub fn count(&mut self, now: Now, refused: bool) {
        self.turn(now);
        self.offered += 1;
        self.refused += u32::from(refused);
    }

    /// What to say now.
    pub fn control(&mut self, now: Now) -> Control {
        self.turn(now);
        self.control
    }

    fn turn(&mut self, now: Now) {
        if now.instant < self.until {
            return;
        }
        let intervals = 1 + (now.instant.since(self.until).as_secs() / INTERVAL.as_secs()) as u32;
        let loss = if self.refused > 0 {
            // What they sent is what the last loss let through; of that, the refused part is too much as well.
            let kept = (100 - self.control.loss) * (self.offered - self.refused) / self.offered;
            (100 - kept).min(LOSS_PERCENT_MAX)
        } else {
            self.control.loss.saturating_sub(EASE.saturating_mul(intervals))
        };
        if loss != self.control.loss || self.control.since == Wall::default() {
            // It must grow with every change, also when the clock is set back.
            let since = now.wall.max(Wall::from_micros(self.control.since.as_micros() + 1000));
            self.control = Control { loss, since };
        }
        (self.offered, self.refused) = (0, 0);
        self.until = now.instant + INTERVAL;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Now {
        let wall = Wall::from_micros(1_282_321_615_000_000);
        Now { instant: Instant::START, wall }.after(Duration::from_millis(millis))
    }

    fn said(feedback: &mut Feedback, millis: u64) -> String {
        let mut out = Vec::new();
        feedback.control(at(millis)).write(&mut out);
        String::from_utf8(out).expect("text")
    }

    #[test]
    fn a_peer_hears_what_share_to_keep_back_and_when_it_is_over() {
        let mut feedback = Feedback::default();
        assert_eq!(said(&mut feedback, 0), ";oc=0;oc-algo=\"loss\";oc-validity=0;oc-seq=1282321615.000");
        for call in 0..500u64 {
            feedback.count(at(call), call >= 100);
        }
        assert_eq!(said(&mut feedback, 1000), ";oc=80;oc-algo=\"loss\";oc-validity=5000;oc-seq=1282321616.000");
        // It keeps 80 of 100 back; half of the rest is still too much.
        for call in 0..100u64 {
            feedback.count(at(1000 + call), call >= 50);
        }
        assert!(said(&mut feedback, 2000).starts_with(";oc=90;"));
        for call in 0..50u64 {
            feedback.count(at(2000 + call), false);
        }
        let eased = said(&mut feedback, 3000);
        assert!(eased.starts_with(";oc=80;"), "{eased}");
        assert_eq!(said(&mut feedback, 3500), eased, "the same until something changes");
        assert_eq!(said(&mut feedback, 60_000), ";oc=0;oc-algo=\"loss\";oc-validity=0;oc-seq=1282321675.000");
    }

    #[test]
    fn some_calls_always_come_through_to_tell_that_it_is_over() {
        let mut feedback = Feedback::default();
        for second in 0..20 {
            feedback.count(at(second * 1000), true);
        }
        assert!(said(&mut feedback, 20_000).starts_with(";oc=95;"));
    }
}
