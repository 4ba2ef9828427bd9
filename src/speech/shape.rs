//! What callers would find wrong with a sound: too quiet, too loud, cut, late, clipped.

use crate::speech::finding::{Both, both};
use crate::speech::hangul::Syllable;
use crate::speech::sound;
use crate::speech::wav::{RATE, Sound};
use crate::speech::words::Kind;
use std::ops::RangeInclusive;
use std::time::Duration;

/// Levels that callers take for one voice, in dBov; ours is in the middle.
const LEVEL: RangeInclusive<f64> = -30.0..=-14.0;
/// Later than this a caller takes the line for dead.
const LEAD_MOST: Duration = Duration::from_millis(150);
/// Sooner than this a sound begins or ends in the middle of a word: a breath of silence is never that short.
const END_LEAST: Duration = Duration::from_millis(2);

/// Syllables a second at which a caller takes a sentence in.
pub const RATE_OF_SENTENCES: RangeInclusive<f64> = 4.3..=4.9;

/// How long it may be silent at its end. Parts of a sentence are joined there: what is silent sounds like hesitation.
fn tail_most(kind: Kind) -> Duration {
    match kind {
        Kind::Sentence | Kind::Tone => Duration::from_millis(500),
        Kind::GoingOn | Kind::Ending | Kind::Digit => Duration::from_millis(250),
    }
}

/// All that is wrong with it, the worst first.
pub fn faults(sound: &Sound, kind: Kind) -> Vec<Both> {
    let Some(measure) = sound::measure(&sound.samples) else {
        return vec![both("소리가 너무 작거나 없습니다", "it holds no sound")];
    };
    let mut faults = Vec::new();
    if !LEVEL.contains(&measure.active_dbov) {
        faults.push(both(
            format!("음량이 {:.1} dBov입니다(-30에서 -14까지)", measure.active_dbov),
            format!("its level is {:.1} dBov (-30 to -14 is right)", measure.active_dbov),
        ));
    }
    if sound.clipped > 0 {
        faults.push(both(
            format!("너무 크게 녹음되어 {}개 표본이 잘렸습니다", sound.clipped),
            format!("it was recorded too loud: {} samples are clipped", sound.clipped),
        ));
    }
    // A tone is made to meet what is played before and behind it.
    if kind == Kind::Tone {
        return faults;
    }
    let (lead, tail) = (measure.lead.as_millis(), measure.tail.as_millis());
    if measure.lead >= LEAD_MOST {
        faults
            .push(both(format!("{lead} ms 뒤에야 소리가 납니다"), format!("it is silent for {lead} ms at its start")));
    }
    if measure.lead < END_LEAST {
        faults.push(both("첫소리가 잘렸습니다", "its first sound is cut: there is no silence before it"));
    }
    if measure.tail > tail_most(kind) {
        faults.push(both(format!("끝이 {tail} ms 동안 조용합니다"), format!("it is silent for {tail} ms at its end")));
    }
    if measure.tail < END_LEAST {
        faults.push(both("끝소리가 잘렸습니다", "its last sound is cut: there is no silence after it"));
    }
    faults
}

/// Hangul syllables a second between the first sound and the last, pauses counted; `None` without any.
pub fn rate(spoken: &str, samples: &[i16]) -> Option<f64> {
    let syllables = spoken.chars().filter(|&c| Syllable::from_char(c).is_some()).count();
    let measure = sound::measure(samples)?;
    let seconds = samples.len() as f64 / f64::from(RATE) - (measure.lead + measure.tail).as_secs_f64();
    (syllables > 0 && seconds > 0.0).then(|| syllables as f64 / seconds)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::speech::wav;

    /// A sound between silences, in milliseconds.
    fn found(lead: usize, level: i16, tail: usize, kind: Kind) -> Vec<String> {
        let samples = [vec![0; lead * 8], vec![level; 1600], vec![0; tail * 8]].concat();
        faults(&wav::read(&wav::write(&samples)).unwrap(), kind).iter().map(|fault| fault[1].clone()).collect()
    }

    #[test]
    fn a_rate_counts_syllables_between_the_silences() {
        let samples = [vec![0; 800], vec![3000; 16_000], vec![0; 800]].concat();
        assert!((rate("안녕하십니까, 1", &samples).unwrap() - 3.0).abs() < 0.01);
        assert_eq!((rate("Hello", &samples), rate("가", &[0; 80])), (None, None));
    }

    #[test]
    fn each_fault_is_told_with_its_measure() {
        for (lead, level, tail, kind, told) in [
            (20, 3000, 120, Kind::Sentence, &[][..]),
            (20, 300, 120, Kind::Sentence, &["its level is -40.8 dBov (-30 to -14 is right)"]),
            (
                20,
                20_000,
                120,
                Kind::Sentence,
                &["its level is -4.3 dBov (-30 to -14 is right)", "1600 samples are clipped"],
            ),
            (20, 0, 120, Kind::Sentence, &["it holds no sound"]),
            (200, 3000, 120, Kind::Sentence, &["it is silent for 200 ms at its start"]),
            (0, 3000, 120, Kind::Sentence, &["its first sound is cut"]),
            (20, 3000, 0, Kind::Sentence, &["its last sound is cut"]),
            (20, 3000, 400, Kind::Sentence, &[]),
            (20, 3000, 400, Kind::GoingOn, &["it is silent for 400 ms at its end"]),
            (20, 3000, 600, Kind::Sentence, &["it is silent for 600 ms at its end"]),
            (0, 3000, 0, Kind::Tone, &[]),
        ] {
            let found = found(lead, level, tail, kind);
            assert_eq!(found.len(), told.len(), "{found:?} {told:?}");
            assert!(found.iter().zip(told).all(|(found, told)| found.contains(told)), "{found:?} {told:?}");
        }
    }
}
