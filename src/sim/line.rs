//! A light model of a stream: sounds are durations, keys are heard as they arrive.
//!
//! No packet leaves and no 20 ms tick runs, so that thousands of calls a second can be simulated. What the model
//! keeps is what a caller would notice: what sounds, until when, and that a stream on hold pauses (RFC 3264 §8.4).

use crate::media::{Command, Event, PlayKey};
use crate::number::Key;
use crate::sdp::{Chosen, Direction};
use crate::time::{Duration, Instant};
use std::collections::BTreeMap;
use std::net::SocketAddr;

/// One stream.
#[derive(Debug, Default)]
pub struct Line {
    /// What was agreed; nothing sounds before.
    chosen: Option<Chosen>,
    playing: Option<Playing>,
    latched: bool,
    /// Presses heard lately.
    presses: Vec<Press>,
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

#[derive(Debug)]
struct Press {
    ssrc: u32,
    timestamp: u32,
    event: u8,
    last: Instant,
}

/// How long a press is remembered after its last packet.
const MEMORY: Duration = Duration::from_millis(500);

impl Line {
    /// Does what the engine says. `lengths` knows how long each prompt is.
    pub fn command(&mut self, now: Instant, command: Command, lengths: &BTreeMap<String, Duration>) {
        match command {
            Command::Configure(chosen) => {
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
                let prompts = clips.iter().map(|clip| clip.id.clone()).collect();
                let since = self.sends().then_some(now);
                self.playing = Some(Playing { play, prompts, repeat, left, since });
            }
            Command::Stop => self.playing = None,
        }
    }

    /// Whether the peer listens.
    pub fn sends(&self) -> bool {
        self.chosen.as_ref().is_some_and(|chosen| {
            chosen.remote.is_some() && matches!(chosen.direction, Direction::SendRecv | Direction::SendOnly)
        })
    }

    /// Whether the caller hears something now.
    pub fn sounds(&self) -> bool {
        self.playing.as_ref().is_some_and(|playing| playing.since.is_some() && !playing.prompts.is_empty())
    }

    /// Whether what plays goes on for ever.
    pub fn repeats(&self) -> bool {
        self.playing.as_ref().is_some_and(|playing| playing.repeat && !playing.prompts.is_empty())
    }

    /// The prompts that play, in order, and how long they last together.
    pub fn playing(&self) -> Option<(&[String], Duration)> {
        self.playing.as_ref().map(|playing| (playing.prompts.as_slice(), playing.left))
    }

    /// When what plays comes to its end.
    pub fn deadline(&self) -> Option<Instant> {
        let playing = self.playing.as_ref().filter(|playing| !playing.repeat)?;
        Some(playing.since? + playing.left)
    }

    /// The end of what plays, when it is due.
    pub fn finished(&mut self, now: Instant) -> Option<Event> {
        if self.deadline()? > now {
            return None;
        }
        self.playing.take().map(|playing| Event::Finished(playing.play))
    }

    /// A packet from the caller.
    pub fn received(&mut self, now: Instant, from: SocketAddr, bytes: &[u8], out: &mut Vec<Event>) {
        let Some((kind, ssrc, timestamp, payload)) = split(bytes) else { return };
        if !self.latched {
            self.latched = true;
            out.push(Event::Latched(from));
        }
        let known = self.chosen.as_ref().is_some_and(|chosen| chosen.events.iter().any(|one| one.payload_type == kind));
        let (true, [event, flags, ..]) = (known, payload) else { return };
        let (event, is_end) = (*event, flags & 0x80 != 0);
        self.presses.retain(|press| now.since(press.last) < MEMORY);
        let same = self
            .presses
            .iter_mut()
            .find(|press| press.ssrc == ssrc && press.event == event && (press.timestamp == timestamp || is_end));
        if let Some(press) = same {
            press.last = now;
            return;
        }
        self.presses.push(Press { ssrc, timestamp, event, last: now });
        out.extend(Key::from_event(event).map(Event::Key));
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

/// Payload type, SSRC, timestamp and payload of an RTP packet without extensions.
fn split(bytes: &[u8]) -> Option<(u8, u32, u32, &[u8])> {
    let [0x80, kind, _, _, t0, t1, t2, t3, s0, s1, s2, s3, payload @ ..] = bytes else { return None };
    let word = |a: &u8, b: &u8, c: &u8, d: &u8| u32::from_be_bytes([*a, *b, *c, *d]);
    Some((kind & 0x7f, word(s0, s1, s2, s3), word(t0, t1, t2, t3), payload))
}
