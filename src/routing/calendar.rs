//! Opening hours in the table's zone.
//!
//! A span is the time between two moments of a local day, each found on that day's own clock: where a zone changes
//! its clock, "09:00" stays nine o'clock there, and a span that begins in the skipped hour begins after it.
//! Public holidays will be one more argument; until then a holiday is a weekday.

use crate::limits::CALENDAR_DAYS_AHEAD;
use crate::routing::plan::{Hours, HoursId, Plan, Span};
use crate::time::Wall;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

/// Whether these hours include this moment.
pub fn is_open(plan: &Plan, hours: HoursId, at: Wall) -> bool {
    let (Some(hours), Some(at)) = (plan.hours.get(hours.0), timestamp(at)) else { return false };
    open_at(hours, &plan.timezone, at)
}

/// When that changes next, within 14 days.
pub fn next_change(plan: &Plan, hours: HoursId, at: Wall) -> Option<Wall> {
    let hours = plan.hours.get(hours.0)?;
    let at = timestamp(at)?;
    let zone = &plan.timezone;
    let today = zone.to_datetime(at).date();
    let now_open = open_at(hours, zone, at);
    let mut bounds: Vec<Timestamp> = days(today, -1, CALENDAR_DAYS_AHEAD)
        .flat_map(|day| spans_of(hours, zone, day))
        .flat_map(|(from, to)| [from, to])
        .filter(|bound| *bound > at)
        .collect();
    bounds.sort();
    // Where one span ends and the next begins, nothing changes.
    bounds
        .into_iter()
        .find(|bound| open_at(hours, zone, *bound) != now_open)
        .map(|bound| Wall::from_micros(bound.as_microsecond()))
}

fn open_at(hours: &Hours, zone: &TimeZone, at: Timestamp) -> bool {
    let today = zone.to_datetime(at).date();
    // Yesterday counts: a span until 24:00 may end within today where the clock was changed.
    days(today, -1, 0).flat_map(|day| spans_of(hours, zone, day)).any(|(from, to)| from <= at && at < to)
}

/// The days from `first` to `last` around a day.
fn days(around: Date, first: i64, last: i64) -> impl Iterator<Item = Date> {
    (first..=last).filter_map(move |offset| around.checked_add(offset.days()).ok())
}

/// The open spans of one local day, as moments.
fn spans_of<'h>(hours: &'h Hours, zone: &'h TimeZone, day: Date) -> impl Iterator<Item = (Timestamp, Timestamp)> + 'h {
    let weekday = usize::from(day.weekday().to_monday_zero_offset().unsigned_abs());
    hours
        .spans
        .iter()
        .filter(move |span| span.days.get(weekday) == Some(&true))
        .filter_map(move |span| bounds(span, zone, day))
}

fn bounds(span: &Span, zone: &TimeZone, day: Date) -> Option<(Timestamp, Timestamp)> {
    let moment = |minutes: u16| {
        let day = if minutes >= 24 * 60 { day.tomorrow().ok()? } else { day };
        let minutes = minutes % (24 * 60);
        let (hour, minute) = (i8::try_from(minutes / 60).ok()?, i8::try_from(minutes % 60).ok()?);
        zone.to_timestamp(day.at(hour, minute, 0, 0)).ok()
    };
    Some((moment(span.from)?, moment(span.to)?))
}

fn timestamp(at: Wall) -> Option<Timestamp> {
    Timestamp::from_microsecond(at.as_micros()).ok()
}
