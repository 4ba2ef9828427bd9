//! The carrier we register with, and the name system that leads there or does not.

use super::{Conditions, ENGINE, Event, Fault, Input, World};
use crate::sim::caller::By;
use crate::sim::registrar::{self, DOMAIN};
use crate::sip::locate::{Answer, LookupKey, Naptr, Question, Srv};
use crate::sip::trunk::{Credentials, Network, Registration, Trunk};
use crate::time::{Duration, Instant};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

/// Where the carrier's two proxies are; a registrar answers at both.
pub(super) const PROXIES: [SocketAddr; 2] = [
    SocketAddr::new(IpAddr::V4(Ipv4Addr::new(10, 5, 0, 1)), 5060),
    SocketAddr::new(IpAddr::V4(Ipv4Addr::new(10, 5, 0, 2)), 5060),
];
/// How long a registration is watched: some refreshes, and the longest call.
const WATCHED: Duration = Duration::from_secs(900);
/// Longer than any name server takes.
const SLOW: u64 = 40_000;

impl World {
    /// A question of the engine.
    pub(super) fn look_up(&mut self, lookup: LookupKey, question: Question) {
        let ill = self.conditions.faults.has(Fault::Dns) && !matches!(question, Question::Local { .. });
        let fate = if ill { self.random.below(5) } else { 4 };
        // Nobody else has a name here but some peers: what noise calls its host leads nowhere.
        let peer = self.hosts.answer(&question);
        let known = match &question {
            Question::Naptr(name) | Question::Srv(name) | Question::Addresses(name) => name.ends_with(DOMAIN),
            Question::Local { .. } => true,
        };
        let right = self.healthy(question);
        let right = peer.unwrap_or(if known { right } else { empty(right) });
        let answer = match fate {
            0 => Answer::Failed,
            1 => empty(right),
            _ => right,
        };
        let after = if fate == 2 { Duration::from_millis(self.random.below(SLOW)) } else { Duration::ZERO };
        self.push(self.now + after, Event::LookedUp(lookup, answer));
    }

    /// What a healthy name server says. Half of the carriers have NAPTR records; an SRV record has two hosts.
    fn healthy(&mut self, question: Question) -> Answer {
        match question {
            Question::Local { .. } => Answer::Local(ENGINE),
            Question::Naptr(_) if self.random.chance(0.5) => Answer::Naptr(Vec::new()),
            Question::Naptr(_) => Answer::Naptr(vec![Naptr {
                order: 10,
                preference: 10,
                flags: "s".to_owned(),
                service: "SIP+D2U".to_owned(),
                replacement: format!("_sip._udp.{DOMAIN}"),
            }]),
            Question::Srv(name) if name.starts_with("_sip._udp.") => {
                let record =
                    |priority, host| Srv { priority, weight: 1, port: 5060, target: format!("{host}.{DOMAIN}") };
                Answer::Srv(vec![record(10, "a"), record(20, "b")])
            }
            Question::Srv(_) => Answer::Srv(Vec::new()),
            Question::Addresses(name) => {
                // The address of a host may change from one question to the next.
                let changes = self.conditions.faults.has(Fault::Dns) && self.random.chance(0.2);
                let second = name.starts_with("b.") != changes;
                Answer::Addresses(vec![PROXIES[usize::from(second)].ip()])
            }
        }
    }

    /// The trunk of all callers.
    pub(super) fn trunk(networks: Vec<Network>, conditions: &Conditions) -> Trunk {
        let mut trunk = Trunk::new("carrier", networks);
        if conditions.registrar.is_some()
            && let (Ok(registrar), Ok(address)) =
                (format!("sip:{}", DOMAIN).parse(), format!("sip:1357@{}", DOMAIN).parse())
        {
            trunk.registration =
                Some(Registration { registrar, address, expires: Duration::from_secs(300), keepalive: None });
            trunk.credentials = Some(Credentials {
                realm: Some(DOMAIN.to_owned()),
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

    /// Something for the carrier arrives there.
    pub(super) fn carrier(&mut self, proxy: SocketAddr, from: SocketAddr, bytes: &[u8]) {
        // One of the two may be dead: whoever cannot reach it tries the other.
        if self.conditions.dead_proxy == Some(usize::from(proxy == PROXIES[1])) {
            return;
        }
        let answer = self.registrar.received(self.now, bytes);
        for what in self.registrar.faults() {
            self.oracle.carrier_saw(self.now, what);
        }
        if let Some(bytes) = answer {
            self.carry(super::Packet { from: proxy, to: from, bytes, by: By::Datagram });
        }
    }

    /// Watches the registration for a while after the calls, and then has it removed: nothing else would ever end.
    pub(super) fn unregister(&mut self) {
        if !self.registers() {
            return;
        }
        self.run_until(Instant::START + WATCHED);
        self.oracle.drains();
        self.feed(Input::Drain);
    }

    /// The engine keeps a registration alive in this run.
    pub(super) fn registers(&self) -> bool {
        self.conditions.trunk.is_some() && self.conditions.registrar.is_some()
    }
}

/// The exchange that we call centres by, whose addresses we look up for that. The table says where they are.
pub(super) fn exchange() -> Trunk {
    let mut trunk = Trunk::new("exchange", Vec::new());
    trunk.proxy = "sip:127.0.0.1:5070".parse().ok();
    trunk
}

fn empty(answer: Answer) -> Answer {
    match answer {
        Answer::Naptr(_) => Answer::Naptr(Vec::new()),
        Answer::Srv(_) => Answer::Srv(Vec::new()),
        Answer::Addresses(_) => Answer::Addresses(Vec::new()),
        other @ (Answer::Local(_) | Answer::Failed) => other,
    }
}
