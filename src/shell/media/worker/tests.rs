//! A worker that is driven by hand.

use super::*;
use crate::media::{Ended, Loss, PlayKey, RecordingEnd, RecordingKey, Sides};
use crate::sdp::{Chosen, Codec, Control, Direction, Manner};
use crate::shell::media::lateness::Look;

/// A worker that is driven by hand, with one stream that sends to `peer`.
fn worker(peer: &std::net::UdpSocket) -> Worker<impl Fn(&mut Vec<(StreamKey, Event)>)> {
    let poll = Poll::new().expect("a poll");
    let shared = Arc::new(Shared {
        waker: mio::Waker::new(poll.registry(), WAKE).expect("a bell"),
        idle: false.into(),
        totals: Default::default(),
        gauge: Default::default(),
    });
    let orders = std::sync::mpsc::channel().1;
    let encoder = Encoder::start().expect("a thread");
    let mut worker = Worker::new(poll, orders, shared, Clock::start(None), Sends::Plain, encoder, |_: &mut Vec<_>| {});
    begin(&mut worker, 1, peer);
    worker
}

/// A stream that sends to `peer`.
fn begin(worker: &mut Worker<impl Fn(&mut Vec<(StreamKey, Event)>)>, key: u64, peer: &std::net::UdpSocket) {
    let socket = UdpSocket::bind("127.0.0.1:0".parse().expect("an address")).expect("a socket");
    worker.open(StreamKey(key), socket, Box::new(Stream::new(key as u32, 0, 0)));
    let chosen = Chosen {
        remote: peer.local_addr().ok(),
        codec: Codec::Pcma,
        payload_type: 8,
        others: Vec::new(),
        manner: Manner::default(),
        packet: Duration::from_millis(20),
        events: Vec::new(),
        direction: Direction::SendRecv,
        control: Control::Off,
        secured: None,
    };
    worker.command(StreamKey(key), Command::Configure(chosen));
}

fn slots(worker: &mut Worker<impl Fn(&mut Vec<(StreamKey, Event)>)>, count: u64) -> Vec<Slot> {
    let mut sent = Vec::new();
    for _ in 0..count {
        let before = worker.sums.sent;
        worker.send();
        if worker.sums.sent > before {
            sent.push(worker.slot);
        }
        worker.slot += 1;
    }
    sent
}

/// The end of a slot at this time; whether there was any to sleep.
fn round(worker: &mut Worker<impl Fn(&mut Vec<(StreamKey, Event)>)>, millis: u64) -> bool {
    let slept = worker.paces(Instant::START + Duration::from_millis(millis));
    worker.slot += 1;
    slept
}

/// A core that is full to the brim passes slots over again and again: it is not in time for all that.
#[test]
fn what_was_passed_over_counts_as_late_until_there_is_time_to_sleep() {
    let peer = std::net::UdpSocket::bind("127.0.0.1:0").expect("a socket");
    let mut worker = worker(&peer);
    let mut look = Look::default();
    worker.slot = 1000;
    for (now, next) in [(1010, 1001), (1018, 1002), (1030, 1031), (1031, 1032), (1045, 1033)] {
        assert!(!round(&mut worker, now));
        assert_eq!(worker.slot, next, "{now}");
    }
    assert_eq!(look.at(&worker.shared.gauge), Duration::from_millis(10));
    for now in 1046..1051 {
        assert!(!round(&mut worker, now));
    }
    assert_eq!(look.at(&worker.shared.gauge), Duration::from_millis(41), "28 were passed over, it is late by 13 more");
    assert_eq!((round(&mut worker, 1000), worker.passed), (true, Duration::ZERO));
    for now in [1060, 1060, 1060, 1060] {
        round(&mut worker, now);
    }
    assert_eq!(look.at(&worker.shared.gauge), Duration::ZERO, "one moment in time is enough");
}

#[test]
fn a_stream_keeps_its_phase_also_when_the_clock_runs_away() {
    let peer = std::net::UdpSocket::bind("127.0.0.1:0").expect("a socket");
    let mut worker = worker(&peer);
    assert_eq!(slots(&mut worker, 100), [0, 20, 40, 60, 80]);
    worker.skip_to(1007);
    assert_eq!(worker.sums.skipped, 46, "100 to 1000");
    assert_eq!(slots(&mut worker, 50), [1020, 1040]);
}

#[test]
fn the_first_prompt_does_not_wait_for_the_phase_of_the_silence_and_the_second_does() {
    let peer = std::net::UdpSocket::bind("127.0.0.1:0").expect("a socket");
    let mut worker = worker(&peer);
    let play = || Command::Play { play: Default::default(), clips: Vec::new(), repeat: false };
    assert_eq!(slots(&mut worker, 28), [0, 20]);
    worker.command(StreamKey(1), play());
    assert_eq!(slots(&mut worker, 45), [28, 48, 68]);
    worker.command(StreamKey(1), play());
    assert_eq!(slots(&mut worker, 20), [88]);
}

#[test]
fn a_closed_stream_and_its_place_leave_nothing_behind() {
    let peer = std::net::UdpSocket::bind("127.0.0.1:0").expect("a socket");
    let mut worker = worker(&peer);
    worker.close(StreamKey(1));
    assert_eq!(slots(&mut worker, 100), Vec::<Slot>::new());
    assert!((0..64).all(|slot| worker.wheel.take(slot).is_empty()));
    assert_eq!((worker.places.len(), worker.free.len()), (0, 1));
}

/// A recording that breaks whatever it is part of, and tells its end.
struct Broken(std::sync::mpsc::Sender<Ended>);

impl Sink for Broken {
    fn take(&mut self, _: &[i16]) -> Result<(), Loss> {
        panic!("as the test wants it")
    }

    fn finish(&mut self, ended: Ended) {
        self.0.send(ended).expect("the test waits");
    }
}

#[test]
fn an_error_of_ours_in_one_stream_costs_it_what_was_under_way_and_the_others_nothing() {
    let peer = std::net::UdpSocket::bind("127.0.0.1:0").expect("a socket");
    let mut worker = worker(&peer);
    for key in 2..4 {
        begin(&mut worker, key, &peer);
    }
    worker.command(StreamKey(2), Command::Bridge(StreamKey(3)));
    let clip = Arc::new(crate::media::Clip::from_samples("long", &[5000; 80_000]));
    for (breaks, key) in [(1, 1), (2, 1), (3, 1), (4, 1), (1, 2)] {
        worker
            .command(StreamKey(key), Command::Play { play: PlayKey(breaks), clips: vec![clip.clone()], repeat: false });
        let recording = Recording {
            key: RecordingKey { call: key, number: breaks },
            file: "none".into(),
            sides: Sides::Caller,
            longest: Duration::from_secs(9),
            silence: None,
        };
        let (ended, end) = std::sync::mpsc::channel();
        worker.record(StreamKey(key), recording, Box::new(Broken(ended)));
        // What is kept waits for its delay first.
        slots(&mut worker, 100);
        worker.told.clear();
        let sent = worker.sums.sent;
        slots(&mut worker, 60);
        let alive = worker.places.len() as u64;
        let told: Vec<(u64, Event)> = worker.told.drain(..).map(|(StreamKey(key), event)| (key, event)).collect();
        let over = |key| [(key, Event::Finished(PlayKey(breaks)))];
        let ends: Vec<RecordingEnd> = end.try_iter().map(|ended: Ended| ended.end).collect();
        match (key, breaks) {
            (1, 4) => {
                assert_eq!(told, [(1, Event::Broken), (1, Event::Closed(None))]);
                assert_eq!(ends, [], "whoever writes it is told by the sink that is dropped");
                assert_eq!((alive, worker.sums.sent - sent), (2, 6), "three packets each of the others");
            }
            (1, _) => {
                assert_eq!((told, ends), (over(1).to_vec(), vec![RecordingEnd::Failed(Loss::Broken)]));
                // Its own begins where it broke, an interval later.
                assert_eq!((alive, worker.sums.sent - sent), (3, 8));
            }
            (_, _) => {
                assert_eq!(told, over(2), "the other one has lost nothing, and they hear each other again");
                assert!(worker.legs.iter().flatten().all(|leg| leg.stream.is_bridged() && leg.other.is_some()));
                assert_eq!((alive, worker.sums.sent - sent), (2, 5));
            }
        }
    }
    worker.close(StreamKey(1));
    assert!(worker.told.is_empty(), "it is gone already");
}

#[test]
fn what_a_stream_told_before_it_broke_is_told_and_a_leg_that_is_gone_leaves_the_other_alone() {
    let peer = std::net::UdpSocket::bind("127.0.0.1:0").expect("a socket");
    let mut worker = worker(&peer);
    begin(&mut worker, 2, &peer);
    worker.command(StreamKey(1), Command::Bridge(StreamKey(2)));
    worker.events.push(Event::Finished(PlayKey(7)));
    worker.mend(0);
    assert_eq!(worker.told, [(StreamKey(1), Event::Finished(PlayKey(7)))]);
    (0..3).for_each(|_| worker.mend(0));
    let told = [Event::Broken, Event::Closed(None)];
    let gone = [1, 2].iter().flat_map(|&key| told.map(|event| (StreamKey(key), event)));
    assert_eq!(worker.told.split_off(1), gone.collect::<Vec<_>>(), "both broke as often");
}

#[test]
fn whoever_is_left_of_a_bridge_is_told() {
    let peer = std::net::UdpSocket::bind("127.0.0.1:0").expect("a socket");
    let mut worker = worker(&peer);
    (0..3).for_each(|_| worker.mend(0));
    begin(&mut worker, 2, &peer);
    worker.command(StreamKey(1), Command::Bridge(StreamKey(2)));
    worker.mend(1);
    let alone = [(StreamKey(1), Event::Broken), (StreamKey(1), Event::Closed(None)), (StreamKey(2), Event::Alone)];
    assert_eq!(worker.told, alone);
}
