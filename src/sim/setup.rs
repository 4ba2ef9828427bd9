//! What many runs share, and what is kept of one.

use super::oracle::Law;
use crate::engine::Edition;
use crate::routing::Plan;
use crate::routing::plan::Answer;
use crate::speech::Catalogue;
use crate::time::{Duration, Wall};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What many runs share: the table, and how long its prompts are.
#[derive(Clone)]
pub struct Setup {
    pub(super) plan: Arc<Plan>,
    /// The same as the engine has it, without the sound of its prompts: a run needs their lengths only.
    pub(super) edition: Arc<Edition>,
    /// The same, with every greeting before the answer.
    pub(super) early: Arc<Edition>,
    pub(super) lengths: Arc<BTreeMap<String, Duration>>,
    pub(super) law: Law,
    pub(super) began: Wall,
}

impl Setup {
    /// A table, its prompts, and the wall time at which runs begin.
    pub fn new(plan: Arc<Plan>, catalogue: &Catalogue, began: Wall) -> Self {
        let lengths = Arc::new(catalogue.lengths());
        let mut silent = catalogue.clone();
        for prompt in silent.prompts.values_mut() {
            prompt.samples = prompt.samples.as_ref().map(|_| Arc::from([0i16]));
        }
        let mut early = Plan::clone(&plan);
        for number in &mut early.numbers {
            number.answer = Answer::AfterGreeting;
        }
        let edition = |plan| Arc::new(Edition::new(plan, &silent));
        let (early, edition) = (edition(Arc::new(early)), edition(plan.clone()));
        Self { law: Law::of(&plan), plan, edition, early, lengths, began }
    }

    /// The table.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }
}

/// Stands for a key that nobody is told.
pub const UNSAID: char = '•';

/// Something a caller notices, for those who follow one call.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Moment {
    /// These prompts begin.
    Plays {
        /// Their names.
        prompts: Vec<String>,
        /// How long they last together.
        length: Duration,
        /// Again and again.
        repeat: bool,
    },
    /// What played is cut.
    Stops,
    /// A row of the table is entered.
    Enters(String),
    /// A key counted; [`UNSAID`] where it may be part of what a caller enters.
    Key(char),
    /// The caller's phone is asked to call this address.
    Refers(String),
    /// The engine learns that a transfer failed: the phone refused it, or the centre's status came back.
    Fails(u16),
    /// The centre at this address answered the caller.
    Reaches(String),
    /// The caller is connected.
    Connects,
    /// The engine refuses the call.
    Refuses(u16),
    /// The engine hangs up.
    Releases,
}
