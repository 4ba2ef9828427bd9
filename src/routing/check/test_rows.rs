//! `[[test]]`: calls the table must lead as written.

use super::Findings;
use super::fields::{Fields, duration, wrong_kind};
use super::names::{Named, Names};
use crate::number::{Caller, Dialled, Digits};
use crate::routing::bundle::part_at;
use crate::routing::diagnostic::{Diagnostic, position};
use crate::routing::file::{Entry, Kind, Table, Value, full_width, wide};
use crate::routing::plan::{CenterId, Number};
use crate::routing::test_row::{Act, Ending, Manner, TestRow};
use jiff::civil::DateTime;
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

/// A Tuesday morning at work, as in scripts.
const USUAL: DateTime = DateTime::constant(2026, 11, 24, 10, 0, 0, 0);

/// Reads all tests.
pub(super) fn tests(
    text: &str,
    entry: Option<&Entry>,
    names: &Names,
    numbers: &[Number],
    findings: &mut Findings,
) -> Vec<TestRow> {
    let Some(entry) = entry else { return Vec::new() };
    let Kind::List(items) = &entry.value.kind else {
        findings.push(wrong_kind(
            "routing.toml",
            "test",
            &entry.value,
            ["[[test]] (괄호 두 겹)", "[[test]] (two brackets)"],
        ));
        return Vec::new();
    };
    let mut tests = Vec::new();
    for item in items {
        match &item.kind {
            Kind::Table(table) => tests.push(test(text, item.span.clone(), table, names, numbers, findings)),
            Kind::Lost => {}
            _ => findings.push(wrong_kind("routing.toml", "test", item, ["[[test]]", "[[test]]"])),
        }
    }
    tests
}

fn test(
    text: &str,
    span: Range<usize>,
    table: &Table,
    names: &Names,
    numbers: &[Number],
    findings: &mut Findings,
) -> TestRow {
    let (at, part) = part_at(text, span.start);
    let line = position(part.text, span.start.saturating_sub(part.start)).0;
    let file = part.name.filter(|_| at > 0).map(str::to_owned);
    let mut fields = Fields::new("test", table);
    let named = fields.text("name", findings);
    let name = named.as_ref().map_or("", |(name, _)| *name);
    if let Some((text, span)) = named
        && text.trim().is_empty()
    {
        findings.push(wrong("name", text, span, ["무엇을 보이는지 쓰세요", "say what it shows"]));
    }
    fields.missing("name", span, "name = \"정책자금은 두 번 눌러 닿는다\"", findings);
    let when = match fields.text("at", findings) {
        None => USUAL,
        Some((text, span)) => text.parse().unwrap_or_else(|_| {
            findings.push(wrong(
                "at",
                text,
                span,
                ["\"2026-11-24T10:00\" 꼴로 쓰세요", "write it as \"2026-11-24T10:00\""],
            ));
            USUAL
        }),
    };
    let number = match fields.text("call", findings) {
        None => 0,
        Some((text, span)) => {
            let dialled = Dialled::new(text);
            numbers
                .iter()
                .position(|number| number.dialled.iter().any(|pattern| pattern.matches(dialled.as_str())))
                .unwrap_or_else(|| {
                    let help =
                        ["[number.…] 의 match 에 있는 번호를 쓰세요", "write a number that a [number.…] row matches"];
                    findings.push(wrong("call", text, span, help));
                    0
                })
        }
    };
    let caller = fields.text("caller", findings).and_then(|(text, span)| caller(text, span, findings));
    let switches = fields.texts("switch", findings).unwrap_or_default();
    let switches = switches
        .into_iter()
        .filter_map(|(text, span)| names.switch("test", text, span, findings).map(Arc::from))
        .collect();
    let press = fields.texts("press", findings).unwrap_or_default();
    let press = press.into_iter().filter_map(|(text, span)| act(text, span, findings)).collect();
    let world = world(fields.table("world", findings), names, findings);
    let expect = fields.texts("expect", findings).unwrap_or_default();
    let expect: Vec<Arc<str>> =
        expect.into_iter().filter_map(|(text, span)| passed(text, span, names, findings)).collect();
    let hears = fields.texts("hears", findings).unwrap_or_default();
    let hears = hears.into_iter().map(|(text, _)| text.to_owned()).collect();
    let end = fields.text("end", findings).and_then(|(text, span)| ending(text, span, names, findings));
    fields.finish(findings);
    TestRow { name: name.to_owned(), file, line, at: when, caller, switches, number, press, world, expect, hears, end }
}

/// A row that a call can pass.
fn passed(text: &str, span: Range<usize>, names: &Names, findings: &mut Findings) -> Option<Arc<str>> {
    match names.look_up("test.expect", text, span.clone(), findings)? {
        Named::Number | Named::Menu(_) | Named::Input(_) | Named::Center(_) | Named::Notice(_) | Named::Message(_) => {
            Some(text.into())
        }
        Named::Hours(_) | Named::Switch => {
            let help = [
                "전화가 지나는 행을 쓰세요: \"menu.…\", \"input.…\", \"center.…\", \"notice.…\", \"message.…\"",
                "write a row that a call passes: \"menu.…\", \"input.…\", \"center.…\", \"notice.…\" or \"message.…\"",
            ];
            findings.push(wrong_place("expect", text, span, help));
            None
        }
    }
}

/// `"010-1234-5678"`, `"107"`, `"withheld"`.
fn caller(text: &str, span: Range<usize>, findings: &mut Findings) -> Option<Caller> {
    if text == "withheld" {
        return Some(Caller::new("anonymous"));
    }
    let dialled = Dialled::new(text);
    let digits = dialled.as_str().strip_prefix('+').unwrap_or(dialled.as_str());
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        let help = [
            "거는 번호를 쓰세요: \"010-1234-5678\", \"107\", 번호가 없으면 \"withheld\"",
            "write the caller's number: \"010-1234-5678\", \"107\", or \"withheld\"",
        ];
        findings.push(wrong("caller", text, span, help));
        return None;
    }
    Some(Caller::new(dialled.as_str()))
}

fn act(text: &str, span: Range<usize>, findings: &mut Findings) -> Option<Act> {
    if text.is_empty() {
        return Some(Act::Silence);
    }
    if text == "hangup" {
        return Some(Act::HangUp);
    }
    if let Some(time) = text.strip_prefix("say ") {
        let time = duration(time.trim()).ok().filter(|time| !time.is_zero());
        if time.is_none() {
            let help = ["\"say 10s\" 처럼 말하는 시간을 쓰세요", "say for how long: \"say 10s\""];
            findings.push(wrong("press", text, span, help));
        }
        return time.map(Act::Say);
    }
    // `60d` is a slip for `60s`, not the keys 6, 0 and D, which telephones lack.
    let keys = || Digits::parse(text).filter(|_| !text.contains(char::is_alphabetic)).map(Act::Keys);
    let wait = || duration(text).ok().filter(|time| !time.is_zero()).map(Act::Wait);
    let act = keys().or_else(wait);
    if act.is_none()
        && let Some(plain) = full_width(text)
    {
        findings.push(wide(span, text, &plain));
    } else if act.is_none() {
        let help = [
            "버튼 \"11\", 말없이 \"\", 기다리기 \"5s\", 말하기 \"say 10s\", 끊기 \"hangup\" 가운데 하나를 쓰세요",
            "write keys \"11\", silence \"\", a wait \"5s\", words \"say 10s\" or \"hangup\"",
        ];
        findings.push(wrong("press", text, span, help));
    }
    act
}

fn world(table: Option<&Table>, names: &Names, findings: &mut Findings) -> BTreeMap<CenterId, Vec<Manner>> {
    let mut world = BTreeMap::new();
    for entry in table.iter().flat_map(|table| &table.entries) {
        let center = match names.look_up("test.world", &entry.key, entry.key_span.clone(), findings) {
            Some(Named::Center(id)) => id,
            Some(_) => {
                let help = ["\"center.kosmes\" 처럼 쓰세요", "write \"center.kosmes\""];
                findings.push(wrong_place("world", &entry.key, entry.key_span.clone(), help));
                continue;
            }
            None => continue,
        };
        let values: Vec<&Value> = match &entry.value.kind {
            Kind::List(items) => items.iter().collect(),
            _ => vec![&entry.value],
        };
        let manners = values.into_iter().filter_map(|value| manner(entry, value, findings)).collect();
        world.insert(center, manners);
    }
    world
}

fn manner(entry: &Entry, value: &Value, findings: &mut Findings) -> Option<Manner> {
    const WORDS: &str = "answers, busy, rings, dead, refuses";
    let found = match &value.kind {
        Kind::Text(text) => Manner::ALL.into_iter().find(|manner| manner.word() == text),
        Kind::Lost => return None,
        _ => None,
    };
    if found.is_none() {
        findings.push(wrong_kind("test.world", &entry.key, value, [WORDS, WORDS]));
    }
    found
}

fn ending(text: &str, span: Range<usize>, names: &Names, findings: &mut Findings) -> Option<Ending> {
    if text == "hangup" {
        return Some(Ending::HungUp);
    }
    match names.look_up("test.end", text, span.clone(), findings)? {
        Named::Center(id) => Some(Ending::Center(id)),
        Named::Notice(id) => Some(Ending::Notice(id)),
        Named::Message(id) => Some(Ending::Message(id)),
        _ => {
            let help = [
                "전화가 끝나는 곳을 쓰세요: \"center.…\", \"notice.…\", \"message.…\", \"hangup\"",
                "write where the call ends: \"center.…\", \"notice.…\", \"message.…\" or \"hangup\"",
            ];
            findings.push(wrong_place("end", text, span, help));
            None
        }
    }
}

fn wrong(field: &str, text: &str, span: Range<usize>, help: [&str; 2]) -> Diagnostic {
    told("E0103", field, text, span, help)
}

/// A row that is there, and not of the kind that is wanted.
fn wrong_place(field: &str, text: &str, span: Range<usize>, help: [&str; 2]) -> Diagnostic {
    told("E0202", field, text, span, help)
}

fn told(code: &'static str, field: &str, text: &str, span: Range<usize>, help: [&str; 2]) -> Diagnostic {
    Diagnostic::error(
        code,
        span,
        format!("test: {field} 에 쓸 수 없는 값입니다: \"{text}\""),
        format!("test: {field} cannot be \"{text}\""),
    )
    .help(help[0], help[1])
}
