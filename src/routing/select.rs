//! Where a caller of a number enters: the first condition that holds, else the number's own `go`.

use crate::number::Caller;
use crate::routing::calendar;
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

/// Whether the number is open: nothing about the time leads its callers elsewhere.
pub fn is_open(plan: &Plan, number: &Number, at: Wall) -> bool {
    !number.when.iter().any(|when| holds_by_time(plan, &when.condition, at))
}

/// When that changes next, within [`crate::limits::CALENDAR_DAYS_AHEAD`].
pub fn next_change(plan: &Plan, number: &Number, at: Wall) -> Option<Wall> {
    let hours: Vec<HoursId> = number
        .when
        .iter()
        .filter_map(|when| match when.condition {
            Condition::Outside(hours) => Some(hours),
            _ => None,
        })
        .collect();
    let open = is_open(plan, number, at);
    calendar::moments(plan, &hours, at).find(|moment| is_open(plan, number, *moment) != open)
}

/// Conditions of the calendar; the others say nothing about the time.
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
