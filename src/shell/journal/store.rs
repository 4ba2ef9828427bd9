//! Two files that together hold exactly one line for each call, whatever moment the process dies at.
//!
//! `calls.jsonl` holds the records, one line a call, added when the call ends. `calls.jsonl.open` is the journal: a header
//! and the start lines of calls, each on disk before its 200 leaves. A start without a record is a call that the process
//! took with it; opening the files again closes it once, as `interrupted`.
//!
//! The records alone say which calls have ended. A second mark in the journal could be on disk when the record is
//! not (a power cut keeps what it likes), and would then lose the call. The journal's header says how long the
//! records were when it was begun, so that only their tail is read.
//!
//! A start is followed by the record as it grows, a whole line each time, which takes its place. Those lines wait for no disk.
//!
//! Behind each start stands its dialog, in a line of its own: what the BYE of a call needs that the process took with it. A call
//! that is bridged has one more, that of its centre.
//! These lines name callers in clear. So nobody else may read the journal, they never become records, and they go
//! with their call: when the journal is next rewritten, within a minute ([`Store::tidy`]). A process that dies once more
//! before the goodbyes were said hands them on to the next.
//!
//! Every step can be cut short and done again: records are synced before the journal that knew their calls is
//! replaced, and the journal is replaced by renaming a whole new one over it.

use super::append::Appender;
use crate::engine::CallKey;
use crate::limits::{DIALOGS_MAX, JOURNAL_BYTES_MAX, RECORDS_KEPT_MAX};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::collections::{BTreeMap, VecDeque};
use std::ffi::OsString;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// What opening the files found and mended.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Recovered {
    /// Calls that the last process did not end.
    pub interrupted: usize,
    /// Bytes cut from a torn last line of the records.
    pub records_torn: u64,
    /// Bytes of a torn last line of the journal: a start that never was on disk, of a call never answered.
    pub journal_torn: u64,
    /// Whole lines that cannot be read; left as they are.
    pub unreadable: usize,
}

/// Why the files cannot be used.
#[derive(Debug)]
pub enum OpenError {
    /// Another engine writes them.
    InUse,
    /// A step failed on a file.
    Failed {
        /// What was tried.
        step: &'static str,
        /// On which file.
        path: PathBuf,
        /// Why not.
        error: io::Error,
    },
}

/// Both files, open and locked.
#[derive(Debug)]
pub struct Store {
    path: PathBuf,
    /// Holds the lock: the journal is replaced now and then, the records never are.
    records: Appender,
    journal: Appender,
    /// The journal is replaced when it is longer than this.
    journal_max: u64,
    /// Calls whose record is not written yet.
    open: BTreeMap<CallKey, Opened>,
    /// Dialogs that the last process left open, as lines of the journal.
    orphans: Vec<String>,
    /// The journal holds more than the open calls.
    untidy: bool,
    /// Records that the disk refused, the oldest first.
    refused: VecDeque<(CallKey, String)>,
    /// Some line in `open` may be missing in the journal: write it anew when the disk works again.
    stale: bool,
    buffer: Vec<u8>,
}

/// Whose dialog it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Party {
    /// The caller's.
    Caller,
    /// The centre's that the caller talks with.
    Centre,
}

/// A call without a record.
#[derive(Debug)]
struct Opened {
    /// Its start line, or what has become of its record since.
    start: String,
    /// The line of its dialog.
    dialog: Option<String>,
    /// And that of the centre's.
    centre: Option<String>,
}

impl Opened {
    fn lines(&self) -> impl Iterator<Item = &str> {
        // A death between the two leaves a start that is closed, and no goodbye to somebody who was never answered.
        [Some(self.start.as_str()), self.dialog.as_deref(), self.centre.as_deref()].into_iter().flatten()
    }
}

/// What `write` could not do.
#[derive(Debug)]
pub struct WriteError {
    /// The disk's reason.
    pub error: io::Error,
    /// Records given up since there were too many to keep.
    pub lost: usize,
}

impl Store {
    /// Opens, locks and mends both files. `path` is the file of records; the journal lies beside it.
    pub fn open(path: &Path) -> Result<(Self, Recovered), OpenError> {
        let mut recovered = Recovered::default();
        let failed = |step, path: &Path| {
            let path = path.to_owned();
            move |error| OpenError::Failed { step, path, error }
        };
        let mut file = OpenOptions::new()
            .read(true)
            .append(true)
            .create(true)
            .open(path)
            .map_err(failed("open the file of records", path))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(OpenError::InUse),
            Err(TryLockError::Error(error)) => return Err(failed("lock the file of records", path)(error)),
        }
        let (length, torn) = mend_last_line(&mut file).map_err(failed("mend the last line of", path))?;
        recovered.records_torn = torn;
        let mut records = Appender::new(file, length);

        let journal_path = journal_path(path);
        let mut left =
            read_journal(&journal_path, &mut recovered).map_err(failed("read the journal", &journal_path))?;
        if !left.starts.is_empty() {
            let ended = ended_calls(path, left.records, &mut recovered).map_err(failed("read the records", path))?;
            let mut lines = Vec::new();
            for (call, start) in left.starts.iter().filter(|(call, _)| !ended.contains_key(*call)) {
                lines.extend_from_slice(interrupted(call, start).as_bytes());
                lines.push(b'\n');
                recovered.interrupted += 1;
            }
            // One that was closed like this before belongs to a process that died over its mending.
            let is_open = |call: &String| ended.get(call).is_none_or(|interrupted| *interrupted);
            left.dialogs.retain(|call, _| is_open(call));
            left.centres.retain(|call, _| is_open(call));
            records.append(&lines).map_err(failed("close the interrupted calls in", path))?;
        }
        // Also when nothing was added: what the last process wrote may not be on disk yet, and its journal goes now.
        records.dirty();
        records.sync().map_err(failed("write to disk", path))?;
        let orphans = left.dialogs.into_values().chain(left.centres.into_values());
        let orphans: Vec<String> = orphans.take(DIALOGS_MAX).collect();
        let journal = begin_journal(path, records.length(), orphans.iter().map(String::as_str))
            .map_err(failed("begin the journal", &journal_path))?;
        let store = Self {
            path: path.to_owned(),
            records,
            journal,
            journal_max: JOURNAL_BYTES_MAX,
            open: BTreeMap::new(),
            untidy: !orphans.is_empty(),
            orphans,
            refused: VecDeque::new(),
            stale: false,
            buffer: Vec::new(),
        };
        Ok((store, recovered))
    }

    /// The dialogs that the last process left open. They stay in the journal until [`Store::tidy`].
    pub fn orphans(&self) -> Vec<String> {
        let saved = |line: &String| match serde_json::from_str::<DialogLine<'_>>(line).ok()? {
            DialogLine::Caller { saved, .. } | DialogLine::Centre { saved, .. } => Some(saved.into_owned()),
        };
        self.orphans.iter().filter_map(saved).collect()
    }

    /// How many there are.
    pub fn orphan_count(&self) -> usize {
        self.orphans.len()
    }

    /// Puts starts on disk, each with its dialog. On an error the calls go on; their starts are tried again with the next ones.
    pub fn start(
        &mut self,
        starts: impl IntoIterator<Item = (CallKey, String, Option<String>)>,
    ) -> Result<(), WriteError> {
        self.buffer.clear();
        for (call, start, dialog) in starts {
            let dialog = dialog.map(|saved| dialog_line(call, Party::Caller, &saved));
            let opened = Opened { start, dialog, centre: None };
            add_lines(&mut self.buffer, opened.lines());
            self.open.insert(call, opened);
        }
        self.write_journal()
    }

    /// Dialogs of open calls, as they stand now.
    pub fn moved(&mut self, dialogs: impl IntoIterator<Item = (CallKey, Party, String)>) -> Result<(), WriteError> {
        self.buffer.clear();
        for (call, party, saved) in dialogs {
            // A call that ended meanwhile has nothing to be told.
            if let Some(opened) = self.open.get_mut(&call) {
                let line = dialog_line(call, party, &saved);
                add_lines(&mut self.buffer, [line.as_str()].into_iter());
                match party {
                    Party::Caller => opened.dialog = Some(line),
                    Party::Centre => opened.centre = Some(line),
                }
            }
        }
        self.write_journal()
    }

    /// Records of open calls, as they stand now. The disk is not waited for: a process that is killed leaves them to the next one, and a power cut
    /// leaves the start.
    pub fn so_far(&mut self, records: impl IntoIterator<Item = (CallKey, String)>) -> io::Result<()> {
        self.buffer.clear();
        for (call, record) in records {
            if let Some(opened) = self.open.get_mut(&call) {
                add_lines(&mut self.buffer, [record.as_str()].into_iter());
                opened.start = record;
            }
        }
        // A stale journal is written anew with all of them.
        if self.stale {
            return Ok(());
        }
        let written = self.journal.append(&self.buffer);
        self.stale = written.is_err();
        written
    }

    /// What the buffer holds of calls that are all in `open`.
    fn write_journal(&mut self) -> Result<(), WriteError> {
        if self.buffer.is_empty() {
            return Ok(());
        }
        let written = if self.stale || self.journal.length() > self.journal_max {
            self.replace_journal()
        } else {
            self.journal.append(&self.buffer).and_then(|()| self.journal.sync())
        };
        self.stale = written.is_err();
        written.map_err(|error| WriteError { error, lost: 0 })
    }

    /// Adds records, and first those that the disk refused before.
    pub fn end(&mut self, ends: impl IntoIterator<Item = (CallKey, String)>) -> Result<(), WriteError> {
        self.refused.extend(ends);
        if self.refused.is_empty() {
            return Ok(());
        }
        self.buffer.clear();
        for (_, line) in &self.refused {
            self.buffer.extend_from_slice(line.as_bytes());
            self.buffer.push(b'\n');
        }
        match self.records.append(&self.buffer) {
            Ok(()) => {
                for (call, _) in self.refused.drain(..) {
                    self.untidy |= self.open.remove(&call).is_some();
                }
                Ok(())
            }
            Err(error) => {
                let lost = self.refused.len().saturating_sub(RECORDS_KEPT_MAX);
                // Its start stays in the journal: the next start of the engine closes it as interrupted.
                self.refused.drain(..lost);
                Err(WriteError { error, lost })
            }
        }
    }

    /// Whether records wait that the disk refused.
    pub fn has_refused(&self) -> bool {
        !self.refused.is_empty()
    }

    /// Puts the records on disk.
    pub fn sync(&mut self) -> io::Result<()> {
        self.records.sync()
    }

    /// Forgets what the journal holds of calls that have ended, and dialogs of the last process: their BYEs have left by now.
    pub fn tidy(&mut self) -> io::Result<()> {
        if !self.untidy {
            return Ok(());
        }
        self.orphans.clear();
        let done = self.replace_journal();
        self.stale |= done.is_err();
        done
    }

    /// Writes what waits and begins an empty journal, so that the next start has nothing to mend.
    pub fn close(mut self) -> Result<(), WriteError> {
        self.end(std::iter::empty())?;
        self.orphans.clear();
        self.replace_journal().map_err(|error| WriteError { error, lost: 0 })
    }

    /// A new journal with the open calls only; the records that made the old one longer are on disk first.
    fn replace_journal(&mut self) -> io::Result<()> {
        self.records.sync()?;
        let lines = self.orphans.iter().map(String::as_str).chain(self.open.values().flat_map(Opened::lines));
        self.journal = begin_journal(&self.path, self.records.length(), lines)?;
        self.untidy = !self.orphans.is_empty();
        // Twice the open calls at least, so that many of them do not mean a new journal for each.
        self.journal_max = JOURNAL_BYTES_MAX.max(2 * self.journal.length());
        Ok(())
    }
}

/// The journal of a file of records.
pub fn journal_path(records: &Path) -> PathBuf {
    with_suffix(records, ".open")
}

/// `path` with more at its end.
pub fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    PathBuf::from(name)
}

#[derive(Deserialize)]
struct Header {
    journal: u32,
    records: u64,
}

/// The layout of the journal this engine writes.
const JOURNAL_VERSION: u32 = 1;

#[derive(Deserialize)]
struct CallOfLine<'a> {
    #[serde(borrow)]
    call: Cow<'a, str>,
    #[serde(borrow, default)]
    cause: Option<Cow<'a, str>>,
}

/// A line of the journal beside starts: a dialog of a call, as `sip` wrote it. The name of its first field says whose.
#[derive(Deserialize, Serialize)]
#[serde(untagged)]
enum DialogLine<'a> {
    Caller {
        #[serde(borrow)]
        dialog: Cow<'a, str>,
        #[serde(borrow)]
        saved: Cow<'a, str>,
    },
    Centre {
        #[serde(borrow)]
        centre: Cow<'a, str>,
        #[serde(borrow)]
        saved: Cow<'a, str>,
    },
}

fn dialog_line(call: CallKey, party: Party, saved: &str) -> String {
    let (call, saved) = (call.to_string().into(), saved.into());
    let line = match party {
        Party::Caller => DialogLine::Caller { dialog: call, saved },
        Party::Centre => DialogLine::Centre { centre: call, saved },
    };
    serde_json::to_string(&line).expect("two strings make an object")
}

fn add_lines<'a>(buffer: &mut Vec<u8>, lines: impl Iterator<Item = &'a str>) {
    for line in lines {
        buffer.extend_from_slice(line.as_bytes());
        buffer.push(b'\n');
    }
}

/// The `call` of a line, if it is a whole record or start.
fn call_of(line: &[u8]) -> Option<String> {
    serde_json::from_slice::<CallOfLine<'_>>(line).ok().map(|line| line.call.into_owned())
}

/// What a journal says: the length of the records when it was begun, and the starts since, by `call`, with their dialogs; a
/// dialog without a start is one that an earlier process left to the last one.
#[derive(Default)]
struct Left {
    records: u64,
    starts: BTreeMap<String, String>,
    /// Whole lines.
    dialogs: BTreeMap<String, String>,
    /// Those of centres.
    centres: BTreeMap<String, String>,
}

fn read_journal(path: &Path, recovered: &mut Recovered) -> io::Result<Left> {
    let bytes = match std::fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Left::default()),
        Err(error) => return Err(error),
    };
    let mut left = Left::default();
    let mut header_is_due = true;
    for line in bytes.split_inclusive(|&byte| byte == b'\n') {
        let Some(line) = line.strip_suffix(b"\n") else {
            recovered.journal_torn = line.len() as u64;
            break;
        };
        if std::mem::take(&mut header_is_due)
            && let Ok(header) = serde_json::from_slice::<Header>(line)
        {
            // A header of a later layout is not believed: all records are read instead.
            left.records = if header.journal == JOURNAL_VERSION { header.records } else { 0 };
            continue;
        }
        match (call_of(line), std::str::from_utf8(line)) {
            (Some(call), Ok(line)) => {
                left.starts.insert(call, line.to_owned());
            }
            (None, Ok(line)) => match serde_json::from_str::<DialogLine<'_>>(line) {
                Ok(DialogLine::Caller { dialog, .. }) => _ = left.dialogs.insert(dialog.into_owned(), line.to_owned()),
                Ok(DialogLine::Centre { centre, .. }) => _ = left.centres.insert(centre.into_owned(), line.to_owned()),
                Err(_) => recovered.unreadable += 1,
            },
            (_, Err(_)) => recovered.unreadable += 1,
        }
    }
    Ok(left)
}

/// The calls that have a record behind `offset`, and whether they were closed as interrupted.
fn ended_calls(path: &Path, offset: u64, recovered: &mut Recovered) -> io::Result<BTreeMap<String, bool>> {
    let mut file = File::open(path)?;
    // Shorter than the journal remembers: somebody moved the records away. All that is left is read.
    let offset = if file.metadata()?.len() < offset { 0 } else { offset };
    file.seek(SeekFrom::Start(offset))?;
    let mut reader = BufReader::new(file);
    let mut ended = BTreeMap::new();
    let mut line = Vec::new();
    while reader.read_until(b'\n', &mut line)? > 0 {
        match serde_json::from_slice::<CallOfLine<'_>>(&line) {
            Ok(CallOfLine { call, cause }) => {
                ended.insert(call.into_owned(), cause.is_some_and(|cause| cause == "interrupted"));
            }
            Err(_) => recovered.unreadable += 1,
        }
        line.clear();
    }
    Ok(ended)
}

/// The start line of a call as its record: it was cut short, and when is not known.
fn interrupted(call: &str, start: &str) -> String {
    let mut record = match serde_json::from_str(start) {
        Ok(serde_json::Value::Object(record)) => record,
        // `call_of` read an object; this is a line of its own for the case that the two disagree.
        _ => serde_json::Map::from_iter([("call".to_owned(), call.into())]),
    };
    record.insert("outcome".to_owned(), "failed".into());
    record.insert("cause".to_owned(), "interrupted".into());
    record.entry("ended").or_insert(serde_json::Value::Null);
    serde_json::Value::Object(record).to_string()
}

/// Ends the file with a whole line: completes a record that lacks only its newline, cuts anything less.
/// Returns the length then and the bytes cut.
fn mend_last_line(file: &mut File) -> io::Result<(u64, u64)> {
    let length = file.metadata()?.len();
    let mut tail = Vec::new();
    let mut at = length;
    // Backwards in blocks until the newline before the last line.
    while at > 0 && !tail.contains(&b'\n') {
        let from = at.saturating_sub(64 * 1024);
        let mut block = vec![0; usize::try_from(at - from).unwrap_or(0)];
        file.seek(SeekFrom::Start(from))?;
        file.read_exact(&mut block)?;
        block.append(&mut tail);
        tail = block;
        at = from;
    }
    let whole = tail.iter().rposition(|&byte| byte == b'\n').map_or(0, |newline| newline + 1);
    let last = tail.get(whole..).unwrap_or_default();
    if last.is_empty() {
        return Ok((length, 0));
    }
    if call_of(last).is_some() {
        file.write_all(b"\n")?;
        return Ok((length + 1, 0));
    }
    let torn = last.len() as u64;
    file.set_len(length - torn)?;
    Ok((length - torn, torn))
}

/// Replaces the journal by a new one, whole on disk before it takes the old one's name.
fn begin_journal<'a>(records_path: &Path, records: u64, lines: impl Iterator<Item = &'a str>) -> io::Result<Appender> {
    let path = journal_path(records_path);
    let new_path = with_suffix(&path, ".new");
    let mut text = format!("{{\"journal\":{JOURNAL_VERSION},\"records\":{records}}}\n");
    for line in lines {
        text.push_str(line);
        text.push('\n');
    }
    // Not opened for appending yet: what an earlier try left must go, and what others could read of it.
    let mut new = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&new_path)?;
    new.set_permissions(std::fs::Permissions::from_mode(0o600))?;
    new.write_all(text.as_bytes())?;
    let file = OpenOptions::new().append(true).open(&new_path)?;
    file.sync_all()?;
    std::fs::rename(&new_path, &path)?;
    let folder = match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    };
    // The new name is on disk when its folder is.
    File::open(folder)?.sync_all()?;
    Ok(Appender::new(file, text.len() as u64))
}
