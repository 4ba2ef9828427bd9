//! Cost and pacing of the media threads beside a bare send loop, in one run on one machine.
//!
//! ```text
//! cargo bench --bench pacing -- --streams 1000 --seconds 10 --rounds 3
//! cargo bench --bench pacing -- --streams 8000 --csv pacing.csv         and one line for each measurement at the end of that file
//! cargo bench --bench pacing -- --streams 2000 --talk 1                 peers send sound as well, a packet for each of ours
//! cargo bench --bench pacing -- --streams 500 --bridged 1               legs in pairs that hear each other, beside the same bare loop
//! cargo bench --bench pacing -- --streams 200 --bridged 1 --far g722    the second of each pair speaks so (pcmu, g722): all is encoded anew
//! cargo bench --bench pacing -- --streams 2000 --workers 2              so many media workers
//! cargo bench --bench pacing -- --streams 2000 --pin 1                  senders on core 0, all else on core 1
//! cargo bench --bench pacing -- --streams 2000 --reports 1              RTCP as well
//! cargo bench --bench pacing -- --streams 1000 --starts 1               how soon after its order a prompt is there
//! ```
//!
//! (a) bare: N sockets, one RTP-sized datagram each per 20 ms, twenty 1 ms slots with absolute deadlines, nothing
//! else: the yardstick. (b) batched, (c) plain: the same N streams as the engine plays them, one media worker, a looped prompt, sent
//! by io_uring many at a time and one by one. All send to one sink socket on loopback. With `--talk 1` (d) deaf is (b) where nobody counts
//! what peers send, so that the kernel keeps it. With `--bridged 1` nothing is played: what peers say on one stream is passed on to the other of its
//! pair, and the cost of a packet passed on is that of receiving it as well.
//!
//! CPU is that of the sending thread alone, as the scheduler counts it (`/proc/self/task/*/schedstat`, nanoseconds).
//! Gaps are taken by the kernel's time stamps; the sink sleeps a millisecond at a time, so that no sender pays for waking it.
//! Packets of one stream are told apart by SSRC.

// A benchmark reads clocks and sleeps: it is its own shell.
#![allow(clippy::disallowed_methods)]

#[path = "../examples/rtp_sink/bulk.rs"]
mod bulk;

use bulk::Bulk;
use ivr1357::media::{Clip, Command, PlayKey, StreamKey};
use ivr1357::random::Random;
use ivr1357::sdp::{Chosen, Codec, Control, Direction, Events, Manner};
use ivr1357::shell::clock::Clock;
use ivr1357::shell::media::{MediaPool, Opened, Sends};
use std::collections::HashMap;
use std::io::Write;
use std::net::{IpAddr, Ipv4Addr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

const LOCAL: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const INTERVAL: Duration = Duration::from_millis(20);
/// On the average.
const BETWEEN_ORDERS: Duration = Duration::from_micros(1370);
/// Streams open and phases settle before anything is counted.
const SETTLE: Duration = Duration::from_millis(500);

fn main() {
    let mut streams = 1000;
    let mut seconds = 3;
    let mut rounds = 3;
    let (mut talk, mut bridged, mut reports, mut workers, mut pin, mut starts) = (0, 0, 0, 1, 0, 0);
    let (mut csv, mut far) = (None, Codec::Pcma);
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let wanted = match argument.as_str() {
            "--csv" => {
                csv = arguments.next();
                continue;
            }
            "--far" => {
                far = match arguments.next().as_deref() {
                    Some("pcmu") => Codec::Pcmu,
                    Some("g722") => Codec::G722,
                    other => panic!("--far wants pcmu or g722, not {other:?}"),
                };
                continue;
            }
            "--streams" => &mut streams,
            "--seconds" => &mut seconds,
            "--rounds" => &mut rounds,
            "--talk" => &mut talk,
            "--bridged" => &mut bridged,
            "--reports" => &mut reports,
            "--workers" => &mut workers,
            "--pin" => &mut pin,
            "--starts" => &mut starts,
            // Cargo's own.
            "--bench" => continue,
            other => panic!("unknown argument {other}; see the top of benches/pacing.rs"),
        };
        *wanted = arguments.next().and_then(|value| value.parse().ok()).expect("a number after the argument");
    }
    // Nothing is measured without its optimisations; `cargo test` merely sees that it runs.
    if cfg!(debug_assertions) {
        (streams, seconds) = (streams.min(20), seconds.min(1));
    }
    if starts > 0 {
        return begin(streams);
    }
    println!("{streams} streams, {seconds} s each, gaps by the kernel's time stamps");
    println!(
        "{:<8}{:>10}{:>14}{:>10}{:>10}{:>10}{:>10}",
        "", "packets", "CPU µs/packet", "p50 ms", "p99 ms", "p99.9", "max ms"
    );
    // Taken in turn, so that what else the machine does meets all; the median forgives it once.
    let (talk, bridged) = (talk > 0 || bridged > 0, bridged > 0);
    let batched = Pool { sends: Sends::Batched, counts: true, talk, bridged, far, reports: false, workers };
    let mut ways = vec![("batched", batched), ("plain", Pool { sends: Sends::Plain, ..batched })];
    if talk && !bridged {
        ways.push(("deaf", Pool { counts: false, ..batched }));
    }
    if reports > 0 {
        ways.push(("reports", Pool { reports: true, ..batched }));
    }
    let mut compared: Vec<_> = ways.into_iter().map(|way| (way, Vec::new(), Vec::new())).collect();
    let mut lines = String::new();
    for _ in 0..rounds.max(1) {
        let bare = measure("bare", streams, seconds, pin > 0, bare);
        lines += &bare.line("bare", streams);
        for ((name, pool), ratios, differences) in &mut compared {
            let pool =
                measure(name, streams, seconds, pin > 0, |streams, sink, window| pool.run(streams, sink, window));
            lines += &pool.line(name, streams);
            ratios.push(pool.cpu / bare.cpu);
            differences.push((pool.p99 - bare.p99) * 1e3);
        }
    }
    let spread = |values: &mut Vec<f64>| {
        values.sort_by(f64::total_cmp);
        (values[values.len() / 2], values[0], values[values.len() - 1])
    };
    for ((name, _), mut ratios, mut differences) in compared {
        let (ratio, least, most) = spread(&mut ratios);
        println!("{name}/bare, CPU per packet: median x{ratio:.2} ({least:.2} to {most:.2})");
        let (difference, least, most) = spread(&mut differences);
        println!("{name}-bare, p99 of the gaps: median {difference:+.2} ms ({least:+.2} to {most:+.2})");
    }
    if let Some(path) = csv {
        let file = std::fs::OpenOptions::new().create(true).append(true).open(&path);
        file.and_then(|mut file| file.write_all(lines.as_bytes())).expect("the file can be written");
    }
}

struct Measured {
    /// Microseconds per packet.
    cpu: f64,
    /// Seconds.
    p99: f64,
    /// What arrived, of what was due.
    arrived: f64,
}

impl Measured {
    /// `streams,way,CPU µs a packet,p99 of the gaps in ms,share of packets that arrived`
    fn line(&self, way: &str, streams: usize) -> String {
        format!("{streams},{way},{:.3},{:.2},{:.4}\n", self.cpu, self.p99 * 1e3, self.arrived)
    }
}

/// Runs a sender against a sink of its own. The sender says which of our threads send.
fn measure(
    name: &str,
    streams: usize,
    seconds: usize,
    pin: bool,
    sender: impl FnOnce(usize, &UdpSocket, &Window),
) -> Measured {
    let sink = sink();
    let window = Window {
        length: Duration::from_secs(seconds as u64),
        pin,
        counting: AtomicBool::new(false),
        over: AtomicBool::new(false),
        cpu: Default::default(),
    };
    let (mut gaps, packets) = std::thread::scope(|scope| {
        let reading = Bulk::new(sink.try_clone().expect("a socket")).expect("time stamps");
        let reader = scope.spawn(|| read(reading, &window));
        sender(streams, &sink, &window);
        window.over.store(true, Ordering::Relaxed);
        reader.join().expect("the sink ran")
    });
    gaps.sort_unstable_by(f64::total_cmp);
    let at = |share: f64| {
        gaps.get(((gaps.len() as f64 * share) as usize).min(gaps.len().saturating_sub(1))).copied().unwrap_or(f64::NAN)
    };
    let cpu = window.cpu.load(Ordering::Relaxed) as f64 / 1e3 / packets as f64;
    println!(
        "{name:<8}{packets:>10}{cpu:>14.3}{:>10.2}{:>10.2}{:>10.2}{:>10.2}",
        at(0.5) * 1e3,
        at(0.99) * 1e3,
        at(0.999) * 1e3,
        at(1.0) * 1e3
    );
    let due = streams as f64 * seconds as f64 / INTERVAL.as_secs_f64();
    if (packets as f64) < due * 0.98 {
        println!(
            "      only {:.1} % of the {due} packets due arrived: too many streams for this machine",
            packets as f64 / due * 100.0
        );
    }
    Measured { cpu, p99: at(0.99), arrived: packets as f64 / due }
}

/// The time in which packets and CPU count.
struct Window {
    length: Duration,
    /// Our sending threads on core 0, the others on core 1.
    pin: bool,
    counting: AtomicBool,
    over: AtomicBool,
    /// Nanoseconds of the sending threads.
    cpu: std::sync::atomic::AtomicU64,
}

impl Window {
    /// Called by the sender when it is under way; waits for the window to pass.
    fn pass(&self, thread: &str) {
        if self.pin {
            for (task, name) in tasks() {
                let core = if name.starts_with(thread) { "0" } else { "1" };
                let pinned = std::process::Command::new("taskset").args(["-cp", core, &task]).output();
                assert!(pinned.is_ok_and(|output| output.status.success()), "taskset and two cores");
            }
        }
        std::thread::sleep(SETTLE);
        let before = cpu_of(thread);
        self.counting.store(true, Ordering::Relaxed);
        std::thread::sleep(self.length);
        self.counting.store(false, Ordering::Relaxed);
        self.cpu.store(cpu_of(thread) - before, Ordering::Relaxed);
    }
}

fn sink() -> UdpSocket {
    UdpSocket::bind((LOCAL, 0)).expect("a socket")
}

/// The sink: gaps between packets of one SSRC, in seconds, and how many packets came.
fn read(mut sink: Bulk, window: &Window) -> (Vec<f64>, u64) {
    let mut last: HashMap<[u8; 4], Duration> = HashMap::new();
    let (mut gaps, mut packets) = (Vec::with_capacity(1 << 20), 0);
    let mut buffer = [0; 2048];
    while !window.over.load(Ordering::Relaxed) {
        while let Some((stamp, _, packet)) = sink.read(&mut buffer).expect("a datagram") {
            // Reports are no sound.
            let (Some(kind), Some(ssrc)) = (packet.get(1), packet.get(8..12).and_then(|ssrc| ssrc.try_into().ok()))
            else {
                continue;
            };
            if matches!(kind, 192..=223) {
                continue;
            }
            let before = last.insert(ssrc, stamp);
            if window.counting.load(Ordering::Relaxed) {
                packets += 1;
                gaps.extend(before.map(|before| stamp.saturating_sub(before).as_secs_f64()));
            }
        }
        sink.nap();
    }
    (gaps, packets)
}

/// (a) What `bare.c` of the load rig does.
fn bare(streams: usize, sink: &UdpSocket, window: &Window) {
    let to = sink.local_addr().expect("bound");
    let sockets: Vec<UdpSocket> = (0..streams).map(|_| UdpSocket::bind((LOCAL, 0)).expect("a socket")).collect();
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let send = || {
            let mut packet = [0xd5; 172];
            (packet[0], packet[1]) = (0x80, 8);
            let mut due = Instant::now();
            for round in 0u16.. {
                for slot in 0..20 {
                    for index in (slot..streams).step_by(20) {
                        packet[2..4].copy_from_slice(&round.to_be_bytes());
                        packet[8..12].copy_from_slice(&(index as u32).to_be_bytes());
                        let _ = sockets[index].send_to(&packet, to);
                    }
                    due += INTERVAL / 20;
                    std::thread::sleep(due.saturating_duration_since(Instant::now()));
                }
                if stop.load(Ordering::Relaxed) {
                    break;
                }
            }
        };
        std::thread::Builder::new().name("bare".into()).spawn_scoped(scope, send).expect("a thread");
        window.pass("bare");
        stop.store(true, Ordering::Relaxed);
    });
}

/// (b), (c), (d) The media threads of the engine.
#[derive(Clone, Copy)]
struct Pool {
    sends: Sends,
    counts: bool,
    talk: bool,
    /// What is said on one stream is heard on the other of its pair; else a prompt is.
    bridged: bool,
    /// What the second of a pair speaks; the first one speaks A-law.
    far: Codec,
    reports: bool,
    workers: usize,
}

impl Pool {
    fn run(self, streams: usize, sink: &UdpSocket, window: &Window) {
        let (pool, ports) = self.open(streams, sink);
        let samples: Vec<i16> = (0..30 * 8000).map(|n: i32| (n * 7919 % 20_000 - 10_000) as i16).collect();
        let prompt = Arc::new(Clip::from_samples("bench", &samples));
        for key in 0..if self.bridged { 0 } else { streams as u64 } {
            if key % (streams as u64).div_ceil(20) == 0 {
                std::thread::sleep(INTERVAL / 20);
            }
            let clips = vec![Arc::clone(&prompt)];
            pool.command(StreamKey(key), Command::Play { play: PlayKey(1), clips, repeat: true });
        }
        let over = AtomicBool::new(false);
        std::thread::scope(|scope| {
            if self.talk {
                scope.spawn(|| talk(sink, &ports, &over));
            }
            window.pass("media-");
            over.store(true, Ordering::Relaxed);
        });
        let counters = pool.counters();
        if self.talk {
            println!("      {} packets of peers read in all", counters.received);
        }
        if counters.skipped + counters.failed > 0 {
            println!("      {} intervals skipped, {} sends failed", counters.skipped, counters.failed);
        }
    }
}

impl Pool {
    /// So many streams that send silence to the sink; their ports, and what is spoken there.
    fn open(self, streams: usize, sink: &UdpSocket) -> (MediaPool, Vec<(u16, Codec)>) {
        let random = Random::from_number(1357);
        let clock = Clock::start(None);
        let pool = MediaPool::start(self.workers, 16_384..=65_535, clock, self.sends, random, |events| events.clear());
        let mut pool = pool.expect("starts").counting(self.counts);
        let chosen = |codec| Chosen {
            remote: sink.local_addr().ok(),
            codec,
            payload_type: codec.payload_type(),
            others: Vec::new(),
            manner: Manner::default(),
            packet: INTERVAL,
            // Without them what peers say would be searched for keys.
            events: vec![Events { payload_type: 101, clock: 8000 }],
            direction: Direction::SendRecv,
            control: if self.reports { Control::Muxed } else { Control::Off },
            secured: None,
        };
        let mut ports = Vec::with_capacity(streams);
        for key in 0..streams as u64 {
            // Calls arrive one after the other, not all in a millisecond.
            if key % (streams as u64).div_ceil(20) == 0 {
                std::thread::sleep(INTERVAL / 20);
            }
            let partner = StreamKey(key & !1);
            let opened = pool.open(StreamKey(key), LOCAL, self.bridged.then_some(partner));
            let Opened::At(port) = opened else { panic!("a free port and a free file; see ulimit -n: {opened:?}") };
            let codec = if self.bridged && key % 2 == 1 { self.far } else { Codec::Pcma };
            ports.push((port, codec));
            pool.command(StreamKey(key), Command::Configure(chosen(codec)));
            if self.bridged && key % 2 == 1 {
                pool.command(StreamKey(key), Command::Bridge(partner));
            }
        }
        (pool, ports)
    }
}

/// Peers who speak: a packet to each stream every 20 ms, from the address that the streams were told.
fn talk(sink: &UdpSocket, streams: &[(u16, Codec)], over: &AtomicBool) {
    let mut packet: [u8; 172] = std::array::from_fn(|at| (at * 151) as u8);
    packet[0] = 0x80;
    let mut due = Instant::now();
    for round in 0u16.. {
        packet[2..4].copy_from_slice(&round.to_be_bytes());
        packet[4..8].copy_from_slice(&(u32::from(round) * 160).to_be_bytes());
        for slot in 0..20 {
            for &(port, codec) in streams.iter().skip(slot).step_by(20) {
                packet[1] = codec.payload_type();
                let _ = sink.send_to(&packet, (LOCAL, port));
            }
            due += INTERVAL / 20;
            std::thread::sleep(due.saturating_duration_since(Instant::now()));
        }
        if over.load(Ordering::Relaxed) {
            break;
        }
    }
}

/// How long after its order a prompt is there: as the first one, and in place of another.
fn begin(streams: usize) {
    let sink = sink();
    let mut reading = Bulk::new(sink.try_clone().expect("a socket")).expect("time stamps");
    let batched = Pool {
        sends: Sends::Batched,
        counts: true,
        talk: false,
        bridged: false,
        far: Codec::Pcma,
        reports: false,
        workers: 1,
    };
    let (mut pool, ports) = batched.open(streams, &sink);
    let mut chance = Random::from_number(1357);
    // Each prompt is one loudness, and so one byte, from its first sample to its last.
    let clips = [4_000, 16_000].map(|loud| Arc::new(Clip::from_samples("bench", &[loud; 8000])));
    for (number, (clip, what)) in clips.iter().zip(["first prompt", "next prompt"]).enumerate() {
        let mut late = Vec::with_capacity(streams);
        let byte = clip.encoded(Codec::Pcma)[0];
        let mut ordered: HashMap<u16, Duration> = HashMap::new();
        let mut buffer = [0; 2048];
        // At any moment of a stream's interval, whatever moment the order before it came at.
        let mut orders: Vec<(Duration, usize)> = (0..streams)
            .map(|key| (BETWEEN_ORDERS * key as u32 + INTERVAL / 1000 * (chance.u32() % 1000), key))
            .collect();
        orders.sort_unstable();
        let mut orders = orders.into_iter().peekable();
        let began = Instant::now();
        while late.len() < streams {
            while let Some((_, key)) = orders.next_if(|&(due, _)| due <= began.elapsed()) {
                let (port, _) = &ports[key];
                ordered.insert(*port, bulk::now());
                let command =
                    Command::Play { play: PlayKey(number as u32), clips: vec![Arc::clone(clip)], repeat: true };
                pool.command(StreamKey(key as u64), command);
            }
            while let Some((stamp, from, packet)) = reading.read(&mut buffer).expect("a datagram") {
                if packet.get(12) == Some(&byte)
                    && let Some(ordered) = ordered.remove(&from.port())
                {
                    late.push(stamp.saturating_sub(ordered).as_secs_f64() * 1e3);
                }
            }
            reading.nap();
        }
        late.sort_by(f64::total_cmp);
        let at = |share: f64| late[((streams as f64 * share) as usize).min(streams - 1)];
        println!(
            "{what}: {streams} streams, p50 {:.2} p99 {:.2} max {:.2} ms after the order",
            at(0.5),
            at(0.99),
            at(1.0)
        );
    }
    for key in 0..streams as u64 {
        pool.close(StreamKey(key));
    }
}

/// Nanoseconds on a CPU of our threads whose name begins like this.
fn cpu_of(thread: &str) -> u64 {
    let times = |(task, name): (String, String)| {
        let times = std::fs::read_to_string(format!("/proc/self/task/{task}/schedstat")).ok()?;
        name.starts_with(thread).then(|| times.split(' ').next()?.parse::<u64>().ok())?
    };
    tasks().filter_map(times).sum()
}

/// Our threads and their names.
fn tasks() -> impl Iterator<Item = (String, String)> {
    std::fs::read_dir("/proc/self/task").expect("Linux").filter_map(|task| {
        let task = task.ok()?;
        let name = std::fs::read_to_string(task.path().join("comm")).ok()?;
        Some((task.file_name().into_string().ok()?, name))
    })
}
