//! `[hours]`: `"월-금 09:00-18:00"`, in Korean or English days.

use super::Findings;
use super::fields::{Fields, wrong_kind};
use super::names::Row;
use crate::routing::diagnostic::Diagnostic;
use crate::routing::file::{Kind, full_width, wide};
use crate::routing::plan::{Hours, Span};
use std::ops::Range;

/// Monday first; Korean, then English.
const DAYS: [[&str; 2]; 7] =
    [["월", "mon"], ["화", "tue"], ["수", "wed"], ["목", "thu"], ["금", "fri"], ["토", "sat"], ["일", "sun"]];

/// Reads one row of hours.
pub(super) fn hours(row: &Row<'_>, findings: &mut Findings) -> Hours {
    let mut spans: Vec<(Span, Range<usize>)> = Vec::new();
    for (text, at) in texts(row, findings) {
        match span(text) {
            Ok(span) => {
                if let Some((_, first)) = spans.iter().find(|(other, _)| overlap(other, &span)) {
                    findings.push(
                        Diagnostic::error(
                            "E0401",
                            at.clone(),
                            format!("{}: 시간이 겹칩니다", row.name),
                            format!("{}: these hours overlap", row.name),
                        )
                        .help("하나로 합치거나 시각을 고치세요", "join them, or mend the times")
                        .related(first.clone(), "이것과", "with these"),
                    );
                }
                spans.push((span, at));
            }
            Err(mistake) => findings.push(match full_width(text) {
                Some(plain) => wide(at, text, &plain),
                None => mistake.diagnose(row, text, at),
            }),
        }
    }
    Hours { row: row.name.as_str().into(), spans: spans.into_iter().map(|(span, _)| span).collect() }
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
            findings.push(
                Diagnostic::error(
                    "E0401",
                    row.span.clone(),
                    format!("{}: 여는 시간이 하나도 없습니다", row.name),
                    format!("{}: no opening time at all", row.name),
                )
                .help(format!("{} = {}", row.id, example[0]), format!("{} = {}", row.id, example[1])),
            );
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
    Backwards,
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
                    "월 화 수 목 금 토 일, \"월-금\", \"월,수\", \"매일\"",
                    "mon tue wed thu fri sat sun, \"mon-fri\", \"mon,wed\", \"daily\"",
                ],
            ),
            Self::Time(time) => (
                format!("시각이 아닙니다: \"{time}\""),
                format!("\"{time}\" is not a time"),
                ["00:00 부터 24:00 까지 두 자리로 쓰세요: 09:00", "write two digits each, 00:00 to 24:00: 09:00"],
            ),
            Self::Backwards => (
                format!("시작하기 전에 끝납니다: \"{text}\""),
                format!("\"{text}\" ends before it starts"),
                [
                    "밤을 넘기면 둘로 나누세요: \"월-금 22:00-24:00\", \"화-토 00:00-02:00\"",
                    "split a night in two: \"mon-fri 22:00-24:00\", \"tue-sat 00:00-02:00\"",
                ],
            ),
        };
        Diagnostic::error("E0401", at, format!("{}: {korean}", row.name), format!("{}: {english}", row.name))
            .help(help[0], help[1])
    }
}

/// Reads `월-금 09:00-18:00`.
fn span(text: &str) -> Result<Span, Mistake> {
    let (days, times) = text.trim().rsplit_once([' ', '\t']).ok_or(Mistake::Form)?;
    let (from, to) = times.split_once(['-', '~']).ok_or(Mistake::Form)?;
    let (from, to) = (minutes(from)?, minutes(to)?);
    if from >= to {
        return Err(Mistake::Backwards);
    }
    let mut open = [false; 7];
    for part in days.split(',') {
        for day in days_of(part.trim())? {
            open[day] = true;
        }
    }
    Ok(Span { days: open, from, to })
}

/// The days of `월`, `월-금`, `토-월` or `매일`.
fn days_of(part: &str) -> Result<Vec<usize>, Mistake> {
    if matches!(part, "매일") || part.eq_ignore_ascii_case("daily") {
        return Ok((0..7).collect());
    }
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

fn overlap(a: &Span, b: &Span) -> bool {
    (0..7).any(|day| a.days[day] && b.days[day]) && a.from < b.to && b.from < a.to
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_read_in_korean_and_in_english() {
        for (text, days, from, to) in [
            ("월-금 09:00-18:00", "1111100", 540, 1080),
            ("mon-fri 09:00-18:00", "1111100", 540, 1080),
            ("Mon-Fri 09:00-18:00", "1111100", 540, 1080),
            ("월,수 09:00-12:00", "1010000", 540, 720),
            ("월, 수-금 09:00-12:00", "1011100", 540, 720),
            ("토 00:00-24:00", "0000010", 0, 1440),
            ("토-월 10:00-11:00", "1000011", 600, 660),
            ("매일 00:00-24:00", "1111111", 0, 1440),
            ("월요일 09:00~18:00", "1000000", 540, 1080),
        ] {
            let days: Vec<bool> = days.chars().map(|c| c == '1').collect();
            let days: [bool; 7] = days.try_into().expect("seven days");
            assert_eq!(span(text), Ok(Span { days, from, to }), "{text}");
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
            ("월-금 18:00-09:00", Mistake::Backwards),
            ("월-금 09:00-09:00", Mistake::Backwards),
        ] {
            assert_eq!(span(text), Err(mistake), "{text}");
        }
    }
}
