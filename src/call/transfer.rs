//! The ladder: from the centre a caller asked for, down a rung at a time, until somebody has them.
//!
//! [`Ladder`] lists what is tried in order; the session plays the words, sends the REFERs and places the calls. Queues
//! and callbacks will be further kinds of [`Rung`], before the notice.

use crate::call::Attempt;
use crate::media::PlayKey;
use crate::routing::plan::{Center, CenterId, NoticeId, Plan, PromptId, Rung};
use crate::time::Instant;
use std::collections::VecDeque;

/// What is tried next.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Step {
    /// An address of a centre.
    Reach {
        /// How.
        means: Means,
        /// Whose address.
        center: CenterId,
        /// Which of its addresses.
        target: usize,
    },
    /// An announcement, which cannot fail.
    Notice(NoticeId),
}

/// How a caller is brought to a centre.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Means {
    /// REFER: the caller's side calls the centre, and we are out.
    Refer,
    /// We call the centre, and both hear each other through us.
    Bridge,
}

/// The rungs still to try for one wish of the caller.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Ladder {
    /// The centre the caller asked for: its settings hold for the whole ladder.
    pub center: CenterId,
    steps: VecDeque<Step>,
}

impl Ladder {
    /// All rungs for a centre. `chance` shares the calls among addresses; `open` says whether another centre on the
    /// ladder answers now.
    pub fn new(plan: &Plan, center: CenterId, chance: u64, open: impl Fn(&Center) -> bool) -> Self {
        let asked = plan.center(center);
        let targets = asked.targets_in_order(chance);
        let reach = |means, center: CenterId, targets: &[usize]| {
            targets.iter().map(|&target| Step::Reach { means, center, target }).collect::<Vec<_>>()
        };
        let refer = |to: CenterId, targets: &[usize]| reach(Means::Refer, to, targets);
        let mut steps = VecDeque::new();
        for &rung in &asked.transfer.ladder {
            match rung {
                // It would be reached without its keys.
                Rung::Refer | Rung::NextTarget if asked.post_dial.is_some() => {}
                Rung::Refer => steps.extend(refer(center, &targets[..targets.len().min(1)])),
                Rung::NextTarget => steps.extend(refer(center, targets.get(1..).unwrap_or_default())),
                Rung::Bridge => steps.extend(reach(Means::Bridge, center, &targets)),
                Rung::Center(other) if other != center && open(plan.center(other)) => {
                    let means = if plan.center(other).post_dial.is_some() { Means::Bridge } else { Means::Refer };
                    steps.extend(reach(means, other, &plan.center(other).targets_in_order(chance)));
                }
                Rung::Center(_) => {}
                Rung::Notice(notice) => steps.push_back(Step::Notice(notice)),
            }
        }
        Self { center, steps }
    }

    /// What is still to try, in order.
    pub fn rest(&self) -> impl Iterator<Item = Step> {
        self.steps.iter().copied()
    }

    /// Takes the next rung; `None` when all are used up.
    pub fn next_rung(&mut self) -> Option<Step> {
        self.steps.pop_front()
    }
}

/// A transfer under way.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Transfer {
    /// What is left to try.
    pub ladder: Ladder,
    /// How it is tried.
    pub means: Means,
    /// What is tried now.
    pub center: CenterId,
    /// Which of its addresses.
    pub target: usize,
    /// How far it is.
    pub phase: Phase,
}

/// How far a rung is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Phase {
    /// The words before it are being said.
    Announcing {
        /// Which Play.
        play: PlayKey,
    },
    /// The REFER, or our INVITE, is out; the waiting tone plays.
    Referring {
        /// Which.
        attempt: Attempt,
        /// The phone said it is trying, or the centre rings: `ring_timeout` holds, and later news does not prolong it.
        progressed: bool,
        /// Given up then.
        until: Instant,
    },
    /// The centre that we called has answered and gets its post-dial digits; the waiting tone plays on.
    PostDialling {
        /// Which INVITE.
        attempt: Attempt,
        /// Which step of them is under way.
        at: usize,
        /// The centre put us on hold meanwhile.
        far_held: bool,
        /// A pause is over then; keys that are not out are given up.
        until: Instant,
    },
}

/// What is said before a rung: why there is a next one, and to whom it leads.
pub fn words(plan: &Plan, asked: CenterId, last: Option<CenterId>, next: CenterId) -> Vec<PromptId> {
    let mut words = Vec::new();
    if last.is_some() {
        words.push(plan.center(asked).transfer.prompt.clone());
    }
    if last != Some(next) {
        words.extend(plan.center(next).announce.clone());
    }
    words
}
