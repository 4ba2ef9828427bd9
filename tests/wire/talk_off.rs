//! What is no key is taken for none (talk-off): all shipped Korean prompts, music, whistles, tones of networks and noise. `examples/talk_off` hears hours of it.

// The tool needs more of them.
#[allow(dead_code)]
#[path = "../../examples/talk_off/keys.rs"]
mod keys;
#[path = "../../examples/talk_off/music.rs"]
mod music;
#[allow(dead_code)]
#[path = "../../examples/talk_off/sounds.rs"]
mod sounds;

use ivr1357::random::Random;
use ivr1357::sdp::Codec;
use keys::{keys, press};
use sounds::{RATE, at_level, mixed, noise, shipped, to_samples};

/// The keys heard, by A-law.
fn heard(samples: &[i16]) -> String {
    keys(samples, Codec::Pcma).into_iter().map(|(_, key)| key).collect()
}

#[test]
fn no_shipped_prompt_is_taken_for_a_key() {
    let prompts = shipped();
    assert!(prompts.len() > 500, "{}", prompts.len());
    let half = prompts.len() / 2;
    std::thread::scope(|scope| {
        for prompts in [&prompts[..half], &prompts[half..]] {
            scope.spawn(|| prompts.iter().for_each(|prompt| assert_eq!(heard(prompt), "")));
        }
    });
}

#[test]
fn neither_music_nor_whistles_nor_tones_of_networks_nor_noise_are_taken_for_keys() {
    let mut chance = Random::from_number(1357);
    for (kind, make) in [
        ("music", music::piece as fn(&mut Random, usize) -> Vec<f32>),
        ("whistles", music::whistles),
        ("tones of networks", music::network_tones),
        ("white noise", |chance, length| noise(chance, length, false)),
        ("pink noise", |chance, length| noise(chance, length, true)),
    ] {
        let sound = to_samples(&at_level(make(&mut chance, 8 * RATE), -16.0));
        assert_eq!(heard(&sound), "", "{kind}");
    }
}

#[test]
fn a_key_within_a_prompt_is_heard() {
    let mut chance = Random::from_number(1357);
    let prompts = shipped();
    for prompt in prompts.iter().filter(|prompt| prompt.len() > 2 * RATE).take(12) {
        let (key, tones) = press(&mut chance);
        let voice: Vec<f32> = prompt.iter().take(2 * RATE).map(|&sample| f32::from(sample)).collect();
        let mut pressed = vec![0.0; RATE];
        pressed.extend(tones);
        pressed.resize(2 * RATE, 0.0);
        // Of a telephone's microphone some 20 dB below its tones.
        let sound = to_samples(&mixed(pressed, &at_level(voice, -36.0), 1.0));
        assert_eq!(heard(&sound), key.to_string());
    }
}
