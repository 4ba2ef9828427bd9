//! The user agent: datagrams in, [`AgentEvent`]s out; commands in, datagrams out.
//!
//! It owns transactions and dialogs and answers by itself whatever needs no decision about the call: 100,
//! retransmissions, CANCEL, OPTIONS, 400/405/415/416/420/481/482/491/501/505, the ACKs and the repeats.
//! What a call is about is known to `call::session`; what is offered and answered, to `leg`.

mod asking;
mod event;
mod orphans;
mod outgoing;
mod proof;
mod provisional;
mod receive;
mod refresh;
mod replaces;
mod table;
#[cfg(test)]
mod tests;
mod turned_away;
mod within;

use crate::limits::TRANSACTION_TIMEOUT;
use crate::random::Random;
use crate::sip::admission::Admission;
use crate::sip::auth::server::Guard;
use crate::sip::dialog::{Dialog, Farewell, Open, State, Success};
pub use crate::sip::flow::{Flow, Transport};
use crate::sip::framing::Stream;
pub use crate::sip::progress::EarlyMedia;
use crate::sip::progress::Exchange;
use crate::sip::reason::Reason;
use crate::sip::refer;
use crate::sip::rejection::Rejection;
use crate::sip::session_timer::{Intervals, Terms};
use crate::sip::status::StatusCode;
use crate::sip::transaction::{self, invite_server, server};
use crate::sip::trunk::{Peers, Srtp, Trunk, TrunkId};
use crate::sip::uri::SipUri;
use crate::sip::writer::{ALLOW, write_contact, write_supported};
use crate::time::{Duration, Instant, Now, Wall};
use asking::{ClientEntry, ClientInput, Purpose};
pub use event::{AgentEvent, AgentOutput, Invite, ReferRequest};
use outgoing::Outgoing;
pub use outgoing::{CallRequest, RegistrationReport};
use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::mem;
use std::sync::Arc;
use table::{ServerEntry, Timer};
use turned_away::TurnedAway;

/// Our handle of a dialog, from its INVITE to the last lingering transaction.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct DialogKey(pub u64);

/// Our handle of one REFER (its CSeq; `Event: refer;id=`, RFC 3515 §2.4.6).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct ReferKey(pub u32);

/// What the agent is told once.
#[derive(Clone, Debug)]
pub struct AgentConfig {
    /// `User-Agent` and `Server`.
    pub product: String,
    /// Who may talk to us.
    pub peers: Peers,
    /// Session timers.
    pub session: Intervals,
}

impl AgentConfig {
    /// With a trunk, a Contact may name a public address.
    pub(super) fn answers_public(&self) -> bool {
        !self.peers.trunks.is_empty()
    }
}

/// The user agent.
pub struct Agent {
    config: AgentConfig,
    random: Random,
    /// Makes the tags of answers that keep no state: the same request gets the same tag (RFC 3261 §8.2.7).
    secret: [u64; 2],
    /// The next number of a transaction or dialog.
    next_id: u64,
    servers: HashMap<u64, ServerEntry>,
    server_index: HashMap<Arc<[u8]>, u64>,
    /// INVITEs by Call-ID, From tag and CSeq, to tell merged ones (§8.2.2.2).
    merged_index: HashMap<Arc<[u8]>, u64>,
    clients: BTreeMap<u64, ClientEntry>,
    client_index: HashMap<Box<[u8]>, u64>,
    dialogs: HashMap<DialogKey, Dialog>,
    /// By our tag.
    dialog_index: HashMap<Box<[u8]>, DialogKey>,
    streams: HashMap<u64, Stream>,
    /// Requests of ours outside dialogs.
    outgoing: Outgoing,
    /// Asks those for proof who must bring it.
    guard: Guard,
    /// Bytes of half-read messages in all streams.
    stream_bytes: usize,
    /// The names in the certificates of TLS peers, by connection.
    secured: HashMap<u64, Vec<String>>,
    /// Which new calls are taken.
    admission: Admission,
    turned_away: TurnedAway,
    /// No new calls any more.
    draining: bool,
    /// What is being read waited too long: if it is a new call, it is refused.
    overdue: bool,
    /// Wall time of this step, for overload control.
    wall: Wall,
    /// Dialogs of a process that died, whose BYE has not left.
    orphans: VecDeque<String>,
    /// Hints: whoever stands here is asked, and its state knows whether its time has come.
    deadlines: BTreeSet<(Instant, Timer)>,
    /// What the machines say, between two steps.
    said: Vec<transaction::Output>,
}

impl Agent {
    /// An agent without dialogs.
    pub fn new(config: AgentConfig, mut random: Random) -> Self {
        let secret = [random.u64(), random.u64()];
        let guard = Guard::new(&mut random);
        let mut agent = Self {
            admission: Admission::new(&config.peers),
            turned_away: TurnedAway::default(),
            config,
            random,
            secret,
            next_id: 1,
            servers: HashMap::new(),
            server_index: HashMap::new(),
            merged_index: HashMap::new(),
            clients: BTreeMap::new(),
            client_index: HashMap::new(),
            dialogs: HashMap::new(),
            dialog_index: HashMap::new(),
            streams: HashMap::new(),
            outgoing: Outgoing::default(),
            guard,
            stream_bytes: 0,
            secured: HashMap::new(),
            draining: false,
            overdue: false,
            wall: Wall::default(),
            orphans: VecDeque::new(),
            deadlines: BTreeSet::new(),
            said: Vec::new(),
        };
        agent.add_registrations();
        agent
    }

    /// A datagram, or some bytes of a TCP connection.
    pub fn received(&mut self, now: Now, flow: Flow, bytes: &[u8], out: &mut Vec<AgentOutput>) {
        self.wall = now.wall;
        self.take_bytes(now.instant, flow, bytes, out);
    }

    /// A TLS peer has shown a certificate for these names; they count until its connection ends.
    pub fn secured(&mut self, connection: u64, names: Vec<String>) {
        self.secured.insert(connection, names);
    }

    /// A datagram that waited too long, or found no room to wait: as [`Agent::received`], but a new call is refused.
    pub fn overdue(&mut self, now: Now, flow: Flow, bytes: &[u8], out: &mut Vec<AgentOutput>) {
        self.overdue = true;
        self.received(now, flow, bytes, out);
        self.overdue = false;
    }

    /// Whether a call may need a second leg from now on: see [`Admission::bridges`].
    pub fn bridges(&mut self, bridges: bool) {
        self.admission.bridges(bridges);
    }

    /// How long messages wait before they come here, and how late sound is: see [`Admission::waits`].
    pub fn messages_wait(&mut self, now: Now, wait: Duration, sound: Duration) {
        self.admission.waits(now.instant, wait, sound);
    }

    /// A TCP connection ended; its half-read message is dropped.
    pub fn disconnected(&mut self, connection: u64) {
        self.secured.remove(&connection);
        if let Some(stream) = self.streams.remove(&connection) {
            self.stream_bytes -= stream.held();
        }
        self.registrations_lost(connection);
    }

    /// Bytes could not leave on this flow (RFC 3261 §8.1.3.1): requests that were lost with them fail as 503.
    pub fn send_failed(&mut self, now: Now, flow: Flow, out: &mut Vec<AgentOutput>) {
        let failed: Vec<u64> = self
            .clients
            .iter()
            .filter(|(_, client)| client.fails_with(now.instant, &flow))
            .map(|(id, _)| *id)
            .collect();
        for id in failed {
            self.drive_client(now.instant, id, ClientInput::TransportError(&flow), out);
        }
        self.outgoing_failed(now.instant, flow, out);
    }

    /// Time went by: retransmissions and time-outs that are due.
    pub fn tick(&mut self, now: Now, out: &mut Vec<AgentOutput>) {
        while let Some((at, timer)) = self.deadlines.first().copied() {
            if at > now.instant {
                break;
            }
            self.deadlines.pop_first();
            self.wake(now.instant, timer, out);
        }
        if let Some(refused) = self.admission.told(now.instant) {
            out.push(AgentOutput::Event(AgentEvent::CallsRefused(refused)));
        }
    }

    /// When [`Agent::tick`] is next needed.
    pub fn deadline(&self) -> Option<Instant> {
        let timers = self.deadlines.first().map(|(at, _)| *at);
        [timers, self.admission.deadline()].into_iter().flatten().min()
    }

    /// From now on every new INVITE and every OPTIONS outside a dialog is refused with Retry-After, so that proxies and
    /// balancers turn to others; dialogs go on.
    pub fn drain(&mut self) {
        self.draining = true;
    }

    /// 200 with our answer (or our offer, when there was none); repeated until the ACK. False when it has to wait for
    /// a PRACK (RFC 3262 §3): [`AgentEvent::Answered`] tells when it leaves.
    pub fn answer(&mut self, now: Now, dialog: DialogKey, sdp: Vec<u8>, out: &mut Vec<AgentOutput>) -> bool {
        let Some(entry) = self.dialogs.get_mut(&dialog) else { return true };
        let State::Early { progress, .. } = &mut entry.state else { return true };
        if progress.bars_the_answer() {
            progress.answer = Some(sdp);
            return false;
        }
        self.accept_early(now.instant, dialog, sdp, out);
        true
    }

    /// A final refusal; repeated until its ACK. The dialog is over.
    pub fn reject(&mut self, now: Now, dialog: DialogKey, rejection: impl Into<Rejection>, out: &mut Vec<AgentOutput>) {
        let Rejection { status, lines } = rejection.into();
        self.refuse_early(now.instant, dialog, status, &lines, out);
    }

    /// 200 to the open re-INVITE, UPDATE or PRACK.
    pub fn answer_reinvite(&mut self, now: Now, dialog: DialogKey, sdp: Vec<u8>, out: &mut Vec<AgentOutput>) {
        let answer_public = self.config.answers_public();
        let Some(entry) = self.dialogs.get_mut(&dialog) else { return };
        let Some(mut open) = entry.open().and_then(Option::take) else { return };
        let moved = entry.refresh(None, open.contact.take(), answer_public);
        if let State::Early { progress, .. } = &mut entry.state {
            progress.exchange = Exchange::Revised;
        }
        if open.invite {
            self.accept_invite(now.instant, dialog, &open, Vec::new(), &sdp, out);
        } else {
            let mut lines = Vec::with_capacity(96);
            write_contact(&mut lines, open.head.flow);
            lines.extend(open.timer.iter().flat_map(Terms::lines));
            entry.agreed(now.instant, open.timer, &sdp);
            self.schedule_dialog(dialog);
            self.accept_other(now.instant, &open, &lines, &sdp, out);
            self.answer_now(now.instant, dialog, out);
        }
        if moved {
            self.moved(now.instant, dialog, out);
        }
    }

    /// A refusal of the open re-INVITE, UPDATE or PRACK; the session stays as it was.
    pub fn reject_reinvite(
        &mut self,
        now: Now,
        dialog: DialogKey,
        rejection: impl Into<Rejection>,
        out: &mut Vec<AgentOutput>,
    ) {
        let Some(entry) = self.dialogs.get_mut(&dialog) else { return };
        if let Some(open) = entry.open().and_then(Option::take) {
            let Rejection { status, lines } = rejection.into();
            self.refuse_open(now.instant, &open, status, &lines, out);
            self.answer_now(now.instant, dialog, out);
        }
    }

    /// REFER inside the dialog. The subscription begins now: a NOTIFY may overtake the 202. `None` when the dialog is over, as
    /// a peer that forgot it would answer 481: its owner hears why in this same step.
    pub fn refer(
        &mut self,
        now: Now,
        dialog: DialogKey,
        request: &ReferRequest,
        out: &mut Vec<AgentOutput>,
    ) -> Option<ReferKey> {
        if !self.dialogs.get(&dialog).is_some_and(|entry| matches!(entry.state, State::Live { .. })) {
            return None;
        }
        let lines = refer::header_lines(request);
        let purpose = Purpose::Refer(dialog, request.subscribe);
        let (transaction, cseq) = self.send_request(now.instant, dialog, &lines, b"", purpose, out);
        let refer = ReferKey(cseq);
        if let Some(entry) = self.dialogs.get_mut(&dialog) {
            entry.refers.push(refer);
            entry.refer_transactions.push(transaction);
        }
        Some(refer)
    }

    /// BYE. Before the ACK of our 200 it waits for that ACK (RFC 3261 §15). The dialog is over for its owner;
    /// a late NOTIFY is still answered 200 while the BYE lives. `reason` stands in it (RFC 3326).
    pub fn bye(&mut self, now: Now, dialog: DialogKey, reason: Option<Reason>, out: &mut Vec<AgentOutput>) {
        self.unschedule_dialog(dialog);
        // A call that we placed and nobody answered yet.
        let Some(entry) = self.dialogs.get_mut(&dialog) else { return self.cancel_call(now, dialog, out) };
        match &mut entry.state {
            // Nothing was answered yet, so there is nothing to hang up.
            State::Early { .. } => self.reject(now, dialog, StatusCode::TEMPORARILY_UNAVAILABLE, out),
            State::Live { open, success, bye } => {
                let (open, waits) = (open.take(), success.is_some());
                *bye = Some(Farewell(reason));
                if let Some(open) = open {
                    self.refuse_open(now.instant, &open, StatusCode::TERMINATED, b"", out);
                }
                if !waits {
                    self.send_bye(now.instant, dialog, reason, out);
                }
            }
            State::Leaving | State::Lingering { .. } => {}
        }
        self.schedule_dialog(dialog);
    }

    /// What the settings say of a trunk.
    pub fn trunk(&self, trunk: TrunkId) -> Option<&Trunk> {
        self.config.peers.trunk(trunk)
    }

    /// The trunk by which an address is called: the one whose proxy it names.
    pub fn trunk_to(&self, target: &SipUri) -> Option<TrunkId> {
        self.config.peers.trunk_to(target)
    }

    /// What the next [`Agent::call`] will be known by.
    pub fn next_call(&self) -> DialogKey {
        DialogKey(self.next_id)
    }

    /// Whether the sound of a call is encrypted, and whether its keys may go by this transport.
    pub fn srtp(&self, trunk: Option<TrunkId>, transport: Transport) -> (Srtp, bool) {
        self.config.peers.srtp(trunk, transport)
    }

    /// Whether the re-INVITE or UPDATE that waits for our decision came where keys of SRTP may be told. It may come another way than the INVITE did.
    pub fn hides_reoffer(&self, dialog: DialogKey) -> bool {
        let Some(dialog) = self.dialogs.get(&dialog) else { return false };
        let transport = match &dialog.state {
            State::Early { open: Some(open), .. } | State::Live { open: Some(open), .. } => {
                open.head.back().flow.transport
            }
            State::Early { .. } | State::Live { .. } | State::Leaving | State::Lingering { .. } => return false,
        };
        self.srtp(dialog.trunk, transport).1
    }

    /// Requests of ours without an answer.
    pub fn asking(&self) -> usize {
        let requests = self.clients.values().filter(|client| client.is_asking()).count();
        let owed = self.dialogs.values().filter(|dialog| dialog.owes_a_bye()).count();
        requests + owed + self.orphans.len() + self.outgoing.asking()
    }

    /// Dialogs, transactions, lookups and whatever finds them, for the baseline check of the simulator. Registrations are
    /// no part of it, only what is under way for them.
    pub fn held(&self) -> usize {
        let dialogs = self.dialogs.len() + self.dialog_index.len();
        let servers = self.servers.len() + self.server_index.len() + self.merged_index.len();
        let clients = self.clients.len() + self.client_index.len();
        dialogs + servers + clients + self.orphans.len() + self.outgoing.held()
    }

    /// Connections, and what is kept of them.
    pub fn connections(&self) -> usize {
        self.streams.len() + self.secured.len() + self.stream_bytes
    }

    /// Registrations that are kept alive or tried again.
    pub fn registering(&self) -> usize {
        self.outgoing.registering()
    }

    /// The 200 of an INVITE or re-INVITE, and its repeats.
    fn accept_invite(
        &mut self,
        now: Instant,
        dialog: DialogKey,
        invite: &Open,
        mut lines: Vec<u8>,
        sdp: &[u8],
        out: &mut Vec<AgentOutput>,
    ) {
        write_contact(&mut lines, invite.head.flow);
        lines.extend_from_slice(ALLOW);
        write_supported(&mut lines);
        lines.extend(invite.timer.iter().flat_map(Terms::lines));
        let bytes = invite.head.response(StatusCode::OK, "OK", &self.config.product, &lines, sdp);
        self.drive_invite(now, invite.transaction, invite_server::Input::Success, out);
        let Some(entry) = self.dialogs.get_mut(&dialog) else { return };
        if let State::Live { success, .. } = &mut entry.state {
            *success = Some(Success::new(now, invite, bytes.clone()));
        }
        entry.agreed(now, invite.timer, sdp);
        self.schedule_dialog(dialog);
        out.push(AgentOutput::Transmit { flow: self.way_back(invite.head.back()), bytes });
    }

    /// A final refusal of a request that waited for a decision.
    fn refuse_open(&mut self, now: Instant, open: &Open, status: StatusCode, lines: &[u8], out: &mut Vec<AgentOutput>) {
        let response = open.head.response(status, status.reason(), &self.config.product, lines, b"");
        if open.invite {
            self.drive_invite(now, open.transaction, invite_server::Input::Refusal(response), out);
        } else {
            self.drive_server(now, open.transaction, server::Input::Final(response), out);
        }
    }

    /// The BYE leaves; the dialog waits for its answer.
    fn send_bye(&mut self, now: Instant, dialog: DialogKey, reason: Option<Reason>, out: &mut Vec<AgentOutput>) {
        self.unschedule_dialog(dialog);
        if let Some(entry) = self.dialogs.get_mut(&dialog) {
            entry.state = State::Leaving;
            let place = entry.place.take();
            self.vacate(place);
            self.leave_refresh(now, dialog);
            self.hush_refers(now, dialog, out);
            let lines = reason.map(Reason::line).unwrap_or_default();
            self.send_request(now, dialog, &lines, b"", Purpose::Bye(dialog), out);
        }
    }

    /// A caller who is leaving is referred to nobody any more: unanswered REFERs are not repeated.
    fn hush_refers(&mut self, now: Instant, dialog: DialogKey, out: &mut Vec<AgentOutput>) {
        let transactions = self.dialogs.get_mut(&dialog).map(|entry| mem::take(&mut entry.refer_transactions));
        for id in transactions.unwrap_or_default() {
            self.drive_client(now, id, ClientInput::Hush, out);
        }
    }

    /// The dialog is over on the wire too; one that sent REFERs still listens for their NOTIFYs.
    fn end_dialog(&mut self, now: Instant, dialog: DialogKey) {
        self.leave_refresh(now, dialog);
        self.unschedule_dialog(dialog);
        let Some(entry) = self.dialogs.get_mut(&dialog) else { return };
        if entry.refers.is_empty() {
            self.remove_dialog(dialog);
        } else {
            entry.state = State::Lingering { until: now + TRANSACTION_TIMEOUT };
            let place = entry.place.take();
            self.vacate(place);
            self.schedule_dialog(dialog);
        }
    }
}
