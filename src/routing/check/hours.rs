//! `[hours]`: `"월-금 09:00-18:00"`, `"휴일 휴무"`, `"2026-12-24 09:00-12:00"`, in Korean or English words.

use super::Findings;
use super::fields::{Fields, wrong_kind};
use super::names::Row;
use crate::routing::diagnostic::Diagnostic;
use crate::routing::file::{Kind, full_width, wide};
use crate::routing::plan::{Exception, Hours, Opening, Span};
use jiff::civil::Date;
use std::cmp::Ordering;
use std::ops::Range;

/// Monday first; Korean, then English.
const DAYS: [[&str; 2]; 7] =
    [["월", "mon"], ["화", "tue"], ["수", "wed"], ["목", "thu"], ["금", "fri"], ["토", "sat"], ["일", "sun"]];

/// Words for public holidays, and for a day that stays closed.
const HOLIDAY: [&str; 4] = ["휴일", "공휴일", "holiday", "holidays"];
const CLOSED: [&str; 3] = ["휴무", "닫음", "closed"];
const DAY_MINUTES: u16 = 24 * 60;
/// A night of this length is more often two times that changed places.
const NIGHT_LONG_MINUTES: u16 = 12 * 60;

/// What one text says.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Rule {
    when: When,
    /// Empty: closed.
    open: Vec<Opening>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
enum When {
    /// Days of the week; `매일` holds on holidays too.
    Week {
        days: [bool; 7],
        daily: bool,
    },
    Holiday,
    Dates {
        first: Date,
        last: Date,
    },
}

/// Reads one row of hours.
pub(super) fn hours(row: &Row<'_>, findings: &mut Findings) -> Hours {
    let mut rules: Vec<(Rule, Range<usize>)> = Vec::new();
    for (text, at) in texts(row, findings) {
        match rule(text) {
            Ok(rule) => {
                long_night(row, text, &rule, &at, findings);
                let twice = rules.iter().find(|(other, _)| overlap(other, &rule)).map(|(_, first)| first.clone());
                let twice = twice.or_else(|| overlaps_itself(&rule).then(|| at.clone()));
                if let Some(first) = twice {
                    let finding = Diagnostic::error(
                        "E0401",
                        at.clone(),
                        format!("{}: 시간이 겹칩니다", row.name),
                        format!("{}: these hours overlap", row.name),
                    )
                    .help("하나로 합치거나 시각을 고치세요", "join them, or mend the times");
                    let elsewhere = first != at;
                    findings.push(if elsewhere { finding.related(first, "이것과", "with these") } else { finding });
                }
                rules.push((rule, at));
            }
            Err(mistake) => findings.push(match full_width(text) {
                Some(plain) => wide(at, text, &plain),
                None => mistake.diagnose(row, text, at),
            }),
        }
    }
    if !rules.is_empty() && rules.iter().all(|(rule, _)| rule.open.is_empty()) {
        findings.push(never_open(row));
    }
    let mut hours =
        Hours { row: row.name.as_str().into(), spans: Vec::new(), holidays: Vec::new(), exceptions: Vec::new() };
    for (Rule { when, open }, _) in rules {
        match when {
            When::Week { days, daily } => {
                hours.holidays.extend(open.iter().filter(|_| daily));
                hours.spans.extend(open.into_iter().map(|open| Span { days, open }));
            }
            When::Holiday => hours.holidays.extend(open),
            When::Dates { first, last } => {
                match hours.exceptions.iter_mut().find(|known| known.first == first && known.last == last) {
                    Some(known) => known.open.extend(open),
                    None => hours.exceptions.push(Exception { first, last, open }),
                }
            }
        }
    }
    hours
}

/// W0406: "18:00-09:00" is a night of fifteen hours, or a day whose times changed places.
fn long_night(row: &Row<'_>, text: &str, rule: &Rule, at: &Range<usize>, findings: &mut Findings) {
    let Some(night) = rule.open.iter().find(|open| open.to > DAY_MINUTES && open.to - open.from > NIGHT_LONG_MINUTES)
    else {
        return;
    };
    let hours = f32::from(night.to - night.from) / 60.0;
    findings.push(
        Diagnostic::warning(
            "W0406",
            at.clone(),
            format!("{}: \"{text}\" 은 밤을 넘겨 {hours}시간 동안 열립니다", row.name),
            format!("{}: \"{text}\" is open for {hours} hours through the night", row.name),
        )
        .help(
            "낮 시간을 뜻했다면 앞뒤 시각을 바꾸세요: \"월-금 09:00-18:00\"",
            "if the day was meant, exchange the times: \"mon-fri 09:00-18:00\"",
        ),
    );
}

fn never_open(row: &Row<'_>) -> Diagnostic {
    Diagnostic::error(
        "E0401",
        row.span.clone(),
        format!("{}: 여는 시간이 하나도 없습니다", row.name),
        format!("{}: no opening time at all", row.name),
    )
    .help(format!("{} = [\"월-금 09:00-18:00\"]", row.id), format!("{} = [\"mon-fri 09:00-18:00\"]", row.id))
}

/// The texts of a row: a list of them, or one.
fn texts<'f>(row: &Row<'f>, findings: &mut Findings) -> Vec<(&'f str, Range<usize>)> {
    let example = ["[\"월-금 09:00-18:00\"]", "[\"mon-fri 09:00-18:00\"]"];
    match &row.value.kind {
        Kind::List(items) if !items.is_empty() => items
            .iter()
            .filter_map(|item| match &item.kind {
                Kind::Text(text) => Some((text.as_str(), item.span.clone())),
                _ => {
                    findings.push(wrong_kind(
                        "hours",
                        row.id,
                        item,
                        ["\"월-금 09:00-18:00\"", "\"mon-fri 09:00-18:00\""],
                    ));
                    None
                }
            })
            .collect(),
        Kind::Text(text) => vec![(text.as_str(), row.value.span.clone())],
        Kind::Lost => Vec::new(),
        Kind::List(_) => {
            findings.push(never_open(row));
            Vec::new()
        }
        Kind::Table(table) => {
            Fields::new(&row.name, table).finish(findings);
            Vec::new()
        }
        other => {
            let [korean, english] = other.words();
            findings.push(
                Diagnostic::error(
                    "E0103",
                    row.span.clone(),
                    format!("{}: 시간이 아닙니다", row.name),
                    format!("{}: these are not hours", row.name),
                )
                .label(format!("{korean}입니다"), format!("this is {english}"))
                .help(format!("{} = {}", row.id, example[0]), format!("{} = {}", row.id, example[1])),
            );
            Vec::new()
        }
    }
}

/// What is wrong with an opening time.
#[derive(PartialEq, Eq, Debug)]
enum Mistake {
    Form,
    Day(String),
    Time(String),
    Date(String),
    Empty,
}

impl Mistake {
    fn diagnose(self, row: &Row<'_>, text: &str, at: Range<usize>) -> Diagnostic {
        let (korean, english, help) = match self {
            Self::Form => (
                format!("시간으로 읽을 수 없습니다: \"{text}\""),
                format!("\"{text}\" cannot be read as hours"),
                ["\"월-금 09:00-18:00\" 꼴로 쓰세요", "write it as \"mon-fri 09:00-18:00\""],
            ),
            Self::Day(day) => (
                format!("요일이 아닙니다: \"{day}\""),
                format!("\"{day}\" is not a day"),
                [
                    "월 화 수 목 금 토 일, \"월-금\", \"월,수\", \"매일\", \"휴일\", \"2026-12-24\"",
                    "mon tue wed thu fri sat sun, \"mon-fri\", \"mon,wed\", \"daily\", \"holiday\", \"2026-12-24\"",
                ],
            ),
            Self::Time(time) => (
                format!("시각이 아닙니다: \"{time}\""),
                format!("\"{time}\" is not a time"),
                ["00:00 부터 24:00 까지 두 자리로 쓰세요: 09:00", "write two digits each, 00:00 to 24:00: 09:00"],
            ),
            Self::Date(date) => (
                format!("날짜가 아닙니다: \"{date}\""),
                format!("\"{date}\" is not a date"),
                ["\"2026-12-24\" 또는 \"2026-12-24~2026-12-26\"", "\"2026-12-24\" or \"2026-12-24~2026-12-26\""],
            ),
            Self::Empty => (
                format!("시작과 끝이 같습니다: \"{text}\""),
                format!("\"{text}\" ends when it starts"),
                ["하루 종일은 00:00-24:00 입니다", "a whole day is 00:00-24:00"],
            ),
        };
        Diagnostic::error("E0401", at, format!("{}: {korean}", row.name), format!("{}: {english}", row.name))
            .help(help[0], help[1])
    }
}

/// Reads `월-금 09:00-12:00, 13:00-18:00`, `휴일 휴무`, `2026-12-24 09:00-12:00`.
fn rule(text: &str) -> Result<Rule, Mistake> {
    let text = text.trim();
    // The times begin at the first word that looks like one; a day that stays closed has the word for it.
    let words = text.split_whitespace().map(|word| (word.as_ptr() as usize - text.as_ptr() as usize, word));
    let is_closed = |word: &str| CLOSED.iter().any(|closed| word.eq_ignore_ascii_case(closed));
    let is_time =
        |at: usize, word: &str| word.contains(':') || (at > 0 && word.starts_with(|c: char| c.is_ascii_digit()));
    let closed = words.clone().find(|(_, word)| is_closed(word));
    let times = closed.or_else(|| words.clone().find(|(at, word)| is_time(*at, word)));
    let (days, times) = text.split_at(times.ok_or(Mistake::Form)?.0);
    let days = days.trim();
    if days.is_empty() {
        return Err(Mistake::Form);
    }
    let when = when(days)?;
    let mut open = Vec::new();
    if closed.is_some() {
        // A weekday is closed where nothing opens it.
        if times.split_whitespace().count() > 1 || matches!(when, When::Week { .. }) {
            return Err(Mistake::Form);
        }
    } else {
        for part in times.split(',') {
            open.push(opening(part)?);
        }
    }
    Ok(Rule { when, open })
}

/// `월-금`, `매일`, `휴일`, `2026-12-24~2026-12-26`.
fn when(days: &str) -> Result<When, Mistake> {
    if HOLIDAY.iter().any(|word| days.eq_ignore_ascii_case(word)) {
        return Ok(When::Holiday);
    }
    if days.starts_with(|c: char| c.is_ascii_digit()) {
        let (first, last) = days.split_once('~').unwrap_or((days, days));
        let date = |text: &str| text.trim().parse::<Date>().map_err(|_| Mistake::Date(text.trim().to_owned()));
        let (first, last) = (date(first)?, date(last)?);
        return if first <= last { Ok(When::Dates { first, last }) } else { Err(Mistake::Date(days.to_owned())) };
    }
    let daily = days == "매일" || days.eq_ignore_ascii_case("daily");
    let mut open = [daily; 7];
    for part in days.split(',').filter(|_| !daily) {
        for day in days_of(part.trim())? {
            open[day] = true;
        }
    }
    Ok(When::Week { days: open, daily })
}

/// Reads `09:00-18:00`, or `22:00-06:00` until the next morning.
fn opening(text: &str) -> Result<Opening, Mistake> {
    let (from, to) = text.trim().split_once(['-', '~']).ok_or(Mistake::Form)?;
    let (from, to) = (minutes(from)?, minutes(to)?);
    match from.cmp(&to) {
        Ordering::Less => Ok(Opening { from, to }),
        Ordering::Greater if from < DAY_MINUTES => Ok(Opening { from, to: to + DAY_MINUTES }),
        _ => Err(Mistake::Empty),
    }
}

/// The days of `월`, `월-금` or `토-월`.
fn days_of(part: &str) -> Result<Vec<usize>, Mistake> {
    let Some((first, last)) = part.split_once(['-', '~']) else { return Ok(vec![day(part)?]) };
    let (first, last) = (day(first.trim())?, day(last.trim())?);
    let count = (last + 7 - first) % 7;
    Ok((0..=count).map(|step| (first + step) % 7).collect())
}

fn day(text: &str) -> Result<usize, Mistake> {
    let word = text.strip_suffix("요일").unwrap_or(text);
    DAYS.iter()
        .position(|names| names.iter().any(|name| word.eq_ignore_ascii_case(name)))
        .ok_or_else(|| Mistake::Day(text.to_owned()))
}

/// Minutes after midnight of `09:00`.
fn minutes(text: &str) -> Result<u16, Mistake> {
    let wrong = || Mistake::Time(text.to_owned());
    let (hours, minutes) = text.trim().split_once(':').ok_or_else(wrong)?;
    let two_digits = |part: &str| {
        let plain = part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit());
        plain.then(|| part.parse::<u16>().ok()).flatten().ok_or_else(wrong)
    };
    let (hours, minutes) = (two_digits(hours)?, two_digits(minutes)?);
    let total = hours * 60 + minutes;
    if minutes > 59 || total > 24 * 60 { Err(wrong()) } else { Ok(total) }
}

/// Whether two rules open the same moment, or say different things about one day.
fn overlap(a: &Rule, b: &Rule) -> bool {
    let meets = |a: &[Opening], b: &[Opening]| a.iter().any(|a| b.iter().any(|b| a.from < b.to && b.from < a.to));
    match (&a.when, &b.when) {
        (When::Week { .. }, When::Week { .. }) => {
            let (a, b) = (minutes_of_week(a), minutes_of_week(b));
            a.iter().any(|a| b.iter().any(|b| a.start < b.end && b.start < a.end))
        }
        // A holiday has one rule: closed and open at once, or `매일` and hours of its own, are two.
        (When::Week { daily: true, .. }, When::Holiday) | (When::Holiday, When::Week { daily: true, .. }) => true,
        (When::Holiday, When::Holiday) => a.open.is_empty() || b.open.is_empty() || meets(&a.open, &b.open),
        (When::Dates { first, last }, When::Dates { first: other_first, last: other_last }) => {
            let same = first == other_first && last == other_last;
            let apart = last < other_first || other_last < first;
            !apart && (!same || a.open.is_empty() || b.open.is_empty() || meets(&a.open, &b.open))
        }
        _ => false,
    }
}

fn overlaps_itself(rule: &Rule) -> bool {
    rule.open.iter().enumerate().any(|(at, open)| {
        let alone = |open: &Opening| Rule { when: rule.when.clone(), open: vec![*open] };
        rule.open.iter().skip(at + 1).any(|other| overlap(&alone(open), &alone(other)))
    })
}

/// The open minutes of a week, Monday midnight first; what Sunday's night holds of Monday stands at both ends.
fn minutes_of_week(rule: &Rule) -> Vec<Range<i32>> {
    let When::Week { days, .. } = rule.when else { return Vec::new() };
    let week = i32::from(DAY_MINUTES) * 7;
    let mut minutes = Vec::new();
    for (_, day) in days.iter().zip(0..).filter(|(open, _)| **open) {
        for open in &rule.open {
            let start = day * i32::from(DAY_MINUTES) + i32::from(open.from);
            let end = day * i32::from(DAY_MINUTES) + i32::from(open.to);
            minutes.push(start..end.min(week));
            if end > week {
                minutes.push(0..end - week);
            }
        }
    }
    minutes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn week(days: &str, times: &[(u16, u16)]) -> Rule {
        let days: Vec<bool> = days.chars().map(|c| c == '1').collect();
        let open = times.iter().map(|&(from, to)| Opening { from, to }).collect();
        Rule { when: When::Week { days: days.try_into().expect("seven days"), daily: false }, open }
    }

    #[test]
    fn days_are_read_in_korean_and_in_english() {
        for (text, days, times) in [
            ("월-금 09:00-18:00", "1111100", [(540, 1080)].as_slice()),
            ("mon-fri 09:00-18:00", "1111100", &[(540, 1080)]),
            ("Mon-Fri 09:00-18:00", "1111100", &[(540, 1080)]),
            ("월,수 09:00-12:00", "1010000", &[(540, 720)]),
            ("월, 수-금 09:00-12:00", "1011100", &[(540, 720)]),
            ("월-금 09:00-12:00, 13:00-18:00", "1111100", &[(540, 720), (780, 1080)]),
            ("토 00:00-24:00", "0000010", &[(0, 1440)]),
            ("토-월 10:00-11:00", "1000011", &[(600, 660)]),
            ("월요일 09:00~18:00", "1000000", &[(540, 1080)]),
            ("금 22:00-06:00", "0000100", &[(1320, 1800)]),
        ] {
            assert_eq!(rule(text), Ok(week(days, times)), "{text}");
        }
        let daily = When::Week { days: [true; 7], daily: true };
        for text in ["매일 00:00-24:00", "daily 00:00-24:00"] {
            assert_eq!(rule(text), Ok(Rule { when: daily.clone(), open: vec![Opening { from: 0, to: 1440 }] }));
        }
    }

    #[test]
    fn holidays_and_dates_have_rules_of_their_own() {
        let morning = vec![Opening { from: 540, to: 720 }];
        let dates = |first: &str, last: &str| When::Dates {
            first: first.parse().expect("a date"),
            last: last.parse().expect("a date"),
        };
        for (text, when, open) in [
            ("휴일 09:00-12:00", When::Holiday, &morning),
            ("holiday closed", When::Holiday, &Vec::new()),
            ("2026-12-24 휴무", dates("2026-12-24", "2026-12-24"), &Vec::new()),
            ("2026-12-24~2027-01-02 09:00-12:00", dates("2026-12-24", "2027-01-02"), &morning),
        ] {
            assert_eq!(rule(text), Ok(Rule { when, open: open.clone() }), "{text}");
        }
    }

    #[test]
    fn hours_that_mean_nothing_say_why() {
        for (text, mistake) in [
            ("", Mistake::Form),
            ("월-금", Mistake::Form),
            ("월-금 09:00", Mistake::Form),
            ("월-굼 09:00-18:00", Mistake::Day("굼".into())),
            (" 09:00-18:00", Mistake::Form),
            ("월-금 9:00-18:00", Mistake::Time("9:00".into())),
            ("월-금 09:60-18:00", Mistake::Time("09:60".into())),
            ("월-금 09:00-24:01", Mistake::Time("24:01".into())),
            ("월-금 09:00-09:00", Mistake::Empty),
            ("월-금 24:00-09:00", Mistake::Empty),
            ("월-금 09:00-12:00 휴무", Mistake::Day("금 09:00-12:00".into())),
            ("월 휴무", Mistake::Form),
            ("2026-02-30 휴무", Mistake::Date("2026-02-30".into())),
            ("2026-12-24~2026-12-23 휴무", Mistake::Date("2026-12-24~2026-12-23".into())),
        ] {
            assert_eq!(rule(text), Err(mistake), "{text}");
        }
    }

    #[test]
    fn rules_that_contradict_each_other_overlap() {
        for (a, b, overlaps) in [
            ("월-금 09:00-12:00", "금 11:00-13:00", true),
            ("월-금 09:00-12:00", "금 12:00-13:00", false),
            // A night reaches into the next day, and Sunday's into Monday.
            ("월 22:00-06:00", "화 05:00-07:00", true),
            ("일 22:00-06:00", "월 05:00-07:00", true),
            ("일 22:00-06:00", "월 06:00-07:00", false),
            ("매일 09:00-12:00", "휴일 13:00-14:00", true),
            ("월-금 09:00-12:00", "휴일 09:00-12:00", false),
            ("휴일 휴무", "휴일 09:00-12:00", true),
            ("2026-12-24 휴무", "2026-12-24~2026-12-26 09:00-12:00", true),
            ("2026-12-24 09:00-12:00", "2026-12-24 13:00-15:00", false),
            ("2026-12-24 09:00-12:00", "월-일 09:00-12:00", false),
        ] {
            let read = |text| rule(text).expect(text);
            assert_eq!(overlap(&read(a), &read(b)), overlaps, "{a} / {b}");
            assert_eq!(overlap(&read(b), &read(a)), overlaps, "{b} / {a}");
        }
        assert!(overlaps_itself(&rule("월-금 09:00-12:00, 11:00-13:00").expect("hours")));
        assert!(!overlaps_itself(&rule("월-금 09:00-12:00, 13:00-18:00").expect("hours")));
    }
}
