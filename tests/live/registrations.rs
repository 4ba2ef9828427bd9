//! A trunk that we register with, against the real program: what `ivr1357 status` shows, how its way is kept open, who may
//! call by it.

use crate::engine::{Engine, command, folder};
use crate::patient::patiently;
use std::net::{SocketAddr, UdpSocket};
use std::time::Duration;

/// A carrier that is registrar and proxy in one.
struct Registrar {
    socket: UdpSocket,
    engine: Option<SocketAddr>,
}

impl Registrar {
    fn new() -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").expect("a port");
        socket.set_read_timeout(Some(Duration::from_secs(10))).expect("a timeout");
        Self { socket, engine: None }
    }

    fn us(&self) -> SocketAddr {
        self.socket.local_addr().expect("bound")
    }

    /// Reads until something begins so.
    fn wait_for(&mut self, start: &str) -> String {
        let mut bytes = [0; 4096];
        loop {
            let (length, from) =
                patiently(|| self.socket.recv_from(&mut bytes)).unwrap_or_else(|error| panic!("no {start:?}: {error}"));
            self.engine = Some(from);
            let text = String::from_utf8_lossy(&bytes[..length]).into_owned();
            if text.starts_with(start) {
                return text;
            }
        }
    }

    fn answer(&self, request: &str, status: &str, more: &str) {
        let header = |name: &str| {
            let value = request.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
            value.unwrap_or_else(|| panic!("no {name} in\n{request}")).to_owned()
        };
        let text = format!(
            "SIP/2.0 {status}\r\nVia: {}\r\nFrom: {}\r\nTo: {};tag=r\r\nCall-ID: {}\r\nCSeq: {}\r\n{more}Content-Length: 0\r\n\r\n",
            header("Via"),
            header("From"),
            header("To"),
            header("Call-ID"),
            header("CSeq")
        );
        self.socket.send_to(text.as_bytes(), self.engine.expect("an engine")).expect("sends");
    }
}

/// What `ivr1357 status` says, and its exit code.
fn status(engine: &Engine, words: &[&str]) -> (Option<i32>, String) {
    let mut command = command();
    command.args(["status", "--lang", "en"]).args(words);
    command.env("IVR1357__RECORDS__FILE", engine.folder.join("calls.jsonl"));
    let output = command.output().expect("runs");
    (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Until it says so: the engine takes a moment.
fn wait_for_status(engine: &Engine, code: i32, words: &str) -> String {
    for _ in 0..100 {
        let (found, text) = status(engine, &[]);
        if found == Some(code) && text.contains(words) {
            return text;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    panic!("never {words:?}: {:?}", status(engine, &[]));
}

#[test]
fn a_registration_is_shown_kept_open_and_calls_come_by_it() {
    let mut registrar = Registrar::new();
    let (uri, address) = (format!("sip:{}", registrar.us()), format!("sip:1357@{}", registrar.us()));
    let mut engine = Engine::start_with(
        folder("registered"),
        &[
            ("TRUNK__KT__REGISTRAR", uri.as_str()),
            ("TRUNK__KT__ADDRESS_OF_RECORD", address.as_str()),
            ("TRUNK__KT__KEEPALIVE", "5s"),
        ],
    );
    let register = registrar.wait_for("REGISTER ");
    wait_for_status(&engine, 1, "trunk kt: not registered\n");
    // Nobody who was not reached yet may call.
    let stranger = UdpSocket::bind("127.0.0.2:0").expect("a port");
    stranger.set_read_timeout(Some(Duration::from_millis(300))).expect("a timeout");

    registrar.answer(&register, "200 OK", "Expires: 600\r\n");
    let text = wait_for_status(&engine, 0, "trunk kt: registered until 2026-11-24T");
    assert!(text.contains("(last answer 200)"), "{text}");
    let (_, json) = status(&engine, &["--json"]);
    let json: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!((&json["trunks"][0]["trunk"], &json["trunks"][0]["status"]), (&"kt".into(), &200.into()));

    let (to, us) = (engine.address, registrar.us());
    let options = |from: SocketAddr| {
        format!(
            "OPTIONS sip:1357@{to} SIP/2.0\r\nVia: SIP/2.0/UDP {from};branch=z9hG4bKo;rport\r\nMax-Forwards: 70\r\n\
             From: <sip:kt@{from}>;tag=1\r\nTo: <sip:1357@{to}>\r\nCall-ID: o@{from}\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n"
        )
    };
    registrar.socket.send_to(options(us).as_bytes(), to).expect("sends");
    registrar.wait_for("SIP/2.0 200 ");
    stranger.send_to(options(stranger.local_addr().expect("bound")).as_bytes(), to).expect("sends");
    assert!(stranger.recv(&mut [0; 2048]).is_err(), "silence for everybody else");
    // An empty datagram, and nothing that a peer would have to answer.
    assert_eq!(registrar.wait_for("\r\n"), "\r\n\r\n");

    engine.signal("-TERM");
    let removal = registrar.wait_for("REGISTER ");
    assert!(removal.contains("Expires: 0\r\n"), "{removal}");
    registrar.answer(&removal, "200 OK", "");
    let (code, log) = engine.end();
    assert_eq!(code, Some(0), "{log}");
    assert!(log.contains("registered") && log.contains("no longer registered"), "{log}");
}
