//! Keys that come and keys that leave, as events and as tones.

use super::reports::counted;
use super::*;

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
fn a_key_counts_once_whether_none_or_every_packet_of_it_bears_the_marker() {
    for marked in [false, true] {
        let mut rig = Rig::new();
        for (n, payload) in
            (0u64..).zip([[5, 10, 0, 160], [5, 10, 1, 64], [5, 10, 1, 224], [5, 0x8a, 2, 128], [5, 0x8a, 2, 128]])
        {
            let packet = RtpPacketBuilder::new().payload_type(101).ssrc(9).marked(marked).payload(&payload);
            let mut packet = packet.build().expect("valid RTP");
            rig.stream.received(at(n * 20), address(PEER), &mut packet, &mut rig.events);
        }
        assert_eq!(rig.keys(), "5", "{marked}");
    }
}

#[test]
fn a_key_from_a_peer_on_hold_counts() {
    let mut rig = Rig::new();
    rig.configure(|chosen| chosen.direction = Direction::SendOnly);
    rig.key(0, PEER, '5');
    assert_eq!(rig.keys(), "5");
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
fn a_peer_that_takes_no_events_at_the_clock_of_our_sound_hears_our_keys_as_tones() {
    for events in [vec![], vec![Events { payload_type: 110, clock: 48000 }]] {
        let mut rig = Rig::new();
        rig.configure(|chosen| chosen.events.clone_from(&events));
        rig.command(Command::Press(keys("18")));
        let packets: Vec<_> = (0..18).map(|_| rig.next().expect("a packet")).collect();
        assert!(packets.iter().all(|packet| packet.payload_type == 8), "{events:?}");
        assert_eq!(rig.events(), [Event::Pressed(2)]);
        // A telephone of ours that agreed on no events understands them.
        let mut other = Rig::new();
        other.configure(|chosen| chosen.events.clear());
        for (n, packet) in (0..).zip(&packets) {
            other.hear(n * 20, PEER, 8, n as u32 * 160, &packet.payload);
        }
        assert_eq!(other.keys(), "18", "{events:?}");
    }
}

#[test]
fn keys_wait_on_hold_and_an_empty_order_is_over_at_once() {
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
    // An answer that took several of our codecs (RFC 3264 §7).
    let mut rig = Rig::new();
    rig.configure(|chosen| {
        chosen.others = vec![(97, Codec::Pcmu), (0, Codec::G722)];
        chosen.events.clear();
    });
    press_as_tones(&mut rig, 0, (Codec::Pcmu, 97), &[[852.0, 1336.0]]);
    press_as_tones(&mut rig, 200, (Codec::G722, 0), &[[941.0, 1209.0]]);
    press_as_tones(&mut rig, 400, ALAW, &[[852.0, 1336.0]]);
    assert_eq!(rig.keys(), "8*8");
    // A number that nobody spoke of is no sound.
    let mut rig = Rig::new();
    rig.configure(|chosen| chosen.events.clear());
    press_as_tones(&mut rig, 0, (Codec::Pcma, 97), &[[852.0, 1336.0]]);
    assert_eq!(rig.keys(), "");
}
