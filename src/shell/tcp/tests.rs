use super::*;
use crate::shell::certificates::{self, Authority, Life};
use crate::shell::patient::patiently;
use crate::shell::settings::TlsFiles;
use crate::sip::trunk::Trunk;
use std::collections::VecDeque;
use std::io::{Read, Write};
use std::time::Duration;

struct Bench {
    inbox: Arc<Inbox>,
    poll: mio::Poll,
    handle: Handle,
    thread: JoinHandle<()>,
    address: SocketAddr,
    waiting: VecDeque<Message>,
}

impl Bench {
    fn new() -> Self {
        Self::with(Transport::Tcp, |_| {})
    }

    fn with(transport: Transport, change: impl FnOnce(&mut Parts)) -> Self {
        let poll = mio::Poll::new().expect("a poll");
        let inbox = Arc::new(Inbox::new(&poll).expect("an inbox"));
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        listener.set_nonblocking(true).expect("non-blocking");
        let address = listener.local_addr().expect("bound");
        let mut parts = Parts {
            listeners: vec![(transport, address, listener)],
            inbox: Arc::clone(&inbox),
            peers: Peers::default(),
            views: Views::default(),
            tls: Arc::new(Tls::load(TlsFiles::default()).expect("no files")),
            caps: Caps { all: 100, per_address: 50 },
            patience: Patience::default(),
        };
        change(&mut parts);
        let (handle, thread) = start(parts).expect("starts");
        Self { inbox, poll, handle, thread, address, waiting: VecDeque::new() }
    }

    fn next(&mut self) -> Message {
        let mut events = mio::Events::with_capacity(8);
        loop {
            if let Some(message) = self.waiting.pop_front() {
                return message;
            }
            patiently(|| self.poll.poll(&mut events, Some(Duration::from_secs(10)))).expect("polls");
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

    fn flow(&self, transport: Transport, remote: SocketAddr) -> Flow {
        Flow { transport, local: self.address, remote, connection: 0 }
    }
}

fn peer() -> (TcpListener, SocketAddr) {
    let peer = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = peer.local_addr().expect("bound");
    (peer, address)
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
    let (peer, remote) = peer();
    let flow = Flow { connection: 77, ..bench.flow(Transport::Tcp, remote) };
    assert!(bench.handle.send(flow, b"one".to_vec()));
    assert!(bench.handle.send(flow, b"two".to_vec()));
    let (mut stream, from) = peer.accept().expect("accepts");
    assert_eq!(from.ip(), bench.address.ip());
    let mut both = [0; 6];
    stream.read_exact(&mut both).expect("reads");
    assert_eq!(&both, b"onetwo");
    stream.write_all(b"back").expect("writes");
    let (flow, _) = bench.received();
    assert_eq!(
        (flow.remote, flow.local),
        (remote, bench.address),
        "peers are told where we listen, not where we came from"
    );
}

#[test]
fn what_is_meant_for_a_port_goes_to_nobody_who_only_connected_from_it() {
    let mut bench = Bench::new();
    let mut thief = std::net::TcpStream::connect(bench.address).expect("connects");
    thief.write_all(b"Via: SIP/2.0/TCP victim;alias").expect("writes");
    let (flow, _) = bench.received();
    assert!(bench.handle.send(Flow { connection: 0, ..flow }, b"secret".to_vec()));
    assert!(matches!(bench.next(), Message::SendFailed { .. }), "nobody listens there");
}

#[test]
fn a_connection_that_cannot_be_opened_is_a_failed_send() {
    let mut bench = Bench::new();
    let (listener, closed) = peer();
    drop(listener);
    assert!(bench.handle.send(bench.flow(Transport::Tcp, closed), b"lost".to_vec()));
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
fn a_connection_that_says_nothing_but_empty_lines_is_closed_soon() {
    let mut bench = Bench::with(Transport::Tcp, |parts| parts.patience.first_bytes = Duration::from_millis(200));
    let mut silent = std::net::TcpStream::connect(bench.address).expect("connects");
    let mut empty = std::net::TcpStream::connect(bench.address).expect("connects");
    empty.write_all(b"\r\n\r\n").expect("writes");
    for peer in [&mut silent, &mut empty] {
        peer.set_read_timeout(Some(Duration::from_secs(5))).expect("a timeout");
        assert_eq!(peer.read(&mut [0; 8]).expect("the end"), 0);
    }
    assert_eq!(bench.received().1, b"\r\n\r\n", "the engine answers pings");
}

#[test]
fn a_peer_that_answered_a_ping_once_must_go_on_answering() {
    let quick = |parts: &mut Parts| {
        parts.patience.ping_every = Duration::from_millis(100);
        parts.patience.pong = Duration::from_millis(300);
    };
    for answers in [0, 1, 2] {
        let mut bench = Bench::with(Transport::Tcp, quick);
        let (peer, remote) = peer();
        assert!(bench.handle.send(bench.flow(Transport::Tcp, remote), b"REGISTER".to_vec()));
        let (mut stream, _) = peer.accept().expect("accepts");
        stream.set_read_timeout(Some(Duration::from_secs(5))).expect("a timeout");
        let mut request = [0; 8];
        stream.read_exact(&mut request).expect("reads");
        let mut ping = [0; 4];
        for _ in 0..answers {
            stream.read_exact(&mut ping).expect("a ping");
            assert_eq!(&ping, b"\r\n\r\n");
            stream.write_all(b"\r\n").expect("writes");
        }
        stream.read_exact(&mut ping).expect("another ping");
        if answers == 0 {
            stream.read_exact(&mut ping).expect("and another: it may not know pings");
        } else {
            assert_eq!(stream.read(&mut ping).expect("the end"), 0);
            assert!(matches!(bench.next(), Message::Disconnected { .. }), "no pong reaches the engine");
        }
    }
}

#[test]
fn a_stranger_is_let_in_by_no_transport_and_a_trunk_past_the_caps() {
    let trunk = |address: &str| Trunk::new("kt", vec![address.parse().expect("a network")]);
    let bench = Bench::with(Transport::Tcp, |parts| parts.peers.trunks = vec![trunk("192.0.2.1")]);
    let mut stranger = std::net::TcpStream::connect(bench.address).expect("connects");
    assert_eq!(stranger.read(&mut [0; 8]).unwrap_or(0), 0, "closed at once");
    let mut bench = Bench::with(Transport::Tcp, |parts| {
        parts.peers.trunks = vec![trunk("127.0.0.1")];
        parts.caps.per_address = 1;
    });
    let mut connections = Vec::new();
    for _ in 0..5 {
        let mut connection = std::net::TcpStream::connect(bench.address).expect("connects");
        connection.write_all(b"hello").expect("writes");
        bench.received();
        connections.push(connection);
    }
}

// ---- TLS -----------------------------------------------------------------------------------------------------------

/// A peer with a certificate for these names; says what it heard first.
fn tls_peer(issued: &certificates::Issued) -> (SocketAddr, std::thread::JoinHandle<Option<Vec<u8>>>) {
    use rustls::pki_types::PrivateKeyDer;
    use rustls::pki_types::pem::PemObject;
    let certificate = CertificateDer::from_pem_slice(issued.certificate.as_bytes()).expect("a certificate");
    let key = PrivateKeyDer::from_pem_slice(issued.key.as_bytes()).expect("a key");
    let config = rustls::ServerConfig::builder_with_provider(rustls::crypto::ring::default_provider().into())
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .expect("they fit");
    let (listener, address) = peer();
    let thread = std::thread::spawn(move || {
        let (stream, _) = listener.accept().ok()?;
        stream.set_read_timeout(Some(Duration::from_secs(5))).ok()?;
        let connection = rustls::ServerConnection::new(Arc::new(config)).ok()?;
        let mut stream = rustls::StreamOwned::new(connection, stream);
        let mut bytes = vec![0; 64];
        let length = stream.read(&mut bytes).ok().filter(|length| *length > 0)?;
        bytes.truncate(length);
        stream.write_all(b"answer").ok()?;
        stream.flush().ok()?;
        Some(bytes)
    });
    (address, thread)
}

#[test]
fn a_tls_connection_is_opened_only_to_the_expected_name() {
    let folder = std::env::temp_dir().join(format!("ivr1357-tcp-tls-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let authority = Authority::new("test");
    std::fs::write(folder.join("ca.pem"), authority.pem()).expect("writes");
    let files = TlsFiles { ca: Some(folder.join("ca.pem")), ..TlsFiles::default() };
    let tls = Arc::new(Tls::load(files).expect("loads"));
    std::fs::remove_dir_all(folder).expect("removes");
    for (names, life, expected, opened) in [
        (&["sip:kt.example"][..], Life::Long, Some("kt.example"), true),
        (&["sip:kt.example"], Life::Long, Some("lg.example"), false),
        (&["sip:kt.example"], Life::Long, None, false),
        (&["sip:kt.example"], Life::Over, Some("kt.example"), false),
        (&["*.kt.example"], Life::Long, Some("sbc.kt.example"), false),
        (&["127.0.0.1"], Life::Long, Some("127.0.0.1"), true),
    ] {
        let mut bench = Bench::with(Transport::Tls, |parts| parts.tls = Arc::clone(&tls));
        let (remote, peer) = tls_peer(&authority.issue(names, life));
        if let Some(name) = expected {
            bench.handle.expect(remote, name.to_owned());
        }
        assert!(bench.handle.send(bench.flow(Transport::Tls, remote), b"INVITE".to_vec()));
        if opened {
            let own = names[0].trim_start_matches("sip:");
            assert!(matches!(bench.next(), Message::Secured { names, .. } if names == [own]), "{names:?}");
            assert_eq!(bench.received().1, b"answer");
            assert_eq!(peer.join().expect("ends").as_deref(), Some(&b"INVITE"[..]));
        } else {
            assert!(matches!(bench.next(), Message::SendFailed { .. }), "{names:?} for {expected:?}");
            // Without a name nobody even knocks: the door is opened so that its thread ends.
            let _ = std::net::TcpStream::connect(remote);
            drop(bench);
            assert_eq!(peer.join().expect("ends"), None, "not a byte reached the wrong peer");
        }
    }
}
