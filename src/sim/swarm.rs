//! Draws the conditions of a run from its seed: which faults are on, how bad the network is, who calls.
//!
//! Swarm testing: each seed switches every fault on or off by itself, so that rare mixtures occur and a failing
//! seed shows which faults it needs. A fault that is not allowed is drawn all the same and then left out, so that
//! the rest of a seed's conditions stays as it was.

use super::backend;
use super::caller::Manner;
use super::fault::{Fault, Faults};
use super::network::Weather;
use super::registrar;
use crate::random::Random;
use crate::sip::trunk::Strangers;
use crate::time::Duration;

/// What a run has to live with.
#[derive(Clone, PartialEq, Debug)]
pub struct Conditions {
    /// They are those of a seed.
    pub drawn: bool,
    /// What can go wrong.
    pub faults: Faults,
    /// The network.
    pub weather: Weather,
    /// Share of our datagrams that cannot even leave.
    pub send_failure: f64,
    /// The disk takes at most this long for a start of a call.
    pub journal: Duration,
    /// Share of streams for which no port is free.
    pub no_port: f64,
    /// The process dies and starts again.
    pub crash: Option<Duration>,
    /// No new calls from now on.
    pub drain: Option<Duration>,
    /// BYE to everybody.
    pub stop: Option<Duration>,
    /// Wall time jumps: when, and by how many seconds.
    pub clock_steps: Vec<(Duration, i64)>,
    /// Another table is published, at each of these times.
    pub publishes: Vec<Duration>,
    /// The callers are a trunk's, and this is what everybody else meets; `None`: there is no trunk.
    pub trunk: Option<Strangers>,
    /// The carrier we register with, when there is a trunk.
    pub registrar: Option<registrar::Manner>,
    /// Which of its two proxies is dead.
    pub dead_proxy: Option<usize>,
    /// The trunk's most calls at one time, and in a second.
    pub caps: Option<(u32, u32)>,
    /// When another telephone takes over one of the calls.
    pub heirs: Vec<Duration>,
    /// How many call.
    pub callers: usize,
    /// All of them begin within this time.
    pub spread: Duration,
    /// Hours added to the time of day, to come when centres are closed.
    pub later: u64,
}

impl Conditions {
    /// One caller on a fine day: nothing is lost, nobody is odd.
    pub fn calm() -> Self {
        Self {
            drawn: false,
            faults: Faults::NONE,
            weather: Weather { delay: Duration::from_millis(2), ..Weather::default() },
            send_failure: 0.0,
            journal: Duration::from_millis(1),
            no_port: 0.0,
            crash: None,
            drain: None,
            stop: None,
            clock_steps: Vec::new(),
            publishes: Vec::new(),
            trunk: None,
            registrar: None,
            dead_proxy: None,
            caps: None,
            heirs: Vec::new(),
            callers: 1,
            spread: Duration::ZERO,
            later: 0,
        }
    }

    /// The conditions of a seed in which only these faults may occur.
    pub fn draw(random: &mut Random, allowed: Faults) -> Self {
        // What came later is drawn aside, so that a seed known by its number tells the story that it always told.
        let first = random.clone().u64();
        let mut aside = Random::from_number(first ^ 0x1357);
        let mut drawn: Faults = Fault::ALL
            .iter()
            .copied()
            .filter(|fault| !matches!(fault, Fault::Publish | Fault::Bridges | Fault::Recordings | Fault::Hosts))
            .filter(|fault| random.chance(fault.share()))
            .collect();
        if aside.chance(Fault::Publish.share()) {
            drawn = drawn.with(Fault::Publish);
        }
        if Random::from_number(first ^ 0x1358).chance(Fault::Bridges.share()) {
            drawn = drawn.with(Fault::Bridges);
        }
        if Random::from_number(first ^ 0x1359).chance(Fault::Recordings.share()) {
            drawn = drawn.with(Fault::Recordings);
        }
        if Random::from_number(first ^ 0x135a).chance(Fault::Hosts.share()) {
            drawn = drawn.with(Fault::Hosts);
        }
        let faults = drawn.and(allowed);
        let share = |random: &mut Random, fault, most: u64| {
            let share = (1 + random.below(most)) as f64 / 100.0;
            if faults.has(fault) { share } else { 0.0 }
        };
        let loss = share(random, Fault::Loss, 15);
        let duplicate = share(random, Fault::Duplication, 19);
        let reorder = share(random, Fault::Reorder, 19);
        let send_failure = share(random, Fault::SendFailure, 10);
        let jitter = Duration::from_millis(1 + random.below(30));
        let jitter = if faults.has(Fault::Jitter) { jitter } else { Duration::ZERO };
        let weather = Weather { loss, duplicate, reorder, delay: Duration::from_micros(random.below(20_000)), jitter };
        let (usual, slow) = (Duration::from_micros(random.below(6_000)), Duration::from_millis(random.below(8_000)));
        let journal = if faults.has(Fault::SlowDisk) { slow } else { usual };
        let moment = |random: &mut Random| Duration::from_millis(random.below(60_000));
        let (crash, drain, stop) = (moment(random), moment(random), moment(random));
        let steps = [3, -3, 3_600, -3_600, 86_400, -86_400, 12];
        let mut clock_steps: Vec<(Duration, i64)> = (0..1 + random.below(3))
            .map(|_| (moment(random), steps[random.below(steps.len() as u64) as usize]))
            .collect();
        if !faults.has(Fault::ClockStep) {
            clock_steps.clear();
        }
        let mut publishes: Vec<Duration> = (0..1 + aside.below(4)).map(|_| moment(&mut aside)).collect();
        if !faults.has(Fault::Publish) {
            publishes.clear();
        }
        let trunk = match random.below(3) {
            0 => None,
            1 => Some(Strangers::Silence),
            _ => Some(Strangers::Forbidden),
        };
        let registrar = if random.chance(0.3) { registrar::Manner::Binds } else { registrar::Manner::odd(random) };
        let dead_proxy = random.chance(0.3).then(|| random.below(2) as usize);
        let caps = (1 + random.below(8) as u32, 1 + random.below(4) as u32);
        let mut heirs: Vec<Duration> = (0..1 + random.below(6)).map(|_| moment(random)).collect();
        if !faults.has(Fault::Replaces) {
            heirs.clear();
        }
        let (callers, spread, later) = (1 + random.below(24), random.below(30_000), random.below(72));
        Self {
            drawn: true,
            faults,
            weather,
            send_failure,
            journal,
            no_port: if faults.has(Fault::NoPort) { 0.3 } else { 0.0 },
            crash: faults.has(Fault::Crash).then_some(crash),
            drain: faults.has(Fault::Drain).then_some(drain),
            stop: faults.has(Fault::Stop).then_some(stop),
            clock_steps,
            publishes,
            trunk,
            registrar: faults.has(Fault::Registrar).then_some(registrar),
            dead_proxy,
            caps: faults.has(Fault::Caps).then_some(caps),
            heirs,
            callers: callers as usize,
            spread: Duration::from_millis(spread),
            later: if faults.has(Fault::OtherHours) { later } else { 0 },
        }
    }

    /// Whether every packet that leaves arrives, once and in order.
    pub fn is_fair(&self) -> bool {
        self.weather.loss == 0.0 && self.weather.reorder == 0.0 && self.crash.is_none()
    }

    /// Whether peers may have a host with two addresses: only of a trunk's peers does the engine look names up.
    pub fn names_hosts(&self) -> bool {
        self.faults.has(Fault::Hosts) && self.trunk.is_some()
    }

    /// A caller of this run.
    pub fn caller(&self, random: &mut Random, dials: &str) -> Manner {
        Manner::draw(random, dials, self.faults)
    }

    /// A centre of this run.
    pub fn centre(&self, random: &mut Random) -> backend::Manner {
        let answers = backend::Manner::Answers(Duration::from_millis(random.below(8_000)));
        if !self.faults.has(Fault::Centres) || random.chance(0.5) {
            return answers;
        }
        match random.below(6) {
            0 => backend::Manner::Busy,
            1 => backend::Manner::RingsForever,
            2 => backend::Manner::Dead,
            3 => backend::Manner::Refuses([403, 404, 480, 500, 503, 600, 603][random.below(7) as usize]),
            // The ringing and the answer within a millisecond: so are their NOTIFYs.
            4 => backend::Manner::Answers(Duration::ZERO),
            _ => backend::Manner::Answers(Duration::from_millis(random.below(100_000))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leaving_out_one_fault_leaves_the_others_as_they_were() {
        for seed in 0..50 {
            let all = Conditions::draw(&mut Random::from_number(seed), Faults::all());
            let fewer = Conditions::draw(&mut Random::from_number(seed), Faults::all().without(Fault::Loss));
            assert_eq!(fewer.weather.loss, 0.0);
            assert_eq!(fewer.faults, all.faults.without(Fault::Loss));
            let weather = Weather { loss: all.weather.loss, ..fewer.weather };
            assert_eq!(Conditions { faults: all.faults, weather, ..fewer }, all);
        }
    }

    #[test]
    fn every_fault_is_on_in_some_seeds_and_off_in_others() {
        let sets: Vec<Faults> =
            (0..200).map(|seed| Conditions::draw(&mut Random::from_number(seed), Faults::all()).faults).collect();
        for &fault in Fault::ALL {
            let on = sets.iter().filter(|set| set.has(fault)).count();
            assert!(on > 0 && on < sets.len(), "{} is on in {on} of {}", fault.name(), sets.len());
        }
    }
}
