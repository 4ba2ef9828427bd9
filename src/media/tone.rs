//! A key as two tones (ITU-T Q.23), for a peer that takes no telephone events.

use super::goertzel;
use super::jitter::RATE;
use crate::number::Key;
use std::f32::consts::TAU;

/// The low tone at −11 dBm0 and the high one at −9 dBm0: lines weaken high tones more, and receivers want −25 dBm0 at least (ITU-T Q.24). The loudest sine
/// of G.711 is one of 3.14 dBm0.
const LOUD: [f32; 2] = [6_433.0, 8_099.0];

/// Its sound from this sample on, counted from its beginning.
pub fn fill(key: Key, from: usize, samples: &mut [i16]) {
    let tones = goertzel::tones_of(key);
    for (at, place) in (from..).zip(samples) {
        let turn = TAU * at as f32 / RATE as f32;
        let sum: f32 = tones.iter().zip(LOUD).map(|(hertz, loud)| (turn * hertz).sin() * loud).sum();
        *place = sum as i16;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_has_its_two_tones_as_loud_as_receivers_want_them_and_nothing_else() {
        for event in 0..16 {
            let key = Key::from_event(event).expect("a key");
            let mut samples = [0; 8000];
            for (at, part) in samples.chunks_mut(160).enumerate() {
                fill(key, at * 160, part);
            }
            let level = |hertz: f64| {
                let [mut real, mut imaginary] = [0.0, 0.0];
                for (n, &sample) in samples.iter().enumerate() {
                    let turn = std::f64::consts::TAU * hertz * n as f64 / 8000.0;
                    real += f64::from(sample) * turn.cos();
                    imaginary += f64::from(sample) * turn.sin();
                }
                20.0 * (real.hypot(imaginary) * 2.0 / 8000.0 / 32_768.0).max(1e-9).log10() + 314.0 / 100.0
            };
            let tones = [697.0, 770.0, 852.0, 941.0, 1209.0, 1336.0, 1477.0, 1633.0];
            let levels = tones.map(level);
            let loud: Vec<f64> = levels.into_iter().filter(|level| *level > -40.0).collect();
            assert!(
                matches!(loud[..], [low, high] if (low + 11.0).abs() < 0.1 && (high + 9.0).abs() < 0.1),
                "{key}: {levels:?}"
            );
        }
    }
}
