//! The prompts a table uses: does each have sound, and does the caller hear a choice in time?

use super::Findings;
use super::fields::nearest;
use super::filled::Filled;
use crate::limits::SPEECH_BEFORE_KEY_MAX;
use crate::routing::diagnostic::Diagnostic;
use crate::routing::heard::Heard;
use crate::routing::plan::{Destination, MenuId, Plan, PromptId, Tongue, Words};
use crate::routing::slots::Place;
use crate::speech::{naming, phrase};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::time::Duration;

/// Names of prompts told in one finding.
const LACKING_TOLD: usize = 6;

/// Where a prompt stands.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum At {
    /// Where what can be filled is known.
    Place(Place),
    /// In this notice: what can be filled hangs on how callers come to it.
    Notice(String),
}

/// Prompts as they are met, each with the first place that names it.
#[derive(Default)]
pub(super) struct Sounds {
    uses: Vec<(PromptId, Range<usize>)>,
    /// Every place that names one.
    places: Vec<(PromptId, At, Range<usize>)>,
    seen: BTreeSet<PromptId>,
    /// Prompts whose words stand in the table.
    pub(super) words: BTreeMap<PromptId, Words>,
}

impl Sounds {
    /// A prompt of the catalogue, where nothing can be filled.
    pub(super) fn named(&mut self, id: &str, span: Range<usize>) -> PromptId {
        self.said_at(At::Place(Place::Elsewhere), id, span)
    }

    /// A prompt of the catalogue, and where it stands.
    pub(super) fn said_at(&mut self, at: At, id: &str, span: Range<usize>) -> PromptId {
        let id = PromptId::from(id);
        self.places.push((id.clone(), at, span.clone()));
        if self.seen.insert(id.clone()) {
            self.uses.push((id.clone(), span));
        }
        id
    }

    /// `say/정책자금`.
    pub(super) fn choice(&mut self, say: &str, span: Range<usize>) -> PromptId {
        self.worded(format!("say/{}", naming::part(say)), Words::Choice(naming::words(say)), span)
    }

    /// `center/kosmes`.
    pub(super) fn connecting(&mut self, id: &str, name: &str, span: Range<usize>) -> PromptId {
        self.worded(format!("center/{id}"), Words::Connecting(name.to_owned()), span)
    }

    /// `name/kosmes`.
    pub(super) fn name(&mut self, id: &str, name: &str, span: Range<usize>) -> PromptId {
        self.worded(format!("name/{id}"), Words::Name(name.to_owned()), span)
    }

    /// `key_1`.
    pub(super) fn key(&mut self, key: char, span: Range<usize>) -> PromptId {
        match key {
            '*' => self.named("key_star", span),
            '#' => self.named("key_hash", span),
            digit => self.named(&format!("key_{digit}"), span),
        }
    }

    fn worded(&mut self, id: String, words: Words, span: Range<usize>) -> PromptId {
        let id = self.named(&id, span);
        self.words.insert(id.clone(), words);
        id
    }

    /// Every prompt with the first place that names it.
    pub(super) fn uses(&self) -> impl Iterator<Item = (&PromptId, &Range<usize>)> {
        self.uses.iter().map(|(id, span)| (id, span))
    }

    /// Every place that names a prompt.
    pub(super) fn at(&self, id: &PromptId) -> impl Iterator<Item = (&At, &Range<usize>)> {
        self.places.iter().filter(move |(known, ..)| known == id).map(|(_, at, span)| (at, span))
    }

    /// The first place that names a prompt.
    pub(super) fn place(&self, id: &PromptId) -> Range<usize> {
        self.uses.iter().find(|(known, _)| known == id).map_or(0..0, |(_, span)| span.clone())
    }

    /// E0501 for every prompt without sound. The bare names are heard from stand-in centres only, which do without.
    pub(super) fn check(&self, heard: &Heard, prompts: &BTreeMap<String, Duration>, findings: &mut Findings) {
        for (id, span) in &self.uses {
            // A text with slots has its parts, and `filled` looks for those.
            if heard.text(id).is_some_and(phrase::is_filled_in) && !self.words.contains_key(id) {
                continue;
            }
            if !matches!(self.words.get(id), Some(Words::Name(_))) && !prompts.contains_key(id.as_ref()) {
                findings.push(self.missing(id, span.clone(), prompts));
            }
        }
    }

    /// The prompts that have sound in each language, by their names there; W0507 for those that will be said in Korean.
    pub(super) fn translate(
        &self,
        languages: &BTreeMap<Tongue, Range<usize>>,
        waiting: &PromptId,
        prompts: &BTreeMap<String, Duration>,
        filled: &BTreeMap<PromptId, Filled>,
        findings: &mut Findings,
    ) -> BTreeMap<Tongue, BTreeMap<PromptId, PromptId>> {
        let mut all = BTreeMap::new();
        for (language, span) in languages {
            let mut names = BTreeMap::new();
            let mut lacking = Vec::new();
            for (id, _) in self.uses.iter().filter(|(id, _)| !matches!(self.words.get(id), Some(Words::Name(_)))) {
                let there = format!("{language}/{id}");
                if let Some(filled) = filled.get(&*there).filter(|filled| filled.length.is_some()) {
                    let parts = filled.parts.iter().map(|part| (part.clone(), format!("{language}/{part}").into()));
                    names.extend(parts.chain([(id.clone(), there.into())]));
                } else if prompts.contains_key(&there) {
                    names.insert(id.clone(), there.into());
                } else if id != waiting && (prompts.contains_key(&**id) || filled.contains_key(id)) {
                    // What has no sound at all was told.
                    // Of a text with slots the first sound that is not there.
                    let parts = filled.get(&*there).into_iter().flat_map(|filled| &filled.parts);
                    let mut parts = parts.map(|part| format!("{language}/{part}"));
                    let part = parts.find(|part| !prompts.contains_key(part));
                    lacking.push(part.map_or_else(|| id.to_string(), |part| format!("{id} ({part})")));
                }
            }
            all.insert(language.clone(), names);
            let count = lacking.len();
            if count > 0 {
                lacking.truncate(LACKING_TOLD);
                let more = if count > LACKING_TOLD { ", …" } else { "" };
                let list = lacking.join(", ");
                findings.push(
                    Diagnostic::warning(
                        "W0507",
                        span.clone(),
                        format!("{language}: 안내음 {count}개가 이 말로는 없어 한국어로 들립니다: {list}{more}"),
                        format!("{language}: {count} prompts lack this language and are said in Korean: {list}{more}"),
                    )
                    .help(
                        format!(
                            "prompts/{language}/*.tsv 에 글을 쓰고 `ivr1357 prompts build` 로 소리를 만들거나, 소리를 prompts/{language}/이름.wav 에 두세요"
                        ),
                        format!(
                            "write their texts in prompts/{language}/*.tsv and build them: `ivr1357 prompts build`, or put sounds in prompts/{language}/NAME.wav"
                        ),
                    ),
                );
            }
        }
        all
    }

    fn missing(&self, id: &PromptId, span: Range<usize>, prompts: &BTreeMap<String, Duration>) -> Diagnostic {
        if let Some(words) = self.words.get(id) {
            let text = match words {
                Words::Choice(text) | Words::Connecting(text) | Words::Name(text) => text,
            };
            return Diagnostic::error(
                "E0501",
                span,
                format!("소리가 없습니다: \"{text}\""),
                format!("\"{text}\" has no sound"),
            )
            .label(format!("prompts/ko/{id}.wav"), format!("prompts/ko/{id}.wav"))
            .help("`ivr1357 prompts build` 로 소리를 만드세요", "build it: `ivr1357 prompts build`");
        }
        let finding = Diagnostic::error(
            "E0501",
            span,
            format!("글이나 소리가 없습니다: \"{id}\""),
            format!("prompt \"{id}\" has no words or no sound"),
        );
        // Only prompts of the catalogue: nobody means `say/…` by a slip.
        match nearest(id, prompts.keys().map(String::as_str).filter(|name| !name.contains('/'))) {
            Some(near) => finding.help(format!("혹시 \"{near}\" 인가요?"), format!("did you mean \"{near}\"?")),
            None => finding.help(
                format!(
                    "prompts/ko/*.tsv 에 {id} 의 글을 쓰고 `ivr1357 prompts build` 로 prompts/ko/{id}.wav 를 만드세요"
                ),
                format!(
                    "write the text of {id} in prompts/ko/*.tsv and build prompts/ko/{id}.wav: `ivr1357 prompts build`"
                ),
            ),
        }
    }
}

/// W0505 for every menu that talks too long, in the language in which it takes longest; the greeting counts for the menu behind it.
pub(super) fn too_long(
    plan: &Plan,
    numbers: &[Range<usize>],
    menus: &[Range<usize>],
    prompts: &BTreeMap<String, Duration>,
    findings: &mut Findings,
) {
    let length = |language: Option<&Tongue>, speech: &[PromptId]| {
        let said = plan.said(language, false, speech.to_vec());
        said.iter().filter_map(|id| prompts.get(id.as_ref())).sum::<Duration>()
    };
    let mut entered = BTreeSet::new();
    for (number, span) in plan.numbers.iter().zip(numbers) {
        let Destination::Menu(id) = number.go else { continue };
        let menu = plan.menu(id);
        let language = number.language.as_ref();
        let total = length(language, number.greeting.as_slice()) + length(language, &menu.speech);
        if total > SPEECH_BEFORE_KEY_MAX {
            entered.insert((language, id));
            findings.push(warning(&format!("{} → {}", number.row, menu.row), language, total, span.clone()));
        }
    }
    for (at, (menu, span)) in plan.menus.iter().zip(menus).enumerate() {
        let korean: Option<&Tongue> = None;
        let languages = std::iter::once(korean).chain(plan.tongues.keys().map(Some));
        let languages = languages.filter(|language| !entered.contains(&(*language, MenuId(at))));
        let totals = languages.map(|language| (length(language, &menu.speech), language));
        // Of languages that take the same time Korean is named.
        let longest = totals.max_by_key(|(total, language)| (*total, language.is_none()));
        if let Some((total, language)) = longest.filter(|(total, _)| *total > SPEECH_BEFORE_KEY_MAX) {
            findings.push(warning(&menu.row, language, total, span.clone()));
        }
    }
}

fn warning(what: &str, language: Option<&Tongue>, total: Duration, span: Range<usize>) -> Diagnostic {
    let (seconds, limit) = (total.as_secs_f64(), SPEECH_BEFORE_KEY_MAX.as_secs());
    let language = language.map(|language| format!(" ({language})")).unwrap_or_default();
    Diagnostic::warning(
        "W0505",
        span,
        format!("{what}{language}: 고를 때까지 {seconds:.1}초를 들어야 합니다 (권장 {limit}초)"),
        format!("{what}{language}: {seconds:.1} s of speech before the caller is asked (advice: {limit} s)"),
    )
    .help("say 를 줄이거나 메뉴를 나누세요", "shorten the say texts, or split the menu")
}
