//! What encryption costs each packet of 172 bytes (20 ms of G.711), and each report: `cargo bench --bench srtp`.
//!
//! A shared machine only ever adds time, so the figure is the quickest of many short batches, with the median beside it. Allocations
//! are counted: there are none. A tick of the counter of each number is part of the work, so that no packet is refused as heard before.

use ivr1357::limits::{RTP_PACKET_BYTES_MAX, SRTP_TRAILER_BYTES_MAX};
use ivr1357::media::srtp::{Opener, Sealer};
use ivr1357::sdp::Suite;
use ivr1357::sdp::crypto::Keys;
use std::hint::black_box;

const PACKET: usize = 172;
const REPORT: usize = 100;
const BATCHES: usize = 400;
const PER_BATCH: usize = 256;

type Packet = ([u8; RTP_PACKET_BYTES_MAX], usize);

fn main() {
    // Nothing is measured without its optimisations; `cargo test` merely sees that it runs.
    let batches = if cfg!(debug_assertions) { 3 } else { BATCHES };
    println!("{:<26}{:>12}{:>12}{:>14}", "", "quickest µs", "median µs", "allocations");
    for suite in Suite::ALL {
        let key = Keys::new([[0x13; 44]; 4]).of(suite);
        let mut sealer = Sealer::new(&key);
        let mut opener = Opener::new(&key, None);
        let (mut seal, mut open, mut report) = (Measured::default(), Measured::default(), Measured::default());
        let mut sequence = 0u16;
        // The first packet of a source makes its entry.
        let mut first = packet(0);
        first.1 = sealer.seal(&mut first.0, PACKET).expect("there is room");
        opener.open(&mut first.0[..first.1]).expect("it is ours");
        for _ in 0..batches {
            let mut packets: Vec<Packet> = (0..PER_BATCH)
                .map(|_| {
                    sequence = sequence.wrapping_add(1);
                    packet(sequence)
                })
                .collect();
            seal.batch(&mut packets, |(bytes, length)| {
                *length = sealer.seal(black_box(bytes), PACKET).expect("there is room");
            });
            open.batch(&mut packets, |(bytes, length)| {
                black_box(opener.open(black_box(&mut bytes[..*length])).expect("it is ours"));
            });
            report.batch(&mut packets, |(bytes, length)| {
                *length = sealer.seal_report(black_box(bytes), REPORT).expect("there is room");
            });
        }
        for (work, measured) in [("seal", &mut seal), ("open", &mut open), ("seal a report", &mut report)] {
            measured.tell(&format!("{} {work}", short(suite)));
        }
    }
}

fn short(suite: Suite) -> &'static str {
    match suite {
        Suite::AesCm128Sha1Tag80 => "AES-CM SHA1_80",
        Suite::AesCm128Sha1Tag32 => "AES-CM SHA1_32",
        Suite::AesGcm128 => "AES-GCM 128",
        Suite::AesGcm256 => "AES-GCM 256",
    }
}

fn packet(sequence: u16) -> Packet {
    const { assert!(PACKET + SRTP_TRAILER_BYTES_MAX <= RTP_PACKET_BYTES_MAX) };
    let mut bytes = [0xd5; RTP_PACKET_BYTES_MAX];
    bytes[..4].copy_from_slice(&[0x80, 8, (sequence >> 8) as u8, sequence as u8]);
    (bytes, PACKET)
}

#[derive(Default)]
struct Measured {
    nanos: Vec<u128>,
    allocations: u64,
}

impl Measured {
    #[allow(clippy::disallowed_methods)] // a benchmark is where real time is looked at
    fn batch(&mut self, packets: &mut [Packet], mut work: impl FnMut(&mut Packet)) {
        let mut nanos = 0;
        let counted = allocation_counter::measure(|| {
            let began = std::time::Instant::now();
            packets.iter_mut().for_each(&mut work);
            nanos = began.elapsed().as_nanos();
        });
        self.nanos.push(nanos);
        self.allocations += counted.count_total;
    }

    fn tell(&mut self, name: &str) {
        self.nanos.sort_unstable();
        let each = |at: usize| self.nanos[at] as f64 / PER_BATCH as f64 / 1_000.0;
        println!("{name:<26}{:>12.3}{:>12.3}{:>14}", each(0), each(self.nanos.len() / 2), self.allocations);
    }
}
