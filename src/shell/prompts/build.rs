//! Texts to WAV files by a program that speaks.
//!
//! Only what changed is made. A WAV file that this program did not make (not in the ledger, or not with the hash noted there) is a
//! recording: it is kept, and a text that moved away from it is a warning.

use super::synthesis::synthesise;
use super::{Folder, LEDGER, PromptError, read_wav, shown, unreadable};
use crate::routing::slots;
use crate::shell::reason;
use crate::speech::finding::both;
use crate::speech::ledger::{self, Entry, Origin};
use crate::speech::phrase::{self, Phrase, Reach, Sound};
use crate::speech::pronunciation::{said, spoken};
use crate::speech::standard::Pace;
use crate::speech::texts::Text;
use crate::speech::{Derived, Kind, Voice, wav};
use crate::speech::{shape, sound};
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;

/// The prompts of one language: where they lie, what they say beyond the tables of texts, and who says it.
#[derive(Clone, Debug)]
pub struct Tongue<'a> {
    /// `ko`.
    pub language: &'a str,
    /// Its folder.
    pub dir: &'a Path,
    /// The routing table's own words ([`super::derived`]): Korean.
    pub words: &'a BTreeMap<String, Derived>,
    /// Who reads.
    pub voice: &'a Voice,
}

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
pub(super) struct Wanted {
    pub kind: Kind,
    pub text: String,
    pub spoken: String,
    pub source: String,
}

impl Wanted {
    fn new(tongue: &Tongue<'_>, kind: Kind, text: &str, pronunciation: Option<&str>) -> Self {
        let spoken = match kind {
            // The name of the tone.
            Kind::Tone => pronunciation.unwrap_or_default().to_owned(),
            _ => spoken_of(tongue, pronunciation.unwrap_or(text)),
        };
        Self { kind, text: text.to_owned(), source: ledger::source(tongue.voice, kind, text, &spoken), spoken }
    }
}

/// What the program is given: Korean as it is spoken, spelt for espeak-ng where that speaks; of other languages it knows more than we do.
pub(super) fn spoken_of(tongue: &Tongue<'_>, text: &str) -> String {
    match tongue.language {
        "ko" if tongue.voice.is_espeak() => spoken(text),
        "ko" => said(text, Pace::Apart),
        _ => text.to_owned(),
    }
}

/// Every sound that the folder should have. A text with slots has none of its own: it has those of its parts.
pub(super) fn wanted(tongue: &Tongue<'_>, folder: &Folder) -> Result<BTreeMap<String, Wanted>, Vec<PromptError>> {
    let mut wanted: BTreeMap<String, Wanted> = folder
        .texts
        .iter()
        .filter(|text| !phrase::is_filled_in(&text.text))
        .map(|text| (text.id.clone(), Wanted::new(tongue, text.kind, &text.text, text.pronunciation.as_deref())))
        .collect();
    for (id, derived) in tongue.words {
        // A line of its own in a table of texts may say how the words are read; what they are, the routing table says.
        let line = folder.texts.iter().find(|text| text.id == *id);
        let pronunciation = line.and_then(|text| text.pronunciation.as_deref());
        wanted.insert(id.clone(), Wanted::new(tongue, derived.kind(), &derived.text(), pronunciation));
    }
    let mut errors = Vec::new();
    for text in folder.texts.iter().filter(|text| phrase::is_filled_in(&text.text)) {
        match parts(tongue, text) {
            Ok(parts) => parts.into_iter().for_each(|(id, part)| {
                wanted.entry(id).or_insert(part);
            }),
            Err(more) => errors.extend(more),
        }
    }
    if errors.is_empty() { Ok(wanted) } else { Err(errors) }
}

/// The sounds of a text with slots: every value they may have, whatever the hours of a table are, so that those may change.
fn parts(tongue: &Tongue<'_>, text: &Text) -> Result<Vec<(String, Wanted)>, Vec<PromptError>> {
    let at = |what, fix| PromptError { file: text.file.clone(), line: Some(text.line), what, fix };
    let Some(grammar) = phrase::Tongue::of_language(tongue.language) else {
        let what = both("이 말로는 { }를 채울 수 없습니다", "{ } cannot be filled in this language");
        return Err(vec![at(what, both("말할 그대로 쓰세요", "write the text as it is said"))]);
    };
    let read = |written: &str| {
        Phrase::read_in(grammar, &text.id, written, &slots::vocabulary()).map_err(|errors| {
            let told = errors.into_iter().map(|error| {
                let here = written.get(error.range.clone()).filter(|here| !here.is_empty()).unwrap_or(written);
                at(error.mistake.told(), both(format!("여기: {here}"), format!("here: {here}")))
            });
            told.collect::<Vec<_>>()
        })
    };
    let phrase = read(&text.text)?;
    let names = tongue.words.iter().filter_map(|(id, derived)| match derived {
        Derived::Connecting(name) => Some((id.strip_prefix("center/")?.to_owned(), name.clone())),
        Derived::Choice(_) | Derived::Name(_) => None,
    });
    let reach = Reach { names: names.collect(), openings: None };
    let sounds = phrase.sounds(&reach);
    // What stands between the slots may be read in its own way.
    let mut read_as = BTreeMap::new();
    if let Some(pronunciation) = &text.pronunciation {
        let other = read(pronunciation)?;
        let literals = |sounds: &[Sound]| -> BTreeMap<String, String> {
            let own = format!("phrase/{}/", text.id);
            let literals = sounds.iter().filter(|sound| sound.id.starts_with(&own));
            literals.map(|sound| (sound.id.clone(), sound.text.clone())).collect()
        };
        read_as = literals(&other.sounds(&reach));
        if !phrase.slots().eq(other.slots()) || !literals(&sounds).keys().eq(read_as.keys()) {
            let what = both("읽는 법의 { }가 문구와 다릅니다", "the pronunciation has other { } than the text");
            let fix = both("같은 자리에 같은 { }를 쓰세요", "write the same { } in the same places");
            return Err(vec![at(what, fix)]);
        }
    }
    let part = |Sound { id, text, kind }: Sound| {
        let pronunciation = match (read_as.get(&id), grammar) {
            (Some(words), _) => Some(words.clone()),
            (None, phrase::Tongue::English) => Some(phrase::pronunciation(&text)),
            (None, phrase::Tongue::Korean) => None,
        };
        let wanted = Wanted::new(tongue, kind, &text, pronunciation.as_deref());
        (id, wanted)
    };
    Ok(sounds.into_iter().map(part).collect())
}

/// The sounds that the folder should have and has not; those there are stay unread.
pub fn lacking(tongue: &Tongue<'_>) -> Result<Vec<String>, Vec<PromptError>> {
    let folder = Folder::read(tongue.dir)?;
    let wanted = wanted(tongue, &folder)?;
    Ok(wanted.into_keys().filter(|id| !folder.wavs.contains_key(id)).collect())
}

/// Makes every sound that is missing or older than its words.
///
/// `prune` deletes sounds of our own making that no text asks for any more. `progress` hears of each sound made.
pub fn run_build(tongue: &Tongue<'_>, prune: bool, progress: &mut dyn FnMut(&str)) -> Result<Report, Vec<PromptError>> {
    let Tongue { dir, voice, .. } = *tongue;
    let mut folder = Folder::read(dir)?;
    let wanted = wanted(tongue, &folder)?;
    let mut report = Report::default();
    let mut errors = Vec::new();
    let mut ledger = std::mem::take(&mut folder.ledger);
    let mut jobs: Vec<(&String, &Wanted, PathBuf)> = Vec::new();
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
        jobs.push((id, want, path));
    }
    make_all(&jobs, voice, &mut |at, made| {
        let (id, want, path) = &jobs[at];
        let wav = made.and_then(|bytes| match write_whole(path, &bytes) {
            Ok(()) => Ok(ledger::hash(&bytes)),
            Err(error) => Err(unwritable(path, &error)),
        });
        match wav {
            Ok(wav) => {
                report.built.push((*id).clone());
                progress(&format!("[{}/{}] {id}: {}", report.built.len(), jobs.len(), want.text));
                let (source, text) = (want.source.clone(), want.text.clone());
                ledger.insert((*id).clone(), Entry { origin: Origin::Built, source, wav, text });
                true
            }
            // Without the tool no other prompt would fare better: one clear error, not a hundred.
            Err(error) => {
                errors.push(error);
                false
            }
        }
    });
    report.built.sort();
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

/// Makes the sounds on all cores; `done` hears of each, in the order in which they end, and says whether to go on.
fn make_all(
    jobs: &[(&String, &Wanted, PathBuf)],
    voice: &Voice,
    done: &mut dyn FnMut(usize, Result<Vec<u8>, PromptError>) -> bool,
) {
    let next = AtomicUsize::new(0);
    let cores = thread::available_parallelism().map_or(1, usize::from).min(jobs.len());
    let (tell, told) = mpsc::channel();
    thread::scope(|scope| {
        for _ in 0..cores {
            let (tell, next) = (tell.clone(), &next);
            scope.spawn(move || {
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    let Some((_, want, _)) = jobs.get(at) else { return };
                    // Nobody listens any more after an error.
                    if tell.send((at, make(want, voice))).is_err() {
                        return;
                    }
                }
            });
        }
        drop(tell);
        while let Ok((at, made)) = told.recv() {
            if !done(at, made) {
                break;
            }
        }
        drop(told);
    });
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

/// A recording whose text was changed after it was put there.
pub(super) fn moved_away(path: &Path, entry: &Entry, want: &Wanted) -> Option<PromptError> {
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

/// The bytes of a prompt's WAV file.
fn make(want: &Wanted, voice: &Voice) -> Result<Vec<u8>, PromptError> {
    if want.kind == Kind::Tone {
        let name = (!want.spoken.is_empty()).then_some(want.spoken.as_str());
        let tone = sound::Tone::from_word(name).expect("texts::read refuses other names");
        return Ok(wav::write(&tone.samples()));
    }
    Ok(wav::write(&say(voice, want.kind, &want.spoken)?))
}

/// A text as a prompt's samples.
pub(super) fn say(voice: &Voice, kind: Kind, spoken: &str) -> Result<Vec<i16>, PromptError> {
    // The voice takes its melody from the last mark: a comma holds it up, a full stop lets it fall.
    let words = spoken.trim_end_matches(['.', ',']);
    let mark = match kind {
        Kind::GoingOn => ",",
        _ if words.ends_with(['?', '!']) => "",
        _ => ".",
    };
    let at = |speed: u32| {
        let raw = synthesise(voice, speed, &format!("{words}{mark}"))?;
        sound::prompt(&raw.samples, raw.rate, kind).ok_or_else(|| {
            PromptError::file(
                voice.command.first().map_or("", String::as_str),
                both(format!("\"{spoken}\"에서 소리가 나오지 않았습니다"), format!("no sound for \"{spoken}\"")),
                both("문구를 확인하세요", "look at the text"),
            )
        })
    };
    let speed = voice.speed_of(kind);
    let samples = at(speed)?;
    // A voice hurries through some words and drags others: a sentence out of the band is said once more, at the speed that brings it there.
    match shape::rate(spoken, &samples) {
        Some(rate) if kind == Kind::Sentence && voice.has_speed() && !shape::RATE_OF_SENTENCES.contains(&rate) => {
            let (slowest, fastest) = (shape::RATE_OF_SENTENCES.start(), shape::RATE_OF_SENTENCES.end());
            let wish = f64::from(speed) * (slowest + fastest) / 2.0 / rate;
            // No further than a listener takes for the same speaker.
            at(wish.round().clamp(f64::from(speed) * 0.75, f64::from(speed) * 1.25) as u32)
        }
        _ => Ok(samples),
    }
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
    let [own, english] = reason::both(error);
    found.what = both(format!("쓸 수 없습니다: {own}"), format!("cannot be written: {english}"));
    found
}
