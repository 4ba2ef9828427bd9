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
        Condition::Outside(_) | Condition::Holiday(_) => holds_by_time(plan, condition, situation.at),
        Condition::Switch(name) => situation.switches.is_on(name, situation.at),
        Condition::Caller(patterns) => patterns.iter().any(|pattern| pattern.matches(situation.caller.secret())),
        Condition::CallerKind(kind) => situation.caller.kind() == *kind,
        Condition::Language(language) => situation.language == language.as_ref(),
        Condition::Share(percent) => situation.draw < *percent,
    }
}

/// Whether the number is open: the first thing that holds by the calendar, if any, does not close it.
pub fn is_open(plan: &Plan, number: &Number, at: Wall) -> bool {
    let first = number.when.iter().find(|when| holds_by_time(plan, &when.condition, at));
    !first.is_some_and(|when| when.condition.closes())
}

/// When that changes next, within [`crate::limits::CALENDAR_DAYS_AHEAD`].
pub fn next_change(plan: &Plan, number: &Number, at: Wall) -> Option<Wall> {
    let hours: Vec<HoursId> = hours_asked(number).collect();
    let open = is_open(plan, number, at);
    calendar::moments(plan, &hours, at).find(|moment| is_open(plan, number, *moment) != open)
}

/// The hours that a number's conditions ask.
pub fn hours_asked(number: &Number) -> impl Iterator<Item = HoursId> {
    number.when.iter().filter_map(|when| match when.condition {
        Condition::Outside(hours) => Some(hours),
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

/// Whether a condition of the calendar holds; the others say nothing about the time.
fn holds_by_time(plan: &Plan, condition: &Condition, at: Wall) -> bool {
    match *condition {
        Condition::Outside(hours) => !calendar::is_open(plan, hours, at),
        Condition::Holiday(wanted) => calendar::is_holiday(plan, at) == wanted,
        Condition::Switch(_)
        | Condition::Caller(_)
        | Condition::CallerKind(_)
        | Condition::Language(_)
        | Condition::Share(_) => false,
    }
}
