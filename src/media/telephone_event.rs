//! Key presses from telephone-event packets (RFC 4733), as real senders write them.
//!
//! A press is known by its SSRC, timestamp and event, remembered for a while after its last packet. It counts at
//! its first packet: the marker and the end bit are never waited for, because some senders set neither. Which
//! packets get here (payload type, source) is decided by `stream`.

use crate::limits::{KEY_GAP, KEY_MEMORY, KEY_PRESSES_MAX};
use crate::number::Key;
use crate::time::{Duration, Instant};

/// One packet's event, with what its RTP header says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Packet {
    /// The source.
    pub ssrc: u32,
    /// When the press began, in the sender's clock; or so RFC 4733 §2.2.1 has it.
    pub timestamp: u32,
    /// The event code.
    pub event: u8,
    /// The press is over.
    pub end: bool,
    /// How long it has lasted, in ticks of the clock.
    pub duration: u16,
}

impl Packet {
    /// Reads the four bytes of RFC 4733 §2.3; whatever follows them is another event's redundancy, already told.
    pub fn read(ssrc: u32, timestamp: u32, payload: &[u8]) -> Option<Self> {
        let [event, flags, high, low, ..] = *payload else { return None };
        Some(Self { ssrc, timestamp, event, end: flags & 0x80 != 0, duration: u16::from_be_bytes([high, low]) })
    }
}

/// The receiver of one stream.
#[derive(Debug, Default)]
pub struct Receiver {
    /// The last few presses, the newest last. Packets of several may be under way in disorder.
    presses: Vec<Press>,
}

#[derive(Clone, Copy, Debug)]
struct Press {
    ssrc: u32,
    event: u8,
    /// The timestamp of its first packet.
    began: u32,
    /// The furthest timestamp of its packets, where a sender lets it wander.
    seen: u32,
    /// The longest duration told.
    duration: u16,
    ended: bool,
    /// When its first packet came, and the duration it told.
    first: (Instant, u16),
    last: Instant,
}

/// Three end packets, 20 ms apart, may wander this far beyond the press. Shorter than the shortest pause between
/// two presses (ITU-T Q.24: 50 ms).
const WANDER: Duration = Duration::from_millis(45);
/// A packet of a press comes when its duration says, give or take the network. More than the shortest pause, 80 ms, would take the end of the
/// next press for one of this.
const JITTER: Duration = Duration::from_millis(80);

impl Receiver {
    /// Room for its memory is made once.
    pub fn new() -> Self {
        Self { presses: Vec::with_capacity(KEY_PRESSES_MAX) }
    }

    /// A packet at this clock rate. `Some` at the first packet of a press, unless presses come in a flood.
    pub fn received(&mut self, now: Instant, clock: u32, packet: Packet) -> Option<Key> {
        let key = Key::from_event(packet.event)?;
        // By name first, so that a late packet of one press never passes for the wandering of the next.
        let known = self
            .presses
            .iter()
            .rposition(|press| press.is_named(now, packet))
            .or_else(|| self.presses.iter().rposition(|press| press.is_meant(now, clock, packet)));
        if let Some(press) = known.and_then(|at| self.presses.get_mut(at)) {
            press.absorb(now, packet);
            return None;
        }
        if self.presses.len() == KEY_PRESSES_MAX {
            let forgotten = self.presses.iter().position(|press| now.since(press.last) >= KEY_MEMORY)?;
            self.presses.remove(forgotten);
        }
        self.presses.push(Press {
            ssrc: packet.ssrc,
            event: packet.event,
            began: packet.timestamp,
            seen: packet.timestamp,
            duration: packet.duration,
            ended: packet.end,
            first: (now, packet.duration),
            last: now,
        });
        Some(key)
    }
}

impl Press {
    /// Whether the packet bears the name of this press.
    fn is_named(&self, now: Instant, packet: Packet) -> bool {
        if !self.is_of(packet) || (packet.timestamp != self.began && packet.timestamp != self.seen) {
            return false;
        }
        // SIPp's captures repeat one name for ever: after the memory it is the next press. Unless it goes on
        // counting where a press without an end left off: then packets were lost within a long one.
        let silence = now.since(self.last);
        silence < KEY_MEMORY || (!self.ended && packet.duration > self.duration && silence < KEY_GAP)
    }

    /// Whether the packet tells of this press under another timestamp.
    fn is_meant(&self, now: Instant, clock: u32, packet: Packet) -> bool {
        self.is_of(packet)
            && now.since(self.last) < KEY_MEMORY
            && (self.wandered(now, clock, packet) || self.segment_follows(clock, packet))
    }

    fn is_of(&self, packet: Packet) -> bool {
        (self.ssrc, self.event) == (packet.ssrc, packet.event)
    }

    fn absorb(&mut self, now: Instant, packet: Packet) {
        let ahead = packet.timestamp.wrapping_sub(self.began);
        if ahead < 1 << 31 && ahead > self.seen.wrapping_sub(self.began) {
            self.seen = packet.timestamp;
        }
        self.duration = self.duration.max(packet.duration);
        self.ended |= packet.end;
        self.last = now;
    }

    /// Some senders let the timestamp run on, for the end packets or for all. The duration still counts from the
    /// first packet, so the timestamp lies no further on than it says, and the packet comes when it says. The next
    /// press begins after this one and a pause: beyond what its own duration reaches back, or too late for it.
    fn wandered(&self, now: Instant, clock: u32, packet: Packet) -> bool {
        let wander = ticks(clock, WANDER);
        let ahead = packet.timestamp.wrapping_sub(self.began);
        let behind = self.began.wrapping_sub(packet.timestamp);
        let (told, longest) = (u32::from(packet.duration), u32::from(self.duration));
        if ahead < self.seen.wrapping_sub(self.began) {
            return true; // A late one, between two that came.
        }
        if behind <= longest + wander {
            return self.ended && !packet.end && told <= longest; // Its wandered end was faster.
        }
        let (first, first_told) = self.first;
        let expected =
            Duration::from_micros(told.saturating_sub(first_told.into()) as u64 * 1_000_000 / u64::from(clock.max(1)));
        let in_time = now.since(first) < expected + JITTER;
        let grows = match (self.ended, packet.end) {
            // The repeated end tells the same length, or runs on with its timestamp; another length is another press.
            (true, true) => told == longest || (told > longest && told <= longest + wander && ahead <= told),
            (true, false) => false,
            (false, _) => told >= longest,
        };
        // Too near for the next press, whose pause comes after all that was told of this one: then the network was slow.
        let too_near = ahead <= longest + wander;
        ahead <= told + wander && grows && (in_time || too_near || (self.ended && told == longest))
    }

    /// A press longer than the duration field can tell goes on in segments, each beginning where the one before
    /// ended (RFC 4733 §2.5.1.3). At 48 kHz that is every press of more than 1.3 s.
    fn segment_follows(&self, clock: u32, packet: Packet) -> bool {
        const FULL: u32 = 0xffff;
        let ahead = packet.timestamp.wrapping_sub(self.seen);
        let slack = ticks(clock, Duration::from_millis(110));
        !self.ended && u32::from(self.duration) + slack >= FULL && ahead.abs_diff(FULL) <= slack
    }
}

fn ticks(clock: u32, duration: Duration) -> u32 {
    (u64::from(clock) * duration.as_millis() as u64 / 1000) as u32
}

#[cfg(test)]
#[path = "telephone_event_tests.rs"]
mod tests;
