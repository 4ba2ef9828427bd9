//! The prompt catalogue: every prompt's text, and its sound where there is one.
//!
//! Reading the files is the shell's work (`shell::prompts`); asking whether a table's prompts are all there is `routing::check`'s.

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

/// All prompts of one language by id.
#[derive(Clone, Debug, Default)]
pub struct Catalogue {
    /// Ordered, so that every listing is stable.
    pub prompts: BTreeMap<String, Prompt>,
    /// 16 kHz mono samples, twice as many as a prompt's own, of recordings that have more than a telephone's band: for G.722.
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

    /// What a prompt says.
    pub fn text(&self, id: &str) -> Option<&str> {
        self.prompts.get(id).map(|prompt| prompt.text.as_str())
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
