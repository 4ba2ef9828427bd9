//! What a packet costs, once a stream has warmed up: no allocation.

use super::*;
use crate::media::tap::Sink;
use crate::media::{Sides, StreamKey};

/// Keeps nothing.
struct Nowhere;

impl Sink for Nowhere {
    fn take(&mut self, _: &[i16]) -> Result<(), crate::media::Loss> {
        Ok(())
    }

    fn finish(&mut self, _: crate::media::Ended) {}
}

fn configured(codec: Codec, events: bool) -> Stream {
    let (mut stream, mut told) = (Stream::new(1, 2, 3), Vec::new());
    let mut chosen = Chosen { codec, payload_type: codec.payload_type(), ..agreed() };
    if !events {
        chosen.events.clear();
    }
    stream.command(at(0), Command::Configure(chosen), &mut told);
    stream
}

/// The n-th packet of a telephone that hums.
fn hum(codec: Codec, n: u64) -> [u8; 172] {
    let mut packet = [0; 172];
    let (header, payload) = packet.split_at_mut(12);
    write_header(header, codec.payload_type(), false, n as u16, n as u32 * 160, 9).expect("room");
    payload.iter_mut().zip(n..).for_each(|(byte, n)| *byte = (n as u8 % 64) | 0x80);
    packet
}

/// Allocations in two seconds, after two others.
fn allocations(mut interval: impl FnMut(u64)) -> u64 {
    (0..100).for_each(&mut interval);
    allocation_counter::measure(|| (100..200).for_each(&mut interval)).count_total
}

#[test]
fn a_call_that_listens_costs_no_allocation_per_packet_whether_its_keys_are_events_or_tones() {
    for (codec, events) in [(Codec::Pcma, true), (Codec::Pcma, false), (Codec::G722, true), (Codec::G722, false)] {
        let (mut stream, mut told) = (configured(codec, events), Vec::new());
        let mut buffer = [0; RTP_PACKET_BYTES_MAX];
        let count = allocations(|n| {
            stream.received(at(n * 20), address(PEER), &mut hum(codec, n), &mut told);
            assert!(stream.next_packet(&mut buffer, &mut told).is_some());
            told.clear();
        });
        assert_eq!(count, 0, "{codec:?}, events: {events}");
    }
}

#[test]
fn a_call_that_is_recorded_costs_no_allocation_per_packet() {
    for codec in [Codec::Pcma, Codec::G722] {
        let (mut stream, mut told) = (configured(codec, true), Vec::new());
        let (key, longest) = (crate::media::RecordingKey::default(), Duration::from_secs(60));
        let recording = Recording { key, file: "calls/a".into(), sides: Sides::Both, longest, silence: None };
        stream.record(recording, Box::new(Nowhere));
        let mut buffer = [0; RTP_PACKET_BYTES_MAX];
        let count = allocations(|n| {
            // One of ten is lost, and what is missing is guessed.
            if n % 10 != 7 {
                stream.received(at(n * 20), address(PEER), &mut hum(codec, n), &mut told);
            }
            assert!(stream.next_packet(&mut buffer, &mut told).is_some());
            told.clear();
        });
        assert_eq!(count, 0, "{codec:?}");
    }
}

#[test]
fn two_legs_that_are_translated_cost_no_allocation_per_packet() {
    for (ms, of_two) in [(20, 2), (40, 1), (10, 4)] {
        let codecs = [Codec::G722, Codec::Pcma];
        let [mut caller, mut centre] = codecs.map(|codec| configured(codec, true));
        let mut told = Vec::new();
        let (codec, packet) = (Codec::Pcma, Duration::from_millis(ms));
        let chosen = Chosen { codec, payload_type: codec.payload_type(), packet, ..agreed() };
        centre.command(at(0), Command::Configure(chosen), &mut told);
        caller.command(at(0), Command::Bridge(StreamKey(2)), &mut told);
        centre.command(at(0), Command::Bridge(StreamKey(1)), &mut told);
        let (mut buffer, mut left) = ([0; RTP_PACKET_BYTES_MAX], 0);
        let count = allocations(|n| {
            let [mut theirs, mut others] = codecs.map(|codec| hum(codec, n));
            let heard = caller.received(at(n * 20), address(PEER), &mut theirs, &mut told).expect("it counts");
            left += usize::from(centre.forward(&heard, &mut buffer).is_some());
            while centre.forward_next(&mut buffer).is_some() {
                left += 1;
            }
            let heard = centre.received(at(n * 20), address(PEER), &mut others, &mut told).expect("it counts");
            assert!(caller.forward(&heard, &mut buffer).is_some());
            assert_eq!(caller.forward_next(&mut buffer), None);
            assert_eq!(caller.next_packet(&mut buffer, &mut told), None);
            assert_eq!(centre.next_packet(&mut buffer, &mut told), None);
            told.clear();
        });
        assert_eq!((count, left), (0, 100 * of_two), "{ms} ms");
    }
}
