//! `[menu.…]` and `[defaults.menu]`: what is said, which keys are offered, what silence and wrong keys lead to.

use super::Findings;
use super::doors;
use super::fields::{Fields, wrong_kind};
use super::names::{Names, Place, Row};
use super::sound::{At, Sounds};
use crate::limits::{CHOICE_KEYS_MAX, CHOICES_SAID_MAX, SAY_MAX};
use crate::number::Digits;
use crate::routing::diagnostic::Diagnostic;
use crate::routing::file::{Entry, Kind, Table, full_width, wide};
use crate::routing::plan::{BACK_TO_KOREAN, Destination, Doors, Menu, PromptId, Retry, Tongue};
use crate::routing::slots;
use std::collections::BTreeMap;
use std::ops::Range;
use std::time::Duration;

/// Where the parts of a menu stand, for findings about how menus hang together.
#[derive(Default)]
pub(super) struct MenuSite {
    /// Its name.
    pub(super) row: Range<usize>,
    /// Its keys, the inherited ones where `[defaults.menu]` writes them.
    pub(super) choices: BTreeMap<Digits, Range<usize>>,
    /// `then` after silence.
    pub(super) no_input: Range<usize>,
    /// `then` after wrong keys.
    pub(super) no_match: Range<usize>,
    /// The parts of its speech that offer a language, in order.
    pub(super) languages: Vec<(Range<usize>, Option<Tongue>)>,
}

/// `[defaults.menu]`.
#[derive(Default)]
pub(super) struct MenuDefaults {
    /// Syntax was wrong there: what a menu misses may have been written.
    broken: bool,
    timing: Timing,
    no_input: RetryParts,
    no_match: RetryParts,
    keys: Vec<Choice>,
}

/// Fields that a menu shares with the defaults; `None` is "as inherited".
#[derive(Clone, Copy, Default)]
pub(super) struct Timing {
    pub(super) barge_in: Option<bool>,
    pub(super) digit_timeout: Option<Duration>,
    pub(super) interdigit: Option<Duration>,
}

/// What is written of `no_input` or `no_match`.
#[derive(Clone, Default)]
pub(super) struct RetryParts {
    retries: Option<u8>,
    prompt: Option<(PromptId, Range<usize>)>,
    /// The outer option: is it written? The inner: does it mean anything?
    then: Option<(Option<Destination>, Range<usize>)>,
}

impl RetryParts {
    pub(super) fn over(&self, inherited: &Self) -> Self {
        Self {
            retries: self.retries.or(inherited.retries),
            prompt: self.prompt.clone().or_else(|| inherited.prompt.clone()),
            then: self.then.clone().or_else(|| inherited.then.clone()),
        }
    }
}

/// One key of a menu.
#[derive(Clone)]
struct Choice {
    keys: Digits,
    span: Range<usize>,
    say: Option<(String, Range<usize>)>,
    language: Option<Option<Tongue>>,
    record: Option<bool>,
    go: Option<Destination>,
}

/// Reads `[defaults.menu]`.
pub(super) fn defaults(table: Option<&Table>, names: &Names, findings: &mut Findings) -> MenuDefaults {
    let Some(table) = table else { return MenuDefaults::default() };
    let mut fields = Fields::new("defaults.menu", table);
    let timing = timing(&mut fields, findings);
    let no_input = retry(&mut fields, "no_input", names, findings);
    let no_match = retry(&mut fields, "no_match", names, findings);
    let mut keys = Vec::new();
    if let Some(table) = fields.table("keys", findings) {
        for entry in &table.entries {
            match choice_keys(&entry.key) {
                Some(digits) => keys.extend(choice("defaults.menu", digits, entry, names, findings)),
                None => findings.push(not_a_key("defaults.menu.keys", entry)),
            }
        }
    }
    let broken = fields.broken();
    fields.finish(findings);
    MenuDefaults { broken, timing, no_input, no_match, keys }
}

/// Reads one menu.
pub(super) fn menu(
    row: &Row<'_>,
    defaults: &MenuDefaults,
    names: &Names,
    sounds: &mut Sounds,
    findings: &mut Findings,
) -> (Menu, MenuSite) {
    let table = row.table(findings);
    let mut fields = Fields::new(&row.name, table);
    let prompts = fields.texts("prompt", findings);
    let doors = doors::doors(&mut fields, names, findings);
    let asks = Asks::read(&mut fields, defaults, names, findings);
    let record = fields.flag("record", findings).unwrap_or(false);
    let mut choices = Vec::new();
    for entry in fields.rest() {
        match choice_keys(&entry.key) {
            Some(digits) => choices.extend(choice(&row.name, digits, entry, names, findings)),
            None if looks_like_keys(&entry.key) => findings.push(not_a_key(&row.name, entry)),
            None => findings.push(fields.unknown(entry)),
        }
    }
    fields.missing("prompt", row.span.clone(), "prompt = \"menu_main\"", findings);
    let agrees = |choice: &&Choice| choice.record == Some(true);
    if let Some(yes) = choices.iter().find(agrees)
        && choices.iter().all(|choice| agrees(&choice))
    {
        findings.push(no_refusal(&row.name, yes));
    }
    let at = || At::Place(slots::Place::Menu);
    let speech = prompts.unwrap_or_default().into_iter().map(|(id, span)| sounds.said_at(at(), id, span)).collect();
    let (mut menu, site) = asked((row, speech, doors), choices, asks, defaults, fields.broken(), sounds, findings);
    menu.record = record;
    // The words that tell of the recording are heard to their end.
    menu.barge_in &= !record;
    (menu, site)
}

/// E0604: who is asked can only agree.
fn no_refusal(row: &str, yes: &Choice) -> Diagnostic {
    let key = yes.keys.as_str();
    Diagnostic::error(
        "E0604",
        yes.span.clone(),
        format!("{row}: 녹음에 동의하는 버튼({key})만 있고 동의하지 않는 버튼이 없습니다"),
        format!("{row}: key {key} agrees to be recorded, and no key does not"),
    )
    .help(
        "동의하지 않는 버튼을 더하세요: 2 = { record = false, go = \"menu.main\" }",
        "add a key that does not agree: 2 = { record = false, go = \"menu.main\" }",
    )
}

/// The question of a message, with choices that need no words of their own.
pub(super) fn question(
    (row, speech, doors): (&Row<'_>, Vec<PromptId>, Option<Doors>),
    (choices, at): (Vec<(Digits, Destination)>, Range<usize>),
    asks: Asks,
    defaults: &MenuDefaults,
    broken: bool,
    sounds: &mut Sounds,
    findings: &mut Findings,
) -> (Menu, MenuSite) {
    let unsaid = |(keys, go)| Choice { keys, span: at.clone(), say: None, language: None, record: None, go: Some(go) };
    let choices = choices.into_iter().map(unsaid).collect();
    asked((row, speech, doors), choices, asks, defaults, broken, sounds, findings)
}

/// How an answer is waited for, and what none leads to.
pub(super) struct Asks {
    own: Timing,
    no_input: RetryParts,
    no_match: RetryParts,
}

impl Asks {
    /// Reads it, with what is inherited.
    pub(super) fn read(
        fields: &mut Fields<'_>,
        defaults: &MenuDefaults,
        names: &Names,
        findings: &mut Findings,
    ) -> Self {
        Self {
            own: timing(fields, findings),
            no_input: retry(fields, "no_input", names, findings).over(&defaults.no_input),
            no_match: retry(fields, "no_match", names, findings).over(&defaults.no_match),
        }
    }
}

/// A menu of these words and choices, and those it inherits.
fn asked(
    (row, mut speech, doors): (&Row<'_>, Vec<PromptId>, Option<Doors>),
    mut choices: Vec<Choice>,
    Asks { own, no_input, no_match }: Asks,
    defaults: &MenuDefaults,
    broken: bool,
    sounds: &mut Sounds,
    findings: &mut Findings,
) -> (Menu, MenuSite) {
    let own_keys: Vec<Digits> = choices.iter().map(|choice| choice.keys.clone()).collect();
    let mut inherited: Vec<Choice> =
        defaults.keys.iter().filter(|choice| !own_keys.contains(&choice.keys)).cloned().collect();
    // The counsellor is said last: who has listened to the end has not found a choice.
    inherited.sort_by_key(|choice| choice.keys.as_str() == "0");
    choices.extend(inherited);

    let own_words = speech.len();
    let mut site = MenuSite { row: row.span.clone(), ..MenuSite::default() };
    let (mut all, mut languages, mut recording) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
    for choice in choices {
        let from = speech.len();
        // Who listens in the language is offered the way back.
        if matches!((&choice.say, &choice.language), (Some(_), Some(Some(_)))) {
            sounds.choice(BACK_TO_KOREAN, choice.span.clone());
        }
        if let Some((say, span)) = &choice.say {
            speech.push(sounds.choice(say, span.clone()));
            speech.extend(choice.keys.as_str().chars().map(|key| sounds.key(key, choice.span.clone())));
        }
        site.languages.extend(choice.language.clone().map(|language| (from..speech.len(), language)));
        site.choices.insert(choice.keys.clone(), choice.span.clone());
        languages.extend(choice.language.clone().map(|language| (choice.keys.clone(), language)));
        recording.extend(choice.record.map(|record| (choice.keys.clone(), record)));
        // An unknown destination was reported; the plan will not go live.
        all.insert(choice.keys, choice.go.unwrap_or(Destination::End));
    }
    let said = all_said(&speech);
    if said > CHOICES_SAID_MAX {
        findings.push(
            Diagnostic::warning(
                "W0602",
                row.span.clone(),
                format!("{}: 말로 듣는 선택이 {said}개입니다 (권장 {CHOICES_SAID_MAX}개까지)", row.name),
                format!("{}: {said} spoken choices (advice: at most {CHOICES_SAID_MAX})", row.name),
            )
            .help("메뉴를 둘로 나누세요", "make two menus of it"),
        );
    }
    let place = ("defaults.menu", row.span.clone(), broken || defaults.broken);
    let no_input = finish_retry(&row.name, "no_input", no_input, "again", &place, sounds, findings);
    let no_match = finish_retry(&row.name, "no_match", no_match, "invalid", &place, sounds, findings);
    site.no_input = no_input.1;
    site.no_match = no_match.1;
    let menu = Menu {
        row: row.name.as_str().into(),
        doors,
        speech,
        own_words,
        barge_in: own.barge_in.or(defaults.timing.barge_in).unwrap_or(true),
        digit_timeout: own.digit_timeout.or(defaults.timing.digit_timeout).unwrap_or(Duration::from_secs(5)),
        interdigit: own.interdigit.or(defaults.timing.interdigit).unwrap_or(Duration::from_secs(2)),
        no_input: no_input.0,
        no_match: no_match.0,
        choices: all,
        languages,
        record: false,
        recording,
    };
    (menu, site)
}

/// How many choices are said; the counsellor and other inherited ones count too.
fn all_said(speech: &[PromptId]) -> usize {
    speech.iter().filter(|prompt| prompt.starts_with("say/")).count()
}

pub(super) fn timing(fields: &mut Fields<'_>, findings: &mut Findings) -> Timing {
    let minute = Duration::from_secs(60);
    Timing {
        barge_in: fields.flag("barge_in", findings),
        // Relay interpreters for deaf callers (107) need long times; below half a second nobody can press.
        digit_timeout: fields.duration("digit_timeout", Duration::from_millis(500)..=minute, findings),
        interdigit: fields.duration("interdigit", Duration::from_millis(300)..=minute, findings),
    }
}

/// Reads `no_input = { retries, prompt, then }`, any part of it.
pub(super) fn retry(fields: &mut Fields<'_>, name: &'static str, names: &Names, findings: &mut Findings) -> RetryParts {
    let Some(table) = fields.table(name, findings) else { return RetryParts::default() };
    let row = format!("{}.{name}", fields.row());
    let mut parts = Fields::new(&row, table);
    let retries = parts.count("retries", 0..=9, findings).and_then(|count| u8::try_from(count).ok());
    let prompt = parts.text("prompt", findings).map(|(id, span)| (PromptId::from(id), span));
    let then = parts
        .text("then", findings)
        .map(|(text, span)| (names.destination(&row, text, span.clone(), Place::Unanswered, findings), span));
    // Written in some wrong way: that was reported, or will be as an unknown field.
    let slipped = parts.is_written("then") || parts.broken();
    let then = then.or_else(|| slipped.then(|| (None, table.span.clone())));
    parts.finish(findings);
    RetryParts { retries, prompt, then }
}

/// Fills what nobody wrote; only `then` has no answer of its own. The place: where defaults stand, where the row does,
/// and whether syntax was wrong in either.
pub(super) fn finish_retry(
    row: &str,
    name: &str,
    parts: RetryParts,
    usual: &str,
    (defaults, at, broken): &(&str, Range<usize>, bool),
    sounds: &mut Sounds,
    findings: &mut Findings,
) -> (Retry, Range<usize>) {
    let (id, span) = parts.prompt.unwrap_or_else(|| (usual.into(), at.clone()));
    let prompt = sounds.said_at(At::Place(slots::Place::Retry), &id, span);
    let (then, span) = match parts.then {
        Some((then, span)) => (then, span),
        None => {
            if !*broken {
                let (korean, english) = match name {
                    "no_input" => ("아무것도 누르지 않으면 갈 곳이 없습니다", "silence leads nowhere"),
                    _ => ("잘못 누르면 갈 곳이 없습니다", "wrong keys lead nowhere"),
                };
                findings.push(
                    Diagnostic::error("E0204", at.clone(), format!("{row}: {korean}"), format!("{row}: {english}"))
                        .help(
                            format!("[{defaults}] 에 {name} = {{ retries = 2, prompt = \"{usual}\", then = \"center.counsel\" }} 를 더하세요"),
                            format!("add {name} = {{ retries = 2, prompt = \"{usual}\", then = \"center.counsel\" }} to [{defaults}]"),
                        ),
                );
            }
            (None, at.clone())
        }
    };
    (Retry { retries: parts.retries.unwrap_or(2), prompt, then: then.unwrap_or(Destination::End) }, span)
}

/// Reads `1 = { say = "정책자금", go = "menu.fund" }` or `"#" = "back"`.
fn choice(row: &str, keys: Digits, entry: &Entry, names: &Names, findings: &mut Findings) -> Option<Choice> {
    let row = format!("{row} {}", entry.key);
    let span = entry.key_span.clone();
    match &entry.value.kind {
        Kind::Text(text) => {
            let go = names.destination(&row, text, entry.value.span.clone(), Place::Choice, findings);
            Some(Choice { keys, span, say: None, language: None, record: None, go })
        }
        Kind::Table(table) => {
            let mut fields = Fields::new(&row, table);
            let say = fields
                .text("say", findings)
                .and_then(|(say, at)| check_say(&row, say, at.clone(), findings).then(|| (say.trim().to_owned(), at)));
            let language = fields.text("language", findings);
            let language = language.and_then(|(text, at)| names.language(&row, text, at, true, findings));
            let record = fields.flag("record", findings);
            let go = fields.text("go", findings);
            fields.missing("go", span.clone(), "go = \"center.kosmes\"", findings);
            let go = go.and_then(|(text, at)| names.destination(&row, text, at, Place::Choice, findings));
            fields.finish(findings);
            Some(Choice { keys, span, say, language, record, go })
        }
        Kind::Lost => Some(Choice { keys, span, say: None, language: None, record: None, go: None }),
        _ => {
            let wanted = ["\"menu.…\" 또는 { say = \"…\", go = \"…\" }", "\"menu.…\" or { say = \"…\", go = \"…\" }"];
            findings.push(wrong_kind(&row, &entry.key, &entry.value, wanted));
            Some(Choice { keys, span, say: None, language: None, record: None, go: None })
        }
    }
}

/// A `say` is spoken and names a sound file: no characters that do neither.
fn check_say(row: &str, say: &str, span: Range<usize>, findings: &mut Findings) -> bool {
    let (korean, english, help) = if say.trim().is_empty() {
        (
            "say 가 비어 있습니다",
            "say is empty",
            ["할 말을 쓰거나 say 를 지우세요", "write the words, or leave say out"],
        )
    } else if say.chars().count() > SAY_MAX {
        (
            "say 가 너무 깁니다",
            "say is too long",
            ["짧게 쓰고, 긴 말은 prompt 에 쓰세요", "keep it short; long words belong in a prompt"],
        )
    } else if say.contains(['/', '\\']) {
        (
            "say 에 / 를 쓸 수 없습니다",
            "say cannot hold a slash",
            ["소리 내어 읽을 말로 쓰세요: \"A/S\" 는 \"에이에스\"", "write it as it is spoken"],
        )
    } else if say.chars().any(char::is_control) {
        (
            "say 에 줄바꿈이나 제어 글자를 쓸 수 없습니다",
            "say cannot hold line breaks or control characters",
            ["한 줄로 쓰세요", "write one plain line"],
        )
    } else if say.starts_with('.') {
        ("say 는 점으로 시작할 수 없습니다", "say cannot begin with a dot", ["점을 지우세요", "delete the dot"])
    } else {
        return true;
    };
    findings.push(
        Diagnostic::error("E0103", span, format!("{row}: {korean}"), format!("{row}: {english}"))
            .help(help[0], help[1]),
    );
    false
}

/// The keys a field's name stands for.
fn choice_keys(name: &str) -> Option<Digits> {
    let plain = name.chars().all(|c| c.is_ascii_digit() || matches!(c, '*' | '#'));
    (plain && name.len() <= CHOICE_KEYS_MAX).then(|| Digits::parse(name)).flatten()
}

/// A name that was meant as keys and is none.
fn looks_like_keys(name: &str) -> bool {
    let plain = full_width(name).unwrap_or_else(|| name.to_owned());
    plain.chars().next().is_some_and(|c| c.is_ascii_digit() || matches!(c, '*' | '#'))
}

fn not_a_key(row: &str, entry: &Entry) -> Diagnostic {
    let most = CHOICE_KEYS_MAX;
    let korean = format!("0-9 와 \"*\" \"#\", 또는 \"10\" 처럼 이어 누르는 버튼 {most}개까지");
    let english = format!("0-9, \"*\", \"#\", or up to {most} of them in a row, as \"10\"");
    not_a_key_but(row, entry, [&korean, &english])
}

/// E0103: no key that may stand here.
pub(super) fn not_a_key_but(row: &str, entry: &Entry, wanted: [&str; 2]) -> Diagnostic {
    if let Some(plain) = full_width(&entry.key) {
        return wide(entry.key_span.clone(), &entry.key, &plain);
    }
    let key = &entry.key;
    Diagnostic::error(
        "E0103",
        entry.key_span.clone(),
        format!("{row}: 전화기 버튼이 아닙니다: \"{key}\""),
        format!("{row}: \"{key}\" is not a key of a telephone"),
    )
    .help(wanted[0], wanted[1])
}
