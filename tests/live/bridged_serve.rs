//! `ivr1357 serve` between a caller and a centre on real sockets: both hear each other, byte for byte, and each other's goodbye; and
//! a centre that rings for a process that was killed is taken back by the next.

use crate::engine::{Engine, folder};
use crate::line::header;
use crate::patient::patiently;
use std::fs;
use std::net::{SocketAddr, UdpSocket};
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

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
            let (length, from) =
                patiently(|| self.sip.recv_from(&mut bytes)).unwrap_or_else(|error| panic!("no {start}: {error}"));
            let text = String::from_utf8_lossy(&bytes[..length]).into_owned();
            if text.starts_with(start) {
                return (from, text);
            }
        }
    }

    /// Sends a request of the caller.
    fn asks(&self, to: SocketAddr, method: &str, cseq: u32, tag: &str, kind: &str, body: &str) {
        let us = self.at();
        let request = format!(
            "{method} sip:1357@{to} SIP/2.0\r\nVia: SIP/2.0/UDP {us};branch=z9hG4bK{method}{cseq};rport\r\nMax-Forwards: 70\r\n\
             From: <sip:01012345678@{us}>;tag=1\r\nTo: <sip:1357@{to}>{tag}\r\nCall-ID: call@{us}\r\nCSeq: {cseq} {method}\r\n\
             Contact: <sip:test@{us}>\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        self.sip.send_to(request.as_bytes(), to).expect("sent");
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

    /// The next packet of sound or keys: number, marker and payload.
    fn hears_next(&self) -> (u8, bool, Vec<u8>) {
        let mut bytes = [0; 2048];
        let length = patiently(|| self.sound.recv(&mut bytes)).expect("a packet in time");
        (bytes[1] & 0x7f, bytes[1] & 0x80 != 0, bytes[12..length].to_vec())
    }

    /// Whether this sound is among what is heard in the next second.
    fn hears(&self, payload: [u8; 160]) -> bool {
        let mut bytes = [0; 2048];
        (0..50).any(|_| {
            let length = patiently(|| self.sound.recv(&mut bytes)).expect("a packet in time");
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

/// A call on its way: the caller has chosen, and the centre has our INVITE.
struct Call {
    caller: Phone,
    centre: Phone,
    engine: Engine,
    /// `;tag=` of the engine's, for the caller.
    tag: String,
    /// Where the engine hears the caller.
    caller_side: SocketAddr,
    /// Whence the INVITE came.
    engine_sip: SocketAddr,
    invite: String,
}

impl Call {
    fn begin(name: &str) -> Self {
        Self::begin_with(name, "")
    }

    /// The same; the centre's row has these fields beside its own.
    fn begin_with(name: &str, more: &str) -> Self {
        let (caller, centre) = (Phone::new(), Phone::new());
        let folder = folder(name);
        let shipped =
            fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/routing.toml")).expect("the shipped table");
        let ladder = "[\"refer\", \"next-target\", \"center.counsel\", \"notice.busy\"]";
        assert!(shipped.contains(ladder) && shipped.contains("sip:kosmes@127.0.0.1:5070"));
        let table = shipped
            .replace(ladder, "[\"bridge\", \"center.counsel\", \"notice.busy\"]")
            .replace("\"sip:kosmes@127.0.0.1:5070\"", &format!("\"sip:kosmes@{}\"", centre.at()))
            .replace("\"sip:kosmes-dr@127.0.0.1:5070\"]", &format!("\"sip:kosmes-dr@127.0.0.1:5070\"]{more}"));
        assert!(table.contains(more));
        fs::write(folder.join("routing.toml"), table).expect("written");
        let engine = start(&folder, "127.0.0.1:0");

        let to = engine.address;
        caller.asks(to, "INVITE", 1, "", "application/sdp", &caller.sdp());
        let (_, answer) = caller.wait_for("SIP/2.0 200 ");
        let tag = answer.lines().find(|line| line.starts_with("To:")).and_then(|line| line.split_once(";tag="));
        let tag = format!(";tag={}", tag.expect("a tag").1);
        caller.asks(to, "ACK", 1, &tag, "application/sdp", "");
        for cseq in [2, 3] {
            caller.asks(to, "INFO", cseq, &tag, "application/dtmf-relay", "Signal=1\r\n");
            caller.wait_for("SIP/2.0 200 ");
        }
        let (engine_sip, invite) = centre.wait_for("INVITE ");
        Self { caller, centre, engine, tag, caller_side: sound_of(&answer), engine_sip, invite }
    }

    /// The process is killed once its journal has our INVITE; the next one begins in its place.
    fn next_process(&mut self) {
        let journal = self.engine.folder.join("calls.jsonl.open");
        let patience = Instant::now() + Duration::from_secs(20);
        while !fs::read_to_string(&journal).expect("a journal").contains("INVITE") {
            assert!(Instant::now() < patience, "our INVITE is not in the journal");
            sleep(Duration::from_millis(10));
        }
        self.engine.signal("-KILL");
        self.engine.end();
        let folder = std::mem::take(&mut self.engine.folder);
        self.engine = start(&folder, &self.engine.address.to_string());
    }

    /// The call is one record, and nothing of it is left.
    fn is_interrupted(&mut self) {
        self.engine.signal("-TERM");
        let (code, log) = self.engine.end();
        assert_eq!(code, Some(0), "{log}");
        let records = self.engine.records();
        assert_eq!(records.len(), 1, "{records:?}");
        assert_eq!(records[0]["cause"], "interrupted");
        let journal = fs::read_to_string(self.engine.folder.join("calls.jsonl.open")).expect("a journal");
        assert!(!journal.contains("INVITE") && !journal.contains("01012345678"), "{journal}");
    }
}

fn start(folder: &Path, address: &str) -> Engine {
    let table = folder.join("routing.toml");
    let arguments = ["--routing", table.to_str().expect("text")];
    Engine::start_serving(folder.to_owned(), &arguments, &[("SIP__LISTEN", address)])
}

#[test]
fn caller_and_centre_talk_through_us() {
    let Call { mut caller, mut centre, mut engine, tag, caller_side, engine_sip, invite } = Call::begin("bridged");
    assert!(invite.contains("From: <sip:01012345678@"), "{invite}");
    centre.answers(engine_sip, &invite, "180 Ringing", "");
    centre.answers(engine_sip, &invite, "200 OK", &centre.sdp());
    centre.wait_for("ACK ");
    let centre_side = sound_of(&invite);
    for n in 1..=20u8 {
        // The ACK may be here before the bridge is: then it is said again.
        let heard = (0..20).any(|_| {
            caller.says(caller_side, [n; 160]);
            centre.hears([n; 160])
        });
        assert!(heard, "packet {n} of the caller");
        let heard = (0..20).any(|_| {
            centre.says(centre_side, [n | 0x80; 160]);
            caller.hears([n | 0x80; 160])
        });
        assert!(heard, "packet {n} of the centre");
    }

    caller.asks(engine.address, "BYE", 4, &tag, "application/sdp", "");
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

#[test]
fn a_centre_that_wants_keys_gets_them_as_events_before_it_hears_the_caller() {
    let call = Call::begin_with("post-dialled", ", post_dial = \",47*#\"");
    let Call { mut caller, centre, mut engine, tag, caller_side, engine_sip, invite } = call;
    let answered = Instant::now();
    centre.answers(engine_sip, &invite, "200 OK", &centre.sdp());
    centre.wait_for("ACK ");
    // The caller speaks all the time, and is heard behind the last key of ours.
    let (mut keys, mut ends) = (Vec::new(), [0u8; 16]);
    let patience = Instant::now() + Duration::from_secs(20);
    loop {
        assert!(Instant::now() < patience, "keys {keys:?}, and nobody is heard behind them");
        caller.says(caller_side, [0x33; 160]);
        match centre.hears_next() {
            (101, marked, payload) => {
                if marked {
                    assert!(answered.elapsed() >= Duration::from_secs(1), "the comma before them");
                    keys.push(payload[0]);
                }
                assert_eq!(keys.last(), Some(&payload[0]), "its first packet is marked");
                ends[usize::from(payload[0])] += payload[1] >> 7;
            }
            (8, _, payload) if payload == [0x33; 160] => break,
            (8, _, payload) => {
                assert!(payload.iter().all(|&byte| byte == 0xd5), "nothing but silence stands among the keys");
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(keys, [4, 7, 10, 11]);
    assert!(keys.iter().all(|&key| ends[usize::from(key)] == 3), "each ends three times: {ends:?}");

    caller.asks(engine.address, "BYE", 4, &tag, "application/sdp", "");
    let (from, bye) = centre.wait_for("BYE ");
    centre.answers(from, &bye, "200 OK", "");
    engine.signal("-TERM");
    let (code, log) = engine.end();
    assert_eq!(code, Some(0), "{log}");
    assert!(!log.contains("47*#"), "{log}");
    let attempt = &engine.records()[0]["attempts"][0];
    assert_eq!((&attempt["result"], &attempt["post_dial"]), (&"reached".into(), &4.into()));
}

#[test]
fn a_centre_that_rings_for_a_killed_process_is_cancelled_by_the_next_and_the_caller_gets_a_bye() {
    let mut call = Call::begin("taken-back");
    call.centre.answers(call.engine_sip, &call.invite, "180 Ringing", "");
    call.next_process();
    let Call { caller, centre, engine_sip, invite, .. } = &call;
    let (from, cancel) = centre.wait_for("CANCEL ");
    assert_eq!(from, *engine_sip, "from where the INVITE came");
    for name in ["Via", "From", "To", "Call-ID"] {
        assert_eq!(header(&cancel, name), header(invite, name), "{cancel}");
    }
    centre.answers(from, &cancel, "200 OK", "");
    centre.answers(from, invite, "487 Request Terminated", "");
    let (_, ack) = centre.wait_for("ACK ");
    assert_eq!(header(&ack, "Via"), header(invite, "Via"), "{ack}");
    let (from, bye) = caller.wait_for("BYE ");
    caller.answers(from, &bye, "200 OK", "");
    call.is_interrupted();
}

#[test]
fn a_centre_that_answers_a_killed_process_gets_its_ack_and_a_bye_from_the_next() {
    let mut call = Call::begin("answered-late");
    call.next_process();
    let Call { caller, centre, invite, .. } = &call;
    let (from, cancel) = centre.wait_for("CANCEL ");
    centre.answers(from, invite, "200 OK", &centre.sdp());
    centre.answers(from, &cancel, "481 Call/Transaction Does Not Exist", "");
    centre.wait_for("ACK ");
    let (from, bye) = centre.wait_for("BYE ");
    assert_eq!(header(&bye, "Call-ID"), header(invite, "Call-ID"));
    centre.answers(from, &bye, "200 OK", "");
    let (from, bye) = caller.wait_for("BYE ");
    caller.answers(from, &bye, "200 OK", "");
    call.is_interrupted();
}
