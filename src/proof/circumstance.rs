//! When a call comes, from whom, and what operators turned on: one of each kind that the table can tell apart.

use crate::number::{Caller, CallerKind};
use crate::routing::calendar;
use crate::routing::plan::{Condition, HoursId, Plan};
use crate::routing::switch::Switches;
use crate::time::Wall;
use jiff::Timestamp;
use jiff::civil::DateTime;
use std::collections::BTreeSet;
use std::sync::Arc;

/// What the table can ask about a call before it says a word, and a call of which it is so.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Circumstance {
    /// When it comes.
    pub at: Wall,
    /// Which hours are open then, in the order of the table; the last says whether it is a public holiday.
    pub open: Vec<bool>,
    /// Who calls.
    pub caller: Caller,
    /// The switches that are on.
    pub on: Vec<Arc<str>>,
    /// Its chance: shares and weights go by it.
    pub chance: u64,
}

/// The moment from which moments are looked for, in the table's zone: where scripts begin too.
const FROM: DateTime = DateTime::constant(2026, 11, 24, 10, 0, 0, 0);
/// Two weeks show every week's hours.
const ORDINARY: i64 = 14 * 24 * 3_600_000_000;
/// The day before a public holiday on a weekday, and three days from there.
const FESTIVE: DateTime = DateTime::constant(2026, 12, 24, 10, 0, 0, 0);
const FESTIVE_DAYS: i64 = 3 * 24 * 3_600_000_000;
/// Changes that are looked at: rows with several breaks a day, for two weeks.
const CHANGES_MAX: usize = 2_000;
/// Switches whose every combination is looked at; more are looked at one by one and all together.
const SWITCHES_COMBINED: usize = 4;
/// Calls of different chance, where chance decides anything: all but a share of one in a hundred meets one of these.
const CHANCES: u64 = 48;

/// One call of each kind, the usual working morning first.
pub fn circumstances(plan: &Plan) -> Vec<Circumstance> {
    let mut seen = BTreeSet::new();
    let times: Vec<Circumstance> = moments(plan)
        .into_iter()
        .map(|at| Circumstance::at(plan, at))
        .filter(|circumstance| seen.insert(circumstance.open.clone()))
        .collect();
    let (callers, switches) = (callers(plan), switched(plan));
    let chances = if goes_by_chance(plan) { CHANCES } else { 1 };
    let mut all = Vec::new();
    for time in &times {
        for caller in &callers {
            for on in &switches {
                for chance in 0..chances {
                    let (caller, on) = (caller.clone(), on.clone());
                    all.push(Circumstance { caller, on, chance, ..time.clone() });
                }
            }
        }
    }
    all
}

/// The moments at which something of the table's hours changes, and the first of all.
pub fn moments(plan: &Plan) -> BTreeSet<Wall> {
    let hours: Vec<HoursId> = (0..plan.hours.len()).map(HoursId).collect();
    let mut moments = BTreeSet::new();
    for (from, long) in [(FROM, ORDINARY), (FESTIVE, FESTIVE_DAYS)] {
        let from = plan.timezone.to_timestamp(from).unwrap_or(Timestamp::UNIX_EPOCH);
        let from = Wall::from_micros(from.as_microsecond());
        let until = Wall::from_micros(from.as_micros() + long);
        moments.insert(from);
        moments.extend(calendar::moments(plan, &hours, from).take(CHANGES_MAX).take_while(|at| *at < until));
    }
    for exception in plan.hours.iter().flat_map(|hours| &hours.exceptions) {
        let begins = plan.timezone.to_timestamp(exception.first.at(0, 0, 0, 0)).unwrap_or(Timestamp::UNIX_EPOCH);
        let begins = Wall::from_micros(begins.as_microsecond());
        let until = Wall::from_micros(begins.as_micros() + 24 * 3_600_000_000);
        moments.insert(begins);
        moments.extend(calendar::moments(plan, &hours, begins).take(CHANGES_MAX).take_while(|at| *at < until));
    }
    moments
}

fn conditions(plan: &Plan) -> impl Iterator<Item = &Condition> {
    plan.numbers.iter().flat_map(|number| &number.when).map(|when| &when.condition)
}

/// A caller without a number, and one for each condition that asks who calls.
fn callers(plan: &Plan) -> Vec<Caller> {
    let mut all = vec![Caller::new("")];
    for condition in conditions(plan) {
        match condition {
            Condition::Caller(patterns) => all.extend(patterns.iter().map(|pattern| Caller::new(&pattern.example()))),
            Condition::CallerKind(kind) => all.push(Caller::new(match kind {
                CallerKind::Relay => "107",
                CallerKind::Mobile => "01012345678",
                CallerKind::Landline => "0212345678",
                CallerKind::Internet => "07012345678",
                CallerKind::Foreign => "+12025550123",
                CallerKind::Withheld => "",
                CallerKind::Other => "15880000",
            })),
            Condition::Outside(_)
            | Condition::Holiday(_)
            | Condition::Switch(_)
            | Condition::Language(_)
            | Condition::Share(_) => {}
        }
    }
    let mut seen = BTreeSet::new();
    // Somebody whom no condition means is there too.
    if all.len() > 1 {
        all.push(Caller::new("01098765432"));
    }
    all.retain(|caller| seen.insert(caller.secret().to_owned()));
    all
}

/// Which switches are on: every combination of a few, of many each alone and all together.
fn switched(plan: &Plan) -> Vec<Vec<Arc<str>>> {
    let names: BTreeSet<Arc<str>> = conditions(plan)
        .filter_map(|condition| match condition {
            Condition::Switch(name) => Some(name.clone()),
            _ => None,
        })
        .collect();
    let names: Vec<Arc<str>> = names.into_iter().collect();
    if names.len() > SWITCHES_COMBINED {
        let alone = names.iter().map(|name| vec![name.clone()]);
        return std::iter::once(Vec::new()).chain(alone).chain([names.clone()]).collect();
    }
    let combination = |bits: usize| {
        names.iter().enumerate().filter(|(at, _)| bits >> at & 1 == 1).map(|(_, name)| name.clone()).collect()
    };
    (0..1 << names.len()).map(combination).collect()
}

/// Whether calls that are alike in all else may be led differently.
fn goes_by_chance(plan: &Plan) -> bool {
    let shared = conditions(plan).any(|condition| matches!(condition, Condition::Share(_)));
    shared || weighted(plan)
}

/// Whether the addresses of some centre share its calls.
pub fn weighted(plan: &Plan) -> bool {
    let shares = |center: &crate::routing::plan::Center| {
        let mut orders = BTreeSet::new();
        center.shares.iter().any(|share| !orders.insert(share.order))
    };
    plan.centers.iter().any(shares)
}

impl Circumstance {
    /// A call at a moment from nobody in particular, with every switch off.
    pub fn at(plan: &Plan, at: Wall) -> Self {
        let hours = (0..plan.hours.len()).map(|hours| calendar::is_open(plan, HoursId(hours), at));
        let open = hours.chain([calendar::is_holiday(plan, at)]).collect();
        Self { at, open, caller: Caller::new(""), on: Vec::new(), chance: 0 }
    }

    /// Whether these hours are open.
    pub fn is_open(&self, hours: HoursId) -> bool {
        self.open.get(hours.0).copied().unwrap_or(false)
    }

    /// The switches as the engine is told of them.
    pub fn switches(&self) -> Arc<Switches> {
        let mut switches = Switches::default();
        self.on.iter().for_each(|name| switches.turn_on(name, None));
        Arc::new(switches)
    }
}
