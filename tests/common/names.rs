//! A name server of a few records on loopback, by hand: it shares no code with what it answers.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

/// What a question meets.
#[derive(Clone)]
pub enum Reply {
    /// Records of the type asked for, as they stand in a message, each believed for this many seconds.
    Records(u32, Vec<Vec<u8>>),
    /// SERVFAIL.
    Broken,
    /// No answer.
    Silence,
}

/// A running name server. Names without a reply do not exist.
pub struct NameServer {
    /// Where it answers, by UDP.
    pub address: SocketAddr,
    replies: Arc<Mutex<BTreeMap<(String, u16), Reply>>>,
    asked: Arc<AtomicUsize>,
}

pub const A: u16 = 1;
pub const AAAA: u16 = 28;
pub const SRV: u16 = 33;
pub const NAPTR: u16 = 35;

impl NameServer {
    /// Starts it; its thread ends with the process.
    pub fn start() -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").expect("a port");
        let address = socket.local_addr().expect("bound");
        let replies: Arc<Mutex<BTreeMap<(String, u16), Reply>>> = Arc::default();
        let asked = Arc::new(AtomicUsize::new(0));
        let (known, count) = (Arc::clone(&replies), Arc::clone(&asked));
        std::thread::spawn(move || {
            let mut bytes = [0; 1500];
            while let Ok((length, from)) = socket.recv_from(&mut bytes) {
                count.fetch_add(1, Ordering::SeqCst);
                if let Some(answer) = answer(&bytes[..length], &known.lock().expect("replies")) {
                    let _ = socket.send_to(&answer, from);
                }
            }
        });
        Self { address, replies, asked }
    }

    /// Sets what a name and type meet from now on.
    pub fn set(&self, name: &str, kind: u16, reply: Reply) {
        self.replies.lock().expect("replies").insert((name.to_ascii_lowercase(), kind), reply);
    }

    /// How many questions have come.
    pub fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

fn answer(query: &[u8], replies: &BTreeMap<(String, u16), Reply>) -> Option<Vec<u8>> {
    let (mut at, mut labels) = (12, Vec::new());
    while let Some(&length) = query.get(at).filter(|length| **length > 0) {
        labels.push(String::from_utf8_lossy(query.get(at + 1..at + 1 + usize::from(length))?).to_ascii_lowercase());
        at += 1 + usize::from(length);
    }
    let kind = u16::from_be_bytes([*query.get(at + 1)?, *query.get(at + 2)?]);
    let (code, ttl, records) = match replies.get(&(labels.join("."), kind)) {
        Some(Reply::Records(ttl, records)) => (0, *ttl, records.clone()),
        Some(Reply::Broken) => (2, 0, Vec::new()),
        Some(Reply::Silence) => return None,
        // The name may have records of another type.
        None if replies.keys().any(|(name, _)| *name == labels.join(".")) => (0, 0, Vec::new()),
        None => (3, 0, Vec::new()),
    };
    let mut out = query.get(..2)?.to_vec();
    out.extend([0x81, 0x80 | code, 0, 1]);
    out.extend(u16::try_from(records.len()).ok()?.to_be_bytes());
    out.extend([0, 0, 0, 0]);
    out.extend(query.get(12..at + 5)?);
    for record in records {
        // The name of the question, by a pointer to it.
        out.extend([0xc0, 12]);
        out.extend(kind.to_be_bytes());
        out.extend([0, 1]);
        out.extend(ttl.to_be_bytes());
        out.extend(u16::try_from(record.len()).ok()?.to_be_bytes());
        out.extend(record);
    }
    Some(out)
}

fn name(text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    for label in text.split('.').filter(|label| !label.is_empty()) {
        out.push(u8::try_from(label.len()).expect("a short label"));
        out.extend(label.bytes());
    }
    out.push(0);
    out
}

/// An A or AAAA record.
pub fn address(text: &str) -> Vec<u8> {
    match text.parse().expect("an address") {
        IpAddr::V4(ip) => ip.octets().to_vec(),
        IpAddr::V6(ip) => ip.octets().to_vec(),
    }
}

/// An SRV record.
pub fn srv(priority: u16, weight: u16, port: u16, target: &str) -> Vec<u8> {
    let mut out: Vec<u8> = [priority, weight, port].iter().flat_map(|number| number.to_be_bytes()).collect();
    out.extend(name(target));
    out
}

/// A NAPTR record.
pub fn naptr(order: u16, preference: u16, flags: &str, service: &str, replacement: &str) -> Vec<u8> {
    let mut out: Vec<u8> = [order, preference].iter().flat_map(|number| number.to_be_bytes()).collect();
    for text in [flags, service, ""] {
        out.push(u8::try_from(text.len()).expect("a short text"));
        out.extend(text.bytes());
    }
    out.extend(name(replacement));
    out
}
