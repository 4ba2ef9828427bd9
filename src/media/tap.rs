//! What is recorded of a stream: the caller's sound put back in order, beside what we say at the same time.
//!
//! Packets come late, twice, in another order or not at all ([`Ear`]); a recording has one sample for every 125 µs of its
//! time. A [`Sink`] takes the frames, and tells at the end what became of them. It must not block: it is called between two packets.

use super::RecordingKey;
use super::codec::Decoder;
use super::ear::Ear;
use super::level::{self, Line};
use crate::limits::{PAUSE_TAIL, TAP_DELAY};
use crate::sdp::Codec;
use crate::time::Duration;
use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;

pub use super::jitter::RATE;

/// [`TAP_DELAY`] in samples.
const DELAY: usize = TAP_DELAY.as_millis() as usize * (RATE / 1000) as usize;
/// Samples of the end that are kept in one piece, 20 ms.
const AT_ONCE: usize = (RATE / 50) as usize;

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
    /// It could not be kept, or not to its end.
    Failed(Loss),
}

/// Why a recording could not be kept.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Loss {
    /// The disk is full, or the folder cannot be written.
    Disk,
    /// More waited for the disk than may.
    Slow,
    /// So many recordings run that no more may begin.
    Crowded,
    /// There is no folder for recordings.
    Nowhere,
    /// An error of ours.
    Broken,
}

impl Loss {
    /// As a record has it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Disk => "disk",
            Self::Slow => "slow-disk",
            Self::Crowded => "too-many",
            Self::Nowhere => "no-folder",
            Self::Broken => "internal",
        }
    }
}

/// Where the samples go.
pub trait Sink: Send {
    /// Takes samples, channel by channel, or says why they cannot be kept.
    fn take(&mut self, samples: &[i16]) -> Result<(), Loss>;
    /// There are no more. Once what was taken is kept, or is not, the end is told as [`Event::Recorded`](super::Event::Recorded).
    fn finish(&mut self, ended: Ended);
}

/// A recording that runs.
pub struct Tap {
    recording: Recording,
    sink: Box<dyn Sink>,
    heard: Ear,
    /// What another leg says to the caller, packet by packet past us.
    passed: Option<Box<Ear>>,
    /// What we said, until what came at that time is taken.
    said: VecDeque<i16>,
    hush: Hush,
    /// Samples of silence in place of sound.
    hushed: u64,
    /// Samples of the delay that are still to pass before anything is kept.
    lead: usize,
    /// Samples so far.
    length: u64,
    /// Of them speech.
    spoken: u64,
    /// Since somebody spoke, or since the beginning.
    silent: u64,
    line: Line,
    /// The caller's side of an interval, what is passed on, and both sides.
    caller: Vec<i16>,
    theirs: Vec<i16>,
    frame: Vec<i16>,
    mouth: Decoder,
    decoded: Vec<i16>,
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
        Self {
            recording,
            sink,
            heard: Ear::new(TAP_DELAY),
            passed: None,
            said: VecDeque::with_capacity(DELAY + 480),
            hush: Hush::No,
            hushed: 0,
            lead: DELAY,
            length: 0,
            spoken: 0,
            silent: 0,
            line: Line::default(),
            caller: Vec::with_capacity(480),
            theirs: Vec::with_capacity(480),
            frame: Vec::with_capacity(960),
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
            passed.clear();
        }
        self.hush = match (paused, self.hush) {
            (true, _) => Hush::Paused,
            (false, Hush::Paused) => Hush::Until(self.length + samples(PAUSE_TAIL)),
            (false, hush) => hush,
        };
    }

    /// A packet of the caller's.
    pub fn packet(&mut self, codec: Codec, ssrc: u32, timestamp: u32, payload: &[u8]) {
        self.heard.hear(codec, (ssrc, timestamp), payload);
    }

    /// A packet of another leg's that is passed on to the caller as it is.
    pub fn passed(&mut self, codec: Codec, ssrc: u32, timestamp: u32, payload: &[u8]) {
        if self.recording.sides == Sides::Both {
            let ear = self.passed.get_or_insert_with(|| Box::new(Ear::new(TAP_DELAY)));
            ear.hear(codec, (ssrc, timestamp), payload);
        }
    }

    /// One packet interval went by in which this payload of ours left; none is silence. What we say stands beside what came at
    /// the time. `true`: it has come to its end.
    pub fn interval(&mut self, samples: usize, codec: Codec, payload: &[u8]) -> bool {
        let mut said = std::mem::take(&mut self.decoded);
        said.clear();
        if self.recording.sides == Sides::Both {
            self.mouth.decode(codec, payload, &mut said);
        }
        let over = self.tick(samples, &said);
        self.decoded = said;
        over
    }

    /// One packet interval went by in which we said this; less than an interval is silence at its end. `true`: it has come to its end.
    fn tick(&mut self, samples: usize, said: &[i16]) -> bool {
        self.said.extend(said.iter().copied().chain(std::iter::repeat(0)).take(samples));
        // What waits for its delay is not there yet.
        let lead = self.lead.min(samples);
        self.lead -= lead;
        self.listen(lead);
        let end = self.keep(samples - lead);
        if let Some(end) = end {
            self.finish(end);
        }
        end.is_some()
    }

    /// Takes so many samples of the caller, and of who is passed on.
    fn listen(&mut self, samples: usize) {
        self.caller.clear();
        self.caller.resize(samples, 0);
        self.heard.take(&mut self.caller);
        self.theirs.clear();
        self.theirs.resize(samples, 0);
        if let Some(passed) = &mut self.passed {
            passed.take(&mut self.theirs);
        }
    }

    /// Keeps the next samples of both sides. Why it is over, if it is.
    fn keep(&mut self, samples: usize) -> Option<RecordingEnd> {
        if samples == 0 {
            return None;
        }
        self.listen(samples);
        let loud = level::rms(&self.caller);
        let stereo = self.recording.sides == Sides::Both;
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
        if self.line.speaks(loud) {
            self.spoken += samples as u64;
            self.silent = 0;
        } else {
            self.silent += samples as u64;
        }
        let at_least = |count: u64, length: Duration| time(count) >= length;
        match self.sink.take(&self.frame) {
            Err(loss) => Some(RecordingEnd::Failed(loss)),
            Ok(()) if at_least(self.length, self.recording.longest) => Some(RecordingEnd::Longest),
            Ok(()) if self.recording.silence.is_some_and(|silence| at_least(self.silent, silence)) => {
                Some(RecordingEnd::Silence)
            }
            Ok(()) => None,
        }
    }

    /// Ends it, with what was said until now: that has waited for its delay alone.
    pub fn end(&mut self) {
        let mut end = RecordingEnd::Told;
        let lead = std::mem::take(&mut self.lead);
        self.listen(lead);
        while let rest @ 1.. = self.said.len().min(AT_ONCE) {
            if let Some(why) = self.keep(rest) {
                end = why;
                break;
            }
        }
        self.finish(end);
    }

    /// Ends it, for what was to come cannot be kept.
    pub fn fail(&mut self, loss: Loss) {
        self.finish(RecordingEnd::Failed(loss));
    }

    fn finish(&mut self, end: RecordingEnd) {
        let [length, spoken, hushed] = [self.length, self.spoken, self.hushed].map(time);
        self.sink.finish(Ended { key: self.recording.key, length, spoken, hushed, end });
    }
}

impl Ended {
    /// Of a recording that could not even begin.
    pub const fn unkept(key: RecordingKey, loss: Loss) -> Self {
        let none = Duration::ZERO;
        Self { key, length: none, spoken: none, hushed: none, end: RecordingEnd::Failed(loss) }
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

/// How long so many samples of a channel last.
pub fn time(samples: u64) -> Duration {
    Duration::from_micros(samples.saturating_mul(1_000_000 / u64::from(RATE)))
}

#[cfg(test)]
#[path = "tap_tests.rs"]
mod tests;
