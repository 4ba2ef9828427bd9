//! Opening hours in the table's zone.
//!
//! A span is the time between two moments of a local day, each found on that day's own clock: where a zone changes
//! its clock, "09:00" stays nine o'clock there, and a span that begins in the skipped hour begins after it.
//! A span past midnight belongs to the day it begins on; whether that day is a holiday decides. The holidays themselves
//! are known in [`korea`].

pub mod korea;

use crate::limits::CALENDAR_DAYS_AHEAD;
use crate::routing::plan::{Hours, HoursId, Opening, Plan};
use crate::time::Wall;
use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

/// Whether these hours include this moment.
pub fn is_open(plan: &Plan, hours: HoursId, at: Wall) -> bool {
    let (Some(hours), Some(at)) = (plan.hours.get(hours.0), timestamp(at)) else { return false };
    let today = plan.timezone.to_datetime(at).date();
    // Yesterday counts: its span may end today.
    days(today, -1, 0).flat_map(|day| spans_of(plan, hours, day)).any(|(from, to)| from <= at && at < to)
}

/// Whether this moment lies on a public holiday.
pub fn is_holiday(plan: &Plan, at: Wall) -> bool {
    timestamp(at).is_some_and(|at| plan.holidays.contains(plan.timezone.to_datetime(at).date()))
}

/// Every later moment at which some of these hours, or the day, may change, in order.
pub fn moments<'p>(plan: &'p Plan, hours: &[HoursId], at: Wall) -> impl Iterator<Item = Wall> + use<'p> {
    days_ahead(plan, hours, &[], at).flat_map(|day| day.moments)
}

/// One local day, with what is open on it: for those who ask about many moments.
#[derive(Clone, Debug)]
pub struct Day {
    /// Whether it is a public holiday.
    pub is_holiday: bool,
    /// Its beginning, and every moment of it at which some of the hours, or what else was named, may change, in order.
    pub moments: Vec<Wall>,
    spans: Vec<(HoursId, Wall, Wall)>,
}

impl Day {
    /// Whether hours that it was made for include a moment of it.
    pub fn is_open(&self, hours: HoursId, at: Wall) -> bool {
        self.spans.iter().any(|(id, from, to)| *id == hours && *from <= at && at < *to)
    }
}

/// This day from this moment on and those behind it, for [`CALENDAR_DAYS_AHEAD`], as these hours see them; `changes`: when something else changes.
pub fn days_ahead<'p>(
    plan: &'p Plan,
    hours: &[HoursId],
    changes: &[Wall],
    at: Wall,
) -> impl Iterator<Item = Day> + use<'p> {
    let (mut hours, changes) = (hours.to_vec(), changes.to_vec());
    hours.sort_unstable();
    hours.dedup();
    let today = timestamp(at).map(|at| plan.timezone.to_datetime(at).date());
    let days = today.into_iter().flat_map(|today| days(today, 0, CALENDAR_DAYS_AHEAD));
    days.filter_map(move |date| day(plan, &hours, &changes, date, at))
}

/// A day, and its moments later than `at`.
fn day(plan: &Plan, hours: &[HoursId], changes: &[Wall], date: Date, at: Wall) -> Option<Day> {
    let wall = |at: Timestamp| Wall::from_micros(at.as_microsecond());
    let begin = wall(midnight(&plan.timezone, date)?);
    let end = wall(midnight(&plan.timezone, date.checked_add(1.day()).ok()?)?);
    // Yesterday counts: its span may end today.
    let of = |id: &HoursId| plan.hours.get(id.0).map(|hours| (*id, hours));
    let spans = hours.iter().filter_map(of).flat_map(|(id, hours)| {
        days(date, -1, 0)
            .flat_map(move |day| spans_of(plan, hours, day))
            .map(move |(from, to)| (id, wall(from), wall(to)))
    });
    let spans: Vec<(HoursId, Wall, Wall)> = spans.collect();
    let bounds = spans.iter().flat_map(|(_, from, to)| [*from, *to]).chain([begin]).chain(changes.iter().copied());
    let mut moments: Vec<Wall> = bounds.filter(|bound| *bound > at && (begin..end).contains(bound)).collect();
    moments.sort_unstable();
    moments.dedup();
    Some(Day { is_holiday: plan.holidays.contains(date), moments, spans })
}

/// The days from `first` to `last` around a day.
fn days(around: Date, first: i64, last: i64) -> impl Iterator<Item = Date> {
    (first..=last).filter_map(move |offset| around.checked_add(offset.days()).ok())
}

/// The open spans that begin on one local day, as moments.
fn spans_of<'h>(plan: &'h Plan, hours: &'h Hours, day: Date) -> impl Iterator<Item = (Timestamp, Timestamp)> + 'h {
    openings(plan, hours, day).filter_map(move |open| bounds(open, &plan.timezone, day))
}

/// What holds on a day: its own exception, else the rule for holidays, else the week.
fn openings<'h>(plan: &'h Plan, hours: &'h Hours, day: Date) -> impl Iterator<Item = Opening> + 'h {
    let exception = hours.exceptions.iter().find(|exception| (exception.first..=exception.last).contains(&day));
    let special = match exception {
        Some(exception) => Some(exception.open.as_slice()),
        None if plan.holidays.contains(day) => Some(hours.holidays.as_slice()),
        None => None,
    };
    let weekday = usize::from(day.weekday().to_monday_zero_offset().unsigned_abs());
    let usual = hours.spans.iter().filter(move |span| special.is_none() && span.days.get(weekday) == Some(&true));
    special.into_iter().flatten().copied().chain(usual.map(|span| span.open))
}

fn bounds(open: Opening, zone: &TimeZone, day: Date) -> Option<(Timestamp, Timestamp)> {
    const DAY: u16 = 24 * 60;
    let moment = |minutes: u16| {
        let day = if minutes >= DAY { day.tomorrow().ok()? } else { day };
        let (hour, minute) = (i8::try_from(minutes % DAY / 60).ok()?, i8::try_from(minutes % 60).ok()?);
        zone.to_timestamp(day.at(hour, minute, 0, 0)).ok()
    };
    Some((moment(open.from)?, moment(open.to)?))
}

/// When a local day begins.
fn midnight(zone: &TimeZone, day: Date) -> Option<Timestamp> {
    zone.to_timestamp(day.to_datetime(Time::midnight())).ok()
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
            .replace("main = [\"월-금 09:00-18:00\"]", &format!("main = {hours}"))
            // What opens on holidays alone would not be reached behind it.
            .replace("{ holiday = true, go", "{ caller_kind = \"relay\", go");
        check_without_sound(&text).plan.expect("the hours are right")
    }

    fn wall(text: &str) -> Wall {
        Wall::from_micros(text.parse::<Timestamp>().expect("a moment").as_microsecond())
    }

    /// When hours open or close next: where one span ends and the next begins, nothing changes.
    fn next_change(plan: &Plan, hours: HoursId, at: Wall) -> Option<Wall> {
        let now_open = is_open(plan, hours, at);
        moments(plan, &[hours], at).find(|bound| is_open(plan, hours, *bound) != now_open)
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
    fn public_holidays_are_closed_and_the_next_opening_lies_behind_them() {
        table(
            "Asia/Seoul",
            "[\"월-금 09:00-18:00\"]",
            &[
                // 설날 2027: Saturday to Monday, and Tuesday in its place.
                ("2027-02-05T18:00:00+09:00", false, Some("2027-02-10T09:00:00+09:00")),
                ("2027-02-09T10:00:00+09:00", false, Some("2027-02-10T09:00:00+09:00")),
                // 추석 2036 and what it takes with it: ten days.
                ("2036-10-02T18:00:00+09:00", false, Some("2036-10-08T09:00:00+09:00")),
                // Before 2026 nothing is known, so a holiday is a weekday.
                ("2025-12-25T10:00:00+09:00", true, Some("2025-12-25T18:00:00+09:00")),
            ],
        );
    }

    #[test]
    fn holidays_may_have_hours_of_their_own_and_every_day_is_every_day() {
        table(
            "Asia/Seoul",
            "[\"월-금 09:00-18:00\", \"휴일 10:00-14:00\"]",
            &[("2026-12-25T11:00:00+09:00", true, Some("2026-12-25T14:00:00+09:00"))],
        );
        table(
            "Asia/Seoul",
            "[\"매일 09:00-18:00\"]",
            &[("2026-12-25T11:00:00+09:00", true, Some("2026-12-25T18:00:00+09:00"))],
        );
        table(
            "Asia/Seoul",
            "[\"휴일 10:00-14:00\"]",
            // Nothing for two months: 3·1 to 노동절.
            &[("2027-03-01T15:00:00+09:00", false, Some("2027-05-01T10:00:00+09:00"))],
        );
    }

    #[test]
    fn a_date_of_its_own_holds_before_the_week_and_before_holidays() {
        let hours = "[\"월-금 09:00-12:00, 13:00-18:00\", \"2026-12-24~2026-12-26 휴무\", \"2027-02-08 10:00-12:00\"]";
        table(
            "Asia/Seoul",
            hours,
            &[
                ("2026-12-23T12:30:00+09:00", false, Some("2026-12-23T13:00:00+09:00")),
                ("2026-12-23T18:00:00+09:00", false, Some("2026-12-28T09:00:00+09:00")),
                ("2027-02-05T18:00:00+09:00", false, Some("2027-02-08T10:00:00+09:00")),
            ],
        );
    }

    #[test]
    fn a_night_belongs_to_the_day_it_begins_on() {
        table(
            "Asia/Seoul",
            "[\"월-금 22:00-06:00\"]",
            &[
                ("2026-11-24T03:00:00+09:00", true, Some("2026-11-24T06:00:00+09:00")),
                // Saturday's early hours are Friday's night; Monday's are Sunday's, which is closed.
                ("2026-11-28T05:59:59+09:00", true, Some("2026-11-28T06:00:00+09:00")),
                ("2026-11-30T03:00:00+09:00", false, Some("2026-11-30T22:00:00+09:00")),
                // Thursday's night goes on into Christmas Day; Christmas night does not begin.
                ("2026-12-25T03:00:00+09:00", true, Some("2026-12-25T06:00:00+09:00")),
                ("2026-12-25T23:00:00+09:00", false, Some("2026-12-28T22:00:00+09:00")),
            ],
        );
        table(
            "Europe/Berlin",
            "[\"토 22:00-06:00\"]",
            &[
                // Berlin: nine hours in the night of 2026-10-25, seven in that of 2027-03-28.
                ("2026-10-24T21:00:00+02:00", false, Some("2026-10-24T22:00:00+02:00")),
                ("2026-10-25T00:00:00+02:00", true, Some("2026-10-25T06:00:00+01:00")),
                ("2027-03-28T00:00:00+01:00", true, Some("2027-03-28T06:00:00+02:00")),
            ],
        );
    }

    #[test]
    fn another_zone_has_no_korean_holidays_unless_the_table_says_so() {
        let plan = plan("Europe/Berlin", "[\"월-금 09:00-18:00\"]");
        assert!(is_open(&plan, HoursId(0), wall("2027-02-09T10:00:00+01:00")));
        assert!(!is_holiday(&plan, wall("2027-02-09T10:00:00+01:00")));
    }

    #[test]
    fn hours_that_do_not_exist_are_closed() {
        let plan = plan("Asia/Seoul", "[\"매일 00:00-24:00\"]");
        assert!(!is_open(&plan, HoursId(9), wall("2026-11-24T12:00:00+09:00")));
        assert!(!is_open(&plan, HoursId(0), Wall::from_micros(i64::MAX)));
        assert_eq!(next_change(&plan, HoursId(0), Wall::from_micros(i64::MAX)), None);
    }
}
