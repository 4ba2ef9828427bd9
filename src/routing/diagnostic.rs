//! What is wrong, where, and what to do: the operator's mistakes as text.
//!
//! A finding carries both languages, so that the same list serves the terminal, the console and `--json`.
//! The snippet (line, caret, wide Korean characters counted as two columns) is drawn by `codespan-reporting`;
//! the words around it are ours, because its own are English only.

use super::bundle;
use codespan_reporting::diagnostic as drawn;
use codespan_reporting::files::SimpleFiles;
use codespan_reporting::term::{self, termcolor};
use serde_json::{Value, json};
use std::ops::Range;

/// Which language the operator reads.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Language {
    /// Korean, the default.
    Korean,
    /// English, by `--lang en`.
    English,
}

impl Language {
    /// Picks this language's half of a pair (Korean first).
    pub fn of<T>(self, pair: &[T; 2]) -> &T {
        match self {
            Self::Korean => &pair[0],
            Self::English => &pair[1],
        }
    }
}

/// Whether the table may go live.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Severity {
    /// Refused.
    Error,
    /// Allowed, with a note.
    Warning,
}

impl Severity {
    /// The word that stands before a text of this severity, whoever tells it.
    pub fn word(self, language: Language) -> &'static str {
        match (language, self) {
            (Language::Korean, Self::Error) => "오류",
            (Language::Korean, Self::Warning) => "경고",
            (Language::English, Self::Error) => "error",
            (Language::English, Self::Warning) => "warning",
        }
    }
}

/// One finding.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Diagnostic {
    /// `E0201`, stable.
    pub code: &'static str,
    /// Error or warning.
    pub severity: Severity,
    /// Bytes of the file it points at.
    pub span: Range<usize>,
    /// The sentence, in Korean and in English.
    pub message: [String; 2],
    /// Words at the caret, in Korean and in English; may be empty.
    pub label: [String; 2],
    /// What to do, in Korean and in English; may be empty.
    pub help: [String; 2],
    /// Other places that belong to it: the first of two equal rows, the row probably meant.
    pub related: Vec<Related>,
}

/// Another place that explains a finding.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Related {
    /// Bytes of the file.
    pub span: Range<usize>,
    /// What is there, in Korean and in English.
    pub label: [String; 2],
}

impl Diagnostic {
    /// A mistake that keeps the table from going live.
    pub fn error(
        code: &'static str,
        span: Range<usize>,
        korean: impl Into<String>,
        english: impl Into<String>,
    ) -> Self {
        Self {
            code,
            severity: Severity::Error,
            span,
            message: [korean.into(), english.into()],
            label: Default::default(),
            help: Default::default(),
            related: Vec::new(),
        }
    }

    /// A note; the table may go live.
    pub fn warning(
        code: &'static str,
        span: Range<usize>,
        korean: impl Into<String>,
        english: impl Into<String>,
    ) -> Self {
        Self { severity: Severity::Warning, ..Self::error(code, span, korean, english) }
    }

    /// The words at the caret.
    pub fn label(mut self, korean: impl Into<String>, english: impl Into<String>) -> Self {
        self.label = [korean.into(), english.into()];
        self
    }

    /// What to do.
    pub fn help(mut self, korean: impl Into<String>, english: impl Into<String>) -> Self {
        self.help = [korean.into(), english.into()];
        self
    }

    /// Another place that belongs to it.
    pub fn related(mut self, span: Range<usize>, korean: impl Into<String>, english: impl Into<String>) -> Self {
        self.related.push(Related { span, label: [korean.into(), english.into()] });
        self
    }
}

/// All findings as text for a terminal, in the order given, with a last line that counts them.
pub fn render(file_name: &str, text: &str, findings: &[Diagnostic], language: Language, colour: bool) -> String {
    let parts = bundle::parts(text);
    let mut files = SimpleFiles::new();
    for (at, part) in parts.iter().enumerate() {
        files.add(bundle::told(file_name, at, part.name), part.text);
    }
    let whole = Whole { parts, files };
    let mut all = String::new();
    for finding in findings {
        all.push_str(&header(finding, language, colour));
        all.push_str(&snippet(&whole, finding, language, colour));
        all.push('\n');
    }
    all.push_str(&summary(findings, language));
    all.push('\n');
    all
}

/// How many errors and warnings, in one line.
pub fn summary(findings: &[Diagnostic], language: Language) -> String {
    let errors = findings.iter().filter(|finding| finding.severity == Severity::Error).count();
    let warnings = findings.len() - errors;
    match (language, errors, warnings) {
        (Language::Korean, 0, 0) => "이상 없음".to_owned(),
        (Language::Korean, _, _) => format!("오류 {errors}개, 경고 {warnings}개"),
        (Language::English, 0, 0) => "no mistakes found".to_owned(),
        (Language::English, _, _) => {
            let plural = |count: usize| if count == 1 { "" } else { "s" };
            format!("{errors} error{}, {warnings} warning{}", plural(errors), plural(warnings))
        }
    }
}

/// A finding in one line, for a log: `routing.toml:41:18: error[E0301]: …`.
pub fn line(file_name: &str, text: &str, finding: &Diagnostic, language: Language) -> String {
    let (at, part) = bundle::part_at(text, finding.span.start);
    let (line, column) = position(part.text, finding.span.start - part.start.min(finding.span.start));
    let (file, header) = (bundle::told(file_name, at, part.name), header(finding, language, false));
    format!("{file}:{line}:{column}: {}", header.trim_end())
}

/// All findings for machines: line and column count from 1, columns in characters.
pub fn to_json(file_name: &str, text: &str, findings: &[Diagnostic]) -> Value {
    let pair = |pair: &[String; 2]| json!({ "ko": pair[0], "en": pair[1] });
    let place = |span: &Range<usize>| {
        let (at, part) = bundle::part_at(text, span.start);
        let span = span.start - part.start.min(span.start)..span.end - part.start.min(span.end);
        let (line, column) = position(part.text, span.start);
        let (end_line, end_column) = position(part.text, span.end);
        json!({
            "file": bundle::told(file_name, at, part.name),
            "start": { "offset": span.start, "line": line, "column": column },
            "end": { "offset": span.end, "line": end_line, "column": end_column },
        })
    };
    let list: Vec<Value> = findings
        .iter()
        .map(|finding| {
            json!({
                "code": finding.code,
                "severity": match finding.severity { Severity::Error => "error", Severity::Warning => "warning" },
                "place": place(&finding.span),
                "message": pair(&finding.message),
                "label": pair(&finding.label),
                "help": pair(&finding.help),
                "related": finding.related.iter()
                    .map(|related| json!({ "place": place(&related.span), "label": pair(&related.label) }))
                    .collect::<Vec<_>>(),
            })
        })
        .collect();
    json!({ "schema": 1, "file": file_name, "findings": list })
}

/// Line and column of a byte, both from 1; the column counts characters.
pub fn position(text: &str, offset: usize) -> (usize, usize) {
    let before = text.get(..floor(text, offset)).unwrap_or("");
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or("").chars().count() + 1;
    (line, column)
}

/// A table as it is drawn: its files.
struct Whole<'t> {
    parts: Vec<bundle::Part<'t>>,
    files: SimpleFiles<String, &'t str>,
}

/// `오류[E0301]: …`
fn header(finding: &Diagnostic, language: Language, colour: bool) -> String {
    let word = finding.severity.word(language);
    let (code, message) = (finding.code, language.of(&finding.message));
    if !colour {
        return format!("{word}[{code}]: {message}\n");
    }
    let paint = match finding.severity {
        Severity::Error => "\u{1b}[1;31m",
        Severity::Warning => "\u{1b}[1;33m",
    };
    format!("{paint}{word}[{code}]\u{1b}[0m\u{1b}[1m: {message}\u{1b}[0m\n")
}

/// The lines of the file with their carets, and what to do.
fn snippet(whole: &Whole<'_>, finding: &Diagnostic, language: Language, colour: bool) -> String {
    // A caret needs at least one column; labels must lie on character bounds and inside the text.
    let fit = |span: &Range<usize>| {
        let at = whole.parts.iter().rposition(|part| part.start <= span.start).unwrap_or(0);
        let (text, begins) = whole.parts.get(at).map_or(("", 0), |part| (part.text, part.start));
        let start = floor(text, span.start.saturating_sub(begins));
        (at, start..floor(text, span.end.saturating_sub(begins)).max(start))
    };
    let (at, span) = fit(&finding.span);
    let mut labels = vec![drawn::Label::primary(at, span).with_message(language.of(&finding.label))];
    for related in &finding.related {
        let (at, span) = fit(&related.span);
        labels.push(drawn::Label::secondary(at, span).with_message(language.of(&related.label)));
    }
    let help = language.of(&finding.help);
    let notes = match (help.is_empty(), language) {
        (true, _) => Vec::new(),
        (false, Language::Korean) => vec![format!("고치는 법: {help}")],
        (false, Language::English) => vec![format!("help: {help}")],
    };
    let severity = match finding.severity {
        Severity::Error => drawn::Severity::Error,
        Severity::Warning => drawn::Severity::Warning,
    };
    let diagnostic = drawn::Diagnostic::new(severity).with_labels(labels).with_notes(notes);
    let config = term::Config::default();
    let drawn = if colour {
        let mut buffer = termcolor::Ansi::new(Vec::new());
        term::emit_to_write_style(&mut buffer, &config, &whole.files, &diagnostic)
            .map(|()| String::from_utf8_lossy(&buffer.into_inner()).into_owned())
    } else {
        term::emit_into_string(&config, &whole.files, &diagnostic)
    };
    match drawn {
        // Its first line is the English header that ours replaces.
        Ok(drawn) => {
            let body = drawn.split_once('\n').map_or("", |(_, body)| body);
            body.trim_end_matches('\n').lines().map(|line| format!("{}\n", line.trim_end())).collect()
        }
        // Only an index outside the file can fail, and `fit` keeps them inside; the line number still helps.
        Err(_) => {
            let (at, span) = fit(&finding.span);
            let text = whole.parts.get(at).map_or("", |part| part.text);
            let name = codespan_reporting::files::Files::name(&whole.files, at).unwrap_or_default();
            format!("  {name}:{}\n", position(text, span.start).0)
        }
    }
}

/// The nearest character bound at or before `offset`.
fn floor(text: &str, offset: usize) -> usize {
    let mut at = offset.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}
