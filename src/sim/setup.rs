//! What many runs share, and what is kept of one.

use super::oracle::Law;
use crate::engine::{Edition, pauses};
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
    /// As the engine has it, without the sound of its prompts: a run needs their lengths only. As it began, and as published later.
    editions: [Arc<Edition>; 2],
    /// The same, with every greeting before the answer.
    early: [Arc<Edition>; 2],
    pub(super) lengths: Arc<BTreeMap<String, Duration>>,
    pub(super) law: Law,
    pub(super) began: Wall,
}

impl Setup {
    /// A table, its prompts, and the wall time at which runs begin.
    pub fn new(plan: Arc<Plan>, catalogue: &Catalogue, began: Wall) -> Self {
        let lengths = Arc::new(catalogue.lengths_of(plan.prompts()).into_iter().chain(pauses()).collect());
        let mut silent = catalogue.clone();
        for prompt in silent.prompts.values_mut() {
            prompt.samples = prompt.samples.as_ref().map(|_| Arc::from([0i16]));
        }
        let mut early = Plan::clone(&plan);
        for number in &mut early.numbers {
            number.answer = Answer::AfterGreeting;
        }
        let editions = |plan: &Plan| {
            let edition = |plan| Arc::new(Edition::new(Arc::new(plan), &silent));
            [edition(plan.clone()), edition(renamed(plan))]
        };
        let law = Law::of(&plan).and(Law::of(&renamed(&plan)));
        Self { law, editions: editions(&plan), early: editions(&early), plan, lengths, began }
    }

    /// The table.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// What the engine follows: `other` is the table that is published in the middle of a run.
    pub(super) fn edition(&self, early: bool, other: bool) -> Arc<Edition> {
        let editions = if early { &self.early } else { &self.editions };
        editions[usize::from(other)].clone()
    }
}

/// Ends every row of the other table, so that the first step on a wrong one shows.
pub const OTHER: &str = "~2";

/// The same table, in which every row has another name.
fn renamed(plan: &Plan) -> Plan {
    let mut plan = plan.clone();
    let numbers = plan.numbers.iter_mut().map(|number| &mut number.row);
    let menus = plan.menus.iter_mut().map(|menu| &mut menu.row);
    let inputs = plan.inputs.iter_mut().map(|input| &mut input.row);
    let centers = plan.centers.iter_mut().map(|center| &mut center.row);
    let notices = plan.notices.iter_mut().map(|notice| &mut notice.row);
    for row in numbers.chain(menus).chain(inputs).chain(centers).chain(notices) {
        *row = format!("{row}{OTHER}").into();
    }
    plan.version.push_str(OTHER);
    plan
}

/// Stands for a key that nobody is told.
pub const UNSAID: char = '•';

/// What becomes of the recording of a call.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Tape {
    /// It begins.
    Begins,
    /// It is silent.
    Pauses,
    /// It is silent no more.
    GoesOn,
    /// It ends before the call does.
    Ends,
}

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
    /// The caller is recorded from here on.
    Records,
    /// What the table records of the call.
    Tape(Tape),
    /// A row of the table is entered.
    Enters(String),
    /// A key counted; [`UNSAID`] where it may be part of what a caller enters.
    Key(char),
    /// The caller's phone is asked to call this address.
    Refers(String),
    /// The engine learns that a transfer failed: the phone refused it, or the centre's status came back.
    Fails(u16),
    /// A centre that we called has answered, and is sent so many keys.
    PostDials(usize),
    /// The centre at this address answered the caller.
    Reaches(String),
    /// The caller is connected.
    Connects,
    /// The engine refuses the call.
    Refuses(u16),
    /// The engine hangs up.
    Releases,
}
