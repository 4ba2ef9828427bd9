//! `[holidays]`: which public holidays count, and what the government decided late.

use super::Findings;
use super::fields::Fields;
use crate::routing::calendar::korea;
use crate::routing::diagnostic::Diagnostic;
use crate::routing::file::{Table, full_width, wide};
use crate::routing::plan::Holidays;
use jiff::civil::Date;
use std::ops::Range;

/// Reads `[holidays]`. `korean_zone`: the holidays of Korea count where nothing else is said.
pub(super) fn holidays(table: Option<&Table>, korean_zone: bool, findings: &mut Findings) -> (Holidays, Option<Ends>) {
    let usual = Holidays { korean: korean_zone, ..Holidays::default() };
    let Some(table) = table else { return (usual, None) };
    let mut fields = Fields::new("holidays", table);
    let mut holidays = usual;
    match fields.text("calendar", findings) {
        None => {}
        Some(("kr", _)) => holidays.korean = true,
        Some(("none", _)) => holidays.korean = false,
        Some((other, span)) => findings.push(
            Diagnostic::error(
                "E0103",
                span,
                format!("holidays: 쓸 수 없는 값입니다: calendar = \"{other}\""),
                format!("holidays: calendar cannot be \"{other}\""),
            )
            .help("\"kr\" 또는 \"none\"", "\"kr\" or \"none\""),
        ),
    }
    let mut added: Vec<(Date, Range<usize>)> = Vec::new();
    for name in ["designated", "elections"] {
        for (day, span) in dates(&mut fields, name, findings) {
            let twice = added.iter().find(|(other, _)| *other == day).map(|(_, first)| first.clone());
            if let Some(first) = twice {
                findings.push(twice_listed(day, span, first));
            } else if let Some(known) = korea::holiday(day).filter(|_| holidays.korean) {
                let [korean, english] = known;
                findings.push(without_effect(
                    span,
                    [
                        format!("{day} 은 이미 공휴일입니다 ({korean})"),
                        format!("{day} is a holiday already ({english})"),
                    ],
                ));
            } else {
                added.push((day, span));
            }
        }
    }
    let mut open: Vec<(Date, Range<usize>)> = Vec::new();
    for (day, span) in dates(&mut fields, "open", findings) {
        let twice = open.iter().find(|(other, _)| *other == day).map(|(_, first)| first.clone());
        let contradicts = added.iter().find(|(other, _)| *other == day).map(|(_, first)| first.clone());
        if let Some(first) = twice.or(contradicts) {
            findings.push(twice_listed(day, span, first));
        } else if !(holidays.korean && korea::holiday(day).is_some()) {
            findings
                .push(without_effect(span, [format!("{day} 은 공휴일이 아닙니다"), format!("{day} is no holiday")]));
        } else {
            open.push((day, span));
        }
    }
    if !holidays.korean && korean_zone {
        gaps(&added, findings);
    }
    let until = dates(&mut fields, "until", findings).pop().map(|(day, span)| Ends { day, span });
    // A list kept by hand ends with the year of its last day, said or not.
    let by_hand = added.iter().max_by_key(|(day, _)| *day).filter(|_| !holidays.korean);
    let by_hand = by_hand.map(|(day, span)| Ends { day: Date::constant(day.year(), 12, 31), span: span.clone() });
    holidays.added = added.into_iter().map(|(day, _)| day).collect();
    holidays.open = open.into_iter().map(|(day, _)| day).collect();
    fields.finish(findings);
    (holidays, until.or(by_hand))
}

/// The last day for which somebody has looked at the list.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Ends {
    day: Date,
    span: Range<usize>,
}

/// How long before its end a list is asked for anew: days are designated some weeks ahead.
const ENDS_SOON_DAYS: i32 = 30;

impl Ends {
    /// W0402 when the list has ended, or ends soon.
    pub(super) fn ran_out(&self, today: Date) -> Option<Diagnostic> {
        let Self { day, span } = self;
        let left = (*day - today).get_days();
        if left > ENDS_SOON_DAYS {
            return None;
        }
        let [korean, english] = if left < 0 { ["끝났습니다", "ended"] } else { ["곧 끝납니다", "ends soon"] };
        let finding = Diagnostic::warning(
            "W0402",
            span.clone(),
            format!("holidays: 휴일 목록이 {day} 에 {korean}. 그 뒤에 정해진 휴일에는 엽니다"),
            format!("holidays: the list {english} ({day}); days that were designated after it are open"),
        );
        Some(finding.help(
            "임시공휴일과 선거일을 다시 보고 until 을 늘리세요: until = \"2027-12-31\"",
            "look at designated and election days again, then move the end: until = \"2027-12-31\"",
        ))
    }
}

/// The dates of one list; a year whose rules were others is refused.
fn dates(fields: &mut Fields<'_>, name: &'static str, findings: &mut Findings) -> Vec<(Date, Range<usize>)> {
    let mut dates = Vec::new();
    for (text, span) in fields.texts(name, findings).unwrap_or_default() {
        match text.parse::<Date>() {
            Ok(day) if day.year() < *korea::YEARS.start() => {
                let [korean, english] = korea::OutOfYears(day.year()).words();
                findings.push(
                    Diagnostic::error("E0403", span, format!("holidays: {korean}"), format!("holidays: {english}"))
                        .help("지난 날짜는 지우세요", "delete dates that are past"),
                );
            }
            Ok(day) => dates.push((day, span)),
            Err(_) => findings.push(match full_width(text) {
                Some(plain) => wide(span, text, &plain),
                None => Diagnostic::error(
                    "E0403",
                    span,
                    format!("holidays: 날짜가 아닙니다: \"{text}\""),
                    format!("holidays: \"{text}\" is not a date"),
                )
                .help("\"2027-01-02\" 처럼 쓰세요", "write it as \"2027-01-02\""),
            }),
        }
    }
    dates
}

fn twice_listed(day: Date, span: Range<usize>, first: Range<usize>) -> Diagnostic {
    Diagnostic::error(
        "E0104",
        span,
        format!("holidays: 같은 날이 두 번 있습니다: {day}"),
        format!("holidays: {day} stands twice"),
    )
    .help("하나를 지우세요", "delete one")
    .related(first, "첫 번째", "the first")
}

/// W0402: a line that changes nothing is usually a slip of the date.
fn without_effect(span: Range<usize>, [korean, english]: [String; 2]) -> Diagnostic {
    Diagnostic::warning("W0402", span, format!("holidays: {korean}"), format!("holidays: {english}"))
        .label("이 줄은 아무것도 바꾸지 않습니다", "this changes nothing")
        .help("날짜를 다시 보거나 지우세요", "look at the date again, or delete it")
}

/// So many days that a list lacks are named.
const MISSING_TOLD_MAX: usize = 8;

/// W0403: a list kept by hand that lacks a public holiday of a year it speaks of. Nothing is added to it: a list of one
/// day leaves all others open.
fn gaps(added: &[(Date, Range<usize>)], findings: &mut Findings) {
    let mut years: Vec<i16> = added.iter().map(|(day, _)| day.year()).collect();
    years.sort_unstable();
    years.dedup();
    for year in years {
        let known = korea::holidays(year).unwrap_or_default();
        let has = |day: Date| added.iter().any(|(other, _)| *other == day);
        let Some((_, span)) = added.iter().rev().find(|(day, _)| day.year() == year) else { continue };
        let missing: Vec<_> = known.iter().filter(|holiday| !has(holiday.date)).collect();
        if missing.is_empty() {
            continue;
        }
        let more = missing.len().saturating_sub(MISSING_TOLD_MAX);
        let list = |at: usize| {
            let words = missing.iter().take(MISSING_TOLD_MAX);
            let words = words.map(|holiday| format!("{} {}", holiday.date, holiday.name[at]));
            words.collect::<Vec<_>>().join(", ")
        };
        let [korean, english] = match more {
            0 => [String::new(), String::new()],
            _ => [format!(" 밖에 {more}일"), format!(" and {more} more")],
        };
        findings.push(
            Diagnostic::warning(
                "W0403",
                span.clone(),
                format!("holidays: {year}년 목록에 없는 공휴일: {}{korean}", list(0)),
                format!("holidays: the list of {year} lacks {}{english}", list(1)),
            )
            .help("calendar = \"kr\" 이면 저절로 계산됩니다", "calendar = \"kr\" computes them"),
        );
    }
}
