//! Handing a caller over: the ladder climbed down rung by rung, and what REFER and NOTIFY say about it
//! (RFC 3515, RFC 7647).
//!
//! Whatever a peer reports, in whatever order, the caller ends with a person or back on the ladder.

use super::speaking::About;
use super::{CONTEXT_BYTES_MAX, Session, State, is_open};
use crate::call::record::{AttemptResult, Outcome};
use crate::call::transfer::{self, Ladder, Means, Phase, Transfer};
use crate::call::{Attempt, Effect};
use crate::media::PlayKey;
use crate::routing::calendar;
use crate::routing::plan::{CenterId, Context, Destination, NoticeId, Success};
use crate::sip::status::StatusCode;
use crate::time::Now;

impl Session {
    pub(super) fn transfer(&mut self, now: Now, center: CenterId, out: &mut Vec<Effect>) {
        self.ahead.clear();
        let plan = self.plan.clone();
        let ladder = Ladder::new(&plan, center, self.chance(), |other| is_open(&plan, other, now));
        self.climb(now, ladder, None, out);
    }

    pub(super) fn next_rung(&mut self, now: Now, out: &mut Vec<Effect>) {
        if let State::Transferring(Transfer { ladder, center, .. }) = std::mem::replace(&mut self.state, State::Done) {
            self.climb(now, ladder, Some(center), out);
        }
    }

    fn climb(&mut self, now: Now, mut ladder: Ladder, last: Option<CenterId>, out: &mut Vec<Effect>) {
        let asked = ladder.center;
        let plan = self.plan.clone();
        match ladder.next_rung() {
            Some(transfer::Step::Reach { means, center, target }) => {
                if last != Some(center) {
                    self.enter_row(&plan.center(center).row, out);
                }
                let words = transfer::words(&plan, asked, last, center);
                let silent = words.is_empty();
                let play = if silent {
                    PlayKey::default()
                } else {
                    self.play(now, words, About { center: last, ..About::default() }, false, out)
                };
                let phase = Phase::Announcing { play };
                self.state = State::Transferring(Transfer { ladder, means, center, target, phase });
                if silent {
                    self.try_rung(now, out);
                }
            }
            Some(transfer::Step::Notice(notice)) => {
                self.rounds = self.rounds.saturating_add(1);
                if self.rounds >= plan.center(asked).transfer.rounds {
                    self.give_up(now, Some(asked), out);
                } else {
                    self.unreached(now, notice, asked, out);
                }
            }
            None => self.give_up(now, Some(asked), out),
        }
    }

    /// The announcement at the end of a ladder, about the centre that was asked for. One that is closed leads elsewhere.
    fn unreached(&mut self, now: Now, notice: NoticeId, asked: CenterId, out: &mut Vec<Effect>) {
        let to = Destination::Notice(notice);
        let shut = self.plan.doors(to).is_some_and(|(_, doors)| !calendar::is_open(&self.plan, doors.hours, now.wall));
        if shut { self.go(now, to, out) } else { self.announce(now, notice, Some(asked), out) }
    }

    /// The words were said: the REFER leaves, or our INVITE.
    pub(super) fn try_rung(&mut self, now: Now, out: &mut Vec<Effect>) {
        let plan = self.plan.clone();
        let waiting = self.play(now, vec![plan.waiting.clone()], About::default(), true, out);
        debug_assert_ne!(waiting, PlayKey::default());
        let context = self.context();
        let State::Transferring(Transfer { ladder, means, center, target, phase }) = &mut self.state else { return };
        let attempt = Attempt(self.record.attempts().len());
        let settings = &plan.center(ladder.center).transfer;
        *phase = Phase::Referring { attempt, progressed: false, until: now.instant + settings.refer_timeout };
        let row = plan.center(*center);
        let to = &row.targets[*target];
        self.record.attempted(now, &row.row, to.to_string());
        let context = match row.transfer.context {
            Context::ReferTo => Some(context),
            Context::None => None,
        };
        let (target, subscribe) = (to.clone(), row.transfer.success != Success::Accepted);
        out.push(match means {
            Means::Refer => Effect::Refer { attempt, target, context, subscribe },
            Means::Bridge => Effect::Call { attempt, target, context },
        });
    }

    /// What the centre may know: our call key, the language unless it is Korean, whether to speak slowly, and the menus the caller came through.
    fn context(&self) -> String {
        let mut text = format!("call={}", self.call);
        if let Some(language) = &self.language {
            text.push_str(&format!(";lang={language}"));
        }
        if self.slow {
            text.push_str(";pace=slow");
        }
        for (at, &menu) in self.menus.iter().enumerate() {
            let row = &self.plan.menu(menu).row;
            let name = row.strip_prefix("menu.").unwrap_or(row);
            let lead = if at == 0 { ";path=" } else { "," };
            if text.len() + lead.len() + name.len() > CONTEXT_BYTES_MAX || !name.is_ascii() {
                break;
            }
            text.push_str(lead);
            text.push_str(name);
        }
        text
    }

    pub(super) fn refer_answered(&mut self, now: Now, answered: Attempt, status: StatusCode, out: &mut Vec<Effect>) {
        let plan = self.plan.clone();
        let State::Transferring(Transfer {
            ladder,
            center,
            phase: Phase::Referring { attempt, progressed, until },
            ..
        }) = &mut self.state
        else {
            return;
        };
        if *attempt != answered {
            return;
        }
        let settings = &plan.center(ladder.center).transfer;
        if !status.is_success() {
            self.record.decided(now, answered.0, AttemptResult::Refused, Some(status));
            return self.next_rung(now, out);
        }
        if plan.center(*center).transfer.success == Success::Accepted {
            return self.reached(now, answered, status, out);
        }
        if !*progressed {
            *until = now.instant + settings.refer_timeout;
        }
    }

    pub(super) fn notified(
        &mut self,
        now: Now,
        notified: Attempt,
        status: Option<StatusCode>,
        terminated: bool,
        out: &mut Vec<Effect>,
    ) {
        // A REFER cannot be cancelled: one that we gave up may still bring the caller to a person.
        if let Some(status) = status.filter(|status| status.is_success()) {
            return self.reached(now, notified, status, out);
        }
        let plan = self.plan.clone();
        let State::Transferring(Transfer { ladder, phase: Phase::Referring { attempt, progressed, until }, .. }) =
            &mut self.state
        else {
            if let (State::Leaving { .. }, Some(status)) = (&self.state, status.filter(|s| !s.is_provisional())) {
                self.record.decided(now, notified.0, AttemptResult::Failed, Some(status));
            }
            return;
        };
        let settings = &plan.center(ladder.center).transfer;
        match status.filter(|status| !status.is_provisional()) {
            Some(status) => {
                let current = *attempt == notified;
                self.record.decided(now, notified.0, AttemptResult::Failed, Some(status));
                if current {
                    self.next_rung(now, out);
                }
            }
            None if *attempt != notified => {}
            // Over without a word of the end: the phone may yet reach the centre and hang up on us.
            None if terminated => *until = (*until).min(now.instant + settings.refer_timeout),
            None if !*progressed => {
                *progressed = true;
                *until = now.instant + settings.ring_timeout;
            }
            None => {}
        }
    }

    fn reached(&mut self, now: Now, attempt: Attempt, status: StatusCode, out: &mut Vec<Effect>) {
        if matches!(self.state, State::Done) {
            return;
        }
        self.record.decided(now, attempt.0, AttemptResult::Reached, Some(status));
        self.end_call(now, Outcome::Transferred, "transferred", out);
    }
}
