//! What plays beneath another leg, and a leg that is heard before it hears.

use super::*;

fn music() -> Command {
    let clip = Arc::new(Clip::from_samples("music", &[8000; 800]));
    Command::Play { play: PlayKey(1), clips: vec![clip], repeat: true }
}

/// Whether what the centre hears in this interval is our music.
fn is_music(packet: Option<Packet>) -> bool {
    packet.is_some_and(|packet| packet.payload == [crate::media::codec::encode_alaw(8000); 160])
}

#[test]
fn what_plays_gives_way_to_the_other_leg_and_is_back_half_a_second_after_it_falls_silent() {
    for (codec, noise) in [(Codec::Pcma, false), (Codec::Pcma, true), (Codec::Pcmu, false), (Codec::Pcmu, true)] {
        let mut pair = Pair::new(agreed(CALLER, codec, 20), agreed(CENTRE, Codec::Pcma, 20));
        pair.command(music());
        pair.command(Command::GiveWay);
        assert!((0..5).all(|_| is_music(pair.tick())), "nobody says anything yet");
        let mut heard = Vec::new();
        for n in 0..100u16 {
            heard.extend(pair.says(spoken(codec.payload_type(), 9, n, u32::from(n) * 160, &[1; 160])));
            heard.extend(pair.tick());
        }
        assert_eq!(heard.len(), 100, "one packet an interval");
        let ours: Vec<usize> = (0..100).filter(|&n| is_music(Some(heard[n].clone()))).collect();
        assert_eq!(ours, [0, 1], "until it is known for sound");
        if noise {
            // Whoever sends it and then holds is silent.
            assert_eq!(pair.says(spoken(13, 9, 100, 100 * 160, &[40])), None);
        }
        let back = (0..100).position(|_| is_music(pair.tick())).map(|intervals| intervals * 20);
        assert!(back.is_some_and(|ms| (480..=560).contains(&ms)), "{codec:?}: {back:?}");
        // Something else that plays gives no way.
        pair.command(music());
        assert_eq!(pair.says(spoken(codec.payload_type(), 9, 200, 200 * 160, &[1; 160])), None);
        assert!(is_music(pair.tick()));
    }
}

#[test]
fn who_sends_silence_leaves_our_music_and_gets_it_back_when_it_has_sent_silence_for_long() {
    for codec in [Codec::Pcma, Codec::Pcmu] {
        let mut pair = Pair::new(agreed(CALLER, codec, 20), agreed(CENTRE, Codec::Pcma, 20));
        pair.command(music());
        pair.command(Command::GiveWay);
        let mut heard = Vec::new();
        // A minute of silence, with comfort noise now and then; a word; silence again.
        for n in 0..4000u16 {
            let timestamp = u32::from(n) * 160;
            let payload = if (3000..3100).contains(&n) { [1; 160] } else { [silence(codec); 160] };
            heard.extend(match n % 10 {
                9 if n < 3000 => pair.says(spoken(13, 9, n, timestamp, &[60])),
                _ => pair.says(spoken(codec.payload_type(), 9, n, timestamp, &payload)),
            });
            heard.extend(pair.tick());
        }
        assert_eq!(heard.len(), 4000, "{codec:?}: one packet an interval");
        assert!(heard.windows(2).all(|pair| pair[1].sequence == pair[0].sequence.wrapping_add(1)), "{codec:?}");
        let other = |n: &usize| !is_music(Some(heard[*n].clone()));
        let (first, last) = ((0..4000).find(other), (0..4000).rev().find(other));
        assert_eq!((first, last), (Some(3002), Some(3099 + 249)), "{codec:?}: five seconds behind the word");
    }
}

#[test]
fn a_key_of_a_leg_that_is_not_heard_is_pressed_within_our_music() {
    let mut pair = Pair::alike();
    pair.command(music());
    pair.command(Command::GiveWay);
    let mut heard = Vec::new();
    for n in 0..40u16 {
        heard.extend(match n {
            10..=16 => pair.says(event('#', n, 1600, 160 * (n - 9), n > 13)),
            _ => pair.sound(n, u32::from(n) * 160, &[silence(Codec::Pcma); 160]),
        });
        heard.extend(pair.tick());
    }
    assert_eq!(heard.len(), 40, "one packet an interval");
    let mut presses: Vec<u32> =
        heard.iter().filter(|packet| packet.number == 96).map(|packet| packet.timestamp).collect();
    presses.dedup();
    assert_eq!(presses.len(), 1);
    assert!(is_music(heard.pop()));
}

#[test]
fn who_is_overheard_hears_silence_and_nothing_of_it_is_recorded() {
    use crate::media::{Recording, RecordingKey, Sides};
    for codec in [Codec::Pcma, Codec::Pcmu] {
        let mut pair = Pair::new(agreed(CALLER, codec, 20), agreed(CENTRE, Codec::Pcma, 20));
        // The roles are the other way round here: what the caller says, the centre overhears.
        pair.caller.overheard();
        let kept = Kept::default();
        let (key, longest) = (RecordingKey::default(), Duration::from_secs(60));
        let recording = Recording { key, file: "calls/b".into(), sides: Sides::Both, longest, silence: None };
        pair.centre.record(recording, Box::new(kept.clone()));
        pair.command(music());
        pair.command(Command::Overhear(StreamKey(1)));
        let heard = pair.talk(codec, 20, &tone(440.0, 8000));
        let ours = heard.iter().filter(|packet| is_music(Some((*packet).clone()))).count();
        assert_eq!((heard.len(), ours), (50, 2), "{codec:?}");
        let kept = kept.0.lock().expect("one thread").clone();
        assert!(kept.len() >= 8000, "{codec:?}: a second was recorded");
        let loud = kept.iter().filter(|sample| sample.unsigned_abs() >= 20).count();
        assert_eq!(loud, 2 * 160, "{codec:?}: our music is in the recording, and nothing else");
        // The other way is shut.
        let mut buffer = [0; RTP_PACKET_BYTES_MAX];
        let (from, mut packet) = (CENTRE.parse().expect("an address"), spoken(8, 7, 1, 0, &[1; 160]));
        let said = pair.centre.received(at(0), from, &mut packet, &mut pair.events).expect("it counts");
        assert_eq!(pair.caller.forward(&said, &mut buffer), None);
        let (_, length) = pair.caller.next_packet(&mut buffer, &mut pair.events).expect("the way stays open");
        assert_eq!(read(&buffer[..length]).payload, [silence(codec); 160]);
    }
}
