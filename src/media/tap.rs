//! What is recorded of a stream: the caller's sound put back in order, beside what we say at the same time.
//!
//! Packets come late, twice, in another order or not at all; a recording has one sample for every 125 µs of its time. A
//! [`Sink`] takes the frames. It must not block: it is called between two packets.

use super::RecordingKey;
use super::codec::Decoder;
use crate::limits::{TAP_DELAY, TAP_SAMPLES};
use crate::sdp::Codec;
use crate::time::Duration;
use std::fmt;
use std::sync::Arc;

/// Samples of a recording in a second.
pub const RATE: u32 = 8000;
/// RMS below which nobody speaks: −45 dBov.
const QUIET: u32 = 184;
/// How far above the noise of the line speech is: 12 dB.
const ABOVE_NOISE: u32 = 4;
/// Packets that come too late one after the other: the sender's clock has jumped.
const LATE_MAX: u32 = 10;

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
    paused: bool,
    /// Samples so far.
    length: u64,
    /// Of them speech.
    spoken: u64,
    /// Since somebody spoke, or since the beginning.
    silent: u64,
    /// The RMS of the line when nobody speaks.
    noise: u32,
    frame: Vec<i16>,
    ear: Decoder,
    mouth: Decoder,
    decoded: Vec<i16>,
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
    /// Why it ended.
    pub end: RecordingEnd,
}

impl Tap {
    /// Begins one.
    pub fn new(recording: Recording, sink: Box<dyn Sink>) -> Self {
        Self {
            recording,
            sink,
            heard: Jitter::new(),
            paused: false,
            length: 0,
            spoken: 0,
            silent: 0,
            noise: QUIET,
            frame: Vec::with_capacity(960),
            ear: Decoder::default(),
            mouth: Decoder::default(),
            decoded: Vec::with_capacity(480),
        }
    }

    /// Silence is written in place of sound that nobody may keep.
    pub fn pause(&mut self, paused: bool) {
        self.paused = paused;
    }

    /// A packet of the caller's.
    pub fn packet(&mut self, codec: Codec, ssrc: u32, timestamp: u32, payload: &[u8]) {
        let mut samples = std::mem::take(&mut self.decoded);
        samples.clear();
        self.ear.decode(codec, payload, &mut samples);
        self.heard(ssrc, timestamp, samples.iter().copied());
        self.decoded = samples;
    }

    /// One packet interval went by in which this payload of ours left; none is silence.
    pub fn interval(&mut self, samples: usize, codec: Codec, payload: &[u8]) -> Option<Ended> {
        let mut said = std::mem::take(&mut self.decoded);
        said.clear();
        if self.recording.sides == Sides::Both {
            self.mouth.decode(codec, payload, &mut said);
        }
        let ended = self.tick(samples, said.iter().copied());
        self.decoded = said;
        ended
    }

    /// Samples of the caller's, as their time stamp says.
    fn heard(&mut self, ssrc: u32, timestamp: u32, samples: impl ExactSizeIterator<Item = i16>) {
        self.heard.put(ssrc, timestamp, samples);
    }

    /// One packet interval went by in which we said this; less than an interval is silence at its end. The end, when it
    /// has come.
    fn tick(&mut self, samples: usize, said: impl Iterator<Item = i16>) -> Option<Ended> {
        let mut said = said.fuse();
        let stereo = self.recording.sides == Sides::Both;
        let mut energy = 0u64;
        self.frame.clear();
        for _ in 0..samples {
            let heard = self.heard.take();
            energy += u64::from(heard.unsigned_abs()).pow(2);
            let ours = said.next().unwrap_or(0);
            let [heard, ours] = if self.paused { [0, 0] } else { [heard, ours] };
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
        Ended { key: self.recording.key, length: time(self.length), spoken: time(self.spoken), end }
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

fn time(samples: u64) -> Duration {
    Duration::from_micros(samples.saturating_mul(1_000_000 / u64::from(RATE)))
}

/// The caller's sound of the last half second, by time stamp.
struct Jitter {
    /// A ring; what was taken is silence again.
    samples: Box<[i16]>,
    /// The place that is taken next.
    next: usize,
    /// Whose sound, and the time stamp of the sample that is taken next.
    source: Option<(u32, u32)>,
    late: u32,
}

impl Jitter {
    fn new() -> Self {
        Self { samples: vec![0; TAP_SAMPLES].into(), next: 0, source: None, late: 0 }
    }

    fn put(&mut self, ssrc: u32, timestamp: u32, samples: impl ExactSizeIterator<Item = i16>) {
        let due = match self.source {
            Some((source, due)) if source == ssrc && self.late < LATE_MAX => due,
            // A new sender, or one whose clock has jumped: what it says now is heard a moment later.
            Some(_) | None => self.begin(ssrc, timestamp),
        };
        let mut ahead = timestamp.wrapping_sub(due) as i32;
        if ahead >= TAP_SAMPLES as i32 {
            ahead = timestamp.wrapping_sub(self.begin(ssrc, timestamp)) as i32;
        }
        if i64::from(ahead) + samples.len() as i64 <= 0 {
            self.late += 1;
            return;
        }
        self.late = 0;
        for (at, sample) in (i64::from(ahead)..).zip(samples) {
            let Some(at) = usize::try_from(at).ok().filter(|&at| at < TAP_SAMPLES) else { continue };
            if let Some(place) = self.samples.get_mut((self.next + at) % TAP_SAMPLES) {
                *place = sample;
            }
        }
    }

    /// The time stamp of the sample that is taken next, when this one is to be taken [`TAP_DELAY`] later.
    fn begin(&mut self, ssrc: u32, timestamp: u32) -> u32 {
        let delay = (TAP_DELAY.as_millis() as u32) * (RATE / 1000);
        let due = timestamp.wrapping_sub(delay);
        self.source = Some((ssrc, due));
        self.late = 0;
        due
    }

    fn take(&mut self) -> i16 {
        let sample = self.samples.get_mut(self.next).map_or(0, std::mem::take);
        self.next = (self.next + 1) % TAP_SAMPLES;
        if let Some((_, due)) = &mut self.source {
            *due = due.wrapping_add(1);
        }
        sample
    }
}

#[cfg(test)]
#[path = "tap_tests.rs"]
mod tests;
