//! Where a caller of a number enters: the first condition that holds, else the number's own `go`.

use crate::routing::calendar;
use crate::routing::plan::{Condition, Destination, HoursId, Number, Plan};
use crate::time::Wall;

/// Where a number's callers enter at this moment.
pub fn entrance(plan: &Plan, number: &Number, at: Wall) -> Destination {
    number.when.iter().find(|when| holds(plan, &when.condition, at)).map_or(number.go, |when| when.go)
}

/// Whether the number is open: nothing about the time leads its callers elsewhere.
pub fn is_open(plan: &Plan, number: &Number, at: Wall) -> bool {
    !number.when.iter().any(|when| holds(plan, &when.condition, at))
}

/// When that changes next, within [`crate::limits::CALENDAR_DAYS_AHEAD`].
pub fn next_change(plan: &Plan, number: &Number, at: Wall) -> Option<Wall> {
    let hours: Vec<HoursId> = number
        .when
        .iter()
        .filter_map(|when| match when.condition {
            Condition::Outside(hours) => Some(hours),
            Condition::Holiday(_) => None,
        })
        .collect();
    let open = is_open(plan, number, at);
    calendar::moments(plan, &hours, at).find(|moment| is_open(plan, number, *moment) != open)
}

fn holds(plan: &Plan, condition: &Condition, at: Wall) -> bool {
    match *condition {
        Condition::Outside(hours) => !calendar::is_open(plan, hours, at),
        Condition::Holiday(wanted) => calendar::is_holiday(plan, at) == wanted,
    }
}
