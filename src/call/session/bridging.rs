//! A centre that we call ourselves: it rings, answers and talks with the caller through us, until one of them hangs up.
//!
//! While it rings the caller hears the waiting tone, or the centre where that sounds before it answers. Who is put on hold hears the music of the
//! other side, and the waiting tone where there is none. A call that brought both together has reached a person, however it ends.

use super::speaking::About;
use super::{Session, State};
use crate::call::record::{AttemptResult, Outcome};
use crate::call::transfer::{Means, Phase, Transfer};
use crate::call::{Attempt, Effect};
use crate::routing::plan::CenterId;
use crate::sip::status::StatusCode;
use crate::time::{Instant, Now};

impl Session {
    /// The centre rings.
    pub(super) fn far_rings(&mut self, now: Now, ringing: Attempt) {
        let plan = self.plan.clone();
        let Some((ladder, progressed, until)) = self.calling(ringing) else { return };
        if !std::mem::replace(progressed, true) {
            *until = now.instant + plan.center(ladder).transfer.ring_timeout;
        }
    }

    /// The centre may be heard before it answers.
    pub(super) fn far_sounds(&mut self, sounding: Attempt, out: &mut Vec<Effect>) {
        if self.calling(sounding).is_some() {
            out.push(Effect::Overhear);
        }
    }

    /// Somebody is there.
    pub(super) fn far_answered(&mut self, now: Now, answered: Attempt, out: &mut Vec<Effect>) {
        if self.calling(answered).is_none() {
            return out.push(Effect::DropCall);
        }
        let State::Transferring(Transfer { center, .. }) = self.state else { return };
        match self.plan.center(center).post_dial {
            Some(_) => self.post_dial(now, answered, out),
            None => self.talk(now, answered, false, out),
        }
    }

    /// Caller and centre hear each other from now on; `far_held`: it put the caller on hold.
    pub(super) fn talk(&mut self, now: Now, reached: Attempt, far_held: bool, out: &mut Vec<Effect>) {
        let State::Transferring(Transfer { center, .. }) = self.state else { return };
        self.record.decided(now, reached.0, AttemptResult::Reached, Some(StatusCode::OK));
        self.state = State::Talking { center, far_held };
        out.push(Effect::Bridge);
        if self.held {
            self.far_waits(now, out);
        }
        if far_held {
            self.waits(now, out);
        }
    }

    /// Nobody is.
    pub(super) fn far_failed(&mut self, now: Now, failed: Attempt, status: StatusCode, out: &mut Vec<Effect>) {
        if self.calling(failed).is_some() {
            self.record.decided(now, failed.0, AttemptResult::Failed, Some(status));
            self.next_rung(now, out);
        }
    }

    /// The centre hung up: as after any talk with a person.
    pub(super) fn far_hung_up(&mut self, now: Now, out: &mut Vec<Effect>) {
        match self.state {
            State::Talking { .. } => self.end_call(now, Outcome::Transferred, "transferred", out),
            _ => self.far_hung_up_early(now, out),
        }
    }

    /// The centre puts the caller on hold, or comes back.
    pub(super) fn far_held(&mut self, now: Now, held: bool, out: &mut Vec<Effect>) {
        let far_held = match &mut self.state {
            State::Talking { far_held, .. } => far_held,
            // Told to the caller when the two are brought together.
            State::Transferring(Transfer { phase: Phase::PostDialling { far_held, .. }, .. }) => {
                *far_held = held;
                return;
            }
            _ => return,
        };
        if std::mem::replace(far_held, held) == held {
            return;
        }
        match held {
            true => self.waits(now, out),
            false => out.push(Effect::StopPlaying),
        }
    }

    /// The caller puts the centre on hold, or comes back.
    pub(super) fn holds_far(&mut self, now: Now, held: bool, out: &mut Vec<Effect>) {
        if held {
            self.far_waits(now, out);
        } else {
            out.push(Effect::FarHears(Vec::new()));
        }
    }

    /// The caller is on a new line.
    pub(super) fn rebridge(&mut self, now: Now, out: &mut Vec<Effect>) {
        self.held = false;
        out.extend([Effect::FarHears(Vec::new()), Effect::Bridge]);
        if matches!(self.state, State::Talking { far_held: true, .. }) {
            self.waits(now, out);
        }
    }

    fn waits(&mut self, now: Now, out: &mut Vec<Effect>) {
        let waiting = vec![self.plan.waiting.clone()];
        self.play(now, waiting, About::default(), true, out);
        out.push(Effect::GiveWay);
    }

    fn far_waits(&mut self, now: Now, out: &mut Vec<Effect>) {
        let waiting = vec![self.plan.waiting.clone()];
        out.push(Effect::FarHears(self.said(now, waiting, About::default())));
    }

    /// The call to a centre that is under way: whose ladder, whether it rings, and how long it may.
    fn calling(&mut self, named: Attempt) -> Option<(CenterId, &mut bool, &mut Instant)> {
        match &mut self.state {
            State::Transferring(Transfer {
                means: Means::Bridge,
                ladder,
                phase: Phase::Referring { attempt, progressed, until },
                ..
            }) if *attempt == named => Some((ladder.center, progressed, until)),
            _ => None,
        }
    }
}
