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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::routing::check_without_sound;

    /// A plan with these hours, in this zone.
    fn plan(zone: &str, hours: &str) -> Plan {
        let text = include_str!("../../routing.toml")
            .replace("\"Asia/Seoul\"", &format!("\"{zone}\""))
            .replace("main = [\"월-금 09:00-18:00\"]", &format!("main = {hours}"));
        check_without_sound(&text).plan.expect("the hours are right")
    }

    fn wall(text: &str) -> Wall {
        Wall::from_micros(text.parse::<Timestamp>().expect("a moment").as_microsecond())
    }

    /// Each line: a moment, whether it is open, and the next change.
    fn table(zone: &str, hours: &str, lines: &[(&str, bool, Option<&str>)]) {
        let plan = plan(zone, hours);
        for &(at, open, change) in lines {
            assert_eq!(is_open(&plan, HoursId(0), wall(at)), open, "{hours} at {at}");
            assert_eq!(next_change(&plan, HoursId(0), wall(at)), change.map(wall), "{hours} after {at}");
        }
    }

    #[test]
    fn a_working_week_opens_and_closes() {
        table(
            "Asia/Seoul",
            "[\"월-금 09:00-18:00\"]",
            &[
                // 2026-11-24 is a Tuesday.
                ("2026-11-24T08:59:59+09:00", false, Some("2026-11-24T09:00:00+09:00")),
                ("2026-11-24T09:00:00+09:00", true, Some("2026-11-24T18:00:00+09:00")),
                ("2026-11-24T17:59:59.999999+09:00", true, Some("2026-11-24T18:00:00+09:00")),
                ("2026-11-24T18:00:00+09:00", false, Some("2026-11-25T09:00:00+09:00")),
                ("2026-11-27T18:00:00+09:00", false, Some("2026-11-30T09:00:00+09:00")),
                ("2026-11-28T12:00:00+09:00", false, Some("2026-11-30T09:00:00+09:00")),
                // The zone decides, not UTC: it is still Monday night there.
                ("2026-11-23T23:30:00Z", false, Some("2026-11-24T00:00:00Z")),
            ],
        );
    }

    #[test]
    fn a_lunch_break_closes_and_spans_that_touch_do_not() {
        table(
            "Asia/Seoul",
            "[\"월-금 09:00-12:00\", \"월-금 13:00-18:00\"]",
            &[
                ("2026-11-24T11:00:00+09:00", true, Some("2026-11-24T12:00:00+09:00")),
                ("2026-11-24T12:30:00+09:00", false, Some("2026-11-24T13:00:00+09:00")),
            ],
        );
        table(
            "Asia/Seoul",
            "[\"화 09:00-12:00\", \"화 12:00-24:00\", \"수 00:00-02:00\"]",
            &[("2026-11-24T11:00:00+09:00", true, Some("2026-11-25T02:00:00+09:00"))],
        );
    }

    #[test]
    fn what_is_always_open_never_changes() {
        table(
            "Asia/Seoul",
            "[\"매일 00:00-24:00\"]",
            &[("2026-11-24T00:00:00+09:00", true, None), ("2026-11-29T23:59:59+09:00", true, None)],
        );
    }

    #[test]
    fn nine_oclock_stays_nine_oclock_when_a_zone_changes_its_clock() {
        // New York leaves daylight saving on Sunday 2026-11-01 and enters it on Sunday 2027-03-14.
        table(
            "America/New_York",
            "[\"매일 09:00-18:00\"]",
            &[
                ("2026-10-31T12:00:00-04:00", true, Some("2026-10-31T18:00:00-04:00")),
                ("2026-10-31T19:00:00-04:00", false, Some("2026-11-01T09:00:00-05:00")),
                ("2027-03-13T19:00:00-05:00", false, Some("2027-03-14T09:00:00-04:00")),
            ],
        );
    }

    #[test]
    fn a_span_in_the_skipped_or_repeated_hour_opens_once() {
        table(
            "America/New_York",
            "[\"일 01:15-01:45\"]",
            // One o'clock comes twice on 2026-11-01; the first counts.
            &[
                ("2026-11-01T01:20:00-04:00", true, Some("2026-11-01T01:45:00-04:00")),
                ("2026-11-01T01:20:00-05:00", false, Some("2026-11-08T01:15:00-05:00")),
            ],
        );
        table(
            "America/New_York",
            "[\"일 02:15-04:00\"]",
            // Two o'clock does not come on 2027-03-14; what begins in it begins an hour later by the clock.
            &[("2027-03-14T01:59:00-05:00", false, Some("2027-03-14T03:15:00-04:00"))],
        );
    }

    #[test]
    fn hours_that_do_not_exist_are_closed() {
        let plan = plan("Asia/Seoul", "[\"매일 00:00-24:00\"]");
        assert!(!is_open(&plan, HoursId(9), wall("2026-11-24T12:00:00+09:00")));
        assert!(!is_open(&plan, HoursId(0), Wall::from_micros(i64::MAX)));
        assert_eq!(next_change(&plan, HoursId(0), Wall::from_micros(i64::MAX)), None);
    }
}
