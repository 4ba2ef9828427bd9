//! A caller's telephone that talks with the program: it speaks, presses keys and hears, packet for packet with what the engine
//! sends, so that its clock is the engine's.

use crate::heard::Heard;
use crate::line::Line;
use crate::patient::patiently;
use ivr1357::media::codec::encode_alaw;
use std::net::{SocketAddr, UdpSocket};
use std::time::Duration;

/// A caller's telephone, as far as it sounds.
pub struct Phone {
    pub sound: UdpSocket,
    pub engine: SocketAddr,
    pub sequence: u16,
    pub timestamp: u32,
    pub heard: Heard,
}

impl Phone {
    /// The engine's next packet.
    pub fn hear(&mut self) {
        let mut packet = [0; 2048];
        let length = patiently(|| self.sound.recv(&mut packet)).expect("the engine sounds");
        self.heard.take(&packet[..length]);
    }

    /// What else has come by the end of the call.
    pub fn hear_the_rest(&mut self) {
        self.sound.set_nonblocking(true).expect("a socket");
        let mut packet = [0; 2048];
        while let Ok(length) = patiently(|| self.sound.recv(&mut packet)) {
            self.heard.take(&packet[..length]);
        }
    }

    pub fn packet(&mut self, kind: u8, payload: &[u8]) {
        self.sequence += 1;
        let mut packet = vec![0x80, kind];
        packet.extend(self.sequence.to_be_bytes());
        packet.extend(self.timestamp.to_be_bytes());
        packet.extend(7u32.to_be_bytes());
        packet.extend(payload);
        self.sound.send_to(&packet, self.engine).expect("sends");
    }

    /// A tone of 1 kHz in A-law, packet for packet with what the engine sends us: its clock is ours.
    pub fn speak(&mut self, packets: usize) {
        // One period: 0, 0.7, 1, 0.7, 0, … of about −15 dBov.
        const PERIOD: [u8; 8] = [0xd5, 0xb6, 0xb9, 0xb6, 0x55, 0x36, 0x39, 0x36];
        let voice: Vec<u8> = PERIOD.iter().copied().cycle().take(160).collect();
        for _ in 0..packets {
            self.hear();
            self.packet(8, &voice);
            self.timestamp += 160;
        }
    }

    pub fn press(&mut self, event: u8) {
        for (duration, end) in [(160u16, 0u8), (320, 0), (480, 0x80), (480, 0x80)] {
            let [high, low] = duration.to_be_bytes();
            self.packet(101, &[event, end | 10, high, low]);
        }
    }

    /// Two tones of a key (ITU-T Q.23) in the sound.
    pub fn press_in_band(&mut self, low: f64, high: f64, packets: u32) {
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
    pub fn listen(&mut self, packets: usize) {
        for _ in 0..packets {
            self.hear();
        }
    }
}

/// A call that is answered: its line, its telephone, and the tag of our side.
pub fn dial(engine: SocketAddr, events: bool) -> (Line, Phone, String) {
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
