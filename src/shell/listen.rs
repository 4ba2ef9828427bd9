//! The SIP sockets: bound before anything else starts, so that a busy port is said at once and by name.

use crate::limits::SIP_RECEIVE_BUFFER_BYTES;
use crate::routing::Language;
use crate::shell::reason;
use socket2::{Domain, Protocol, Socket, Type};
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

impl ListenError {
    /// Which address, why not, and what to do.
    pub fn told(&self, language: Language) -> String {
        let Self { address, transport, error } = self;
        let (key, ip, port) = (if *transport == "TLS" { "tls" } else { "listen" }, address.ip(), address.port());
        let help = match error.kind() {
            io::ErrorKind::AddrInUse => {
                let (name, other) = (key.to_uppercase(), port.wrapping_add(10).max(1024));
                [
                    format!(
                        "다른 프로그램이 이 포트를 씁니다(무엇인지는 ss -lnp 'sport = :{port}'). 그것을 멈추거나 다른 포트를 쓰세요: IVR1357__SIP__{name}={ip}:{other}"
                    ),
                    format!(
                        "another program uses this port (ss -lnp 'sport = :{port}' shows which); stop it, or choose another: IVR1357__SIP__{name}={ip}:{other}"
                    ),
                ]
            }
            io::ErrorKind::AddrNotAvailable => [
                format!(
                    "이 컴퓨터에는 {ip} 주소가 없습니다. sip.{key} = \"0.0.0.0:{port}\" 는 있는 주소 모두에서 듣습니다"
                ),
                format!("this machine has no address {ip}; sip.{key} = \"0.0.0.0:{port}\" listens on all it has"),
            ],
            io::ErrorKind::PermissionDenied => [
                "1024 아래 포트에는 CAP_NET_BIND_SERVICE 권한이 있어야 합니다. SIP 는 5060 을 씁니다".to_owned(),
                "ports below 1024 need the capability CAP_NET_BIND_SERVICE; SIP uses 5060".to_owned(),
            ],
            _ => [format!("설정의 sip.{key} 를 살펴보세요"), format!("check sip.{key} in the settings")],
        };
        let why = reason::of(error, language);
        match language {
            Language::Korean => {
                format!("{transport} {address} 에서 들을 수 없습니다: {why}\n  고치는 법: {}", help[0])
            }
            Language::English => format!("cannot listen on {transport} {address}: {why}\n  help: {}", help[1]),
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
        let error = bind(&[taken[0].address]).expect_err("the port is taken");
        let korean = error.told(Language::Korean);
        assert!(korean.contains("다른 프로그램이 이미 쓰고 있습니다 (os error 98)\n  고치는 법: "), "{korean}");
        let error = error.told(Language::English);
        assert!(error.contains(&format!("UDP {}", taken[0].address)), "{error}");
        assert!(error.contains("IVR1357__SIP__LISTEN=127.0.0.1:"), "{error}");
    }

    #[test]
    fn both_families_have_the_same_port() {
        let v4 = bind(&["0.0.0.0:0".parse().expect("an address")]).expect("a free port").remove(0);
        let v6 = std::net::SocketAddr::from((std::net::Ipv6Addr::UNSPECIFIED, v4.address.port()));
        assert_eq!(bind(&[v6]).expect("[::] beside 0.0.0.0")[0].address, v6);
        let error = bind_tls(&[v4.address]).expect_err("the port is taken").told(Language::English);
        assert!(error.contains(&format!("TLS {}", v4.address)) && error.contains("IVR1357__SIP__TLS="), "{error}");
    }

    #[test]
    fn udp_and_tcp_share_the_port_the_system_chose() {
        let listener = bind(&["127.0.0.1:0".parse().expect("an address")]).expect("a free port").remove(0);
        assert_eq!(listener.tcp.local_addr().expect("bound"), listener.address);
        assert_ne!(listener.address.port(), 0);
    }
}
