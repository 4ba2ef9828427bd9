//! What the engine is told and what it wants done, carried out as a shell would.

use super::{Event, World};
use crate::engine::{Entry, Input, News, Output};
use crate::media::{Event as Sound, StreamKey};
use crate::random::Random;
use crate::sim::line::Line;
use crate::sim::setup::{Moment, UNSAID};
use crate::time::{Duration, Instant, Now, Wall};
use std::sync::Arc;

/// How long a media thread takes to close a stream.
const LAST_WORD: Duration = Duration::from_micros(500);

impl World {
    pub(super) fn feed(&mut self, input: Input<'_>) {
        let now = Now { instant: self.now, wall: self.wall() };
        let mut outputs = std::mem::take(&mut self.outputs);
        let told = !matches!(input, Input::Tick);
        self.engine.handle(now, input, &mut outputs);
        if told || !outputs.is_empty() {
            self.last_traffic = self.now;
        }
        let acted = !outputs.is_empty();
        for output in outputs.drain(..) {
            self.carry_out(output);
        }
        self.outputs = outputs;
        if acted {
            self.watch_lines();
        }
    }

    pub(super) fn wall(&self) -> Wall {
        let later = Duration::from_secs(self.conditions.later * 3600);
        let right = self.setup.began + later + self.now.since(Instant::START);
        Wall::from_micros(right.as_micros() + self.clock_off * 1_000_000)
    }

    pub(super) fn sound(&mut self, stream: StreamKey, event: Sound) {
        match event {
            Sound::Key(key) => self.oracle.heard(stream, key.as_char()),
            Sound::Finished(_) => self.oracle.finished(stream),
            Sound::Pressed(count) => self.oracle.post_dialled(stream, count),
            Sound::Latched(_)
            | Sound::Released(_)
            | Sound::Silent
            | Sound::RecordingOver(_)
            | Sound::Recorded(_)
            | Sound::Alone
            | Sound::Broken
            | Sound::Closed(_) => {}
        }
        self.feed(Input::Media { stream, event });
    }

    pub(super) fn carry_out(&mut self, output: Output) {
        match output {
            Output::Transmit { flow, bytes } => self.transmit(flow, bytes),
            Output::Lookup { lookup, question } => self.look_up(lookup, question),
            Output::Expect { .. } | Output::Refused(_) => {}
            Output::CloseConnection { connection } => {
                self.note(b"disconnect", || format!("engine    closes connection {connection}"));
                self.push(self.now, Event::Reset(connection));
            }
            Output::OpenStream { stream, beside, .. } => {
                self.note(b"open", || format!("engine    open  {stream:?}"));
                // Beside a line of ours is that of whoever takes the caller's call over.
                let placed = |beside: &StreamKey| !self.lines.get(beside).is_some_and(|(line, _)| line.is_placed());
                let line = match beside.filter(placed) {
                    Some(beside) => {
                        self.oracle.opened_beside(stream, beside);
                        Line::beside()
                    }
                    None => Line::new(),
                };
                self.lines.insert(stream, (line, None));
                let wait = Duration::from_micros(self.random.below(300));
                self.push(self.now + wait, Event::Opened(stream));
            }
            Output::Media { stream, command } => self.command(stream, command),
            Output::Discard { file } => self.note(b"discard", || format!("engine    discards {file}")),
            Output::CloseStream { stream } => {
                self.note(b"close", || format!("engine    close {stream:?}"));
                self.oracle.closed(self.now, stream);
                // Every eighth media thread is dead and never answers.
                let answers = !stream.0.is_multiple_of(8);
                if let Some((line, _)) = self.lines.get_mut(&stream).filter(|_| answers) {
                    line.end_recordings(self.now);
                    self.write_recordings(stream);
                }
                let report = self.lines.remove(&stream).and_then(|(line, port)| {
                    if let Some(port) = port {
                        self.ports.remove(&port);
                        self.free_ports.push_back(port);
                    }
                    line.quality()
                });
                if answers {
                    self.push(self.now + LAST_WORD, Event::Closed(stream, report));
                }
            }
            Output::Journal { call, entry: Entry::Start { record: line, dialog } } => {
                self.open_dialogs.extend(dialog.map(|dialog| (call, dialog)));
                self.note(line.as_bytes(), || format!("engine    start {line}"));
                self.oracle.journal_start(self.now, call, &line);
                self.open_calls.insert(call, line);
                let wait = u64::try_from(self.conditions.journal.as_nanos()).unwrap_or(u64::MAX);
                let wait = Duration::from_nanos(self.random.below(wait.saturating_add(1)));
                self.push(self.now + wait, Event::Journaled(call));
            }
            Output::Journal { call, entry: Entry::Dialog(dialog) } => {
                if let Some(known) = self.open_dialogs.get_mut(&call) {
                    *known = dialog;
                }
            }
            Output::Journal { call, entry: Entry::Centre(dialog) } => {
                if self.open_calls.contains_key(&call) {
                    self.open_centres.insert(call, dialog);
                }
            }
            Output::Journal { call, entry: Entry::SoFar(line) } => {
                if let Some(known) = self.open_calls.get_mut(&call) {
                    *known = line;
                }
            }
            Output::Journal { call, entry: Entry::End(line) } => {
                self.note(line.as_bytes(), || format!("engine    end   {line}"));
                self.oracle.journal_end(self.now, call, &line);
                self.open_calls.remove(&call);
                self.open_dialogs.remove(&call);
                self.open_centres.remove(&call);
                self.records.push(line);
            }
            Output::Live { call, news } => {
                self.oracle.news(self.now, call, &news);
                match &news {
                    News::Entered { row } => self.moment(|| Moment::Enters(row.to_string())),
                    News::Key { key } => self.moment(|| Moment::Key(key.map_or(UNSAID, |key| key.as_char()))),
                    News::Began { .. } | News::Ended { .. } => {}
                }
                self.note(b"live", || format!("engine    live  {call} {news:?}"));
            }
        }
    }

    /// `kill -9`, and a new process a moment later. What was written stays; open calls are closed as the shell
    /// closes them when it starts.
    pub(super) fn crash(&mut self) {
        self.note(b"crash", || "kill -9".to_owned());
        self.oracle.crashed();
        for (call, start) in std::mem::take(&mut self.open_calls) {
            self.oracle.journal_end(self.now, call, &start);
            self.records.push(start);
        }
        self.queue.retain(|event| {
            !matches!(
                event,
                Event::Opened(_)
                    | Event::Recorded(..)
                    | Event::Closed(..)
                    | Event::Line(_)
                    | Event::Journaled(_)
                    | Event::SendFailed(_)
                    | Event::OpeningFailed(_)
                    | Event::LookedUp(..)
            )
        });
        for (_, (_, port)) in std::mem::take(&mut self.lines) {
            self.free_ports.extend(port);
        }
        self.ports.clear();
        self.engine =
            Self::engine(&self.setup, &self.conditions, self.published, Random::from_number(self.random.u64()));
        self.feed(Input::Switched(Arc::new(self.switched.clone())));
        self.lose_connections();
        let callers = std::mem::take(&mut self.open_dialogs).into_values();
        let dialogs = callers.chain(std::mem::take(&mut self.open_centres).into_values()).collect();
        self.feed(Input::Orphaned { dialogs });
    }
}
