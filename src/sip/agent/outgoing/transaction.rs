//! Client transactions outside dialogs, and what rides beside a call that is placed: CANCEL and PRACK.

use super::Word;
use crate::limits::TRANSACTION_TIMEOUT;
use crate::sip::agent::asking::could_not_leave;
use crate::sip::agent::table::Timer;
use crate::sip::agent::{Agent, AgentOutput, DialogKey, Flow, Transport};
use crate::sip::header::elements;
use crate::sip::reader::{Message, Name};
use crate::sip::status::StatusCode;
use crate::sip::transaction::Output;
use crate::sip::transaction::asking::{Asking, Input};
use crate::time::Instant;

/// A client transaction of ours.
pub(super) struct Transaction {
    key: Box<[u8]>,
    pub machine: Asking,
    pub flow: Flow,
    /// Its latest copy.
    sent: Instant,
    purpose: Purpose,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Purpose {
    /// A sending of an errand.
    Errand(u64),
    /// Its answer changes nothing: PRACK, CANCEL.
    Nothing,
}

impl Transaction {
    /// It is a CANCEL or PRACK that waits for its answer. An INVITE is its call's, however many sendings that has.
    pub fn is_beside_a_call(&self) -> bool {
        self.purpose == Purpose::Nothing && self.machine.is_asking()
    }
}

fn key_of(branch: &[u8], method: &[u8]) -> Box<[u8]> {
    [branch, b" ", method].concat().into()
}

impl Agent {
    /// A client transaction begins.
    #[allow(clippy::too_many_arguments)] // all of them make the transaction
    pub(super) fn ask(
        &mut self,
        now: Instant,
        flow: Flow,
        branch: &str,
        method: &str,
        bytes: Vec<u8>,
        purpose: Purpose,
        out: &mut Vec<AgentOutput>,
    ) -> u64 {
        let mut said = Vec::new();
        let machine = Asking::new(now, flow.transport, (method, bytes), TRANSACTION_TIMEOUT, &mut said);
        for said in said {
            if let Output::Send(bytes) = said {
                out.push(AgentOutput::Transmit { flow, bytes });
            }
        }
        self.add_asking((now, flow), (branch, method), machine, purpose)
    }

    pub(super) fn add_asking(
        &mut self,
        (sent, flow): (Instant, Flow),
        (branch, method): (&str, &str),
        machine: Asking,
        purpose: Purpose,
    ) -> u64 {
        let id = self.new_id();
        let key = key_of(branch.as_bytes(), method.as_bytes());
        self.outgoing.index.insert(key.clone(), id);
        self.outgoing.learn(flow.remote.ip());
        self.outgoing.asking.insert(id, Transaction { key, machine, flow, sent, purpose });
        self.reschedule(id);
        id
    }

    fn reschedule(&mut self, id: u64) {
        let deadline = self.outgoing.asking.get(&id).and_then(|asking| asking.machine.deadline());
        self.schedule(deadline, Timer::Outgoing(id));
    }

    /// A response that belongs to no dialog of the called side: whether it was one of ours.
    pub(in crate::sip::agent) fn take_outgoing(
        &mut self,
        now: Instant,
        flow: Flow,
        (branch, method): (&[u8], &[u8]),
        message: &Message<'_>,
        status: StatusCode,
        out: &mut Vec<AgentOutput>,
    ) {
        let Some(&id) = self.outgoing.index.get(&key_of(branch, method)) else { return };
        self.drive_outgoing(now, id, Some(status), Word::Peer(flow, message), out);
    }

    /// Bytes could not leave on this flow.
    pub(in crate::sip::agent) fn outgoing_failed(&mut self, now: Instant, flow: Flow, out: &mut Vec<AgentOutput>) {
        let failed: Vec<u64> = self
            .outgoing
            .asking
            .iter()
            .filter(|(_, asking)| asking.flow.fails_with(&flow) && could_not_leave(now, asking.flow, asking.sent))
            // Nobody tries another address for a CANCEL or a PRACK: the next copy may leave, and a telephone must not ring on for nobody.
            .filter(|(_, asking)| asking.purpose != Purpose::Nothing || flow.transport != Transport::Udp)
            .map(|(id, _)| *id)
            .collect();
        for id in failed {
            self.drive_outgoing(now, id, None, Word::Broken, out);
        }
    }

    /// One step of a transaction, and what its user makes of it.
    pub(super) fn drive_outgoing(
        &mut self,
        now: Instant,
        id: u64,
        status: Option<StatusCode>,
        word: Word<'_, '_>,
        out: &mut Vec<AgentOutput>,
    ) {
        let Some(asking) = self.outgoing.asking.get_mut(&id) else { return };
        let mut said = Vec::new();
        let input = match (word, status) {
            (Word::Peer(_, message), Some(status)) => {
                Input::Response(status, message.value(Name::To).unwrap_or_default())
            }
            (Word::Broken, _) => Input::TransportError,
            (Word::Peer(..) | Word::Silence, _) => Input::Tick,
        };
        asking.machine.handle(now, input, &mut said);
        if said.iter().any(|said| matches!(said, Output::Send(_))) {
            asking.sent = now;
        }
        let (flow, purpose) = (asking.flow, asking.purpose);
        if let Word::Peer(_, message) = word
            && let Some(via) = message.values(Name::Via).flat_map(elements).next()
        {
            self.outgoing.restraint.heard(now, (flow.transport, flow.remote), via);
        }
        let over = asking.machine.is_terminated();
        self.reschedule(id);
        let mut answer = None;
        for said in said {
            match said {
                Output::Send(bytes) => out.push(AgentOutput::Transmit { flow, bytes }),
                Output::Response(status) => answer = Some(status),
            }
        }
        if let (Some(status), Purpose::Errand(errand)) = (answer, purpose) {
            self.errand_answered(now, errand, id, status, word, out);
        }
        if over {
            self.forget_asking(id);
        }
    }

    /// A sending that was given up is not repeated; a REGISTER is not waited for either.
    pub(super) fn hush(&mut self, now: Instant, id: u64) {
        match self.outgoing.asking.get_mut(&id).map(|asking| &mut asking.machine) {
            Some(Asking::Invite(machine)) => {
                machine.handle(now, Input::Hush, &mut Vec::new());
                self.reschedule(id);
            }
            Some(Asking::Other(_)) => self.forget_asking(id),
            None => {}
        }
    }

    pub(super) fn forget_asking(&mut self, id: u64) {
        let Some(asking) = self.outgoing.asking.remove(&id) else { return };
        self.outgoing.index.remove(&asking.key);
        self.outgoing.unlearn(asking.flow.remote.ip());
        if let Purpose::Errand(errand) = asking.purpose {
            self.attempt_over(DialogKey(errand), id);
        }
    }
}
