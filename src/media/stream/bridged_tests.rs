//! Two streams that hear each other, as the telephones on both sides see them.

#[path = "bridged_keys_tests.rs"]
mod keys;
#[path = "bridged_opus_tests.rs"]
mod opus;
#[path = "overheard_tests.rs"]
mod overheard;
#[path = "bridged_sources_tests.rs"]
mod sources;
#[path = "bridged_translated_tests.rs"]
mod translated;

use super::*;
use crate::media::codec::{Decoder, Encoder, Form, silence};
use crate::media::srtp::{Opener, Sealer};
use crate::media::{Clip, Command, Event, PlayKey, StreamKey};
use crate::number::Key;
use crate::sdp::{Chosen, Codec, Codecs, Control, Direction, Events, Keys, Manner, Secured, Suite};
use crate::time::{Duration, Instant};
use proptest::prelude::*;
use rtp_rs::{RtpPacketBuilder, RtpReader, Seq};
use std::sync::Arc;

const CALLER: &str = "192.0.2.7:4000";
const CENTRE: &str = "198.51.100.5:6000";

fn at(ms: u64) -> Instant {
    Instant::START + Duration::from_millis(ms)
}

fn agreed(remote: &str, codec: Codec, ms: u64) -> Chosen {
    Chosen {
        remote: remote.parse().ok(),
        codec,
        payload_type: codec.payload_type(),
        others: Vec::new(),
        manner: Manner::default(),
        packet: Duration::from_millis(ms),
        events: vec![Events { payload_type: if remote == CALLER { 101 } else { 96 }, clock: 8000 }],
        direction: Direction::SendRecv,
        control: Control::Off,
        secured: None,
    }
}

/// What a telephone hears.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Packet {
    number: u8,
    marked: bool,
    sequence: u16,
    timestamp: u32,
    payload: Vec<u8>,
}

/// A caller and a centre: what the caller says, the centre hears.
struct Pair {
    caller: Stream,
    centre: Stream,
    events: Vec<Event>,
}

impl Pair {
    fn new(caller: Chosen, centre: Chosen) -> Self {
        let mut pair = Self {
            caller: Stream::new(0xca, 100, 5000),
            centre: Stream::new(0xce, 65_530, u32::MAX - 400),
            events: Vec::new(),
        };
        pair.caller.command(at(0), Command::Configure(caller), &mut pair.events);
        pair.centre.command(at(0), Command::Configure(centre), &mut pair.events);
        pair.bridge();
        pair
    }

    fn alike() -> Self {
        Self::new(agreed(CALLER, Codec::Pcma, 20), agreed(CENTRE, Codec::Pcma, 20))
    }

    fn bridge(&mut self) {
        self.caller.command(at(0), Command::Bridge(StreamKey(2)), &mut self.events);
        self.centre.command(at(0), Command::Bridge(StreamKey(1)), &mut self.events);
    }

    fn command(&mut self, command: Command) {
        self.centre.command(at(0), command, &mut self.events);
    }

    /// The caller's telephone sends this; what leaves to the centre at once.
    fn says_all(&mut self, mut packet: Vec<u8>) -> Vec<Packet> {
        let mut buffer = [0x55; RTP_PACKET_BYTES_MAX];
        let from = CALLER.parse().expect("an address");
        let Some(heard) = self.caller.received(at(0), from, &mut packet, &mut self.events) else { return Vec::new() };
        let mut left = Vec::new();
        let mut leaves = self.centre.forward(&heard, &mut buffer);
        while let Some((to, length)) = leaves {
            assert_eq!(Some(to), CENTRE.parse().ok());
            left.push(read(&buffer[..length]));
            leaves = self.centre.forward_next(&mut buffer);
        }
        left
    }

    /// The same, where one packet gives one.
    fn says(&mut self, packet: Vec<u8>) -> Option<Packet> {
        let mut left = self.says_all(packet);
        assert!(left.len() < 2, "{left:?}");
        left.pop()
    }

    fn sound(&mut self, sequence: u16, timestamp: u32, payload: &[u8]) -> Option<Packet> {
        self.says(spoken(8, 9, sequence, timestamp, payload))
    }

    /// An interval of ours towards the centre.
    fn tick(&mut self) -> Option<Packet> {
        let mut buffer = [0x55; RTP_PACKET_BYTES_MAX];
        let (_, length) = self.centre.next_packet(&mut buffer, &mut self.events)?;
        Some(read(&buffer[..length]))
    }

    /// The caller speaks evenly, in packets of so many milliseconds, for so many intervals of ours; what the centre hears, whole.
    fn talk(&mut self, codec: Codec, ms: usize, sound: &[i16]) -> Vec<Packet> {
        let (mut mouth, mut heard) = (Encoder::default(), Vec::new());
        let interval = self.centre.packet().as_millis() as usize;
        for now in 0..sound.len() / 8 {
            if now % ms == 0
                && let Some(samples) = sound.get(now * 8..(now + ms) * 8)
            {
                let mut payload = vec![0; samples.len()];
                let length = mouth.encode(Form::of(codec), samples, &mut payload);
                let timestamp = now as u32 * codec.clock() / 1000;
                let packet = spoken(codec.payload_type(), 9, (now / ms) as u16, timestamp, &payload[..length]);
                heard.extend(self.says_all(packet));
            }
            if now % interval == interval / 2 {
                heard.extend(self.tick());
            }
        }
        heard
    }
}

fn read(bytes: &[u8]) -> Packet {
    let packet = RtpReader::new(bytes).expect("valid RTP");
    Packet {
        number: packet.payload_type(),
        marked: packet.mark(),
        sequence: packet.sequence_number().into(),
        timestamp: packet.timestamp(),
        payload: packet.payload().to_vec(),
    }
}

fn spoken(number: u8, ssrc: u32, sequence: u16, timestamp: u32, payload: &[u8]) -> Vec<u8> {
    let packet = RtpPacketBuilder::new().payload_type(number).ssrc(ssrc).sequence(Seq::from(sequence));
    packet.timestamp(timestamp).payload(payload).build().expect("valid RTP")
}

fn event(key: char, sequence: u16, timestamp: u32, duration: u16, end: bool) -> Vec<u8> {
    let [high, low] = duration.to_be_bytes();
    let code = Key::from_char(key).expect("a key").event();
    spoken(101, 9, sequence, timestamp, &[code, if end { 0x8a } else { 10 }, high, low])
}

fn tone(hertz: f64, samples: usize) -> Vec<i16> {
    let turn = std::f64::consts::TAU * hertz / 8000.0;
    (0..samples).map(|n| ((n as f64 * turn).sin() * 8000.0) as i16).collect()
}

/// The amplitude of a tone in a sound.
fn amplitude(sound: &[i16], hertz: f64) -> f64 {
    let turn = std::f64::consts::TAU * hertz / 8000.0;
    let part = |shift: f64| -> f64 {
        sound.iter().enumerate().map(|(n, &s)| f64::from(s) * (n as f64 * turn + shift).cos()).sum()
    };
    let (cosine, sine): (f64, f64) = (part(0.0), part(std::f64::consts::FRAC_PI_2));
    cosine.hypot(sine) * 2.0 / sound.len() as f64
}

fn decoded(codec: Codec, packets: &[Packet]) -> Vec<i16> {
    let (mut ear, mut sound) = (Decoder::default(), Vec::new());
    packets.iter().for_each(|packet| ear.decode(codec, &packet.payload, &mut sound));
    sound
}

/// Numbers without a gap, times that grow by what was said.
fn assert_even(packets: &[Packet]) {
    let opus = Codec::Opus.payload_type();
    for pair in packets.windows(2) {
        assert_eq!(pair[1].sequence, pair[0].sequence.wrapping_add(1), "{pair:?}");
        let length = if pair[0].number == opus { 960 } else { pair[0].payload.len() as u32 };
        assert_eq!(pair[1].timestamp.wrapping_sub(pair[0].timestamp), length, "{pair:?}");
    }
}

#[test]
fn the_same_codec_leaves_at_once_byte_for_byte_under_our_own_source_and_numbers() {
    let mut pair = Pair::alike();
    let mut heard = Vec::new();
    for n in 0..50u16 {
        let payload: Vec<u8> = (0..160u16).map(|at| (n * 7 + at) as u8).collect();
        let mut packet = spoken(8, 9, 40_000 + n, 77_000 + u32::from(n) * 160, &payload);
        let mut buffer = [0; RTP_PACKET_BYTES_MAX];
        let from = CALLER.parse().expect("an address");
        let passed = pair.caller.received(at(0), from, &mut packet, &mut pair.events).expect("it counts");
        let (_, length) = pair.centre.forward(&passed, &mut buffer).expect("it leaves");
        assert_eq!(RtpReader::new(&buffer[..length]).map(|packet| packet.ssrc()).ok(), Some(0xce));
        let packet = read(&buffer[..length]);
        assert_eq!((packet.number, packet.marked), (8, n == 0));
        assert_eq!(packet.payload, payload);
        heard.push(packet);
        assert_eq!(pair.tick(), None, "nothing of ours beside it");
    }
    assert_even(&heard);
    assert_eq!(heard[0].sequence, 65_530, "ours goes on");
    let sent = pair.centre.quality().map(|report| report.sent);
    assert_eq!(sent, Some(50));
}

#[test]
fn numbers_and_times_go_on_from_prompt_to_bridge_to_prompt() {
    let mut pair = Pair::alike();
    let clip = Arc::new(Clip::held_in(Codecs::new(Codec::ALL), "clip", &[9000; 480]));
    let play = |play| Command::Play { play: PlayKey(play), clips: vec![Arc::clone(&clip)], repeat: false };
    let mut heard = Vec::new();
    let mut n = 0;
    for round in 0..3 {
        pair.command(play(round));
        for _ in 0..3 {
            assert_eq!(pair.sound(n, u32::from(n) * 160, &[1; 160]), None, "a prompt has the line");
            n += 1;
            heard.extend(pair.tick());
        }
        for _ in 0..5 {
            heard.extend(pair.sound(n, u32::from(n) * 160, &[1; 160]));
            n += 1;
            assert_eq!(pair.tick(), None);
        }
    }
    assert_eq!(heard.len(), 24);
    assert_even(&heard);
    let marks: Vec<usize> = (0..24).filter(|&at| heard[at].marked).collect();
    assert_eq!(marks, [0, 3, 8, 11, 16, 19]);
    assert_eq!(pair.events.iter().filter(|event| matches!(event, Event::Finished(_))).count(), 3);
}

#[test]
fn a_prompt_to_one_side_does_not_disturb_the_other() {
    let mut pair = Pair::alike();
    let clip = Arc::new(Clip::from_samples("clip", &[9000; 1600]));
    pair.caller.command(at(0), Command::Play { play: PlayKey(1), clips: vec![clip], repeat: true }, &mut pair.events);
    assert!(pair.sound(1, 160, &[1; 160]).is_some());
}

#[test]
fn what_is_lost_is_missing_what_comes_late_comes_late_and_copies_are_dropped() {
    let mut pair = Pair::alike();
    // Number, and how far it is from the first; none: not passed on.
    for (sequence, expected) in [
        (500, Some(0)),
        (501, Some(1)),
        (503, Some(3)),
        (502, Some(2)),
        (503, None),
        (502, None),
        (510, Some(10)),
        // Under way from before the bridge: its number was used by us.
        (499, None),
        (511, Some(11)),
    ] {
        let timestamp = (u32::from(sequence) * 160).wrapping_sub(9999);
        let packet = pair.sound(sequence, timestamp, &[1; 160]);
        let found = packet.map(|packet| {
            let from = u32::MAX - 400;
            (packet.sequence.wrapping_sub(65_530), packet.timestamp.wrapping_sub(from) / 160)
        });
        assert_eq!(found, expected.map(|expected: u16| (expected, u32::from(expected))), "{sequence}");
    }
    // What we say next goes on behind the newest of them.
    let silence = (0..30).find_map(|_| pair.tick()).expect("it gets quiet");
    assert_eq!(silence.sequence, 65_530u16.wrapping_add(12));
}

#[test]
fn a_pause_is_as_long_as_it_was_and_its_end_is_marked() {
    let mut pair = Pair::alike();
    let first = pair.sound(1, 0, &[1; 160]).expect("passed");
    assert_eq!([pair.tick(), pair.tick(), pair.tick()], [None, None, None]);
    let mut packet = spoken(8, 9, 2, 640, &[1; 160]);
    packet[1] |= 0x80;
    let next = pair.says(packet).expect("passed");
    assert!(next.marked);
    assert_eq!(next.timestamp.wrapping_sub(first.timestamp), 640);
    assert_eq!(next.sequence, first.sequence.wrapping_add(1));
}

#[test]
fn who_hears_nothing_for_half_a_second_hears_our_silence_and_then_the_other_again() {
    let mut pair = Pair::alike();
    let silent = pair.tick().expect("nothing was said yet");
    assert_eq!(silent.payload, [silence(Codec::Pcma); 160]);
    let mut heard = vec![silent, pair.sound(1, 160, &[1; 160]).expect("passed")];
    let quiet: Vec<Option<Packet>> = (0..40).map(|_| pair.tick()).collect();
    assert_eq!(quiet.iter().take_while(|packet| packet.is_none()).count(), 24);
    heard.extend(quiet.into_iter().flatten());
    heard.extend(pair.sound(50, 50 * 160, &[1; 160]));
    let numbers = heard.windows(2).all(|pair| pair[1].sequence == pair[0].sequence.wrapping_add(1));
    let times = heard.windows(2).all(|pair| (pair[1].timestamp.wrapping_sub(pair[0].timestamp) as i32) > 0);
    assert!(numbers && times, "{heard:?}");
    assert!(heard.last().is_some_and(|packet| packet.marked));
}

#[test]
fn encryption_is_taken_off_on_one_side_and_put_on_on_the_other() {
    let key = |n: u8| Keys::new([[n; 44]; 4]);
    let secured = |suite: Suite, ours: u8, theirs: u8| {
        let (ours, theirs) = (key(ours).of(suite), key(theirs).of(suite));
        Some(Box::new(Secured { tag: 1, ours, theirs, mki: None, profile: true }))
    };
    let (sdes, gcm) = (Suite::ALL[0], Suite::AesGcm128);
    let caller = Chosen { secured: secured(sdes, 1, 2), ..agreed(CALLER, Codec::Pcma, 20) };
    let centre = Chosen { secured: secured(gcm, 3, 4), ..agreed(CENTRE, Codec::Pcma, 20) };
    let mut pair = Pair::new(caller, centre);
    let mut phone = Sealer::new(&key(2).of(sdes));
    let mut ear = Opener::new(&key(3).of(gcm), None);
    let mut order: Vec<u16> = (0..200).collect();
    // Disorder across the end of our numbers, which are 65,530 and more.
    order.swap(5, 6);
    order.swap(7, 9);
    order.retain(|&n| n != 20);
    for n in order {
        let payload = [n as u8; 160];
        let mut packet = spoken(8, 9, 1000 + n, u32::from(n) * 160, &payload);
        let length = packet.len();
        packet.resize(RTP_PACKET_BYTES_MAX, 0);
        let length = phone.seal(&mut packet, length).expect("sealed");
        packet.truncate(length);
        let mut buffer = [0; RTP_PACKET_BYTES_MAX];
        let from = CALLER.parse().expect("an address");
        let heard = pair.caller.received(at(0), from, &mut packet, &mut pair.events).expect("it counts");
        let (_, length) = pair.centre.forward(&heard, &mut buffer).expect("it leaves");
        assert!(!buffer[..length].windows(8).any(|window| window == &payload[..8]), "encrypted");
        let length = ear.open(&mut buffer[..length]).expect("the centre can open it");
        assert_eq!(read(&buffer[..length]).payload, payload, "{n}");
    }
}

#[test]
fn on_hold_nothing_leaves_and_afterwards_the_row_goes_on() {
    let mut pair = Pair::alike();
    let first = pair.sound(1, 160, &[1; 160]).expect("passed");
    let held = Chosen { direction: Direction::Inactive, ..agreed(CENTRE, Codec::Pcma, 20) };
    pair.command(Command::Configure(held));
    for n in 2..12 {
        assert_eq!(pair.sound(n, u32::from(n) * 160, &[1; 160]), None);
        assert_eq!(pair.tick(), None);
    }
    pair.command(Command::Configure(agreed(CENTRE, Codec::Pcma, 20)));
    let next = pair.sound(12, 12 * 160, &[1; 160]).expect("passed");
    assert_eq!((next.sequence, next.marked), (first.sequence.wrapping_add(1), true));
}

#[test]
fn comfort_noise_is_heard_as_loud_as_it_says_until_somebody_speaks() {
    for codec in [Codec::Pcma, Codec::Pcmu, Codec::G722] {
        let mut pair = Pair::new(agreed(CALLER, codec, 20), agreed(CENTRE, codec, 20));
        let number = codec.payload_type();
        assert!(pair.says(spoken(number, 9, 1, 0, &[silence(codec); 160])).is_some());
        assert_eq!(pair.says(spoken(13, 9, 2, 160, &[40])), None);
        let noise: Vec<Packet> = (0..50).filter_map(|_| pair.tick()).collect();
        assert_eq!(noise.len(), 50);
        assert_even(&noise);
        let sound = decoded(codec, &noise);
        let power: f64 = sound[800..].iter().map(|&sample| f64::from(sample).powi(2)).sum();
        let level = 10.0 * (power / (sound.len() - 800) as f64 / 32_768f64.powi(2)).log10();
        assert!((-43.0..=-37.0).contains(&level), "{codec:?}: {level:.1} dBov");
        let next = pair.says(spoken(number, 9, 3, 51 * 160, &[1; 160])).expect("passed");
        assert_even(&[noise[49].clone(), next]);
    }
}

#[test]
fn a_leg_alone_hears_silence_and_nothing_is_offered() {
    let mut pair = Pair::alike();
    assert!(pair.sound(1, 0, &[1; 160]).is_some());
    pair.caller.command(at(0), Command::Unbridge, &mut pair.events);
    pair.command(Command::Unbridge);
    assert_eq!(pair.sound(2, 160, &[1; 160]), None);
    let packet = pair.tick().expect("silence");
    assert_eq!(packet.payload, [silence(Codec::Pcma); 160]);
    assert!(!pair.caller.is_bridged() && !pair.centre.is_bridged());
}

#[test]
fn reports_count_what_was_passed_on_and_tell_its_time() {
    use rtcp_types::{Compound, Packet as Report};
    let muxed = |remote| Chosen { control: Control::Muxed, ..agreed(remote, Codec::Pcma, 20) };
    let mut pair = Pair::new(muxed(CALLER), muxed(CENTRE));
    let mut last = None;
    for n in 0..100u16 {
        last = pair.sound(n, 7_000_000 + u32::from(n) * 160, &[1; 160]);
        pair.tick();
    }
    let mut buffer = [0; RTP_PACKET_BYTES_MAX];
    let (_, _, length) = pair.centre.report(at(2000), false, &mut buffer).expect("a report");
    let compound = Compound::parse(&buffer[..length]).expect("valid");
    let sender = compound.filter_map(Result::ok).find_map(|packet| match packet {
        Report::Sr(report) => {
            Some((report.ssrc(), report.packet_count(), report.octet_count(), report.rtp_timestamp()))
        }
        _ => None,
    });
    let (ssrc, packets, bytes, timestamp) = sender.expect("a sender's report");
    assert_eq!((ssrc, packets, bytes), (0xce, 100, 16_000));
    let ahead = timestamp.wrapping_sub(last.expect("passed").timestamp);
    assert!(ahead <= 320, "{ahead}");
    // The caller's own reception is counted on the caller's leg.
    let heard = pair.caller.quality().and_then(|report| report.heard).map(|heard| (heard.packets, heard.lost));
    assert_eq!(heard, Some((100, 0)));
}

#[test]
fn whoever_is_silent_on_a_bridged_leg_is_told_of() {
    let mut pair = Pair::alike();
    let patience = Some(Duration::from_secs(30));
    pair.caller = Stream::new(1, 1, 1).with_patience(patience);
    let mut events = Vec::new();
    pair.caller.command(at(0), Command::Configure(agreed(CALLER, Codec::Pcma, 20)), &mut events);
    pair.bridge();
    pair.caller.tick(at(29_000), &mut events);
    assert_eq!(events, []);
    pair.caller.tick(at(30_000), &mut events);
    assert_eq!(events, [Event::Silent]);
}

/// What is recorded.
#[derive(Clone, Default)]
struct Kept(Arc<std::sync::Mutex<Vec<i16>>>);

impl crate::media::tap::Sink for Kept {
    fn take(&mut self, samples: &[i16]) -> Result<(), crate::media::Loss> {
        self.0.lock().expect("one thread").extend_from_slice(samples);
        Ok(())
    }

    fn finish(&mut self, _: crate::media::Ended) {}
}

proptest! {
    /// Whatever a peer sends, under whatever was agreed: nothing breaks, and no number is said twice.
    #[test]
    fn no_number_of_ours_is_used_twice(
        steps in proptest::collection::vec(
            (0u8..8, prop_oneof![Just(8u8), Just(0), Just(9), Just(111), Just(101), Just(13), Just(77)], 0u32..3, any::<u16>(),
             prop_oneof![0u32..20_000, any::<u32>()], 0usize..600, any::<bool>()),
            0..200),
        codecs in (0..Codec::ALL.len(), 0..Codec::ALL.len()), packets in (1u64..7, 1u64..7),
    ) {
        let chosen = |remote, codec: usize, tens: u64| agreed(remote, Codec::ALL[codec], tens * 10);
        let mut pair = Pair::new(chosen(CALLER, codecs.0, packets.0), chosen(CENTRE, codecs.1, packets.1));
        let clip = Arc::new(Clip::held_in(Codecs::new(Codec::ALL), "clip", &[7; 500]));
        let mut used = std::collections::BTreeSet::new();
        // Numbers come again after 65,536 packets; these are fewer, but for what a jump leaves out.
        let mut room = 60_000u32;
        for (step, number, ssrc, sequence, timestamp, length, near) in steps {
            let sequence = if near { sequence % 50 } else { sequence };
            let heard = match step {
                0 => Vec::from_iter(pair.tick()),
                1 => {
                    pair.command(Command::Play { play: PlayKey(1), clips: vec![Arc::clone(&clip)], repeat: near });
                    Vec::new()
                }
                2 => { pair.command(Command::Stop); Vec::new() }
                3 => { pair.command(Command::Press(vec![Key::from_char('1').expect("a key")])); Vec::new() }
                4 => { pair.bridge(); Vec::new() }
                _ => pair.says_all(spoken(number, ssrc, sequence, timestamp, &vec![1; length])),
            };
            room = room.saturating_sub(if heard.is_empty() { 0 } else { 3000 });
            for packet in heard {
                if room > 0 {
                    prop_assert!(used.insert(packet.sequence), "{packet:?}");
                }
            }
        }
    }
}

proptest! {
    /// What is not passed on gives its number to the next; what comes behind it in disorder must not take that one too.
    #[test]
    fn a_spared_number_is_not_used_twice_in_disorder(
        steps in proptest::collection::vec((prop_oneof![Just(8u8), Just(101), Just(13)], 0u16..12), 1..30),
        takes_events in any::<bool>(),
    ) {
        let mut centre = agreed(CENTRE, Codec::Pcma, 20);
        if !takes_events {
            centre.events.clear();
        }
        let mut pair = Pair::new(agreed(CALLER, Codec::Pcma, 20), centre);
        let mut used = std::collections::BTreeSet::new();
        for (number, place) in steps {
            let payload: &[u8] = if number == 8 { &[1; 160] } else { &[1, 10, 0, 160] };
            if let Some(packet) = pair.says(spoken(number, 9, 500 + place, u32::from(place) * 160, payload)) {
                prop_assert!(used.insert(packet.sequence), "{packet:?}");
            }
        }
    }
}

#[test]
fn a_recording_has_the_other_leg_in_our_channel_whether_it_is_passed_on_or_encoded_anew() {
    use crate::media::{Recording, RecordingKey, Sides};
    for codec in [Codec::Pcma, Codec::G722].into_iter().chain(Codec::ALL.into_iter().skip(3)) {
        let mut pair = Pair::new(agreed(CALLER, codec, 20), agreed(CENTRE, Codec::Pcma, 20));
        let kept = Kept::default();
        let (key, longest) = (RecordingKey::default(), Duration::from_secs(60));
        let recording = Recording { key, file: "calls/b".into(), sides: Sides::Both, longest, silence: None };
        pair.centre.record(recording, Box::new(kept.clone()));
        pair.talk(codec, 20, &tone(440.0, 16_000));
        let kept = kept.0.lock().expect("one thread").clone();
        let loud =
            |side: usize| kept.iter().skip(side).step_by(2).filter(|sample| sample.unsigned_abs() > 1000).count();
        // Two seconds less what waits in the buffers; of a sine 94 of 100 samples are loud.
        assert!(loud(0) == 0 && (12_500..15_100).contains(&loud(1)), "{codec:?}: {} {}", loud(0), loud(1));
    }
}
