//! The words a routing table brings along: menu choices and centre names, as sentences.
//!
//! A prompt is a sentence of its own in `prompts/ko/*.tsv`, or is derived here from a short text of the table and named after it:
//! `say/TEXT`, `center/ROW`, `name/ROW`.

use crate::speech::particle::Particle;
use std::fmt;

/// How a prompt is spoken, and so how it sounds at its end.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Kind {
    /// Stands alone: falls, and leaves room behind.
    Sentence,
    /// More follows at once: does not fall.
    GoingOn,
    /// The last part of a sentence whose first part is going on.
    Ending,
    /// One of a string of digits.
    Digit,
    /// Not speech: made by the program.
    Tone,
}

impl Kind {
    /// From the word in the table.
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Sentence, Self::GoingOn, Self::Ending, Self::Digit, Self::Tone]
            .into_iter()
            .find(|kind| kind.word() == word)
    }

    /// The word in the table.
    pub fn word(self) -> &'static str {
        match self {
            Self::Sentence => "sentence",
            Self::GoingOn => "going-on",
            Self::Ending => "ending",
            Self::Digit => "digit",
            Self::Tone => "tone",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// A prompt whose words come from the routing table.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Derived {
    /// `say/TEXT`: a menu choice; its key's prompt follows ("정책자금은" – "일번").
    Choice(String),
    /// `center/ROW`: said before a transfer to the centre of this name.
    Connecting(String),
    /// `name/ROW`: the bare name.
    Name(String),
}

impl Derived {
    /// What is said.
    pub fn text(&self) -> String {
        match self {
            Self::Choice(text) => Particle::Topic.with(text),
            Self::Connecting(name) => {
                format!("{} 연결해 드리겠습니다.", Particle::Toward.with(name))
            }
            Self::Name(name) => name.clone(),
        }
    }

    /// How it is said.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Choice(_) => Kind::GoingOn,
            Self::Connecting(_) => Kind::Sentence,
            Self::Name(_) => Kind::Ending,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_the_table_become_sentences() {
        for (derived, text) in [
            (Derived::Choice("정책자금".into()), "정책자금은"),
            (Derived::Choice("다른 부처 상담센터".into()), "다른 부처 상담센터는"),
            (Derived::Choice("FTA".into()), "FTA는"),
            (Derived::Connecting("국세상담센터".into()), "국세상담센터로 연결해 드리겠습니다."),
            (Derived::Connecting("창업진흥원".into()), "창업진흥원으로 연결해 드리겠습니다."),
            (Derived::Connecting("1357 상담원".into()), "1357 상담원으로 연결해 드리겠습니다."),
            (Derived::Name("창업진흥원".into()), "창업진흥원"),
        ] {
            assert_eq!(derived.text(), text);
        }
    }

    #[test]
    fn every_kind_has_its_word() {
        for kind in [Kind::Sentence, Kind::GoingOn, Kind::Ending, Kind::Digit, Kind::Tone] {
            assert_eq!(Kind::from_word(kind.word()), Some(kind));
        }
        assert_eq!(Kind::from_word("Sentence"), None);
    }
}
