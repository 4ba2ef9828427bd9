//! Presses as telephones, gateways and load generators send them; how often each may count.

use super::*;
use proptest::prelude::*;

type Sent = Vec<(u64, Packet)>;

/// How a sender writes its presses.
#[derive(Clone, Copy)]
struct Sender {
    ssrc: u32,
    clock: u32,
    ptime: u64,
    ends: usize,
}

const PLAIN: Sender = Sender { ssrc: 0x1357, clock: 8000, ptime: 20, ends: 3 };

impl Sender {
    /// A press of `length` ms that begins `at` ms: packets with growing duration, then the repeated end.
    fn press(self, at: u64, key: char, length: u64) -> Sent {
        let event = Key::from_char(key).expect("a key").event();
        let tick = |ms: u64| (ms * u64::from(self.clock) / 1000) as u32;
        let packet = |ms: u64, end| Packet {
            ssrc: self.ssrc,
            timestamp: 0xffff_f000u32.wrapping_add(tick(at)),
            event,
            end,
            duration: tick(ms) as u16,
        };
        let mut sent: Sent =
            (1..=length / self.ptime).map(|n| (at + n * self.ptime, packet(n * self.ptime, false))).collect();
        sent.pop();
        for n in 0..self.ends as u64 {
            sent.push((at + length + n * self.ptime, packet(length, true)));
        }
        sent
    }
}

/// Each packet changed by its place in the press.
fn with(mut sent: Sent, change: impl Fn(usize, &mut Packet)) -> Sent {
    sent.iter_mut().enumerate().for_each(|(at, (_, packet))| change(at, packet));
    sent
}

fn without(sent: Sent, lost: impl Fn(usize, &Packet) -> bool) -> Sent {
    sent.into_iter().enumerate().filter(|(at, (_, p))| !lost(*at, p)).map(|(_, sent)| sent).collect()
}

fn shifted(sent: Sent, ms: u64) -> Sent {
    sent.into_iter().map(|(at, packet)| (at + ms, packet)).collect()
}

fn order(sent: Sent, order: &[usize]) -> Sent {
    order.iter().zip(&sent).map(|(&from, (at, _))| (*at, sent[from].1)).collect()
}

fn in_order(mut sent: Sent) -> Sent {
    sent.sort_by_key(|(at, _)| *at);
    sent
}

/// The keys, each with the moment it counted.
fn heard(clock: u32, sent: &Sent) -> Vec<(u64, char)> {
    let mut receiver = Receiver::new();
    let at = |ms: u64| Instant::START + Duration::from_millis(ms);
    sent.iter()
        .filter_map(|&(ms, packet)| receiver.received(at(ms), clock, packet).map(|key| (ms, key.as_char())))
        .collect()
}

fn keys(clock: u32, sent: &Sent) -> String {
    heard(clock, sent).iter().map(|(_, key)| key).collect()
}

/// The timestamp of some packets moved on.
fn moved(sent: Sent, ticks: impl Fn(usize, &Packet) -> u32) -> Sent {
    with(sent, |at, packet| packet.timestamp = packet.timestamp.wrapping_add(ticks(at, packet)))
}

/// A new timestamp for all end packets.
fn ends_moved(sent: Sent, ticks: u32) -> Sent {
    moved(sent, |_, packet| if packet.end { ticks } else { 0 })
}

/// The ends are late.
fn late(sent: Sent, by: u64) -> Sent {
    sent.into_iter().map(|(at, packet)| (at + by * u64::from(packet.end), packet)).collect()
}

/// A new timestamp for every packet.
fn running(sent: Sent) -> Sent {
    moved(sent, |at, _| at as u32 * 160)
}

/// One timestamp for ever.
fn stuck(sent: Sent) -> Sent {
    with(sent, |_, packet| packet.timestamp = 77)
}

#[test]
fn every_sender_we_met_is_counted_once_a_press() {
    let one = || PLAIN.press(0, '1', 160);
    let twice = || [PLAIN.press(0, '1', 160), PLAIN.press(320, '1', 160)].concat();
    let close = || [PLAIN.press(0, '1', 60), PLAIN.press(140, '1', 60)].concat();
    let row = |keys: &str, every: u64| {
        keys.chars().zip(0..).flat_map(|(key, n)| PLAIN.press(n * every, key, 60)).collect::<Sent>()
    };
    let (wide, wider) = (Sender { clock: 16000, ..PLAIN }, Sender { clock: 48000, ..PLAIN });
    let segments = || without([PLAIN.press(0, '1', 8180), PLAIN.press(8192, '1', 2000)].concat(), |at, _| at == 408);
    let no_start = |sent| without(sent, |_, packet: &Packet| !packet.end);
    let no_end = |sent| without(sent, |_, packet: &Packet| packet.end);
    let cases: &[(&str, u32, Sent, &str)] = &[
        ("a plain press", 8000, one(), "1"),
        ("every key of the keypad", 8000, row("1234567890*#ABCD", 100), "1234567890*#ABCD"),
        ("a hook flash is no key", 8000, with(one(), |_, p| p.event = 16), ""),
        ("no end bit", 8000, with(one(), |_, p| p.end = false), "1"),
        ("one end packet", 8000, Sender { ends: 1, ..PLAIN }.press(0, '1', 160), "1"),
        ("only the ends arrive", 8000, no_start(one()), "1"),
        ("only the last packet arrives", 8000, without(one(), |at, _| at != 9), "1"),
        ("a start of duration 0", 8000, with(one(), |at, p| p.duration *= (at > 0) as u16), "1"),
        ("duration 0 throughout", 8000, with(one(), |_, p| p.duration = 0), "1"),
        ("every packet twice", 8000, one().into_iter().flat_map(|p| [p, p]).collect(), "1"),
        ("ends before the last updates", 8000, order(one(), &[0, 1, 2, 7, 8, 3, 9, 5, 4, 6]), "1"),
        ("the first packet comes last", 8000, order(one(), &[1, 2, 3, 4, 5, 6, 7, 8, 9, 0]), "1"),
        ("a new timestamp on the ends", 8000, ends_moved(one(), 1280), "1"),
        ("one tick more on the ends", 8000, ends_moved(one(), 1), "1"),
        ("a running timestamp on the ends", 8000, moved(one(), |at, p| at as u32 * 160 * p.end as u32), "1"),
        ("a new timestamp on the later ends", 8000, moved(one(), |at, _| 1280 * (at > 7) as u32), "1"),
        ("a running timestamp on all", 8000, running(one()), "1"),
        ("the same, no end bit", 8000, with(running(one()), |_, p| p.end = false), "1"),
        ("the same in disorder", 8000, order(running(one()), &[0, 2, 1, 3, 5, 4, 7, 6, 8, 9]), "1"),
        ("a moved end overtakes", 8000, order(ends_moved(one(), 1280), &[7, 5, 6, 8, 9]), "1"),
        ("the same, 80 ms late", 8000, late(ends_moved(PLAIN.press(0, '1', 80), 640), 80), "1"),
        (
            "one moved end, 100 ms late",
            8000,
            late(ends_moved(Sender { ends: 1, ..PLAIN }.press(0, '1', 80), 640), 100),
            "1",
        ),
        ("a gap of 400 ms", 8000, without(PLAIN.press(0, '1', 1000), |at, _| (10..30).contains(&at)), "1"),
        ("a gap of 800 ms", 8000, without(PLAIN.press(0, '1', 2000), |at, _| (10..50).contains(&at)), "1"),
        ("ten seconds, in two segments", 8000, without(segments(), |_, p| p.end && p.duration > 20_000), "1"),
        ("packets 100 ms apart", 8000, Sender { ptime: 100, ..PLAIN }.press(0, '1', 400), "1"),
        ("clock 16000", 16000, wide.press(0, '1', 160), "1"),
        ("clock 48000", 48000, wider.press(0, '1', 160), "1"),
        ("clock 48000, a new timestamp on the ends", 48000, ends_moved(wider.press(0, '1', 160), 7680), "1"),
        ("twice", 8000, twice(), "11"),
        ("twice, 80 ms apart", 8000, close(), "11"),
        ("twice, only ends arrive", 8000, no_start(twice()), "11"),
        ("twice, no end arrives", 8000, no_end(twice()), "11"),
        ("twice, a new timestamp on the ends", 8000, ends_moved(twice(), 1280), "11"),
        ("twice, another SSRC", 8000, with(stuck(twice()), |at, p| p.ssrc = (at > 9) as u32), "11"),
        ("twice, an end of the first late", 8000, order(close(), &[0, 1, 2, 5, 3, 6, 4, 7, 8, 9]), "11"),
        ("SIPp: the same for ever", 8000, [one(), shifted(one(), 1000), shifted(one(), 2000)].concat(), "111"),
        ("SIPp: two keys under one timestamp", 8000, stuck(row("12", 300)), "12"),
        ("SIPp: back to the first", 8000, stuck(row("121", 400)), "121"),
        ("type-ahead of a whole number", 8000, row("1112223330", 100), "1112223330"),
    ];
    for (name, clock, sent, expected) in cases {
        assert_eq!(keys(*clock, sent), *expected, "{name}");
    }
}

#[test]
fn a_key_counts_at_its_first_packet() {
    assert_eq!(heard(8000, &PLAIN.press(100, '5', 400)), [(120, '5')]);
}

#[test]
fn a_packet_too_short_for_an_event_is_none() {
    assert_eq!(Packet::read(1, 2, &[5, 0x8a, 1]), None);
    let read = Packet::read(1, 2, &[5, 0x8a, 1, 4, 9, 9]);
    assert_eq!(read, Some(Packet { ssrc: 1, timestamp: 2, event: 5, end: true, duration: 260 }));
}

#[test]
fn a_flood_of_presses_counts_no_faster_than_a_machine_dials() {
    let flood: Sent = (0..5_000).map(|n| (n, Packet { ssrc: n as u32, ..PLAIN.press(0, '1', 40)[0].1 })).collect();
    let counted = heard(8000, &flood).len();
    assert!((KEY_PRESSES_MAX..=11 * KEY_PRESSES_MAX).contains(&counted), "{counted} in 5 s");
    let dialled: Sent = (0..50).flat_map(|n| PLAIN.press(n * 80, '1', 40)).collect();
    let counted = heard(8000, &in_order(dialled)).len();
    assert_eq!(counted, 50);
}

/// What the network makes of the packets: some lost (never all), some doubled, each late by up to 40 ms.
fn through_the_network(sent: Sent, fates: &[(bool, bool, u64)]) -> Sent {
    let mut arrived = Sent::new();
    for (&(at, packet), &(lost, doubled, late)) in sent.iter().zip(fates) {
        if !lost {
            arrived.push((at + late, packet));
        }
        if doubled {
            arrived.push((at + late / 2, packet));
        }
    }
    if arrived.is_empty() {
        arrived.extend(sent.last());
    }
    in_order(arrived)
}

fn fates() -> impl Strategy<Value = Vec<(bool, bool, u64)>> {
    proptest::collection::vec((any::<bool>(), proptest::bool::weighted(0.2), 0..=40u64), 64)
}

proptest! {
    #[test]
    fn one_press_counts_once_whatever_part_of_it_arrives(
        length in 2u64..40, fates in fates(), clock in prop::sample::select(vec![8000u32, 16000, 48000]),
    ) {
        let arrived = through_the_network(Sender { clock, ..PLAIN }.press(0, '7', length * 20), &fates);
        prop_assert_eq!(keys(clock, &arrived), "7", "{:?}", arrived);
    }

    #[test]
    fn two_presses_80_ms_apart_count_twice_whatever_part_of_each_arrives(
        first in 2u64..10, second in 2u64..10, fates_first in fates(), fates_second in fates(),
    ) {
        let one = through_the_network(PLAIN.press(0, '7', first * 20), &fates_first);
        let two = through_the_network(PLAIN.press(first * 20 + 80, '7', second * 20), &fates_second);
        let both = in_order([one, two].concat());
        prop_assert_eq!(keys(8000, &both), "77", "{:?}", both);
    }
}
