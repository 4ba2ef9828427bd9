//! What stands in for sound that never came: the voice goes on for a moment as it was, and fades (after ITU-T G.711 Appendix I, in small).
//!
//! The last period of the voice is repeated, at full loudness for 10 ms and then ever softer, until nothing is left at 60 ms. Where sound comes back the two are
//! mixed for 4 ms, so that neither end has a step that the voice itself does not make.

/// Samples, at 8,000 a second, in which the period is looked for: 20 ms, and as much before them as the longest period has.
const COMPARED: usize = 160;
/// From a high voice (400 Hz) to a low one (50 Hz).
const PERIODS: std::ops::RangeInclusive<usize> = 20..=160;
const PERIOD_MAX: usize = *PERIODS.end();
const HEARD: usize = COMPARED + PERIOD_MAX;
/// Of neighbours less alike than this nothing is a period: a hiss repeated fast would hum.
const ALIKE: f32 = 0.4;
/// Samples at full loudness, and those after which nothing is left.
const FULL: usize = 80;
const GONE: usize = 480;
/// Samples over which what comes back is mixed with what stood in.
const JOIN: usize = 32;

/// One sender's sound, made whole.
#[derive(Clone, Debug)]
pub struct Concealment {
    /// What was last heard, a ring.
    heard: [i16; HEARD],
    at: usize,
    /// Samples that stood in since the last that came.
    missing: usize,
    /// The period that is repeated.
    cycle: [i16; PERIOD_MAX],
    period: usize,
    /// Samples since sound came back.
    back: usize,
    /// Something came: before that nothing is missing.
    begun: bool,
}

impl Default for Concealment {
    fn default() -> Self {
        Self { heard: [0; HEARD], at: 0, missing: 0, cycle: [0; PERIOD_MAX], period: PERIOD_MAX, back: 0, begun: false }
    }
}

impl Concealment {
    /// The next sample as it is heard; `None`: it never came.
    pub fn next(&mut self, came: Option<i16>) -> i16 {
        let sample = match came {
            Some(sample) if self.missing == 0 => {
                self.begun = true;
                sample
            }
            None if !self.begun => 0,
            Some(sample) => self.join(sample),
            None => {
                if self.missing == 0 {
                    self.begin();
                }
                self.back = 0;
                self.stand_in()
            }
        };
        if let Some(place) = self.heard.get_mut(self.at) {
            *place = sample;
        }
        self.at = (self.at + 1) % HEARD;
        sample
    }

    fn join(&mut self, sample: i16) -> i16 {
        let (before, back) = (i32::from(self.stand_in()), self.back as i32 + 1);
        let mixed = before + (i32::from(sample) - before) * back / JOIN as i32;
        self.back += 1;
        if self.back == JOIN {
            (self.missing, self.back) = (0, 0);
        }
        // Between two samples.
        mixed as i16
    }

    fn stand_in(&mut self) -> i16 {
        let left = GONE.saturating_sub(self.missing.max(FULL)) as i32;
        let sample = self.cycle.get(self.missing % self.period).copied().unwrap_or(0);
        self.missing = (self.missing + 1).min(GONE);
        (i32::from(sample) * left / (GONE - FULL) as i32) as i16
    }

    /// The first sample that is missing: finds the period of what was heard.
    fn begin(&mut self) {
        let mut heard = [0f32; HEARD];
        for (place, at) in heard.iter_mut().zip(self.at..) {
            *place = self.heard.get(at % HEARD).copied().unwrap_or(0).into();
        }
        let recent = &heard[PERIOD_MAX..];
        let product = |lag: usize| -> (f32, f32) {
            let earlier = &heard[PERIOD_MAX - lag..HEARD - lag];
            let alike = recent.iter().zip(earlier).map(|(now, then)| now * then).sum();
            (alike, earlier.iter().map(|then| then * then).sum())
        };
        let energy: f32 = recent.iter().map(|now| now * now).sum();
        let mut best = (ALIKE, PERIOD_MAX);
        for lag in PERIODS {
            let (alike, then) = product(lag);
            let alike = alike / (energy * then).sqrt().max(1.0);
            // A multiple of the period is as alike; the shortest is meant unless a longer one is plainly better.
            if alike > best.0 + 0.01 {
                best = (alike, lag);
            }
        }
        self.period = best.1;
        let from = HEARD - self.period;
        // The last sample and the one a period before it differ a little: spread over the period, it makes no step.
        let last = heard[HEARD - 1];
        let step = last - heard[from - 1];
        for (at, place) in self.cycle.iter_mut().take(self.period).enumerate() {
            let rest = (self.period - at) as f32 / (self.period + 1) as f32;
            // A sum of two that are in range is cut where it is not.
            *place = (heard[from + at] + step * rest) as i16;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A voice of 125 Hz with so many overtones, softly louder and softer.
    fn voice(samples: usize, overtones: i32) -> Vec<i16> {
        let at = |n: usize| {
            let turn = std::f32::consts::TAU * n as f32 / 8000.0;
            let parts = (1..=overtones).map(|k| (turn * 125.0 * k as f32 + k as f32 * 0.7).sin() / k as f32);
            let loud = 3500.0 + 1500.0 * (turn * 3.0).sin();
            (parts.sum::<f32>() * loud) as i16
        };
        (0..samples).map(at).collect()
    }

    fn mended(said: &[i16], lost: impl Fn(usize) -> bool) -> Vec<i16> {
        let mut concealment = Concealment::default();
        said.iter().enumerate().map(|(n, &sample)| concealment.next((!lost(n / 160)).then_some(sample))).collect()
    }

    fn largest_step(samples: &[i16]) -> i32 {
        samples.windows(2).map(|pair| (i32::from(pair[1]) - i32::from(pair[0])).abs()).max().unwrap_or(0)
    }

    fn loudness(samples: &[i16]) -> f64 {
        let energy: f64 = samples.iter().map(|&sample| f64::from(sample).powi(2)).sum();
        (energy / samples.len() as f64).sqrt()
    }

    #[test]
    fn what_is_lost_is_neither_silent_nor_makes_a_step_larger_than_the_voice_does() {
        let said = voice(16_000, 23);
        // Its steps are small beside it, so that a click shows.
        let hummed = voice(16_000, 4);
        // A frame in ten, wherever it falls in the period; two in a row; three.
        for (every, length) in [(10, 1), (13, 1), (17, 2), (29, 3)] {
            let lost = |frame: usize| frame > 3 && frame % every < length;
            let heard = mended(&said, lost);
            let (own, ours) = (largest_step(&hummed), largest_step(&mended(&hummed, lost)));
            assert!(ours <= own * 5 / 4, "{length} of {every}: a step of {ours}, the voice's own is {own}");
            let silent: Vec<i16> =
                hummed.iter().enumerate().map(|(n, &sample)| if lost(n / 160) { 0 } else { sample }).collect();
            assert!(largest_step(&silent) > own * 3 / 2, "silence instead is heard as a click");
            for frame in (4..100).filter(|&frame| lost(frame) && !lost(frame - 1)) {
                let part = frame * 160..(frame + 1) * 160;
                let (was, is) = (loudness(&said[part.clone()]), loudness(&heard[part]));
                assert!(is > was * 0.6 && is < was * 1.3, "frame {frame}: {was:.0} became {is:.0}");
            }
        }
    }

    #[test]
    fn nothing_is_heard_sixty_milliseconds_after_the_last_that_came_and_the_next_word_is_whole() {
        let said = voice(16_000, 4);
        let heard = mended(&said, |frame| (10..30).contains(&frame));
        assert!(heard[1600..1680].iter().any(|&sample| sample.unsigned_abs() > 1000));
        assert!(heard[1600 + GONE..4800].iter().all(|&sample| sample == 0));
        assert!(largest_step(&heard[1600..]) <= largest_step(&said), "it comes back without a step");
        assert_eq!(heard[4800 + JOIN..], said[4800 + JOIN..]);
        assert_eq!(heard[..1600], said[..1600]);
    }

    #[test]
    fn the_loudest_there_is_stays_in_range_and_silence_stays_silent() {
        let loud: Vec<i16> = (0..8000).map(|n| if n / 7 % 2 == 0 { i16::MAX } else { i16::MIN }).collect();
        let heard = mended(&loud, |frame| frame % 4 == 3);
        // What wraps turns over: no sample has the other sign than its neighbours in a half wave.
        let turns = |sound: &[i16]| sound.windows(2).filter(|pair| (pair[0] < 0) != (pair[1] < 0)).count();
        assert!(turns(&heard).abs_diff(turns(&loud)) <= turns(&loud) / 10, "{} of {}", turns(&heard), turns(&loud));
        assert!(mended(&[0; 8000], |frame| frame % 2 == 1).iter().all(|&sample| sample == 0));
        assert!(Concealment::default().next(None) == 0);
    }
}
