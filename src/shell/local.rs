//! Which address of ours a peer sees: Contact, Via and SDP carry it.
//!
//! On `0.0.0.0` the system's routes choose. Behind a NAT only the settings know: `sip.advertise`.

use crate::limits::{ROUTE_BELIEVED, ROUTES_CACHED_MAX};
use crate::sip::trunk::is_private;
use crate::sip::uri::{Scheme, SipUri};
use crate::time::Instant;
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str::FromStr;

/// An address that peers see instead of one of ours: `203.0.113.5`, `203.0.113.5:5070`, `192.168.0.10:5060=203.0.113.5`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Advertised {
    /// For this listener alone, as written in the settings.
    pub listener: Option<SocketAddr>,
    /// What is seen.
    pub ip: IpAddr,
    /// The port that is seen; `None`: the listener's own.
    pub port: Option<u16>,
}

impl FromStr for Advertised {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (listener, seen) = match text.split_once('=') {
            Some((listener, seen)) => (Some(listener.trim().parse().map_err(|_| ())?), seen.trim()),
            None => (None, text),
        };
        let (ip, port) = match seen.parse::<SocketAddr>() {
            Ok(address) => (address.ip(), Some(address.port()).filter(|port| *port != 0)),
            Err(_) => (seen.trim_matches(['[', ']']).parse().map_err(|_| ())?, None),
        };
        if ip.is_unspecified()
            || ip.is_multicast()
            || listener.is_some_and(|listener: SocketAddr| listener.is_ipv4() != ip.is_ipv4())
        {
            return Err(());
        }
        Ok(Self { listener, ip, port })
    }
}

impl Advertised {
    /// What a peer sees of this listener.
    fn of(&self, listener: SocketAddr) -> Option<SocketAddr> {
        let is_for = self.listener.is_none_or(|own| own == listener) && self.ip.is_ipv4() == listener.is_ipv4();
        is_for.then(|| SocketAddr::new(self.ip, self.port.unwrap_or(listener.port())))
    }
}

/// How far an address reaches: a peer sees an advertised address that reaches at least as far as its own.
/// A phone in our own network meets no NAT on the way to us, unless the advertised address is of such a network, too.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Reach {
    Machine,
    Network,
    World,
}

fn reach(address: IpAddr) -> Reach {
    match address.to_canonical() {
        address if address.is_loopback() => Reach::Machine,
        address if is_private(address) => Reach::Network,
        _ => Reach::World,
    }
}

/// What peers see of our listeners.
#[derive(Clone, Default, Debug)]
pub struct Views {
    advertised: Vec<Advertised>,
}

impl Views {
    /// As the settings advertise.
    pub fn new(advertised: Vec<Advertised>) -> Self {
        Self { advertised }
    }

    /// What `remote` sees of this listener; `own` is the address of ours that its bytes reach, never an unspecified one.
    pub fn seen(&self, listener: SocketAddr, own: IpAddr, remote: IpAddr) -> SocketAddr {
        self.advertised
            .iter()
            .filter_map(|advertised| advertised.of(listener))
            .find(|seen| reach(seen.ip()) <= reach(remote))
            .unwrap_or(SocketAddr::new(own, listener.port()))
    }

    /// Whether a socket on this listener's address sends for `local`, an address that a peer sees.
    pub fn serves(&self, listener: SocketAddr, local: SocketAddr) -> bool {
        let any =
            listener.ip().is_unspecified() && listener.is_ipv4() == local.is_ipv4() && listener.port() == local.port();
        listener == local || any || self.shows(listener, local)
    }

    /// Whether this listener is advertised as `local`.
    fn shows(&self, listener: SocketAddr, local: SocketAddr) -> bool {
        self.advertised.iter().any(|advertised| advertised.of(listener) == Some(local))
    }

    /// The address to bind where peers see `local`: an advertised one is none of this machine.
    pub fn bindable(&self, listeners: impl Iterator<Item = SocketAddr>, local: IpAddr) -> IpAddr {
        let shows = |listener: &SocketAddr| {
            self.advertised.iter().any(|advertised| advertised.of(*listener).is_some_and(|seen| seen.ip() == local))
        };
        listeners.filter(shows).map(|listener| listener.ip()).next().unwrap_or(local)
    }
}

/// Where calls reach us: what a centre's address must not be.
#[derive(Clone, Default, Debug)]
pub struct Ours {
    listeners: Vec<SocketAddr>,
    views: Views,
}

impl Ours {
    /// These listeners, and what peers see of them.
    pub fn new(listeners: Vec<SocketAddr>, views: Views) -> Self {
        Self { listeners, views }
    }

    /// Whether a call to this address comes back to us. Names other than `localhost` are somebody's who knows where they lead.
    pub fn has(&self, uri: &SipUri) -> bool {
        let host = uri.host().trim_matches(['[', ']']);
        let addresses: Vec<IpAddr> = match host.parse() {
            Ok(ip) => vec![ip],
            Err(_) if host.eq_ignore_ascii_case("localhost") => {
                vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()]
            }
            Err(_) => Vec::new(),
        };
        let secured =
            uri.scheme() == Scheme::Sips || uri.param("transport").is_some_and(|name| name.eq_ignore_ascii_case("tls"));
        let port = uri.port().unwrap_or(if secured { 5061 } else { 5060 });
        addresses.into_iter().map(|ip| SocketAddr::new(ip, port)).any(|address| {
            let of_this_machine = || address.ip().is_loopback() || ask_the_system(address) == Some(address.ip());
            self.listeners.iter().any(|listener| {
                // A listener on all addresses has those of this machine, and whatever it is seen as.
                self.views.serves(*listener, address)
                    && (*listener == address || self.views.shows(*listener, address) || of_this_machine())
            })
        })
    }
}

/// Which of our addresses the system's routes choose towards a peer.
#[derive(Default)]
pub struct Routes {
    known: BTreeMap<IpAddr, IpAddr>,
    since: Instant,
}

impl Routes {
    /// Our address towards `remote` on a socket bound to `bound`; `None` when there is no way to it.
    pub fn local(&mut self, now: Instant, bound: IpAddr, remote: SocketAddr) -> Option<IpAddr> {
        if !bound.is_unspecified() {
            return Some(bound);
        }
        if now.since(self.since) > ROUTE_BELIEVED || self.known.len() >= ROUTES_CACHED_MAX {
            self.known.clear();
            self.since = now;
        }
        if let Some(&local) = self.known.get(&remote.ip()) {
            return Some(local);
        }
        let local = ask_the_system(remote)?;
        self.known.insert(remote.ip(), local);
        Some(local)
    }
}

/// Connecting a UDP socket sends nothing, but the system chooses the address it would send from.
pub fn ask_the_system(remote: SocketAddr) -> Option<IpAddr> {
    let any = if remote.is_ipv4() { IpAddr::from(Ipv4Addr::UNSPECIFIED) } else { Ipv6Addr::UNSPECIFIED.into() };
    let socket = std::net::UdpSocket::bind((any, 0)).ok()?;
    socket.connect(remote).ok()?;
    let local = socket.local_addr().ok()?.ip();
    (!local.is_unspecified()).then_some(local)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> SocketAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn a_peer_sees_the_advertised_address_when_it_stands_on_its_side_of_the_nat() {
        for (advertised, listener, remote, seen) in [
            (&[][..], "10.0.0.2:5060", "203.0.113.9", "10.0.0.2:5060"),
            (&["203.0.113.5"], "10.0.0.2:5060", "203.0.113.9", "203.0.113.5:5060"),
            (&["203.0.113.5"], "10.0.0.2:5061", "203.0.113.9", "203.0.113.5:5061"),
            (&["203.0.113.5:7000"], "10.0.0.2:5060", "203.0.113.9", "203.0.113.5:7000"),
            (&["203.0.113.5"], "10.0.0.2:5060", "10.0.0.9", "10.0.0.2:5060"),
            (&["203.0.113.5"], "10.0.0.2:5060", "127.0.0.1", "10.0.0.2:5060"),
            (&["192.168.1.5"], "10.0.0.2:5060", "192.168.1.9", "192.168.1.5:5060"),
            (&["192.168.1.5", "203.0.113.5"], "10.0.0.2:5060", "127.0.0.1", "10.0.0.2:5060"),
            (&["2001:db8::5"], "10.0.0.2:5060", "203.0.113.9", "10.0.0.2:5060"),
            (&["10.0.0.2:5060=203.0.113.5"], "10.0.0.2:5060", "203.0.113.9", "203.0.113.5:5060"),
            (&["10.0.0.2:5060=203.0.113.5"], "10.0.0.2:5061", "203.0.113.9", "10.0.0.2:5061"),
        ] {
            let views = Views::new(advertised.iter().map(|text| text.parse().expect(text)).collect());
            let own = address("10.0.0.2:1").ip();
            let found = views.seen(address(listener), own, remote.parse().expect("an address"));
            assert_eq!(found, address(seen), "{advertised:?} {listener} {remote}");
            assert!(views.serves(address(listener), found), "what a peer sees finds its socket: {advertised:?}");
            assert_eq!(views.bindable([address(listener)].into_iter(), found.ip()), own, "{advertised:?} {remote}");
        }
    }

    #[test]
    fn what_comes_back_to_us_is_known_by_listeners_and_by_what_they_are_seen_as() {
        let views = Views::new(vec!["203.0.113.5".parse().expect("an address")]);
        let ours = Ours::new(vec![address("0.0.0.0:5080"), address("192.0.2.7:5060"), address("[::1]:5061")], views);
        for (uri, is_ours) in [
            ("sip:counsel@127.0.0.1:5080", true),
            ("sip:counsel@LOCALHOST:5080;transport=tcp", true),
            ("sip:counsel@203.0.113.5:5080", true),
            ("sip:counsel@192.0.2.7", true),
            ("sips:counsel@[::1]", true),
            ("sip:counsel@[::1];transport=TLS", true),
            ("sip:counsel@127.0.0.1:5070", false),
            ("sip:counsel@198.51.100.9:5080", false),
            ("sip:counsel@203.0.113.5:5070", false),
            ("sip:counsel@sbc.example:5080", false),
            ("tel:1357", false),
        ] {
            assert_eq!(ours.has(&uri.parse().expect(uri)), is_ours, "{uri}");
        }
        assert!(!Ours::default().has(&"sip:counsel@127.0.0.1".parse().expect("a URI")));
    }

    #[test]
    fn a_peer_on_loopback_sees_our_loopback_address_and_never_the_unspecified_one() {
        let mut routes = Routes::default();
        let peer = "127.0.0.1:5070".parse().expect("an address");
        let any = IpAddr::from(Ipv4Addr::UNSPECIFIED);
        assert_eq!(routes.local(Instant::START, any, peer), Some(IpAddr::from(Ipv4Addr::LOCALHOST)));
        let own = IpAddr::from([192, 0, 2, 1]);
        assert_eq!(routes.local(Instant::START, own, peer), Some(own));
    }

    #[test]
    fn a_flood_of_peers_does_not_fill_the_memory_with_routes() {
        let mut routes = Routes::default();
        for last in 0..=u16::MAX / 8 {
            let [high, low] = last.to_be_bytes();
            let peer = SocketAddr::from(([127, 1, high, low], 5060));
            routes.local(Instant::START, Ipv4Addr::UNSPECIFIED.into(), peer);
        }
        assert!(routes.known.len() <= ROUTES_CACHED_MAX);
    }

    #[test]
    fn a_socket_on_all_addresses_sends_for_each_of_its_family_and_port() {
        for (listening, local, expected) in [
            ("0.0.0.0:5060", "10.0.0.1:5060", true),
            ("0.0.0.0:5060", "10.0.0.1:5061", false),
            ("0.0.0.0:5060", "[::1]:5060", false),
            ("10.0.0.2:5060", "10.0.0.1:5060", false),
            ("[::]:5060", "[::1]:5060", true),
        ] {
            assert_eq!(Views::default().serves(address(listening), address(local)), expected, "{listening} {local}");
        }
    }
}
