//! How loud sound is, and whether that is more than the noise of its line.

/// RMS below which nobody speaks: −45 dBov.
const QUIET: u32 = 184;
/// How far above the noise of the line speech is: 12 dB.
const ABOVE_NOISE: u32 = 4;

/// The root of the mean square.
pub fn rms(samples: &[i16]) -> u32 {
    let energy: u64 = samples.iter().map(|sample| u64::from(sample.unsigned_abs()).pow(2)).sum();
    (energy / samples.len().max(1) as u64).isqrt() as u32
}

/// A line, by its noise: the RMS when nobody speaks.
#[derive(Clone, Copy, Debug)]
pub struct Line(u32);

impl Default for Line {
    fn default() -> Self {
        Self(QUIET)
    }
}

impl Line {
    /// Whether a frame of this RMS is louder than the line itself. The noise of a line is found at once when it is lower than thought, and
    /// slowly, some 4 dB a second, when it is higher.
    pub fn speaks(&mut self, rms: u32) -> bool {
        self.0 = if rms < self.0 { rms } else { self.0 + self.0 / 128 + 1 };
        rms >= QUIET.max(self.0.saturating_mul(ABOVE_NOISE))
    }
}
