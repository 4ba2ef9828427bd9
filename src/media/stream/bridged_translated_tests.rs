//! Legs that take another codec, or packets of another length.

use super::*;

#[test]
fn another_codec_leaves_as_soon_as_it_comes_at_the_same_places_with_the_keys_between() {
    let packets_of = |from: Codec, to: Codec| {
        let mut pair = Pair::new(agreed(CALLER, from, 20), agreed(CENTRE, to, 20));
        // 503 is lost, 506 late, 504 comes twice, 508 and 509 are a key.
        let order = [500, 501, 502, 504, 504, 505, 507, 506, 508, 509, 510];
        let mut heard = Vec::new();
        for sequence in order {
            let timestamp = u32::from(sequence) * 160;
            let packet = match sequence {
                508 | 509 => event('5', sequence, 508 * 160, (sequence - 507) * 160, sequence == 509),
                _ => spoken(from.payload_type(), 9, sequence, timestamp, &[sequence as u8; 160]),
            };
            let place = |packet: Packet| (packet.sequence.wrapping_sub(65_530), packet.number);
            heard.push((sequence, pair.says(packet).map(place)));
            // Packets leave as they come: there is nothing for an interval of ours.
            assert_eq!(pair.tick(), None, "{sequence}");
        }
        heard
    };
    let (ulaw, g722) = (Codec::Pcmu.payload_type(), Codec::G722.payload_type());
    let expected = |number: u8, late: Option<(u16, u8)>| {
        let sound = |sequence: u16| (sequence, Some((sequence - 500, number)));
        let key = |sequence: u16| (sequence, Some((sequence - 500, 96)));
        let [before, after] = [[500, 501, 502, 504], [504, 505, 507, 506]].map(|each| each.map(sound));
        let mut all = [&before[..], &after[..], &[key(508), key(509), sound(510)]].concat();
        (all[4].1, all[7].1) = (None, late);
        all
    };
    assert_eq!(packets_of(Codec::Pcma, Codec::Pcmu), expected(ulaw, Some((6, ulaw))));
    // What is understood by what was said before it is not said out of its order.
    assert_eq!(packets_of(Codec::Pcma, Codec::G722), expected(g722, None));
    assert_eq!(packets_of(Codec::G722, Codec::Pcmu), expected(ulaw, None));
}

#[test]
fn other_codecs_carry_the_tone_at_its_level() {
    for (from, to) in [
        (Codec::Pcma, Codec::Pcmu),
        (Codec::Pcmu, Codec::Pcma),
        (Codec::Pcma, Codec::G722),
        (Codec::G722, Codec::Pcma),
        (Codec::G722, Codec::Pcmu),
        (Codec::Opus, Codec::Pcma),
        (Codec::Pcmu, Codec::Opus),
        (Codec::G722, Codec::Opus),
    ] {
        // Built without one of them, nobody agrees on it.
        if [from, to].iter().any(|codec| !Codec::ALL.contains(codec)) {
            continue;
        }
        for hertz in [440.0, 1000.0, 2500.0] {
            let mut pair = Pair::new(agreed(CALLER, from, 20), agreed(CENTRE, to, 20));
            let heard = pair.talk(from, 20, &tone(hertz, 8000));
            assert_eq!(heard.len(), 50);
            assert_even(&heard);
            assert!(heard.iter().all(|packet| packet.number == to.payload_type()));
            let sound = decoded(to, &heard);
            let level = 20.0 * (amplitude(&sound[2000..6000], hertz) / 8000.0).log10();
            assert!(level.abs() < 1.5, "{from:?} to {to:?}, {hertz} Hz: {level:.2} dB");
            let noise = amplitude(&sound[2000..6000], hertz * 0.7 + 200.0);
            assert!(noise < 200.0, "{from:?} to {to:?}, {hertz} Hz: {noise}");
        }
    }
}

/// Pairs of legs whose sound is said anew, where the program was built with their codecs.
fn pairs() -> impl Iterator<Item = ((Codec, u64), (Codec, u64))> {
    use Codec::{G722, Opus, Pcma, Pcmu};
    let pairs = [
        ((Pcma, 20), (Pcma, 30)),
        ((Pcma, 30), (Pcma, 20)),
        ((Pcma, 60), (Pcma, 20)),
        ((Pcma, 20), (Pcma, 60)),
        ((Pcma, 10), (Pcmu, 20)),
        ((Pcmu, 60), (Pcma, 10)),
        ((Pcma, 40), (Pcma, 60)),
        ((Pcma, 20), (G722, 20)),
        ((G722, 20), (Pcma, 40)),
        ((Opus, 20), (Pcma, 20)),
        ((Pcma, 20), (Opus, 20)),
        ((Opus, 20), (Pcma, 30)),
        ((Pcma, 30), (Opus, 20)),
        ((G722, 60), (Opus, 20)),
    ];
    pairs.into_iter().filter(|pair| [pair.0, pair.1].iter().all(|(codec, _)| Codec::ALL.contains(codec)))
}

/// Two legs, and the caller's voice, packet by packet.
struct Talk {
    pair: Pair,
    codec: Codec,
    /// Samples of a packet of the caller's, and of one of the centre's.
    theirs: usize,
    ours: usize,
    said: Vec<Vec<u8>>,
    /// Samples that have gone by.
    now: usize,
    /// What left, and when.
    left: Vec<(usize, Packet)>,
}

impl Talk {
    fn new(from: (Codec, u64), to: (Codec, u64), sound: &[i16]) -> Self {
        let pair = Pair::new(agreed(CALLER, from.0, from.1), agreed(CENTRE, to.0, to.1));
        let [theirs, ours] = [from.1, to.1].map(|ms| ms as usize * 8);
        let mut mouth = Encoder::default();
        let said = sound.chunks_exact(theirs).map(|part| {
            let mut payload = vec![0; 480];
            let length = mouth.encode(Form::of(from.0), part, &mut payload);
            payload.truncate(length);
            payload
        });
        Self { pair, codec: from.0, theirs, ours, said: said.collect(), now: 0, left: Vec::new() }
    }

    /// The n-th packet of the caller's, under a source, marked or not, so many samples later than spoken without a pause.
    fn packet(&self, n: usize, ssrc: u32, marked: bool, later: usize) -> Vec<u8> {
        let timestamp = (n * self.theirs + later) as u32 * (self.codec.clock() / 8000);
        let mut packet = spoken(self.codec.payload_type(), ssrc, n as u16, timestamp, &self.said[n]);
        packet[1] |= if marked { 0x80 } else { 0 };
        packet
    }

    fn comes(&mut self, packet: Vec<u8>) {
        let left = self.pair.says_all(packet);
        self.left.extend(left.into_iter().map(|packet| (self.now, packet)));
    }

    /// Time goes by; what is ours.
    fn passes(&mut self, samples: usize) -> Vec<Packet> {
        let (from, to) = (self.now, self.now + samples);
        self.now = to;
        // A little behind the packets of the caller's, now and then beside one.
        let ticks = (from..to).filter(|now| (now + 20).is_multiple_of(self.ours)).count();
        let ours: Vec<Packet> = (0..ticks).filter_map(|_| self.pair.tick()).collect();
        self.left.extend(ours.iter().map(|packet| (to, packet.clone())));
        ours
    }

    /// Packets come one after the other, each when it is spoken.
    fn goes_on(&mut self, numbers: std::ops::Range<usize>) {
        for n in numbers {
            self.comes(self.packet(n, 9, n == 0, 0));
            assert_eq!(self.passes(self.theirs), [], "nothing of ours beside it");
        }
    }

    fn heard(&self) -> Vec<Packet> {
        self.left.iter().map(|(_, packet)| packet.clone()).collect()
    }

    /// Where each packet begins, in samples since the first one, and how many numbers are missing before it.
    fn places(&self) -> Vec<(usize, u16)> {
        let ticks = if self.left[0].1.number == Codec::Opus.payload_type() { 6 } else { 1 };
        let (first, mut next) = (self.left[0].1.timestamp, self.left[0].1.sequence);
        let place = |(_, packet): &(usize, Packet)| {
            let missing = packet.sequence.wrapping_sub(next);
            next = packet.sequence.wrapping_add(1);
            (packet.timestamp.wrapping_sub(first) as usize / ticks, missing)
        };
        self.left.iter().map(place).collect()
    }
}

/// A voice that rises and falls.
fn voice(samples: usize) -> Vec<i16> {
    let turn = std::f64::consts::TAU / 8000.0;
    let at = |n: usize| {
        let n = n as f64;
        let pitch = n * turn * 130.0 + (n * turn * 3.0).sin() * 4.0;
        ((pitch.sin() + (pitch * 2.0).sin() / 2.0 + (pitch * 5.0).sin() / 4.0) * 5000.0) as i16
    };
    (0..samples).map(at).collect()
}

#[test]
fn all_that_is_said_leaves_once_in_order_and_waits_less_than_a_packet_of_ours() {
    for (from, to) in pairs() {
        let mut talk = Talk::new(from, to, &voice(24_000));
        let count = talk.said.len();
        talk.goes_on(0..count);
        let heard = talk.heard();
        // The two codecs alone, without a bridge between them.
        let (mut ear, mut mouth, mut sound) = (Decoder::default(), Encoder::default(), Vec::new());
        talk.said.iter().for_each(|payload| ear.decode(from.0, payload, &mut sound));
        let direct = sound.chunks_exact(talk.ours).map(|part| {
            let mut payload = vec![0; 480];
            let length = mouth.encode(Form::of(to.0), part, &mut payload);
            payload.truncate(length);
            payload
        });
        assert!(direct.eq(heard.iter().map(|packet| packet.payload.clone())), "{from:?} to {to:?}");
        assert_eq!(heard.len(), count * talk.theirs / talk.ours, "{from:?} to {to:?}");
        assert!(heard.iter().all(|packet| packet.number == to.0.payload_type()));
        assert_eq!(heard.iter().filter(|packet| packet.marked).count(), 1);
        let even: Vec<(usize, u16)> = (0..heard.len()).map(|n| (n * talk.ours, 0)).collect();
        assert_eq!(talk.places(), even, "{from:?} to {to:?}");
        // A packet is there when its first sample was spoken a packet ago: whoever hears the caller itself hears each sample that long after it.
        let later = talk.left.iter().enumerate().map(|(n, (left, _))| left.saturating_sub(n * talk.ours)).max();
        assert!(later < Some(talk.ours), "{from:?} to {to:?}: {later:?} samples");
    }
}

/// The largest step from a sample to the next, where there is no gap between them.
fn largest_step(talk: &Talk, to: Codec) -> i32 {
    let (places, sound) = (talk.places(), decoded(to, &talk.heard()));
    let steps = sound.windows(2).enumerate().filter(|(at, _)| {
        let next = (at + 1) / talk.ours;
        (at + 1) % talk.ours != 0 || places[next].0 == places[next - 1].0 + talk.ours
    });
    steps.map(|(_, pair)| (i32::from(pair[1]) - i32::from(pair[0])).abs()).max().unwrap_or(0)
}

#[test]
fn a_lost_packet_is_a_gap_in_numbers_and_in_time_or_hidden_where_it_is_shorter_than_a_packet_of_ours() {
    use Codec::{G722, Pcma, Pcmu};
    for (from, to, missing, jump) in [
        // What waits fills a packet of its own; the rest of the gap, 10 ms, is in the time alone.
        ((Pcma, 20), (Pcma, 30), 0, 80),
        ((Pcma, 30), (Pcma, 20), 1, 240),
        ((Pcma, 60), (Pcma, 20), 3, 480),
        ((Pcma, 20), (Pcmu, 10), 2, 160),
        ((Pcma, 20), (G722, 20), 1, 160),
        // Within a packet of ours.
        ((Pcma, 20), (Pcma, 60), 0, 0),
        ((Pcma, 10), (Pcma, 20), 0, 0),
    ] {
        let sound = voice(8000);
        let name = format!("{from:?} to {to:?}");
        let [mut talk, mut whole] = [(); 2].map(|()| Talk::new(from, to, &sound));
        let count = talk.said.len();
        whole.goes_on(0..count);
        talk.goes_on(0..10);
        assert_eq!(talk.passes(talk.theirs), [], "{name}");
        talk.goes_on(11..count);
        let places = talk.places();
        let jumps = places.windows(2).map(|pair| pair[1].0 - pair[0].0 - talk.ours).filter(|&jump| jump > 0);
        assert!(jumps.eq([jump].into_iter().filter(|&jump| jump > 0)), "{name}: {places:?}");
        assert_eq!(places.iter().map(|(_, missing)| missing).sum::<u16>(), missing, "{name}");
        if to.0 != G722 {
            let (own, ours) = (largest_step(&whole, to.0), largest_step(&talk, to.0));
            assert!(ours <= own * 5 / 4, "{name}: a click of {ours}, the voice's own is {own}");
        }
        // What was not lost stands at its time.
        if to.0 == Pcma {
            let all = decoded(Pcma, &whole.heard());
            for ((at, _), packet) in places.iter().zip(talk.heard()) {
                let sound = decoded(Pcma, &[packet]);
                let lost = 10 * talk.theirs..11 * talk.theirs + 32;
                let kept = (*at..).zip(&sound).filter(|(at, _)| !lost.contains(at));
                assert!(
                    kept.into_iter().all(|(at, sample)| all.get(at).is_none_or(|was| was == sample)),
                    "{name}: {at}"
                );
            }
        }
        // One that comes late was lost.
        let mut late = Talk::new(from, to, &sound);
        late.goes_on(0..10);
        late.passes(late.theirs);
        late.goes_on(11..12);
        late.comes(late.packet(10, 9, false, 0));
        late.goes_on(12..count);
        assert_eq!(late.heard(), talk.heard(), "{name}");
    }
}

#[test]
fn many_lost_packets_leave_a_gap_of_whole_packets() {
    for (from, to, lost, missing) in [(20, 30, 8, 6), (30, 20, 8, 12), (60, 20, 5, 15), (20, 60, 8, 3)] {
        let mut talk = Talk::new((Codec::Pcma, from), (Codec::Pcma, to), &voice(16_000));
        talk.goes_on(0..4);
        assert_eq!(talk.passes(lost * talk.theirs), [], "{from} to {to}");
        talk.goes_on(4 + lost..20);
        // What waited was the last moment before it: it would come too late to be heard at its time.
        let next = talk.places().into_iter().find(|(at, _)| *at >= (4 + lost) * talk.theirs);
        assert_eq!(next, Some(((4 + lost) * talk.theirs, missing)), "{from} to {to}");
    }
}

#[test]
fn a_pause_is_as_long_as_it_was_and_the_next_word_is_marked_whole() {
    for (from, to) in pairs() {
        let name = format!("{from:?} to {to:?}");
        // What is shorter than the patience of ours stays empty.
        let mut talk = Talk::new(from, to, &voice(8000));
        talk.goes_on(0..5);
        let before = talk.left.len();
        let pause = 20 * talk.theirs.min(160);
        assert_eq!(talk.passes(pause), [], "{name}");
        for n in 5..12 {
            talk.comes(talk.packet(n, 9, n == 5, pause));
            talk.passes(talk.theirs);
        }
        let places = talk.places();
        assert_eq!(places[before], (5 * talk.theirs + pause, 0), "{name}");
        let marked: Vec<usize> = (0..talk.left.len()).filter(|&n| talk.left[n].1.marked).collect();
        assert_eq!(marked, [0, before], "{name}");
        // Behind a longer one ours has been silent, and goes on at its own time.
        let mut talk = Talk::new(from, to, &voice(8000));
        talk.goes_on(0..5);
        assert!(!talk.passes(8000).is_empty(), "{name}: our silence");
        let before = talk.left.len();
        for n in 5..12 {
            talk.comes(talk.packet(n, 9, n == 5, 8000));
            talk.passes(talk.theirs);
        }
        let places = talk.places();
        assert!(talk.left[before].1.marked && places.iter().all(|(_, missing)| *missing == 0), "{name}");
        let length = places[before].0 as i64 - (5 * talk.theirs) as i64;
        let most = talk.ours.max(talk.theirs) as i64;
        assert!((length - 8000).abs() <= most, "{name}: {length} for 8000");
        assert!(places.windows(2).all(|pair| pair[1].0 >= pair[0].0 + talk.ours), "{name}: {places:?}");
    }
}

#[test]
fn a_source_that_begins_anew_and_a_clock_that_was_set_back_go_on_in_our_row_without_what_was_before() {
    let sound = [vec![4000; 1600], vec![-4000; 6400]].concat();
    for (from, to) in [(20, 30), (20, 60), (30, 20), (60, 20)] {
        for (ssrc, later) in [(10, 1 << 20), (9, 8000 * 3600)] {
            let mut talk = Talk::new((Codec::Pcma, from), (Codec::Pcma, to), &sound);
            let begins = 1600usize.div_ceil(talk.theirs);
            talk.goes_on(0..begins);
            let before = talk.left.len();
            for n in begins..talk.said.len() {
                talk.comes(talk.packet(n, ssrc, false, later));
                assert_eq!(talk.passes(talk.theirs), []);
            }
            let name = format!("{from} to {to}, {ssrc}");
            assert!(talk.places().iter().all(|(_, missing)| *missing == 0), "{name}");
            let marked: Vec<usize> = (0..talk.left.len()).filter(|&n| talk.left[n].1.marked).collect();
            assert_eq!(marked, [0, before], "{name}");
            let after = decoded(Codec::Pcma, &talk.heard()[before..]);
            assert!(after.iter().all(|&sample| sample < 0), "{name}: nothing of before");
        }
        // Half a second back, under the same source.
        let mut talk = Talk::new((Codec::Pcma, from), (Codec::Pcma, to), &sound);
        talk.goes_on(0..10);
        for n in 10..talk.said.len() {
            let mut packet = talk.packet(n, 9, false, 0);
            let timestamp = (n * talk.theirs) as u32;
            packet[4..8].copy_from_slice(&timestamp.wrapping_sub(4000).to_be_bytes());
            talk.comes(packet);
            talk.passes(talk.theirs);
        }
        let places = talk.places();
        assert!(places.iter().all(|(_, missing)| *missing == 0), "{from} to {to}");
        assert!(places.windows(2).all(|pair| pair[1].0 >= pair[0].0 + talk.ours), "{from} to {to}: {places:?}");
    }
}

#[test]
fn time_stamps_that_are_read_from_a_clock_make_no_gap() {
    let mut talk = Talk::new((Codec::Pcma, 20), (Codec::Pcma, 30), &voice(8000));
    for n in 0..50usize {
        let mut packet = talk.packet(n, 9, false, 0);
        let timestamp = (n * 160 + n * 7919 % 40) as u32;
        packet[4..8].copy_from_slice(&timestamp.to_be_bytes());
        talk.comes(packet);
        talk.passes(160);
    }
    assert_eq!(talk.left.len(), 33);
    assert_even(&talk.heard());
}

#[test]
fn on_hold_nothing_is_kept_for_afterwards() {
    let sound = [vec![4000; 4000], vec![-4000; 4000]].concat();
    for (from, to) in [(20, 30), (20, 60), (60, 20)] {
        let mut talk = Talk::new((Codec::Pcma, from), (Codec::Pcma, to), &sound);
        let half = talk.said.len() / 2;
        talk.goes_on(0..half - 1);
        let before = talk.left.len();
        let centre = || agreed(CENTRE, Codec::Pcma, to);
        talk.pair.command(Command::Configure(Chosen { direction: Direction::Inactive, ..centre() }));
        talk.goes_on(half - 1..half + 5);
        assert_eq!(talk.left.len(), before);
        talk.pair.command(Command::Configure(centre()));
        talk.goes_on(half + 5..talk.said.len());
        assert!(talk.places().iter().all(|(_, missing)| *missing == 0));
        assert!(talk.left[before].1.marked);
        assert!(decoded(Codec::Pcma, &talk.heard()[before..]).iter().all(|&sample| sample < 0), "{from} to {to}");
    }
}

#[test]
fn a_key_that_begins_a_row_brings_back_nothing_of_the_row_before() {
    let mut talk = Talk::new((Codec::Pcma, 20), (Codec::Pcma, 30), &[4000; 1600]);
    talk.goes_on(0..1);
    let clip = Arc::new(Clip::from_samples("clip", &[9000; 240]));
    talk.pair.command(Command::Play { play: PlayKey(1), clips: vec![clip], repeat: false });
    assert_eq!(talk.passes(240).len(), 1);
    talk.comes(event('7', 1, 160, 160, false));
    talk.comes(event('7', 2, 160, 320, true));
    talk.said.iter_mut().for_each(|payload| payload.fill(0x2a));
    for n in 3..9 {
        talk.comes(talk.packet(n, 9, false, 0));
    }
    assert!(talk.places().iter().all(|(_, missing)| *missing == 0));
    let after: Vec<&Packet> =
        talk.left.iter().map(|(_, packet)| packet).skip_while(|packet| packet.number == 8).collect();
    assert_eq!(after.iter().map(|packet| packet.number).collect::<Vec<u8>>(), [96, 96, 8, 8, 8, 8]);
    assert!(after.iter().skip(2).all(|packet| packet.payload == [0x2a; 240]));
}

#[test]
fn what_we_say_goes_on_behind_what_left_at_once_of_a_longer_packet() {
    let mut talk = Talk::new((Codec::Pcma, 60), (Codec::Pcma, 20), &voice(960));
    talk.comes(talk.packet(0, 9, false, 0));
    assert_eq!((talk.left.len(), talk.pair.tick(), talk.pair.tick()), (3, None, None));
    let clip = Arc::new(Clip::from_samples("clip", &[9000; 480]));
    talk.pair.command(Command::Play { play: PlayKey(1), clips: vec![clip], repeat: false });
    let mut heard = talk.heard();
    heard.extend((0..3).filter_map(|_| talk.pair.tick()));
    assert_eq!(heard.len(), 6);
    assert_even(&heard);
}

#[test]
fn the_longest_packet_that_can_come_leaves_in_packets_of_ours_and_a_key_behind_it() {
    let mut pair = Pair::new(agreed(CALLER, Codec::Pcma, 20), agreed(CENTRE, Codec::Pcmu, 10));
    let mut heard = pair.says_all(spoken(8, 9, 1, 0, &[1; 1400]));
    assert_eq!(heard.len(), 17);
    // As much as is missing in a packet of ours waits while a key is pressed.
    heard.extend(pair.says(event('7', 2, 1400, 160, false)));
    assert_eq!(
        heard.last().map(|packet| (packet.number, packet.timestamp)),
        Some((96, heard[0].timestamp.wrapping_add(1400)))
    );
    heard.extend(pair.says_all(spoken(8, 9, 3, 1560, &[1; 160])));
    assert!(heard.windows(2).all(|pair| pair[1].sequence == pair[0].sequence.wrapping_add(1)), "{heard:?}");
}
