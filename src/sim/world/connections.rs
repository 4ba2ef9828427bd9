//! Connections as the shell keeps them: numbered, in order, cut and joined anywhere, reset at any moment.
//!
//! A message to a connection that is gone goes by another one to the same address, else one is opened there.

use super::{ENGINE, Event, Input, Packet, Place, World};
use crate::sim::caller::By;
use crate::sim::caller::stream::Splitter;
use crate::sim::fault::Fault;
use crate::sim::trace::Brief;
use crate::sip::{Flow, Transport};
use crate::time::Duration;
use std::net::SocketAddr;

/// One connection.
#[derive(Debug)]
pub(super) struct Connection {
    /// The caller at its other end; `None` for somebody who is none.
    phone: Option<usize>,
    /// Where its other end is.
    remote: SocketAddr,
    /// Written by the caller and not yet read by the engine.
    waiting: Vec<u8>,
    flushing: bool,
    /// What the engine has read, cut by the simulator's own means.
    read: Splitter,
    /// What the caller has read.
    heard: Splitter,
}

/// How long the rest of a cut piece takes at most.
const REST: u64 = 20_000;
/// The first port from which callers open connections.
const FIRST_PORT: u16 = 40_000;

impl World {
    fn flow_of(&self, number: u64) -> Option<Flow> {
        let remote = self.connections.get(&number)?.remote;
        Some(Flow { transport: Transport::Tcp, local: ENGINE, remote, connection: number })
    }

    /// Who is at the other end of a flow.
    pub(super) fn place_of(&self, flow: &Flow) -> Option<Place> {
        // Noise may have spoilt the port at which it wants the answer.
        let is_noise = flow.remote.ip().to_string().starts_with(super::strangers::KNOWN);
        if !flow.transport.is_stream() {
            let noise = is_noise.then_some(Place::Noise { known: true });
            return self.addresses.get(&flow.remote).copied().or(noise);
        }
        match self.connections.get(&flow.connection) {
            Some(Connection { phone: Some(phone), .. }) => Some(Place::Phone(*phone)),
            Some(Connection { phone: None, .. }) => Some(Place::Noise { known: true }),
            None if is_noise => Some(Place::Noise { known: true }),
            None => self.addresses.get(&SocketAddr::new(flow.remote.ip(), 5060)).copied(),
        }
    }

    fn connect(&mut self, phone: Option<usize>, remote: SocketAddr) -> u64 {
        self.last_connection += 1;
        let number = self.last_connection;
        let connection = Connection {
            phone,
            remote,
            waiting: Vec::new(),
            flushing: false,
            read: Splitter::default(),
            heard: Splitter::default(),
        };
        self.connections.insert(number, connection);
        self.note(b"connect", || format!("{remote} has connection {number}"));
        number
    }

    /// The port of the next connection from an address.
    fn next_port(&self) -> u16 {
        FIRST_PORT + (self.last_connection % 20_000) as u16
    }

    // ---- towards the engine ------------------------------------------------------------------------------------

    /// A caller writes; without a connection it opens one.
    pub(super) fn write(&mut self, packet: Packet) {
        let Some(&Place::Phone(phone)) = self.addresses.get(&packet.from) else { return };
        let open = self.connections.iter().rev().find(|(_, connection)| connection.phone == Some(phone));
        let number = match open.map(|(number, _)| *number) {
            Some(number) => number,
            None => {
                let first = !self.connected_once.contains(&phone);
                self.connected_once.insert(phone);
                let number = self.connect(Some(phone), SocketAddr::new(packet.from.ip(), self.next_port()));
                let form = self.phones.get(phone).and_then(|phone| phone.manner().tcp);
                if let (true, Some(after)) = (first, form.and_then(|form| form.reset)) {
                    self.push(self.now + after, Event::Reset(number));
                }
                number
            }
        };
        self.write_on(number, &packet.bytes);
    }

    /// Somebody who is no caller opens a connection and writes.
    pub(super) fn write_noise(&mut self, from: SocketAddr, bytes: &[u8]) -> u64 {
        let number = self.connect(None, from);
        self.write_on(number, bytes);
        number
    }

    fn write_on(&mut self, number: u64, bytes: &[u8]) {
        let at = self.network.stream(self.now, SocketAddr::new(ENGINE.ip(), number as u16), ENGINE);
        let Some(connection) = self.connections.get_mut(&number) else { return };
        connection.waiting.extend_from_slice(bytes);
        if !std::mem::replace(&mut connection.flushing, true) {
            self.push(at, Event::Flush(number));
        }
    }

    /// The engine reads what has come, or a part of it.
    pub(super) fn flush(&mut self, number: u64) {
        let pieces = self.conditions.faults.has(Fault::Pieces) && self.random.chance(0.5);
        let Some(connection) = self.connections.get_mut(&number) else { return };
        let all = connection.waiting.len();
        let part = if pieces { 1 + self.random.below(all as u64) as usize } else { all };
        let bytes: Vec<u8> = connection.waiting.drain(..part.min(all)).collect();
        connection.flushing = !connection.waiting.is_empty();
        let (rest, is_caller) = (connection.flushing, connection.phone.is_some());
        let whole = if is_caller { connection.read.push(&bytes) } else { Vec::new() };
        if rest {
            let after = Duration::from_micros(self.random.below(REST));
            self.push(self.now + after, Event::Flush(number));
        }
        let Some(flow) = self.flow_of(number) else { return };
        self.note(&bytes, || {
            format!("{:>15} -> engine  {} bytes on connection {number}", flow.remote.ip(), bytes.len())
        });
        for message in whole {
            self.note(b"", || format!("{:>15} -> engine  {}", flow.remote.ip(), Brief(&message)));
            self.delivered(&message);
        }
        self.feed(Input::Received { flow, bytes: &bytes });
    }

    // ---- towards the callers -----------------------------------------------------------------------------------

    /// The engine writes on a flow.
    pub(super) fn write_to_caller(&mut self, flow: Flow, bytes: &[u8]) {
        let same = |connection: &Connection| connection.remote == flow.remote;
        let known = if self.connections.contains_key(&flow.connection) {
            Some(flow.connection)
        } else {
            self.connections.iter().rev().find(|(_, connection)| same(connection)).map(|(number, _)| *number)
        };
        let number = match known {
            Some(number) => number,
            None => {
                let listener = match self.addresses.get(&flow.remote) {
                    Some(&Place::Phone(phone)) => Some(phone),
                    _ => None,
                };
                let listens =
                    listener.and_then(|phone| self.phones.get(phone)?.manner().tcp).is_some_and(|form| form.listens);
                if !listens {
                    self.last_connection += 1;
                    let failed = Flow { connection: self.last_connection, ..flow };
                    let after = Duration::from_micros(self.random.below(40_000));
                    return self.push(self.now + after, Event::OpeningFailed(failed));
                }
                self.connect(listener, flow.remote)
            }
        };
        let at = self.network.stream(self.now, ENGINE, SocketAddr::new(ENGINE.ip(), number as u16));
        self.push(at, Event::Bytes(number, bytes.to_vec()));
    }

    /// Bytes reach their caller.
    pub(super) fn told(&mut self, number: u64, bytes: &[u8]) {
        let Some(connection) = self.connections.get_mut(&number) else { return };
        let Some(phone) = connection.phone else { return };
        for message in connection.heard.push(bytes) {
            self.with_phone(phone, |phone, now, out| phone.received(now, ENGINE, &message, out));
        }
    }

    /// Cuts a caller's connection, if there is one.
    pub fn reset_connection(&mut self, phone: usize) {
        let open = self.connections.iter().rev().find(|(_, connection)| connection.phone == Some(phone));
        if let Some(number) = open.map(|(number, _)| *number) {
            self.cut(number);
        }
    }

    // ---- the end -----------------------------------------------------------------------------------------------

    /// A connection ends; what was under way on it is lost.
    pub(super) fn cut(&mut self, number: u64) {
        let Some(connection) = self.connections.remove(&number) else { return };
        self.note(b"cut", || format!("{} loses connection {number}", connection.remote));
        self.feed(Input::Disconnected { connection: number });
        if let Some(phone) = connection.phone {
            self.with_phone(phone, |phone, now, out| phone.disconnected(now, out));
        }
    }

    /// The engine is dead: so are its connections.
    pub(super) fn lose_connections(&mut self) {
        for (_, connection) in std::mem::take(&mut self.connections) {
            if let Some(phone) = connection.phone {
                self.with_phone(phone, |phone, now, out| phone.disconnected(now, out));
            }
        }
    }

    /// Everybody has gone home.
    pub(super) fn close_connections(&mut self) {
        for number in std::mem::take(&mut self.connections).into_keys() {
            self.feed(Input::Disconnected { connection: number });
        }
    }
}

/// A datagram of somebody who is no caller.
pub(super) fn datagram(from: SocketAddr, bytes: Vec<u8>) -> Packet {
    Packet { from, to: ENGINE, bytes, by: By::Datagram }
}
