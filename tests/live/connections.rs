//! Connections as attackers and networks make them, on real sockets: crowds, slow writers, caps, two address families.

use crate::engine::{Engine, folder};
use crate::line::{Line, connect_from};
use std::io::{Read, Write};
use std::net::{IpAddr, TcpStream};
use std::time::{Duration, Instant};

fn loopback(last: u8) -> IpAddr {
    IpAddr::from([127, 0, 0, last])
}

/// The end of a connection, by a close or a reset; panics while it lives on.
fn wait_for_end(stream: &mut TcpStream, patience: Duration) {
    stream.set_read_timeout(Some(patience)).expect("a timeout");
    let mut bytes = [0; 512];
    loop {
        match stream.read(&mut bytes) {
            Ok(0) => return,
            Ok(_) => {}
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => panic!("still open after {patience:?}"),
            Err(_) => return,
        }
    }
}

#[test]
fn ten_thousand_idle_connections_leave_calls_and_memory_alone() {
    // Both ends of each connection are open files, half of them here.
    let files = rlimit::increase_nofile_limit(u64::MAX).expect("a limit");
    let crowd = usize::try_from(files.saturating_sub(500)).expect("small").min(10_000);
    eprintln!("{crowd} connections of {files} files");
    let engine = Engine::start_with(
        folder("crowd"),
        &[("LIMITS__CONNECTIONS", "12000"), ("LIMITS__CONNECTIONS_PER_ADDRESS", "1500")],
    );
    let mut line = Line::tcp(engine.address);
    line.call("before");
    let before = engine.memory();
    let mut idle = Vec::with_capacity(crowd);
    for index in 0..crowd {
        let from = loopback(10 + u8::try_from(index / 1000).expect("small"));
        let mut peer = Line::tcp_from(from, engine.address).expect("connects");
        // Whoever has spoken once may stay for an hour.
        let request = peer.request("OPTIONS", &format!("idle{index}"), 1, "", "");
        peer.send(request.as_bytes()).expect("sends");
        idle.push(peer);
    }
    for peer in &mut idle {
        assert!(peer.message().expect("an answer").starts_with("SIP/2.0 200 "));
    }
    let held = engine.memory().saturating_sub(before);
    eprintln!("{held} KiB for {crowd} connections");
    assert!(held < 8 * crowd as u64, "{held} KiB for {crowd} connections");
    for call in 0..20 {
        line.call(&format!("tcp{call}"));
        Line::udp(engine.address).call(&format!("udp{call}"));
    }
    Line::tcp(engine.address).call("newcomer");
}

#[test]
fn a_message_that_trickles_in_is_given_up_and_half_messages_are_bounded() {
    let engine = Engine::start("slow");
    let mut slow: Vec<TcpStream> = (0..50).map(|_| TcpStream::connect(engine.address).expect("connects")).collect();
    let began = Instant::now();
    let head = b"OPTIONS sip:1357@h SIP/2.0\r\nVia: SIP/2.0/TCP h;branch=z9hG4bKslow\r\nSubject: ";
    for stream in &mut slow {
        stream.write_all(head).expect("writes");
        stream.set_read_timeout(Some(Duration::from_millis(50))).expect("a timeout");
    }
    // A byte now and then buys no time: reading paces the loop.
    let mut open = slow;
    while !open.is_empty() {
        assert!(began.elapsed() < Duration::from_secs(20), "{} still open", open.len());
        open.retain_mut(|stream| {
            let mut bytes = [0; 16];
            let ended = stream.write_all(b"x").is_err() || matches!(stream.read(&mut bytes), Ok(0));
            !ended
        });
    }
    Line::udp(engine.address).call("after");
    Line::tcp(engine.address).call("after-tcp");
}

#[test]
fn one_address_has_its_share_of_connections_and_a_trunk_has_no_share() {
    let engine = Engine::start_with(
        folder("caps"),
        &[
            ("LIMITS__CONNECTIONS_PER_ADDRESS", "4"),
            ("TRUNK__KT__ADDRESSES", "127.0.0.2"),
            // Whoever answers its challenge is this one: anybody may connect and try.
            ("TRUNK__LG__DIGEST__USER", "lg"),
            ("TRUNK__LG__DIGEST__PASSWORD", "secret"),
        ],
    );
    let connect = |last| connect_from(loopback(last), engine.address).expect("connects");
    let held: Vec<TcpStream> = (0..4).map(|_| connect(3)).collect();
    wait_for_end(&mut connect(3), Duration::from_secs(5));
    let mut trunk: Vec<Line> =
        (0..20).map(|_| Line::tcp_from(loopback(2), engine.address).expect("connects")).collect();
    for (index, line) in trunk.iter_mut().enumerate() {
        assert_eq!(line.options(&format!("trunk{index}")).expect("an answer"), "SIP/2.0 200 OK");
    }
    drop(held);
}

#[test]
fn a_stranger_is_closed_at_once_or_told_403() {
    let trunk = ("TRUNK__KT__ADDRESSES", "192.0.2.1");
    let engine = Engine::start_with(folder("silent"), &[trunk]);
    wait_for_end(&mut TcpStream::connect(engine.address).expect("connects"), Duration::from_secs(5));
    let engine = Engine::start_with(folder("told"), &[trunk, ("SIP__STRANGERS", "403")]);
    for mut line in [Line::tcp(engine.address), Line::udp(engine.address)] {
        assert_eq!(line.options("stranger").expect("an answer"), "SIP/2.0 403 Forbidden");
    }
}

#[test]
fn both_families_are_served_each_with_its_own_addresses() {
    let engine = Engine::start_with(folder("families"), &[("SIP__LISTEN", "127.0.0.1:0,[::1]:0")]);
    let addresses = engine.addresses("SIP");
    assert_eq!(addresses.iter().map(|address| address.is_ipv6()).collect::<Vec<_>>(), [false, true]);
    for to in addresses {
        let (family, ip) = if to.is_ipv4() { ("IP4", "127.0.0.1") } else { ("IP6", "::1") };
        for (mut line, parameter) in [(Line::udp(to), ""), (Line::tcp(to), ";transport=tcp")] {
            let answer = line.call("family");
            assert!(answer.contains(&format!("Contact: <sip:1357@{to}{parameter}>")), "{answer}");
            assert!(answer.contains(&format!("c=IN {family} {ip}\r\n")), "{answer}");
        }
    }
}

#[test]
fn an_advertised_address_is_what_peers_see() {
    let engine = Engine::start_with(folder("advertised"), &[("SIP__ADVERTISE", "127.9.9.9:7000")]);
    for mut line in [Line::udp(engine.address), Line::tcp(engine.address)] {
        let answer = line.call("advertised");
        assert!(answer.contains("Contact: <sip:1357@127.9.9.9:7000"), "{answer}");
        assert!(answer.contains("c=IN IP4 127.9.9.9\r\n"), "{answer}");
    }
}

#[test]
fn a_caller_whose_connection_died_with_the_engine_is_called_at_its_contact_to_be_told_the_end() {
    let mut engine = Engine::start("orphan-tcp");
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    socket2::SockRef::from(&listener).set_read_timeout(Some(Duration::from_secs(10))).expect("a timeout");
    let mut line = Line::tcp(engine.address);
    let contact = format!("<sip:test@{};transport=tcp>", listener.local_addr().expect("bound"));
    let ours = format!("<sip:test@{};transport=tcp>", line.us());
    let sdp = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 9 RTP/AVP 8\r\n";
    line.send(line.request("INVITE", "orphan", 1, "", sdp).replace(&ours, &contact).as_bytes()).expect("sends");
    let answer = line.wait_for("SIP/2.0 200 ");
    let tag = answer.lines().find(|line| line.starts_with("To:")).and_then(|line| line.split_once(";tag="));
    let tag = format!(";tag={}", tag.expect("a tag").1);
    line.send(line.request("ACK", "orphan", 1, &tag, "").as_bytes()).expect("sends");
    engine.signal("-KILL");
    engine.end();
    let again = Engine::start_in(std::mem::take(&mut engine.folder));
    let (mut stream, _) = listener.accept().expect("a connection");
    stream.set_read_timeout(Some(Duration::from_secs(10))).expect("a timeout");
    let mut bytes = [0; 4096];
    let length = stream.read(&mut bytes).expect("a message");
    let bye = String::from_utf8_lossy(&bytes[..length]).into_owned();
    assert!(bye.starts_with(&format!("BYE {} SIP/2.0\r\n", contact.trim_matches(['<', '>']))), "{bye}");
    assert!(bye.contains(&format!("{tag}\r\n")) && bye.contains(";tag=1\r\n"), "{bye}");
    drop(again);
}
