//! The `toml` crate's complaints in an operator's words, in Korean and in English.

use crate::routing::diagnostic::Diagnostic;
use std::ops::Range;

/// One complaint of the `toml` crate about a piece of the file that begins at `shift`.
pub(super) fn diagnose(text: &str, error: &toml::de::Error, shift: usize) -> Diagnostic {
    let span = error.span().map_or(shift..shift, |span| span.start + shift..span.end + shift);
    let written = text.get(span.clone()).unwrap_or("");
    let line_start = text.get(..span.start).map_or(0, |before| before.rfind('\n').map_or(0, |at| at + 1));
    let line = text.get(line_start..).and_then(|rest| rest.lines().next()).unwrap_or("");
    // An empty place has no caret: point at the open quote, or at the last thing written before it.
    let span = match text.get(line_start..span.start).and_then(|before| before.rfind(['"', '\''])) {
        Some(quote) if is_open_quote(error) => line_start + quote..line_start + line.trim_end().len(),
        _ if span.is_empty() => last_written(text, line_start, span.start),
        _ => span,
    };

    if let Some(plain) = full_width(written) {
        return wide(span, written, &plain);
    }
    if line.contains(['“', '”', '‘', '’']) {
        return Diagnostic::error("E0101", span, "둥근 따옴표는 쓸 수 없습니다", "curly quotes are not quotes here")
            .help("곧은 따옴표(\")로 바꾸세요. 워드프로세서 대신 메모장에서 고치세요", "write straight quotes (\")");
    }
    let message = error.message();
    let says = |words: &str| message.contains(words);
    let (korean, english, help) = if says("string values must be quoted") && written.is_empty() {
        (
            "`=` 뒤에 값이 없습니다",
            "there is no value after `=`",
            ["값을 쓰거나 줄을 지우세요", "write a value, or delete the line"],
        )
    } else if says("string values must be quoted")
        || ["invalid integer", "invalid float", "invalid boolean", "invalid date"].iter().any(|words| says(words))
    {
        (
            "글은 따옴표로 둘러싸야 합니다",
            "a text needs quotes around it",
            ["앞뒤에 따옴표(\")를 붙이세요", "put quotes (\") around it"],
        )
    } else if is_open_quote(error) {
        (
            "여는 따옴표가 닫히지 않았습니다",
            "the quote is not closed",
            ["글 끝에 따옴표를 더하세요", "add the closing quote"],
        )
    } else if says("unclosed table") || says("unclosed array table") {
        ("행 이름의 `]` 가 없습니다", "the row's name is not closed", ["`]` 를 더하세요", "add `]`"])
    } else if says("unclosed inline table") {
        ("여는 `{` 가 닫히지 않았습니다", "`{` is not closed", ["줄 끝에 `}` 를 더하세요", "add `}`"])
    } else if says("unclosed array") {
        ("여는 `[` 가 닫히지 않았습니다", "`[` is not closed", ["줄 끝에 `]` 를 더하세요", "add `]`"])
    } else if says("missing comma") {
        (
            "사이에 쉼표가 없습니다",
            "a comma is missing",
            ["값 사이에 쉼표(,)를 넣으세요", "put a comma between the values"],
        )
    } else if says("key with no value") {
        (
            "`=` 와 값이 없습니다",
            "there is no `=` and no value",
            [
                "이름 = 값 꼴로 쓰세요. 설명이면 줄 앞에 # 을 붙이세요",
                "write NAME = VALUE, or begin the line with # if it is a remark",
            ],
        )
    } else if says("invalid unquoted key") || says("unquoted keys cannot be empty") {
        (
            "이 이름에는 따옴표가 필요합니다",
            "this name needs quotes",
            [
                "따옴표 없이는 영문, 숫자, - , _ 만 쓸 수 있습니다. 버튼은 \"*\" \"#\" 처럼 쓰세요",
                "without quotes only letters, digits, - and _; write the keys as \"*\" and \"#\"",
            ],
        )
    } else if says("duplicate key") || says("cannot extend") {
        return Diagnostic::error("E0104", span, "같은 이름이 두 번 있습니다", "the same name stands twice")
            .help("하나를 지우거나 합치세요", "delete one, or join them");
    } else {
        let clear = "이 자리의 글자를 TOML 로 읽을 수 없습니다";
        return Diagnostic::error("E0101", span, clear, format!("this is not TOML: {message}"))
            .label(message, "")
            .help("같은 종류의 다른 줄과 견주어 보세요", "compare it with another line of its kind");
    };
    Diagnostic::error("E0101", span, korean, english).help(help[0], help[1])
}

/// E0101: a quote is open.
pub(super) fn unclosed_quote(span: Range<usize>) -> Diagnostic {
    Diagnostic::error("E0101", span, "여는 따옴표가 닫히지 않았습니다", "the quote is not closed")
        .help("글 끝에 따옴표(\")를 더하세요", "add the closing quote (\")")
}

/// E0101: a row's name lacks its first bracket.
pub(super) fn unopened_row(span: Range<usize>) -> Diagnostic {
    Diagnostic::error("E0101", span, "행 이름 앞의 `[` 가 없습니다", "the row's name is not opened")
        .help("`[` 를 더하세요", "add `[`")
}

/// Whether a quote was opened and never closed.
pub(super) fn is_open_quote(error: &toml::de::Error) -> bool {
    let message = error.message();
    ["invalid basic string", "invalid literal string", "invalid multi-line"]
        .iter()
        .any(|start| message.starts_with(start))
        && ["expected `\"`", "expected `'`", "expected '"].iter().any(|quote| message.contains(quote))
}

/// E0105: characters that look right and are not: `１` for `1`.
pub(in crate::routing) fn wide(span: Range<usize>, written: &str, plain: &str) -> Diagnostic {
    Diagnostic::error(
        "E0105",
        span,
        format!("전각 글자가 있습니다: \"{written}\""),
        format!("\"{written}\" has full-width characters"),
    )
    .help(format!("반각으로 쓰세요: {plain}"), format!("write {plain}"))
}

/// The same text in half-width characters, if it has full-width ones.
pub(in crate::routing) fn full_width(text: &str) -> Option<String> {
    let plain = |c: char| match c {
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(c as u32 - 0xfee0).unwrap_or(c),
        '\u{3000}' => ' ',
        c => c,
    };
    let half: String = text.chars().map(plain).collect();
    (half != text).then_some(half)
}

/// Deeper or more dotted than any table.
pub(super) fn too_deep(span: Range<usize>) -> Diagnostic {
    Diagnostic::error("E0101", span, "이 줄에는 점이 너무 많습니다", "this line has too many dots")
        .help("행 이름은 [menu.main] 처럼 두 마디입니다", "a row's name has two parts, as [menu.main]")
}

/// The last word before an empty place on its line.
fn last_written(text: &str, line_start: usize, at: usize) -> Range<usize> {
    let from = line_start.min(at);
    let before = text.get(from..at).unwrap_or("").trim_end();
    if before.is_empty() {
        return at..at;
    }
    let start = before.rfind([' ', '=', '\t']).map_or(0, |space| space + 1);
    match before.get(start..) {
        Some(word) if !word.is_empty() => from + start..from + before.len(),
        _ => from..from + before.len(),
    }
}
