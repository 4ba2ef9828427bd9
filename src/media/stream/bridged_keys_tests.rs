//! Keys from one leg to another.

use super::*;

#[test]
fn a_key_is_passed_on_under_the_number_of_the_peer_and_told() {
    let mut pair = Pair::alike();
    let first = pair.sound(1, 0, &[1; 160]).expect("passed");
    let mut heard = Vec::new();
    for (n, end) in [(2, false), (3, false), (4, true), (5, true), (6, true)] {
        heard.extend(pair.says(event('7', n, 160, 160 * (n - 1), end)));
        pair.tick();
    }
    assert_eq!(heard.len(), 5);
    assert!(heard.iter().all(|packet| packet.number == 96 && packet.payload[0] == 7));
    assert!(heard.iter().all(|packet| packet.timestamp == first.timestamp.wrapping_add(160)));
    assert_eq!(heard[4].sequence, first.sequence.wrapping_add(5));
    let keys = pair.events.iter().filter(|event| matches!(event, Event::Key(_))).count();
    assert_eq!(keys, 1, "and the call knows");
    let next = pair.sound(7, 160 * 6, &[1; 160]).expect("passed");
    assert_eq!((next.sequence, next.marked), (first.sequence.wrapping_add(6), false));
    assert_eq!(next.timestamp, first.timestamp.wrapping_add(160 * 6));
}

#[test]
fn a_peer_that_takes_no_events_sees_no_loss_in_their_place() {
    let mut centre = agreed(CENTRE, Codec::Pcma, 20);
    centre.events.clear();
    let mut pair = Pair::new(agreed(CALLER, Codec::Pcma, 20), centre);
    let mut heard = vec![pair.sound(1, 0, &[1; 160]).expect("passed")];
    for n in 2..20 {
        heard.extend(pair.tick());
        heard.extend(pair.says(event('7', n, 160, 160 * n, n > 16)));
    }
    heard.extend(pair.sound(20, 19 * 160, &[1; 160]));
    assert!(heard.windows(2).all(|pair| pair[1].sequence == pair[0].sequence.wrapping_add(1)), "{heard:?}");
}

/// The level of a tone in dBm0: that of the loudest sine of G.711 is 3.14.
fn level(sound: &[i16], hertz: f64) -> f64 {
    20.0 * (amplitude(sound, hertz) / 32_768.0).log10() + 314.0 / 100.0
}

#[test]
fn a_peer_that_takes_no_events_hears_the_tones_of_a_key_at_the_usual_level() {
    for (from, to) in [(Codec::Pcma, Codec::Pcma), (Codec::Pcma, Codec::Pcmu), (Codec::Pcmu, Codec::G722)] {
        let mut centre = agreed(CENTRE, to, 20);
        centre.events.clear();
        let mut pair = Pair::new(agreed(CALLER, from, 20), centre);
        let mut heard = Vec::new();
        for n in 0..30u16 {
            let number = from.payload_type();
            heard.extend(match n {
                5..=12 => pair.says(event('5', n, 800, 160 * (n - 4), n > 9)),
                _ => pair.says(spoken(number, 9, n, u32::from(n) * 160, &[silence(from); 160])),
            });
            heard.extend(pair.tick());
        }
        assert!(heard.iter().all(|packet| packet.number == to.payload_type()), "no events");
        let sound = decoded(to, &heard);
        let loud: Vec<bool> =
            sound.chunks(160).map(|part| part.iter().any(|sample| sample.unsigned_abs() > 3000)).collect();
        let (began, count) = (loud.iter().position(|loud| *loud), loud.iter().filter(|loud| **loud).count());
        assert!((5..=6).contains(&count), "{from:?} to {to:?}: once, for 100 ms: {loud:?}");
        let from_here = began.expect("it sounds") * 160 + 80;
        let part = &sound[from_here..from_here + 600];
        let [low, high] = [770.0, 1336.0].map(|hertz| level(part, hertz));
        assert!((-11.6..=-10.4).contains(&low) && (-9.6..=-8.0).contains(&high), "{from:?} to {to:?}: {low} {high}");
    }
}

#[test]
fn a_key_told_beside_the_sound_is_pressed_once_however_often_it_was_told() {
    for codec in [Codec::Pcma, Codec::Pcmu] {
        let mut pair = Pair::new(agreed(CALLER, codec, 20), agreed(CENTRE, Codec::Pcma, 20));
        let mut heard = Vec::new();
        pair.command(Command::Relay(Key::from_char('7').expect("a key")));
        for n in 0..60u16 {
            heard.extend(match n {
                // Its echo, and the next press of the same key.
                3..=9 => pair.says(event('7', n, 480, 160 * (n - 2), n > 6)),
                40..=46 => pair.says(event('7', n, 6400, 160 * (n - 39), n > 43)),
                _ => pair.says(spoken(codec.payload_type(), 9, n, u32::from(n) * 160, &[1; 160])),
            });
            heard.extend(pair.tick());
        }
        let mut presses: Vec<u32> =
            heard.iter().filter(|packet| packet.number == 96).map(|packet| packet.timestamp).collect();
        presses.dedup();
        assert_eq!(presses.len(), 2, "{codec:?}: {presses:?}");
        assert!(heard.windows(2).all(|pair| pair[1].sequence == pair[0].sequence.wrapping_add(1)), "{codec:?}");
    }
}

#[test]
fn a_key_under_the_clock_of_another_codec_is_pressed_anew() {
    let mut caller = agreed(CALLER, Codec::Pcma, 20);
    caller.events = vec![Events { payload_type: 105, clock: 16_000 }];
    let mut pair = Pair::new(caller, agreed(CENTRE, Codec::Pcma, 20));
    let mut heard = Vec::new();
    for n in 0..30u16 {
        heard.extend(match n {
            5..=12 => {
                let mut packet = event('5', n, 800, 320 * (n - 4), n > 9);
                packet[1] = packet[1] & 0x80 | 105;
                pair.says(packet)
            }
            _ => pair.sound(n, u32::from(n) * 160, &[1; 160]),
        });
        heard.extend(pair.tick());
    }
    let events: Vec<&Packet> = heard.iter().filter(|packet| packet.number == 96).collect();
    assert!(events.len() >= 5 && events.iter().all(|packet| packet.payload[0] == 5), "{events:?}");
    let longest = events.iter().map(|packet| u16::from_be_bytes([packet.payload[2], packet.payload[3]])).max();
    assert_eq!(longest, Some(800), "100 ms at 8,000 a second");
}

#[test]
fn where_sound_is_encoded_anew_a_key_is_pressed_anew() {
    let mut pair = Pair::new(agreed(CALLER, Codec::Pcma, 20), agreed(CENTRE, Codec::Pcmu, 20));
    let mut heard = Vec::new();
    for n in 0..40u16 {
        heard.extend(match n {
            10..=16 => pair.says(event('#', n, 1600, 160 * (n - 9), n > 13)),
            _ => pair.sound(n, u32::from(n) * 160, &[1; 160]),
        });
        heard.extend(pair.tick());
    }
    assert_eq!(heard.len(), 40, "one packet an interval");
    let events: Vec<&Packet> = heard.iter().filter(|packet| packet.number == 96).collect();
    assert!(events.len() >= 6 && events.iter().all(|packet| packet.payload[0] == 11));
    assert_eq!(events.iter().filter(|packet| packet.payload[1] & 0x80 != 0).count(), 3);
    assert!(!pair.events.iter().any(|event| matches!(event, Event::Pressed(_))), "nobody ordered it");
    let keys = pair.events.iter().filter(|event| matches!(event, Event::Key(_))).count();
    assert_eq!(keys, 1);
}

#[test]
fn a_key_whose_word_beside_the_sound_comes_after_it_is_pressed_once() {
    let seven = Key::from_char('7').expect("a key");
    for codec in [Codec::Pcma, Codec::Pcmu] {
        let mut pair = Pair::new(agreed(CALLER, codec, 20), agreed(CENTRE, Codec::Pcma, 20));
        let mut heard = Vec::new();
        for n in 0..80u16 {
            heard.extend(match n {
                3..=9 => pair.says(event('7', n, 480, 160 * (n - 2), n > 6)),
                _ => pair.says(spoken(codec.payload_type(), 9, n, u32::from(n) * 160, &[1; 160])),
            });
            // It crossed the first packet of the press; the next one is another press.
            if [3, 45].contains(&n) {
                pair.command(Command::Relay(seven));
            }
            heard.extend(pair.tick());
        }
        let mut presses: Vec<u32> =
            heard.iter().filter(|packet| packet.number == 96).map(|packet| packet.timestamp).collect();
        presses.dedup();
        assert_eq!(presses.len(), 2, "{codec:?}: {presses:?}");
    }
}

/// The presses among these packets, in order: their key, the longest duration told, and how often their end was.
fn presses(heard: &[Packet]) -> Vec<(u8, u16, usize)> {
    let events: Vec<&Packet> = heard.iter().filter(|packet| packet.number == 96).collect();
    let press = |packets: &[&Packet]| {
        let told = packets.iter().map(|packet| u16::from_be_bytes([packet.payload[2], packet.payload[3]])).max();
        let ends = packets.iter().filter(|packet| packet.payload[1] & 0x80 != 0).count();
        (packets[0].payload[0], told.unwrap_or(0), ends)
    };
    events.chunk_by(|one, next| one.timestamp == next.timestamp).map(press).collect()
}

/// A caller who presses `7` by events from interval 10 on, for so many packets before its three ends, and tells `3` beside the sound at another.
fn overlapping(codec: Codec, held: u16, told: u16) -> Vec<Packet> {
    let mut pair = Pair::new(agreed(CALLER, codec, 20), agreed(CENTRE, Codec::Pcma, 20));
    let mut heard = Vec::new();
    for n in 0..80u16 {
        if n == told {
            pair.command(Command::Relay(Key::from_char('3').expect("a key")));
        }
        heard.extend(match n.checked_sub(10) {
            Some(since) if since < held + 3 => {
                pair.says(event('7', n, 1600, 160 * (since + 1).min(held + 1), since >= held))
            }
            _ => pair.says(spoken(codec.payload_type(), 9, n, u32::from(n) * 160, &[1; 160])),
        });
        heard.extend(pair.tick());
    }
    heard
}

#[test]
fn two_presses_that_overlap_arrive_whole_one_behind_the_other() {
    for codec in [Codec::Pcma, Codec::Pcmu] {
        for held in [4, 12] {
            for told in 0..30 {
                let heard = overlapping(codec, held, told);
                let found = presses(&heard);
                let order: &[u8] = if told <= 10 { &[3, 7] } else { &[7, 3] };
                let keys: Vec<u8> = found.iter().map(|press| press.0).collect();
                assert_eq!(keys, order, "{codec:?}, held {held}, told at {told}: {found:?}");
                let whole = found.iter().all(|&(_, told, ends)| told >= 5 * 160 && ends == 3);
                assert!(whole, "{codec:?}, held {held}, told at {told}: {found:?}");
                let even = heard.windows(2).all(|pair| pair[1].sequence == pair[0].sequence.wrapping_add(1));
                assert!(even, "{codec:?}, held {held}, told at {told}");
            }
        }
    }
}

#[test]
fn the_end_of_a_press_that_comes_after_its_source_was_left_is_no_second_press() {
    let mut pair = Pair::alike();
    let mut heard = Vec::new();
    for n in 0..30u16 {
        let (ssrc, from) = if n < 16 { (9, 0) } else { (10, 30_000) };
        heard.extend(match n {
            10..16 => pair.says(event('7', n, 1600, 160 * (n - 9), n > 13)),
            _ => pair.says(spoken(8, ssrc, from + n, u32::from(from + n) * 160, &[1; 160])),
        });
        if n == 18 {
            heard.extend(pair.says(event('7', 16, 1600, 960, true)));
        }
        heard.extend(pair.tick());
    }
    let pressed = presses(&heard);
    assert_eq!(pressed, [(7, 960, 2)]);
    let marks = heard.iter().filter(|packet| packet.marked).count();
    assert_eq!(marks, 2, "each source begins once");
}
