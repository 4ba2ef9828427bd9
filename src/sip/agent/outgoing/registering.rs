//! The trunks that we register with: REGISTER as an errand, and what its answer brings (RFC 3261 §10.2, RFC 3608).

use super::{Draft, Owner, Stage, Word, seconds};
use crate::limits::{REGISTER_PING, REGISTRAR_HOMES_MAX, SERVICE_ROUTES_MAX};
use crate::sip::agent::table::Timer;
use crate::sip::agent::{Agent, AgentOutput, Flow, Transport};
use crate::sip::auth::client::Prover;
use crate::sip::header::{NameAddr, elements};
use crate::sip::reader::{Message, Name};
use crate::sip::register::{Input, Register, Send, Standing};
use crate::sip::status::StatusCode;
use crate::sip::trunk::{Proof, TrunkId};
use crate::sip::uri::{SipUri, UriView};
use crate::sip::writer::{write_header, write_number};
use crate::time::{Duration, Instant, Now};
use std::collections::VecDeque;
use std::net::IpAddr;

/// A trunk's registration.
pub(super) struct Registering {
    machine: Register,
    call_id: String,
    tag: String,
    cseq: u32,
    /// With the nonce of the last challenge, so that a refresh needs none.
    prover: Option<Prover>,
    /// Whole `Route:` lines for our requests to this trunk, and the first of them.
    routes: Vec<u8>,
    first_route: Option<SipUri>,
    /// The way it was accepted by, where that is kept open, and when next (RFC 5626 §3.5.1).
    flow: Option<(Flow, Instant)>,
    /// The hosts that accepted it of late, the newest at the end: calls that come from there are this trunk's, and those that
    /// came stay so when another host of the registrar takes over, and when the binding is removed.
    homes: VecDeque<IpAddr>,
    /// That stream ended.
    lost: bool,
    errand: Option<u64>,
}

/// How a trunk's registration stands, for those who watch.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RegistrationReport {
    /// The trunk's name.
    pub trunk: String,
    /// How it stands.
    pub standing: Standing,
    /// The last final response of the registrar.
    pub last: Option<StatusCode>,
}

impl Registering {
    /// It is kept up, or tried again, or being removed.
    pub(super) fn is_alive(&self) -> bool {
        !self.machine.is_over() || self.errand.is_some()
    }
}

impl Agent {
    /// Every trunk that has a registration, in the order of the settings.
    pub fn registrations(&self, now: Now) -> Vec<RegistrationReport> {
        let report = |(id, registering): (&TrunkId, &Registering)| RegistrationReport {
            trunk: self.config.peers.trunk(*id).map(|trunk| trunk.name.clone()).unwrap_or_default(),
            standing: registering.machine.standing(now.instant),
            last: registering.machine.last(),
        };
        self.outgoing.registrations.iter().map(report).collect()
    }

    /// Whether [`Agent::registrations`] says something else than when this was last asked.
    pub fn registrations_changed(&mut self) -> bool {
        std::mem::take(&mut self.outgoing.registrations_changed)
    }

    /// The trunk whose registrar is at this address: it has accepted our registration, and may come by this transport.
    pub(in crate::sip::agent) fn registrar_at(&self, transport: Transport, address: IpAddr) -> Option<TrunkId> {
        let home = |(id, registering): (&TrunkId, &Registering)| {
            let trunk = self.config.peers.trunk(*id)?;
            let fits = trunk.transport.is_none_or(|only| only == transport) && trunk.proof == Proof::Address;
            (fits && registering.homes.contains(&address.to_canonical())).then_some(*id)
        };
        self.outgoing.registrations.iter().find_map(home)
    }

    fn keepalive(&self, id: TrunkId) -> Option<Duration> {
        self.config.peers.trunk(id)?.registration.as_ref()?.keepalive
    }

    /// Removes every binding: new calls are to go elsewhere. [`Agent::asking`] counts until the registrars have answered.
    pub fn unregister(&mut self, now: Now, out: &mut Vec<AgentOutput>) {
        let ids: Vec<TrunkId> = self.outgoing.registrations.keys().copied().collect();
        for id in ids {
            // No call is to come by it any more.
            if let Some((_, ping)) = self.outgoing.registrations.get_mut(&id).and_then(|known| known.flow.take()) {
                self.deadlines.remove(&(ping, Timer::Registration(id)));
            }
            self.drive_registration(now.instant, id, Input::Stop, out);
        }
    }

    /// The machines of a new agent; each begins at the first tick.
    pub(in crate::sip::agent) fn add_registrations(&mut self) {
        for index in 0..self.config.peers.trunks.len() {
            let trunk = &self.config.peers.trunks[index];
            let Some(registration) = &trunk.registration else { continue };
            let host = registration.registrar.host();
            let prover = trunk.credentials.as_ref().map(|credentials| Prover::new(credentials, host));
            let machine = Register::new(Instant::START, registration.expires);
            let id = TrunkId(index);
            self.schedule(machine.deadline(), Timer::Registration(id));
            let (call_id, tag) = (self.random.token(24), self.random.token(13));
            let registering = Registering {
                machine,
                call_id,
                tag,
                cseq: 0,
                prover,
                routes: Vec::new(),
                first_route: None,
                flow: None,
                homes: VecDeque::new(),
                lost: false,
                errand: None,
            };
            self.outgoing.registrations.insert(id, registering);
            self.outgoing.registrations_changed = true;
        }
    }

    /// The Service-Route of a trunk: whole `Route:` lines, and where they begin.
    pub(super) fn service_route(&self, trunk: Option<TrunkId>) -> (Vec<u8>, Option<SipUri>) {
        let registering = trunk.and_then(|id| self.outgoing.registrations.get(&id));
        registering.map(|known| (known.routes.clone(), known.first_route.clone())).unwrap_or_default()
    }

    pub(in crate::sip::agent) fn wake_registration(&mut self, now: Instant, id: TrunkId, out: &mut Vec<AgentOutput>) {
        let keepalive = self.keepalive(id);
        if let Some(Registering { flow: Some((flow, ping)), .. }) = self.outgoing.registrations.get_mut(&id)
            && *ping <= now
        {
            *ping = now + ping_every(*flow, keepalive);
            let (flow, ping) = (*flow, *ping);
            out.push(AgentOutput::Transmit { flow, bytes: b"\r\n\r\n".to_vec() });
            self.schedule(Some(ping), Timer::Registration(id));
        }
        let lost = self.outgoing.registrations.get_mut(&id).is_some_and(|known| std::mem::take(&mut known.lost));
        self.drive_registration(now, id, if lost { Input::Lost } else { Input::Tick }, out);
    }

    /// The stream of a registration ended.
    pub(in crate::sip::agent) fn registrations_lost(&mut self, connection: u64) {
        for (id, registering) in &mut self.outgoing.registrations {
            if registering.flow.is_some_and(|(flow, _)| flow.connection == connection) {
                registering.flow = None;
                registering.lost = true;
                // At the next tick, whenever that is.
                self.deadlines.insert((Instant::START, Timer::Registration(*id)));
            }
        }
    }

    fn drive_registration(&mut self, now: Instant, id: TrunkId, input: Input, out: &mut Vec<AgentOutput>) {
        let Some(registering) = self.outgoing.registrations.get_mut(&id) else { return };
        let before = registering.machine.deadline();
        let ping = registering.flow.map(|(_, ping)| ping);
        let stood = (registering.machine.standing(now), registering.machine.last());
        let send = registering.machine.handle(now, input, &mut self.random);
        self.outgoing.registrations_changed |= stood != (registering.machine.standing(now), registering.machine.last());
        let deadline = registering.machine.deadline();
        // A back-off is long: nobody is to be woken for one that was given up.
        if let Some(before) = before.filter(|before| deadline != Some(*before) && ping != Some(*before)) {
            self.deadlines.remove(&(before, Timer::Registration(id)));
        }
        self.schedule(deadline, Timer::Registration(id));
        if let Some(Send(expires)) = send {
            self.send_register(now, id, expires, out);
        }
    }

    fn send_register(&mut self, now: Instant, id: TrunkId, expires: Duration, out: &mut Vec<AgentOutput>) {
        let Some(trunk) = self.config.peers.trunk(id) else { return };
        let Some(registration) = &trunk.registration else { return };
        let (registrar, address) = (registration.registrar.clone(), registration.address.clone());
        let (way, only) = (trunk.proxy.clone().unwrap_or_else(|| registrar.clone()), trunk.transport);
        let errand = self.new_id();
        let Some(registering) = self.outgoing.registrations.get_mut(&id) else { return };
        // One at a time: a refresh that is still under way is taken back (§10.2.4 wants increasing CSeq and no overlap).
        let before = registering.errand.replace(errand);
        registering.cseq += 1;
        let mut prover = registering.prover.clone();
        if let Some(prover) = &mut prover {
            prover.begin();
        }
        let mut lines = b"Expires: ".to_vec();
        write_number(&mut lines, expires.as_secs());
        lines.extend_from_slice(b"\r\nSupported: path, outbound\r\n");
        let draft = Draft {
            method: "REGISTER",
            uri: registrar.to_string(),
            routes: Vec::new(),
            from: format!("<{address}>;tag={}", registering.tag).into_bytes(),
            to: format!("<{address}>").into_bytes(),
            call_id: registering.call_id.clone(),
            cseq: registering.cseq,
            lines,
            body: Vec::new(),
            sounds_at: None,
        };
        if let Some(before) = before {
            self.outgoing.errands.remove(&before);
            self.outgoing.lookups.retain(|_, of| *of != before);
        }
        self.begin_errand(now, errand, Owner::Registration(id), draft, (way, only, prover), out);
    }

    /// A final response to a REGISTER, or what stands for one.
    pub(super) fn register_answered(
        &mut self,
        now: Instant,
        (id, errand): (TrunkId, u64),
        status: StatusCode,
        word: Word<'_, '_>,
        out: &mut Vec<AgentOutput>,
    ) {
        let gone = self.outgoing.errands.remove(&errand);
        let keepalive = self.keepalive(id);
        let Some(registering) = self.outgoing.registrations.get_mut(&id) else { return };
        if registering.errand != Some(errand) {
            return;
        }
        registering.errand = None;
        let mut home = None;
        if let Some(gone) = gone {
            if let Stage::Sent { hop, .. } = &gone.stage {
                home = Some(hop.remote.ip());
            }
            registering.cseq = gone.draft.cseq;
            registering.prover = gone.prover;
        }
        let (mut granted, mut least) = (None, None);
        if let Word::Peer(flow, message) = word {
            granted = granted_of(message, flow);
            least = message.value(Name::MinExpires).and_then(seconds);
            if status.is_success() {
                let routes = message.values(Name::ServiceRoute).flat_map(elements).take(SERVICE_ROUTES_MAX);
                registering.routes.clear();
                registering.first_route = None;
                for route in routes {
                    write_header(&mut registering.routes, b"Route: ", route);
                    if registering.first_route.is_none() {
                        registering.first_route =
                            NameAddr::parse(route).and_then(|route| std::str::from_utf8(route.uri).ok()?.parse().ok());
                    }
                }
                if let Some(home) = home {
                    registering.homes.retain(|known| *known != home);
                    registering.homes.push_back(home);
                    if registering.homes.len() > REGISTRAR_HOMES_MAX {
                        registering.homes.pop_front();
                    }
                }
                let kept = flow.transport.is_stream() || keepalive.is_some();
                let ping = now + ping_every(flow, keepalive);
                registering.flow = (kept && !registering.machine.is_leaving()).then_some((flow, ping));
                if registering.flow.is_some() {
                    self.schedule(Some(ping), Timer::Registration(id));
                }
            }
        }
        self.drive_registration(now, id, Input::Answered { status, granted, least }, out);
    }
}

/// How often a way is kept open: a stream at least as often as RFC 5626 wants, datagrams as the settings say.
fn ping_every(flow: Flow, keepalive: Option<Duration>) -> Duration {
    match flow.transport.is_stream() {
        true => keepalive.unwrap_or(REGISTER_PING).min(REGISTER_PING),
        false => keepalive.unwrap_or(REGISTER_PING),
    }
}

/// The lifetime of our own Contact among those of the 2xx (§10.2.4), else that of all.
fn granted_of(message: &Message<'_>, flow: Flow) -> Option<Duration> {
    let mut contacts = message.values(Name::Contact).flat_map(elements).filter_map(NameAddr::parse);
    let ours = contacts.find(|contact| {
        UriView::parse(contact.uri).is_ok_and(|uri| {
            uri.ip() == Some(flow.local.ip()) && uri.port.unwrap_or_else(|| flow.transport.port()) == flow.local.port()
        })
    });
    let expires = ours.and_then(|contact| contact.params.get("expires")).and_then(seconds);
    expires.or_else(|| message.value(Name::Expires).and_then(seconds))
}
