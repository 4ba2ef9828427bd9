//! SIP over TLS from outside: a whole call, who may connect with which certificate, and new certificates without a restart.

use crate::certificates::{Authority, Life};
use crate::engine::{Engine, fails, folder, serve};
use crate::line::Line;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::time::{Duration, Instant};

/// An engine with a TLS listener, its authority's certificate beside it.
fn start(name: &str, authority: &Authority, more: &[(&str, &str)]) -> Engine {
    let folder = folder(name);
    let (certificate, key) = authority.issue(&["127.0.0.1", "1357.example"], Life::Long).write(&folder, "server");
    let (certificate, key) = (text(&certificate), text(&key));
    let mut settings =
        vec![("SIP__TLS", "127.0.0.1:0"), ("TLS__CERTIFICATE", certificate.as_str()), ("TLS__KEY", key.as_str())];
    settings.extend(more);
    Engine::start_with(folder, &settings)
}

fn text(path: &Path) -> String {
    path.display().to_string()
}

fn secure(engine: &Engine) -> SocketAddr {
    engine.addresses("TLS")[0]
}

#[test]
fn a_call_over_tls_is_answered_and_ended() {
    let authority = Authority::new("test");
    let engine = start("tls-call", &authority, &[]);
    let to = secure(&engine);
    let mut line = Line::tls(to, &authority.pem(), None).expect("a handshake");
    let answer = line.call("tls-call");
    assert!(answer.contains(&format!("Contact: <sip:1357@{to};transport=tls>")), "{answer}");
    assert!(answer.contains("Via: SIP/2.0/TLS "), "{answer}");
    drop(line);
    let mut end = engine;
    end.signal("-TERM");
    assert_eq!(end.end().0, Some(0));
    let records = end.records();
    assert_eq!((records.len(), &records[0]["dialled"]), (1, &"1357".into()));
}

#[test]
fn a_trunk_is_known_by_the_name_in_its_certificate_and_by_no_other() {
    let (authority, other) = (Authority::new("carriers"), Authority::new("somebody else"));
    let issuers = folder("tls-issuers");
    std::fs::write(issuers.join("ca.pem"), authority.pem()).expect("writes");
    let ca = text(&issuers.join("ca.pem"));
    let engine = start(
        "tls-trunk",
        &authority,
        &[("TLS__CLIENT_CA", &ca), ("TRUNK__KT__CERTIFICATE", "sbc.kt.example"), ("TRUNK__KT__TRANSPORT", "tls")],
    );
    let _ = std::fs::remove_dir_all(issuers);
    let to = secure(&engine);
    let right = authority.issue(&["sip:sbc.kt.example"], Life::Long);
    let mut line = Line::tls(to, &authority.pem(), Some(&right)).expect("a handshake");
    assert_eq!(line.options("right").expect("an answer"), "SIP/2.0 200 OK");
    line.call("trunk");
    for (case, own) in [
        ("no certificate", None),
        ("another name", Some(authority.issue(&["sbc.lg.example"], Life::Long))),
        ("a name beside its sip: name", Some(authority.issue(&["sip:lg.example", "sbc.kt.example"], Life::Long))),
        ("a wildcard", Some(authority.issue(&["*.kt.example"], Life::Long))),
        ("another issuer", Some(other.issue(&["sbc.kt.example"], Life::Long))),
        ("a certificate that ended", Some(authority.issue(&["sbc.kt.example"], Life::Over))),
    ] {
        // Refused in the handshake, or met with silence: no answer either way.
        if let Ok(mut line) = Line::tls(to, &authority.pem(), own.as_ref()) {
            line.patience(Duration::from_millis(300));
            assert!(line.options("wrong").is_err(), "{case}");
        }
    }
    // Without TLS nobody has a name, and nobody is answered.
    let mut plain = Line::udp(engine.address);
    plain.patience(Duration::from_millis(300));
    assert!(plain.options("plain").is_err());
    assert_eq!(line.options("still").expect("an answer"), "SIP/2.0 200 OK");
}

#[test]
fn a_new_certificate_is_shown_after_sighup_and_a_broken_one_never() {
    let authority = Authority::new("test");
    let mut engine = start("tls-reload", &authority, &[]);
    let to = secure(&engine);
    let mut log = BufReader::new(engine.process.stderr.take().expect("a pipe")).lines();
    let mut logged = |part: &str| {
        let found = log.by_ref().map(|line| line.expect("text")).find(|line| line.contains(part));
        assert!(found.is_some(), "{part} is not in the log");
    };
    let shown = |to| Line::tls(to, &authority.pem(), None).expect("a handshake").certificate();
    let mut old_line = Line::tls(to, &authority.pem(), None).expect("a handshake");
    let first = old_line.certificate();
    assert_eq!(old_line.options("before").expect("an answer"), "SIP/2.0 200 OK");

    authority.issue(&["127.0.0.1"], Life::Over).write(&engine.folder, "server");
    engine.signal("-HUP");
    logged("days ago");
    assert_eq!(shown(to), first, "one that has ended does not replace one that works");

    std::fs::write(engine.folder.join("server.pem"), "-----BEGIN").expect("writes");
    engine.signal("-HUP");
    logged("holds no certificate");
    assert_eq!(shown(to), first);

    let renewed = authority.issue(&["127.0.0.1"], Life::Long);
    renewed.write(&engine.folder, "server");
    engine.signal("-HUP");
    logged("certificate in use");
    let renewed = CertificateDer::from_pem_slice(renewed.certificate.as_bytes()).expect("a certificate");
    assert_eq!(shown(to), Some(renewed));
    old_line.call("through-it-all");
}

#[test]
fn half_open_handshakes_end_and_hinder_nobody() {
    let authority = Authority::new("test");
    let engine = start("tls-half-open", &authority, &[]);
    let to = secure(&engine);
    let mut line = Line::tls(to, &authority.pem(), None).expect("a handshake");
    // Silent ones, ones with half a ClientHello, and ones with something else.
    let mut half: Vec<TcpStream> = Vec::new();
    for index in 0..100 {
        let mut stream = TcpStream::connect(to).expect("connects");
        let bytes: &[u8] = match index % 3 {
            0 => b"",
            1 => &[0x16, 3, 1, 2, 0, 1, 0],
            _ => b"OPTIONS sip:1357@h SIP/2.0\r\n\r\n",
        };
        let _ = stream.write_all(bytes);
        half.push(stream);
    }
    assert_eq!(line.options("beside").expect("an answer"), "SIP/2.0 200 OK");
    line.call("beside");
    Line::udp(engine.address).call("beside-udp");
    let began = Instant::now();
    for mut stream in half {
        stream.set_read_timeout(Some(Duration::from_secs(20))).expect("a timeout");
        let mut rest = Vec::new();
        // An alert may come first; the end comes, or a reset.
        let end = stream.read_to_end(&mut rest);
        assert!(!matches!(end, Err(ref error) if error.kind() == std::io::ErrorKind::WouldBlock), "still open");
    }
    assert!(began.elapsed() < Duration::from_secs(20));
    assert!(Line::tls(to, &authority.pem(), None).is_ok(), "who comes afterwards finds room");
}

#[test]
fn files_that_make_no_certificate_are_told_at_the_start() {
    let folder = folder("tls-broken");
    std::fs::write(folder.join("server.pem"), "nothing").expect("writes");
    let output = serve()
        .env("IVR1357__SIP__LISTEN", "127.0.0.1:0")
        .env("IVR1357__SIP__TLS", "127.0.0.1:0")
        .env("IVR1357__TLS__CERTIFICATE", folder.join("server.pem"))
        .env("IVR1357__TLS__KEY", folder.join("server.key"))
        .env("IVR1357__RECORDS__FILE", folder.join("calls.jsonl"))
        .output()
        .expect("runs");
    let (code, text) = fails(output);
    assert_eq!(code, Some(2), "{text}");
    assert!(text.contains("tls.certificate") && text.contains("server.pem"), "{text}");
    let _ = std::fs::remove_dir_all(folder);
}
