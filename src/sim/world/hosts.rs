//! Peers whose Contact is the name of a host with two addresses (RFC 3263 §4): one is theirs, and something is wrong with the other.
//!
//! The engine asks for such a name where the peer is a trunk's, and sends what belongs to the dialog to one address or the other.

use super::{Conditions, ENGINE, Event, Fault, Manner, Place, World};
use crate::random::Random;
use crate::sim::backend::Centre;
use crate::sim::caller::text::Message;
use crate::sim::caller::{By, Packet};
use crate::sip::locate::{Answer, Question, Srv};
use crate::time::Duration;
use std::net::{IpAddr, SocketAddr};

/// Where these hosts have their names.
const DOMAIN: &str = "peers.example";
const PORT: u16 = 5060;

/// What becomes of what is sent to the other address.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Ill {
    /// Nothing: a host that is down.
    Silent,
    /// 503, and for so many seconds nothing more is wanted, or it does not say.
    Refuses(Option<u64>),
    /// It cannot even leave (EHOSTUNREACH).
    Unsendable,
    /// It reaches the peer as well, later than we wait.
    Slow(Duration),
}

/// One such host.
#[derive(Debug)]
struct Host {
    own: SocketAddr,
    other: SocketAddr,
    ill: Ill,
    /// The other address is asked first.
    other_first: bool,
}

/// All of them, and what they are drawn from.
#[derive(Debug)]
pub(super) struct Hosts {
    random: Random,
    hosts: Vec<Host>,
}

impl Hosts {
    pub(super) fn new(random: Random) -> Self {
        Self { random, hosts: Vec::new() }
    }

    /// Half of the peers have such a host: what stands in the Contact, and where the other address is.
    pub(super) fn draw(&mut self, own: SocketAddr) -> Option<(String, SocketAddr, Place)> {
        if self.random.chance(0.5) {
            return None;
        }
        let index = self.hosts.len();
        let ill = match self.random.below(6) {
            0 | 1 => Ill::Silent,
            2 => Ill::Refuses(None),
            3 => Ill::Refuses(Some(self.random.below(90))),
            4 => Ill::Unsendable,
            _ => Ill::Slow(Duration::from_millis(self.random.below(12_000))),
        };
        let other = SocketAddr::from(([10, 6, (index >> 8) as u8, index as u8], PORT));
        let (other_first, records) = (self.random.chance(0.7), self.random.chance(0.5));
        self.hosts.push(Host { own, other, ill, other_first });
        // With a port there are no records to ask for (RFC 3263 §4.2).
        let port = if records { String::new() } else { format!(":{PORT}") };
        Some((format!("h{index}.{DOMAIN}{port}"), other, Place::Other(index)))
    }

    /// What the name system knows of such a host.
    pub(super) fn answer(&self, question: &Question) -> Option<Answer> {
        let (Question::Naptr(name) | Question::Srv(name) | Question::Addresses(name)) = question else { return None };
        let labels = name.strip_suffix(DOMAIN)?.strip_suffix('.')?;
        let host = |label: &str| self.hosts.get(label.strip_prefix('h')?.parse::<usize>().ok()?);
        Some(match question {
            Question::Srv(_) => {
                let label = labels.strip_prefix("_sip._udp.").filter(|label| host(label).is_some());
                let record = |label: &str, priority, which| Srv {
                    priority,
                    weight: 1,
                    port: PORT,
                    target: format!("{which}.{label}.{DOMAIN}"),
                };
                let records = label.map(|label| vec![record(label, 20, "b"), record(label, 10, "a")]);
                Answer::Srv(records.unwrap_or_default())
            }
            Question::Addresses(_) => {
                let (which, label) = labels.split_once('.').unwrap_or(("", labels));
                let addresses = |host: &Host| -> [IpAddr; 2] {
                    let both = [host.own.ip(), host.other.ip()];
                    if host.other_first { [both[1], both[0]] } else { both }
                };
                let addresses = host(label).map(addresses);
                Answer::Addresses(match (addresses, which) {
                    (Some([first, _]), "a") => vec![first],
                    (Some([_, second]), "b") => vec![second],
                    (Some(both), _) => both.to_vec(),
                    (None, _) => Vec::new(),
                })
            }
            Question::Naptr(_) | Question::Local { .. } => Answer::Naptr(Vec::new()),
        })
    }
}

impl World {
    /// Whether nothing can leave for this address.
    pub(super) fn is_cut_off(&self, to: SocketAddr) -> bool {
        let Some(Place::Other(index)) = self.addresses.get(&to) else { return false };
        self.hosts.hosts.get(*index).is_some_and(|host| host.ill == Ill::Unsendable)
    }

    /// Everybody has gone: whether our requests inside dialogs arrived.
    pub(super) fn settle_ways(&mut self) {
        let Conditions { faults, send_failure, .. } = &self.conditions;
        let (fails, is_ill) = (*send_failure > 0.0, faults.has(Fault::Dns));
        // The name system may have told one address alone.
        let reaches = |host: Option<&String>| host.is_none() || !is_ill;
        for phone in &self.phones {
            let Manner { tcp, challenge, host, .. } = phone.manner();
            // A connection may be gone for good, and whoever asks for a password that we do not give is not hung up on.
            if tcp.is_none() && challenge.is_none() && reaches(host.as_ref()) {
                // A REFER that cannot leave has failed at once (RFC 3261 §8.1.3.1); a BYE is sent again.
                self.oracle.reached(self.now, phone.story(), !fails);
            }
        }
        let centres = self.centres.iter().filter(|centre| reaches(centre.host()));
        for (call_id, visit) in centres.flat_map(Centre::called_by_us) {
            self.oracle.reached_centre(self.now, call_id, visit);
        }
    }

    /// Something arrives at the other address of a host.
    pub(super) fn at_other(&mut self, index: usize, packet: Packet) {
        let Some(&Host { own, other, ill, .. }) = self.hosts.hosts.get(index) else { return };
        match ill {
            Ill::Silent | Ill::Unsendable => {}
            Ill::Slow(after) => self.push(self.now + after, Event::Arrives(Packet { to: own, ..packet })),
            Ill::Refuses(after) => {
                let Some(message) = Message::read(&packet.bytes) else { return };
                if matches!(message.method(), None | Some("ACK")) {
                    return;
                }
                let more = after.map(|seconds| format!("Retry-After: {seconds}\r\n")).unwrap_or_default();
                let bytes = message.answer(503, "Service Unavailable", "other", &more, "");
                self.carry(Packet { from: other, to: ENGINE, bytes, by: By::Datagram });
            }
        }
    }
}
