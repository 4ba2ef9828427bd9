//! What is recorded of a stream: the caller's sound put back in order, beside what we say at the same time.
//!
//! Packets come late, twice, in another order or not at all ([`Jitter`]); a recording has one sample for every 125 µs of its
//! time. A [`Sink`] takes the frames. It must not block: it is called between two packets.

use super::RecordingKey;
use super::codec::Decoder;
use super::jitter::Jitter;
use crate::limits::{PAUSE_TAIL, TAP_DELAY};
use crate::sdp::Codec;
use crate::time::Duration;
use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;

pub use super::jitter::RATE;
/// RMS below which nobody speaks: −45 dBov.
const QUIET: u32 = 184;
/// How far above the noise of the line speech is: 12 dB.
const ABOVE_NOISE: u32 = 4;

/// What is to be recorded.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Recording {
    /// Its name in [`Event::Recorded`](super::Event::Recorded).
    pub key: RecordingKey,
    /// Where it is kept: below the folder of recordings, without `.wav`.
    pub file: Arc<str>,
    /// Whose sound.
    pub sides: Sides,
    /// The longest it may be.
    pub longest: Duration,
    /// So much silence of the caller ends it; `None` waits for ever.
    pub silence: Option<Duration>,
}

/// Whose sound is recorded.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Sides {
    /// The caller's, in one channel.
    Caller,
    /// The caller's left, ours right.
    Both,
}

impl Sides {
    /// Channels of the file.
    pub const fn channels(self) -> u16 {
        match self {
            Self::Caller => 1,
            Self::Both => 2,
        }
    }
}

/// Why a recording ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RecordingEnd {
    /// We said so, or the stream is closed.
    Told,
    /// The caller said nothing for so long.
    Silence,
    /// It is as long as it may be.
    Longest,
    /// It could not be kept.
    Failed,
}

/// Where the samples go.
pub trait Sink: Send {
    /// Takes samples, channel by channel; `false` when they could not be kept.
    fn take(&mut self, samples: &[i16]) -> bool;
    /// There are no more.
    fn finish(&mut self);
}

/// A recording that runs.
pub struct Tap {
    recording: Recording,
    sink: Box<dyn Sink>,
    heard: Jitter,
    /// What another leg says to the caller, packet by packet past us.
    passed: Option<Box<Passed>>,
    /// What we said, until what came at that time is taken.
    said: VecDeque<i16>,
    hush: Hush,
    /// Samples of silence in place of sound.
    hushed: u64,
    /// Samples so far.
    length: u64,
    /// Of them speech.
    spoken: u64,
    /// Since somebody spoke, or since the beginning.
    silent: u64,
    /// The RMS of the line when nobody speaks.
    noise: u32,
    /// The caller's side of an interval, what is passed on, and both sides.
    caller: Vec<i16>,
    theirs: Vec<i16>,
    frame: Vec<i16>,
    ear: Decoder,
    mouth: Decoder,
    decoded: Vec<i16>,
}

/// Another leg, as the caller hears it.
struct Passed {
    heard: Jitter,
    ear: Decoder,
}

impl Default for Passed {
    fn default() -> Self {
        Self { heard: Jitter::new(TAP_DELAY).concealing(), ear: Decoder::default() }
    }
}

/// Whether sound is kept.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Hush {
    No,
    /// Until further notice.
    Paused,
    /// Until it is so many samples long.
    Until(u64),
}

/// How a recording went.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Ended {
    /// Which.
    pub key: RecordingKey,
    /// How long it is.
    pub length: Duration,
    /// How much of it is speech.
    pub spoken: Duration,
    /// How much of it is silence in place of what nobody may keep.
    pub hushed: Duration,
    /// Why it ended.
    pub end: RecordingEnd,
}

impl Tap {
    /// Begins one.
    pub fn new(recording: Recording, sink: Box<dyn Sink>) -> Self {
        let delay = TAP_DELAY.as_millis() as usize * (RATE as usize / 1000);
        Self {
            recording,
            sink,
            heard: Jitter::new(TAP_DELAY).concealing(),
            passed: None,
            said: std::iter::repeat_n(0, delay).collect(),
            hush: Hush::No,
            hushed: 0,
            length: 0,
            spoken: 0,
            silent: 0,
            noise: QUIET,
            caller: Vec::with_capacity(480),
            theirs: Vec::with_capacity(480),
            frame: Vec::with_capacity(960),
            ear: Decoder::default(),
            mouth: Decoder::default(),
            decoded: Vec::with_capacity(480),
        }
    }

    /// Which it is.
    pub fn key(&self) -> RecordingKey {
        self.recording.key
    }

    /// Silence is written in place of sound that nobody may keep: of what has just come as well, since a key is known a moment
    /// after its tone began, and for a moment longer than told, since its tone may still sound.
    pub fn pause(&mut self, paused: bool) {
        self.heard.clear();
        if let Some(passed) = &mut self.passed {
            passed.heard.clear();
        }
        self.hush = match (paused, self.hush) {
            (true, _) => Hush::Paused,
            (false, Hush::Paused) => Hush::Until(self.length + samples(PAUSE_TAIL)),
            (false, hush) => hush,
        };
    }

    /// A packet of the caller's.
    pub fn packet(&mut self, codec: Codec, ssrc: u32, timestamp: u32, payload: &[u8]) {
        let mut samples = std::mem::take(&mut self.decoded);
        samples.clear();
        if let Some(begins) = self.ear.hear(codec, timestamp, payload, &mut samples) {
            self.heard.put(ssrc, codec.clock(), begins, &samples);
        }
        self.decoded = samples;
    }

    /// A packet of another leg's that is passed on to the caller as it is.
    pub fn passed(&mut self, codec: Codec, ssrc: u32, timestamp: u32, payload: &[u8]) {
        if self.recording.sides != Sides::Both {
            return;
        }
        let Passed { heard, ear } = &mut **self.passed.get_or_insert_default();
        self.decoded.clear();
        if let Some(begins) = ear.hear(codec, timestamp, payload, &mut self.decoded) {
            heard.put(ssrc, codec.clock(), begins, &self.decoded);
        }
    }

    /// One packet interval went by in which this payload of ours left; none is silence. What we say stands beside what came at
    /// the time.
    pub fn interval(&mut self, samples: usize, codec: Codec, payload: &[u8]) -> Option<Ended> {
        let mut said = std::mem::take(&mut self.decoded);
        said.clear();
        if self.recording.sides == Sides::Both {
            self.mouth.decode(codec, payload, &mut said);
        }
        let ended = self.tick(samples, &said);
        self.decoded = said;
        ended
    }

    /// One packet interval went by in which we said this; less than an interval is silence at its end. The end, when it
    /// has come.
    fn tick(&mut self, samples: usize, said: &[i16]) -> Option<Ended> {
        self.caller.resize(samples, 0);
        self.heard.take(&mut self.caller);
        let energy: u64 = self.caller.iter().map(|sample| u64::from(sample.unsigned_abs()).pow(2)).sum();
        let stereo = self.recording.sides == Sides::Both;
        self.said.extend(said.iter().copied().chain(std::iter::repeat(0)).take(samples));
        self.theirs.clear();
        self.theirs.resize(samples, 0);
        if let Some(passed) = &mut self.passed {
            passed.heard.take(&mut self.theirs);
        }
        let hushed = match self.hush {
            Hush::No => false,
            Hush::Paused => true,
            Hush::Until(end) => self.length < end,
        };
        self.hushed += if hushed { samples as u64 } else { 0 };
        self.frame.clear();
        let said = self.said.drain(..samples).zip(&self.theirs).map(|(ours, theirs)| ours.saturating_add(*theirs));
        for (&heard, ours) in self.caller.iter().zip(said) {
            let [heard, ours] = if hushed { [0, 0] } else { [heard, ours] };
            self.frame.push(heard);
            if stereo {
                self.frame.push(ours);
            }
        }
        self.length += samples as u64;
        let loud = (energy / samples.max(1) as u64).isqrt() as u32;
        if self.speaks(loud) {
            self.spoken += samples as u64;
            self.silent = 0;
        } else {
            self.silent += samples as u64;
        }
        if !self.sink.take(&self.frame) {
            return Some(self.ended(RecordingEnd::Failed));
        }
        let at_least = |count: u64, length: Duration| time(count) >= length;
        if at_least(self.length, self.recording.longest) {
            return Some(self.finish(RecordingEnd::Longest));
        }
        let silence = self.recording.silence.filter(|&silence| at_least(self.silent, silence));
        silence.map(|_| self.finish(RecordingEnd::Silence))
    }

    /// Ends it.
    pub fn end(&mut self) -> Ended {
        self.finish(RecordingEnd::Told)
    }

    fn finish(&mut self, end: RecordingEnd) -> Ended {
        self.sink.finish();
        self.ended(end)
    }

    fn ended(&self, end: RecordingEnd) -> Ended {
        let [length, spoken, hushed] = [self.length, self.spoken, self.hushed].map(time);
        Ended { key: self.recording.key, length, spoken, hushed, end }
    }

    /// Whether a frame is louder than the line itself. The noise of a line is found at once when it is lower than thought, and
    /// slowly, some 4 dB a second, when it is higher.
    fn speaks(&mut self, loud: u32) -> bool {
        self.noise = if loud < self.noise { loud } else { self.noise + self.noise / 128 + 1 };
        loud >= QUIET.max(self.noise.saturating_mul(ABOVE_NOISE))
    }
}

impl fmt::Debug for Tap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Tap({:?}, {:?})", self.recording.file, time(self.length))
    }
}

fn samples(time: Duration) -> u64 {
    time.as_millis() as u64 * u64::from(RATE / 1000)
}

fn time(samples: u64) -> Duration {
    Duration::from_micros(samples.saturating_mul(1_000_000 / u64::from(RATE)))
}

#[cfg(test)]
#[path = "tap_tests.rs"]
mod tests;
