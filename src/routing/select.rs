//! Where a caller of a number enters: the first condition that holds, else the number's own `go`.

use crate::number::Caller;
use crate::routing::calendar::{self, Day};
use crate::routing::plan::{Condition, Destination, HoursId, Number, Plan, Tongue, When};
use crate::routing::switch::Switches;
use crate::time::Wall;

/// What conditions are asked about.
#[derive(Clone, Copy, Debug)]
pub struct Situation<'a> {
    /// The time.
    pub at: Wall,
    /// Who calls.
    pub caller: &'a Caller,
    /// What operators turned on.
    pub switches: &'a Switches,
    /// The language the call is in; `None` is Korean.
    pub language: Option<&'a Tongue>,
    /// This call's draw, below 100.
    pub draw: u8,
}

/// Where a number's callers enter in this situation.
pub fn entrance(plan: &Plan, number: &Number, situation: Situation<'_>) -> Destination {
    condition(plan, number, situation).map_or(number.go, |when| when.go)
}

/// The condition that leads a number's callers elsewhere in this situation.
pub fn condition<'p>(plan: &Plan, number: &'p Number, situation: Situation<'_>) -> Option<&'p When> {
    number.when.iter().find(|when| holds(plan, &when.condition, situation))
}

/// Whether a condition holds.
pub fn holds(plan: &Plan, condition: &Condition, situation: Situation<'_>) -> bool {
    match condition {
        Condition::Outside(hours) => !calendar::is_open(plan, *hours, situation.at),
        Condition::Holiday(wanted) => calendar::is_holiday(plan, situation.at) == *wanted,
        Condition::Switch(name) => situation.switches.is_on(name, situation.at),
        Condition::Caller(patterns) => patterns.iter().any(|pattern| pattern.matches(situation.caller.secret())),
        Condition::CallerKind(kind) => situation.caller.kind() == *kind,
        Condition::Language(language) => situation.language == language.as_ref(),
        Condition::Share(percent) => situation.draw < *percent,
    }
}

/// The hours that a number's conditions ask.
pub fn hours_asked(number: &Number) -> impl Iterator<Item = HoursId> {
    number.when.iter().filter_map(|when| match when.condition {
        Condition::Outside(hours) => Some(hours),
        _ => None,
    })
}

/// The switches that a number's conditions ask.
pub fn switches_asked(number: &Number) -> impl Iterator<Item = &str> {
    number.when.iter().filter_map(|when| match &when.condition {
        Condition::Switch(name) => Some(&**name),
        _ => None,
    })
}

/// Whether a condition of the calendar holds at a moment of this day, which knows the hours it asks; `None` for those that do not hang on the time.
pub fn holds_on(day: &Day, condition: &Condition, at: Wall) -> Option<bool> {
    match *condition {
        Condition::Outside(hours) => Some(!day.is_open(hours, at)),
        Condition::Holiday(wanted) => Some(day.is_holiday == wanted),
        Condition::Switch(_)
        | Condition::Caller(_)
        | Condition::CallerKind(_)
        | Condition::Language(_)
        | Condition::Share(_) => None,
    }
}
