//! From one number of samples a second to another, by `rubato`: once for each recording, when it is read.

use rubato::audioadapter_buffers::direct::InterleavedSlice;
use rubato::{Fft, FixedSync, Resampler, Sample, WindowFunction};

/// Frames of one transform, in milliseconds: long enough for a steep filter, short enough that nothing rings before a word.
const BLOCK_MS: usize = 64;

/// The same sound at another rate; empty where a rate is zero.
pub fn resample<S: Sample>(samples: &[S], from: u32, to: u32) -> Vec<S> {
    if from == to || samples.is_empty() {
        return samples.to_vec();
    }
    let block = (from as usize * BLOCK_MS / 1000).max(1);
    let whole = || {
        let window = WindowFunction::BlackmanHarris2;
        let mut fft = Fft::<S>::new_custom(from as usize, to as usize, block, 1, 1, window, FixedSync::Both).ok()?;
        let adapter = InterleavedSlice::new(samples, 1, samples.len()).ok()?;
        Some(fft.process_all(&adapter, samples.len(), None).ok()?.take_data())
    };
    whole().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::f64::consts::PI;

    fn tone(rate: u32, hertz: f64) -> Vec<f64> {
        (0..rate).map(|at| (2.0 * PI * hertz * f64::from(at) / f64::from(rate)).sin()).collect()
    }

    /// The level of the middle, without the edges.
    fn rms(samples: &[f64]) -> f64 {
        let middle = &samples[samples.len() / 4..samples.len() * 3 / 4];
        (middle.iter().map(|sample| sample * sample).sum::<f64>() / middle.len() as f64).sqrt()
    }

    #[test]
    fn a_tone_keeps_level_and_place_at_every_rate_and_what_does_not_fit_is_gone() {
        for from in [11_025, 22_050, 44_100, 44_101, 48_000, 192_000] {
            let made = resample(&tone(from, 1000.0), from, 8000);
            assert_eq!(made.len(), 8000, "{from}");
            let worst = made.iter().zip(tone(8000, 1000.0)).skip(800).take(6400).map(|(a, b)| (a - b).abs());
            // Half a sample of the source is the most that a filter of odd length moves it.
            assert!(worst.fold(0.0, f64::max) < 0.1, "{from}");
            let lost = rms(&resample(&tone(from, 5000.0), from, 8000));
            assert!(lost < 0.001, "{from}: {lost}");
            assert!((rms(&resample(&tone(from, 3400.0), from, 8000)) - 0.5f64.sqrt()).abs() < 0.01, "{from}");
        }
    }

    #[test]
    fn a_short_sound_has_no_silence_in_front() {
        let made = resample(&[0.5f64; 441], 44_100, 8000);
        assert_eq!(made.len(), 80);
        assert!(made[10..70].iter().all(|sample| (sample - 0.5).abs() < 0.1), "{made:?}");
        assert!(resample::<f64>(&[], 44_100, 8000).is_empty());
        assert!(resample(&[1.0; 10], 0, 8000).is_empty());
    }
}
