//! A peer's end of a connection, or of a UDP socket: writes requests by hand and reads what comes back.

use crate::certificates::Issued;
use crate::patient::patiently;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use std::io::{self, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpStream, UdpSocket};
use std::sync::Arc;
use std::time::Duration;

/// How long anything may take before a test fails.
const PATIENCE: Duration = Duration::from_secs(10);

/// The bytes of one way to the engine.
pub enum Way {
    Udp(UdpSocket),
    Tcp(TcpStream),
    Tls(Box<rustls::StreamOwned<rustls::ClientConnection, TcpStream>>),
}

/// A way to the engine and what came by it.
pub struct Line {
    way: Way,
    us: SocketAddr,
    to: SocketAddr,
    transport: &'static str,
    buffer: Vec<u8>,
}

impl Line {
    pub fn udp(to: SocketAddr) -> Self {
        let any = if to.is_ipv4() { "127.0.0.1:0" } else { "[::1]:0" };
        let socket = UdpSocket::bind(any).expect("a port");
        socket.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        let us = socket.local_addr().expect("bound");
        Self { way: Way::Udp(socket), us, to, transport: "UDP", buffer: Vec::new() }
    }

    pub fn tcp(to: SocketAddr) -> Self {
        Self::over(TcpStream::connect(to).expect("connects"), to)
    }

    /// From another address of this machine.
    pub fn tcp_from(from: IpAddr, to: SocketAddr) -> io::Result<Self> {
        Ok(Self::over(connect_from(from, to)?, to))
    }

    fn over(stream: TcpStream, to: SocketAddr) -> Self {
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        let us = stream.local_addr().expect("bound");
        Self { way: Way::Tcp(stream), us, to, transport: "TCP", buffer: Vec::new() }
    }

    /// Under TLS, believing `authority`, showing a certificate of its own if it has one.
    pub fn tls(to: SocketAddr, authority: &str, own: Option<&Issued>) -> io::Result<Self> {
        let stream = TcpStream::connect(to)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        let us = stream.local_addr()?;
        let mut connection = client(to, authority, own);
        let mut socket = stream;
        while connection.is_handshaking() {
            connection.complete_io(&mut socket)?;
        }
        let way = Way::Tls(Box::new(rustls::StreamOwned::new(connection, socket)));
        Ok(Self { way, us, to, transport: "TLS", buffer: Vec::new() })
    }

    /// The certificate that the engine showed.
    pub fn certificate(&self) -> Option<CertificateDer<'static>> {
        match &self.way {
            Way::Tls(stream) => stream.conn.peer_certificates().and_then(|all| all.first()).cloned(),
            Way::Udp(_) | Way::Tcp(_) => None,
        }
    }

    pub fn us(&self) -> SocketAddr {
        self.us
    }

    pub fn patience(&self, patience: Duration) {
        let set = match &self.way {
            Way::Udp(socket) => socket.set_read_timeout(Some(patience)),
            Way::Tcp(stream) => stream.set_read_timeout(Some(patience)),
            Way::Tls(stream) => stream.sock.set_read_timeout(Some(patience)),
        };
        set.expect("a timeout");
    }

    pub fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        match &mut self.way {
            Way::Udp(socket) => socket.send_to(bytes, self.to).map(drop),
            Way::Tcp(stream) => stream.write_all(bytes),
            Way::Tls(stream) => stream.write_all(bytes).and_then(|()| stream.flush()),
        }
    }

    /// Some bytes; none at the end.
    pub fn read(&mut self) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; 8192];
        let length = match &mut self.way {
            Way::Udp(socket) => patiently(|| socket.recv(&mut bytes)),
            Way::Tcp(stream) => patiently(|| stream.read(&mut bytes)),
            Way::Tls(stream) => patiently(|| stream.read(&mut bytes)),
        }?;
        bytes.truncate(length);
        Ok(bytes)
    }

    /// The next whole message.
    pub fn message(&mut self) -> io::Result<String> {
        loop {
            if let Some(message) = self.cut() {
                return Ok(message);
            }
            let bytes = self.read()?;
            if bytes.is_empty() {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            self.buffer.extend(bytes);
        }
    }

    fn cut(&mut self) -> Option<String> {
        let text = String::from_utf8_lossy(&self.buffer).into_owned();
        let (head, _) = text.split_once("\r\n\r\n")?;
        let length = head.lines().find_map(|line| line.strip_prefix("Content-Length:")).map_or("0", str::trim);
        let end = head.len() + 4 + length.parse::<usize>().expect("a length");
        (self.buffer.len() >= end).then(|| {
            let message = text[..end].to_owned();
            self.buffer.drain(..end);
            message
        })
    }

    /// Reads until a message begins so.
    pub fn wait_for(&mut self, start: &str) -> String {
        loop {
            let message = self.message().unwrap_or_else(|error| panic!("no {start}: {error}"));
            if message.starts_with(start) {
                return message;
            }
        }
    }

    pub fn request(&self, method: &str, call: &str, cseq: u32, tag: &str, body: &str) -> String {
        let Self { us, to, transport, .. } = self;
        let parameter = match *transport {
            "UDP" => String::new(),
            other => format!(";transport={}", other.to_ascii_lowercase()),
        };
        format!(
            "{method} sip:1357@{to} SIP/2.0\r\nVia: SIP/2.0/{transport} {us};branch=z9hG4bK{call}{method}{cseq};rport\r\n\
             Max-Forwards: 70\r\nFrom: <sip:01012345678@{us}>;tag=1\r\nTo: <sip:1357@{to}>{tag}\r\nCall-ID: {call}@{us}\r\n\
             CSeq: {cseq} {method}\r\nContact: <sip:test@{us}{parameter}>\r\nContent-Type: application/sdp\r\n\
             Content-Length: {}\r\n\r\n{body}",
            body.len()
        )
    }

    /// OPTIONS, and the status of its answer.
    pub fn options(&mut self, call: &str) -> io::Result<String> {
        let request = self.request("OPTIONS", call, 1, "", "");
        self.send(request.as_bytes())?;
        Ok(self.message()?.lines().next().unwrap_or_default().to_owned())
    }

    /// A whole call: INVITE, 200, ACK, BYE, 200. What the 200 of the INVITE said.
    pub fn call(&mut self, call: &str) -> String {
        let sound = UdpSocket::bind((self.us.ip(), 0)).expect("a port");
        let (ip, port) = (self.us.ip(), sound.local_addr().expect("bound").port());
        let family = if ip.is_ipv4() { "IP4" } else { "IP6" };
        let sdp = format!(
            "v=0\r\no=- 1 1 IN {family} {ip}\r\ns=-\r\nc=IN {family} {ip}\r\nt=0 0\r\nm=audio {port} RTP/AVP 8\r\n"
        );
        self.send(self.request("INVITE", call, 1, "", &sdp).as_bytes()).expect("sends");
        let answer = self.wait_for("SIP/2.0 200 ");
        let tag = answer.lines().find(|line| line.starts_with("To:")).and_then(|line| line.split_once(";tag="));
        let tag = format!(";tag={}", tag.expect("a tag").1);
        self.send(self.request("ACK", call, 1, &tag, "").as_bytes()).expect("sends");
        self.send(self.request("BYE", call, 2, &tag, "").as_bytes()).expect("sends");
        let bye = self.wait_for("SIP/2.0 200 ");
        assert!(bye.contains("CSeq: 2 BYE"), "{bye}");
        answer
    }
}

/// A header of a message.
pub fn header<'a>(message: &'a str, name: &str) -> &'a str {
    let value = message.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
    value.unwrap_or_else(|| panic!("no {name} in\n{message}"))
}

/// Connects from this address of ours.
pub fn connect_from(from: IpAddr, to: SocketAddr) -> io::Result<TcpStream> {
    let socket = socket2::Socket::new(socket2::Domain::for_address(to), socket2::Type::STREAM, None)?;
    socket.bind(&SocketAddr::new(from, 0).into())?;
    socket.connect(&to.into())?;
    Ok(socket.into())
}

fn client(to: SocketAddr, authority: &str, own: Option<&Issued>) -> rustls::ClientConnection {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(authority.as_bytes()).expect("a certificate")).expect("an issuer");
    let builder = rustls::ClientConfig::builder_with_provider(rustls::crypto::ring::default_provider().into())
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(roots);
    let config = match own {
        Some(own) => {
            let chain = vec![CertificateDer::from_pem_slice(own.certificate.as_bytes()).expect("a certificate")];
            let key = PrivateKeyDer::from_pem_slice(own.key.as_bytes()).expect("a key");
            builder.with_client_auth_cert(chain, key).expect("they fit")
        }
        None => builder.with_no_client_auth(),
    };
    rustls::ClientConnection::new(Arc::new(config), ServerName::from(to.ip())).expect("a client")
}
