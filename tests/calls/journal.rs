//! Exactly one line per call, whatever moment the process dies at.
//!
//! A death is a copy of both files cut short: after every byte of everything that was written, in the order it was written
//! (`kill -9`), and at every byte of the records alone with the journal whole (a power cut keeps what was synced). Then the
//! files are opened again, twice.

use ivr1357::engine::CallKey;
use ivr1357::shell::journal::store::{OpenError, Party, Store, journal_path};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// A folder of its own that goes with the test.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("ivr1357-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).expect("a folder");
        Self(path)
    }

    fn records(&self) -> PathBuf {
        self.0.join("calls.jsonl")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn start(call: u64) -> (CallKey, String, Option<String>) {
    let line = format!(r#"{{"schema":1,"call":"{call:016x}","caller":"가나","outcome":null,"cause":null}}"#);
    (CallKey(call), line, Some(dialog(call)))
}

/// What is needed to end its dialog: any text.
fn dialog(call: u64) -> String {
    format!("BYE \"{call}\"\r\n\u{e9}")
}

/// The dialog line of a call in a journal.
fn dialog_line(call: &str) -> String {
    let call = u64::from_str_radix(call, 16).expect("a number");
    serde_json::json!({ "dialog": format!("{call:016x}"), "saved": dialog(call) }).to_string()
}

fn end(call: u64) -> (CallKey, String) {
    (
        CallKey(call),
        format!(r#"{{"schema":1,"call":"{call:016x}","caller":"가나","outcome":"announced","cause":"done"}}"#),
    )
}

/// How often each call has a line, and how often as interrupted. Every line must be whole.
fn lines(path: &Path) -> BTreeMap<String, (usize, usize)> {
    let text = fs::read_to_string(path).expect("records");
    assert!(text.is_empty() || text.ends_with('\n'), "the last line is whole");
    let mut calls = BTreeMap::<String, (usize, usize)>::new();
    for line in text.lines() {
        let record: serde_json::Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error} in {line}"));
        let entry = calls.entry(record["call"].as_str().expect("a call").to_owned()).or_default();
        entry.0 += 1;
        if record["cause"] == "interrupted" {
            assert_eq!(record["ended"], serde_json::Value::Null);
            assert_eq!(record["caller"], "가나", "the rest of the start is kept");
            entry.1 += 1;
        }
    }
    calls
}

/// The two files as they are now.
#[derive(Clone, PartialEq, Debug)]
struct State {
    records: Vec<u8>,
    journal: Vec<u8>,
}

impl State {
    fn of(path: &Path) -> Self {
        Self { records: fs::read(path).expect("records"), journal: fs::read(journal_path(path)).expect("journal") }
    }

    fn put(&self, path: &Path) {
        fs::write(path, &self.records).expect("records");
        fs::write(journal_path(path), &self.journal).expect("journal");
    }
}

/// What both files held after each step of a little history of calls.
fn history(path: &Path) -> Vec<State> {
    let (mut store, _) = Store::open(path).expect("opens");
    let mut states = vec![State::of(path)];
    let mut step = |store: &mut Store, starts: &[u64], ends: &[u64]| {
        store.start(starts.iter().map(|&call| start(call))).expect("starts are written");
        states.push(State::of(path));
        store.end(ends.iter().map(|&call| end(call))).expect("ends are written");
        states.push(State::of(path));
    };
    step(&mut store, &[1], &[]);
    step(&mut store, &[2, 3], &[1]);
    step(&mut store, &[4], &[4, 2]);
    step(&mut store, &[], &[9]);
    states
}

/// Opens the files, closes nothing properly, and opens them once more: nothing may change then. The calls that were open have a
/// goodbye to come, each time, if their dialog was written.
fn open_twice(path: &Path, what: &str) -> BTreeMap<String, (usize, usize)> {
    let journal = String::from_utf8_lossy(&fs::read(journal_path(path)).unwrap_or_default()).into_owned();
    let (store, _) = Store::open(path).unwrap_or_else(|error| panic!("{what}: {error:?}"));
    let first = lines(path);
    let interrupted = first.iter().filter(|(_, (_, interrupted))| *interrupted > 0).map(|(call, _)| call);
    let owed: Vec<String> = interrupted
        .filter(|call| journal.contains(&(dialog_line(call) + "\n")))
        .map(|call| dialog(u64::from_str_radix(call, 16).expect("a number")))
        .collect();
    assert_eq!(store.orphans(), owed, "{what}");
    drop(store);
    let (store, recovered) = Store::open(path).unwrap_or_else(|error| panic!("{what}: {error:?}"));
    assert_eq!((recovered.interrupted, recovered.records_torn), (0, 0), "{what}: nothing is left to mend");
    assert_eq!(store.orphans(), owed, "{what}: a process that died once more hands them on");
    assert_eq!(lines(path), first, "{what}");
    first
}

/// Each call whose start line is whole in the journal has exactly one line; no call has two.
fn check(state: &State, calls: &BTreeMap<String, (usize, usize)>, what: &str) {
    for (call, &(count, _)) in calls {
        assert_eq!(count, 1, "{what}: call {call}");
    }
    for line in state.journal.split_inclusive(|&byte| byte == b'\n').filter(|line| line.ends_with(b"\n")) {
        let line: serde_json::Value = serde_json::from_slice(line).expect("a whole line");
        if let Some(call) = line["call"].as_str() {
            assert!(calls.contains_key(call), "{what}: call {call} has no line");
        }
    }
}

#[test]
fn every_started_call_has_exactly_one_line_after_a_death_at_any_byte() {
    let folder = Folder::new("death");
    let states = history(&folder.records());
    let path = Folder::new("death-again");
    let mut cuts = 0;
    for pair in states.windows(2) {
        let (before, after) = (&pair[0], &pair[1]);
        // One of the two files grew in this step.
        for length in before.journal.len()..=after.journal.len() {
            let state = State { records: before.records.clone(), journal: after.journal[..length].to_vec() };
            state.put(&path.records());
            let what = format!("journal cut at {length}");
            check(&state, &open_twice(&path.records(), &what), &what);
            cuts += 1;
        }
        for length in before.records.len()..=after.records.len() {
            let state = State { records: after.records[..length].to_vec(), journal: after.journal.clone() };
            state.put(&path.records());
            let what = format!("records cut at {length}");
            check(&state, &open_twice(&path.records(), &what), &what);
            cuts += 1;
        }
    }
    assert!(cuts > 900, "only {cuts} moments were tried");
}

#[test]
fn every_started_call_has_exactly_one_line_when_a_power_cut_shortens_the_records() {
    let folder = Folder::new("power");
    let last = history(&folder.records()).pop().expect("states");
    let path = Folder::new("power-again");
    for length in 0..=last.records.len() {
        let state = State { records: last.records[..length].to_vec(), journal: last.journal.clone() };
        state.put(&path.records());
        let what = format!("records cut at {length}");
        check(&state, &open_twice(&path.records(), &what), &what);
    }
}

#[test]
fn a_death_during_the_mending_doubles_nothing() {
    let folder = Folder::new("mending");
    let last = history(&folder.records()).pop().expect("states");
    let path = Folder::new("mending-again");
    last.put(&path.records());
    let (_, recovered) = Store::open(&path.records()).expect("opens");
    assert_eq!(recovered.interrupted, 1, "call 3 was open");
    let mended = fs::read(path.records()).expect("records");
    for length in last.records.len()..=mended.len() {
        // The mending had begun and died before the journal was replaced.
        let state = State { records: mended[..length].to_vec(), journal: last.journal.clone() };
        state.put(&path.records());
        let what = format!("mending cut at {length}");
        let calls = open_twice(&path.records(), &what);
        check(&state, &calls, &what);
        assert_eq!(calls["0000000000000003"], (1, 1), "{what}");
    }
}

#[test]
fn a_clean_end_leaves_nothing_to_mend() {
    let folder = Folder::new("clean");
    let path = folder.records();
    let (mut store, _) = Store::open(&path).expect("opens");
    store.start([start(1)]).expect("written");
    store.end([end(1)]).expect("written");
    store.close().expect("closes");
    let before = State::of(&path);
    assert_eq!(before.journal.iter().filter(|&&byte| byte == b'\n').count(), 1, "only the header is left");
    let (_, recovered) = Store::open(&path).expect("opens");
    assert_eq!(recovered, Default::default());
    assert_eq!(State::of(&path).records, before.records);
}

#[test]
fn a_dialog_names_its_caller_to_nobody_else_and_no_longer_than_its_call() {
    use std::os::unix::fs::PermissionsExt;
    let folder = Folder::new("private");
    let path = folder.records();
    let journal = || fs::read_to_string(journal_path(&path)).expect("a journal");
    let mode = || fs::metadata(journal_path(&path)).expect("a journal").permissions().mode() & 0o777;
    let (mut store, _) = Store::open(&path).expect("opens");
    store.start([start(1), start(2)]).expect("written");
    assert_eq!((mode(), journal().matches("BYE").count()), (0o600, 2));
    store.end([end(1)]).expect("written");
    store.tidy().expect("tidied");
    assert_eq!((mode(), journal().matches("BYE").count()), (0o600, 1), "the call that ended is forgotten");
    let moved = |call: u64, saved: &str| (CallKey(call), Party::Caller, saved.to_owned());
    store.moved([moved(1, "BYE 1"), moved(2, "BYE elsewhere")]).expect("written");
    drop(store);
    let (mut store, _) = Store::open(&path).expect("opens");
    assert_eq!(store.orphans(), ["BYE elsewhere"], "the latest counts");
    assert!(!fs::read_to_string(&path).expect("records").contains("BYE"), "no record holds a dialog");
    store.tidy().expect("tidied");
    assert_eq!(journal().matches("BYE").count(), 0, "its goodbye was said");
    // What an earlier version left for others to read is read by nobody.
    fs::write(journal_path(&path).with_extension("open.new"), "left").expect("writes");
    store.start([start(3)]).expect("written");
    store.end([end(3)]).expect("written");
    store.tidy().expect("tidied");
    assert_eq!((mode(), journal().lines().count()), (0o600, 1));
}

#[test]
fn a_centre_has_a_goodbye_to_come_as_long_as_its_call_has_and_takes_no_more_room_than_one() {
    let folder = Folder::new("centre");
    let path = folder.records();
    let length = || fs::metadata(journal_path(&path)).expect("a journal").len();
    let centre = |call: u64, saved: String| (CallKey(call), Party::Centre, saved);
    let (mut store, _) = Store::open(&path).expect("opens");
    store.start([start(1), start(2)]).expect("written");
    store.moved([centre(1, "BYE one".to_owned()), centre(2, "BYE two".to_owned())]).expect("written");
    store.end([end(1)]).expect("written");
    store.moved([centre(1, "BYE late".to_owned())]).expect("a call that ended has none");
    for round in 0..3 {
        store.moved((0..60_000).map(|n| centre(2, format!("{:0>100}", round * 100_000 + n)))).expect("written");
    }
    store.moved([centre(2, "BYE at last".to_owned())]).expect("written");
    assert!(length() < 1_000, "the journal holds {} bytes for one call", length());
    drop(store);
    for what in ["first", "a process that died once more hands them on"] {
        let (store, recovered) = Store::open(&path).expect("opens");
        assert_eq!(store.orphans(), [dialog(2), "BYE at last".to_owned()], "{what}");
        assert_eq!(recovered.unreadable, 0, "{what}");
    }
    assert!(!fs::read_to_string(&path).expect("records").contains("BYE"), "no record holds a dialog");
    let (mut store, _) = Store::open(&path).expect("opens");
    store.tidy().expect("tidied");
    assert_eq!(store.orphan_count(), 0);
    assert!(length() < 100, "its goodbye was said");
}

#[test]
fn what_is_known_of_a_call_that_was_killed_is_what_it_had_come_to() {
    let folder = Folder::new("journal-so-far");
    let path = folder.records();
    let (mut store, _) = Store::open(&path).expect("opens");
    let so_far = |call: u64, keys: &str| {
        let line = format!(r#"{{"call":"{call:016x}","answered":"10:00","keys":"{keys}","cause":null}}"#);
        (CallKey(call), line)
    };
    store.start([start(1), start(2)]).expect("written");
    store.so_far([so_far(1, "1")]).expect("written");
    store.so_far([so_far(1, "12"), so_far(2, "3"), so_far(3, "9")]).expect("written");
    store.end([end(2)]).expect("written");
    store.so_far([so_far(2, "34")]).expect("a call that ended has come to its end");
    let state = State::of(&path);
    let keys = |what: &str| {
        let (store, recovered) = Store::open(&path).expect("opens");
        assert_eq!((recovered.interrupted, store.orphan_count()), (1, 1), "{what}");
        let text = fs::read_to_string(&path).expect("records");
        let records = text.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).expect("a record"));
        let killed: Vec<_> = records.filter(|record| record["cause"] == "interrupted").collect();
        (killed.len(), killed[0]["keys"].clone(), killed[0]["outcome"].clone())
    };
    drop(store);
    assert_eq!(keys("killed"), (1, "12".into(), "failed".into()));
    // A journal that is written anew keeps what it knew.
    let _ = fs::remove_file(&path);
    fs::remove_file(journal_path(&path)).expect("removed");
    let (mut store, _) = Store::open(&path).expect("opens");
    store.start([start(1), start(2)]).expect("written");
    store.so_far([so_far(1, "12")]).expect("written");
    store.end([end(2)]).expect("written");
    store.tidy().expect("written anew");
    drop(store);
    assert_eq!(keys("tidied and killed"), (1, "12".into(), "failed".into()));
    // Torn in its last line, which waited for no disk, the one before it counts.
    let torn = State { journal: state.journal[..state.journal.len() - 5].to_vec(), ..state };
    torn.put(&path);
    let _ = keys("torn");
}

#[test]
fn a_second_engine_on_the_same_records_is_refused() {
    let folder = Folder::new("lock");
    let first = Store::open(&folder.records()).expect("opens");
    assert!(matches!(Store::open(&folder.records()), Err(OpenError::InUse)));
    drop(first);
    assert!(Store::open(&folder.records()).is_ok());
}

#[test]
fn a_journal_that_grew_long_is_replaced_and_keeps_the_open_calls() {
    let folder = Folder::new("long");
    let path = folder.records();
    let (mut store, _) = Store::open(&path).expect("opens");
    store.start([start(1)]).expect("written");
    let mut longest = 0;
    let mut shrank = false;
    for round in 0..60_u64 {
        let calls = || (0..2000).map(move |call| round * 2000 + call + 2);
        store.start(calls().map(start)).expect("written");
        store.end(calls().map(end)).expect("written");
        let length = fs::metadata(journal_path(&path)).expect("journal").len();
        shrank |= length < longest;
        longest = longest.max(length);
    }
    assert!(shrank && longest < 10 * 1024 * 1024, "the journal was {longest} bytes long");
    drop(store);
    let (_, recovered) = Store::open(&path).expect("opens");
    assert_eq!(recovered.interrupted, 1);
    assert_eq!(lines(&path)["0000000000000001"], (1, 1));
    assert_eq!(lines(&path).len(), 120_001);
}

#[test]
fn a_call_whose_record_the_disk_refused_is_closed_by_the_next_run() {
    let folder = Folder::new("full");
    let path = folder.records();
    // A disk without room, as the system offers it for tests.
    std::os::unix::fs::symlink("/dev/full", &path).expect("a link");
    let (mut store, _) = Store::open(&path).expect("opens");
    store.start([start(1)]).expect("the journal lies on a disk with room");
    assert!(store.end([end(1)]).is_err());
    assert!(store.has_refused());
    drop(store);
    // The start is still there: the next run closes the call.
    fs::remove_file(&path).expect("removes the link");
    Store::open(&path).expect("opens");
    assert_eq!(lines(&path)["0000000000000001"], (1, 1));
}

#[test]
fn lines_that_are_not_records_are_left_as_they_are() {
    let folder = Folder::new("foreign");
    let path = folder.records();
    let (mut store, _) = Store::open(&path).expect("opens");
    store.start([start(1)]).expect("written");
    drop(store);
    fs::write(&path, "somebody wrote here\n").expect("writes");
    let (_, recovered) = Store::open(&path).expect("opens");
    assert_eq!((recovered.unreadable, recovered.interrupted), (1, 1));
    assert!(fs::read_to_string(&path).expect("reads").starts_with("somebody wrote here\n{"));
}
