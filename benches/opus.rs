//! What Opus costs per frame of 20 ms: `cargo bench --features opus --bench opus`.
//!
//! Encoding a prompt is paid once for all calls; a media worker pays for its first stretch alone, between two packets. What is bridged into
//! another codec, recorded or searched for keys is decoded, and encoded, packet by packet. The figure is the quickest of many, with the median.

use ivr1357::limits::STRETCH;
use ivr1357::media::clip::Clip;
use ivr1357::media::codec::{Decoder, Encoder};
use ivr1357::media::{Form, opus};
use ivr1357::sdp::{Codec, Codecs};
use std::hint::black_box;
use std::sync::Arc;

const ROUNDS: usize = 50;

#[allow(clippy::disallowed_methods)] // a benchmark is where real time is looked at
fn time(what: &str, frames: usize, mut work: impl FnMut()) {
    let mut micros: Vec<f64> = (0..ROUNDS)
        .map(|_| {
            let began = std::time::Instant::now();
            work();
            began.elapsed().as_secs_f64() * 1e6 / frames as f64
        })
        .collect();
    micros.sort_by(f64::total_cmp);
    println!("{what}: {:.1} µs (median {:.1})", micros[0], micros[ROUNDS / 2]);
}

fn main() {
    let prompt = concat!(env!("CARGO_MANIFEST_DIR"), "/prompts/ko/greeting.wav");
    let sound = ivr1357::speech::wav::read(&std::fs::read(prompt).expect("the greeting")).expect("a WAV");
    let (samples, wide): (Arc<[i16]>, Option<Arc<[i16]>>) = (sound.samples.into(), sound.wide.map(Arc::from));
    println!("a greeting of {} ms, wide: {}", samples.len() / 8, wide.is_some());
    let frames = samples.len().div_ceil(opus::FRAME);
    for codec in Codec::ALL {
        time(&format!("a prompt into {codec:?}, per frame"), frames, || {
            let clip = Arc::new(Clip::new("greeting", Arc::clone(&samples), wide.clone()));
            let mut encoding = clip.encode(Form::of(codec)).expect("nobody else does");
            while encoding.step() {}
            black_box(&clip);
        });
        time(&format!("its first {} ms, altogether", STRETCH / 8), 1, || {
            let clip = Arc::new(Clip::new("greeting", Arc::clone(&samples), wide.clone()));
            let mut encoding = clip.encode(Form::of(codec)).expect("nobody else does");
            encoding.step();
            black_box(clip.at(Form::of(codec), 0, opus::FRAME));
            // Given up, the rest is silence, and costs next to nothing.
        });
        let (mut encoder, mut packet) = (Encoder::default(), [0; 480]);
        time(&format!("what is said now into {codec:?}, per frame"), frames, || {
            for frame in samples.chunks_exact(opus::FRAME) {
                black_box(encoder.encode(Form::of(codec), frame, &mut packet));
            }
        });
        let clip = Clip::held_in(Codecs::new([codec]), "greeting", &samples);
        let packets: Vec<Vec<u8>> = clip.packets(codec).collect();
        let (mut decoder, mut heard) = (Decoder::default(), Vec::with_capacity(1000));
        time(&format!("from {codec:?}, per frame"), frames, || {
            for packet in &packets {
                heard.clear();
                decoder.decode(codec, packet, &mut heard);
                black_box(&heard);
            }
        });
    }
}
