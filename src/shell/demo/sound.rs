//! The caller's ear and fingers: RTP in, samples out; keys by RFC 4733.

use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

/// One packet's worth of sound.
const TICK: Duration = Duration::from_millis(20);
/// Samples in it at 8 kHz.
const TICK_SAMPLES: u32 = 160;
/// The payload type of key events in the caller's offer.
pub(super) const EVENT_TYPE: u8 = 101;
/// A-law silence.
const SILENCE: u8 = 0xd5;
/// A demo that heard more than this has gone wrong.
const HEARD_MAX: usize = 8000 * 600;

/// An RTP socket of the caller.
pub(super) struct Line {
    socket: UdpSocket,
    remote: Option<SocketAddr>,
    ssrc: u32,
    sequence: u16,
    timestamp: u32,
    due: Instant,
    key: Option<Press>,
    /// The sender's SSRC, its first timestamp, and where in the recording that one stands.
    source: Option<(u32, u32, usize)>,
    /// Samples that were not silence.
    pub heard: usize,
}

/// A key being pressed: its event and how many packets of it have left.
struct Press {
    event: u8,
    sent: u16,
    timestamp: u32,
}

impl Line {
    /// Packets that say the key is down, then those that say it is up.
    const DOWN: u16 = 5;
    const UP: u16 = 3;

    /// A free port on loopback.
    pub fn open(ssrc: u32) -> io::Result<Self> {
        let socket = UdpSocket::bind("127.0.0.1:0")?;
        socket.set_nonblocking(true)?;
        Ok(Self {
            socket,
            remote: None,
            ssrc,
            sequence: 1,
            timestamp: 0,
            due: Instant::now(),
            key: None,
            source: None,
            heard: 0,
        })
    }

    /// The local port.
    pub fn port(&self) -> io::Result<u16> {
        Ok(self.socket.local_addr()?.port())
    }

    /// Starts sending to where an SDP says.
    pub fn connect(&mut self, sdp: &str) {
        let field = |prefix: &str| sdp.lines().find_map(|line| line.strip_prefix(prefix));
        let ip = field("c=IN IP4 ").and_then(|ip| ip.trim().parse::<std::net::IpAddr>().ok());
        let port = field("m=audio ").and_then(|rest| rest.split(' ').next()?.parse::<u16>().ok());
        self.remote = ip.zip(port).map(SocketAddr::from);
        self.due = Instant::now();
    }

    /// Begins to press a key.
    pub fn press(&mut self, event: u8) {
        self.key = Some(Press { event, sent: 0, timestamp: self.timestamp });
    }

    /// Sends what is due and hears what came; sound goes to `recording`, which began at `began`.
    pub fn run(&mut self, began: Instant, recording: &mut Vec<i16>) {
        let now = Instant::now();
        while let Some(remote) = self.remote
            && self.due <= now
        {
            let packet = self.next_packet();
            // Nobody listens any more when the call is over.
            let _ = self.socket.send_to(&packet, remote);
            self.due += TICK;
        }
        let mut packet = [0; 2048];
        while let Ok((length, _)) = self.socket.recv_from(&mut packet) {
            self.hear(packet.get(..length).unwrap_or_default(), began, recording);
        }
    }

    fn next_packet(&mut self) -> Vec<u8> {
        let mut packet = vec![0x80];
        match &mut self.key {
            Some(press) => {
                let end = press.sent >= Self::DOWN;
                // The three end packets repeat one duration (RFC 4733 §2.5.1.4).
                let duration = u16::min(press.sent + 1, Self::DOWN) * TICK_SAMPLES as u16;
                packet.push(if press.sent == 0 { 0x80 | EVENT_TYPE } else { EVENT_TYPE });
                packet.extend(self.sequence.to_be_bytes());
                packet.extend(press.timestamp.to_be_bytes());
                packet.extend(self.ssrc.to_be_bytes());
                packet.extend([press.event, if end { 0x8a } else { 0x0a }]);
                packet.extend(duration.to_be_bytes());
                press.sent += 1;
                if press.sent == Self::DOWN + Self::UP {
                    self.key = None;
                }
            }
            None => {
                packet.push(8);
                packet.extend(self.sequence.to_be_bytes());
                packet.extend(self.timestamp.to_be_bytes());
                packet.extend(self.ssrc.to_be_bytes());
                packet.extend([SILENCE; TICK_SAMPLES as usize]);
            }
        }
        self.sequence = self.sequence.wrapping_add(1);
        self.timestamp = self.timestamp.wrapping_add(TICK_SAMPLES);
        packet
    }

    fn hear(&mut self, packet: &[u8], began: Instant, recording: &mut Vec<i16>) {
        // Version 2, PCMA, no padding, extension or contributing sources: what the engine sends.
        let Some((&[0x80, kind, _, _, t0, t1, t2, t3, s0, s1, s2, s3], sound)) = packet.split_first_chunk::<12>()
        else {
            return;
        };
        if kind & 0x7f != 8 {
            return;
        }
        let (timestamp, ssrc) = (u32::from_be_bytes([t0, t1, t2, t3]), u32::from_be_bytes([s0, s1, s2, s3]));
        let (first, offset) = match self.source {
            Some((known, first, offset)) if known == ssrc => (first, offset),
            _ => {
                let offset = usize::try_from(began.elapsed().as_millis()).unwrap_or(0) * 8;
                self.source = Some((ssrc, timestamp, offset));
                (timestamp, offset)
            }
        };
        let at = offset.saturating_add(timestamp.wrapping_sub(first) as usize);
        let end = at.saturating_add(sound.len());
        if end > HEARD_MAX {
            return;
        }
        if recording.len() < end {
            recording.resize(end, 0);
        }
        for (sample, &code) in recording.iter_mut().skip(at).zip(sound) {
            let value = alaw(code);
            self.heard += usize::from(value.unsigned_abs() > 64);
            *sample = sample.saturating_add(value);
        }
    }
}

/// G.711 A-law to linear.
fn alaw(code: u8) -> i16 {
    let code = code ^ 0x55;
    let mantissa = i16::from(code & 0x0f) << 4;
    let magnitude = match (code >> 4) & 7 {
        0 => mantissa + 8,
        segment => (mantissa + 0x108) << (segment - 1),
    };
    if code & 0x80 == 0 { -magnitude } else { magnitude }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alaw_reaches_from_silence_to_its_loudest() {
        assert_eq!([0xd5, 0x55, 0xaa, 0x2a].map(alaw), [8, -8, 32256, -32256]);
    }

    #[test]
    fn a_key_is_eight_packets_with_one_timestamp_and_three_ends() {
        let mut line = Line::open(7).expect("a port");
        line.next_packet();
        line.press(1);
        let packets: Vec<_> = (0..8).map(|_| line.next_packet()).collect();
        assert!(packets.iter().all(|packet| packet[4..8] == 160u32.to_be_bytes() && packet[12] == 1));
        assert_eq!(packets.iter().filter(|packet| packet[1] & 0x80 != 0).count(), 1);
        assert_eq!(packets.iter().filter(|packet| packet[13] & 0x80 != 0).count(), 3);
        assert_eq!(packets[7][14..16], 800u16.to_be_bytes());
        assert_eq!(line.next_packet()[1], 8, "and then the line is quiet again");
    }

    #[test]
    fn sound_stands_where_its_timestamp_says() {
        let mut line = Line::open(7).expect("a port");
        let mut recording = Vec::new();
        let began = Instant::now();
        let packet = |timestamp: u32| {
            let mut packet = vec![0x80, 8, 0, 0];
            packet.extend(timestamp.to_be_bytes());
            packet.extend([0, 0, 0, 1, 0xaa, 0xaa]);
            packet
        };
        line.hear(&packet(1000), began, &mut recording);
        let offset = recording.len() - 2;
        line.hear(&packet(1160), began, &mut recording);
        assert_eq!((recording.len(), recording[offset + 160], line.heard), (offset + 162, 32256, 4));
        line.hear(b"noise", began, &mut recording);
        assert_eq!(recording.len(), offset + 162);
    }
}
