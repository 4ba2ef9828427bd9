//! Where a request outside a dialog goes (RFC 3263, RFC 2782): from a URI to one address after the other.
//!
//! [`Locator`] is pulled: each step is a question to ask, a [`Hop`] to try, or the end. What is not needed is never asked:
//! the second address of a domain only once the first has failed. Asking is the shell's work, caching too: a record is
//! believed no longer than its time to live. `maddr` is obeyed as RFC 3263 §4 has it; only URIs of the settings, and those
//! that a trunk's registrar names, come here. Where IPv4 and IPv6 are both known, the name system's order counts, and a
//! family in which we have no socket is passed over.

use crate::limits::{LOCATE_QUESTIONS_MAX, LOCATE_RECORDS_MAX};
use crate::random::Random;
use crate::sip::flow::Transport;
use crate::sip::uri::{Scheme, SipUri, host_ip};
use std::collections::VecDeque;
use std::net::{IpAddr, SocketAddr};

/// Our handle of one question.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct LookupKey(pub u64);

/// A question; each has exactly one [`Answer`], in its time.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Question {
    /// The NAPTR records of a domain (RFC 3263 §4.1).
    Naptr(String),
    /// The SRV records of a name such as `_sips._tcp.example.com` (RFC 3263 §4.2).
    Srv(String),
    /// The A and AAAA records of a host.
    Addresses(String),
    /// Not of the name system but of our own sockets: the address that this peer sees us at, with the port we listen on
    /// there. Via and Contact carry it, so it is asked before a request is written.
    Local {
        /// By which transport.
        transport: Transport,
        /// Towards whom.
        remote: SocketAddr,
    },
}

/// An answer. An empty list says that there is no such name, or no record of this type.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Answer {
    /// To [`Question::Naptr`].
    Naptr(Vec<Naptr>),
    /// To [`Question::Srv`].
    Srv(Vec<Srv>),
    /// To [`Question::Addresses`].
    Addresses(Vec<IpAddr>),
    /// To [`Question::Local`].
    Local(SocketAddr),
    /// To any: no server answered in time, or none knew; for [`Question::Local`], we have no socket or no route there.
    Failed,
}

/// A NAPTR record (RFC 3403 §4.1); its regular expression is not for SIP.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Naptr {
    /// Lower first.
    pub order: u16,
    /// Lower first, among equal orders.
    pub preference: u16,
    /// `s` for SIP.
    pub flags: String,
    /// `SIP+D2U`, `SIP+D2T`, `SIPS+D2T`.
    pub service: String,
    /// The name of the SRV records.
    pub replacement: String,
}

/// An SRV record (RFC 2782).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Srv {
    /// Lower first.
    pub priority: u16,
    /// The share among equal priorities.
    pub weight: u16,
    /// Port.
    pub port: u16,
    /// A host; `.` says that there is no service.
    pub target: String,
}

/// Where a request may go next.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Hop {
    /// How.
    pub transport: Transport,
    /// Our address, for Via and Contact.
    pub local: SocketAddr,
    /// The peer.
    pub remote: SocketAddr,
    /// The domain that a TLS certificate must name: that of the URI, not what records made of it (RFC 3263 §4.1).
    pub name: String,
}

/// What is next.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Step {
    /// Ask this, and bring the answer.
    Ask(Question),
    /// Try this; step on when it fails.
    Try(Hop),
    /// Nothing is left.
    End,
}

/// Something still to be looked at, in order.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Lead {
    Naptr,
    Srv(Transport, String),
    /// The addresses of the domain itself: only where no record said anything better.
    Fallback(Transport),
    Host(Transport, String, u16),
    Address(Transport, SocketAddr),
}

/// The way from a URI to its addresses.
#[derive(Clone, Debug)]
pub struct Locator {
    domain: String,
    secure: bool,
    only: Option<Transport>,
    leads: VecDeque<Lead>,
    asked: Option<Lead>,
    questions: usize,
}

impl Locator {
    /// For a URI; `only` restricts the transport as the settings of a trunk do, where the URI names none.
    pub fn new(uri: &SipUri, only: Option<Transport>) -> Self {
        let domain = uri.param("maddr").filter(|host| !host.is_empty()).unwrap_or_else(|| uri.host()).to_owned();
        let secure = uri.scheme() == Scheme::Sips;
        let named = uri.param("transport").and_then(|name| Transport::from_param(name.as_bytes())).or(only);
        // `sips` with `transport=tcp` is TLS over TCP (RFC 3261 §26.2.2).
        let named = if secure { named.map(|_| Transport::Tls) } else { named };
        let usual = named.unwrap_or(if secure { Transport::Tls } else { Transport::Udp });
        let first = match (host_ip(domain.as_bytes()), uri.port(), named) {
            (Some(ip), port, _) => Lead::Address(usual, SocketAddr::new(ip, port.unwrap_or_else(|| usual.port()))),
            (None, Some(port), _) => Lead::Host(usual, domain.clone(), port),
            (None, None, Some(transport)) => Lead::Srv(transport, service(transport, &domain)),
            (None, None, None) => Lead::Naptr,
        };
        let mut leads = VecDeque::from([first]);
        if matches!(leads[0], Lead::Srv(..) | Lead::Naptr) {
            leads.push_back(Lead::Fallback(usual));
        }
        if uri.scheme() == Scheme::Tel {
            leads.clear();
        }
        Self { domain, secure, only: named, leads, asked: None, questions: 0 }
    }

    /// Whether TLS is the only way there.
    pub fn is_secure(&self) -> bool {
        self.secure || self.only == Some(Transport::Tls)
    }

    /// The address, where it is one and not a name.
    pub fn address(&self) -> Option<IpAddr> {
        host_ip(self.domain.as_bytes())
    }

    /// Something is left to look at.
    pub fn has_more(&self) -> bool {
        !self.leads.is_empty()
    }

    /// What is next. After [`Step::Ask`] the next call must be [`Locator::answer`].
    pub fn step(&mut self) -> Step {
        loop {
            let Some(lead) = self.leads.pop_front() else { return Step::End };
            let question = match &lead {
                Lead::Naptr => Question::Naptr(self.domain.clone()),
                Lead::Srv(_, name) => Question::Srv(name.clone()),
                Lead::Fallback(transport) => {
                    self.leads.push_front(Lead::Host(*transport, self.domain.clone(), transport.port()));
                    continue;
                }
                Lead::Host(_, host, _) => Question::Addresses(host.clone()),
                Lead::Address(transport, remote) => Question::Local { transport: *transport, remote: *remote },
            };
            // Records that lead from one to the next without end.
            if self.questions >= LOCATE_QUESTIONS_MAX {
                return Step::End;
            }
            self.questions += 1;
            self.asked = Some(lead);
            return Step::Ask(question);
        }
    }

    /// The answer to the question of the last step; what is next then. One that fits no question changes nothing.
    pub fn answer(&mut self, answer: Answer, random: &mut Random) -> Step {
        match (self.asked.take(), answer) {
            (Some(Lead::Naptr), Answer::Naptr(records)) => self.take_naptr(records),
            (Some(Lead::Naptr), _) => self.ask_services(),
            (Some(Lead::Srv(transport, _)), Answer::Srv(records)) => self.take_srv(transport, records, random),
            (Some(Lead::Host(transport, _, port)), Answer::Addresses(addresses)) => {
                let mut seen: Vec<IpAddr> = Vec::new();
                for address in addresses.into_iter().take(LOCATE_RECORDS_MAX) {
                    if is_host(address) && !seen.contains(&address) {
                        seen.push(address);
                    }
                }
                for address in seen.into_iter().rev() {
                    self.leads.push_front(Lead::Address(transport, SocketAddr::new(address, port)));
                }
            }
            (Some(Lead::Address(transport, remote)), Answer::Local(local)) => {
                let name = self.domain.clone();
                return Step::Try(Hop { transport, local, remote, name });
            }
            // No record, no server, no socket: the next lead.
            (Some(Lead::Srv(..) | Lead::Host(..) | Lead::Address(..) | Lead::Fallback(_)) | None, _) => {}
        }
        self.step()
    }

    /// RFC 3263 §4.1: the services we speak, in the order of the domain; none at all means to ask for SRV by ourselves.
    fn take_naptr(&mut self, mut records: Vec<Naptr>) {
        records.truncate(LOCATE_RECORDS_MAX);
        records.sort_by_key(|record| (record.order, record.preference));
        let leads: Vec<Lead> = records
            .into_iter()
            .filter(|record| record.flags.eq_ignore_ascii_case("s"))
            .filter_map(|record| {
                let transport =
                    [("SIP+D2U", Transport::Udp), ("SIP+D2T", Transport::Tcp), ("SIPS+D2T", Transport::Tls)]
                        .into_iter()
                        .find_map(|(name, transport)| record.service.eq_ignore_ascii_case(name).then_some(transport))?;
                let fits = !self.secure || transport == Transport::Tls;
                fits.then_some(Lead::Srv(transport, record.replacement))
            })
            .collect();
        if leads.is_empty() {
            return self.ask_services();
        }
        for lead in leads.into_iter().rev() {
            self.leads.push_front(lead);
        }
    }

    fn ask_services(&mut self) {
        let transports: &[Transport] = match (self.only, self.secure) {
            (Some(only), _) => &[only],
            (None, true) => &[Transport::Tls],
            (None, false) => &[Transport::Udp, Transport::Tcp, Transport::Tls],
        };
        for transport in transports.iter().rev() {
            self.leads.push_front(Lead::Srv(*transport, service(*transport, &self.domain)));
        }
    }

    /// RFC 2782: by priority, and among equals by lot, each with the chance of its weight.
    fn take_srv(&mut self, transport: Transport, mut records: Vec<Srv>, random: &mut Random) {
        records.truncate(LOCATE_RECORDS_MAX);
        if records.is_empty() {
            return;
        }
        // The domain has said where its service is, or that it has none: its own addresses are out of the question.
        self.leads.retain(|lead| !matches!(lead, Lead::Fallback(_)));
        records.retain(|record| !matches!(record.target.as_str(), "" | ".") && record.port != 0);
        // Zero weights first, so that they have a chance at all.
        records.sort_by_key(|record| (record.priority, record.weight != 0));
        let mut ordered = Vec::with_capacity(records.len());
        while let Some(priority) = records.first().map(|record| record.priority) {
            let equals = records.iter().take_while(|record| record.priority == priority).count();
            let total: u64 = records[..equals].iter().map(|record| u64::from(record.weight)).sum();
            let lot = random.below(total + 1);
            let mut sum = 0;
            let drawn = records[..equals]
                .iter()
                .position(|record| {
                    sum += u64::from(record.weight);
                    sum >= lot
                })
                .unwrap_or(0);
            ordered.push(records.remove(drawn));
        }
        for record in ordered.into_iter().rev() {
            self.leads.push_front(Lead::Host(transport, record.target, record.port));
        }
    }
}

/// An address that a peer can have.
fn is_host(address: IpAddr) -> bool {
    !address.is_unspecified() && !address.is_multicast()
}

fn service(transport: Transport, domain: &str) -> String {
    let label = match transport {
        Transport::Udp => "_sip._udp",
        Transport::Tcp => "_sip._tcp",
        Transport::Tls => "_sips._tcp",
    };
    format!("{label}.{}", domain.trim_end_matches('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A name system in text: `naptr NAME ORDER PREFERENCE SERVICE REPLACEMENT`, `srv NAME PRIORITY WEIGHT PORT TARGET`,
    /// `a NAME ADDRESS`; our sockets are IPv4 only.
    fn ask(zone: &str, question: &Question) -> Answer {
        let rows = |kind: &str, name: &str| -> Vec<Vec<String>> {
            zone.lines()
                .map(|line| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
                .filter(|words| words.len() > 2 && words[0] == kind && words[1] == name)
                .map(|words| words[2..].to_vec())
                .collect()
        };
        let number = |text: &str| text.parse().expect("a number");
        match question {
            Question::Naptr(name) => Answer::Naptr(
                rows("naptr", name)
                    .into_iter()
                    .map(|row| Naptr {
                        order: number(&row[0]),
                        preference: number(&row[1]),
                        flags: "s".to_owned(),
                        service: row[2].clone(),
                        replacement: row[3].clone(),
                    })
                    .collect(),
            ),
            Question::Srv(name) => Answer::Srv(
                rows("srv", name)
                    .into_iter()
                    .map(|row| Srv {
                        priority: number(&row[0]),
                        weight: number(&row[1]),
                        port: number(&row[2]),
                        target: row[3].clone(),
                    })
                    .collect(),
            ),
            Question::Addresses(name) => {
                Answer::Addresses(rows("a", name).iter().map(|row| row[0].parse().expect("an address")).collect())
            }
            Question::Local { remote, .. } if remote.is_ipv4() => {
                Answer::Local("192.0.2.1:5060".parse().expect("an address"))
            }
            Question::Local { .. } => Answer::Failed,
        }
    }

    /// Every hop of a URI, as `udp 192.0.2.7:5060`.
    fn hops(uri: &str, only: Option<Transport>, zone: &str, seed: u64) -> Vec<String> {
        let mut random = Random::from_number(seed);
        let mut locator = Locator::new(&uri.parse().expect("a URI"), only);
        let mut found = Vec::new();
        let mut step = locator.step();
        loop {
            step = match step {
                Step::Ask(question) => locator.answer(ask(zone, &question), &mut random),
                Step::Try(hop) => {
                    found.push(format!("{} {}", hop.transport.name().to_ascii_lowercase(), hop.remote));
                    locator.step()
                }
                Step::End => return found,
            };
        }
    }

    const ZONE: &str = "
        naptr kt.example 20 10 SIP+D2U _sip._udp.kt.example
        naptr kt.example 10 50 SIP+D2T _sip._tcp.kt.example
        naptr kt.example 10 10 SIPS+D2T _sips._tcp.other.example
        naptr kt.example 5 10 E2U+sip ignored.example
        srv _sips._tcp.other.example 1 0 5081 sbc1.other.example
        srv _sip._tcp.kt.example 1 0 5070 sbc1.kt.example
        srv _sip._udp.kt.example 2 0 5060 sbc2.kt.example
        srv _sip._udp.kt.example 1 0 5060 sbc1.kt.example
        srv _sip._udp.lg.example 1 0 5062 sbc1.kt.example
        srv _sips._tcp.lg.example 1 0 5061 sbc2.kt.example
        srv _sip._udp.none.example 0 0 0 .
        a none.example 192.0.2.40
        a sbc1.other.example 192.0.2.30
        a sbc1.kt.example 192.0.2.11
        a sbc1.kt.example 2001:db8::11
        a sbc1.kt.example 192.0.2.11
        a sbc1.kt.example 192.0.2.12
        a sbc2.kt.example 192.0.2.21
        a bare.example 2001:db8::9
        a bare.example 192.0.2.9
        a bare.example 0.0.0.0
    ";

    #[test]
    fn a_uri_leads_to_its_addresses_in_the_order_of_the_domain() {
        for (uri, only, wanted) in [
            ("sip:192.0.2.5", None, &["udp 192.0.2.5:5060"][..]),
            ("sip:a@192.0.2.5:5090;transport=tcp", None, &["tcp 192.0.2.5:5090"]),
            ("sips:192.0.2.5", None, &["tls 192.0.2.5:5061"]),
            ("sips:192.0.2.5;transport=tcp", None, &["tls 192.0.2.5:5061"]),
            ("sip:192.0.2.5", Some(Transport::Tcp), &["tcp 192.0.2.5:5060"]),
            ("sip:192.0.2.5;transport=udp", Some(Transport::Tcp), &["udp 192.0.2.5:5060"]),
            // We listen on no IPv6 address.
            ("sip:[2001:db8::5]", None, &[]),
            // A port takes NAPTR and SRV out of the question (RFC 3263 §4.1, §4.2).
            ("sip:kt.example:5080", None, &[]),
            ("sip:sbc1.kt.example:5080", None, &["udp 192.0.2.11:5080", "udp 192.0.2.12:5080"]),
            (
                "sip:kt.example",
                None,
                &[
                    "tls 192.0.2.30:5081",
                    "tcp 192.0.2.11:5070",
                    "tcp 192.0.2.12:5070",
                    "udp 192.0.2.11:5060",
                    "udp 192.0.2.12:5060",
                    "udp 192.0.2.21:5060",
                ],
            ),
            ("sips:kt.example", None, &["tls 192.0.2.30:5081"]),
            ("sip:kt.example;transport=tcp", None, &["tcp 192.0.2.11:5070", "tcp 192.0.2.12:5070"]),
            // Without NAPTR, SRV of each transport we speak.
            ("sip:lg.example", None, &["udp 192.0.2.11:5062", "udp 192.0.2.12:5062", "tls 192.0.2.21:5061"]),
            ("sip:lg.example", Some(Transport::Tls), &["tls 192.0.2.21:5061"]),
            // Without SRV, the domain's own addresses.
            ("sip:bare.example", None, &["udp 192.0.2.9:5060"]),
            ("sips:bare.example", None, &["tls 192.0.2.9:5061"]),
            ("sip:bare.example;transport=tcp", None, &["tcp 192.0.2.9:5060"]),
            // A target of `.` says that there is no such service.
            ("sip:none.example;transport=udp", None, &[]),
            ("sip:lost.example", None, &[]),
            ("sip:kt.example;maddr=192.0.2.99", None, &["udp 192.0.2.99:5060"]),
            ("tel:1357", None, &[]),
        ] {
            assert_eq!(hops(uri, only, ZONE, 1), wanted, "{uri} {only:?}");
        }
    }

    #[test]
    fn equal_priorities_are_drawn_by_weight() {
        let zone = "
            srv _sip._udp.w.example 1 90 5060 heavy.example
            srv _sip._udp.w.example 1 10 5060 light.example
            srv _sip._udp.w.example 2 50 5060 spare.example
            a heavy.example 192.0.2.1
            a light.example 192.0.2.2
            a spare.example 192.0.2.3
        ";
        let mut heavy = 0;
        for seed in 0..1_000 {
            let order = hops("sip:w.example;transport=udp", None, zone, seed);
            assert_eq!((order.len(), order[2].as_str()), (3, "udp 192.0.2.3:5060"));
            heavy += usize::from(order[0] == "udp 192.0.2.1:5060");
        }
        assert!((850..950).contains(&heavy), "{heavy} of 1,000");
    }

    #[test]
    fn a_zone_that_goes_on_for_ever_is_left() {
        let mut zone = String::new();
        for index in 0..500 {
            zone += &format!("naptr big.example 1 {index} SIP+D2U _sip._udp.n{index}.example\n");
            for host in 0..100 {
                zone += &format!(
                    "srv _sip._udp.n{index}.example 1 1 5060 h{host}.example\na h{host}.example 192.0.2.{host}\n"
                );
            }
        }
        assert!(hops("sip:big.example", None, &zone, 1).len() <= LOCATE_QUESTIONS_MAX);
    }

    #[test]
    fn a_name_server_that_is_down_leaves_what_needs_no_name() {
        let mut locator = Locator::new(&"sip:kt.example".parse().expect("a URI"), None);
        let mut random = Random::from_number(1);
        let mut asked = Vec::new();
        let mut step = locator.step();
        while let Step::Ask(question) = step {
            asked.push(format!("{question:?}"));
            step = locator.answer(Answer::Failed, &mut random);
        }
        assert_eq!(step, Step::End);
        assert_eq!(
            asked,
            [
                "Naptr(\"kt.example\")",
                "Srv(\"_sip._udp.kt.example\")",
                "Srv(\"_sip._tcp.kt.example\")",
                "Srv(\"_sips._tcp.kt.example\")",
                "Addresses(\"kt.example\")",
            ]
        );
    }

    #[test]
    fn the_certificate_must_name_the_domain_that_was_written() {
        let mut locator = Locator::new(&"sips:kt.example".parse().expect("a URI"), None);
        let mut random = Random::from_number(1);
        let mut step = locator.step();
        while let Step::Ask(question) = step {
            step = locator.answer(ask(ZONE, &question), &mut random);
        }
        let Step::Try(hop) = step else { panic!("no hop") };
        assert_eq!((hop.remote.to_string().as_str(), hop.name.as_str()), ("192.0.2.30:5081", "kt.example"));
    }
}
