//! Calls we place (RFC 3261 §13.2, RFC 3262, RFC 3891): early dialogs, the first 2xx, CANCEL, PRACK.
//!
//! An INVITE may fork on its way: each To tag is an early dialog. The first 2xx makes the call; every further one is
//! acknowledged and hung up, up to a bound. A 3xx is followed only towards a trunk: its Contact
//! becomes the Request-URI, and the request goes to the trunk's own address as before.

use super::transaction::Purpose;
use super::{Draft, Errand, Owner, Stage, Word};
use crate::limits::{DIALOGS_MAX, FORKS_MAX, REDIRECTS_MAX, RING_MAX, SESSION_422_MAX, TRANSACTIONS_FOR_NEW_CALLS};
use crate::sip::agent::asking::Purpose as Within;
use crate::sip::agent::receive::{Request, offer};
use crate::sip::agent::table::Timer;
use crate::sip::agent::{Agent, AgentEvent, AgentOutput, DialogKey, Flow};
use crate::sip::dialog::{Dialog, Placed, State};
use crate::sip::header::{NameAddr, elements};
use crate::sip::reader::{Framing, Message, Name, Start};
use crate::sip::session_timer::{self, SessionTimer, Terms};
use crate::sip::status::StatusCode;
use crate::sip::trunk::TrunkId;
use crate::sip::uri::SipUri;
use crate::sip::writer::{ALLOW, write_header, write_number, write_supported};
use crate::time::{Duration, Instant, Now};
use std::net::IpAddr;

/// A call to place.
#[derive(Clone, Debug)]
pub struct CallRequest {
    /// Whom to call: the Request-URI and To.
    pub target: SipUri,
    /// By which trunk: its proxy is where the INVITE goes, its credentials are what challenges are answered with.
    pub trunk: Option<TrunkId>,
    /// Who calls: From.
    pub from: SipUri,
    /// The offer.
    pub sdp: Vec<u8>,
    /// The address in it: one of the other family (IPv4, IPv6) could not answer it and is not called.
    pub sounds_at: Option<IpAddr>,
    /// The dialog to be replaced (RFC 3891), as the value of `Replaces`.
    pub replaces: Option<String>,
    /// The values of `User-to-User` (RFC 7433).
    pub user_to_user: Vec<String>,
}

/// A call that is placed, until its last INVITE transaction has gone.
pub(super) struct Calling {
    tag: String,
    call_id: String,
    pub(super) trunk: Option<TrunkId>,
    /// The session interval it asks for (RFC 4028).
    interval: Duration,
    /// How often that was too small.
    refused_422: u32,
    pub(super) attempts: Vec<Attempt>,
    forks: Vec<Fork>,
    /// The fork that made the call.
    winner: Option<usize>,
    /// What its owner will be told at the end: 487 once it cancelled, 408 when it rang too long.
    pub(super) given_up: Option<StatusCode>,
    /// Its owner knows how it went.
    pub(super) told: bool,
    redirects: usize,
    /// It rings no longer than this.
    pub(super) until: Option<Instant>,
}

/// One INVITE transaction.
pub(super) struct Attempt {
    pub(super) transaction: u64,
    pub(super) branch: String,
    pub(super) invite: Vec<u8>,
    /// The way its responses come.
    pub(super) flow: Option<Flow>,
    pub(super) rang: bool,
    pub(super) cancelled: bool,
    /// No final response came after the CANCEL: it is forgotten then (§9.1).
    pub(super) until: Option<Instant>,
}

/// An early dialog, or one that was answered.
struct Fork {
    tag: Box<[u8]>,
    /// `None` once it stands among the agent's dialogs.
    dialog: Option<Dialog>,
    /// The last reliable provisional response (RFC 3262 §4).
    sequence: Option<u32>,
    /// The ACK of its 2xx, for the copies of it.
    ack: Option<(Flow, Vec<u8>)>,
}

impl Calling {
    /// One that nothing has happened to yet.
    fn new(tag: String, call_id: String, trunk: Option<TrunkId>, interval: Duration) -> Self {
        Self {
            tag,
            call_id,
            trunk,
            interval,
            refused_422: 0,
            attempts: Vec::new(),
            forks: Vec::new(),
            winner: None,
            given_up: None,
            told: false,
            redirects: 0,
            until: None,
        }
    }

    /// One whose owner died while it rang.
    pub(super) fn left_behind(tag: String, call_id: String, trunk: Option<TrunkId>, attempt: Attempt) -> Self {
        let calling = Self::new(tag, call_id, trunk, Duration::ZERO);
        Self { attempts: vec![attempt], given_up: Some(StatusCode::TERMINATED), told: true, ..calling }
    }
}

impl Attempt {
    fn new(transaction: u64, branch: String, invite: Vec<u8>) -> Self {
        Self { transaction, branch, invite, flow: None, rang: false, cancelled: false, until: None }
    }

    /// One that rings somewhere.
    pub(super) fn ringing(transaction: u64, branch: String, invite: Vec<u8>, flow: Flow) -> Self {
        Self { rang: true, flow: Some(flow), ..Self::new(transaction, branch, invite) }
    }
}

impl Agent {
    /// Places a call. How it goes is told by [`AgentEvent::Progress`], [`AgentEvent::Accepted`] and [`AgentEvent::Failed`];
    /// once answered it is a dialog like any other.
    pub fn call(&mut self, now: Now, request: CallRequest, out: &mut Vec<AgentOutput>) -> DialogKey {
        let id = self.new_id();
        let key = DialogKey(id);
        let full = self.dialogs.len() + self.outgoing.calls.len() >= DIALOGS_MAX
            || self.transactions() >= TRANSACTIONS_FOR_NEW_CALLS;
        if full {
            out.push(AgentOutput::Event(AgentEvent::Failed { dialog: key, status: StatusCode::UNAVAILABLE }));
            return key;
        }
        let CallRequest { target, trunk, from, sdp, sounds_at, replaces, user_to_user } = request;
        let (tag, call_id) = (self.random.token(13), self.random.token(24));
        let mut lines = ALLOW.to_vec();
        write_supported(&mut lines);
        if let Some(replaces) = &replaces {
            write_header(&mut lines, b"Require: ", b"replaces");
            write_header(&mut lines, b"Replaces: ", replaces.as_bytes());
        }
        for value in &user_to_user {
            write_header(&mut lines, b"User-to-User: ", value.as_bytes());
        }
        // The last lines, which a 422 changes.
        let interval = self.config.session.interval;
        session_lines(&mut lines, interval, self.config.session.shortest);
        let way = self.way_of(trunk, &target);
        let draft = Draft {
            method: "INVITE",
            uri: target.to_string(),
            routes: self.service_route(trunk).0,
            from: format!("<{from}>;tag={tag}").into_bytes(),
            to: format!("<{target}>").into_bytes(),
            call_id: call_id.clone(),
            cseq: 1,
            lines,
            body: sdp,
            sounds_at,
        };
        let calling = Calling::new(tag, call_id, trunk, interval);
        self.dialog_index.insert(calling.tag.as_bytes().into(), key);
        self.outgoing.calls.insert(key, calling);
        self.begin_errand(now.instant, id, Owner::Call(key), draft, way, out);
        key
    }

    /// A request of an early dialog of a call that we placed (RFC 3311 §5.1 allows an UPDATE there).
    pub(in crate::sip::agent) fn is_early(&self, request: &Request<'_, '_>) -> bool {
        let call = request.to.tag().and_then(|tag| self.dialog_index.get(tag));
        call.and_then(|call| self.outgoing.calls.get(call)).is_some_and(|calling| {
            let known = calling.forks.iter().any(|fork| *fork.tag == *request.essentials.from_tag);
            known && calling.call_id.as_bytes() == request.essentials.call_id
        })
    }

    /// An INVITE of a call has left; what was saved of an earlier one is old.
    pub(super) fn invite_sent(
        &mut self,
        call: DialogKey,
        transaction: u64,
        branch: &str,
        invite: Vec<u8>,
        out: &mut Vec<AgentOutput>,
    ) {
        if let Some(calling) = self.outgoing.calls.get_mut(&call) {
            calling.attempts.push(Attempt::new(transaction, branch.to_owned(), invite));
            out.push(AgentOutput::Event(AgentEvent::Moved { dialog: call }));
        }
    }

    /// An INVITE transaction has gone, and with the last one everything that stayed for it.
    pub(super) fn attempt_over(&mut self, call: DialogKey, transaction: u64) {
        let Some(calling) = self.outgoing.calls.get_mut(&call) else { return };
        calling.attempts.retain(|attempt| attempt.transaction != transaction);
        self.forget_call(call);
    }

    fn forget_call(&mut self, call: DialogKey) {
        let over = self.outgoing.calls.get(&call).is_some_and(|calling| calling.told && calling.attempts.is_empty());
        if over && let Some(calling) = self.outgoing.calls.remove(&call) {
            self.outgoing.errands.remove(&call.0);
            if let Some(until) = calling.until {
                self.deadlines.remove(&(until, Timer::Outgoing(call.0)));
            }
            if calling.winner.is_none() {
                self.dialog_index.remove(calling.tag.as_bytes());
            }
        }
    }

    /// 1xx.
    pub(super) fn call_progress(
        &mut self,
        now: Instant,
        call: DialogKey,
        transaction: u64,
        status: StatusCode,
        word: Word<'_, '_>,
        out: &mut Vec<AgentOutput>,
    ) {
        let Word::Peer(flow, message) = word else { return };
        self.note_ringing(now, call, transaction, flow);
        let Some(calling) = self.outgoing.calls.get_mut(&call) else { return };
        if calling.given_up.is_some() {
            return self.cancel_attempt(now, call, transaction, out);
        }
        if calling.winner.is_some() || status == StatusCode::TRYING {
            return;
        }
        let Some(fork) = self.fork_of(call, transaction, flow, message) else { return };
        match self.acknowledge_provisional(now, call, fork, message, out) {
            Reliable::Copy => return,
            Reliable::No | Reliable::Taken => {}
        }
        out.push(AgentOutput::Event(AgentEvent::Progress {
            dialog: call,
            status,
            fork: fork as u32,
            sdp: offer(message),
        }));
    }

    pub(super) fn note_ringing(&mut self, now: Instant, call: DialogKey, transaction: u64, flow: Flow) {
        let Some(calling) = self.outgoing.calls.get_mut(&call) else { return };
        if let Some(attempt) = calling.attempts.iter_mut().find(|attempt| attempt.transaction == transaction) {
            attempt.rang = true;
            attempt.flow = Some(flow);
        }
        let until = *calling.until.get_or_insert(now + RING_MAX);
        self.schedule(Some(until), Timer::Outgoing(call.0));
    }

    /// PRACK for a reliable provisional response, each once and in their order (RFC 3262 §4).
    fn acknowledge_provisional(
        &mut self,
        now: Instant,
        call: DialogKey,
        fork: usize,
        message: &Message<'_>,
        out: &mut Vec<AgentOutput>,
    ) -> Reliable {
        let requires = message.values(Name::Require).flat_map(elements);
        let reliable = requires.into_iter().any(|tag| tag.eq_ignore_ascii_case(b"100rel"));
        let sequence = message.value(Name::RSeq).and_then(|value| std::str::from_utf8(value).ok()?.parse::<u32>().ok());
        let (true, Some(sequence)) = (reliable, sequence) else { return Reliable::No };
        let cseq = message.value(Name::CSeq).and_then(crate::sip::header::cseq).map_or(0, |(number, _)| number);
        let branch = format!("z9hG4bK{}", self.random.token(16));
        let fork = self.outgoing.calls.get_mut(&call).and_then(|calling| calling.forks.get_mut(fork));
        let Some(Fork { dialog: Some(dialog), sequence: last, .. }) = fork else { return Reliable::Copy };
        if last.is_some_and(|last| sequence != last.wrapping_add(1)) {
            return Reliable::Copy;
        }
        *last = Some(sequence);
        let mut lines = b"RAck: ".to_vec();
        write_number(&mut lines, u64::from(sequence));
        lines.push(b' ');
        write_number(&mut lines, u64::from(cseq));
        lines.extend_from_slice(b" INVITE\r\n");
        let bytes = dialog.request("PRACK", &branch, &self.config.product, &lines, b"");
        let flow = dialog.next;
        self.ask(now, flow, &branch, "PRACK", bytes, Purpose::Nothing, out);
        Reliable::Taken
    }

    /// The fork of this To tag, made where it is new and there is room.
    fn fork_of(&mut self, call: DialogKey, transaction: u64, flow: Flow, message: &Message<'_>) -> Option<usize> {
        let answer_public = self.config.answers_public();
        let to = NameAddr::parse(message.value(Name::To)?)?;
        let tag = to.tag()?;
        let calling = self.outgoing.calls.get_mut(&call)?;
        if let Some(at) = calling.forks.iter().position(|fork| *fork.tag == *tag) {
            // A 2xx may name another Contact and other routes than the 180 (§13.2.2.4, §12.1.2).
            if let Some(dialog) = &mut calling.forks[at].dialog {
                dialog.replaced_by(message, flow, answer_public);
            }
            return Some(at);
        }
        if calling.forks.len() >= FORKS_MAX {
            return None;
        }
        let attempt = calling.attempts.iter().find(|attempt| attempt.transaction == transaction)?;
        let invite = Message::read(&attempt.invite, Framing::Datagram)?;
        let Start::Request { uri, .. } = invite.start else { return None };
        let (cseq, _) = invite.value(Name::CSeq).and_then(crate::sip::header::cseq)?;
        let from = invite.value(Name::From)?;
        let placed = Placed {
            call_id: &calling.call_id,
            local_tag: &calling.tag,
            from,
            uri,
            cseq,
            offer: invite.body,
            trunk: calling.trunk,
        };
        let dialog = Dialog::placed(&placed, message, flow, answer_public);
        calling.forks.push(Fork { tag: tag.into(), dialog: Some(dialog), sequence: None, ack: None });
        Some(calling.forks.len() - 1)
    }

    /// A final response, or what stands for one.
    pub(super) fn call_answered(
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
            Word::Peer(_, message) if self.redirect(call, status, message) || self.lengthen(call, status, message) => {
                // The addresses are those of before.
                if let Some(Errand { stage: Stage::Sent { hop, .. }, .. }) = self.outgoing.errands.get(&call.0) {
                    let hop = hop.clone();
                    self.send_errand(now, call.0, hop, out);
                }
            }
            _ => {
                self.outgoing.errands.remove(&call.0);
                self.call_failed(now, call, status, out);
            }
        }
    }

    /// 422: the session interval was too small for somebody (RFC 4028 §7.4).
    fn lengthen(&mut self, call: DialogKey, status: StatusCode, message: &Message<'_>) -> bool {
        let least = message.value(Name::MinSe).and_then(session_timer::seconds);
        let errand = self.outgoing.errands.get_mut(&call.0);
        let (Some(least), Some(errand), Some(calling)) = (least, errand, self.outgoing.calls.get_mut(&call)) else {
            return false;
        };
        let lengthens = status == StatusCode::INTERVAL_TOO_SMALL && least > calling.interval;
        if !lengthens || calling.refused_422 >= SESSION_422_MAX {
            return false;
        }
        calling.refused_422 += 1;
        calling.interval = least;
        session_lines(&mut errand.draft.lines, least, least);
        errand.draft.cseq += 1;
        true
    }

    /// A 3xx that is followed: only through a trunk, where its Contact changes whom we ask for and not whom we ask.
    fn redirect(&mut self, call: DialogKey, status: StatusCode, message: &Message<'_>) -> bool {
        let Some(calling) = self.outgoing.calls.get_mut(&call) else { return false };
        if status.code() / 100 != 3 || calling.trunk.is_none() || calling.redirects >= REDIRECTS_MAX {
            return false;
        }
        let contact = message.values(Name::Contact).flat_map(elements).find_map(NameAddr::parse);
        let target = contact.and_then(|contact| std::str::from_utf8(contact.uri).ok()?.parse::<SipUri>().ok());
        let (Some(target), Some(errand)) = (target, self.outgoing.errands.get_mut(&call.0)) else { return false };
        calling.redirects += 1;
        errand.draft.uri = target.to_string();
        errand.draft.cseq += 1;
        true
    }

    /// 2xx: the first makes the call.
    pub(super) fn call_accepted(
        &mut self,
        now: Instant,
        call: DialogKey,
        transaction: u64,
        flow: Flow,
        message: &Message<'_>,
        out: &mut Vec<AgentOutput>,
    ) {
        let Some(at) = self.fork_of(call, transaction, flow, message) else { return };
        let branch = format!("z9hG4bK{}", self.random.token(16));
        let Some(calling) = self.outgoing.calls.get_mut(&call) else { return };
        let fork = &mut calling.forks[at];
        if let Some((flow, bytes)) = &fork.ack {
            // The ACK was lost.
            return out.push(AgentOutput::Transmit { flow: *flow, bytes: bytes.clone() });
        }
        let Some(mut dialog) = fork.dialog.take() else { return };
        let cseq = message.value(Name::CSeq).and_then(crate::sip::header::cseq).map_or(1, |(number, _)| number);
        let ack = dialog.ack(cseq, &branch, &self.config.product);
        fork.ack = Some((dialog.next, ack.clone()));
        out.push(AgentOutput::Transmit { flow: dialog.next, bytes: ack });
        if calling.winner.is_none() && calling.given_up.is_none() {
            calling.winner = Some(at);
            calling.told = true;
            // It rings no more.
            if let Some(until) = calling.until.take() {
                self.deadlines.remove(&(until, Timer::Outgoing(call.0)));
            }
            dialog.state = State::Live { open: None, success: None, bye: None };
            let through_trunk = calling.trunk.is_some();
            dialog.timer = Some(SessionTimer::new(now, Terms::of_response(message, calling.interval)));
            self.learn_placed(&dialog);
            self.add_dialog(call, dialog);
            self.schedule_dialog(call);
            if through_trunk {
                self.find_next_hop(now, call, out);
            }
            self.outgoing.errands.remove(&call.0);
            let (fork, sdp) = (at as u32, offer(message));
            return out.push(AgentOutput::Event(AgentEvent::Accepted { dialog: call, fork, sdp }));
        }
        // Somebody answered whom nobody wants any more.
        let extra = DialogKey(self.new_id());
        dialog.state = State::Leaving;
        self.learn_placed(&dialog);
        self.dialogs.insert(extra, dialog);
        self.send_request(now, extra, b"", b"", Within::Bye(extra), out);
    }

    fn learn_placed(&mut self, dialog: &Dialog) {
        if let Some(host) = dialog.placed_to {
            self.outgoing.learn(host);
        }
    }

    /// The owner is told, once.
    pub(super) fn call_failed(
        &mut self,
        _now: Instant,
        call: DialogKey,
        status: StatusCode,
        out: &mut Vec<AgentOutput>,
    ) {
        let Some(calling) = self.outgoing.calls.get_mut(&call) else { return };
        if !std::mem::replace(&mut calling.told, true) {
            out.push(AgentOutput::Event(AgentEvent::Failed { dialog: call, status }));
        }
        self.forget_call(call);
    }
}

/// Whether a provisional response asked for a PRACK.
enum Reliable {
    No,
    Taken,
    /// Acknowledged before, or ahead of one that is missing.
    Copy,
}

/// `Session-Expires` and `Min-SE`, in the place of those that stand there.
fn session_lines(lines: &mut Vec<u8>, interval: Duration, least: Duration) {
    if let Some(before) = lines.windows(17).position(|window| window == b"Session-Expires: ") {
        lines.truncate(before);
    }
    lines.extend_from_slice(b"Session-Expires: ");
    write_number(lines, interval.as_secs());
    lines.extend_from_slice(b"\r\nMin-SE: ");
    write_number(lines, least.as_secs());
    lines.extend_from_slice(b"\r\n");
}
