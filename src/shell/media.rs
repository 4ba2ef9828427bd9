//! The media threads: a few workers that own many RTP sockets each.
//!
//! [`MediaPool`] is the side of the engine thread: it binds sockets, hands them to the least busy worker and passes
//! commands on. No packet ever touches the engine thread; keys and ends of prompts come back in batches, at most one
//! a millisecond. What a packet means is known to `media::stream`, when it leaves to `wheel`.

mod batch;
mod deaf;
mod encoder;
mod ports;
mod wheel;
mod worker;

use crate::media::stream::Stream;
use crate::media::{Command, Event, StreamKey};
use crate::random::Random;
use crate::shell::clock::Clock;
use crate::shell::recorder::Recorder;
use crate::time::Duration;
use encoder::Encoder;
use ports::{Ports, Unbound};
use std::collections::HashMap;
use std::io;
use std::net::IpAddr;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering, fence};
use std::sync::mpsc::{Sender, channel};
use std::thread::JoinHandle;
use worker::{Order, Worker};

/// All media threads, as the engine thread sees them. Dropping it ends them.
pub struct MediaPool {
    workers: Vec<Handle>,
    ports: Ports,
    streams: HashMap<StreamKey, Place>,
    /// Told to close, and where they lived.
    closing: HashMap<StreamKey, Place>,
    random: Random,
    patience: Option<Duration>,
    counts: bool,
    recorder: Option<Recorder>,
}

/// Where a stream lives.
#[derive(Clone, Copy)]
struct Place {
    worker: usize,
    port: u16,
}

struct Handle {
    orders: Sender<Order>,
    shared: Arc<Shared>,
    streams: usize,
    thread: Option<JoinHandle<()>>,
}

/// What a worker shares with its handle.
struct Shared {
    waker: mio::Waker,
    /// The worker has no stream and waits for an order; else it looks by itself every millisecond.
    idle: AtomicBool,
    totals: Totals,
}

#[derive(Default)]
struct Totals {
    sent: AtomicU64,
    received: AtomicU64,
    failed: AtomicU64,
    skipped: AtomicU64,
}

/// What became of a stream that was to be opened.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Opened {
    /// Its RTP port.
    At(u16),
    /// All ports are taken, but the socket of one is just being closed: to be asked again when a stream has said its last word.
    Later,
    /// No port is free, or the address is not ours.
    Never,
}

/// How packets leave.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub enum Sends {
    /// Many with one call of the kernel (io_uring), where the system lets us.
    #[default]
    Batched,
    /// One by one.
    Plain,
}

/// What the media threads did so far.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Counters {
    /// Packets sent.
    pub sent: u64,
    /// Packets received, of whatever kind.
    pub received: u64,
    /// Packets that could not leave: an ordinary event, the next one follows.
    pub failed: u64,
    /// Packet intervals passed over because a worker was more than one whole interval late.
    pub skipped: u64,
}

impl MediaPool {
    /// Starts the workers. `deliver` takes what streams tell, in order, and must not block; it runs on the workers.
    /// `ports` are used in pairs, RTP on the even ones.
    pub fn start(
        workers: usize,
        ports: RangeInclusive<u16>,
        clock: Clock,
        sends: Sends,
        mut random: Random,
        deliver: impl Fn(&mut Vec<(StreamKey, Event)>) + Clone + Send + 'static,
    ) -> io::Result<Self> {
        let encoder = Encoder::start()?;
        let start = |index| Handle::start(index, clock, sends, encoder.clone(), deliver.clone());
        let workers = (0..workers.max(1)).map(start);
        Ok(Self {
            workers: workers.collect::<io::Result<_>>()?,
            ports: Ports::new(ports).beginning_at(random.u32()),
            streams: HashMap::new(),
            closing: HashMap::new(),
            random,
            patience: None,
            counts: true,
            recorder: None,
        })
    }

    /// Streams tell of peers who should speak and are silent for so long.
    pub fn with_patience(mut self, patience: Option<Duration>) -> Self {
        self.patience = patience;
        self
    }

    /// Whether loss and jitter of what peers send are counted. Where they are not, the kernel throws away what nobody listens to.
    pub fn counting(mut self, counts: bool) -> Self {
        self.counts = counts;
        self
    }

    /// Binds a socket on this address. A stream that is to be bridged lives beside the other one, on its worker.
    pub fn open(&mut self, stream: StreamKey, local: IpAddr, beside: Option<StreamKey>) -> Opened {
        self.close(stream);
        self.bury();
        let beside = beside.and_then(|other| self.streams.get(&other)).map(|place| place.worker);
        let living = self.workers.iter_mut().enumerate().filter(|(_, handle)| !handle.is_over());
        let fits = living.filter(|(worker, _)| beside.is_none_or(|beside| beside == *worker));
        let Some((worker, handle)) = fits.min_by_key(|(_, handle)| handle.streams) else { return Opened::Never };
        let (socket, port) = match self.ports.bind(local) {
            Ok(bound) => bound,
            Err(Unbound::Taken) if !self.closing.is_empty() => return Opened::Later,
            Err(Unbound::Taken | Unbound::Failed) => return Opened::Never,
        };
        let [ssrc, sequence, timestamp] = [(); 3].map(|()| self.random.u32());
        handle.streams += 1;
        let opened = Stream::new(ssrc, sequence as u16, timestamp).with_patience(self.patience);
        let opened = if self.counts { opened } else { opened.uncounted() };
        handle.order(Order::Open { key: stream, socket, stream: Box::new(opened) });
        self.streams.insert(stream, Place { worker, port });
        Opened::At(port)
    }

    /// A worker that panicked has closed its sockets and tells nothing more: the ports that it was told to close are free.
    fn bury(&mut self) {
        if self.workers.iter().any(Handle::is_over) {
            let (workers, ports) = (&self.workers, &mut self.ports);
            self.closing.retain(|_, place| {
                let over = workers.get(place.worker).is_none_or(Handle::is_over);
                if over {
                    ports.free(place.port);
                }
                !over
            });
        }
    }

    /// Recordings are written by this.
    pub fn with_recorder(mut self, recorder: Recorder) -> Self {
        self.recorder = Some(recorder);
        self
    }

    /// Tells a stream; one that is gone does not mind.
    pub fn command(&self, stream: StreamKey, command: Command) {
        let Some(handle) = self.streams.get(&stream).and_then(|place| self.workers.get(place.worker)) else { return };
        let sink = match (&command, &self.recorder) {
            (Command::Record(recording), Some(recorder)) => recorder.begin(recording),
            _ => None,
        };
        handle.order(match (command, sink) {
            (Command::Record(recording), Some(sink)) => Order::Record { key: stream, recording, sink },
            (command, _) => Order::Command { key: stream, command },
        });
    }

    /// Nothing is kept of a recording that has ended, or is told to end by a command before.
    pub fn discard(&self, file: &str) {
        if let Some(recorder) = &self.recorder {
            recorder.discard(file);
        }
    }

    /// Closes the socket and forgets the stream. What it told before may still be on its way, its last word behind it: until
    /// that is told to [`MediaPool::closed`], its port is nobody's.
    pub fn close(&mut self, stream: StreamKey) {
        let Some(place) = self.streams.remove(&stream) else { return };
        self.closing.insert(stream, place);
        if let Some(handle) = self.workers.get_mut(place.worker) {
            handle.streams -= 1;
            handle.order(Order::Close { key: stream });
        }
    }

    /// This stream said [`Event::Closed`]: its port may serve again.
    pub fn closed(&mut self, stream: StreamKey) {
        if let Some(place) = self.closing.remove(&stream) {
            self.ports.free(place.port);
        }
    }

    /// Open streams.
    pub fn streams(&self) -> usize {
        self.streams.len()
    }

    /// What all workers did so far; at most a millisecond old.
    pub fn counters(&self) -> Counters {
        self.workers.iter().fold(Counters::default(), |sum, handle| {
            let totals = &handle.shared.totals;
            Counters {
                sent: sum.sent + totals.sent.load(Ordering::Relaxed),
                received: sum.received + totals.received.load(Ordering::Relaxed),
                failed: sum.failed + totals.failed.load(Ordering::Relaxed),
                skipped: sum.skipped + totals.skipped.load(Ordering::Relaxed),
            }
        })
    }
}

impl Drop for MediaPool {
    fn drop(&mut self) {
        for handle in &self.workers {
            handle.order(Order::Stop);
        }
        for handle in &mut self.workers {
            if let Some(thread) = handle.thread.take() {
                // A worker that panicked has said so on standard error; there is nothing left to end.
                let _ = thread.join();
            }
        }
    }
}

impl Handle {
    fn start(
        index: usize,
        clock: Clock,
        sends: Sends,
        encoder: Encoder,
        deliver: impl Fn(&mut Vec<(StreamKey, Event)>) + Send + 'static,
    ) -> io::Result<Self> {
        let poll = mio::Poll::new()?;
        let shared = Arc::new(Shared {
            waker: mio::Waker::new(poll.registry(), worker::WAKE)?,
            idle: AtomicBool::new(false),
            totals: Totals::default(),
        });
        let (orders, inbox) = channel();
        let worker = Worker::new(poll, inbox, Arc::clone(&shared), clock, sends, encoder, deliver);
        let thread = std::thread::Builder::new().name(format!("media-{index}")).spawn(move || worker.run())?;
        Ok(Self { orders, shared, streams: 0, thread: Some(thread) })
    }

    /// Its thread has ended, which it does by a panic alone while the pool lives.
    fn is_over(&self) -> bool {
        self.thread.as_ref().is_none_or(JoinHandle::is_finished)
    }

    fn order(&self, order: Order) {
        // A worker that is gone cannot take orders: its streams are silent, the calls go on by signalling.
        if self.orders.send(order).is_ok() {
            // Pairs with the fence of `Worker::wait_for_orders`: either the worker sees the order, or we see it idle.
            fence(Ordering::SeqCst);
            if self.shared.idle.load(Ordering::Relaxed) {
                // An eventfd of ours that cannot be gone while `shared` lives.
                let _ = self.shared.waker.wake();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    //! The pool on real loopback sockets. Tests wait for packets and events, never for time.

    use super::*;
    use crate::media::{Clip, Form, PlayKey};
    use crate::sdp::{Chosen, Codec, Codecs, Control, Direction, Events, Manner};
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
        let (length, from) = loop {
            match peer.recv_from(&mut buffer) {
                // A machine under load may be stopped for a moment.
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                received => break received.expect("a packet in time"),
            }
        };
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
        assert!(
            matches!(rig.told().1, Event::Latched(_)),
            "the first packet of sound is read: it shows where the peer is"
        );
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
        let chosen = Chosen {
            control: Control::Apart(reporter.local_addr().expect("bound")),
            ..rig.chosen(peer.local_addr().ok())
        };
        rig.pool.command(StreamKey(1), Command::Configure(chosen));
        let mut buffer = [0; 512];
        let (length, from) = reporter.recv_from(&mut buffer).expect("a report");
        assert_eq!(from, SocketAddr::new(ours.ip(), ours.port() + 1));
        assert_eq!(buffer[..length][1], 200, "a sender's");
        reporter.send_to(&report(9), from).expect("sent");
        // Two packets and what the report said are read before the order to close is.
        peer.send_to(&key_packet(0, '1'), ours).expect("sent");
        assert!(matches!(rig.told().1, Event::Latched(_)));
        rig.pool.close(StreamKey(1));
        let (length, _) = reporter.recv_from(&mut buffer).expect("a goodbye");
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
}
