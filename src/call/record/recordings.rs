//! What a record tells of messages and of recordings of the call: nothing is said to be kept before whoever writes it has said so.

use super::Record;
use crate::call::Recorded;
use crate::limits::{MESSAGE_SPOKEN_MIN, PATH_ROWS_MAX};
use crate::media::RecordingKey;
use crate::time::{Duration, Now};
use serde::Serialize;
use std::sync::Arc;

/// A message that a caller began to leave.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct MessageRecord {
    #[serde(skip)]
    key: RecordingKey,
    /// `message.closed`.
    pub message: Arc<str>,
    /// Its sound, below the folder of recordings, without `.wav`.
    pub file: Arc<str>,
    /// Milliseconds after the call began.
    pub at_ms: u64,
    /// How long it is.
    pub length_ms: Option<u64>,
    /// How much of it is speech.
    pub spoken_ms: Option<u64>,
    /// What became of it.
    pub result: RecordingResult,
    /// Why it could not be kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<&'static str>,
}

/// What became of a recording of the call, or of a message.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum RecordingResult {
    /// Nobody has told its end.
    Unknown,
    /// It is whole.
    Kept,
    /// It could not be kept, or not to its end; what was written before can be played.
    Failed,
    /// The caller does not want to be recorded: it is gone.
    Refused,
}

/// A recording of the call, or of a step of it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct RecordingRecord {
    #[serde(skip)]
    key: RecordingKey,
    /// The row that wants it: `number.1357`, `menu.x`.
    pub row: Arc<str>,
    /// Its sound, below the folder of recordings, without `.wav`.
    pub file: Arc<str>,
    /// Milliseconds after the call began.
    pub at_ms: u64,
    /// How long it is.
    pub length_ms: Option<u64>,
    /// How much of it is silence in place of sensitive entries.
    pub paused_ms: u64,
    /// What became of it.
    pub result: RecordingResult,
    /// Why it could not be kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<&'static str>,
}

impl Record {
    /// A caller begins to leave a message.
    pub fn message_began(&mut self, now: Now, key: RecordingKey, message: &Arc<str>, file: &Arc<str>) {
        if self.messages.len() < PATH_ROWS_MAX {
            let (at_ms, result) = (self.millis(now), RecordingResult::Unknown);
            let (message, file) = (message.clone(), file.clone());
            self.messages.push(MessageRecord {
                key,
                message,
                file,
                at_ms,
                length_ms: None,
                spoken_ms: None,
                result,
                why: None,
            });
            self.awaited.push(key);
        }
    }

    /// The message is not wanted: it is begun again, or was none.
    pub fn message_dropped(&mut self, key: RecordingKey) {
        self.messages.retain(|message| message.key != key);
        self.awaits_no_longer(key);
    }

    /// A recording of the call begins; `false` when there are too many of them.
    pub fn recording_began(&mut self, now: Now, key: RecordingKey, row: &Arc<str>, file: &Arc<str>) -> bool {
        if self.recordings.len() >= PATH_ROWS_MAX {
            return false;
        }
        let (at_ms, result) = (self.millis(now), RecordingResult::Unknown);
        let (row, file) = (row.clone(), file.clone());
        self.recordings.push(RecordingRecord {
            key,
            row,
            file,
            at_ms,
            length_ms: None,
            paused_ms: 0,
            result,
            why: None,
        });
        self.awaited.push(key);
        true
    }

    /// What became of a recording or a message. The file of a message in which nothing was said: nobody wants it, and it is on record no more.
    pub fn recorded(&mut self, recorded: Recorded) -> Option<Arc<str>> {
        self.awaits_no_longer(recorded.key);
        let millis = |time: Duration| Some(time.as_millis() as u64);
        let (result, why) = match recorded.loss {
            None => (RecordingResult::Kept, None),
            Some(loss) => (RecordingResult::Failed, Some(loss.word())),
        };
        let open = |result: RecordingResult| result == RecordingResult::Unknown;
        let mut recordings = self.recordings.iter_mut();
        if let Some(entry) = recordings.find(|entry| entry.key == recorded.key && open(entry.result)) {
            (entry.length_ms, entry.paused_ms) = (millis(recorded.length), recorded.hushed.as_millis() as u64);
            (entry.result, entry.why) = (result, why);
            return None;
        }
        let entry = self.messages.iter_mut().find(|entry| entry.key == recorded.key && open(entry.result))?;
        (entry.length_ms, entry.spoken_ms) = (millis(recorded.length), millis(recorded.spoken));
        (entry.result, entry.why) = (result, why);
        let unsaid = recorded.loss.is_none() && recorded.spoken < MESSAGE_SPOKEN_MIN;
        unsaid.then(|| entry.file.clone()).inspect(|_| self.message_dropped(recorded.key))
    }

    /// The end of this recording has been waited for long enough.
    pub fn awaits_no_longer(&mut self, key: RecordingKey) {
        self.awaited.retain(|awaited| *awaited != key);
    }

    /// Whether the end of a recording is still to be told.
    pub fn awaits_recordings(&self) -> bool {
        !self.awaited.is_empty()
    }

    /// The caller does not want to be recorded: what there is, and is to be removed.
    pub fn recording_refused(&mut self) -> Vec<(RecordingKey, Arc<str>)> {
        let kept = self.recordings.iter_mut().filter(|entry| entry.result != RecordingResult::Refused);
        let refused = kept.map(|entry| {
            (entry.result, entry.why) = (RecordingResult::Refused, None);
            (entry.key, entry.file.clone())
        });
        let refused: Vec<_> = refused.collect();
        self.awaited.retain(|awaited| !refused.iter().any(|(key, _)| key == awaited));
        refused
    }

    /// The messages so far, kept or not.
    pub fn messages(&self) -> &[MessageRecord] {
        &self.messages
    }

    /// The last message that was left.
    pub fn message_left(&self) -> Option<&MessageRecord> {
        self.messages.iter().rfind(|message| message.result == RecordingResult::Kept)
    }
}
