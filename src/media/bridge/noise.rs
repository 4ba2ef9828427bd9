//! Comfort noise, made where it is heard (RFC 3389).

/// White noise.
#[derive(Clone, Copy, Debug)]
pub struct Noise {
    peak: i32,
    state: u32,
}

impl Noise {
    /// Of this loudness below the loudest, in dB (RFC 3389 §3).
    pub fn of(level: u8) -> Self {
        // The root of the mean square of an even spread is its peak by the root of three.
        let rms = 32_768.0 * 10f64.powf(-f64::from(level & 0x7f) / 20.0);
        Self { peak: (rms * 3f64.sqrt()).min(32_000.0) as i32, state: 0x1357 }
    }

    /// The next sample.
    pub fn next(&mut self) -> i16 {
        // Knuth and Lewis; the high bits are the good ones.
        self.state = self.state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let spread = (self.state >> 16) as i32 - 32_768;
        (spread * self.peak / 32_768) as i16
    }
}
