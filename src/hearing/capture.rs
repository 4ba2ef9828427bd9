//! RTP within captures: pcap and pcapng, on Ethernet, Linux "any" (SLL, SLL2), raw IP and loopback; IPv4 and IPv6.
//!
//! Nothing says what is RTP. What looks like it counts as a stream when it comes often enough; which of them is asked for is decided by others.

use crate::limits::{CAPTURE_PACKETS_MAX, CAPTURE_RECORD_BYTES_MAX, CAPTURE_STREAMS_MAX};
use crate::media::{rtcp, telephone_event};
use crate::number::Key;
use etherparse::{EtherType, NetSlice, SlicedPacket, TransportSlice};
use pcap_parser::pcap::{parse_pcap_frame, parse_pcap_frame_be, parse_pcap_frame_modified, parse_pcap_header};
use pcap_parser::pcapng::{Block, parse_block_be, parse_block_le, parse_sectionheaderblock};
use pcap_parser::{Linktype, PcapHeader};
use rtp_rs::RtpReader;
use std::collections::{BTreeMap, HashMap};
use std::net::{IpAddr, SocketAddr};

/// A capture.
#[derive(Clone, Debug, Default)]
pub struct Capture<'a> {
    /// What looks like RTP, in the order of first packets.
    pub streams: Vec<Stream<'a>>,
    /// Keys by RFC 4733, of all streams, in order of time.
    pub keys: Vec<Pressed>,
    /// Frames that were looked at.
    pub frames: usize,
    /// Those of them that hold a UDP datagram.
    pub datagrams: usize,
    /// Frames that were captured in part only: `tcpdump -s 0` takes all.
    pub shortened: usize,
    /// Frames of link types that are not read, by the number of the type (<https://www.tcpdump.org/linktypes.html>).
    pub unread_links: BTreeMap<i32, usize>,
    /// Where it breaks off; what follows was not looked at.
    pub breaks_off: Option<BreaksOff>,
    /// There were more frames than are looked at.
    pub too_long: bool,
}

/// Why a capture is read no further. Records count from 1, packets alone.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum BreaksOff {
    /// The file ends within this record: whoever captured was stopped, or the copy is not whole.
    Within {
        /// Which.
        record: usize,
    },
    /// No record is so long: a byte was lost or changed before it.
    Impossible {
        /// Which.
        record: usize,
        /// What it says of its length, in bytes.
        length: u32,
    },
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
    if let Ok((records, header)) = parse_pcap_header(bytes) {
        reader.pcap(&header, records);
    } else if parse_sectionheaderblock(bytes).is_ok() {
        reader.pcapng(bytes);
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
}

impl<'a> Reader<'a> {
    /// A whole file, whose records are in the byte order of its header.
    fn pcap(&mut self, header: &PcapHeader, mut rest: &'a [u8]) {
        // The upper half of the field tells of checksums.
        let link = Linktype(header.network.0 & 0xffff);
        let resolution = if header.is_nanosecond_precision() { 1_000_000_000 } else { 1_000_000 };
        let parse = match (header.is_bigendian(), header.is_modified_format()) {
            (true, _) => parse_pcap_frame_be,
            (false, true) => parse_pcap_frame_modified,
            (false, false) => parse_pcap_frame,
        };
        while !rest.is_empty() && self.has_room() {
            match parse(rest) {
                Ok((behind, packet)) if packet.caplen <= CAPTURE_RECORD_BYTES_MAX => {
                    let part = u64::from(packet.ts_usec).saturating_mul(1_000_000) / resolution;
                    let at = u64::from(packet.ts_sec).saturating_mul(1_000_000).saturating_add(part);
                    self.frame(link, at, packet.data, packet.caplen < packet.origlen);
                    rest = behind;
                }
                Ok(_) | Err(_) => return self.breaks_off(number(rest, 8, header.is_bigendian()), true),
            }
        }
    }

    /// A whole file of blocks.
    fn pcapng(&mut self, mut rest: &'a [u8]) {
        let mut big_endian = false;
        while !rest.is_empty() && self.has_room() {
            match if big_endian { parse_block_be(rest) } else { parse_block_le(rest) } {
                Ok((behind, block)) => {
                    if let Block::SectionHeader(section) = &block {
                        big_endian = section.big_endian();
                    }
                    self.block(block);
                    rest = behind;
                }
                Err(_) => {
                    let length = number(rest, 4, big_endian);
                    // Blocks are multiples of four; one that is there as a whole would have been read.
                    let possible = length.is_none_or(|length| length % 4 == 0 && rest.len() < length as usize);
                    return self.breaks_off(length, possible);
                }
            }
        }
    }

    fn has_room(&mut self) -> bool {
        self.capture.too_long = self.capture.frames >= CAPTURE_PACKETS_MAX;
        !self.capture.too_long
    }

    fn breaks_off(&mut self, length: Option<u32>, possible: bool) {
        let record = self.capture.frames + 1;
        self.capture.breaks_off = Some(match length {
            Some(length) if !possible || length > CAPTURE_RECORD_BYTES_MAX => BreaksOff::Impossible { record, length },
            Some(_) | None => BreaksOff::Within { record },
        });
    }

    fn block(&mut self, block: Block<'a>) {
        match block {
            // A new section has interfaces of its own.
            Block::SectionHeader(_) => self.interfaces.clear(),
            Block::InterfaceDescription(interface) => {
                let resolution = interface.ts_resolution().filter(|&ticks| ticks > 0).unwrap_or(1_000_000);
                let offset = interface.ts_offset();
                self.interfaces.push(Interface { link: interface.linktype, resolution, offset });
            }
            Block::EnhancedPacket(packet) => {
                let Some(&interface) = self.interfaces.get(packet.if_id as usize) else { return };
                let ticks = u128::from(packet.ts_high) << 32 | u128::from(packet.ts_low);
                let micros = (ticks * 1_000_000 / u128::from(interface.resolution)) as u64;
                let at = micros.saturating_add_signed(interface.offset.saturating_mul(1_000_000));
                // The block is padded to four bytes.
                let Some(data) = packet.data.get(..packet.caplen as usize) else { return };
                self.frame(interface.link, at, data, packet.caplen < packet.origlen);
            }
            // Simple packets have no time, and nothing else has packets.
            _ => {}
        }
    }

    fn frame(&mut self, link: Linktype, at: u64, frame: &'a [u8], shortened: bool) {
        self.capture.frames += 1;
        self.capture.shortened += usize::from(shortened);
        let (from, to, payload) = match datagram(link, frame) {
            Ok(datagram) => datagram,
            Err(Unread::Link) => return *self.capture.unread_links.entry(link.0).or_default() += 1,
            Err(Unread::Frame) => return,
        };
        self.capture.datagrams += 1;
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

/// A number of four bytes.
fn number(bytes: &[u8], at: usize, big_endian: bool) -> Option<u32> {
    let field: [u8; 4] = bytes.get(at..at + 4)?.try_into().ok()?;
    Some(if big_endian { u32::from_be_bytes(field) } else { u32::from_le_bytes(field) })
}

/// Why nothing of a frame is read.
enum Unread {
    /// Its link type is not known.
    Link,
    /// It holds no UDP, or not all of it.
    Frame,
}

/// The UDP datagram of a frame. Of fragments there is none: no sound is that long.
fn datagram(link: Linktype, frame: &[u8]) -> Result<(SocketAddr, SocketAddr, &[u8]), Unread> {
    let sliced = match link {
        Linktype::ETHERNET => SlicedPacket::from_ethernet(frame).ok(),
        // Both headers of Linux' "any" tell the next protocol. The first one's hardware type (ARPHRD) does not matter: tunnels, PPP and lo carry IP as well.
        Linktype::LINUX_SLL => cooked(frame, 14, 16),
        Linktype::LINUX_SLL2 => cooked(frame, 0, 20),
        // The family, in the byte order of whoever captured; IP says its version itself.
        Linktype::NULL | Linktype::LOOP => frame.get(4..).and_then(|packet| SlicedPacket::from_ip(packet).ok()),
        Linktype::RAW | Linktype::IPV4 | Linktype::IPV6 | Linktype(12 | 14) => SlicedPacket::from_ip(frame).ok(),
        _ => return Err(Unread::Link),
    };
    sliced.and_then(of_udp).ok_or(Unread::Frame)
}

/// A frame whose header has the next protocol at a place, and is so long.
fn cooked(frame: &[u8], protocol: usize, header: usize) -> Option<SlicedPacket<'_>> {
    let protocol = frame.get(protocol..protocol + 2)?.try_into().ok().map(u16::from_be_bytes)?;
    SlicedPacket::from_ether_type(EtherType(protocol), frame.get(header..)?).ok()
}

fn of_udp(sliced: SlicedPacket<'_>) -> Option<(SocketAddr, SocketAddr, &[u8])> {
    let (from, to): (IpAddr, IpAddr) = match sliced.net.as_ref()? {
        NetSlice::Ipv4(ip) => (ip.header().source_addr().into(), ip.header().destination_addr().into()),
        NetSlice::Ipv6(ip) => (ip.header().source_addr().into(), ip.header().destination_addr().into()),
        NetSlice::Arp(_) => return None,
    };
    let TransportSlice::Udp(udp) = sliced.transport? else { return None };
    let (from, to) = (SocketAddr::new(from, udp.source_port()), SocketAddr::new(to, udp.destination_port()));
    Some((from, to, udp.payload()))
}
