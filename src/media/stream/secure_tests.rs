//! Streams whose sound is encrypted.

use super::reports::{counted, peer_report};
use super::*;
use crate::media::quality::Report;
use crate::media::srtp::{Opener, Sealer};
use crate::sdp::{Keys, Secured, Suite};
use rtcp_types::Compound;

/// A stream whose sound is encrypted, and the peer's end.
struct Secure {
    rig: Rig,
    theirs: Sealer,
    ours: Opener,
}

impl Secure {
    fn secured(ours: u8, theirs: u8) -> Secured {
        let key = |which: u8| Keys::new([[which; 44]; 4]).of(Suite::AesCm128Sha1Tag80);
        Secured { tag: 1, ours: key(ours), theirs: key(theirs), mki: None, profile: true }
    }

    fn new(change: impl Fn(&mut Chosen)) -> Self {
        let mut rig = Rig { stream: Stream::new(0x1357, 65_534, 0), events: Vec::new() };
        let secured = Self::secured(1, 2);
        let (theirs, ours) = (Sealer::new(&secured.theirs), Opener::new(&secured.ours, None));
        rig.configure(|chosen| {
            chosen.secured = Some(Box::new(secured.clone()));
            change(chosen);
        });
        Self { rig, theirs, ours }
    }

    /// The peer's packet as it leaves.
    fn sealed(&mut self, sequence: u16, payload_type: u8, payload: &[u8]) -> Vec<u8> {
        let timestamp = u32::from(sequence) * 160;
        let packet = RtpPacketBuilder::new().payload_type(payload_type).ssrc(9).timestamp(timestamp).payload(payload);
        let mut packet = packet.sequence(Seq::from(sequence)).build().expect("valid RTP");
        let length = packet.len();
        packet.resize(length + 16, 0);
        let length = self.theirs.seal(&mut packet, length).expect("room");
        packet.truncate(length);
        packet
    }

    fn hear(&mut self, ms: u64, from: &str, packet: &[u8]) {
        self.rig.stream.received(at(ms), address(from), &mut packet.to_vec(), &mut self.rig.events);
    }

    fn hear_report(&mut self, ms: u64, from: &str, packet: &[u8]) {
        self.rig.stream.reported(at(ms), address(from), Way::Apart, &mut packet.to_vec());
    }

    /// What the peer makes of our next packet.
    fn next(&mut self) -> (SocketAddr, u16, Vec<u8>) {
        let mut buffer = [0x11; RTP_PACKET_BYTES_MAX];
        let (to, length) = self.rig.stream.next_packet(&mut buffer, &mut self.rig.events).expect("a packet");
        let length = self.ours.open(&mut buffer[..length]).expect("it is ours");
        let packet = RtpReader::new(&buffer[..length]).expect("valid RTP");
        (to, packet.sequence_number().into(), packet.payload().to_vec())
    }
}

#[test]
fn encrypted_sound_and_keys_and_reports_go_both_ways() {
    let mut secure = Secure::new(|chosen| chosen.control = Control::Muxed);
    secure.rig.play(1, &[clip(480, 1)], false);
    let said: Vec<u8> = (0..3).flat_map(|_| secure.next().2).collect();
    assert_eq!(said, alaw(&clip(480, 1)));
    secure.rig.command(Command::Press(vec![crate::number::Key::from_char('5').expect("a key")]));
    assert_eq!(secure.next().2[0], 5);
    let mut wire = [0; RTP_PACKET_BYTES_MAX];
    let (_, length) = secure.rig.stream.next_packet(&mut wire, &mut secure.rig.events).expect("a packet");
    assert_eq!((length, &wire[..2]), (12 + 4 + 10, &[0x80, 101][..]), "its header is readable, and it has a tag");

    let sound = secure.sealed(1, 8, &[0xd5; 160]);
    let key = secure.sealed(2, 101, &[7, 10, 0, 160]);
    secure.hear(0, PEER, &sound);
    secure.hear(20, PEER, &key);
    assert_eq!(secure.rig.keys(), "7");
    let mut report = peer_report(7);
    let length = report.len();
    report.resize(length + 14, 0);
    secure.theirs.seal_report(&mut report, length).expect("room");
    secure.hear(30, PEER, &report);
    let quality = secure.rig.quality();
    assert_eq!((counted(&quality), quality.forged, quality.suite), ((2, 0), 0, Some(Suite::AesCm128Sha1Tag80)));
    assert_eq!(quality.peer.map(|peer| peer.lost), Some(7));

    for (last, packets) in [(false, 2), (true, 3)] {
        let mut buffer = [0; RTP_PACKET_BYTES_MAX];
        let (_, _, length) = secure.rig.stream.report(at(9_000), last, &mut buffer).expect("a report");
        let on_wire = buffer;
        let length = secure.ours.open_report(&mut buffer[..length]).expect("it is ours");
        assert_eq!(Compound::parse(&buffer[..length]).expect("reports").count(), packets, "SR, SDES, BYE");
        assert_ne!(on_wire[8..length], buffer[8..length]);
    }
}

#[test]
fn what_is_forged_or_comes_again_changes_nothing() {
    let mut secure = Secure::new(|chosen| chosen.control = Control::Muxed);
    let mut forger = Secure::new(|_| {});
    forger.theirs = Sealer::new(&Secure::secured(3, 3).ours);
    let mut fake = |secure: &mut Secure, n: u16| {
        let (sound, key) = (forger.sealed(n, 8, &[0x55; 160]), forger.sealed(n + 1, 101, &[9, 10, 0, 160]));
        let mut report = peer_report(99);
        let length = report.len();
        report.resize(length + 14, 0);
        forger.theirs.seal_report(&mut report, length).expect("room");
        for (ms, from) in [(1_000, PEER), (1_020, NAT), (1_040, NAT), (1_060, STRANGER)] {
            secure.hear(ms, from, &sound);
            secure.hear(ms, from, &key);
            secure.hear(ms, from, &report);
            secure.hear_report(ms, from, &report);
            secure.hear_report(ms, from, &peer_report(98));
            // Plain, as if nothing had been agreed.
            let plain =
                RtpPacketBuilder::new().payload_type(101).ssrc(9).payload(&[1, 10, 0, 160]).build().expect("RTP");
            secure.hear(ms, from, &plain);
        }
        24
    };
    let mut forged = fake(&mut secure, 1);
    assert_eq!(secure.rig.events(), [], "nobody is latched to, no key counts");
    assert_eq!(secure.next().0, address(PEER));
    let quality = secure.rig.quality();
    assert_eq!((counted(&quality), quality.peer, quality.forged), ((0, 0), None, forged));
    assert!(secure.rig.stream.patience.is_none());

    // The caller behind a NAT, two packets; then the forger again, and the same two packets from elsewhere.
    let real: Vec<_> = (100..102).map(|sequence| secure.sealed(sequence, 8, &[0xd5; 160])).collect();
    real.iter().for_each(|packet| secure.hear(2_000, NAT, packet));
    assert_eq!(secure.rig.events(), [Event::Latched(address(NAT))]);
    let key = secure.sealed(102, 101, &[4, 10, 0, 160]);
    secure.hear(2_040, NAT, &key);
    assert_eq!(secure.rig.keys(), "4");
    let before = secure.rig.quality();
    forged += fake(&mut secure, 103);
    for packet in real.iter().chain([&key]) {
        secure.hear(9_000, NAT, packet);
        secure.hear(9_000, PEER, packet);
    }
    assert_eq!(secure.rig.events(), []);
    assert_eq!(
        secure.rig.quality(),
        Report { forged, ..before },
        "neither counts nor jitter, and repeats are no forgeries"
    );
    assert_eq!(secure.next().0, address(NAT));
    assert_eq!(secure.rig.stream.heard, at(2_040), "it is no sign of life");
    let later = secure.sealed(103, 101, &[8, 10, 0, 160]);
    secure.hear(9_000, NAT, &later);
    assert_eq!(secure.rig.keys(), "8", "the number that was forged is still to come");
}

#[test]
fn our_numbers_begin_low_and_go_on_over_hold_and_a_new_key_and_under_plain_sound() {
    let mut secure = Secure::new(|_| {});
    // It would begin with 65,534: whoever misses that and the next could never count the rest.
    assert_eq!(secure.next().1, 32_766);
    let again = |secure: &mut Secure, keys: Option<(u8, u8)>, direction| {
        secure.rig.configure(|chosen| {
            chosen.secured = keys.map(|(ours, theirs)| Box::new(Secure::secured(ours, theirs)));
            chosen.direction = direction;
        });
    };
    again(&mut secure, Some((1, 2)), Direction::RecvOnly);
    assert!(secure.rig.next().is_none());
    again(&mut secure, Some((1, 2)), Direction::SendRecv);
    // The same key: on the peer's side nothing began anew.
    assert_eq!(secure.next().1, 32_767);
    for sequence in [32_768u16, 32_769] {
        assert_eq!(secure.next().1, sequence);
    }
    again(&mut secure, Some((3, 2)), Direction::SendRecv);
    secure.ours = Opener::new(&Secure::secured(3, 2).ours, None);
    assert_eq!(secure.next().1, 32_770);
    secure.hear(0, STRANGER, &[0x80; 60]);
    again(&mut secure, None, Direction::SendRecv);
    assert_eq!(secure.rig.next().expect("plain").sequence, 32_771);
    let quality = secure.rig.quality();
    assert_eq!((quality.forged, quality.suite), (1, None), "what was counted stays counted");
}

#[test]
fn a_stream_that_begins_anew_understands_a_peer_whose_numbers_began_anew_long_ago() {
    let mut secure = Secure::new(|_| {});
    for sequence in [65_534, 65_535, 0, 1] {
        let packet = secure.sealed(sequence, 8, &[1; 160]);
        secure.hear(0, PEER, &packet);
    }
    let before = secure.next();
    secure.rig.stream.anew(at(20), &mut secure.rig.events);
    let packet = secure.sealed(2, 101, &[8, 10, 0, 160]);
    secure.hear(40, PEER, &packet);
    assert_eq!(secure.rig.keys(), "8");
    assert_ne!(secure.next().1, before.1, "ours is understood as well");
}
