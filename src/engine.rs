//! Owns agent, calls and streams; events one way, effects the other; decides nothing.

mod answering;
pub mod edition;
mod effects;
mod far;
mod io;
mod negotiation;
mod parting;
mod registrations;
mod succession;

pub use crate::call::CallKey;
pub use edition::{Edition, PAUSE, pauses};
pub use io::{Entry, Input, Intervals, News, Output, Refused, Registration, Settings};

use self::parting::Partings;
use self::succession::Successor;
use crate::call::record::{Origin, Outcome, Record};
use crate::call::{Attempt, Effect, Event, Session};
use crate::leg::{Leg, info_key, security};
use crate::media::{self, StreamKey};
use crate::number::Key;
use crate::random::{Random, Secrets};
use crate::routing::switch::Switches;
use crate::sdp::Codecs;
use crate::sip::identity::UserToUser;
use crate::sip::reason::Reason;
use crate::sip::rejection::Rejection;
use crate::sip::{Agent, AgentConfig, AgentEvent, AgentOutput, DialogKey, Invite, ReferKey, StatusCode};
use crate::time::{Duration, Instant, Now};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use tracing::{error, info, warn};

/// The engine.
pub struct Engine {
    /// What new calls follow.
    edition: Arc<Edition>,
    hash_key: [u8; 32],
    stand_ins: bool,
    random: Random,
    secrets: Secrets,
    agent: Agent,
    calls: BTreeMap<CallKey, Call>,
    dialogs: HashMap<DialogKey, CallKey>,
    streams: HashMap<StreamKey, CallKey>,
    next_stream: u64,
    partings: Partings,
    /// When sessions want to be woken: hints, a call's own deadline is the truth.
    deadlines: BTreeSet<(Instant, CallKey)>,
    switches: Arc<Switches>,
    /// Reused between steps.
    agent_outputs: Vec<AgentOutput>,
    effects: Vec<Effect>,
}

/// A live call and the leg it stands on.
struct Call {
    session: Session,
    /// What it began with.
    edition: Arc<Edition>,
    leg: Leg,
    /// Which REFER is which attempt.
    refers: Vec<(ReferKey, Attempt)>,
    /// Its entry in the index of deadlines.
    deadline: Option<Instant>,
    /// Its start is not on the disk; it is answered then without.
    unwritten: Option<Instant>,
    stage: Stage,
    /// A leg whose INVITE takes this one's place (RFC 3891), until its socket is open.
    successor: Option<Successor>,
    /// The leg to a centre that we call.
    far: Option<far::Far>,
    /// What the caller's side passes to the centre.
    user_to_user: Option<UserToUser>,
}

/// What the dialog still needs from us when the call ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Stage {
    /// A refusal.
    Arriving,
    /// A BYE.
    Answered,
    /// Nothing.
    Gone,
}

/// What an effect leads to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Done {
    /// Nothing more.
    Goes,
    /// The 200 left.
    Answered,
    /// The dialog was over before this REFER could leave.
    Unreferred(Attempt),
    /// The call is over.
    Over,
}

impl Engine {
    /// An engine without calls.
    pub fn new(settings: Settings) -> Self {
        let Settings { edition, hash_key, peers, session, stand_ins, mut random, secrets } = settings;
        let product = format!("ivr1357/{}", env!("CARGO_PKG_VERSION"));
        let seed = std::array::from_fn(|_| random.u32() as u8);
        let mut agent = Agent::new(AgentConfig { product, peers, session }, Random::from_seed(seed));
        agent.bridges(edition.plan.bridges());
        Self {
            edition,
            hash_key,
            stand_ins,
            random,
            secrets,
            agent,
            calls: BTreeMap::new(),
            dialogs: HashMap::new(),
            streams: HashMap::new(),
            next_stream: 1,
            partings: Partings::default(),
            deadlines: BTreeSet::new(),
            switches: Arc::default(),
            agent_outputs: Vec::new(),
            effects: Vec::new(),
        }
    }

    /// One step.
    pub fn handle(&mut self, now: Now, input: Input<'_>, out: &mut Vec<Output>) {
        match input {
            Input::Received { flow, bytes } => self.agent(now, out, |agent, to| agent.received(now, flow, bytes, to)),
            Input::Secured { connection, names } => self.agent.secured(connection, names),
            Input::Overdue { flow, bytes } => self.agent(now, out, |agent, to| agent.overdue(now, flow, bytes, to)),
            Input::Waits { shortest, sound } => self.agent.messages_wait(now, shortest, sound),
            Input::Disconnected { connection } => self.agent.disconnected(connection),
            Input::SendFailed { flow } => self.agent(now, out, |agent, to| agent.send_failed(now, flow, to)),
            Input::LookedUp { lookup, answer } => {
                self.agent(now, out, |agent, to| agent.looked_up(now, lookup, answer, to));
            }
            Input::StreamOpened { stream, port } => self.stream_opened(now, stream, port, out),
            Input::Media { stream, event } => self.media_event(now, stream, event, out),
            Input::Journaled { call } => self.journaled(now, call, out),
            Input::Orphaned { dialogs } => self.agent.orphaned(now, dialogs),
            Input::Tick => {
                self.agent(now, out, |agent, to| agent.tick(now, to));
                while let Some(&(due, call)) = self.deadlines.first()
                    && due <= now.instant
                {
                    self.deadlines.remove(&(due, call));
                    let unwritten = self.calls.get_mut(&call).is_some_and(|entry| {
                        entry.deadline = None;
                        entry.unwritten.is_some_and(|until| until <= now.instant)
                    });
                    if unwritten {
                        self.disk_hangs(now, call, out);
                    } else {
                        self.session(now, call, Event::Tick, out);
                    }
                }
                self.partings_overdue(now.instant, out);
            }
            // The bindings go first: whoever calls us by a trunk is to be sent elsewhere.
            Input::Drain => {
                self.agent.drain();
                self.agent(now, out, |agent, to| agent.unregister(now, to));
            }
            Input::Switched(switches) => self.switches = switches,
            Input::Published(edition) => {
                self.agent.bridges(edition.plan.bridges());
                self.edition = edition;
            }
            Input::End => self.partings_overdue(Instant::from_nanos(u64::MAX), out),
            Input::Stop => {
                self.agent.drain();
                self.agent(now, out, |agent, to| agent.unregister(now, to));
                let live: Vec<CallKey> = self.calls.keys().copied().collect();
                for call in live {
                    self.session(now, call, Event::Stop, out);
                }
            }
        }
    }

    /// Call `handle(Tick)` no later than this.
    pub fn deadline(&self) -> Option<Instant> {
        let calls = self.deadlines.first().map(|&(due, _)| due);
        [calls, self.agent.deadline(), self.partings.deadline()].into_iter().flatten().min()
    }

    /// Live calls, and those whose record waits for the last word of their stream, or for the disk.
    pub fn calls(&self) -> usize {
        self.calls.len() + self.partings.len()
    }

    /// Requests of ours without an answer: while stopping, BYEs that may have been lost.
    pub fn asking(&self) -> usize {
        self.agent.asking()
    }

    /// Registrations that are kept alive or tried again: they end with [`Input::Drain`].
    pub fn registering(&self) -> usize {
        self.agent.registering()
    }

    /// Connections that are open, as far as it was told.
    pub fn connections(&self) -> usize {
        self.agent.connections()
    }

    /// Everything still held (calls, dialogs, transactions, streams), for the baseline check.
    pub fn held(&self) -> usize {
        self.calls.len()
            + self.dialogs.len()
            + self.streams.len()
            + self.partings.held()
            + self.deadlines.len()
            + self.agent.held()
    }

    // ---- from SIP ----------------------------------------------------------------------------------------------

    /// Lets the agent do something and passes on what comes of it.
    fn agent<T>(
        &mut self,
        now: Now,
        out: &mut Vec<Output>,
        step: impl FnOnce(&mut Agent, &mut Vec<AgentOutput>) -> T,
    ) -> T {
        let mut outputs = std::mem::take(&mut self.agent_outputs);
        let result = step(&mut self.agent, &mut outputs);
        for output in outputs.drain(..) {
            match output {
                AgentOutput::Transmit { flow, bytes } => out.push(Output::Transmit { flow, bytes }),
                AgentOutput::Lookup { lookup, question } => out.push(Output::Lookup { lookup, question }),
                AgentOutput::Expect { remote, name } => out.push(Output::Expect { remote, name }),
                AgentOutput::Close { connection } => out.push(Output::CloseConnection { connection }),
                AgentOutput::Event(event) => self.agent_event(now, event, out),
            }
        }
        self.agent_outputs = outputs;
        result
    }

    fn agent_event(&mut self, now: Now, event: AgentEvent, out: &mut Vec<Output>) {
        let Some(event) = self.far_event(now, event, out) else { return };
        let (dialog, event) = match event {
            AgentEvent::CallsRefused(refused) => {
                let Refused { too_many, too_fast, too_late, no_media, slowed_to } = refused;
                warn!(too_many, too_fast, too_late, no_media, slowed_to, "new calls were refused");
                return out.push(Output::Refused(refused));
            }
            AgentEvent::TurnedAway { count, last } => {
                let what =
                    "sources that are no trunk ask for something: is the address of a trunk missing in the settings?";
                return warn!(count, %last, "{what}");
            }
            AgentEvent::Invite(invite) => return self.invited(now, *invite, out),
            AgentEvent::Reinvite { dialog, offer } => return self.reinvited(now, dialog, offer, out),
            AgentEvent::Acknowledged { dialog, body } => return self.acknowledged(now, dialog, body, true, out),
            AgentEvent::ReinviteAcknowledged { dialog, body } => {
                return self.acknowledged(now, dialog, body, false, out);
            }
            AgentEvent::Info { dialog, content_type, body } => {
                let Some((key, held)) = info_key(&content_type, &body) else { return };
                return self.informed(now, dialog, key, held, out);
            }
            AgentEvent::Cancelled { dialog, reason } => {
                self.told_why(dialog, reason);
                (dialog, Event::Cancelled)
            }
            AgentEvent::Answered { dialog } => {
                let Some(&call) = self.dialogs.get(&dialog) else { return };
                return self.answered(now, call, out);
            }
            AgentEvent::Pracked { dialog, body } => return self.pracked(now, dialog, body, out),
            AgentEvent::Unpracked { dialog } => {
                self.gone(dialog);
                (dialog, Event::Refused(StatusCode::SERVER_TIMEOUT))
            }
            // Of a call that was taken back.
            AgentEvent::Progress { .. }
            | AgentEvent::Accepted { .. }
            | AgentEvent::OtherFamily { .. }
            | AgentEvent::Failed { .. } => return,
            AgentEvent::Unacknowledged { dialog } => (dialog, Event::Unacknowledged),
            AgentEvent::Bye { dialog, reason } => {
                self.told_why(dialog, reason);
                (dialog, Event::HungUp)
            }
            AgentEvent::Moved { dialog } => return self.moved(dialog, out),
            AgentEvent::Refreshed { dialog, body } => return self.refreshed(now, dialog, body, out),
            AgentEvent::Expired { dialog } => (dialog, Event::Expired),
            AgentEvent::Lost { dialog } => (dialog, Event::Lost),
            AgentEvent::ReferAnswered { dialog, refer, status } => {
                let Some(attempt) = self.attempt(dialog, refer) else { return };
                (dialog, Event::ReferAnswered(attempt, status))
            }
            AgentEvent::Notified { dialog, refer, status, terminated } => {
                let Some(attempt) = self.attempt(dialog, refer) else { return };
                (dialog, Event::Notified { attempt, status, terminated })
            }
        };
        let Some(&call) = self.dialogs.get(&dialog) else { return };
        // From here on it is about the caller.
        if self.calls.get(&call).is_none_or(|entry| entry.leg.dialog != dialog) {
            return;
        }
        if matches!(event, Event::Cancelled | Event::Unacknowledged | Event::HungUp | Event::Lost) {
            if let Some(entry) = self.calls.get_mut(&call) {
                entry.stage = Stage::Gone;
                let far = entry.far.take();
                self.drop_far(now, call, far, out);
            }
            self.close_stream(call, out);
        }
        self.session(now, call, event, out);
    }

    fn attempt(&self, dialog: DialogKey, refer: ReferKey) -> Option<Attempt> {
        let call = self.calls.get(self.dialogs.get(&dialog)?)?;
        call.refers.iter().find(|(key, _)| *key == refer).map(|&(_, attempt)| attempt)
    }

    fn invited(&mut self, now: Now, invite: Invite, out: &mut Vec<Output>) {
        if let Some(old) = invite.replaces {
            return self.succeeded(now, invite, old, out);
        }
        let millis = (now.wall.as_micros() / 1000) as u64;
        let call = CallKey((millis << 24) | u64::from(self.random.u32() >> 8));
        let plan = &self.edition.plan;
        let mut record = Record::new(
            now,
            &Origin {
                call,
                call_id: &invite.call_id,
                caller: &invite.identity.caller,
                dialled: invite.dialled.as_str(),
                table: &plan.version,
                zone: &plan.timezone,
                hash_key: &self.hash_key,
            },
        );
        record.published_as(self.edition.number);
        let trunk = invite.trunk.and_then(|trunk| self.agent.trunk(trunk));
        record.came_by(trunk.map(|trunk| trunk.name.as_str()), invite.identity.asserted);
        if let Some(diverted) = &invite.identity.diverted {
            record.diverted(&diverted.by, &diverted.original, diverted.reason.as_deref());
        }
        let number = match plan.number_at(&invite.dialled) {
            Some(number) => Ok(number),
            None => Err(StatusCode::NOT_FOUND),
        };
        info!(%call, caller = record.caller(), dialled = invite.dialled.as_str(), "call began");
        let news = News::Began { caller: record.caller().to_owned(), dialled: invite.dialled.as_str().to_owned() };
        out.push(Output::Live { call, news });
        let number = match number {
            Ok(number) => number,
            Err(status) => {
                record.ended(now, Outcome::Refused, "refused", Some(status));
                self.agent(now, out, |agent, to| agent.reject(now, invite.dialog, status, to));
                return finish(call, &record, out);
            }
        };
        let stream = StreamKey(self.next_stream);
        self.next_stream += 1;
        let (dialog, local) = (invite.dialog, invite.flow.local.ip());
        let (caller, user_to_user) = (invite.identity.caller.clone(), invite.identity.user_to_user.clone());
        let leg = self.leg(now, invite, stream, self.edition.codecs);
        let session =
            Session::new(now, call, self.edition.plan.clone(), number, record).situated(caller, self.switches.clone());
        let stage = Stage::Arriving;
        let edition = self.edition.clone();
        self.calls.insert(
            call,
            Call {
                session,
                edition,
                leg,
                refers: Vec::new(),
                deadline: None,
                unwritten: None,
                stage,
                successor: None,
                far: None,
                user_to_user,
            },
        );
        self.dialogs.insert(dialog, call);
        self.streams.insert(stream, call);
        out.push(Output::OpenStream { stream, local, beside: None });
    }

    /// The leg of an INVITE, in these codecs and as its trunk wants it encrypted.
    fn leg(&mut self, now: Now, invite: Invite, stream: StreamKey, codecs: Codecs) -> Leg {
        let (srtp, hidden) = self.agent.srtp(invite.trunk, invite.flow.transport);
        let session = (now.wall.as_micros() / 1_000_000) as u64;
        Leg::incoming(invite, stream, session).speaking(codecs).securing(security(srtp, hidden), &mut self.secrets)
    }

    /// A call's dialog is another than the journal holds.
    fn moved(&self, dialog: DialogKey, out: &mut Vec<Output>) {
        let saved = self.agent.saved(dialog);
        let Some((&call, saved)) = self.dialogs.get(&dialog).zip(saved) else { return };
        let Some(entry) = self.calls.get(&call) else { return };
        let entry = if entry.leg.dialog == dialog { Entry::Dialog(saved) } else { Entry::Centre(saved) };
        out.push(Output::Journal { call, entry });
    }

    fn told_why(&mut self, dialog: DialogKey, reason: Option<Reason>) {
        let call = self.dialogs.get(&dialog).and_then(|call| self.calls.get_mut(call));
        if let (Some(entry), Some(reason)) = (call, reason) {
            entry.session.told_why(reason.to_string());
        }
    }

    fn refuse(&mut self, now: Now, call: CallKey, rejection: Rejection, out: &mut Vec<Output>) {
        let Some(entry) = self.calls.get_mut(&call) else { return };
        entry.stage = Stage::Gone;
        let (dialog, status) = (entry.leg.dialog, rejection.status);
        self.agent(now, out, |agent, to| agent.reject(now, dialog, rejection, to));
        self.session(now, call, Event::Refused(status), out);
    }

    /// The agent has ended this dialog by itself.
    fn gone(&mut self, dialog: DialogKey) {
        if let Some(entry) = self.dialogs.get(&dialog).and_then(|call| self.calls.get_mut(call)) {
            entry.stage = Stage::Gone;
        }
    }

    // ---- from media --------------------------------------------------------------------------------------------

    fn media_event(&mut self, now: Now, stream: StreamKey, event: media::Event, out: &mut Vec<Output>) {
        if let media::Event::Closed(report) = event {
            return self.stream_closed(stream, report, out);
        }
        // Its stream may be closed by then.
        if let media::Event::Recorded(ended) = event {
            return self.recorded(now, ended, out);
        }
        let Some(call) = self.streams.get(&stream).copied() else { return };
        if self.far_media(now, call, stream, event, out) {
            return;
        }
        match event {
            media::Event::RecordingOver(key) => self.session(now, call, Event::RecordingOver(key), out),
            media::Event::Key(key) => {
                let Some(entry) = self.calls.get_mut(&call) else { return };
                if let Some(key) = entry.leg.pressed(now.instant, key) {
                    self.session(now, call, Event::Key(key), out);
                }
            }
            media::Event::Released(key) => {
                let Some(entry) = self.calls.get_mut(&call) else { return };
                entry.leg.released(now.instant, key);
            }
            media::Event::Finished(play) => self.session(now, call, Event::Finished(play), out),
            media::Event::Latched(_) => self.session(now, call, Event::Connected, out),
            media::Event::Silent => self.session(now, call, Event::Silent, out),
            media::Event::Broken => self.session(now, call, Event::Unusable, out),
            media::Event::Alone => self.far_deaf(now, call, out),
            // Keys of ours go to centres alone.
            media::Event::Pressed(_) | media::Event::Recorded(_) | media::Event::Closed(_) => {}
        }
    }

    /// A key in an INFO. A centre that talks hears it as well, unless it has the events of the same keys.
    fn informed(&mut self, now: Now, dialog: DialogKey, key: Key, held: Duration, out: &mut Vec<Output>) {
        let Some(&call) = self.dialogs.get(&dialog) else { return };
        let Some(entry) = self.calls.get_mut(&call) else { return };
        if let Some(key) = entry.leg.informed(now.instant, key, held) {
            if !entry.leg.tells_events() {
                Self::relay(entry, key, out);
            }
            self.session(now, call, Event::Key(key), out);
        }
    }

    // ---- the session and its effects ---------------------------------------------------------------------------

    /// One step of a call. A panic in it ends this call only.
    fn session(&mut self, now: Now, call: CallKey, event: Event, out: &mut Vec<Output>) {
        let Some(mut entry) = self.calls.remove(&call) else { return };
        let mut effects = std::mem::take(&mut self.effects);
        let told = entry.session.record().told();
        let step = catch_unwind(AssertUnwindSafe(|| entry.session.handle(now, event, &mut effects)));
        if step.is_err() {
            error!(%call, "call broken by an error of ours; it alone ends");
            effects.clear();
            self.end(now, call, entry, true, out);
        } else {
            let (mut over, mut answered, mut unreferred) = (false, false, None);
            for effect in effects.drain(..) {
                match self.carry_out(now, call, &mut entry, effect, out) {
                    Done::Goes => {}
                    Done::Answered => answered = true,
                    Done::Unreferred(attempt) => unreferred = Some(attempt),
                    Done::Over => over = true,
                }
            }
            if over {
                self.end(now, call, entry, false, out);
            } else {
                if entry.session.record().told() != told {
                    out.push(Output::Journal { call, entry: Entry::SoFar(entry.session.record().line()) });
                }
                let deadline = [entry.session.deadline(), entry.unwritten].into_iter().flatten().min();
                self.wake(call, &mut entry, deadline);
                self.calls.insert(call, entry);
                if answered {
                    self.effects = effects;
                    return self.answered(now, call, out);
                }
                if let Some(attempt) = unreferred {
                    // As if the peer had forgotten the dialog; why it is over comes right behind.
                    self.effects = effects;
                    return self.session(now, call, Event::ReferAnswered(attempt, StatusCode::NO_DIALOG), out);
                }
            }
        }
        self.effects = effects;
    }

    /// Keeps the call's entry in the index of deadlines.
    fn wake(&mut self, call: CallKey, entry: &mut Call, deadline: Option<Instant>) {
        if deadline == entry.deadline {
            return;
        }
        self.deadlines.extend(deadline.map(|due| (due, call)));
        if let Some(old) = std::mem::replace(&mut entry.deadline, deadline) {
            self.deadlines.remove(&(old, call));
        }
    }

    fn end(&mut self, now: Now, call: CallKey, mut entry: Call, broken: bool, out: &mut Vec<Output>) {
        self.part(now, &mut entry, out);
        if let Some(Successor { leg, .. }) = entry.successor.take() {
            self.agent(now, out, |agent, to| agent.reject(now, leg.dialog, StatusCode::NO_DIALOG, to));
            self.close(leg.stream, out);
        }
        self.drop_far(now, call, entry.far.take(), out);
        let Call { session, leg, deadline, .. } = entry;
        if let Some(due) = deadline {
            self.deadlines.remove(&(due, call));
        }
        self.dialogs.remove(&leg.dialog);
        self.close_last(call, leg.stream, leg.configuration().is_some(), out);
        let record = if broken { session.into_broken_record(now) } else { session.into_record() };
        if let Some(record) = self.partings.wait(now, leg.stream, call, record) {
            finish(call, &record, out);
        }
    }
}

/// The one line of a call that is over.
fn finish(call: CallKey, record: &Record, out: &mut Vec<Output>) {
    let cause = record.cause().unwrap_or("internal");
    info!(%call, outcome = record.outcome().map(Outcome::word), cause, "call ended");
    out.push(Output::Journal { call, entry: Entry::End(record.line()) });
    out.push(Output::Live { call, news: News::Ended { cause } });
}
