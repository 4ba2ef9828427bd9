//! Keys that a centre wants between its answer and the talk: an extension behind its switch, the number of a desk.
//!
//! Until they are out the caller goes on hearing the waiting tone, and neither hears the other: an attendant's announcement is not for callers, and a
//! key or word of theirs among ours would lead them elsewhere. A centre that goes meanwhile, or takes no keys, was not reached.

use super::{Session, State};
use crate::call::record::AttemptResult;
use crate::call::transfer::{Means, Phase, Transfer};
use crate::call::{Attempt, Effect};
use crate::routing::plan::PostDialStep;
use crate::time::{Duration, Now};

/// A key takes a fifth of a second, and less than half of one in the longest packets.
const KEY_LONGEST: Duration = Duration::from_secs(1);
/// And a centre whose answer was a hold may come back first.
const KEYS_PATIENCE: Duration = Duration::from_secs(10);

impl Session {
    /// The centre has answered, and wants keys.
    pub(super) fn post_dial(&mut self, now: Now, attempt: Attempt, out: &mut Vec<Effect>) {
        self.record.post_dialled(attempt.0, 0);
        out.push(Effect::Unbridge);
        self.post_dial_from(now, attempt, 0, false, out);
    }

    /// The step at this place, or the talk behind the last one.
    fn post_dial_from(&mut self, now: Now, attempt: Attempt, at: usize, far_held: bool, out: &mut Vec<Effect>) {
        let plan = self.plan.clone();
        let State::Transferring(Transfer { center, phase, .. }) = &mut self.state else { return };
        let step = plan.center(*center).post_dial.as_ref().and_then(|post_dial| post_dial.step(at));
        let until = match step {
            None => return self.talk(now, attempt, far_held, out),
            Some(PostDialStep::Pause(pause)) => now.instant + *pause,
            Some(PostDialStep::Keys(keys)) => {
                out.push(Effect::PostDial(keys.clone()));
                now.instant + KEY_LONGEST * keys.len() as u32 + KEYS_PATIENCE
            }
        };
        *phase = Phase::PostDialling { attempt, at, far_held, until };
    }

    /// So many keys have left.
    pub(super) fn post_dialled(&mut self, now: Now, pressed: Attempt, count: u8, out: &mut Vec<Effect>) {
        let Some((attempt, at, far_held)) = self.post_dialling().filter(|(attempt, ..)| *attempt == pressed) else {
            return;
        };
        let Some(keys) = self.keys_of_step(at) else { return };
        self.record.post_dialled(attempt.0, count);
        if usize::from(count) < keys {
            // Half of a number leads elsewhere.
            out.push(Effect::DropCall);
            return self.post_dial_fails(now, attempt, AttemptResult::Failed, out);
        }
        self.post_dial_from(now, attempt, at + 1, far_held, out);
    }

    /// A pause is over; or keys are not out in time.
    pub(super) fn post_dial_tick(&mut self, now: Now, out: &mut Vec<Effect>) {
        let Some((attempt, at, far_held)) = self.post_dialling() else { return };
        if self.keys_of_step(at).is_none() {
            return self.post_dial_from(now, attempt, at + 1, far_held, out);
        }
        out.push(Effect::DropCall);
        self.post_dial_fails(now, attempt, AttemptResult::Timeout, out);
    }

    /// The centre hung up before all keys were out.
    pub(super) fn far_hung_up_early(&mut self, now: Now, out: &mut Vec<Effect>) {
        if let Some((attempt, ..)) = self.post_dialling() {
            self.post_dial_fails(now, attempt, AttemptResult::Failed, out);
        }
    }

    fn post_dial_fails(&mut self, now: Now, attempt: Attempt, result: AttemptResult, out: &mut Vec<Effect>) {
        self.record.decided(now, attempt.0, result, None);
        self.next_rung(now, out);
    }

    /// The attempt whose keys are on their way, which step of them is, and whether the centre holds.
    fn post_dialling(&self) -> Option<(Attempt, usize, bool)> {
        match self.state {
            State::Transferring(Transfer {
                means: Means::Bridge,
                phase: Phase::PostDialling { attempt, at, far_held, .. },
                ..
            }) => Some((attempt, at, far_held)),
            _ => None,
        }
    }

    /// How many keys the step at this place presses; `None` for a pause.
    fn keys_of_step(&self, at: usize) -> Option<usize> {
        let State::Transferring(Transfer { center, .. }) = self.state else { return None };
        match self.plan.center(center).post_dial.as_ref()?.step(at)? {
            PostDialStep::Keys(keys) => Some(keys.len()),
            PostDialStep::Pause(_) => None,
        }
    }
}
