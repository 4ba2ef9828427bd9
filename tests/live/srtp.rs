//! Encrypted calls with the program as its users start it: TLS for the keys, SRTP for the sound, and no key anywhere else.
//!
//! The phone's packets are sealed and opened by the engine's own code, which has the vectors of the RFCs as its tests; that a stranger's
//! code agrees is shown by `softphone`.

use crate::certificates::{Authority, Life};
use crate::engine::{Engine, folder};
use crate::line::Line;
use crate::patient::patiently;
use ivr1357::media::Clip;
use ivr1357::media::srtp::{Opener, Sealer};
use ivr1357::sdp::crypto::{Crypto, Keys};
use ivr1357::sdp::{Codec, MasterKey, Suite};
use std::net::{SocketAddr, UdpSocket};
use std::time::Duration;

fn start(name: &str, authority: &Authority, more: &[(&str, &str)]) -> Engine {
    let folder = folder(name);
    let (certificate, key) = authority.issue(&["127.0.0.1"], Life::Long).write(&folder, "server");
    let (certificate, key) = (certificate.display().to_string(), key.display().to_string());
    let mut settings =
        vec![("SIP__TLS", "127.0.0.1:0"), ("TLS__CERTIFICATE", certificate.as_str()), ("TLS__KEY", key.as_str())];
    settings.extend(more);
    Engine::start_with(folder, &settings)
}

fn sdp(port: u16, protocol: &str, more: &str) -> String {
    format!(
        "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio {port} {protocol} 8 101\r\n\
         a=rtpmap:101 telephone-event/8000\r\n{more}"
    )
}

fn crypto(tag: u32, key: MasterKey) -> String {
    format!("a=crypto:{}\r\n", Crypto::new(tag, key).line())
}

/// A key of the phone's.
fn ours(suite: Suite, which: u8) -> MasterKey {
    Keys::new([[which; 44]; 4]).of(suite)
}

/// The line of `a=crypto` in an answer.
fn theirs(answer: &str) -> Crypto {
    let line = answer.lines().find_map(|line| line.strip_prefix("a=crypto:")).expect("an encrypted answer");
    Crypto::read(line.as_bytes()).expect("a line that we can use")
}

fn tag(answer: &str) -> String {
    let to = answer.lines().find(|line| line.starts_with("To:")).and_then(|line| line.split_once(";tag="));
    format!(";tag={}", to.expect("a tag").1)
}

/// An encrypted telephone.
struct Phone {
    sound: UdpSocket,
    engine: SocketAddr,
    sealer: Sealer,
    opener: Opener,
    sequence: u16,
}

impl Phone {
    fn socket() -> UdpSocket {
        let sound = UdpSocket::bind("127.0.0.1:0").expect("a port");
        sound.set_read_timeout(Some(Duration::from_secs(5))).expect("a time-out");
        sound
    }

    fn new(sound: UdpSocket, answer: &str, key: MasterKey) -> Self {
        let port = answer.lines().find_map(|line| line.strip_prefix("m=audio ")?.split(' ').next()?.parse().ok());
        let engine = SocketAddr::from(([127, 0, 0, 1], port.expect("a port")));
        let (sealer, opener) = (Sealer::new(&key), Opener::new(&theirs(answer).key, None));
        // Its numbers begin anew in a moment.
        Self { sound, engine, sealer, opener, sequence: 65_530 }
    }

    fn packet(&mut self, kind: u8, payload: &[u8]) -> Vec<u8> {
        self.sequence = self.sequence.wrapping_add(1);
        let mut packet = vec![0x80, kind];
        packet.extend(self.sequence.to_be_bytes());
        packet.extend([0, 0, 0, 160, 0, 0, 0, 7]);
        packet.extend(payload);
        let length = packet.len();
        packet.resize(length + 16, 0);
        let length = self.sealer.seal(&mut packet, length).expect("there is room");
        packet.truncate(length);
        packet
    }

    fn press(&mut self, event: u8) {
        for (duration, end) in [(160u16, 0u8), (320, 0), (480, 0x80), (480, 0x80)] {
            let [high, low] = duration.to_be_bytes();
            let packet = self.packet(101, &[event, end | 10, high, low]);
            self.sound.send_to(&packet, self.engine).expect("sends");
        }
    }

    /// What it hears in so many packets.
    fn listen(&mut self, packets: usize) -> Vec<u8> {
        let mut heard = Vec::new();
        for _ in 0..packets {
            let mut packet = [0; 2048];
            let length = patiently(|| self.sound.recv(&mut packet)).expect("the engine sounds");
            assert!(!(192..=223).contains(&packet[1]), "no reports are due yet");
            let length = self.opener.open(&mut packet[..length]).expect("sealed with the key of the answer");
            heard.extend_from_slice(&packet[12..length]);
        }
        heard
    }
}

/// The shipped prompt in A-law.
fn prompt(name: &str) -> Vec<u8> {
    let mut wave = hound::WavReader::open(format!("prompts/ko/{name}.wav")).expect("a shipped prompt");
    let samples: Vec<i16> = wave.samples().collect::<Result<_, _>>().expect("samples");
    Clip::from_samples(name, &samples).encoded(Codec::Pcma)
}

/// Whether a second of this is in what was heard.
fn has(heard: &[u8], prompt: &[u8]) -> bool {
    heard.windows(8000).any(|part| part == &prompt[..8000])
}

#[test]
fn a_call_is_heard_and_hears_encrypted_in_every_suite_and_no_key_is_written_anywhere() {
    let authority = Authority::new("srtp");
    let mut engine = start("srtp-call", &authority, &[("MEDIA__SRTP", "required")]);
    let to = engine.addresses("TLS")[0];
    let greeting = prompt("greeting");
    let mut keys = Vec::new();
    for suite in Suite::ALL {
        let call = suite.name().to_ascii_lowercase();
        let mut line = Line::tls(to, &authority.pem(), None).expect("a handshake");
        let sound = Phone::socket();
        let port = sound.local_addr().expect("bound").port();
        let unusable = "a=crypto:1 F8_128_HMAC_SHA1_80 inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz\r\n";
        let mut key = ours(suite, 1);
        let offer = sdp(port, "RTP/SAVP", &format!("{unusable}{}", crypto(3, key)));
        line.send(line.request("INVITE", &call, 1, "", &offer).as_bytes()).expect("sends");
        let answer = line.wait_for("SIP/2.0 200 ");
        assert!(answer.contains(" RTP/SAVP 8 101\r\n"), "{answer}");
        let (first, tag) = (theirs(&answer), tag(&answer));
        assert_eq!((first.tag, first.key.suite()), (3, suite));
        assert_ne!(first.key, key, "a key of its own");
        line.send(line.request("ACK", &call, 1, &tag, "").as_bytes()).expect("sends");
        let mut phone = Phone::new(sound, &answer, key);
        assert!(has(&phone.listen(70), &greeting), "{suite:?}: the greeting");

        // Held, and back under new keys, as some telephones do.
        for (cseq, which, direction) in [(2, 1, "sendonly"), (3, 2, "sendrecv")] {
            key = ours(suite, which);
            let offer = sdp(port, "RTP/SAVP", &format!("{}a={direction}\r\n", crypto(1, key)));
            line.send(line.request("INVITE", &call, cseq, &tag, &offer).as_bytes()).expect("sends");
            let answer = line.wait_for("SIP/2.0 200 ");
            line.send(line.request("ACK", &call, cseq, &tag, "").as_bytes()).expect("sends");
            let second = theirs(&answer);
            assert_eq!(second.key == first.key, which == 1, "{suite:?}: our key stays with theirs");
            if which == 2 {
                // What left under the old key is behind us.
                phone.sound.set_read_timeout(Some(Duration::from_millis(1))).expect("a time-out");
                while patiently(|| phone.sound.recv(&mut [0; 2048])).is_ok() {}
                phone.sound.set_read_timeout(Some(Duration::from_secs(5))).expect("a time-out");
                phone = Phone { sequence: phone.sequence, ..Phone::new(phone.sound, &answer, key) };
                keys.push(second.line());
            }
        }
        assert!(!phone.listen(5).is_empty());
        // Somebody else presses 9, plainly and under a key of his own; then the caller presses 1.
        let mut forger = Phone::new(Phone::socket(), &answer, ours(suite, 7));
        forger.press(9);
        phone
            .sound
            .send_to(&[0x80, 101, 0, 1, 0, 0, 0, 160, 0, 0, 0, 7, 9, 0x8a, 1, 224], phone.engine)
            .expect("sends");
        phone.press(1);
        phone.listen(10);
        line.send(line.request("BYE", &call, 4, &tag, "").as_bytes()).expect("sends");
        line.wait_for("SIP/2.0 200 ");
        keys.extend([first.line(), Crypto::new(3, ours(suite, 1)).line(), Crypto::new(3, ours(suite, 2)).line()]);
    }
    engine.signal("-TERM");
    let (code, log) = engine.end();
    assert_eq!(code, Some(0));
    let records = engine.records();
    for (record, suite) in records.iter().zip(Suite::ALL) {
        assert_eq!(record["media"]["srtp"], suite.name());
        assert_eq!(record["media"]["srtp_forged"], 5, "{suite:?}: four of a forger, one plain");
        assert_eq!(record["media"]["lost"], 0, "{suite:?}");
        let pressed: Vec<_> = record["keys"].as_array().expect("keys").iter().map(|key| &key["keys"]).collect();
        assert_eq!(pressed, ["1"], "{suite:?}");
    }
    assert_eq!(records.len(), 4);
    let files = std::fs::read_dir(&engine.folder).expect("the folder").map(|entry| entry.expect("an entry").path());
    let texts = files.filter(|path| path.is_file() && path.extension().is_none_or(|kind| kind != "pem"));
    let all: String = texts.filter_map(|path| std::fs::read_to_string(path).ok()).chain([log]).collect();
    assert!(!all.contains("inline:"));
    for line in keys {
        let key = line.rsplit(':').next().expect("a key");
        assert!(!all.contains(key), "a key was written down");
    }
}

#[test]
fn what_a_trunk_does_not_want_and_keys_that_would_be_read_are_refused() {
    let authority = Authority::new("srtp");
    let key = crypto(1, ours(Suite::AesCm128Sha1Tag80, 1));
    for (srtp, over_tls, over_plain, protocol, first_line, answered, why) in [
        ("off", true, "false", "RTP/SAVP", &*key, "488", "SRTP, which is off"),
        ("off", true, "true", "RTP/AVP", &key, "200 plain", ""),
        ("optional", false, "false", "RTP/SAVP", &key, "488", "the signalling would show the keys of SRTP"),
        ("optional", false, "false", "RTP/AVP", &key, "200 plain", ""),
        ("optional", false, "true", "RTP/SAVP", &key, "200 secure", ""),
        ("optional", true, "false", "RTP/AVP", &key, "200 secure", ""),
        ("required", true, "false", "RTP/AVP", &key, "488", "not SRTP, which this trunk requires"),
        ("required", true, "false", "RTP/SAVP", "", "488", "no crypto line that we can use"),
        ("required", false, "false", "RTP/SAVP", &key, "488", "the signalling would show the keys of SRTP"),
    ] {
        let case = format!("{srtp}, TLS {over_tls}, over plain {over_plain}, {protocol}");
        let settings = [("MEDIA__SRTP", srtp), ("MEDIA__SRTP_OVER_PLAIN", over_plain)];
        let mut engine = start("srtp-refused", &authority, &settings);
        let mut line = match over_tls {
            true => Line::tls(engine.addresses("TLS")[0], &authority.pem(), None).expect("a handshake"),
            false => Line::udp(engine.address),
        };
        let offer = sdp(4000, protocol, first_line);
        line.send(line.request("INVITE", "call", 1, "", &offer).as_bytes()).expect("sends");
        let answer = loop {
            let message = line.message().expect("an answer");
            if !message.starts_with("SIP/2.0 1") {
                break message;
            }
        };
        line.send(line.request("ACK", "call", 1, &tag(&answer), "").as_bytes()).expect("sends");
        let secure = if answer.contains("a=crypto:") { "secure" } else { "plain" };
        let status = &answer["SIP/2.0 ".len()..][..3];
        if status == "488" {
            assert!(answer.contains(&format!("\r\nWarning: 399 ivr1357 \"{why}")), "{case}: {answer}");
        }
        let met = if status == "200" { format!("200 {secure}") } else { status.to_owned() };
        assert_eq!(met, answered, "{case}: {answer}");
        if status == "200" {
            line.send(line.request("BYE", "call", 2, &tag(&answer), "").as_bytes()).expect("sends");
            line.wait_for("SIP/2.0 200 ");
        }
        engine.signal("-TERM");
        let (_, log) = engine.end();
        assert!(log.contains(why), "{case}: {log}");
    }
}

#[test]
fn whoever_leaves_the_offer_to_us_is_offered_what_the_trunk_requires() {
    let authority = Authority::new("srtp");
    let engine = start("srtp-late", &authority, &[("MEDIA__SRTP", "required")]);
    let mut line = Line::tls(engine.addresses("TLS")[0], &authority.pem(), None).expect("a handshake");
    let invite = line.request("INVITE", "late", 1, "", "").replace("Content-Type: application/sdp\r\n", "");
    line.send(invite.as_bytes()).expect("sends");
    let offer = line.wait_for("SIP/2.0 200 ");
    assert!(offer.contains(" RTP/SAVP ") && offer.matches("a=crypto:").count() == Suite::ALL.len(), "{offer}");
    let sound = Phone::socket();
    let key = ours(Suite::AesCm128Sha1Tag80, 1);
    let answer = sdp(sound.local_addr().expect("bound").port(), "RTP/SAVP", &crypto(1, key));
    line.send(line.request("ACK", "late", 1, &tag(&offer), &answer).as_bytes()).expect("sends");
    let mut phone = Phone::new(sound, &offer, key);
    assert!(has(&phone.listen(70), &prompt("greeting")));
}

#[test]
fn a_call_that_another_dialog_takes_over_goes_on_under_keys_of_its_own() {
    let authority = Authority::new("srtp");
    let engine = start("srtp-replaces", &authority, &[("MEDIA__SRTP", "required")]);
    let to = engine.addresses("TLS")[0];
    let key = ours(Suite::AesCm128Sha1Tag80, 1);
    let dial = |line: &mut Line, call: &str, replaces: &str| {
        let sound = Phone::socket();
        let offer = sdp(sound.local_addr().expect("bound").port(), "RTP/SAVP", &crypto(1, key));
        let invite =
            line.request("INVITE", call, 1, "", &offer).replace("Max-Forwards", &format!("{replaces}Max-Forwards"));
        line.send(invite.as_bytes()).expect("sends");
        let answer = line.wait_for("SIP/2.0 200 ");
        line.send(line.request("ACK", call, 1, &tag(&answer), "").as_bytes()).expect("sends");
        let us = line.us();
        let replaces = format!("Replaces: {call}@{us}{};from-tag=1\r\n", tag(&answer).replace(";tag=", ";to-tag="));
        (Phone::new(sound, &answer, key), theirs(&answer).key, replaces)
    };
    let mut first = Line::tls(to, &authority.pem(), None).expect("a handshake");
    let (mut phone, before, replaces) = dial(&mut first, "first", "");
    assert!(has(&phone.listen(70), &prompt("greeting")));
    let mut second = Line::tls(to, &authority.pem(), None).expect("a handshake");
    let (mut phone, after, _) = dial(&mut second, "second", &replaces);
    first.wait_for("BYE ");
    assert_ne!(before, after);
    let heard = phone.listen(40);
    assert!(heard.iter().filter(|byte| **byte != 0xd5).count() > 1000, "the menu again");
}
