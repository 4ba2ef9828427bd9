//! What an engineer must be told, and not a thousand times: in the log as it happens, and in `ivr1357 status` a while longer.

use crate::engine::Refused;
use crate::limits::{ALARM_EVERY, ALARM_STANDS};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;
use tracing::error;

/// What happened, in Korean and in English.
pub type What = [&'static str; 2];

const REFUSED: What = ["새 통화를 받지 못했습니다", "new calls were refused"];

/// An error in the log, at most once a minute.
#[derive(Debug, Default)]
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

/// The alarms of all threads of an engine.
#[derive(Debug, Default)]
pub struct Alarms(Mutex<Vec<Standing>>);

/// One that was raised once; as many as there are things that can happen.
#[derive(Debug)]
struct Standing {
    what: What,
    why: [String; 2],
    alarm: Alarm,
    last: Instant,
}

impl Alarms {
    /// This happened, for this reason (in Korean and in English), so many things were lost by it, and calls go on: in the log at most
    /// once a minute.
    pub fn raise(&self, what: What, why: &[impl AsRef<str>; 2], lost: usize) {
        self.raise_at(Instant::now(), what, why.each_ref().map(AsRef::as_ref), lost);
    }

    /// New calls met a 503.
    pub(super) fn refused(&self, refused: Refused) {
        let Refused { too_many, too_fast, too_late, no_media, slowed_to: _ } = refused;
        let reasons = [
            (too_many, ["동시 통화 한도", "as many calls as may be live"]),
            (too_fast, ["초당 통화 한도", "more calls in a second than may come"]),
            (too_late, ["메시지가 너무 오래 기다림", "messages waited too long"]),
            (no_media, ["음성을 보낼 시간이 모자람", "no time left to send sound"]),
        ];
        let why = [0, 1].map(|language| {
            let told = reasons.iter().filter(|(count, _)| *count > 0);
            told.map(|(count, words)| format!("{} {count}", words[language])).collect::<Vec<_>>().join(", ")
        });
        let count = reasons.iter().map(|(count, _)| count).sum::<u64>();
        self.raise(REFUSED, &why, usize::try_from(count).unwrap_or(usize::MAX));
    }

    fn raise_at(&self, now: Instant, what: What, why: [&str; 2], lost: usize) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Trouble that was over is not counted into the next.
        all.retain(|standing| standing.stands(now));
        if all.iter().all(|standing| standing.what != what) {
            all.push(Standing { what, why: Default::default(), alarm: Alarm::default(), last: now });
        }
        let Some(standing) = all.iter_mut().find(|standing| standing.what == what) else { return };
        standing.why = why.map(str::to_owned);
        standing.last = now;
        let [_, english] = what;
        standing.alarm.raise(english, why[1], lost);
    }

    /// Those that somebody should look at, the oldest first, each in Korean and in English: what was raised not long ago.
    pub fn standing(&self) -> Vec<[String; 2]> {
        self.standing_at(Instant::now())
    }

    fn standing_at(&self, now: Instant) -> Vec<[String; 2]> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.iter().filter(|standing| standing.stands(now)).map(|standing| standing.words(now)).collect()
    }
}

impl Standing {
    fn stands(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.last) < ALARM_STANDS
    }

    fn words(&self, now: Instant) -> [String; 2] {
        let Self { what: [korean, english], why, alarm: Alarm { lost, .. }, last } = self;
        let minutes = now.saturating_duration_since(*last).as_secs() / 60;
        let (mut own, mut told) = (format!("{korean}: {}", why[0]), format!("{english}: {}", why[1]));
        if *lost > 0 {
            own += &format!(" (잃은 것 {lost}건)");
            told += &format!(" ({lost} lost)");
        }
        if minutes > 0 {
            own += &format!(" · {minutes}분 전");
            told += &format!(", {minutes} min ago");
        }
        [own, told]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    const FULL: What = ["기록을 쓰지 못했습니다", "records are not written"];
    const SLOW: What = ["디스크가 느립니다", "the disk is slow"];

    #[test]
    fn an_alarm_stands_for_a_while_with_all_that_was_lost_and_begins_anew_after_it() {
        let (alarms, begin) = (Alarms::default(), Instant::now());
        let at = |seconds| begin + Duration::from_secs(seconds);
        let english = |seconds| alarms.standing_at(at(seconds)).into_iter().map(|[_, words]| words).collect::<Vec<_>>();
        assert!(english(0).is_empty());
        alarms.raise_at(at(0), FULL, ["자리 없음", "no space"], 3);
        alarms.raise_at(at(30), SLOW, ["5초", "5 s"], 0);
        alarms.raise_at(at(60), FULL, ["가득 참", "no space left"], 4);
        assert_eq!(english(61), ["records are not written: no space left (7 lost)", "the disk is slow: 5 s"]);
        let [korean, _] = &alarms.standing_at(at(190))[0];
        assert_eq!(korean, "기록을 쓰지 못했습니다: 가득 참 (잃은 것 7건) · 2분 전");
        let over = 60 + ALARM_STANDS.as_secs();
        assert!(english(over).is_empty());
        alarms.raise_at(at(over), FULL, ["자리 없음", "no space"], 1);
        assert_eq!(english(over), ["records are not written: no space (1 lost)"]);
    }

    #[test]
    fn callers_who_were_refused_are_told_of_with_the_reason() {
        let alarms = Alarms::default();
        alarms.refused(Refused { too_many: 2, no_media: 1, ..Refused::default() });
        let [korean, english] = &alarms.standing()[0];
        assert_eq!(
            english,
            "new calls were refused: as many calls as may be live 2, no time left to send sound 1 (3 lost)"
        );
        assert!(
            korean.starts_with("새 통화를 받지 못했습니다: 동시 통화 한도 2, 음성을 보낼 시간이 모자람 1"),
            "{korean}"
        );
    }
}
