//! The world of one run: an engine, its callers, its centres, the network between them, and the clock.
//!
//! A queue of events ordered by time and number drives everything; the engine is fed what a shell would feed it
//! and its outputs are carried out as a shell would. Nothing here reads a clock or draws from anything but the
//! seed, so that a run replays bit for bit.

mod carrier;
mod connections;
mod effects;
mod heirs;
mod hosts;
mod lines;
mod moments;
mod strangers;
mod wire;

use super::backend::{self, Centre};
use super::caller::{Action, Directory, Manner, Packet, Phone, text};
use super::fault::Fault;
use super::line::Line;
use super::network::Network;
use super::oracle::{Left, Oracle, Violation};
use super::queue::Queue;
use super::registrar::{self, Registrar};
use super::setup::{Moment, Setup};
use super::swarm::Conditions;
use super::trace::Trace;
use crate::engine::{CallKey, Engine, Input, Intervals, Output, Settings};
use crate::media::{Ended, Event as Sound, Report, StreamKey};
use crate::random::{Random, Secrets};
use crate::routing::switch::Switches;
use crate::sip::Flow;
use crate::sip::locate::{Answer, LookupKey};
use crate::sip::trunk::{Network as Range, Peers};
use crate::time::{Duration, Instant};
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
    /// A recording is in its file, or could not be kept.
    Recorded(StreamKey, Arc<str>, Ended),
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
    /// How the disk takes recordings.
    disk: Random,
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
    hosts: hosts::Hosts,
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
    /// The other address of a host with two, by index.
    Other(usize),
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
        let mut hosts = hosts::Hosts::new(Random::from_number(seed ^ 0x3263));
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
                if let Some((host, other, place)) = conditions.names_hosts().then(|| hosts.draw(at)).flatten() {
                    centre = centre.named(host);
                    addresses.insert(other, place);
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
            disk: Random::from_number(seed ^ 0xd15c),
            moments: None,
            outputs: Vec::new(),
            idle_ticks: 0,
            clock_off: 0,
            connections: BTreeMap::new(),
            last_connection: 0,
            connected_once: BTreeSet::new(),
            registrar,
            hosts,
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
            Some(strangers) => {
                let mut trunks = vec![Self::trunk(networks, conditions)];
                trunks.extend(conditions.names_hosts().then(carrier::exchange));
                Peers { trunks, strangers, ..Peers::default() }
            }
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

    // ---- who is there ------------------------------------------------------------------------------------------

    /// Adds a caller who will dial at this moment.
    pub fn add_caller(&mut self, manner: Manner, at: Instant) -> usize {
        let number = format!("010{:08}", 1000 + self.phones.len());
        self.add_caller_from(&number, manner, at)
    }

    /// Adds a caller with this number.
    pub fn add_caller_from(&mut self, number: &str, mut manner: Manner, at: Instant) -> usize {
        let index = self.phones.len();
        let host = [10, 2, (index >> 8) as u8, index as u8];
        let (sip, sound) = (SocketAddr::from((host, 5060)), SocketAddr::from((host, 4000)));
        let random = Random::from_number(self.random.u64());
        // 107 and its kind are nobody's, and too short to look for.
        if number.len() >= PERSONAL_DIGITS {
            self.oracle.expect(number);
        }
        if self.conditions.names_hosts()
            && manner.tcp.is_none()
            && let Some((host, other, place)) = self.hosts.draw(sip)
        {
            manner.host = Some(host);
            self.addresses.insert(other, place);
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
        self.settle_ways();
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
            Event::Recorded(stream, file, ended) => self.recorded(stream, &file, ended),
            Event::Closed(stream, report) => self.feed(Input::Media { stream, event: Sound::Closed(report) }),
            Event::LookedUp(lookup, answer) => self.feed(Input::LookedUp { lookup, answer }),
            Event::Line(stream) => {
                let event = self.lines.get_mut(&stream).and_then(|(line, _)| line.finished(self.now));
                self.write_recordings(stream);
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

    // ---- what is kept ------------------------------------------------------------------------------------------

    fn note(&mut self, bytes: &[u8], words: impl FnOnce() -> String) {
        self.trace.note(self.now, bytes, words);
    }
}
