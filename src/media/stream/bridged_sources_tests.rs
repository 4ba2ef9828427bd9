//! Senders that begin anew, and those who were left for another.

use super::*;

#[test]
fn a_sender_who_begins_anew_goes_on_in_our_row() {
    let mut pair = Pair::alike();
    let first = pair.sound(1, 0, &[1; 160]).expect("passed");
    pair.tick();
    // Another source.
    let second = pair.says(spoken(8, 10, 30_000, 1 << 31, &[2; 160])).expect("passed");
    assert!(second.marked);
    assert_even(&[first, second.clone()]);
    pair.tick();
    // Its numbers jump: one packet may be a stray one, two are a beginning.
    assert_eq!(pair.says(spoken(8, 10, 5000, 1 << 20, &[3; 160])), None);
    let third = pair.says(spoken(8, 10, 5001, (1 << 20) + 160, &[3; 160])).expect("passed");
    pair.tick();
    assert_even(&[second, third.clone()]);
    // Its time jumps.
    let fourth = pair.says(spoken(8, 10, 5002, 9, &[4; 160])).expect("passed");
    assert!(fourth.marked);
    assert_even(&[third, fourth]);
}

/// The caller's telephone goes over to another source after ten packets, and one packet of the one before comes late; what the centre hears, and
/// what is known of the caller's sound.
fn another_source(codec: Codec, late: bool) -> (Vec<Packet>, Option<crate::media::quality::Heard>, Vec<i16>) {
    use crate::media::{Recording, RecordingKey, Sides};
    let mut pair = Pair::new(agreed(CALLER, codec, 20), agreed(CENTRE, Codec::Pcma, 20));
    let kept = Kept::default();
    let (key, longest) = (RecordingKey::default(), Duration::from_secs(60));
    let recording = Recording { key, file: "calls/b".into(), sides: Sides::Caller, longest, silence: None };
    pair.caller.record(recording, Box::new(kept.clone()));
    let mut heard = Vec::new();
    for n in 0..40u16 {
        let payload: Vec<u8> = (0..160u16).map(|at| (n * 7 + at * 3) as u8).collect();
        let (ssrc, from) = if n < 10 { (9, 0) } else { (10, 30_000) };
        heard.extend(pair.says(spoken(codec.payload_type(), ssrc, from + n, u32::from(from + n) * 160, &payload)));
        if n == 12 && late {
            heard.extend(pair.says(spoken(codec.payload_type(), 9, 10, 1600, &payload)));
        }
        heard.extend(pair.tick());
        let mut buffer = [0; RTP_PACKET_BYTES_MAX];
        pair.caller.next_packet(&mut buffer, &mut pair.events);
    }
    let quality = pair.caller.quality().and_then(|report| report.heard);
    let kept = kept.0.lock().expect("one thread").clone();
    (heard, quality, kept)
}

#[test]
fn one_late_packet_of_a_source_that_was_left_changes_nothing() {
    for codec in [Codec::Pcma, Codec::Pcmu, Codec::G722] {
        let (plain, late) = (another_source(codec, false), another_source(codec, true));
        assert_eq!(late.0, plain.0, "{codec:?}: passed on");
        assert_eq!(late.1, plain.1, "{codec:?}: counted");
        assert!(late.2 == plain.2, "{codec:?}: recorded");
    }
}

#[test]
fn a_source_that_was_left_and_speaks_again_is_heard_from_its_second_packet_on() {
    let mut pair = Pair::alike();
    let mut says = |ssrc, n: u16| pair.says(spoken(8, ssrc, n, u32::from(n) * 160, &[1; 160])).is_some();
    assert!((0..5).all(|n| says(9, n)) && (500..505).all(|n| says(10, n)));
    // What is under way between packets of the other one is late, however much of it.
    assert!((5..9).all(|n| !says(9, n) && says(10, 500 + n)));
    assert_eq!([says(9, 40), says(9, 41), says(9, 42)], [false, true, true]);
    assert_eq!([says(10, 509), says(9, 43), says(10, 510), says(10, 511)], [false, true, false, true]);
}
