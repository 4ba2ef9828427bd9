//! Parts that a studio recorded, with silence of its own at their ends: joined, they stand as far apart as those that were built.

use ivr1357::shell::prompts;
use ivr1357::speech::phrase::{Known, Phrase, Type, Value, Values};
use ivr1357::speech::{Catalogue, wav};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Samples of 8 kHz in a millisecond.
const MS: usize = 8;

fn scratch(name: &str) -> PathBuf {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/prompts-tests").join(name);
    let _ = std::fs::remove_dir_all(&dir);
    std::fs::create_dir_all(dir.join("phrase")).expect("made");
    dir
}

/// A word of 200 ms between silences, as a studio delivers it: 48 kHz, and never quite silent.
fn recorded(lead_ms: usize, tail_ms: usize) -> Vec<u8> {
    let sample = |at: usize| {
        let word = (lead_ms * 48..(lead_ms + 200) * 48).contains(&at);
        let turn = std::f64::consts::TAU * 700.0 / 48_000.0;
        let sound = if word { 6000.0 * (turn * at as f64).sin() } else { 0.0 };
        (sound + (at * 7 % 5) as f64) as i16
    };
    wav::write_at(48_000, &(0..(lead_ms + 200 + tail_ms) * 48).map(sample).collect::<Vec<_>>())
}

/// The names that this phrase needs for the digits, as parts of 200 ms each, with these silences.
fn catalogue(name: &str, lead_ms: usize, tail_ms: usize) -> Catalogue {
    let dir = scratch(name);
    let digits: String = (0..10).map(|digit| format!("digit_{digit}\tdigit\t{digit}\n")).collect();
    let texts = format!(
        "id\tkind\ttext\tpronunciation\n{digits}read\tsentence\t번호는 {{number|digits}}입니다.\nkey_1\tending\t1번\ngreeting\tsentence\t안녕하십니까.\n"
    );
    std::fs::write(dir.join("a.tsv"), texts).expect("written");
    let names = (0..10).flat_map(|digit| [format!("digit_{digit}"), format!("phrase/digit-{digit}-end")]);
    let others = ["phrase/read/1", "phrase/read/2", "say/창업", "key_1", "greeting"].map(str::to_owned);
    for name in names.chain(others) {
        let path = dir.join(format!("{name}.wav"));
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        std::fs::write(path, recorded(lead_ms, tail_ms)).expect("written");
    }
    prompts::load(&dir).expect("readable")
}

/// Parts of a phrase one behind the other, with the silences that are added, as a call plays them.
fn joined(catalogue: &Catalogue, parts: impl IntoIterator<Item = (String, u32)>) -> Vec<i16> {
    let mut sound = Vec::new();
    for (id, added_ms) in parts {
        sound.resize(sound.len() + added_ms as usize * MS, 0);
        sound.extend_from_slice(&catalogue.sound(&id).unwrap_or_else(|| panic!("{id}")).samples);
    }
    sound
}

/// The silences between the words, in milliseconds.
fn gaps(sound: &[i16]) -> Vec<usize> {
    let loud = |sample: &i16| sample.unsigned_abs() >= 206;
    let first = sound.iter().position(loud).expect("a sound");
    let last = sound.iter().rposition(loud).expect("a sound");
    let mut gaps = Vec::new();
    let mut quiet = 0;
    for sample in &sound[first..=last] {
        if loud(sample) {
            if quiet > 10 * MS {
                gaps.push((quiet + MS / 2) / MS);
            }
            quiet = 0;
        } else {
            quiet += 1;
        }
    }
    gaps
}

#[test]
fn digits_keys_and_words_stand_where_the_rules_want_them_whatever_silence_they_bring() {
    let known = Known::from([("number", Type::Digits)]);
    let phrase = Phrase::read("read", "번호는 {number|digits}입니다.", &known).expect("it can be read");
    let by_name = BTreeMap::from([("number".to_owned(), Value::Digits("02-123-4567".to_owned()))]);
    let spoken = phrase.say(&Values { today: None, by_name }).expect("it is known");
    let parts: Vec<(String, u32)> =
        spoken.parts.iter().map(|part| (part.id.clone().expect("a name"), part.added_ms)).collect();
    let wanted: Vec<usize> = spoken.parts.iter().skip(1).map(|part| part.gap_ms as usize).collect();
    assert_eq!(wanted[1..9], [60, 300, 60, 60, 300, 60, 60, 60], "between the digits");
    for (lead, tail) in [(0, 0), (5, 8), (40, 20), (140, 240), (300, 60)] {
        let catalogue = catalogue(&format!("joined-{lead}-{tail}"), lead, tail);
        let found = gaps(&joined(&catalogue, parts.clone()));
        assert_eq!(found.len(), wanted.len(), "{lead} {tail}: {found:?}");
        for (found, wanted) in found.iter().zip(&wanted) {
            assert!(found.abs_diff(*wanted) <= 3, "{lead} ms before, {tail} ms after: {found} for {wanted}");
        }
        // A choice and its key, and the next choice.
        let menu = ["say/창업", "key_1", "say/창업"].map(|id| (id.to_owned(), 0));
        let found = gaps(&joined(&catalogue, menu));
        assert!(found[0].abs_diff(30) <= 3 && found[1].abs_diff(140) <= 3, "{found:?}");
        // Slowly they stand further apart, as all that is said.
        let slow = joined(&catalogue, parts.iter().map(|(id, added)| (format!("slow/{id}"), *added)));
        assert!(gaps(&slow).iter().zip(&wanted).all(|(slow, wanted)| (*wanted..wanted * 3 / 2 + 20).contains(slow)));
        // What stands alone is as its studio left it.
        let greeting = catalogue.sound("greeting").expect("a sound");
        assert_eq!(greeting.samples.len(), (lead + 200 + tail) * MS);
    }
}
