//! A light model of a stream: what it says is a duration, what it hears goes to the real stream.
//!
//! No packet leaves and no 20 ms tick runs, so that thousands of calls a second can be simulated. What the model
//! keeps is what a caller would notice: what sounds, until when, and that a stream on hold pauses (RFC 3264 §8.4).

use crate::media::stream::Stream;
use crate::media::{Command, Event, PlayKey};
use crate::sdp::{Chosen, Direction};
use crate::time::{Duration, Instant};
use std::collections::BTreeMap;
use std::net::SocketAddr;

/// One stream.
#[derive(Debug)]
pub struct Line {
    /// Hears: latching and keys are the real stream's.
    ear: Stream,
    /// What was agreed; nothing sounds before.
    chosen: Option<Chosen>,
    playing: Option<Playing>,
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
        Self { ear: Stream::new(1, 1, 1), chosen: None, playing: None }
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
                let prompts = clips.iter().map(|clip| clip.id.clone()).collect();
                let since = self.sends().then_some(now);
                self.playing = Some(Playing { play, prompts, repeat, left, since });
            }
            // The model has no packets to send them with.
            Command::Press(_) => {}
            Command::Stop => self.playing = None,
        }
    }

    /// Whether the peer listens.
    pub fn sends(&self) -> bool {
        self.chosen.as_ref().is_some_and(|chosen| matches!(chosen.direction, Direction::SendRecv | Direction::SendOnly))
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
        self.ear.received(now, from, bytes, out);
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
