//! The last words of a call: its record waits for how its stream sounded and for what became of its recordings, yet not for long.
//!
//! Whether they are told or not, each record is written once: it is handed back by whichever comes first, the last of them or the end of the patience.

use super::{Engine, Output, finish};
use crate::call::{CallKey, Event, Record, Recorded};
use crate::limits::{RECORDED_PATIENCE, STREAM_REPORT_PATIENCE};
use crate::media::{Ended, RecordingEnd, Report, StreamKey};
use crate::time::{Instant, Now};
use std::collections::{BTreeSet, HashMap};

#[derive(Default)]
pub(super) struct Partings {
    /// Streams that were closed and have not said their last word.
    streams: HashMap<StreamKey, Closed>,
    /// Records of calls that are over.
    records: HashMap<CallKey, Waiting>,
    /// When waiting ends, the first one first.
    until: BTreeSet<(Instant, Waits)>,
}

struct Closed {
    call: CallKey,
    /// It was the stream of a centre's leg, and is waited for until then.
    far: Option<Instant>,
}

struct Waiting {
    record: Box<Record>,
    /// The caller's stream.
    stream: StreamKey,
    until: Instant,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Waits {
    Record(CallKey),
    Centre(StreamKey),
}

impl Partings {
    /// This call's stream is being closed.
    pub(super) fn begin(&mut self, stream: StreamKey, call: CallKey) {
        self.streams.insert(stream, Closed { call, far: None });
    }

    /// It is that of a centre's leg: no record waits for it, and neither do we for ever.
    pub(super) fn of_far(&mut self, now: Now, stream: StreamKey) {
        if let Some(closed) = self.streams.get_mut(&stream) {
            let until = now.instant + STREAM_REPORT_PATIENCE;
            closed.far = Some(until);
            self.until.insert((until, Waits::Centre(stream)));
        }
    }

    /// The call is over. The record, if there is nothing to wait for.
    pub(super) fn wait(&mut self, now: Now, stream: StreamKey, call: CallKey, record: Record) -> Option<Record> {
        let patience = match record.awaits_recordings() {
            true => RECORDED_PATIENCE,
            false if self.closes(stream, call) => STREAM_REPORT_PATIENCE,
            false => return Some(record),
        };
        let until = now.instant + patience;
        self.until.insert((until, Waits::Record(call)));
        self.records.insert(call, Waiting { record: Box::new(record), stream, until });
        None
    }

    fn closes(&self, stream: StreamKey, call: CallKey) -> bool {
        self.streams.get(&stream).is_some_and(|closed| closed.call == call)
    }

    /// The stream has said its last word.
    fn closed(&mut self, stream: StreamKey) -> Option<Closed> {
        let closed = self.streams.remove(&stream)?;
        if let Some(until) = closed.far {
            self.until.remove(&(until, Waits::Centre(stream)));
        }
        Some(closed)
    }

    /// The record of this call, if all that it waits for has been told.
    fn told(&mut self, call: CallKey) -> Option<Box<Record>> {
        let Waiting { record, stream, .. } = self.records.get(&call)?;
        let waits = record.awaits_recordings() || self.closes(*stream, call);
        if waits { None } else { self.end(call) }
    }

    /// The record of this call as it stands.
    fn end(&mut self, call: CallKey) -> Option<Box<Record>> {
        let Waiting { record, stream, until } = self.records.remove(&call)?;
        self.until.remove(&(until, Waits::Record(call)));
        self.streams.remove(&stream);
        Some(record)
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        self.until.first().map(|&(until, _)| until)
    }

    /// Records that wait.
    pub(super) fn len(&self) -> usize {
        self.records.len()
    }

    pub(super) fn held(&self) -> usize {
        self.streams.len() + self.records.len() + self.until.len()
    }
}

impl Engine {
    pub(super) fn stream_closed(&mut self, stream: StreamKey, report: Option<Report>, out: &mut Vec<Output>) {
        let Some(Closed { call, far }) = self.partings.closed(stream) else { return };
        let waiting = self.partings.records.get_mut(&call);
        match (self.calls.get_mut(&call), waiting, far) {
            // A centre's is told before the caller's, which lives on the same worker.
            (Some(entry), _, Some(_)) => entry.session.far_sounded(report),
            (Some(entry), _, None) => entry.session.sounded(report),
            (None, Some(waiting), Some(_)) => waiting.record.far_sounded(report),
            (None, Some(waiting), None) => waiting.record.sounded(report),
            (None, None, _) => {}
        }
        self.parting_told(call, out);
    }

    /// What became of a recording, whether its call goes on, or is over and its record waits.
    pub(super) fn recorded(&mut self, now: Now, ended: Ended, out: &mut Vec<Output>) {
        let Ended { key, length, spoken, hushed, end } = ended;
        let loss = match end {
            RecordingEnd::Failed(loss) => Some(loss),
            RecordingEnd::Told | RecordingEnd::Silence | RecordingEnd::Longest => None,
        };
        let recorded = Recorded { key, length, spoken, hushed, loss };
        let call = CallKey(key.call);
        if self.calls.contains_key(&call) {
            return self.session(now, call, Event::Recorded(recorded), out);
        }
        let Some(waiting) = self.partings.records.get_mut(&call) else { return };
        let unsaid = waiting.record.recorded(recorded);
        out.extend(unsaid.map(|file| Output::Discard { file }));
        self.parting_told(call, out);
    }

    fn parting_told(&mut self, call: CallKey, out: &mut Vec<Output>) {
        let told = self.partings.told(call);
        written(call, told, out);
    }

    /// What has not been told by now never will.
    pub(super) fn partings_overdue(&mut self, now: Instant, out: &mut Vec<Output>) {
        while let Some(&(until, waits)) = self.partings.until.first()
            && until <= now
        {
            match waits {
                Waits::Record(call) => written(call, self.partings.end(call), out),
                Waits::Centre(stream) => drop(self.partings.closed(stream)),
            }
        }
    }
}

/// A record for which nothing more is waited, if there is one.
fn written(call: CallKey, record: Option<Box<Record>>, out: &mut Vec<Output>) {
    if let Some(record) = record {
        finish(call, &record, out);
    }
}
