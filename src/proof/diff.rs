//! Two tables walked in step: where a caller who does the same meets something else.
//!
//! A pair of calls, one on each table, takes every step together. Where both meet the same, the pair goes on; where
//! they are led apart, that is a difference, and the way there is the shortest.

use super::circumstance::{Circumstance, circumstances, weighted};
use super::line::{Line, Step};
use super::way;
use crate::call::session::standing::{Place, Reach, Standing};
use crate::call::{Effect, Outcome, Saying};
use crate::limits::STATES_MAX;
use crate::number::{Dialled, Key};
use crate::routing::Language;
use crate::routing::plan::{Plan, PromptId};
use crate::time::{Duration, Wall};
use std::collections::{BTreeMap, BTreeSet, HashSet, VecDeque};
use std::sync::Arc;

/// What is different.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Change {
    /// A number is answered by one table only.
    Number,
    /// The caller is led elsewhere, or ends otherwise.
    Elsewhere,
    /// The caller goes the same way; its rows have other names.
    Renamed,
    /// Other words are said on the same way.
    Words,
    /// The call is recorded by one table only.
    Recording,
    /// Something waits longer or shorter, or listens earlier or later.
    Waits,
}

/// A difference.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Difference {
    /// What is different.
    pub change: Change,
    /// What was dialled.
    pub dialled: Dialled,
    /// When, and from whom.
    pub at: Circumstance,
    /// The steps there; the last one shows it.
    pub steps: Vec<Step>,
    /// The row in which the caller was.
    pub row: Arc<str>,
    /// What the old table did then.
    pub old: Met,
    /// What the new one does.
    pub new: Met,
}

/// What a caller meets after one step.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Default, Debug)]
pub struct Met {
    /// Rows entered.
    pub rows: Vec<Arc<str>>,
    /// What is said, in order.
    pub prompts: Vec<PromptId>,
    /// The addresses of centres the caller is sent to.
    pub targets: Vec<String>,
    /// What is pressed for a centre that is called, once it has answered. How many is told, never which.
    pub post_dial: Vec<Key>,
    /// The call is over.
    pub end: Option<&'static str>,
    /// How long it waits then.
    pub waits: Option<Duration>,
    /// The silence that ends a message.
    pub listens: Option<Duration>,
    /// A recording of the call begins.
    pub recorded: bool,
    /// A key waits for the end of what is said.
    pub deaf: bool,
}

/// Every difference, each once for each pair of places; an empty list means that no caller can tell the tables apart.
pub fn compare(old: &Arc<Plan>, new: &Arc<Plan>) -> Vec<Difference> {
    let mut walk = Walk {
        nodes: Vec::new(),
        known: HashSet::new(),
        open: VecDeque::new(),
        seen: BTreeSet::new(),
        found: Vec::new(),
    };
    walk.begin(old, new);
    walk.run();
    walk.found.sort_by_key(|difference| difference.change);
    walk.found
}

/// A pair of calls in step.
struct Pair {
    lines: [Line; 2],
    standings: [Standing; 2],
    node: usize,
}

/// How a pair came to be: from another, by a step; or by dialling.
enum Node {
    Root { dialled: Dialled, at: Circumstance },
    From(usize, Step),
}

struct Walk {
    nodes: Vec<Node>,
    known: HashSet<(u32, [Standing; 2])>,
    open: VecDeque<(u32, Pair)>,
    seen: BTreeSet<(Change, Arc<str>, Met, Met)>,
    found: Vec<Difference>,
}

impl Walk {
    fn begin(&mut self, old: &Arc<Plan>, new: &Arc<Plan>) {
        let patterns = [old, new].into_iter().flat_map(|plan| &plan.numbers).flat_map(|number| &number.dialled);
        let all: BTreeSet<Dialled> = patterns.map(|pattern| Dialled::new(&pattern.example())).collect();
        let mut seen = BTreeSet::new();
        let at: Vec<Circumstance> = circumstances(old)
            .into_iter()
            .chain(circumstances(new))
            .filter(|call| {
                let open = [old, new].map(|plan| Circumstance::at(plan, call.at).open);
                seen.insert((open, call.caller.secret().to_owned(), call.on.clone(), call.chance))
            })
            .collect();
        let mut classes = BTreeMap::new();
        let mut numbers = BTreeSet::new();
        for dialled in all {
            let places = (old.number_at(&dialled), new.number_at(&dialled));
            let (Some(before), Some(after)) = places else {
                self.unanswered(&dialled, &at, old, new);
                continue;
            };
            // Two ways to dial one row are one way through the table.
            if !numbers.insert((before, after)) {
                continue;
            }
            for at in &at {
                let lines = [Line::called(old, before, at), Line::called(new, after, at)];
                let standings = [lines[0].standing(), lines[1].standing()];
                let node = self.nodes.len();
                self.nodes.push(Node::Root { dialled: dialled.clone(), at: at.clone() });
                // Calls that differ only in who calls differ in where they enter, and in nothing after it.
                let open = [old, new].map(|plan| Circumstance::at(plan, at.at).open);
                let chance = if weighted(old) || weighted(new) { at.chance } else { 0 };
                let next = classes.len() as u32;
                let class = *classes.entry(((before, after), open, chance)).or_insert(next);
                self.open.push_back((class, Pair { lines, standings, node }));
            }
        }
    }

    fn unanswered(&mut self, dialled: &Dialled, at: &[Circumstance], old: &Plan, new: &Plan) {
        let met = |plan: &Plan| Met {
            rows: plan.number(dialled).map(|number| number.row.clone()).into_iter().collect(),
            end: plan.number(dialled).is_none().then_some("refused"),
            ..Met::default()
        };
        self.found.push(Difference {
            change: Change::Number,
            dialled: dialled.clone(),
            at: at.first().cloned().unwrap_or_else(|| Circumstance::at(old, Wall::default())),
            steps: Vec::new(),
            row: "number".into(),
            old: met(old),
            new: met(new),
        });
    }

    fn run(&mut self) {
        let mut steps = Vec::new();
        while let Some((class, pair)) = self.open.pop_front() {
            let [line, other] = &pair.lines;
            steps.clear();
            line.possible(&pair.standings[0], &mut steps);
            // What the new table takes, the old one may not.
            let more: Vec<Step> = other.entries().filter(|step| !steps.contains(step)).collect();
            steps.extend(more);
            // A pause among post-dial digits goes by; where the other table has none, the two talk already.
            if pair.standings.iter().any(is_post_dialling) {
                steps = vec![Step::Silence];
            }
            // Hanging up and holding are the caller's own.
            steps.retain(|step| !matches!(step, Step::HangUp | Step::Hold | Step::Resume));
            for &step in &steps {
                self.step(class, &pair, step);
            }
        }
    }

    fn step(&mut self, class: u32, pair: &Pair, step: Step) {
        let mut lines = pair.lines.clone();
        let [old, new] = &mut lines;
        let (old, new) = (meet(old, step), meet(new, step));
        let standings = [lines[0].standing(), lines[1].standing()];
        let waiting = old.deaf != new.deaf;
        let change = if waiting { Some(Change::Waits) } else { changed(&old, &new) };
        let apart = matches!(change, Some(Change::Elsewhere)) || waiting;
        match change {
            Some(_) if waiting => {
                let (change, old, new) = in_the_end(&lines, old, new);
                self.tell(change, pair, step, old, new);
            }
            Some(change) => self.tell(change, pair, step, old, new),
            None => {}
        }
        let over = standings.iter().any(|standing| standing.place == Place::Done);
        if apart || over || self.known.len() >= STATES_MAX || !self.known.insert((class, standings.clone())) {
            return;
        }
        let node = self.nodes.len();
        self.nodes.push(Node::From(pair.node, step));
        self.open.push_back((class, Pair { lines, standings, node }));
    }

    fn tell(&mut self, change: Change, pair: &Pair, step: Step, old: Met, new: Met) {
        let row = pair.lines[0].record().path().last().cloned().unwrap_or_else(|| "number".into());
        // The same words after the same key are one difference, whether or not another key waits behind them.
        let key = |met: &Met| match change {
            Change::Waits => met.clone(),
            _ => Met { waits: None, deaf: false, ..met.clone() },
        };
        if !self.seen.insert((change, row.clone(), key(&old), key(&new))) {
            return;
        }
        let mut steps = vec![step];
        let mut at = pair.node;
        let (dialled, wall) = loop {
            match &self.nodes[at] {
                Node::Root { dialled, at } => break (dialled.clone(), at.clone()),
                Node::From(before, step) => {
                    steps.push(*step);
                    at = *before;
                }
            }
        };
        steps.reverse();
        self.found.push(Difference { change, dialled, at: wall, steps, row, old, new });
    }
}

fn is_post_dialling(standing: &Standing) -> bool {
    matches!(standing.place, Place::Transfer { reach: Reach::PostDialling(_), .. })
}

/// One step, and what the caller meets.
fn meet(line: &mut Line, step: Step) -> Met {
    let mut effects = Vec::new();
    line.step(step, &mut effects);
    let mut met = Met::default();
    for effect in effects {
        match effect {
            Effect::Entered(row) => met.rows.push(row),
            Effect::Play { said, .. } => met.prompts.extend(said.iter().map(Saying::told)),
            Effect::Refer { target, .. } => met.targets.push(target.to_string()),
            Effect::Call { target, .. } => {
                met.targets.push(target.to_string());
                met.post_dial = line.post_dial();
            }
            Effect::Over => met.end = Some(outcome(line.record().outcome())),
            Effect::Record { silence: None, .. } => met.recorded = true,
            Effect::Record { silence, .. } => met.listens = silence,
            Effect::StopPlaying | Effect::HangUp | Effect::Answer | Effect::Pressed(_) => {}
            Effect::PauseRecording(..) | Effect::EndRecording(_) | Effect::Discard { .. } => {}
            // Which keys was told with the call.
            Effect::PostDial(_) | Effect::Unbridge => {}
            Effect::DropCall | Effect::Bridge | Effect::Overhear | Effect::GiveWay | Effect::FarHears(_) => {}
        }
    }
    met.waits = line.waits().map(|until| until.since(line.now().instant));
    met.deaf = !line.standing().ahead.is_empty();
    met
}

/// So many words are heard to their end before a key that waits behind them counts: the choices of a menu, and what stands around them.
const HEARD_MAX: usize = 64;

/// A key counts at once in one table and waits behind words in the other: whether its caller comes to the same in the end, and what each meets.
fn in_the_end(lines: &[Line; 2], old: Met, new: Met) -> (Change, Met, Met) {
    let settle = |line: &Line, met: &Met| {
        let (mut line, mut met) = (line.clone(), met.clone());
        for _ in 0..HEARD_MAX {
            let standing = line.standing();
            if standing.ahead.is_empty() || standing.place == Place::Done {
                break;
            }
            let more = meet(&mut line, Step::Heard);
            met.rows.extend(more.rows);
            met.targets.extend(more.targets);
            met.end = met.end.or(more.end);
        }
        met
    };
    let (last, next) = (settle(&lines[0], &old), settle(&lines[1], &new));
    if last.rows == next.rows && last.targets == next.targets && last.end == next.end {
        // When it counts is all that is different.
        let when = |met: Met| Met { deaf: met.deaf, ..Met::default() };
        return (Change::Waits, when(old), when(new));
    }
    // What is met first says more than how it ends.
    let first = |met: Met, settled: Met| if met.rows.is_empty() { settled } else { met };
    (Change::Elsewhere, first(old, last), first(new, next))
}

/// The outcome's word in records.
pub(super) fn outcome(outcome: Option<Outcome>) -> &'static str {
    outcome.map_or("failed", Outcome::word)
}

fn changed(old: &Met, new: &Met) -> Option<Change> {
    let rows = old.rows == new.rows;
    let words = old.prompts == new.prompts;
    if old.targets != new.targets || old.post_dial != new.post_dial || old.end != new.end || (!rows && !words) {
        return Some(Change::Elsewhere);
    }
    if !rows {
        // Nothing but the names tells them apart so far; what follows is compared as it comes.
        return Some(Change::Renamed);
    }
    if !words {
        return Some(Change::Words);
    }
    if old.recorded != new.recorded {
        return Some(Change::Recording);
    }
    (old.waits != new.waits || old.listens != new.listens).then_some(Change::Waits)
}

impl Difference {
    /// The difference in a few lines.
    pub fn words(&self, plans: [&Arc<Plan>; 2], lengths: &BTreeMap<String, Duration>, language: Language) -> String {
        let [old, new] = plans;
        let script = way::script_from(old, (&self.dialled, &self.at), &self.steps, lengths);
        let keys = way::keys(&self.steps, language);
        let (row, dialled) = (&self.row, self.dialled.as_str());
        let (before, after) = (self.old.words(old, &self.new, language), self.new.words(new, &self.old, language));
        match language {
            Language::Korean => {
                format!("{row}: {before} → {after}\n   누르기: {keys} ({dialled})\n   ivr1357 try \"{script}\"")
            }
            Language::English => {
                format!("{row}: {before} -> {after}\n   keys: {keys} ({dialled})\n   ivr1357 try \"{script}\"")
            }
        }
    }
}

impl Met {
    /// What of this is not in the other.
    fn words(&self, plan: &Plan, other: &Self, language: Language) -> String {
        if let Some(end) = self.end {
            return match (end, self.rows.last()) {
                ("refused", _) => language.of(&["받지 않음", "not answered"]).to_string(),
                ("transferred", _) => language.of(&["연결됨", "connected"]).to_string(),
                ("message", _) => language.of(&["말을 남기고 끝남", "ends with a message"]).to_string(),
                ("announced", _) => language.of(&["안내하고 끝냄", "ends after the announcement"]).to_string(),
                (other, _) => other.to_owned(),
            };
        }
        if self.rows != other.rows
            && let Some(row) = self.rows.last()
        {
            let name = plan.centers.iter().find(|center| center.row == *row).map(|center| format!(" {}", center.name));
            return format!("{row}{}", name.unwrap_or_default());
        }
        if self.targets != other.targets {
            return self.targets.join(", ");
        }
        if self.post_dial != other.post_dial {
            let others = if self.post_dial.len() == other.post_dial.len() { ["다른 ", "other "] } else { ["", ""] };
            let count = self.post_dial.len();
            return match language {
                Language::Korean => format!("받은 뒤 {}버튼 {count}개", others[0]),
                Language::English => format!("{count} {}keys after the answer", others[1]),
            };
        }
        if self.prompts != other.prompts {
            let of_its_own: Vec<&str> =
                self.prompts.iter().filter(|id| !other.prompts.contains(id)).map(|id| &**id).collect();
            return match (of_its_own.is_empty(), self.prompts.is_empty()) {
                (false, _) => of_its_own.join("+"),
                (true, false) => self.prompts.iter().map(|id| &**id).collect::<Vec<_>>().join("+"),
                (true, true) => language.of(&["말 없음", "nothing said"]).to_string(),
            };
        }
        if self.recorded != other.recorded {
            let words = if self.recorded { ["녹음함", "recorded"] } else { ["녹음하지 않음", "not recorded"] };
            return language.of(&words).to_string();
        }
        if self.deaf != other.deaf {
            let words = if self.deaf {
                ["안내가 끝난 뒤에 셈", "counts after the words"]
            } else {
                ["바로 셈", "counts at once"]
            };
            return language.of(&words).to_string();
        }
        match self.listens.filter(|_| self.listens != other.listens).or(self.waits) {
            Some(waits) => format!("{} s", waits.as_secs_f64()),
            None => language.of(&["기다리지 않음", "waits for nothing"]).to_string(),
        }
    }
}
