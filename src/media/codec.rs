//! G.711 A-law and µ-law, as the reference code of ITU-T G.191 computes them, and G.722.
//!
//! Prompts are encoded once at load, so the plain computation serves; nothing here runs per packet. G.722 is computed by `audio-codec`.

use crate::sdp::Codec;
use audio_codec::Decoder as _;
use audio_codec::Encoder as _;
use audio_codec::g722::{G722Decoder, G722Encoder};

/// The byte that means silence on the wire: linear 0, and for G.722 two samples that change nothing.
pub const fn silence(codec: Codec) -> u8 {
    match codec {
        Codec::Pcma => 0xd5,
        Codec::Pcmu => 0xff,
        Codec::G722 => 0xfd,
    }
}

/// 16-bit linear samples of 8 kHz to G.722 at 64 kbit/s: a byte for each of them, since each becomes two of 16 kHz.
pub fn encode_g722(samples: &[i16]) -> Box<[u8]> {
    encode_g722_wide(&doubled(samples))
}

/// 16-bit linear samples of 16 kHz to G.722 at 64 kbit/s: a byte for each two.
pub fn encode_g722_wide(samples: &[i16]) -> Box<[u8]> {
    let mut bytes = G722Encoder::new().encode(samples);
    bytes.resize(samples.len() / 2, silence(Codec::G722));
    bytes.into_boxed_slice()
}

/// Twice as many samples a second: between two stands what the sound was there, by a windowed sinc of 32 neighbours.
/// Up to 3.4 kHz, all that a telephone's sound has, what it adds stays 35 dB and more below the sound.
fn doubled(samples: &[i16]) -> Vec<i16> {
    let mut out = Vec::with_capacity(samples.len() * 2 + 2 * REACH);
    let mut doubler = Doubler::default();
    doubler.double(samples, &mut out);
    doubler.double(&[0; REACH], &mut out);
    out.drain(..2 * REACH);
    out
}

/// Neighbours on each side.
const REACH: usize = 16;

/// [`doubled`] as the samples come: what it says is two milliseconds old.
struct Doubler {
    weights: [f32; REACH],
    /// The last samples, the oldest first.
    before: [f32; 2 * REACH],
}

impl Default for Doubler {
    fn default() -> Self {
        Self { weights: weights(), before: [0.0; 2 * REACH] }
    }
}

/// What the neighbours say of the place in the middle between two of them.
fn weights() -> [f32; REACH] {
    std::array::from_fn(|n| {
        let x = std::f32::consts::PI * (n as f32 + 0.5);
        // Hann over all of them.
        x.sin() / x * (x / (2.0 * REACH as f32)).cos().powi(2)
    })
}

/// Half as many samples a second, as they come: the half-band filter of [`Doubler`]'s weights, so that nothing above 4 kHz is folded into a
/// telephone's band, and what stays is neither softened nor shifted by a part of a sample. What it says is two milliseconds old.
struct Halver {
    weights: [f32; REACH],
    /// The last samples at the higher rate, the oldest first.
    before: [f32; 4 * REACH],
}

impl Default for Halver {
    fn default() -> Self {
        Self { weights: weights(), before: [0.0; 4 * REACH] }
    }
}

impl Halver {
    fn halve(&mut self, wide: &[i16], out: &mut Vec<i16>) {
        for pair in wide.chunks_exact(2) {
            self.before.rotate_left(2);
            for (place, &sample) in self.before.iter_mut().skip(4 * REACH - 2).zip(pair) {
                *place = f32::from(sample);
            }
            // The odd neighbours of the sample in the middle; the even ones have no weight.
            let (left, right) = self.before.split_at(2 * REACH);
            let (middle, right) = right.split_first().unwrap_or((&0.0, &[]));
            let neighbours = left.iter().rev().step_by(2).zip(right.iter().step_by(2));
            let around: f32 =
                neighbours.zip(&self.weights).map(|((left, right), weight)| weight * (left + right)).sum();
            out.push(((middle + around) / 2.0).round() as i16);
        }
    }
}

impl Doubler {
    fn double(&mut self, samples: &[i16], out: &mut Vec<i16>) {
        for &sample in samples {
            self.before.rotate_left(1);
            let [.., newest] = &mut self.before;
            *newest = f32::from(sample);
            let (left, right) = self.before.split_at(REACH);
            let neighbours = left.iter().rev().zip(right);
            let between: f32 =
                neighbours.zip(&self.weights).map(|((left, right), weight)| weight * (left + right)).sum();
            let middle = left.last().copied().unwrap_or_default();
            out.extend([middle as i16, between.round() as i16]);
        }
    }
}

/// From what stands in packets to 8,000 linear samples a second. One for each direction: G.722 remembers what it heard.
#[derive(Default)]
pub struct Decoder {
    g722: Option<Box<(G722Decoder, Halver)>>,
}

impl Decoder {
    /// Adds the samples of a payload.
    pub fn decode(&mut self, codec: Codec, payload: &[u8], samples: &mut Vec<i16>) {
        match codec {
            Codec::Pcma => samples.extend(payload.iter().map(|&code| decode_alaw(code))),
            Codec::Pcmu => samples.extend(payload.iter().map(|&code| decode_ulaw(code))),
            Codec::G722 => {
                let fresh = || Box::new((G722Decoder::new(), Halver::default()));
                let (decoder, halver) = &mut **self.g722.get_or_insert_with(fresh);
                halver.halve(&decoder.decode(payload), samples);
            }
        }
    }
}

/// From 8,000 linear samples a second to what stands in packets. One for each direction: G.722 remembers what it said.
#[derive(Default)]
pub struct Encoder {
    g722: Option<Box<(Doubler, G722Encoder)>>,
    wide: Vec<i16>,
}

impl Encoder {
    /// Fills a payload with as many samples as it has room for.
    pub fn encode(&mut self, codec: Codec, samples: &[i16], payload: &mut [u8]) {
        let fill = |payload: &mut [u8], law: fn(i16) -> u8| {
            payload.iter_mut().zip(samples).for_each(|(byte, &sample)| *byte = law(sample));
        };
        match codec {
            Codec::Pcma => fill(payload, encode_alaw),
            Codec::Pcmu => fill(payload, encode_ulaw),
            Codec::G722 => {
                let mut fresh = || Box::new((Doubler::default(), G722Encoder::new()));
                let (doubler, encoder) = &mut **self.g722.get_or_insert_with(&mut fresh);
                self.wide.clear();
                doubler.double(samples, &mut self.wide);
                let bytes = encoder.encode(&self.wide);
                payload.iter_mut().zip(bytes).for_each(|(byte, sound)| *byte = sound);
            }
        }
    }
}

/// 16-bit linear to A-law (ITU-T G.711, table 1).
pub fn encode_alaw(sample: i16) -> u8 {
    // One's complement for negative samples, as in G.191: zero and minus one mirror each other.
    let mut magnitude = (if sample < 0 { !sample } else { sample }) >> 4;
    if magnitude > 15 {
        let mut exponent = 1;
        while magnitude > 31 {
            magnitude >>= 1;
            exponent += 1;
        }
        magnitude = magnitude - 16 + (exponent << 4);
    }
    let sign = if sample < 0 { 0 } else { 0x80 };
    // Even bits are inverted on the line (G.711 §3.1).
    (magnitude as u8 | sign) ^ 0x55
}

/// 16-bit linear to µ-law (ITU-T G.711, table 2).
pub fn encode_ulaw(sample: i16) -> u8 {
    let magnitude = ((if sample < 0 { !sample } else { sample }) >> 2) + 33;
    let magnitude = magnitude.min(0x1fff);
    // 33..=0x1fff has its highest bit at 5..=12: segments 0..=7.
    let segment = 10 - magnitude.leading_zeros() as i16;
    let mantissa = (magnitude >> (segment + 1)) & 0xf;
    let sign = if sample < 0 { 0 } else { 0x80 };
    // All bits but the sign are inverted (G.711 §3.2).
    (((7 - segment) << 4) | (15 - mantissa)) as u8 | sign
}

/// A-law to 16-bit linear: the middle of the interval.
pub fn decode_alaw(code: u8) -> i16 {
    let code = code ^ 0x55;
    let exponent = i16::from((code >> 4) & 7);
    let mantissa = i16::from(code & 0xf);
    let magnitude = match exponent {
        0 => (mantissa << 4) + 8,
        _ => (((mantissa + 16) << 4) + 8) << (exponent - 1),
    };
    if code & 0x80 == 0 { -magnitude } else { magnitude }
}

/// µ-law to 16-bit linear: the middle of the interval.
pub fn decode_ulaw(code: u8) -> i16 {
    let inverted = !code;
    let exponent = i32::from((inverted >> 4) & 7);
    let mantissa = i32::from(inverted & 0xf);
    let magnitude = ((((mantissa << 3) + 0x84) << exponent) - 0x84) as i16;
    if code & 0x80 == 0 { -magnitude } else { magnitude }
}

#[cfg(test)]
mod tests {
    use super::*;
    use audio_codec::Decoder;

    /// Values of G.711 tables 1 and 2, with the bits as they stand on the line.
    #[test]
    fn known_values_are_encoded_as_the_standard_has_them() {
        for (sample, alaw, ulaw) in [
            (0, 0xd5, 0xff),
            (-1, 0x55, 0x7f),
            (32767, 0xaa, 0x80),
            (-32768, 0x2a, 0x00),
            // Inside the first segment, at the edge of a middle one, at the edge of the last.
            (16, 0xd4, 0xfd),
            (1024, 0xe5, 0xcd),
            (16384, 0xa5, 0x8f),
            (-16384, 0x3a, 0x0f),
        ] {
            assert_eq!((encode_alaw(sample), encode_ulaw(sample)), (alaw, ulaw), "{sample}");
        }
        assert_eq!((silence(Codec::Pcma), silence(Codec::Pcmu)), (encode_alaw(0), encode_ulaw(0)));
    }

    #[test]
    fn every_code_survives_the_way_there_and_back() {
        for code in 0..=255u8 {
            assert_eq!(encode_alaw(decode_alaw(code)), code, "A-law {code:#x}");
            // µ-law has two zeros; the negative one comes back as the positive.
            let expected = if code == 0x7f { 0xff } else { code };
            assert_eq!(encode_ulaw(decode_ulaw(code)), expected, "µ-law {code:#x}");
        }
    }

    #[test]
    fn no_sample_is_off_by_more_than_half_its_interval() {
        for sample in i16::MIN..=i16::MAX {
            let magnitude = i32::from(sample).abs();
            let error = |decoded: i16| (i32::from(decoded) - i32::from(sample)).abs();
            // An interval is a sixteenth of its segment; beyond the last segment µ-law clips.
            assert!(error(decode_alaw(encode_alaw(sample))) <= (magnitude / 32).max(8) + 1, "A-law {sample}");
            assert!(error(decode_ulaw(encode_ulaw(sample))) <= (magnitude + 132) / 32 + 4, "µ-law {sample}");
        }
    }

    #[test]
    fn louder_never_decodes_as_softer() {
        let decoded = |law: fn(i16) -> i16| (i16::MIN..=i16::MAX).map(law).is_sorted();
        assert!(decoded(|sample| decode_alaw(encode_alaw(sample))));
        assert!(decoded(|sample| decode_ulaw(encode_ulaw(sample))));
    }

    /// A tone of 8,000 samples a second, at some 12,000.
    fn tone(hertz: f64, samples: usize) -> Vec<i16> {
        let turn = std::f64::consts::TAU * hertz / 8000.0;
        (0..samples).map(|n| ((n as f64 * turn).sin() * 12_000.0) as i16).collect()
    }

    /// How much louder the tone is than what the way there and back added, in dB.
    fn signal_to_noise(heard: &[i16], hertz: f64) -> f64 {
        let turn = std::f64::consts::TAU * hertz / 16_000.0;
        let part = |shift: f64| -> f64 {
            let wave = |n: usize| (n as f64 * turn + shift).sin();
            heard.iter().enumerate().map(|(n, &s)| f64::from(s) * wave(n)).sum::<f64>() * 2.0 / heard.len() as f64
        };
        let (sine, cosine) = (part(0.0), part(std::f64::consts::FRAC_PI_2));
        let noise: f64 = heard
            .iter()
            .enumerate()
            .map(|(n, &s)| {
                let angle = n as f64 * turn;
                (f64::from(s) - sine * angle.sin() - cosine * angle.cos()).powi(2)
            })
            .sum::<f64>()
            / heard.len() as f64;
        10.0 * ((sine * sine + cosine * cosine) / 2.0 / noise).log10()
    }

    #[test]
    fn g722_carries_a_tone_there_and_back() {
        for hertz in [300.0, 440.0, 1000.0, 2000.0, 3000.0, 3400.0] {
            let encoded = encode_g722(&tone(hertz, 8000));
            assert_eq!(encoded.len(), 8000);
            let heard = G722Decoder::new().decode(&encoded);
            assert_eq!(heard.len(), 16_000);
            let ratio = signal_to_noise(&heard[4000..12_000], hertz);
            assert!(ratio > 20.0, "{hertz} Hz: {ratio:.1} dB");
        }
    }

    #[test]
    fn what_is_heard_of_g722_is_what_was_said_a_whole_number_of_samples_ago() {
        for hertz in [300.0, 1000.0, 2000.0, 3000.0, 3400.0] {
            let (said, mut heard) = (tone(hertz, 8000), Vec::new());
            super::Decoder::default().decode(Codec::G722, &encode_g722(&said), &mut heard);
            assert_eq!(heard.len(), said.len());
            let alike = |lag: usize| {
                let pairs = || said.iter().zip(heard.iter().skip(lag)).skip(1000).take(6000);
                let sum = |of: &dyn Fn(f64, f64) -> f64| pairs().map(|(&a, &b)| of(a.into(), b.into())).sum::<f64>();
                (
                    sum(&|a, b| a * b) / (sum(&|a, _| a * a) * sum(&|_, b| b * b)).sqrt(),
                    sum(&|_, b| b * b) / sum(&|a, _| a * a),
                )
            };
            // 11 samples of the codec's own two filters, 15 of ours.
            let (alike, louder) = alike(26);
            assert!(alike > 0.99 && (0.9..1.1).contains(&louder), "{hertz} Hz: {alike:.4}, {louder:.3}");
        }
    }

    #[test]
    fn a_doubled_sound_has_the_old_samples_and_the_wave_between_them() {
        for hertz in [300.0, 1000.0, 2000.0, 3000.0, 3400.0] {
            let samples = tone(hertz, 2000);
            let doubled = doubled(&samples);
            assert!(doubled.iter().step_by(2).eq(&samples));
            let ratio = signal_to_noise(&doubled[400..3600], hertz);
            assert!(ratio > 35.0, "{hertz} Hz: {ratio:.1} dB");
        }
        assert!(doubled(&[]).is_empty());
    }

    #[test]
    fn silence_is_silent_also_behind_a_sound() {
        // What stays of the sound is 55 dB and more below the loudest.
        let mut decoder = G722Decoder::new();
        decoder.decode(&encode_g722(&tone(440.0, 4000)));
        let after = decoder.decode(&[silence(Codec::G722); 4000]);
        let loudest = |samples: &[i16]| samples.iter().map(|sample| sample.unsigned_abs()).max();
        assert!(loudest(&after[800..]) < Some(64), "50 ms later: {:?}", loudest(&after[800..]));
    }
}
