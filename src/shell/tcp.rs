//! SIP over TCP and TLS (RFC 3261 §18, RFC 5626 §3.5.1): connections on a tokio runtime of one thread.
//!
//! Bytes go to the engine as they come: where a message ends is the engine's business, and so is how long it may take. Reading waits when
//! the engine is behind; writing has a bounded queue for each connection. A flow whose connection is gone goes by one that we
//! opened to the same peer, or opens one. How many there may be stands in `connections`.
//!
//! Who opens a connection keeps it alive (RFC 5626 §4.4.1), so we ping those that we opened: a peer that has ever answered must go on
//! answering. The others have the keepalive of TCP itself, which finds peers that are gone without a word.

mod connections;
#[cfg(test)]
mod tests;

pub use connections::Caps;

use crate::limits::{
    TCP_COMMANDS_MAX, TCP_CONNECT_TIMEOUT, TCP_EXPECTED_NAMES_MAX, TCP_FIRST_BYTES, TCP_IDLE, TCP_PIECES_WAITING_MAX,
    TCP_PING_EVERY, TCP_PONG, TCP_PROBE_AFTER, TCP_PROBE_EVERY, TCP_PROBES, TCP_READ_BYTES, TCP_UNACKNOWLEDGED,
    TCP_WRITE_TIMEOUT, TLS_HANDSHAKE_TIMEOUT, TURNED_AWAY_TOLD_EVERY,
};
use crate::shell::inbox::{Inbox, Message};
use crate::shell::local::Views;
use crate::shell::tls::{self, Tls};
use crate::sip::trunk::{Peers, Strangers};
use crate::sip::{Flow, Transport};
use crate::time::Duration;
use connections::{Connections, New, Side, side};
use rustls::pki_types::{CertificateDer, ServerName};
use socket2::{SockRef, TcpKeepalive};
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::future::poll_fn;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::thread::JoinHandle;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::{Semaphore, mpsc};
use tokio::task::LocalSet;
use tokio::time::{Instant, timeout, timeout_at};
use tracing::{debug, warn};

/// How long the last messages may take to leave when the engine stops.
const GOODBYE: Duration = Duration::from_millis(500);
/// A moment for the system to recover when it has no file left for another connection.
const ACCEPT_PAUSE: Duration = Duration::from_millis(200);
/// RFC 5626 §3.5.1.
const PING: &[u8] = b"\r\n\r\n";
/// Its answer.
const PONG: &[u8] = b"\r\n";

/// The engine's end of the TCP thread. Dropping it ends the thread, after what waits has left.
#[derive(Clone, Debug)]
pub struct Handle(mpsc::Sender<Command>);

#[derive(Debug)]
enum Command {
    Send { flow: Flow, bytes: Vec<u8> },
    Expect { remote: SocketAddr, name: String },
    Close { connection: u64 },
}

impl Handle {
    /// Sends a message; false when the thread is too far behind.
    pub fn send(&self, flow: Flow, bytes: Vec<u8>) -> bool {
        self.0.try_send(Command::Send { flow, bytes }).is_ok()
    }

    /// A TLS connection to this address is opened only to a certificate with this name.
    pub fn expect(&self, remote: SocketAddr, name: String) {
        // If there is no room, what follows cannot be sent either, and is told as failed.
        let _ = self.0.try_send(Command::Expect { remote, name });
    }

    /// Closes a connection after what waits for it has left.
    pub fn close(&self, connection: u64) {
        // If there is no room, the connection ends by its own time limits.
        let _ = self.0.try_send(Command::Close { connection });
    }
}

/// What the thread is made of.
pub struct Parts {
    /// Bound and non-blocking: TCP or TLS, on this address.
    pub listeners: Vec<(Transport, SocketAddr, TcpListener)>,
    /// Where bytes go.
    pub inbox: Arc<Inbox>,
    /// Who may connect.
    pub peers: Peers,
    /// What peers see of the listeners.
    pub views: Views,
    /// Certificates.
    pub tls: Arc<Tls>,
    /// How many connections.
    pub caps: Caps,
    /// How long they may take.
    pub patience: Patience,
}

/// How long a connection may take for what.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// To open.
    pub connect: Duration,
    /// For the handshake of TLS.
    pub handshake: Duration,
    /// Until more than empty lines has come, on a connection that came to us.
    pub first_bytes: Duration,
    /// Without a byte.
    pub idle: Duration,
    /// To take one message.
    pub write: Duration,
    /// Between two pings of ours.
    pub ping_every: Duration,
    /// For the answer to one.
    pub pong: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            connect: TCP_CONNECT_TIMEOUT,
            handshake: TLS_HANDSHAKE_TIMEOUT,
            first_bytes: TCP_FIRST_BYTES,
            idle: TCP_IDLE,
            write: TCP_WRITE_TIMEOUT,
            ping_every: TCP_PING_EVERY,
            pong: TCP_PONG,
        }
    }
}

/// Starts the thread.
pub fn start(parts: Parts) -> io::Result<(Handle, JoinHandle<()>)> {
    let Parts { listeners, inbox, peers, views, tls, caps, patience } = parts;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (sender, commands) = mpsc::channel(TCP_COMMANDS_MAX);
    let thread = std::thread::Builder::new().name("tcp".to_owned()).spawn(move || {
        let local = LocalSet::new();
        let edge = Rc::new(Edge {
            inbox,
            peers,
            views,
            tls,
            patience,
            listening: listeners.iter().map(|(_, address, _)| *address).collect(),
            connections: RefCell::new(Connections::new(caps)),
            expected: RefCell::default(),
            pieces: Semaphore::new(TCP_PIECES_WAITING_MAX).into(),
            scratch: RefCell::new(vec![0; TCP_READ_BYTES].into()),
            turned_away: Cell::new(None),
        });
        let accepting = local.block_on(&runtime, run(listeners, commands, Rc::clone(&edge)));
        for task in &accepting {
            task.abort();
        }
        edge.connections.borrow_mut().close_all();
        // What is still connected then is cut.
        let _ = runtime.block_on(async { timeout(GOODBYE, local).await });
    })?;
    Ok((Handle(sender), thread))
}

async fn run(
    listeners: Vec<(Transport, SocketAddr, TcpListener)>,
    mut commands: mpsc::Receiver<Command>,
    edge: Rc<Edge>,
) -> Vec<tokio::task::JoinHandle<()>> {
    let mut accepting = Vec::new();
    for (transport, address, listener) in listeners {
        match tokio::net::TcpListener::from_std(listener) {
            Ok(listener) => {
                accepting.push(tokio::task::spawn_local(accept(transport, address, listener, Rc::clone(&edge))));
            }
            Err(error) => warn!(%error, %address, "listener"),
        }
    }
    while let Some(command) = commands.recv().await {
        match command {
            Command::Send { flow, bytes } => edge.send(flow, bytes),
            Command::Expect { remote, name } => edge.expect(remote, name),
            Command::Close { connection } => edge.connections.borrow_mut().close(connection),
        }
    }
    accepting
}

async fn accept(transport: Transport, address: SocketAddr, listener: tokio::net::TcpListener, edge: Rc<Edge>) {
    loop {
        match listener.accept().await {
            Ok((stream, remote)) => edge.accepted(transport, address, stream, remote),
            Err(error) => {
                warn!(%error, "tcp connection not accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// What all connections share.
struct Edge {
    inbox: Arc<Inbox>,
    peers: Peers,
    views: Views,
    tls: Arc<Tls>,
    patience: Patience,
    listening: Vec<SocketAddr>,
    connections: RefCell<Connections>,
    /// The names that certificates of peers must hold.
    expected: RefCell<HashMap<SocketAddr, String>>,
    /// One permit for each piece of bytes on its way to the engine.
    pieces: Arc<Semaphore>,
    /// Every connection reads into it: an idle one holds no buffer.
    scratch: RefCell<Box<[u8]>>,
    /// When the log heard of a stranger's connection.
    turned_away: Cell<Option<Instant>>,
}

impl Edge {
    fn accepted(self: &Rc<Self>, transport: Transport, address: SocketAddr, stream: TcpStream, remote: SocketAddr) {
        let Ok(own) = stream.local_addr() else { return };
        let silent = self.peers.strangers == Strangers::Silence;
        if silent && !self.peers.may_connect(transport, remote.ip()) {
            let now = Instant::now();
            if self.turned_away.get().is_none_or(|told| now - told >= TURNED_AWAY_TOLD_EVERY) {
                self.turned_away.set(Some(now));
                warn!(%remote, ?transport, "a connection is closed, for its source is no trunk: is the address of a trunk missing in the settings?");
            }
            return;
        }
        let side = side(&self.peers, remote.ip());
        let admitted = self.connections.borrow_mut().admit(New { transport, remote, side, name: None });
        let Some((connection, queue)) = admitted else {
            debug!(%remote, "connection refused, there are too many");
            return;
        };
        let local = self.views.seen(address, own.ip(), remote.ip());
        let flow = Flow { transport, local, remote, connection };
        let edge = Rc::clone(self);
        match transport {
            Transport::Tls => tokio::task::spawn_local(secure(stream, flow, queue, edge)),
            Transport::Tcp | Transport::Udp => {
                tune(&stream);
                tokio::task::spawn_local(converse(stream, flow, Opened::ByPeer, queue, edge))
            }
        };
    }

    fn send(self: &Rc<Self>, flow: Flow, bytes: Vec<u8>) {
        let name = match flow.transport {
            Transport::Tls => self.expected.borrow().get(&flow.remote).cloned(),
            Transport::Tcp | Transport::Udp => None,
        };
        let mut connections = self.connections.borrow_mut();
        let known = connections.find(flow.connection, flow.transport, flow.remote, name.as_deref());
        let connection = known.or_else(|| {
            if flow.transport == Transport::Tls && name.is_none() {
                // Nobody said who must answer there.
                debug!(remote = %flow.remote, "no name to expect, connection not opened");
                return None;
            }
            let new = New { transport: flow.transport, remote: flow.remote, side: Side::Ours, name: name.clone() };
            let (connection, queue) = connections.admit(new)?;
            tokio::task::spawn_local(connect(Flow { connection, ..flow }, name, queue, Rc::clone(self)));
            Some(connection)
        });
        if !connection.is_some_and(|connection| connections.queue(connection, bytes)) {
            self.inbox.push(Message::SendFailed { flow });
        }
    }

    fn expect(&self, remote: SocketAddr, name: String) {
        let mut expected = self.expected.borrow_mut();
        if expected.len() >= TCP_EXPECTED_NAMES_MAX {
            // Names are told again before each request that needs one.
            expected.clear();
        }
        expected.insert(remote, name);
    }

    /// The names of a peer's certificate, before its first bytes.
    fn secured(&self, connection: u64, certificates: Option<&[CertificateDer<'static>]>) {
        self.connections.borrow_mut().secured(connection);
        let names = certificates.and_then(|all| all.first()).map(|own| tls::names(own)).unwrap_or_default();
        if !names.is_empty() {
            self.inbox.push(Message::Secured { connection, names });
        }
    }

    fn ended(&self, connection: u64) {
        self.connections.borrow_mut().remove(connection);
        self.inbox.push(Message::Disconnected { connection });
    }

    fn failed(&self, flow: Flow, why: &str) {
        debug!(remote = %flow.remote, why, "connection not opened");
        self.inbox.push(Message::SendFailed { flow });
        self.ended(flow.connection);
    }
}

/// A peer that is gone without a word must be noticed before anybody waits for it.
fn tune(stream: &TcpStream) {
    // A message is one write: waiting for more to send along only delays it.
    let _ = stream.set_nodelay(true);
    let socket = SockRef::from(stream);
    let probes = TcpKeepalive::new().with_time(TCP_PROBE_AFTER).with_interval(TCP_PROBE_EVERY).with_retries(TCP_PROBES);
    let _ = socket.set_tcp_keepalive(&probes);
    let _ = socket.set_tcp_user_timeout(Some(TCP_UNACKNOWLEDGED));
}

/// The handshake of a peer that connected to us.
async fn secure(stream: TcpStream, flow: Flow, queue: mpsc::Receiver<Vec<u8>>, edge: Rc<Edge>) {
    tune(&stream);
    let Some(acceptor) = edge.tls.acceptor() else { return edge.ended(flow.connection) };
    match timeout(edge.patience.handshake, acceptor.accept(stream)).await {
        Ok(Ok(stream)) => {
            edge.secured(flow.connection, stream.get_ref().1.peer_certificates());
            converse(stream, flow, Opened::ByPeer, queue, edge).await;
        }
        Ok(Err(error)) => {
            debug!(remote = %flow.remote, %error, "tls handshake refused");
            edge.ended(flow.connection);
        }
        Err(_) => {
            debug!(remote = %flow.remote, "tls handshake not finished");
            edge.ended(flow.connection);
        }
    }
}

async fn connect(flow: Flow, name: Option<String>, queue: mpsc::Receiver<Vec<u8>>, edge: Rc<Edge>) {
    let patience = edge.patience;
    let stream = match timeout(patience.connect, open(flow, &edge)).await {
        Ok(Ok(stream)) => stream,
        Ok(Err(error)) => return edge.failed(flow, &error.to_string()),
        Err(_) => return edge.failed(flow, "no answer"),
    };
    tune(&stream);
    let Some(name) = name else { return converse(stream, flow, Opened::ByUs, queue, edge).await };
    let connector = match edge.tls.connector() {
        Ok(connector) => connector,
        Err(error) => return edge.failed(flow, &error.to_string()),
    };
    let Ok(name) = ServerName::try_from(name.trim_matches(['[', ']']).to_owned()) else {
        return edge.failed(flow, "the expected name is no host");
    };
    match timeout(patience.handshake, connector.connect(name, stream)).await {
        Ok(Ok(stream)) => {
            edge.secured(flow.connection, stream.get_ref().1.peer_certificates());
            converse(stream, flow, Opened::ByUs, queue, edge).await;
        }
        Ok(Err(error)) => {
            // A wrong certificate is worth a look: somebody stands in for the peer, or its setup is broken.
            warn!(remote = %flow.remote, %error, "tls connection not opened");
            edge.failed(flow, "handshake");
        }
        Err(_) => edge.failed(flow, "handshake not finished"),
    }
}

/// Opens a connection from the address that the peer knows us by.
async fn open(flow: Flow, edge: &Edge) -> io::Result<TcpStream> {
    let socket = if flow.remote.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    let from = edge.views.bindable(edge.listening.iter().copied(), flow.local.ip());
    if from.is_ipv4() == flow.remote.is_ipv4() && from.is_loopback() == flow.remote.ip().is_loopback() {
        socket.bind(SocketAddr::new(from, 0))?;
    }
    socket.connect(flow.remote).await
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Opened {
    ByUs,
    ByPeer,
}

async fn converse<S: AsyncRead + AsyncWrite>(
    stream: S,
    flow: Flow,
    opened: Opened,
    queue: mpsc::Receiver<Vec<u8>>,
    edge: Rc<Edge>,
) {
    let (reader, writer) = tokio::io::split(stream);
    let failed = tokio::select! {
        () = read(reader, flow, opened, &edge) => false,
        failed = write(writer, queue, edge.patience.write) => failed,
    };
    if failed {
        edge.inbox.push(Message::SendFailed { flow });
    }
    edge.ended(flow.connection);
}

/// Reads until the peer ends, says nothing for too long, or does not answer our ping.
async fn read(mut reader: impl AsyncRead + Unpin, flow: Flow, opened: Opened, edge: &Edge) {
    let patience = edge.patience;
    let began = Instant::now();
    // RFC 5626 §4.4.1: from 80 % of the interval to all of it, so that many connections do not speak at once.
    let ping_every = patience.ping_every * (80 + u32::try_from(flow.connection * 7 % 21).unwrap_or(0)) / 100;
    let (mut heard, mut quiet) = (began, began);
    let mut speaks = opened == Opened::ByUs;
    let mut asked = false;
    let mut answers = false;
    loop {
        let until = match (speaks, opened, asked) {
            (false, ..) => began + patience.first_bytes,
            (true, Opened::ByPeer, _) => heard + patience.idle,
            (true, Opened::ByUs, false) => (quiet + ping_every).min(heard + patience.idle),
            (true, Opened::ByUs, true) => (quiet + patience.pong).min(heard + patience.idle),
        };
        match timeout_at(until, edge.piece(&mut reader)).await {
            Ok(Ok(bytes)) if bytes.is_empty() => return,
            Ok(Ok(bytes)) => {
                heard = Instant::now();
                quiet = heard;
                if std::mem::take(&mut asked) && bytes == PONG {
                    answers = true;
                    continue;
                }
                speaks |= bytes.iter().any(|byte| !matches!(byte, b'\r' | b'\n'));
                let Ok(permit) = Arc::clone(&edge.pieces).acquire_owned().await else { return };
                edge.inbox.push(Message::Received { flow, bytes, permit });
            }
            Ok(Err(_)) => return,
            Err(_) => {
                quiet = Instant::now();
                if !speaks || quiet >= heard + patience.idle {
                    return;
                }
                // A peer that has never answered may not know pings; they still keep a NAT open.
                if std::mem::take(&mut asked) {
                    if answers {
                        debug!(remote = %flow.remote, "ping not answered, connection closed");
                        return;
                    }
                } else {
                    asked = true;
                    edge.connections.borrow_mut().queue(flow.connection, PING.to_vec());
                }
            }
        }
    }
}

impl Edge {
    /// Some bytes; none at the end.
    async fn piece(&self, reader: &mut (impl AsyncRead + Unpin)) -> io::Result<Vec<u8>> {
        poll_fn(|context| {
            let mut scratch = self.scratch.borrow_mut();
            let mut buffer = ReadBuf::new(&mut scratch);
            Pin::new(&mut *reader).poll_read(context, &mut buffer).map_ok(|()| buffer.filled().to_vec())
        })
        .await
    }
}

/// Writes what waits until the queue is closed; true when a message could not leave.
async fn write(mut writer: impl AsyncWrite + Unpin, mut queue: mpsc::Receiver<Vec<u8>>, patience: Duration) -> bool {
    while let Some(bytes) = queue.recv().await {
        let sent = async {
            writer.write_all(&bytes).await?;
            writer.flush().await
        };
        if !matches!(timeout(patience, sent).await, Ok(Ok(()))) {
            return true;
        }
    }
    // Under TLS this says close_notify first.
    let _ = timeout(patience, writer.shutdown()).await;
    false
}
