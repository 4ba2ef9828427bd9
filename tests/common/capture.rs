//! Captures made by hand, and prompts to compare them with.

use etherparse::PacketBuilder;
use ivr1357::hearing::Expected;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;

/// A pcap file, frame by frame (draft-ietf-opsawg-pcap).
pub struct Pcap {
    bytes: Vec<u8>,
    link: u32,
}

pub const ETHERNET: u32 = 1;
pub const NULL: u32 = 0;
pub const RAW: u32 = 101;
pub const SLL: u32 = 113;
pub const SLL2: u32 = 276;

impl Pcap {
    pub fn new(link: u32) -> Self {
        let mut bytes = 0xa1b2_c3d4_u32.to_le_bytes().to_vec();
        bytes.extend([2, 0, 4, 0]);
        bytes.extend([0; 8]);
        bytes.extend(65_535_u32.to_le_bytes());
        bytes.extend(link.to_le_bytes());
        Self { bytes, link }
    }

    /// A datagram at this microsecond.
    pub fn udp(&mut self, at: u64, from: SocketAddr, to: SocketAddr, payload: &[u8]) {
        let frame = frame(self.link, from, to, payload);
        let seconds = u32::try_from(at / 1_000_000).expect("a time within a century");
        for field in [seconds, (at % 1_000_000) as u32, frame.len() as u32, frame.len() as u32] {
            self.bytes.extend(field.to_le_bytes());
        }
        self.bytes.extend(frame);
    }

    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

/// A frame of a link type.
pub fn frame(link: u32, from: SocketAddr, to: SocketAddr, payload: &[u8]) -> Vec<u8> {
    let protocol: u16 = if from.is_ipv4() { 0x0800 } else { 0x86dd };
    let mut frame = match link {
        ETHERNET => [&[2; 12][..], &protocol.to_be_bytes()].concat(),
        // The family of BSD, in the order of a little machine.
        NULL => vec![if from.is_ipv4() { 2 } else { 30 }, 0, 0, 0],
        SLL => [&[0, 4, 0, 1, 0, 6, 2, 2, 2, 2, 2, 2, 0, 0][..], &protocol.to_be_bytes()].concat(),
        SLL2 => [&protocol.to_be_bytes()[..], &[0, 0, 0, 0, 0, 1, 0, 1, 4, 6, 2, 2, 2, 2, 2, 2, 0, 0]].concat(),
        _ => Vec::new(),
    };
    let builder = match (from.ip(), to.ip()) {
        (IpAddr::V4(from), IpAddr::V4(to)) => PacketBuilder::ipv4(from.octets(), to.octets(), 64),
        (IpAddr::V6(from), IpAddr::V6(to)) => PacketBuilder::ipv6(from.octets(), to.octets(), 64),
        _ => panic!("addresses of one family"),
    };
    builder.udp(from.port(), to.port()).write(&mut frame, payload).expect("a frame fits");
    frame
}

/// A shipped prompt.
pub fn prompt(name: &str) -> Expected {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("prompts/ko").join(name).with_extension("wav");
    let bytes = std::fs::read(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    let samples = ivr1357::speech::wav::read(&bytes).unwrap_or_else(|error| panic!("{name}: {error:?}"));
    Expected { name: name.to_owned(), samples: samples.samples }
}
