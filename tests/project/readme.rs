//! The ladder in the README tells the times of the prompts that ship.

use std::path::Path;

/// Seconds of a shipped prompt.
fn length(name: &str) -> f64 {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("prompts/ko").join(name).with_extension("wav");
    let sound = hound::WavReader::open(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    f64::from(sound.duration()) / f64::from(sound.spec().sample_rate)
}

/// The caller of `ivr1357 demo` hears each menu for so long before pressing a key.
const LISTENS: f64 = 3.5;

#[test]
fn the_call_in_the_readme_takes_as_long_as_what_is_heard_in_it() {
    let readme = include_str!("../../README.md");
    let ladder = readme.split("```").find(|part| part.contains("INVITE sip:1357")).expect("the ladder");
    let at = |what: &str, nth: usize| -> f64 {
        let line = ladder.lines().filter(|line| line.contains(what)).nth(nth).unwrap_or_else(|| panic!("{what}"));
        line.split_whitespace().next().and_then(|time| time.parse().ok()).unwrap_or_else(|| panic!("{line}"))
    };
    let menu = at("hears", 0) + length("greeting");
    let first = at("hears", 1) + LISTENS;
    let second = at("hears", 2) + LISTENS;
    let refer = at("key 1", 1) + length("center/kosmes");
    let told = [at("hears", 1), at("key 1", 0), at("key 1", 1), at("REFER", 0)];
    for (told, right) in told.into_iter().zip([menu, first, second, refer]) {
        assert!((told - right).abs() < 0.1, "{told} stands where `ivr1357 demo` prints some {right:.2}");
    }
}
