//! What hearing keys as tones costs per packet of 20 ms, with its decoding: `cargo bench --bench tones`.
//!
//! A shared machine only ever adds time, so the figure is the quickest of many short batches, with the median beside it. The aim is 3 µs in
//! A-law and µ-law; only calls without telephone events pay it. The sound is a voice's: silence may cost less, as numbers near zero do.

use ivr1357::media::Clip;
use ivr1357::media::goertzel::Tones;
use ivr1357::sdp::{Codec, Codecs};
use std::hint::black_box;

const BATCHES: usize = 1_000;
/// A second of sound.
const PER_BATCH: usize = 50;
const PACKET: usize = 160;

#[allow(clippy::disallowed_methods)] // a benchmark is where real time is looked at
fn main() {
    let prompt = concat!(env!("CARGO_MANIFEST_DIR"), "/prompts/ko/greeting.wav");
    let mut wave = hound::WavReader::open(prompt).expect("the greeting");
    let samples: Vec<i16> = wave.samples().collect::<Result<_, _>>().expect("samples of 16 bits");
    for codec in Codec::ALL {
        let clip = Clip::held_in(Codecs::new(vec![codec]), "greeting", &samples);
        let sound: Vec<Vec<u8>> = clip.packets(codec).collect();
        let mut packets = sound.iter().cycle();
        let length = (PACKET as u32) * codec.clock() / 8000;
        let mut tones = Tones::default();
        let mut sequence = 0u32;
        let mut hear = || {
            let packet = packets.next().expect("a greeting has packets");
            black_box(tones.received(7, sequence as u16, sequence.wrapping_mul(length), codec, packet));
            sequence = sequence.wrapping_add(1);
        };
        hear();
        let allocations = allocation_counter::measure(&mut hear).count_total;
        let mut nanos: Vec<u128> = (0..BATCHES)
            .map(|_| {
                let began = std::time::Instant::now();
                (0..PER_BATCH).for_each(|_| hear());
                began.elapsed().as_nanos()
            })
            .collect();
        nanos.sort_unstable();
        let each = |at: usize| nanos[at] as f64 / PER_BATCH as f64 / 1_000.0;
        println!("{codec:?}: {:.2} µs (median {:.2}), {allocations} allocations", each(0), each(BATCHES / 2));
    }
}
