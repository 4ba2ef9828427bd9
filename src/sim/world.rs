//! The world of one run: an engine, its callers, its centres, the network between them, and the clock.
//!
//! A queue of events ordered by time and number drives everything; the engine is fed what a shell would feed it
//! and its outputs are carried out as a shell would. Nothing here reads a clock or draws from anything but the
//! seed, so that a run replays bit for bit.

mod carrier;
mod connections;
mod heirs;
mod moments;
mod strangers;

use super::backend::{self, Centre};
use super::caller::{Action, By, Directory, Manner, Packet, Phone, text};
use super::fault::Fault;
use super::line::Line;
use super::network::Network;
use super::oracle::{Left, Oracle, Violation};
use super::queue::Queue;
use super::registrar::{self, Registrar};
use super::setup::{Moment, Setup, Tape, UNSAID};
use super::swarm::Conditions;
use super::trace::{Brief, Trace, command_name, told};
use crate::engine::{CallKey, Engine, Entry, Input, Intervals, News, Output, Settings};
use crate::media::{Command, Event as Sound, Report, StreamKey};
use crate::random::{Random, Secrets};
use crate::routing::switch::Switches;
use crate::sip::locate::{Answer, LookupKey};
use crate::sip::trunk::{Credentials, Network as Range, Peers, Registration, Trunk};
use crate::sip::{Flow, Transport};
use crate::time::{Duration, Instant, Now, Wall};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::rc::Rc;
use std::sync::Arc;

#[derive(Debug)]
enum Event {
    Dial(usize),
    Phone(usize),
    Centre(usize),
    Arrives(Packet),
    Opened(StreamKey),
    /// And told the end of what it recorded.
    Recorded(StreamKey, Sound),
    /// A media thread has closed a stream.
    Closed(StreamKey, Option<Report>),
    LookedUp(LookupKey, Answer),
    Line(StreamKey),
    Journaled(CallKey),
    Crash,
    Drain,
    Stop,
    /// Wall time jumps by so many seconds.
    Clock(i64),
    /// Another telephone takes over somebody's call.
    Inherit,
    /// An operator turns a switch on.
    Switch(String),
    /// An operator publishes the other table.
    Publish,
    /// What could not leave.
    SendFailed(Flow),
    /// Bytes of a connection are due at the engine.
    Flush(u64),
    /// Bytes of a connection are due at its caller.
    Bytes(u64, Vec<u8>),
    /// A connection is cut.
    Reset(u64),
    /// An opening was refused.
    OpeningFailed(Flow),
    /// Somebody who is no caller does something.
    Noise(strangers::Shot),
}

/// How long a media thread takes to close a stream.
const LAST_WORD: Duration = Duration::from_micros(500);
/// A number this long may be a person's.
const PERSONAL_DIGITS: usize = 9;
/// Where the engine listens.
pub const ENGINE: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(10, 1, 0, 1)), 5060);
/// The range of the engine's RTP ports.
const PORTS: std::ops::Range<u16> = 16_384..32_768;
/// Longer than any call may last, with all its timers.
const LONGEST: Duration = Duration::from_secs(3 * 3600);
/// An engine that is woken this often without time going by will never rest.
const IDLE_TICKS_MAX: u32 = 1_000;

/// One run.
pub struct World {
    setup: Setup,
    conditions: Conditions,
    now: Instant,
    queue: Queue<Event>,
    engine: Engine,
    /// What operators turned on.
    switched: Switches,
    /// The other table is the one that was published last.
    published: bool,
    network: Network,
    random: Random,
    phones: Vec<Phone>,
    /// Whose call is whose, by Call-ID.
    callers: BTreeMap<String, usize>,
    /// When each phone is next woken, as far as the queue knows.
    phone_wakes: Vec<Option<Instant>>,
    centres: Vec<Centre>,
    centre_wakes: Vec<Option<Instant>>,
    centre_names: Vec<String>,
    directory: Directory,
    /// Who is at an address: a phone's SIP, a phone's sound, a centre.
    addresses: BTreeMap<SocketAddr, Place>,
    lines: BTreeMap<StreamKey, (Line, Option<u16>)>,
    ports: BTreeMap<u16, StreamKey>,
    /// The longest free first, so that strays of an earlier call find nobody.
    free_ports: VecDeque<u16>,
    /// Starts of calls that have no end yet, as a journal on disk would show them.
    open_calls: BTreeMap<CallKey, String>,
    /// And their dialogs.
    open_dialogs: BTreeMap<CallKey, String>,
    /// Those of the centres they are bridged with.
    open_centres: BTreeMap<CallKey, String>,
    records: Vec<String>,
    oracle: Oracle,
    disk_full: bool,
    trace: Trace,
    moments: Option<Vec<(Instant, Moment)>>,
    outputs: Vec<Output>,
    idle_ticks: u32,
    /// By how many seconds the clock on the wall is off.
    clock_off: i64,
    connections: BTreeMap<u64, connections::Connection>,
    last_connection: u64,
    /// Callers who have had a connection.
    connected_once: BTreeSet<usize>,
    registrar: Registrar,
    /// When something last crossed the engine's border.
    last_traffic: Instant,
    /// When the engine last wanted to be woken.
    last_tick: Instant,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Place {
    Phone(usize),
    Sound,
    Centre(usize),
    /// One of the carrier's proxies.
    Carrier,
    /// Somebody who is no caller, and whether the engine knows whose address it is.
    Noise {
        known: bool,
    },
}

impl World {
    /// A world with an engine and all centres of the table, and nobody calling yet.
    pub fn new(setup: &Setup, seed: u64, conditions: Conditions, traced: bool) -> Self {
        let mut random = Random::from_number(seed);
        let mut fork = || Random::from_number(random.u64());
        let (engine_random, network_random) = (fork(), fork());
        let manner = conditions.registrar.unwrap_or(registrar::Manner::Silent);
        let registrar = Registrar::new(manner, Random::from_number(random.u64()));
        let mut directory = BTreeMap::new();
        let mut addresses = BTreeMap::new();
        addresses.extend(carrier::PROXIES.map(|proxy| (proxy, Place::Carrier)));
        let (mut centres, mut centre_names) = (Vec::new(), Vec::new());
        for center in &setup.plan.centers {
            for target in &center.targets {
                let name = text::destination(&target.to_string()).to_owned();
                if directory.contains_key(&name) {
                    continue;
                }
                let index = centres.len();
                let at = SocketAddr::from(([10, 3, (index >> 8) as u8, index as u8], 5060));
                directory.insert(name, at);
                let mut centre = Centre::new(at, conditions.centre(&mut random));
                if conditions.drawn {
                    let random = Random::from_number(seed ^ (index as u64 + 1) << 40);
                    centre = centre.drawn(random, conditions.faults.has(Fault::Bridges));
                }
                addresses.extend([(at, Place::Centre(index)), (centre.sound(), Place::Sound)]);
                centres.push(centre);
                centre_names.push(center.row.to_string());
            }
        }
        let mut world = Self {
            engine: Self::engine(setup, &conditions, false, engine_random),
            switched: Switches::default(),
            published: false,
            network: Network::new(conditions.weather, network_random),
            random,
            now: Instant::START,
            queue: Queue::new(),
            phones: Vec::new(),
            callers: BTreeMap::new(),
            phone_wakes: Vec::new(),
            centre_wakes: vec![None; centres.len()],
            centres,
            centre_names,
            directory: Rc::new(directory),
            addresses,
            lines: BTreeMap::new(),
            ports: BTreeMap::new(),
            free_ports: PORTS.filter(|port| port % 2 == 0).collect(),
            open_calls: BTreeMap::new(),
            open_dialogs: BTreeMap::new(),
            open_centres: BTreeMap::new(),
            records: Vec::new(),
            oracle: Oracle::new(setup.law.clone()),
            trace: Trace::new(traced),
            disk_full: false,
            moments: None,
            outputs: Vec::new(),
            idle_ticks: 0,
            clock_off: 0,
            connections: BTreeMap::new(),
            last_connection: 0,
            connected_once: BTreeSet::new(),
            registrar,
            last_traffic: Instant::START,
            last_tick: Instant::START,
            setup: setup.clone(),
            conditions,
        };
        let Conditions { crash, drain, stop, .. } = world.conditions;
        if world.conditions.caps.is_some() {
            world.oracle.capped();
        }
        for (at, event) in [(crash, Event::Crash), (drain, Event::Drain), (stop, Event::Stop)] {
            if let Some(at) = at {
                world.push(Instant::START + at, event);
            }
        }
        for at in world.conditions.heirs.clone() {
            world.push(Instant::START + at, Event::Inherit);
        }
        for (at, seconds) in world.conditions.clock_steps.clone() {
            world.push(Instant::START + at, Event::Clock(seconds));
        }
        for at in world.conditions.publishes.clone() {
            world.push(Instant::START + at, Event::Publish);
        }
        world
    }

    fn engine(setup: &Setup, conditions: &Conditions, published: bool, random: Random) -> Engine {
        // Centres answer from addresses of their own, which the table does not know.
        let networks = ["10.2.0.0/16", "10.3.0.0/16", "10.4.0.0/16"];
        let networks: Vec<Range> = networks.iter().filter_map(|text| text.parse().ok()).collect();
        let peers = match conditions.trunk {
            Some(strangers) => Peers { trunks: vec![Self::trunk(networks, conditions)], strangers, ..Peers::default() },
            None => Peers::default(),
        };
        Engine::new(Settings {
            edition: setup.edition(conditions.faults.has(Fault::EarlyMedia), published),
            hash_key: [7; 32],
            peers,
            session: Intervals::default(),
            stand_ins: false,
            secrets: Secrets::from_number(random.clone().u64()),
            random,
        })
    }

    fn trunk(networks: Vec<Range>, conditions: &Conditions) -> Trunk {
        let mut trunk = Trunk::new("carrier", networks);
        if conditions.registrar.is_some()
            && let (Ok(registrar), Ok(address)) =
                (format!("sip:{}", registrar::DOMAIN).parse(), format!("sip:1357@{}", registrar::DOMAIN).parse())
        {
            trunk.registration =
                Some(Registration { registrar, address, expires: Duration::from_secs(300), keepalive: None });
            trunk.credentials = Some(Credentials {
                realm: Some(registrar::DOMAIN.to_owned()),
                user: registrar::USER.to_owned(),
                password: registrar::PASSWORD.to_owned(),
            });
        }
        trunk.early_media = conditions.faults.has(Fault::EarlyMedia);
        if let Some((calls, calls_per_second)) = conditions.caps {
            (trunk.calls, trunk.calls_per_second) = (Some(calls), Some(calls_per_second));
        }
        trunk
    }

    // ---- who is there ------------------------------------------------------------------------------------------

    /// Adds a caller who will dial at this moment.
    pub fn add_caller(&mut self, manner: Manner, at: Instant) -> usize {
        let number = format!("010{:08}", 1000 + self.phones.len());
        self.add_caller_from(&number, manner, at)
    }

    /// Adds a caller with this number.
    pub fn add_caller_from(&mut self, number: &str, manner: Manner, at: Instant) -> usize {
        let index = self.phones.len();
        let host = [10, 2, (index >> 8) as u8, index as u8];
        let (sip, sound) = (SocketAddr::from((host, 5060)), SocketAddr::from((host, 4000)));
        let random = Random::from_number(self.random.u64());
        // 107 and its kind are nobody's, and too short to look for.
        if number.len() >= PERSONAL_DIGITS {
            self.oracle.expect(number);
        }
        let phone = Phone::new(number, sip, sound, ENGINE, manner, self.directory.clone(), random);
        self.callers.insert(phone.story().call_id.clone(), index);
        self.phones.push(phone);
        self.phone_wakes.push(None);
        self.addresses.insert(sip, Place::Phone(index));
        self.addresses.insert(sound, Place::Sound);
        self.push(at, Event::Dial(index));
        index
    }

    /// Draws the callers of this run.
    pub fn add_drawn_callers(&mut self) {
        let numbers: Vec<String> = self
            .setup
            .plan
            .numbers
            .iter()
            .flat_map(|number| number.dialled.iter().map(|pattern| pattern.example()))
            .collect();
        for _ in 0..self.conditions.callers {
            let dials = numbers.get(self.random.below(numbers.len() as u64) as usize).map_or("1357", String::as_str);
            let manner = self.conditions.caller(&mut self.random, dials);
            let spread = u64::try_from(self.conditions.spread.as_nanos()).unwrap_or(u64::MAX);
            let at = Instant::from_nanos(self.random.below(spread));
            self.add_caller(manner, at);
        }
        self.add_noise();
    }

    /// The addresses of a centre behave like this from now on, in the order of the table; the last manner is that of all further
    /// ones. False when the table has no such row.
    pub fn set_centre(&mut self, row: &str, manners: &[backend::Manner]) -> bool {
        let of_row = self.centres.iter_mut().zip(&self.centre_names).filter(|(_, name)| *name == row);
        let mut known = false;
        for (at, (centre, _)) in of_row.enumerate() {
            if let Some(manner) = manners.get(at).or(manners.last()) {
                centre.behave(*manner);
            }
            known = true;
        }
        known
    }

    /// From now on keeps what a caller notices.
    pub fn keep_moments(&mut self) {
        self.moments.get_or_insert_default();
    }

    /// What a caller noticed since [`World::keep_moments`].
    pub fn moments(&self) -> &[(Instant, Moment)] {
        self.moments.as_deref().unwrap_or_default()
    }

    /// Simulated time.
    pub fn now(&self) -> Instant {
        self.now
    }

    /// A caller.
    pub fn phone(&self, index: usize) -> Option<&Phone> {
        self.phones.get(index)
    }

    /// The centre's row behind an address.
    pub fn centre_at(&self, target: &str) -> Option<&str> {
        let at = self.directory.get(target)?;
        let index = self.centres.iter().position(|centre| centre.address() == *at)?;
        self.centre_names.get(index).map(String::as_str)
    }

    /// The records written so far.
    pub fn records(&self) -> &[String] {
        &self.records
    }

    /// What was broken so far.
    pub fn violations(&self) -> &[Violation] {
        self.oracle.violations()
    }

    /// What happened.
    pub fn trace(&self) -> &Trace {
        &self.trace
    }

    /// Calls that reached the engine.
    pub fn calls(&self) -> usize {
        self.oracle.calls()
    }

    /// Callers who talked with a centre that the engine called.
    pub fn talks(&self) -> usize {
        self.oracle.talks()
    }

    /// Recordings of calls that began.
    pub fn tapes(&self) -> usize {
        self.oracle.tapes()
    }

    /// Whether something sounds on any line.
    pub fn sounds(&self) -> bool {
        self.lines.keys().any(|&stream| self.sounds_on(stream))
    }

    /// Whether whoever is at the other end of this line hears something: what is played, or somebody on another line.
    fn sounds_on(&self, stream: StreamKey) -> bool {
        self.lines.get(&stream).is_some_and(|(line, _)| line.sounds() || self.hears_another(line))
    }

    fn hears_another(&self, line: &Line) -> bool {
        line.sends() && line.hears().and_then(|other| self.lines.get(&other)).is_some_and(|(other, _)| other.speaks())
    }

    /// Holds lines that are bridged or recorded against the law.
    fn watch_lines(&mut self) {
        let bridged = self.lines.iter().filter_map(|(&stream, (line, _))| Some((stream, line.hears()?, line.talks())));
        for (stream, other, talks) in bridged.collect::<Vec<_>>() {
            self.oracle.bridged(self.now, other, talks);
            self.heard(stream);
        }
        let taped = self.lines.iter().filter(|(_, (line, _))| line.tapes());
        for (stream, talks) in taped.map(|(&stream, (line, _))| (stream, line.talks())).collect::<Vec<_>>() {
            self.oracle.tape_runs(self.now, stream, talks);
        }
    }

    // ---- time --------------------------------------------------------------------------------------------------

    /// A caller does this now.
    pub fn act(&mut self, phone: usize, action: Action) {
        self.with_phone(phone, |phone, now, out| phone.act(now, action, out));
    }

    /// The first SIGTERM.
    pub fn drain(&mut self) {
        self.happen(Event::Drain);
    }

    /// An operator turns a switch on; it stays on.
    pub fn turn_on(&mut self, switch: &str) {
        self.happen(Event::Switch(switch.to_owned()));
    }

    /// Wall time jumps.
    pub fn step_clock(&mut self, seconds: i64) {
        self.happen(Event::Clock(seconds));
    }

    /// Lets time go by.
    pub fn run_until(&mut self, until: Instant) {
        while self.next().is_some_and(|at| at <= until) {
            self.step();
        }
        self.now = self.now.max(until);
    }

    /// Lets everybody finish, and holds the result against the law.
    pub fn run_to_the_end(&mut self) {
        self.unregister();
        let last = self.now + LONGEST;
        while let Some(at) = self.next() {
            if at > last || self.idle_ticks > IDLE_TICKS_MAX {
                break;
            }
            self.step();
        }
        self.oracle.rested(self.now, self.last_tick, self.last_traffic, self.last_connection > 0);
        self.close_connections();
        let safe = self.conditions.is_fair();
        let stories: Vec<_> = self.phones.iter().map(|phone| phone.story().clone()).collect();
        for story in &stories {
            self.oracle.settle(self.now, story, safe);
        }
        let left = Left {
            calls: self.engine.calls(),
            registrations: self.engine.registering(),
            held: self.engine.held(),
            connections: self.engine.connections(),
            streams: self.lines.len(),
            ports: self.ports.len(),
        };
        self.oracle.quiet(self.now, left);
    }

    /// When something happens next.
    fn next(&self) -> Option<Instant> {
        [self.queue.due(), self.engine.deadline()].into_iter().flatten().min()
    }

    fn step(&mut self) {
        let engine_due = self.engine.deadline();
        match (self.queue.due(), engine_due) {
            (Some(at), due) if due.is_none_or(|due| at <= due) => {
                let Some((at, event)) = self.queue.pop() else { return };
                self.now = self.now.max(at);
                self.oracle.check(self.now);
                self.happen(event);
            }
            (_, Some(due)) => {
                // Several ticks at one moment are fine (each may send one message); endless ones are not.
                self.idle_ticks = if due > self.now { 0 } else { self.idle_ticks + 1 };
                self.now = self.now.max(due);
                self.last_tick = self.now;
                self.oracle.check(self.now);
                self.feed(Input::Tick);
            }
            (_, None) => {}
        }
    }

    fn push(&mut self, at: Instant, event: Event) {
        self.queue.push(at.max(self.now), event);
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Dial(index) => self.with_phone(index, |phone, now, out| phone.dial(now, out)),
            Event::Phone(index) => {
                if let Some(wake) = self.phone_wakes.get_mut(index) {
                    *wake = None;
                }
                self.with_phone(index, |phone, now, out| phone.tick(now, out));
            }
            Event::Centre(index) => {
                if let Some(wake) = self.centre_wakes.get_mut(index) {
                    *wake = None;
                }
                self.with_centre(index, |centre, now, out| centre.tick(now, out));
            }
            Event::Arrives(packet) => self.arrives(packet),
            Event::Opened(stream) => self.opened(stream),
            Event::Recorded(stream, event) => self.feed(Input::Media { stream, event }),
            Event::Closed(stream, report) => self.feed(Input::Media { stream, event: Sound::Closed(report) }),
            Event::LookedUp(lookup, answer) => self.feed(Input::LookedUp { lookup, answer }),
            Event::Line(stream) => {
                let event = self.lines.get_mut(&stream).and_then(|(line, _)| line.finished(self.now));
                match event {
                    Some(event) => {
                        self.heard(stream);
                        self.sound(stream, event);
                    }
                    // Words came meanwhile, and the recording goes on.
                    None => self.wait_for_line(stream),
                }
            }
            Event::Journaled(call) => {
                self.oracle.journaled(call);
                self.feed(Input::Journaled { call });
            }
            Event::SendFailed(flow) => {
                self.note(b"send failed", || format!("engine    send to {} failed", flow.remote));
                self.feed(Input::SendFailed { flow });
            }
            Event::Flush(connection) => self.flush(connection),
            Event::Bytes(connection, bytes) => self.told(connection, &bytes),
            Event::Reset(connection) => self.cut(connection),
            Event::OpeningFailed(flow) => {
                self.note(b"refused", || format!("engine    connection to {} refused", flow.remote));
                self.feed(Input::SendFailed { flow });
                self.feed(Input::Disconnected { connection: flow.connection });
            }
            Event::Noise(shot) => self.shoot(shot),
            Event::Inherit => self.inherit(),
            Event::Clock(seconds) => {
                self.note(b"clock", || format!("clock     jumps by {seconds} s"));
                self.clock_off += seconds;
            }
            Event::Switch(name) => {
                self.note(b"switch", || format!("switch    {name} is on"));
                self.switched.turn_on(&name, None);
                self.feed(Input::Switched(Arc::new(self.switched.clone())));
            }
            Event::Publish => {
                self.published = !self.published;
                self.note(b"publish", || "an operator publishes another table".to_owned());
                self.oracle.published(self.published);
                let early = self.conditions.faults.has(Fault::EarlyMedia);
                self.feed(Input::Published(self.setup.edition(early, self.published)));
            }
            Event::Crash => self.crash(),
            Event::Drain => {
                self.note(b"drain", || "first SIGTERM".to_owned());
                self.feed(Input::Drain);
                self.oracle.drains();
            }
            Event::Stop => {
                self.oracle.stopped();
                self.note(b"stop", || "second SIGTERM".to_owned());
                self.feed(Input::Stop);
            }
        }
    }

    // ---- the network -------------------------------------------------------------------------------------------

    fn arrives(&mut self, packet: Packet) {
        if packet.to == ENGINE {
            self.note(&packet.bytes, || format!("{:>15} -> engine  {}", packet.from.ip(), Brief(&packet.bytes)));
            let is_caller = matches!(self.addresses.get(&packet.from), Some(Place::Phone(_)));
            if is_caller && packet.by != By::Void {
                self.delivered(&packet.bytes);
            }
            if matches!(self.addresses.get(&packet.from), Some(Place::Centre(_))) && packet.by != By::Void {
                self.oracle.centre_says(self.now, &packet.bytes);
            }
            let flow = Flow { transport: Transport::Udp, local: ENGINE, remote: packet.from, connection: 0 };
            return self.feed(Input::Received { flow, bytes: &packet.bytes });
        }
        if packet.to.ip() == ENGINE.ip() {
            let Some(&stream) = self.ports.get(&packet.to.port()) else { return };
            self.note(&packet.bytes, || format!("{:>15} -> sound   {}", packet.from.ip(), Brief(&packet.bytes)));
            let mut events = Vec::new();
            if let Some((line, _)) = self.lines.get_mut(&stream) {
                line.received(self.now, packet.from, &packet.bytes, &mut events);
            }
            for event in events {
                self.sound(stream, event);
            }
            return;
        }
        match self.addresses.get(&packet.to) {
            Some(&Place::Phone(index)) => {
                self.with_phone(index, |phone, now, out| phone.received(now, packet.from, &packet.bytes, out));
            }
            Some(&Place::Centre(index)) => {
                self.with_centre(index, |centre, now, out| centre.received(now, packet.from, &packet.bytes, out));
            }
            Some(Place::Carrier) => self.carrier(packet.to, packet.from, &packet.bytes),
            Some(Place::Sound | Place::Noise { .. }) | None => {}
        }
    }

    /// A whole message of a caller reaches the engine.
    fn delivered(&mut self, bytes: &[u8]) {
        self.oracle.delivered(self.now, bytes);
        if self.moments.is_some() {
            self.notice_delivered(bytes);
        }
    }

    fn carry(&mut self, packet: Packet) {
        if packet.by == By::Connection {
            return self.write(packet);
        }
        let [first, second] = self.network.datagram(self.now);
        if let Some(at) = second {
            self.push(at, Event::Arrives(packet.clone()));
        }
        if let Some(at) = first {
            self.push(at, Event::Arrives(packet));
        }
    }

    fn with_phone(&mut self, index: usize, act: impl FnOnce(&mut Phone, Instant, &mut Vec<Packet>)) {
        let Some(phone) = self.phones.get_mut(index) else { return };
        let (held, reached, ended) = before(phone);
        let mut out = Vec::new();
        act(phone, self.now, &mut out);
        let deadline = phone.deadline();
        let story = phone.story();
        // Nor does anybody who is gone without a word.
        if story.deserted || matches!(story.end, Some((_, super::caller::End::Vanished))) {
            self.oracle.deserts(&story.call_id);
        }
        if story.holding != held {
            self.oracle.holding(self.now, &story.call_id, story.holding);
        }
        if let Some((_, target)) = story.reached.get(reached) {
            let target = target.clone();
            self.moment(|| Moment::Reaches(target));
        }
        let released = match self.phones.get(index).and_then(|phone| phone.story().end) {
            Some((_, super::caller::End::Released)) if !ended => Some(Moment::Releases),
            Some((_, super::caller::End::Refused(status))) if !ended => Some(Moment::Refuses(status)),
            _ => None,
        };
        if let Some(moment) = released {
            self.moment(|| moment);
        }
        for packet in out {
            self.carry(packet);
        }
        if let Some(due) = deadline
            && self.phone_wakes.get(index).is_some_and(|wake| wake.is_none_or(|wake| due < wake))
        {
            if let Some(wake) = self.phone_wakes.get_mut(index) {
                *wake = Some(due);
            }
            self.push(due, Event::Phone(index));
        }
    }

    fn with_centre(&mut self, index: usize, act: impl FnOnce(&mut Centre, Instant, &mut Vec<(SocketAddr, Vec<u8>)>)) {
        let Some(centre) = self.centres.get_mut(index) else { return };
        let mut out = Vec::new();
        act(centre, self.now, &mut out);
        let (signals, sounds, deadline) = (centre.address(), centre.sound(), centre.deadline());
        for (to, bytes) in out {
            let from = if is_sound(&bytes) { sounds } else { signals };
            self.carry(Packet { from, to, bytes, by: By::Datagram });
        }
        if let Some(due) = deadline
            && self.centre_wakes.get(index).is_some_and(|wake| wake.is_none_or(|wake| due < wake))
        {
            if let Some(wake) = self.centre_wakes.get_mut(index) {
                *wake = Some(due);
            }
            self.push(due, Event::Centre(index));
        }
    }

    fn transmit(&mut self, mut flow: Flow, bytes: Vec<u8>) {
        // Centres live at addresses of their own here, whatever the table says.
        if self.place_of(&flow).is_none()
            && let Some(uri) = std::str::from_utf8(&bytes).ok().and_then(|text| text.split(' ').nth(1))
            && let Some(&at) = self.directory.get(text::destination(uri))
        {
            flow.remote = at;
        }
        self.note(&bytes, || format!("engine -> {:<15} {}", flow.remote.ip(), Brief(&bytes)));
        match self.place_of(&flow) {
            Some(Place::Noise { known: true }) => {}
            Some(Place::Noise { known: false }) => self.oracle.told_stranger(self.now, &bytes, self.conditions.trunk),
            Some(Place::Carrier) => self.oracle.to_carrier(self.now, &bytes),
            Some(Place::Phone(_) | Place::Centre(_) | Place::Sound) | None => {
                // Empty lines answer pings.
                if bytes != b"\r\n" {
                    self.oracle.sent(self.now, &bytes);
                }
                if self.moments.is_some() {
                    self.notice_sent(&bytes);
                }
            }
        }
        if flow.transport.is_stream() {
            return self.write_to_caller(flow, &bytes);
        }
        if self.random.chance(self.conditions.send_failure) {
            return self.push(self.now, Event::SendFailed(flow));
        }
        self.carry(Packet { from: flow.local, to: flow.remote, bytes, by: By::Datagram });
    }

    // ---- the engine --------------------------------------------------------------------------------------------

    fn feed(&mut self, input: Input<'_>) {
        let now = Now { instant: self.now, wall: self.wall() };
        let mut outputs = std::mem::take(&mut self.outputs);
        let told = !matches!(input, Input::Tick);
        self.engine.handle(now, input, &mut outputs);
        if told || !outputs.is_empty() {
            self.last_traffic = self.now;
        }
        let acted = !outputs.is_empty();
        for output in outputs.drain(..) {
            self.carry_out(output);
        }
        self.outputs = outputs;
        if acted {
            self.watch_lines();
        }
    }

    fn wall(&self) -> Wall {
        let later = Duration::from_secs(self.conditions.later * 3600);
        let right = self.setup.began + later + self.now.since(Instant::START);
        Wall::from_micros(right.as_micros() + self.clock_off * 1_000_000)
    }

    fn sound(&mut self, stream: StreamKey, event: Sound) {
        match event {
            Sound::Key(key) => self.oracle.heard(stream, key.as_char()),
            Sound::Finished(_) => self.oracle.finished(stream),
            Sound::Recorded(ended) if self.lines.get(&stream).is_some_and(|(line, _)| line.is_tape(ended.key)) => {}
            Sound::Recorded(_) => self.oracle.recorded(stream),
            Sound::Latched(_) | Sound::Silent | Sound::Pressed(_) | Sound::Alone | Sound::Broken | Sound::Closed(_) => {
            }
        }
        self.feed(Input::Media { stream, event });
    }

    fn carry_out(&mut self, output: Output) {
        match output {
            Output::Transmit { flow, bytes } => self.transmit(flow, bytes),
            Output::Lookup { lookup, question } => self.look_up(lookup, question),
            Output::Expect { .. } => {}
            Output::CloseConnection { connection } => {
                self.note(b"disconnect", || format!("engine    closes connection {connection}"));
                self.push(self.now, Event::Reset(connection));
            }
            Output::OpenStream { stream, beside, .. } => {
                self.note(b"open", || format!("engine    open  {stream:?}"));
                // Beside a line of ours is that of whoever takes the caller's call over.
                let placed = |beside: &StreamKey| !self.lines.get(beside).is_some_and(|(line, _)| line.is_placed());
                let line = match beside.filter(placed) {
                    Some(beside) => {
                        self.oracle.opened_beside(stream, beside);
                        Line::beside()
                    }
                    None => Line::new(),
                };
                self.lines.insert(stream, (line, None));
                let wait = Duration::from_micros(self.random.below(300));
                self.push(self.now + wait, Event::Opened(stream));
            }
            Output::Media { stream, command } => self.command(stream, command),
            Output::Discard { file } => self.note(b"discard", || format!("engine    discards {file}")),
            Output::CloseStream { stream } => {
                self.note(b"close", || format!("engine    close {stream:?}"));
                self.oracle.closed(self.now, stream);
                let line = self.lines.remove(&stream);
                let (recorded, report) = line.map_or_else(Default::default, |(mut line, port)| {
                    if let Some(port) = port {
                        self.ports.remove(&port);
                        self.free_ports.push_back(port);
                    }
                    (line.end_recordings(self.now), line.quality())
                });
                // Every eighth media thread is dead and never answers.
                if !stream.0.is_multiple_of(8) {
                    for recorded in recorded {
                        self.push(self.now + LAST_WORD, Event::Recorded(stream, recorded));
                    }
                    self.push(self.now + LAST_WORD, Event::Closed(stream, report));
                }
            }
            Output::Journal { call, entry: Entry::Start { record: line, dialog } } => {
                self.open_dialogs.extend(dialog.map(|dialog| (call, dialog)));
                self.note(line.as_bytes(), || format!("engine    start {line}"));
                self.oracle.journal_start(self.now, call, &line);
                self.open_calls.insert(call, line);
                let wait = u64::try_from(self.conditions.journal.as_nanos()).unwrap_or(u64::MAX);
                let wait = Duration::from_nanos(self.random.below(wait.saturating_add(1)));
                self.push(self.now + wait, Event::Journaled(call));
            }
            Output::Journal { call, entry: Entry::Dialog(dialog) } => {
                if let Some(known) = self.open_dialogs.get_mut(&call) {
                    *known = dialog;
                }
            }
            Output::Journal { call, entry: Entry::Centre(dialog) } => {
                if self.open_calls.contains_key(&call) {
                    self.open_centres.insert(call, dialog);
                }
            }
            Output::Journal { call, entry: Entry::End(line) } => {
                self.note(line.as_bytes(), || format!("engine    end   {line}"));
                self.oracle.journal_end(self.now, call, &line);
                self.open_calls.remove(&call);
                self.open_dialogs.remove(&call);
                self.open_centres.remove(&call);
                self.records.push(line);
            }
            Output::Live { call, news } => {
                self.oracle.news(self.now, call, &news);
                match &news {
                    News::Entered { row } => self.moment(|| Moment::Enters(row.to_string())),
                    News::Key { key } => self.moment(|| Moment::Key(key.map_or(UNSAID, |key| key.as_char()))),
                    News::Began { .. } | News::Ended { .. } => {}
                }
                self.note(b"live", || format!("engine    live  {call} {news:?}"));
            }
        }
    }

    fn opened(&mut self, stream: StreamKey) {
        if !self.lines.contains_key(&stream) {
            return;
        }
        let denied = self.random.chance(self.conditions.no_port);
        let port = if denied { None } else { self.free_ports.pop_front() };
        match port {
            Some(port) => {
                self.ports.insert(port, stream);
                self.oracle.opened(stream, port);
                if let Some((_, held)) = self.lines.get_mut(&stream) {
                    *held = Some(port);
                }
            }
            // Nothing was opened, so nothing will be closed.
            None => {
                self.oracle.unopened(stream);
                self.lines.remove(&stream);
            }
        }
        self.feed(Input::StreamOpened { stream, port });
    }

    fn command(&mut self, stream: StreamKey, command: Command) {
        self.note(command_name(&command).as_bytes(), || format!("engine    {stream:?} {}", told(&command)));
        let stops = matches!(command, Command::Stop);
        let plays = matches!(command, Command::Play { .. });
        // A message; that a call is recorded, its caller was told before.
        let records = matches!(&command, Command::Record(recording) if recording.silence.is_some());
        let is_tape = |key| self.lines.get(&stream).is_some_and(|(line, _)| line.is_tape(key));
        let tape = match &command {
            Command::Record(recording) if recording.silence.is_none() => {
                self.oracle.tape_begins(self.now, stream, &recording.file);
                Some(Tape::Begins)
            }
            Command::PauseRecording(key, paused) if is_tape(*key) => {
                Some(if *paused { Tape::Pauses } else { Tape::GoesOn })
            }
            Command::EndRecording(key) if is_tape(*key) => Some(Tape::Ends),
            _ => None,
        };
        let disk_full = self.disk_full;
        let Some((line, _)) = self.lines.get_mut(&stream) else { return };
        line.fill_disk(disk_full);
        line.command(self.now, command, &self.setup.lengths);
        if self.moments.is_some() && (stops || plays) {
            let playing = line.playing().map(|(prompts, length)| (prompts.to_vec(), length));
            let repeat = line.repeats();
            self.moment(|| match playing {
                Some((prompts, length)) => Moment::Plays { prompts, length, repeat },
                None => Moment::Stops,
            });
        }
        if records {
            self.moment(|| Moment::Records);
        }
        if let Some(tape) = tape {
            self.moment(|| Moment::Tape(tape));
        }
        self.heard(stream);
        self.wait_for_line(stream);
    }

    fn wait_for_line(&mut self, stream: StreamKey) {
        if let Some(due) = self.lines.get(&stream).and_then(|(line, _)| line.deadline()) {
            self.push(due.max(self.now), Event::Line(stream));
        }
    }

    /// Whether somebody is being recorded.
    pub fn is_recording(&self) -> bool {
        self.lines.values().any(|(line, _)| line.records())
    }

    /// From now on nothing that is recorded can be kept, or everything again.
    pub fn fill_disk(&mut self, full: bool) {
        self.disk_full = full;
    }

    /// Tells the oracle what this line sounds like now.
    fn heard(&mut self, stream: StreamKey) {
        let Some((line, _)) = self.lines.get(&stream) else { return };
        let caller = self.oracle.call_of(stream).and_then(|call| self.callers.get(call));
        let story = caller.and_then(|&index| self.phones.get(index)).map(Phone::story);
        self.oracle.sounds(self.now, stream, (line, self.hears_another(line)), story);
    }

    /// `kill -9`, and a new process a moment later. What was written stays; open calls are closed as the shell
    /// closes them when it starts.
    fn crash(&mut self) {
        self.note(b"crash", || "kill -9".to_owned());
        self.oracle.crashed();
        for (call, start) in std::mem::take(&mut self.open_calls) {
            self.oracle.journal_end(self.now, call, &start);
            self.records.push(start);
        }
        self.queue.retain(|event| {
            !matches!(
                event,
                Event::Opened(_)
                    | Event::Closed(..)
                    | Event::Line(_)
                    | Event::Journaled(_)
                    | Event::SendFailed(_)
                    | Event::OpeningFailed(_)
                    | Event::LookedUp(..)
            )
        });
        for (_, (_, port)) in std::mem::take(&mut self.lines) {
            self.free_ports.extend(port);
        }
        self.ports.clear();
        self.engine =
            Self::engine(&self.setup, &self.conditions, self.published, Random::from_number(self.random.u64()));
        self.feed(Input::Switched(Arc::new(self.switched.clone())));
        self.lose_connections();
        let callers = std::mem::take(&mut self.open_dialogs).into_values();
        let dialogs = callers.chain(std::mem::take(&mut self.open_centres).into_values()).collect();
        self.feed(Input::Orphaned { dialogs });
    }

    // ---- what is kept ------------------------------------------------------------------------------------------

    fn note(&mut self, bytes: &[u8], words: impl FnOnce() -> String) {
        self.trace.note(self.now, bytes, words);
    }
}

/// A packet of RTP, whose version is 2.
fn is_sound(bytes: &[u8]) -> bool {
    bytes.first().is_some_and(|first| first >> 6 == 2)
}

fn before(phone: &Phone) -> (bool, usize, bool) {
    let story = phone.story();
    (story.holding, story.reached.len(), story.end.is_some())
}
