//! The agent's tables: server transactions and dialogs, how a message finds its own, and whose time has come.

use super::asking::ClientInput;
use super::{Agent, AgentEvent, AgentOutput, DialogKey, Flow};
use crate::limits::STREAM_MESSAGE_TIMEOUT;
use crate::sip::admission::Place;
use crate::sip::dialog::{Dialog, Due, Farewell, State};
use crate::sip::header::Via;
use crate::sip::reader::Method;
use crate::sip::reason::Reason;
use crate::sip::status::StatusCode;
use crate::sip::transaction::Output;
use crate::sip::transaction::invite_server::{self, InviteServer};
use crate::sip::transaction::server::{self, Server};
use crate::sip::trunk::TrunkId;
use crate::sip::writer::Back;
use crate::time::Instant;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

/// Whose time may have come.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Timer {
    Dialog(DialogKey),
    Server(u64),
    Client(u64),
    Outgoing(u64),
    Registration(TrunkId),
    Stream(u64),
    Orphans,
}

/// A server transaction and what finds it.
pub(super) struct ServerEntry {
    key: Arc<[u8]>,
    merged: Option<Arc<[u8]>>,
    machine: Machine,
    /// Where its responses go.
    back: Back,
    /// The dialog of an INVITE.
    pub dialog: Option<DialogKey>,
}

enum Machine {
    Invite(InviteServer),
    Other(Server),
}

impl ServerEntry {
    /// It still waits for a final response, so a CANCEL means something.
    pub fn is_proceeding(&self) -> bool {
        matches!(&self.machine, Machine::Invite(machine) if machine.is_proceeding())
    }

    /// It was refused, so its ACK acknowledges no 2xx.
    pub fn is_refused(&self) -> bool {
        matches!(&self.machine, Machine::Invite(machine) if machine.is_refused())
    }
}

/// What every request must say to be matched with anything.
pub(super) struct Essentials<'a> {
    pub call_id: &'a [u8],
    pub cseq: u32,
    pub from_tag: &'a [u8],
}

/// The key of a server transaction (RFC 3261 §17.2.3). The branch alone would do for RFC 3261 peers; some repeat
/// one branch for every request of a call, so Call-ID and CSeq stand in it too. Without a branch of that kind,
/// the rules of RFC 2543: Request-URI, From tag and the whole Via. ACK and CANCEL find their INVITE.
pub(super) fn server_key(method: Method<'_>, essentials: &Essentials<'_>, via: &Via<'_>, uri: &[u8]) -> Vec<u8> {
    let mut key = Vec::with_capacity(128);
    key.push(match method {
        Method::Invite | Method::Ack | Method::Cancel => 0,
        Method::Bye => 1,
        Method::Info => 2,
        Method::Notify => 3,
        Method::Update => 4,
        Method::Prack => 5,
        _ => 6,
    });
    key.extend_from_slice(&essentials.cseq.to_be_bytes());
    let mut part = |bytes: &[u8]| {
        key.extend_from_slice(&(bytes.len() as u32).to_be_bytes());
        key.extend_from_slice(bytes);
    };
    part(essentials.call_id);
    match via.unique_branch() {
        Some(branch) => {
            part(branch);
            part(via.host);
            part(&via.port.unwrap_or(0).to_be_bytes());
        }
        None => {
            part(essentials.from_tag);
            part(via.raw);
            part(uri);
        }
    }
    key
}

/// The key of the merged-request test (RFC 3261 §8.2.2.2).
pub(super) fn merged_key(essentials: &Essentials<'_>) -> Vec<u8> {
    let mut key = Vec::with_capacity(64);
    key.extend_from_slice(&essentials.cseq.to_be_bytes());
    key.extend_from_slice(&(essentials.call_id.len() as u32).to_be_bytes());
    key.extend_from_slice(essentials.call_id);
    key.extend_from_slice(essentials.from_tag);
    key
}

impl Agent {
    /// A tag that only we can make and that the same bytes make again.
    pub(super) fn tag_for(&self, bytes: &[u8]) -> String {
        const ALPHABET: &[u8; 32] = b"0123456789abcdefghijklmnopqrstuv";
        let mut bits = self.hash_of(bytes);
        let mut tag = String::with_capacity(13);
        for _ in 0..13 {
            tag.push(char::from(ALPHABET[(bits & 31) as usize]));
            bits >>= 5;
        }
        tag
    }

    /// A number that only we can make and that the same bytes make again.
    pub(super) fn hash_of(&self, bytes: &[u8]) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.secret.hash(&mut hasher);
        bytes.hash(&mut hasher);
        hasher.finish()
    }

    pub(super) fn new_id(&mut self) -> u64 {
        let id = self.next_id;
        self.next_id += 1;
        id
    }

    /// An INVITE server transaction; its 100 leaves.
    pub(super) fn add_invite_server(
        &mut self,
        key: Vec<u8>,
        merged: Option<Vec<u8>>,
        back: Back,
        dialog: DialogKey,
        trying: Vec<u8>,
        out: &mut Vec<AgentOutput>,
    ) -> u64 {
        let machine = InviteServer::new(back.flow.transport, trying, &mut self.said);
        self.flush(back.flow, out);
        let id = self.add_server(key, Machine::Invite(machine), back, Some(dialog));
        if let Some(merged) = merged.map(Arc::<[u8]>::from) {
            self.merged_index.insert(Arc::clone(&merged), id);
            if let Some(entry) = self.servers.get_mut(&id) {
                entry.merged = Some(merged);
            }
        }
        id
    }

    /// A server transaction of any other method.
    pub(super) fn add_other_server(&mut self, key: Vec<u8>, back: Back) -> u64 {
        self.add_server(key, Machine::Other(Server::new(back.flow.transport)), back, None)
    }

    fn add_server(&mut self, key: Vec<u8>, machine: Machine, back: Back, dialog: Option<DialogKey>) -> u64 {
        let id = self.new_id();
        let key: Arc<[u8]> = key.into();
        self.server_index.insert(Arc::clone(&key), id);
        self.servers.insert(id, ServerEntry { key, merged: None, machine, back, dialog });
        id
    }

    /// The way of a response that leaves now. A connection that brought something stands in `streams` until it ends.
    pub(super) fn way_back(&self, back: Back) -> Flow {
        let Flow { transport, connection, .. } = back.flow;
        if transport.is_stream() && !self.streams.contains_key(&connection) { back.anew() } else { back.flow }
    }

    /// Sends what the machines said; responses of servers only, so there is nobody to tell.
    pub(super) fn flush(&mut self, flow: Flow, out: &mut Vec<AgentOutput>) {
        for said in self.said.drain(..) {
            match said {
                Output::Send(bytes) => out.push(AgentOutput::Transmit { flow, bytes }),
                Output::Response(_) => {}
            }
        }
    }

    pub(super) fn drive_invite(
        &mut self,
        now: Instant,
        id: u64,
        input: invite_server::Input,
        out: &mut Vec<AgentOutput>,
    ) {
        let Some(entry) = self.servers.get_mut(&id) else { return };
        if let Machine::Invite(machine) = &mut entry.machine {
            machine.handle(now, input, &mut self.said);
        }
        self.after_server(id, out);
    }

    pub(super) fn drive_server(&mut self, now: Instant, id: u64, input: server::Input, out: &mut Vec<AgentOutput>) {
        let Some(entry) = self.servers.get_mut(&id) else { return };
        if let Machine::Other(machine) = &mut entry.machine {
            machine.handle(now, input, &mut self.said);
        }
        self.after_server(id, out);
    }

    /// The request of this transaction came again.
    pub(super) fn repeat_server(&mut self, now: Instant, id: u64, out: &mut Vec<AgentOutput>) {
        match self.servers.get(&id).map(|entry| &entry.machine) {
            Some(Machine::Invite(_)) => self.drive_invite(now, id, invite_server::Input::Retransmission, out),
            Some(Machine::Other(_)) => self.drive_server(now, id, server::Input::Retransmission, out),
            None => {}
        }
    }

    fn after_server(&mut self, id: u64, out: &mut Vec<AgentOutput>) {
        let Some(entry) = self.servers.get(&id) else { return };
        let (over, deadline) = match &entry.machine {
            Machine::Invite(machine) => (machine.is_terminated(), machine.deadline()),
            Machine::Other(machine) => (machine.is_terminated(), machine.deadline()),
        };
        let flow = self.way_back(entry.back);
        if over && let Some(entry) = self.servers.remove(&id) {
            self.server_index.remove(&entry.key);
            if let Some(merged) = entry.merged {
                self.merged_index.remove(&merged);
            }
        }
        self.schedule(deadline, Timer::Server(id));
        self.flush(flow, out);
    }

    pub(super) fn add_dialog(&mut self, key: DialogKey, dialog: Dialog) {
        self.dialog_index.insert(dialog.local_tag.as_bytes().into(), key);
        self.dialogs.insert(key, dialog);
    }

    pub(super) fn remove_dialog(&mut self, key: DialogKey) -> Option<Dialog> {
        self.unschedule_dialog(key);
        let mut dialog = self.dialogs.remove(&key)?;
        self.vacate(dialog.place.take());
        if let Some(finding) = dialog.finding.take() {
            self.drop_finding(finding);
        }
        if let Some(host) = dialog.placed_to {
            self.outgoing.unlearn(host);
        }
        // The forks of one call share our tag, and one of them stands in the index.
        if self.dialog_index.get(dialog.local_tag.as_bytes()) == Some(&key) {
            self.dialog_index.remove(dialog.local_tag.as_bytes());
        }
        Some(dialog)
    }

    /// A call no longer takes its place among the live ones.
    pub(super) fn vacate(&mut self, place: Option<Place>) {
        if let Some(place) = place {
            self.admission.leave(place);
        }
    }

    pub(super) fn schedule_dialog(&mut self, key: DialogKey) {
        self.unschedule_dialog(key);
        let Some(dialog) = self.dialogs.get_mut(&key) else { return };
        dialog.scheduled = dialog.deadline();
        let deadline = dialog.scheduled;
        self.schedule(deadline, Timer::Dialog(key));
    }

    /// A dialog that is over, or in another state, is not to be woken for what it waited for before: a session timer is long.
    pub(super) fn unschedule_dialog(&mut self, key: DialogKey) {
        if let Some(due) = self.dialogs.get_mut(&key).and_then(|dialog| dialog.scheduled.take()) {
            self.deadlines.remove(&(due, Timer::Dialog(key)));
        }
    }

    pub(super) fn schedule(&mut self, deadline: Option<Instant>, timer: Timer) {
        if let Some(deadline) = deadline {
            self.deadlines.insert((deadline, timer));
        }
    }

    /// Asks whoever stood in the index of deadlines.
    pub(super) fn wake(&mut self, now: Instant, timer: Timer, out: &mut Vec<AgentOutput>) {
        match timer {
            Timer::Dialog(key) => self.wake_dialog(now, key, out),
            Timer::Server(id) => match self.servers.get(&id).map(|entry| &entry.machine) {
                Some(Machine::Invite(_)) => self.drive_invite(now, id, invite_server::Input::Tick, out),
                Some(Machine::Other(_)) => self.drive_server(now, id, server::Input::Tick, out),
                None => {}
            },
            Timer::Client(id) => self.drive_client(now, id, ClientInput::Tick, out),
            Timer::Outgoing(id) => self.wake_outgoing(now, id, out),
            Timer::Registration(trunk) => self.wake_registration(now, trunk, out),
            Timer::Stream(connection) => self.wake_stream(now, connection, out),
            Timer::Orphans => self.wake_orphans(now, out),
        }
    }

    fn wake_dialog(&mut self, now: Instant, key: DialogKey, out: &mut Vec<AgentOutput>) {
        let Some(dialog) = self.dialogs.get_mut(&key) else { return };
        match dialog.tick(now) {
            Due::Nothing => {}
            Due::Session(due) => self.wake_session(now, key, due, out),
            Due::Early(due) => self.wake_early(now, key, due, out),
            Due::Repeat(back, bytes) => {
                let flow = self.way_back(back);
                out.push(AgentOutput::Transmit { flow, bytes });
            }
            Due::Forget => {
                self.remove_dialog(key);
            }
            Due::Unacknowledged => {
                let State::Live { open, bye: wanted, .. } = &mut dialog.state else { return };
                let (open, wanted) = (open.take(), *wanted);
                let reason = wanted.map_or(Some(Reason::sip(408)), |Farewell(reason)| reason);
                if let Some(open) = open {
                    self.refuse_open(now, &open, StatusCode::TERMINATED, b"", out);
                }
                self.send_bye(now, key, reason, out);
                if wanted.is_none() {
                    out.push(AgentOutput::Event(AgentEvent::Unacknowledged { dialog: key }));
                }
            }
        }
        self.schedule_dialog(key);
    }

    /// A message that began on a stream and never ended.
    fn wake_stream(&mut self, now: Instant, connection: u64, out: &mut Vec<AgentOutput>) {
        let Some(stream) = self.streams.get_mut(&connection) else { return };
        match stream.waiting_since.map(|since| since + STREAM_MESSAGE_TIMEOUT) {
            Some(until) if until <= now => {
                self.stream_bytes -= stream.held();
                stream.close();
                out.push(AgentOutput::Close { connection });
            }
            Some(until) => self.schedule(Some(until), Timer::Stream(connection)),
            None => {}
        }
    }

    /// Transactions held, for the flood bounds.
    pub(super) fn transactions(&self) -> usize {
        self.servers.len() + self.client_index.len() + self.outgoing.transactions()
    }
}
