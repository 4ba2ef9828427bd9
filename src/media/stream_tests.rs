//! Streams as a pacer and a peer see them.

use super::*;
use crate::limits::STRETCH;
use crate::media::PlayKey;
use crate::media::quality::PeerReport;
use crate::media::srtp::{Opener, Sealer};
use crate::sdp::{Codecs, Keys, Manner, Secured, Suite};
use proptest::prelude::*;
use rtcp_types::prelude::*;
use rtcp_types::{Bye, Compound, ReceiverReport, ReportBlock, SenderReport};

const PEER: &str = "192.0.2.7:4000";
const NAT: &str = "203.0.113.9:61000";
const STRANGER: &str = "198.51.100.66:5555";

fn at(ms: u64) -> Instant {
    Instant::START + Duration::from_millis(ms)
}

fn address(text: &str) -> SocketAddr {
    text.parse().expect("an address")
}

fn agreed() -> Chosen {
    Chosen {
        remote: Some(address(PEER)),
        codec: Codec::Pcma,
        payload_type: 8,
        manner: Manner::default(),
        packet: Duration::from_millis(20),
        events: vec![Events { payload_type: 101, clock: 8000 }, Events { payload_type: 110, clock: 48000 }],
        direction: Direction::SendRecv,
        control: Control::Off,
        secured: None,
    }
}

/// Bytes that tell each sample from its neighbours and from silence.
fn clip(samples: usize, first: u8) -> Arc<Clip> {
    let alaw: Vec<u8> = (0..samples).map(|n| first.wrapping_add((n % 61) as u8)).collect();
    let ulaw: Vec<u8> = alaw.iter().map(|byte| byte ^ 0x80).collect();
    Arc::new(Clip::of_bytes(&format!("clip {first}"), &alaw, &ulaw))
}

fn alaw(clip: &Clip) -> Vec<u8> {
    clip.encoded(Codec::Pcma)
}

/// A stream and what came out of it.
struct Rig {
    stream: Stream,
    events: Vec<Event>,
}

#[derive(Debug, PartialEq, Eq, Clone)]
struct Packet {
    to: SocketAddr,
    payload_type: u8,
    marked: bool,
    sequence: u16,
    timestamp: u32,
    payload: Vec<u8>,
}

impl Rig {
    fn new() -> Self {
        let mut rig = Self { stream: Stream::new(0x1357, 65_534, u32::MAX - 200), events: Vec::new() };
        rig.command(Command::Configure(agreed()));
        rig
    }

    fn command(&mut self, command: Command) {
        self.stream.command(at(0), command, &mut self.events);
    }

    fn configure(&mut self, change: impl Fn(&mut Chosen)) {
        let mut chosen = agreed();
        change(&mut chosen);
        self.command(Command::Configure(chosen));
    }

    fn play(&mut self, key: u32, clips: &[Arc<Clip>], repeat: bool) {
        self.command(Command::Play { play: PlayKey(key), clips: clips.to_vec(), repeat });
    }

    fn next(&mut self) -> Option<Packet> {
        let mut buffer = [0x11; RTP_PACKET_BYTES_MAX];
        let (to, length) = self.stream.next_packet(&mut buffer, &mut self.events)?;
        let packet = RtpReader::new(&buffer[..length]).expect("valid RTP");
        assert_eq!(packet.ssrc(), 0x1357);
        Some(Packet {
            to,
            payload_type: packet.payload_type(),
            marked: packet.mark(),
            sequence: packet.sequence_number().into(),
            timestamp: packet.timestamp(),
            payload: packet.payload().to_vec(),
        })
    }

    fn sound(&mut self, packets: usize) -> Vec<u8> {
        (0..packets).flat_map(|_| self.next().expect("a packet").payload).collect()
    }

    /// A packet from the peer.
    fn hear(&mut self, ms: u64, from: &str, payload_type: u8, timestamp: u32, payload: &[u8]) {
        let packet = RtpPacketBuilder::new().payload_type(payload_type).ssrc(9).timestamp(timestamp).payload(payload);
        self.stream.received(at(ms), address(from), &mut packet.build().expect("valid RTP"), &mut self.events);
    }

    /// Two packets from an address that no signalling named.
    fn hear_twice(&mut self, ms: u64, from: &str) {
        self.hear(ms, from, 8, 0, &[0xd5; 160]);
        self.hear(ms + 20, from, 8, 160, &[0xd5; 160]);
    }

    fn key(&mut self, ms: u64, from: &str, key: char) {
        let event = crate::number::Key::from_char(key).expect("a key").event();
        self.hear(ms, from, 101, ms as u32 * 8, &[event, 10, 0, 160]);
    }

    fn events(&mut self) -> Vec<Event> {
        std::mem::take(&mut self.events)
    }

    fn keys(&mut self) -> String {
        let key = |event| if let Event::Key(key) = event { Some(key.as_char()) } else { None };
        self.events().into_iter().filter_map(key).collect()
    }
}

#[test]
fn a_prompt_leaves_whole_and_its_last_packet_is_filled_with_silence() {
    let mut rig = Rig::new();
    let (one, two) = (clip(1000, 1), clip(250, 90));
    rig.play(5, &[one.clone(), clip(0, 7), two.clone()], false);
    let mut expected = [alaw(&one), alaw(&two)].concat();
    assert_eq!(rig.sound(7), expected[..1120]);
    assert_eq!(rig.events(), []);
    expected.resize(1280, 0xd5);
    assert_eq!(rig.sound(1), expected[1120..]);
    assert_eq!(rig.events(), [Event::Finished(PlayKey(5))], "with the last packet, not after it");
    assert_eq!(rig.sound(2), [0xd5; 320]);
    assert_eq!(rig.events(), []);
}

#[test]
fn a_prompt_of_whole_packets_ends_with_its_last_one() {
    let mut rig = Rig::new();
    rig.play(1, &[clip(320, 1)], false);
    rig.sound(1);
    assert_eq!(rig.events(), []);
    rig.sound(1);
    assert_eq!(rig.events(), [Event::Finished(PlayKey(1))]);
}

#[test]
fn the_next_prompt_follows_without_a_gap_and_replaces_at_once() {
    let mut rig = Rig::new();
    let (one, two) = (clip(1600, 1), clip(160, 90));
    rig.play(1, &[one], false);
    rig.sound(3);
    rig.play(2, std::slice::from_ref(&two), false);
    assert_eq!(rig.sound(1), alaw(&two));
    assert_eq!(rig.events(), [Event::Finished(PlayKey(2))], "the replaced one never finishes");
    rig.play(3, std::slice::from_ref(&two), false);
    assert_eq!(rig.sound(1), alaw(&two));
}

#[test]
fn a_waiting_tone_repeats_without_a_seam_and_never_finishes() {
    let mut rig = Rig::new();
    let (one, two) = (clip(100, 1), clip(33, 90));
    rig.play(1, &[one.clone(), two.clone()], true);
    let expected: Vec<u8> = [alaw(&one), alaw(&two)].concat().into_iter().cycle().take(160 * 50).collect();
    assert_eq!(rig.sound(50), expected);
    assert_eq!(rig.events(), []);
    rig.command(Command::Stop);
    assert_eq!(rig.sound(1), [0xd5; 160]);
}

#[test]
fn a_prompt_without_sound_is_over_at_once() {
    let mut rig = Rig::new();
    rig.play(1, &[], false);
    rig.play(2, &[clip(0, 1)], true);
    assert_eq!(rig.events(), [Event::Finished(PlayKey(1))]);
    assert_eq!(rig.sound(1), [0xd5; 160]);
}

#[test]
fn numbers_run_on_over_their_end_and_talk_is_marked_at_its_start() {
    let mut rig = Rig::new();
    let mut packets: Vec<Packet> = (0..2).map(|_| rig.next().expect("a packet")).collect();
    rig.play(1, &[clip(320, 1)], false);
    packets.extend((0..4).map(|_| rig.next().expect("a packet")));
    rig.play(2, &[clip(160, 1)], false);
    packets.extend(rig.next());
    assert_eq!(packets.iter().map(|p| p.sequence).collect::<Vec<_>>(), [65_534, 65_535, 0, 1, 2, 3, 4]);
    let first = u32::MAX - 200;
    assert!(packets.iter().zip(0..).all(|(p, n)| p.timestamp == first.wrapping_add(160 * n)));
    let marked: Vec<_> = packets.iter().map(|p| p.marked).collect();
    assert_eq!(marked, [true, false, true, false, false, false, true]);
}

#[test]
fn packets_are_as_long_as_the_peer_asked() {
    for ms in [10u64, 20, 30, 40, 60] {
        let mut rig = Rig::new();
        rig.configure(|chosen| chosen.packet = Duration::from_millis(ms));
        let sound = clip(960, 1);
        rig.play(1, std::slice::from_ref(&sound), false);
        assert_eq!(rig.stream.packet(), Duration::from_millis(ms));
        let mut heard = rig.sound(120usize.div_ceil(ms as usize));
        heard.truncate(960);
        assert_eq!(heard, alaw(&sound), "{ms} ms");
        assert_eq!(rig.next().expect("a packet").payload.len(), ms as usize * 8);
        assert_eq!(rig.events(), [Event::Finished(PlayKey(1))]);
    }
}

#[test]
fn a_packet_time_of_no_telephone_still_fits_the_buffer() {
    for ms in [0, 1, 500, 100_000] {
        let mut rig = Rig::new();
        rig.configure(|chosen| chosen.packet = Duration::from_millis(ms));
        assert!(rig.next().is_some(), "{ms}");
    }
}

#[test]
fn a_held_prompt_waits_and_goes_on_where_it_stopped() {
    let mut rig = Rig::new();
    let sound = clip(640, 1);
    rig.play(1, std::slice::from_ref(&sound), false);
    assert_eq!(rig.sound(2), alaw(&sound)[..320]);
    for (direction, remote) in [
        (Direction::RecvOnly, Some(address(PEER))),
        (Direction::Inactive, Some(address(PEER))),
        (Direction::RecvOnly, None),
    ] {
        rig.configure(|chosen| (chosen.direction, chosen.remote) = (direction, remote));
        assert_eq!(rig.next(), None, "{direction:?}");
    }
    rig.configure(|_| {});
    let packet = rig.next().expect("a packet");
    assert_eq!(packet.payload, alaw(&sound)[320..480]);
    assert_eq!(packet.sequence, 0, "no packet, no number");
    assert_eq!(packet.timestamp, (u32::MAX - 200).wrapping_add(5 * 160), "time went on meanwhile");
    assert!(packet.marked);
    rig.sound(1);
    assert_eq!(rig.events(), [Event::Finished(PlayKey(1))]);
}

#[test]
fn a_listening_peer_still_hears_us() {
    let mut rig = Rig::new();
    rig.configure(|chosen| chosen.direction = Direction::SendOnly);
    assert_eq!(rig.next().map(|packet| packet.to), Some(address(PEER)));
}

#[test]
fn a_codec_change_goes_on_at_the_same_sample() {
    let mut rig = Rig::new();
    let sound = clip(480, 1);
    rig.play(1, std::slice::from_ref(&sound), false);
    rig.sound(1);
    rig.configure(|chosen| (chosen.codec, chosen.payload_type) = (Codec::Pcmu, 0));
    let packet = rig.next().expect("a packet");
    assert_eq!((packet.payload_type, packet.payload), (0, sound.encoded(Codec::Pcmu)[160..320].to_vec()));
    rig.command(Command::Stop);
    assert_eq!(rig.sound(1), [0xff; 160]);
}

#[test]
fn a_call_goes_from_codec_to_codec_and_keeps_its_place_in_the_prompt() {
    let samples: Vec<i16> = (0..1600).map(|n| (n * 37 % 20_000 - 10_000) as i16).collect();
    let sound = Arc::new(Clip::held_in(crate::sdp::Codecs::new(Codec::ALL), "prompt", &samples));
    let mut rig = Rig::new();
    rig.play(1, std::slice::from_ref(&sound), false);
    let order = [(Codec::Pcma, 8), (Codec::G722, 9), (Codec::Pcmu, 0), (Codec::G722, 96)];
    for (at, (codec, number)) in order.into_iter().enumerate() {
        rig.configure(|chosen| (chosen.codec, chosen.payload_type) = (codec, number));
        let packets: Vec<_> = (0..2).map(|_| rig.next().expect("a packet")).collect();
        let heard: Vec<u8> = packets.iter().flat_map(|packet| packet.payload.clone()).collect();
        assert_eq!(heard, sound.encoded(codec)[at * 320..(at + 1) * 320], "{codec:?}");
        assert!(packets.iter().all(|packet| packet.payload_type == number));
        assert_eq!(packets[1].timestamp.wrapping_sub(packets[0].timestamp), 160, "the clock stays");
    }
    rig.sound(2);
    assert_eq!(rig.events(), [Event::Finished(PlayKey(1))]);
    assert_eq!(rig.sound(1), [0xfd; 160]);
}

#[test]
fn a_prompt_that_is_not_held_in_the_codec_of_the_call_takes_its_time_in_silence() {
    let mut rig = Rig::new();
    rig.configure(|chosen| (chosen.codec, chosen.payload_type) = (Codec::G722, 9));
    rig.play(1, &[clip(320, 1)], false);
    assert_eq!(rig.sound(2), [0xfd; 320]);
    assert_eq!(rig.events(), [Event::Finished(PlayKey(1))]);
}

#[test]
fn a_prompt_waits_where_it_is_still_being_encoded_and_loses_nothing() {
    let samples: Vec<i16> = (0..2 * STRETCH + 400).map(|n| (n * 37 % 20_000) as i16 - 10_000).collect();
    let sound = Arc::new(Clip::new("prompt", samples.into(), None));
    let mut encoding = sound.encode(Form::of(Codec::Pcma)).expect("nobody else does");
    let mut rig = Rig::new();
    rig.play(1, std::slice::from_ref(&sound), false);
    assert_eq!(rig.sound(1), [0xd5; 160], "not even its beginning is there");
    assert!(encoding.step());
    let mut heard = rig.sound(STRETCH / 160);
    assert_eq!(rig.sound(2), [0xd5; 320]);
    while encoding.step() {}
    heard.extend(rig.sound((STRETCH + 400) / 160 + 1));
    let whole = alaw(&sound);
    assert_eq!(heard[..whole.len()], whole);
    assert_eq!(rig.events(), [Event::Finished(PlayKey(1))]);
}

#[test]
fn nothing_leaves_and_nothing_counts_before_the_agreement() {
    let mut rig = Rig { stream: Stream::new(0x1357, 0, 0), events: Vec::new() };
    let sound = clip(160, 1);
    rig.play(1, std::slice::from_ref(&sound), false);
    assert_eq!(rig.next(), None);
    rig.key(0, PEER, '1');
    assert_eq!(rig.events(), []);
    rig.configure(|_| {});
    assert_eq!(rig.next().expect("a packet").payload, alaw(&sound));
}

#[test]
fn late_intervals_are_told_in_the_timestamp_and_clip_nothing() {
    let mut rig = Rig::new();
    let sound = clip(320, 1);
    rig.play(1, std::slice::from_ref(&sound), false);
    let before = rig.next().expect("a packet");
    rig.stream.skipped(3, &mut Vec::new());
    let after = rig.next().expect("a packet");
    assert_eq!(after.timestamp.wrapping_sub(before.timestamp), 4 * 160);
    assert_eq!(after.sequence, before.sequence.wrapping_add(1));
    assert_eq!(after.payload, alaw(&sound)[160..]);
    assert!(after.marked);
}

#[test]
fn sound_goes_where_the_first_valid_packets_came_from() {
    let mut rig = Rig::new();
    assert_eq!(rig.next().map(|packet| packet.to), Some(address(PEER)));
    rig.hear_twice(0, NAT);
    assert_eq!(rig.events(), [Event::Latched(address(NAT))]);
    assert_eq!(rig.next().map(|packet| packet.to), Some(address(NAT)));
    rig.hear(40, NAT, 8, 320, &[0xd5; 160]);
    assert_eq!(rig.events(), []);

    let mut rig = Rig::new();
    rig.hear(0, PEER, 8, 0, &[0xd5; 160]);
    assert_eq!(rig.events(), [Event::Latched(address(PEER))], "one is enough from where signalling says");
}

#[test]
fn noise_that_passes_for_a_packet_does_not_take_the_sound_away() {
    let mut rig = Rig::new();
    for ssrc in 0..100 {
        let packet = RtpPacketBuilder::new().payload_type(101).ssrc(ssrc).payload(&[1, 10, 0, 160]);
        rig.stream.received(at(0), address(STRANGER), &mut packet.build().expect("valid RTP"), &mut rig.events);
    }
    assert_eq!(rig.events(), []);
    assert_eq!(rig.next().map(|packet| packet.to), Some(address(PEER)));
}

#[test]
fn the_first_key_of_a_silent_phone_behind_a_nat_counts_at_its_second_packet() {
    let mut rig = Rig::new();
    rig.hear(0, NAT, 101, 0, &[1, 10, 0, 160]);
    assert_eq!(rig.keys(), "");
    rig.hear(20, NAT, 101, 0, &[1, 10, 1, 64]);
    assert_eq!(rig.keys(), "1");
}

#[test]
fn a_stranger_is_not_heard_after_the_latch() {
    let mut rig = Rig::new();
    rig.hear_twice(0, NAT);
    rig.key(100, STRANGER, '1');
    rig.key(200, NAT, '2');
    assert_eq!(rig.keys(), "2");
    assert_eq!(rig.next().map(|packet| packet.to), Some(address(NAT)));
}

#[test]
fn the_signalled_address_takes_the_latch_from_a_stray() {
    let mut rig = Rig::new();
    rig.hear_twice(0, STRANGER);
    rig.key(100, PEER, '1');
    assert_eq!(rig.events().len(), 3, "latched, latched again, key");
    rig.key(1000, STRANGER, '2');
    assert_eq!(rig.events(), []);
    assert_eq!(rig.next().map(|packet| packet.to), Some(address(PEER)));
}

#[test]
fn what_is_no_rtp_of_ours_latches_nothing() {
    let mut rig = Rig::new();
    rig.hear(0, NAT, 96, 0, &[0; 20]);
    rig.hear(0, NAT, 72, 0, &[0; 20]); // RTCP
    for bytes in [&b""[..], b"\0\x01\0\0\x21\x12\xa4\x42", &[0x40; 40], &[0x80, 8], &[0xbf; 12]] {
        rig.stream.received(at(0), address(NAT), &mut bytes.to_vec(), &mut rig.events);
    }
    assert_eq!(rig.events(), []);
    for number in [0, 8, 13, 101, 110] {
        let mut rig = Rig::new();
        rig.hear(0, NAT, number, 0, &[1, 10, 0, 160]);
        rig.hear(20, NAT, number, 0, &[1, 10, 1, 64]);
        assert_eq!(rig.events().first(), Some(&Event::Latched(address(NAT))), "{number}");
    }
}

#[test]
fn a_new_address_in_a_reinvite_opens_the_latch_and_the_same_one_does_not() {
    let mut rig = Rig::new();
    rig.hear_twice(0, NAT);
    rig.configure(|_| {});
    rig.configure(|chosen| (chosen.remote, chosen.direction) = (None, Direction::RecvOnly));
    rig.configure(|_| {});
    assert_eq!(rig.next().map(|packet| packet.to), Some(address(NAT)), "hold and resume change nothing");

    rig.configure(|chosen| chosen.remote = Some(address("192.0.2.8:4100")));
    assert_eq!(rig.next().map(|packet| packet.to), Some(address("192.0.2.8:4100")));
    rig.events();
    rig.key(500, NAT, '1');
    assert_eq!(rig.next().map(|packet| packet.to), Some(address("192.0.2.8:4100")), "packets under way do not latch");
    assert_eq!(rig.keys(), "1", "yet their keys count");
    rig.hear_twice(600, "203.0.113.9:62000");
    assert_eq!(rig.events(), [Event::Latched(address("203.0.113.9:62000"))]);
    rig.key(700, NAT, '2');
    assert_eq!(rig.keys(), "");
}

#[test]
fn a_source_that_stays_after_a_new_address_is_latched_again() {
    let mut rig = Rig::new();
    rig.hear_twice(0, NAT);
    rig.configure(|chosen| chosen.remote = Some(address("192.0.2.8:4100")));
    rig.events();
    rig.hear_twice(1500, NAT);
    assert_eq!(rig.events(), [Event::Latched(address(NAT))]);
}

#[test]
fn keys_count_under_every_number_that_was_agreed() {
    let mut rig = Rig::new();
    rig.hear(0, PEER, 101, 0, &[1, 10, 0, 160]);
    rig.hear(0, PEER, 110, 0, &[2, 10, 3, 192]);
    rig.hear(0, PEER, 8, 0, &[3, 10, 0, 160]);
    rig.hear(0, PEER, 101, 0, &[4, 10]);
    assert_eq!(rig.keys(), "12");
}

#[test]
fn a_key_from_a_peer_on_hold_counts() {
    let mut rig = Rig::new();
    rig.configure(|chosen| chosen.direction = Direction::SendOnly);
    rig.key(0, PEER, '5');
    assert_eq!(rig.keys(), "5");
}

/// A report of the peer's with one block about us.
/// Packets of the peer that came, and that did not.
fn counted(report: &Report) -> (u32, u32) {
    report.heard.map(|heard| (heard.packets, heard.lost)).expect("it is counted")
}

fn peer_report(lost: u32) -> Vec<u8> {
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

    fn quality(&self) -> Report {
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
fn comfort_noise_is_a_sign_of_life_and_never_a_key() {
    let mut rig = Rig::new();
    rig.hear(0, PEER, 13, 0, &[1, 10, 0, 160]);
    assert_eq!(rig.events(), [Event::Latched(address(PEER))]);
    assert_eq!((counted(&rig.quality()), rig.keys()), ((1, 0), String::new()));
}

/// The keys that another stream of ours hears in these packets, 20 ms apart or as told.
fn heard_by_our_own(packets: &[Packet], ms: u64) -> String {
    let mut rig = Rig::new();
    for (packet, n) in packets.iter().zip(0u64..) {
        rig.hear(n * ms, PEER, packet.payload_type, packet.timestamp, &packet.payload);
    }
    rig.keys()
}

fn keys(text: &str) -> Vec<crate::number::Key> {
    text.chars().map(|key| crate::number::Key::from_char(key).expect("a key")).collect()
}

#[test]
fn a_key_leaves_as_growing_packets_under_one_timestamp_and_three_ends() {
    let mut rig = Rig::new();
    rig.play(1, &[clip(1600, 1)], false);
    rig.sound(1);
    rig.command(Command::Press(keys("5")));
    let packets: Vec<_> = (0..8).map(|_| rig.next().expect("a packet")).collect();
    let (events, pause) = packets.split_at(7);
    let began = (u32::MAX - 200).wrapping_add(160);
    assert!(events.iter().all(|packet| (packet.payload_type, packet.timestamp) == (101, began)));
    assert!(events.windows(2).all(|pair| pair[1].sequence == pair[0].sequence.wrapping_add(1)), "numbers run on");
    let marked: Vec<_> = events.iter().map(|packet| packet.marked).collect();
    assert_eq!(marked, [true, false, false, false, false, false, false]);
    let told: Vec<_> =
        events.iter().map(|packet| (packet.payload[1] >> 7, packet.payload[2], packet.payload[3])).collect();
    let ms = |ms: u16| ((ms * 8) >> 8) as u8;
    let rest = |ms: u16| ((ms * 8) & 0xff) as u8;
    let expected = [(0, 20), (0, 40), (0, 60), (0, 80), (1, 100), (1, 100), (1, 100)];
    assert_eq!(told, expected.map(|(end, length)| (end, ms(length), rest(length))));
    assert_eq!(pause[0].payload, [0xd5; 160], "what plays waits");
    assert_eq!(rig.events(), []);
    rig.sound(3);
    assert_eq!(rig.events(), [Event::Pressed(1)]);
    let after = rig.next().expect("a packet");
    assert_eq!((after.payload[0], after.marked), (1 + 160 % 61, true), "and goes on where it was");
    assert_eq!(after.timestamp, began.wrapping_add(11 * 160), "time went on");
}

#[test]
fn our_own_receiver_counts_every_key_once_at_every_packet_time() {
    for ms in [10u64, 20, 30, 40, 60] {
        let mut rig = Rig::new();
        rig.configure(|chosen| chosen.packet = Duration::from_millis(ms));
        rig.command(Command::Press(keys("0113#*A2225")));
        let mut packets = Vec::new();
        while !matches!(rig.events.last(), Some(Event::Pressed(_))) {
            packets.extend(rig.next());
            assert!(packets.len() < 1000, "it ends");
        }
        assert_eq!(heard_by_our_own(&packets, ms), "0113#*A2225", "{ms} ms");
        assert_eq!(rig.events(), [Event::Pressed(11)]);
        // Any two packets of a press may be lost.
        for lost in 0..packets.len() - 1 {
            let arrived: Vec<_> = packets
                .iter()
                .enumerate()
                .map(|(at, packet)| {
                    let gone = at == lost || at == lost + 1;
                    if gone { Packet { payload_type: 72, ..packet.clone() } } else { packet.clone() }
                })
                .collect();
            assert_eq!(heard_by_our_own(&arrived, ms), "0113#*A2225", "{ms} ms without {lost} and the next");
        }
    }
}

#[test]
fn keys_that_the_peer_cannot_take_are_told_as_unsent() {
    let mut rig = Rig::new();
    rig.configure(|chosen| chosen.events = vec![Events { payload_type: 110, clock: 48000 }]);
    rig.command(Command::Press(keys("12")));
    assert_eq!(rig.sound(1), [0xd5; 160]);
    assert_eq!(rig.events(), [Event::Pressed(0)]);
    // On hold they wait, and an empty order is over at once.
    let mut rig = Rig::new();
    rig.configure(|chosen| chosen.direction = Direction::RecvOnly);
    rig.command(Command::Press(keys("1")));
    assert_eq!((rig.next(), rig.events()), (None, vec![]));
    rig.configure(|_| {});
    assert_eq!(rig.next().map(|packet| (packet.payload_type, packet.marked)), Some((101, true)));
    let mut rig = Rig::new();
    rig.command(Command::Press(Vec::new()));
    rig.sound(1);
    assert_eq!(rig.events(), [Event::Pressed(0)]);
}

proptest! {
    #[test]
    fn no_packet_makes_a_stream_panic(
        packets in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..80), 0..20),
        valid in any::<bool>(),
    ) {
        let mut rig = Rig::new();
        for mut packet in packets {
            if let (true, [first, second, ..]) = (valid, packet.as_mut_slice()) {
                *first = 0x80 | (*first & 0x3f);
                *second = if *second < 128 { 101 } else { 0x80 | 110 };
            }
            rig.stream.received(at(0), address(PEER), &mut packet, &mut rig.events);
        }
    }
}

/// For each key's two tones three packets of them and three of silence, in this codec under this number.
fn press_as_tones(rig: &mut Rig, ms: u64, (codec, number): (Codec, u8), keys: &[[f32; 2]]) {
    let samples = keys.iter().flat_map(|key| (0..6 * 160).map(move |at| (key, at)));
    let sound: Vec<i16> = samples
        .map(|(key, at)| {
            let turn = |tone: &f32| (std::f32::consts::TAU * tone * at as f32 / 8000.0).sin();
            let sample = if at < 3 * 160 { 4000.0 * key.iter().map(turn).sum::<f32>() } else { 0.0 };
            sample as i16
        })
        .collect();
    let clip = Clip::held_in(Codecs::new(vec![codec]), "press", &sound);
    for (packet, payload) in (0..).zip(clip.encoded(codec).chunks(160)) {
        let ms = ms + packet * 20;
        rig.hear(ms, PEER, number, ms as u32 * 8, payload);
    }
}

const ALAW: (Codec, u8) = (Codec::Pcma, 8);

#[test]
fn keys_are_heard_as_tones_only_where_no_events_were_agreed() {
    let mut rig = Rig::new();
    press_as_tones(&mut rig, 0, ALAW, &[[697.0, 1336.0]]);
    assert_eq!(rig.keys(), "");
    rig.configure(|chosen| chosen.events.clear());
    press_as_tones(&mut rig, 200, ALAW, &[[697.0, 1336.0]]);
    press_as_tones(&mut rig, 320, ALAW, &[[697.0, 1336.0]]);
    press_as_tones(&mut rig, 440, ALAW, &[[941.0, 1477.0]]);
    assert_eq!(rig.keys(), "22#");
    rig.configure(|_| {});
    press_as_tones(&mut rig, 600, ALAW, &[[697.0, 1336.0]]);
    assert_eq!(rig.keys(), "");
}

#[test]
fn tones_are_heard_in_the_codec_that_was_agreed_whatever_its_number_and_in_those_whose_number_is_fixed() {
    for (agreed, sent) in [
        ((Codec::Pcma, 97), (Codec::Pcma, 97)),
        ((Codec::Pcmu, 0), (Codec::Pcmu, 0)),
        ((Codec::Pcmu, 118), (Codec::Pcmu, 118)),
        ((Codec::G722, 9), (Codec::G722, 9)),
        ((Codec::G722, 100), (Codec::G722, 100)),
        // A telephone that begins before it has read our answer.
        ((Codec::Pcma, 8), (Codec::Pcmu, 0)),
        ((Codec::Pcma, 8), (Codec::G722, 9)),
        ((Codec::G722, 9), (Codec::Pcma, 8)),
    ] {
        let mut rig = Rig::new();
        rig.configure(|chosen| {
            (chosen.codec, chosen.payload_type) = agreed;
            chosen.events.clear();
        });
        press_as_tones(&mut rig, 0, sent, &[[852.0, 1336.0], [941.0, 1209.0]]);
        assert_eq!(rig.keys(), "8*", "{agreed:?}, sent {sent:?}");
    }
    // A number that nobody spoke of is no sound.
    let mut rig = Rig::new();
    rig.configure(|chosen| chosen.events.clear());
    press_as_tones(&mut rig, 0, (Codec::Pcma, 97), &[[852.0, 1336.0]]);
    assert_eq!(rig.keys(), "");
}

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

#[test]
fn a_peer_is_heard_for_its_keys_alone_only_when_its_sound_shows_nothing_more() {
    let keys = |rig: &Rig| rig.stream.keys_alone().map(|numbers| numbers.collect::<Vec<_>>());
    let uncounted = |change: &dyn Fn(&mut Chosen)| {
        let mut rig = Rig { stream: Stream::new(1, 1, 1).uncounted(), events: vec![] };
        rig.configure(change);
        rig
    };
    let mut rig = uncounted(&|_| {});
    assert_eq!(keys(&rig), None, "nobody knows yet where the peer is");
    rig.hear(0, PEER, 8, 0, &[0xd5; 160]);
    assert_eq!(keys(&rig), Some(vec![101, 110]));
    rig.configure(|chosen| chosen.remote = Some(address(NAT)));
    assert_eq!(keys(&rig), None, "it moved");

    let mut nat = uncounted(&|_| {});
    nat.hear_twice(0, NAT);
    assert_eq!(keys(&nat), None, "whoever the signalling names may come yet");
    let mut tones = uncounted(&|chosen| chosen.events.clear());
    tones.hear(0, PEER, 8, 0, &[0xd5; 160]);
    assert_eq!(keys(&tones), None, "its keys are sound");
    let mut counted = Rig::new();
    counted.hear(0, PEER, 8, 0, &[0xd5; 160]);
    assert_eq!(keys(&counted), None, "its loss is counted");
    let mut patient =
        Rig { stream: Stream::new(1, 1, 1).uncounted().with_patience(Some(Duration::from_secs(9))), events: vec![] };
    patient.configure(|_| {});
    patient.hear(0, PEER, 8, 0, &[0xd5; 160]);
    assert_eq!(keys(&patient), None, "its silence would be told");
}
