//! The scripted caller: a telephone in two hundred lines, on real loopback sockets.
//!
//! It dials 1357, presses its keys a moment after each menu begins, follows the REFER to the centre as a telephone does
//! (RFC 3515: 202, NOTIFY 100, INVITE, NOTIFY 200), listens to the centre for a while and hangs up.

use super::ladder::{Ladder, Peer};
use super::message::{Message, address, refer_target};
use super::sound::{EVENT_TYPE, Line};
use crate::engine::{CallKey, News};
use crate::random::Random;
use std::collections::BTreeSet;
use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

/// How patiently the caller listens.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    /// To a menu before pressing a key.
    menu: Duration,
    /// To the centre before hanging up.
    centre: Duration,
}

impl Pace {
    /// Like somebody who wants to hear what there is.
    pub const CALM: Self = Self { menu: Duration::from_millis(3500), centre: Duration::from_secs(5) };
    /// Like somebody who knows the menu by heart.
    pub const HURRY: Self = Self { menu: Duration::from_millis(200), centre: Duration::from_millis(1500) };
}

/// Nothing in the demo takes this long.
const PATIENCE: Duration = Duration::from_secs(90);
/// RFC 3261 §17.1.1.2: requests are repeated until they are answered.
const REPEAT: Duration = Duration::from_millis(500);

/// How the demo went.
#[derive(Debug)]
pub(super) struct Outcome {
    /// The centre that answered.
    pub centre: Option<String>,
    /// Samples that were not silence, from 1357 and from the centre.
    pub heard: [usize; 2],
    /// Everything, at 8 kHz.
    pub recording: Vec<i16>,
    /// Why it went wrong.
    pub trouble: Option<String>,
}

/// The telephone.
pub(super) struct Caller<'a> {
    socket: UdpSocket,
    us: SocketAddr,
    random: Random,
    ladder: &'a Ladder,
    began: Instant,
    recording: Vec<i16>,
    /// Keys still to press, in order.
    keys: Vec<char>,
    press_at: Option<Instant>,
    pace: Pace,
    /// The call to 1357.
    first: Call,
    /// The call to the centre.
    second: Option<Call>,
    /// Where every centre of the table really listens.
    centres: SocketAddr,
    centre: Option<String>,
    /// Requests of the other side that were carried out already: they come again when an answer is lost.
    seen: BTreeSet<(String, String, u32)>,
    trouble: Option<String>,
}

/// One dialog of the caller.
struct Call {
    /// Chance for the branches of its requests.
    random: Random,
    call_id: String,
    local: String,
    /// The To header, with its tag once there is one.
    remote: String,
    /// The Request-URI.
    target: String,
    destination: SocketAddr,
    cseq: u32,
    line: Line,
    state: State,
    ack: Option<String>,
    pending: Option<(Instant, String)>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    Calling,
    Talking { since: Instant },
    Leaving,
    Over,
}

impl<'a> Caller<'a> {
    /// Dials.
    pub fn dial(
        engine: SocketAddr,
        centres: SocketAddr,
        keys: &str,
        pace: Pace,
        mut random: Random,
        ladder: &'a Ladder,
    ) -> io::Result<Self> {
        let socket = UdpSocket::bind("127.0.0.1:0")?;
        socket.set_nonblocking(true)?;
        let us = socket.local_addr()?;
        let first = Call::new(format!("sip:1357@{engine}"), engine, us, &mut random)?;
        let mut caller = Self {
            socket,
            us,
            random,
            ladder,
            began: Instant::now(),
            recording: Vec::new(),
            keys: keys.chars().filter(|key| !key.is_whitespace()).collect(),
            press_at: None,
            pace,
            first,
            second: None,
            centres,
            centre: None,
            seen: BTreeSet::new(),
            trouble: None,
        };
        let invite = caller.first.invite(us, "")?;
        caller.first.pending = Some((Instant::now() + REPEAT, invite.clone()));
        caller.send(Peer::Engine, engine, &invite, "INVITE sip:1357");
        Ok(caller)
    }

    /// Lives through the call; `news` tells where in the table it is.
    pub fn run(mut self, news: &Receiver<(CallKey, News)>) -> Outcome {
        let mut datagram = vec![0; 65_536];
        while !self.is_over() {
            if self.began.elapsed() > PATIENCE {
                self.trouble.get_or_insert_with(|| format!("nothing more happened within {} s", PATIENCE.as_secs()));
                break;
            }
            for (_, news) in news.try_iter() {
                self.told(&news);
            }
            while let Ok((length, from)) = self.socket.recv_from(&mut datagram) {
                if let Some(message) = Message::read(datagram.get(..length).unwrap_or_default()) {
                    self.received(from, &message);
                }
            }
            self.act();
            self.first.line.run(self.began, &mut self.recording);
            if let Some(second) = &mut self.second {
                second.line.run(self.began, &mut self.recording);
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        // The news of the call's end may come a moment after its last message.
        while let Ok((_, news)) = news.recv_timeout(Duration::from_millis(100)) {
            self.told(&news);
        }
        let second = self.second.as_ref().map_or(0, |second| second.line.heard);
        Outcome {
            centre: self.centre,
            heard: [self.first.line.heard, second],
            recording: self.recording,
            trouble: self.trouble,
        }
    }

    fn is_over(&self) -> bool {
        self.first.state == State::Over && self.second.as_ref().is_none_or(|second| second.state == State::Over)
    }

    fn told(&mut self, news: &News) {
        match news {
            News::Began { .. } => {}
            News::Entered { row } => {
                self.ladder.note(&format!("● {row}"));
                if row.starts_with("menu.") && !self.keys.is_empty() {
                    self.press_at = Some(Instant::now() + self.pace.menu);
                }
            }
            News::Key { key: Some(key) } => self.ladder.note(&format!("key {key} counts")),
            News::Key { key: None } => self.ladder.note("a key counts"),
            News::Ended { cause } => self.ladder.note(&format!("○ ended: {cause}")),
        }
    }

    /// What the clock asks for.
    fn act(&mut self) {
        let now = Instant::now();
        if self.press_at.is_some_and(|at| at <= now) {
            self.press_at = None;
            let key = self.keys.remove(0);
            self.ladder.sent(Peer::Engine, &format!("key {key} (RTP event)"));
            let event = "0123456789*#".chars().position(|known| known == key).and_then(|at| u8::try_from(at).ok());
            self.first.line.press(event.unwrap_or(11));
        }
        if let Some(second) = &mut self.second
            && matches!(second.state, State::Talking { since } if since.elapsed() >= self.pace.centre)
        {
            second.state = State::Leaving;
            let bye = second.request("BYE", self.us, "", "");
            second.pending = Some((now + REPEAT, bye.clone()));
            let destination = second.destination;
            self.send(Peer::Centre, destination, &bye, "BYE");
        }
        for call in [Some(&mut self.first), self.second.as_mut()].into_iter().flatten() {
            if let Some((due, text)) = &mut call.pending
                && *due <= now
            {
                *due = now + REPEAT;
                let _ = self.socket.send_to(text.as_bytes(), call.destination);
            }
        }
    }

    fn send(&self, peer: Peer, to: SocketAddr, text: &str, label: &str) {
        self.ladder.sent(peer, label);
        // A lost one is repeated.
        let _ = self.socket.send_to(text.as_bytes(), to);
    }

    fn received(&mut self, from: SocketAddr, message: &Message) {
        let is_second = self.second.as_ref().is_some_and(|second| second.call_id == message.header("call-id"));
        let peer = if is_second { Peer::Centre } else { Peer::Engine };
        self.ladder.received(peer, &message.label());
        match message.status() {
            Some(status) => self.answered(peer, status, message),
            None => self.asked(peer, from, message),
        }
    }

    fn call(&mut self, peer: Peer) -> &mut Call {
        match (peer, &mut self.second) {
            (Peer::Centre, Some(second)) => second,
            _ => &mut self.first,
        }
    }

    fn answered(&mut self, peer: Peer, status: u16, message: &Message) {
        let us = self.us;
        let call = self.call(peer);
        let destination = call.destination;
        if status < 200 {
            call.pending = None;
            return;
        }
        match (message.method(), call.state) {
            ("INVITE", State::Calling) if status < 300 => {
                call.pending = None;
                call.remote = message.header("to").to_owned();
                call.target = address(message.header("contact")).to_owned();
                call.line.connect(&message.body);
                call.state = State::Talking { since: Instant::now() };
                let ack = call.request("ACK", us, "", "");
                call.ack = Some(ack.clone());
                self.send(peer, destination, &ack, "ACK");
                if peer == Peer::Centre {
                    let name = self.second.as_ref().map(|second| second.target.clone());
                    self.centre = name;
                    self.notify("SIP/2.0 200 OK", "terminated;reason=noresource", "NOTIFY 200 OK");
                }
            }
            // Our ACK was lost.
            ("INVITE", _) if status < 300 => {
                if let Some(ack) = call.ack.clone() {
                    self.send(peer, destination, &ack, "ACK");
                }
            }
            ("INVITE", State::Calling) => {
                call.pending = None;
                call.remote = message.header("to").to_owned();
                call.state = State::Over;
                let ack = call.request("ACK", us, "", "");
                self.send(peer, destination, &ack, "ACK");
                self.trouble = Some(format!("refused: {}", message.start));
                if peer == Peer::Centre {
                    self.notify(&message.start.clone(), "terminated;reason=noresource", "NOTIFY of the refusal");
                }
            }
            ("BYE", State::Leaving) => {
                call.pending = None;
                call.state = State::Over;
            }
            _ => call.pending = None,
        }
    }

    fn asked(&mut self, peer: Peer, from: SocketAddr, message: &Message) {
        let method = message.method().to_owned();
        if method == "ACK" {
            return;
        }
        let status = if method == "REFER" { "202 Accepted" } else { "200 OK" };
        let mut answer = format!("SIP/2.0 {status}\r\n");
        for via in message.all("via") {
            answer.push_str(&format!("Via: {via}\r\n"));
        }
        for (name, key) in [("From", "from"), ("To", "to"), ("Call-ID", "call-id"), ("CSeq", "cseq")] {
            answer.push_str(&format!("{name}: {}\r\n", message.header(key)));
        }
        answer.push_str(&format!("Contact: <sip:caller@{}>\r\nContent-Length: 0\r\n\r\n", self.us));
        self.send(peer, from, &answer, &format!("{status} ({method})"));
        let seen = (message.header("call-id").to_owned(), method.clone(), message.sequence());
        if !self.seen.insert(seen) {
            return;
        }
        match method.as_str() {
            "REFER" => self.follow(message),
            "BYE" => self.call(peer).state = State::Over,
            _ => {}
        }
    }

    /// Calls whom the REFER names.
    fn follow(&mut self, refer: &Message) {
        self.notify("SIP/2.0 100 Trying", "active;expires=60", "NOTIFY 100 Trying");
        let (target, headers) = refer_target(refer.header("refer-to"));
        let mut extra = format!("Referred-By: {}\r\n", refer.header("referred-by"));
        for (name, value) in headers.iter().filter(|(name, value)| !(name.clone() + value).contains(['\r', '\n'])) {
            extra.push_str(&format!("{name}: {value}\r\n"));
        }
        // Every loopback centre of the table is this demo's: its stand-ins listen on a port of their own.
        let user = target.split('@').next().unwrap_or_default().to_owned();
        let called = Call::new(target, self.centres, self.us, &mut self.random).and_then(|mut call| {
            let invite = call.invite(self.us, &extra)?;
            call.pending = Some((Instant::now() + REPEAT, invite.clone()));
            Ok((call, invite))
        });
        match called {
            Ok((call, invite)) => {
                self.second = Some(call);
                self.send(Peer::Centre, self.centres, &invite, &format!("INVITE {user}"));
            }
            Err(error) => self.trouble = Some(format!("no port for the second call: {error}")),
        }
    }

    /// Tells 1357 how the REFER goes.
    fn notify(&mut self, frag: &str, state: &str, label: &str) {
        let extra =
            format!("Event: refer\r\nSubscription-State: {state}\r\nContent-Type: message/sipfrag;version=2.0\r\n");
        let notify = self.first.request("NOTIFY", self.us, &extra, &format!("{frag}\r\n"));
        let destination = self.first.destination;
        self.send(Peer::Engine, destination, &notify, label);
    }
}

impl Call {
    fn new(target: String, destination: SocketAddr, us: SocketAddr, random: &mut Random) -> io::Result<Self> {
        Ok(Self {
            random: Random::from_number(random.u64()),
            call_id: format!("{}@demo", random.token(16)),
            local: format!("<sip:01012345678@{us}>;tag={}", random.token(8)),
            remote: format!("<{target}>"),
            target,
            destination,
            cseq: 0,
            line: Line::open(random.u32())?,
            state: State::Calling,
            ack: None,
            pending: None,
        })
    }

    fn invite(&mut self, us: SocketAddr, extra: &str) -> io::Result<String> {
        let port = self.line.port()?;
        let ip = us.ip();
        let sdp = format!(
            "v=0\r\no=caller 1 1 IN IP4 {ip}\r\ns=-\r\nc=IN IP4 {ip}\r\nt=0 0\r\nm=audio {port} RTP/AVP 8 {EVENT_TYPE}\r\n\
             a=rtpmap:8 PCMA/8000\r\na=rtpmap:{EVENT_TYPE} telephone-event/8000\r\na=fmtp:{EVENT_TYPE} 0-15\r\na=ptime:20\r\n"
        );
        let extra = format!("{extra}Content-Type: application/sdp\r\n");
        Ok(self.request("INVITE", us, &extra, &sdp))
    }

    fn request(&mut self, method: &str, us: SocketAddr, extra: &str, body: &str) -> String {
        if method != "ACK" {
            self.cseq += 1;
        }
        let branch = self.random.token(16);
        let Self { target, local, remote, call_id, cseq, .. } = self;
        format!(
            "{method} {target} SIP/2.0\r\nVia: SIP/2.0/UDP {us};branch=z9hG4bK{branch};rport\r\nMax-Forwards: 70\r\nFrom: {local}\r\n\
             To: {remote}\r\nCall-ID: {call_id}\r\nCSeq: {cseq} {method}\r\nContact: <sip:caller@{us}>\r\n\
             Allow: INVITE, ACK, BYE, CANCEL, OPTIONS, NOTIFY, REFER\r\n{extra}Content-Length: {}\r\n\r\n{body}",
            body.len()
        )
    }
}
