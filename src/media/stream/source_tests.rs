//! Whose packets count, and where ours go.

use super::*;

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

/// What a NAT makes of the same telephone later.
const MOVED: &str = "203.0.113.9:50002";

#[test]
fn a_phone_that_comes_back_from_hold_by_a_new_port_of_its_nat_is_heard_there() {
    let mut rig = Rig::new();
    rig.hear_twice(0, NAT);
    rig.configure(|chosen| chosen.direction = Direction::RecvOnly);
    rig.configure(|_| {});
    rig.events();
    assert_eq!(rig.next().map(|packet| packet.to), Some(address(NAT)), "until something comes from elsewhere");
    rig.hear_twice(60_000, MOVED);
    assert_eq!(rig.events(), [Event::Latched(address(MOVED))]);
    assert_eq!(rig.next().map(|packet| packet.to), Some(address(MOVED)));
    rig.key(60_100, MOVED, '1');
    assert_eq!(rig.keys(), "1");
    rig.key(60_500, STRANGER, '2');
    rig.key(61_000, NAT, '3');
    assert_eq!(rig.keys(), "", "it is shut again");
}

#[test]
fn the_first_packet_of_the_source_of_before_shuts_the_latch_that_a_renegotiation_opened() {
    let mut rig = Rig::new();
    rig.hear_twice(0, NAT);
    rig.configure(|_| {});
    rig.key(1000, STRANGER, '1');
    rig.key(1000, NAT, '2');
    rig.hear_twice(1020, STRANGER);
    rig.key(1500, STRANGER, '3');
    assert_eq!(rig.keys(), "2", "one packet of a stranger was not enough, and two come too late");
    assert_eq!(rig.next().map(|packet| packet.to), Some(address(NAT)));
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
