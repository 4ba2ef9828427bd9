//! One question that is answered with digits: what is said, which digits came, whether they are an entry.
//!
//! A small machine inside the session, as `menu` is. What the caller enters stays in here: what comes out is how long
//! it was and whether it was taken, and the digits only as prompts when they are read back to the caller.
//!
//! In a menu 0, `#` and `*` lead to a counsellor, back, and to the same words again (ARS guideline 2009). Here 0 is a
//! digit. `#` and `*` keep their meaning until the first digit; after it `#` ends the entry, and `*` still means "again":
//! what was entered is forgotten.

use crate::number::{Entry, Key};
use crate::routing::plan::{Destination, Input, InputId, PromptId, ReadBack, Retry};
use crate::time::Instant;

/// Where the dialogue stands.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Phase {
    /// The question, or the entry, is being said.
    Speaking,
    /// All is said; the caller thinks.
    Waiting { until: Instant },
    /// Digits came.
    Collecting { digits: Entry, until: Instant },
    /// The caller's side put us on hold: the question is said again afterwards.
    Suspended,
}

/// An input with a caller in it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Dialogue {
    /// Which input.
    pub input: InputId,
    silences: u8,
    mistakes: u8,
    /// The entry that was read back: 1 takes it, 2 forgets it.
    entered: Option<Entry>,
    phase: Phase,
}

/// A dialogue without its times and digits, for those who compare calls.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Asking {
    /// Which input.
    pub input: InputId,
    /// Silences so far.
    pub silences: u8,
    /// Entries that were not taken so far.
    pub mistakes: u8,
    /// An entry is being read back.
    pub confirming: bool,
    /// How far it is.
    pub turn: Turn,
}

/// Whose turn it is in an input.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Turn {
    /// Something is being said.
    Speaking,
    /// All is said.
    Waiting,
    /// Digits came.
    Collecting {
        /// How many.
        length: usize,
        /// They are an entry already.
        valid: bool,
        /// They can become a longer one.
        open: bool,
    },
    /// On hold.
    Suspended,
}

/// An entry that was made.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Made {
    /// How many digits.
    pub length: usize,
    /// Whether it was taken.
    pub valid: bool,
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
    /// What was said is over, and what follows it must be heard: say this and listen.
    Again(Vec<PromptId>),
    /// Say this at the pace that this key asks for and listen.
    Paced(Destination, Vec<PromptId>),
    /// On to there.
    Go(Destination),
}

fn sets_pace(go: Destination) -> bool {
    matches!(go, Destination::Slower | Destination::RepeatSlowly)
}

impl Dialogue {
    /// The caller is asked; the session plays `input.speech`.
    pub fn enter(input: InputId) -> Self {
        Self { input, silences: 0, mistakes: 0, entered: None, phase: Phase::Speaking }
    }

    /// When the next silence is over.
    pub fn deadline(&self) -> Option<Instant> {
        match self.phase {
            Phase::Waiting { until } | Phase::Collecting { until, .. } => Some(until),
            Phase::Speaking | Phase::Suspended => None,
        }
    }

    /// Where the dialogue stands, without its times and digits.
    pub fn asking(&self, input: &Input) -> Asking {
        let turn = match &self.phase {
            Phase::Speaking => Turn::Speaking,
            Phase::Waiting { .. } => Turn::Waiting,
            Phase::Collecting { digits, .. } => Turn::Collecting {
                length: digits.len(),
                valid: input.accepts.is_valid(digits.secret()),
                open: input.accepts.may_go_on(digits.secret()),
            },
            Phase::Suspended => Turn::Suspended,
        };
        let Self { input, silences, mistakes, entered, .. } = self;
        let (input, silences, mistakes) = (*input, *silences, *mistakes);
        Asking { input, silences, mistakes, confirming: entered.is_some(), turn }
    }

    /// The entry that is read back.
    pub(super) fn entered(&self) -> Option<&Entry> {
        self.entered.as_ref()
    }

    /// The digits so far, for those who make up the rest of an entry.
    pub(super) fn begun(&self) -> &str {
        match &self.phase {
            Phase::Collecting { digits, .. } => digits.secret(),
            Phase::Speaking | Phase::Waiting { .. } | Phase::Suspended => "",
        }
    }

    /// Something is being said and no key may cut it.
    pub fn is_deaf(&self, input: &Input) -> bool {
        self.phase == Phase::Speaking && !input.barge_in
    }

    /// All was said.
    pub fn spoken(&mut self, now: Instant, input: &Input) {
        if self.phase == Phase::Speaking {
            self.phase = Phase::Waiting { until: now + input.digit_timeout };
        }
    }

    /// A key that may count now.
    pub fn key(&mut self, now: Instant, input: &Input, key: Key) -> (Option<Made>, Step) {
        let (mut digits, speaking) = match std::mem::replace(&mut self.phase, Phase::Speaking) {
            Phase::Collecting { digits, .. } => (digits, false),
            Phase::Waiting { .. } => (Entry::default(), false),
            Phase::Speaking | Phase::Suspended => (Entry::default(), true),
        };
        if let Some(entered) = self.entered.take() {
            return (None, self.answered(input, entered, key));
        }
        match key.as_char() {
            '#' if digits.is_empty() => (None, self.lead(input, input.hash)),
            '*' if digits.is_empty() => (None, self.lead(input, input.star)),
            '#' => self.decide(input, digits),
            '*' => (None, Step::Say(input.speech.clone())),
            _ => {
                digits.push(key);
                if input.accepts.is_complete(digits.secret()) {
                    return self.decide(input, digits);
                }
                self.phase = Phase::Collecting { digits, until: now + input.interdigit };
                (None, if speaking { Step::Hush } else { Step::Stay })
            }
        }
    }

    /// Time went by.
    pub fn tick(&mut self, now: Instant, input: &Input) -> (Option<Made>, Step) {
        match std::mem::replace(&mut self.phase, Phase::Speaking) {
            Phase::Waiting { until } if now >= until => {
                self.silences += 1;
                if self.silences > input.no_input.retries {
                    return (None, Step::Go(input.no_input.then));
                }
                (None, Step::Say(self.again(input, &input.no_input)))
            }
            Phase::Collecting { digits, until } if now >= until => self.decide(input, digits),
            phase @ (Phase::Waiting { .. } | Phase::Collecting { .. } | Phase::Speaking | Phase::Suspended) => {
                self.phase = phase;
                (None, Step::Stay)
            }
        }
    }

    /// The caller's side put us on hold, or came back.
    pub fn held(&mut self, held: bool, input: &Input) -> Step {
        if held {
            self.phase = Phase::Suspended;
            return Step::Stay;
        }
        if self.phase == Phase::Suspended {
            self.phase = Phase::Speaking;
            return Step::Say(self.words(input));
        }
        Step::Stay
    }

    /// A key after the entry was read back.
    fn answered(&mut self, input: &Input, entered: Entry, key: Key) -> Step {
        match key.as_char() {
            '1' => Step::Go(input.then),
            '2' => Step::Say(input.speech.clone()),
            // The entry is read again, at another pace.
            '#' if sets_pace(input.hash) => {
                self.entered = Some(entered);
                Step::Paced(input.hash, self.words(input))
            }
            '#' => self.lead(input, input.hash),
            '*' => {
                self.entered = Some(entered);
                match input.star {
                    Destination::RepeatSlowly => Step::Paced(input.star, self.words(input)),
                    _ => Step::Say(self.words(input)),
                }
            }
            _ => {
                self.entered = Some(entered);
                self.mistaken(input)
            }
        }
    }

    fn decide(&mut self, input: &Input, digits: Entry) -> (Option<Made>, Step) {
        let made = Made { length: digits.len(), valid: input.accepts.is_valid(digits.secret()) };
        let step = match (made.valid, &input.confirm) {
            (true, None) => Step::Go(input.then),
            (true, Some(_)) => {
                self.entered = Some(digits);
                Step::Again(self.words(input))
            }
            (false, _) => self.mistaken(input),
        };
        (Some(made), step)
    }

    fn mistaken(&mut self, input: &Input) -> Step {
        self.mistakes += 1;
        if self.mistakes > input.no_match.retries {
            return Step::Go(input.no_match.then);
        }
        Step::Again(self.again(input, &input.no_match))
    }

    /// `#` or `*` before the first digit: the same question again, or on to there.
    fn lead(&mut self, input: &Input, to: Destination) -> Step {
        if to == Destination::Repeat { Step::Say(input.speech.clone()) } else { Step::Go(to) }
    }

    fn again(&self, input: &Input, retry: &Retry) -> Vec<PromptId> {
        std::iter::once(retry.prompt.clone()).chain(self.words(input)).collect()
    }

    /// What is said now: the question, or the entry.
    fn words(&self, input: &Input) -> Vec<PromptId> {
        match (&self.entered, &input.confirm) {
            (Some(entered), Some(ReadBack { before, digits, after })) => {
                let said = entered.secret().chars().filter_map(|digit| digits.get(digit.to_digit(10)? as usize));
                std::iter::once(before).chain(said).chain([after]).cloned().collect()
            }
            _ => input.speech.clone(),
        }
    }
}
