//! Opus as peers hear it and send it. Built with `opus` alone.

use super::*;
use crate::limits::{RTP_PACKET_BYTES_MAX, STRETCH};
use crate::media::codec::{self, Form};
use crate::media::goertzel::Tones;
use crate::media::stream::Stream;
use crate::media::{Clip, Command, Event, PlayKey};
use crate::number::Key;
use crate::sdp::opus::Rate;
use crate::sdp::{Chosen, Codec, Control, Direction, Events};
use crate::time::{Duration, Instant};
use proptest::prelude::*;
use rtp_rs::{RtpPacketBuilder, RtpReader};
use std::net::SocketAddr;
use std::sync::Arc;

const PEER: &str = "192.0.2.7:4000";
const FORMS: [(Rate, bool); Manner::COUNT] = [
    (Rate::Wide, false),
    (Rate::Wide, true),
    (Rate::Narrow, false),
    (Rate::Narrow, true),
    (Rate::Least, false),
    (Rate::Least, true),
];

/// A built prompt: 8 kHz.
fn recorded(id: &str) -> Vec<i16> {
    let file = format!("{}/prompts/ko/{id}.wav", env!("CARGO_MANIFEST_DIR"));
    let mut wave = hound::WavReader::open(file).expect("a prompt");
    wave.samples().collect::<Result<_, _>>().expect("samples of 16 bits")
}

fn form(rate: Rate, constant: bool) -> Form {
    Form { codec: Codec::Opus, manner: Manner { rate, constant, ..Manner::default() } }
}

/// The packets of a clip in a form.
fn packets(samples: &[i16], wide: Option<Vec<i16>>, form: Form) -> Vec<Vec<u8>> {
    let clip = Arc::new(Clip::new("clip", samples.into(), wide.map(Arc::from)));
    let mut encoding = clip.encode(form).expect("nobody else does");
    while encoding.step() {}
    let frames = (0..clip.eighths()).step_by(FRAME).map(|place| match clip.at(form, place, FRAME) {
        crate::media::clip::Piece::Sound(packet, FRAME) => packet.to_vec(),
        other => panic!("{other:?}"),
    });
    frames.collect()
}

fn heard(packets: &[Vec<u8>]) -> Vec<i16> {
    let (mut ear, mut sound) = (codec::Decoder::default(), Vec::new());
    packets.iter().for_each(|packet| ear.decode(Codec::Opus, packet, &mut sound));
    sound
}

/// How alike two sounds are when the second is so many samples late: 1 is the same.
fn alike(said: &[i16], heard: &[i16], late: usize) -> f64 {
    let pairs = || said.iter().zip(heard.iter().skip(late)).map(|(&a, &b)| (f64::from(a), f64::from(b)));
    let sum = |of: fn((f64, f64)) -> f64| pairs().map(of).sum::<f64>();
    sum(|(a, b)| a * b) / (sum(|(a, _)| a * a) * sum(|(_, b)| b * b)).sqrt()
}

fn loudest(samples: &[i16]) -> u16 {
    samples.iter().map(|sample| sample.unsigned_abs()).max().unwrap_or(0)
}

fn tone(hertz: f64, samples: usize) -> Vec<i16> {
    let turn = std::f64::consts::TAU * hertz / 8000.0;
    (0..samples).map(|n| ((n as f64 * turn).sin() * 8000.0) as i16).collect()
}

#[test]
fn a_prompt_is_heard_in_its_place_in_every_form() {
    let sound = recorded("greeting");
    for ((rate, constant), least) in FORMS.into_iter().zip([0.96, 0.96, 0.93, 0.91, 0.82, 0.75]) {
        let packets = packets(&sound, None, form(rate, constant));
        assert_eq!(packets.len(), sound.len().div_ceil(FRAME));
        let heard = heard(&packets);
        assert_eq!(heard.len(), packets.len() * FRAME);
        let (score, late) = (0..80)
            .map(|late| (alike(&sound, &heard, late), late))
            .fold((0.0, 0), |best: (f64, usize), next| if next.0 > best.0 { next } else { best });
        let bits = packets.iter().map(Vec::len).sum::<usize>() * 8 * 50 / packets.len();
        println!("{rate:?}, constant {constant}: {score:.4} alike, {late} samples late, {bits} bits a second");
        assert!(score > least && late < 32, "{rate:?}: {score:.4} alike, {late} samples late");
        assert!(bits <= rate.bits() as usize * 11 / 10, "{rate:?}: {bits} bits a second");
        if constant {
            assert!(packets.iter().all(|packet| packet.len() == packets[0].len()));
            assert_eq!(
                silence(Manner { rate, constant, ..Manner::default() }).len(),
                packets[0].len(),
                "not even a pause is told"
            );
        }
    }
}

#[test]
fn a_wide_recording_is_heard_wide_where_the_peer_wants_it_so() {
    // 5 kHz: nothing of it is left at 8 kHz.
    let turn = std::f64::consts::TAU * 5000.0 / 16_000.0;
    let wide: Vec<i16> = (0..16_000).map(|at| ((f64::from(at) * turn).sin() * 8000.0) as i16).collect();
    for ((rate, constant), is_wide) in FORMS.into_iter().zip([true, true, false, false, false, false]) {
        let packets = packets(&[0; 8000], Some(wide.clone()), form(rate, constant));
        let mut ear = ::opus::Decoder::new(16_000, ::opus::Channels::Mono).expect("memory");
        let mut heard = [0; 320];
        let loud = packets.iter().skip(10).map(|packet| {
            ear.decode(packet, &mut heard, false).expect("a packet");
            loudest(&heard)
        });
        let loud = loud.max().expect("packets");
        assert_eq!((loud > 4000, loud > 200), (is_wide, is_wide), "{rate:?}: {loud}");
    }
}

#[test]
fn a_prompt_begins_and_ends_with_its_packets_wherever_its_sound_does() {
    // A sound from its first sample to its last, behind a silence and before one.
    for samples in [FRAME * 20, FRAME * 20 + 100, STRETCH, FRAME] {
        let said = tone(440.0, samples);
        let quiet = || std::iter::repeat_n(silence(Manner::default()).to_vec(), 5);
        let sound = packets(&said, None, Form::of(Codec::Opus));
        let all: Vec<Vec<u8>> = quiet().chain(sound.clone()).chain(quiet()).collect();
        let heard = heard(&all);
        let (begins, ends) = (5 * FRAME, 5 * FRAME + samples);
        assert!(loudest(&heard[..begins - 40]) < 200, "{samples}: {}", loudest(&heard[..begins - 40]));
        // 10 ms at each end, which a decoder smooths.
        let near = |from: usize| loudest(&heard[from..from + 80]);
        assert!(near(begins) > 3000 && near(ends - 80) > 3000, "{samples}: {} {}", near(begins), near(ends - 80));
    }
}

#[test]
fn silence_is_silent_also_behind_a_sound() {
    for (rate, constant) in FORMS {
        let manner = Manner { rate, constant, ..Manner::default() };
        let mut all = packets(&tone(440.0, 8000), None, form(rate, constant));
        all.extend(std::iter::repeat_n(silence(manner).to_vec(), 50));
        let heard = heard(&all);
        assert!(loudest(&heard[8000 + 800..]) < 64, "{manner:?}: {}", loudest(&heard[8800..]));
        assert!(!silence(manner).is_empty());
    }
}

#[test]
fn what_was_lost_is_guessed_in_its_place_and_a_long_silence_is_one() {
    let sound = recorded("greeting");
    let all = packets(&sound, None, Form::of(Codec::Opus));
    let (mut ear, mut heard) = (codec::Decoder::default(), vec![0i16; all.len() * FRAME]);
    let mut guessed = 0;
    for (n, packet) in all.iter().enumerate().filter(|(n, _)| n % 10 != 9 && !(40..60).contains(n)) {
        let mut samples = Vec::new();
        let begins = ear.hear(Codec::Opus, (9, n as u32 * 960), packet, &mut samples).expect("in order");
        let at = begins as usize / 6;
        guessed += n * FRAME - at;
        assert_eq!(at + samples.len(), (n + 1) * FRAME, "the end is where it was");
        heard[at..at + samples.len()].copy_from_slice(&samples);
    }
    assert_eq!(guessed, FRAME * ((0..all.len() - 1).filter(|n| n % 10 == 9 && !(39..60).contains(n)).count()));
    assert!(loudest(&heard[39 * FRAME..60 * FRAME - 1]) == 0, "400 ms are not guessed");
    let score = alike(&sound[60 * FRAME..], &heard[60 * FRAME..], 0);
    assert!(score > 0.75, "{score:.3}");
    // What comes late was guessed already, and would spoil what was understood since.
    let late = all.len() - 3;
    assert_eq!(ear.hear(Codec::Opus, (9, late as u32 * 960), &all[late], &mut Vec::new()), None);
    // A peer whose clock began anew is heard on.
    let far = u32::MAX / 2;
    assert_eq!(ear.hear(Codec::Opus, (9, far), &all[9], &mut Vec::new()), Some(far));
}

#[test]
fn a_lost_packet_is_taken_from_the_correction_of_the_next() {
    let said = recorded("greeting");
    let mut encoder = ::opus::Encoder::new(8000, ::opus::Channels::Mono, ::opus::Application::Voip).expect("memory");
    encoder.set_bitrate(::opus::Bitrate::Bits(24_000)).expect("a rate");
    encoder.set_inband_fec(true).expect("known");
    encoder.set_packet_loss_perc(30).expect("known");
    let packets: Vec<Vec<u8>> =
        said.chunks_exact(FRAME).map(|frame| encoder.encode_vec(frame, 400).expect("encodes")).collect();
    let whole = heard(&packets);
    let (mut with, mut without) = (Vec::new(), Vec::new());
    let (mut ear, mut guess) = (codec::Decoder::default(), Decoder::new().expect("memory"));
    for (n, packet) in packets.iter().enumerate() {
        if n % 5 == 4 {
            continue;
        }
        ear.hear(Codec::Opus, (9, n as u32 * 960), packet, &mut with);
        if n % 5 == 0 && n > 0 {
            guess.conceal(FRAME, &[], &mut without);
        }
        guess.decode(packet, &mut without);
    }
    let [with, without] = [&with, &without].map(|sound| alike(&whole[..with.len()], sound, 0));
    assert!(with > 0.9 && with > without + 0.03, "{with:.3} with it, {without:.3} without");
}

#[test]
fn the_length_of_a_packet_is_read_as_libopus_reads_it() {
    let decoder = ::opus::Decoder::new(8000, ::opus::Channels::Mono).expect("memory");
    for toc in 0..=255u8 {
        for count in 0..=255u8 {
            let packet = [toc, count, 0, 0];
            let theirs = decoder.get_nb_samples(&packet).ok().filter(|&samples| samples > 0);
            assert_eq!(samples(&packet), theirs, "{packet:?}");
        }
        assert_eq!(samples(&[toc]).is_none(), toc & 3 == 3);
    }
    assert_eq!(samples(&[]), None);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if cfg!(debug_assertions) { 400 } else { 4000 }))]

    /// Anything may arrive as Opus: nothing breaks, and no packet is longer than the standard lets it be.
    #[test]
    fn no_packet_breaks_a_decoder_or_says_more_than_120_ms(
        steps in proptest::collection::vec(
            (any::<u32>(), 0u8..4, proptest::collection::vec(any::<u8>(), 0..1300), 0usize..400, any::<u8>()), 1..12),
    ) {
        let good = packets(&tone(440.0, 1600), None, Form::of(Codec::Opus));
        let mut ear = codec::Decoder::default();
        let mut timestamp = 0u32;
        for (chance, kind, mut bytes, at, byte) in steps {
            timestamp = match kind {
                0 => chance,
                _ => timestamp.wrapping_add(960 * (chance % 4)),
            };
            if kind >= 2 {
                // A packet of ours with a byte of it changed, or cut off.
                bytes = good[at % good.len()].clone();
                let place = at % bytes.len();
                if kind == 2 { bytes[place] = byte } else { bytes.truncate(place) }
            }
            let mut sound = Vec::new();
            ear.hear(Codec::Opus, (9, timestamp), &bytes, &mut sound);
            prop_assert!(sound.len() <= 960 + 800, "{}", sound.len());
        }
    }
}

fn chosen(codec: Codec) -> Chosen {
    Chosen {
        remote: PEER.parse().ok(),
        codec,
        payload_type: codec.payload_type(),
        others: Vec::new(),
        manner: Manner::default(),
        packet: Duration::from_millis(20),
        events: vec![Events { payload_type: 101, clock: 8000 }, Events { payload_type: 110, clock: 48_000 }],
        direction: Direction::SendRecv,
        control: Control::Off,
        secured: None,
    }
}

/// A stream and what it told.
struct Rig(Stream, Vec<Event>);

impl Rig {
    fn new(chosen: Chosen) -> Self {
        let mut rig = Self(Stream::new(7, 0, 0), Vec::new());
        rig.command(Command::Configure(chosen));
        rig
    }

    fn command(&mut self, command: Command) {
        self.0.command(Instant::START, command, &mut self.1);
    }

    fn next(&mut self) -> (u8, u32, Vec<u8>) {
        let mut buffer = [0; RTP_PACKET_BYTES_MAX];
        let (_, length) = self.0.next_packet(&mut buffer, &mut self.1).expect("a packet");
        let packet = RtpReader::new(&buffer[..length]).expect("RTP");
        (packet.payload_type(), packet.timestamp(), packet.payload().to_vec())
    }

    fn hear(&mut self, ms: u64, number: u8, sequence: u16, timestamp: u32, payload: &[u8]) {
        let from: SocketAddr = PEER.parse().expect("an address");
        let packet = RtpPacketBuilder::new().payload_type(number).ssrc(9).sequence(sequence.into());
        let mut packet = packet.timestamp(timestamp).payload(payload).build().expect("RTP");
        self.0.received(Instant::START + Duration::from_millis(ms), from, &mut packet, &mut self.1);
    }
}

#[test]
fn packets_of_varying_length_leave_under_a_clock_of_48_khz_and_silence_behind_them() {
    let clip = Arc::new(Clip::held_in(crate::sdp::Codecs::new([Codec::Opus]), "clip", &tone(440.0, 1000)));
    let mut rig = Rig::new(chosen(Codec::Opus));
    rig.command(Command::Play { play: PlayKey(1), clips: vec![clip.clone()], repeat: false });
    let sent: Vec<_> = (0..9).map(|_| rig.next()).collect();
    let expected: Vec<Vec<u8>> =
        clip.packets(Codec::Opus).chain(std::iter::repeat_n(silence(Manner::default()).to_vec(), 2)).collect();
    assert_eq!(sent.iter().map(|(.., payload)| payload.clone()).collect::<Vec<_>>(), expected);
    assert!(sent.iter().zip(0..).all(|((number, timestamp, _), n)| (*number, *timestamp) == (111, n * 960)));
    assert_eq!(rig.1, [Event::Finished(PlayKey(1))]);
    let lengths: std::collections::BTreeSet<usize> = expected.iter().map(Vec::len).collect();
    assert!(lengths.len() > 2, "{lengths:?}");
}

#[test]
fn a_prompt_goes_on_in_opus_where_it_was_in_another_codec_and_back() {
    let codecs = crate::sdp::Codecs::new([Codec::Opus, Codec::Pcma]);
    let clip = Arc::new(Clip::held_in(codecs, "clip", &recorded("greeting")));
    let [opus, alaw] = [Codec::Opus, Codec::Pcma].map(|codec| clip.packets(codec).collect::<Vec<_>>());
    let mut rig = Rig::new(chosen(Codec::Pcma));
    rig.command(Command::Play { play: PlayKey(1), clips: vec![clip], repeat: false });
    let mut at = 0;
    let mut timestamps = Vec::new();
    for (codec, packets, ticks) in [(Codec::Pcma, &alaw, 160), (Codec::Opus, &opus, 960), (Codec::Pcma, &alaw, 160)] {
        rig.command(Command::Configure(chosen(codec)));
        for packet in &packets[at..at + 5] {
            let (number, timestamp, payload) = rig.next();
            assert_eq!((number, &payload), (codec.payload_type(), packet), "{codec:?}, {at}");
            timestamps.push((timestamp, ticks));
            at += 1;
        }
    }
    assert!(timestamps.windows(2).all(|pair| pair[1].0 - pair[0].0 == pair[0].1), "{timestamps:?}");
    // In packets of 30 ms it stops within a frame: that frame is heard once more, from its beginning.
    rig.command(Command::Configure(Chosen { packet: Duration::from_millis(30), ..chosen(Codec::Pcma) }));
    rig.next();
    rig.command(Command::Configure(chosen(Codec::Opus)));
    assert_eq!([rig.next().2, rig.next().2], [opus[at + 1].clone(), opus[at + 2].clone()]);
}

#[test]
fn keys_leave_and_come_as_events_at_the_clock_of_the_sound() {
    let mut rig = Rig::new(chosen(Codec::Opus));
    rig.next();
    rig.command(Command::Press(vec![Key::from_char('5').expect("a key")]));
    let sent: Vec<_> = (0..8).map(|_| rig.next()).collect();
    assert!(sent[..7].iter().all(|(number, timestamp, _)| (*number, *timestamp) == (110, 960)), "{sent:?}");
    assert_eq!((&sent[0].2[..], &sent[6].2[..]), (&[5, 10, 3, 192][..], &[5, 0x8a, 18, 192][..]));
    rig.1.clear();
    // Whatever has the number of sound is no key.
    for (n, (number, key)) in [(111, 4), (110, 4), (101, 6)].into_iter().enumerate() {
        let at = 400 * n as u32;
        rig.hear(at.into(), number, n as u16, 48 * at, &[key, 0x8a, 3, 192]);
    }
    let keys = rig.1.iter().filter_map(|event| if let Event::Key(key) = event { Some(key.as_char()) } else { None });
    assert_eq!(keys.collect::<String>(), "46", "{:?}", rig.1);
}

#[test]
fn what_was_offered_under_our_number_is_heard_when_the_answer_calls_it_another() {
    let mut rig = Rig::new(Chosen { payload_type: 96, others: vec![(111, Codec::Opus)], ..chosen(Codec::Opus) });
    let packet = packets(&tone(440.0, 160), None, Form::of(Codec::Opus)).remove(0);
    for (n, number) in [96, 111, 97].into_iter().enumerate() {
        rig.hear(20 * n as u64, number, n as u16, 960 * n as u32, &packet);
    }
    let report = rig.0.quality().expect("agreed");
    assert_eq!((report.heard.map(|heard| heard.packets), report.mos_in()), (Some(2), None));
    assert_eq!(rig.next().0, 96, "as the peer numbers it");
}

#[test]
fn jitter_is_told_in_time_whatever_the_clock() {
    let packet = packets(&tone(440.0, 160), None, Form::of(Codec::Opus)).remove(0);
    for late in [0u64, 8] {
        let mut rig = Rig::new(chosen(Codec::Opus));
        for n in 0..200u64 {
            rig.hear(n * 20 + n % 2 * late, 111, n as u16, n as u32 * 960, &packet);
        }
        let jitter = rig.0.quality().and_then(|report| report.heard).expect("heard").jitter;
        assert!(jitter.as_millis().abs_diff(u128::from(late)) <= 1, "{late} ms: {jitter:?}");
    }
}

#[test]
fn keys_are_heard_as_tones_in_opus() {
    const TONES: [(char, f64, f64); 4] =
        [('1', 697.0, 1209.0), ('5', 770.0, 1336.0), ('9', 852.0, 1477.0), ('#', 941.0, 1477.0)];
    for (_, constant) in [(0, false), (1, true)] {
        let mut sound = Vec::new();
        for (_, low, high) in TONES {
            sound.extend(tone(low, 800).iter().zip(tone(high, 800)).map(|(low, high)| low / 2 + high / 2));
            sound.extend([0; 800]);
        }
        let mut tones = Tones::default();
        let packets = packets(&sound, None, form(Rate::Wide, constant));
        let keys = (0u32..).zip(&packets).filter_map(|(n, packet)| {
            tones.received(9, n as u16, n * 960, Codec::Opus, packet).pressed.map(Key::as_char)
        });
        assert_eq!(keys.collect::<String>(), "159#");
    }
}
