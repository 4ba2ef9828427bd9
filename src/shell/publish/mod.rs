//! Publishing: a table is checked, proved and tested, kept, and taken over by the engine in one step; or nothing changes.
//!
//! ```text
//! ivr1357 publish -> control socket --.
//! SIGHUP ----------------------------> [Publisher] one thread, one order at a time -> inbox -> engine thread: a pointer
//! start -------------------------------'   press: gate, versions on disk
//! ```
//!
//! The order of things makes it safe: first the gate, then the disk, then the engine. A version that is not on disk never goes
//! live, and one that is on disk is what the next start begins with, so that a process killed between the two has published.
//! The gate itself (`routing::check`, `proof`) is handed in from above: the shell knows neither.

pub mod ask;
mod press;
pub mod start;

use crate::engine::Edition;
use crate::limits::{FINDINGS_LOGGED_MAX, ORDERS_WAITING_MAX, PUBLISH_WORD_CHARS_MAX};
use crate::media::Clip;
use crate::routing::{Language, Plan};
use crate::shell::inbox::{Inbox, Message};
use crate::shell::local::Ours;
use crate::shell::versions::{Version, Who};
use crate::speech::Catalogue;
use crate::time::Duration;
pub use press::{Live, Press};
use serde::{Deserialize, Serialize};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use tokio::sync::oneshot;
use tracing::{error, info, warn};

/// What is asked of a table before it goes live.
pub type Gate = fn(&Candidate<'_>) -> Verdict;

/// A table that wants to go live.
#[derive(Clone, Copy, Debug)]
pub struct Candidate<'a> {
    /// What its publisher calls it.
    pub name: &'a str,
    /// The table.
    pub bytes: &'a [u8],
    /// The prompts there are.
    pub catalogue: &'a Catalogue,
    /// What is live: the difference is told.
    pub live: Option<&'a Arc<Plan>>,
    /// Where calls reach us: no centre may be there.
    pub ours: &'a Ours,
    /// In which language.
    pub language: Language,
}

/// What the gate says.
#[derive(Clone, Debug)]
pub enum Verdict {
    /// It may go live.
    Green {
        /// What it means.
        plan: Arc<Plan>,
        /// Warnings, and what was proved and tested.
        told: String,
        /// Which callers go elsewhere now.
        difference: String,
    },
    /// It may not.
    Red {
        /// Every mistake, broken promise and failed test at once.
        told: String,
        /// The same without pictures, one line each: for the log.
        findings: Vec<String>,
    },
}

/// Something to publish.
#[derive(Clone, Debug)]
pub struct Order {
    /// What.
    pub what: What,
    /// Who wants it.
    pub who: Who,
    /// Why.
    pub why: String,
    /// Only when this version is live.
    pub over: Option<u64>,
    /// All but the publishing itself.
    pub dry_run: bool,
    /// The language of the answer.
    pub language: Language,
}

/// What an order publishes.
#[derive(Clone, Debug)]
pub enum What {
    /// These bytes.
    Table {
        /// The file they came from.
        file: String,
        /// The table.
        bytes: Vec<u8>,
    },
    /// The file as it is on disk now.
    File(PathBuf),
    /// An earlier version once more; none named: the one that the live one took over from.
    Again(Option<u64>),
    /// Nothing: the table of a first start, which went live unproved, is proved now.
    Prove,
}

/// How an order ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Done {
    /// It is live.
    Published,
    /// It was live already.
    Unchanged,
    /// It would go live, but for `--dry-run`.
    WouldPublish,
    /// It is not live: the table is red, or somebody was faster.
    Refused,
    /// It is not live: the machine's fault, not the table's.
    Failed,
}

/// What an order comes to.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Answer {
    /// How it ended.
    pub done: Done,
    /// The version that is live now.
    pub live: u64,
    /// What was published, or would be.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub version: Option<Version>,
    /// One sentence: what happened.
    pub sentence: String,
    /// Mistakes, proof, tests.
    pub told: String,
    /// What made it red, one line each; not for whoever is shown `told`.
    #[serde(skip)]
    pub findings: Vec<String>,
    /// Which callers go elsewhere now.
    pub difference: String,
    /// What else the publisher should know.
    pub notes: Vec<String>,
    /// How long new calls waited for it, in microseconds: what the engine thread spent.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub swap_us: Option<f64>,
}

/// Something that somebody should look at, in Korean and in English.
pub type Alarm = [String; 2];

/// What others may see of the publisher.
#[derive(Clone, Debug)]
pub struct State {
    /// What is live.
    pub live: Version,
    /// What it means.
    pub plan: Arc<Plan>,
    /// What somebody should look at; a publication clears them.
    pub alarms: Vec<Alarm>,
}

/// The door to the publisher's thread.
#[derive(Debug)]
pub struct Publisher {
    orders: SyncSender<Job>,
    state: Arc<Mutex<State>>,
}

struct Job {
    order: Order,
    answer: Option<oneshot::Sender<Answer>>,
}

impl Publisher {
    /// Starts the thread; it ends when the last handle is gone and all orders are done.
    pub fn start(press: Press, inbox: Arc<Inbox>, alarms: Vec<Alarm>) -> std::io::Result<(Arc<Self>, JoinHandle<()>)> {
        let (orders, waiting) = sync_channel(ORDERS_WAITING_MAX);
        let state = Arc::new(Mutex::new(State {
            live: press.live().version.clone(),
            plan: Arc::clone(&press.live().edition.plan),
            alarms,
        }));
        let theirs = Arc::clone(&state);
        let work = move || Thread { press, inbox, state: theirs, retired: Vec::new() }.run(&waiting);
        let thread = std::thread::Builder::new().name("publisher".to_owned()).spawn(work)?;
        Ok((Arc::new(Self { orders, state }), thread))
    }

    /// Queues an order. `None`: too many wait, or the process is ending.
    pub fn order(&self, order: Order) -> Option<oneshot::Receiver<Answer>> {
        let (answer, answered) = oneshot::channel();
        match self.orders.try_send(Job { order, answer: Some(answer) }) {
            Ok(()) => Some(answered),
            Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => None,
        }
    }

    /// Queues an order whose answer goes to the log alone.
    pub fn order_unwatched(&self, order: Order) {
        if self.orders.try_send(Job { order, answer: None }).is_err() {
            warn!("not published: too many orders wait");
        }
    }

    /// What is live, and what is wrong.
    pub fn state(&self) -> State {
        lock(&self.state).clone()
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    // Assignments alone happen under the lock.
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A sound of slow reading takes a fifth of a millisecond, so that all of a large table take a thread some fiftieth of its time for ten seconds.
const BETWEEN_SOUNDS_MADE: Duration = Duration::from_millis(10);

struct Thread {
    press: Press,
    inbox: Arc<Inbox>,
    state: Arc<Mutex<State>>,
    /// Editions that calls may still hold: the last holder frees thousands of rows, and that shall not be the engine thread.
    retired: Vec<Arc<Edition>>,
}

impl Thread {
    fn run(mut self, waiting: &Receiver<Job>) {
        // Calls go first: a sound is made now and then, while no order waits.
        let mut unmade = self.press.live().edition.unmade();
        loop {
            let job = match unmade.last() {
                None => waiting.recv().map_err(|_| RecvTimeoutError::Disconnected),
                Some(_) => waiting.recv_timeout(BETWEEN_SOUNDS_MADE),
            };
            let Job { order, answer } = match job {
                Ok(job) => job,
                Err(RecvTimeoutError::Timeout) => {
                    unmade.pop().iter().for_each(prepare);
                    continue;
                }
                Err(RecvTimeoutError::Disconnected) => return,
            };
            let (who, what) = (order.who.to_string(), order.what.clone());
            let language = order.language;
            // Nothing of the engine is touched before the gate has spoken: a panic in it costs this order alone.
            let answered = catch_unwind(AssertUnwindSafe(|| self.carry_out(&order)))
                .unwrap_or_else(|_| self.press.failed(language, &["오류가 우리 쪽에 있습니다", "an error of ours"]));
            log(&what, &who, &answered);
            // Whoever waits for the answer is shown the findings; otherwise the log is where they stand.
            if answer.is_none() {
                findings_told(&answered.findings).for_each(|finding| warn!(finding, "in the table"));
            }
            if let Some(answer) = answer {
                // Whoever asked may be gone.
                let _ = answer.send(answered);
            }
            unmade = self.press.live().edition.unmade();
            self.retired.retain(|edition| Arc::strong_count(edition) > 1);
        }
    }

    fn carry_out(&mut self, order: &Order) -> Answer {
        if let What::Prove = order.what {
            return self.prove(order.language);
        }
        let printed = match self.press.print(order) {
            Ok(printed) => printed,
            Err(answer) => return *answer,
        };
        let (edition, mut answer) = (self.press.live().edition.clone(), printed.answer);
        self.retired.push(printed.replaced);
        // Before callers have it, whom a media thread would serve with sounds made at that moment.
        edition.unmade().iter().for_each(prepare);
        let (taken, is_taken) = sync_channel(1);
        self.inbox.push(Message::Published { edition, taken });
        // An engine that ends meanwhile never takes it; the next start does.
        answer.swap_us = is_taken.recv().ok().map(|took| took.as_secs_f64() * 1e6);
        let mut state = lock(&self.state);
        state.live = self.press.live().version.clone();
        state.plan = Arc::clone(&self.press.live().edition.plan);
        state.alarms.clear();
        answer
    }

    /// A first start answers calls before its table is proved; what the proof says is an alarm, not a refusal.
    fn prove(&mut self, language: Language) -> Answer {
        let answer = self.press.prove(language);
        lock(&self.state).live = self.press.live().version.clone();
        if answer.done == Done::Refused {
            let live = answer.live;
            lock(&self.state).alarms.push([
                format!("{live}판이 증명되지 않은 채 쓰이고 있습니다: `ivr1357 test` 가 알려 줍니다"),
                format!("version {live} is live, but was never proved: `ivr1357 test` shows what is wrong"),
            ]);
        }
        answer
    }
}

/// Makes a slow sound. One that cannot be made costs nobody the next publication.
fn prepare(clip: &Arc<Clip>) {
    if catch_unwind(AssertUnwindSafe(|| clip.prepare())).is_err() {
        error!(prompt = clip.id, "a slow sound could not be made, by an error of ours");
    }
}

fn log(what: &What, who: &str, answer: &Answer) {
    let Answer { done, live, sentence, .. } = answer;
    match (what, done) {
        (What::Prove, Done::Refused) => error!(version = live, "alarm: the live table breaks promises to callers"),
        (What::Prove, _) => info!(version = live, "the live table is proved"),
        (_, Done::Published) => {
            let version = answer.version.as_ref();
            let hash = version.map_or("", Version::short_hash);
            let why = version.map_or("", |version| version.why.as_str());
            info!(version = live, hash, who, why, swap_us = answer.swap_us, "published");
        }
        (_, Done::Unchanged) => info!(version = live, who, "nothing to publish: it is live already"),
        (_, Done::WouldPublish) => info!(version = live, who, "would be published"),
        (_, Done::Refused) => warn!(version = live, who, sentence, "not published: the live table stays"),
        (_, Done::Failed) => error!(version = live, who, sentence, "alarm: not published, the live table stays"),
    }
}

/// The findings as the log has them: a line each, and how many more there are.
fn findings_told(findings: &[String]) -> impl Iterator<Item = String> {
    let more = findings.len().saturating_sub(FINDINGS_LOGGED_MAX);
    let rest = (more > 0).then(|| format!("and {more} more: `ivr1357 test` shows all"));
    findings.iter().take(FINDINGS_LOGGED_MAX).cloned().chain(rest)
}

/// A word of a person in a record or a log: one line, and not a novel.
pub fn tidy_word(text: &str) -> String {
    let text: String =
        text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(PUBLISH_WORD_CHARS_MAX).collect();
    text.trim().to_owned()
}

#[cfg(test)]
mod tests;
