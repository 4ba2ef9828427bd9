//! The call detail record: one JSON object a call, schema 1, as it grows.
//!
//! The caller appears masked, with a keyed hash for matching; menu keys appear verbatim, collected input never.

mod recordings;

pub use recordings::{MessageRecord, RecordingRecord, RecordingResult};

use crate::call::CallKey;
use crate::limits::PATH_ROWS_MAX;
use crate::media::RecordingKey;
use crate::media::quality::{Mos, Report};
use crate::number::{Caller, Digits};
use crate::routing::plan::Input;
use crate::sip::status::StatusCode;
use crate::time::{Duration, Now, Wall};
use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Serialize;
use sha2::Sha256;
use std::fmt::Write;
use std::sync::Arc;

/// How a call ended, seen from the caller.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// A centre answered.
    Transferred,
    /// The caller hung up.
    Abandoned,
    /// The caller cancelled before the answer.
    Cancelled,
    /// We refused: unknown number, no common codec, no capacity.
    Refused,
    /// We ended it after an announcement.
    Announced,
    /// The caller left a message, and nobody was reached.
    Message,
    /// It broke: no ACK, peer gone, a stop or an error of ours.
    Failed,
}

impl Serialize for Outcome {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.word())
    }
}

impl Outcome {
    /// Its word in records, and in the log.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Transferred => "transferred",
            Self::Abandoned => "abandoned",
            Self::Cancelled => "cancelled",
            Self::Refused => "refused",
            Self::Announced => "announced",
            Self::Message => "message",
            Self::Failed => "failed",
        }
    }
}

/// What became of one REFER.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum AttemptResult {
    /// Not known yet.
    Pending,
    /// The centre answered (or the peer accepted, where that is all we hear).
    Reached,
    /// The caller's phone refused the REFER itself.
    Refused,
    /// The centre refused, was busy, or could not be reached.
    Failed,
    /// No word in time.
    Timeout,
    /// The caller went while it was pending.
    Left,
}

/// One rung tried.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct AttemptRecord {
    /// `center.kosmes`.
    pub center: Arc<str>,
    /// The address of the REFER.
    pub target: String,
    /// Milliseconds after the call began.
    pub at_ms: u64,
    /// How long until it was decided.
    pub took_ms: Option<u64>,
    /// How it went.
    pub result: AttemptResult,
    /// The status that decided it.
    pub status: Option<u16>,
    /// How many of the centre's post-dial digits have left; absent where none were due.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub post_dial: Option<usize>,
}

/// A key that chose something in a menu.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct KeyRecord {
    /// `menu.main`.
    pub menu: Arc<str>,
    /// The keys pressed.
    pub keys: String,
    /// Milliseconds after the call began.
    pub at_ms: u64,
}

/// Something a caller entered: what it was to be and how long it was, never what it was.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct EntryRecord {
    /// `input.business`.
    pub input: Arc<str>,
    /// `business-number`.
    pub kind: &'static str,
    /// How many digits.
    pub length: usize,
    /// Whether it was taken.
    pub valid: bool,
    /// Milliseconds after the call began.
    pub at_ms: u64,
}

/// The record of one call.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Record {
    schema: u8,
    /// Our key, 16 hex digits.
    call: String,
    /// The SIP Call-ID.
    call_id: String,
    /// Wall time with offset, milliseconds.
    began: String,
    answered: Option<String>,
    ended: Option<String>,
    /// Masked.
    caller: String,
    /// The first 16 hex digits of HMAC-SHA256 over the whole number; `None` when withheld.
    caller_hash: Option<String>,
    /// The caller is what the network asserts, not what the phone says.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    asserted: bool,
    dialled: String,
    /// The trunk it came by.
    #[serde(skip_serializing_if = "Option::is_none")]
    trunk: Option<String>,
    /// Who sent the call on to us.
    #[serde(skip_serializing_if = "Option::is_none")]
    diverted: Option<Diverted>,
    /// The version of `routing.toml` the call followed.
    table: String,
    /// The number it was published under.
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<u64>,
    /// The language spoken last; absent for Korean.
    #[serde(skip_serializing_if = "Option::is_none")]
    language: Option<Arc<str>>,
    /// `slow` where the caller asked for slow reading, as it stood last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pace: Option<&'static str>,
    path: Vec<Arc<str>>,
    /// More rows than the record holds were passed.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    path_cut: bool,
    keys: Vec<KeyRecord>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    entries: Vec<EntryRecord>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    messages: Vec<MessageRecord>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    recordings: Vec<RecordingRecord>,
    attempts: Vec<AttemptRecord>,
    outcome: Option<Outcome>,
    cause: Option<&'static str>,
    /// The refusal, for refused calls.
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    /// Why the caller's side ended it, as its BYE or CANCEL said: `Q.850;cause=16`.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// How it sounded; absent where no sound was agreed on.
    #[serde(skip_serializing_if = "Option::is_none")]
    media: Option<MediaRecord>,
    /// How the leg to a centre sounded that we called ourselves.
    #[serde(skip_serializing_if = "Option::is_none")]
    center_media: Option<MediaRecord>,
    /// Recordings whose end is still to be told.
    #[serde(skip)]
    awaited: Vec<RecordingKey>,
    #[serde(skip)]
    zone: TimeZone,
    #[serde(skip)]
    start: Now,
}

/// The sound of the call's last line: counted by us, and by the caller's telephone where it reports (RTCP).
#[derive(Clone, PartialEq, Debug, Serialize)]
struct MediaRecord {
    codec: &'static str,
    sent: u32,
    /// Packets that were due and not sent, because the media thread was late.
    #[serde(skip_serializing_if = "is_zero")]
    unsent: u32,
    /// These three are absent where the sound of callers is not counted.
    #[serde(skip_serializing_if = "Option::is_none")]
    received: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    lost: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    jitter_ms: Option<f64>,
    /// How it was encrypted.
    #[serde(skip_serializing_if = "Option::is_none")]
    srtp: Option<&'static str>,
    /// Packets that were not encrypted with the agreed keys.
    #[serde(skip_serializing_if = "is_zero")]
    srtp_forged: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    peer_lost: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    peer_jitter_ms: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    round_trip_ms: Option<f64>,
    /// How the caller sounded to us.
    #[serde(skip_serializing_if = "Option::is_none")]
    mos_in: Option<f64>,
    /// How we sounded to the caller.
    #[serde(skip_serializing_if = "Option::is_none")]
    mos_out: Option<f64>,
}

/// A call that was sent on to us from another number.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
struct Diverted {
    /// Masked.
    by: String,
    /// Whom the caller dialled, masked.
    original: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<Box<str>>,
}

/// Who called whom: what a record begins with.
#[derive(Clone, Debug)]
pub struct Origin<'a> {
    /// Our key.
    pub call: CallKey,
    /// The SIP Call-ID.
    pub call_id: &'a str,
    /// Who calls.
    pub caller: &'a Caller,
    /// What was dialled.
    pub dialled: &'a str,
    /// The table's version.
    pub table: &'a str,
    /// The table's zone.
    pub zone: &'a TimeZone,
    /// The key of the hash.
    pub hash_key: &'a [u8; 32],
}

impl MediaRecord {
    fn of(report: Report) -> Self {
        let tenths = |duration: Duration| (duration.as_secs_f64() * 10_000.0).round() / 10.0;
        let score = |Mos(hundredths): Mos| f64::from(hundredths) / 100.0;
        Self {
            codec: report.codec.name(),
            sent: report.sent,
            unsent: report.unsent,
            received: report.heard.map(|heard| heard.packets),
            lost: report.heard.map(|heard| heard.lost),
            jitter_ms: report.heard.map(|heard| tenths(heard.jitter)),
            srtp: report.suite.map(|suite| suite.name()),
            srtp_forged: report.forged,
            peer_lost: report.peer.map(|peer| peer.lost),
            peer_jitter_ms: report.peer.map(|peer| tenths(peer.jitter)),
            round_trip_ms: report.round_trip.map(tenths),
            mos_in: report.mos_in().map(score),
            mos_out: report.mos_out().map(score),
        }
    }
}

impl Record {
    /// A call that just arrived.
    pub fn new(now: Now, origin: &Origin<'_>) -> Self {
        Self {
            schema: 1,
            call: origin.call.to_string(),
            call_id: origin.call_id.chars().take(128).collect(),
            began: stamp(origin.zone, now.wall),
            answered: None,
            ended: None,
            caller: origin.caller.to_string(),
            caller_hash: keyed_hash(origin.hash_key, origin.caller),
            // What was dialled is a number of ours or a mistake; a mistake may be somebody's number.
            dialled: origin.dialled.chars().take(32).collect(),
            asserted: false,
            trunk: None,
            diverted: None,
            reason: None,
            media: None,
            center_media: None,
            table: origin.table.to_owned(),
            version: None,
            language: None,
            pace: None,
            path: Vec::new(),
            path_cut: false,
            keys: Vec::new(),
            entries: Vec::new(),
            messages: Vec::new(),
            recordings: Vec::new(),
            attempts: Vec::new(),
            outcome: None,
            cause: None,
            status: None,
            awaited: Vec::new(),
            zone: origin.zone.clone(),
            start: now,
        }
    }

    /// By which trunk the call came, and whether its network asserts who calls.
    pub fn came_by(&mut self, trunk: Option<&str>, asserted: bool) {
        self.trunk = trunk.map(str::to_owned);
        self.asserted = asserted;
    }

    /// Under which number the call's table was published.
    pub fn published_as(&mut self, number: Option<u64>) {
        self.version = number;
    }

    /// The call was made to another number and sent on to ours.
    pub fn diverted(&mut self, by: &Caller, original: &Caller, reason: Option<&str>) {
        let reason = reason.map(Box::from);
        self.diverted = Some(Diverted { by: by.to_string(), original: original.to_string(), reason });
    }

    /// The caller's side says why it ends the call.
    pub fn ended_because(&mut self, reason: String) {
        if self.outcome.is_none() {
            self.reason = Some(reason);
        }
    }

    /// How much there is to tell of the call: it differs when the call is answered, with each row, key, entry, message, recording and attempt,
    /// and when it is known what became of one.
    pub fn told(&self) -> [usize; 9] {
        let Self { answered, path, keys, entries, messages, recordings, attempts, .. } = self;
        let (answered, unknown) = (usize::from(answered.is_some()), RecordingResult::Unknown);
        let open = recordings.iter().filter(|one| one.result == unknown).count()
            + messages.iter().filter(|one| one.result == unknown).count();
        let pending = attempts.iter().filter(|one| one.result == AttemptResult::Pending).count();
        let (all, tried) = (messages.len(), attempts.len());
        [answered, path.len(), keys.len(), entries.len(), all, recordings.len(), tried, open, pending]
    }

    /// Our 200 left.
    pub fn answered(&mut self, now: Now) {
        self.answered = Some(stamp(&self.zone, now.wall));
    }

    /// The caller is read to slowly from here on, or at the usual pace.
    pub fn reads(&mut self, slowly: bool) {
        self.pace = slowly.then_some("slow");
    }

    /// The call goes on in this language; `None` is Korean.
    pub fn speaks(&mut self, language: Option<&Arc<str>>) {
        self.language = language.cloned();
    }

    /// A row of the table was entered.
    pub fn entered(&mut self, row: &Arc<str>) {
        if self.path.len() < PATH_ROWS_MAX {
            self.path.push(row.clone());
        } else {
            self.path_cut = true;
        }
    }

    /// Keys chose something, or nothing that was offered.
    pub fn pressed(&mut self, now: Now, menu: &Arc<str>, keys: &Digits) {
        if self.keys.len() < PATH_ROWS_MAX {
            let at_ms = self.millis(now);
            self.keys.push(KeyRecord { menu: menu.clone(), keys: keys.as_str().to_owned(), at_ms });
        }
    }

    /// An entry was made.
    pub fn entered_digits(&mut self, now: Now, input: &Input, length: usize, valid: bool) {
        if self.entries.len() < PATH_ROWS_MAX {
            let (at_ms, kind) = (self.millis(now), input.accepts.kind.word());
            self.entries.push(EntryRecord { input: input.row.clone(), kind, length, valid, at_ms });
        }
    }

    /// A REFER leaves.
    pub fn attempted(&mut self, now: Now, center: &Arc<str>, target: String) {
        let at_ms = self.millis(now);
        self.attempts.push(AttemptRecord {
            center: center.clone(),
            target,
            at_ms,
            took_ms: None,
            result: AttemptResult::Pending,
            status: None,
            post_dial: None,
        });
    }

    /// So many more keys were pressed for a centre that has answered.
    pub fn post_dialled(&mut self, attempt: usize, count: u8) {
        if let Some(entry) = self.attempts.get_mut(attempt) {
            entry.post_dial = Some(entry.post_dial.unwrap_or(0) + usize::from(count));
        }
    }

    /// What became of a REFER. A rung given up may still be reached; nothing else changes a decided one.
    pub fn decided(&mut self, now: Now, attempt: usize, result: AttemptResult, status: Option<StatusCode>) {
        let millis = self.millis(now);
        if let Some(entry) = self.attempts.get_mut(attempt)
            && (entry.result == AttemptResult::Pending || result == AttemptResult::Reached)
        {
            entry.result = result;
            entry.status = status.map(StatusCode::code);
            entry.took_ms = Some(millis.saturating_sub(entry.at_ms));
        }
    }

    /// How its sound was, if anything was agreed.
    pub fn sounded(&mut self, report: Option<Report>) {
        self.media = report.map(MediaRecord::of);
    }

    /// How the sound of a centre was that we called ourselves.
    pub fn far_sounded(&mut self, report: Option<Report>) {
        self.center_media = report.map(MediaRecord::of);
    }

    /// The call is over.
    pub fn ended(&mut self, now: Now, outcome: Outcome, cause: &'static str, status: Option<StatusCode>) {
        if self.outcome.is_some() {
            return;
        }
        for at in 0..self.attempts.len() {
            self.decided(now, at, AttemptResult::Left, None);
        }
        self.ended = Some(stamp(&self.zone, now.wall));
        self.outcome = Some(outcome);
        self.cause = Some(cause);
        self.status = status.map(StatusCode::code);
    }

    /// How it ended, once it has.
    pub fn outcome(&self) -> Option<Outcome> {
        self.outcome
    }

    /// Why it ended, once it has.
    pub fn cause(&self) -> Option<&'static str> {
        self.cause
    }

    /// The rungs tried so far.
    pub fn attempts(&self) -> &[AttemptRecord] {
        &self.attempts
    }

    /// The rows passed.
    pub fn path(&self) -> &[Arc<str>] {
        &self.path
    }

    /// The caller, masked.
    pub fn caller(&self) -> &str {
        &self.caller
    }

    /// One line of JSON, without its newline.
    pub fn line(&self) -> String {
        serde_json::to_string(self).expect("a record holds only strings, numbers and lists")
    }

    fn millis(&self, now: Now) -> u64 {
        now.instant.since(self.start.instant).as_millis() as u64
    }
}

fn is_zero(count: &u32) -> bool {
    *count == 0
}

fn stamp(zone: &TimeZone, wall: Wall) -> String {
    let timestamp = Timestamp::from_microsecond(wall.as_micros()).unwrap_or(Timestamp::UNIX_EPOCH);
    let offset = zone.to_offset(timestamp);
    let civil = offset.to_datetime(timestamp);
    let minutes = offset.seconds() / 60;
    format!(
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}{}{:02}:{:02}",
        civil.year(),
        civil.month(),
        civil.day(),
        civil.hour(),
        civil.minute(),
        civil.second(),
        civil.millisecond(),
        if minutes < 0 { '-' } else { '+' },
        minutes.abs() / 60,
        minutes.abs() % 60,
    )
}

fn keyed_hash(key: &[u8; 32], caller: &Caller) -> Option<String> {
    if caller.is_withheld() {
        return None;
    }
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.update(caller.secret().as_bytes());
    let digest = mac.finalize().into_bytes();
    Some(digest.iter().take(8).fold(String::with_capacity(16), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    }))
}
