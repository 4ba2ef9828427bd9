//! Reading the fields of a row: each is asked for by name and kind, and what nobody asked for is a mistake.

use super::Findings;
use crate::routing::diagnostic::Diagnostic;
use crate::routing::file::{Entry, Kind, Table, Value, full_width, wide};
use std::ops::{Range, RangeInclusive};
use std::time::Duration;

/// Fields and rows of later versions, so that a table written for one is told so instead of "unknown".
const LATER: [&str; 26] = [
    "access",
    "bridge",
    "callback",
    "calls",
    "calls_per_second",
    "case",
    "charge",
    "expert",
    "extends",
    "happycall",
    "health",
    "max_calls",
    "offer",
    "on_empty",
    "on_fail",
    "on_full",
    "overload",
    "program",
    "queue",
    "returning",
    "sms",
    "survey",
    "trunk",
    "visual",
    "webhook",
    "whisper",
];

/// Whether a later version of the table will have this field, condition or row.
pub(super) fn is_later(name: &str) -> bool {
    LATER.contains(&name)
}

/// A row being read.
pub(super) struct Fields<'f> {
    /// `menu.main`, for messages.
    row: String,
    table: &'f Table,
    asked: Vec<&'static str>,
}

impl<'f> Fields<'f> {
    /// Begins to read a row.
    pub(super) fn new(row: impl Into<String>, table: &'f Table) -> Self {
        Self { row: row.into(), table, asked: Vec::new() }
    }

    /// The row's name.
    pub(super) fn row(&self) -> &str {
        &self.row
    }

    /// Whether syntax was wrong inside, so that what is missing may have been written.
    pub(super) fn broken(&self) -> bool {
        self.table.broken
    }

    /// The field as written.
    pub(super) fn entry(&mut self, name: &'static str) -> Option<&'f Entry> {
        if !self.asked.contains(&name) {
            self.asked.push(name);
        }
        // What broken syntax swallowed was reported there.
        self.table.get(name).filter(|entry| !matches!(entry.value.kind, Kind::Lost))
    }

    /// A text.
    pub(super) fn text(&mut self, name: &'static str, findings: &mut Findings) -> Option<(&'f str, Range<usize>)> {
        let entry = self.entry(name)?;
        text(&self.row, entry, findings)
    }

    /// `true` or `false`.
    pub(super) fn flag(&mut self, name: &'static str, findings: &mut Findings) -> Option<bool> {
        let entry = self.entry(name)?;
        match entry.value.kind {
            Kind::Flag(flag) => Some(flag),
            _ => {
                findings.push(wrong_kind(&self.row, name, &entry.value, ["true 또는 false", "true or false"]));
                None
            }
        }
    }

    /// A whole number within bounds.
    pub(super) fn count(
        &mut self,
        name: &'static str,
        bounds: RangeInclusive<i64>,
        findings: &mut Findings,
    ) -> Option<i64> {
        let entry = self.entry(name)?;
        let (low, high) = (bounds.start(), bounds.end());
        match &entry.value.kind {
            Kind::Integer(Some(number)) if bounds.contains(number) => Some(*number),
            Kind::Integer(_) => {
                findings.push(
                    Diagnostic::error(
                        "E0103",
                        entry.value.span.clone(),
                        format!("{}: {name} 에 쓸 수 있는 수가 아닙니다", self.row),
                        format!("{}: {name} cannot be this number", self.row),
                    )
                    .help(format!("{low} 부터 {high} 까지 쓰세요"), format!("write {low} to {high}")),
                );
                None
            }
            _ => {
                findings.push(wrong_kind(&self.row, name, &entry.value, ["따옴표 없는 수", "a number without quotes"]));
                None
            }
        }
    }

    /// A duration with its unit, within bounds.
    pub(super) fn duration(
        &mut self,
        name: &'static str,
        bounds: RangeInclusive<Duration>,
        findings: &mut Findings,
    ) -> Option<Duration> {
        let entry = self.entry(name)?;
        let span = entry.value.span.clone();
        let row = &self.row;
        match &entry.value.kind {
            Kind::Integer(number) => {
                let number = number.unwrap_or(20);
                findings.push(
                    Diagnostic::error(
                        "E0103",
                        span,
                        format!("{row}: {name} 에 단위가 없습니다"),
                        format!("{row}: {name} has no unit"),
                    )
                    .label("초인지 분인지 알 수 없습니다", "seconds or minutes?")
                    .help(
                        format!("\"{number}s\"(초) 또는 \"{number}m\"(분)처럼 쓰세요"),
                        format!("write \"{number}s\" (seconds) or \"{number}m\" (minutes)"),
                    ),
                );
                None
            }
            Kind::Text(text) => match duration(text) {
                Ok(length) if bounds.contains(&length) => Some(length),
                Ok(_) => {
                    let (low, high) = (spell(*bounds.start()), spell(*bounds.end()));
                    findings.push(
                        Diagnostic::error(
                            "E0103",
                            span,
                            format!("{row}: 길이가 범위를 벗어납니다: {name} = \"{text}\""),
                            format!("{row}: {name} = \"{text}\" is out of bounds"),
                        )
                        .help(format!("{low} 부터 {high} 까지 쓰세요"), format!("write {low} to {high}")),
                    );
                    None
                }
                Err(()) => {
                    findings.push(match full_width(text) {
                        Some(plain) => wide(span, text, &plain),
                        None => Diagnostic::error(
                            "E0103",
                            span,
                            format!("{row}: 길이로 읽을 수 없습니다: {name} = \"{text}\""),
                            format!("{row}: {name} = \"{text}\" is not a duration"),
                        )
                        .help(
                            "수와 단위를 붙여 쓰세요: \"1500ms\" \"20s\" \"2m\" \"1h\"",
                            "write a number and its unit: \"1500ms\" \"20s\" \"2m\" \"1h\"",
                        ),
                    });
                    None
                }
            },
            _ => {
                findings.push(wrong_kind(row, name, &entry.value, ["\"20s\" 같은 길이", "a duration such as \"20s\""]));
                None
            }
        }
    }

    /// A list of texts; a single text is a list of one.
    pub(super) fn texts(
        &mut self,
        name: &'static str,
        findings: &mut Findings,
    ) -> Option<Vec<(&'f str, Range<usize>)>> {
        let entry = self.entry(name)?;
        match &entry.value.kind {
            Kind::Text(text) => Some(vec![(text, entry.value.span.clone())]),
            Kind::List(items) => {
                let mut texts = Vec::new();
                for item in items {
                    match &item.kind {
                        Kind::Text(text) => texts.push((text.as_str(), item.span.clone())),
                        _ => findings.push(wrong_kind(
                            &self.row,
                            name,
                            item,
                            ["따옴표로 둘러싼 글 \"…\"", "a text in quotes"],
                        )),
                    }
                }
                Some(texts)
            }
            _ => {
                findings.push(wrong_kind(
                    &self.row,
                    name,
                    &entry.value,
                    ["\"…\" 또는 [\"…\", \"…\"]", "\"…\" or [\"…\", \"…\"]"],
                ));
                None
            }
        }
    }

    /// A table in braces, or under a header of its own.
    pub(super) fn table(&mut self, name: &'static str, findings: &mut Findings) -> Option<&'f Table> {
        let entry = self.entry(name)?;
        match &entry.value.kind {
            Kind::Table(table) => Some(table),
            _ => {
                findings.push(wrong_kind(&self.row, name, &entry.value, ["표 { … }", "a table { … }"]));
                None
            }
        }
    }

    /// The entries nobody asked for; the caller may know some of them (the keys of a menu).
    pub(super) fn rest(&self) -> impl Iterator<Item = &'f Entry> {
        let unread = |entry: &&Entry| !matches!(entry.value.kind, Kind::Lost);
        self.table.entries.iter().filter(unread).filter(|entry| !self.asked.contains(&entry.key.as_str()))
    }

    /// Reports every field nobody asked for.
    pub(super) fn finish(self, findings: &mut Findings) {
        for entry in self.rest() {
            findings.push(self.unknown(entry));
        }
    }

    /// The finding for a field that is not one.
    pub(super) fn unknown(&self, entry: &Entry) -> Diagnostic {
        let (row, key) = (&self.row, &entry.key);
        if is_later(key) {
            return later(entry.key_span.clone(), key);
        }
        if let Some(plain) = full_width(key) {
            return wide(entry.key_span.clone(), key, &plain);
        }
        let finding = Diagnostic::error(
            "E0102",
            entry.key_span.clone(),
            format!("{row}: 이런 이름의 값은 없습니다: \"{key}\""),
            format!("{row} has no field \"{key}\""),
        );
        match nearest(key, self.asked.iter().copied()) {
            Some(near) => finding.help(format!("혹시 \"{near}\" 인가요?"), format!("did you mean \"{near}\"?")),
            None => {
                let all = self.asked.join(", ");
                finding.help(format!("여기에 쓸 수 있는 것: {all}"), format!("fields here: {all}"))
            }
        }
    }

    /// Whether a field is there in any shape, or under a name that is a slip of it: then it is not missing.
    pub(super) fn is_written(&self, name: &'static str) -> bool {
        self.table.entries.iter().any(|entry| match &entry.value.kind {
            Kind::List(items) if entry.key == name => !items.is_empty(),
            _ => {
                entry.key == name
                    || (!self.asked.contains(&entry.key.as_str()) && nearest(&entry.key, [name]).is_some())
            }
        })
    }

    /// The finding for a field that must be there and is not; none where broken syntax may have swallowed it.
    pub(super) fn missing(&self, name: &'static str, at: Range<usize>, example: &str, findings: &mut Findings) {
        if self.broken() || self.is_written(name) {
            return;
        }
        let row = &self.row;
        findings.push(
            Diagnostic::error("E0107", at, format!("{row}: {name} 값이 없습니다"), format!("{row} needs a {name}"))
                .help(format!("예: {example}"), format!("for example: {example}")),
        );
    }
}

/// One word of a closed list.
pub(super) fn choose<T: Copy>(
    fields: &mut Fields<'_>,
    name: &'static str,
    words: &[(&'static str, T)],
    findings: &mut Findings,
) -> Option<T> {
    let row = fields.row().to_owned();
    let (text, span) = fields.text(name, findings)?;
    if let Some((_, value)) = words.iter().find(|(word, _)| *word == text) {
        return Some(*value);
    }
    let all: Vec<String> = words.iter().map(|(word, _)| format!("\"{word}\"")).collect();
    let all = all.join(", ");
    findings.push(
        Diagnostic::error(
            "E0103",
            span,
            format!("{row}: 쓸 수 없는 값입니다: {name} = \"{text}\""),
            format!("{row}: {name} cannot be \"{text}\""),
        )
        .help(format!("다음 가운데 하나: {all}"), format!("one of: {all}")),
    );
    None
}

/// The text of an entry.
pub(super) fn text<'f>(row: &str, entry: &'f Entry, findings: &mut Findings) -> Option<(&'f str, Range<usize>)> {
    match &entry.value.kind {
        Kind::Text(text) => Some((text, entry.value.span.clone())),
        _ => {
            findings.push(wrong_kind(row, &entry.key, &entry.value, ["따옴표로 둘러싼 글 \"…\"", "a text in quotes"]));
            None
        }
    }
}

/// E0103: another kind of value belongs here.
pub(super) fn wrong_kind(row: &str, field: &str, value: &Value, wanted: [&str; 2]) -> Diagnostic {
    let [korean, english] = value.kind.words();
    Diagnostic::error(
        "E0103",
        value.span.clone(),
        format!("{row}: {field} 에 쓸 수 없는 값입니다"),
        format!("{row}: {field} cannot be this kind of value"),
    )
    .label(format!("{korean}입니다"), format!("this is {english}"))
    .help(format!("이렇게 쓰세요: {}", wanted[0]), format!("write {}", wanted[1]))
}

/// E0106: a word of a later version.
pub(super) fn later(span: Range<usize>, word: &str) -> Diagnostic {
    Diagnostic::error(
        "E0106",
        span,
        format!("이 버전에 아직 없습니다: \"{word}\""),
        format!("\"{word}\" is not in this version"),
    )
    .help(
        "지금은 빼 두세요. docs/ROUTING.md 에 이 버전의 모든 값이 있습니다",
        "leave it out for now; docs/ROUTING.md lists what this version has",
    )
}

/// `"1500ms"`, `"20s"`, `"2m"`, `"1h"`; one number, one unit, longer than nothing.
pub(super) fn duration(text: &str) -> Result<Duration, ()> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at_checked(digits).ok_or(())?;
    // Nine digits of hours stay within u64 milliseconds.
    if digits == 0 || digits > 9 {
        return Err(());
    }
    let number: u64 = number.parse().map_err(|_| ())?;
    let millis = match unit.trim_start() {
        "ms" => number,
        "s" => number * 1_000,
        "m" => number * 60_000,
        "h" => number * 3_600_000,
        _ => return Err(()),
    };
    Ok(Duration::from_millis(millis))
}

/// A bound as an operator would write it.
pub(in crate::routing) fn spell(length: Duration) -> String {
    let millis = length.as_millis();
    match millis {
        _ if millis.is_multiple_of(3_600_000) => format!("\"{}h\"", millis / 3_600_000),
        _ if millis.is_multiple_of(60_000) => format!("\"{}m\"", millis / 60_000),
        _ if millis.is_multiple_of(1_000) => format!("\"{}s\"", millis / 1_000),
        _ => format!("\"{millis}ms\""),
    }
}

/// The name most like `wanted`, if one is alike enough to be a slip of it.
pub(in crate::routing) fn nearest<'n>(wanted: &str, names: impl IntoIterator<Item = &'n str>) -> Option<&'n str> {
    let allowed = (wanted.chars().count() / 3).clamp(1, 3);
    names
        .into_iter()
        .map(|name| (distance(wanted, name), name))
        .filter(|&(distance, _)| distance <= allowed)
        .min()
        .map(|(_, name)| name)
}

/// How many letters differ: insertions, deletions, replacements, and two neighbours exchanged.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    // Names this far apart are never alike, and a long one would only cost time.
    if a.len().abs_diff(b.len()) > 3 {
        return usize::MAX;
    }
    let mut before: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let mut least = (above[j] + 1).min(row[j - 1] + 1).min(above[j - 1] + usize::from(a[i - 1] != b[j - 1]));
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                least = least.min(before[j - 2] + 1);
            }
            row.push(least);
        }
        before = above;
        above = row;
    }
    above[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_is_one_number_and_one_unit() {
        for (text, millis) in [
            ("1500ms", Some(1500)),
            ("20s", Some(20_000)),
            ("2m", Some(120_000)),
            ("1h", Some(3_600_000)),
            ("5 s", Some(5_000)),
            ("", None),
            ("s", None),
            ("20", None),
            ("-5s", None),
            ("1.5s", None),
            ("20초", None),
            ("1m30s", None),
            ("9999999999s", None),
        ] {
            assert_eq!(duration(text).ok(), millis.map(Duration::from_millis), "{text}");
        }
    }

    #[test]
    fn a_slip_finds_the_name_that_was_meant() {
        let names = ["center.kosmes", "center.kised", "center.keit", "menu.main"];
        for (written, meant) in [
            ("center.kisd", Some("center.kised")),
            ("center.kiesd", Some("center.kised")),
            ("menu.mian", Some("menu.main")),
            ("queue.x", None),
            ("", None),
        ] {
            assert_eq!(nearest(written, names), meant, "{written}");
        }
    }
}
