//! Music, whistles, and the tones of telephone networks.

use super::sounds::{RATE, Wave, between, noise};
use ivr1357::random::Random;

/// Overtones as amplitudes, and how fast a note dies away (1/s).
const INSTRUMENTS: [(&[f32], f32); 9] = [
    // Flute, ocarina, clarinet, strings, brass, reed organ, piano, guitar, music box.
    (&[1.0, 0.4, 0.15, 0.05], 0.0),
    (&[1.0, 0.2, 0.1], 0.0),
    (&[1.0, 0.05, 0.6, 0.05, 0.4, 0.03, 0.2], 0.0),
    (&[1.0, 0.6, 0.45, 0.35, 0.3, 0.2, 0.15], 0.0),
    (&[0.7, 1.0, 0.9, 0.7, 0.5, 0.3], 0.0),
    (&[1.0, 0.8, 0.3, 0.5, 0.1, 0.2], 0.0),
    (&[1.0, 0.5, 0.3, 0.15, 0.1], 3.0),
    (&[1.0, 0.7, 0.4, 0.4, 0.2, 0.1], 4.0),
    (&[1.0, 0.1, 0.35], 5.0),
];
const SCALES: [&[i32]; 4] =
    [&[0, 2, 4, 5, 7, 9, 11], &[0, 2, 3, 5, 7, 8, 10], &[0, 2, 4, 7, 9], &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]];

/// A melody with chords below it, sometimes with drums.
pub fn piece(chance: &mut Random, length: usize) -> Vec<f32> {
    let mut out = vec![0.0; length];
    let scale = SCALES[chance.below(SCALES.len() as u64) as usize];
    // Instruments are not tuned alike, nor to 440 Hz.
    let root = between(chance, 55.0, 117.0);
    let beat = (RATE as f32 * between(chance, 0.12, 0.6)) as usize;
    let pitch = |degree: i32| {
        let (octave, step) = (degree.div_euclid(scale.len() as i32), degree.rem_euclid(scale.len() as i32));
        root * 2f32.powf(octave as f32 + scale[step as usize] as f32 / 12.0)
    };
    let count = scale.len() as i32;
    for part in 0..1 + chance.below(3) {
        let instrument = INSTRUMENTS[chance.below(INSTRUMENTS.len() as u64) as usize];
        let vibrato = if chance.chance(0.4) { between(chance, 0.002, 0.012) } else { 0.0 };
        let loud = between(chance, 0.3, 1.0);
        let mut degree = count * (2 + chance.below(2) as i32);
        let mut at = 0;
        while at < length {
            let duration = beat * [1, 1, 2, 4][chance.below(4) as usize];
            degree = (degree + chance.below(7) as i32 - 3).clamp(count, count * 5);
            // The first part is the melody; the others hold chords.
            let chord: &[i32] =
                if part == 0 { &[0] } else { [&[0, 2, 4][..], &[0, 2], &[0, 4, 9]][chance.below(3) as usize] };
            for &above in chord {
                note(
                    &mut out[at..(at + duration).min(length)],
                    chance,
                    pitch(degree + above),
                    instrument,
                    vibrato,
                    loud,
                );
            }
            at += duration;
        }
    }
    if chance.chance(0.4) {
        let loud = between(chance, 0.05, 0.4) / 8000.0;
        for beat in out.chunks_mut(beat) {
            let hit = noise(chance, beat.len(), false);
            for (at, (sample, hit)) in beat.iter_mut().zip(hit).enumerate() {
                *sample += loud * hit * (-(at as f32) / 400.0).exp();
            }
        }
    }
    out
}

fn note(out: &mut [f32], chance: &mut Random, hertz: f32, (overtones, decay): (&[f32], f32), vibrato: f32, loud: f32) {
    let mut waves: Vec<Wave> = overtones.iter().map(|_| Wave::new(chance)).collect();
    let length = out.len();
    for (at, sample) in out.iter_mut().enumerate() {
        let time = at as f32 / RATE as f32;
        let bent = hertz * (1.0 + vibrato * (std::f32::consts::TAU * 5.5 * time).sin());
        let shape = (time / 0.015).min(1.0) * ((length - at) as f32 / 200.0).min(1.0) * (-decay * time).exp();
        for (n, (wave, amplitude)) in waves.iter_mut().zip(overtones).enumerate() {
            let overtone = bent * (n + 1) as f32;
            // A telephone's band ends here.
            if overtone < 3600.0 {
                *sample += loud * shape * amplitude * wave.next(overtone).sin();
            }
        }
    }
}

/// Frequencies sounding together, and for how long each cadence is on and off, in milliseconds; a list is played in order.
type Cadence = &'static [(&'static [f32], u32)];

/// Korea, North America, Europe, Britain, Japan; special information (ITU-T E.180); fax and modems.
const NETWORK: &[Cadence] = &[
    &[(&[350.0, 440.0], 3000)],
    &[(&[440.0, 480.0], 1000), (&[], 2000)],
    &[(&[480.0, 620.0], 500), (&[], 500)],
    &[(&[480.0, 620.0], 300), (&[], 200)],
    &[(&[425.0], 1000), (&[], 4000)],
    &[(&[425.0], 500), (&[], 500)],
    &[(&[400.0, 450.0], 400), (&[], 200), (&[400.0, 450.0], 400), (&[], 2000)],
    &[(&[400.0], 375), (&[], 375)],
    &[(&[385.0, 415.0], 1000), (&[], 2000)],
    &[(&[400.0], 500), (&[], 500)],
    &[(&[950.0], 330), (&[1400.0], 330), (&[1800.0], 330), (&[], 1000)],
    &[(&[985.2], 380), (&[1370.6], 274), (&[1776.7], 380), (&[], 1000)],
    &[(&[913.8], 274), (&[1428.5], 380), (&[1776.7], 380), (&[], 1000)],
    &[(&[440.0], 300), (&[], 9700)],
    &[(&[1400.0], 200), (&[], 800)],
    &[(&[1000.0], 400), (&[], 1600)],
    &[(&[1100.0], 500), (&[], 3000)],
    &[(&[2100.0], 3000), (&[], 500)],
    &[(&[1400.0, 2060.0, 2450.0, 2600.0], 100), (&[], 100)],
    &[(&[2225.0], 1000)],
    &[(&[1270.0], 7), (&[1070.0], 7), (&[1270.0], 3), (&[1070.0], 3)],
    &[(&[980.0], 3), (&[1180.0], 7), (&[980.0], 7), (&[1180.0], 3), (&[1180.0], 3)],
    &[(&[1650.0], 3), (&[1850.0], 7), (&[1650.0], 3), (&[1850.0], 3)],
    &[(&[1000.0], 1000)],
    &[(&[800.0], 1000), (&[], 500)],
];

/// Tones of networks and machines, some a little off.
pub fn network_tones(chance: &mut Random, length: usize) -> Vec<f32> {
    let mut out = Vec::with_capacity(length);
    while out.len() < length {
        let cadence = NETWORK[chance.below(NETWORK.len() as u64) as usize];
        let tune = between(chance, 0.985, 1.015);
        let mut waves: Vec<Wave> = (0..4).map(|_| Wave::new(chance)).collect();
        let until = (out.len() + 5 * RATE).min(length);
        for &(tones, ms) in cadence.iter().cycle() {
            if out.len() >= until {
                break;
            }
            let samples = ms as usize * RATE / 1000;
            out.extend(
                (0..samples).map(|_| {
                    tones.iter().zip(&mut waves).map(|(tone, wave)| wave.next(tone * tune).sin()).sum::<f32>()
                }),
            );
        }
    }
    out.truncate(length);
    out
}

/// One who whistles a tune, with breath; sometimes only sweeps.
pub fn whistles(chance: &mut Random, length: usize) -> Vec<f32> {
    let mut out = Vec::with_capacity(length);
    let breath = between(chance, 0.0, 0.2) / 8000.0;
    let overtone = between(chance, 0.0, 0.15);
    let mut wave = Wave::new(chance);
    let mut hertz = between(chance, 600.0, 1700.0);
    while out.len() < length {
        let goal = between(chance, 500.0, 2600.0);
        let samples = RATE * (60 + chance.below(900) as usize) / 1000;
        let glide = if chance.chance(0.5) { samples } else { RATE / 25 };
        let air = noise(chance, samples, false);
        let from = hertz;
        for (at, air) in air.into_iter().enumerate() {
            hertz = from + (goal - from) * (at as f32 / glide as f32).min(1.0);
            let angle = wave.next(hertz);
            out.push(angle.sin() + overtone * (2.0 * angle).sin() + breath * air);
        }
        if chance.chance(0.3) {
            out.resize(out.len() + chance.below(4000) as usize, 0.0);
        }
    }
    out.truncate(length);
    out
}
