//! The pool on real loopback sockets. Tests wait for packets and events, never for time.

use super::*;
use crate::media::{Clip, Form, PlayKey};
use crate::sdp::{Chosen, Codec, Codecs, Control, Direction, Events, Manner};
use crate::shell::patient::patiently;
use rtp_rs::{RtpPacketBuilder, RtpReader};
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::mpsc::{Receiver, RecvTimeoutError};

/// Longer than any machine under load takes; a test that passes does not wait for it.
const PATIENCE: Duration = Duration::from_secs(20);

struct Rig {
    pool: MediaPool,
    told: Receiver<(StreamKey, Event)>,
    local: IpAddr,
}

impl Rig {
    /// Each test has a loopback address of its own, so that none meets another's ports.
    fn new(test: u8, workers: usize) -> Self {
        let (tell, told) = channel();
        let deliver = move |events: &mut Vec<(StreamKey, Event)>| {
            for event in events.drain(..) {
                // The test may be over.
                let _ = tell.send(event);
            }
        };
        let random = Random::from_number(test.into());
        let sends = Sends::default();
        let pool = MediaPool::start(workers, 41_000..=41_999, Clock::start(None), sends, random, deliver);
        let pool = pool.expect("starts");
        Self { pool, told, local: IpAddr::V4(Ipv4Addr::new(127, 0, 58, test)) }
    }

    fn open(&mut self, key: u64) -> (UdpSocket, SocketAddr) {
        let Opened::At(port) = self.pool.open(StreamKey(key), self.local, None) else { panic!("no port") };
        let peer = UdpSocket::bind((self.local, 0)).expect("a socket");
        peer.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        (peer, SocketAddr::new(self.local, port))
    }

    fn chosen(&self, remote: Option<SocketAddr>) -> Chosen {
        Chosen {
            remote,
            codec: Codec::Pcma,
            payload_type: 8,
            others: Vec::new(),
            manner: Manner::default(),
            packet: Duration::from_millis(20),
            events: vec![Events { payload_type: 101, clock: 8000 }],
            direction: Direction::SendRecv,
            control: Control::Off,
            secured: None,
        }
    }

    fn configure(&self, key: u64, remote: Option<SocketAddr>) {
        let chosen = self.chosen(remote);
        self.pool.command(StreamKey(key), Command::Configure(chosen));
    }

    fn play(&self, key: u64, play: u32, clip: &Arc<Clip>) {
        let clips = vec![Arc::clone(clip)];
        self.pool.command(StreamKey(key), Command::Play { play: PlayKey(play), clips, repeat: false });
    }

    fn told(&self) -> (StreamKey, Event) {
        self.told.recv_timeout(PATIENCE).expect("an event")
    }
}

fn clip(samples: usize) -> Arc<Clip> {
    let samples: Vec<i16> = (0..samples).map(|n| (n as i16 % 97 - 48) * 300).collect();
    Arc::new(Clip::from_samples("test", &samples))
}

/// Where it came from, its sequence number, its timestamp with its marker, its payload.
fn receive(peer: &UdpSocket) -> (SocketAddr, u16, (u32, bool), Vec<u8>) {
    let mut buffer = [0; 2048];
    let (length, from) = patiently(|| peer.recv_from(&mut buffer)).expect("a packet in time");
    let packet = RtpReader::new(&buffer[..length]).expect("RTP");
    (from, packet.sequence_number().into(), (packet.timestamp(), packet.mark()), packet.payload().to_vec())
}

fn key_packet(timestamp: u32, key: char) -> Vec<u8> {
    let event = crate::number::Key::from_char(key).expect("a key").event();
    let payload = [event, 10, 0, 160];
    RtpPacketBuilder::new().payload_type(101).ssrc(7).timestamp(timestamp).payload(&payload).build().expect("RTP")
}

#[test]
fn a_prompt_reaches_the_peer_whole_and_its_end_is_told() {
    let mut rig = Rig::new(1, 1);
    let (peer, ours) = rig.open(1);
    let sound = clip(900);
    rig.configure(1, peer.local_addr().ok());
    rig.play(1, 4, &sound);
    let mut heard = Vec::new();
    let (mut sequences, mut speaking, mut before) = (Vec::new(), false, None);
    while heard.len() < 960 {
        let (from, sequence, (timestamp, marked), payload) = receive(&peer);
        assert_eq!(from, ours);
        sequences.push(sequence);
        speaking |= payload.iter().any(|&byte| byte != 0xd5);
        if speaking {
            // A machine under load lets intervals go by unsent: the peer is told of that gap in the same way.
            let gap = before.is_some_and(|before: u32| timestamp.wrapping_sub(before) != 160);
            let first = heard.is_empty();
            assert_eq!(marked, first || gap, "the first packet of the prompt is marked, and one after a gap");
            heard.extend(payload);
        }
        before = Some(timestamp);
    }
    assert!(sequences.windows(2).all(|pair| pair[1] == pair[0].wrapping_add(1)), "{sequences:?}");
    let mut expected = sound.encoded(Codec::Pcma);
    expected.resize(960, 0xd5);
    assert_eq!(heard, expected);
    assert_eq!(rig.told(), (StreamKey(1), Event::Finished(PlayKey(4))));
    let (_, _, _, silence) = receive(&peer);
    assert_eq!(silence, [0xd5; 160], "the stream stays alive");
}

#[test]
fn a_prompt_that_nobody_heard_in_this_codec_begins_in_its_first_packet_and_comes_whole() {
    let mut rig = Rig::new(13, 1);
    let samples: Arc<[i16]> = (0..8000).map(|n| (n as i16 % 97 + 1) * 300).collect();
    for (key, codec) in (1..).zip(Codec::ALL) {
        let (peer, _) = rig.open(key);
        let chosen = Chosen { codec, ..rig.chosen(peer.local_addr().ok()) };
        rig.pool.command(StreamKey(key), Command::Configure(chosen));
        let sound = Arc::new(Clip::new("new", Arc::clone(&samples), None));
        rig.play(key, 1, &sound);
        let mut silence = [0; 160];
        let quiet = Form::of(codec).fill_up(&mut silence, 0, 160).expect("it fits");
        let expected: Vec<Vec<u8>> = Clip::held_in(Codecs::new([codec]), "", &samples).packets(codec).collect();
        let mut heard = Vec::new();
        while heard.len() < expected.len() {
            let (_, _, (_, marked), payload) = receive(&peer);
            // Silence may leave between the two orders.
            if !heard.is_empty() || marked && payload != silence[..quiet] {
                heard.push(payload);
            }
        }
        assert!(heard == expected, "{codec:?}");
        assert_eq!(rig.told(), (StreamKey(key), Event::Finished(PlayKey(1))));
    }
}

#[test]
fn keys_come_back_under_the_name_of_their_stream() {
    let mut rig = Rig::new(2, 2);
    let calls: Vec<_> = (0..8).map(|key| rig.open(key)).collect();
    for (key, (peer, ours)) in (0..).zip(&calls) {
        rig.configure(key, None);
        // Nothing is sent to an address nobody named; the first two packets name it.
        for _ in 0..2 {
            peer.send_to(&key_packet(0, char::from(b'0' + key as u8)), ours).expect("sent");
        }
        assert_eq!(rig.told(), (StreamKey(key), Event::Latched(peer.local_addr().expect("bound"))));
        let Event::Key(pressed) = rig.told().1 else { panic!("a key") };
        assert_eq!(pressed.as_char(), char::from(b'0' + key as u8));
        receive(peer);
    }
    assert!(rig.pool.workers.iter().all(|handle| handle.streams == 4), "both workers have their share");
}

fn sound_packet(sequence: u16) -> Vec<u8> {
    let packet = RtpPacketBuilder::new().payload_type(8).ssrc(7).sequence(sequence.into());
    packet.timestamp(u32::from(sequence) * 160).payload(&[0xd5; 160]).build().expect("RTP")
}

#[test]
fn sound_that_nobody_counts_stays_in_the_kernel_and_keys_come_through() {
    let mut rig = Rig::new(61, 1);
    rig.pool = rig.pool.counting(false);
    let (peer, ours) = rig.open(1);
    rig.configure(1, peer.local_addr().ok());
    peer.send_to(&sound_packet(0), ours).expect("sent");
    assert!(matches!(rig.told().1, Event::Latched(_)), "the first packet of sound is read: it shows where the peer is");
    for sequence in 1..200 {
        peer.send_to(&sound_packet(sequence), ours).expect("sent");
    }
    peer.send_to(&key_packet(0, '7'), ours).expect("sent");
    assert!(matches!(rig.told().1, Event::Key(key) if key.as_char() == '7'));
    // Elsewhere now, as a new description says: its sound is needed again.
    let elsewhere = UdpSocket::bind((rig.local, 0)).expect("a socket");
    rig.configure(1, elsewhere.local_addr().ok());
    // Orders are carried out in their order.
    rig.play(1, 4, &clip(1));
    assert_eq!(rig.told().1, Event::Finished(PlayKey(4)));
    elsewhere.send_to(&sound_packet(0), ours).expect("sent");
    assert_eq!(rig.told().1, Event::Latched(elsewhere.local_addr().expect("bound")));
    rig.pool.close(StreamKey(1));
    let Event::Closed(Some(report)) = rig.told().1 else { panic!("its last word") };
    assert_eq!((report.heard, report.mos_in()), (None, None));
    assert_eq!(rig.pool.counters().received, 3, "one of sound, a key, one of sound");
}

/// A sender report about nobody.
fn report(ssrc: u32) -> Vec<u8> {
    use rtcp_types::prelude::*;
    let mut buffer = [0; 64];
    let length = rtcp_types::SenderReport::builder(ssrc).ntp_timestamp(5 << 32).write_into(&mut buffer);
    buffer[..length.expect("it fits")].to_vec()
}

#[test]
fn a_call_reports_on_the_port_above_and_its_last_report_is_a_goodbye() {
    let mut rig = Rig::new(60, 1);
    let (peer, ours) = rig.open(1);
    let reporter = UdpSocket::bind((rig.local, 0)).expect("a socket");
    reporter.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    let chosen =
        Chosen { control: Control::Apart(reporter.local_addr().expect("bound")), ..rig.chosen(peer.local_addr().ok()) };
    rig.pool.command(StreamKey(1), Command::Configure(chosen));
    let mut buffer = [0; 512];
    let (length, from) = patiently(|| reporter.recv_from(&mut buffer)).expect("a report");
    assert_eq!(from, SocketAddr::new(ours.ip(), ours.port() + 1));
    assert_eq!(buffer[..length][1], 200, "a sender's");
    reporter.send_to(&report(9), from).expect("sent");
    // Two packets and what the report said are read before the order to close is.
    peer.send_to(&key_packet(0, '1'), ours).expect("sent");
    assert!(matches!(rig.told().1, Event::Latched(_)));
    rig.pool.close(StreamKey(1));
    let (length, _) = patiently(|| reporter.recv_from(&mut buffer)).expect("a goodbye");
    assert_eq!(buffer[..length][length - 7], 203, "BYE");
    let closed = std::iter::from_fn(|| Some(rig.told().1)).find_map(|event| match event {
        Event::Closed(report) => report,
        _ => None,
    });
    let closed = closed.expect("its last word");
    assert_eq!((closed.codec, closed.heard.map(|heard| heard.packets)), (Codec::Pcma, Some(1)));
    assert!(closed.sent > 0);
}

#[test]
fn a_burst_of_keys_is_read_to_its_end() {
    let mut rig = Rig::new(3, 1);
    let (peer, ours) = rig.open(1);
    rig.configure(1, None);
    for n in 0..60 {
        peer.send_to(&key_packet(0, '1'), ours).expect("sent");
        if n == 59 {
            peer.send_to(&key_packet(9000, '2'), ours).expect("sent");
        }
    }
    let keys: Vec<_> = (0..3).map(|_| rig.told().1).collect();
    assert!(matches!(keys[..], [Event::Latched(_), Event::Key(one), Event::Key(two)] if one != two), "{keys:?}");
}

#[test]
fn a_closed_stream_is_silent_and_its_worker_takes_new_ones() {
    let mut rig = Rig::new(4, 1);
    let mut ports = Vec::new();
    for round in 0..5 {
        let (peer, ours) = rig.open(round);
        ports.push(ours.port());
        rig.configure(round, peer.local_addr().ok());
        receive(&peer);
        rig.pool.close(StreamKey(round));
        assert_eq!(rig.pool.streams(), 0);
        // The worker closes the socket: then the port can be bound again, and no packet can follow.
        let (waited, gone) = (Clock::start(None), || UdpSocket::bind(ours).is_ok());
        while !gone() {
            assert!(waited.instant().since(crate::time::Instant::START) < PATIENCE, "the socket was not closed");
            std::thread::yield_now();
        }
    }
    ports.dedup();
    assert_eq!(ports.len(), 5, "no port twice in a row");
}

#[test]
fn a_send_that_fails_is_counted_and_the_stream_goes_on() {
    let mut rig = Rig::new(5, 1);
    let (peer, _) = rig.open(1);
    // Another IP version than the socket's: the system refuses every packet.
    rig.configure(1, Some("[2001:db8::1]:4000".parse().expect("an address")));
    rig.play(1, 1, &clip(480));
    assert_eq!(rig.told(), (StreamKey(1), Event::Finished(PlayKey(1))), "time goes on");
    rig.configure(1, peer.local_addr().ok());
    receive(&peer);
    receive(&peer);
    let counters = rig.pool.counters();
    assert!(counters.failed >= 2 && counters.sent >= 1, "{counters:?}");
}

#[test]
fn without_a_free_port_nothing_is_opened() {
    let mut rig = Rig::new(6, 1);
    let open = (0..500).map(|key| rig.pool.open(StreamKey(key), rig.local, None));
    let open: Vec<_> = open.filter(|opened| matches!(opened, Opened::At(_))).collect();
    assert_eq!(open.len(), 500);
    assert_eq!(rig.pool.open(StreamKey(500), rig.local, None), Opened::Never);
    rig.pool.close(StreamKey(0));
    assert!(rig.pool.streams() == 499);
    // Its socket closes on the worker, whose word for it comes to us.
    assert_eq!(rig.pool.open(StreamKey(501), rig.local, None), Opened::Later);
    assert_eq!(rig.told(), (StreamKey(0), Event::Closed(None)));
    rig.pool.closed(StreamKey(0));
    assert!(matches!(rig.pool.open(StreamKey(501), rig.local, None), Opened::At(_)));
}

#[test]
fn a_worker_that_is_gone_gets_no_streams_and_keeps_no_ports() {
    let mut rig = Rig::new(10, 2);
    let both: Vec<_> = (0..2).map(|key| rig.pool.open(StreamKey(key), rig.local, None)).collect();
    assert!(both.iter().all(|opened| matches!(opened, Opened::At(_))));
    rig.pool.workers[0].order(Order::Stop);
    while !rig.pool.workers[0].is_over() {
        std::thread::yield_now();
    }
    (0..2).for_each(|key| rig.pool.close(StreamKey(key)));
    let mut opened = 0;
    for key in 2..1200 {
        match rig.pool.open(StreamKey(key), rig.local, None) {
            Opened::At(_) => opened += 1,
            other => panic!("{key}: {other:?}"),
        }
        assert_eq!(rig.pool.workers[0].streams, 0);
        rig.pool.close(StreamKey(key));
        // Its last word, and of the first round the one of the living worker.
        let (told, _) = rig.told();
        rig.pool.closed(told);
    }
    assert_eq!(opened, 1198);
    assert!(rig.pool.closing.len() <= 1);
}

#[test]
fn an_address_that_is_not_ours_is_not_waited_for() {
    let mut rig = Rig::new(11, 1);
    rig.open(1);
    rig.pool.close(StreamKey(1));
    assert_eq!(rig.pool.open(StreamKey(2), [192, 0, 2, 1].into(), None), Opened::Never);
}

#[test]
fn orders_for_a_stream_that_is_gone_are_dropped() {
    let mut rig = Rig::new(7, 1);
    rig.play(9, 1, &clip(160));
    rig.pool.close(StreamKey(9));
    rig.open(9);
    rig.pool.close(StreamKey(9));
    rig.pool.close(StreamKey(9));
    assert_eq!(rig.pool.workers[0].streams, 0);
}

#[test]
fn a_media_thread_that_is_behind_says_so_until_it_has_caught_up() {
    let mut rig = Rig::new(12, 2);
    // Whoever is idle says nothing by itself.
    while !rig.pool.workers.iter().all(|handle| handle.shared.idle.load(Ordering::Relaxed)) {
        std::thread::yield_now();
    }
    let lates = |pool: &mut MediaPool| pool.loads().map(|load| load.late).collect::<Vec<_>>();
    assert_eq!(lates(&mut rig.pool), [Duration::ZERO; 2]);
    let behind = Duration::from_millis(12);
    (0..100).for_each(|_| rig.pool.workers[1].shared.gauge.served(behind));
    assert_eq!(lates(&mut rig.pool), [Duration::ZERO, behind]);
    // Streams come and go on both: slots are served in time, and none in the end.
    (0..2).for_each(|key| _ = rig.open(key));
    (0..2).for_each(|key| rig.pool.close(StreamKey(key)));
    while lates(&mut rig.pool) != [Duration::ZERO; 2] {
        std::thread::yield_now();
    }
}

#[test]
fn dropping_the_pool_ends_its_threads() {
    let mut rig = Rig::new(8, 3);
    let (peer, _) = rig.open(1);
    rig.configure(1, peer.local_addr().ok());
    receive(&peer);
    let Rig { pool, told, .. } = rig;
    drop(pool);
    // The workers held the other ends.
    let rest = std::iter::from_fn(|| Some(told.recv_timeout(PATIENCE))).find(Result::is_err);
    assert_eq!(rest, Some(Err(RecvTimeoutError::Disconnected)));
}
