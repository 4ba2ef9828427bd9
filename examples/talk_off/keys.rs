//! Keys as telephones press them, and those that the detector hears.

use super::sounds::{RATE, between};
use ivr1357::media::codec::{encode_alaw, encode_ulaw};
use ivr1357::media::goertzel::Tones;
use ivr1357::random::Random;
use ivr1357::sdp::Codec;

const PACKET: usize = 160;

/// A key as telephones press it, its tones together at some −16 dBov.
pub fn press(chance: &mut Random) -> (char, Vec<f32>) {
    const ROWS: [f32; 4] = [697.0, 770.0, 852.0, 941.0];
    const COLUMNS: [f32; 3] = [1209.0, 1336.0, 1477.0];
    const KEYS: [[char; 3]; 4] = [['1', '2', '3'], ['4', '5', '6'], ['7', '8', '9'], ['*', '0', '#']];
    let (row, column) = (chance.below(4) as usize, chance.below(3) as usize);
    let length = RATE * (60 + chance.below(90) as usize) / 1000;
    // The high tone 0 to 4 dB above the low one, out of tune by up to 1 %.
    let tilt = 10f32.powf(between(chance, 0.0, 4.0) / 20.0);
    let tune = between(chance, 0.99, 1.01);
    let tones = (0..length).map(|at| {
        let wave = |hertz: f32| (std::f32::consts::TAU * hertz * tune * at as f32 / RATE as f32).sin();
        3600.0 * (wave(ROWS[row]) + tilt * wave(COLUMNS[column]))
    });
    (KEYS[row][column], tones.collect())
}

pub fn codec(chance: &mut Random) -> Codec {
    if chance.chance(0.5) { Codec::Pcma } else { Codec::Pcmu }
}

/// The keys heard, and where.
pub fn keys(samples: &[i16], codec: Codec) -> Vec<(usize, char)> {
    let encode: fn(i16) -> u8 = if codec == Codec::Pcma { encode_alaw } else { encode_ulaw };
    let mut tones = Tones::default();
    let packets = samples.chunks(PACKET).zip(0u32..);
    packets
        .filter_map(|(packet, n)| {
            let payload: Vec<u8> = packet.iter().map(|&sample| encode(sample)).collect();
            let key = tones.received(7, n as u16, n * PACKET as u32, codec, &payload).pressed?;
            Some((n as usize * PACKET, key.as_char()))
        })
        .collect()
}
