//! Reports about one leg (RTCP, RFC 3550 §6): ours about the peer's sound, the peer's about ours.
//!
//! Compound packets are read and written by `rtcp-types`; when they leave and what they mean stands here. Where they go and whether a
//! source counts is decided by `stream`.

use super::quality::PeerReport;
use super::reception::Block;
use crate::limits::{RTCP_INTERVAL, RTP_PACKET_BYTES_MAX};
use crate::time::{Duration, Instant};
use rtcp_types::prelude::*;
use rtcp_types::{Bye, Compound, Packet, ReceiverReport, ReportBlock, Sdes, SdesChunk, SdesItem, SenderReport};

/// RFC 5761 §4: on a shared port the second byte tells RTCP from RTP.
pub fn is_rtcp(packet: &[u8]) -> bool {
    packet.get(1).is_some_and(|kind| (192..=223).contains(kind))
}

/// One leg's reports.
#[derive(Clone, Copy, Debug)]
pub struct Rtcp {
    /// When the next one leaves; begun with the first packet of sound.
    due: Option<Instant>,
    /// Reports left so far, so a BYE is owed.
    told: bool,
    /// Chance for the intervals, and the name of this leg: both need differ from other legs' only.
    chance: u64,
    name: u64,
    /// Packets sent when the last report left.
    sent_then: u32,
    /// The peer's last sender report: the middle of its time, and when it came.
    theirs: Option<(u32, Instant)>,
    peer: Option<PeerReport>,
    round_trip: Option<Duration>,
}

/// What a report says of our side.
#[derive(Clone, Copy, Debug)]
pub struct Sent {
    /// Our source.
    pub ssrc: u32,
    /// The timestamp of a packet that would leave now.
    pub timestamp: u32,
    /// Packets.
    pub packets: u32,
    /// Their payload.
    pub bytes: u32,
}

impl Rtcp {
    /// Nothing told yet. `chance` is random.
    pub fn new(chance: u64) -> Self {
        Self { due: None, told: false, chance, name: chance, sent_then: 0, theirs: None, peer: None, round_trip: None }
    }

    /// Sound flows: the first report follows in half the usual time (RFC 3550 §6.2).
    pub fn begin(&mut self, now: Instant) {
        if self.due.is_none() {
            self.due = Some(now + self.interval(RTCP_INTERVAL / 2));
        }
    }

    /// Whether a report is due.
    pub fn is_due(&self, now: Instant) -> bool {
        self.due.is_some_and(|due| now >= due)
    }

    /// A report was due and did not leave.
    pub fn passed(&mut self, now: Instant) {
        self.due = Some(now + self.interval(RTCP_INTERVAL));
    }

    /// Writes the report that is due, with a BYE behind it if it is the last; how many bytes.
    pub fn write(
        &mut self,
        now: Instant,
        sent: Sent,
        block: Option<Block>,
        last: bool,
        buffer: &mut [u8; RTP_PACKET_BYTES_MAX],
    ) -> Option<usize> {
        self.passed(now);
        let block = block.map(|block| {
            let (heard, since) = self.theirs.map_or((0, 0), |(middle, at)| (middle, short(now.since(at))));
            ReportBlock::builder(block.ssrc)
                .fraction_lost(block.fraction)
                .cumulative_lost(block.lost)
                .extended_sequence_number(block.highest)
                .interarrival_jitter(block.jitter)
                .last_sender_report_timestamp(heard)
                .delay_since_last_sender_report_timestamp(since)
        });
        let name = format!("{:016x}", self.name);
        let compound = Compound::builder();
        // Who sent nothing since the last report is a receiver (§6.4).
        let compound = if sent.packets == self.sent_then {
            let report = ReceiverReport::builder(sent.ssrc);
            compound.add_packet(block.into_iter().fold(report, |report, block| report.add_report_block(block)))
        } else {
            let report = SenderReport::builder(sent.ssrc)
                .ntp_timestamp(ntp(now))
                .rtp_timestamp(sent.timestamp)
                .packet_count(sent.packets)
                .octet_count(sent.bytes);
            compound.add_packet(block.into_iter().fold(report, |report, block| report.add_report_block(block)))
        };
        let item = SdesItem::builder(SdesItem::CNAME, &name);
        let compound = compound.add_packet(Sdes::builder().add_chunk(SdesChunk::builder(sent.ssrc).add_item(item)));
        let compound = if last { compound.add_packet(Bye::builder().add_source(sent.ssrc)) } else { compound };
        self.sent_then = sent.packets;
        self.told = true;
        compound.write_into(buffer).ok()
    }

    /// Whether the peer has heard reports of ours, so that it is owed a BYE.
    pub fn has_told(&self) -> bool {
        self.told
    }

    /// What the peer tells; `false` when it is no RTCP. `clock` is that of our sound.
    pub fn received(&mut self, now: Instant, ours: u32, clock: u32, packet: &[u8]) -> bool {
        let Ok(compound) = Compound::parse(packet) else { return false };
        for packet in compound {
            match packet {
                Ok(Packet::Sr(report)) => {
                    self.theirs = Some(((report.ntp_timestamp() >> 16) as u32, now));
                    report.report_blocks().for_each(|block| self.heard(now, ours, clock, &block));
                }
                Ok(Packet::Rr(report)) => {
                    report.report_blocks().for_each(|block| self.heard(now, ours, clock, &block));
                }
                // A BYE of theirs ends nothing: calls end by SIP.
                Ok(_) => {}
                Err(_) => return false,
            }
        }
        true
    }

    fn heard(&mut self, now: Instant, ours: u32, clock: u32, block: &ReportBlock<'_>) {
        if block.ssrc() != ours {
            return;
        }
        // 24 bits with a sign: duplicates may make it negative.
        let lost = block.cumulative_lost();
        let lost = if lost & 0x80_0000 == 0 { lost } else { 0 };
        let jitter = u64::from(block.interarrival_jitter()) * 1_000_000 / u64::from(clock.max(1));
        self.peer = Some(PeerReport { lost, jitter: Duration::from_micros(jitter) });
        let then = block.last_sender_report_timestamp();
        if then != 0 {
            let since = (ntp(now) >> 16) as u32;
            let way = since.wrapping_sub(then).wrapping_sub(block.delay_since_last_sender_report_timestamp());
            // Beyond a minute or below nothing it is no time of ours; a little below nothing is rounding.
            self.round_trip = match way {
                0..=0x3c_0000 => Some(Duration::from_micros((u64::from(way) * 1_000_000) >> 16)),
                0xffff_ff00.. => Some(Duration::ZERO),
                _ => self.round_trip,
            };
        }
    }

    /// What the peer said last of our sound.
    pub fn peer(&self) -> Option<PeerReport> {
        self.peer
    }

    /// From us to the peer and back, as measured last.
    pub fn round_trip(&self) -> Option<Duration> {
        self.round_trip
    }

    /// RFC 3550 §6.3.1: between half and one and a half of this, so that legs do not report in step, and the correction for
    /// reconsidering (e − 3/2) that two parties hardly need.
    fn interval(&mut self, usual: Duration) -> Duration {
        // Knuth's constants (MMIX); the high bits are the good ones.
        self.chance = self.chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let spread = (self.chance >> 32) as f64 / f64::from(u32::MAX);
        usual.mul_f64((0.5 + spread) / 1.218_28)
    }
}

/// Time in the form of NTP. It counts from when the engine began, which §6.4.1 allows: nobody aligns our one stream with another.
fn ntp(now: Instant) -> u64 {
    ((u128::from(now.as_nanos()) << 32) / 1_000_000_000) as u64 + (1 << 32)
}

/// In 65,536ths of a second.
fn short(duration: Duration) -> u32 {
    u32::try_from((duration.as_nanos() << 16) / 1_000_000_000).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(ms: u64) -> Instant {
        Instant::START + Duration::from_millis(ms)
    }

    const OURS: u32 = 0x1357;
    const THEIRS: u32 = 0x7531;

    fn sent(ssrc: u32, packets: u32) -> Sent {
        Sent { ssrc, timestamp: packets * 160, packets, bytes: packets * 160 }
    }

    fn block(ssrc: u32) -> Block {
        Block { ssrc, fraction: 12, lost: 3, highest: 70_000, jitter: 80 }
    }

    fn written(rtcp: &mut Rtcp, now: u64, sent: Sent, block: Option<Block>, last: bool) -> Vec<u8> {
        let mut buffer = [0; RTP_PACKET_BYTES_MAX];
        let length = rtcp.write(at(now), sent, block, last, &mut buffer).expect("it fits");
        buffer[..length].to_vec()
    }

    /// The kinds of packets in it.
    fn kinds(bytes: &[u8]) -> Vec<&'static str> {
        Compound::parse(bytes)
            .expect("valid")
            .map(|packet| match packet.expect("valid") {
                Packet::Sr(_) => "SR",
                Packet::Rr(_) => "RR",
                Packet::Sdes(_) => "SDES",
                Packet::Bye(_) => "BYE",
                _ => "other",
            })
            .collect()
    }

    #[test]
    fn a_sender_reports_as_one_and_a_listener_as_one_and_the_last_report_says_bye() {
        let mut rtcp = Rtcp::new(1);
        assert!(!rtcp.has_told());
        assert_eq!(kinds(&written(&mut rtcp, 0, sent(OURS, 10), None, false)), ["SR", "SDES"]);
        assert_eq!(kinds(&written(&mut rtcp, 5000, sent(OURS, 10), Some(block(THEIRS)), false)), ["RR", "SDES"]);
        let last = written(&mut rtcp, 9000, sent(OURS, 20), Some(block(THEIRS)), true);
        assert_eq!(kinds(&last), ["SR", "SDES", "BYE"]);
        assert!(is_rtcp(&last) && rtcp.has_told());
    }

    #[test]
    fn two_sides_learn_the_way_between_them() {
        let (mut ours, mut theirs) = (Rtcp::new(1), Rtcp::new(2));
        let report = written(&mut ours, 1000, sent(OURS, 50), None, false);
        assert!(theirs.received(at(1030), THEIRS, 8000, &report));
        assert_eq!((theirs.peer(), theirs.round_trip()), (None, None));
        // Two seconds later they answer; that takes 30 ms again.
        let report = written(&mut theirs, 3030, sent(THEIRS, 100), Some(block(OURS)), false);
        assert!(ours.received(at(3060), OURS, 8000, &report));
        assert_eq!(ours.peer(), Some(PeerReport { lost: 3, jitter: Duration::from_millis(10) }));
        let way = ours.round_trip().expect("measured").as_micros();
        assert!((59_900..=60_100).contains(&way), "{way}");
    }

    #[test]
    fn a_block_about_somebody_else_says_nothing_and_one_from_elsewhere_measures_nothing() {
        let mut ours = Rtcp::new(1);
        let report = written(&mut Rtcp::new(2), 0, sent(THEIRS, 1), Some(block(99)), false);
        assert!(ours.received(at(10), OURS, 8000, &report));
        assert_eq!(ours.peer(), None);
        // It echoes a time that we never told.
        let mut theirs = Rtcp::new(2);
        theirs.theirs = Some((0x8000_0000, at(0)));
        let report = written(&mut theirs, 0, sent(THEIRS, 1), Some(block(OURS)), false);
        assert!(ours.received(at(10), OURS, 8000, &report));
        assert_eq!(ours.round_trip(), None);
    }

    #[test]
    fn more_received_than_sent_is_no_loss() {
        let mut ours = Rtcp::new(1);
        let report =
            written(&mut Rtcp::new(2), 0, sent(THEIRS, 1), Some(Block { lost: 0xff_fffe, ..block(OURS) }), false);
        ours.received(at(10), OURS, 8000, &report);
        assert_eq!(ours.peer().map(|peer| peer.lost), Some(0));
    }

    #[test]
    fn reports_leave_five_seconds_apart_give_or_take_half_and_the_first_in_half_the_time() {
        let mut all = Vec::new();
        for seed in 0..200 {
            let mut rtcp = Rtcp::new(u64::wrapping_mul(seed, 0x9e37_79b9_7f4a_7c15));
            rtcp.begin(at(0));
            let first = rtcp.due.expect("begun").since(at(0)).as_millis();
            assert!((1_000..=3_100).contains(&first), "{first}");
            rtcp.begin(at(500));
            assert_eq!(rtcp.due.map(|due| due.since(at(0)).as_millis()), Some(first), "begun once");
            rtcp.passed(at(0));
            all.push(rtcp.due.expect("due").since(at(0)).as_millis());
        }
        assert!(all.iter().all(|ms| (2_000..=6_200).contains(ms)), "{all:?}");
        let (least, most) = (all.iter().min(), all.iter().max());
        assert!(least < Some(&2_300) && most > Some(&5_900), "spread: {least:?} {most:?}");
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_reader_panic(
            mut bytes in proptest::collection::vec(any::<u8>(), 0..200), kind in 200u8..208, words in any::<bool>(),
        ) {
            if let (true, [first, second, high, low, ..]) = (words, bytes.as_mut_slice()) {
                (*first, *second, *high, *low) = (0x80 | (*first & 0x1f), kind, 0, *low % 16);
            }
            Rtcp::new(1).received(at(0), OURS, 8000, &bytes);
        }
    }
}
