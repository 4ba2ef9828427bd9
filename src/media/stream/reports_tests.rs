//! What is told of the sound, and what its silence tells.

use super::*;
use crate::media::quality::{PeerReport, Report};
use rtcp_types::prelude::*;
use rtcp_types::{Bye, Compound, ReceiverReport, ReportBlock, SenderReport};

/// Packets of the peer that came, and that did not.
pub(super) fn counted(report: &Report) -> (u32, u32) {
    report.heard.map(|heard| (heard.packets, heard.lost)).expect("it is counted")
}

/// A report of the peer's with one block about us.
pub(super) fn peer_report(lost: u32) -> Vec<u8> {
    let block = ReportBlock::builder(0x1357).cumulative_lost(lost).interarrival_jitter(16);
    let report = ReceiverReport::builder(9).add_report_block(block);
    let mut buffer = [0; 200];
    let length = Compound::builder().add_packet(report).write_into(&mut buffer).expect("it fits");
    buffer[..length].to_vec()
}

impl Rig {
    /// Our report at this time: where to, by which way, and its first packet.
    fn report(&mut self, ms: u64, last: bool) -> Option<(SocketAddr, Way, Vec<u8>)> {
        let mut buffer = [0; RTP_PACKET_BYTES_MAX];
        let (to, way, length) = self.stream.report(at(ms), last, &mut buffer)?;
        Some((to, way, buffer[..length].to_vec()))
    }

    pub(super) fn quality(&self) -> Report {
        self.stream.quality().expect("agreed")
    }
}

#[test]
fn a_report_tells_what_was_sent_and_what_came() {
    let mut rig = Rig::new();
    rig.configure(|chosen| chosen.control = Control::Muxed);
    rig.sound(50);
    for n in [1u16, 2, 4] {
        let packet = RtpPacketBuilder::new().payload_type(8).ssrc(9).sequence(Seq::from(n)).payload(&[0; 160]);
        rig.stream.received(at(u64::from(n) * 20), address(PEER), &mut packet.build().expect("RTP"), &mut rig.events);
    }
    assert!(!rig.stream.owes_report(at(900)) && rig.stream.owes_report(at(3_100)));
    let (to, way, bytes) = rig.report(3_100, false).expect("due");
    assert_eq!((to, way), (address(PEER), Way::Muxed));
    let packets: Vec<_> = Compound::parse(&bytes).expect("RTCP").map(|packet| packet.expect("RTCP")).collect();
    let report: SenderReport<'_> = packets[0].try_as().expect("a sender's");
    assert_eq!((report.ssrc(), report.packet_count(), report.octet_count()), (0x1357, 50, 50 * 160));
    assert_eq!(report.rtp_timestamp(), (u32::MAX - 200).wrapping_add(50 * 160));
    let block = report.report_blocks().next().expect("a block");
    assert_eq!((block.ssrc(), block.cumulative_lost(), block.fraction_lost()), (9, 1, 64));
    assert!(!rig.stream.owes_report(at(3_200)), "the next one is due later");
    let quality = rig.quality();
    assert_eq!((quality.sent, counted(&quality), quality.peer), (50, (3, 1), None));
    let (.., bytes) = rig.report(4_000, true).expect("a goodbye");
    assert!(Compound::parse(&bytes).expect("RTCP").any(|packet| packet.is_ok_and(|p| p.try_as::<Bye<'_>>().is_ok())));
}

#[test]
fn reports_go_to_the_port_above_or_where_the_peer_says_or_nowhere() {
    for (control, latched, expected) in [
        (Control::Apart(address("192.0.2.7:4001")), None, Some(("192.0.2.7:4001", Way::Apart))),
        (Control::Apart(address("192.0.2.7:5500")), Some(PEER), Some(("192.0.2.7:5500", Way::Apart))),
        (Control::Apart(address("192.0.2.7:4001")), Some(NAT), Some(("203.0.113.9:61001", Way::Apart))),
        (Control::Muxed, Some(NAT), Some((NAT, Way::Muxed))),
        (Control::Off, None, None),
    ] {
        let mut rig = Rig::new();
        rig.configure(|chosen| chosen.control = control);
        latched.into_iter().for_each(|from| rig.hear_twice(0, from));
        rig.sound(1);
        let told = rig.report(3_000, false).map(|(to, way, _)| (to, way));
        assert_eq!(told, expected.map(|(to, way)| (address(to), way)), "{control:?} {latched:?}");
        rig.configure(|chosen| (chosen.control, chosen.remote) = (control, None));
        assert_eq!(rig.report(6_000, false), None, "no address, no report");
    }
}

#[test]
fn a_peer_behind_a_nat_is_answered_where_its_reports_come_from() {
    let mut rig = Rig::new();
    rig.configure(|chosen| chosen.control = Control::Apart(address("192.0.2.7:4001")));
    rig.hear_twice(0, NAT);
    rig.stream.reported(at(50), address("203.0.113.9:62333"), Way::Apart, &mut peer_report(0));
    assert_eq!(rig.report(3_000, false).map(|(to, ..)| to), Some(address("203.0.113.9:62333")));
}

#[test]
fn reports_on_the_port_of_sound_count_from_the_peers_host_alone_and_never_latch() {
    let mut rig = Rig::new();
    rig.stream.received(at(0), address(STRANGER), &mut peer_report(7), &mut rig.events);
    assert_eq!(rig.quality().peer, None);
    rig.stream.received(at(0), address(PEER), &mut peer_report(7), &mut rig.events);
    assert_eq!(rig.quality().peer, Some(PeerReport { lost: 7, jitter: Duration::from_millis(2) }));
    assert_eq!((rig.events(), counted(&rig.quality())), (vec![], (0, 0)));
}

#[test]
fn no_goodbye_is_said_where_nothing_was_reported() {
    let mut rig = Rig::new();
    rig.configure(|chosen| chosen.control = Control::Muxed);
    rig.sound(3);
    assert_eq!(rig.report(100, true), None);
}

#[test]
fn a_peer_that_should_speak_and_does_not_is_told_of_and_one_on_hold_or_listening_is_not() {
    let silent = |rig: &mut Rig, ms: u64| {
        rig.stream.tick(at(ms), &mut rig.events);
        rig.events().contains(&Event::Silent)
    };
    let patient = || Rig { stream: Stream::new(1, 1, 1).with_patience(Some(Duration::from_secs(10))), events: vec![] };
    let mut rig = patient();
    assert!(!silent(&mut rig, 60_000), "nothing is agreed");
    rig.configure(|_| {});
    rig.hear(1_000, PEER, 8, 0, &[0xd5; 160]);
    assert!(!silent(&mut rig, 10_999) && silent(&mut rig, 11_000), "ten seconds after the last packet");
    assert!(!silent(&mut rig, 11_020), "told once in that time");
    // Comfort noise and reports are signs of life; strangers' packets are none.
    rig.hear(20_000, PEER, 13, 0, &[40]);
    rig.hear(25_000, STRANGER, 8, 0, &[0; 160]);
    assert!(!silent(&mut rig, 29_999));
    rig.stream.received(at(29_999), address(PEER), &mut peer_report(0), &mut rig.events);
    assert!(!silent(&mut rig, 39_998) && silent(&mut rig, 39_999));
    for (direction, remote) in [
        (Direction::RecvOnly, Some(address(PEER))),
        (Direction::SendOnly, Some(address(PEER))),
        (Direction::Inactive, Some(address(PEER))),
        (Direction::SendRecv, None),
    ] {
        let mut rig = patient();
        rig.configure(|chosen| (chosen.direction, chosen.remote) = (direction, remote));
        assert!(!silent(&mut rig, 60_000), "{direction:?}");
    }
    let mut rig = Rig::new();
    assert!(!silent(&mut rig, 3_600_000), "off unless it is set");
}

#[test]
fn comfort_noise_is_timed_by_its_own_clock_and_tells_no_jitter_beside_another() {
    for (codec, ticks) in [(Codec::Pcma, 160), (Codec::Opus, 960)] {
        let mut rig = Rig::new();
        rig.configure(|chosen| (chosen.codec, chosen.payload_type) = (codec, codec.payload_type()));
        for n in 0..200u32 {
            let (number, timestamp) = if n % 4 == 3 { (13, n * 160) } else { (codec.payload_type(), n * ticks) };
            let packet = RtpPacketBuilder::new().payload_type(number).ssrc(9).sequence(Seq::from(n as u16));
            let mut packet = packet.timestamp(timestamp).payload(&[8, 0]).build().expect("valid RTP");
            rig.stream.received(at(20 * u64::from(n)), address(PEER), &mut packet, &mut rig.events);
        }
        let heard = rig.quality().heard.expect("it is counted");
        assert_eq!((heard.packets, heard.lost, heard.jitter), (200, 0, Duration::ZERO), "{codec:?}");
    }
}
