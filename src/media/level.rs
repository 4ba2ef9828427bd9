//! How loud sound is, and whether that is more than the noise of its line.

/// RMS below which nobody speaks: −45 dBov.
const QUIET: u32 = 184;
/// How far above the noise of the line speech is: 12 dB.
const ABOVE_NOISE: u32 = 4;
/// Frames that are as loud as each other, within 2 dB, are no voice when they are so many in a row: its syllables change several times a second.
const EVEN: u8 = 15;
/// −25 dBov: no line is as loud, whoever sends an even tone to hear it kept is heard.
const LOUDEST_LINE: u32 = 1842;
/// 2 dB.
const AS_LOUD: (u32, u32) = (5, 4);

/// The root of the mean square.
pub fn rms(samples: &[i16]) -> u32 {
    let energy: u64 = samples.iter().map(|sample| u64::from(sample.unsigned_abs()).pow(2)).sum();
    (energy / samples.len().max(1) as u64).isqrt() as u32
}

/// A line, by its noise: the RMS when nobody speaks.
#[derive(Clone, Copy, Debug)]
pub struct Line {
    noise: u32,
    run: Run,
}

/// Frames in a row that are as loud as each other.
#[derive(Clone, Copy, Default, Debug)]
struct Run {
    frames: u8,
    least: u32,
    most: u32,
}

impl Default for Line {
    fn default() -> Self {
        Self { noise: QUIET, run: Run::default() }
    }
}

impl Line {
    /// Whether a frame of this RMS is louder than the line itself. The noise of a line is found at once when it is lower than thought, and when it is
    /// higher after a third of a second of even sound that a line may have, or else slowly, by some 4 dB a second.
    pub fn speaks(&mut self, rms: u32) -> bool {
        self.run.goes_on(rms);
        self.noise = if rms < self.noise {
            rms
        } else if self.run.frames >= EVEN && rms <= LOUDEST_LINE {
            self.noise.max(self.run.least)
        } else {
            self.noise + self.noise / 128 + 1
        };
        rms >= QUIET.max(self.noise.saturating_mul(ABOVE_NOISE))
    }
}

impl Run {
    fn goes_on(&mut self, rms: u32) {
        let (least, most) = (self.least.min(rms), self.most.max(rms));
        let even = u64::from(most) * u64::from(AS_LOUD.1) <= u64::from(least) * u64::from(AS_LOUD.0);
        *self = match even {
            true => Self { frames: self.frames.saturating_add(1), least, most },
            false => Self { frames: 1, least: rms, most: rms },
        };
    }
}
