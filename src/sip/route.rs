//! Where a request of ours goes next (RFC 3261 §8.1.2, §12.2.1.1), and whose addresses we trust.
//!
//! No DNS: a host that is a name, or an address that cannot be reached from where the caller's messages come
//! from (a softphone behind NAT writes its own 192.168.x.x), means the flow the dialog began on.

use crate::sip::flow::{Flow, Transport};
use crate::sip::uri::{Scheme, UriView};
use std::net::{IpAddr, SocketAddr};

/// The flow to the host of `uri`, or `flow` itself. A TCP flow whose connection is 0 has none open any more.
pub fn next_hop(uri: &[u8], flow: Flow, answer_public: bool) -> Flow {
    let Ok(view) = UriView::parse(uri) else { return flow };
    let Some(address) = view.ip().filter(|address| is_reachable(*address, flow.remote.ip(), answer_public)) else {
        return flow;
    };
    let transport = match view.param("transport") {
        Some(name) if view.scheme == Scheme::Sip => match Transport::from_param(name) {
            Some(Transport::Tls) | None => return flow,
            Some(transport) => transport,
        },
        None if view.scheme == Scheme::Sip => Transport::Udp,
        // TLS needs a name to check, and something newer is not known: only the way the caller came is sure to work.
        _ => return flow,
    };
    if flow.transport.is_stream() && flow.connection != 0 && address == flow.remote.ip() {
        // The connection that is open beats one that must be opened, and a caller that came over TCP but
        // forgot to say so in its Contact still listens there (RFC 5923).
        return flow;
    }
    let remote = SocketAddr::new(address, view.port.filter(|port| *port != 0).unwrap_or(5060));
    Flow { transport, local: flow.local, remote, connection: 0 }
}

fn is_reachable(address: IpAddr, source: IpAddr, answer_public: bool) -> bool {
    if address == source {
        return true;
    }
    let broadcast = matches!(address, IpAddr::V4(v4) if v4.is_broadcast());
    if address.is_unspecified() || address.is_multicast() || broadcast || address.is_ipv4() != source.is_ipv4() {
        return false;
    }
    match (is_private(address), is_private(source)) {
        // A private address behind a public one is the wrong side of a NAT.
        (true, false) => false,
        (true, true) => address.is_loopback() == source.is_loopback(),
        (false, _) => answer_public,
    }
}

/// Loopback, private, link-local, unique local or shared address space: who may call without a trunk.
pub fn is_private(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(v4) => {
            let [a, b, ..] = v4.octets();
            // 100.64.0.0/10 is the address space carriers share behind their NAT (RFC 6598).
            v4.is_loopback() || v4.is_private() || v4.is_link_local() || (a == 100 && (64..128).contains(&b))
        }
        IpAddr::V6(v6) => v6.is_loopback() || v6.is_unicast_link_local() || v6.is_unique_local(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_goes_to_the_contact_when_it_can_be_reached_and_to_the_source_otherwise() {
        for (contact, transport, source, hop) in [
            ("sip:a@127.0.0.1:5070", Transport::Udp, "127.0.0.1:5060", "Udp 127.0.0.1:5070"),
            ("sip:a@127.0.0.1", Transport::Udp, "127.0.0.1:6000", "Udp 127.0.0.1:5060"),
            ("sip:a@127.0.0.1:5070;transport=tcp", Transport::Udp, "127.0.0.1:5060", "Tcp 127.0.0.1:5070"),
            ("sip:a@phone.example", Transport::Udp, "10.0.0.9:6000", "Udp 10.0.0.9:6000"),
            ("sip:a@192.168.0.7:5060", Transport::Udp, "203.0.113.5:6000", "Udp 203.0.113.5:6000"),
            ("sip:a@10.0.0.7:5060", Transport::Udp, "10.0.0.9:6000", "Udp 10.0.0.7:5060"),
            ("sip:a@127.0.0.1:5060", Transport::Udp, "10.0.0.9:6000", "Udp 10.0.0.9:6000"),
            ("sip:a@203.0.113.5:5060", Transport::Udp, "10.0.0.9:6000", "Udp 10.0.0.9:6000"),
            ("sip:a@0.0.0.0:5060", Transport::Udp, "10.0.0.9:6000", "Udp 10.0.0.9:6000"),
            ("sip:a@[::1]:5070", Transport::Udp, "[::1]:5060", "Udp [::1]:5070"),
            ("sip:a@[::1]:5070", Transport::Udp, "127.0.0.1:5060", "Udp 127.0.0.1:5060"),
            ("sip:a@127.0.0.1:5070", Transport::Tcp, "127.0.0.1:40000", "Tcp 127.0.0.1:40000"),
            ("sip:a@127.0.0.1:5070;transport=tcp", Transport::Tcp, "127.0.0.1:40000", "Tcp 127.0.0.1:40000"),
            ("sips:a@127.0.0.1:5070", Transport::Udp, "127.0.0.1:6000", "Udp 127.0.0.1:6000"),
            ("garbage", Transport::Udp, "127.0.0.1:6000", "Udp 127.0.0.1:6000"),
        ] {
            let remote = source.parse().expect("an address");
            let flow = Flow { transport, local: "10.0.0.1:5060".parse().expect("an address"), remote, connection: 3 };
            let next = next_hop(contact.as_bytes(), flow, false);
            assert_eq!(format!("{:?} {}", next.transport, next.remote), hop, "{contact} from {source}");
        }
        let gone = Flow {
            transport: Transport::Tcp,
            local: "127.0.0.1:5060".parse().expect("an address"),
            remote: "127.0.0.1:40000".parse().expect("an address"),
            connection: 0,
        };
        let next = next_hop(b"sip:a@127.0.0.1:5070;transport=tcp", gone, false);
        assert_eq!(format!("{:?} {}", next.transport, next.remote), "Tcp 127.0.0.1:5070");
    }

    #[test]
    fn only_loopback_and_private_networks_are_private() {
        for (address, private) in [
            ("127.0.0.1", true),
            ("10.1.2.3", true),
            ("172.31.0.1", true),
            ("172.32.0.1", false),
            ("192.168.1.1", true),
            ("169.254.1.1", true),
            ("100.64.0.1", true),
            ("100.128.0.1", false),
            ("8.8.8.8", false),
            ("::1", true),
            ("fe80::1", true),
            ("fd00::1", true),
            ("2001:db8::1", false),
            ("::ffff:10.0.0.1", true),
            ("::ffff:8.8.8.8", false),
        ] {
            assert_eq!(is_private(address.parse().expect("an address")), private, "{address}");
        }
    }
}
