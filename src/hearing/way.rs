//! How the packets of a stream came: numbers, times, marks (RFC 3550 §5.1, §6.4.1).

use super::capture::{Packet, Stream};
use super::{codec, codec_of};
use crate::media::reception::Reception;
use crate::sdp::Codec;
use crate::time::{Duration, Instant};
use std::collections::HashSet;

/// What is known of the way.
#[derive(Clone, Debug, Default)]
pub struct Way {
    /// The codec of most packets, or of the first.
    pub codec: Option<Codec>,
    /// Packets, twofold ones too.
    pub packets: usize,
    /// Numbers that never came.
    pub lost: usize,
    /// Packets that came again.
    pub duplicates: usize,
    /// Packets that came after a later one.
    pub reordered: usize,
    /// Packets of keys (RFC 4733) among them.
    pub events: usize,
    /// Packets with the marker.
    pub marked: usize,
    /// Where numbers began anew.
    pub beginnings: usize,
    /// Where the timestamp went further, or less far, than the packet before it was long, though no number is missing; in samples.
    pub jumps: usize,
    /// All of those that went further, together.
    pub jumped_ms: usize,
    /// Between two packets: the half, 99 of 100 and all are no longer, in microseconds.
    pub gaps: [u64; 3],
    /// RFC 3550 §6.4.1, in microseconds.
    pub jitter: u64,
}

/// RFC 3550 A.1: beyond this, numbers began anew.
const DROPOUT_MAX: i64 = 3000;

impl Way {
    /// Of a stream.
    pub fn of(stream: &Stream<'_>, payloads: &[(u8, Codec)]) -> Self {
        let mut way = Self { packets: stream.packets.len(), ..Self::default() };
        let mut reception = Reception::default();
        let mut seen = HashSet::new();
        // The numbers of the present beginning: the first, the furthest, how many.
        let mut run: Option<(i64, i64, usize)> = None;
        let mut gaps = Vec::with_capacity(stream.packets.len());
        for (at, packet) in stream.packets.iter().enumerate() {
            way.marked += usize::from(packet.marked);
            way.events += usize::from(packet.is_event());
            let codec = codec_of(packet.payload_type, payloads);
            way.codec = way.codec.or(codec);
            if let Some(before) = at.checked_sub(1).and_then(|before| stream.packets.get(before)) {
                gaps.push(packet.at.saturating_sub(before.at));
            }
            let now = Instant::START + Duration::from_micros(packet.at.min(1 << 60));
            let sampled = codec.map(|codec| (packet.timestamp, codec.clock()));
            reception.received(now, stream.ssrc, packet.sequence, sampled);
            let (first, furthest, count) = run.unwrap_or((packet.sequence.into(), i64::from(packet.sequence) - 1, 0));
            let number = furthest + i64::from(packet.sequence.wrapping_sub(furthest as u16) as i16);
            if (number - furthest).abs() > DROPOUT_MAX {
                way.lost += lost(first, furthest, count);
                way.beginnings += 1;
                seen.clear();
                let number = i64::from(packet.sequence);
                seen.insert(number);
                run = Some((number, number, 1));
                continue;
            }
            if !seen.insert(number) {
                way.duplicates += 1;
                continue;
            }
            way.reordered += usize::from(number < furthest);
            run = Some((first.min(number), furthest.max(number), count + 1));
        }
        way.lost += run.map_or(0, |(first, furthest, count)| lost(first, furthest, count));
        way.continuity(stream, payloads);
        gaps.sort_unstable();
        let of =
            |share: usize| gaps.get((gaps.len() * share / 100).min(gaps.len().saturating_sub(1))).copied().unwrap_or(0);
        way.gaps = [of(50), of(99), of(100)];
        way.jitter = reception.jitter().as_micros() as u64;
        way
    }

    /// Of packets whose numbers follow each other: whether their timestamps do.
    fn continuity(&mut self, stream: &Stream<'_>, payloads: &[(u8, Codec)]) {
        let mut before: Option<(&Packet<'_>, Codec)> = None;
        for packet in &stream.packets {
            let Some(codec) = codec_of(packet.payload_type, payloads) else { continue };
            if let Some((before, spoken)) = before
                && packet.sequence == before.sequence.wrapping_add(1)
            {
                let ticks = codec::ticks(spoken);
                let due = before.timestamp.wrapping_add(codec::samples(spoken, before.payload) as u32 * ticks);
                let ahead = packet.timestamp.wrapping_sub(due) as i32 / ticks as i32;
                self.jumps += usize::from(ahead != 0);
                self.jumped_ms += usize::try_from(ahead / 8).unwrap_or(0);
            }
            before = Some((packet, codec));
        }
    }
}

fn lost(first: i64, furthest: i64, count: usize) -> usize {
    usize::try_from(furthest - first + 1).unwrap_or(0).saturating_sub(count)
}
