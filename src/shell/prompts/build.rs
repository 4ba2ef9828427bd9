//! Texts to WAV files by espeak-ng, and whether texts and sounds agree.
//!
//! Only what changed is made. A WAV file that this program did not make (not in the ledger, or not with the hash noted there) is a
//! recording: it is kept, and a text that moved away from it is a warning.

use super::{Folder, LEDGER, PromptError, read_wav, shown, unreadable};
use crate::speech::finding::{Both, both};
use crate::speech::ledger::{self, Entry, Origin};
use crate::speech::pronunciation::spoken;
use crate::speech::sound;
use crate::speech::texts::id_is_a_path_inside;
use crate::speech::{Derived, Kind, wav};
use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::Path;
use std::process::{Command, Stdio};

const SYNTHESISER: &str = "espeak-ng";

/// What a build did.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Report {
    /// Sounds made.
    pub built: Vec<String>,
    /// Sounds that were right already.
    pub unchanged: usize,
    /// Recordings left alone.
    pub recorded: Vec<String>,
    /// Sounds of words that nothing uses any more, deleted.
    pub pruned: Vec<String>,
    /// What an operator should look at.
    pub warnings: Vec<PromptError>,
}

/// One prompt as it should be.
struct Wanted {
    kind: Kind,
    text: String,
    spoken: String,
    source: String,
}

impl Wanted {
    fn new(kind: Kind, text: &str, pronunciation: Option<&str>) -> Self {
        let spoken = match kind {
            // The name of the tone.
            Kind::Tone => pronunciation.unwrap_or_default().to_owned(),
            _ => spoken(pronunciation.unwrap_or(text)),
        };
        Self { kind, text: text.to_owned(), source: ledger::source(kind, text, &spoken), spoken }
    }
}

fn wanted(folder: &Folder, words: &BTreeMap<String, Derived>) -> Result<BTreeMap<String, Wanted>, PromptError> {
    let mut wanted: BTreeMap<String, Wanted> = folder
        .texts
        .iter()
        .map(|text| (text.id.clone(), Wanted::new(text.kind, &text.text, text.pronunciation.as_deref())))
        .collect();
    for (id, derived) in words {
        if !id_is_a_path_inside(id) {
            return Err(PromptError::file(
                id,
                both("파일 이름이 될 수 없는 말입니다", "these words cannot name a file"),
                both(
                    "routing.toml의 `say`에서 점으로 시작하는 말, `\\`, `:`을 빼고 짧게 쓰세요",
                    "in routing.toml, write the `say` shorter, without `\\`, `:` or a leading dot",
                ),
            ));
        }
        wanted.insert(id.clone(), Wanted::new(derived.kind(), &derived.text(), None));
    }
    Ok(wanted)
}

/// Makes every sound that is missing or older than its words. `words` are the routing table's own ([`super::derived`]).
/// `prune` deletes sounds of our own making that no text asks for any more. `progress` hears of each sound made.
pub fn run_build(
    dir: &Path,
    words: &BTreeMap<String, Derived>,
    prune: bool,
    progress: &mut dyn FnMut(&str),
) -> Result<Report, Vec<PromptError>> {
    let mut folder = Folder::read(dir)?;
    let wanted = wanted(&folder, words).map_err(|error| vec![error])?;
    let mut report = Report::default();
    let mut errors = Vec::new();
    let mut ledger = std::mem::take(&mut folder.ledger);
    for (id, want) in &wanted {
        if let Some(path) = folder.wavs.get(id) {
            let hash = match read_wav(path) {
                Ok((_, hash)) => hash,
                Err(error) => {
                    errors.push(error);
                    continue;
                }
            };
            let known = ledger.get(id).filter(|entry| entry.wav == hash);
            match known {
                Some(Entry { origin: Origin::Built, source, .. }) if *source == want.source => {
                    report.unchanged += 1;
                    continue;
                }
                Some(Entry { origin: Origin::Built, .. }) => {}
                Some(entry @ Entry { origin: Origin::Recorded, .. }) => {
                    report.warnings.extend(moved_away(path, entry, want));
                    report.recorded.push(id.clone());
                    continue;
                }
                // New to us, so not ours: from now on it belongs to the text it was put beside.
                None => {
                    let (source, text) = (want.source.clone(), want.text.clone());
                    ledger.insert(id.clone(), Entry { origin: Origin::Recorded, source, wav: hash, text });
                    report.recorded.push(id.clone());
                    continue;
                }
            }
        }
        let path = folder.wavs.get(id).cloned().unwrap_or_else(|| dir.join(format!("{id}.wav")));
        let made = make(want).and_then(|bytes| match write_whole(&path, &bytes) {
            Ok(()) => Ok(ledger::hash(&bytes)),
            Err(error) => Err(unwritable(&path, &error)),
        });
        match made {
            Ok(wav) => {
                progress(&format!("{id}: {}", want.text));
                let (source, text) = (want.source.clone(), want.text.clone());
                ledger.insert(id.clone(), Entry { origin: Origin::Built, source, wav, text });
                report.built.push(id.clone());
            }
            Err(error) => {
                // Without the tool no other prompt would fare better: one clear error, not a hundred.
                errors.push(error);
                break;
            }
        }
    }
    if prune && errors.is_empty() {
        report.pruned = delete_unused(&folder, &wanted, &mut ledger).map_err(|error| vec![error])?;
    }
    let path = dir.join(LEDGER);
    let text = ledger::write(&ledger);
    if std::fs::read(&path).ok().as_deref() != Some(text.as_bytes()) {
        write_whole(&path, text.as_bytes()).map_err(|error| vec![unwritable(&path, &error)])?;
    }
    if errors.is_empty() { Ok(report) } else { Err(errors) }
}

/// Deletes the sounds of our own making that nothing wants any more.
fn delete_unused(
    folder: &Folder,
    wanted: &BTreeMap<String, Wanted>,
    ledger: &mut ledger::Ledger,
) -> Result<Vec<String>, PromptError> {
    let mut deleted = Vec::new();
    let unused: Vec<String> = ledger.keys().filter(|id| !wanted.contains_key(*id)).cloned().collect();
    for id in unused {
        let Some(path) = folder.wavs.get(&id) else {
            ledger.remove(&id);
            continue;
        };
        let ours = read_wav(path).is_ok_and(|(_, hash)| {
            ledger.get(&id).is_some_and(|entry| entry.origin == Origin::Built && entry.wav == hash)
        });
        if ours {
            std::fs::remove_file(path).map_err(|error| unwritable(path, &error))?;
            ledger.remove(&id);
            deleted.push(id);
        }
    }
    Ok(deleted)
}

/// Whether texts and sounds agree: `errors` are prompts without a right sound, `warnings` what an operator should look at.
pub fn check(dir: &Path, words: &BTreeMap<String, Derived>) -> Result<Report, Vec<PromptError>> {
    let folder = Folder::read(dir)?;
    let wanted = wanted(&folder, words).map_err(|error| vec![error])?;
    let build = || both("`ivr1357 prompts build`로 만드세요", "run `ivr1357 prompts build`");
    let mut report = Report::default();
    let mut errors = Vec::new();
    for (id, want) in &wanted {
        let Some(path) = folder.wavs.get(id) else {
            let file = shown(&dir.join(format!("{id}.wav")));
            let what = both(format!("소리가 없습니다: \"{}\"", want.text), format!("no sound for \"{}\"", want.text));
            errors.push(PromptError::file(file, what, build()));
            continue;
        };
        let (samples, hash) = match read_wav(path) {
            Ok(read) => read,
            Err(error) => {
                errors.push(error);
                continue;
            }
        };
        report.warnings.extend(out_of_shape(path, &samples, want.kind));
        match folder.ledger.get(id).filter(|entry| entry.wav == hash) {
            Some(Entry { origin: Origin::Built, source, text, .. }) if *source != want.source => {
                let what = if *text == want.text {
                    both("읽는 법이나 목소리가 바뀌었습니다", "how it is pronounced, or the voice, changed")
                } else {
                    both(
                        format!("문구가 바뀌었습니다: 소리는 \"{text}\", 문구는 \"{}\"", want.text),
                        format!("the words changed: the sound says \"{text}\", the text \"{}\"", want.text),
                    )
                };
                errors.push(PromptError::file(shown(path), what, build()));
            }
            Some(Entry { origin: Origin::Built, .. }) => report.unchanged += 1,
            Some(entry) => {
                report.warnings.extend(moved_away(path, entry, want));
                report.recorded.push(id.clone());
            }
            None => report.recorded.push(id.clone()),
        }
    }
    if errors.is_empty() { Ok(report) } else { Err(errors) }
}

/// A recording whose text was changed after it was put there.
fn moved_away(path: &Path, entry: &Entry, want: &Wanted) -> Option<PromptError> {
    (entry.text != want.text).then(|| {
        PromptError::file(
            shown(path),
            both(
                format!("녹음은 \"{}\"인데 문구는 \"{}\"입니다", entry.text, want.text),
                format!("the recording says \"{}\", the text \"{}\"", entry.text, want.text),
            ),
            both(
                "다시 녹음하거나, 파일을 지우고 `ivr1357 prompts build`를 실행하세요",
                "record it again, or delete the file and run `ivr1357 prompts build`",
            ),
        )
    })
}

/// A sound that callers would find too quiet, too loud or late.
fn out_of_shape(path: &Path, samples: &[i16], kind: Kind) -> Option<PromptError> {
    Some(PromptError::file(
        shown(path),
        fault(samples, kind)?,
        both("음량을 고르고 앞뒤 침묵을 잘라 다시 저장하세요", "level it, trim its ends and save it again"),
    ))
}

/// What callers would find wrong with a sound.
pub(super) fn fault(samples: &[i16], kind: Kind) -> Option<Both> {
    Some(match sound::measure(samples) {
        None => both("소리가 너무 작거나 없습니다", "it holds no sound"),
        Some(m) if !(-30.0..=-14.0).contains(&m.active_dbov) => both(
            format!("음량이 {:.1} dBov입니다(-30에서 -14까지)", m.active_dbov),
            format!("its level is {:.1} dBov (-30 to -14 is right)", m.active_dbov),
        ),
        Some(m) if m.lead.as_millis() >= 150 && kind != Kind::Tone => both(
            format!("{} ms 뒤에야 소리가 납니다", m.lead.as_millis()),
            format!("it is silent for {} ms at its start", m.lead.as_millis()),
        ),
        Some(_) => return None,
    })
}

/// The bytes of a prompt's WAV file.
fn make(want: &Wanted) -> Result<Vec<u8>, PromptError> {
    if want.kind == Kind::Tone {
        let name = (!want.spoken.is_empty()).then_some(want.spoken.as_str());
        let tone = sound::Tone::from_word(name).expect("texts::read refuses other names");
        return Ok(wav::write(&tone.samples()));
    }
    // The voice takes its melody from the last mark: a comma holds it up, a full stop lets it fall.
    let words = want.spoken.trim_end_matches(['.', ',']);
    let mark = match want.kind {
        Kind::GoingOn => ",",
        _ if words.ends_with(['?', '!']) => "",
        _ => ".",
    };
    let (raw, rate) = synthesise(SYNTHESISER, want.kind, &format!("{words}{mark}"))?;
    let samples = sound::prompt(&raw, rate, want.kind).ok_or_else(|| {
        PromptError::file(
            "espeak-ng",
            both(
                format!("\"{}\"에서 소리가 나오지 않았습니다", want.spoken),
                format!("no sound for \"{}\"", want.spoken),
            ),
            both("문구를 확인하세요", "look at the text"),
        )
    })?;
    Ok(wav::write(&samples))
}

/// Raw speech and its rate.
fn synthesise(program: &str, kind: Kind, text: &str) -> Result<(Vec<i16>, u32), PromptError> {
    let failed = |what: String| {
        PromptError::file(
            program,
            both(format!("음성 합성에 실패했습니다: {what}"), format!("speech synthesis failed: {what}")),
            both(
                "설치: sudo apt-get install espeak-ng (WAV를 직접 녹음해 넣어도 됩니다)",
                "install it: sudo apt-get install espeak-ng (or put a recorded WAV there)",
            ),
        )
    };
    let mut child = Command::new(program)
        .args(ledger::voice(kind))
        .args(["-b", "1", "--stdin", "--stdout"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| failed(error.to_string()))?;
    // A prompt is far smaller than a pipe, so writing it whole before reading cannot block.
    if let Some(mut stdin) = child.stdin.take() {
        stdin.write_all(text.as_bytes()).map_err(|error| failed(error.to_string()))?;
    }
    let output = child.wait_with_output().map_err(|error| failed(error.to_string()))?;
    if !output.status.success() {
        return Err(failed(format!("{}: {}", output.status, String::from_utf8_lossy(&output.stderr).trim())));
    }
    streamed_wav(&output.stdout).ok_or_else(|| failed("its output is no WAV".to_owned()))
}

/// A WAV written to a pipe: its header cannot know the length, so all after the 44 bytes of header is sound.
fn streamed_wav(bytes: &[u8]) -> Option<(Vec<i16>, u32)> {
    let (header, data) = bytes.split_at_checked(44)?;
    let rate = u32::from_le_bytes(header.get(24..28)?.try_into().ok()?);
    if !header.starts_with(b"RIFF") || header.get(36..40)? != b"data" {
        return None;
    }
    let samples = data.chunks_exact(2).map(|pair| i16::from_le_bytes([pair[0], pair[1]])).collect();
    Some((samples, rate))
}

/// Writes beside and renames, so that a reader sees the old file or the new one.
fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let beside = path.with_extension("part");
    std::fs::write(&beside, bytes)?;
    std::fs::rename(&beside, path)
}

fn unwritable(path: &Path, error: &io::Error) -> PromptError {
    let mut found = unreadable(path, error);
    found.what = both(format!("쓸 수 없습니다: {error}"), format!("cannot be written: {error}"));
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_synthesiser_is_told_with_what_to_install() {
        let error = synthesise("no-such-synthesiser", Kind::Sentence, "가.").unwrap_err();
        assert!(error.what[1].contains("speech synthesis failed"), "{error}");
        assert!(error.fix[0].contains("apt-get install espeak-ng"), "{error}");
    }

    #[test]
    fn a_program_that_speaks_no_wav_is_told() {
        let error = synthesise("true", Kind::Sentence, "가.").unwrap_err();
        assert_eq!(error.file, "true");
    }

    #[test]
    fn a_wav_from_a_pipe_is_read_to_its_end() {
        let mut bytes = wav::write(&[7, 8, 9]);
        bytes[40..44].copy_from_slice(&0x7fff_f000u32.to_le_bytes());
        assert_eq!(streamed_wav(&bytes), Some((vec![7, 8, 9], 8000)));
        assert_eq!(streamed_wav(&bytes[..43]), None);
        assert_eq!(streamed_wav(b"no wav, but long enough to be taken for a header of one"), None);
    }
}
