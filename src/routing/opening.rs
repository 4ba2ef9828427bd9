//! When a caller who was turned away would be served: the next moment at which whoever calls and does the same finds nothing closed. And whether a
//! number is open, by the same rule.
//!
//! A centre that opens at eight is out of reach while its number opens at nine, and a number that is closed may still lead to a
//! centre that is not: so both are asked together.

use crate::limits::OPENING_MOMENTS_MAX;
use crate::routing::calendar::{self, Day};
use crate::routing::plan::{Condition, Destination, HoursId, Number, Plan, When};
use crate::routing::select::{self, Situation};
use crate::routing::switch::Switches;
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
        let front = Front::of(plan, number);
        let served = |day: &Day, moment: Wall| {
            let situation = Situation { at: moment, ..caller };
            let holding = front.holding(day, moment, |condition| select::holds(plan, condition, situation));
            let is_led = entrances.get(holding.unwrap_or(number.when.len())) == Some(&true);
            let open = |hours: &HoursId| day.is_open(*hours, moment);
            (self.by_number && front.is_open(holding)) || (is_led && doors.iter().any(open) && passed.iter().all(open))
        };
        let hours: Vec<HoursId> = doors.iter().chain(&passed).copied().collect();
        front.first_moment(&hours, caller.switches, at, served)
    }
}

/// Whether a condition of a number holds because something is closed, on a switch or by the calendar.
pub fn shuts(plan: &Plan, when: &When) -> bool {
    when.condition.closes() || (matches!(when.condition, Condition::Switch(_)) && !ways::serves(plan, when.go))
}

/// Whether a number is open to nobody in particular, and when that changes next: what its conditions ask of callers holds for none of them.
pub fn state(plan: &Plan, number: &Number, switches: &Switches, at: Wall) -> (bool, Option<Wall>) {
    let front = Front::of(plan, number);
    let is_open = |day: &Day, moment: Wall| {
        let is_on = |condition: &Condition| match condition {
            Condition::Switch(name) => switches.is_on(name, moment),
            _ => false,
        };
        front.is_open(front.holding(day, moment, is_on))
    };
    let hours: Vec<HoursId> = select::hours_asked(number).collect();
    let today = calendar::days_ahead(plan, &hours, &[], at).next();
    let open = today.is_some_and(|today| is_open(&today, at));
    (open, front.first_moment(&[], switches, at, |day, moment| is_open(day, moment) != open))
}

/// The conditions of a number, as its callers meet them.
struct Front<'p> {
    plan: &'p Plan,
    number: &'p Number,
    /// Which of the conditions lead callers away.
    turns_away: Vec<bool>,
}

impl<'p> Front<'p> {
    fn of(plan: &'p Plan, number: &'p Number) -> Self {
        let turns_away = |when: &When| when.condition.closes() || !ways::serves(plan, when.go);
        Self { plan, number, turns_away: number.when.iter().map(turns_away).collect() }
    }

    /// The first condition that holds at a moment; `otherwise` says of those that are not of the calendar.
    fn holding(&self, day: &Day, moment: Wall, otherwise: impl Fn(&Condition) -> bool) -> Option<usize> {
        let holds =
            |when: &When| select::holds_on(day, &when.condition, moment).unwrap_or_else(|| otherwise(&when.condition));
        self.number.when.iter().position(holds)
    }

    /// Whether callers whom this condition takes, or none, are let in.
    fn is_open(&self, holding: Option<usize>) -> bool {
        holding.and_then(|at| self.turns_away.get(at)) != Some(&true)
    }

    /// The first later moment of which something is so, among all at which these hours, those of the number, or its switches may change.
    fn first_moment(
        &self,
        hours: &[HoursId],
        switches: &Switches,
        at: Wall,
        is_so: impl Fn(&Day, Wall) -> bool,
    ) -> Option<Wall> {
        let hours: Vec<HoursId> = select::hours_asked(self.number).chain(hours.iter().copied()).collect();
        let ends: Vec<Wall> = select::switches_asked(self.number).filter_map(|name| switches.end(name)).collect();
        let mut looks = 0;
        for day in calendar::days_ahead(self.plan, &hours, &ends, at) {
            looks += day.moments.len();
            if looks > OPENING_MOMENTS_MAX {
                return None;
            }
            if let Some(first) = day.moments.iter().find(|moment| is_so(&day, **moment)) {
                return Some(*first);
            }
        }
        None
    }
}
