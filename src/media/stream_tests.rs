//! Streams as a pacer and a peer see them.

#[path = "stream/allocation_tests.rs"]
mod allocation;
#[path = "stream/keys_tests.rs"]
mod keys;
#[path = "stream/reports_tests.rs"]
mod reports;
#[path = "stream/secure_tests.rs"]
mod secure;
#[path = "stream/source_tests.rs"]
mod source;

use super::*;
use crate::limits::STRETCH;
use crate::media::PlayKey;
use crate::sdp::{Codecs, Manner};
use proptest::prelude::*;

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
        others: Vec::new(),
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
    assert_eq!(rig.stream.quality().map(|report| report.unsent), Some(3));
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
