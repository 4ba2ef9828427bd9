//! Whether another leg is heard in what it sends: encoded silence is packets, too (decision 52).
//!
//! It is asked only where something of ours plays that would give way. A click is no sound, and the pause of a ringing tone no silence.

use super::codec::Decoder;
use super::jitter::RATE;
use super::level::{self, Line};
use crate::limits::{BRIDGE_HEARD, BRIDGE_UNHEARD};
use crate::sdp::Codec;
use crate::time::Duration;

/// RMS that is heard whatever the line: −30 dBov. Music that never pauses would else pass for the noise of its line.
const LOUD: u32 = 1036;

/// What is heard of another leg.
#[derive(Default)]
pub struct Sounding {
    ear: Decoder,
    samples: Vec<i16>,
    line: Line,
    state: State,
}

#[derive(Clone, Copy, Debug)]
enum State {
    /// Nothing; so much of the latest was loud.
    Silent { loud: Duration },
    /// Something, but for the last so much.
    Heard { silent: Duration },
}

impl Default for State {
    fn default() -> Self {
        Self::Silent { loud: Duration::ZERO }
    }
}

impl Sounding {
    /// A packet of its sound.
    pub fn packet(&mut self, codec: Codec, (ssrc, timestamp): (u32, u32), payload: &[u8]) {
        self.samples.clear();
        let understood = self.ear.hear(codec, (ssrc, timestamp), payload, &mut self.samples);
        if understood.is_none() || self.samples.is_empty() {
            return;
        }
        let length = Duration::from_micros(self.samples.len() as u64 * 1_000_000 / u64::from(RATE));
        let rms = level::rms(&self.samples);
        let audible = self.line.speaks(rms) || rms >= LOUD;
        self.state = match (self.state, audible) {
            (State::Silent { loud }, true) if loud + length >= BRIDGE_HEARD => State::Heard { silent: Duration::ZERO },
            (State::Silent { loud }, true) => State::Silent { loud: loud + length },
            // A weak moment within a word takes back as much as it lasts.
            (State::Silent { loud }, false) => State::Silent { loud: loud.saturating_sub(length) },
            (State::Heard { .. }, true) => State::Heard { silent: Duration::ZERO },
            (state @ State::Heard { .. }, false) => state,
        };
    }

    /// So much time went by in which it was heard, or could have been.
    pub fn passes(&mut self, time: Duration) {
        if let State::Heard { silent } = &mut self.state {
            *silent += time;
            if *silent >= BRIDGE_UNHEARD {
                self.state = State::default();
            }
        }
    }

    /// It sends nothing any more.
    pub fn stopped(&mut self) {
        self.state = State::default();
    }

    /// Whether it is heard.
    pub fn is_heard(&self) -> bool {
        matches!(self.state, State::Heard { .. })
    }
}

impl std::fmt::Debug for Sounding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Sounding({:?})", self.state)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::codec::encode_alaw;

    /// A sine of this peak, or noise of it where there is no frequency; 20 ms.
    fn frame(n: usize, hertz: f64, peak: f64) -> Vec<u8> {
        let mut chance = n as u32 * 7919 + 1;
        let sample = |at: usize| {
            chance = chance.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let spread = f64::from(chance >> 16) / 32_768.0 - 1.0;
            let sine = (at as f64 * std::f64::consts::TAU * hertz / 8000.0).sin();
            encode_alaw(((if hertz > 0.0 { sine } else { spread }) * peak) as i16)
        };
        (n * 160..(n + 1) * 160).map(sample).collect()
    }

    /// When it is heard, in packets of 20 ms: where that changes. `loud(n)`: frequency and peak of each.
    fn changes(packets: usize, loud: impl Fn(usize) -> (f64, f64)) -> Vec<usize> {
        let (mut sounding, mut was, mut changes) = (Sounding::default(), false, Vec::new());
        for n in 0..packets {
            let (hertz, peak) = loud(n);
            sounding.packet(Codec::Pcma, (9, n as u32 * 160), &frame(n, hertz, peak));
            sounding.passes(Duration::from_millis(20));
            if std::mem::replace(&mut was, sounding.is_heard()) != was {
                changes.push(n);
            }
        }
        changes
    }

    #[test]
    fn a_ringing_tone_is_heard_through_its_pauses_and_for_five_seconds_behind_its_end() {
        // Korea: one second of it in three; America: two in six.
        for (on, every) in [(50, 150), (100, 300)] {
            let tone = |n: usize| if n < 1500 && n % every < on { (440.0, 3000.0) } else { (440.0, 0.0) };
            let last = (0..1500).rev().find(|n| n % every < on).expect("it sounds");
            assert_eq!(changes(3000, tone), [2, last + 249], "{on} of {every}");
        }
    }

    #[test]
    fn silence_noise_and_clicks_are_not_heard_and_steady_music_is() {
        let never: &[usize] = &[];
        assert_eq!(changes(1000, |_| (440.0, 0.0)), never);
        // −50 and −42 dBov of hiss.
        assert_eq!(changes(1000, |_| (0.0, 180.0)), never);
        assert_eq!(changes(1000, |_| (0.0, 450.0)), never);
        assert_eq!(changes(1000, |n| (1000.0, if n % 50 == 9 { 20_000.0 } else { 0.0 })), never, "20 ms a second");
        assert_eq!(changes(3000, |_| (440.0, 3000.0)), [2], "a minute");
    }
}
