//! Sound made slower at its own pitch: waveform-similarity overlap-add (WSOLA; Verhelst and Roelands, 1993).
//!
//! Frames are taken from the sound at three quarters of the distance at which they are laid down, each a little earlier or later so
//! that it goes on as the one before it would have. The search is done at 8 kHz, and a recording of 16 kHz is cut at the same
//! places: both stay in step. Why this is ours and no crate's: decision 41.

/// What becomes of three samples.
const LONGER: usize = 4;
const USUAL: usize = 3;
/// Half a frame, and how far apart frames are laid down: 15 ms. A frame holds two periods of the deepest voice.
const HOP: usize = 120;
/// How much earlier or later a frame may begin: 8 ms, so that a period of 62 Hz and more is found.
const REACH: usize = 64;
/// The weights of two samples together.
const WHOLE: i32 = 1 << 15;

/// How many samples become of so many.
pub fn length(samples: usize) -> usize {
    (samples * LONGER).div_ceil(USUAL)
}

/// The sound in four thirds of its time: that of 8 kHz, and that of 16 kHz where there is one.
pub fn slowly(samples: &[i16], wide: Option<&[i16]>) -> (Vec<i16>, Option<Vec<i16>>) {
    let starts = starts(samples);
    let wide = wide.filter(|wide| wide.len() == samples.len() * 2);
    (laid(samples, &starts, 1), wide.map(|wide| laid(wide, &starts, 2)))
}

/// Where each frame is taken from, at 8 kHz.
fn starts(samples: &[i16]) -> Vec<usize> {
    // Twelve bits of a sample, so that the products of half a frame fit 32 bits. Beyond the end is silence.
    let silence = std::iter::repeat_n(0, 2 * HOP + REACH);
    let coarse: Vec<i16> = samples.iter().map(|sample| sample >> 4).chain(silence).collect();
    let count = length(samples.len()).div_ceil(HOP);
    let mut starts: Vec<usize> = Vec::with_capacity(count);
    for at in 0..count {
        let ideal = at * HOP * USUAL / LONGER;
        starts.push(starts.last().map_or(0, |before| similar(&coarse, before + HOP, ideal)));
    }
    starts
}

/// The place near `ideal` at which the sound is most like it is from `target` on; `ideal` itself where nothing is.
fn similar(coarse: &[i16], target: usize, ideal: usize) -> usize {
    let half = |at: usize| coarse.get(at..at + HOP).and_then(|half| <&[i16; HOP]>::try_from(half).ok());
    let Some(target) = half(target) else { return ideal };
    let first = ideal.saturating_sub(REACH);
    let mut energy = half(first).map_or(0, |here| product(here, here));
    let (mut best, mut most) = (ideal, 0.0);
    for start in first..=ideal + REACH {
        let Some(here) = half(start) else { break };
        // The cosine between both, but for the part that is the same for all.
        let score = if energy > 0 { product(here, target) as f32 / (energy as f32).sqrt() } else { 0.0 };
        if score > most {
            (best, most) = (start, score);
        }
        let square = |at: usize| coarse.get(at).map_or(0, |&sample| i32::from(sample) * i32::from(sample));
        energy += square(start + HOP) - square(start);
    }
    best
}

fn product(one: &[i16; HOP], other: &[i16; HOP]) -> i32 {
    one.iter().zip(other).map(|(&one, &other)| i32::from(one) * i32::from(other)).sum()
}

/// The frames laid down, each faded into the one before it; `rate` is samples for one of 8 kHz.
fn laid(samples: &[i16], starts: &[usize], rate: usize) -> Vec<i16> {
    let hop = HOP * rate;
    let weight = |at: usize| 0.5 - 0.5 * (std::f32::consts::PI * at as f32 / hop as f32).cos();
    let fade: Vec<i32> = (0..hop).map(|at| (weight(at) * WHOLE as f32) as i32).collect();
    let mut whole = samples.to_vec();
    whole.resize(samples.len() + 3 * hop, 0);
    let half = |start: usize| whole.get(start..start + hop).unwrap_or_default();
    let mut laid = Vec::with_capacity(starts.len() * hop);
    let mut going_on = 0;
    for start in starts.iter().map(|start| start * rate) {
        let faded = half(going_on).iter().zip(half(start)).zip(&fade).map(|((&old, &new), &weight)| {
            ((i32::from(old) * (WHOLE - weight) + i32::from(new) * weight + WHOLE / 2) >> 15) as i16
        });
        laid.extend(faded);
        going_on = start + hop;
    }
    laid.truncate(length(samples.len() / rate) * rate);
    laid
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::f64::consts::PI;

    fn tone(rate: usize, hertz: f64, count: usize) -> Vec<i16> {
        let at = |at: usize| (2.0 * PI * hertz * at as f64 / rate as f64).sin() * 10_000.0;
        (0..count).map(|sample| at(sample) as i16).collect()
    }

    /// The level at one frequency, in decibels of a full tone of these tests.
    fn level_at(samples: &[i16], rate: usize, hertz: f64) -> f64 {
        let part = |wave: fn(f64) -> f64| -> f64 {
            let angle = |at: usize| 2.0 * PI * hertz * at as f64 / rate as f64;
            samples.iter().enumerate().map(|(at, sample)| f64::from(*sample) * wave(angle(at))).sum()
        };
        20.0 * (part(f64::sin).hypot(part(f64::cos)) * 2.0 / samples.len() as f64 / 10_000.0).log10()
    }

    fn steepest(samples: &[i16]) -> i32 {
        samples.windows(2).map(|pair| (i32::from(pair[1]) - i32::from(pair[0])).abs()).max().unwrap_or(0)
    }

    #[test]
    fn a_tone_keeps_its_pitch_and_its_level_without_a_click() {
        for hertz in [80.0, 130.0, 210.0, 440.0, 1000.0, 2200.0, 3300.0] {
            let usual = tone(8000, hertz, 8000);
            let (slow, _) = slowly(&usual, None);
            assert_eq!(slow.len(), 10_667, "{hertz}");
            // A period that is no whole number of samples is met as nearly as it can be.
            for tenth in slow[..10_400].chunks_exact(800) {
                let level = level_at(tenth, 8000, hertz);
                assert!((-0.5..0.5).contains(&level), "{hertz}: {level:.2} dB");
            }
            assert!(steepest(&slow) <= steepest(&usual) * 21 / 20 + 20, "{hertz}: {}", steepest(&slow));
        }
    }

    #[test]
    fn what_is_silent_stays_silent_and_no_end_is_cut() {
        let mut usual = vec![0; 400];
        usual.extend(tone(8000, 300.0, 4000));
        let (slow, _) = slowly(&usual, None);
        assert!(slow[..360].iter().all(|sample| *sample == 0));
        let end = |samples: &[i16]| samples.len() - 1 - samples.iter().rposition(|sample| *sample != 0).unwrap_or(0);
        assert!(end(&slow) <= HOP, "{} samples", end(&slow));
        assert_eq!(slowly(&[0; 8000], None).0, [0; 10_667]);
        for loudest in [i16::MAX, i16::MIN] {
            let (slow, _) = slowly(&[loudest; 2400], None);
            assert!(slow[..3000].iter().all(|sample| *sample == loudest), "nothing overflows");
        }
    }

    #[test]
    fn sounds_of_any_length_become_four_thirds_of_it() {
        for count in [0, 1, 2, 3, 59, 119, 120, 121, 239, 240, 241, 359, 360, 480, 8001] {
            let usual = tone(8000, 500.0, count);
            let wide = tone(16_000, 500.0, count * 2);
            let (slow, slow_wide) = slowly(&usual, Some(&wide));
            assert_eq!(slow.len(), length(count), "{count}");
            assert_eq!(slow_wide.map(|wide| wide.len()), Some(length(count) * 2), "{count}");
        }
        assert_eq!(length(3), 4);
        assert!(slowly(&[1, 2, 3], Some(&[1, 2, 3])).1.is_none(), "it is another recording");
    }

    #[test]
    fn the_wide_sound_is_cut_at_the_same_places() {
        let count = 8000;
        let of = |rate: usize, count: usize| -> Vec<i16> {
            let parts = [310.0, 730.0].map(|hertz| tone(rate, hertz, count));
            (0..count).map(|at| parts[0][at] / 2 + parts[1][at] / 2).collect()
        };
        let (slow, wide) = slowly(&of(8000, count), Some(&of(16_000, count * 2)));
        let wide = wide.expect("there is one");
        let apart = slow.iter().zip(wide.chunks_exact(2)).map(|(narrow, pair)| (narrow - pair[0]).abs()).max();
        assert!(apart <= Some(200), "{apart:?}");
    }
}
