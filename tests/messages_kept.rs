//! A caller leaves a message with the program as its users start it: by SIP and RTP, into a WAV file, named by the record.

// It speaks in real time.
#![allow(clippy::disallowed_methods)]

mod common;

use common::capture::Heard;
use common::engine::{Engine, folder};
use common::line::Line;
use ivr1357::media::codec::encode_alaw;
use std::fs;
use std::net::{SocketAddr, UdpSocket};
use std::time::Duration;

/// Whoever calls is asked at once.
const TABLE: &str = r##"
schema = 1
[number.1357]
match = ["1357"]
go = "message.word"
[defaults.menu]
no_input = { retries = 0, then = "notice.goodbye" }
no_match = { retries = 0, then = "notice.goodbye" }
keys = { "*" = "repeat", "#" = "back" }
[message.word]
prompt = "message_tone"
then = "end"
otherwise = "notice.goodbye"
[notice]
goodbye = { prompt = "goodbye", then = "end" }
"##;

/// A caller's telephone, as far as it sounds.
struct Phone {
    sound: UdpSocket,
    engine: SocketAddr,
    sequence: u16,
    timestamp: u32,
    heard: Heard,
}

impl Phone {
    /// The engine's next packet.
    fn hear(&mut self) {
        let mut packet = [0; 2048];
        let length = self.sound.recv(&mut packet).expect("the engine sounds");
        self.heard.take(&packet[..length]);
    }

    /// What else has come by the end of the call.
    fn hear_the_rest(&mut self) {
        self.sound.set_nonblocking(true).expect("a socket");
        let mut packet = [0; 2048];
        while let Ok(length) = self.sound.recv(&mut packet) {
            self.heard.take(&packet[..length]);
        }
    }

    fn packet(&mut self, kind: u8, payload: &[u8]) {
        self.sequence += 1;
        let mut packet = vec![0x80, kind];
        packet.extend(self.sequence.to_be_bytes());
        packet.extend(self.timestamp.to_be_bytes());
        packet.extend(7u32.to_be_bytes());
        packet.extend(payload);
        self.sound.send_to(&packet, self.engine).expect("sends");
    }

    /// A tone of 1 kHz in A-law, packet for packet with what the engine sends us: its clock is ours.
    fn speak(&mut self, packets: usize) {
        // One period: 0, 0.7, 1, 0.7, 0, … of about −15 dBov.
        const PERIOD: [u8; 8] = [0xd5, 0xb6, 0xb9, 0xb6, 0x55, 0x36, 0x39, 0x36];
        let voice: Vec<u8> = PERIOD.iter().copied().cycle().take(160).collect();
        for _ in 0..packets {
            self.hear();
            self.packet(8, &voice);
            self.timestamp += 160;
        }
    }

    fn press(&mut self, event: u8) {
        for (duration, end) in [(160u16, 0u8), (320, 0), (480, 0x80), (480, 0x80)] {
            let [high, low] = duration.to_be_bytes();
            self.packet(101, &[event, end | 10, high, low]);
        }
    }

    /// Two tones of a key (ITU-T Q.23) in the sound.
    fn press_in_band(&mut self, low: f64, high: f64, packets: u32) {
        for packet in 0..packets {
            self.hear();
            let wave = |hertz: f64, at: u32| (std::f64::consts::TAU * hertz * f64::from(at) / 8000.0).sin();
            let at = packet * 160..(packet + 1) * 160;
            let sample = |at| (6000.0 * (wave(low, at) + wave(high, at))) as i16;
            let payload: Vec<u8> = at.map(|at| encode_alaw(sample(at))).collect();
            self.packet(8, &payload);
            self.timestamp += 160;
        }
    }

    /// Hears the engine for so many packets.
    fn listen(&mut self, packets: usize) {
        for _ in 0..packets {
            self.hear();
        }
    }
}

/// The program with this table, and its recordings in a folder of its own.
fn start(name: &str) -> Engine {
    let folder = folder(name);
    fs::write(folder.join("routing.toml"), TABLE).expect("the table is written");
    let table = folder.join("routing.toml").display().to_string();
    let recordings = folder.join("recordings").display().to_string();
    Engine::start_serving(folder, &["--routing", &table], &[("RECORDING__FOLDER", &recordings)])
}

/// A call that is answered: its line, its telephone, and the tag of our side.
fn dial(engine: SocketAddr, events: bool) -> (Line, Phone, String) {
    let mut line = Line::udp(engine);
    let sound = UdpSocket::bind("127.0.0.1:0").expect("a port");
    sound.set_read_timeout(Some(Duration::from_secs(5))).expect("a time-out");
    let port = sound.local_addr().expect("bound").port();
    let sdp = format!(
        "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio {port} RTP/AVP 8 101\r\n\
         a=rtpmap:101 telephone-event/8000\r\n"
    );
    let sdp =
        if events { sdp } else { sdp.replace(" 8 101", " 8").replace("a=rtpmap:101 telephone-event/8000\r\n", "") };
    line.send(line.request("INVITE", "word", 1, "", &sdp).as_bytes()).expect("sends");
    let answer = line.wait_for("SIP/2.0 200 ");
    let tag = answer.lines().find(|line| line.starts_with("To:")).and_then(|line| line.split_once(";tag="));
    let tag = format!(";tag={}", tag.expect("a tag").1);
    let theirs = answer.lines().find_map(|line| line.strip_prefix("m=audio ")).expect("an audio line");
    let theirs: u16 = theirs.split(' ').next().and_then(|port| port.parse().ok()).expect("a port");
    line.send(line.request("ACK", "word", 1, &tag, "").as_bytes()).expect("sends");

    let engine_sound = SocketAddr::new(engine.ip(), theirs);
    let phone = Phone { sound, engine: engine_sound, sequence: 0, timestamp: 5000, heard: Heard::default() };
    (line, phone, tag)
}

#[test]
fn what_a_caller_says_after_the_tone_is_in_a_file_that_the_record_names() {
    let mut engine = start("message-kept");
    let (mut line, mut phone, _) = dial(engine.address, true);
    phone.listen(75);
    phone.press(1);
    // The tone of half a second, and then the recording.
    phone.listen(40);
    phone.timestamp += 8000;
    phone.speak(150);
    phone.press(11);
    // Kept, and told so: then our goodbye is the engine's.
    let bye = loop {
        let message = line.message().expect("a BYE");
        if message.starts_with("BYE ") {
            break message;
        }
    };
    let headers =
        bye.lines().filter(|line| ["Via", "From", "To", "Call-ID", "CSeq"].iter().any(|h| line.starts_with(h)));
    let headers: String = headers.map(|line| format!("{line}\r\n")).collect();
    line.send(format!("SIP/2.0 200 OK\r\n{headers}Content-Length: 0\r\n\r\n").as_bytes()).expect("sends");
    engine.signal("-TERM");
    let (code, log) = engine.end();
    assert_eq!(code, Some(0), "{log}");
    // The question about consent is stopped by the key; the table asks for a message with a tone.
    phone.hear_the_rest();
    phone.heard.is(&["message_consent", "message_tone", "message_tone", "message_saved"]);

    let record = engine.records().pop().expect("a record");
    assert_eq!((&record["outcome"], &record["cause"]), (&"message".into(), &"announced".into()), "{record}");
    let message = &record["messages"][0];
    let spoken = message["spoken_ms"].as_u64().expect("a time");
    assert!((2_500..=3_100).contains(&spoken), "{record}");
    let file = engine.folder.join("recordings").join(format!("{}.wav", message["file"].as_str().expect("a name")));
    let mut wave = hound::WavReader::open(&file).unwrap_or_else(|error| panic!("{file:?}: {error}\n{log}"));
    assert_eq!((wave.spec().channels, wave.spec().sample_rate), (1, 8000));
    let samples: Vec<i16> = wave.samples().collect::<Result<_, _>>().expect("samples");
    let loud = samples.iter().filter(|sample| sample.unsigned_abs() > 1000).count();
    // Three of four samples of the tone are loud; 3 s of it were sent.
    assert!((14_000..=18_100).contains(&loud), "{loud} of {}", samples.len());
    assert_eq!(message["length_ms"].as_u64().expect("a time") / 20, samples.len() as u64 / 160);
    let _ = fs::remove_dir_all(&engine.folder);
}

/// The key 1 in an INFO (RFC 6086 §4.1 knows the use, no standard the form).
const KEY_BY_INFO: &str = "Signal=1\r\nDuration=100\r\n";

#[test]
fn a_caller_whose_telephone_has_no_events_presses_by_tones_and_an_info_of_the_same_press_counts_for_nothing() {
    let mut engine = start("message-by-tones");
    let (mut line, mut phone, tag) = dial(engine.address, false);
    phone.listen(10);
    // 697 and 1209 Hz are the key 1: consent. Then the tone of half a second, and the caller's words.
    phone.press_in_band(697.0, 1209.0, 3);
    let info = line.request("INFO", "word", 2, &tag, KEY_BY_INFO);
    line.send(info.replace("application/sdp", "application/dtmf-relay").as_bytes()).expect("sends");
    line.wait_for("SIP/2.0 200 ");
    phone.press_in_band(697.0, 1209.0, 2);
    phone.listen(40);
    phone.timestamp += 8000;
    phone.speak(100);
    line.send(line.request("BYE", "word", 3, &tag, "").as_bytes()).expect("sends");
    line.wait_for("SIP/2.0 200 ");
    engine.signal("-TERM");
    let (code, log) = engine.end();
    assert_eq!(code, Some(0), "{log}");
    let record = engine.records().pop().expect("a record");
    assert_eq!((&record["outcome"], &record["cause"]), (&"message".into(), &"caller-hung-up".into()), "{record}");
    assert_eq!(
        (&record["keys"][0]["keys"], record["keys"].as_array().map(Vec::len)),
        (&"1".into(), Some(1)),
        "{record}"
    );
    let spoken = record["messages"][0]["spoken_ms"].as_u64().expect("a time");
    assert!((1_500..=2_100).contains(&spoken), "{record}");
    let _ = fs::remove_dir_all(&engine.folder);
}
