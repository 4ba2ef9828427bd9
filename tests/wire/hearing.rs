//! What `ivr1357 hear` says of captures and recordings whose faults are known.

use crate::capture::{ETHERNET, NULL, Pcap, RAW, SLL, SLL2, prompt};
use ivr1357::hearing::search::Words;
use ivr1357::hearing::{Choice, Expected, Judgement, capture, judge_capture, judge_recording, picture, told};
use ivr1357::media::Clip;
use ivr1357::random::Random;
use ivr1357::sdp::{Codec, Codecs};
use std::net::SocketAddr;

const ENGINE: &str = "192.0.2.1:20000";
const CALLER: &str = "192.0.2.9:4000";
const PACKET: usize = 160;

fn address(text: &str) -> SocketAddr {
    text.parse().expect("an address")
}

/// The prompts one after the other, with so much silence before each.
fn joined(parts: &[&Expected], pause_ms: usize) -> Vec<i16> {
    parts.iter().flat_map(|part| std::iter::repeat_n(0, pause_ms * 8).chain(part.samples.iter().copied())).collect()
}

/// As packets of the engine's; `change` may hold back, delay or alter each: its number and when it leaves in microseconds.
fn captured(link: u32, codec: Codec, samples: &[i16], change: impl Fn(usize, &mut u64) -> bool) -> Pcap {
    let mut pcap = Pcap::new(link);
    let clip = Clip::held_in(Codecs::new(vec![codec]), "sound", samples);
    let number = match codec {
        Codec::Pcma => 8,
        Codec::Pcmu => 0,
        Codec::G722 => 9,
        Codec::Opus => 111,
    };
    let mut packets: Vec<(u64, Vec<u8>)> = Vec::new();
    let length = (PACKET as u32) * codec.clock() / 8000;
    for (n, payload) in clip.packets(codec).enumerate() {
        let mut at = 1_764_000_000_000_000 + n as u64 * 20_000;
        if change(n, &mut at) {
            packets.push((at, rtp(number, n == 0, (65_530 + n) as u16, n as u32 * length, 0x1357, &payload)));
        }
    }
    packets.sort_by_key(|(at, _)| *at);
    for (at, packet) in packets {
        pcap.udp(at, address(ENGINE), address(CALLER), &packet);
    }
    pcap
}

fn judged(pcap: &Pcap, expected: &[Expected]) -> Judgement {
    let capture = capture::read(pcap.bytes()).expect("a capture");
    judge_capture(
        &capture,
        &Choice { payloads: vec![(111, Codec::Opus)], ..Choice::default() },
        expected,
        true,
        &mut |_, _| {},
    )
    .expect("a stream")
}

fn heard(samples: Vec<i16>, expected: &[Expected]) -> Judgement {
    judge_recording(samples, expected, true, &mut |_, _| {})
}

fn names(judgement: &Judgement) -> Vec<&str> {
    judgement.found.iter().map(|found| found.name.as_str()).collect()
}

/// An RTP packet (RFC 3550 §5.1).
fn rtp(number: u8, marked: bool, sequence: u16, timestamp: u32, ssrc: u32, payload: &[u8]) -> Vec<u8> {
    let mut packet = vec![0x80, number | if marked { 0x80 } else { 0 }];
    packet.extend(sequence.to_be_bytes());
    packet.extend(timestamp.to_be_bytes());
    packet.extend(ssrc.to_be_bytes());
    packet.extend(payload);
    packet
}

#[test]
fn two_prompts_are_heard_whole_in_every_codec_and_on_every_kind_of_link() {
    let expected = [prompt("greeting"), prompt("menu_main")];
    let samples = joined(&[&expected[0], &expected[1]], 300);
    let links = [ETHERNET, SLL, SLL2, RAW, NULL].into_iter();
    let codecs = [Codec::Pcma, Codec::Pcmu, Codec::G722].into_iter().chain(Codec::ALL).cycle();
    for (link, codec) in links.cycle().zip(codecs).take(3 + Codec::ALL.len()) {
        let judgement = judged(&captured(link, codec, &samples, |_, _| true), &expected);
        assert_eq!(names(&judgement), ["greeting", "menu_main"], "{link}");
        assert!(judgement.is_well(), "{link}: {:#?}", judgement.found);
        for found in &judgement.found {
            println!("{codec:?}: {} alike {:.4}, {:+.2} dB", found.name, found.correlation, found.level_db);
            let (alike, level) = match codec {
                Codec::Pcma | Codec::Pcmu => (0.99, 0.3),
                Codec::G722 => (0.995, 0.3),
                Codec::Opus => (0.97, 0.8),
            };
            assert!(found.correlation > alike && found.level_db.abs() < level, "{codec:?}: {found:?}");
            assert!(found.clipped_ms < 3 && found.cut_ms < 3, "{link}: {found:?}");
        }
        let way = &judgement.stream.as_ref().expect("a stream").way;
        assert_eq!((way.codec, way.lost, way.marked, way.jumps, way.jitter), (Some(codec), 0, 1, 0, 0));
    }
}

#[test]
fn what_is_wrong_with_a_prompt_is_told_with_its_place_and_length() {
    let greeting = prompt("greeting");
    let lead = greeting.samples.iter().position(|sample| sample.abs() > 300).expect("sound");
    let expected = [greeting.clone()];
    let one = || std::iter::repeat_n(0, 4000).chain(greeting.samples.iter().copied()).collect::<Vec<i16>>();
    let near = |value: usize, wanted: usize| value.abs_diff(wanted) <= 6;

    // Its first 60 ms of sound are missing.
    let mut samples = one();
    samples[4000..4000 + lead + 480].fill(0);
    let found = &heard(samples, &expected).found[0];
    assert!(near(found.clipped_ms, 60) && found.gaps.is_empty() && !found.is_well(), "{found:?}");

    // 40 ms of it are silent, in a place where it sounds: the words are lost.
    let middle = 4000 + loud_place(&greeting.samples, 16_000);
    let mut samples = one();
    samples[middle..middle + 320].fill(0);
    let found = &heard(samples, &expected).found[0];
    assert_eq!(found.gaps.iter().map(|gap| gap.words).collect::<Vec<_>>(), [Words::Lost], "{found:?}");
    assert!(near(found.gaps[0].ms, 40) && found.gaps[0].at.abs_diff(middle) < 64, "{found:?}");
    assert!(!found.is_well() && found.clipped_ms < 3 && found.cut_ms < 3, "{found:?}");

    // It waits 40 ms and goes on where it stopped.
    for place in [8_000, 16_000, greeting.samples.len() - 8_000] {
        let middle = 4000 + loud_place(&greeting.samples, place);
        let mut samples = one();
        samples.splice(middle..middle, [0; 320]);
        let found = &heard(samples, &expected).found[0];
        assert_eq!(found.gaps.iter().map(|gap| gap.words).collect::<Vec<_>>(), [Words::Late], "{place}: {found:?}");
        assert!(near(found.gaps[0].ms, 40) && found.gaps[0].at.abs_diff(middle) < 120, "{place}: {found:?}");
        assert!(found.clipped_ms < 3 && found.cut_ms < 3, "{place}: {found:?}");
    }

    // Half as loud.
    let samples = one().iter().map(|sample| sample / 2).collect();
    let found = &heard(samples, &expected).found[0];
    assert!((found.level_db + 6.02).abs() < 0.2 && found.is_well(), "{found:?}");

    // Stopped by a key after a second: no fault.
    let mut samples = one();
    samples.truncate(4000 + 8000);
    let found = &heard(samples, &expected).found[0];
    let rest = greeting.samples.len() - 8000;
    assert!(found.is_well() && found.cut_ms.abs_diff(rest / 8) < 200, "{found:?}");

    // In noise 15 dB below it.
    let mut chance = Random::from_number(7);
    let samples = one().iter().map(|&sample| sample.saturating_add((chance.below(1000) as i16) - 500)).collect();
    let judgement = heard(samples, &expected);
    let found = &judgement.found[0];
    assert!(found.gaps.is_empty() && found.clipped_ms < 40 && found.cut_ms < 60, "{found:?}");
}

#[test]
fn what_a_telephone_left_out_of_the_middle_is_one_prompt_with_so_much_skipped() {
    let expected = [prompt("greeting")];
    let samples = joined(&[&expected[0]], 500);
    for (place, missing) in [(1500, 60), (2200, 120), (1600, 200), (2400, 200), (1500, 450), (2000, 700), (1400, 1000)]
    {
        let place = 4000 + loud_place(&expected[0].samples, (place - 500) * 8);
        let mut cut = samples.clone();
        cut.drain(place..place + missing * 8);
        let judgement = heard(cut, &expected);
        let told = told::text(&judgement, false);
        let [found] = judgement.found.as_slice() else { panic!("{missing} ms: {told}") };
        let [gap] = found.gaps.as_slice() else { panic!("{missing} ms: {told}") };
        assert_eq!(gap.words, Words::Skipped, "{missing} ms: {told}");
        assert!(gap.ms.abs_diff(missing) <= 6 && gap.at.abs_diff(place) < 1600, "{missing} ms at {place}: {told}");
        assert!(found.clipped_ms < 3 && found.cut_ms < 3 && !found.is_well(), "{missing} ms: {told}");
    }
}

#[test]
fn a_prompt_far_from_its_own_level_is_not_good() {
    let expected = [murmur("greeting", 2)];
    let samples = joined(&[&expected[0]], 200);
    for (factor, level, well) in [(0.5, -6.0, true), (0.35, -9.1, true), (0.28, -11.1, false), (0.01, -40.0, false)] {
        let changed = samples.iter().map(|&sample| (f64::from(sample) * factor) as i16).collect();
        let judgement = heard(changed, &expected);
        let told = told::text(&judgement, false);
        let found = &judgement.found[0];
        assert!((found.level_db - level).abs() < 0.3 && found.gaps.is_empty(), "{told}");
        assert_eq!((judgement.is_well(), told.contains("too faint")), (well, !well), "{told}");
    }
    let faint = [Expected { name: "greeting".into(), samples: samples.iter().map(|sample| sample / 4).collect() }];
    let judgement = heard(samples, &faint);
    let [ko, en] = [true, false].map(|korean| told::text(&judgement, korean));
    assert!(!judgement.is_well() && en.contains("level +12.0 dB: too loud"), "{en}");
    assert!(ko.contains("크기 +12.0 dB: 너무 큼"), "{ko}");
}

#[test]
fn a_crossed_pair_of_wires_is_remarked_and_no_fault() {
    let expected = [prompt("greeting"), prompt("goodbye")];
    let upright = joined(&[&expected[0], &expected[1]], 300);
    let crossed: Vec<i16> = upright.iter().map(|sample| sample.saturating_neg()).collect();
    for (samples, inverted) in [(upright, false), (crossed, true)] {
        let judgement = heard(samples, &expected);
        let [ko, en] = [true, false].map(|korean| told::text(&judgement, korean));
        assert_eq!(names(&judgement), ["greeting", "goodbye"], "{en}");
        assert!(judgement.is_well() && judgement.found.iter().all(|found| found.inverted == inverted), "{en}");
        assert_eq!((ko.contains("극성 반대"), en.contains("polarity inverted")), (inverted, inverted), "{en}");
        assert_eq!(told::json(&judgement)["prompts"][0]["inverted"], inverted);
    }
}

#[test]
fn whoever_waits_for_a_search_is_told_how_far_it_has_come() {
    let expected = [murmur("one", 1), murmur("two", 2), Expected { name: "none".into(), samples: vec![0; 800] }];
    let mut steps = Vec::new();
    judge_recording(joined(&[&expected[0]], 100), &expected, false, &mut |done, all| steps.push((done, all)));
    assert_eq!(steps, [(1, 3), (2, 3), (3, 3)]);
    // Both streams of a call are searched.
    let (pcap, expected) = call();
    let capture = capture::read(pcap.bytes()).expect("a capture");
    let mut steps = Vec::new();
    judge_capture(&capture, &Choice::default(), &expected, true, &mut |done, all| steps.push((done, all)));
    assert_eq!(steps, [(1, 4), (2, 4), (3, 4), (4, 4)]);
}

/// A place at or after this one that sounds for 60 ms.
fn loud_place(samples: &[i16], from: usize) -> usize {
    let loud = |at: &usize| samples[*at..at + 480].chunks(40).all(|part| part.iter().any(|sample| sample.abs() > 1500));
    (from..samples.len() - 480).find(loud).expect("a loud place")
}

#[test]
fn a_prompt_that_was_not_played_is_not_heard_and_what_was_is_told_as_other_sound() {
    let expected = [prompt("goodbye")];
    let judgement = heard(joined(&[&prompt("greeting")], 100), &expected);
    assert_eq!((names(&judgement), judgement.missing.clone()), (vec![], vec!["goodbye".to_owned()]));
    assert!(judgement.unknown_ms > Some(1000) && !judgement.is_well());

    let mut chance = Random::from_number(3);
    let noise = (0..80_000).map(|_| (chance.below(8000) as i16) - 4000).collect();
    assert_eq!(names(&heard(noise, &expected)), Vec::<&str>::new());
    assert_eq!(names(&heard(vec![0; 8000], &expected)), Vec::<&str>::new());
    assert_eq!(names(&heard(Vec::new(), &expected)), Vec::<&str>::new());
}

#[test]
fn prompts_in_another_order_are_told() {
    let expected = [prompt("greeting"), prompt("goodbye")];
    let judgement = heard(joined(&[&expected[1], &expected[0]], 200), &expected);
    assert_eq!(names(&judgement), ["goodbye", "greeting"]);
    assert!(judgement.disorder && judgement.missing.is_empty() && !judgement.is_well());
}

#[test]
fn among_all_prompts_the_right_ones_are_found() {
    let all: Vec<Expected> = [
        "again",
        "busy",
        "emergency",
        "digit_1",
        "digit_2",
        "goodbye",
        "greeting",
        "invalid",
        "menu_fund",
        "menu_main",
    ]
    .map(prompt)
    .into();
    let samples = joined(&[&all[6], &all[3], &all[4], &all[3], &all[0]], 150);
    let judgement = judge_recording(samples, &all, false, &mut |_, _| {});
    assert_eq!(names(&judgement), ["greeting", "digit_1", "digit_2", "digit_1", "again"]);
    assert!(judgement.found.iter().all(|found| found.is_well()), "{:#?}", judgement.found);
    assert!(judgement.unknown_ms < Some(150), "{:?}", judgement.unknown_ms);
}

#[test]
fn another_prompt_that_shares_syllables_does_not_stand_in_the_place_of_the_one_that_was_played() {
    let all = ["greeting", "menu_main", "goodbye", "queue_still"].map(prompt);
    let mut samples = joined(&[&all[0], &all[1], &all[2]], 100);
    // Broken, so that the true ones are not perfect either.
    let middle = loud_place(&samples, 12_000);
    samples[middle..middle + 480].fill(0);
    let judgement = judge_recording(samples, &all, false, &mut |_, _| {});
    assert_eq!(names(&judgement), ["greeting", "menu_main", "goodbye"], "{}", told::text(&judgement, false));
}

#[test]
fn syllables_that_another_prompt_shares_are_no_piece_of_the_expected() {
    let [notice, invalid] = ["notice_recording", "invalid"].map(prompt);
    for played in [[&notice, &invalid], [&invalid, &notice]] {
        for expected in [&notice, &invalid] {
            let judgement = heard(joined(&played, 0), std::slice::from_ref(expected));
            assert_eq!(names(&judgement), [expected.name.as_str()], "{}", told::text(&judgement, false));
            assert!(judgement.is_well(), "{}", told::text(&judgement, false));
        }
    }
    let judgement = heard(joined(&[&invalid], 0), std::slice::from_ref(&notice));
    assert_eq!(judgement.missing, ["notice_recording"], "{}", told::text(&judgement, false));
}

#[test]
fn a_piece_that_was_heard_is_found_wherever_it_stands() {
    let [notice, invalid] = ["notice_recording", "invalid"].map(prompt);
    let lead = notice.samples.iter().position(|sample| sample.abs() > 300).expect("sound");
    // How much is missing in milliseconds, how much is heard then, and the silence around it.
    for (missing, length, silence) in
        [(1900, 2000, 0), (1900, 2000, 200), (60, 500, 60), (300, 500, 300), (60, 1500, 0)]
    {
        for before in [&[][..], &invalid.samples] {
            let piece = notice.samples.iter().skip(lead + missing * 8).take(length * 8).copied();
            let silent = || std::iter::repeat_n(0, silence * 8);
            let samples =
                before.iter().copied().chain(silent()).chain(piece).chain(silent()).chain(invalid.samples.clone());
            let judgement = heard(samples.collect(), std::slice::from_ref(&notice));
            let told = told::text(&judgement, false);
            let [found] = judgement.found.as_slice() else { panic!("{missing} {length} {silence}: {told}") };
            assert!(found.clipped_ms.abs_diff(missing) < 40 && found.gaps.is_empty(), "{missing}: {told}");
            assert!(!judgement.is_well(), "{told}");
        }
    }
}

#[test]
fn the_keys_of_a_call_are_those_of_its_own_telephone() {
    let (mut pcap, expected) = call();
    // At once, the same telephone has a second call with us; a third caller talks to another port, and a stranger sends to that of the first.
    let [line, stranger] = ["192.0.2.1:20002", "203.0.113.5:4000"];
    for n in 0..40_u64 {
        let packet = rtp(8, n == 0, n as u16, n as u32 * 160, 0x2468, &[0xd5; 160]);
        pcap.udp(1_764_000_000_000_000 + n * 20_000, address(line), address("192.0.2.9:4002"), &packet);
    }
    press(&mut pcap, 20, 7, 0xca12, ["192.0.2.9:4002", line]);
    press(&mut pcap, 30, 8, 0xca13, [stranger, "192.0.2.1:20004"]);
    press(&mut pcap, 40, 9, 0xca14, [stranger, ENGINE]);
    // The first one sends from another port than it hears at.
    press(&mut pcap, 60, 5, 0xca15, ["192.0.2.9:4004", ENGINE]);
    let capture = capture::read(pcap.bytes()).expect("a capture");
    let keys = |ssrc: Option<u32>, expected: &[Expected]| -> String {
        let choice = Choice { ssrc, ..Choice::default() };
        let judgement = judge_capture(&capture, &choice, expected, true, &mut |_, _| {}).expect("a stream");
        judgement.sound.keys.iter().map(|key| key.key.as_char()).collect()
    };
    assert_eq!(keys(None, &expected), "53");
    assert_eq!(keys(Some(0x2468), &[]), "7");
}

#[test]
fn the_way_of_the_packets_is_counted() {
    let greeting = prompt("greeting");
    let samples = joined(&[&greeting], 0);
    // The tenth is lost, the twentieth comes after the next, every second one a millisecond late.
    let pcap = captured(ETHERNET, Codec::Pcma, &samples, |n, at| {
        *at += if n == 20 { 25_000 } else { (n as u64 % 2) * 1000 };
        n != 10
    });
    let mut twice = captured(ETHERNET, Codec::Pcma, &samples, |_, _| true);
    let again = rtp(8, false, 65_530, 0, 0x1357, &[0xd5; 160]);
    twice.udp(1_764_000_000_000_900, address(ENGINE), address(CALLER), &again);
    let judgement = judged(&pcap, &[]);
    let way = &judgement.stream.as_ref().expect("a stream").way;
    assert_eq!((way.lost, way.duplicates, way.reordered, way.beginnings), (1, 0, 1, 0));
    assert!((900..1300).contains(&way.jitter), "{}", way.jitter);
    assert_eq!(judgement.sound.holes.as_slice(), std::slice::from_ref(&(1600..1760)));
    let way = &judged(&twice, &[]).stream.expect("a stream").way;
    assert_eq!((way.lost, way.duplicates), (0, 1));
}

/// Something like speech, the same whatever the shipped prompts become: syllables of dull noise.
fn murmur(name: &str, seconds: usize) -> Expected {
    let mut chance = Random::from_number(seconds as u64);
    let mut dull = 0.0;
    let samples = (0..seconds * 8000).map(|n| {
        let open = (std::f64::consts::PI * (n % 1600) as f64 / 1400.0).sin().max(0.0);
        dull = 0.7 * dull + (chance.below(16_001) as f64 - 8000.0);
        (dull * open) as i16
    });
    Expected { name: name.to_owned(), samples: samples.collect() }
}

/// A call: the caller's stream with a key, and the engine's with two prompts, the second after the key and without its first syllable.
fn call() -> (Pcap, [Expected; 2]) {
    let expected = [murmur("greeting", 4), murmur("goodbye", 3)];
    let mut samples = joined(&[&expected[0]], 0);
    // A key stops it.
    samples.truncate(12_000);
    let begin = samples.len() + 240;
    samples.resize(begin, 0);
    samples.extend(&expected[1].samples);
    samples[begin..begin + 600].fill(0);
    let mut pcap = captured(ETHERNET, Codec::Pcma, &samples, |_, _| true);
    let caller = |pcap: &mut Pcap, n: u64, packet: &[u8]| {
        pcap.udp(1_764_000_000_000_000 + n * 20_000 + 3000, address(CALLER), address(ENGINE), packet);
    };
    for n in 0..74 {
        caller(&mut pcap, n, &rtp(8, n == 0, n as u16, n as u32 * 160, 0xca11, &[0xd5; 160]));
    }
    press(&mut pcap, 74, 3, 0xca11, [CALLER, ENGINE]);
    (pcap, expected)
}

/// A key by RFC 4733, from the packet of this number on.
fn press(pcap: &mut Pcap, begin: u64, key: u8, ssrc: u32, [from, to]: [&str; 2]) {
    for (n, end) in [(begin, 0), (begin + 1, 0), (begin + 2, 0x80), (begin + 2, 0x80), (begin + 2, 0x80)] {
        let duration = ((n - begin + 1) * 160) as u16;
        let [high, low] = duration.to_be_bytes();
        let packet = rtp(101, n == begin, n as u16, begin as u32 * 160, ssrc, &[key, end | 10, high, low]);
        pcap.udp(1_764_000_000_000_000 + n * 20_000 + 3000, address(from), address(to), &packet);
    }
}

#[test]
fn a_call_is_told_in_korean_and_in_english_and_drawn() {
    let (pcap, expected) = call();
    let judgement = judged(&pcap, &expected);
    assert_eq!(told::text(&judgement, true), include_str!("../golden/hear.ko.txt"));
    assert_eq!(told::text(&judgement, false), include_str!("../golden/hear.en.txt"));
    let json = told::json(&judgement);
    assert_eq!((&json["good"], &json["prompts"][1]["prompt"]), (&false.into(), &"goodbye".into()));
    assert_eq!(json["keys"][0]["key"], "3");
    let drawn = picture::draw(&judgement, true);
    for part in ["판정 나쁨", "greeting", "goodbye", "[3]", "#d11a2a"] {
        assert!(drawn.contains(part), "{part}");
    }
}

#[test]
fn the_stream_in_which_the_expected_is_heard_is_chosen_or_the_one_that_was_named() {
    let (mut pcap, expected) = call();
    // The caller's stream is the longer one by far.
    for n in 80..900_u64 {
        let packet = rtp(8, false, n as u16, n as u32 * 160, 0xca11, &[0xd5; 160]);
        pcap.udp(1_764_000_000_000_000 + n * 20_000, address(CALLER), address(ENGINE), &packet);
    }
    let capture = capture::read(pcap.bytes()).expect("a capture");
    let ssrc = |choice: Choice, expected: &[Expected]| {
        judge_capture(&capture, &choice, expected, true, &mut |_, _| {})
            .and_then(|judgement| judgement.stream)
            .map(|stream| stream.ssrc)
    };
    assert_eq!(ssrc(Choice::default(), &expected), Some(0x1357));
    assert_eq!(ssrc(Choice::default(), &[]), Some(0xca11));
    assert_eq!(ssrc(Choice { ssrc: Some(0x1357), ..Choice::default() }, &[]), Some(0x1357));
    assert_eq!(ssrc(Choice { ssrc: Some(1), ..Choice::default() }, &[]), None);
}

#[test]
fn no_broken_byte_of_a_capture_stops_the_reader() {
    let expected = [murmur("greeting", 1)];
    let good = captured(ETHERNET, Codec::Pcma, &expected[0].samples[..3200], |_, _| true).bytes().to_vec();
    let mut chance = Random::from_number(1357);
    for round in 0..400 {
        let mut bytes = good.clone();
        if round % 4 == 0 {
            bytes.truncate(chance.below(bytes.len() as u64) as usize);
        }
        for _ in 0..4 {
            // Most of the bytes are sound: the first ones, and those of headers, matter more.
            let at = if chance.chance(0.5) { chance.below(120) } else { chance.below(good.len() as u64) } as usize;
            if let Some(byte) = bytes.get_mut(at) {
                *byte = [0, 1, 0x7f, 0x80, 0xff, chance.u32() as u8][chance.below(6) as usize];
            }
        }
        if let Ok(capture) = capture::read(&bytes) {
            let _ = judge_capture(&capture, &Choice::default(), &[], true, &mut |_, _| {});
        }
    }
    assert!(capture::read(b"").is_err() && capture::read(b"RIFF").is_err());
}
