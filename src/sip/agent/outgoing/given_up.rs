//! Calls and sendings that are given up (RFC 3261 §9.1): because their owner cancelled, because they rang too long, because their
//! address was silent. Such a one is cancelled when it speaks and hung up when it answers.

use super::call::Attempt;
use super::taken_back::found_by;
use super::transaction::Purpose;
use super::{Stage, Word};
use crate::limits::TRANSACTION_TIMEOUT;
use crate::sip::agent::table::Timer;
use crate::sip::agent::{Agent, AgentOutput, DialogKey};
use crate::sip::status::StatusCode;
use crate::sip::transaction::asking::Asking;
use crate::time::{Instant, Now};

impl Agent {
    /// Takes a call back that was placed and not answered (RFC 3261 §9.1); [`Failed`](crate::sip::AgentEvent::Failed) follows. Before the first
    /// provisional response the CANCEL waits for it; a 2xx that crosses it is acknowledged and hung up.
    pub fn cancel_call(&mut self, now: Now, call: DialogKey, out: &mut Vec<AgentOutput>) {
        self.give_up(now.instant, call, StatusCode::TERMINATED, out);
    }

    fn give_up(&mut self, now: Instant, call: DialogKey, status: StatusCode, out: &mut Vec<AgentOutput>) {
        let Some(calling) = self.outgoing.calls.get_mut(&call) else { return };
        if calling.told || calling.given_up.is_some() {
            return;
        }
        calling.given_up = Some(status);
        match self.outgoing.errands.get(&call.0).map(|errand| &errand.stage) {
            Some(Stage::Sent { transaction, .. }) => {
                let transaction = *transaction;
                self.cancel_attempt(now, call, transaction, out);
            }
            // Nothing of it has left.
            Some(Stage::Locating { .. }) | None => {
                self.outgoing.errands.remove(&call.0);
                self.outgoing.lookups.retain(|_, of| *of != call.0);
                self.call_failed(now, call, status, out);
            }
        }
    }

    /// It is given up, so that the next word of it must not become a call.
    pub(super) fn is_given_up(&self, call: DialogKey) -> bool {
        self.outgoing.calls.get(&call).is_some_and(|calling| calling.given_up.is_some())
    }

    /// CANCEL, once, and not before a provisional response.
    pub(super) fn cancel_attempt(
        &mut self,
        now: Instant,
        call: DialogKey,
        transaction: u64,
        out: &mut Vec<AgentOutput>,
    ) {
        let Some(calling) = self.outgoing.calls.get_mut(&call) else { return };
        let Some(attempt) = calling.attempts.iter_mut().find(|attempt| attempt.transaction == transaction) else {
            return;
        };
        if !attempt.rang || attempt.cancelled {
            return;
        }
        attempt.cancelled = true;
        let until = now + TRANSACTION_TIMEOUT;
        attempt.until = Some(until);
        let bytes = found_by(&attempt.invite, "CANCEL");
        let branch = attempt.branch.clone();
        let flow = self.outgoing.asking.get(&transaction).map(|asking| asking.flow);
        let flow = attempt.flow.or(flow);
        self.schedule(Some(until), Timer::Outgoing(call.0));
        if let Some(flow) = flow {
            self.ask(now, flow, &branch, "CANCEL", bytes, Purpose::Nothing, out);
        }
    }

    /// A word of a sending that is not the present one any more.
    pub(super) fn late_word(
        &mut self,
        now: Instant,
        call: DialogKey,
        transaction: u64,
        status: StatusCode,
        word: Word<'_, '_>,
        out: &mut Vec<AgentOutput>,
    ) {
        match word {
            Word::Peer(flow, message) if status.is_success() => {
                self.call_accepted(now, call, transaction, flow, message, out);
            }
            Word::Peer(flow, _) if status.is_provisional() => {
                self.note_ringing(now, call, transaction, flow);
                return self.cancel_attempt(now, call, transaction, out);
            }
            Word::Peer(..) | Word::Silence | Word::Broken => {}
        }
        self.after_giving_up(now, call, transaction, status, out);
    }

    /// The sending that was given up has its final response: the owner is told.
    fn after_giving_up(
        &mut self,
        now: Instant,
        call: DialogKey,
        transaction: u64,
        status: StatusCode,
        out: &mut Vec<AgentOutput>,
    ) {
        let present = self.outgoing.errands.get(&call.0).is_some_and(
            |errand| matches!(&errand.stage, Stage::Sent { transaction: present, .. } if *present == transaction),
        );
        let given_up = self.outgoing.calls.get(&call).and_then(|calling| calling.given_up);
        if let (true, Some(reason)) = (present, given_up) {
            self.outgoing.errands.remove(&call.0);
            // A refusal that crossed the CANCEL tells more.
            let told = if status.is_success() || status == StatusCode::TERMINATED { reason } else { status };
            self.call_failed(now, call, told, out);
        }
    }

    /// It rang too long, or no final response followed a CANCEL.
    pub(super) fn wake_call(&mut self, now: Instant, call: DialogKey, out: &mut Vec<AgentOutput>) {
        let Some(calling) = self.outgoing.calls.get_mut(&call) else { return };
        if calling.until.is_some_and(|until| until <= now) && !calling.told {
            calling.until = None;
            return self.give_up(now, call, StatusCode::REQUEST_TIMEOUT, out);
        }
        let due = |attempt: &&Attempt| attempt.until.is_some_and(|until| until <= now);
        let dead: Vec<u64> = calling.attempts.iter().filter(due).map(|attempt| attempt.transaction).collect();
        for transaction in dead {
            let proceeding = self.outgoing.asking.get(&transaction).is_some_and(
                |asking| matches!(&asking.machine, Asking::Invite(machine) if machine.deadline().is_none()),
            );
            if proceeding {
                self.after_giving_up(now, call, transaction, StatusCode::TERMINATED, out);
                self.forget_asking(transaction);
            }
        }
    }
}
