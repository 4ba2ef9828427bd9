//! Keys as packets: RFC 4733 events the way telephones, gateways and load testers really send them.

use crate::random::Random;
use crate::time::{Duration, Instant};

/// How a telephone tells of a key.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum KeyForm {
    /// Packets of telephone-event.
    Events(EventForm),
    /// SIP INFO, `application/dtmf-relay`.
    InfoRelay,
    /// SIP INFO, `application/dtmf`.
    Info,
    /// Both at once: packets, and an INFO for the same press.
    Both,
}

/// The habits of a sender of telephone events. The default is what RFC 4733 asks for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct EventForm {
    /// Packets before the end.
    pub updates: u8,
    /// Packets with the end bit; some send one, some none.
    pub ends: u8,
    /// Whether the first packet has the marker.
    pub marker: bool,
    /// The first packet says duration 0.
    pub zero_first: bool,
    /// The end packets carry a timestamp of their own.
    pub ends_moved: bool,
    /// Milliseconds between packets.
    pub packet: u8,
    /// A pause of 120 ms in the middle of the press.
    pub gap: bool,
    /// Each press has an SSRC of its own.
    pub new_ssrc: bool,
    /// Like SIPp's captures: SSRC, sequence and timestamp are the same for every press, for ever.
    pub frozen: bool,
    /// The clock of the events, in kHz: some offer 16 or 48 beside sound of 8.
    pub clock: u8,
    /// The tone of the press is in the sound too.
    pub in_band: bool,
}

impl Default for EventForm {
    fn default() -> Self {
        Self {
            updates: 4,
            ends: 3,
            marker: true,
            zero_first: false,
            ends_moved: false,
            packet: 20,
            gap: false,
            new_ssrc: false,
            frozen: false,
            clock: 8,
            in_band: false,
        }
    }
}

impl EventForm {
    /// One of the odd habits the field has shown.
    pub fn odd(random: &mut Random) -> Self {
        let usual = Self::default();
        match random.below(12) {
            0 => Self { marker: false, ..usual },
            1 => Self { ends: 0, ..usual },
            2 => Self { ends: 1, ..usual },
            3 => Self { ends_moved: true, ..usual },
            4 => Self { zero_first: true, ..usual },
            5 => Self { packet: 100, updates: 2, ..usual },
            6 => Self { gap: true, ..usual },
            7 => Self { new_ssrc: true, ..usual },
            8 => Self { clock: 16, ..usual },
            9 => Self { clock: 48, ends_moved: random.chance(0.3), ..usual },
            10 => Self { in_band: true, ..usual },
            _ => Self { frozen: true, ..usual },
        }
    }

    /// How far apart two presses must be for anybody to tell them apart.
    pub fn spacing(&self) -> Duration {
        let length = Duration::from_millis(u64::from(self.packet) * u64::from(self.updates + self.ends));
        // The same numbers, or an end that looks like a new press, take the listener's memory to tell from an echo.
        let apart = if self.frozen || self.ends_moved || self.gap || self.ends == 0 { 900 } else { 120 };
        length + Duration::from_millis(apart)
    }
}

/// The sending side of one RTP stream.
#[derive(Clone, Debug)]
pub struct Sender {
    ssrc: u32,
    sequence: u16,
    base: u32,
}

impl Sender {
    /// A stream with its own numbers.
    pub fn new(random: &mut Random) -> Self {
        Self { ssrc: random.u32(), sequence: random.u32() as u16, base: random.u32() }
    }

    /// One packet of A-law silence: enough for the other side to learn where we are.
    pub fn silence(&mut self, now: Instant) -> Vec<u8> {
        self.sequence = self.sequence.wrapping_add(1);
        let mut bytes = header(8, false, self.sequence, self.timestamp(now, 8), self.ssrc);
        bytes.extend_from_slice(&[0xd5; 160]);
        bytes
    }

    /// The packets of some words: one each 100 ms.
    pub fn speak(&mut self, now: Instant, time: Duration) -> Vec<(Instant, Vec<u8>)> {
        let count = time.as_millis() / 100;
        (0..count as u32)
            .map(|n| {
                let at = now + Duration::from_millis(100) * n;
                self.sequence = self.sequence.wrapping_add(1);
                let mut bytes = header(8, n == 0, self.sequence, self.timestamp(at, 8), self.ssrc);
                bytes.extend_from_slice(&[0xa5; 160]);
                (at, bytes)
            })
            .collect()
    }

    /// The packets of one press and when each leaves.
    pub fn press(&mut self, now: Instant, event: u8, payload_type: u8, form: EventForm) -> Vec<(Instant, Vec<u8>)> {
        if form.new_ssrc {
            self.ssrc = self.ssrc.wrapping_mul(0x9e37_79b1).wrapping_add(1);
        }
        let mut sequence = if form.frozen { 1000 } else { self.sequence };
        let timestamp = if form.frozen { 160_000 } else { self.timestamp(now, form.clock) };
        let step = u16::from(form.packet) * u16::from(form.clock);
        let mut packets = Vec::with_capacity(usize::from(form.updates + form.ends));
        let mut at = now;
        let mut duration = if form.zero_first { 0 } else { step };
        for index in 0..form.updates + form.ends {
            let is_end = index >= form.updates;
            sequence = sequence.wrapping_add(1);
            let moved = if is_end && form.ends_moved { u32::from(duration) } else { 0 };
            let marker = form.marker && index == 0;
            let mut bytes = header(payload_type, marker, sequence, timestamp.wrapping_add(moved), self.ssrc);
            bytes.extend_from_slice(&[event, if is_end { 0x80 | 10 } else { 10 }]);
            bytes.extend_from_slice(&duration.to_be_bytes());
            packets.push((at, bytes));
            if form.in_band {
                // Beside the packets of the event, with numbers of its own: the sound never stopped.
                let timestamp = self.timestamp(at, 8);
                let mut sound = header(8, false, sequence.wrapping_add(500), timestamp, self.ssrc);
                sound.extend((0..160u32).map(|n| tone(event, timestamp.wrapping_sub(self.base).wrapping_add(n))));
                packets.push((at, sound));
            }
            if index + 1 < form.updates {
                duration = duration.saturating_add(step);
            }
            at += Duration::from_millis(u64::from(form.packet));
            if form.gap && index == 1 {
                at += Duration::from_millis(120);
            }
        }
        if !form.frozen {
            self.sequence = sequence;
        }
        packets
    }

    /// By a clock of so many kHz. A telephone's clock wraps, so the cast is meant.
    fn timestamp(&self, now: Instant, clock: u8) -> u32 {
        self.base.wrapping_add((u128::from(clock) * u128::from(now.as_nanos()) / 1_000_000) as u32)
    }
}

/// One sample of a key's two tones (ITU-T Q.23), in A-law.
fn tone(event: u8, at: u32) -> u8 {
    const KEYS: &[u8; 16] = &[1, 2, 3, 12, 4, 5, 6, 13, 7, 8, 9, 14, 10, 0, 11, 15];
    let place = KEYS.iter().position(|key| *key == event).unwrap_or(0);
    let pair = [[697.0, 770.0, 852.0, 941.0][place / 4], [1209.0, 1336.0, 1477.0, 1633.0][place % 4]];
    let wave = |hertz: f64| (std::f64::consts::TAU * hertz * f64::from(at) / 8000.0).sin();
    let sample = (6_000.0 * (wave(pair[0]) + wave(pair[1]))) as i32;
    // ITU-T G.711: sign, segment, four bits; every second bit turned.
    let size = sample.unsigned_abs() >> 3;
    let segment = (32 - (size >> 5).leading_zeros()).min(7);
    let steps = (if segment < 2 { size >> 1 } else { size >> segment }) & 0x0f;
    let sign = if sample >= 0 { 0x80 } else { 0 };
    (sign | (segment << 4) as u8 | steps as u8) ^ 0x55
}

/// The event code of a key (RFC 4733 §3.2).
pub fn event_code(key: char) -> Option<u8> {
    "0123456789*#ABCD".chars().position(|known| known == key).map(|at| at as u8)
}

fn header(payload_type: u8, marker: bool, sequence: u16, timestamp: u32, ssrc: u32) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(172);
    bytes.extend_from_slice(&[0x80, payload_type | if marker { 0x80 } else { 0 }]);
    bytes.extend_from_slice(&sequence.to_be_bytes());
    bytes.extend_from_slice(&timestamp.to_be_bytes());
    bytes.extend_from_slice(&ssrc.to_be_bytes());
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_press_is_one_timestamp_with_growing_durations_and_three_ends() {
        let mut sender = Sender::new(&mut Random::from_number(1));
        let packets = sender.press(Instant::START, 11, 101, EventForm::default());
        let durations: Vec<u16> = packets.iter().map(|(_, bytes)| u16::from_be_bytes([bytes[14], bytes[15]])).collect();
        assert_eq!(durations, [160, 320, 480, 640, 640, 640, 640]);
        assert!(packets.iter().all(|(_, bytes)| bytes[4..8] == packets[0].1[4..8] && bytes[12] == 11));
        assert_eq!(packets.iter().filter(|(_, bytes)| bytes[13] & 0x80 != 0).count(), 3);
        assert_eq!(packets.iter().filter(|(_, bytes)| bytes[1] == 0x80 | 101).count(), 1);
    }

    #[test]
    fn a_frozen_sender_repeats_the_very_same_bytes() {
        let mut sender = Sender::new(&mut Random::from_number(1));
        let form = EventForm { frozen: true, ..EventForm::default() };
        let bytes = |packets: Vec<(Instant, Vec<u8>)>| packets.into_iter().map(|(_, bytes)| bytes).collect::<Vec<_>>();
        let first = bytes(sender.press(Instant::START, 1, 101, form));
        let second = bytes(sender.press(Instant::from_nanos(2_000_000_000), 1, 101, form));
        assert_eq!(first, second);
    }
}
