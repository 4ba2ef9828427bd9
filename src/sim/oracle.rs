//! Watches a run and says when a promise to callers was broken (DESIGN §5).
//!
//! It sees what crosses the engine's border in both directions, and what the callers lived through, and reads
//! it with the callers' own simple means. It knows the table, never the inside of the engine.

mod acks;
mod case;
mod ending;
mod far;
mod law;
mod others;
mod reached;
mod rules;
mod tape;

use acks::Acks;
pub use case::Case;
pub use ending::Left;
use far::Far;
pub use law::Law;

use super::caller::Story;
use super::caller::text::{self, Message};
use super::line::Line;
use super::setup::OTHER;
use crate::engine::{CallKey, News};
use crate::media::StreamKey;
use crate::time::{Duration, Instant};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// A broken promise.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Violation {
    /// When it was seen.
    pub at: Instant,
    /// Which promise, in a few words that stay the same.
    pub rule: &'static str,
    /// The Call-ID; empty when it is about the whole engine.
    pub call: String,
    /// What was seen.
    pub what: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.at.as_nanos() as f64 / 1e9;
        write!(f, "{seconds:.4} s: {}: {} ({})", self.rule, self.what, self.call)
    }
}

/// Silence a caller may hear outside menus.
const SILENCE_MAX: Duration = Duration::from_secs(1);
/// What a step of the simulation may add to a bound.
const MARGIN: Duration = Duration::from_millis(50);
/// The callers' first CSeq: the INVITE that begins the call.
const INVITE_CSEQ: u32 = 1;
/// RFC 3261 §13.3.1.4: a 200 repeats first after T1, then at twice the interval up to T2.
const FIRST_REPEAT: Duration = Duration::from_millis(500);
const LONGEST_REPEAT: Duration = Duration::from_secs(4);
/// 64·T1.
const GIVE_UP: Duration = Duration::from_secs(32);
/// How long a call may wait for a disk.
const DISK_PATIENCE: Duration = Duration::from_secs(3);

/// What repeats until it is acknowledged.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Owes {
    /// The 200 to the INVITE of this CSeq.
    Ack(u32),
    /// The provisional response with this RSeq.
    Prack(u32),
}

/// The watcher.
#[derive(Debug)]
pub struct Oracle {
    law: Law,
    /// By Call-ID.
    cases: BTreeMap<String, Case>,
    /// Recordings and messages of which the engine has been told: whether the file is whole.
    written: BTreeMap<String, bool>,
    calls: BTreeMap<CallKey, String>,
    ports: BTreeMap<u16, StreamKey>,
    streams: BTreeMap<StreamKey, String>,
    /// The caller's stream beside that of a leg of ours.
    beside: BTreeMap<StreamKey, StreamKey>,
    /// Calls of ours to centres, by Call-ID.
    fars: BTreeMap<String, Far>,
    /// What our INVITEs owe.
    acks: Acks,
    /// Repeats that are owed: when, to which call, of what.
    owed: BTreeSet<(Instant, String, Owes)>,
    stopping: bool,
    draining: bool,
    capped: bool,
    /// Noise may make calls of nobody.
    noisy: bool,
    /// The Call-IDs that noise was answered by: what they lead to is not a caller's.
    noise: BTreeSet<String>,
    /// The other table is live.
    other_table: bool,
    /// Calls that began when it was.
    on_other_table: BTreeSet<CallKey>,
    /// The callers' numbers, which nobody may read in a record.
    numbers: BTreeSet<String>,
    violations: Vec<Violation>,
}

impl Oracle {
    /// A watcher with this law.
    pub fn new(law: Law) -> Self {
        Self {
            law,
            cases: BTreeMap::new(),
            written: BTreeMap::new(),
            calls: BTreeMap::new(),
            ports: BTreeMap::new(),
            streams: BTreeMap::new(),
            beside: BTreeMap::new(),
            fars: BTreeMap::new(),
            acks: Acks::default(),
            owed: BTreeSet::new(),
            stopping: false,
            draining: false,
            capped: false,
            noisy: false,
            noise: BTreeSet::new(),
            other_table: false,
            on_other_table: BTreeSet::new(),
            numbers: BTreeSet::new(),
            violations: Vec::new(),
        }
    }

    /// What was broken so far.
    pub fn violations(&self) -> &[Violation] {
        &self.violations
    }

    /// Calls that reached the engine.
    pub fn calls(&self) -> usize {
        self.cases.values().filter(|case| case.invited.is_some()).count()
    }

    /// The Call-ID of one of the engine's calls, once its journal has named it.
    pub fn call_id(&self, call: CallKey) -> Option<&str> {
        self.calls.get(&call).map(String::as_str)
    }

    /// The Call-ID of one of the engine's streams, once a description has named its port.
    pub fn call_of(&self, stream: StreamKey) -> Option<&str> {
        self.streams.get(&stream).map(String::as_str)
    }

    /// Somebody with this number will call.
    pub fn expect(&mut self, number: &str) {
        self.numbers.insert(number.to_owned());
    }

    /// Broken messages may come that make calls of nobody.
    pub fn expect_noise(&mut self) {
        self.noisy = true;
    }

    // ---- what goes in ------------------------------------------------------------------------------------------

    /// A datagram reaches the engine.
    pub fn delivered(&mut self, now: Instant, bytes: &[u8]) {
        let Some(message) = Message::read(bytes) else { return };
        self.acks.came(now, &message);
        let call_id = message.call_id();
        if message.method() == Some("INVITE") && message.tag("To").is_empty() {
            let case = self.cases.entry(call_id.to_owned()).or_default();
            if case.invited.is_none() {
                case.invited = Some(now);
                case.heir_of = message
                    .get("Replaces")
                    .and_then(|value| value.split(';').next())
                    .map(|call| call.trim().to_owned());
                case.unwelcome = self.draining && case.heir_of.is_none();
            }
            case.dialled =
                text::destination(message.request_uri().unwrap_or("")).split('@').next().unwrap_or("").to_owned();
            if let Some((cseq, _)) = message.cseq() {
                case.initial.get_or_insert_with(|| (cseq, message.branch().to_owned()));
            }
            return;
        }
        let Some(case) = self.cases.get_mut(call_id) else { return };
        match (message.method(), message.status()) {
            (Some("ACK"), _) => {
                let cseq = message.cseq().map_or(0, |(cseq, _)| cseq);
                if case.finals.get(&(cseq, message.branch().to_owned())).is_some_and(|status| *status >= 300) {
                    // It belongs to a refusal (RFC 3261 §17.1.1.3), perhaps of the other of two ways.
                    return;
                }
                if let Some(owed) = case.owed.remove(&cseq) {
                    self.owed.remove(&(owed.next, call_id.to_owned(), Owes::Ack(cseq)));
                }
                if cseq == INVITE_CSEQ && case.answered.is_some() && case.connected.is_none() && !case.is_over() {
                    case.connected = Some(now);
                    case.silent_since = (!case.sounding && !case.holding).then_some(now);
                }
            }
            (Some("BYE"), _) => {
                if case.released.is_none() && case.hung_up.is_none() {
                    case.hung_up = Some(now);
                    // Without the ACK our own BYE has to wait (RFC 3261 §15): the caller may be sooner.
                    case.late_bye = case.end.is_some();
                }
                self.part(now, call_id);
            }
            (Some("PRACK"), _) => {
                let rseq = message.get("RAck").and_then(|rack| rack.split(' ').next()?.parse().ok());
                if let Some(rseq) = rseq {
                    case.pracked.insert(rseq);
                    if let Some(owed) = case.reliable.remove(&rseq) {
                        self.owed.remove(&(owed.next, call_id.to_owned(), Owes::Prack(rseq)));
                    }
                }
            }
            (Some("CANCEL"), _) => case.cancelled = true,
            (Some("NOTIFY"), _) => {
                let code = text::fragment_status(message.body);
                if matches!(code, Some(200..300)) && case.end.is_none() {
                    case.told = true;
                }
            }
            (None, Some(status)) if message.cseq().is_some_and(|(_, method)| method == "REFER") => {
                let enough = case.referred.as_ref().is_some_and(|to| self.law.accepted.contains(to));
                if enough && (200..300).contains(&status) && case.end.is_none() {
                    case.told = true;
                }
            }
            _ => {}
        }
    }

    /// A key reaches the engine from its stream.
    pub fn heard(&mut self, stream: StreamKey, key: char) {
        if let Some(case) = self.streams.get(&stream).and_then(|call| self.cases.get_mut(call)) {
            case.heard.push(key);
        }
    }

    /// A sound came to its end by itself.
    pub fn finished(&mut self, stream: StreamKey) {
        if let Some(case) = self.streams.get(&stream).and_then(|call| self.cases.get_mut(call)) {
            case.finished_in = Some(case.row.clone());
            case.greeted |= self.law.tapes.greets(&case.played);
        }
    }

    /// What the caller had to say has been recorded: what is said from here on tells of it.
    pub fn recorded(&mut self, stream: StreamKey) {
        if let Some(case) = self.streams.get(&stream).and_then(|call| self.cases.get_mut(call)) {
            case.recorded = true;
            case.finished_in = None;
        }
    }

    /// A caller's side does not keep its session alive.
    pub fn deserts(&mut self, call_id: &str) {
        if let Some(case) = self.cases.get_mut(call_id) {
            case.deserted = true;
        }
    }

    /// An INVITE with Replaces is answered: what was known of the old call goes on under the new Call-ID.
    fn succeed(&mut self, call_id: &str) {
        let Some(old_id) = self.cases.get(call_id).and_then(|case| case.heir_of.clone()) else { return };
        let Some(old) = self.cases.get_mut(&old_id) else { return };
        if old.succeeded {
            return;
        }
        old.succeeded = true;
        let (row, started, told) = (old.row.clone(), old.started, old.told);
        let refers = old.refers_before + old.refers.len() + old.placed.len() + old.unopened;
        let (agreed, tapes) = (old.agreed, old.tapes.clone());
        for call in self.calls.values_mut().filter(|call| **call == old_id) {
            call.clear();
            call.push_str(call_id);
        }
        self.fars_follow(&old_id, call_id);
        let Some(case) = self.cases.get_mut(call_id) else { return };
        (case.row, case.started, case.refers_before, case.told) = (row, started, refers, told);
        (case.agreed, case.tapes) = (agreed, tapes);
    }

    /// Which case tells of the record with this Call-ID: the last that took it over.
    fn successor(&self, mut call_id: String) -> String {
        while self.cases.get(&call_id).is_some_and(|case| case.succeeded) {
            let heir = |case: &Case| case.heir_of.as_deref() == Some(&call_id) && case.answered.is_some();
            let Some((next, _)) = self.cases.iter().find(|(_, case)| heir(case)) else { break };
            call_id.clone_from(next);
        }
        call_id
    }

    /// The engine has caps: whoever calls beyond them meets a 503 and has no record.
    pub fn capped(&mut self) {
        self.capped = true;
    }

    /// The engine was told to take nothing new: whoever calls from now on is sent elsewhere.
    pub fn drains(&mut self) {
        self.draining = true;
    }

    /// The engine was told to stop.
    pub fn stopped(&mut self) {
        self.draining = true;
        self.stopping = true;
    }

    /// The engine is dead and a new one begins: what it owed to callers is gone with it, what it wrote is not.
    pub fn crashed(&mut self) {
        for case in self.cases.values_mut() {
            // The next process takes new calls, also the copies of those that the last one sent away.
            case.unwelcome = false;
            case.crashed = true;
            case.orphaned = case.answered.is_some() && !case.is_over();
        }
        self.draining = false;
        self.stopping = false;
        self.fars_crashed();
        self.acks = Acks::default();
        self.beside.clear();
        self.owed.clear();
        self.streams.clear();
        self.ports.clear();
    }

    // ---- what comes out ----------------------------------------------------------------------------------------

    /// A datagram leaves the engine.
    pub fn sent(&mut self, now: Instant, bytes: &[u8]) {
        // Headers are bytes: what noise wrote into its Via or From comes back as it was.
        let echo = if self.noisy { String::from_utf8_lossy(bytes) } else { "".into() };
        let bytes = if self.noisy { echo.as_bytes() } else { bytes };
        let Some(message) = Message::read(bytes) else {
            return self.broken(now, "readable", "", String::from_utf8_lossy(bytes).into_owned());
        };
        let call_id = message.call_id().to_owned();
        // What a broken request lacks, its refusal cannot repeat.
        let excused = self.noisy && message.status().is_some_and(|status| status >= 400);
        for name in ["Via", "From", "To", "CSeq", "Call-ID", "Content-Length"] {
            if message.get(name).is_none() && !excused {
                self.broken(now, "readable", &call_id, format!("{} without {name}", message.first));
            }
        }
        if message.contact().is_some_and(|contact| contact.contains("0.0.0.0")) {
            self.broken(now, "reachable", &call_id, "Contact 0.0.0.0".to_owned());
        }
        if let Some(name) = ["Authorization", "Proxy-Authorization"].iter().find(|name| message.get(name).is_some()) {
            self.broken(now, "credentials", &call_id, format!("{} with {name}", message.first));
        }
        self.acks.sent(now, &message);
        if self.sent_far(now, &message) {
            return;
        }
        match (message.method(), message.status(), message.cseq()) {
            (None, Some(status @ 200..), Some((cseq, "INVITE"))) => self.final_response(now, &message, status, cseq),
            (None, Some(101..=199), Some((cseq, "INVITE"))) => self.provisional(now, &message, cseq),
            (Some("REFER"), ..) => self.referred(now, &message),
            (Some("INVITE"), ..) => self.placed(now, &message),
            (Some("BYE"), ..) => self.released(now, &call_id),
            _ => {}
        }
    }

    /// A stream has its port.
    pub fn opened(&mut self, stream: StreamKey, port: u16) {
        self.ports.insert(port, stream);
    }

    /// A stream is closed.
    pub fn closed(&mut self, now: Instant, stream: StreamKey) {
        self.ports.retain(|_, known| *known != stream);
        if let Some(call) = self.streams.remove(&stream) {
            self.far_closed(now, &call);
            self.part(now, &call);
        }
    }

    /// What a stream does may have changed; `hears`: a centre may be heard there; `story` is the caller's, who may have us on hold.
    pub fn sounds(&mut self, now: Instant, stream: StreamKey, (line, hears): (&Line, bool), story: Option<&Story>) {
        let Some(call) = self.streams.get(&stream) else { return };
        let Some(case) = self.cases.get_mut(call) else { return };
        let holding = story.is_some_and(|story| story.holding);
        // Who is listened to hears nothing, and wants nothing else.
        let sounding = line.sounds() || hears || line.records();
        if let Some((prompts, length)) = line.playing()
            && case.row.starts_with("notice.")
            && length.is_zero()
        {
            let what = format!("{} says nothing: {prompts:?}", case.row);
            let call = call.clone();
            return self.broken(now, "announcement", &call, what);
        }
        if let Some((prompts, _)) = line.playing() {
            case.played = prompts.to_vec();
        }
        case.sounding = sounding;
        case.tone = line.repeats();
        let quiet = !sounding && !holding && case.is_connected();
        let since = case.silent_since;
        case.silent_since = quiet.then(|| since.unwrap_or(now));
        if let (Some(since), false) = (since, quiet) {
            let call = call.clone();
            self.silence(now, &call, since, holding);
        }
    }

    /// Nobody may read a caller's number in what is written down or shown.
    fn masked(&mut self, now: Instant, text: &str) {
        if let Some(number) = self.numbers.iter().find(|number| text.contains(number.as_str())) {
            let what = format!("{number} in {text}");
            self.broken(now, "masked", "", what);
        }
    }

    /// A line of the journal that says how a call began.
    pub fn journal_start(&mut self, now: Instant, call: CallKey, line: &str) {
        self.masked(now, line);
        let record: serde_json::Value = serde_json::from_str(line).unwrap_or_default();
        let Some(call_id) = record["call_id"].as_str() else {
            return self.broken(now, "record", "", format!("a start without call_id: {line}"));
        };
        if let Some(case) = self.cases.get_mut(call_id) {
            case.start_asked.get_or_insert(now);
        }
        self.calls.insert(call, call_id.to_owned());
    }

    /// That line is on disk.
    pub fn journaled(&mut self, call: CallKey) {
        if let Some(case) = self.calls.get(&call).and_then(|call_id| self.cases.get_mut(call_id)) {
            case.started = true;
        }
    }

    /// The record of a call.
    pub fn journal_end(&mut self, now: Instant, call: CallKey, line: &str) {
        let record: serde_json::Value = serde_json::from_str(line).unwrap_or_default();
        self.masked(now, line);
        if record["cause"] == "internal" {
            self.broken(now, "no panic", record["call_id"].as_str().unwrap_or(""), "a call broke".to_owned());
        }
        let Some(call_id) = record["call_id"].as_str().map(str::to_owned) else {
            return self.broken(now, "record", "", format!("a record without call_id: {line}"));
        };
        let call_id = self.successor(call_id);
        self.tells_recordings(now, &call_id, &record);
        self.calls.insert(call, call_id.clone());
        let rows = record["path"].as_array().into_iter().flatten().chain([&record["table"]]);
        for row in rows.filter_map(serde_json::Value::as_str).map(str::to_owned).collect::<Vec<_>>() {
            self.keeps_its_table(now, call, &row);
        }
        let Some(case) = self.cases.get_mut(&call_id) else {
            if !self.noise.contains(&plainly(&call_id)) {
                self.broken(now, "record", &call_id, "a record of a call nobody made".to_owned());
            }
            return;
        };
        // A late copy of an INVITE that meets the process after a crash is a call of its own; one call never has two.
        let again = case.end.as_ref().is_some_and(|end| !case.crashed || end["call"] == record["call"]);
        case.ends += 1;
        case.end = Some(record);
        if again {
            self.broken(now, "one record", &call_id, "a second record".to_owned());
        }
    }

    /// News of a live call.
    pub fn news(&mut self, now: Instant, call: CallKey, news: &News) {
        match news {
            News::Began { caller, .. } => {
                if self.other_table {
                    self.on_other_table.insert(call);
                }
                self.masked(now, caller);
            }
            News::Entered { row } => self.keeps_its_table(now, call, row),
            News::Key { .. } | News::Ended { .. } => {}
        }
        let Some(call_id) = self.calls.get(&call) else { return };
        let Some(case) = self.cases.get_mut(call_id) else { return };
        match news {
            News::Entered { row } => {
                // The silence before belongs to the row before.
                let since = case.silent_since.replace(now);
                if case.sounding || case.holding || !case.is_connected() {
                    case.silent_since = None;
                }
                let call_id = call_id.clone();
                if let Some(since) = since {
                    self.silence(now, &call_id, since, false);
                }
                if let Some(case) = self.cases.get_mut(&call_id) {
                    case.row = row.to_string();
                    case.typed.clear();
                }
            }
            News::Key { key } => {
                case.counted.extend(key.map(|key| key.as_char()));
                case.typed.extend(key.map(|key| key.as_char()));
                case.agreed = self.law.tapes.consent(&case.row, &case.typed).or(case.agreed);
                // A caller who types is not left in silence.
                if case.silent_since.is_some() {
                    case.silent_since = Some(now);
                }
            }
            News::Began { .. } | News::Ended { .. } => {}
        }
    }

    /// A table was published: calls that begin from now on follow it, and no others.
    pub fn published(&mut self, other: bool) {
        self.other_table = other;
    }

    /// A row, or a table's version, belongs to the table that was live when the call began.
    fn keeps_its_table(&mut self, now: Instant, call: CallKey, row: &str) {
        if row.ends_with(OTHER) != self.on_other_table.contains(&call) {
            let call_id = self.calls.get(&call).cloned().unwrap_or_default();
            self.broken(now, "a call keeps its table", &call_id, format!("{row} of another table"));
        }
    }

    /// A caller is on hold, or came back: silence counts anew.
    pub fn holding(&mut self, now: Instant, call_id: &str, holding: bool) {
        if let Some(case) = self.cases.get_mut(call_id) {
            case.holding = holding;
            case.silent_since = (!holding && !case.sounding && case.is_connected()).then_some(now);
        }
    }

    /// Time went by: whatever was owed by now.
    pub fn check(&mut self, now: Instant) {
        self.check_acks(now);
        while let Some((due, call_id, owes)) = self.owed.first().cloned() {
            if due + MARGIN >= now {
                return;
            }
            self.owed.pop_first();
            // Past 64·T1 nothing more is owed, but the case remembers that no ACK came.
            let Some(case) = self.cases.get(&call_id) else { continue };
            let (owed, rule) = match owes {
                Owes::Ack(cseq) => (case.owed.get(&cseq), "200 until ACK"),
                Owes::Prack(rseq) => (case.reliable.get(&rseq), "183 until PRACK"),
            };
            if owed.is_some_and(|owed| due < owed.first + GIVE_UP) {
                self.broken(now, rule, &call_id, format!("not repeated at {due:?}"));
            }
        }
    }

    fn broken(&mut self, now: Instant, rule: &'static str, call: &str, what: String) {
        self.violations.push(Violation { at: now, rule, call: call.to_owned(), what });
    }
}

/// A name as far as it can be read: what noise made of the rest may be folded or replaced on its way.
fn plainly(call_id: &str) -> String {
    call_id.chars().filter(char::is_ascii_alphanumeric).collect()
}

#[cfg(test)]
mod far_tests;
#[cfg(test)]
mod tests;
