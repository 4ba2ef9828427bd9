//! How often the detector of keys as tones takes something else for a key (talk-off), and how many keys it finds while somebody speaks (talk-down).
//!
//! ```text
//! cargo run --release --example talk_off -- --hours 10 --seed 1 [--folder NAME=DIR]… [--keep DIR] [--presses 2000] [--only KIND]
//! ```
//!
//! Everything is made from the seed: voices (the shipped prompts, and espeak-ng where it is installed), voices in noise, many voices at once, music,
//! tones of telephone networks, whistles, noise; at −30 to −10 dBov, through A-law or µ-law. `--folder` adds sound of your own, for example recorded voices:
//! WAV files of 8 kHz, one channel. `--keep` writes what was taken for a key. The aim is one false key in ten hours.

// A measuring tool: it reads clocks.
#![allow(clippy::disallowed_methods)]

mod keys;
mod music;
mod sounds;

use ivr1357::random::Random;
use ivr1357::speech::wav;
use keys::{codec, keys, press};
use sounds::{RATE, Sounds, at_level, mixed, to_samples};
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, mpsc};
use std::time::Instant;

struct Arguments {
    hours: f64,
    seed: u64,
    folders: Vec<(String, PathBuf)>,
    keep: Option<PathBuf>,
    presses: usize,
    only: Option<String>,
}

/// A key that nobody pressed.
struct False {
    kind: usize,
    minute: usize,
    key: char,
    /// Where in its minute, in samples.
    at: usize,
    around: Vec<i16>,
}

fn main() {
    let arguments = arguments();
    let began = Instant::now();
    let sounds = Sounds::load(arguments.seed, &arguments.folders, &mut |line| eprintln!("{line}"));
    eprintln!("{:.0} s: sounds are ready", began.elapsed().as_secs_f64());
    talk_off(&arguments, &sounds);
    talk_down(&arguments, &sounds);
    eprintln!("{:.0} s in all", began.elapsed().as_secs_f64());
}

fn arguments() -> Arguments {
    let mut parsed = Arguments { hours: 1.0, seed: 1, folders: Vec::new(), keep: None, presses: 2000, only: None };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let value = words.next().unwrap_or_else(|| panic!("a value after {word}"));
        match word.as_str() {
            "--hours" => parsed.hours = value.parse().expect("hours"),
            "--seed" => parsed.seed = value.parse().expect("a number"),
            "--presses" => parsed.presses = value.parse().expect("a number"),
            "--only" => parsed.only = Some(value),
            "--keep" => parsed.keep = Some(value.into()),
            "--folder" => {
                let (name, folder) = value.split_once('=').expect("NAME=DIR after --folder");
                parsed.folders.push((name.to_owned(), folder.into()));
            }
            _ => panic!("unknown: {word}"),
        }
    }
    parsed
}

/// Hours of what is no key, and what was taken for one.
fn talk_off(arguments: &Arguments, sounds: &Sounds) {
    let mut kinds = sounds.kinds();
    kinds.retain(|kind| arguments.only.as_ref().is_none_or(|only| only == kind.name));
    let weights: usize = kinds.iter().map(|kind| kind.weight).sum();
    let minutes: Vec<usize> = kinds
        .iter()
        .map(|kind| (arguments.hours * 60.0 * kind.weight as f64 / weights as f64).ceil() as usize)
        .collect();
    let all: Vec<(usize, usize)> =
        minutes.iter().enumerate().flat_map(|(kind, &count)| (0..count).map(move |minute| (kind, minute))).collect();
    let next = AtomicUsize::new(0);
    let found = Mutex::new(Vec::new());
    let (done, progress) = mpsc::channel();
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            let done = done.clone();
            let (next, found, all, kinds) = (&next, &found, &all, &kinds);
            scope.spawn(move || {
                while let Some(&(kind, minute)) = all.get(next.fetch_add(1, Ordering::Relaxed)) {
                    // Each minute has a chance of its own, so that it can be made again alone.
                    let mut chance = Random::from_number(arguments.seed << 32 | (kind as u64) << 24 | minute as u64);
                    let sound = sounds.minute(kinds[kind].name, &mut chance);
                    let heard = keys(&sound, codec(&mut chance));
                    let mut found = found.lock().expect("no thread panics while it counts");
                    found.extend(heard.into_iter().map(|(at, key)| {
                        let around = sound[at.saturating_sub(RATE / 2)..(at + RATE / 4).min(sound.len())].to_vec();
                        False { kind, minute, key, at, around }
                    }));
                    let _ = done.send(());
                }
            });
        }
        drop(done);
        for count in 1.. {
            if progress.recv().is_err() {
                break;
            }
            if count % 60 == 0 {
                eprintln!("{} of {:.1} hours", count / 60, all.len() as f64 / 60.0);
            }
        }
    });
    let mut found = found.into_inner().expect("no thread panics while it counts");
    found.sort_by_key(|one| (one.kind, one.minute, one.at));
    println!("{:<26} {:>7} {:>6}", "sound", "hours", "keys");
    for (kind, &count) in minutes.iter().enumerate() {
        let keys = found.iter().filter(|one| one.kind == kind).count();
        println!("{:<26} {:>7.2} {:>6}", kinds[kind].name, count as f64 / 60.0, keys);
    }
    println!("{:<26} {:>7.2} {:>6}", "all", all.len() as f64 / 60.0, found.len());
    for one in &found {
        let (name, at) = (kinds[one.kind].name, one.at as f64 / RATE as f64);
        println!("  {name}, minute {}, at {at:.2} s: {}", one.minute, one.key);
        if let Some(folder) = &arguments.keep {
            let file = folder.join(format!("{name}-{}-{at:.2}-{}.wav", one.minute, letter(one.key)).replace(' ', "-"));
            std::fs::write(file, wav::write(&one.around)).expect("the folder can be written to");
        }
    }
}

/// Keys pressed while somebody speaks: how many are found.
fn talk_down(arguments: &Arguments, sounds: &Sounds) {
    println!("{:<26} {:>7} {:>6} {:>6}", "voice below the tones, dB", "presses", "found", "wrong");
    for below in [60.0, 30.0, 20.0, 15.0, 12.0, 9.0, 6.0, 3.0] {
        let (mut found, mut wrong) = (0, 0);
        let mut chance = Random::from_number(arguments.seed);
        for _ in 0..arguments.presses {
            let (key, tones) = press(&mut chance);
            let voice = sounds.stretch("voices", &mut chance, RATE);
            let voice = at_level(voice, -16.0 - below);
            let begin = 2000 + chance.below(2000) as usize;
            let mut sound = vec![0.0; begin];
            sound.extend(tones);
            sound.resize(RATE, 0.0);
            let heard = keys(&to_samples(&mixed(sound, &voice, 1.0)), codec(&mut chance));
            let right = heard.iter().any(|&(_, heard)| heard == key);
            found += usize::from(right);
            wrong += heard.len() - usize::from(right);
        }
        let share = found as f64 * 100.0 / arguments.presses as f64;
        println!("{below:<26} {:>7} {share:>5.1}% {wrong:>6}", arguments.presses);
    }
}

/// As a file may be named.
fn letter(key: char) -> String {
    match key {
        '*' => "star".to_owned(),
        '#' => "hash".to_owned(),
        other => other.to_string(),
    }
}
