//! Draws the conditions of a run from its seed: which faults are on, how bad the network is, who calls.
//!
//! Swarm testing: each seed switches every fault on or off by itself, so that rare mixtures occur and a failing
//! seed shows which faults it needs.

use super::backend;
use super::caller::{Manner, Oddities};
use super::network::Weather;
use crate::random::Random;
use crate::time::Duration;

/// What a run has to live with.
#[derive(Clone, PartialEq, Debug)]
pub struct Conditions {
    /// The network.
    pub weather: Weather,
    /// Callers and telephones.
    pub odd: Oddities,
    /// Centres that are busy, dead, slow or refuse.
    pub odd_centres: bool,
    /// The disk takes at most this long for a start of a call.
    pub journal: Duration,
    /// Share of streams for which no port is free.
    pub no_port: f64,
    /// The process dies and starts again.
    pub crash: Option<Duration>,
    /// SIGTERM.
    pub stop: Option<Duration>,
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
            weather: Weather { delay: Duration::from_millis(2), ..Weather::default() },
            odd: Oddities::default(),
            odd_centres: false,
            journal: Duration::from_millis(1),
            no_port: 0.0,
            crash: None,
            stop: None,
            callers: 1,
            spread: Duration::ZERO,
            later: 0,
        }
    }

    /// The conditions of a seed.
    pub fn draw(random: &mut Random) -> Self {
        let mut share = |most: u64| if random.chance(0.3) { random.below(most) as f64 / 100.0 } else { 0.0 };
        let (loss, duplicate, reorder) = (share(16), share(20), share(20));
        let jitter = Duration::from_millis(if random.chance(0.5) { random.below(30) } else { 0 });
        let weather = Weather { loss, duplicate, reorder, delay: Duration::from_micros(random.below(20_000)), jitter };
        let mut on = || random.chance(0.4);
        let odd = Oddities {
            late_offer: on(),
            cancel: on(),
            lost_ack: on(),
            info: on(),
            events: on(),
            follow: on(),
            hold: on(),
            hang_up: on(),
            vanish: on(),
            wrong_number: on(),
        };
        let odd_centres = on();
        let journal = Duration::from_micros(random.below(6_000));
        let no_port = if random.chance(0.1) { 0.3 } else { 0.0 };
        let moment = |random: &mut Random| Duration::from_millis(random.below(60_000));
        let crash = if random.chance(0.1) { Some(moment(random)) } else { None };
        let stop = if random.chance(0.05) { Some(moment(random)) } else { None };
        Self {
            weather,
            odd,
            odd_centres,
            journal,
            no_port,
            crash,
            stop,
            callers: 1 + random.below(24) as usize,
            spread: Duration::from_millis(random.below(30_000)),
            later: if random.chance(0.15) { random.below(72) } else { 0 },
        }
    }

    /// Whether every packet that leaves arrives, once and in order.
    pub fn is_fair(&self) -> bool {
        self.weather.loss == 0.0 && self.weather.reorder == 0.0 && self.crash.is_none()
    }

    /// A caller of this run.
    pub fn caller(&self, random: &mut Random, dials: &str) -> Manner {
        Manner::draw(random, dials, self.odd)
    }

    /// A centre of this run.
    pub fn centre(&self, random: &mut Random) -> backend::Manner {
        let answers = backend::Manner::Answers(Duration::from_millis(random.below(8_000)));
        if !self.odd_centres || random.chance(0.5) {
            return answers;
        }
        match random.below(5) {
            0 => backend::Manner::Busy,
            1 => backend::Manner::RingsForever,
            2 => backend::Manner::Dead,
            3 => backend::Manner::Refuses([403, 404, 480, 500, 503, 600, 603][random.below(7) as usize]),
            _ => backend::Manner::Answers(Duration::from_millis(random.below(100_000))),
        }
    }

    /// The faults that are on, for the report.
    pub fn faults(&self) -> Vec<&'static str> {
        let odd = self.odd;
        [
            ("loss", self.weather.loss > 0.0),
            ("duplication", self.weather.duplicate > 0.0),
            ("reorder", self.weather.reorder > 0.0),
            ("jitter", self.weather.jitter > Duration::ZERO),
            ("late-offer", odd.late_offer),
            ("cancel", odd.cancel),
            ("lost-ack", odd.lost_ack),
            ("info-keys", odd.info),
            ("odd-events", odd.events),
            ("odd-refer", odd.follow),
            ("hold", odd.hold),
            ("hang-up", odd.hang_up),
            ("vanish", odd.vanish),
            ("wrong-number", odd.wrong_number),
            ("odd-centres", self.odd_centres),
            ("no-port", self.no_port > 0.0),
            ("crash", self.crash.is_some()),
            ("stop", self.stop.is_some()),
            ("other-hours", self.later > 0),
        ]
        .into_iter()
        .filter_map(|(name, on)| on.then_some(name))
        .collect()
    }
}
