//! The connections by number, and how many there may be.
//!
//! Connections of trunks and those we open count only against the whole, and have room of their own there: no crowd of others
//! keeps a carrier out.

use crate::limits::{TCP_QUEUE_MAX, TLS_HANDSHAKES_MAX, TLS_HANDSHAKES_PER_ADDRESS_MAX};
use crate::sip::Transport;
use crate::sip::trunk::Peers;
use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use tokio::sync::mpsc;

/// How many connections there may be.
#[derive(Clone, Copy, Debug)]
pub struct Caps {
    /// Of all peers together.
    pub all: usize,
    /// Of one address that belongs to no trunk.
    pub per_address: usize,
}

impl Caps {
    /// The rest is kept free for trunks and for what we open.
    fn for_others(self) -> usize {
        self.all - self.all / 8
    }
}

/// Whose a connection is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Side {
    /// An address of a trunk connected to us.
    Trunk,
    /// Somebody else connected to us.
    Other,
    /// We connected.
    Ours,
}

/// Who a peer at this address would be.
pub fn side(peers: &Peers, address: IpAddr) -> Side {
    let known = peers.trunks.iter().any(|trunk| trunk.networks.iter().any(|network| network.contains(address)));
    if known { Side::Trunk } else { Side::Other }
}

/// All connections.
pub struct Connections {
    caps: Caps,
    last: u64,
    by_number: HashMap<u64, Connection>,
    /// Those that we opened. One that came to us is used for its own flow alone: whoever connects from the port of another, or writes
    /// `alias` into its Via (RFC 5923), gets nothing that was meant for that other.
    opened: HashMap<(Transport, SocketAddr), u64>,
    others: Count,
    handshakes: Count,
}

#[derive(Default)]
struct Count {
    all: usize,
    by_address: HashMap<IpAddr, usize>,
}

struct Connection {
    transport: Transport,
    remote: SocketAddr,
    side: Side,
    /// The name that its certificate was checked for.
    name: Option<String>,
    /// Its handshake goes on, and counts.
    handshake: bool,
    /// `None` once it is closing: what waits still leaves.
    queue: Option<mpsc::Sender<Vec<u8>>>,
}

/// What a new connection is.
pub struct New {
    /// TCP or TLS.
    pub transport: Transport,
    /// The peer.
    pub remote: SocketAddr,
    /// Whose it is.
    pub side: Side,
    /// The name that its certificate must hold.
    pub name: Option<String>,
}

impl Connections {
    /// None yet.
    pub fn new(caps: Caps) -> Self {
        Self {
            caps,
            last: 0,
            by_number: HashMap::new(),
            opened: HashMap::new(),
            others: Count::default(),
            handshakes: Count::default(),
        }
    }

    /// A new connection, unless there are too many: its number and what will be queued for it.
    pub fn admit(&mut self, new: New) -> Option<(u64, mpsc::Receiver<Vec<u8>>)> {
        let New { transport, remote, side, name } = new;
        let ip = remote.ip();
        let is_other = side == Side::Other;
        let handshake = is_other && transport == Transport::Tls;
        let full = self.by_number.len() >= self.caps.all
            || (is_other && (self.others.all >= self.caps.for_others() || self.others.of(ip) >= self.caps.per_address))
            || (handshake
                && (self.handshakes.all >= TLS_HANDSHAKES_MAX
                    || self.handshakes.of(ip) >= TLS_HANDSHAKES_PER_ADDRESS_MAX));
        if full {
            return None;
        }
        self.last += 1;
        let (queue, waiting) = mpsc::channel(TCP_QUEUE_MAX);
        if is_other {
            self.others.add(ip);
        }
        if handshake {
            self.handshakes.add(ip);
        }
        if side == Side::Ours {
            self.opened.insert((transport, remote), self.last);
        }
        self.by_number.insert(self.last, Connection { transport, remote, side, name, handshake, queue: Some(queue) });
        Some((self.last, waiting))
    }

    /// Its handshake is over.
    pub fn secured(&mut self, number: u64) {
        if let Some(connection) = self.by_number.get_mut(&number)
            && std::mem::take(&mut connection.handshake)
        {
            self.handshakes.remove(connection.remote.ip());
        }
    }

    /// The open connection of this number, or one that we opened to the same peer, under TLS to the same name.
    pub fn find(&self, number: u64, transport: Transport, remote: SocketAddr, name: Option<&str>) -> Option<u64> {
        let is_open = |number: &u64| {
            self.by_number
                .get(number)
                .is_some_and(|connection| connection.queue.is_some() && connection.transport == transport)
        };
        let is_for = |number: &u64| {
            transport != Transport::Tls || self.by_number.get(number).is_some_and(|known| known.name.as_deref() == name)
        };
        Some(number)
            .filter(is_open)
            .or_else(|| self.opened.get(&(transport, remote)).copied().filter(is_open).filter(is_for))
    }

    /// Queues a message; a connection whose queue is full is closed: its peer does not read.
    pub fn queue(&mut self, number: u64, bytes: Vec<u8>) -> bool {
        let Some(connection) = self.by_number.get_mut(&number) else { return false };
        let queued = connection.queue.as_ref().is_some_and(|queue| queue.try_send(bytes).is_ok());
        if !queued {
            connection.queue = None;
        }
        queued
    }

    /// No more messages; what waits still leaves.
    pub fn close(&mut self, number: u64) {
        if let Some(connection) = self.by_number.get_mut(&number) {
            connection.queue = None;
        }
    }

    /// No more messages for anybody.
    pub fn close_all(&mut self) {
        for connection in self.by_number.values_mut() {
            connection.queue = None;
        }
    }

    /// It is gone.
    pub fn remove(&mut self, number: u64) {
        self.secured(number);
        let Some(Connection { transport, remote, side, .. }) = self.by_number.remove(&number) else { return };
        if self.opened.get(&(transport, remote)) == Some(&number) {
            self.opened.remove(&(transport, remote));
        }
        if side == Side::Other {
            self.others.remove(remote.ip());
        }
    }
}

impl Count {
    fn of(&self, address: IpAddr) -> usize {
        self.by_address.get(&address).copied().unwrap_or(0)
    }

    fn add(&mut self, address: IpAddr) {
        self.all += 1;
        *self.by_address.entry(address).or_default() += 1;
    }

    fn remove(&mut self, address: IpAddr) {
        if let Some(count) = self.by_address.get_mut(&address) {
            self.all -= 1;
            *count -= 1;
            if *count == 0 {
                self.by_address.remove(&address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CAPS: Caps = Caps { all: 80, per_address: 50 };

    fn from(last: u8, side: Side, port: u16) -> New {
        New { transport: Transport::Tcp, remote: SocketAddr::from(([127, 0, 0, last], port)), side, name: None }
    }

    #[test]
    fn one_address_cannot_take_all_connections() {
        let mut connections = Connections::new(CAPS);
        let mut waiting = Vec::new();
        for port in 1..=50 {
            waiting.push(connections.admit(from(2, Side::Other, port)).expect("room"));
        }
        assert!(connections.admit(from(2, Side::Other, 60_000)).is_none());
        assert!(connections.admit(from(3, Side::Other, 1)).is_some());
        connections.remove(1);
        assert!(connections.admit(from(2, Side::Other, 60_000)).is_some());
    }

    #[test]
    fn trunks_and_our_own_connections_find_room_in_any_crowd() {
        let mut connections = Connections::new(CAPS);
        let crowd: usize = (0..200).filter(|last| connections.admit(from(*last, Side::Other, 5060)).is_some()).count();
        assert_eq!(crowd, 70, "an eighth stays free");
        for port in 1..=9 {
            assert!(connections.admit(from(9, Side::Trunk, port)).is_some(), "beyond no cap of one address");
        }
        assert!(connections.admit(from(9, Side::Ours, 5060)).is_some());
        assert!(connections.admit(from(9, Side::Trunk, 10)).is_none(), "all are taken");
    }

    #[test]
    fn half_open_handshakes_are_few() {
        let mut connections = Connections::new(Caps { all: 10_000, per_address: 10_000 });
        let tls = |last: u8, port: u16| New { transport: Transport::Tls, ..from(last, Side::Other, port) };
        let held = (1..=1000).filter(|port| connections.admit(tls(2, *port)).is_some()).count();
        assert_eq!(held, TLS_HANDSHAKES_PER_ADDRESS_MAX);
        connections.secured(1);
        assert!(connections.admit(tls(2, 2000)).is_some(), "who is through makes room");
        connections.remove(1);
        connections.remove(2);
        assert!(connections.admit(tls(2, 2001)).is_some(), "and who gave up");
        assert!(connections.admit(tls(2, 2002)).is_none());
        let all = (3..=255).flat_map(|last| (1..=10).map(move |port| (last, port)));
        let more = all.filter(|(last, port)| connections.admit(tls(*last, *port)).is_some()).count();
        assert_eq!(more, TLS_HANDSHAKES_MAX - TLS_HANDSHAKES_PER_ADDRESS_MAX);
    }

    #[test]
    fn only_what_we_opened_is_used_for_anything_but_its_own_flow() {
        let mut connections = Connections::new(CAPS);
        let remote = SocketAddr::from(([127, 0, 0, 2], 5060));
        let (came, _came) = connections.admit(from(2, Side::Other, 5060)).expect("room");
        assert_eq!(connections.find(came, Transport::Tcp, remote, None), Some(came));
        assert_eq!(connections.find(0, Transport::Tcp, remote, None), None, "it may be anybody on that port");
        let named =
            |name: &str| New { transport: Transport::Tls, remote, side: Side::Ours, name: Some(name.to_owned()) };
        let (ours, _ours) = connections.admit(named("kt.example")).expect("room");
        assert_eq!(connections.find(0, Transport::Tls, remote, Some("kt.example")), Some(ours));
        assert_eq!(connections.find(0, Transport::Tls, remote, Some("lg.example")), None, "another name, another peer");
        assert_eq!(connections.find(0, Transport::Tcp, remote, None), None, "TLS is not TCP");
        connections.close(ours);
        assert_eq!(connections.find(ours, Transport::Tls, remote, Some("kt.example")), None);
    }
}
