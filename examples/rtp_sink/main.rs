//! A telephone exchange's worth of listeners on one UDP socket, for `sipp-scenarios/load`.
//!
//! Every caller of a load test names this socket in its SDP, so all streams of the engine arrive here, each from a source
//! port of its own. The sink measures how evenly the packets of each stream come and how many are missing, and can
//! press a key (RFC 4733) on every stream. It sleeps a millisecond at a time and takes the kernel's time stamps, so that it costs the engine
//! nothing ([`bulk`]). SIPp's own media would cost a thread and a raw socket per call and distort the figures.
//!
//! `rtp_sink listen 127.0.0.1:6000 [--press-after MS] [--event N] [--payload N] [--talk 1]` obeys standard input: `reset` begins a
//! new window, `report` prints it as one line of `name=value`, the end of input ends the program.
//!
//! `rtp_sink bare COUNT 127.0.0.1:6000 SECONDS` is the yardstick: the plainest paced sender there can be, COUNT sockets and
//! nothing but `send_to` on an absolute 20 ms schedule. It prints its CPU per packet; the sink measures the rest, as it does
//! for the engine.

// A measuring tool: it reads clocks and waits.
#![allow(clippy::disallowed_methods)]

mod bulk;

use bulk::Bulk;
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::io::{self, BufRead};
use std::net::{SocketAddr, UdpSocket};
use std::process::ExitCode;
use std::sync::mpsc::{self, Receiver, TryRecvError};
use std::thread;
use std::time::{Duration, Instant};

/// Gaps are counted in tenths of a millisecond, up to 200 ms and beyond.
const BUCKETS: usize = 2001;
/// A stream that was silent this long and speaks again is a new call on a port used before.
const NEW_CALL_AFTER: Duration = Duration::from_secs(3);
/// Between the packets of a telephone event, and of every stream.
const PACKET_TIME: Duration = Duration::from_millis(20);
/// An 80 ms key: four updates, then three end packets.
const KEY_UPDATES: u16 = 4;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match words.as_slice() {
        ["listen", address, options @ ..] => {
            Press::read(options).zip(address.parse().ok()).map(|(press, address)| listen(address, press))
        }
        ["bare", count, to, seconds] => count
            .parse()
            .ok()
            .zip(to.parse().ok())
            .zip(seconds.parse().ok())
            .map(|((count, to), seconds)| bare(count, to, Duration::from_secs(seconds))),
        _ => None,
    };
    match done {
        Some(Ok(())) => ExitCode::SUCCESS,
        Some(Err(error)) => {
            eprintln!("rtp_sink: {error}");
            ExitCode::FAILURE
        }
        None => {
            eprintln!("rtp_sink listen ADDRESS [--press-after MS] [--event N] [--payload N]");
            eprintln!("rtp_sink bare COUNT ADDRESS SECONDS");
            ExitCode::from(2)
        }
    }
}

/// Which key is pressed, and when.
#[derive(Clone, Copy)]
struct Press {
    /// After the first packet of a stream; `None` presses nothing.
    after: Option<Duration>,
    event: u8,
    payload: u8,
    /// Every caller sends sound as well, as long as it hears some.
    talk: bool,
}

impl Press {
    fn read(options: &[&str]) -> Option<Self> {
        let mut press = Self { after: None, event: 1, payload: 101, talk: false };
        for pair in options.chunks(2) {
            match pair {
                ["--press-after", ms] => press.after = Some(Duration::from_millis(ms.parse().ok()?)),
                ["--event", event] => press.event = event.parse().ok()?,
                ["--talk", talk] => press.talk = *talk == "1",
                ["--payload", payload] => press.payload = payload.parse().ok()?,
                _ => return None,
            }
        }
        Some(press)
    }
}

/// One call as the listener hears it. Times are those of the system's clock ([`bulk::now`]).
struct Stream {
    ssrc: u32,
    from: SocketAddr,
    sequence: u16,
    last: Duration,
    /// Packets of its key sent so far; the key is over after [`KEY_UPDATES`] + 1 steps.
    pressed: u16,
    answer: Option<Answer>,
    window: Window,
}

/// How a key that we pressed was answered, in a call whose first prompt is never silent and whose next one begins with silence.
#[derive(Clone, Copy)]
enum Answer {
    /// The first packet of the key has left.
    Awaited(Duration),
    /// The old prompt is over.
    Cut(Duration),
    /// The new one sounds.
    Heard,
}

/// What is measured between `reset` and `report`.
#[derive(Clone)]
struct Window {
    gaps: Vec<u32>,
    /// When its first packet came.
    first: Option<Duration>,
    packets: u64,
    /// One for each 20 ms from its first packet to its last: what a sender leaves out is missing from `packets` and not lost.
    due: u64,
    lost: u64,
    late: u64,
    longest: Duration,
    /// From a key to the end of the old prompt, and to the sound of the new one.
    cuts: Vec<Duration>,
    answers: Vec<Duration>,
}

impl Window {
    fn new() -> Self {
        Self {
            gaps: vec![0; BUCKETS],
            first: None,
            packets: 0,
            due: 0,
            lost: 0,
            late: 0,
            longest: Duration::ZERO,
            cuts: Vec::new(),
            answers: Vec::new(),
        }
    }

    /// A packet in its order, `gap` behind the one before it.
    fn next(&mut self, now: Duration, gap: Duration) {
        let since = now.saturating_sub(*self.first.get_or_insert(now));
        self.due = ((since + PACKET_TIME / 2).as_nanos() / PACKET_TIME.as_nanos()) as u64 + 1;
        let bucket = usize::try_from(gap.as_micros() / 100).unwrap_or(BUCKETS);
        self.gaps[bucket.min(BUCKETS - 1)] += 1;
        self.longest = self.longest.max(gap);
    }

    fn add(&mut self, other: &Self) {
        for (sum, more) in self.gaps.iter_mut().zip(&other.gaps) {
            *sum += more;
        }
        self.packets += other.packets;
        self.due += other.due;
        self.lost += other.lost;
        self.late += other.late;
        self.longest = self.longest.max(other.longest);
        self.cuts.extend(&other.cuts);
        self.answers.extend(&other.answers);
    }

    /// The payload of a packet, after a key.
    fn heard(&mut self, answer: &mut Option<Answer>, now: Duration, payload: &[u8]) {
        let silent = payload.iter().all(|&byte| byte == payload[0]);
        match *answer {
            Some(Answer::Awaited(pressed)) if silent => {
                self.cuts.push(now.saturating_sub(pressed));
                *answer = Some(Answer::Cut(pressed));
            }
            Some(Answer::Cut(pressed)) if !silent => {
                self.answers.push(now.saturating_sub(pressed));
                *answer = Some(Answer::Heard);
            }
            None | Some(Answer::Awaited(_) | Answer::Cut(_) | Answer::Heard) => {}
        }
    }

    /// In milliseconds.
    fn percentile(&self, share: f64) -> f64 {
        let all: u64 = self.gaps.iter().map(|&count| u64::from(count)).sum();
        let wanted = (all as f64 * share) as u64;
        let mut seen = 0;
        for (bucket, &count) in self.gaps.iter().enumerate() {
            seen += u64::from(count);
            if seen > wanted {
                return bucket as f64 / 10.0 + 0.05;
            }
        }
        0.0
    }
}

/// What a stream sends next.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Due {
    Key,
    /// The packet of sound with this number.
    Sound(u16),
}

struct Sink {
    bulk: Bulk,
    press: Press,
    /// By source port.
    streams: Vec<Option<Box<Stream>>>,
    due: BinaryHeap<Reverse<(Duration, u16, Due)>>,
    keys: u64,
    calls: u64,
    began: Instant,
    drops_before: u64,
}

fn listen(address: SocketAddr, press: Press) -> io::Result<()> {
    let commands = commands();
    let mut sink = Sink {
        drops_before: 0,
        bulk: Bulk::new(UdpSocket::bind(address)?)?,
        press,
        streams: (0..=usize::from(u16::MAX)).map(|_| None).collect(),
        due: BinaryHeap::new(),
        keys: 0,
        calls: 0,
        began: Instant::now(),
    };
    println!("listening={}", sink.bulk.socket.local_addr()?);
    let mut bytes = [0; 2048];
    loop {
        loop {
            match sink.bulk.read(&mut bytes) {
                Ok(Some((stamp, from, packet))) => sink.packet(stamp, from, packet),
                Ok(None) => break,
                // A port that closed answers our key with an ICMP error: the next packet is fine.
                Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {}
                Err(error) => return Err(error),
            }
        }
        sink.keys_due(bulk::now());
        match commands.try_recv() {
            Ok(command) if command == "reset" => sink.reset(),
            Ok(command) if command == "report" => sink.report(),
            Ok(command) => eprintln!("rtp_sink: no command {command}"),
            Err(TryRecvError::Empty) => {}
            Err(TryRecvError::Disconnected) => return Ok(()),
        }
        sink.bulk.nap();
    }
}

/// A packet of A-law silence from the caller of this port.
fn sound(port: u16, number: u16) -> [u8; 172] {
    let mut packet = [0xd5; 172];
    packet[..2].copy_from_slice(&[0x80, 8]);
    packet[2..4].copy_from_slice(&number.to_be_bytes());
    packet[4..8].copy_from_slice(&(u32::from(number) * 160).to_be_bytes());
    packet[8..12].copy_from_slice(&(0x1357_0000 | u32::from(port)).to_be_bytes());
    packet
}

/// Lines of standard input; the channel closes with it.
fn commands() -> Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        for line in io::stdin().lock().lines() {
            let Ok(line) = line else { break };
            if sender.send(line.trim().to_owned()).is_err() {
                break;
            }
        }
    });
    receiver
}

impl Sink {
    fn packet(&mut self, now: Duration, from: SocketAddr, bytes: &[u8]) {
        let [first, _, s1, s2, _, _, _, _, a, b, c, d, ..] = *bytes else { return };
        if first >> 6 != 2 {
            return;
        }
        let sequence = u16::from_be_bytes([s1, s2]);
        let ssrc = u32::from_be_bytes([a, b, c, d]);
        let slot = &mut self.streams[usize::from(from.port())];
        if let Some(stream) = slot
            && stream.ssrc == ssrc
            && now.saturating_sub(stream.last) < NEW_CALL_AFTER
        {
            stream.window.packets += 1;
            let ahead = sequence.wrapping_sub(stream.sequence);
            if ahead == 0 || ahead > u16::MAX / 2 {
                // Late or double: whoever counted it as lost meanwhile was wrong.
                stream.window.late += 1;
                stream.window.lost = stream.window.lost.saturating_sub(1);
                return;
            }
            stream.window.lost += u64::from(ahead) - 1;
            stream.window.next(now, now.saturating_sub(stream.last));
            stream.window.heard(&mut stream.answer, now, &bytes[12..]);
            stream.sequence = sequence;
            stream.last = now;
            return;
        }
        self.calls += 1;
        let window = Window { first: Some(now), packets: 1, due: 1, ..Window::new() };
        *slot = Some(Box::new(Stream { ssrc, from, sequence, last: now, pressed: 0, answer: None, window }));
        if let Some(after) = self.press.after {
            // At any moment of an interval, the same for a port in each run: streams have a port each.
            let phase = PACKET_TIME / 1000 * (u32::from(from.port()) * 619 % 1000);
            self.due.push(Reverse((now + after + phase, from.port(), Due::Key)));
        }
        if self.press.talk {
            self.due.push(Reverse((now, from.port(), Due::Sound(0))));
        }
    }

    /// Sends the next step of every key that is due.
    fn keys_due(&mut self, now: Duration) {
        while let Some(&Reverse((when, port, due))) = self.due.peek()
            && when <= now
        {
            self.due.pop();
            let Some(stream) = &mut self.streams[usize::from(port)] else { continue };
            if let Due::Sound(number) = due {
                if now.saturating_sub(stream.last) < NEW_CALL_AFTER {
                    let _ = self.bulk.socket.send_to(&sound(port, number), stream.from);
                    self.due.push(Reverse((when + PACKET_TIME, port, Due::Sound(number.wrapping_add(1)))));
                }
                continue;
            }
            let step = stream.pressed;
            stream.pressed += 1;
            if step == 0 {
                stream.answer = Some(Answer::Awaited(now));
            }
            let (repeats, end) = if step < KEY_UPDATES { (1, 0) } else { (3, 0x80) };
            let duration = (step + 1).min(KEY_UPDATES) * 160;
            for repeat in 0..repeats {
                let marker = if step == 0 { 0x80 } else { 0 };
                let mut key = [0; 16];
                key[0] = 0x80;
                key[1] = marker | self.press.payload;
                key[2..4].copy_from_slice(&(step + repeat).to_be_bytes());
                key[4..8].copy_from_slice(&8000_u32.to_be_bytes());
                key[8..12].copy_from_slice(&(0x1357_0000 | u32::from(port)).to_be_bytes());
                key[12] = self.press.event;
                key[13] = end | 10;
                key[14..16].copy_from_slice(&duration.to_be_bytes());
                // A call that is over does not hear its key; nothing to do about it here.
                let _ = self.bulk.socket.send_to(&key, stream.from);
            }
            if end == 0 {
                self.due.push(Reverse((when + PACKET_TIME, port, Due::Key)));
            } else {
                self.keys += 1;
            }
        }
    }

    fn reset(&mut self) {
        for stream in self.streams.iter_mut().flatten() {
            stream.window = Window::new();
        }
        self.keys = 0;
        self.calls = 0;
        self.drops_before = self.drops();
        self.began = Instant::now();
    }

    /// One line. Streams with fewer than 50 packets have no percentile worth its name.
    fn report(&self) {
        let mut all = Window::new();
        let mut streams = 0;
        let mut worst = 0.0_f64;
        for stream in self.streams.iter().flatten() {
            all.add(&stream.window);
            if stream.window.packets >= 50 {
                streams += 1;
                worst = worst.max(stream.window.percentile(0.99));
            }
        }
        for (name, times) in [("cut", &mut all.cuts), ("answer", &mut all.answers)] {
            times.sort_unstable();
            let at = |share: f64| times.get(((times.len() as f64 * share) as usize).min(times.len().saturating_sub(1)));
            let ms = |time: Option<&Duration>| time.map_or(f64::NAN, |time| time.as_secs_f64() * 1e3);
            print!(
                "{name}s={} {name}_p50={:.1} {name}_p99={:.1} {name}_max={:.1} ",
                times.len(),
                ms(at(0.5)),
                ms(at(0.99)),
                ms(at(1.0))
            );
        }
        println!(
            "seconds={:.2} calls={} keys={} streams={streams} packets={} due={} lost={} late={} overflowed={} \
             p50={:.2} p90={:.2} p99={:.2} p999={:.2} max={:.2} worst_stream_p99={worst:.2}",
            self.began.elapsed().as_secs_f64(),
            self.calls,
            self.keys,
            all.packets,
            all.due,
            all.lost,
            all.late,
            self.drops() - self.drops_before,
            all.percentile(0.5),
            all.percentile(0.9),
            all.percentile(0.99),
            all.percentile(0.999),
            all.longest.as_secs_f64() * 1000.0,
        );
    }

    /// Packets the kernel dropped because this program was too slow: the last column of /proc/net/udp.
    fn drops(&self) -> u64 {
        let Ok(SocketAddr::V4(local)) = self.bulk.socket.local_addr() else { return 0 };
        let address = format!("{:08X}:{:04X}", u32::from(*local.ip()).swap_bytes(), local.port());
        let table = std::fs::read_to_string("/proc/net/udp").unwrap_or_default();
        let row = table.lines().find(|row| row.split_whitespace().nth(1) == Some(address.as_str()));
        row.and_then(|row| row.split_whitespace().last()?.parse().ok()).unwrap_or(0)
    }
}

/// The yardstick: `count` sockets, one packet each per 20 ms, sent in twenty slots of 1 ms.
fn bare(count: usize, to: SocketAddr, time: Duration) -> io::Result<()> {
    let sockets: Vec<UdpSocket> = (0..count).map(|_| UdpSocket::bind("127.0.0.1:0")).collect::<Result<_, _>>()?;
    let slot = sockets.len().div_ceil(20).max(1);
    let mut packet = [0xd5; 172];
    packet[..12].copy_from_slice(&[0x80, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
    let began = Instant::now();
    let mut due = began;
    let mut round: u16 = 0;
    let mut sent = 0_u64;
    while began.elapsed() < time {
        packet[2..4].copy_from_slice(&round.to_be_bytes());
        packet[4..8].copy_from_slice(&(u32::from(round) * 160).to_be_bytes());
        let mut slots = 0;
        for group in sockets.chunks(slot) {
            for socket in group {
                socket.send_to(&packet, to)?;
                sent += 1;
            }
            slots += 1;
            thread::sleep((due + Duration::from_millis(slots)).saturating_duration_since(Instant::now()));
        }
        due += PACKET_TIME;
        thread::sleep(due.saturating_duration_since(Instant::now()));
        round = round.wrapping_add(1);
    }
    // Nanoseconds on a core, as the kernel counts them for the engine too.
    let usage = std::fs::read_to_string("/proc/self/schedstat").unwrap_or_default();
    let cpu: f64 = usage.split(' ').next().and_then(|first| first.parse().ok()).unwrap_or(0.0);
    println!("sockets={count} packets={sent} cpu_us_per_packet={:.2}", cpu / 1000.0 / sent.max(1) as f64);
    Ok(())
}
