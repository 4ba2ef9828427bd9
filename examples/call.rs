//! Places calls over real sockets through `sip::Agent`, for scenarios whose other end is called.
//!
//! `call TARGET [options]`, where TARGET is `sip:user@address:port`, with `;transport=tcp` for TCP:
//!
//! * `--count N`: that many calls, one after the other; 1 where nothing is said
//! * `--local ADDRESS:PORT`: where to send from; `127.0.0.1:0` where nothing is said
//! * `--hang-up-after MS`: our BYE, that long after the answer; 500 where nothing is said
//! * `--peer-hangs-up`: the BYE is the peer's
//! * `--cancel-after MS`: our CANCEL, that long after the INVITE
//! * `--hold MS`: waits that long for a re-INVITE of the peer before it goes on
//! * `--expect STATUS`: the call is to fail with this status
//! * `--rings N`: so many provisional responses must have come before the end
//! * `--replaces VALUE`: the value of `Replaces`
//! * `--from URI`: who calls
//! * `--host NAME=ADDRESS,ADDRESS`: the addresses of a name, in this order; other names are asked of the system
//! * `--user NAME --password SECRET [--realm REALM]`: what challenges are answered with
//!
//! It exits 0 when every call went as asked, 1 when one did not, 2 when it was not told what to do.

// A tool on real sockets: it reads clocks and waits.
#![allow(clippy::disallowed_methods)]

use ivr1357::random::Random;
use ivr1357::sip::locate::{Answer, Question};
use ivr1357::sip::session_timer::Intervals;
use ivr1357::sip::trunk::{Credentials, Peers, Trunk, TrunkId};
use ivr1357::sip::{
    Agent, AgentConfig, AgentEvent, AgentOutput, CallRequest, DialogKey, Flow, SipUri, StatusCode, Transport,
};
use ivr1357::time::{Instant, Now, Wall};
use std::collections::HashMap;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpStream, ToSocketAddrs, UdpSocket};
use std::process::ExitCode;
use std::time::Duration;

/// How long one call may take from its INVITE to its end.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long the sockets are listened to before the clock is looked at again.
const GLANCE: Duration = Duration::from_millis(5);

struct Options {
    target: SipUri,
    from: SipUri,
    local: SocketAddr,
    count: u32,
    hang_up_after: Duration,
    peer_hangs_up: bool,
    cancel_after: Option<Duration>,
    hold: Option<Duration>,
    expect: Option<StatusCode>,
    rings: usize,
    replaces: Option<String>,
    credentials: Option<Credentials>,
    host: Option<(String, Vec<IpAddr>)>,
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let options = match Options::read(&arguments) {
        Ok(options) => options,
        Err(reason) => {
            eprintln!("call: {reason}");
            return ExitCode::from(2);
        }
    };
    match run(&options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            eprintln!("call: {reason}");
            ExitCode::FAILURE
        }
    }
}

impl Options {
    fn read(arguments: &[String]) -> Result<Self, String> {
        let (target, rest) = arguments.split_first().ok_or("whom? call sip:user@address:port")?;
        let mut options = Self {
            target: target.parse().map_err(|error| format!("{target} {error}"))?,
            from: "sip:1357@127.0.0.1".parse().expect("a URI"),
            local: SocketAddr::from(([127, 0, 0, 1], 0)),
            count: 1,
            hang_up_after: Duration::from_millis(500),
            peer_hangs_up: false,
            cancel_after: None,
            hold: None,
            expect: None,
            rings: 0,
            replaces: None,
            credentials: None,
            host: None,
        };
        let mut credentials = Credentials { realm: None, user: String::new(), password: String::new() };
        let mut rest = rest.iter();
        while let Some(name) = rest.next() {
            let mut value = || rest.next().cloned().ok_or_else(|| format!("{name} wants a value"));
            let wrong = |value: &str| format!("{value} is nothing for {name}");
            let number = |value: String| value.parse::<u64>().map_err(|_| wrong(&value));
            match name.as_str() {
                "--count" => options.count = number(value()?)? as u32,
                "--local" => {
                    let value = value()?;
                    options.local = value.parse().map_err(|_| wrong(&value))?;
                }
                "--from" => {
                    let value = value()?;
                    options.from = value.parse().map_err(|_| wrong(&value))?;
                }
                "--hang-up-after" => options.hang_up_after = Duration::from_millis(number(value()?)?),
                "--peer-hangs-up" => options.peer_hangs_up = true,
                "--cancel-after" => options.cancel_after = Some(Duration::from_millis(number(value()?)?)),
                "--hold" => options.hold = Some(Duration::from_millis(number(value()?)?)),
                "--expect" => {
                    let value = number(value()?)?;
                    options.expect = Some(StatusCode::new(value as u16).ok_or_else(|| wrong(&value.to_string()))?);
                }
                "--rings" => options.rings = number(value()?)? as usize,
                "--replaces" => options.replaces = Some(value()?),
                "--host" => {
                    let value = value()?;
                    let (name, list) = value.split_once('=').ok_or_else(|| wrong(&value))?;
                    let list: Result<Vec<IpAddr>, _> = list.split(',').map(str::parse).collect();
                    options.host = Some((name.to_owned(), list.map_err(|_| wrong(&value))?));
                }
                "--user" => credentials.user = value()?,
                "--password" => credentials.password = value()?,
                "--realm" => credentials.realm = Some(value()?),
                _ => return Err(format!("{name} is no option")),
            }
        }
        options.credentials = (!credentials.user.is_empty()).then_some(credentials);
        Ok(options)
    }

    fn peers(&self) -> Peers {
        let Some(credentials) = &self.credentials else { return Peers::default() };
        let everywhere = vec!["0.0.0.0/0".parse().expect("a network"), "::/0".parse().expect("a network")];
        let trunk = Trunk {
            proxy: Some(self.target.clone()),
            credentials: Some(credentials.clone()),
            ..Trunk::new("peer", everywhere)
        };
        Peers { trunks: vec![trunk], ..Peers::default() }
    }
}

fn run(options: &Options) -> Result<(), String> {
    let mut line = Line::new(options).map_err(|error| format!("no socket on {}: {error}", options.local))?;
    for index in 1..=options.count {
        line.place(options).map_err(|reason| format!("call {index}: {reason}"))?;
    }
    line.settle();
    println!("calls={} ok", options.count);
    Ok(())
}

/// The agent, its sockets and its clock.
struct Line {
    agent: Agent,
    udp: UdpSocket,
    local: SocketAddr,
    streams: HashMap<u64, (TcpStream, Flow)>,
    last_stream: u64,
    began: std::time::Instant,
    events: Vec<AgentEvent>,
    host: Option<(String, Vec<IpAddr>)>,
}

impl Line {
    fn new(options: &Options) -> io::Result<Self> {
        let udp = UdpSocket::bind(options.local)?;
        udp.set_read_timeout(Some(GLANCE))?;
        let config =
            AgentConfig { product: "ivr1357-call".to_owned(), peers: options.peers(), session: Intervals::default() };
        let seed = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        let local = udp.local_addr()?;
        Ok(Self {
            agent: Agent::new(config, Random::from_number(seed.as_nanos() as u64)),
            udp,
            local,
            streams: HashMap::new(),
            last_stream: 0,
            began: std::time::Instant::now(),
            events: Vec::new(),
            host: options.host.clone(),
        })
    }

    fn now(&self) -> Now {
        let since = self.began.elapsed();
        Now { instant: Instant::START + since, wall: Wall::from_micros(since.as_micros() as i64) }
    }

    /// One call, from its INVITE to its end.
    fn place(&mut self, options: &Options) -> Result<(), String> {
        let sdp = format!(
            "v=0\r\no=- 1 1 IN IP4 {0}\r\ns=-\r\nc=IN IP4 {0}\r\nt=0 0\r\nm=audio 40000 RTP/AVP 8 0 101\r\n\
             a=rtpmap:8 PCMA/8000\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\n",
            self.local.ip()
        );
        let request = CallRequest {
            target: options.target.clone(),
            trunk: options.credentials.as_ref().map(|_| TrunkId(0)),
            from: options.from.clone(),
            sdp: sdp.clone().into_bytes(),
            sounds_at: None,
            replaces: options.replaces.clone(),
            user_to_user: Vec::new(),
        };
        let began = std::time::Instant::now();
        let call = self.with(|agent, now, out| agent.call(now, request, out));
        let (mut rings, mut reinvites, mut cancelled) = (0, 0, false);
        let mut answered: Option<std::time::Instant> = None;
        loop {
            self.turn();
            for event in std::mem::take(&mut self.events) {
                match event {
                    AgentEvent::Progress { dialog, .. } if dialog == call => rings += 1,
                    AgentEvent::Accepted { dialog, .. } if dialog == call => answered = Some(std::time::Instant::now()),
                    AgentEvent::Failed { dialog, status } if dialog == call => {
                        let wanted = options.expect.or(options.cancel_after.map(|_| StatusCode::TERMINATED));
                        return match wanted {
                            _ if rings < options.rings => Err(format!("{rings} provisional responses, then {status}")),
                            Some(wanted) if wanted == status => Ok(()),
                            _ => Err(format!("failed with {status}")),
                        };
                    }
                    AgentEvent::Reinvite { dialog, .. } => {
                        reinvites += 1;
                        let sdp = sdp.clone().into_bytes();
                        self.with(|agent, now, out| agent.answer_reinvite(now, dialog, sdp, out));
                    }
                    AgentEvent::Bye { dialog, .. } | AgentEvent::Lost { dialog } if dialog == call => {
                        return if options.peer_hangs_up { Ok(()) } else { Err("the peer hung up".to_owned()) };
                    }
                    _ => {}
                }
            }
            if let Some(after) = options.cancel_after
                && !cancelled
                && began.elapsed() >= after
            {
                cancelled = true;
                self.with(|agent, now, out| agent.cancel_call(now, call, out));
            }
            if let Some(since) = answered {
                if let Some(wanted) = options.expect {
                    return Err(format!("answered, instead of {wanted}"));
                }
                if rings < options.rings {
                    return Err(format!("answered after {rings} provisional responses"));
                }
                let held = options.hold.is_none_or(|_| reinvites > 0);
                if options.hold.is_some_and(|hold| !held && since.elapsed() > hold) {
                    return Err("no re-INVITE came".to_owned());
                }
                if !options.peer_hangs_up && held && since.elapsed() >= options.hang_up_after {
                    return self.hang_up(call);
                }
            }
            if began.elapsed() > PATIENCE {
                return Err("it did not end in time".to_owned());
            }
        }
    }

    /// Our BYE, and its answer.
    fn hang_up(&mut self, call: DialogKey) -> Result<(), String> {
        self.with(|agent, now, out| agent.bye(now, call, None, out));
        let began = std::time::Instant::now();
        while self.agent.asking() > 0 {
            self.turn();
            if began.elapsed() > Duration::from_secs(10) {
                return Err("nobody answered the BYE".to_owned());
            }
        }
        Ok(())
    }

    /// Late copies of what ended meet their transactions for a moment.
    fn settle(&mut self) {
        let began = std::time::Instant::now();
        while began.elapsed() < Duration::from_millis(200) {
            self.turn();
        }
    }

    fn with<T>(&mut self, step: impl FnOnce(&mut Agent, Now, &mut Vec<AgentOutput>) -> T) -> T {
        let mut out = Vec::new();
        let now = self.now();
        let result = step(&mut self.agent, now, &mut out);
        self.carry_out(out);
        result
    }

    /// Listens for a moment.
    fn turn(&mut self) {
        let mut datagram = [0; 65_536];
        if let Ok((length, remote)) = self.udp.recv_from(&mut datagram) {
            let flow = Flow { transport: Transport::Udp, local: self.local, remote, connection: 0 };
            self.with(|agent, now, out| agent.received(now, flow, &datagram[..length], out));
        }
        let numbers: Vec<u64> = self.streams.keys().copied().collect();
        for number in numbers {
            let Some((stream, flow)) = self.streams.get_mut(&number) else { continue };
            let flow = *flow;
            match stream.read(&mut datagram) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Ok(length) if length > 0 => {
                    self.with(|agent, now, out| agent.received(now, flow, &datagram[..length], out));
                }
                Ok(_) | Err(_) => {
                    self.streams.remove(&number);
                    self.agent.disconnected(number);
                }
            }
        }
        if self.agent.deadline().is_some_and(|deadline| deadline <= self.now().instant) {
            self.with(|agent, now, out| agent.tick(now, out));
        }
    }

    fn carry_out(&mut self, outputs: Vec<AgentOutput>) {
        for output in outputs {
            match output {
                AgentOutput::Transmit { flow, bytes } => {
                    if self.send(flow, &bytes).is_err() {
                        self.with(|agent, now, out| agent.send_failed(now, flow, out));
                    }
                }
                AgentOutput::Event(event) => self.events.push(event),
                AgentOutput::Lookup { lookup, question } => {
                    let answer = match question {
                        Question::Local { transport, remote }
                            if transport != Transport::Tls && remote.is_ipv4() == self.local.is_ipv4() =>
                        {
                            Answer::Local(self.local)
                        }
                        Question::Addresses(host) if self.host.as_ref().is_some_and(|(name, _)| *name == host) => {
                            Answer::Addresses(self.host.iter().flat_map(|(_, list)| list.clone()).collect())
                        }
                        Question::Addresses(host) => match (host.as_str(), 0).to_socket_addrs() {
                            Ok(found) => Answer::Addresses(found.map(|address| address.ip()).collect()),
                            Err(_) => Answer::Failed,
                        },
                        Question::Naptr(_) | Question::Srv(_) | Question::Local { .. } => Answer::Failed,
                    };
                    self.with(|agent, now, out| agent.looked_up(now, lookup, answer, out));
                }
                AgentOutput::Expect { .. } => {}
                AgentOutput::Close { connection } => {
                    self.streams.remove(&connection);
                }
            }
        }
    }

    fn send(&mut self, flow: Flow, bytes: &[u8]) -> io::Result<()> {
        if !flow.transport.is_stream() {
            return self.udp.send_to(bytes, flow.remote).map(|_| ());
        }
        let open = self.streams.iter().find(|(number, (_, open))| {
            **number == flow.connection || (flow.connection == 0 && open.remote == flow.remote)
        });
        let number = match open {
            Some((number, _)) => *number,
            None => {
                let stream = TcpStream::connect_timeout(&flow.remote, Duration::from_secs(2))?;
                self.last_stream += 1;
                let flow = Flow { connection: self.last_stream, ..flow };
                self.streams.insert(self.last_stream, (stream, flow));
                self.last_stream
            }
        };
        let Some((stream, _)) = self.streams.get_mut(&number) else { return Err(ErrorKind::NotConnected.into()) };
        stream.set_nonblocking(false)?;
        stream.write_all(bytes)?;
        stream.set_nonblocking(true)
    }
}
