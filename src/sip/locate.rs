//! Where a request outside a dialog goes (RFC 3263): what is asked of the name system, and what comes back.
//!
//! Asking is the shell's work, caching too: a record is believed no longer than its time to live.

use crate::sip::flow::Transport;
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
