//! `ivr1357 serve` between a caller and a centre on real sockets: both hear each other, byte for byte, and each other's goodbye.

#![allow(clippy::disallowed_methods)] // Real sockets need real time.

mod common;

use common::engine::{Engine, folder};
use std::fs;
use std::net::{SocketAddr, UdpSocket};
use std::time::Duration;

/// A telephone: its signalling and its sound.
struct Phone {
    sip: UdpSocket,
    sound: UdpSocket,
    sequence: u16,
}

impl Phone {
    fn new() -> Self {
        let socket = || {
            let socket = UdpSocket::bind("127.0.0.1:0").expect("a port");
            socket.set_read_timeout(Some(Duration::from_secs(20))).expect("a timeout");
            socket
        };
        Self { sip: socket(), sound: socket(), sequence: 0 }
    }

    fn at(&self) -> SocketAddr {
        self.sip.local_addr().expect("bound")
    }

    fn sdp(&self) -> String {
        let port = self.sound.local_addr().expect("bound").port();
        format!(
            "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio {port} RTP/AVP 8 101\r\n\
             a=rtpmap:101 telephone-event/8000\r\n"
        )
    }

    /// Reads until a message begins so; where it came from.
    fn wait_for(&self, start: &str) -> (SocketAddr, String) {
        let mut bytes = [0; 4096];
        loop {
            let (length, from) = self.sip.recv_from(&mut bytes).unwrap_or_else(|error| panic!("no {start}: {error}"));
            let text = String::from_utf8_lossy(&bytes[..length]).into_owned();
            if text.starts_with(start) {
                return (from, text);
            }
        }
    }

    /// Answers a request.
    fn answers(&self, to: SocketAddr, request: &str, status: &str, body: &str) {
        let mut text = format!("SIP/2.0 {status}\r\n");
        for line in request.lines().take_while(|line| !line.is_empty()) {
            match line.split(':').next() {
                Some("Via" | "From" | "Call-ID" | "CSeq") => text += &format!("{line}\r\n"),
                Some("To") if line.contains(";tag=") => text += &format!("{line}\r\n"),
                Some("To") => text += &format!("{line};tag=centre\r\n"),
                _ => {}
            }
        }
        let (us, length) = (self.at(), body.len());
        text += &format!(
            "Contact: <sip:centre@{us}>\r\nContent-Type: application/sdp\r\nContent-Length: {length}\r\n\r\n{body}"
        );
        self.sip.send_to(text.as_bytes(), to).expect("sent");
    }

    fn says(&mut self, to: SocketAddr, payload: [u8; 160]) {
        let sequence = self.sequence.to_be_bytes();
        let mut packet = vec![0x80, 8, sequence[0], sequence[1]];
        packet.extend((u32::from(self.sequence) * 160).to_be_bytes());
        packet.extend(7u32.to_be_bytes());
        packet.extend(payload);
        self.sequence += 1;
        self.sound.send_to(&packet, to).expect("sent");
    }

    /// Whether this sound is among what is heard in the next second.
    fn hears(&self, payload: [u8; 160]) -> bool {
        let mut bytes = [0; 2048];
        (0..50).any(|_| {
            let length = self.sound.recv(&mut bytes).expect("a packet in time");
            bytes.get(12..length) == Some(&payload)
        })
    }
}

/// The port of the sound in a description.
fn sound_of(message: &str) -> SocketAddr {
    let line = message.lines().find_map(|line| line.strip_prefix("m=audio ")).expect("a description");
    let port = line.split(' ').next().and_then(|port| port.parse().ok()).expect("a port");
    SocketAddr::new([127, 0, 0, 1].into(), port)
}

#[test]
fn caller_and_centre_talk_through_us() {
    let (mut caller, mut centre) = (Phone::new(), Phone::new());
    let folder = folder("bridged");
    let shipped = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/routing.toml")).expect("the shipped table");
    let ladder = "[\"refer\", \"next-target\", \"center.counsel\", \"notice.busy\"]";
    assert!(shipped.contains(ladder) && shipped.contains("sip:kosmes@127.0.0.1:5070"));
    let table = shipped
        .replace(ladder, "[\"bridge\", \"center.counsel\", \"notice.busy\"]")
        .replace("sip:kosmes@127.0.0.1:5070", &format!("sip:kosmes@{}", centre.at()));
    let path = folder.join("routing.toml");
    fs::write(&path, table).expect("written");
    let mut engine = Engine::start_serving(folder, &["--routing", path.to_str().expect("text")], &[]);

    let (us, to) = (caller.at(), engine.address);
    let request = |method: &str, cseq: u32, tag: &str, kind: &str, body: &str| {
        format!(
            "{method} sip:1357@{to} SIP/2.0\r\nVia: SIP/2.0/UDP {us};branch=z9hG4bK{method}{cseq};rport\r\nMax-Forwards: 70\r\n\
             From: <sip:01012345678@{us}>;tag=1\r\nTo: <sip:1357@{to}>{tag}\r\nCall-ID: call@{us}\r\nCSeq: {cseq} {method}\r\n\
             Contact: <sip:test@{us}>\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )
    };
    let send = |phone: &Phone, text: String| phone.sip.send_to(text.as_bytes(), to).expect("sent");
    send(&caller, request("INVITE", 1, "", "application/sdp", &caller.sdp()));
    let (_, answer) = caller.wait_for("SIP/2.0 200 ");
    let tag = answer.lines().find(|line| line.starts_with("To:")).and_then(|line| line.split_once(";tag="));
    let tag = format!(";tag={}", tag.expect("a tag").1);
    let ours = sound_of(&answer);
    send(&caller, request("ACK", 1, &tag, "application/sdp", ""));
    for cseq in [2, 3] {
        send(&caller, request("INFO", cseq, &tag, "application/dtmf-relay", "Signal=1\r\n"));
        caller.wait_for("SIP/2.0 200 ");
    }

    let (engine_sip, invite) = centre.wait_for("INVITE ");
    assert!(invite.contains("From: <sip:01012345678@"), "{invite}");
    centre.answers(engine_sip, &invite, "180 Ringing", "");
    centre.answers(engine_sip, &invite, "200 OK", &centre.sdp());
    centre.wait_for("ACK ");
    let centre_side = sound_of(&invite);
    for n in 1..=20u8 {
        // The ACK may be here before the bridge is: then it is said again.
        let heard = (0..20).any(|_| {
            caller.says(ours, [n; 160]);
            centre.hears([n; 160])
        });
        assert!(heard, "packet {n} of the caller");
        let heard = (0..20).any(|_| {
            centre.says(centre_side, [n | 0x80; 160]);
            caller.hears([n | 0x80; 160])
        });
        assert!(heard, "packet {n} of the centre");
    }

    send(&caller, request("BYE", 4, &tag, "application/sdp", ""));
    caller.wait_for("SIP/2.0 200 ");
    let (from, bye) = centre.wait_for("BYE ");
    centre.answers(from, &bye, "200 OK", "");
    engine.signal("-TERM");
    let (code, log) = engine.end();
    assert_eq!(code, Some(0), "{log}");
    let records = engine.records();
    assert_eq!(records.len(), 1);
    assert_eq!(
        (&records[0]["outcome"], &records[0]["attempts"][0]["result"]),
        (&"transferred".into(), &"reached".into())
    );
    for side in ["media", "center_media"] {
        assert!(records[0][side]["received"].as_u64() >= Some(20), "{side}: {}", records[0]);
    }
}
