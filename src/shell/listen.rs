//! The SIP sockets: bound before anything else starts, so that a busy port is said at once and by name.

use crate::limits::SIP_RECEIVE_BUFFER_BYTES;
use socket2::{Domain, Protocol, Socket, Type};
use std::fmt;
use std::io;
use std::net::{SocketAddr, TcpListener, UdpSocket};

/// UDP and TCP on the same address and port.
#[derive(Debug)]
pub struct Listener {
    /// As bound: a port 0 of the settings is a real one here.
    pub address: SocketAddr,
    /// Non-blocking.
    pub udp: UdpSocket,
    /// Non-blocking.
    pub tcp: TcpListener,
}

/// An address that cannot be listened on.
#[derive(Debug)]
pub struct ListenError {
    /// Which.
    pub address: SocketAddr,
    /// `UDP`, `TCP` or `TLS`.
    pub transport: &'static str,
    /// Why not.
    pub error: io::Error,
}

impl fmt::Display for ListenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { address, transport, error } = self;
        write!(f, "cannot listen on {transport} {address}: {error}\n  help: ")?;
        let key = if *transport == "TLS" { "tls" } else { "listen" };
        match error.kind() {
            io::ErrorKind::AddrInUse => write!(
                f,
                "another program uses this port (ss -lnp 'sport = :{port}' shows which); stop it, or choose another: IVR1357__SIP__{name}={ip}:{other}",
                name = key.to_uppercase(),
                port = address.port(),
                ip = address.ip(),
                other = address.port().wrapping_add(10).max(1024),
            ),
            io::ErrorKind::AddrNotAvailable => {
                write!(
                    f,
                    "this machine has no address {}; sip.{key} = \"0.0.0.0:{}\" listens on all it has",
                    address.ip(),
                    address.port()
                )
            }
            io::ErrorKind::PermissionDenied => {
                write!(f, "ports below 1024 need the capability CAP_NET_BIND_SERVICE; SIP uses 5060")
            }
            _ => write!(f, "check sip.{key} in the settings"),
        }
    }
}

/// Binds UDP and TCP on every address.
pub fn bind(addresses: &[SocketAddr]) -> Result<Vec<Listener>, ListenError> {
    addresses.iter().map(|&address| bind_one(address)).collect()
}

/// Binds TCP for TLS on every address.
pub fn bind_tls(addresses: &[SocketAddr]) -> Result<Vec<(SocketAddr, TcpListener)>, ListenError> {
    let bind = |address| {
        let listener = bind_tcp(address)?;
        Ok((listener.local_addr()?, listener))
    };
    let failed = |address| move |error| ListenError { address, transport: "TLS", error };
    addresses.iter().map(|&address| bind(address).map_err(failed(address))).collect()
}

fn bind_one(address: SocketAddr) -> Result<Listener, ListenError> {
    // A port 0 lets the system choose one for UDP, and that one may be taken on TCP: then it chooses again.
    const CHOICES: usize = 20;
    let mut last = None;
    for _ in 0..if address.port() == 0 { CHOICES } else { 1 } {
        let udp = bind_udp(address).map_err(|error| ListenError { address, transport: "UDP", error })?;
        let bound = udp.local_addr().map_err(|error| ListenError { address, transport: "UDP", error })?;
        match bind_tcp(bound) {
            Ok(tcp) => return Ok(Listener { address: bound, udp, tcp }),
            Err(error) => last = Some(ListenError { address: bound, transport: "TCP", error }),
        }
    }
    Err(last.expect("every round but the returning one leaves its error"))
}

fn bind_udp(address: SocketAddr) -> io::Result<UdpSocket> {
    let socket = Socket::new(Domain::for_address(address), Type::DGRAM, Some(Protocol::UDP))?;
    own_family_only(&socket, address)?;
    // The system may grant less; a burst then costs retransmissions, not calls.
    let _ = socket.set_recv_buffer_size(SIP_RECEIVE_BUFFER_BYTES);
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    Ok(socket.into())
}

fn bind_tcp(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    own_family_only(&socket, address)?;
    // A restart must not wait for the connections of the last run. On Linux this never shares a port with a live listener.
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(1024)?;
    Ok(socket.into())
}

/// `[::]` is IPv6 alone: IPv4 peers then have IPv4 addresses, in Contact and SDP too. List both to serve both.
fn own_family_only(socket: &Socket, address: SocketAddr) -> io::Result<()> {
    if address.is_ipv6() { socket.set_only_v6(true) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_busy_port_is_named_with_a_way_out() {
        let taken = bind(&["127.0.0.1:0".parse().expect("an address")]).expect("a free port");
        let error = bind(&[taken[0].address]).expect_err("the port is taken").to_string();
        assert!(error.contains(&format!("UDP {}", taken[0].address)), "{error}");
        assert!(error.contains("IVR1357__SIP__LISTEN=127.0.0.1:"), "{error}");
    }

    #[test]
    fn both_families_have_the_same_port() {
        let v4 = bind(&["0.0.0.0:0".parse().expect("an address")]).expect("a free port").remove(0);
        let v6 = std::net::SocketAddr::from((std::net::Ipv6Addr::UNSPECIFIED, v4.address.port()));
        assert_eq!(bind(&[v6]).expect("[::] beside 0.0.0.0")[0].address, v6);
        let error = bind_tls(&[v4.address]).expect_err("the port is taken").to_string();
        assert!(error.contains(&format!("TLS {}", v4.address)) && error.contains("IVR1357__SIP__TLS="), "{error}");
    }

    #[test]
    fn udp_and_tcp_share_the_port_the_system_chose() {
        let listener = bind(&["127.0.0.1:0".parse().expect("an address")]).expect("a free port").remove(0);
        assert_eq!(listener.tcp.local_addr().expect("bound"), listener.address);
        assert_ne!(listener.address.port(), 0);
    }
}
