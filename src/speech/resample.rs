//! From one number of samples a second to another, by `rubato`: once for each recording, when it is read.

use rubato::audioadapter_buffers::direct::InterleavedSlice;
use rubato::{Fft, FixedSync, Resampler, Sample, WindowFunction};
use std::cell::RefCell;

/// Frames of one transform, in milliseconds: long enough for a steep filter, short enough that nothing rings before a word.
const BLOCK_MS: usize = 64;

/// The same sound at another rate; empty where a rate is zero.
pub fn resample(samples: &[f64], from: u32, to: u32) -> Vec<f64> {
    if from == to || samples.is_empty() {
        return samples.to_vec();
    }
    converter(from, to).and_then(|mut converter| convert(&mut converter, samples)).unwrap_or_default()
}

/// A converter, and what it converts from and to.
type Kept = ((u32, u32), Fft<f32>);

/// The same for recordings, of which there are many: a thread keeps what it has worked out for a pair of rates.
pub fn resample_recording(samples: &[f32], from: u32, to: u32) -> Vec<f32> {
    thread_local! {
        static KEPT: RefCell<Vec<Kept>> = const { RefCell::new(Vec::new()) };
    }
    if from == to || samples.is_empty() {
        return samples.to_vec();
    }
    let made = KEPT.with_borrow_mut(|kept| {
        let at = kept.iter().position(|(rates, _)| *rates == (from, to));
        let (_, converter) = match at {
            Some(at) => kept.get_mut(at)?,
            None => {
                // A studio delivers one rate or two.
                if kept.len() >= RATES_KEPT_MAX {
                    kept.clear();
                }
                kept.push(((from, to), converter(from, to)?));
                kept.last_mut()?
            }
        };
        convert(converter, samples)
    });
    made.unwrap_or_default()
}

/// More pairs of rates are worked out anew.
const RATES_KEPT_MAX: usize = 8;

fn converter<S: Sample>(from: u32, to: u32) -> Option<Fft<S>> {
    let block = (from as usize * BLOCK_MS / 1000).max(1);
    let window = WindowFunction::BlackmanHarris2;
    Fft::new_custom(from as usize, to as usize, block, 1, 1, window, FixedSync::Both).ok()
}

fn convert<S: Sample>(converter: &mut Fft<S>, samples: &[S]) -> Option<Vec<S>> {
    let adapter = InterleavedSlice::new(samples, 1, samples.len()).ok()?;
    Some(converter.process_all(&adapter, samples.len(), None).ok()?.take_data())
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
    fn what_a_thread_keeps_remembers_nothing_of_the_sound_before() {
        let sound = |hertz: f64| -> Vec<f32> { tone(48_000, hertz).into_iter().map(|sample| sample as f32).collect() };
        let first = resample_recording(&sound(1000.0), 48_000, 16_000);
        for hertz in [300.0, 5000.0] {
            resample_recording(&sound(hertz)[..30_001], 48_000, 16_000);
            (0..10).for_each(|at| drop(resample_recording(&sound(hertz)[..4000], 48_000 + at, 8000)));
        }
        assert_eq!(first, resample_recording(&sound(1000.0), 48_000, 16_000));
        let close = |(one, other): (&f32, &f64)| (f64::from(*one) - other).abs() < 1e-4;
        assert!(first.iter().zip(&resample(&tone(48_000, 1000.0), 48_000, 16_000)).all(close));
        assert!(resample_recording(&[1.0; 10], 0, 8000).is_empty());
    }

    #[test]
    fn a_short_sound_has_no_silence_in_front() {
        let made = resample(&[0.5; 441], 44_100, 8000);
        assert_eq!(made.len(), 80);
        assert!(made[10..70].iter().all(|sample| (sample - 0.5).abs() < 0.1), "{made:?}");
        assert!(resample(&[], 44_100, 8000).is_empty());
        assert!(resample(&[1.0; 10], 0, 8000).is_empty());
    }
}
