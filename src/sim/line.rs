//! A light model of a stream: what it says is a duration, what it hears goes to the real stream.
//!
//! No packet leaves and no 20 ms tick runs, so that thousands of calls a second can be simulated. What the model
//! keeps is what a caller would notice: what sounds, until when, and that a stream on hold pauses (RFC 3264 §8.4).

use crate::engine::PAUSE;
use crate::media::stream::Stream;
use crate::media::{Command, Ended, Event, Loss, PlayKey, Recording, RecordingEnd, RecordingKey, Report, StreamKey};
use crate::sdp::{Chosen, Direction};
use crate::time::{Duration, Instant};
use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::Arc;

/// One stream.
#[derive(Debug)]
pub struct Line {
    /// Hears: latching and keys are the real stream's.
    ear: Stream,
    /// What was agreed; nothing sounds before.
    chosen: Option<Chosen>,
    playing: Option<Playing>,
    recordings: Vec<Running>,
    /// Recordings that have come to their end, on their way to the disk: of each its file.
    ended: Vec<(Arc<str>, Ended)>,
    /// Which recordings are messages.
    messages: BTreeSet<RecordingKey>,
    /// Keys on their way out: until when, and how many.
    pressing: Option<(Instant, u8)>,
    /// It is that of a call of ours.
    placed: bool,
    /// The other leg is heard.
    bridged: Option<StreamKey>,
    /// And hears this one.
    talks: bool,
    /// Nothing can be kept.
    disk_full: bool,
}

/// A recording that runs.
#[derive(Debug)]
struct Running {
    recording: Recording,
    began: Instant,
    /// The last words, or the beginning.
    silent: Instant,
    spoken: Duration,
    paused: bool,
}

#[derive(Debug)]
struct Playing {
    play: PlayKey,
    prompts: Vec<String>,
    repeat: bool,
    /// What is left to say.
    left: Duration,
    /// Since when it runs; `None` while paused.
    since: Option<Instant>,
}

impl Line {
    /// A line that waits to be configured.
    pub fn new() -> Self {
        // Nothing leaves, so the numbers its packets would begin with do not matter.
        Self {
            ear: Stream::new(1, 1, 1),
            chosen: None,
            playing: None,
            recordings: Vec::new(),
            ended: Vec::new(),
            messages: BTreeSet::new(),
            pressing: None,
            placed: false,
            bridged: None,
            talks: false,
            disk_full: false,
        }
    }

    /// A line of a call of ours, whose other end may not be silent for long.
    pub fn beside() -> Self {
        Self { ear: Stream::new(1, 1, 1).with_patience(Some(PATIENCE)), placed: true, ..Self::new() }
    }

    /// Whether it is that of a call of ours.
    pub fn is_placed(&self) -> bool {
        self.placed
    }

    /// Does what the engine says. `lengths` knows how long each prompt is.
    pub fn command(&mut self, now: Instant, command: Command, lengths: &BTreeMap<String, Duration>) {
        match command {
            Command::Configure(chosen) => {
                self.ear.command(now, Command::Configure(chosen.clone()), &mut Vec::new());
                self.chosen = Some(chosen);
                let sends = self.sends();
                if let Some(playing) = &mut self.playing {
                    playing.pause(now);
                    playing.since = sends.then_some(now);
                }
            }
            Command::Play { play, clips, repeat } => {
                let length = |id: &str| lengths.get(id).copied().unwrap_or_default();
                let left = clips.iter().map(|clip| length(&clip.id)).sum();
                // A pause is heard, and nothing is said in it.
                let prompts = clips.iter().map(|clip| clip.id.clone()).filter(|id| !id.starts_with(PAUSE)).collect();
                let since = self.sends().then_some(now);
                self.playing = Some(Playing { play, prompts, repeat, left, since });
            }
            Command::Press(keys) => {
                let count = u8::try_from(keys.len()).unwrap_or(u8::MAX);
                self.pressing = Some((now + KEY * u32::from(count), count));
            }
            // The model has no packets to send it with.
            Command::Relay(_) => {}
            Command::Bridge(other) => (self.bridged, self.talks) = (Some(other), true),
            Command::Overhear(other) => (self.bridged, self.talks) = (Some(other), false),
            Command::Unbridge => (self.bridged, self.talks) = (None, false),
            // Whichever of the two is heard, something is.
            Command::GiveWay => {}
            Command::Stop => self.playing = None,
            Command::Record(recording) => {
                if recording.silence.is_some() {
                    self.messages.insert(recording.key);
                }
                let (silent, spoken, paused) = (now, Duration::ZERO, false);
                self.recordings.push(Running { recording, began: now, silent, spoken, paused });
            }
            Command::PauseRecording(key, paused) => {
                let of_key = self.recordings.iter_mut().filter(|running| running.recording.key == key);
                of_key.for_each(|running| running.paused = paused);
            }
            // Due at once.
            Command::EndRecording(key) => {
                for running in self.recordings.iter_mut().filter(|running| running.recording.key == key) {
                    running.recording.longest = Duration::ZERO;
                }
            }
        }
    }

    /// From now on nothing can be kept, or everything again.
    pub fn fill_disk(&mut self, full: bool) {
        self.disk_full = full;
    }

    /// Whether the caller leaves a message.
    pub fn records(&self) -> bool {
        self.recordings.iter().any(|running| running.recording.silence.is_some())
    }

    /// When the first of the recordings comes to its end, and which it is.
    fn recorded_at(&self) -> Option<(Instant, usize)> {
        let end = |Running { recording, began, silent, .. }: &Running| {
            let longest = *began + if self.disk_full { Duration::ZERO } else { recording.longest };
            recording.silence.map_or(longest, |silence| longest.min(*silent + silence))
        };
        self.recordings.iter().map(end).zip(0..).min()
    }

    /// The end of all recordings.
    pub fn end_recordings(&mut self, now: Instant) {
        let disk_full = self.disk_full;
        self.ended.extend(self.recordings.drain(..).map(|running| running.end(now, disk_full)));
    }

    /// Recordings that are now to be written: of each its file, and its end if the disk takes it.
    pub fn take_ended(&mut self) -> Vec<(Arc<str>, Ended)> {
        std::mem::take(&mut self.ended)
    }

    /// Whether the peer listens.
    pub fn sends(&self) -> bool {
        self.chosen.as_ref().is_some_and(|chosen| matches!(chosen.direction, Direction::SendRecv | Direction::SendOnly))
    }

    /// Whether something is played to its other end now.
    pub fn sounds(&self) -> bool {
        self.playing.as_ref().is_some_and(|playing| playing.since.is_some() && !playing.prompts.is_empty())
    }

    /// The line whose other end is heard here.
    pub fn hears(&self) -> Option<StreamKey> {
        self.bridged
    }

    /// Whether the two hear each other.
    pub fn talks(&self) -> bool {
        self.talks
    }

    /// Whether its other end may speak, as agreed.
    pub fn speaks(&self) -> bool {
        self.chosen.as_ref().is_some_and(|chosen| matches!(chosen.direction, Direction::SendRecv | Direction::RecvOnly))
    }

    /// Whether a call is being recorded now, both sides and not silenced.
    pub fn tapes(&self) -> bool {
        let runs = |running: &Running| {
            let Recording { silence, longest, .. } = &running.recording;
            silence.is_none() && !running.paused && !longest.is_zero()
        };
        self.recordings.iter().any(runs)
    }

    /// Whether this recording is one of a call, rather than a message.
    pub fn is_tape(&self, key: RecordingKey) -> bool {
        !self.messages.contains(&key)
    }

    /// How it sounded.
    pub fn quality(&self) -> Option<Report> {
        self.ear.quality()
    }

    /// Whether what plays goes on for ever.
    pub fn repeats(&self) -> bool {
        self.playing.as_ref().is_some_and(|playing| playing.repeat && !playing.prompts.is_empty())
    }

    /// The prompts that play, in order, and how long they last together.
    pub fn playing(&self) -> Option<(&[String], Duration)> {
        self.playing.as_ref().map(|playing| (playing.prompts.as_slice(), playing.left))
    }

    /// When what plays, or is recorded, comes to its end.
    pub fn deadline(&self) -> Option<Instant> {
        let recorded = self.recorded_at().map(|(due, _)| due);
        [self.played_at(), self.pressed_at(), recorded, self.ear.impatient_at()].into_iter().flatten().min()
    }

    fn played_at(&self) -> Option<Instant> {
        let playing = self.playing.as_ref().filter(|playing| !playing.repeat)?;
        Some(playing.since? + playing.left)
    }

    /// On hold keys wait; then all of them are out at once, which nobody here can tell.
    fn pressed_at(&self) -> Option<Instant> {
        self.pressing.filter(|_| self.sends()).map(|(until, _)| until)
    }

    /// The end of what plays, of keys on their way out, or of a recording by itself, when it is due.
    pub fn finished(&mut self, now: Instant) -> Option<Event> {
        if let Some((_, at)) = self.recorded_at().filter(|&(due, _)| due <= now) {
            let running = self.recordings.remove(at);
            let (key, told) = (running.recording.key, running.recording.longest.is_zero());
            self.ended.push(running.end(now, self.disk_full));
            return (!told).then_some(Event::RecordingOver(key));
        }
        let mut silent = Vec::new();
        self.ear.tick(now, &mut silent);
        if !silent.is_empty() {
            return silent.pop();
        }
        if self.pressed_at().is_some_and(|until| until <= now) {
            return self.pressing.take().map(|(_, count)| Event::Pressed(count));
        }
        if self.played_at()? > now {
            return None;
        }
        self.playing.take().map(|playing| Event::Finished(playing.play))
    }

    /// A packet from the caller.
    pub fn received(&mut self, now: Instant, from: SocketAddr, bytes: &[u8], out: &mut Vec<Event>) {
        self.ear.received(now, from, &mut bytes.to_vec(), out);
        // Sound that is no silence: words.
        if let Some([8, 0xa0..=0xaf]) = voice(bytes) {
            for running in &mut self.recordings {
                running.spoken += SPOKEN;
                running.silent = now + SPOKEN;
            }
        }
    }
}

/// How long the other end of a call of ours may be silent, as the settings have it.
pub const PATIENCE: Duration = Duration::from_secs(30);
/// A key and the pause behind it.
const KEY: Duration = Duration::from_millis(180);
/// What a packet of words stands for: callers send one in five.
pub const SPOKEN: Duration = Duration::from_millis(100);

/// The payload type of a packet, and its first sample.
fn voice(bytes: &[u8]) -> Option<[u8; 2]> {
    Some([bytes.get(1)? & 0x7f, *bytes.get(12)?])
}

impl Running {
    fn end(self, now: Instant, disk_full: bool) -> (Arc<str>, Ended) {
        let Self { recording, began, spoken, .. } = self;
        let end = if disk_full { RecordingEnd::Failed(Loss::Disk) } else { RecordingEnd::Told };
        let length = now.since(began);
        (recording.file, Ended { key: recording.key, length, spoken, hushed: Duration::ZERO, end })
    }
}

impl Default for Line {
    fn default() -> Self {
        Self::new()
    }
}

impl Playing {
    fn pause(&mut self, now: Instant) {
        if let Some(since) = self.since.take()
            && !self.repeat
        {
            self.left = self.left.saturating_sub(now.since(since));
        }
    }
}
