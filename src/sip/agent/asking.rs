//! Requests inside dialogs: which way a request of ours goes, another way when that one fails, and whom the answer is for.
//!
//! Each way has a client transaction of its own (RFC 3263 §4.3), and one that was left for another is still listened to. Which of
//! their answers counts is for `judge` to say (decision 58).

mod sending;

use super::outgoing::shunned_for;
use super::table::Timer;
use super::{Agent, AgentEvent, AgentOutput, DialogKey, Flow, ReferKey, Transport};
use crate::limits::{ADDRESS_PATIENCE, REFER_REPEATS, TRANSACTION_TIMEOUT, UNREACHABLE_FOR};
use crate::sip::dialog::Dialog;
use crate::sip::reader::{Message, Name};
use crate::sip::refer;
use crate::sip::status::StatusCode;
use crate::sip::transaction::Output;
use crate::sip::transaction::asking::{Asking, Input};
use crate::time::{Duration, Instant};
use sending::Sending;
pub(super) use sending::could_not_leave;

/// What can happen to a request.
#[derive(Clone, Copy)]
pub(super) enum ClientInput<'a, 'm> {
    /// A response to the sending with this branch.
    Response(&'a [u8], StatusCode, &'a Message<'m>),
    /// What went by this flow could not leave.
    TransportError(&'a Flow),
    /// The request has lost its sense: no more copies.
    Hush,
    /// Time went by.
    Tick,
}

/// A final answer, beside its status.
#[derive(Clone, Copy)]
pub(super) enum Answer<'a, 'm> {
    /// The peer gives it now.
    Reply(&'a Message<'m>),
    /// The peer gave it a while ago: of a refusal that waited for something better there is no more than its status.
    Kept,
    /// It stands for none: the request did not leave, or no answer came in time.
    Nothing,
}

/// A request inside a dialog, from its first sending to the end of its last transaction.
pub(super) struct ClientEntry {
    purpose: Purpose,
    cseq: u32,
    lines: Box<[u8]>,
    body: Box<[u8]>,
    /// Its length, more or less.
    length: usize,
    /// The ways that it has gone.
    tried: Vec<Flow>,
    /// The present one at the end.
    sendings: Vec<Sending>,
    stage: Stage,
}

enum Stage {
    /// Its owner waits.
    Asking {
        /// With no word until then another address of the next hop is tried, or the refusal counts.
        patience: Option<Instant>,
        refusal: Option<Refusal>,
    },
    /// Its owner knows, or wants to know no more; what still comes is acknowledged, until then.
    Told { until: Instant },
}

/// A refusal that waits for something better of another address.
#[derive(Clone, Copy)]
struct Refusal {
    weight: Weight,
    status: StatusCode,
}

/// What a refusal tells, from little to much.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Weight {
    /// Nothing of the peer: see [`Answer::Nothing`].
    Nothing,
    /// 503: another address may take it.
    Unavailable,
    /// The peer has the request.
    Heard,
}

/// Why an address is left for another.
#[derive(Clone, Copy)]
enum Left {
    Silent,
    Broken,
    /// 503; how long it wants to be passed over.
    Unavailable(Duration),
}

impl ClientEntry {
    /// Its owner waits for an answer.
    pub fn is_asking(&self) -> bool {
        matches!(self.stage, Stage::Asking { .. })
    }

    /// Something of it was lost when a send on that flow failed.
    pub fn fails_with(&self, now: Instant, failed: &Flow) -> bool {
        self.sendings.iter().any(|sending| sending.fails_with(now, failed))
    }

    /// A BYE whose datagram could not leave is lost like one on the way: the next copy may arrive (timer E), also beside another address
    /// that may say no more than 503, and nobody else would tell the peer. Whoever waits for any other answer learns at once that none
    /// will come (RFC 3261 §8.1.3.1).
    fn goes_again(&self, failed: &Flow) -> bool {
        matches!(self.purpose, Purpose::Bye(_)) && failed.transport == Transport::Udp
    }

    /// Nobody of those that were asked may answer any more.
    fn is_answered(&self) -> bool {
        !self.sendings.iter().any(Sending::is_asking)
    }
}

/// Why we sent a request.
#[derive(Clone, Copy)]
pub(super) enum Purpose {
    Bye(DialogKey),
    /// Whether NOTIFYs are wanted.
    Refer(DialogKey, bool),
    /// A session refresh.
    Update(DialogKey),
    /// A session refresh.
    Reinvite(DialogKey),
}

impl Purpose {
    /// Its method.
    fn name(self) -> &'static str {
        match self {
            Self::Bye(_) => "BYE",
            Self::Refer(..) => "REFER",
            Self::Update(_) => "UPDATE",
            Self::Reinvite(_) => "INVITE",
        }
    }

    fn dialog(self) -> DialogKey {
        match self {
            Self::Bye(dialog) | Self::Refer(dialog, _) | Self::Update(dialog) | Self::Reinvite(dialog) => dialog,
        }
    }

    /// Whether a refusal of one address (other than 503) decides, though another was asked as well and may still accept. One that
    /// has the request twice says 482, 491 or 500 of the second copy; one that has not the dialog says 481; one that did not
    /// reach the peer 408, 502 or 504. A BYE is over whatever is said of it.
    fn is_decided_by(self, status: StatusCode) -> bool {
        match (self, status.code()) {
            (Self::Bye(_), _) => true,
            (Self::Refer(..) | Self::Update(_) | Self::Reinvite(_), code) => {
                !matches!(code, 408 | 481 | 482 | 491 | 500 | 502 | 504)
            }
        }
    }

    fn repeats(self) -> Duration {
        match self {
            Self::Bye(_) | Self::Update(_) | Self::Reinvite(_) => TRANSACTION_TIMEOUT,
            Self::Refer(..) => REFER_REPEATS,
        }
    }
}

impl Agent {
    /// A request inside a dialog leaves; its handle and the number of its CSeq.
    pub(super) fn send_request(
        &mut self,
        now: Instant,
        dialog: DialogKey,
        lines: &[u8],
        body: &[u8],
        purpose: Purpose,
        out: &mut Vec<AgentOutput>,
    ) -> (u64, u32) {
        let branch = format!("z9hG4bK{}", self.random.token(16));
        let Some(entry) = self.dialogs.get_mut(&dialog) else { return (0, 0) };
        // A connection that brought something stands in `streams` until it ends.
        if entry.connection().is_some_and(|connection| !self.streams.contains_key(&connection)) {
            entry.disconnected(self.config.answers_public());
        }
        let length = entry.request(purpose.name(), &branch, &self.config.product, lines, body).len();
        let cseq = entry.cseq();
        let id = self.new_id();
        let entry = ClientEntry {
            purpose,
            cseq,
            lines: lines.into(),
            body: body.into(),
            length,
            tried: Vec::new(),
            sendings: Vec::new(),
            stage: Stage::Asking { patience: None, refusal: None },
        };
        let way = self.next_way(now, &entry, false);
        self.clients.insert(id, entry);
        if let Some(flow) = way {
            self.send_way(now, id, flow, out);
        }
        (id, cseq)
    }

    /// The best way that was not tried: those that failed of late come last, streams among them only where nothing else was
    /// tried. After silence another host's.
    fn next_way(&self, now: Instant, asked: &ClientEntry, other_host: bool) -> Option<Flow> {
        let ways = self.dialogs.get(&asked.purpose.dialog())?.ways(asked.length);
        let refused = |way: &Flow| self.outgoing.is_refused(now, *way);
        ways.into_iter()
            .filter(|way| way.transport == Transport::Udp || asked.tried.is_empty() || !refused(way))
            .filter(|way| asked.tried.iter().all(|tried| tried != way && !(other_host && tried.remote == way.remote)))
            .min_by_key(refused)
    }

    /// A request inside a dialog goes by one of its ways, with a branch of its own.
    fn send_way(&mut self, now: Instant, id: u64, flow: Flow, out: &mut Vec<AgentOutput>) {
        let branch = format!("z9hG4bK{}", self.random.token(16));
        let Some(entry) = self.clients.get_mut(&id) else { return };
        let ClientEntry { purpose, cseq, lines, body, tried, sendings, stage, .. } = entry;
        let Some(dialog) = self.dialogs.get(&purpose.dialog()) else { return };
        let write = |method, branch: &str, lines, body| {
            dialog.write(flow, (method, *cseq), branch, &self.config.product, lines, body)
        };
        let bytes = write(purpose.name(), &branch, lines, body);
        let ack = match purpose {
            Purpose::Reinvite(_) => Some(write("ACK", &format!("z9hG4bK{}", self.random.token(16)), b"", b"")),
            Purpose::Bye(_) | Purpose::Refer(..) | Purpose::Update(_) => None,
        };
        let machine = Asking::new(now, flow.transport, (purpose.name(), bytes), purpose.repeats(), &mut self.said);
        let deadline = machine.deadline();
        let until = dialog.has_addresses().then(|| now + ADDRESS_PATIENCE);
        if let Stage::Asking { patience, .. } = stage {
            *patience = until;
        }
        let branch: Box<[u8]> = branch.into_bytes().into();
        tried.push(flow);
        sendings.push(Sending { branch: branch.clone(), machine, flow, sent: now, heard: false, ack });
        // A next hop that was looked up may be nobody's address but this answer's.
        self.outgoing.learn(flow.remote.ip());
        self.client_index.insert(branch, id);
        self.flush(flow, out);
        self.schedule(deadline, Timer::Client(id));
        self.schedule(until, Timer::Client(id));
    }

    /// Another way for a request that could not leave or is not answered (RFC 3261 §18.1.1, RFC 3263 §4.3); false when there is none.
    fn send_other_way(&mut self, now: Instant, id: u64, left: Left, out: &mut Vec<AgentOutput>) -> bool {
        let Some(entry) = self.clients.get(&id).filter(|entry| entry.is_asking()) else { return false };
        let Some(flow) = self.next_way(now, entry, !matches!(left, Left::Broken)) else { return false };
        let goes_again = entry.sendings.last().is_some_and(|sending| entry.goes_again(&sending.flow));
        let Some(sending) = self.clients.get_mut(&id).and_then(|entry| entry.sendings.last_mut()) else { return false };
        let how_long = match left {
            Left::Silent => {
                sending.hush(now);
                UNREACHABLE_FOR
            }
            Left::Broken => {
                if !goes_again {
                    sending.lose(now);
                }
                UNREACHABLE_FOR
            }
            Left::Unavailable(how_long) => how_long,
        };
        self.outgoing.shun(now, sending.flow.transport, sending.flow.remote, how_long);
        self.send_way(now, id, flow, out);
        true
    }

    /// The client transaction a response belongs to (RFC 3261 §17.1.3).
    pub(super) fn client_of(&self, branch: &[u8], method: &[u8]) -> Option<u64> {
        let id = *self.client_index.get(branch)?;
        self.clients.get(&id).filter(|entry| entry.purpose.name().as_bytes() == method).map(|_| id)
    }

    pub(super) fn drive_client(
        &mut self,
        now: Instant,
        id: u64,
        input: ClientInput<'_, '_>,
        out: &mut Vec<AgentOutput>,
    ) {
        match input {
            ClientInput::Tick => self.lose_patience(now, id, out),
            ClientInput::TransportError(failed) => {
                let present = self.clients.get(&id).and_then(|entry| entry.sendings.last());
                let is_present = present.is_some_and(|sending| sending.is_asking() && sending.fails_with(now, failed));
                let goes_on = is_present && self.send_other_way(now, id, Left::Broken, out);
                if goes_on || self.goes_again(id, failed) {
                    return self.settle(now, id);
                }
            }
            ClientInput::Response(..) | ClientInput::Hush => {}
        }
        for at in 0..self.clients.get(&id).map_or(0, |entry| entry.sendings.len()) {
            if let Some(status) = self.drive_sending(now, id, at, input, out) {
                let answer = match input {
                    ClientInput::Response(_, _, message) => Answer::Reply(message),
                    ClientInput::TransportError(_) | ClientInput::Hush | ClientInput::Tick => Answer::Nothing,
                };
                self.judge(now, (id, at), status, answer, out);
            }
        }
        self.settle(now, id);
    }

    /// One step of one of its transactions; the final answer, or what stands for one.
    fn drive_sending(
        &mut self,
        now: Instant,
        id: u64,
        at: usize,
        input: ClientInput<'_, '_>,
        out: &mut Vec<AgentOutput>,
    ) -> Option<StatusCode> {
        let ClientEntry { sendings, stage, .. } = self.clients.get_mut(&id)?;
        let sending = sendings.get_mut(at)?;
        let input = match input {
            ClientInput::Response(branch, status, message) if *sending.branch == *branch => {
                sending.heard = true;
                Input::Response(status, message.value(Name::To).unwrap_or_default())
            }
            ClientInput::TransportError(failed) if sending.fails_with(now, failed) => Input::TransportError,
            ClientInput::Response(..) | ClientInput::TransportError(_) => return None,
            ClientInput::Hush => Input::Hush,
            ClientInput::Tick => Input::Tick,
        };
        // Somebody is at work on it, or nobody needs to be any more.
        let is_calm = match input {
            Input::Response(status, _) => status.is_provisional(),
            Input::Hush => true,
            Input::TransportError | Input::Tick => false,
        };
        if let (true, Stage::Asking { patience, .. }) = (is_calm, stage) {
            *patience = None;
        }
        sending.machine.handle(now, input, &mut self.said);
        let mut answer = None;
        for said in self.said.drain(..) {
            match said {
                Output::Send(bytes) => {
                    sending.sent = now;
                    out.push(AgentOutput::Transmit { flow: sending.flow, bytes });
                }
                Output::Response(status) if status.is_provisional() => {}
                Output::Response(status) => answer = Some(status),
            }
        }
        answer
    }

    /// What a final answer of one sending means. The first 2xx counts, and each is acknowledged; a refusal counts at once when it is the
    /// peer's decision, and else when no other sending may bring a better word, or none does in time.
    fn judge(
        &mut self,
        now: Instant,
        (id, at): (u64, usize),
        status: StatusCode,
        answer: Answer<'_, '_>,
        out: &mut Vec<AgentOutput>,
    ) {
        let Some(entry) = self.clients.get_mut(&id) else { return };
        let Some(sending) = entry.sendings.get(at) else { return };
        if let (true, Some(bytes)) = (status.is_success(), sending.ack.clone()) {
            out.push(AgentOutput::Transmit { flow: sending.flow, bytes });
        }
        let is_present = at + 1 == entry.sendings.len();
        let purpose = entry.purpose;
        let Stage::Asking { refusal, .. } = &mut entry.stage else { return };
        let weight = match answer {
            Answer::Nothing => Weight::Nothing,
            Answer::Reply(_) | Answer::Kept if status == StatusCode::UNAVAILABLE => Weight::Unavailable,
            Answer::Reply(_) | Answer::Kept => Weight::Heard,
        };
        if status.is_success() || weight == Weight::Heard && purpose.is_decided_by(status) {
            return self.tell(now, id, status, answer, out);
        }
        let latest = Refusal { weight, status };
        let heaviest = refusal.filter(|earlier| earlier.weight > weight).unwrap_or(latest);
        *refusal = Some(heaviest);
        if let (Weight::Unavailable, true, Answer::Reply(message)) = (weight, is_present, answer)
            && self.dialogs.get(&purpose.dialog()).is_some_and(Dialog::has_addresses)
            && self.send_other_way(now, id, Left::Unavailable(shunned_for(message)), out)
        {
            return;
        }
        let Some(entry) = self.clients.get_mut(&id) else { return };
        if entry.is_answered() {
            return self.tell_refusal(now, id, heaviest, out);
        }
        let is_heard = entry.sendings.iter().any(|sending| sending.is_asking() && sending.heard);
        if let Stage::Asking { patience, .. } = &mut entry.stage
            && (is_present || weight == Weight::Heard)
            && !is_heard
        {
            let until = now + ADDRESS_PATIENCE;
            *patience = Some(until);
            self.schedule(Some(until), Timer::Client(id));
        }
    }

    /// Nobody said a better word in time: the refusal counts, or another address is tried.
    fn lose_patience(&mut self, now: Instant, id: u64, out: &mut Vec<AgentOutput>) {
        let Some(ClientEntry { sendings, stage, .. }) = self.clients.get_mut(&id) else { return };
        let Stage::Asking { patience, refusal } = stage else { return };
        if patience.take_if(|patience| *patience <= now).is_none() {
            return;
        }
        let is_waiting = sendings.last().is_some_and(Sending::is_asking);
        match *refusal {
            Some(refusal) if refusal.weight == Weight::Heard || !is_waiting => {
                self.tell_refusal(now, id, refusal, out);
            }
            Some(_) | None => {
                self.send_other_way(now, id, Left::Silent, out);
            }
        }
    }

    fn tell_refusal(&mut self, now: Instant, id: u64, refusal: Refusal, out: &mut Vec<AgentOutput>) {
        let answer = match refusal.weight {
            Weight::Nothing => Answer::Nothing,
            Weight::Unavailable | Weight::Heard => Answer::Kept,
        };
        self.tell(now, id, refusal.status, answer, out);
    }

    fn tell(&mut self, now: Instant, id: u64, status: StatusCode, answer: Answer<'_, '_>, out: &mut Vec<AgentOutput>) {
        let Some((purpose, cseq)) = self.clients.get(&id).map(|entry| (entry.purpose, entry.cseq)) else { return };
        self.conclude(now, id);
        self.answered(now, (purpose, cseq), status, answer, out);
    }

    /// Nobody waits for the answer any more: there are no more copies, though what an INVITE meets is acknowledged.
    pub(super) fn conclude(&mut self, now: Instant, id: u64) {
        let Some(entry) = self.clients.get_mut(&id) else { return };
        let until = now + TRANSACTION_TIMEOUT;
        entry.stage = Stage::Told { until };
        entry.sendings.iter_mut().for_each(|sending| sending.hush(now));
        if entry.sendings.iter().any(|sending| !sending.is_over(now, Some(until))) {
            self.schedule(Some(until), Timer::Client(id));
        }
    }

    /// Transactions that are over go, and with the last one the request; when the others want to be woken.
    pub(super) fn settle(&mut self, now: Instant, id: u64) {
        let Some(entry) = self.clients.get_mut(&id) else { return };
        let end = match entry.stage {
            Stage::Asking { .. } => None,
            Stage::Told { until } => Some(until),
        };
        // The present one stays until its owner knows: what it meant is weighed against the silence of the others.
        let present = entry.sendings.last().filter(|_| end.is_none() && entry.sendings.len() > 1);
        let present = present.map(|sending| sending.branch.clone());
        entry.sendings.retain(|sending| {
            let over = sending.is_over(now, end) && present.as_ref() != Some(&sending.branch);
            if over {
                self.client_index.remove(&sending.branch);
                self.outgoing.unlearn(sending.flow.remote.ip());
            }
            !over
        });
        let deadline = entry.sendings.iter().filter_map(|sending| sending.machine.deadline()).min();
        if entry.sendings.is_empty() {
            self.clients.remove(&id);
        }
        self.schedule(deadline, Timer::Client(id));
    }

    /// Whether what could not leave on that flow will be sent again all the same.
    fn goes_again(&self, id: u64, failed: &Flow) -> bool {
        self.clients.get(&id).is_some_and(|entry| entry.is_asking() && entry.goes_again(failed))
    }

    /// A request of ours has its final response. 401 and 407 are answers like any other: no credentials are
    /// ever sent inside a caller's dialog (CVE-2021-41158).
    fn answered(
        &mut self,
        now: Instant,
        (purpose, cseq): (Purpose, u32),
        status: StatusCode,
        answer: Answer<'_, '_>,
        out: &mut Vec<AgentOutput>,
    ) {
        match purpose {
            Purpose::Bye(dialog) => self.end_dialog(now, dialog),
            Purpose::Update(dialog) => self.refreshed(now, dialog, false, status, answer, out),
            Purpose::Reinvite(dialog) => self.refreshed(now, dialog, true, status, answer, out),
            Purpose::Refer(dialog, subscribes) => {
                let refer = ReferKey(cseq);
                // Both sides want no NOTIFY (RFC 4488 §4), so none is waited for.
                let declined = matches!(answer, Answer::Reply(reply) if refer::has_no_subscription(reply));
                let silent = !subscribes && status.is_success() && declined;
                if let Some(entry) = self.dialogs.get_mut(&dialog).filter(|_| silent) {
                    entry.refers.retain(|known| *known != refer);
                }
                out.push(AgentOutput::Event(AgentEvent::ReferAnswered { dialog, refer, status }));
            }
        }
    }
}
