//! `languages`: what is spoken beside Korean.

use super::Findings;
use super::fields::Fields;
use super::names::Names;
use crate::routing::diagnostic::Diagnostic;
use crate::routing::plan::Tongue;
use std::collections::BTreeMap;
use std::ops::Range;

/// Reads the list; Korean may stand in it and is always there.
pub(super) fn languages(fields: &mut Fields<'_>, findings: &mut Findings) -> BTreeMap<Tongue, Range<usize>> {
    let mut languages: BTreeMap<Tongue, Range<usize>> = BTreeMap::new();
    let mut korean: Option<Range<usize>> = None;
    for (text, span) in fields.texts("languages", findings).unwrap_or_default() {
        let plain = (2..=3).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_lowercase());
        if !plain {
            findings.push(
                Diagnostic::error(
                    "E0103",
                    span,
                    format!("언어의 이름이 아닙니다: \"{text}\""),
                    format!("\"{text}\" is not the name of a language"),
                )
                .help(
                    "ISO 639 의 두세 글자로 쓰세요: \"en\", \"zh\", \"vi\"",
                    "write it as in ISO 639: \"en\", \"zh\", \"vi\"",
                ),
            );
            continue;
        }
        let first =
            if text == "ko" { korean.replace(span.clone()) } else { languages.insert(text.into(), span.clone()) };
        if let Some(first) = first {
            findings.push(
                Diagnostic::error(
                    "E0104",
                    span,
                    format!("같은 언어가 두 번 있습니다: \"{text}\""),
                    format!("the language \"{text}\" stands twice"),
                )
                .help("하나를 지우세요", "delete one")
                .related(first, "첫 번째", "the first"),
            );
        }
    }
    languages
}

/// E0203 for a language that nobody comes to hear.
pub(super) fn unspoken(names: &Names, findings: &mut Findings) {
    for (language, span) in names.unspoken() {
        findings.push(
            Diagnostic::error(
                "E0203",
                span,
                format!("이 언어로 가는 전화가 없습니다: \"{language}\""),
                format!("no call comes to the language \"{language}\""),
            )
            .help(
                format!("메뉴의 버튼이나 번호에 language = \"{language}\" 를 두거나, 목록에서 지우세요"),
                format!("put language = \"{language}\" on a key or a number, or delete it from the list"),
            ),
        );
    }
}
