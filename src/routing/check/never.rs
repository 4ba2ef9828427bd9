//! What the calendar says of a table: numbers that never open (E0203); and told as warnings, since people are served all the same, hours and holidays that never come
//! (W0405) and rows that are closed whenever a call can come to them (W0205).

use super::Findings;
use super::flow::{Sites, named};
use crate::routing::calendar::{self, Day, korea};
use crate::routing::diagnostic::Diagnostic;
use crate::routing::plan::{Condition, Destination, HoursId, Number, Plan};
use crate::routing::{select, ways};
use crate::time::Wall;
use jiff::ToSpan;
use jiff::civil::Date;
use std::collections::BTreeSet;
use std::ops::Range;

/// So many of them are told: each costs a look at a whole year.
const TOLD_MAX: usize = 20;

/// Where the parts of a number stand.
#[derive(Default)]
pub(super) struct NumberSite {
    /// Its name.
    pub(super) row: Range<usize>,
    /// `go`.
    pub(super) go: Range<usize>,
    /// Each line of `when`.
    pub(super) when: Vec<Range<usize>>,
}

/// Tells them.
pub(super) fn check(plan: &Plan, sites: &Sites, hours: &[Range<usize>], findings: &mut Findings) {
    let mut told: Vec<Diagnostic> = Vec::new();
    for (at, span) in hours.iter().enumerate() {
        let id = HoursId(at);
        let opens = |day: Day| day.moments.iter().any(|moment| day.is_open(id, *moment));
        if told.len() < TOLD_MAX && !days(plan, &[id]).any(opens) {
            told.push(never_open(&plan.hours[at].row, span.clone()));
        }
    }
    let numbers = plan.numbers.iter().zip(&sites.numbers).filter(|(number, _)| never_opens(plan, number));
    told.extend(numbers.take(TOLD_MAX).map(|(number, site)| closed_for_ever(&number.row, site.go.clone())));
    // What follows from a mistake above is none of its own.
    if told.is_empty() {
        let reaches = reaches(plan);
        let reached: BTreeSet<Destination> = reaches.iter().flatten().flatten().copied().collect();
        let doored = reached.into_iter().filter(|row| plan.doors(*row).is_some());
        let shut_for_all = doored.filter(|row| is_shut_for_all(plan, &reaches, *row)).take(TOLD_MAX);
        told.extend(shut_for_all.map(|row| shut(plan, sites, row)));
    }
    if !plan.holidays.korean && plan.holidays.added.is_empty() {
        told.extend(plan.numbers.iter().zip(&sites.numbers).flat_map(|(number, site)| without_holidays(number, site)));
    }
    told.into_iter().for_each(|finding| findings.push(finding));
}

/// Whether nobody who calls a number is ever served: at any time one of its conditions leads to announcements alone.
fn never_opens(plan: &Plan, number: &Number) -> bool {
    let turns_away: Vec<bool> = number.when.iter().map(|when| !ways::serves(plan, when.go)).collect();
    let hours: Vec<HoursId> = select::hours_asked(number).collect();
    let opens = |day: &Day, moment: Wall| {
        let first = number.when.iter().position(|when| select::holds_on(day, &when.condition, moment) == Some(true));
        first.is_none_or(|at| turns_away.get(at) == Some(&false))
    };
    !days(plan, &hours).any(|day| day.moments.iter().any(|moment| opens(&day, *moment)))
}

fn closed_for_ever(row: &str, span: Range<usize>) -> Diagnostic {
    Diagnostic::error(
        "E0203",
        span,
        format!("{row}: 이 번호는 열리지 않습니다. 언제나 when 의 줄 가운데 하나가 다른 곳으로 보냅니다"),
        format!("{row}: this number never opens: at any time one line of `when` leads elsewhere"),
    )
    .help(
        "holiday = true 와 false 를 함께 쓰지 않았는지, outside 들의 시간이 서로 만나는지 보세요. 맞는 줄이 없는 전화가 go 로 갑니다",
        "look for holiday = true beside false, and for hours of outside that never meet; go is for calls that no line takes",
    )
}

/// The conditions that may be the first to hold at this moment; the last, behind all of them, is `go`. What is not of the calendar may hold or not.
fn taken(number: &Number, day: &Day, moment: Wall) -> impl Iterator<Item = usize> {
    let holds: Vec<Option<bool>> =
        number.when.iter().map(|when| select::holds_on(day, &when.condition, moment)).collect();
    let last = holds.iter().position(|holds| *holds == Some(true)).unwrap_or(holds.len());
    let maybe = holds.into_iter().take(last).enumerate().filter(|(_, holds)| holds.is_none());
    maybe.map(|(at, _)| at).chain([last])
}

/// Where callers of each number may come to: by each of its conditions, and by `go`.
fn reaches(plan: &Plan) -> Vec<Vec<BTreeSet<Destination>>> {
    let of = |number: &Number| {
        let to = number.when.iter().map(|when| when.go).chain([number.go]);
        to.map(|to| ways::reached(plan, [to])).collect()
    };
    plan.numbers.iter().map(of).collect()
}

/// Whether nobody can come to a row within its hours.
fn is_shut_for_all(plan: &Plan, reaches: &[Vec<BTreeSet<Destination>>], row: Destination) -> bool {
    let Some((_, doors)) = plan.doors(row) else { return false };
    !plan.numbers.iter().zip(reaches).any(|(number, reaches)| {
        let leads: Vec<bool> = reaches.iter().map(|reached| reached.contains(&row)).collect();
        let hours: Vec<HoursId> = select::hours_asked(number).chain([doors.hours]).collect();
        leads.contains(&true)
            && days(plan, &hours).any(|day| {
                let mut open = day.moments.iter().filter(|moment| day.is_open(doors.hours, **moment));
                open.any(|moment| taken(number, &day, *moment).any(|at| leads.get(at) == Some(&true)))
            })
    })
}

fn shut(plan: &Plan, sites: &Sites, row: Destination) -> Diagnostic {
    let (name, hours) = plan
        .doors(row)
        .map_or(("?", "?"), |(name, doors)| (&**name, plan.hours.get(doors.hours.0).map_or("?", |hours| &*hours.row)));
    Diagnostic::warning(
        "W0205",
        named(sites, row),
        format!("{name}: {hours} 에는 이리로 오는 전화가 없습니다. 번호가 닫혀 있는 동안에만 열립니다"),
        format!("{name}: no call comes to it within {hours}: it is open only while its number leads elsewhere"),
    )
    .help("번호의 시간과 이 행의 시간을 견주어 보세요", "compare its hours with those of the number")
}

/// Lines that ask for a holiday in a table where no day is one.
fn without_holidays(number: &Number, site: &NumberSite) -> Vec<Diagnostic> {
    let finding = |wanted: bool, span: Range<usize>| {
        let row = &number.row;
        let [korean, english] = match wanted {
            true => ["이 줄은 한 번도 맞지 않습니다", "this line never holds"],
            false => [
                "이 줄은 언제나 맞습니다. 뒤의 줄과 go 로 오는 전화가 없습니다",
                "this line always holds, and no call comes to what stands behind it",
            ],
        };
        Diagnostic::warning(
            "W0405",
            span,
            format!("{row} when: 휴일이 하루도 없어서 {korean}"),
            format!("{row} when: no day is a holiday, so that {english}"),
        )
        .help(
            "[holidays] 에 calendar = \"kr\" 을 쓰거나 날을 더하고, 휴일이 없는 표면 이 줄을 지우세요",
            "write calendar = \"kr\" in [holidays] or add its days; where there are none, delete this line",
        )
    };
    let lines = number.when.iter().zip(&site.when);
    let asking = lines.filter_map(|(when, span)| match when.condition {
        Condition::Holiday(wanted) => Some(finding(wanted, span.clone())),
        _ => None,
    });
    asking.collect()
}

fn never_open(row: &str, span: Range<usize>) -> Diagnostic {
    Diagnostic::warning(
        "W0405",
        span,
        format!("{row}: 이 시간은 한 번도 오지 않습니다"),
        format!("{row}: this time never comes"),
    )
    .help(
        "요일과 휴일, 날짜를 보세요: \"휴일\" 은 [holidays] 에 날이 있어야 옵니다",
        "look at its days and dates: \"holiday\" needs days in [holidays]",
    )
}

/// The days of one year of the calendar, and those around each day that differs from it, as these hours see them.
fn days<'p>(plan: &'p Plan, hours: &[HoursId]) -> impl Iterator<Item = Day> + use<'p> {
    let exceptions = hours.iter().filter_map(|id| plan.hours.get(id.0)).flat_map(|hours| &hours.exceptions);
    let exceptions = exceptions.flat_map(|exception| [exception.first, exception.last]);
    let single = exceptions.chain(plan.holidays.added.iter().chain(&plan.holidays.open).copied());
    let single: BTreeSet<Date> = single.collect();
    let year = Date::new(*korea::YEARS.start(), 1, 1).ok().map(|first| (first, usize::MAX));
    let from = year.into_iter().chain(single.into_iter().map(|day| (day, DAYS_AROUND)));
    let hours = hours.to_vec();
    from.flat_map(move |(first, count)| {
        let begin = plan.timezone.to_timestamp(first.saturating_sub(1.day()).at(0, 0, 0, 0)).ok();
        let begin = begin.map(|begin| Wall::from_micros(begin.as_microsecond()));
        let hours = hours.clone();
        begin.into_iter().flat_map(move |begin| calendar::days_ahead(plan, &hours, &[], begin).take(count))
    })
}

/// The day before, the day, and the day into which its night goes on.
const DAYS_AROUND: usize = 3;
