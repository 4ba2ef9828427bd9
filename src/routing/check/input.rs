//! `[input.…]` and `[defaults.input]`: what is asked, which entries are taken, and where the caller goes then.

use super::Findings;
use super::doors;
use super::fields::{Fields, choose, wrong_kind};
use super::menu::{RetryParts, Timing, finish_retry, retry, timing};
use super::names::{Names, Place, Row};
use super::sound::{At, Sounds};
use crate::limits::ENTRY_DIGITS_MAX;
use crate::number::EntryKind;
use crate::routing::accepts::{Accepts, Allowed};
use crate::routing::diagnostic::Diagnostic;
use crate::routing::file::{Kind, Table, full_width, wide};
use crate::routing::plan::{Destination, Input, ReadBack};
use crate::routing::slots;
use std::ops::{Range, RangeInclusive};
use std::time::Duration;

/// Where the parts of an input stand.
#[derive(Default)]
pub(super) struct InputSite {
    /// Its name.
    pub(super) row: Range<usize>,
    /// `then` of an entry that is taken.
    pub(super) then: Range<usize>,
    /// `then` after silence.
    pub(super) no_input: Range<usize>,
    /// `then` after entries that are not taken.
    pub(super) no_match: Range<usize>,
    /// What `#` and `*` do before the first digit.
    pub(super) keys: Range<usize>,
    /// `allow`, or the row.
    pub(super) allow: Range<usize>,
}

/// `[defaults.input]`.
#[derive(Default)]
pub(super) struct InputDefaults {
    broken: bool,
    timing: Timing,
    no_input: RetryParts,
    no_match: RetryParts,
    keys: Keys,
    confirm: Option<bool>,
    sensitive: Option<bool>,
}

/// `keys`: the two that are no digits.
#[derive(Clone, Default)]
struct Keys {
    /// The outer option: is it written? The inner: does it mean anything?
    star: Option<Option<Destination>>,
    hash: Option<Option<Destination>>,
    span: Option<Range<usize>>,
}

/// Reads `[defaults.input]`.
pub(super) fn defaults(table: Option<&Table>, names: &Names, findings: &mut Findings) -> InputDefaults {
    let Some(table) = table else { return InputDefaults::default() };
    let mut fields = Fields::new("defaults.input", table);
    let defaults = InputDefaults {
        broken: fields.broken(),
        timing: timing(&mut fields, findings),
        no_input: retry(&mut fields, "no_input", names, findings),
        no_match: retry(&mut fields, "no_match", names, findings),
        keys: keys(&mut fields, names, findings),
        confirm: fields.flag("confirm", findings),
        sensitive: fields.flag("sensitive", findings),
    };
    fields.finish(findings);
    defaults
}

/// Reads one input.
pub(super) fn input(
    row: &Row<'_>,
    defaults: &InputDefaults,
    names: &Names,
    sounds: &mut Sounds,
    findings: &mut Findings,
) -> (Input, InputSite) {
    let table = row.table(findings);
    let mut fields = Fields::new(&row.name, table);
    let mut site = InputSite { row: row.span.clone(), ..InputSite::default() };
    let prompts = fields.texts("prompt", findings);
    fields.missing("prompt", row.span.clone(), "prompt = \"ask_business\"", findings);
    let doors = doors::doors(&mut fields, names, findings);
    let accepts = accepts(&mut fields, row, &mut site, findings);
    let own = timing(&mut fields, findings);
    let no_input = retry(&mut fields, "no_input", names, findings).over(&defaults.no_input);
    let no_match = retry(&mut fields, "no_match", names, findings).over(&defaults.no_match);
    let own_keys = keys(&mut fields, names, findings);
    let confirm = fields.flag("confirm", findings);
    let sensitive = fields.flag("sensitive", findings);
    let then = fields.text("then", findings);
    if !fields.is_written("then") && !fields.broken() {
        findings.push(nothing_follows(row));
    }
    let (then, span) = match then {
        Some((text, span)) => (names.destination(&row.name, text, span.clone(), Place::AfterInput, findings), span),
        None => (None, row.span.clone()),
    };
    site.then = span;
    let broken = fields.broken() || defaults.broken;
    fields.finish(findings);

    let speech = prompts
        .unwrap_or_default()
        .into_iter()
        .map(|(id, span)| sounds.said_at(At::Place(slots::Place::Question), id, span))
        .collect();
    let place = ("defaults.input", row.span.clone(), broken);
    let no_input = finish_retry(&row.name, "no_input", no_input, "again", &place, sounds, findings);
    let no_match = finish_retry(&row.name, "no_match", no_match, "entry_invalid", &place, sounds, findings);
    (site.no_input, site.no_match) = (no_input.1, no_match.1);
    site.keys = own_keys.span.clone().or_else(|| defaults.keys.span.clone()).unwrap_or_else(|| row.span.clone());
    let lead = |own: Option<Option<Destination>>, inherited: Option<Option<Destination>>, usual: Destination| {
        own.or(inherited).map_or(usual, |to| to.unwrap_or(Destination::End))
    };
    let confirm = confirm.or(defaults.confirm).unwrap_or(false).then(|| ReadBack {
        before: sounds.said_at(At::Place(slots::Place::ReadBack), "read_back", row.span.clone()),
        digits: std::array::from_fn(|digit| sounds.named(&format!("digit_{digit}"), row.span.clone())),
        after: sounds.said_at(At::Place(slots::Place::ReadBack), "read_back_right", row.span.clone()),
    });
    let input = Input {
        row: row.name.as_str().into(),
        doors,
        speech,
        barge_in: own.barge_in.or(defaults.timing.barge_in).unwrap_or(true),
        // A number is looked for before it is entered, and read off paper while it is.
        digit_timeout: own.digit_timeout.or(defaults.timing.digit_timeout).unwrap_or(Duration::from_secs(10)),
        interdigit: own.interdigit.or(defaults.timing.interdigit).unwrap_or(Duration::from_secs(4)),
        no_input: no_input.0,
        no_match: no_match.0,
        accepts,
        // What callers enter is theirs, unless the table says that it is not.
        sensitive: sensitive.or(defaults.sensitive).unwrap_or(true),
        confirm,
        star: lead(own_keys.star, defaults.keys.star, Destination::Repeat),
        hash: lead(own_keys.hash, defaults.keys.hash, Destination::Back),
        then: then.unwrap_or(Destination::End),
    };
    (input, site)
}

fn nothing_follows(row: &Row<'_>) -> Diagnostic {
    Diagnostic::error(
        "E0204",
        row.span.clone(),
        format!("{}: 바르게 입력한 뒤에 갈 곳이 없습니다", row.name),
        format!("{}: an entry that is taken leads nowhere", row.name),
    )
    .help("then = \"center.counsel\" 처럼 갈 곳을 더하세요", "say where to: then = \"center.counsel\"")
}

/// `kind`, `digits` and `allow`, and whether they agree.
fn accepts(fields: &mut Fields<'_>, row: &Row<'_>, site: &mut InputSite, findings: &mut Findings) -> Accepts {
    let kind = choose(fields, "kind", &EntryKind::WORDS, findings);
    let kind_written = fields.is_written("kind");
    let digits = digits(fields, findings);
    let allow = fields.texts("allow", findings);
    let digits_written = fields.is_written("digits");
    let mut ranges = Vec::new();
    site.allow = allow.iter().flatten().next().map_or_else(|| row.span.clone(), |(_, span)| span.clone());
    for (text, span) in allow.iter().flatten() {
        match Allowed::read(text) {
            Some(read) => ranges.extend(read.into_iter().map(|range| (range, span.clone()))),
            None if full_width(text).is_some() => {
                if let Some(plain) = full_width(text) {
                    findings.push(wide(span.clone(), text, &plain));
                }
            }
            None => findings.push(
                Diagnostic::error(
                    "E0103",
                    span.clone(),
                    format!("{}: 허용할 값으로 읽을 수 없습니다: \"{text}\"", row.name),
                    format!("{}: \"{text}\" is not a value or a range", row.name),
                )
                .help(
                    "\"7\", \"1-7\", \"01-17\" 처럼 쓰세요. 앞이 뒤보다 작아야 합니다",
                    "write \"7\", \"1-7\" or \"01-17\", the lower value first",
                ),
            ),
        }
    }
    let kind_known = kind.unwrap_or(EntryKind::Any);
    if let Some(lengths) = kind_known.lengths() {
        by_kind(row, kind_known, &lengths, digits.as_ref(), allow.as_deref(), findings);
        return Accepts { kind: kind_known, digits: lengths, allow: Vec::new() };
    }
    let widths = ranges.iter().map(|(range, _)| range.width);
    let of_values = widths.clone().min().zip(widths.max()).map(|(low, high)| low..=high);
    if let (Some((lengths, at)), false) = (&digits, ranges.is_empty()) {
        disagree(row, lengths, at, &ranges, findings);
    }
    // With a kind that is misspelt, digits may not be needed.
    let needs_digits = digits.is_none() && !digits_written && allow.is_none() && !(kind_written && kind.is_none());
    if needs_digits {
        fields.missing("digits", row.span.clone(), "digits = 4, digits = \"4-8\", kind = \"phone\"", findings);
    }
    let lengths = digits.map(|(lengths, _)| lengths).or(of_values).unwrap_or(1..=ENTRY_DIGITS_MAX);
    Accepts { kind: kind_known, digits: lengths, allow: ranges.into_iter().map(|(range, _)| range).collect() }
}

/// `digits = 4` or `digits = "4-8"`.
fn digits(fields: &mut Fields<'_>, findings: &mut Findings) -> Option<(RangeInclusive<usize>, Range<usize>)> {
    let row = fields.row().to_owned();
    let entry = fields.entry("digits")?;
    let span = entry.value.span.clone();
    let most = ENTRY_DIGITS_MAX;
    let wanted = |length: usize| (1..=most).contains(&length);
    let read = match &entry.value.kind {
        Kind::Integer(length) => length.and_then(|length| usize::try_from(length).ok()).map(|length| length..=length),
        Kind::Text(text) => text.split_once('-').and_then(|(low, high)| {
            let (low, high) = (low.trim().parse().ok()?, high.trim().parse().ok()?);
            (low <= high).then_some(low..=high)
        }),
        _ => {
            findings.push(wrong_kind(&row, "digits", &entry.value, ["4 또는 \"4-8\"", "4 or \"4-8\""]));
            return None;
        }
    };
    match read.filter(|lengths| wanted(*lengths.start()) && wanted(*lengths.end())) {
        Some(lengths) => Some((lengths, span)),
        None => {
            findings.push(
                Diagnostic::error(
                    "E0103",
                    span,
                    format!("{row}: digits 로 쓸 수 없는 값입니다"),
                    format!("{row}: digits cannot be this"),
                )
                .help(
                    format!("1 부터 {most} 까지의 수, 또는 \"4-8\" 처럼 쓰세요"),
                    format!("write a number from 1 to {most}, or two as in \"4-8\""),
                ),
            );
            None
        }
    }
}

/// A kind says how long its entries are and which are right.
fn by_kind(
    row: &Row<'_>,
    kind: EntryKind,
    lengths: &RangeInclusive<usize>,
    digits: Option<&(RangeInclusive<usize>, Range<usize>)>,
    allow: Option<&[(&str, Range<usize>)]>,
    findings: &mut Findings,
) {
    let word = kind.word();
    let mut told = |span: &Range<usize>, field: &str| {
        findings.push(
            Diagnostic::error(
                "E0603",
                span.clone(),
                format!("{}: kind = \"{word}\" 에 {field} 를 쓸 수 없습니다", row.name),
                format!("{}: kind = \"{word}\" leaves no room for {field}", row.name),
            )
            .help(
                format!("{field} 를 지우세요. 길이와 맞는 값은 kind 가 정합니다"),
                format!("delete {field}: the kind says how long and which"),
            ),
        );
    };
    if let Some((written, span)) = digits
        && written != lengths
    {
        told(span, "digits");
    }
    if let Some((_, span)) = allow.into_iter().flatten().next() {
        told(span, "allow");
    }
}

/// E0603: values that no entry of that length can be.
fn disagree(
    row: &Row<'_>,
    lengths: &RangeInclusive<usize>,
    at: &Range<usize>,
    ranges: &[(Allowed, Range<usize>)],
    findings: &mut Findings,
) {
    let spell = if lengths.start() == lengths.end() {
        lengths.start().to_string()
    } else {
        format!("{}-{}", lengths.start(), lengths.end())
    };
    if let Some((range, span)) = ranges.iter().find(|(range, _)| !lengths.contains(&range.width)) {
        let (low, width) = (format!("{:0width$}", range.low, width = range.width), range.width);
        let padded = (width < *lengths.start()).then(|| format!("{:0width$}", range.low, width = *lengths.start()));
        let finding = Diagnostic::error(
            "E0603",
            span.clone(),
            format!("{}: digits 와 allow 가 맞지 않습니다: {low} 은(는) {width}자리입니다", row.name),
            format!(
                "{}: digits and allow disagree: {low} has {width} digit{}",
                row.name,
                if width == 1 { "" } else { "s" }
            ),
        )
        .related(at.clone(), "여기서는 자릿수가 다릅니다", "the length wanted here");
        findings.push(match padded {
            Some(padded) => finding.help(
                format!("앞을 0 으로 채우거나 (\"{padded}\"), digits = \"{spell}\" 를 고치세요"),
                format!("fill it with zeros (\"{padded}\"), or change digits = \"{spell}\""),
            ),
            None => finding.help("digits 를 늘리거나 그 값을 지우세요", "allow more digits, or delete that value"),
        });
    }
}

/// Reads `keys = { "*" = "repeat", "#" = "back" }`.
fn keys(fields: &mut Fields<'_>, names: &Names, findings: &mut Findings) -> Keys {
    let Some(table) = fields.table("keys", findings) else { return Keys::default() };
    let row = format!("{}.keys", fields.row());
    let mut keys = Keys { span: Some(table.span.clone()), ..Keys::default() };
    for entry in &table.entries {
        let key = entry.key.as_str();
        let digit = key.bytes().all(|byte| byte.is_ascii_digit()) && !key.is_empty();
        if digit {
            findings.push(
                Diagnostic::error(
                    "E0601",
                    entry.key_span.clone(),
                    format!("{row}: {key} 은(는) 입력하는 숫자이기도 합니다. 무엇을 뜻하는지 알 수 없습니다"),
                    format!("{row}: {key} is also a digit of the entry; nobody can tell which is meant"),
                )
                .help(
                    "\"*\" 나 \"#\" 에 두세요: keys = { \"*\" = \"center.counsel\" }",
                    "put it on \"*\" or \"#\": keys = { \"*\" = \"center.counsel\" }",
                ),
            );
            continue;
        }
        let slot = match key {
            "*" => &mut keys.star,
            "#" => &mut keys.hash,
            _ => {
                let wanted = ["\"*\" 또는 \"#\"", "\"*\" or \"#\""];
                findings.push(super::menu::not_a_key_but(&row, entry, wanted));
                continue;
            }
        };
        let to = super::fields::text(&row, entry, findings);
        *slot = Some(to.and_then(|(text, span)| names.destination(&row, text, span, Place::Choice, findings)));
    }
    keys
}
