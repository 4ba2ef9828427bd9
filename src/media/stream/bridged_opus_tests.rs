//! Packets that one leg sends as the other does not take them, and noise beside Opus. What they hold is heard by programs that were built with it.

use super::*;
use crate::sdp::Untouched;

fn opus(untouched: Untouched) -> Pair {
    let manner = Manner { untouched, ..Manner::default() };
    Pair::new(agreed(CALLER, Codec::Opus, 20), Chosen { manner, ..agreed(CENTRE, Codec::Opus, 20) })
}

#[test]
fn opus_is_passed_on_untouched_where_the_other_takes_it_so_and_is_else_encoded_anew() {
    use Untouched::{Nothing, UpTo};
    // What a packet begins with (RFC 6716 §3.1): frames of 20 ms, of 60 ms, of 20 ms in two channels.
    let (short, long, two) = (0x08, 0x18, 0x0c);
    for (name, untouched, first, length, passed) in [
        ("as ours", UpTo(120), short, 60, true),
        ("longer", UpTo(120), long, 60, true),
        ("as long as it takes", UpTo(60), long, 60, true),
        ("longer than it takes", UpTo(40), long, 60, false),
        ("two channels, which every decoder understands", UpTo(120), two, 60, true),
        ("for a peer that wants less than may come", Nothing, short, 60, false),
        ("as large as a packet of ours", UpTo(120), short, 480, true),
        ("larger", UpTo(120), short, 481, false),
    ] {
        let mut pair = opus(untouched);
        let packet = |ssrc, n: u16, first, length| {
            let mut payload = vec![0; length];
            payload[0] = first;
            spoken(111, ssrc, n, u32::from(n) * 960, &payload)
        };
        let mut untouched_is = |ssrc, n, first, length, expected| {
            let packet = packet(ssrc, n, first, length);
            let heard = pair.says_all(packet.clone());
            let same = heard.len() == 1 && heard[0].payload == packet[12..];
            assert_eq!(same, expected, "{name}: number {n}");
            assert_eq!(pair.tick(), None, "{name}: nothing of ours beside it");
        };
        untouched_is(9, 1, first, length, passed);
        // Its sound goes one way from there on; another sender's is looked at anew.
        untouched_is(9, 2, short, 60, passed);
        untouched_is(10, 3, short, 60, untouched != Nothing);
    }
}

#[test]
fn packets_that_are_larger_than_ours_may_be_are_heard_whole() {
    let codecs = [(Codec::Pcma, 80)].into_iter().chain(Codec::ALL.into_iter().skip(3).map(|codec| (codec, 20)));
    for (codec, ms) in codecs {
        let untouched = if codec == Codec::Opus { Untouched::Nothing } else { Untouched::default() };
        let manner = Manner { untouched, constant: codec == Codec::Opus, ..Manner::default() };
        let mut pair = Pair::new(agreed(CALLER, codec, 20), Chosen { manner, ..agreed(CENTRE, codec, 20) });
        let heard = pair.talk(codec, ms, &tone(440.0, 16_000));
        assert_eq!(heard.len(), 100, "{codec:?}: one packet an interval");
        assert_even(&heard);
        let lengths: std::collections::BTreeSet<usize> = heard.iter().map(|packet| packet.payload.len()).collect();
        assert_eq!(lengths.len(), 1, "{codec:?}: {lengths:?}");
        let level = 20.0 * (amplitude(&decoded(codec, &heard)[4000..12_000], 440.0) / 8000.0).log10();
        assert!(level.abs() < 1.0, "{codec:?}: {level:.2} dB");
    }
}

#[test]
fn the_time_of_noise_is_not_taken_for_that_of_opus() {
    let mut pair = opus(Untouched::default());
    let first = pair.says(spoken(111, 9, 1, 0, &[8; 60])).expect("passed");
    // Its numbers are of 8 kHz, a sixth of those beside it. The second one comes when ours has said noise.
    assert_eq!(pair.says(spoken(13, 9, 2, 160, &[60])), None);
    let mut heard: Vec<Packet> = (0..10).filter_map(|_| pair.tick()).collect();
    assert_eq!(pair.says(spoken(13, 9, 3, 1760, &[60])), None);
    heard.extend((0..10).filter_map(|_| pair.tick()));
    heard.extend(pair.says(spoken(111, 9, 4, 21 * 960, &[8; 60])));
    assert_eq!(heard.len(), 21);
    let whole: Vec<Packet> = std::iter::once(first).chain(heard).collect();
    assert_even(&whole);
}

#[test]
fn a_key_beside_opus_is_pressed_anew_at_the_clock_of_the_other_leg() {
    let events = vec![Events { payload_type: 101, clock: 48_000 }];
    let caller = Chosen { events, ..agreed(CALLER, Codec::Opus, 20) };
    let mut pair = Pair::new(caller, agreed(CENTRE, Codec::Pcma, 20));
    let mut heard = Vec::new();
    for n in 0..40u16 {
        let timestamp = u32::from(n) * 960;
        heard.extend(match n {
            10..=16 => pair.says_all(event('#', n, 9600, 960 * (n - 9), n > 13)),
            _ => pair.says_all(spoken(111, 9, n, timestamp, &[8; 60])),
        });
        heard.extend(pair.tick());
    }
    let events: Vec<&Packet> = heard.iter().filter(|packet| packet.number == 96).collect();
    assert!(events.len() >= 6 && events.iter().all(|packet| packet.payload[0] == 11), "{events:?}");
    assert!(events.iter().all(|packet| packet.timestamp == events[0].timestamp));
    assert_eq!(events.iter().filter(|packet| packet.payload[1] & 0x80 != 0).count(), 3);
    assert!(heard.windows(2).all(|pair| pair[1].sequence == pair[0].sequence.wrapping_add(1)), "{heard:?}");
}
