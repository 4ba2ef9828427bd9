//! The last word of a stream: the record of a call that is over waits for how it sounded, yet not for long.
//!
//! Whether the stream answers or not, each record is written once: it is handed back by whichever comes first.

use super::{Engine, Output, finish};
use crate::call::{CallKey, Record, Recorded};
use crate::limits::STREAM_REPORT_PATIENCE;
use crate::media::{Report, StreamKey};
use crate::time::{Instant, Now};
use std::collections::{HashMap, VecDeque};

/// Streams that were closed and have not said their last word.
#[derive(Default)]
pub(super) struct Partings {
    waiting: HashMap<StreamKey, Parting>,
    /// When waiting ends, the first one first: hints, `waiting` is the truth.
    until: VecDeque<(Instant, StreamKey)>,
}

struct Parting {
    call: CallKey,
    /// Whole; `None` while the call goes on without its stream.
    record: Option<Box<Record>>,
    /// It was the stream of a centre's leg.
    far: bool,
}

impl Partings {
    /// This call's stream is being closed.
    pub(super) fn begin(&mut self, stream: StreamKey, call: CallKey) {
        self.waiting.insert(stream, Parting { call, record: None, far: false });
    }

    /// It is that of a centre's leg: no record waits for it, and neither do we for ever.
    pub(super) fn of_far(&mut self, now: Now, stream: StreamKey) {
        if let Some(parting) = self.waiting.get_mut(&stream) {
            parting.far = true;
            self.until.push_back((now.instant + STREAM_REPORT_PATIENCE, stream));
        }
    }

    /// The record of a call that is over and waits for the caller's stream.
    fn record_of(&mut self, call: CallKey) -> Option<&mut Record> {
        let mut waiting = self.waiting.values_mut().filter(|parting| parting.call == call);
        waiting.find_map(|parting| parting.record.as_deref_mut())
    }

    /// The call is over. The record, if there is nothing to wait for.
    pub(super) fn wait(&mut self, now: Now, stream: StreamKey, call: CallKey, record: Record) -> Option<Record> {
        let Some(parting) = self.waiting.get_mut(&stream).filter(|parting| parting.call == call) else {
            return Some(record);
        };
        parting.record = Some(Box::new(record));
        self.until.push_back((now.instant + STREAM_REPORT_PATIENCE, stream));
        None
    }

    /// Whose stream it was.
    pub(super) fn call(&self, stream: StreamKey) -> Option<CallKey> {
        self.waiting.get(&stream).map(|parting| parting.call)
    }

    /// A recording ended with its stream.
    pub(super) fn recorded(&mut self, stream: StreamKey, recorded: Recorded) {
        if let Some(record) = self.waiting.get_mut(&stream).and_then(|parting| parting.record.as_mut()) {
            record.recorded(recorded);
        }
    }

    fn end(&mut self, stream: StreamKey) -> Option<Parting> {
        let parting = self.waiting.remove(&stream);
        while self.until.front().is_some_and(|(_, stream)| !self.waiting.contains_key(stream)) {
            self.until.pop_front();
        }
        parting
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        self.until.front().map(|&(until, _)| until)
    }

    /// Records that wait.
    pub(super) fn len(&self) -> usize {
        self.waiting.values().filter(|parting| parting.record.is_some()).count()
    }

    pub(super) fn held(&self) -> usize {
        self.waiting.len() + self.until.len()
    }
}

impl Engine {
    pub(super) fn stream_closed(&mut self, stream: StreamKey, report: Option<Report>, out: &mut Vec<Output>) {
        let Some(Parting { call, record, far }) = self.partings.end(stream) else { return };
        if far {
            // Told before the caller's stream, which lives on the same worker.
            return match (self.calls.get_mut(&call), self.partings.record_of(call)) {
                (Some(entry), _) => entry.session.far_sounded(report),
                (None, Some(record)) => record.far_sounded(report),
                (None, None) => {}
            };
        }
        match (record, self.calls.get_mut(&call)) {
            (Some(mut record), _) => {
                record.sounded(report);
                finish(call, &record, out);
            }
            (None, Some(entry)) => entry.session.sounded(report),
            (None, None) => {}
        }
    }

    /// A stream that has not answered by now never will.
    pub(super) fn partings_overdue(&mut self, now: Now, out: &mut Vec<Output>) {
        while let Some(&(until, stream)) = self.partings.until.front()
            && until <= now.instant
        {
            if let Some(Parting { call, record: Some(record), .. }) = self.partings.end(stream) {
                finish(call, &record, out);
            }
        }
    }
}
