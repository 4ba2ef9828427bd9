//! An open-loop sender of SIP over UDP: calls come at their pace whatever comes back, as callers do.
//!
//! It shares no code with the engine. Requests are repeated by the timers of RFC 3261 §17.1, refusals and answers are
//! acknowledged, answered calls live for a while and end with BYE. The offer is inactive: signalling alone.

use mio::net::UdpSocket;
use mio::{Events, Interest, Poll, Token};
use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::io::{self, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

const T1: Duration = Duration::from_millis(500);
const T2: Duration = Duration::from_secs(4);
/// How long answers are awaited after the last request: a copy of it is sent after 0.5, 1.5, 3.5 and 7.5 s.
const GRACE: Duration = Duration::from_secs(9);

/// What is sent.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// INVITE, ACK, BYE.
    Calls,
    /// Each INVITE twice, by two ways (RFC 3261 §8.2.2.2).
    Merged,
    /// OPTIONS, each once.
    Options,
    /// Bytes that mean nothing, and halves of messages.
    Garbage,
}

/// One kind of sender.
#[derive(Clone, Debug)]
pub struct Stream {
    /// What it sends.
    pub kind: Kind,
    /// From where, in turn: loopback addresses.
    pub sources: Vec<Ipv4Addr>,
    /// How many a second, and for how long, one after the other.
    pub phases: Vec<(u32, Duration)>,
    /// How long an answered call lives.
    pub hold: Duration,
}

/// What became of one phase's requests.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// Begun.
    pub offered: u64,
    /// Answered 2xx.
    pub answered: u64,
    /// Answered 503.
    pub refused: u64,
    /// Any other final answer, by code.
    pub others: std::collections::BTreeMap<u16, u64>,
    /// No final answer.
    pub silent: u64,
    /// Answered, and then ended by the other side, or its BYE not answered 200.
    pub lost: u64,
    /// Copies sent because nothing came.
    pub repeats: u64,
    /// From the first request to its 2xx.
    pub answers: Vec<Duration>,
    /// From the first request to its 503.
    pub refusals: Vec<Duration>,
    /// When in the phase the last call began that was not answered 2xx.
    pub last_failure: Option<Duration>,
    /// How late we were ourselves at the most.
    pub lag: Duration,
}

enum State {
    /// No final answer yet; `repeat` until something came.
    Asking { repeat: Option<(Instant, Duration)> },
    /// Answered 2xx.
    Talking { bye_at: Instant },
    /// Our BYE is under way.
    Leaving { next: Instant, interval: Duration },
    /// Only late copies can come.
    Over,
}

struct Call {
    socket: usize,
    number: u64,
    phase: usize,
    began: Instant,
    state: State,
    tag: String,
}

struct Socket {
    socket: UdpSocket,
    address: SocketAddr,
}

struct Lane<'a> {
    stream: &'a Stream,
    /// Its sockets begin here.
    first: usize,
    outcomes: Vec<Outcome>,
    phase: usize,
    phase_began: Instant,
    sent_in_phase: u64,
    calls: HashMap<u64, Call>,
    open: usize,
    next_number: u64,
}

impl Lane<'_> {
    fn due(&self) -> Option<Instant> {
        let (rate, _) = self.stream.phases.get(self.phase)?;
        Some(self.phase_began + Duration::from_secs_f64(self.sent_in_phase as f64 / f64::from((*rate).max(1))))
    }
}

struct Sender<'a> {
    target: SocketAddr,
    sockets: Vec<Socket>,
    lanes: Vec<Lane<'a>>,
    timers: BinaryHeap<Reverse<(Instant, usize, u64)>>,
    text: Vec<u8>,
    noise: u64,
}

/// Sends it all, and tells what became of it: for each stream, for each phase.
pub fn run(target: SocketAddr, streams: &[Stream]) -> io::Result<Vec<Vec<Outcome>>> {
    let mut poll = Poll::new()?;
    let mut sockets = Vec::new();
    let mut lanes = Vec::new();
    let began = Instant::now() + Duration::from_millis(20);
    for stream in streams {
        let first = sockets.len();
        for source in &stream.sources {
            let mut socket = UdpSocket::bind(SocketAddr::from((*source, 0)))?;
            poll.registry().register(&mut socket, Token(sockets.len()), Interest::READABLE)?;
            let address = socket.local_addr()?;
            sockets.push(Socket { socket, address });
        }
        lanes.push(Lane {
            stream,
            first,
            outcomes: vec![Outcome::default(); stream.phases.len()],
            phase: 0,
            phase_began: began,
            sent_in_phase: 0,
            calls: HashMap::new(),
            open: 0,
            next_number: 0,
        });
    }
    let mut sender =
        Sender { target, sockets, lanes, timers: BinaryHeap::new(), text: Vec::new(), noise: 88_172_645_463 };
    let mut events = Events::with_capacity(256);
    let mut last = began;
    loop {
        let now = Instant::now();
        let more = sender.offer(now);
        if more {
            last = now;
        }
        sender.wake(now);
        let idle = !more && sender.lanes.iter().all(|lane| lane.open == 0);
        if idle || now.duration_since(last) > GRACE {
            break;
        }
        let next = sender.lanes.iter().filter_map(Lane::due).chain(sender.timers.peek().map(|timer| timer.0.0)).min();
        let wait = next.map_or(T1, |next| next.saturating_duration_since(Instant::now())).min(T1);
        // The poll counts in milliseconds and rounds up.
        let wait = if wait < Duration::from_millis(1) { Duration::ZERO } else { wait };
        match poll.poll(&mut events, Some(wait)) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => result?,
        }
        let readable: Vec<usize> = events.iter().map(|event| event.token().0).collect();
        for socket in readable {
            sender.read(socket);
        }
    }
    for lane in &mut sender.lanes {
        for call in lane.calls.values() {
            let outcome = &mut lane.outcomes[call.phase];
            match call.state {
                State::Asking { .. } => outcome.silent += 1,
                State::Talking { .. } | State::Leaving { .. } => outcome.lost += 1,
                State::Over => {}
            }
        }
    }
    Ok(sender.lanes.into_iter().map(|lane| lane.outcomes).collect())
}

impl Sender<'_> {
    /// Begins whatever is due; false when nothing more will be.
    fn offer(&mut self, now: Instant) -> bool {
        let mut more = false;
        for index in 0..self.lanes.len() {
            while let Some(due) = self.lanes[index].due() {
                let lane = &mut self.lanes[index];
                let (rate, length) = lane.stream.phases[lane.phase];
                if rate == 0 || due.duration_since(lane.phase_began) >= length {
                    if now < lane.phase_began + length {
                        more = true;
                        break;
                    }
                    lane.phase_began += length;
                    lane.phase += 1;
                    lane.sent_in_phase = 0;
                    continue;
                }
                more = true;
                if due > now {
                    break;
                }
                lane.sent_in_phase += 1;
                let outcome = &mut lane.outcomes[lane.phase];
                outcome.lag = outcome.lag.max(now.duration_since(due));
                outcome.offered += 1;
                self.begin(index, now);
            }
        }
        more
    }

    fn begin(&mut self, index: usize, now: Instant) {
        let lane = &mut self.lanes[index];
        let number = lane.next_number;
        lane.next_number += 1;
        let socket = lane.first + (number % lane.stream.sources.len() as u64) as usize;
        let call = Call { socket, number, phase: lane.phase, began: now, state: State::Over, tag: String::new() };
        match lane.stream.kind {
            Kind::Calls | Kind::Merged => {
                let repeat = Some((now + T1, T1));
                self.timers.push(Reverse((now + T1, index, number)));
                let call = Call { state: State::Asking { repeat }, ..call };
                self.invite(index, &call, 'i');
                if self.lanes[index].stream.kind == Kind::Merged {
                    self.invite(index, &call, 'm');
                }
                self.lanes[index].open += 1;
                self.lanes[index].calls.insert(number, call);
            }
            Kind::Options => {
                self.request(index, &call, "OPTIONS", 1, 'o', "", "");
                self.lanes[index].calls.insert(number, Call { state: State::Asking { repeat: None }, ..call });
            }
            Kind::Garbage => self.garbage(socket),
        }
    }

    fn wake(&mut self, now: Instant) {
        while let Some(&Reverse((at, index, number))) = self.timers.peek() {
            if at > now {
                return;
            }
            self.timers.pop();
            let Some(mut call) = self.lanes[index].calls.remove(&number) else { continue };
            match &mut call.state {
                State::Asking { repeat: Some((next, interval)) } if *next <= now => {
                    *interval *= 2;
                    *next = now + *interval;
                    self.timers.push(Reverse((*next, index, number)));
                    self.lanes[index].outcomes[call.phase].repeats += 1;
                    self.invite(index, &call, 'i');
                }
                State::Talking { bye_at } if *bye_at <= now => {
                    let next = now + T1;
                    call.state = State::Leaving { next, interval: T1 };
                    self.timers.push(Reverse((next, index, number)));
                    self.request(index, &call, "BYE", 2, 'b', &call.tag, "");
                }
                State::Leaving { next, interval } if *next <= now => {
                    *interval = (*interval * 2).min(T2);
                    *next = now + *interval;
                    self.timers.push(Reverse((*next, index, number)));
                    self.lanes[index].outcomes[call.phase].repeats += 1;
                    self.request(index, &call, "BYE", 2, 'b', &call.tag, "");
                }
                _ => {}
            }
            self.lanes[index].calls.insert(number, call);
        }
    }

    fn read(&mut self, socket: usize) {
        let mut bytes = [0u8; 4096];
        while let Ok((length, _)) = self.sockets[socket].socket.recv_from(&mut bytes) {
            if let Ok(text) = std::str::from_utf8(&bytes[..length]) {
                self.message(socket, text);
            }
        }
    }

    fn message(&mut self, socket: usize, text: &str) {
        let now = Instant::now();
        let id = header(text, "Call-ID").and_then(|id| id.strip_prefix('f')?.split('@').next()?.split_once('-'));
        let Some((index, number)) = id.and_then(|(lane, number)| Some((lane.parse().ok()?, number.parse().ok()?)))
        else {
            return;
        };
        let index: usize = index;
        let Some(mut call) = self.lanes.get_mut(index).and_then(|lane| lane.calls.remove(&number)) else { return };
        if let Some(rest) = text.strip_prefix("SIP/2.0 ") {
            let code = rest.get(..3).and_then(|code| code.parse().ok()).unwrap_or(0);
            self.response(index, &mut call, code, text, now);
        } else {
            // The engine hangs up, or wants something of a caller who is only here to hang up himself.
            let code = if text.starts_with("BYE ") { "200 OK" } else { "603 Decline" };
            self.answer(socket, text, code);
            if text.starts_with("BYE ") && matches!(call.state, State::Talking { .. }) {
                call.state = State::Over;
                self.lanes[index].open -= 1;
                self.lanes[index].outcomes[call.phase].lost += 1;
            }
        }
        self.lanes[index].calls.insert(number, call);
    }

    fn response(&mut self, index: usize, call: &mut Call, code: u16, text: &str, now: Instant) {
        let method = header(text, "CSeq").and_then(|cseq| cseq.split(' ').nth(1)).unwrap_or("");
        let lane = &mut self.lanes[index];
        let outcome = &mut lane.outcomes[call.phase];
        let took = now.duration_since(call.began);
        match (method, &mut call.state, code) {
            ("OPTIONS", State::Asking { .. }, _) => {
                call.state = State::Over;
                if code == 200 {
                    outcome.answered += 1;
                    outcome.answers.push(took);
                } else {
                    *outcome.others.entry(code).or_default() += 1;
                }
            }
            ("INVITE", State::Asking { repeat }, 100..=199) => *repeat = None,
            ("INVITE", State::Asking { .. }, 200..=299) => {
                outcome.answered += 1;
                outcome.answers.push(took);
                call.tag = to_tag(text);
                let bye_at = now + lane.stream.hold;
                call.state = State::Talking { bye_at };
                self.timers.push(Reverse((bye_at, index, call.number)));
                self.request(index, call, "ACK", 1, 'a', &call.tag, "");
            }
            ("INVITE", State::Talking { .. } | State::Leaving { .. }, 200..=299) => {
                self.request(index, call, "ACK", 1, 'a', &call.tag, "");
            }
            // The other of two merged requests.
            ("INVITE", _, 482) => {
                *outcome.others.entry(code).or_default() += 1;
                self.request(index, call, "ACK", 1, 'm', &to_tag(text), "");
            }
            ("INVITE", State::Asking { .. }, 300..=699) => {
                lane.open -= 1;
                call.state = State::Over;
                let at = call.began.duration_since(lane.phase_began.min(call.began));
                if call.phase == lane.phase {
                    outcome.last_failure = Some(at);
                }
                if code == 503 {
                    outcome.refused += 1;
                    outcome.refusals.push(took);
                } else {
                    *outcome.others.entry(code).or_default() += 1;
                }
                self.request(index, call, "ACK", 1, 'i', &to_tag(text), "");
            }
            ("INVITE", _, 300..=699) => self.request(index, call, "ACK", 1, 'i', &to_tag(text), ""),
            ("BYE", State::Leaving { .. }, 200..=699) => {
                lane.open -= 1;
                call.state = State::Over;
                outcome.lost += u64::from(code != 200);
            }
            _ => {}
        }
    }

    fn invite(&mut self, index: usize, call: &Call, branch: char) {
        let ip = self.sockets[call.socket].address.ip();
        let sdp = format!(
            "v=0\r\no=- 1 1 IN IP4 {ip}\r\ns=-\r\nc=IN IP4 {ip}\r\nt=0 0\r\nm=audio 6000 RTP/AVP 8 0 101\r\n\
             a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\na=ptime:20\r\na=inactive\r\n"
        );
        self.request(index, call, "INVITE", 1, branch, "", &sdp);
    }

    #[allow(clippy::too_many_arguments)] // what stands in a request
    fn request(&mut self, index: usize, call: &Call, method: &str, cseq: u32, branch: char, tag: &str, body: &str) {
        let Socket { socket, address } = &self.sockets[call.socket];
        let (target, number, text) = (self.target, call.number, &mut self.text);
        text.clear();
        let tag = if tag.is_empty() { String::new() } else { format!(";tag={tag}") };
        let content = if body.is_empty() { "" } else { "Content-Type: application/sdp\r\n" };
        let _ = write!(
            text,
            "{method} sip:1357@{target} SIP/2.0\r\nVia: SIP/2.0/UDP {address};branch=z9hG4bK{branch}{index}-{number};rport\r\n\
             Max-Forwards: 70\r\nFrom: <sip:010{number:08}@{address}>;tag=t{number}\r\nTo: <sip:1357@{target}>{tag}\r\n\
             Call-ID: f{index}-{number}@{address}\r\nCSeq: {cseq} {method}\r\nContact: <sip:load@{address}>\r\n{content}\
             Content-Length: {}\r\n\r\n{body}",
            body.len()
        );
        // A full socket is a lost datagram, and those are repeated.
        let _ = socket.send_to(text, target);
    }

    fn answer(&mut self, socket: usize, request: &str, code: &str) {
        let mut text = format!("SIP/2.0 {code}\r\n");
        for line in request.lines().take_while(|line| !line.is_empty()) {
            if ["Via:", "From:", "To:", "Call-ID:", "CSeq:"].iter().any(|name| line.starts_with(name)) {
                text += &format!("{line}\r\n");
            }
        }
        text += "Content-Length: 0\r\n\r\n";
        let _ = self.sockets[socket].socket.send_to(text.as_bytes(), self.target);
    }

    fn garbage(&mut self, socket: usize) {
        let mut next = || {
            self.noise ^= self.noise << 13;
            self.noise ^= self.noise >> 7;
            self.noise ^= self.noise << 17;
            self.noise
        };
        let length = 20 + (next() % 1200) as usize;
        let half =
            ["", "INVITE sip:1357@", "SIP/2.0 200 ", "BYE sip:x SIP/2.0\r\nVia: ", "\r\n\r\n"][(next() % 5) as usize];
        let mut bytes = half.as_bytes().to_vec();
        bytes.extend(std::iter::repeat_with(|| next() as u8).take(length));
        let _ = self.sockets[socket].socket.send_to(&bytes, self.target);
    }
}

fn header<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
}

fn to_tag(text: &str) -> String {
    header(text, "To").and_then(|to| to.split_once(";tag=")).map_or(String::new(), |(_, tag)| tag.to_owned())
}

/// A time below which this share of all lies.
pub fn percentile(sorted: &[Duration], share: f64) -> Duration {
    let index = (share * sorted.len() as f64) as usize;
    sorted.get(index.min(sorted.len().saturating_sub(1))).copied().unwrap_or_default()
}
