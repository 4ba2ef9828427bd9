//! `languages`: what is spoken beside Korean.

use super::Findings;
use super::fields::Fields;
use super::menu::MenuSite;
use super::names::Names;
use crate::routing::diagnostic::Diagnostic;
use crate::routing::plan::{BACK_TO_KOREAN, Destination, KOREAN, Plan, PromptId, Tongue};
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

/// A key that goes on in another language is offered in that language: who waits for it may know no other. Where every such key says the same
/// menu again, it leads back as well: where there is one language, who listens in it is offered Korean by the same key.
pub(super) fn offer(plan: &mut Plan, sites: &[MenuSite]) {
    plan.switches_back = plan
        .menus
        .iter()
        .all(|menu| menu.languages.keys().all(|key| menu.choices.get(key) == Some(&Destination::Repeat)));
    let one = plan.switches_back && plan.tongues.len() == 1;
    let korean = |id: &str| PromptId::from(format!("{KOREAN}{id}"));
    for (menu, site) in plan.menus.iter_mut().zip(sites) {
        for (part, language) in site.languages.iter().rev() {
            let Some(usual) = menu.speech.get(part.clone()).filter(|part| !part.is_empty()) else { continue };
            let offered: Option<Vec<PromptId>> = match language {
                Some(language) => {
                    let names = plan.tongues.get(language);
                    let there = usual.iter().map(|id| names?.get(id).cloned()).collect::<Option<Vec<_>>>();
                    let keys = usual.iter().skip(1).map(|id| korean(id));
                    let back = std::iter::once(korean(&format!("say/{BACK_TO_KOREAN}"))).chain(keys);
                    there.map(|there| there.into_iter().chain(back.filter(|_| one)).collect())
                }
                None => Some(usual.iter().map(|id| korean(id)).collect()),
            };
            // Without a sound there it is offered in the language of the call.
            if let Some(offered) = offered {
                menu.speech.splice(part.clone(), offered);
            }
        }
    }
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
