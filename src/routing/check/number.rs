//! `[number.…]`: what may be dialled, and where its callers enter.

use super::Findings;
use super::fields::{Fields, is_later, later, wrong_kind};
use super::names::{Names, Place, Row};
use super::sound::Sounds;
use crate::number::Dialled;
use crate::routing::diagnostic::Diagnostic;
use crate::routing::file::{Kind, Table, full_width, wide};
use crate::routing::plan::{Condition, Destination, HoursId, Number, When};
use std::collections::BTreeMap;
use std::ops::Range;

/// Reads one number. `taken` are the numbers of the rows before.
pub(super) fn number(
    row: &Row<'_>,
    names: &Names,
    taken: &mut BTreeMap<Dialled, Range<usize>>,
    sounds: &mut Sounds,
    findings: &mut Findings,
) -> Number {
    let table = row.table(findings);
    let mut fields = Fields::new(&row.name, table);
    let mut dialled = Vec::new();
    let matches = fields.texts("match", findings);
    fields.missing("match", row.span.clone(), "match = [\"1357\"]", findings);
    for (text, span) in matches.unwrap_or_default() {
        dialled.extend(one_number(row, text, span, taken, findings));
    }
    let greeting = fields.text("greeting", findings).map(|(id, span)| sounds.named(id, span));
    let go = fields.text("go", findings);
    fields.missing("go", row.span.clone(), "go = \"menu.main\"", findings);
    let go = go.and_then(|(text, span)| names.destination(&row.name, text, span, Place::Entry, findings));
    let mut when = Vec::new();
    if let Some(entry) = fields.entry("when") {
        match &entry.value.kind {
            Kind::List(conditions) => {
                for condition in conditions {
                    match &condition.kind {
                        Kind::Table(table) => {
                            when.push(one_condition(row, table, condition.span.clone(), names, findings));
                        }
                        _ => findings.push(wrong_kind(
                            &row.name,
                            "when",
                            condition,
                            ["{ outside = \"hours.…\", go = \"…\" }", "{ outside = \"hours.…\", go = \"…\" }"],
                        )),
                    }
                }
            }
            _ => findings.push(wrong_kind(
                &row.name,
                "when",
                &entry.value,
                ["목록 [{ outside = \"hours.…\", go = \"…\" }]", "a list [{ outside = \"hours.…\", go = \"…\" }]"],
            )),
        }
    }
    fields.finish(findings);
    Number { row: row.name.as_str().into(), dialled, greeting, when, go: go.unwrap_or(Destination::End) }
}

/// One text of `match`.
fn one_number(
    row: &Row<'_>,
    text: &str,
    span: Range<usize>,
    taken: &mut BTreeMap<Dialled, Range<usize>>,
    findings: &mut Findings,
) -> Option<Dialled> {
    if let Some(plain) = full_width(text) {
        findings.push(wide(span, text, &plain));
        return None;
    }
    let fits = |c: char| c.is_ascii_alphanumeric() || "+*#-._() ".contains(c);
    if text.trim().is_empty() || !text.chars().all(fits) {
        findings.push(
            Diagnostic::error(
                "E0103",
                span,
                format!("{}: 걸 수 있는 번호가 아닙니다: \"{text}\"", row.name),
                format!("{}: nobody can dial \"{text}\"", row.name),
            )
            .help("숫자로 쓰세요: match = [\"1357\", \"02-1357\"]", "write digits: match = [\"1357\", \"02-1357\"]"),
        );
        return None;
    }
    let dialled = Dialled::new(text);
    if let Some(first) = taken.get(&dialled) {
        findings.push(
            Diagnostic::error(
                "E0104",
                span,
                format!("{}: 같은 번호가 두 번 있습니다: {text}", row.name),
                format!("{}: the number {text} stands twice", row.name),
            )
            .help("하나를 지우세요", "delete one")
            .related(first.clone(), "첫 번째", "the first"),
        );
        return None;
    }
    taken.insert(dialled.clone(), span);
    Some(dialled)
}

/// One condition of `when`.
fn one_condition(row: &Row<'_>, table: &Table, at: Range<usize>, names: &Names, findings: &mut Findings) -> When {
    let name = format!("{} when", row.name);
    let mut fields = Fields::new(&name, table);
    // With unknown hours the way is still there, so that what lies behind it is not unreachable too.
    let outside = fields.text("outside", findings).map(|(text, span)| {
        let hours = names.hours(&name, text, span, findings);
        Condition::Outside(hours.unwrap_or(HoursId(usize::MAX)))
    });
    let holiday = fields.flag("holiday", findings).map(Condition::Holiday);
    let later_words: Vec<_> = table.entries.iter().filter(|entry| is_later(&entry.key)).collect();
    let written = ["outside", "holiday"].iter().filter(|name| fields.is_written(name)).count();
    if written > 1 {
        findings.push(
            Diagnostic::error(
                "E0108",
                at.clone(),
                format!("{name}: 한 줄에 조건은 하나입니다"),
                format!("{name}: one condition a line"),
            )
            .help(
                "줄을 나누세요. 위에서부터 처음 맞는 줄이 쓰입니다",
                "make them two lines; the first that is true counts",
            ),
        );
    } else if written == 0 && later_words.is_empty() {
        fields.missing("outside", at.clone(), "outside = \"hours.main\"", findings);
    }
    let go = fields.text("go", findings);
    fields.missing("go", at, "go = \"notice.closed\"", findings);
    let go = go.and_then(|(text, span)| names.destination(&name, text, span, Place::Entry, findings));
    for entry in &later_words {
        findings.push(later(entry.key_span.clone(), &entry.key));
    }
    for entry in fields.rest() {
        if !is_later(&entry.key) {
            findings.push(fields.unknown(entry));
        }
    }
    let condition = outside.or(holiday).unwrap_or(Condition::Outside(HoursId(usize::MAX)));
    When { condition, go: go.unwrap_or(Destination::End) }
}
