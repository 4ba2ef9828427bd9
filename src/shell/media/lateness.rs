//! How late media workers serve their slots, and what an engineer is told of it.
//!
//! A worker that is late catches up by serving slot after slot without sleep; one that never sleeps has more to do than its core can, and
//! loses sound as soon as it is late by more than an interval. So its lateness is that of its luckiest slot of the last moments, as with
//! messages that wait: one busy moment is no overload. What it passed over counts as late until it sleeps again.

use super::Load;
use crate::limits::{ALARM_EVERY, MEDIA_LATE_LONG, MEDIA_LOST_ALARM, WAITS_COUNTED};
use crate::shell::lasting::Lasting;
use crate::time::{Duration, Instant};
use std::sync::atomic::{AtomicU64, Ordering};

/// Written by a worker once a slot, read by the engine thread now and then.
#[derive(Debug)]
pub(super) struct Gauge {
    rounds: AtomicU64,
    /// Nanoseconds of the luckiest slot since the last look.
    least: AtomicU64,
}

impl Default for Gauge {
    fn default() -> Self {
        Self { rounds: AtomicU64::new(0), least: AtomicU64::new(u64::MAX) }
    }
}

impl Gauge {
    /// A slot was served, so late.
    pub(super) fn served(&self, late: Duration) {
        self.least.fetch_min(u64::try_from(late.as_nanos()).unwrap_or(u64::MAX), Ordering::Relaxed);
        self.rounds.fetch_add(1, Ordering::Relaxed);
    }

    /// There is no stream: nothing can be late.
    pub(super) fn rests(&self) {
        self.least.store(0, Ordering::Relaxed);
        self.rounds.fetch_add(WAITS_COUNTED as u64, Ordering::Relaxed);
    }
}

/// What the engine thread remembers of a worker's gauge.
#[derive(Debug, Default)]
pub(super) struct Look {
    rounds: u64,
    late: Duration,
}

impl Look {
    /// How late the worker is. Of only a few slots the gauge says nothing: then it is what it was.
    pub(super) fn at(&mut self, gauge: &Gauge) -> Duration {
        let rounds = gauge.rounds.load(Ordering::Relaxed);
        if rounds.wrapping_sub(self.rounds) >= WAITS_COUNTED as u64 {
            self.rounds = rounds;
            let least = gauge.least.swap(u64::MAX, Ordering::Relaxed);
            // Taken between the two writes of a slot, it may be there to take no more.
            self.late = if least == u64::MAX { self.late } else { Duration::from_nanos(least) };
        }
        self.late
    }
}

/// The trouble of one media thread, from the first to a minute after the last of it.
#[derive(Clone, Debug, Default)]
pub struct Trouble {
    load: Load,
    lasting: Lasting,
    late: Duration,
    lost: u64,
    worst: Duration,
    seen: Option<Instant>,
}

impl Trouble {
    /// How the thread stands now; what it has lost since the last time where that should be told, though it be nothing.
    pub fn look(&mut self, now: Instant, load: Load) -> Option<u64> {
        let lost = load.skipped.saturating_sub(self.load.skipped);
        self.load = load;
        self.late = self.lasting.look(load.late);
        if self.is_over(now) {
            (self.lost, self.worst) = (0, Duration::ZERO);
        }
        if lost == 0 && self.late < MEDIA_LATE_LONG {
            return None;
        }
        self.seen = Some(now);
        self.lost += lost;
        self.worst = self.worst.max(self.late);
        Some(lost)
    }

    /// How late it has been for a while: in one look it may only have stood still, and caught up.
    pub fn late(&self) -> Duration {
        self.late
    }

    /// As the thread stood when it was last looked at.
    pub fn load(&self) -> Load {
        self.load
    }

    /// What was lost just now is the first of this trouble.
    pub fn begins(&self, lost: u64) -> bool {
        self.lost == lost
    }

    fn is_over(&self, now: Instant) -> bool {
        self.seen.is_none_or(|seen| now.since(seen) >= ALARM_EVERY)
    }

    /// Which thread, how much is lost, what to do: in Korean and in English. A moment that cost a packet or two is none: nobody shall be
    /// called for it.
    pub fn alarm(&self, now: Instant, index: usize) -> Option<[String; 2]> {
        let (lost, late) = (self.lost, self.worst.as_millis());
        if self.is_over(now) || (self.worst < MEDIA_LATE_LONG && lost < MEDIA_LOST_ALARM) {
            return None;
        }
        if self.worst < MEDIA_LATE_LONG {
            return Some([
                format!(
                    "음성 스레드 media-{index} 이(가) 잠시 멈춰 패킷 {lost}개를 보내지 못했습니다. 이 컴퓨터에서 함께 도는 프로그램을 살펴보십시오"
                ),
                format!(
                    "media thread media-{index} stood still for a moment and {lost} packets were not sent: see what else runs on this machine"
                ),
            ]);
        }
        Some([
            format!(
                "음성 스레드 media-{index} 의 코어가 가득 찼습니다: {late} ms 늦고, 보내지 못한 패킷이 {lost}개입니다. 밀린 동안 새 통화는 503 으로 거절합니다. 남는 코어가 있으면 media.workers 를 늘리고, 없으면 limits.calls 를 낮추십시오"
            ),
            format!(
                "media thread media-{index} has a full core: it was {late} ms late and {lost} packets were not sent. While it is late new calls are refused with 503. Raise media.workers where a core is free, else lower limits.calls"
            ),
        ])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn millis(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    #[test]
    fn a_worker_is_as_late_as_its_luckiest_slot_and_few_slots_say_nothing() {
        let (gauge, mut look) = (Gauge::default(), Look::default());
        let serve = |lates: &[u64]| lates.iter().for_each(|&late| gauge.served(millis(late)));
        assert_eq!(look.at(&gauge), Duration::ZERO);
        serve(&[9, 8, 7, 9]);
        assert_eq!(look.at(&gauge), Duration::ZERO, "four slots");
        serve(&[12]);
        assert_eq!(look.at(&gauge), millis(7));
        assert_eq!(look.at(&gauge), millis(7), "nothing new");
        serve(&[30, 0, 40, 50, 60]);
        assert_eq!(look.at(&gauge), Duration::ZERO, "it caught up once");
        serve(&[30, 30, 40, 50, 60]);
        assert_eq!(look.at(&gauge), millis(30));
        gauge.rests();
        assert_eq!(look.at(&gauge), Duration::ZERO, "its last stream is gone");
    }

    #[test]
    fn an_alarm_names_the_thread_and_what_is_lost_and_ends_a_minute_after_the_trouble() {
        let at = |seconds: u64| Instant::START + Duration::from_secs(seconds);
        let load = |late, skipped| Load { late: millis(late), skipped, ..Load::default() };
        let mut trouble = Trouble::default();
        assert_eq!(trouble.look(at(1), load(4, 0)), None, "it catches up");
        assert_eq!((trouble.look(at(2), load(0, 3)), trouble.begins(3)), (Some(3), true));
        assert_eq!(trouble.alarm(at(2), 1), None, "three packets that nobody missed");
        assert_eq!([15, 15].map(|late| trouble.look(at(3), load(late, 3))), [None; 2], "not for long");
        assert_eq!((trouble.look(at(3), load(30, 3)), trouble.begins(0)), (Some(0), false), "nothing is lost yet");
        assert!(trouble.alarm(at(3), 1).is_some(), "but it is late for good");
        assert_eq!((trouble.look(at(4), load(30, 40)), trouble.late()), (Some(37), millis(15)));
        assert_eq!((trouble.look(at(4), load(40, 40)), trouble.late()), (Some(0), millis(30)));
        let [korean, english] = trouble.alarm(at(60), 1).expect("a minute has not gone by");
        assert!(korean.contains("30 ms") && korean.contains("40개") && korean.contains("media.workers"), "{korean}");
        assert!(english.contains("30 ms late and 40 packets") && english.contains("limits.calls"), "{english}");
        assert_eq!(trouble.alarm(at(64), 1), None);
        assert_eq!(trouble.look(at(65), load(0, 41)), Some(1));
        assert!(trouble.begins(1) && trouble.alarm(at(65), 1).is_none(), "a new trouble, of one packet");
        assert_eq!(trouble.look(at(120), load(0, 90)), Some(49));
        let [korean, english] = trouble.alarm(at(120), 1).expect("a second of sound was lost");
        assert!(korean.contains("media-1") && korean.contains("패킷 50개"), "{korean}");
        assert!(english.contains("media-1 stood still") && english.contains("50 packets"), "{english}");
    }
}
