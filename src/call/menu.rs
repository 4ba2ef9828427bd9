//! One menu's dialogue with the caller: what is said, which keys came, what silence means.
//!
//! A small machine inside the session: it counts silence and wrong keys apart, collects longer choices with
//! an inter-digit timeout, and says when a destination is chosen. What a destination means, the session knows.

use crate::number::{Digits, Key};
use crate::routing::plan::{Destination, Menu, MenuId, PromptId, Retry};
use crate::time::Instant;

/// Where the dialogue stands.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Phase {
    /// The menu is being said.
    Speaking,
    /// All is said; the caller thinks.
    Waiting { until: Instant },
    /// Keys came that can become a longer choice.
    Collecting { digits: Digits, until: Instant },
    /// The caller's side put us on hold: the menu is said again afterwards.
    Suspended,
}

/// A menu with a caller in it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Dialogue {
    /// Which menu.
    pub menu: MenuId,
    silences: u8,
    mistakes: u8,
    phase: Phase,
}

/// A dialogue without its times, for those who compare calls.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Asking {
    /// Which menu.
    pub menu: MenuId,
    /// Silences so far.
    pub silences: u8,
    /// Wrong keys so far.
    pub mistakes: u8,
    /// How far it is.
    pub turn: Turn,
}

/// Whose turn it is in a menu.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Turn {
    /// The menu is being said.
    Speaking,
    /// All is said.
    Waiting,
    /// Keys that can become a longer choice.
    Collecting(Digits),
    /// On hold.
    Suspended,
}

/// What the session should do next.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Step {
    /// Nothing: wait for the next event.
    Stay,
    /// The prompt was cut by a key; more keys may follow.
    Hush,
    /// Say this and listen.
    Say(Vec<PromptId>),
    /// Keys chose a destination, or nothing offered did after the last retry.
    Go {
        /// Where to.
        to: Destination,
        /// The keys that chose it; `None` when silence did.
        keys: Option<Digits>,
    },
    /// Keys that nobody offered: say this and listen.
    Wrong {
        /// What was pressed.
        keys: Digits,
        /// What is said.
        say: Vec<PromptId>,
    },
}

impl Dialogue {
    /// The caller enters the menu; the session plays `menu.speech`.
    pub fn enter(menu: MenuId) -> Self {
        Self { menu, silences: 0, mistakes: 0, phase: Phase::Speaking }
    }

    /// When the next silence is over.
    pub fn deadline(&self) -> Option<Instant> {
        match self.phase {
            Phase::Waiting { until } | Phase::Collecting { until, .. } => Some(until),
            Phase::Speaking | Phase::Suspended => None,
        }
    }

    /// Where the dialogue stands, without its times.
    pub fn asking(&self) -> Asking {
        let Self { menu, silences, mistakes, phase } = self;
        let turn = match phase {
            Phase::Speaking => Turn::Speaking,
            Phase::Waiting { .. } => Turn::Waiting,
            Phase::Collecting { digits, .. } => Turn::Collecting(digits.clone()),
            Phase::Suspended => Turn::Suspended,
        };
        Asking { menu: *menu, silences: *silences, mistakes: *mistakes, turn }
    }

    /// The menu is being said, or will be said again after a hold, and no key may cut it.
    pub fn is_deaf(&self, menu: &Menu) -> bool {
        !self.is_said() && !menu.barge_in
    }

    /// All was said, or a key cut it.
    pub fn is_said(&self) -> bool {
        matches!(self.phase, Phase::Waiting { .. } | Phase::Collecting { .. })
    }

    /// All was said.
    pub fn spoken(&mut self, now: Instant, menu: &Menu) {
        if self.phase == Phase::Speaking {
            self.phase = Phase::Waiting { until: now + menu.digit_timeout };
        }
    }

    /// A key that may count now.
    pub fn key(&mut self, now: Instant, menu: &Menu, key: Key) -> Step {
        let (mut digits, speaking) = match std::mem::replace(&mut self.phase, Phase::Speaking) {
            Phase::Collecting { digits, .. } => (digits, false),
            Phase::Waiting { .. } => (Digits::default(), false),
            Phase::Speaking | Phase::Suspended => (Digits::default(), true),
        };
        digits.push(key);
        let more = menu
            .choices
            .keys()
            .any(|choice| choice.len() > digits.len() && choice.as_str().starts_with(digits.as_str()));
        if more {
            self.phase = Phase::Collecting { digits, until: now + menu.interdigit };
            return if speaking { Step::Hush } else { Step::Stay };
        }
        self.decide(menu, digits)
    }

    /// Time went by.
    pub fn tick(&mut self, now: Instant, menu: &Menu) -> Step {
        match std::mem::replace(&mut self.phase, Phase::Speaking) {
            Phase::Waiting { until } if now >= until => {
                self.silences += 1;
                if self.silences > menu.no_input.retries {
                    return Step::Go { to: menu.no_input.then, keys: None };
                }
                Step::Say(again(&menu.no_input, menu))
            }
            Phase::Collecting { digits, until } if now >= until => self.decide(menu, digits),
            phase @ (Phase::Waiting { .. } | Phase::Collecting { .. } | Phase::Speaking | Phase::Suspended) => {
                self.phase = phase;
                Step::Stay
            }
        }
    }

    /// The caller's side put us on hold, or came back.
    pub fn held(&mut self, held: bool, menu: &Menu) -> Step {
        if held {
            self.phase = Phase::Suspended;
            return Step::Stay;
        }
        if self.phase == Phase::Suspended {
            self.phase = Phase::Speaking;
            return Step::Say(menu.speech.clone());
        }
        Step::Stay
    }

    fn decide(&mut self, menu: &Menu, digits: Digits) -> Step {
        self.phase = Phase::Speaking;
        if let Some(&to) = menu.choices.get(&digits) {
            return Step::Go { to, keys: Some(digits) };
        }
        self.mistakes += 1;
        if self.mistakes > menu.no_match.retries {
            return Step::Go { to: menu.no_match.then, keys: Some(digits) };
        }
        Step::Wrong { keys: digits, say: again(&menu.no_match, menu) }
    }
}

fn again(retry: &Retry, menu: &Menu) -> Vec<PromptId> {
    std::iter::once(retry.prompt.clone()).chain(menu.speech.iter().cloned()).collect()
}
