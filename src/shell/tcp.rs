//! SIP over TCP (RFC 3261 §18): connections on a tokio runtime of one thread.
//!
//! Bytes go to the engine as they come: where a message ends is the engine's business. Reading waits when the engine
//! is behind; writing has a bounded queue for each connection. A flow whose connection is gone reuses one to the
//! same peer or opens one.

use crate::limits::{
    TCP_COMMANDS_MAX, TCP_CONNECT_TIMEOUT, TCP_CONNECTIONS_MAX, TCP_CONNECTIONS_PER_ADDRESS_MAX, TCP_FIRST_BYTES,
    TCP_IDLE, TCP_PIECES_WAITING_MAX, TCP_QUEUE_MAX, TCP_READ_BYTES, TCP_WRITE_TIMEOUT,
};
use crate::shell::inbox::{Inbox, Message};
use crate::sip::{Flow, Transport};
use crate::time::Duration;
use std::cell::RefCell;
use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr, TcpListener};
use std::rc::Rc;
use std::sync::Arc;
use std::thread::JoinHandle;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::{Semaphore, mpsc};
use tokio::task::LocalSet;
use tokio::time::timeout;
use tracing::{debug, warn};

/// How long the last messages may take to leave when the engine stops.
const GOODBYE: Duration = Duration::from_millis(500);
/// A moment for the system to recover when it has no file left for another connection.
const ACCEPT_PAUSE: Duration = Duration::from_millis(200);

/// The engine's end of the TCP thread. Dropping it ends the thread, after what waits has left.
#[derive(Clone, Debug)]
pub struct Handle(mpsc::Sender<Command>);

#[derive(Debug)]
enum Command {
    Send { flow: Flow, bytes: Vec<u8> },
    Close { connection: u64 },
}

impl Handle {
    /// Sends a message; false when the thread is too far behind.
    pub fn send(&self, flow: Flow, bytes: Vec<u8>) -> bool {
        self.0.try_send(Command::Send { flow, bytes }).is_ok()
    }

    /// Closes a connection after what waits for it has left.
    pub fn close(&self, connection: u64) {
        // If there is no room, the connection ends by its own time limits.
        let _ = self.0.try_send(Command::Close { connection });
    }
}

/// Starts the thread.
pub fn start(listeners: Vec<TcpListener>, inbox: Arc<Inbox>) -> io::Result<(Handle, JoinHandle<()>)> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (sender, commands) = mpsc::channel(TCP_COMMANDS_MAX);
    let thread = std::thread::Builder::new().name("tcp".to_owned()).spawn(move || {
        let local = LocalSet::new();
        let edge = Rc::new(Edge {
            inbox,
            connections: RefCell::new(Connections::default()),
            pieces: Arc::new(Semaphore::new(TCP_PIECES_WAITING_MAX)),
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
    listeners: Vec<TcpListener>,
    mut commands: mpsc::Receiver<Command>,
    edge: Rc<Edge>,
) -> Vec<tokio::task::JoinHandle<()>> {
    let mut accepting = Vec::new();
    for listener in listeners {
        match tokio::net::TcpListener::from_std(listener) {
            Ok(listener) => accepting.push(tokio::task::spawn_local(accept(listener, Rc::clone(&edge)))),
            Err(error) => warn!(%error, "tcp listener"),
        }
    }
    while let Some(command) = commands.recv().await {
        match command {
            Command::Send { flow, bytes } => edge.send(flow, bytes),
            Command::Close { connection } => edge.connections.borrow_mut().close(connection),
        }
    }
    accepting
}

async fn accept(listener: tokio::net::TcpListener, edge: Rc<Edge>) {
    loop {
        match listener.accept().await {
            Ok((stream, remote)) => {
                let Ok(local) = stream.local_addr() else { continue };
                let Some((flow, queue)) = edge.connections.borrow_mut().admit(local, remote) else {
                    debug!(%remote, "tcp connection refused, there are too many");
                    continue;
                };
                tokio::task::spawn_local(converse(stream, flow, queue, Rc::clone(&edge)));
            }
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
    connections: RefCell<Connections>,
    /// One permit for each piece of bytes on its way to the engine.
    pieces: Arc<Semaphore>,
}

impl Edge {
    fn send(self: &Rc<Self>, flow: Flow, bytes: Vec<u8>) {
        let mut connections = self.connections.borrow_mut();
        let connection = connections.find(flow).or_else(|| {
            let (opened, queue) = connections.admit(flow.local, flow.remote)?;
            tokio::task::spawn_local(connect(opened, queue, Rc::clone(self)));
            Some(opened.connection)
        });
        if !connection.is_some_and(|connection| connections.queue(connection, bytes)) {
            self.inbox.push(Message::SendFailed { flow });
        }
    }

    fn ended(&self, connection: u64) {
        self.connections.borrow_mut().remove(connection);
        self.inbox.push(Message::Disconnected { connection });
    }
}

/// The connections by number and by peer.
#[derive(Default)]
struct Connections {
    last: u64,
    by_number: HashMap<u64, Connection>,
    by_remote: HashMap<SocketAddr, u64>,
    by_address: HashMap<IpAddr, usize>,
}

struct Connection {
    remote: SocketAddr,
    /// `None` once it is closing: what waits still leaves.
    queue: Option<mpsc::Sender<Vec<u8>>>,
}

impl Connections {
    /// A new connection, unless there are too many.
    fn admit(&mut self, local: SocketAddr, remote: SocketAddr) -> Option<(Flow, mpsc::Receiver<Vec<u8>>)> {
        let of_address = self.by_address.get(&remote.ip()).copied().unwrap_or(0);
        if self.by_number.len() >= TCP_CONNECTIONS_MAX || of_address >= TCP_CONNECTIONS_PER_ADDRESS_MAX {
            return None;
        }
        self.last += 1;
        let (queue, waiting) = mpsc::channel(TCP_QUEUE_MAX);
        self.by_number.insert(self.last, Connection { remote, queue: Some(queue) });
        self.by_remote.insert(remote, self.last);
        self.by_address.insert(remote.ip(), of_address + 1);
        Some((Flow { transport: Transport::Tcp, local, remote, connection: self.last }, waiting))
    }

    /// The connection of a flow, or another one to the same peer.
    fn find(&self, flow: Flow) -> Option<u64> {
        let is_open = |number: &u64| self.by_number.get(number).is_some_and(|connection| connection.queue.is_some());
        Some(flow.connection).filter(is_open).or_else(|| self.by_remote.get(&flow.remote).copied().filter(is_open))
    }

    /// Queues a message; a connection whose queue is full is closed: its peer does not read.
    fn queue(&mut self, number: u64, bytes: Vec<u8>) -> bool {
        let Some(connection) = self.by_number.get_mut(&number) else { return false };
        let queued = connection.queue.as_ref().is_some_and(|queue| queue.try_send(bytes).is_ok());
        if !queued {
            connection.queue = None;
        }
        queued
    }

    fn close(&mut self, number: u64) {
        if let Some(connection) = self.by_number.get_mut(&number) {
            connection.queue = None;
        }
    }

    fn close_all(&mut self) {
        for connection in self.by_number.values_mut() {
            connection.queue = None;
        }
    }

    fn remove(&mut self, number: u64) {
        let Some(Connection { remote, .. }) = self.by_number.remove(&number) else { return };
        if self.by_remote.get(&remote) == Some(&number) {
            self.by_remote.remove(&remote);
        }
        if let Some(count) = self.by_address.get_mut(&remote.ip()) {
            *count -= 1;
            if *count == 0 {
                self.by_address.remove(&remote.ip());
            }
        }
    }
}

async fn connect(flow: Flow, queue: mpsc::Receiver<Vec<u8>>, edge: Rc<Edge>) {
    match timeout(TCP_CONNECT_TIMEOUT, TcpStream::connect(flow.remote)).await {
        Ok(Ok(stream)) => converse(stream, flow, queue, edge).await,
        failed => {
            debug!(remote = %flow.remote, ?failed, "tcp connection not opened");
            edge.inbox.push(Message::SendFailed { flow });
            edge.ended(flow.connection);
        }
    }
}

async fn converse(stream: TcpStream, flow: Flow, queue: mpsc::Receiver<Vec<u8>>, edge: Rc<Edge>) {
    // A message is one write: waiting for more to send along only delays it.
    let _ = stream.set_nodelay(true);
    let (reader, writer) = stream.into_split();
    let failed = tokio::select! {
        () = read(reader, flow, &edge) => false,
        failed = write(writer, queue) => failed,
    };
    if failed {
        edge.inbox.push(Message::SendFailed { flow });
    }
    edge.ended(flow.connection);
}

async fn read(reader: OwnedReadHalf, flow: Flow, edge: &Edge) {
    let mut patience = TCP_FIRST_BYTES;
    loop {
        let Ok(Ok(())) = timeout(patience, reader.readable()).await else { return };
        // The permit is for bytes on their way to the engine: an idle connection holds none.
        let Ok(permit) = Arc::clone(&edge.pieces).acquire_owned().await else { return };
        let mut bytes = vec![0; TCP_READ_BYTES];
        match reader.try_read(&mut bytes) {
            Ok(0) => return,
            Ok(length) => {
                bytes.truncate(length);
                edge.inbox.push(Message::Received { flow, bytes, permit });
                patience = TCP_IDLE;
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(_) => return,
        }
    }
}

/// Writes what waits until the queue is closed; true when a message could not leave.
async fn write(mut writer: OwnedWriteHalf, mut queue: mpsc::Receiver<Vec<u8>>) -> bool {
    while let Some(bytes) = queue.recv().await {
        if !matches!(timeout(TCP_WRITE_TIMEOUT, writer.write_all(&bytes)).await, Ok(Ok(()))) {
            return true;
        }
    }
    let _ = writer.shutdown().await;
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};

    struct Bench {
        inbox: Arc<Inbox>,
        poll: mio::Poll,
        handle: Handle,
        thread: JoinHandle<()>,
        address: SocketAddr,
        waiting: std::collections::VecDeque<Message>,
    }

    impl Bench {
        fn new() -> Self {
            let poll = mio::Poll::new().expect("a poll");
            let inbox = Arc::new(Inbox::new(&poll).expect("an inbox"));
            let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
            listener.set_nonblocking(true).expect("non-blocking");
            let address = listener.local_addr().expect("bound");
            let (handle, thread) = start(vec![listener], Arc::clone(&inbox)).expect("starts");
            Self { inbox, poll, handle, thread, address, waiting: Default::default() }
        }

        fn next(&mut self) -> Message {
            let mut events = mio::Events::with_capacity(8);
            loop {
                if let Some(message) = self.waiting.pop_front() {
                    return message;
                }
                self.poll.poll(&mut events, Some(Duration::from_secs(10))).expect("polls");
                let mut batch = Vec::new();
                self.inbox.take(&mut batch);
                assert!(!batch.is_empty(), "nothing came in ten seconds");
                self.waiting.extend(batch);
            }
        }

        fn received(&mut self) -> (Flow, Vec<u8>) {
            match self.next() {
                Message::Received { flow, bytes, .. } => (flow, bytes),
                other => panic!("{other:?}"),
            }
        }
    }

    #[test]
    fn an_answer_goes_back_on_the_connection_it_came_by() {
        let mut bench = Bench::new();
        let mut peer = std::net::TcpStream::connect(bench.address).expect("connects");
        peer.write_all(b"hello").expect("writes");
        let (flow, bytes) = bench.received();
        assert_eq!((bytes.as_slice(), flow.local, flow.connection), (&b"hello"[..], bench.address, 1));
        assert!(bench.handle.send(flow, b"answer".to_vec()));
        let mut answer = [0; 6];
        peer.read_exact(&mut answer).expect("reads");
        assert_eq!(&answer, b"answer");
        drop(peer);
        assert!(matches!(bench.next(), Message::Disconnected { connection: 1 }));
    }

    #[test]
    fn a_flow_whose_connection_is_gone_opens_a_new_one_and_uses_it_again() {
        let mut bench = Bench::new();
        let peer = TcpListener::bind("127.0.0.1:0").expect("a port");
        let remote = peer.local_addr().expect("bound");
        let flow = Flow { transport: Transport::Tcp, local: bench.address, remote, connection: 77 };
        assert!(bench.handle.send(flow, b"one".to_vec()));
        assert!(bench.handle.send(flow, b"two".to_vec()));
        let (mut stream, _) = peer.accept().expect("accepts");
        let mut both = [0; 6];
        stream.read_exact(&mut both).expect("reads");
        assert_eq!(&both, b"onetwo");
        stream.write_all(b"back").expect("writes");
        assert_eq!(bench.received().0.remote, remote);
    }

    #[test]
    fn a_connection_that_cannot_be_opened_is_a_failed_send() {
        let mut bench = Bench::new();
        let closed = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("bound");
        let flow = Flow { transport: Transport::Tcp, local: bench.address, remote: closed, connection: 0 };
        assert!(bench.handle.send(flow, b"lost".to_vec()));
        assert!(matches!(bench.next(), Message::SendFailed { flow } if flow.remote == closed));
    }

    #[test]
    fn what_waits_leaves_before_a_connection_is_closed() {
        let mut bench = Bench::new();
        let mut peer = std::net::TcpStream::connect(bench.address).expect("connects");
        peer.write_all(b"broken").expect("writes");
        let (flow, _) = bench.received();
        assert!(bench.handle.send(flow, b"400".to_vec()));
        bench.handle.close(flow.connection);
        let mut all = Vec::new();
        peer.read_to_end(&mut all).expect("reads to the end");
        assert_eq!(all, b"400");
        assert!(matches!(bench.next(), Message::Disconnected { connection: 1 }));
    }

    #[test]
    fn dropping_the_handle_sends_what_waits_and_ends_the_thread() {
        let mut bench = Bench::new();
        let mut peer = std::net::TcpStream::connect(bench.address).expect("connects");
        peer.write_all(b"x").expect("writes");
        let (flow, _) = bench.received();
        assert!(bench.handle.send(flow, b"BYE".to_vec()));
        drop(bench.handle);
        bench.thread.join().expect("ends");
        let mut all = Vec::new();
        peer.read_to_end(&mut all).expect("reads to the end");
        assert_eq!(all, b"BYE");
    }

    #[test]
    fn one_address_cannot_take_all_connections() {
        let mut connections = Connections::default();
        let local = SocketAddr::from(([127, 0, 0, 1], 5060));
        let peer = |port| SocketAddr::from(([127, 0, 0, 2], port));
        for port in 1..=u16::try_from(TCP_CONNECTIONS_PER_ADDRESS_MAX).expect("small") {
            assert!(connections.admit(local, peer(port)).is_some());
        }
        assert!(connections.admit(local, peer(60_000)).is_none());
        assert!(connections.admit(local, SocketAddr::from(([127, 0, 0, 3], 1))).is_some());
        connections.remove(1);
        assert!(connections.admit(local, peer(60_000)).is_some());
    }
}
