//! What is known of the prompts when a table is checked: how long each sounds, what its words are, and what is wrong with it.

use std::collections::BTreeMap;
use std::time::Duration;

/// Every prompt by name.
#[derive(Clone, Debug, Default)]
pub struct Heard(pub BTreeMap<String, Prompt>);

/// One prompt.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Prompt {
    /// How long it sounds; `None` has no sound.
    pub length: Option<Duration>,
    /// Its words.
    pub text: Option<String>,
    /// The words its sound was made from, where that is known.
    pub said: Option<String>,
    /// What a caller would find wrong with the sound, in Korean and in English.
    pub fault: Option<[String; 2]>,
}

impl Heard {
    /// Prompts of which only the lengths are known.
    pub fn of_lengths(lengths: &BTreeMap<String, Duration>) -> Self {
        let prompt = |length: &Duration| Prompt { length: Some(*length), ..Prompt::default() };
        Self(lengths.iter().map(|(id, length)| (id.clone(), prompt(length))).collect())
    }

    /// The prompts that sound, and for how long.
    pub(super) fn lengths(&self) -> BTreeMap<String, Duration> {
        self.0.iter().filter_map(|(id, prompt)| Some((id.clone(), prompt.length?))).collect()
    }

    /// What a prompt says.
    pub(super) fn text(&self, id: &str) -> Option<&str> {
        self.0.get(id)?.text.as_deref()
    }
}
