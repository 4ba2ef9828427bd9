//! The prompt catalogue: every prompt's text, and its sound where there is one.
//!
//! Reading the files is the shell's work (`shell::prompts`); asking whether a table's prompts are all there is `routing::check`'s.

use crate::speech::stretch;
use crate::speech::words::Derived;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// One prompt.
#[derive(Clone, Debug)]
pub struct Prompt {
    /// What is said.
    pub text: String,
    /// 8 kHz mono samples; `None` when nothing was recorded or built yet.
    pub samples: Option<Arc<[i16]>>,
}

/// What a prompt plays.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PromptSound {
    /// 8 kHz mono.
    pub samples: Arc<[i16]>,
    /// 16 kHz mono, twice as many, of recordings that have more than a telephone's band.
    pub wide: Option<Arc<[i16]>>,
}

impl PromptSound {
    /// The same in four thirds of the time.
    pub fn slowly(&self) -> Self {
        let (samples, wide) = stretch::slowly(&self.samples, self.wide.as_deref());
        Self { samples: samples.into(), wide: wide.map(Arc::from) }
    }

    /// How many samples of 8 kHz that will be.
    pub fn length_slowly(&self) -> usize {
        stretch::length(self.samples.len())
    }
}

/// All prompts of one language by id.
#[derive(Clone, Debug, Default)]
pub struct Catalogue {
    /// Ordered, so that every listing is stable.
    pub prompts: BTreeMap<String, Prompt>,
    /// 16 kHz mono samples, twice as many as a prompt's own, of recordings that have more than a telephone's band: for G.722 and Opus.
    pub wide: BTreeMap<String, Arc<[i16]>>,
    /// The words that sounds were made from, where that is known.
    pub said: BTreeMap<String, String>,
    /// What a caller would find wrong with a recording, in Korean and in English.
    pub faults: BTreeMap<String, [String; 2]>,
}

impl Catalogue {
    /// The prompts that can be heard, and for how long: what `routing::check` needs to know.
    pub fn lengths(&self) -> BTreeMap<String, Duration> {
        self.prompts
            .iter()
            .filter_map(|(id, prompt)| {
                let samples = prompt.samples.as_ref()?;
                Some((id.clone(), Duration::from_micros(samples.len() as u64 * 125)))
            })
            .collect()
    }

    /// How long each of these prompts sounds that has a sound, slow ones among them.
    pub fn lengths_of(&self, ids: impl IntoIterator<Item = Arc<str>>) -> BTreeMap<String, Duration> {
        let length = |id: &str| {
            Some(match self.samples(id) {
                Some(samples) => samples.len(),
                None => stretch::length(self.samples(&usual(id)?)?.len()),
            })
        };
        let ids = ids.into_iter();
        ids.filter_map(|id| Some((id.to_string(), Duration::from_micros(length(&id)? as u64 * 125)))).collect()
    }

    /// A prompt's sound. Slow ones (`slow/greeting`, `en/slow/greeting`) that nobody recorded are
    /// made from the usual ones.
    pub fn sound(&self, id: &str) -> Option<PromptSound> {
        let origin = self.origin(id)?;
        Some(if self.is_stretched(id) { origin.slowly() } else { origin })
    }

    /// Whether a prompt's sound is made from its usual one.
    pub fn is_stretched(&self, id: &str) -> bool {
        self.samples(id).is_none()
    }

    /// The sound that [`Catalogue::sound`] is, or is made from.
    pub fn origin(&self, id: &str) -> Option<PromptSound> {
        let whole = |id: &str| {
            let samples = self.prompts.get(id)?.samples.clone()?;
            Some(PromptSound { samples, wide: self.wide.get(id).cloned() })
        };
        whole(id).or_else(|| whole(&usual(id)?))
    }

    fn samples(&self, id: &str) -> Option<&[i16]> {
        self.prompts.get(id)?.samples.as_deref()
    }

    /// What a prompt says.
    pub fn text(&self, id: &str) -> Option<&str> {
        let usual = usual(id).filter(|_| !self.prompts.contains_key(id));
        self.prompts.get(usual.as_deref().unwrap_or(id)).map(|prompt| prompt.text.as_str())
    }

    /// Adds the words a routing table brings along; prompts that are there keep their sound and take the table's text.
    pub fn join(&mut self, words: &BTreeMap<String, Derived>) {
        for (id, derived) in words {
            let text = derived.text();
            match self.prompts.get_mut(id) {
                Some(prompt) => prompt.text = text,
                None => {
                    self.prompts.insert(id.clone(), Prompt { text, samples: None });
                }
            }
        }
    }
}

/// The prompt that a slow one is made from: `greeting` of `slow/greeting`, `en/greeting` of `en/slow/greeting`.
fn usual(id: &str) -> Option<String> {
    match id.strip_prefix("slow/") {
        Some(id) => Some(id.to_owned()),
        None => id.split_once("/slow/").map(|(language, id)| format!("{language}/{id}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prompt(text: &str, samples: Option<usize>) -> Prompt {
        Prompt { text: text.into(), samples: samples.map(|count| vec![0; count].into()) }
    }

    #[test]
    fn only_prompts_with_sound_have_a_length() {
        let catalogue = Catalogue {
            prompts: BTreeMap::from([("a".to_owned(), prompt("가", Some(8000))), ("b".to_owned(), prompt("나", None))]),
            ..Catalogue::default()
        };
        assert_eq!(catalogue.lengths(), BTreeMap::from([("a".to_owned(), Duration::from_secs(1))]));
        assert_eq!(catalogue.text("b"), Some("나"));
        assert_eq!(catalogue.text("c"), None);
    }

    #[test]
    fn a_slow_prompt_is_made_from_the_usual_one_unless_somebody_recorded_it() {
        let all = [("a", Some(8000)), ("en/a", Some(800)), ("b", Some(8000)), ("slow/b", Some(9000)), ("c", None)];
        let prompts = all.map(|(id, count)| (id.to_owned(), prompt("가", count))).into();
        let wide = BTreeMap::from([("a".to_owned(), vec![0; 16000].into())]);
        let catalogue = Catalogue { prompts, wide, ..Catalogue::default() };
        let sound =
            |id: &str| catalogue.sound(id).map(|sound| (sound.samples.len(), sound.wide.map(|wide| wide.len())));
        assert_eq!(sound("a"), Some((8000, Some(16000))));
        assert_eq!(sound("slow/a"), Some((10667, Some(21334))));
        assert_eq!(sound("en/slow/a"), Some((1067, None)));
        assert_eq!(
            (sound("slow/b"), sound("slow/c"), sound("slow/d"), sound("d")),
            (Some((9000, None)), None, None, None)
        );
        assert_eq!((catalogue.text("en/slow/a"), catalogue.text("slow/d")), (Some("가"), None));
        let lengths = catalogue.lengths_of(["slow/a", "slow/b", "slow/c"].map(Arc::from));
        let micros = |id: &str, samples: u64| (id.to_owned(), Duration::from_micros(samples * 125));
        assert_eq!(lengths, BTreeMap::from([micros("slow/a", 10667), micros("slow/b", 9000)]));
    }

    #[test]
    fn the_words_of_a_table_join_without_losing_sound() {
        let mut catalogue = Catalogue {
            prompts: BTreeMap::from([("say/창업".to_owned(), prompt("?", Some(80)))]),
            ..Catalogue::default()
        };
        catalogue.join(&BTreeMap::from([
            ("say/창업".to_owned(), Derived::Choice("창업".into())),
            ("name/tax".to_owned(), Derived::Name("국세상담센터".into())),
        ]));
        assert_eq!(catalogue.text("say/창업"), Some("창업은"));
        assert_eq!(catalogue.text("name/tax"), Some("국세상담센터"));
        assert_eq!(catalogue.lengths().len(), 1);
    }
}
