//! When a caller who was turned away would be served: the next moment at which whoever calls and does the same finds nothing closed.
//!
//! A centre that opens at eight is out of reach while its number opens at nine, and a number that is closed may still lead to a
//! centre that is not: so both are asked together.

use crate::limits::OPENING_MOMENTS_MAX;
use crate::routing::calendar::{self, Day};
use crate::routing::plan::{Destination, HoursId, Number, Plan, When};
use crate::routing::select::{self, Situation};
use crate::routing::ways;
use crate::time::Wall;

/// What turned a caller away since the last choice.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct TurnedAway {
    /// When something was last found closed.
    at: Option<Wall>,
    /// A condition of the number led elsewhere, because something is closed.
    by_number: bool,
    /// Rows outside their hours, in the order in which each led on to the next.
    doors: Vec<Destination>,
    /// Rows on the way to the first of them, each within its hours when the caller passed.
    passed: Vec<Destination>,
}

impl TurnedAway {
    /// The number led elsewhere.
    pub fn by_number(at: Wall) -> Self {
        Self { at: Some(at), by_number: true, ..Self::default() }
    }

    /// A row was outside its hours, and led on to the next; `way`: the rows behind which it lies.
    pub fn by_door(&mut self, at: Wall, row: Destination, way: impl Iterator<Item = Destination>) {
        // Behind a closed door an announcement serves nobody when it can be heard.
        let only_said = matches!(row, Destination::Notice(_)) && self.at.is_some();
        if !only_said && !self.doors.contains(&row) {
            if self.at.is_none() {
                self.passed = way.collect();
            }
            self.doors.push(row);
            self.at = Some(at);
        }
    }

    /// The caller chose: what was closed before that is behind them.
    pub fn chose(&mut self) {
        *self = Self::default();
    }

    /// When the same caller would be served; asked from the moment at which something was found closed, since it may have opened while a greeting was
    /// heard. `None` where nothing was closed, or nothing opens within [`crate::limits::CALENDAR_DAYS_AHEAD`]
    /// and [`OPENING_MOMENTS_MAX`].
    pub fn served(&self, plan: &Plan, number: &Number, caller: Situation<'_>) -> Option<Wall> {
        let at = self.at?;
        let hours_of = |rows: &[Destination]| -> Vec<HoursId> {
            rows.iter().filter_map(|row| Some(plan.doors(*row)?.1.hours)).collect()
        };
        let (doors, passed) = (hours_of(&self.doors), hours_of(&self.passed));
        let first = self.doors.first();
        let leads = |to: Destination| first.is_some_and(|door| ways::reached(plan, [to]).contains(door));
        // One for each condition, the last for `go`: asked once, not at each moment.
        let entrances: Vec<bool> = number.when.iter().map(|when| when.go).chain([number.go]).map(leads).collect();
        let turns_away = |when: &When| when.condition.closes() || !ways::serves(plan, when.go);
        let turns_away: Vec<bool> = number.when.iter().map(turns_away).collect();
        let served = |day: &Day, moment: Wall| {
            let situation = Situation { at: moment, ..caller };
            let holds = |when: &When| {
                let by_time = select::holds_on(day, &when.condition, moment);
                by_time.unwrap_or_else(|| select::holds(plan, &when.condition, situation))
            };
            let holding = number.when.iter().position(holds);
            let is_open = holding.and_then(|at| turns_away.get(at)) != Some(&true);
            let is_led = entrances.get(holding.unwrap_or(number.when.len())) == Some(&true);
            let open = |hours: &HoursId| day.is_open(*hours, moment);
            (self.by_number && is_open) || (is_led && doors.iter().any(open) && passed.iter().all(open))
        };
        let hours: Vec<HoursId> = select::hours_asked(number).chain(doors.iter().chain(&passed).copied()).collect();
        let mut looks = 0;
        for day in calendar::days_ahead(plan, &hours, at) {
            looks += day.moments.len();
            if looks > OPENING_MOMENTS_MAX {
                return None;
            }
            if let Some(opens) = day.moments.iter().find(|moment| served(&day, **moment)) {
                return Some(*opens);
            }
        }
        None
    }
}
