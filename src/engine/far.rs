//! The leg to a centre that we call ourselves: placed beside the caller's, bridged with it when it answers, gone with it.
//!
//! What it means for the call is decided by the session; a call has one such leg at a time.

use super::effects::{host, in_hex};
use super::{Call, Engine, Output};
use crate::call::{Attempt, CallKey, Event, Saying};
use crate::leg::{Leg, security};
use crate::media::{self, StreamKey};
use crate::number::Key;
use crate::routing::plan::Target;
use crate::sdp::Refusal;
use crate::sip::rejection::Rejection;
use crate::sip::trunk::TrunkId;
use crate::sip::uri::SipUri;
use crate::sip::{AgentEvent, CallRequest, DialogKey, StatusCode};
use crate::time::Now;
use tracing::{error, info, warn};

/// The leg to a centre.
pub(super) struct Far {
    leg: Leg,
    attempt: Attempt,
    stage: Stage,
    early: EarlyAnswers,
}

impl Far {
    /// Its stream.
    pub(super) fn stream(&self) -> StreamKey {
        self.leg.stream
    }
}

/// Answers that came before the 200, each of an early dialog of its own (RFC 3261 §13.2.2.4): a call may ring in several places. Their
/// number is bounded by that of the forks.
#[derive(Default)]
struct EarlyAnswers {
    /// By fork, in the order in which they were first told.
    told: Vec<(u32, Vec<u8>)>,
}

impl EarlyAnswers {
    /// An early dialog tells where it sounds. Whether that is to be heard now: the one that began last is, since that is where the
    /// network went on to; a copy of another's does not take the ear back.
    fn tell(&mut self, fork: u32, sdp: &[u8]) -> bool {
        let Some(known) = self.told.iter_mut().find(|(known, _)| *known == fork) else {
            self.told.push((fork, sdp.to_vec()));
            return true;
        };
        let changed = known.1 != sdp;
        known.1 = sdp.to_vec();
        changed && self.told.last().is_some_and(|(last, _)| *last == fork)
    }

    /// What this early dialog told, which is answered now.
    fn take(&mut self, fork: u32) -> Option<Vec<u8>> {
        let told = std::mem::take(&mut self.told);
        told.into_iter().find(|(known, _)| *known == fork).map(|(_, sdp)| sdp)
    }
}

enum Stage {
    /// Its socket is being opened.
    Opening(Box<CallRequest>),
    /// Its INVITE is out.
    Calling,
    /// It was answered, and hears nobody yet.
    Answered,
    /// It and the caller hear each other.
    Talking,
}

impl Engine {
    /// Begins a call to an address of the table: first its socket.
    pub(super) fn call_far(
        &mut self,
        now: Now,
        call: CallKey,
        entry: &mut Call,
        (attempt, target, context): (Attempt, &Target, Option<String>),
        out: &mut Vec<Output>,
    ) {
        self.drop_far(now, call, entry.far.take(), out);
        let stream = StreamKey(self.next_stream);
        self.next_stream += 1;
        let flow = entry.leg.flow;
        let target = self.reachable(target.uri(), flow.local.ip());
        let trunk = self.agent.trunk_to(&target);
        let (srtp, hidden) = self.agent.srtp(trunk, self.agent.way_to(trunk, &target).0);
        let session = (now.wall.as_micros() / 1_000_000) as u64;
        let leg = Leg::outgoing(flow, stream, session)
            .speaking(entry.edition.codecs)
            .securing(security(srtp, hidden), &mut self.secrets);
        let theirs = entry.user_to_user.as_ref().map(|theirs| theirs.secret().to_owned());
        let ours = context.map(|text| in_hex(&text));
        let request = CallRequest {
            from: self.caller_for(trunk, entry),
            target,
            trunk,
            sdp: Vec::new(),
            sounds_at: Some(flow.local.ip()),
            replaces: None,
            user_to_user: ours.map(|ours| [Some(ours), theirs].into_iter().flatten().collect()).unwrap_or_default(),
        };
        entry.far =
            Some(Far { leg, attempt, stage: Stage::Opening(Box::new(request)), early: EarlyAnswers::default() });
        self.streams.insert(stream, call);
        let (local, beside) = (flow.local.ip(), Some(entry.leg.stream));
        out.push(Output::OpenStream { stream, local, beside });
    }

    /// Who calls, as the centre sees it: the caller, at our address; nobody where the caller is withheld (RFC 3323 §4.1.1.3).
    fn caller_for(&self, trunk: Option<TrunkId>, entry: &Call) -> SipUri {
        let anonymous = || "sip:anonymous@anonymous.invalid".parse().expect("a URI");
        let caller = entry.session.caller();
        if caller.is_withheld() {
            return anonymous();
        }
        let home = trunk.and_then(|trunk| self.agent.trunk(trunk)).and_then(|trunk| trunk.proxy.as_ref());
        let home = home.map_or_else(|| host(entry.leg.flow.local.ip()), |proxy| proxy.host().to_owned());
        // A number has nothing to be escaped; what is none stays with us.
        format!("sip:{}@{home}", caller.secret()).parse().unwrap_or_else(|_| anonymous())
    }

    /// Whether this is the stream of a centre's leg that is being opened; then its INVITE leaves.
    pub(super) fn far_opened(
        &mut self,
        now: Now,
        call: CallKey,
        stream: StreamKey,
        port: Option<u16>,
        out: &mut Vec<Output>,
    ) -> bool {
        let Some(entry) = self.calls.get_mut(&call) else { return false };
        let Some(far) = entry.far.as_mut().filter(|far| far.leg.stream == stream) else { return false };
        let attempt = far.attempt;
        let Stage::Opening(request) = &mut far.stage else { return true };
        let to = self.agent.way_to(request.trunk, &request.target).1;
        let described = match port {
            // Its sound would leave from an address of the other family, which it could not answer.
            _ if to.is_some_and(|to| to.is_ipv4() != far.leg.flow.local.is_ipv4()) => {
                warn!(%call, "a centre has an address of another family than the caller's side");
                Err(StatusCode::UNAVAILABLE)
            }
            Some(port) => far.leg.opened(port).map_err(|Refusal(why)| {
                info!(%call, why, "no offer to a centre");
                StatusCode::NOT_ACCEPTABLE
            }),
            None => Err(StatusCode::UNAVAILABLE),
        };
        if let Err(status) = described {
            entry.far = None;
            match port {
                Some(_) => self.close(stream, out),
                None => drop(self.streams.remove(&stream)),
            }
            self.session(now, call, Event::FarFailed(attempt, status), out);
            return true;
        }
        let request = CallRequest { sdp: far.leg.description(), ..(**request).clone() };
        far.stage = Stage::Calling;
        let dialog = self.agent.next_call();
        far.leg.dialog = dialog;
        self.dialogs.insert(dialog, call);
        self.agent(now, out, |agent, to| agent.call(now, request, to));
        true
    }

    /// What happens on a centre's dialog; the event comes back when it is the caller's.
    pub(super) fn far_event(&mut self, now: Now, event: AgentEvent, out: &mut Vec<Output>) -> Option<AgentEvent> {
        let Some(dialog) = dialog_of(&event) else { return Some(event) };
        let Some(&call) = self.dialogs.get(&dialog) else { return Some(event) };
        let Some(entry) = self.calls.get_mut(&call) else { return Some(event) };
        let Some(far) = entry.far.as_mut().filter(|far| far.leg.dialog == dialog) else { return Some(event) };
        let (stream, attempt) = (far.leg.stream, far.attempt);
        match event {
            AgentEvent::Progress { fork, sdp, .. } => {
                let sounds = sdp.filter(|sdp| far.early.tell(fork, sdp));
                let command = sounds.map(|sdp| far.leg.early(&sdp));
                self.session(now, call, Event::FarRings(attempt), out);
                match command {
                    Some(Ok(command)) => {
                        out.extend(command.map(|command| Output::Media { stream, command }));
                        self.session(now, call, Event::FarSounds(attempt), out);
                    }
                    Some(Err(Refusal(why))) => info!(%call, why, "early sound of a centre not understood"),
                    None => {}
                }
            }
            AgentEvent::Accepted { fork, sdp, .. } => {
                far.stage = Stage::Answered;
                let answer = sdp.or(far.early.take(fork));
                match far.leg.acknowledged(answer) {
                    Ok(command) => {
                        let held = !far.leg.is_heard();
                        out.extend(command.map(|command| Output::Media { stream, command }));
                        self.moved(dialog, out);
                        self.session(now, call, Event::FarAnswered(attempt), out);
                        self.session(now, call, Event::FarHeld(held), out);
                    }
                    Err(Refusal(why)) => {
                        info!(%call, why, "answer of a centre refused");
                        self.far_gone(now, call, true, out);
                        self.session(now, call, Event::FarFailed(attempt, StatusCode::NOT_ACCEPTABLE), out);
                    }
                }
            }
            AgentEvent::OtherFamily { remote, .. } => {
                // One of a name with both is no mistake; where no other is left, the rung fails with its own word.
                info!(%call, address = %remote.ip(), "an address of a centre is of another family (IPv4, IPv6) than the caller's side, and is not called");
            }
            AgentEvent::Failed { status, .. } => {
                self.far_gone(now, call, false, out);
                self.session(now, call, Event::FarFailed(attempt, status), out);
            }
            // Without its ACK the agent has hung up by itself.
            AgentEvent::Bye { .. } | AgentEvent::Lost { .. } | AgentEvent::Unacknowledged { .. } => {
                if matches!(far.stage, Stage::Answered) {
                    info!(%call, "a centre hung up before its post-dial digits were out");
                }
                self.far_gone(now, call, false, out);
                self.session(now, call, Event::FarHungUp, out);
            }
            AgentEvent::Expired { .. } => {
                self.far_gone(now, call, true, out);
                self.session(now, call, Event::FarHungUp, out);
            }
            AgentEvent::Reinvite { offer, .. } => self.far_reinvited(now, call, dialog, offer, out),
            AgentEvent::ReinviteAcknowledged { body, .. } => match far.leg.acknowledged(body) {
                Ok(command) => {
                    let held = !far.leg.is_heard();
                    out.extend(command.map(|command| Output::Media { stream, command }));
                    self.session(now, call, Event::FarHeld(held), out);
                }
                Err(Refusal(why)) => info!(%call, why, "answer of a centre refused"),
            },
            AgentEvent::Refreshed { body, .. } => match far.leg.refreshed(body) {
                Ok(command) => {
                    let held = !far.leg.is_heard();
                    out.extend(command.map(|command| Output::Media { stream, command }));
                    self.session(now, call, Event::FarHeld(held), out);
                }
                Err(Refusal(why)) => info!(%call, why, "answer to a refresh not understood"),
            },
            AgentEvent::Moved { .. } => self.moved(dialog, out),
            // Keys of a centre choose nothing.
            _ => {}
        }
        None
    }

    fn far_reinvited(
        &mut self,
        now: Now,
        call: CallKey,
        dialog: DialogKey,
        offer: Option<Vec<u8>>,
        out: &mut Vec<Output>,
    ) {
        let hidden = self.agent.hides_reoffer(dialog);
        let Some(far) = self.calls.get_mut(&call).and_then(|entry| entry.far.as_mut()) else { return };
        match far.leg.reoffered(offer, hidden, &mut self.secrets) {
            Ok((sdp, command)) => {
                let (stream, held) = (far.leg.stream, !far.leg.is_heard());
                out.extend(command.map(|command| Output::Media { stream, command }));
                self.agent(now, out, |agent, to| agent.answer_reinvite(now, dialog, sdp, to));
                self.session(now, call, Event::FarHeld(held), out);
            }
            Err(Refusal(why)) => {
                info!(%call, why, "re-offer of a centre refused");
                self.agent(now, out, |agent, to| agent.reject_reinvite(now, dialog, Rejection::of_offer(why), to));
            }
        }
    }

    /// What the stream of a centre's leg tells: all that matters is that its keys are out, or that it breaks. A centre may be silent for as long
    /// as it likes, as one on mute is: whether anybody is there is the caller's to judge, and the session timer's.
    pub(super) fn far_media(
        &mut self,
        now: Now,
        call: CallKey,
        stream: StreamKey,
        event: media::Event,
        out: &mut Vec<Output>,
    ) -> bool {
        let far = self.calls.get(&call).and_then(|entry| entry.far.as_ref());
        let Some(far) = far.filter(|far| far.leg.stream == stream) else { return false };
        let (answered, attempt) = (matches!(far.stage, Stage::Answered | Stage::Talking), far.attempt);
        match event {
            media::Event::Pressed(count) => self.session(now, call, Event::PostDialled(attempt, count), out),
            media::Event::Broken if answered => {
                self.far_gone(now, call, true, out);
                self.session(now, call, Event::FarHungUp, out);
            }
            media::Event::Broken => {
                let far = self.calls.get_mut(&call).and_then(|entry| entry.far.take());
                self.drop_far(now, call, far, out);
                self.session(now, call, Event::FarFailed(attempt, StatusCode::UNAVAILABLE), out);
            }
            _ => {}
        }
        true
    }

    /// The caller's stream has lost that of the centre, which is there: as good as gone.
    pub(super) fn far_deaf(&mut self, now: Now, call: CallKey, out: &mut Vec<Output>) {
        let talks = |far: &Far| matches!(far.stage, Stage::Talking);
        if self.calls.get(&call).and_then(|entry| entry.far.as_ref()).is_some_and(talks) {
            error!(%call, "two streams of a call cannot hear each other");
            self.far_gone(now, call, true, out);
            self.session(now, call, Event::FarHungUp, out);
        }
    }

    /// The centre gets these keys.
    pub(super) fn post_dial(entry: &Call, keys: Vec<Key>, out: &mut Vec<Output>) {
        let Some(far) = &entry.far else { return };
        out.push(Output::Media { stream: far.leg.stream, command: media::Command::Press(keys) });
    }

    /// Caller and centre hear each other.
    pub(super) fn bridge(entry: &mut Call, out: &mut Vec<Output>) {
        let Some(far) = &mut entry.far else { return };
        far.stage = Stage::Talking;
        for command in [media::Command::Stop, media::Command::Bridge(far.leg.stream)] {
            out.push(Output::Media { stream: entry.leg.stream, command });
        }
    }

    /// The caller hears what the centre says before its answer.
    pub(super) fn overhear(entry: &Call, out: &mut Vec<Output>) {
        let Some(far) = &entry.far else { return };
        out.push(Output::Media { stream: entry.leg.stream, command: media::Command::Overhear(far.leg.stream) });
    }

    /// A key that the caller's telephone told by INFO: what it tells within its sound reaches the centre with that. None comes among the keys of a
    /// centre that is not talked with yet.
    pub(super) fn relay(entry: &Call, key: Key, out: &mut Vec<Output>) {
        if let Some(far) = entry.far.as_ref().filter(|far| matches!(far.stage, Stage::Talking)) {
            out.push(Output::Media { stream: far.leg.stream, command: media::Command::Relay(key) });
        }
    }

    /// The centre hears this, or the caller again.
    pub(super) fn far_hears(entry: &Call, said: &[Saying], out: &mut Vec<Output>) {
        let Some(far) = &entry.far else { return };
        let clips = entry.edition.clips(said);
        let commands = match clips.is_empty() {
            true => vec![media::Command::Stop],
            false => {
                let play = media::Command::Play { play: media::PlayKey(0), clips, repeat: true };
                vec![play, media::Command::GiveWay]
            }
        };
        out.extend(commands.into_iter().map(|command| Output::Media { stream: far.leg.stream, command }));
    }

    /// The centre's leg is over; `bye`: it does not know yet.
    fn far_gone(&mut self, now: Now, call: CallKey, bye: bool, out: &mut Vec<Output>) {
        let Some(far) = self.calls.get_mut(&call).and_then(|entry| entry.far.take()) else { return };
        if bye {
            self.agent(now, out, |agent, to| agent.bye(now, far.leg.dialog, None, to));
        }
        self.forget_far(now, call, &far, out);
    }

    /// Takes back whatever is under way to a centre.
    pub(super) fn drop_far(&mut self, now: Now, call: CallKey, far: Option<Far>, out: &mut Vec<Output>) {
        let Some(far) = far else { return };
        self.forget_far(now, call, &far, out);
        let dialog = far.leg.dialog;
        match far.stage {
            Stage::Opening(_) => {}
            Stage::Calling => self.agent(now, out, |agent, to| agent.cancel_call(now, dialog, to)),
            Stage::Answered | Stage::Talking => self.agent(now, out, |agent, to| agent.bye(now, dialog, None, to)),
        }
    }

    fn forget_far(&mut self, now: Now, call: CallKey, far: &Far, out: &mut Vec<Output>) {
        self.dialogs.remove(&far.leg.dialog);
        let talked = matches!(far.stage, Stage::Talking);
        let (stream, agreed) = (far.leg.stream, talked && far.leg.configuration().is_some());
        self.close_last(call, stream, agreed, out);
        if agreed {
            self.partings.of_far(now, stream);
        }
    }
}

/// Whose dialog an event is about, where that may be a centre's.
fn dialog_of(event: &AgentEvent) -> Option<DialogKey> {
    match event {
        AgentEvent::Progress { dialog, .. }
        | AgentEvent::Accepted { dialog, .. }
        | AgentEvent::Failed { dialog, .. }
        | AgentEvent::OtherFamily { dialog, .. }
        | AgentEvent::Bye { dialog, .. }
        | AgentEvent::Lost { dialog }
        | AgentEvent::Unacknowledged { dialog }
        | AgentEvent::Expired { dialog }
        | AgentEvent::Reinvite { dialog, .. }
        | AgentEvent::ReinviteAcknowledged { dialog, .. }
        | AgentEvent::Refreshed { dialog, .. }
        | AgentEvent::Moved { dialog }
        | AgentEvent::Info { dialog, .. } => Some(*dialog),
        _ => None,
    }
}
