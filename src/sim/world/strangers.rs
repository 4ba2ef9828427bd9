//! Those who are no callers: broken devices, scanners, and attackers who know the identifiers of a live call.

use super::{Event, Fault, Place, World, connections};
use crate::sim::noise;
use crate::time::{Duration, Instant};
use std::net::SocketAddr;

/// One thing somebody does.
#[derive(Clone, Copy, Debug)]
pub(super) enum Shot {
    /// A broken message.
    Broken {
        /// On a connection, else in a datagram.
        stream: bool,
    },
    /// A message beyond every bound.
    Oversized {
        /// On a connection, else in a datagram.
        stream: bool,
    },
    /// A request of a source that may not talk to us.
    Stranger,
    /// The same, with the identifiers of this caller's call.
    Forged(usize),
}

/// How the addresses begin of those who are no callers, but of the callers' own network.
pub(super) const KNOWN: &str = "10.4.113.";
/// How many of a kind a run has at most.
const SHOTS: u64 = 12;

impl World {
    /// Draws what others than callers do in this run.
    pub(super) fn add_noise(&mut self) {
        let (malformed, strangers) =
            (self.conditions.faults.has(Fault::Malformed), self.conditions.faults.has(Fault::Strangers));
        let oversized = self.conditions.faults.has(Fault::Oversized);
        if malformed || oversized {
            self.oracle.expect_noise();
        }
        let mut shots = Vec::new();
        for _ in 0..self.random.below(SHOTS) {
            let stream = self.random.chance(0.4);
            if malformed {
                shots.push(Shot::Broken { stream });
            }
            if oversized && self.random.chance(0.3) {
                shots.push(Shot::Oversized { stream });
            }
            if strangers {
                shots.push(Shot::Stranger);
                shots.push(Shot::Forged(self.random.below(self.conditions.callers as u64) as usize));
            }
        }
        for shot in shots {
            let at = Instant::START + Duration::from_millis(self.random.below(60_000));
            self.push(at, Event::Noise(shot));
        }
    }

    pub(super) fn shoot(&mut self, shot: Shot) {
        let method = noise::any_method(&mut self.random);
        match shot {
            Shot::Broken { stream } | Shot::Oversized { stream } => {
                let from = self.somebody([10, 4], stream, true);
                let over = if stream { "TCP" } else { "UDP" };
                let whole = noise::request(&mut self.random, method, over, &from.to_string(), "1357");
                let bytes = match shot {
                    Shot::Oversized { .. } => noise::oversized(&mut self.random, &whole),
                    _ => noise::broken(&mut self.random, &whole),
                };
                if stream {
                    let number = self.write_noise(from, &bytes);
                    let until = self.now + Duration::from_millis(self.random.below(60_000));
                    self.push(until, Event::Reset(number));
                } else {
                    self.carry(connections::datagram(from, bytes));
                }
            }
            Shot::Stranger => {
                let from = self.somebody([203, 0], false, false);
                let whole = noise::request(&mut self.random, method, "UDP", &from.to_string(), "1357");
                self.carry(connections::datagram(from, whole.into_bytes()));
            }
            Shot::Forged(phone) => {
                let from = self.somebody([203, 0], false, false);
                let methods = ["BYE", "CANCEL", "INVITE", "UPDATE", "ACK", "INFO", "NOTIFY", "PRACK"];
                let method = methods[self.random.below(methods.len() as u64) as usize];
                let Some(bytes) = self.phones.get(phone).map(|phone| phone.forged(method, from)) else { return };
                self.carry(connections::datagram(from, bytes));
            }
        }
    }

    /// An address of this network that nobody has had yet.
    fn somebody(&mut self, [a, b]: [u8; 2], stream: bool, known: bool) -> SocketAddr {
        let host = 1 + self.random.below(200) as u8;
        let port = if stream { 30_000 + self.random.below(5_000) as u16 } else { 5060 };
        let at = SocketAddr::from(([a, b, 113, host], port));
        self.addresses.insert(at, Place::Noise { known });
        at
    }
}
