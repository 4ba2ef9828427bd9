//! What one source's packets say about the way they came (RFC 3550 §6.4.1, appendices A.1, A.3 and A.8).
//!
//! A media thread looks at its sockets once a millisecond, so an arrival is known to a millisecond: jitter below that is
//! not seen.

use crate::time::{Duration, Instant};

/// RFC 3550 A.1: a jump this far ahead is loss; beyond it, the source began anew.
const DROPOUT_MAX: u32 = 3000;
/// RFC 3550 A.1: a packet this far back is late; beyond it, the source began anew.
const MISORDER_MAX: u32 = 100;

/// Everything received of one leg, under whatever SSRC.
#[derive(Clone, Copy, Debug, Default)]
pub struct Reception {
    source: Option<Source>,
    /// Packets of sources before it, and how many of theirs were lost.
    received_before: u32,
    lost_before: u32,
}

#[derive(Clone, Copy, Debug)]
struct Source {
    ssrc: u32,
    /// The first sequence number, and the highest with its cycles above it.
    base: u32,
    highest: u32,
    /// What would be the next packet of a source that began anew.
    anew: Option<u16>,
    received: u32,
    /// As they stood at the last report.
    expected_then: u32,
    received_then: u32,
    /// The clock of `transit` and `jitter`, in Hz.
    clock: u32,
    transit: Option<u32>,
    /// Sixteen times the jitter, in ticks.
    jitter: u32,
}

/// What a report block says of a source.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Block {
    /// Whose packets.
    pub ssrc: u32,
    /// Lost since the last report, in 256ths.
    pub fraction: u8,
    /// Lost in all.
    pub lost: u32,
    /// The highest sequence number with its cycles.
    pub highest: u32,
    /// In ticks of the source's clock.
    pub jitter: u32,
}

impl Reception {
    /// A packet. `sampled` is its timestamp with the clock, unless the timestamp does not move with time (RFC 4733 §2.2.1).
    pub fn received(&mut self, now: Instant, ssrc: u32, sequence: u16, sampled: Option<(u32, u32)>) {
        match &mut self.source {
            Some(source) if source.ssrc == ssrc => {
                if !source.counts(sequence) {
                    self.begin(ssrc, sequence);
                }
            }
            Some(_) | None => self.begin(ssrc, sequence),
        }
        if let (Some(source), Some((timestamp, clock))) = (&mut self.source, sampled) {
            source.arrived(now, timestamp, clock);
        }
    }

    fn begin(&mut self, ssrc: u32, sequence: u16) {
        (self.received_before, self.lost_before) = (self.packets(), self.lost());
        self.source = Some(Source {
            ssrc,
            base: sequence.into(),
            highest: sequence.into(),
            anew: None,
            received: 1,
            expected_then: 0,
            received_then: 0,
            clock: 0,
            transit: None,
            jitter: 0,
        });
    }

    /// Packets received.
    pub fn packets(&self) -> u32 {
        self.received_before.saturating_add(self.source.map_or(0, |source| source.received))
    }

    /// Packets lost; what came twice does not make up for them across sources.
    pub fn lost(&self) -> u32 {
        self.lost_before.saturating_add(self.source.map_or(0, |source| source.lost()))
    }

    /// How unevenly the last source's packets came.
    pub fn jitter(&self) -> Duration {
        let ticks =
            self.source.map_or((0, 1), |source| (u64::from(source.jitter >> 4), u64::from(source.clock.max(1))));
        Duration::from_micros(ticks.0 * 1_000_000 / ticks.1)
    }

    /// The report block of the present source; the next one counts from here.
    pub fn block(&mut self) -> Option<Block> {
        let source = self.source.as_mut()?;
        let expected = source.expected();
        let due = expected.wrapping_sub(source.expected_then);
        let lost = due.saturating_sub(source.received.wrapping_sub(source.received_then));
        (source.expected_then, source.received_then) = (expected, source.received);
        let fraction = (u64::from(lost) << 8).checked_div(due.into()).unwrap_or(0);
        Some(Block {
            ssrc: source.ssrc,
            fraction: fraction.min(255) as u8,
            // 24 bits with a sign; ours is never negative.
            lost: source.lost().min(0x7f_ffff),
            highest: source.highest,
            jitter: source.jitter >> 4,
        })
    }
}

impl Source {
    fn expected(&self) -> u32 {
        self.highest.wrapping_sub(self.base).wrapping_add(1)
    }

    fn lost(&self) -> u32 {
        self.expected().saturating_sub(self.received)
    }

    /// Counts a packet; `false` when it is the second one of a source that began anew (RFC 3550 A.1).
    fn counts(&mut self, sequence: u16) -> bool {
        let ahead = u32::from(sequence.wrapping_sub(self.highest as u16));
        if ahead < DROPOUT_MAX {
            self.highest = self.highest.wrapping_add(ahead);
        } else if ahead <= (1 << 16) - MISORDER_MAX {
            // Two in a row tell a new beginning from a stray packet.
            if self.anew == Some(sequence) {
                return false;
            }
            self.anew = Some(sequence.wrapping_add(1));
            return true;
        }
        self.received = self.received.wrapping_add(1);
        true
    }

    fn arrived(&mut self, now: Instant, timestamp: u32, clock: u32) {
        let arrival = (u128::from(now.as_nanos()) * u128::from(clock) / 1_000_000_000) as u32;
        let transit = arrival.wrapping_sub(timestamp);
        if self.clock != clock {
            (self.clock, self.transit, self.jitter) = (clock, None, 0);
        }
        if let Some(before) = self.transit.replace(transit) {
            let difference = (transit.wrapping_sub(before) as i32).unsigned_abs();
            // A timestamp that jumps by seconds is a sender who began anew, not a network.
            if difference < clock {
                self.jitter = self.jitter.wrapping_add(difference).wrapping_sub((self.jitter + 8) >> 4);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SSRC: u32 = 7;

    fn at(ms: u64) -> Instant {
        Instant::START + Duration::from_millis(ms)
    }

    /// These sequence numbers, 20 ms apart.
    fn heard(sequences: &[u16]) -> Reception {
        let mut reception = Reception::default();
        for (&sequence, n) in sequences.iter().zip(0u32..) {
            reception.received(at(20 * u64::from(n)), SSRC, sequence, Some((n * 160, 8000)));
        }
        reception
    }

    #[test]
    fn loss_is_what_the_sequence_numbers_miss() {
        for (name, sequences, packets, lost) in [
            ("nothing", &[][..], 0, 0),
            ("a row", &[1, 2, 3, 4], 4, 0),
            ("one missing", &[1, 2, 4, 5], 4, 1),
            ("disorder", &[1, 3, 2, 4], 4, 0),
            ("over the end", &[65_534, 65_535, 1, 2], 4, 1),
            ("twice", &[1, 1, 2, 2], 4, 0),
            ("a late one of before the first", &[10, 9, 11], 3, 0),
            ("one stray far away", &[1, 2, 30_000, 3, 4], 4, 0),
            ("begun anew after a loss", &[1, 3, 30_000, 30_001, 30_002], 4, 1),
            ("SIPp: one number for ever", &[5, 5, 5, 5], 4, 0),
        ] {
            let reception = heard(sequences);
            assert_eq!((reception.packets(), reception.lost()), (packets, lost), "{name}");
        }
    }

    #[test]
    fn a_new_source_adds_to_what_was_counted() {
        let mut reception = heard(&[1, 3]);
        reception.received(at(100), 8, 500, None);
        reception.received(at(120), 8, 502, None);
        assert_eq!((reception.packets(), reception.lost()), (4, 2));
        assert_eq!(reception.block().map(|block| (block.ssrc, block.lost, block.highest)), Some((8, 1, 502)));
    }

    #[test]
    fn a_block_tells_the_fraction_since_the_last_one() {
        let mut reception = heard(&[1, 2, 3, 5]);
        assert_eq!(reception.block().map(|block| (block.fraction, block.lost)), Some((51, 1)), "one of five");
        reception.received(at(200), SSRC, 6, None);
        assert_eq!(reception.block().map(|block| (block.fraction, block.lost)), Some((0, 1)));
        assert_eq!(reception.block().map(|block| block.fraction), Some(0), "nothing was due");
        reception.received(at(220), SSRC, 6 + 4, None);
        assert_eq!(reception.block().map(|block| (block.fraction, block.lost)), Some((192, 4)), "three of four");
        assert_eq!(Reception::default().block(), None);
    }

    #[test]
    fn jitter_is_none_on_an_even_way_and_tells_an_uneven_one() {
        assert_eq!(heard(&[1, 2, 3, 4, 5]).jitter(), Duration::ZERO);
        let mut reception = Reception::default();
        for n in 0..2000u32 {
            let late = u64::from(n % 2) * 10;
            reception.received(at(u64::from(n) * 20 + late), SSRC, n as u16, Some((n * 160, 8000)));
        }
        // Each packet differs from the one before by 10 ms, and that is what A.8 comes to.
        let jitter = reception.jitter().as_micros();
        assert!((9_500..=10_000).contains(&jitter), "{jitter}");
    }

    #[test]
    fn a_key_whose_timestamp_stands_still_is_no_jitter() {
        let mut reception = heard(&[1, 2]);
        for n in 0..20u16 {
            reception.received(at(40 + 20 * u64::from(n)), SSRC, 3 + n, None);
        }
        reception.received(at(440), SSRC, 23, Some((22 * 160, 8000)));
        assert_eq!((reception.jitter(), reception.lost()), (Duration::ZERO, 0));
    }
}
