//! `[number.…]`: what may be dialled, and where its callers enter.

use super::Findings;
use super::fields::{Fields, choose, is_later, later, wrong_kind};
use super::names::{Names, Place, Row};
use super::never::NumberSite;
use super::sound::{At, Sounds};
use crate::number::CallerKind;
use crate::routing::diagnostic::Diagnostic;
use crate::routing::file::{Kind, Table, full_width, wide};
use crate::routing::pattern::{Pattern, PatternError};
use crate::routing::plan::{Answer, Condition, Destination, Fee, HoursId, Number, Plan, When};
use crate::routing::slots;
use std::ops::Range;

/// Reads one number. `taken` are the numbers of the rows before.
pub(super) fn number(
    row: &Row<'_>,
    names: &Names,
    taken: &mut Vec<(Pattern, Range<usize>)>,
    sounds: &mut Sounds,
    findings: &mut Findings,
) -> (Number, NumberSite) {
    let table = row.table(findings);
    let mut fields = Fields::new(&row.name, table);
    let mut dialled = Vec::new();
    let matches = fields.texts("match", findings);
    fields.missing("match", row.span.clone(), "match = [\"1357\"]", findings);
    for (text, span) in matches.unwrap_or_default() {
        dialled.extend(one_number(row, text, span, taken, findings));
    }
    let greeting =
        fields.text("greeting", findings).map(|(id, span)| sounds.said_at(At::Place(slots::Place::Greeting), id, span));
    let answer = choose(
        &mut fields,
        "answer",
        &[("at-once", Answer::AtOnce), ("after-greeting", Answer::AfterGreeting)],
        findings,
    );
    let recorded = fields.flag("recorded", findings).unwrap_or(false);
    let record = fields.flag("record", findings).unwrap_or(false);
    let protection = fields.flag("protection", findings).unwrap_or(false);
    let fees = [("free", Fee::Free), ("local", Fee::Local), ("other", Fee::Other)];
    let fee = choose(&mut fields, "fee", &fees, findings);
    let language = fields.text("language", findings);
    let language = language.and_then(|(text, span)| names.language(&row.name, text, span, true, findings)).flatten();
    let go = fields.text("go", findings);
    fields.missing("go", row.span.clone(), "go = \"menu.main\"", findings);
    let go_at = go.as_ref().map_or_else(|| row.span.clone(), |(_, span)| span.clone());
    let go = go.and_then(|(text, span)| names.destination(&row.name, text, span, Place::Entry, findings));
    let mut when = Vec::new();
    if let Some(entry) = fields.entry("when") {
        match &entry.value.kind {
            Kind::List(conditions) => {
                for condition in conditions {
                    match &condition.kind {
                        Kind::Table(table) => {
                            let span = condition.span.clone();
                            when.push((one_condition(row, table, span.clone(), names, findings), span));
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
    repeated(&row.name, &when, findings);
    let (when, lines) = when.into_iter().unzip();
    let site = NumberSite { row: row.span.clone(), go: go_at, when: lines };
    let number = Number {
        row: row.name.as_str().into(),
        dialled,
        greeting,
        answer: answer.unwrap_or_default(),
        recorded,
        record,
        protection,
        fee,
        language,
        when,
        go: go.unwrap_or(Destination::End),
    };
    (number, site)
}

/// One text of `match`.
fn one_number(
    row: &Row<'_>,
    text: &str,
    span: Range<usize>,
    taken: &mut Vec<(Pattern, Range<usize>)>,
    findings: &mut Findings,
) -> Option<Pattern> {
    let pattern = pattern(&row.name, text, span.clone(), findings)?;
    if let Some((other, first)) = taken.iter().find(|(other, _)| other.overlaps(&pattern)) {
        let finding = if *other == pattern {
            Diagnostic::error(
                "E0104",
                span,
                format!("{}: 같은 번호가 두 번 있습니다: {text}", row.name),
                format!("{}: the number {text} stands twice", row.name),
            )
            .help("하나를 지우세요", "delete one")
        } else {
            Diagnostic::error(
                "E0109",
                span,
                format!("{}: 다른 번호와 겹칩니다: {text}", row.name),
                format!("{}: {text} overlaps another number", row.name),
            )
            .help("걸려 온 번호 하나에는 한 행만 맞아야 합니다", "one dialled number may fit one row only")
        };
        findings.push(finding.related(first.clone(), "이것과", "with this"));
        return None;
    }
    taken.push((pattern.clone(), span));
    Some(pattern)
}

/// A number or a pattern of numbers.
fn pattern(row: &str, text: &str, span: Range<usize>, findings: &mut Findings) -> Option<Pattern> {
    if let Some(plain) = full_width(text).filter(|_| !text.contains('~')) {
        findings.push(wide(span, text, &plain));
        return None;
    }
    let error = match Pattern::parse(text) {
        Ok(pattern) => return Some(pattern),
        Err(error) => error,
    };
    let help = match error {
        PatternError::Characters => [
            "\"1357\", \"02-1357\", \"135x\"(한 자리), \"1357*\"(뒤에 무엇이든), \"15880800~15880899\"",
            "\"1357\", \"02-1357\", \"135x\" (one digit), \"1357*\" (and what follows), \"15880800~15880899\"",
        ],
        PatternError::Range => [
            "첫 번호와 마지막 번호를 같은 자릿수로, 작은 것부터 쓰세요: \"15880800~15880899\"",
            "write the first and the last number with as many digits, the lower first: \"15880800~15880899\"",
        ],
        PatternError::Country => [
            "한국 번호는 국내에서 거는 대로 쓰세요: \"02-1357\", \"010*\". 다른 나라는 \"+1*\"",
            "write numbers of Korea as they are dialled within it: \"02-1357\", \"010*\"; another country is \"+1*\"",
        ],
    };
    findings.push(
        Diagnostic::error(
            "E0103",
            span,
            format!("{row}: 걸 수 있는 번호가 아닙니다: \"{text}\""),
            format!("{row}: nobody can dial \"{text}\""),
        )
        .help(help[0], help[1]),
    );
    None
}

/// The words a condition can begin with, each with an example.
const CONDITIONS: [(&str, &str); 7] = [
    ("outside", "outside = \"hours.main\""),
    ("holiday", "holiday = true"),
    ("switch", "switch = \"emergency\""),
    ("caller", "caller = [\"02-2104*\"]"),
    ("caller_kind", "caller_kind = \"relay\""),
    ("language", "language = \"en\""),
    ("share", "share = 30"),
];

/// One condition of `when`.
fn one_condition(row: &Row<'_>, table: &Table, at: Range<usize>, names: &Names, findings: &mut Findings) -> When {
    let name = format!("{} when", row.name);
    let mut fields = Fields::new(&name, table);
    // A condition that could not be read still leads on, so that what lies behind it is not unreachable too.
    let unread = Condition::Outside(HoursId(usize::MAX));
    let mut conditions = Vec::new();
    if let Some((text, span)) = fields.text("outside", findings) {
        conditions.push(names.hours(&name, text, span, findings).map(Condition::Outside));
    }
    if let Some(wanted) = fields.flag("holiday", findings) {
        conditions.push(Some(Condition::Holiday(wanted)));
    }
    if let Some((text, span)) = fields.text("switch", findings) {
        conditions.push(names.switch(&name, text, span, findings).map(|name| Condition::Switch(name.into())));
    }
    if let Some(callers) = fields.texts("caller", findings) {
        let patterns = callers.into_iter().filter_map(|(text, span)| pattern(&name, text, span, findings));
        conditions.push(Some(Condition::Caller(patterns.collect())));
    }
    if let Some(kind) = choose(&mut fields, "caller_kind", &CallerKind::WORDS, findings) {
        conditions.push(Some(Condition::CallerKind(kind)));
    }
    if let Some((text, span)) = fields.text("language", findings) {
        conditions.push(names.language(&name, text, span, false, findings).map(Condition::Language));
    }
    if let Some(percent) = fields.count("share", 1..=99, findings) {
        conditions.push(u8::try_from(percent).ok().map(Condition::Share));
    }
    let later_words: Vec<_> = table.entries.iter().filter(|entry| is_later(&entry.key)).collect();
    let written = table.entries.iter().filter(|entry| CONDITIONS.iter().any(|(word, _)| *word == entry.key)).count();
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
    } else if later_words.is_empty() && !CONDITIONS.iter().any(|(word, _)| fields.is_written(word)) && !fields.broken()
    {
        let examples = CONDITIONS.map(|(_, example)| example).join(", ");
        findings.push(
            Diagnostic::error(
                "E0107",
                at.clone(),
                format!("{name}: 조건이 없습니다"),
                format!("{name} needs a condition"),
            )
            .help(format!("다음 가운데 하나: {examples}"), format!("one of: {examples}")),
        );
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
    let condition = conditions.into_iter().flatten().next().unwrap_or(unread);
    When { condition, go: go.unwrap_or(Destination::End) }
}

/// E0203: a condition that an earlier line of the same number has already answered.
fn repeated(name: &str, when: &[(When, Range<usize>)], findings: &mut Findings) {
    for (at, (later, span)) in when.iter().enumerate() {
        let known = |condition: &Condition| !matches!(condition, Condition::Outside(HoursId(usize::MAX)));
        let covers = |earlier: &Condition| match (earlier, &later.condition) {
            (Condition::Share(first), Condition::Share(second)) => first >= second,
            (first, second) => first == second && known(first),
        };
        let Some((_, first)) = when.iter().take(at).find(|(earlier, _)| covers(&earlier.condition)) else { continue };
        findings.push(
            Diagnostic::error(
                "E0203",
                span.clone(),
                format!("{name}: 앞 줄이 먼저 맞아서 이 줄까지 오는 전화가 없습니다"),
                format!("{name}: an earlier line is true first; no call comes to this one"),
            )
            .help("이 줄을 지우거나 차례를 바꾸세요", "delete this line, or change the order")
            .related(first.clone(), "이 줄이 먼저입니다", "this one is first"),
        );
    }
}

/// `emergency = "재난 안내"`: what the switch is for.
pub(super) fn switch(row: &Row<'_>, findings: &mut Findings) -> String {
    match &row.value.kind {
        Kind::Text(text) => text.clone(),
        Kind::Lost => String::new(),
        _ => {
            findings.push(wrong_kind(
                "switch",
                row.id,
                row.value,
                ["무엇에 쓰는 스위치인지: \"재난 안내\"", "what the switch is for: \"emergency notice\""],
            ));
            String::new()
        }
    }
}

/// W0204: a switch that changes nothing.
pub(super) fn unasked(rows: &[Row<'_>], plan: &Plan, whole: bool, findings: &mut Findings) {
    let conditions = plan.numbers.iter().flat_map(|number| &number.when).map(|when| &when.condition);
    for row in rows.iter().filter(|_| whole) {
        let asked =
            conditions.clone().any(|condition| matches!(condition, Condition::Switch(name) if **name == *row.id));
        // A condition that could not be read may have asked.
        let unread = conditions.clone().any(|condition| matches!(condition, Condition::Outside(HoursId(usize::MAX))));
        if asked || unread {
            continue;
        }
        findings.push(
            Diagnostic::warning(
                "W0204",
                row.span.clone(),
                format!("{}: 이 스위치를 묻는 조건이 없습니다", row.name),
                format!("{}: no condition asks this switch", row.name),
            )
            .help(
                format!("번호의 when 에 {{ switch = \"{}\", go = \"notice.…\" }} 를 더하거나 지우세요", row.id),
                format!("add {{ switch = \"{}\", go = \"notice.…\" }} to a number, or delete it", row.id),
            ),
        );
    }
}
