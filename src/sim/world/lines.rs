//! The lines of a run: the media threads of the engine, played, and what callers hear by them.

use super::{Event, World};
use crate::engine::Input;
use crate::media::{Command, Ended, Event as Sound, Loss, RecordingEnd, StreamKey};
use crate::sim::caller::Phone;
use crate::sim::fault::Fault;
use crate::sim::line::Line;
use crate::sim::setup::{Moment, Tape};
use crate::sim::trace::{command_name, told};
use crate::time::Duration;

/// How long the end of a recording usually takes to its file.
const WRITTEN: Duration = Duration::from_micros(800);

impl World {
    /// Whether something sounds on any line.
    pub fn sounds(&self) -> bool {
        self.lines.keys().any(|&stream| self.sounds_on(stream))
    }

    /// Whether whoever is at the other end of this line hears something: what is played, or somebody on another line.
    pub(super) fn sounds_on(&self, stream: StreamKey) -> bool {
        self.lines.get(&stream).is_some_and(|(line, _)| line.sounds() || self.hears_another(line))
    }

    pub(super) fn hears_another(&self, line: &Line) -> bool {
        line.sends() && line.hears().and_then(|other| self.lines.get(&other)).is_some_and(|(other, _)| other.speaks())
    }

    /// Holds lines that are bridged or recorded against the law.
    pub(super) fn watch_lines(&mut self) {
        let bridged = self.lines.iter().filter_map(|(&stream, (line, _))| Some((stream, line.hears()?, line.talks())));
        for (stream, other, talks) in bridged.collect::<Vec<_>>() {
            self.oracle.bridged(self.now, other, talks);
            self.heard(stream);
        }
        let taped = self.lines.iter().filter(|(_, (line, _))| line.tapes());
        for (stream, talks) in taped.map(|(&stream, (line, _))| (stream, line.talks())).collect::<Vec<_>>() {
            self.oracle.tape_runs(self.now, stream, talks);
        }
    }

    pub(super) fn opened(&mut self, stream: StreamKey) {
        if !self.lines.contains_key(&stream) {
            return;
        }
        let denied = self.random.chance(self.conditions.no_port);
        let port = if denied { None } else { self.free_ports.pop_front() };
        match port {
            Some(port) => {
                self.ports.insert(port, stream);
                self.oracle.opened(stream, port);
                if let Some((_, held)) = self.lines.get_mut(&stream) {
                    *held = Some(port);
                }
            }
            // Nothing was opened, so nothing will be closed.
            None => {
                self.oracle.unopened(stream);
                self.lines.remove(&stream);
            }
        }
        self.feed(Input::StreamOpened { stream, port });
    }

    pub(super) fn command(&mut self, stream: StreamKey, command: Command) {
        self.note(command_name(&command).as_bytes(), || format!("engine    {stream:?} {}", told(&command)));
        let stops = matches!(command, Command::Stop);
        let plays = matches!(command, Command::Play { .. });
        // A message; that a call is recorded, its caller was told before.
        let records = matches!(&command, Command::Record(recording) if recording.silence.is_some());
        let is_tape = |key| self.lines.get(&stream).is_some_and(|(line, _)| line.is_tape(key));
        let tape = match &command {
            Command::Record(recording) if recording.silence.is_none() => {
                self.oracle.tape_begins(self.now, stream, &recording.file);
                Some(Tape::Begins)
            }
            Command::PauseRecording(key, paused) if is_tape(*key) => {
                Some(if *paused { Tape::Pauses } else { Tape::GoesOn })
            }
            Command::EndRecording(key) if is_tape(*key) => Some(Tape::Ends),
            _ => None,
        };
        if let Command::Press(keys) = &command {
            self.oracle.post_dials(stream, keys);
            let count = keys.len();
            self.moment(|| Moment::PostDials(count));
        }
        let disk_full = self.disk_full;
        let Some((line, _)) = self.lines.get_mut(&stream) else { return };
        line.fill_disk(disk_full);
        line.command(self.now, command, &self.setup.lengths);
        if self.moments.is_some() && (stops || plays) {
            let playing = line.playing().map(|(prompts, length)| (prompts.to_vec(), length));
            let repeat = line.repeats();
            self.moment(|| match playing {
                Some((prompts, length)) => Moment::Plays { prompts, length, repeat },
                None => Moment::Stops,
            });
        }
        if records {
            self.moment(|| Moment::Records);
        }
        if let Some(tape) = tape {
            self.moment(|| Moment::Tape(tape));
        }
        self.heard(stream);
        self.wait_for_line(stream);
    }

    pub(super) fn wait_for_line(&mut self, stream: StreamKey) {
        if let Some(due) = self.lines.get(&stream).and_then(|(line, _)| line.deadline()) {
            self.push(due.max(self.now), Event::Line(stream));
        }
    }

    /// Whether somebody is being recorded.
    pub fn is_recording(&self) -> bool {
        self.lines.values().any(|(line, _)| line.records())
    }

    /// What has been recorded on this line is on its way to the disk.
    pub(super) fn write_recordings(&mut self, stream: StreamKey) {
        let Some((line, _)) = self.lines.get_mut(&stream) else { return };
        for (file, mut ended) in line.take_ended() {
            let mut wait = WRITTEN;
            if self.conditions.faults.has(Fault::Recordings) {
                wait += Duration::from_micros(self.disk.below(4_000_000));
                if self.disk.chance(0.2) {
                    ended.end = RecordingEnd::Failed(Loss::Disk);
                }
            }
            self.push(self.now + wait, Event::Recorded(stream, file, ended));
        }
    }

    /// What became of a recording is known.
    pub(super) fn recorded(&mut self, stream: StreamKey, file: &str, ended: Ended) {
        let kept = !matches!(ended.end, RecordingEnd::Failed(_));
        self.note(b"recorded", || format!("disk      {file} {}", if kept { "kept" } else { "not kept" }));
        self.oracle.written(file, kept);
        if self.lines.get(&stream).is_some_and(|(line, _)| !line.is_tape(ended.key)) {
            self.oracle.recorded(stream);
        }
        self.feed(Input::Media { stream, event: Sound::Recorded(ended) });
    }

    /// From now on nothing that is recorded can be kept, or everything again.
    pub fn fill_disk(&mut self, full: bool) {
        self.disk_full = full;
    }

    /// Tells the oracle what this line sounds like now.
    pub(super) fn heard(&mut self, stream: StreamKey) {
        let Some((line, _)) = self.lines.get(&stream) else { return };
        let caller = self.oracle.call_of(stream).and_then(|call| self.callers.get(call));
        let story = caller.and_then(|&index| self.phones.get(index)).map(Phone::story);
        self.oracle.sounds(self.now, stream, (line, self.hears_another(line)), story);
    }
}
