//! Opening hours and public holidays, as the table has them; what they mean on a day, `routing::calendar` knows.

use crate::routing::calendar::korea;
use jiff::civil::Date;
use std::collections::BTreeSet;
use std::sync::Arc;

/// Opening hours. An exception holds before everything else, then the rule for public holidays, then the week.
#[derive(Clone, Debug)]
pub struct Hours {
    /// `hours.main`.
    pub row: Arc<str>,
    /// An ordinary week.
    pub spans: Vec<Span>,
    /// On public holidays; empty is closed.
    pub holidays: Vec<Opening>,
    /// On single dates.
    pub exceptions: Vec<Exception>,
}

impl Hours {
    /// Every time at which it may be open, whatever the day.
    pub fn openings(&self) -> impl Iterator<Item = &Opening> {
        let exceptions = self.exceptions.iter().flat_map(|exception| &exception.open);
        self.spans.iter().map(|span| &span.open).chain(&self.holidays).chain(exceptions)
    }
}

/// "월-금 09:00-18:00".
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Span {
    /// Monday first.
    pub days: [bool; 7],
    /// When.
    pub open: Opening,
}

/// "09:00-18:00", by the local clock.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Opening {
    /// Minutes after midnight.
    pub from: u16,
    /// Minutes after the same midnight, later than `from`; above 1440 on the next day.
    pub to: u16,
}

/// "2026-12-24~2026-12-26 휴무".
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Exception {
    /// The first day.
    pub first: Date,
    /// The last day.
    pub last: Date,
    /// When it is open all the same; empty is closed.
    pub open: Vec<Opening>,
}

/// `[holidays]`.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Holidays {
    /// The holidays of [`korea`] count.
    pub korean: bool,
    /// Days the table adds: designated days, election days.
    pub added: BTreeSet<Date>,
    /// Days that are working days after all.
    pub open: BTreeSet<Date>,
}

impl Holidays {
    /// Whether a day is a public holiday.
    pub fn contains(&self, day: Date) -> bool {
        !self.open.contains(&day) && (self.added.contains(&day) || (self.korean && korea::holiday(day).is_some()))
    }
}
