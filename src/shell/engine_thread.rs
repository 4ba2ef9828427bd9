//! The engine thread: one owner of all signalling and call state.
//!
//! It waits for datagrams, the inbox and the engine's deadline, whichever comes first; feeds what came to the engine, the
//! urgent before the rest (`intake`), and carries out what the engine wants, until nothing is left to do. UDP is read and written right here: a hand-over to
//! another thread would cost more than the system call.

use crate::engine::{Engine, Input, Output};
use crate::limits::{
    DATAGRAMS_PER_TURN, MESSAGE_BYTES_MAX, OUTPUT_ROUNDS_MAX, PORT_CLOSES_WITHIN, STOP_NOW_PATIENCE, STOP_PATIENCE,
    TURN, WAITS_TOLD_EVERY,
};
use crate::media::{self, StreamKey};
use crate::shell::alarm::Alarm;
use crate::shell::clock::Clock;
use crate::shell::inbox::{Inbox, Message};
use crate::shell::intake::{Arrival, Intake, Turn};
use crate::shell::journal::{Journal, Written};
use crate::shell::live::{self, Live};
use crate::shell::local::{Routes, Views};
use crate::shell::media::{Load, MediaPool, Opened, Trouble};
use crate::shell::resolver;
use crate::shell::tcp;
use crate::sip::locate::{Answer, Question};
use crate::sip::{Flow, Transport};
use crate::time::{Duration, Instant};
use mio::net::UdpSocket;
use mio::{Events, Interest, Poll, Token};
use std::collections::VecDeque;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use tracing::{debug, info, warn};

/// Everything the engine thread owns.
pub struct EngineThread {
    engine: Engine,
    clock: Clock,
    poll: Poll,
    sockets: Vec<SipSocket>,
    inbox: Arc<Inbox>,
    tcp: tcp::Handle,
    resolver: resolver::Handle,
    /// Where TLS is listened for.
    tls_addresses: Vec<SocketAddr>,
    media: MediaPool,
    /// Streams that wait for a socket to be closed, since all ports are taken; so long.
    unopened: VecDeque<(Instant, StreamKey, IpAddr, Option<StreamKey>)>,
    /// A socket was closed since they were tried.
    closed: bool,
    /// Of each media thread.
    troubles: Vec<Trouble>,
    sound: Alarm,
    journal: Journal,
    live: Arc<Live>,
    views: Views,
    routes: Routes,
    messages: Vec<Message>,
    /// What TCP said, waiting its turn.
    streams: VecDeque<Message>,
    /// Datagrams, waiting their turn.
    intake: Intake,
    outputs: Vec<Output>,
    carried: Vec<Output>,
    /// What outputs were answered with on the spot.
    answers: Vec<Input<'static>>,
    /// Receives each datagram in turn.
    datagram: Box<[u8]>,
    phase: Phase,
}

/// How near the end is.
#[derive(Clone, Copy)]
enum Phase {
    Serving,
    /// No new calls; at this time those that still live are ended.
    Draining {
        until: Instant,
    },
    /// Every call has been ended; until this time answers to our BYEs are awaited.
    Stopping {
        until: Instant,
    },
}

struct SipSocket {
    address: SocketAddr,
    socket: UdpSocket,
    /// The poll tells of new datagrams only (edge-triggered): what was left unread must be remembered.
    readable: bool,
}

/// What an [`EngineThread`] talks to.
pub struct Surroundings {
    /// Where time comes from.
    pub clock: Clock,
    /// The poll that the inbox rings.
    pub poll: Poll,
    /// What other threads say.
    pub inbox: Arc<Inbox>,
    /// The TCP thread.
    pub tcp: tcp::Handle,
    /// The resolver's thread.
    pub resolver: resolver::Handle,
    /// Where TLS is listened for.
    pub tls_addresses: Vec<SocketAddr>,
    /// The media threads.
    pub media: MediaPool,
    /// The journal thread.
    pub journal: Journal,
    /// Who watches.
    pub live: Arc<Live>,
    /// What peers see of the sockets.
    pub views: Views,
}

impl EngineThread {
    /// An engine with its bound, non-blocking UDP sockets.
    pub fn new(
        engine: Engine,
        sockets: Vec<(SocketAddr, std::net::UdpSocket)>,
        around: Surroundings,
    ) -> io::Result<Self> {
        let Surroundings { clock, poll, inbox, tcp, resolver, tls_addresses, media, journal, live, views } = around;
        let mut registered = Vec::with_capacity(sockets.len());
        for (index, (address, socket)) in sockets.into_iter().enumerate() {
            let mut socket = UdpSocket::from_std(socket);
            poll.registry().register(&mut socket, Token(index), Interest::READABLE)?;
            registered.push(SipSocket { address, socket, readable: false });
        }
        Ok(Self {
            engine,
            clock,
            poll,
            sockets: registered,
            inbox,
            tcp,
            resolver,
            tls_addresses,
            media,
            unopened: VecDeque::new(),
            closed: false,
            troubles: Vec::new(),
            sound: Alarm::default(),
            journal,
            live,
            views,
            routes: Routes::default(),
            messages: Vec::new(),
            streams: VecDeque::new(),
            intake: Intake::default(),
            outputs: Vec::new(),
            carried: Vec::new(),
            answers: Vec::new(),
            datagram: vec![0; MESSAGE_BYTES_MAX].into(),
            phase: Phase::Serving,
        })
    }

    /// Runs until [`Message::Stop`] has been carried out, then writes what the journal still holds.
    pub fn run(mut self) -> io::Result<()> {
        let mut events = Events::with_capacity(64);
        while !self.is_done() {
            self.wait(&mut events)?;
            self.carry_out();
            // Words of admitted calls (keys, acknowledgements) before datagrams, which may be new calls.
            self.read_inbox();
            self.open_streams();
            self.read_sockets();
            self.tick();
            self.work_intake();
            self.drained();
            self.tell_registrations();
        }
        // What callers said is written to its end; what became of it is in the records of their calls.
        self.media.end();
        self.read_inbox();
        self.step(Input::End);
        let calls = self.engine.calls();
        if calls > 0 {
            warn!(calls, "stopped with calls that did not end in time");
        }
        // Dropping the handles ends the threads: TCP sends what it was given, the journal writes what it holds.
        Ok(())
    }

    fn wait(&mut self, events: &mut Events) -> io::Result<()> {
        let work = !self.outputs.is_empty() || !self.intake.is_empty() || !self.streams.is_empty();
        let timeout = if work || self.sockets.iter().any(|socket| socket.readable) {
            Some(Duration::ZERO)
        } else {
            let now = self.clock.instant();
            let deadline = self.engine.deadline().map(|deadline| deadline.since(now));
            let glance = match self.phase {
                Phase::Serving => None,
                Phase::Draining { until } => Some(until.since(now)),
                // Look again soon whether all answers have come.
                Phase::Stopping { .. } => Some(Duration::from_millis(20)),
            };
            let unopened = self.unopened.front().map(|(until, ..)| until.since(now));
            // Sound may be late, and is in time again, also where nobody says a word.
            let is_late = self.troubles.iter().any(|trouble| !trouble.load().late.is_zero());
            let watch = (is_late || self.media.streams() > 0).then_some(WAITS_TOLD_EVERY);
            [deadline, glance, unopened, watch].into_iter().flatten().min()
        };
        match self.poll.poll(events, timeout) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Ok(()),
            result => result?,
        }
        for event in events.iter() {
            if let Some(socket) = self.sockets.get_mut(event.token().0) {
                socket.readable = true;
            }
        }
        Ok(())
    }

    fn read_inbox(&mut self) {
        let mut messages = std::mem::take(&mut self.messages);
        self.inbox.take(&mut messages);
        for message in messages.drain(..) {
            match message {
                // Of a stream nobody can tell what is urgent in it; what streams say keeps its order.
                Message::Received { .. }
                | Message::Secured { .. }
                | Message::Disconnected { .. }
                | Message::SendFailed { .. } => self.streams.push_back(message),
                message => self.take_message(message),
            }
        }
        self.messages = messages;
        let began = self.clock.instant();
        while self.clock.instant().since(began) < TURN
            && let Some(message) = self.streams.pop_front()
        {
            self.take_message(message);
        }
    }

    /// The streams that wait for a port, if there is one by now, or never will be.
    fn open_streams(&mut self) {
        let closed = std::mem::take(&mut self.closed);
        while let Some(&(until, stream, local, beside)) = self.unopened.front() {
            if !closed && self.clock.instant() < until {
                return;
            }
            let opened = self.media.open(stream, local, beside);
            let answer = match opened {
                Opened::At(port) => Input::StreamOpened { stream, port: Some(port) },
                Opened::Later if self.clock.instant() < until => return,
                Opened::Later | Opened::Never => self.without_port(stream, beside),
            };
            self.unopened.pop_front();
            self.step(answer);
        }
    }

    fn without_port(&mut self, stream: StreamKey, beside: Option<StreamKey>) -> Input<'static> {
        let what = match beside {
            None => ["통화에 쓸 RTP 포트가 없습니다", "no RTP port is free"],
            Some(_) => ["연결할 상대에 쓸 RTP 포트가 없습니다", "no RTP port is free for a second leg"],
        };
        self.live.alarms().raise(what, &what_lacks_a_port(beside), 1);
        Input::StreamOpened { stream, port: None }
    }

    fn take_message(&mut self, message: Message) {
        match message {
            Message::Received { flow, bytes, permit } => {
                self.step(Input::Received { flow, bytes: &bytes });
                drop(permit);
            }
            Message::Secured { connection, names } => self.step(Input::Secured { connection, names }),
            Message::LookedUp { lookup, answer } => self.step(Input::LookedUp { lookup, answer }),
            Message::Disconnected { connection } => self.step(Input::Disconnected { connection }),
            Message::SendFailed { flow } => self.step(Input::SendFailed { flow }),
            Message::Media { stream, event } => {
                if matches!(event, media::Event::Closed(_)) {
                    self.media.closed(stream);
                    self.closed = true;
                }
                self.step(Input::Media { stream, event });
            }
            Message::Journaled { call } => self.step(Input::Journaled { call }),
            Message::Orphaned(dialogs) => self.step(Input::Orphaned { dialogs }),
            Message::Switched(switches) => self.step(Input::Switched(switches)),
            Message::Published { edition, taken } => {
                let began = self.clock.instant();
                self.step(Input::Published(edition));
                // Whoever does not wait for it any more needs no word.
                let _ = taken.try_send(self.clock.instant().since(began));
            }
            Message::Drain { limit } => self.drain(limit),
            Message::Stop => self.stop(STOP_NOW_PATIENCE),
        }
    }

    fn drain(&mut self, limit: Duration) {
        match self.phase {
            Phase::Serving => {
                let calls = self.engine.calls();
                info!(calls, limit_s = limit.as_secs(), "draining: no new calls, live ones go on");
                self.phase = Phase::Draining { until: self.clock.instant() + limit };
                self.step(Input::Drain);
            }
            Phase::Draining { .. } | Phase::Stopping { .. } => {}
        }
    }

    fn tell_registrations(&mut self) {
        if !self.engine.registrations_changed() {
            return;
        }
        let now = self.clock.now();
        let told = self.engine.registrations(now).into_iter().map(|registration| live::Registration {
            trunk: registration.trunk,
            until: registration.until.map(|until| now.wall + until.since(now.instant)),
            status: registration.status,
        });
        self.live.registered(told.collect());
    }

    /// The end of the drain: no call is left, or no time.
    fn drained(&mut self) {
        if let Phase::Draining { until } = self.phase {
            let calls = self.engine.calls();
            if calls > 0 && self.clock.instant() >= until {
                warn!(calls, "the drain took too long: calls are ended");
            }
            if calls == 0 || self.clock.instant() >= until {
                self.stop(STOP_PATIENCE);
            }
        }
    }

    /// Ends every call; who does not answer our BYE is waited for so long.
    fn stop(&mut self, patience: Duration) {
        let until = self.clock.instant() + patience;
        match self.phase {
            Phase::Serving | Phase::Draining { .. } => {
                let calls = self.engine.calls();
                info!(calls, "stopping");
                self.phase = Phase::Stopping { until };
                self.step(Input::Stop);
            }
            Phase::Stopping { until: before } => self.phase = Phase::Stopping { until: until.min(before) },
        }
    }

    /// Every call is over and every BYE answered; a peer that answers nothing is not waited for.
    fn is_done(&self) -> bool {
        let Phase::Stopping { until } = self.phase else { return false };
        self.clock.instant() >= until || (self.engine.calls() == 0 && self.engine.asking() == 0)
    }

    /// Empties the kernel's queues: what belongs to live calls is worked on at once, the rest waits in the intake.
    fn read_sockets(&mut self) {
        let began = self.clock.instant();
        for index in 0..self.sockets.len() {
            for _ in 0..DATAGRAMS_PER_TURN {
                let socket = &mut self.sockets[index];
                if !socket.readable {
                    break;
                }
                let (length, remote) = match socket.socket.recv_from(&mut self.datagram) {
                    Ok(received) => received,
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                        socket.readable = false;
                        break;
                    }
                    // An ICMP error of something we sent: it belongs to no transaction that we could name.
                    Err(error) => {
                        debug!(%error, "sip socket");
                        continue;
                    }
                };
                let address = socket.address;
                let now = self.clock.now();
                let Some(own) = self.routes.local(now.instant, address.ip(), remote) else { continue };
                let local = self.views.seen(address, own, remote.ip());
                let flow = Flow { transport: Transport::Udp, local, remote, connection: 0 };
                let bytes = &self.datagram[..length];
                match self.intake.arrives(now.instant, flow, bytes) {
                    Arrival::Urgent => self.engine.handle(now, Input::Received { flow, bytes }, &mut self.outputs),
                    Arrival::NoRoom => self.engine.handle(now, Input::Overdue { flow, bytes }, &mut self.outputs),
                    Arrival::Waits | Arrival::Dropped | Arrival::Keepalive => {}
                }
                self.carry_out();
                if now.instant.since(began) >= TURN {
                    break;
                }
            }
        }
    }

    /// Pings and new calls, until the sockets should be looked at again.
    fn work_intake(&mut self) {
        let began = self.clock.instant();
        let mut now = began;
        while (now.since(began) < TURN || self.intake.has_one_to_take_back())
            && let Some(Turn { flow, bytes, overdue }) = self.intake.next(now)
        {
            let bytes = &*bytes;
            self.step(if overdue { Input::Overdue { flow, bytes } } else { Input::Received { flow, bytes } });
            now = self.clock.instant();
        }
        if let Some(shortest) = self.intake.waits(now) {
            let sound = self.watch_sound(now);
            self.step(Input::Waits { shortest, sound });
            let keepalives = self.intake.keepalives();
            if keepalives > 0 {
                debug!(keepalives, "datagrams that only keep a NAT open");
            }
            let pings = self.intake.dropped();
            if pings > 0 {
                warn!(pings, "more pings than can be answered: dropped");
            }
        }
    }

    /// How late the media thread that is furthest behind is; those who must know are told.
    fn watch_sound(&mut self, now: Instant) -> Duration {
        let loads: Vec<Load> = self.media.loads().collect();
        self.troubles.resize_with(loads.len(), Trouble::default);
        for (index, (trouble, load)) in self.troubles.iter_mut().zip(&loads).enumerate() {
            let Some(lost) = trouble.look(now, *load) else { continue };
            match trouble.alarm(now, index) {
                Some([_, words]) => {
                    self.sound.raise("sound is late", &words, usize::try_from(lost).unwrap_or(usize::MAX));
                }
                None if trouble.begins(lost) => {
                    warn!(thread = index, packets = lost, "a media thread stood still for a moment")
                }
                None => {}
            }
        }
        self.live.sounded(self.troubles.clone());
        self.troubles.iter().map(Trouble::late).max().unwrap_or_default()
    }

    fn tick(&mut self) {
        let now = self.clock.instant();
        if let Some(deadline) = self.engine.deadline().filter(|deadline| *deadline <= now) {
            self.intake.ticked(now.since(deadline));
            self.step(Input::Tick);
        }
    }

    fn step(&mut self, input: Input<'_>) {
        self.engine.handle(self.clock.now(), input, &mut self.outputs);
        self.carry_out();
    }

    /// Carries out what the engine wants, and what it wants after the answers, until it wants nothing more.
    fn carry_out(&mut self) {
        for _ in 0..OUTPUT_ROUNDS_MAX {
            if self.outputs.is_empty() {
                return;
            }
            let mut outputs = std::mem::replace(&mut self.outputs, std::mem::take(&mut self.carried));
            for output in outputs.drain(..) {
                self.perform(output);
            }
            self.carried = outputs;
            let mut answers = std::mem::take(&mut self.answers);
            for answer in answers.drain(..) {
                self.engine.handle(self.clock.now(), answer, &mut self.outputs);
            }
            self.answers = answers;
        }
        // Failure after failure: the rest waits its turn behind the sockets.
        debug!(outputs = self.outputs.len(), "outputs wait a turn");
    }

    fn perform(&mut self, output: Output) {
        match output {
            Output::Transmit { flow, bytes } => match flow.transport {
                Transport::Udp => self.transmit(flow, &bytes),
                Transport::Tcp | Transport::Tls => {
                    if !self.tcp.send(flow, bytes) {
                        self.answers.push(Input::SendFailed { flow });
                    }
                }
            },
            Output::Lookup { lookup, question } => {
                let answer = if let Question::Local { transport, remote } = question {
                    self.local(transport, remote)
                } else if self.resolver.ask(lookup, question) {
                    return;
                } else {
                    Answer::Failed
                };
                self.answers.push(Input::LookedUp { lookup, answer });
            }
            Output::Expect { remote, name } => self.tcp.expect(remote, name),
            Output::CloseConnection { connection } => self.tcp.close(connection),
            Output::Refused(refused) => self.live.alarms().refused(refused),
            Output::OpenStream { stream, local, beside } => {
                let listening =
                    self.sockets.iter().map(|socket| socket.address).chain(self.tls_addresses.iter().copied());
                let local = self.views.bindable(listening, local);
                // First come, first served.
                let opened =
                    if self.unopened.is_empty() { self.media.open(stream, local, beside) } else { Opened::Later };
                match opened {
                    Opened::At(port) => self.answers.push(Input::StreamOpened { stream, port: Some(port) }),
                    Opened::Never => {
                        let answer = self.without_port(stream, beside);
                        self.answers.push(answer);
                    }
                    Opened::Later => {
                        self.unopened.push_back((self.clock.instant() + PORT_CLOSES_WITHIN, stream, local, beside));
                    }
                }
            }
            Output::Media { stream, command } => self.media.command(stream, command),
            Output::Discard { file } => self.media.discard(&file),
            Output::CloseStream { stream } => {
                self.unopened.retain(|(_, unopened, ..)| *unopened != stream);
                self.media.close(stream);
            }
            Output::Journal { call, entry } => {
                if self.journal.write(call, entry) == Written::Now {
                    self.answers.push(Input::Journaled { call });
                }
            }
            Output::Live { call, news } => self.live.tell(call, news),
        }
    }

    /// What a peer sees of the listener that a transport has for it. Without one for TLS, requests come back on the connections
    /// that we open, whatever the address says.
    fn local(&mut self, transport: Transport, remote: SocketAddr) -> Answer {
        let plain = self.sockets.iter().map(|socket| socket.address);
        let secure = self.tls_addresses.iter().copied();
        let listening: Vec<SocketAddr> = match transport {
            Transport::Udp | Transport::Tcp => plain.collect(),
            Transport::Tls => secure.chain(plain).collect(),
        };
        let now = self.clock.instant();
        let mut ways =
            listening.into_iter().filter(|address| address.is_ipv4() == remote.is_ipv4()).filter_map(|address| {
                let ip = self.routes.local(now, address.ip(), remote)?;
                // A socket on loopback reaches nobody else, and one on a network no loopback peer.
                (ip.is_loopback() == remote.ip().is_loopback()).then(|| self.views.seen(address, ip, remote.ip()))
            });
        ways.next().map_or(Answer::Failed, Answer::Local)
    }

    fn transmit(&mut self, flow: Flow, bytes: &[u8]) {
        let socket = self
            .sockets
            .iter()
            .find(|socket| socket.address == flow.local)
            .or_else(|| self.sockets.iter().find(|socket| self.views.serves(socket.address, flow.local)));
        let Some(SipSocket { socket, .. }) = socket else {
            warn!(local = %flow.local, "no socket for this address");
            self.answers.push(Input::SendFailed { flow });
            return;
        };
        match socket.send_to(bytes, flow.remote) {
            Ok(_) => {}
            // The queue is full for a moment: this one is lost, as on any network, and will be sent again.
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => {
                debug!(remote = %flow.remote, "datagram not sent, the socket is full");
            }
            Err(error) => {
                debug!(remote = %flow.remote, %error, "datagram not sent");
                self.answers.push(Input::SendFailed { flow });
            }
        }
    }
}

/// Why there is no port and what comes of it, for a caller's leg and for one beside it.
fn what_lacks_a_port(beside: Option<StreamKey>) -> [&'static str; 2] {
    match beside {
        None => [
            "다른 프로그램이 media.ports 의 포트를 쓰거나 범위가 너무 작습니다: 통화 하나를 503 으로 거절합니다",
            "other programs hold ports of media.ports, or the range is too small: a call is refused with 503",
        ],
        Some(_) => [
            "다른 프로그램이 media.ports 의 포트를 쓰거나 범위가 너무 작습니다: 센터에 전화하지 않고 ladder 의 \"bridge\" 다음으로 갑니다. \
             이어진 통화를 넘겨받으려는 쪽은 거절됩니다",
            "other programs hold ports of media.ports, or the range is too small: a centre is not called, the ladder goes on behind \"bridge\"; who \
             would take a bridged call over is refused",
        ],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_leg_without_a_port_is_not_told_as_a_refused_call() {
        assert!(what_lacks_a_port(None)[1].ends_with("refused with 503"));
        let [_, second] = what_lacks_a_port(Some(StreamKey(1)));
        assert!(second.contains("a centre is not called, the ladder goes on") && !second.contains("503"), "{second}");
    }
}
