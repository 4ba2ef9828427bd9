//! `built.tsv`: which sound was made from which words.
//!
//! It tells a sound this program made, and may make again, from a studio recording, which it never touches; and it tells
//! whether a text changed after its sound was made. The words stand in it too, so that a derived prompt
//! (`center/kosmes`) can be shown as text without a routing table.

use crate::speech::finding::{PromptError, both};
use crate::speech::sound::CHAIN;
use crate::speech::voice::Voice;
use crate::speech::words::Kind;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fmt::Write;

/// Where a sound came from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Origin {
    /// Made by `prompts build`.
    Built,
    /// Put there by somebody: never overwritten.
    Recorded,
}

/// One line.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Entry {
    /// Where the sound came from.
    pub origin: Origin,
    /// Hash of all that decides the sound. See [`source`].
    pub source: String,
    /// Hash of the WAV file.
    pub wav: String,
    /// The words it says.
    pub text: String,
}

/// The whole file, by prompt.
pub type Ledger = BTreeMap<String, Entry>;

const HEAD: &str = "id\torigin\tsource\twav\ttext";
const NOTE: &str = "# Written by `ivr1357 prompts build`: which sound was made from which words. Do not edit.";

/// Hash of all that decides how a built prompt sounds: the voice, the words, and our own processing by its version. Tones have no voice.
pub fn source(voice: &Voice, kind: Kind, text: &str, spoken: &str) -> String {
    let command = if kind == Kind::Tone { String::new() } else { voice.command_at(voice.speed_of(kind)).join(" ") };
    hash(format!("{CHAIN}\n{command}\n{kind}\n{text}\n{spoken}").as_bytes())
}

/// The first 16 hex digits of the SHA-256.
pub fn hash(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().take(8).fold(String::with_capacity(16), |mut out, byte| {
        let _ = write!(out, "{byte:02x}");
        out
    })
}

/// Reads the file; a line that cannot be read is an error of its own.
pub fn read(file: &str, bytes: &[u8]) -> (Ledger, Vec<PromptError>) {
    let mut ledger = Ledger::new();
    let mut errors = Vec::new();
    for (index, line) in String::from_utf8_lossy(bytes).lines().enumerate() {
        if line.trim().is_empty() || line.starts_with('#') || line == HEAD {
            continue;
        }
        let fields: Vec<&str> = line.split('\t').collect();
        let origin = match fields.get(1) {
            Some(&"built") => Some(Origin::Built),
            Some(&"recorded") => Some(Origin::Recorded),
            _ => None,
        };
        match (origin, &fields[..]) {
            (Some(origin), [id, _, source, wav, text]) => {
                let (source, wav, text) = ((*source).to_owned(), (*wav).to_owned(), (*text).to_owned());
                ledger.insert((*id).to_owned(), Entry { origin, source, wav, text });
            }
            _ => errors.push(PromptError {
                file: file.to_owned(),
                line: Some(index + 1),
                what: both("읽을 수 없는 줄입니다", "this line cannot be read"),
                fix: both(
                    "이 파일은 `ivr1357 prompts build`가 씁니다. 줄을 지우면 그 안내음은 녹음한 것으로 여겨 덮어쓰지 않습니다",
                    "`ivr1357 prompts build` writes this file. Without its line a sound counts as a recording and is kept",
                ),
            }),
        }
    }
    (ledger, errors)
}

/// Writes the file, one prompt a line in order of name, so that a change is one line in a diff.
pub fn write(ledger: &Ledger) -> String {
    let mut out = format!("{NOTE}\n{HEAD}\n");
    for (id, entry) in ledger {
        let origin = match entry.origin {
            Origin::Built => "built",
            Origin::Recorded => "recorded",
        };
        let _ = writeln!(out, "{id}\t{origin}\t{}\t{}\t{}", entry.source, entry.wav, entry.text);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back() {
        let entry = |origin| Entry { origin, source: hash(b"a"), wav: hash(b"b"), text: "정책자금은".into() };
        let ledger = Ledger::from([
            ("say/정책자금".to_owned(), entry(Origin::Built)),
            ("greeting".to_owned(), entry(Origin::Recorded)),
        ]);
        assert_eq!(read("built.tsv", write(&ledger).as_bytes()), (ledger, Vec::new()));
    }

    #[test]
    fn a_line_that_cannot_be_read_is_reported() {
        let (ledger, errors) = read("built.tsv", b"a\tbuilt\t1\t2\tA\nb\tstolen\t1\t2\tB\n<<<<<<< HEAD\n");
        assert_eq!(ledger.len(), 1);
        assert_eq!(errors.iter().map(|error| error.line).collect::<Vec<_>>(), [Some(2), Some(3)]);
    }

    #[test]
    fn every_part_that_decides_the_sound_changes_the_hash() {
        let voice = Voice::of_language("ko");
        let one = source(&voice, Kind::Sentence, "가", "가");
        assert_eq!(one, source(&voice, Kind::Sentence, "가", "가"));
        assert_eq!(one.len(), 16);
        let slow = Voice { speed: 100, ..voice.clone() };
        for other in [
            source(&voice, Kind::Ending, "가", "가"),
            source(&voice, Kind::Sentence, "나", "가"),
            source(&voice, Kind::Sentence, "가", "나"),
            source(&slow, Kind::Sentence, "가", "가"),
        ] {
            assert_ne!(one, other);
        }
        assert_eq!(source(&slow, Kind::Tone, "가", "가"), source(&voice, Kind::Tone, "가", "가"));
    }
}
