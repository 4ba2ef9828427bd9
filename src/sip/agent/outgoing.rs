//! Requests of ours outside dialogs: found by RFC 3263, tried at one address after the other, proved when asked.
//!
//! An errand is such a request on its way: an INVITE of [`call`] or a REGISTER of [`registering`]. It goes to the next
//! address when one does not answer, refuses with 503 or cannot be reached (RFC 3263 §4.3); addresses that failed are
//! passed over for a while. Above 1,300 bytes it goes by TCP first, and by UDP when TCP is refused (RFC 3261 §18.1.1).
//! Credentials are a trunk's and go to that trunk alone (CVE-2021-41158).

mod call;
mod given_up;
mod hop;
mod registering;
mod taken_back;
mod transaction;

pub use call::CallRequest;
pub use registering::RegistrationReport;

use super::table::Timer;
use super::{Agent, AgentEvent, AgentOutput, DialogKey, Flow, Transport};
use crate::limits::{ADDRESS_PATIENCE, DATAGRAM_REQUEST_BYTES_MAX, LOOKUP_PATIENCE, UNREACHABLE_FOR, UNREACHABLE_MAX};
use crate::sip::auth::client::{Asker, Prover};
use crate::sip::header::trim;
use crate::sip::locate::{Answer, Hop, Locator, LookupKey, Step};
use crate::sip::reader::{Message, Name};
use crate::sip::restraint::{OFFER, Restraint};
use crate::sip::status::StatusCode;
use crate::sip::trunk::{Trunk, TrunkId};
use crate::sip::uri::SipUri;
use crate::sip::writer::{RequestParts, request};
use crate::time::{Duration, Instant, Now};
use call::Calling;
use hop::Finding;
use registering::Registering;
use std::collections::{BTreeMap, HashMap};
use std::net::{IpAddr, SocketAddr};
use transaction::{Purpose, Transaction};

/// What is under way.
#[derive(Default)]
pub(super) struct Outgoing {
    errands: BTreeMap<u64, Errand>,
    calls: BTreeMap<DialogKey, Calling>,
    registrations: BTreeMap<TrunkId, Registering>,
    registrations_changed: bool,
    findings: BTreeMap<u64, Finding>,
    lookups: HashMap<LookupKey, u64>,
    asking: BTreeMap<u64, Transaction>,
    /// By branch and method.
    index: HashMap<Box<[u8]>, u64>,
    /// Addresses that failed, and how long they are passed over.
    unreachable: BTreeMap<(Transport, SocketAddr), Instant>,
    /// What loaded peers asked us to keep back.
    restraint: Restraint,
    /// Hosts that we ask or have called, and how often.
    known: BTreeMap<IpAddr, usize>,
}

/// For whom an errand goes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Owner {
    Call(DialogKey),
    Registration(TrunkId),
}

/// A request on its way.
struct Errand {
    owner: Owner,
    draft: Draft,
    locator: Locator,
    /// Passed over because they failed of late; better than nothing.
    spare: Vec<Hop>,
    /// The datagram's way, should the stream be refused.
    smaller: Option<Hop>,
    stage: Stage,
    prover: Option<Prover>,
    /// The settings insist on this transport.
    only: Option<Transport>,
    /// What the last address said.
    status: StatusCode,
}

enum Stage {
    /// A question is open.
    Locating { until: Instant },
    /// It was sent; with no word until then, the next address is tried.
    Sent { transaction: u64, hop: Hop, patience: Option<Instant> },
}

/// The request, but for what differs from address to address.
struct Draft {
    method: &'static str,
    uri: String,
    /// Whole `Route:` lines.
    routes: Vec<u8>,
    from: Vec<u8>,
    to: Vec<u8>,
    call_id: String,
    cseq: u32,
    /// Whole further lines.
    lines: Vec<u8>,
    body: Vec<u8>,
    /// The address in it.
    sounds_at: Option<IpAddr>,
}

/// What a response was made by.
#[derive(Clone, Copy)]
pub(super) enum Word<'a, 'm> {
    /// The peer.
    Peer(Flow, &'a Message<'m>),
    /// Nobody in time, or a transport that failed.
    Silence,
    Broken,
}

impl Outgoing {
    /// Requests without an answer.
    pub(super) fn asking(&self) -> usize {
        self.errands.len() + self.asking.values().filter(|transaction| transaction.is_beside_a_call()).count()
    }

    /// Everything held.
    pub(super) fn held(&self) -> usize {
        let transactions = self.asking.len() + self.index.len();
        let lookups = self.lookups.len() + self.findings.len();
        self.errands.len() + self.calls.len() + transactions + lookups + self.known.len()
    }

    /// Names being looked up inside dialogs, and open questions.
    #[cfg(test)]
    pub(super) fn findings_and_lookups(&self) -> (usize, usize) {
        (self.findings.len(), self.lookups.len())
    }

    /// Registrations that want something more.
    pub(super) fn registering(&self) -> usize {
        self.registrations.values().filter(|registering| registering.is_alive()).count()
    }

    /// Client transactions held.
    pub(super) fn transactions(&self) -> usize {
        self.asking.len()
    }

    /// We wait for a word of this host, or are in a call with it that we placed.
    pub(super) fn knows(&self, host: IpAddr) -> bool {
        self.known.contains_key(&host)
    }

    pub(super) fn learn(&mut self, host: IpAddr) {
        *self.known.entry(host).or_default() += 1;
    }

    pub(super) fn unlearn(&mut self, host: IpAddr) {
        if let Some(count) = self.known.get_mut(&host) {
            *count -= 1;
            if *count == 0 {
                self.known.remove(&host);
            }
        }
    }

    /// A stream to this peer was refused a moment ago.
    pub(super) fn is_refused(&self, now: Instant, flow: Flow) -> bool {
        flow.connection == 0 && self.is_unreachable(now, flow.transport, flow.remote)
    }

    fn is_unreachable(&self, now: Instant, transport: Transport, remote: SocketAddr) -> bool {
        self.unreachable.get(&(transport, remote)).is_some_and(|until| *until > now)
    }

    /// What failed is passed over for a while.
    pub(super) fn shun(&mut self, now: Instant, transport: Transport, remote: SocketAddr, how_long: Duration) {
        self.unreachable.retain(|_, until| *until > now);
        if self.unreachable.len() < UNREACHABLE_MAX {
            self.unreachable.insert((transport, remote), now + how_long);
        }
    }
}

impl Draft {
    fn write(&self, flow: Flow, branch: &str, product: &str, proofs: &[u8]) -> Vec<u8> {
        let lines = [proofs, &self.lines].concat();
        request(&RequestParts {
            method: self.method,
            uri: self.uri.as_bytes(),
            flow,
            branch,
            via: OFFER,
            routes: &self.routes,
            from: &self.from,
            to: &self.to,
            call_id: self.call_id.as_bytes(),
            cseq: self.cseq,
            product,
            lines: &lines,
            body: &self.body,
        })
    }
}

impl Agent {
    /// The answer to [`AgentOutput::Lookup`]. One that nobody waits for any more is dropped.
    pub fn looked_up(&mut self, now: Now, lookup: LookupKey, answer: Answer, out: &mut Vec<AgentOutput>) {
        let Some(id) = self.outgoing.lookups.remove(&lookup) else { return };
        let Some(errand) = self.outgoing.errands.get_mut(&id) else {
            return self.found(now.instant, id, answer, out);
        };
        let step = errand.locator.answer(answer, &mut self.random);
        self.step_errand(now.instant, id, step, out);
    }

    /// Where a request for a target goes: to the first of the Service-Route that the trunk's registrar gave (RFC 3608), else
    /// to its proxy; with which transport, and what challenges are answered with.
    fn way_of(&self, trunk: Option<TrunkId>, target: &SipUri) -> (SipUri, Option<Transport>, Option<Prover>) {
        let known = trunk.and_then(|id| self.config.peers.trunk(id));
        let Some(Trunk { proxy, registration, transport, credentials, .. }) = known else {
            return (target.clone(), None, None);
        };
        let registrar = registration.as_ref().map(|registration| &registration.registrar);
        let home = proxy.as_ref().or(registrar).unwrap_or(target);
        let prover = credentials.as_ref().map(|credentials| Prover::new(credentials, home.host()));
        let way = self.service_route(trunk).1.unwrap_or_else(|| home.clone());
        (way, *transport, prover)
    }

    /// The way to a target before anything is looked up: the transport as far as it is certain (else the one that hides nothing), and the address
    /// where the way begins with one.
    pub fn way_to(&self, trunk: Option<TrunkId>, target: &SipUri) -> (Transport, Option<IpAddr>) {
        let (way, only, _) = self.way_of(trunk, target);
        let locator = Locator::new(&way, only);
        (if locator.is_secure() { Transport::Tls } else { Transport::Udp }, locator.address())
    }

    /// Sends an errand on its way.
    fn begin_errand(
        &mut self,
        now: Instant,
        id: u64,
        owner: Owner,
        draft: Draft,
        (way, only, prover): (SipUri, Option<Transport>, Option<Prover>),
        out: &mut Vec<AgentOutput>,
    ) {
        let mut locator = Locator::new(&way, only);
        let step = locator.step();
        self.outgoing.errands.insert(
            id,
            Errand {
                owner,
                draft,
                locator,
                spare: Vec::new(),
                smaller: None,
                stage: Stage::Locating { until: now + LOOKUP_PATIENCE },
                prover,
                only,
                status: StatusCode::UNAVAILABLE,
            },
        );
        self.step_errand(now, id, step, out);
    }

    fn step_errand(&mut self, now: Instant, id: u64, mut step: Step, out: &mut Vec<AgentOutput>) {
        loop {
            let Some(errand) = self.outgoing.errands.get_mut(&id) else { return };
            match step {
                Step::Ask(question) => {
                    let until = now + LOOKUP_PATIENCE;
                    errand.stage = Stage::Locating { until };
                    let lookup = LookupKey(self.new_id());
                    self.outgoing.lookups.insert(lookup, id);
                    self.schedule(Some(until), Timer::Outgoing(id));
                    return out.push(AgentOutput::Lookup { lookup, question });
                }
                Step::Try(hop) if errand.draft.sounds_at.is_some_and(|at| at.is_ipv4() != hop.remote.is_ipv4()) => {
                    if let Owner::Call(dialog) = errand.owner {
                        out.push(AgentOutput::Event(AgentEvent::OtherFamily { dialog, remote: hop.remote }));
                    }
                    step = errand.locator.step();
                }
                Step::Try(hop) => {
                    let kept = self.keeps_back(now, id, &hop);
                    if !kept && !self.outgoing.is_unreachable(now, hop.transport, hop.remote) {
                        return self.send_errand(now, id, hop, out);
                    }
                    let Some(errand) = self.outgoing.errands.get_mut(&id) else { return };
                    match kept {
                        // A call that this peer wants us to keep back goes elsewhere, or nowhere.
                        true => errand.status = StatusCode::UNAVAILABLE,
                        false => errand.spare.push(hop),
                    }
                    step = errand.locator.step();
                }
                Step::End if errand.spare.is_empty() => {
                    let status = errand.status;
                    return self.errand_failed(now, id, status, out);
                }
                Step::End => {
                    let hop = errand.spare.remove(0);
                    return self.send_errand(now, id, hop, out);
                }
            }
        }
    }

    fn keeps_back(&mut self, now: Instant, id: u64, hop: &Hop) -> bool {
        let is_call = self.outgoing.errands.get(&id).is_some_and(|errand| matches!(errand.owner, Owner::Call(_)));
        is_call && self.outgoing.restraint.keeps_back(now, (hop.transport, hop.remote), &mut self.random)
    }

    /// The next address.
    fn next_hop(&mut self, now: Instant, id: u64, out: &mut Vec<AgentOutput>) {
        let Some(errand) = self.outgoing.errands.get_mut(&id) else { return };
        let step = match errand.smaller.take() {
            Some(hop) => Step::Try(hop),
            None => errand.locator.step(),
        };
        self.step_errand(now, id, step, out);
    }

    /// One sending: a new branch and a new transaction.
    fn send_errand(&mut self, now: Instant, id: u64, hop: Hop, out: &mut Vec<AgentOutput>) {
        let branch = format!("z9hG4bK{}", self.random.token(16));
        let Some(errand) = self.outgoing.errands.get_mut(&id) else { return };
        let Errand { draft, prover, .. } = errand;
        let proofs =
            prover.as_mut().map(|prover| prover.lines(draft.method, &draft.uri, &draft.body, &mut self.random));
        let proofs = proofs.unwrap_or_default();
        let mut flow = Flow { transport: hop.transport, local: hop.local, remote: hop.remote, connection: 0 };
        let mut bytes = draft.write(flow, &branch, &self.config.product, &proofs);
        let may_stream = hop.transport == Transport::Udp && errand.only.is_none();
        let mut hop = hop;
        if may_stream
            && bytes.len() > DATAGRAM_REQUEST_BYTES_MAX
            && errand.smaller.is_none()
            && !self.outgoing.is_unreachable(now, Transport::Tcp, hop.remote)
            && let Some(errand) = self.outgoing.errands.get_mut(&id)
        {
            errand.smaller = Some(hop.clone());
            hop.transport = Transport::Tcp;
            flow.transport = Transport::Tcp;
            bytes = errand.draft.write(flow, &branch, &self.config.product, &proofs);
        }
        if flow.transport == Transport::Tls {
            out.push(AgentOutput::Expect { remote: hop.remote, name: hop.name.clone() });
        }
        let Some(errand) = self.outgoing.errands.get(&id) else { return };
        let (owner, method) = (errand.owner, errand.draft.method);
        let transaction = self.ask(now, flow, &branch, method, bytes.clone(), Purpose::Errand(id), out);
        let patience = now + ADDRESS_PATIENCE;
        if let Some(errand) = self.outgoing.errands.get_mut(&id) {
            errand.stage = Stage::Sent { transaction, hop, patience: Some(patience) };
        }
        self.schedule(Some(patience), Timer::Outgoing(id));
        match owner {
            Owner::Call(call) => self.invite_sent(call, transaction, &branch, bytes, out),
            Owner::Registration(_) => {}
        }
    }

    /// A response to a sending of an errand, or what stands for one.
    fn errand_answered(
        &mut self,
        now: Instant,
        id: u64,
        transaction: u64,
        status: StatusCode,
        word: Word<'_, '_>,
        out: &mut Vec<AgentOutput>,
    ) {
        let errand = self.outgoing.errands.get_mut(&id);
        let present = errand.filter(
            |errand| matches!(&errand.stage, Stage::Sent { transaction: present, .. } if *present == transaction),
        );
        let call = DialogKey(id);
        let Some(errand) = present else {
            // A sending that was given up, or a copy of what ended the errand.
            return self.late_word(now, call, transaction, status, word, out);
        };
        let owner = errand.owner;
        if status.is_provisional() {
            if let Stage::Sent { patience, .. } = &mut errand.stage {
                *patience = None;
            }
            return self.call_progress(now, call, transaction, status, word, out);
        }
        if self.is_given_up(call) {
            return self.late_word(now, call, transaction, status, word, out);
        }
        match (status, word) {
            (_, Word::Silence | Word::Broken) | (StatusCode::UNAVAILABLE, _) => {
                let how_long = match word {
                    Word::Peer(_, message) => shunned_for(message),
                    Word::Silence | Word::Broken => UNREACHABLE_FOR,
                };
                let Some(errand) = self.outgoing.errands.get_mut(&id) else { return };
                errand.status = status;
                if let Stage::Sent { hop, .. } = &errand.stage {
                    let (transport, remote) = (hop.transport, hop.remote);
                    if !matches!(word, Word::Broken) {
                        // It was reached by stream and refused: a datagram would be refused as well.
                        errand.smaller = None;
                    }
                    self.outgoing.shun(now, transport, remote, how_long);
                }
                self.next_hop(now, id, out);
            }
            (_, Word::Peer(_, message)) if self.take_challenge(id, status, message) => self.send_again(now, id, out),
            _ => match owner {
                Owner::Call(call) => self.call_answered(now, call, transaction, status, word, out),
                Owner::Registration(trunk) => self.register_answered(now, (trunk, id), status, word, out),
            },
        }
    }

    /// The same request to the same address, with another CSeq (RFC 3261 §8.1.3.5, §22.2).
    fn send_again(&mut self, now: Instant, id: u64, out: &mut Vec<AgentOutput>) {
        let Some(errand) = self.outgoing.errands.get_mut(&id) else { return };
        let Stage::Sent { hop, .. } = &errand.stage else { return };
        let hop = hop.clone();
        errand.draft.cseq += 1;
        // Proofs are lines too: a request that went by stream for its length goes so again.
        self.send_errand(now, id, hop, out);
    }

    fn take_challenge(&mut self, id: u64, status: StatusCode, message: &Message<'_>) -> bool {
        let (asker, name) = match status {
            StatusCode::UNAUTHORIZED => (Asker::Peer, Name::WwwAuthenticate),
            StatusCode::PROXY_AUTHENTICATION => (Asker::Proxy, Name::ProxyAuthenticate),
            _ => return false,
        };
        let prover = self.outgoing.errands.get_mut(&id).and_then(|errand| errand.prover.as_mut());
        prover.is_some_and(|prover| prover.challenged(asker, message.values(name)))
    }

    /// No address is left.
    fn errand_failed(&mut self, now: Instant, id: u64, status: StatusCode, out: &mut Vec<AgentOutput>) {
        let Some(errand) = self.outgoing.errands.remove(&id) else { return };
        match errand.owner {
            Owner::Call(call) => self.call_failed(now, call, status, out),
            Owner::Registration(trunk) => self.register_answered(now, (trunk, id), status, Word::Silence, out),
        }
    }

    /// Time went by.
    pub(super) fn wake_outgoing(&mut self, now: Instant, id: u64, out: &mut Vec<AgentOutput>) {
        if self.outgoing.asking.contains_key(&id) {
            return self.drive_outgoing(now, id, None, Word::Silence, out);
        }
        if self.wake_finding(now, id, out) {
            return;
        }
        self.wake_call(now, DialogKey(id), out);
        let Some(errand) = self.outgoing.errands.get_mut(&id) else { return };
        match &mut errand.stage {
            Stage::Locating { until } if *until <= now => {
                self.outgoing.lookups.retain(|_, of| *of != id);
                let errand = self.outgoing.errands.get_mut(&id);
                let step = errand.map(|errand| errand.locator.answer(Answer::Failed, &mut self.random));
                self.step_errand(now, id, step.unwrap_or(Step::End), out);
            }
            Stage::Sent { patience, hop, transaction } if patience.is_some_and(|patience| patience <= now) => {
                *patience = None;
                let elsewhere = errand.locator.has_more() || !errand.spare.is_empty() || errand.smaller.is_some();
                if elsewhere {
                    let (transport, remote) = (hop.transport, hop.remote);
                    errand.status = StatusCode::REQUEST_TIMEOUT;
                    let silent = *transaction;
                    self.outgoing.shun(now, transport, remote, UNREACHABLE_FOR);
                    self.hush(now, silent);
                    self.next_hop(now, id, out);
                }
            }
            Stage::Locating { .. } | Stage::Sent { .. } => {}
        }
    }
}

/// How long an address is passed over that said 503: its Retry-After, without comment and parameters.
pub(super) fn shunned_for(message: &Message<'_>) -> Duration {
    message.value(Name::RetryAfter).and_then(seconds).unwrap_or_default().min(UNREACHABLE_FOR)
}

/// The number of seconds a value begins with.
fn seconds(value: &[u8]) -> Option<Duration> {
    let value = trim(value);
    let digits = value.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let number: u32 = std::str::from_utf8(&value[..digits]).ok()?.parse().ok()?;
    Some(Duration::from_secs(u64::from(number)))
}
