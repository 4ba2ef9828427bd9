//! Keys as tones within the sound (ITU-T Q.23, Q.24), by Goertzel's filter.
//!
//! Only for peers that send no telephone events: a voice can sound like a key. Two windows in a row must hold two pure
//! tones and nothing else, and the phase between the windows tells the frequency far better than their width does.

use super::codec::{self, Decoder};
use crate::number::Key;
use crate::sdp::Codec;
use std::f32::consts::TAU;
use std::fmt;

/// 20 ms. Two of them fit a tone of 40 ms wherever it begins.
const WINDOW: usize = 160;
/// Between two windows. Phase is ambiguous at half of 8000 / 64 = 125 Hz, beyond 3.5 % of the highest tone.
const HOP: usize = 64;
const TONES: [f32; 8] = [697.0, 770.0, 852.0, 941.0, 1209.0, 1336.0, 1477.0, 1633.0];
const KEYS: [[char; 4]; 4] = [['1', '2', '3', 'A'], ['4', '5', '6', 'B'], ['7', '8', '9', 'C'], ['*', '0', '#', 'D']];
/// Between the ±1.5 % that must count and the ±3.5 % that must not.
const OFF_TUNE: f32 = 0.02;
/// Mean square of a tone at −33 dBm0: telephones send −25 dBm0 or more.
const FAINTEST: f32 = 1.3e5;
/// The low tone may be 8 dB above the high one, the high one 4 dB above the low one; 1 dB is for noise.
const LOW_ABOVE: f32 = 7.94;
const HIGH_ABOVE: f32 = 3.16;
/// The share of both tones in all that is heard: 15 dB above noise they are 97 %.
const PURE: f32 = 0.92;
/// A key's tones are as loud in both windows, within 1 dB; those of a voice and of plucked strings move.
const STEADY: f32 = 1.26;
/// A press goes on while its tones are this much: a lost packet bends them.
const GOES_ON: f32 = 0.5;
/// 11 dB: what is further apart is not one press, whatever bends its tones.
const UNEVEN: f32 = 0.08;
/// Windows that hold something else end a press: a voice or a noise over it. A lost packet spoils two.
const OVER: u8 = 3;
/// So many samples of quiet in a row end a press: 40 ms. A pause between two has 50, and what a gateway puts in place of a lost packet or two,
/// silence, has 20 or 30.
const REST: usize = 320;
/// Samples whose loudness is measured at once: 2.5 ms, in which tones that beat are never silent.
const BLOCK: usize = 20;
/// A block is quiet at less than this share of the press, with noise 12 dB below it as well.
const QUIET_BLOCK: f32 = 1.0 / 6.0;
/// A window is at less than this share; one above it is judged by what it holds.
const QUIET_WINDOW: f32 = 1.0 / 16.0;

/// A pause without packets ends a press (RFC 3551 §4.1): ITU-T Q.24 has pauses of 50 ms.
const PAUSE: i32 = 400;
/// No packet is later than a second.
const JUMP: i32 = 8000;

/// The low and the high tone of a key.
pub fn tones_of(key: Key) -> [f32; 2] {
    let places = KEYS.iter().zip(TONES).find_map(|(row, low)| {
        let column = row.iter().position(|&known| known == key.as_char())?;
        Some([low, TONES[KEYS.len() + column]])
    });
    places.expect("the sixteen keys have their places")
}

/// The keys within one stream of sound.
#[derive(Default)]
pub struct Tones {
    detector: Detector,
    last: Option<Place>,
    decoder: Decoder,
    samples: Vec<i16>,
}

/// What a packet tells of the keys: one may go up and another one down within it.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Heard {
    /// Its tones are over.
    pub released: Option<Key>,
    /// It went down.
    pub pressed: Option<Key>,
}

/// Where a packet ends in its stream.
#[derive(Clone, Copy, Debug)]
struct Place {
    ssrc: u32,
    sequence: u16,
    end: u32,
    /// Ticks of its time stamps in a sample.
    ticks: u32,
}

impl Tones {
    /// Hears a packet. One that comes too late is not heard.
    pub fn received(&mut self, ssrc: u32, sequence: u16, timestamp: u32, codec: Codec, payload: &[u8]) -> Heard {
        let before = self.detector.key();
        let pressed = self.press(ssrc, sequence, timestamp, codec, payload);
        let released = before.filter(|_| pressed.is_some() || self.detector.key().is_none());
        Heard { released, pressed }
    }

    fn press(&mut self, ssrc: u32, sequence: u16, timestamp: u32, codec: Codec, payload: &[u8]) -> Option<Key> {
        let ticks = codec::ticks(codec);
        match self.last {
            Some(last) if last.ssrc == ssrc && last.ticks == ticks => {
                let gap = timestamp.wrapping_sub(last.end) as i32 / ticks as i32;
                if (-JUMP..0).contains(&gap) {
                    return None;
                }
                // The peer's clock was set back, as some do after a hold: what it says from here on is new.
                if gap < 0 {
                    self.detector.silence();
                }
                // Where a number is missing as well, packets were lost, and the press may have gone on.
                if gap >= PAUSE && sequence == last.sequence.wrapping_add(1) {
                    self.detector.silence();
                }
            }
            Some(_) => self.detector.silence(),
            None => {}
        }
        let length = codec::samples(codec, payload) as u32 * ticks;
        self.last = Some(Place { ssrc, sequence, end: timestamp.wrapping_add(length), ticks });
        self.samples.clear();
        self.decoder.hear(codec, (ssrc, timestamp), payload, &mut self.samples)?;
        self.detector.heard(self.samples.iter().copied())
    }
}

impl fmt::Debug for Tones {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Tones({:?})", self.last)
    }
}

/// The detector of one stream.
#[derive(Debug)]
pub struct Detector {
    shape: [f32; WINDOW],
    heard: [f32; WINDOW],
    filled: usize,
    last: Option<Window>,
    pressed: Option<Press>,
}

#[derive(Clone, Copy, Debug)]
struct Press {
    tones: (usize, usize),
    /// Mean square at its beginning.
    power: f32,
    /// Windows that held something else.
    missed: u8,
    /// Samples of quiet in a row.
    quiet: usize,
    block: (usize, f32),
}

/// What one window holds.
#[derive(Clone, Copy, Debug)]
struct Window {
    /// Mean square of all.
    power: f32,
    /// Of each tone.
    tones: [f32; 8],
    phases: [f32; 8],
    strongest: (usize, usize),
}

impl Default for Detector {
    fn default() -> Self {
        let mut shape = [0.0; WINDOW];
        for (at, weight) in shape.iter_mut().enumerate() {
            *weight = 0.5 - 0.5 * (TAU * (at as f32 + 0.5) / WINDOW as f32).cos();
        }
        Self { shape, heard: [0.0; WINDOW], filled: WINDOW - HOP, last: None, pressed: None }
    }
}

impl Detector {
    /// Hears samples at 8000 a second; tells the key that goes down within them.
    pub fn heard(&mut self, samples: impl Iterator<Item = i16>) -> Option<Key> {
        let mut key = None;
        for sample in samples {
            if self.pressed.as_mut().is_some_and(|press| press.rests(sample)) {
                self.pressed = None;
            }
            if let Some(place) = self.heard.get_mut(self.filled) {
                *place = f32::from(sample);
            }
            self.filled += 1;
            if self.filled >= WINDOW {
                key = key.or(self.judge());
                self.heard.copy_within(HOP.., 0);
                self.filled = WINDOW - HOP;
            }
        }
        key
    }

    /// The key that is held.
    fn key(&self) -> Option<Key> {
        key_of(self.pressed?.tones)
    }

    /// Nothing was sent for a while: whatever was pressed is over.
    pub fn silence(&mut self) {
        self.heard = [0.0; WINDOW];
        self.last = None;
        self.pressed = None;
    }

    fn judge(&mut self) -> Option<Key> {
        let window = self.measure();
        let before = self.last.replace(window);
        if let Some(press) = &mut self.pressed {
            if window.holds(press.tones) {
                press.missed = 0;
                return None;
            }
            press.missed += u8::from(window.power >= QUIET_WINDOW * press.power);
            if press.missed >= OVER {
                self.pressed = None;
            }
        }
        let tones = window.strongest;
        if !window.is_key(&before?, tones) || self.pressed.is_some_and(|press| press.tones == tones) {
            return None;
        }
        self.pressed = Some(Press { tones, power: window.power, missed: 0, quiet: 0, block: (0, 0.0) });
        key_of(tones)
    }

    fn measure(&self) -> Window {
        let mut before = [0.0_f32; 8];
        let mut now = [0.0_f32; 8];
        let factors = TONES.map(|tone| 2.0 * (TAU * tone / 8000.0).cos());
        let mut energy = 0.0;
        for (sample, weight) in self.heard.iter().zip(&self.shape) {
            let sample = sample * weight;
            energy += sample * sample;
            for ((now, before), factor) in now.iter_mut().zip(&mut before).zip(&factors) {
                let next = sample + factor * *now - *before;
                *before = *now;
                *now = next;
            }
        }
        let mut tones = [0.0; 8];
        let mut phases = [0.0; 8];
        for tone in 0..8 {
            let (sine, cosine) = (TAU * TONES[tone] / 8000.0).sin_cos();
            let (real, imaginary) = (now[tone] - before[tone] * cosine, before[tone] * sine);
            // The weights sum to half the window, their squares to three eighths of it.
            tones[tone] = (real * real + imaginary * imaginary) * 2.0 / (WINDOW as f32 / 2.0).powi(2);
            phases[tone] = imaginary.atan2(real);
        }
        let strongest =
            |from: usize| (from..from + 4).fold(from, |best, at| if tones[at] > tones[best] { at } else { best });
        let strongest = (strongest(0), strongest(4));
        Window { power: energy / (WINDOW as f32 * 3.0 / 8.0), tones, phases, strongest }
    }
}

impl Press {
    /// One more sample. Whether it was quiet for so long that the press is over.
    fn rests(&mut self, sample: i16) -> bool {
        let (count, energy) = &mut self.block;
        *count += 1;
        *energy += f32::from(sample).powi(2);
        if *count < BLOCK {
            return false;
        }
        let quiet = *energy < QUIET_BLOCK * self.power * BLOCK as f32;
        self.block = (0, 0.0);
        self.quiet = if quiet { self.quiet + BLOCK } else { 0 };
        self.quiet >= REST
    }
}

impl Window {
    fn holds(&self, (low, high): (usize, usize)) -> bool {
        let (low, high) = (self.tones[low], self.tones[high]);
        // A neighbour has one of the two, and next to nothing of the other.
        low.min(high) > (FAINTEST / 4.0).max(UNEVEN * low.max(high)) && low + high > GOES_ON * self.power
    }

    fn is_key(&self, before: &Self, (low, high): (usize, usize)) -> bool {
        if before.strongest != (low, high) {
            return false;
        }
        let (Some(off_low), Some(off_high)) = (self.off_tune(before, low), self.off_tune(before, high)) else {
            return false;
        };
        let steady = |tone: usize| {
            let (now, then) = (self.tones[tone], before.tones[tone]);
            now < STEADY * then && then < STEADY * now
        };
        steady(low)
            && steady(high)
            && [before, self].into_iter().all(|window| {
                let (low, high) = (window.tones[low] / response(off_low), window.tones[high] / response(off_high));
                low.min(high) > FAINTEST
                    && low < LOW_ABOVE * high
                    && high < HIGH_ABOVE * low
                    && low + high > PURE * window.power
            })
    }

    /// How far from its frequency a tone is, in Hz; `None` where that is too far for a key.
    fn off_tune(&self, before: &Self, tone: usize) -> Option<f32> {
        let expected = TAU * TONES[tone] * HOP as f32 / 8000.0;
        let turned = self.phases[tone] - before.phases[tone] - expected;
        let turned = turned - TAU * (turned / TAU).round();
        let off = turned / TAU * 8000.0 / HOP as f32;
        (off.abs() < OFF_TUNE * TONES[tone]).then_some(off)
    }
}

/// The key of a low and a high tone, by their places.
fn key_of((low, high): (usize, usize)) -> Option<Key> {
    KEYS.get(low)?.get(high.checked_sub(KEYS.len())?).and_then(|&key| Key::from_char(key))
}

/// How much of a tone's power a window sees that is so far off (the first terms of the Hann window's response).
fn response(off: f32) -> f32 {
    let bins = (off * WINDOW as f32 / 8000.0).powi(2);
    (1.0 - 0.645 * bins + 0.167 * bins * bins).powi(2)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::codec::{decode_alaw, encode_alaw, encode_g722, encode_ulaw};

    /// One press among silence as a telephone sends it.
    #[derive(Clone, Copy)]
    struct Tone {
        key: char,
        on: usize,
        off: usize,
        tune: f32,
        low: f32,
        high: f32,
        noise: f32,
    }

    const USUAL: Tone = Tone { key: '5', on: 320, off: 400, tune: 1.0, low: 4000.0, high: 4000.0, noise: 0.0 };

    fn sound(tones: &[Tone], lead: usize) -> Vec<i16> {
        let mut samples = vec![0_i16; lead];
        let mut chance = 1357_u32;
        for tone in tones {
            let row = KEYS.iter().position(|row| row.contains(&tone.key)).expect("a key");
            let column = KEYS[row].iter().position(|&key| key == tone.key).expect("a key");
            for at in 0..tone.on + tone.off {
                // Twelve draws added are as good as a bell curve, of deviation 1.
                let noise: f32 = (0..12)
                    .map(|_| {
                        chance = chance.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                        (chance >> 8) as f32 / 16_777_216.0
                    })
                    .sum::<f32>()
                    - 6.0;
                let turn = |tone_: f32| (TAU * tone_ * tone.tune * at as f32 / 8000.0 + 0.7).sin();
                let tones = tone.low * turn(TONES[row]) + tone.high * turn(TONES[4 + column]);
                let tones = if at < tone.on { tones } else { 0.0 };
                samples.push((tones + noise * tone.noise) as i16);
            }
        }
        samples
    }

    /// The keys heard, through A-law and in frames of 20 ms.
    fn keys(samples: &[i16]) -> String {
        let mut detector = Detector::default();
        let law = |&sample: &i16| decode_alaw(encode_alaw(sample));
        samples.chunks(160).filter_map(|frame| detector.heard(frame.iter().map(law))).map(Key::as_char).collect()
    }

    #[test]
    fn every_key_counts_once_at_the_shortest_press_and_pause_wherever_it_begins() {
        let all = "123A456B789C*0#D5500";
        let heard: String = all.chars().filter(|&key| Key::from_char(key).is_some()).collect();
        for lead in (0..160).step_by(7) {
            let tones: Vec<_> = all.chars().map(|key| Tone { key, ..USUAL }).collect();
            assert_eq!(keys(&sound(&tones, lead)), heard, "begun at {lead}");
        }
    }

    #[test]
    fn tones_within_the_limits_of_q24_count_and_those_beyond_do_not() {
        for (name, tone, counts) in [
            ("1.5 % sharp", Tone { tune: 1.015, ..USUAL }, true),
            ("1.5 % flat", Tone { tune: 0.985, ..USUAL }, true),
            ("3.5 % sharp", Tone { tune: 1.035, on: 1600, ..USUAL }, false),
            ("3.5 % flat", Tone { tune: 0.965, on: 1600, ..USUAL }, false),
            ("the low tone 8 dB above", Tone { high: 1600.0, ..USUAL }, true),
            ("the high tone 4 dB above", Tone { low: 2550.0, ..USUAL }, true),
            ("noise 15 dB below", Tone { noise: 710.0, ..USUAL }, true),
            ("faint", Tone { low: 1300.0, high: 1300.0, ..USUAL }, true),
            ("too faint", Tone { low: 200.0, high: 200.0, on: 1600, ..USUAL }, false),
            ("one tone alone", Tone { high: 0.0, on: 1600, ..USUAL }, false),
            ("noise alone", Tone { low: 0.0, high: 0.0, noise: 4000.0, on: 80_000, ..USUAL }, false),
        ] {
            for key in "123456789*0#".chars() {
                for lead in (0..160).step_by(11) {
                    let heard = keys(&sound(&[Tone { key, ..tone }], lead));
                    let wanted = if counts { key.to_string() } else { String::new() };
                    assert_eq!(heard, wanted, "{name}, {key}, begun at {lead}");
                }
            }
        }
    }

    #[test]
    fn every_codec_of_a_call_carries_the_keys() {
        let all = "123456789*0#";
        for lead in (0..160).step_by(37) {
            for noise in [0.0, 400.0] {
                let tones: Vec<_> = all.chars().map(|key| Tone { key, noise, ..USUAL }).collect();
                let samples = sound(&tones, lead);
                let law = |encode: fn(i16) -> u8| samples.iter().map(|&sample| encode(sample)).collect::<Box<[u8]>>();
                for (codec, bytes) in [
                    (Codec::Pcma, law(encode_alaw)),
                    (Codec::Pcmu, law(encode_ulaw)),
                    (Codec::G722, encode_g722(&samples)),
                ] {
                    let mut tones = Tones::default();
                    let heard: String = (0u16..)
                        .zip(bytes.chunks(160))
                        .filter_map(|(at, frame)| tones.received(7, at, u32::from(at) * 160, codec, frame).pressed)
                        .map(Key::as_char)
                        .collect();
                    assert_eq!(heard, all, "{codec:?}, begun at {lead}, noise {noise}");
                }
            }
        }
    }

    #[test]
    fn a_peer_that_sets_its_clock_back_is_heard_on_and_a_late_packet_is_not() {
        let press = sound(&[USUAL], 0);
        let law = |frame: &[i16]| frame.iter().map(|&sample| encode_alaw(sample)).collect::<Vec<_>>();
        let frames: Vec<Vec<u8>> = press.chunks(160).map(law).collect();
        let mut tones = Tones::default();
        let mut heard = String::new();
        for begin in [1_000_000u32, 20_000, 20_000] {
            for (at, frame) in (0u32..).zip(&frames) {
                let key = tones.received(7, at as u16, begin + at * 160, Codec::Pcma, frame).pressed;
                heard.extend(key.map(Key::as_char));
            }
        }
        // The third is the second again, late: its packets have been heard.
        assert_eq!(heard, "55");
    }

    #[test]
    fn the_end_of_a_press_is_told_once_by_silence_another_key_a_pause_and_another_source() {
        let told = |pause: u32, ssrc: u32, next: char| {
            let mut tones = Tones::default();
            let mut told = String::new();
            let press = sound(&[Tone { on: 1600, off: 160, ..USUAL }], 0);
            let then = sound(&[Tone { key: next, on: 640, off: 640, ..USUAL }], 0);
            let packets = press.chunks(160).map(|frame| (0, 7, frame));
            let packets = packets.chain(then.chunks(160).map(|frame| (pause, ssrc, frame)));
            for (at, (pause, ssrc, frame)) in (0u16..).zip(packets) {
                let law: Vec<u8> = frame.iter().map(|&sample| encode_alaw(sample)).collect();
                let heard = tones.received(ssrc, at, u32::from(at) * 160 + pause, Codec::Pcma, &law);
                told.extend(heard.released.map(|key| format!("-{}", key.as_char())));
                told.extend(heard.pressed.map(|key| format!("+{}", key.as_char())));
            }
            told
        };
        assert_eq!(told(0, 7, '8'), "+5-5+8-8");
        assert_eq!(told(4000, 7, '5'), "+5-5+5-5");
        assert_eq!(told(0, 8, '8'), "+5-5+8-8");
    }

    #[test]
    fn silence_in_place_of_one_or_two_packets_does_not_end_a_press_and_the_shortest_pause_does() {
        for noise in [0.0, 280.0, 500.0, 710.0] {
            for key in "159D*0".chars() {
                for (hole, wanted) in [(80, 1), (120, 1), (160, 1), (200, 1), (240, 1), (400, 2), (480, 2)] {
                    for at in (800..980).step_by(11) {
                        let mut samples = sound(&[Tone { key, on: 3200, off: 640, noise, ..USUAL }], 0);
                        let silent = sound(&[Tone { on: 0, off: hole, noise, ..USUAL }], 0);
                        samples[at..at + hole].copy_from_slice(&silent);
                        assert_eq!(keys(&samples).len(), wanted, "{key}, {hole} samples at {at}, noise {noise}");
                    }
                }
            }
        }
    }

    #[test]
    fn a_long_press_with_a_lost_packet_is_one_press() {
        for lost in (480..1200).step_by(13) {
            let mut samples = sound(&[Tone { on: 1600, ..USUAL }], 0);
            samples.drain(lost..lost + 160);
            assert_eq!(keys(&samples), "5", "lost at {lost}");
        }
    }
}
