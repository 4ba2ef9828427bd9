//! RTP within captures: pcap and pcapng, on Ethernet, Linux "any" (SLL, SLL2), raw IP and loopback; IPv4 and IPv6.
//!
//! Nothing says what is RTP. What looks like it counts as a stream when it comes often enough; which of them is asked for is decided by others.

use crate::limits::{CAPTURE_PACKETS_MAX, CAPTURE_STREAMS_MAX};
use crate::media::{rtcp, telephone_event};
use crate::number::Key;
use etherparse::{EtherType, NetSlice, SlicedPacket, TransportSlice};
use pcap_parser::{Block, LegacyPcapSlice, Linktype, PcapBlockOwned, PcapNGSlice};
use rtp_rs::RtpReader;
use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};

/// A capture.
#[derive(Clone, Debug, Default)]
pub struct Capture<'a> {
    /// What looks like RTP, in the order of first packets.
    pub streams: Vec<Stream<'a>>,
    /// Keys by RFC 4733, of all streams, in order of time.
    pub keys: Vec<Pressed>,
    /// Frames that were captured in part only: `tcpdump -s 0` takes all.
    pub shortened: usize,
    /// There were more frames than are looked at.
    pub too_long: bool,
}

/// A key of somebody's.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Pressed {
    /// When its first packet came, in microseconds of the capture's clock.
    pub at: u64,
    /// Which.
    pub key: Key,
    /// Who sent it.
    pub from: SocketAddr,
    /// To whom.
    pub to: SocketAddr,
}

/// One source between two addresses.
#[derive(Clone, Debug)]
pub struct Stream<'a> {
    /// Its sender.
    pub from: SocketAddr,
    /// Its receiver.
    pub to: SocketAddr,
    /// Its name.
    pub ssrc: u32,
    /// As they came.
    pub packets: Vec<Packet<'a>>,
}

/// One packet.
#[derive(Clone, Copy, Debug)]
pub struct Packet<'a> {
    /// When it was captured, in microseconds.
    pub at: u64,
    /// Its number.
    pub sequence: u16,
    /// Its first sample.
    pub timestamp: u32,
    /// A talk spurt begins.
    pub marked: bool,
    /// What it carries.
    pub payload_type: u8,
    /// Its sound.
    pub payload: &'a [u8],
}

impl Packet<'_> {
    /// Whether it looks like a key (RFC 4733 §2.3): a dynamic number, four bytes, the reserved bit unset.
    pub fn is_event(&self) -> bool {
        self.payload_type >= 96 && self.payload.len() == 4 && self.payload.first().is_some_and(|&event| event < 16)
    }
}

/// Neither pcap nor pcapng.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NoCapture;

/// Reads a capture. One that breaks off is read as far as it goes.
pub fn read(bytes: &[u8]) -> Result<Capture<'_>, NoCapture> {
    let mut reader = Reader::default();
    if let Ok(packets) = LegacyPcapSlice::from_slice(bytes) {
        reader.block(PcapBlockOwned::LegacyHeader(packets.header.clone()));
        reader.take(packets);
    } else if let Ok(blocks) = PcapNGSlice::from_slice(bytes) {
        reader.take(blocks);
    } else {
        return Err(NoCapture);
    }
    Ok(reader.finish())
}

/// Of an interface of a capture.
#[derive(Clone, Copy)]
struct Interface {
    link: Linktype,
    /// Ticks in a second.
    resolution: u64,
    offset: i64,
}

#[derive(Default)]
struct Reader<'a> {
    interfaces: Vec<Interface>,
    capture: Capture<'a>,
    known: HashMap<(SocketAddr, SocketAddr, u32), usize>,
    frames: usize,
}

impl<'a> Reader<'a> {
    fn take<E>(&mut self, blocks: impl Iterator<Item = Result<PcapBlockOwned<'a>, E>>) {
        for block in blocks.map_while(Result::ok) {
            if self.frames >= CAPTURE_PACKETS_MAX {
                self.capture.too_long = true;
                return;
            }
            self.block(block);
        }
    }

    fn block(&mut self, block: PcapBlockOwned<'a>) {
        match block {
            PcapBlockOwned::LegacyHeader(header) => {
                let resolution = if header.is_nanosecond_precision() { 1_000_000_000 } else { 1_000_000 };
                self.interfaces = vec![Interface { link: header.network, resolution, offset: 0 }];
            }
            PcapBlockOwned::Legacy(packet) => {
                let Some(&interface) = self.interfaces.first() else { return };
                let part = u64::from(packet.ts_usec).saturating_mul(1_000_000) / interface.resolution;
                let at = u64::from(packet.ts_sec).saturating_mul(1_000_000).saturating_add(part);
                self.frame(interface.link, at, packet.data, packet.caplen < packet.origlen);
            }
            // A new section has interfaces of its own.
            PcapBlockOwned::NG(Block::SectionHeader(_)) => self.interfaces.clear(),
            PcapBlockOwned::NG(Block::InterfaceDescription(interface)) => {
                let resolution = interface.ts_resolution().filter(|&ticks| ticks > 0).unwrap_or(1_000_000);
                let offset = interface.ts_offset();
                self.interfaces.push(Interface { link: interface.linktype, resolution, offset });
            }
            PcapBlockOwned::NG(Block::EnhancedPacket(packet)) => {
                let Some(&interface) = self.interfaces.get(packet.if_id as usize) else { return };
                let ticks = u128::from(packet.ts_high) << 32 | u128::from(packet.ts_low);
                let micros = (ticks * 1_000_000 / u128::from(interface.resolution)) as u64;
                let at = micros.saturating_add_signed(interface.offset.saturating_mul(1_000_000));
                // The block is padded to four bytes.
                let Some(data) = packet.data.get(..packet.caplen as usize) else { return };
                self.frame(interface.link, at, data, packet.caplen < packet.origlen);
            }
            // Simple packets have no time, and nothing else has packets.
            PcapBlockOwned::NG(_) => {}
        }
    }

    fn frame(&mut self, link: Linktype, at: u64, frame: &'a [u8], shortened: bool) {
        self.frames += 1;
        self.capture.shortened += usize::from(shortened);
        let Some((from, to, payload)) = datagram(link, frame) else { return };
        if rtcp::is_rtcp(payload) {
            return;
        }
        let Ok(packet) = RtpReader::new(payload) else { return };
        let key = (from, to, packet.ssrc());
        let streams = &mut self.capture.streams;
        let index = match self.known.get(&key) {
            Some(&index) => index,
            None if streams.len() >= CAPTURE_STREAMS_MAX => return,
            None => {
                streams.push(Stream { from, to, ssrc: packet.ssrc(), packets: Vec::new() });
                self.known.insert(key, streams.len() - 1);
                streams.len() - 1
            }
        };
        let Some(stream) = streams.get_mut(index) else { return };
        stream.packets.push(Packet {
            at,
            sequence: packet.sequence_number().into(),
            timestamp: packet.timestamp(),
            marked: packet.mark(),
            payload_type: packet.payload_type(),
            payload: packet.payload(),
        });
    }

    fn finish(mut self) -> Capture<'a> {
        /// Anything may look like RTP once or twice.
        const LEAST: usize = 4;
        self.capture.streams.retain(|stream| stream.packets.len() >= LEAST);
        for stream in &self.capture.streams {
            let mut receiver = telephone_event::Receiver::new();
            for packet in stream.packets.iter().filter(|packet| packet.is_event()) {
                let now = crate::time::Instant::START + crate::time::Duration::from_micros(packet.at.min(1 << 60));
                let event = telephone_event::Packet::read(stream.ssrc, packet.timestamp, packet.payload);
                let key = event.and_then(|event| receiver.received(now, 8000, event));
                let (from, to) = (stream.from, stream.to);
                self.capture.keys.extend(key.map(|key| Pressed { at: packet.at, key, from, to }));
            }
        }
        self.capture.keys.sort_by_key(|key| key.at);
        self.capture
    }
}

/// The UDP datagram of a frame. Of fragments there is none: no sound is that long.
fn datagram(link: Linktype, frame: &[u8]) -> Option<(SocketAddr, SocketAddr, &[u8])> {
    /// The next protocol within Linux' second "any" header, whose first field it is; 20 bytes.
    const SLL2: Linktype = Linktype(276);
    let sliced = match link {
        Linktype::ETHERNET => SlicedPacket::from_ethernet(frame),
        Linktype::LINUX_SLL => SlicedPacket::from_linux_sll(frame),
        SLL2 => {
            let protocol = frame.get(..2)?.try_into().ok().map(u16::from_be_bytes)?;
            SlicedPacket::from_ether_type(EtherType(protocol), frame.get(20..)?)
        }
        // The family, in the byte order of whoever captured; IP says its version itself.
        Linktype::NULL | Linktype::LOOP => SlicedPacket::from_ip(frame.get(4..)?),
        Linktype::RAW | Linktype::IPV4 | Linktype::IPV6 | Linktype(12 | 14) => SlicedPacket::from_ip(frame),
        _ => return None,
    };
    let sliced = sliced.ok()?;
    let (from, to): (IpAddr, IpAddr) = match sliced.net.as_ref()? {
        NetSlice::Ipv4(ip) => (ip.header().source_addr().into(), ip.header().destination_addr().into()),
        NetSlice::Ipv6(ip) => (ip.header().source_addr().into(), ip.header().destination_addr().into()),
        NetSlice::Arp(_) => return None,
    };
    let TransportSlice::Udp(udp) = sliced.transport? else { return None };
    let (from, to) = (SocketAddr::new(from, udp.source_port()), SocketAddr::new(to, udp.destination_port()));
    Some((from, to, udp.payload()))
}
