//! A stream as one line of samples, and what can be measured of it without knowing what it should be.
//!
//! Packets stand where their timestamps say, however late they came: this is what a receiver with patience hears.

use super::capture::{Packet, Pressed, Stream};
use super::search::Found;
use super::{Decoder, MS, codec, codec_of};
use crate::limits::HEARD_SECONDS_MAX;
use crate::number::Key;
use crate::sdp::Codec;
use crate::speech::sound;
use std::collections::HashSet;
use std::ops::Range;

const RATE: usize = 8000;
const LONGEST: usize = HEARD_SECONDS_MAX * RATE;
/// Below this nothing is said: −45 dBov.
const QUIET: f64 = 184.0;
/// As loud as G.711 goes, but for its last step.
const FULL: u16 = 31_900;
/// A silence that is worth telling.
const SILENCE: usize = RATE;
const FRAME: usize = 20 * MS;

/// What was heard.
#[derive(Clone, Debug, Default)]
pub struct Sound {
    /// 8,000 a second.
    pub samples: Vec<i16>,
    /// Between packets, where none was; in samples.
    pub holes: Vec<Range<usize>>,
    /// Keys of its telephone, in samples from the beginning of the sound.
    pub keys: Vec<KeyAt>,
    /// The level of what sounds, in dBov; `None` where nothing does.
    pub active_dbov: Option<f64>,
    /// The loudest sample, in dBFS.
    pub peak_dbfs: Option<f64>,
    /// Samples at the end of the scale.
    pub clipped: usize,
    /// Silences of a second and more between sounds; in samples.
    pub silences: Vec<Range<usize>>,
    /// There was more than is looked at.
    pub too_long: bool,
}

/// A key, on the line of the sound.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct KeyAt {
    /// In samples; before the sound began it is negative.
    pub at: i64,
    /// Which.
    pub key: Key,
}

impl Sound {
    /// Of a recording.
    pub fn of_recording(mut samples: Vec<i16>) -> Self {
        let too_long = samples.len() > LONGEST;
        samples.truncate(LONGEST);
        Self { samples, too_long, ..Self::default() }
    }

    /// Of a stream. Its keys are those that its telephone sent to the very port it comes from; the telephone may send from another port than it hears at.
    pub fn of_stream(stream: &Stream<'_>, keys: &[Pressed], payloads: &[(u8, Codec)]) -> Self {
        let mut sound = Self::default();
        let mut packets: Vec<(i64, &Packet<'_>)> = placed(stream, payloads);
        packets.sort_by_key(|&(place, packet)| (place, packet.at));
        let mut decoder = Decoder::default();
        let mut decoded = Vec::new();
        // The earliest packet tells how the two clocks stand to each other: no other was less delayed.
        let earliest = packets.iter().map(|&(place, packet)| micros(packet.at) - place * 125).min().unwrap_or(0);
        let first = packets.first().map_or(0, |&(place, _)| place);
        for &(place, packet) in &packets {
            let Ok(place) = usize::try_from(place - first) else { continue };
            let Some(codec) = codec_of(packet.payload_type, payloads) else { continue };
            if place + codec::samples(codec, packet.payload) > LONGEST {
                sound.too_long = true;
                break;
            }
            decoded.clear();
            decoder.decode(codec, packet.payload, &mut decoded);
            if place > sound.samples.len() {
                sound.holes.push(sound.samples.len()..place);
                sound.samples.resize(place, 0);
            }
            sound.samples.resize(sound.samples.len().max(place + decoded.len()), 0);
            if let Some(room) = sound.samples.get_mut(place..place + decoded.len()) {
                room.copy_from_slice(&decoded);
            }
        }
        let pressed = keys.iter().filter(|key| key.to == stream.from && key.from.ip() == stream.to.ip());
        sound.keys = pressed.map(|key| KeyAt { at: (micros(key.at) - earliest) / 125 - first, key: key.key }).collect();
        sound
    }

    /// Levels and silences.
    pub fn measure(&mut self) {
        let measured = sound::measure(&self.samples);
        self.active_dbov = measured.map(|measured| measured.active_dbov);
        self.peak_dbfs = measured.map(|measured| measured.peak_dbfs);
        self.clipped = self.samples.iter().filter(|sample| sample.unsigned_abs() >= FULL).count();
        let mut silent: Option<usize> = None;
        for (n, frame) in self.samples.chunks(FRAME).enumerate() {
            if !sounds(frame) {
                silent.get_or_insert(n * FRAME);
            } else if let Some(begin) = silent.take()
                && begin > 0
                && n * FRAME - begin >= SILENCE
            {
                self.silences.push(begin..n * FRAME);
            }
        }
    }

    /// Milliseconds that sound and belong to none of these.
    pub fn active_outside(&self, found: &[Found]) -> usize {
        let frames = self.samples.chunks(FRAME).enumerate().filter(|&(n, frame)| {
            let middle = n * FRAME + frame.len() / 2;
            sounds(frame) && !found.iter().any(|found| (found.start..found.end).contains(&middle))
        });
        frames.count() * FRAME / MS
    }
}

fn micros(at: u64) -> i64 {
    i64::try_from(at).unwrap_or(i64::MAX / 2)
}

fn sounds(frame: &[i16]) -> bool {
    let energy: f64 = frame.iter().map(|&sample| f64::from(sample).powi(2)).sum();
    energy > QUIET * QUIET * frame.len() as f64
}

/// The packets of sound, each once, with their place in samples. Where the sender's clock jumps by more than a minute or back by more than a second,
/// the time of arrival tells.
fn placed<'s>(stream: &'s Stream<'s>, payloads: &[(u8, Codec)]) -> Vec<(i64, &'s Packet<'s>)> {
    const AHEAD: i64 = 60 * RATE as i64;
    const BACK: i64 = RATE as i64;
    let mut seen = HashSet::new();
    let mut placed: Vec<(i64, &Packet<'_>)> = Vec::with_capacity(stream.packets.len());
    // The furthest packet so far: its place and timestamp, and when it came.
    let mut last: Option<(i64, u32, u64)> = None;
    for packet in &stream.packets {
        let Some(codec) = codec_of(packet.payload_type, payloads) else { continue };
        let place = match last {
            None => 0,
            Some((place, timestamp, at)) => {
                let ahead = i64::from(packet.timestamp.wrapping_sub(timestamp) as i32) / i64::from(codec::ticks(codec));
                match (-BACK..AHEAD).contains(&ahead) {
                    true => place + ahead,
                    false => place + (packet.at.saturating_sub(at).min(3_600_000_000) / 125) as i64,
                }
            }
        };
        if !seen.insert((place, packet.sequence)) {
            continue;
        }
        if last.is_none_or(|(furthest, ..)| place >= furthest) {
            last = Some((place, packet.timestamp, packet.at));
        }
        placed.push((place, packet));
    }
    placed
}
