//! How bytes travel, and where an answer goes (RFC 3261 §18).

use std::net::SocketAddr;

/// How bytes travel.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Transport {
    /// Datagrams.
    Udp,
    /// A byte stream.
    Tcp,
    /// A byte stream under TLS.
    Tls,
}

impl Transport {
    /// A byte stream: it repeats nothing itself, since what was written arrives, in order (RFC 3261 §17).
    pub fn is_stream(self) -> bool {
        match self {
            Self::Udp => false,
            Self::Tcp | Self::Tls => true,
        }
    }

    /// Its name in a Via.
    pub fn name(self) -> &'static str {
        match self {
            Self::Udp => "UDP",
            Self::Tcp => "TCP",
            Self::Tls => "TLS",
        }
    }

    /// The port where nothing says another (RFC 3261 §18.1.1).
    pub fn port(self) -> u16 {
        match self {
            Self::Udp | Self::Tcp => 5060,
            Self::Tls => 5061,
        }
    }

    /// From the `transport` parameter of a URI, in any case.
    pub fn from_param(name: &[u8]) -> Option<Self> {
        [(&b"udp"[..], Self::Udp), (b"tcp", Self::Tcp), (b"tls", Self::Tls)]
            .into_iter()
            .find_map(|(known, transport)| name.eq_ignore_ascii_case(known).then_some(transport))
    }
}

/// Where bytes came from and where an answer goes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Flow {
    /// UDP, TCP or TLS.
    pub transport: Transport,
    /// Our address as this peer sees it: never 0.0.0.0. Contact, Via and SDP carry it.
    pub local: SocketAddr,
    /// The peer.
    pub remote: SocketAddr,
    /// The connection, as numbered by the shell; 0 for UDP. A connection that is gone is opened anew to `remote`.
    pub connection: u64,
}

impl Flow {
    /// Whether what was sent here is lost when a send on that flow failed. Whoever asked for a new connection does not know
    /// the number it got.
    pub fn fails_with(&self, failed: &Self) -> bool {
        let same_peer = (self.transport, self.remote) == (failed.transport, failed.remote);
        match self.transport {
            Transport::Udp => self == failed,
            Transport::Tcp | Transport::Tls => {
                same_peer && (self.connection == 0 || self.connection == failed.connection)
            }
        }
    }
}
