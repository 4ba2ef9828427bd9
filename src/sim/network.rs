//! Carries datagrams between addresses, and loses, doubles, delays and disorders them as the seed says.

use crate::random::Random;
use crate::time::{Duration, Instant};
use std::collections::BTreeMap;
use std::net::SocketAddr;

/// How bad the network is today.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Weather {
    /// Share of datagrams that never arrive.
    pub loss: f64,
    /// Share that arrive twice.
    pub duplicate: f64,
    /// Share that are held up long enough to be overtaken.
    pub reorder: f64,
    /// The shortest way.
    pub delay: Duration,
    /// At most this much more, drawn for each datagram.
    pub jitter: Duration,
}

/// What the network did, for the report of a run.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Counts {
    /// Datagrams handed over.
    pub carried: u64,
    /// Never arrived.
    pub lost: u64,
    /// Arrived twice.
    pub doubled: u64,
    /// Held up.
    pub late: u64,
}

/// How long an overtaken datagram is held up beyond the usual way.
const HELD_UP: Duration = Duration::from_millis(40);

/// The network between callers, centres and the engine.
#[derive(Debug)]
pub struct Network {
    weather: Weather,
    random: Random,
    /// A connection keeps its order: nothing of it arrives before what was sent earlier.
    ordered: BTreeMap<(SocketAddr, SocketAddr), Instant>,
    counts: Counts,
}

impl Network {
    /// A network with this weather and this source of chance.
    pub fn new(weather: Weather, random: Random) -> Self {
        Self { weather, random, ordered: BTreeMap::new(), counts: Counts::default() }
    }

    /// When a datagram sent now arrives: never, once or twice.
    pub fn datagram(&mut self, now: Instant) -> [Option<Instant>; 2] {
        self.counts.carried += 1;
        if self.random.chance(self.weather.loss) {
            self.counts.lost += 1;
            return [None, None];
        }
        let first = self.way(now);
        let second = if self.random.chance(self.weather.duplicate) {
            self.counts.doubled += 1;
            Some(self.way(now))
        } else {
            None
        };
        [Some(first), second]
    }

    /// When bytes written to a connection now arrive: always, and in order.
    pub fn stream(&mut self, now: Instant, from: SocketAddr, to: SocketAddr) -> Instant {
        self.counts.carried += 1;
        let drawn = self.way(now);
        let last = self.ordered.entry((from, to)).or_default();
        // One nanosecond apart, so that two writes of one instant cannot change places.
        *last = drawn.max(*last + Duration::from_nanos(1));
        *last
    }

    /// What happened so far.
    pub fn counts(&self) -> Counts {
        self.counts
    }

    fn way(&mut self, now: Instant) -> Instant {
        let jitter = u64::try_from(self.weather.jitter.as_nanos()).unwrap_or(u64::MAX);
        let mut way = self.weather.delay + Duration::from_nanos(self.random.below(jitter.saturating_add(1)));
        if self.random.chance(self.weather.reorder) {
            self.counts.late += 1;
            way += HELD_UP;
        }
        now + way
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(weather: Weather, seed: u64) -> Vec<[Option<Instant>; 2]> {
        let mut network = Network::new(weather, Random::from_number(seed));
        (0..1000).map(|step| network.datagram(Instant::from_nanos(step * 1_000_000))).collect()
    }

    #[test]
    fn a_fair_network_delivers_each_datagram_once_after_its_delay() {
        let weather = Weather { delay: Duration::from_millis(3), ..Weather::default() };
        for (step, fate) in sent(weather, 1).into_iter().enumerate() {
            assert_eq!(fate, [Some(Instant::from_nanos((step as u64 + 3) * 1_000_000)), None]);
        }
    }

    #[test]
    fn foul_weather_loses_and_doubles_about_as_often_as_it_says() {
        let weather = Weather { loss: 0.2, duplicate: 0.1, ..Weather::default() };
        let fates = sent(weather, 2);
        let lost = fates.iter().filter(|fate| fate[0].is_none()).count();
        let doubled = fates.iter().filter(|fate| fate[1].is_some()).count();
        assert!((150..250).contains(&lost), "{lost} of 1000 lost");
        assert!((50..120).contains(&doubled), "{doubled} of 1000 doubled");
    }

    #[test]
    fn the_same_seed_has_the_same_weather() {
        let weather = Weather { loss: 0.3, duplicate: 0.3, reorder: 0.3, ..Weather::default() };
        assert_eq!(sent(weather, 3), sent(weather, 3));
        assert_ne!(sent(weather, 3), sent(weather, 4));
    }

    #[test]
    fn bytes_of_a_connection_keep_their_order() {
        let weather = Weather { reorder: 0.5, jitter: Duration::from_millis(50), loss: 0.5, ..Weather::default() };
        let mut network = Network::new(weather, Random::from_number(5));
        let ends: (SocketAddr, SocketAddr) = (([10, 0, 0, 1], 1).into(), ([10, 0, 0, 2], 2).into());
        let arrivals: Vec<Instant> =
            (0..200).map(|step| network.stream(Instant::from_nanos(step * 1_000_000), ends.0, ends.1)).collect();
        assert!(arrivals.windows(2).all(|two| two[0] < two[1]));
    }
}
