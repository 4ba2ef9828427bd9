//! A prompt, ready to be found: where it sounds, and how it is compared.

use super::{Expected, MS};
use std::ops::Range;

/// Quieter than this below its loudest, a prompt is silent: 40 dB.
const SILENT: f64 = 1e-4;
/// Around a millisecond, this much is compared.
pub(super) const AROUND: usize = 5 * MS;

/// A prompt, ready to be found.
pub(super) struct Template {
    /// Its name.
    pub(super) name: String,
    /// Its samples.
    pub(super) samples: Vec<f32>,
    /// With its highs lifted: vowels are less alike.
    pub(super) bright: Vec<f32>,
    /// From its first sound to its last.
    pub(super) active: Range<usize>,
    /// Power of 5 ms around each millisecond, and what is silence.
    powers: Vec<f64>,
    silence: f64,
}

impl Template {
    /// `None` of silence.
    pub(super) fn new(expected: &Expected) -> Option<Self> {
        let samples: Vec<f32> = expected.samples.iter().map(|&sample| f32::from(sample)).collect();
        let powers = powers(&samples);
        let loudest = powers.iter().copied().fold(0.0, f64::max);
        let silence = (loudest * SILENT).max(100.0);
        let first = powers.iter().position(|&power| power > silence)?;
        let last = powers.iter().rposition(|&power| power > silence)?;
        let active = first * MS..((last + 1) * MS).min(samples.len());
        Some(Self { name: expected.name.clone(), bright: bright(&samples), samples, active, powers, silence })
    }

    /// The same with the other sign. It is not looked for by itself.
    pub(super) fn inverted(&self) -> Self {
        Self {
            name: self.name.clone(),
            samples: self.samples.iter().map(|sample| -sample).collect(),
            bright: Vec::new(),
            active: self.active.clone(),
            powers: self.powers.clone(),
            silence: self.silence,
        }
    }

    pub(super) fn sounds(&self, ms: usize) -> bool {
        self.powers.get(ms).is_some_and(|&power| power > self.silence)
    }

    /// Milliseconds that sound within a range of samples.
    pub(super) fn sounding(&self, range: Range<usize>) -> usize {
        (range.start / MS..range.end.div_ceil(MS)).filter(|&ms| self.sounds(ms)).count()
    }
}

/// Mean square of 5 ms around each millisecond.
fn powers(samples: &[f32]) -> Vec<f64> {
    (0..samples.len().div_ceil(MS))
        .map(|ms| {
            let begin = (ms * MS + MS / 2).saturating_sub(AROUND / 2);
            let around = samples.get(begin..(begin + AROUND).min(samples.len())).unwrap_or_default();
            around.iter().map(|&sample| f64::from(sample).powi(2)).sum::<f64>() / around.len().max(1) as f64
        })
        .collect()
}

/// With the highs lifted.
pub(super) fn bright(samples: &[f32]) -> Vec<f32> {
    let before = std::iter::once(0.0).chain(samples.iter().copied());
    samples.iter().zip(before).map(|(&sample, before)| sample - 0.9 * before).collect()
}
