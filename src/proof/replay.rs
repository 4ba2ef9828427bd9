//! Recorded calls, made again: on the table they followed and on a new one.
//!
//! A record holds which keys counted in which menu, and what became of each transfer. On the old table that gives the call
//! back step by step; on the new one the same caller does the same, and a centre does what it did then, or answers.

use super::diff::outcome;
use super::line::{Line, Sound, Step};
use crate::call::Effect;
use crate::call::input::Turn;
use crate::call::session::standing::{Place, Reach, Stage};
use crate::number::{Dialled, Key};
use crate::routing::accepts::Class;
use crate::routing::plan::Plan;
use crate::time::Wall;
use jiff::Timestamp;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Steps of one call; a record with more is not one of ours.
const STEPS_MAX: usize = 2_000;

/// What a replay found.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Replayed {
    /// Calls replayed.
    pub calls: usize,
    /// Calls that went otherwise than recorded on the old table already: it is not the table they followed.
    pub unlike: usize,
    /// Lines that are not records.
    pub unreadable: usize,
    /// Calls that would end otherwise.
    pub otherwise: Vec<Otherwise>,
}

/// A call that would end otherwise.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Otherwise {
    /// Its key.
    pub call: String,
    /// When it began.
    pub began: String,
    /// How it ended on the old table.
    pub old: String,
    /// How it would on the new one.
    pub new: String,
}

/// What is read of a record.
#[derive(Deserialize)]
struct Recorded<'r> {
    #[serde(borrow)]
    call: std::borrow::Cow<'r, str>,
    #[serde(borrow)]
    began: std::borrow::Cow<'r, str>,
    #[serde(borrow)]
    dialled: std::borrow::Cow<'r, str>,
    path: Vec<String>,
    keys: Vec<RecordedKeys>,
    #[serde(default)]
    entries: Vec<RecordedEntry>,
    #[serde(default)]
    messages: Vec<RecordedMessage>,
    attempts: Vec<RecordedAttempt>,
    outcome: Option<String>,
    cause: Option<String>,
}

#[derive(Deserialize)]
struct RecordedKeys {
    menu: String,
    keys: String,
}

#[derive(Deserialize)]
struct RecordedEntry {
    input: String,
    valid: bool,
}

#[derive(Deserialize)]
struct RecordedMessage {
    message: String,
    /// Absent in older records, which name those alone that were kept.
    result: Option<String>,
}

impl RecordedMessage {
    fn is_kept(&self) -> bool {
        self.result.as_ref().is_none_or(|result| result == "kept")
    }
}

#[derive(Deserialize)]
struct RecordedAttempt {
    center: String,
    result: String,
}

/// What a caller did in a menu, or at any other place.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Did {
    Pressed(String),
    /// Entered something that was taken, or was not: which digits, no record tells.
    Entered(bool),
    /// Left a message.
    Spoke,
    Waited,
    HungUp,
}

/// Replays one line of a file of records.
pub fn call(plans: [&Arc<Plan>; 2], line: &str, replayed: &mut Replayed) {
    if line.trim().is_empty() {
        return;
    }
    let recorded = serde_json::from_str::<Recorded<'_>>(line).ok();
    let Some((recorded, at)) = recorded.and_then(|recorded| {
        let at = recorded.began.parse::<Timestamp>().ok()?;
        Some((recorded, Wall::from_micros(at.as_microsecond())))
    }) else {
        replayed.unreadable += 1;
        return;
    };
    replayed.calls += 1;
    let dialled = Dialled::new(&recorded.dialled);
    let places = plans.map(|plan| plan.number_at(&dialled));
    let (went, did) = match places[0] {
        None => ("refused", Vec::new()),
        Some(number) => again(plans[0], number, at, &recorded),
    };
    if recorded.outcome.as_deref() != Some(went) {
        replayed.unlike += 1;
    }
    // Both by the same means, so that what the record does not tell is guessed alike.
    let [old, new] = [0, 1].map(|table| match places[table] {
        None => "refused".to_owned(),
        Some(number) => like(plans[table], number, at, &recorded, &did),
    });
    if old != new {
        let (call, began) = (recorded.call.into_owned(), recorded.began.into_owned());
        replayed.otherwise.push(Otherwise { call, began, old, new });
    }
}

/// The call on the table it followed: how it ends, and what the caller did on the way.
fn again(plan: &Arc<Plan>, number: usize, at: Wall, recorded: &Recorded<'_>) -> (&'static str, Vec<Did>) {
    let mut line = Line::new(plan, number, at);
    let mut did = Vec::new();
    let (mut keys, mut attempts) = (recorded.keys.iter().peekable(), recorded.attempts.iter());
    let mut entries = recorded.entries.iter().peekable();
    let mut effects = Vec::new();
    let mut messages = recorded.messages.iter().peekable();
    let hung_up = recorded.cause.as_deref() == Some("caller-hung-up");
    for _ in 0..STEPS_MAX {
        let place = line.standing().place;
        // Rows that were passed after the one the call is in now.
        let goes_on = recorded.path.len() > line.record().path().len();
        let step = match &place {
            Place::Done => break,
            Place::Talking(_) => Step::Parts,
            Place::Arriving => Step::Connect,
            Place::Menu(asking) => {
                let row = &plan.menu(asking.menu).row;
                match keys.next_if(|pressed| *pressed.menu == **row) {
                    Some(pressed) => {
                        did.push(Did::Pressed(pressed.keys.clone()));
                        press(&mut line, &pressed.keys, &mut effects);
                        continue;
                    }
                    None if goes_on || !hung_up => {
                        if did.last() != Some(&Did::Waited) {
                            did.push(Did::Waited);
                        }
                        waits(&line)
                    }
                    None => hang_up(&mut did),
                }
            }
            Place::Input(asking) => {
                let row = &plan.input(asking.input).row;
                match entries.next_if(|entry| *entry.input == **row) {
                    Some(entry) => {
                        did.push(Did::Entered(entry.valid));
                        enter(&mut line, entry.valid, goes_on || !hung_up, &mut effects);
                        continue;
                    }
                    None if goes_on || !hung_up => {
                        if did.last() != Some(&Did::Waited) {
                            did.push(Did::Waited);
                        }
                        waits(&line)
                    }
                    None => hang_up(&mut did),
                }
            }
            Place::Message(leaving) if matches!(leaving.stage, Stage::Recording | Stage::Ending) => {
                let row = &plan.message(leaving.message).row;
                match messages.next_if(|left| *left.message == **row) {
                    Some(left) if left.is_kept() => {
                        did.push(Did::Spoke);
                        Step::Speaks
                    }
                    Some(_) if goes_on || !hung_up => {
                        did.push(Did::Spoke);
                        Step::Spoils
                    }
                    None if goes_on || !hung_up => Step::SaysNothing,
                    Some(_) | None => hang_up(&mut did),
                }
            }
            // Somebody who hung up in the tone left none.
            Place::Message(_) if messages.peek().is_some() => waits(&line),
            Place::Transfer { .. } if matches!(line.sound(), Sound::Once(_)) => Step::Heard,
            Place::Transfer { reach: Reach::PostDialling(_), .. } => Step::Silence,
            Place::Transfer { .. } => match attempts.next().map(|attempt| &*attempt.result) {
                None | Some("left") => hang_up(&mut did),
                Some(result) => told(result),
            },
            // Gone already; what is still waited for does not come.
            Place::Leaving => Step::Silence,
            _ if goes_on || !hung_up => waits(&line),
            _ => hang_up(&mut did),
        };
        line.step(step, &mut effects);
        effects.clear();
    }
    (outcome(line.record().outcome()), did)
}

/// The same caller on another table.
fn like(plan: &Arc<Plan>, number: usize, at: Wall, recorded: &Recorded<'_>, did: &[Did]) -> String {
    let mut line = Line::new(plan, number, at);
    let mut did = did.iter().peekable();
    let mut results: BTreeMap<&str, std::collections::VecDeque<&str>> = BTreeMap::new();
    for attempt in &recorded.attempts {
        results.entry(&attempt.center).or_default().push_back(&attempt.result);
    }
    let mut effects = Vec::new();
    let mut last_menu = None;
    for _ in 0..STEPS_MAX {
        let place = line.standing().place;
        let step = match &place {
            Place::Done => break,
            Place::Talking(_) => Step::Parts,
            Place::Arriving => Step::Connect,
            Place::Menu(asking) => match did.peek() {
                Some(Did::Pressed(keys)) => {
                    did.next();
                    last_menu = None;
                    press(&mut line, keys, &mut effects);
                    continue;
                }
                // The old table asked for something else here.
                Some(Did::Entered(_) | Did::Spoke) => {
                    did.next();
                    continue;
                }
                // One wait lasts until the menu has led on.
                Some(Did::Waited) if last_menu.is_none() || last_menu == Some(asking.menu) => {
                    last_menu = Some(asking.menu);
                    waits(&line)
                }
                Some(Did::Waited) => {
                    did.next();
                    last_menu = None;
                    continue;
                }
                Some(Did::HungUp) => Step::HangUp,
                None => waits(&line),
            },
            Place::Input(_) => match did.peek() {
                Some(Did::Entered(valid)) => {
                    let valid = *valid;
                    did.next();
                    enter(&mut line, valid, true, &mut effects);
                    continue;
                }
                // Keys of a menu that is no more.
                Some(Did::Pressed(_) | Did::Spoke) => {
                    did.next();
                    continue;
                }
                Some(Did::HungUp) => Step::HangUp,
                Some(Did::Waited) | None => waits(&line),
            },
            Place::Message(leaving) if matches!(leaving.stage, Stage::Recording | Stage::Ending) => match did.peek() {
                Some(Did::Spoke) => {
                    did.next();
                    Step::Speaks
                }
                Some(Did::HungUp) => Step::HangUp,
                _ => Step::SaysNothing,
            },
            Place::Message(leaving) if leaving.stage != Stage::Gone => waits(&line),
            Place::Transfer { .. } if matches!(line.sound(), Sound::Once(_)) => Step::Heard,
            Place::Transfer { reach: Reach::PostDialling(_), .. } => Step::Silence,
            Place::Transfer { center, .. } => {
                if did.peek() == Some(&&Did::Waited) {
                    did.next();
                }
                let row = &*plan.center(*center).row;
                match results.get_mut(row).and_then(std::collections::VecDeque::pop_front) {
                    Some(result) => told(result),
                    None => Step::Reaches,
                }
            }
            _ if did.peek() == Some(&&Did::HungUp)
                && line.waits().is_none()
                && !matches!(line.sound(), Sound::Once(_)) =>
            {
                Step::HangUp
            }
            _ => waits(&line),
        };
        line.step(step, &mut effects);
        effects.clear();
    }
    ending(&line)
}

fn press(line: &mut Line, keys: &str, effects: &mut Vec<Effect>) {
    for key in keys.chars().filter_map(Key::from_char) {
        line.step(Step::Key(key), effects);
    }
    // A longer choice would still be possible: the caller pressed no more.
    if line.waits().is_some() && line.sound() == Sound::Nothing && collects(line) {
        line.step(Step::Silence, effects);
    }
    effects.clear();
}

/// Makes an entry that is taken, or one that is not; where it is read back, a caller who `stays` says that it is right.
fn enter(line: &mut Line, valid: bool, stays: bool, effects: &mut Vec<Effect>) {
    let class = |step: &Step| matches!(step, Step::Enter(typed) if (typed.class == Class::Valid) == valid);
    let made = line.entries().find(class);
    // An input that takes everything has no wrong entry but none at all.
    line.step(made.unwrap_or_else(|| waits(line)), effects);
    let place = line.standing().place;
    if matches!(&place, Place::Input(asking) if matches!(asking.turn, Turn::Collecting { .. })) {
        line.step(Step::Silence, effects);
    }
    let confirming = matches!(line.standing().place, Place::Input(asking) if asking.confirming);
    if let (true, true, Some(right)) = (confirming, stays, Key::from_char('1')) {
        line.step(Step::Key(right), effects);
    }
    effects.clear();
}

fn collects(line: &Line) -> bool {
    let place = line.standing().place;
    matches!(place, Place::Menu(asking) if matches!(asking.turn, crate::call::menu::Turn::Collecting(_)))
}

/// Time goes by: what is said is heard to its end, what waits waits in vain.
fn waits(line: &Line) -> Step {
    if matches!(line.sound(), Sound::Once(_)) { Step::Heard } else { Step::Silence }
}

fn hang_up(did: &mut Vec<Did>) -> Step {
    did.push(Did::HungUp);
    Step::HangUp
}

fn told(result: &str) -> Step {
    match result {
        "reached" => Step::Reaches,
        "failed" => Step::Fails,
        "refused" => Step::Refuses,
        "timeout" => Step::Silence,
        _ => Step::HangUp,
    }
}

/// How a call ended, and where.
fn ending(line: &Line) -> String {
    let record = line.record();
    let how = outcome(record.outcome());
    match how {
        "transferred" => {
            let reached = record.attempts().iter().rev().find(|attempt| attempt.took_ms.is_some());
            format!("{how} {}", reached.map_or("?", |attempt| &attempt.center))
        }
        _ => {
            let row = record.path().last().map_or("?", |row| &**row);
            format!("{how} {row}")
        }
    }
}
