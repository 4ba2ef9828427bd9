//! The journal thread: what the engine hands over goes to disk in groups.
//!
//! A lone start is written and synced at once. Soon after a write, what comes waits `JOURNAL_GROUP` for company, so that
//! a busy engine costs the disk some 120 syncs a second, each thread few wake-ups, and a call at most 5 ms. When the disk refuses, the log raises an alarm
//! once a minute and calls go on: an unwritten record is no reason to hang up.

mod append;
pub mod store;

use crate::engine::{CallKey, Entry};
use crate::limits::{JOURNAL_BUSY, JOURNAL_GROUP, JOURNAL_QUEUE_MAX, JOURNAL_TIDY, RECORDS_SYNC};
use crate::shell::alarm::Alarms;
use crate::shell::reason;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Instant;
use store::WriteError;
pub use store::{OpenError, Party, Recovered, Store};
use tracing::{error, warn};

/// Where the records of one engine go.
#[derive(Debug)]
pub enum Journal {
    /// To its two files.
    Files(Writer),
    /// Nowhere: stand-in centres keep no records.
    Nowhere,
}

/// What became of an entry.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[must_use]
pub enum Written {
    /// A start: its acknowledgement comes later. An end: nothing more comes.
    Later,
    /// A start that will not be written: acknowledge it now.
    Now,
}

impl Journal {
    /// Takes an entry.
    pub fn write(&self, call: CallKey, entry: Entry) -> Written {
        match self {
            Self::Files(writer) => writer.write(call, entry),
            Self::Nowhere => match entry {
                Entry::Start { .. } => Written::Now,
                Entry::Dialog(_) | Entry::Centre(_) | Entry::SoFar(_) | Entry::End(_) => Written::Later,
            },
        }
    }
}

/// The engine's end of the journal thread. Dropping it writes all that waits and ends the thread, also when the engine panics.
#[derive(Debug)]
pub struct Writer {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Shared {
    queue: Mutex<Queue>,
    bell: Condvar,
}

#[derive(Debug, Default)]
struct Queue {
    entries: Vec<(CallKey, Entry)>,
    /// Starts answered unwritten because the disk hangs.
    shed: u64,
    closing: bool,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        // Only pushes and swaps happen under the lock: the queue is whole even if a thread died there.
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Opens the files of records and says in the log what was mended.
pub fn open(path: &Path) -> Result<Store, OpenError> {
    let (store, recovered) = Store::open(path)?;
    let file = path.display();
    if recovered.records_torn > 0 {
        warn!(%file, bytes = recovered.records_torn, "records: torn last line cut");
    }
    if recovered.journal_torn > 0 {
        warn!(%file, bytes = recovered.journal_torn, "journal: torn last line ignored");
    }
    if recovered.unreadable > 0 {
        warn!(%file, lines = recovered.unreadable, "records: lines that are not records left as they are");
    }
    let dialogs = store.orphan_count();
    if dialogs > 0 {
        warn!(%file, dialogs, "journal: dialogs of the last run are still open, each gets a BYE");
    }
    if recovered.interrupted > 0 {
        warn!(%file, calls = recovered.interrupted, "records: calls of the last run closed as interrupted");
    }
    Ok(store)
}

impl Writer {
    /// Starts the thread. `acknowledge` is called with the starts that are on disk now, in the order they came.
    pub fn start(
        store: Store,
        alarms: Arc<Alarms>,
        acknowledge: impl Fn(&[CallKey]) + Send + 'static,
    ) -> std::io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let theirs = Arc::clone(&shared);
        let thread = std::thread::Builder::new()
            .name("journal".to_owned())
            .spawn(move || Thread { shared: theirs, store, acknowledge, alarms }.run())?;
        Ok(Self { shared, thread: Some(thread) })
    }

    fn write(&self, call: CallKey, entry: Entry) -> Written {
        let mut queue = self.shared.lock();
        if queue.entries.len() >= JOURNAL_QUEUE_MAX {
            match entry {
                Entry::Start { .. } => {
                    queue.shed += 1;
                    return Written::Now;
                }
                Entry::Dialog(_) | Entry::Centre(_) | Entry::SoFar(_) => return Written::Later,
                Entry::End(_) => {}
            }
        }
        let rings = queue.entries.is_empty();
        queue.entries.push((call, entry));
        drop(queue);
        if rings {
            self.shared.bell.notify_one();
        }
        Written::Later
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.shared.lock().closing = true;
        self.shared.bell.notify_one();
        if self.thread.take().is_some_and(|thread| thread.join().is_err()) {
            error!("the journal thread ended with a panic: the last records may be missing");
        }
    }
}

struct Thread<A> {
    shared: Arc<Shared>,
    store: Store,
    acknowledge: A,
    alarms: Arc<Alarms>,
}

impl<A: Fn(&[CallKey])> Thread<A> {
    fn run(mut self) {
        let mut batch = Vec::new();
        let mut written = Instant::now() - JOURNAL_BUSY;
        let mut synced = Instant::now();
        let mut tidied = Instant::now();
        loop {
            let (closing, shed) = self.wait(&mut batch, written);
            if shed > 0 {
                let starts = usize::try_from(shed).unwrap_or(usize::MAX);
                self.alarms.raise(
                    ["통화를 시작 기록 없이 받았습니다", "calls were answered before their start was on disk"],
                    &["디스크가 대답하지 않습니다", "the disk hangs"],
                    starts,
                );
            }
            if !batch.is_empty() || self.store.has_refused() {
                self.write(&mut batch);
                written = Instant::now();
            }
            if closing || synced.elapsed() >= RECORDS_SYNC {
                synced = Instant::now();
                if let Err(error) = self.store.sync() {
                    self.alarms.raise(
                        ["통화 기록이 디스크에 닿지 않습니다", "records are not on disk"],
                        &reason::both(&error),
                        0,
                    );
                }
            }
            if tidied.elapsed() >= JOURNAL_TIDY {
                tidied = Instant::now();
                if let Err(error) = self.store.tidy() {
                    self.alarms.raise(
                        ["끝난 통화가 저널에 남아 있습니다", "the journal keeps callers that have gone"],
                        &reason::both(&error),
                        0,
                    );
                }
            }
            if closing {
                break;
            }
        }
        if let Err(WriteError { error, .. }) = self.store.close() {
            error!(%error, "the journal could not be ended: the next start closes calls of this run if their records are missing");
        }
    }

    /// Sleeps until there is something to do, and a little longer when the engine is busy; then takes all there is.
    fn wait(&self, batch: &mut Vec<(CallKey, Entry)>, written: Instant) -> (bool, u64) {
        let mut queue = self.shared.lock();
        if queue.entries.is_empty() && !queue.closing {
            queue = match self.shared.bell.wait_timeout(queue, RECORDS_SYNC) {
                Ok((queue, _)) => queue,
                Err(poisoned) => poisoned.into_inner().0,
            };
        }
        if written.elapsed() < JOURNAL_BUSY && !queue.entries.is_empty() && !queue.closing {
            // Nobody rings while we sleep: the engine thread saves its wake-up call, too.
            drop(queue);
            std::thread::sleep(JOURNAL_GROUP);
            queue = self.shared.lock();
        }
        std::mem::swap(&mut queue.entries, batch);
        (queue.closing, std::mem::take(&mut queue.shed))
    }

    fn write(&mut self, batch: &mut Vec<(CallKey, Entry)>) {
        let mut starts = Vec::new();
        let (mut moves, mut so_far, mut ends) = (Vec::new(), Vec::new(), Vec::new());
        for (call, entry) in batch.drain(..) {
            match entry {
                Entry::Start { record, dialog } => starts.push((call, record, dialog)),
                Entry::Dialog(dialog) => moves.push((call, Party::Caller, dialog)),
                Entry::Centre(dialog) => moves.push((call, Party::Centre, dialog)),
                Entry::SoFar(line) => so_far.push((call, line)),
                Entry::End(line) => ends.push((call, line)),
            }
        }
        let calls: Vec<_> = starts.iter().map(|(call, ..)| *call).collect();
        if let Err(WriteError { error, lost }) = self.store.start(starts) {
            self.alarms.raise(
                ["통화의 시작이 디스크에 없습니다", "the start of calls is not on disk"],
                &reason::both(&error),
                lost,
            );
        }
        if !calls.is_empty() {
            (self.acknowledge)(&calls);
        }
        // No call waits for these: what a death before them loses is only where the peer has moved to.
        if let Err(WriteError { error, .. }) = self.store.moved(moves) {
            self.alarms.raise(
                ["발신자와 센터의 위치가 디스크에 없습니다", "where callers and centres are is not on disk"],
                &reason::both(&error),
                0,
            );
        }
        if let Err(error) = self.store.so_far(so_far) {
            self.alarms.raise(
                ["통화가 어디까지 왔는지 디스크에 없습니다", "how far calls have come is not on disk"],
                &reason::both(&error),
                0,
            );
        }
        if let Err(WriteError { error, lost }) = self.store.end(ends) {
            self.alarms.raise(["통화 기록을 쓰지 못합니다", "records are not written"], &reason::both(&error), lost);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::channel;

    fn folder(name: &str) -> std::path::PathBuf {
        let path = std::env::temp_dir().join(format!("ivr1357-journal-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).expect("a folder");
        path
    }

    #[test]
    fn a_start_is_in_the_journal_when_it_is_acknowledged() {
        let folder = folder("acknowledge");
        let path = folder.join("calls.jsonl");
        let (sender, acknowledged) = channel();
        let store = open(&path).expect("opens");
        let journal = Journal::Files(
            Writer::start(store, Arc::default(), move |calls| sender.send(calls.to_vec()).expect("the test listens"))
                .expect("starts"),
        );
        let line = r#"{"call":"0000000000000001","cause":null}"#;
        assert_eq!(journal.write(CallKey(1), Entry::Start { record: line.to_owned(), dialog: None }), Written::Later);
        assert_eq!(acknowledged.recv(), Ok(vec![CallKey(1)]));
        let journal_text = std::fs::read_to_string(store::journal_path(&path)).expect("reads");
        assert!(journal_text.contains(line));
        let _ = journal.write(CallKey(1), Entry::End(r#"{"call":"0000000000000001","cause":"bye"}"#.to_owned()));
        drop(journal);
        let records = std::fs::read_to_string(&path).expect("reads");
        assert_eq!(records, "{\"call\":\"0000000000000001\",\"cause\":\"bye\"}\n");
        std::fs::remove_dir_all(folder).expect("removes");
    }

    #[test]
    fn calls_are_answered_while_the_disk_refuses_records() {
        let folder = folder("full");
        let path = folder.join("calls.jsonl");
        std::os::unix::fs::symlink("/dev/full", &path).expect("a link");
        let (sender, acknowledged) = channel();
        let store = open(&path).expect("opens");
        let journal = Journal::Files(
            Writer::start(store, Arc::default(), move |calls| sender.send(calls.to_vec()).expect("the test listens"))
                .expect("starts"),
        );
        let line = |call: u64| format!(r#"{{"call":"{call:016x}"}}"#);
        for call in 1..=3 {
            let _ = journal.write(CallKey(call), Entry::Start { record: line(call), dialog: None });
            assert_eq!(acknowledged.recv(), Ok(vec![CallKey(call)]));
            let _ = journal.write(CallKey(call), Entry::End(line(call)));
        }
        drop(journal);
        // With room again, the next run finds all three in the journal.
        std::fs::remove_file(&path).expect("removes the link");
        open(&path).expect("opens");
        assert_eq!(std::fs::read_to_string(&path).expect("reads").lines().count(), 3);
        std::fs::remove_dir_all(folder).expect("removes");
    }

    #[test]
    fn a_journal_to_nowhere_acknowledges_at_once() {
        assert_eq!(
            Journal::Nowhere.write(CallKey(1), Entry::Start { record: String::new(), dialog: None }),
            Written::Now
        );
    }
}
