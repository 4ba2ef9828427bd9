//! From sound to payloads and back: G.711 A-law and µ-law, as the reference code of ITU-T G.191 computes them, G.722 by `audio-codec`, Opus by
//! [`opus`].

use super::jitter::Behind;
use super::opus::{self, Band, Effort};
use crate::limits::{CONCEALED_MAX, OPUS_FRAME_BYTES_MAX};
use crate::sdp::{Codec, Manner};
use audio_codec::Decoder as _;
use audio_codec::Encoder as _;
use audio_codec::g722::{G722Decoder, G722Encoder};
use std::sync::Arc;

/// The byte that means silence on the wire: linear 0, and for G.722 two samples that change nothing. Opus has none: its silence is a packet.
pub const fn silence(codec: Codec) -> u8 {
    match codec {
        Codec::Pcma => 0xd5,
        Codec::Pcmu => 0xff,
        Codec::G722 => 0xfd,
        Codec::Opus => 0,
    }
}

/// A codec as a peer wants it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Form {
    /// The codec.
    pub codec: Codec,
    /// How, if it is Opus.
    pub manner: Manner,
}

impl Form {
    /// How many there are.
    pub const COUNT: usize = 3 + Manner::COUNT;

    /// A codec as most want it.
    pub fn of(codec: Codec) -> Self {
        Self { codec, manner: Manner::default() }
    }

    /// Its number among them.
    pub(super) const fn place(self) -> usize {
        match self.codec {
            Codec::Pcma => 0,
            Codec::Pcmu => 1,
            Codec::G722 => 2,
            Codec::Opus => 3 + self.manner.place(),
        }
    }

    /// Fills what is left of a payload of so many samples of 8 kHz with silence; its length.
    pub fn fill_up(self, payload: &mut [u8], filled: usize, samples: usize) -> Option<usize> {
        if self.codec != Codec::Opus {
            payload.get_mut(filled..samples)?.fill(silence(self.codec));
            return Some(samples);
        }
        if filled > 0 {
            return Some(filled);
        }
        let silence = opus::silence(self.manner);
        payload.get_mut(..silence.len())?.copy_from_slice(silence);
        Some(silence.len())
    }
}

/// How long a payload sounds, in samples of 8 kHz.
pub fn samples(codec: Codec, payload: &[u8]) -> usize {
    match codec {
        Codec::Pcma | Codec::Pcmu | Codec::G722 => payload.len(),
        Codec::Opus => opus::samples(payload).unwrap_or(0),
    }
}

/// A payload of G.711 under this one of its laws, or any other as it is; how many bytes. `None`: there is no room.
pub fn under_law(from: Codec, to: Codec, payload: &[u8], out: &mut [u8]) -> Option<usize> {
    let out = out.get_mut(..payload.len())?;
    let law: fn(u8) -> u8 = match (from, to) {
        (Codec::Pcma, Codec::Pcmu) => |code| encode_ulaw(decode_alaw(code)),
        (Codec::Pcmu, Codec::Pcma) => |code| encode_alaw(decode_ulaw(code)),
        (_, _) => {
            out.copy_from_slice(payload);
            return Some(payload.len());
        }
    };
    out.iter_mut().zip(payload).for_each(|(byte, &code)| *byte = law(code));
    Some(payload.len())
}

/// Ticks of a codec's time stamp in a sample of 8 kHz.
pub const fn ticks(codec: Codec) -> u32 {
    codec.clock() / 8000
}

/// 16-bit linear samples of 8 kHz to G.722 at 64 kbit/s: a byte for each of them, since each becomes two of 16 kHz.
#[cfg(test)]
pub fn encode_g722(samples: &[i16]) -> Box<[u8]> {
    let mut bytes = G722Encoder::new().encode(Recorded::doubled(samples.into()).next(2 * samples.len()));
    bytes.resize(samples.len(), silence(Codec::G722));
    bytes.into_boxed_slice()
}

/// A recording's sound, a part after the other: as it was recorded, or at 16 kHz made from that of 8 kHz.
///
/// Between two samples of 8 kHz stands what the sound was there, by a windowed sinc of 32 neighbours. Up to 3.4 kHz, all that a telephone's
/// sound has, what that adds stays 35 dB and more below the sound.
pub(super) struct Recorded {
    sound: Arc<[i16]>,
    /// How much of it was taken.
    taken: usize,
    doubler: Option<Box<Doubler>>,
    /// What it said and nobody took.
    part: Vec<i16>,
}

impl Recorded {
    pub(super) fn as_it_is(sound: Arc<[i16]>) -> Self {
        Self { sound, taken: 0, doubler: None, part: Vec::new() }
    }

    pub(super) fn doubled(samples: Arc<[i16]>) -> Self {
        let (mut doubler, mut early) = (Box::<Doubler>::default(), Vec::new());
        let taken = samples.len().min(REACH);
        let behind = [0; REACH];
        let first = samples.iter().take(taken).chain(&behind).take(REACH).copied().collect::<Vec<_>>();
        doubler.double(&first, &mut early);
        Self { sound: samples, taken, doubler: Some(doubler), part: Vec::new() }
    }

    /// So many more samples; behind its end it is silent.
    pub(super) fn next(&mut self, count: usize) -> &[i16] {
        self.part.clear();
        match &mut self.doubler {
            None => self.part.extend(self.sound.iter().skip(self.taken).take(count)),
            Some(doubler) => {
                let end = self.sound.len().min(self.taken + count / 2);
                doubler.double(self.sound.get(self.taken..end).unwrap_or_default(), &mut self.part);
                let missing = count.saturating_sub(self.part.len()) / 2;
                (0..missing).for_each(|_| doubler.double(&[0], &mut self.part));
            }
        }
        self.taken = self.sound.len().min(self.taken + if self.doubler.is_some() { count / 2 } else { count });
        self.part.resize(count, 0);
        &self.part
    }
}

/// Neighbours on each side.
const REACH: usize = 16;

/// Twice as many samples a second, as they come: what it says is two milliseconds old.
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

/// From what stands in packets to 8,000 linear samples a second. One for each direction: G.722 and Opus remember what they heard.
#[derive(Default)]
pub struct Decoder {
    g722: Option<Box<(G722Decoder, Halver)>>,
    /// What G.722 says at its own rate.
    wide: Vec<i16>,
    opus: Option<Box<opus::Decoder>>,
    /// Whose packets.
    ssrc: Option<u32>,
    /// The time stamp behind the last packet of Opus.
    next: Option<u32>,
    behind: Behind,
}

impl Decoder {
    /// Adds the samples of a payload that goes on where the one before ended.
    pub fn decode(&mut self, codec: Codec, payload: &[u8], samples: &mut Vec<i16>) {
        match codec {
            Codec::Pcma => samples.extend(payload.iter().map(|&code| decode_alaw(code))),
            Codec::Pcmu => samples.extend(payload.iter().map(|&code| decode_ulaw(code))),
            Codec::G722 => {
                let fresh = || Box::new((G722Decoder::new(), Halver::default()));
                let (decoder, halver) = &mut **self.g722.get_or_insert_with(fresh);
                self.wide.resize(decoder.max_decode_samples(payload.len()), 0);
                let length = decoder.decode_into(payload, &mut self.wide).unwrap_or(0);
                halver.halve(self.wide.get(..length).unwrap_or_default(), samples);
            }
            Codec::Opus => {
                if let Some(decoder) = self.opus() {
                    decoder.decode(payload, samples);
                }
            }
        }
    }

    /// Adds the samples of a packet as it came, and before them what was lost since the one before where the codec can tell; the time stamp of the
    /// first of them. `None`: it came too late to be understood.
    pub fn hear(
        &mut self,
        codec: Codec,
        (ssrc, timestamp): (u32, u32),
        payload: &[u8],
        samples: &mut Vec<i16>,
    ) -> Option<u32> {
        // Another sender: its time stamps follow no others, and nothing goes before what it says (RFC 3550 §5.1).
        if self.ssrc != Some(ssrc) {
            *self = Self { ssrc: Some(ssrc), ..Self::default() };
        }
        let mut begins = timestamp;
        if codec == Codec::Opus {
            let long = opus::samples(payload).unwrap_or(0) as u32;
            let end = timestamp.wrapping_add(long * ticks(codec));
            let lost = self.next.map_or(0, |next| timestamp.wrapping_sub(next) as i32) / ticks(codec) as i32;
            match usize::try_from(lost) {
                // What follows it was heard, and lost sound in its place.
                Err(_) if lost > -8000 && !self.behind.is_anew(timestamp, end) => return None,
                // Frames are a multiple of 2.5 ms.
                Ok(lost @ 1..=CONCEALED_MAX) if lost.is_multiple_of(20) => {
                    let before = samples.len();
                    if let Some(decoder) = self.opus() {
                        decoder.conceal(lost, payload, samples);
                    }
                    begins = timestamp.wrapping_sub((samples.len() - before) as u32 * ticks(codec));
                }
                Ok(_) | Err(_) => {}
            }
            (self.next, self.behind) = (Some(end), Behind::default());
        }
        self.decode(codec, payload, samples);
        Some(begins)
    }

    fn opus(&mut self) -> Option<&mut opus::Decoder> {
        if self.opus.is_none() {
            self.opus = opus::Decoder::new().map(Box::new);
        }
        self.opus.as_deref_mut()
    }
}

/// From 8,000 linear samples a second to what stands in packets. One for each direction: G.722 and Opus remember what they said.
#[derive(Default)]
pub struct Encoder {
    g722: Option<Box<(Doubler, G722Encoder)>>,
    wide: Vec<i16>,
    opus: Option<(Manner, Box<opus::Encoder>)>,
}

impl Encoder {
    /// Fills a payload with these samples; its length.
    pub fn encode(&mut self, form: Form, samples: &[i16], payload: &mut [u8]) -> usize {
        let fill = |payload: &mut [u8], law: fn(i16) -> u8| {
            payload.iter_mut().zip(samples).for_each(|(byte, &sample)| *byte = law(sample));
            samples.len()
        };
        match form.codec {
            Codec::Pcma => fill(payload, encode_alaw),
            Codec::Pcmu => fill(payload, encode_ulaw),
            Codec::G722 => {
                let mut fresh = || Box::new((Doubler::default(), G722Encoder::new()));
                let (doubler, encoder) = &mut **self.g722.get_or_insert_with(&mut fresh);
                self.wide.clear();
                doubler.double(samples, &mut self.wide);
                let room = payload.len();
                encoder.encode_into(&self.wide, payload).unwrap_or(room)
            }
            Codec::Opus => {
                if self.opus.as_ref().is_none_or(|(manner, _)| *manner != form.manner) {
                    let fresh = opus::Encoder::new(form.manner, Band::Narrow, Effort::Live);
                    self.opus = fresh.map(|encoder| (form.manner, Box::new(encoder)));
                }
                let room = payload.len().min(OPUS_FRAME_BYTES_MAX);
                let packet = payload.get_mut(..room).unwrap_or_default();
                self.opus.as_mut().map_or(0, |(_, encoder)| encoder.encode(samples, packet))
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
    fn another_sender_is_understood_from_its_first_packet_on() {
        // 20 ms of Opus (RFC 6716 §3.1). The clock of the second one stands half a second behind that of the first.
        let (mut ear, packet) = (super::Decoder::default(), [0x08, 0]);
        assert_eq!(ear.hear(Codec::Opus, (1, 48_000), &packet, &mut Vec::new()), Some(48_000));
        assert_eq!(ear.hear(Codec::Opus, (1, 24_000), &packet, &mut Vec::new()), None, "late");
        assert_eq!(ear.hear(Codec::Opus, (2, 24_000), &packet, &mut Vec::new()), Some(24_000));
        // A clock that was set back under one source is known by packets that follow each other.
        let understood = |n: u32| ear.hear(Codec::Opus, (2, 4800 + n * 960), &packet, &mut Vec::new()).is_some();
        assert_eq!([0, 1, 2, 3, 4, 5].map(understood), [false, false, false, false, true, true]);
        // G.722 remembers what was said: of another voice it would be a click.
        let loud: Vec<i16> = (0..800).map(|n| if n % 10 < 5 { 20_000 } else { -20_000 }).collect();
        let soft: Vec<i16> = (0..160).map(|n| n % 40 * 20).collect();
        let heard = |before: Option<&[i16]>| {
            let (mut ear, mut samples) = (super::Decoder::default(), Vec::new());
            if let Some(before) = before {
                ear.hear(Codec::G722, (1, 0), &encode_g722(before), &mut Vec::new());
            }
            ear.hear(Codec::G722, (2, 800), &encode_g722(&soft), &mut samples);
            samples
        };
        assert_eq!(heard(Some(&loud)), heard(None));
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
            let mut wide = Recorded::doubled(samples.as_slice().into());
            let doubled = [wide.next(1000), &[]].concat();
            let doubled = [doubled.as_slice(), wide.next(3000)].concat();
            assert!(doubled.iter().step_by(2).eq(&samples));
            let ratio = signal_to_noise(&doubled[400..3600], hertz);
            assert!(ratio > 35.0, "{hertz} Hz: {ratio:.1} dB");
        }
        assert_eq!(Recorded::doubled(Arc::from([])).next(4), [0; 4]);
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
