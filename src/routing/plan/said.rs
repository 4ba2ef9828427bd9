//! What a table says: the words of its own, the texts with slots, and the names under which the prompts of each language and pace are heard.

use super::{Destination, Menu, Message, Plan, PromptId, ReadBack, Tongue};
use crate::speech::phrase::{MenuRow, Phrase};
use std::collections::{BTreeMap, BTreeSet};

/// Begins the name of a prompt that is said in Korean whatever the call speaks: `ko/say/한국어`.
pub const KOREAN: &str = "ko/";
/// What the key of a language says to who listens in it already.
pub const BACK_TO_KOREAN: &str = "한국어";

/// The name under which the catalogue has a prompt.
fn bare(id: &str) -> &str {
    id.strip_prefix(KOREAN).unwrap_or(id)
}

/// Words that the table gives a prompt of its own.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Words {
    /// `say/TEXT`: a menu choice, "TEXT은/는", followed by the key's own prompt `key_1` … ("일 번").
    Choice(String),
    /// `center/ROW`: "NAME(으)로 연결해 드리겠습니다 …".
    Connecting(String),
    /// `name/ROW`: the bare name.
    Name(String),
}

/// A text with slots.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Slotted {
    /// The text, read.
    pub phrase: Phrase,
    /// Every sound that it may need in this table, but for the rows of menus.
    pub sounds: Vec<PromptId>,
}

impl Slotted {
    /// Whether one of its parts has a sound, in the language in which `prompt` names the text.
    pub fn has(&self, prompt: &str, part: &str) -> bool {
        let language = prompt.strip_suffix(self.phrase.id()).unwrap_or_default();
        self.sounds.iter().any(|sound| sound.strip_prefix(language) == Some(part))
    }
}

impl Plan {
    /// The rows of a menu as they are said: the words, their keys, and the language of those that are said in one whatever the call speaks.
    pub fn rows_said(&self, menu: &Menu) -> Vec<MenuRow> {
        let mut rows: Vec<MenuRow> = Vec::new();
        for id in menu.speech.iter().skip(menu.own_words) {
            let offered = self.offers(id).map(|language| language.map_or("ko", |language| language).to_owned());
            let folder = offered.as_deref().map_or(0, |language| language.len() + 1);
            let name = id.get(folder..).unwrap_or_default();
            if let Some(Words::Choice(words)) = self.words.get(name) {
                rows.push(MenuRow { words: words.clone(), keys: String::new(), offered });
            } else if let (Some(key), Some(row)) = (name.strip_prefix("key_"), rows.last_mut()) {
                row.keys.push_str(match key {
                    "star" => "*",
                    "hash" => "#",
                    digit => digit,
                });
            }
        }
        rows
    }

    /// The same for a call in this language: nobody is offered what is spoken, where it is a way back.
    pub fn rows_offered(&self, menu: &Menu, language: Option<&Tongue>) -> Vec<MenuRow> {
        let spoken = language.map_or("ko", |language| language);
        let mut rows = self.rows_said(menu);
        rows.retain(|row| !self.switches_back || row.offered.as_deref() != Some(spoken));
        rows
    }

    /// Prompts as they are said in a language, slowly or not: those without sound in it are said in Korean.
    pub fn said(&self, language: Option<&Tongue>, slowly: bool, prompts: Vec<PromptId>) -> Vec<PromptId> {
        let tongue = language.and_then(|language| self.tongues.get(language));
        let slow = slowly.then_some(&self.slow);
        let named = |names: Option<&BTreeMap<PromptId, PromptId>>, id: PromptId| {
            names.and_then(|names| names.get(&id)).cloned().unwrap_or(id)
        };
        let spoken = |id: PromptId| match self.offers(&id) {
            None => Some(named(tongue, id)),
            // Nobody is offered the language that is spoken, where it is a way back.
            Some(offered) if self.switches_back && offered == language => None,
            Some(_) => Some(bare(&id).into()),
        };
        prompts.into_iter().filter_map(spoken).map(|id| named(slow, id)).collect()
    }

    /// The language in which a prompt is said whatever the call speaks, because its key leads there.
    pub fn offers(&self, id: &PromptId) -> Option<Option<&Tongue>> {
        let (folder, name) = id.split_once('/')?;
        if !name.starts_with("say/") && !name.starts_with("key_") {
            return None;
        }
        let tongue = || self.tongues.get_key_value(folder).map(|(tongue, _)| Some(tongue));
        if id.starts_with(KOREAN) { Some(None) } else { tongue() }
    }

    /// Some key asks for slow reading.
    fn is_read_slowly(&self) -> bool {
        let menus = self.menus.iter().flat_map(|menu| menu.choices.values());
        let inputs = self.inputs.iter().flat_map(|input| [&input.star, &input.hash]);
        menus.chain(inputs).any(|go| matches!(go, Destination::Slower | Destination::RepeatSlowly))
    }

    /// The slow names of all prompts: `slow/greeting`, `en/slow/greeting`. Tones have one pace.
    pub(in crate::routing) fn slow_names(&self) -> BTreeMap<PromptId, PromptId> {
        if !self.is_read_slowly() {
            return BTreeMap::new();
        }
        let tones: Vec<&PromptId> = self.messages.iter().map(|message| &message.tone).chain([&self.waiting]).collect();
        let translated = |id: &PromptId| {
            self.tongues.iter().find_map(|(language, names)| {
                names.iter().find(|(_, there)| *there == id).map(|(usual, _)| (language, usual))
            })
        };
        let slow = |id: PromptId| match translated(&id) {
            Some((_, usual)) if tones.contains(&usual) => None,
            Some((language, usual)) => Some((id, format!("{language}/slow/{usual}").into())),
            None if tones.contains(&&id) => None,
            None => Some((id.clone(), format!("slow/{id}").into())),
        };
        // A text with slots has no sound of its own: its parts are said slowly.
        self.prompts().into_iter().filter(|id| !self.phrases.contains_key(id)).filter_map(slow).collect()
    }

    /// Every prompt a caller of this table can hear, in order of name.
    pub fn prompts(&self) -> BTreeSet<PromptId> {
        // Bare names are heard where a row says them: from stand-in centres.
        let heard = self.words.iter().filter(|(_, words)| !matches!(words, Words::Name(_)));
        let mut all: BTreeSet<PromptId> = heard.map(|(id, _)| id.clone()).collect();
        all.insert(self.waiting.clone());
        for menu in &self.menus {
            all.extend(menu.speech.iter().map(|id| match bare(id) {
                same if same == &**id => id.clone(),
                bare => bare.into(),
            }));
            all.insert(menu.no_input.prompt.clone());
            all.insert(menu.no_match.prompt.clone());
        }
        for input in &self.inputs {
            all.extend(input.speech.iter().cloned());
            all.insert(input.no_input.prompt.clone());
            all.insert(input.no_match.prompt.clone());
            if let Some(ReadBack { before, digits, after }) = &input.confirm {
                all.extend(digits.iter().chain([before, after]).cloned());
            }
        }
        for center in &self.centers {
            all.extend(center.announce.clone());
            all.insert(center.transfer.prompt.clone());
        }
        all.extend(self.notices.iter().flat_map(|notice| notice.speech.iter().cloned()));
        for Message { speech, tone, saved, empty, .. } in &self.messages {
            all.extend(speech.iter().chain([tone, saved, empty]).cloned());
        }
        all.extend(self.numbers.iter().filter_map(|number| number.greeting.clone()));
        all.extend(self.tongues.values().flat_map(|names| names.values().cloned()));
        for (id, Slotted { sounds, .. }) in &self.phrases {
            if all.remove(id) {
                all.extend(sounds.iter().cloned());
            }
        }
        all.extend(self.slow.values().cloned());
        all
    }
}
