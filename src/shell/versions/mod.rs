//! The published tables on disk: each whole, with who, when and why, and the newest good one is what runs.
//!
//! ```text
//! calls.jsonl.versions/
//!   lock                       held by the engine that publishes here
//!   000012/routing.toml        the table, byte for byte as it was published
//!   000012/sounds.tsv          its prompts, each with the name of its sound and its words
//!   000012/version.json        who, when, why, what it replaced, and the hashes of the two files above
//!   sounds/HASH.wav            what the prompts sound like, shared by all versions
//!   sounds/HASH.wide.wav       the same at 16 kHz, for recordings that have it
//! ```
//!
//! A version is made in a folder with another name, synced, and renamed: that rename is the moment of publishing, and a process
//! killed at any other leaves what was there before. Which one is current stands nowhere: it is the newest that is whole. Numbers are never used
//! again, because records name them.

pub mod version;

use crate::limits::{TABLE_BYTES_MAX, VERSIONS_KEPT_MAX};
use crate::shell::parallel;
use crate::speech::finding::Both;
use crate::speech::{Catalogue, Prompt, PromptSound, phrase, wav};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tracing::warn;
pub use version::{Version, Who};

const TABLE: &str = "routing.toml";
const SOUNDS: &str = "sounds.tsv";
const META: &str = "version.json";

/// The folder of versions, locked.
#[derive(Debug)]
pub struct Store {
    folder: PathBuf,
    _lock: File,
}

/// Why the folder cannot be used.
#[derive(Debug)]
pub enum OpenError {
    /// Another engine publishes there.
    InUse,
    /// It cannot be made or locked.
    Failed(io::Error),
}

/// A version with all that belongs to it.
#[derive(Clone, Debug)]
pub struct Whole {
    /// Who, when, why.
    pub version: Version,
    /// The table.
    pub bytes: Vec<u8>,
    /// What it says.
    pub catalogue: Catalogue,
}

impl Store {
    /// Opens or makes the folder. Drafts that a killed process left are removed.
    pub fn open(folder: &Path) -> Result<Self, OpenError> {
        let failed = OpenError::Failed;
        private_folder(folder).map_err(failed)?;
        private_folder(&folder.join("sounds")).map_err(failed)?;
        let mut options = OpenOptions::new();
        let lock = options.write(true).create(true).truncate(false).mode(0o640).open(folder.join("lock"));
        let lock = lock.map_err(failed)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(OpenError::InUse),
            Err(TryLockError::Error(error)) => return Err(OpenError::Failed(error)),
        }
        for entry in fs::read_dir(folder).map_err(failed)?.flatten() {
            if entry.file_name().to_string_lossy().starts_with('.') {
                let _ = fs::remove_dir_all(entry.path());
            }
        }
        for entry in fs::read_dir(folder.join("sounds")).map_err(failed)?.flatten() {
            if entry.file_name().to_string_lossy().starts_with('.') {
                let _ = fs::remove_file(entry.path());
            }
        }
        Ok(Self { folder: folder.to_owned(), _lock: lock })
    }

    /// Where.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Keeps a version: when this returns, it is on disk and the newest; on an error, what was the newest still is.
    pub fn add(&self, version: Version, bytes: &[u8], catalogue: &Catalogue) -> io::Result<Version> {
        let draft = self.folder.join(format!(".{}", version.number));
        let done = self.folder.join(name(version.number));
        if done.exists() {
            return Err(io::Error::new(io::ErrorKind::AlreadyExists, "a version is never replaced"));
        }
        let result = self.write(version, bytes, catalogue, &draft, &done, &mut || Ok(()));
        if result.is_err() {
            // After a rename whose folder could not be synced, the version goes again: it was refused.
            let _ = fs::rename(&done, &draft);
            let _ = fs::remove_dir_all(&draft);
        }
        result
    }

    /// The steps of [`Store::add`]; `step` is asked before each one that changes the disk, so that a test can end there.
    fn write(
        &self,
        mut version: Version,
        bytes: &[u8],
        catalogue: &Catalogue,
        draft: &Path,
        done: &Path,
        step: &mut dyn FnMut() -> io::Result<()>,
    ) -> io::Result<Version> {
        let shared = self.folder.join("sounds");
        let (list, sounds) = list(catalogue);
        let files = sounds.into_iter().flat_map(|(hash, (samples, wide))| {
            let wide = wide.map(|wide| (wide_name(&hash), wav::write_at(2 * wav::RATE, wide)));
            [Some((format!("{hash}.wav"), wav::write(samples))), wide]
        });
        for (name, sound) in files.flatten() {
            let file = shared.join(&name);
            if fs::metadata(&file).is_ok_and(|file| file.len() == sound.len() as u64) {
                continue;
            }
            step()?;
            let part = shared.join(format!(".{name}"));
            write_synced(&part, &sound)?;
            step()?;
            fs::rename(&part, &file)?;
        }
        step()?;
        File::open(&shared)?.sync_all()?;
        (version.hash, version.sounds, version.bytes) = (hash(bytes), hash(list.as_bytes()), bytes.len());
        step()?;
        private_folder(draft)?;
        for (file, content) in [(TABLE, bytes), (SOUNDS, list.as_bytes()), (META, version.to_json().as_bytes())] {
            step()?;
            write_synced(&draft.join(file), content)?;
        }
        step()?;
        File::open(draft)?.sync_all()?;
        step()?;
        // Fails where a version with this number is: nothing is ever replaced.
        fs::rename(draft, done)?;
        step()?;
        File::open(&self.folder)?.sync_all()?;
        Ok(version)
    }

    /// Keeps what became of a version since it was added: that it is proved. On an error its description is what it was.
    pub fn describe(&self, version: &Version) -> io::Result<()> {
        let folder = self.folder.join(name(version.number));
        let part = folder.join(format!(".{META}"));
        write_synced(&part, version.to_json().as_bytes())?;
        fs::rename(&part, folder.join(META))?;
        File::open(&folder)?.sync_all()
    }

    /// The number that comes next.
    pub fn next_number(&self) -> u64 {
        numbers(&self.folder).first().map_or(1, |newest| newest + 1)
    }

    /// Removes the oldest beyond what is kept, and sounds that no version has any more. `live` stays.
    pub fn tidy(&self, live: u64) {
        let numbers = numbers(&self.folder);
        let old: Vec<u64> = numbers.into_iter().skip(VERSIONS_KEPT_MAX).filter(|number| *number != live).collect();
        if old.is_empty() {
            return;
        }
        for number in old {
            let draft = self.folder.join(format!(".{number}"));
            // First out of sight, then away: half a version is never seen.
            if let Err(error) = fs::rename(self.folder.join(name(number)), &draft) {
                warn!(number, %error, "an old version stays");
            }
            let _ = fs::remove_dir_all(&draft);
        }
        self.tidy_sounds();
    }

    fn tidy_sounds(&self) {
        let mut used = BTreeSet::new();
        for number in self::numbers(&self.folder) {
            // A list that cannot be read may name any of them.
            let Ok(list) = fs::read_to_string(self.folder.join(name(number)).join(SOUNDS)) else { return };
            let hashes = list.lines().filter_map(|line| line.split('\t').nth(1));
            used.extend(hashes.flat_map(|hash| [format!("{hash}.wav"), wide_name(hash)]));
        }
        let Ok(sounds) = fs::read_dir(self.folder.join("sounds")) else { return };
        for sound in sounds.flatten().filter(|sound| !used.contains(&*sound.file_name().to_string_lossy())) {
            let _ = fs::remove_file(sound.path());
        }
    }
}

/// The numbers of a folder, the newest first; damaged ones count.
pub fn numbers(folder: &Path) -> Vec<u64> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut numbers: Vec<u64> = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect();
    numbers.sort_unstable_by(|one, other| other.cmp(one));
    numbers
}

/// That there is no such version, and which there are; `None` where there is one, whole or damaged.
pub fn absent(folder: &Path, number: u64) -> Option<[String; 2]> {
    let numbers = numbers(folder);
    if numbers.contains(&number) {
        return None;
    }
    let mut ranges: Vec<(u64, u64)> = Vec::new();
    for number in numbers.into_iter().rev() {
        match ranges.last_mut() {
            Some((_, last)) if last.checked_add(1) == Some(number) => *last = number,
            _ => ranges.push((number, number)),
        }
    }
    let told = |(first, last): &(u64, u64)| if first == last { first.to_string() } else { format!("{first}–{last}") };
    let there = ranges.iter().map(told).collect::<Vec<_>>().join(", ");
    Some(match there.is_empty() {
        true => [
            format!("{number}판은 없습니다: 내보낸 판이 아직 없습니다"),
            format!("there is no version {number}: nothing was published yet"),
        ],
        false => [
            format!("{number}판은 없습니다\n  고치는 법: 있는 판은 {there} (`ivr1357 history`)"),
            format!("there is no version {number}\n  help: there are {there} (`ivr1357 history`)"),
        ],
    })
}

/// Who, when and why of a version; the error says what is damaged.
pub fn read_version(folder: &Path, number: u64) -> Result<Version, String> {
    let version = Version::from_json(&read_text(&folder.join(name(number)).join(META))?)?;
    if version.number != number {
        return Err(format!("{META} is of version {}", version.number));
    }
    Ok(version)
}

/// A version and the bytes of its table.
pub fn read_table(folder: &Path, number: u64) -> Result<(Version, Vec<u8>), String> {
    let version = read_version(folder, number)?;
    let file = folder.join(name(number)).join(TABLE);
    let length = fs::metadata(&file).map_err(|error| format!("{TABLE}: {error}"))?.len();
    if length > TABLE_BYTES_MAX as u64 {
        return Err(format!("{TABLE} is longer than {TABLE_BYTES_MAX} bytes"));
    }
    let bytes = fs::read(&file).map_err(|error| format!("{TABLE}: {error}"))?;
    if hash(&bytes) != version.hash {
        return Err(format!("{TABLE} is not what was published: its hash differs"));
    }
    Ok((version, bytes))
}

/// All of a version.
pub fn read(folder: &Path, number: u64) -> Result<Whole, String> {
    let (version, bytes) = read_table(folder, number)?;
    let list = read_text(&folder.join(name(number)).join(SOUNDS))?;
    if hash(list.as_bytes()) != version.sounds {
        return Err(format!("{SOUNDS} is not what was published: its hash differs"));
    }
    let mut catalogue = Catalogue::default();
    let lines = list.lines().map(|line| {
        let mut parts = line.splitn(3, '\t');
        let (Some(id), Some(hash), Some(text)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(format!("{SOUNDS} cannot be read: {line}"));
        };
        Ok((id, hash, text))
    });
    let lines: Vec<(&str, &str, &str)> = lines.collect::<Result<_, _>>()?;
    let sounds = parallel::map(&lines, |(id, hash, _)| read_sound(folder, id, hash));
    for ((id, _, text), sound) in lines.into_iter().zip(sounds) {
        let sound = sound?;
        let wide = sound.as_ref().and_then(|sound| sound.wide.clone());
        catalogue.wide.extend(wide.map(|wide| (id.to_owned(), wide)));
        let samples = sound.map(|sound| sound.samples);
        catalogue.prompts.insert(id.to_owned(), Prompt { text: text.to_owned(), samples });
    }
    Ok(Whole { version, bytes, catalogue })
}

/// A sound of a version by its name, and the wide one where it has it; none for a text that is filled in.
fn read_sound(folder: &Path, id: &str, hash: &str) -> Result<Option<PromptSound>, String> {
    if hash == NO_SOUND {
        return Ok(None);
    }
    let file = folder.join("sounds").join(format!("{hash}.wav"));
    let bytes = fs::read(&file).map_err(|error| format!("the sound of {id}, {}: {error}", file.display()))?;
    let refused = |(what, _): (Both, Both)| format!("the sound of {id}: {}", what[1]);
    // Whatever its header says, the hash tells whether it is the sound.
    let samples = match wav::ours(&bytes) {
        Some(samples) => samples,
        None => wav::read(&bytes).map_err(refused)?.samples,
    };
    let wide = match fs::read(folder.join("sounds").join(wide_name(hash))) {
        Ok(bytes) => wav::read(&bytes).map_err(refused)?.wide,
        Err(_) => None,
    };
    // Without the wide sound that it had, the hash differs, too.
    if sound_hash(&samples, wide.as_deref()) != hash {
        return Err(format!("the sound of {id} is not what was published: its hash differs"));
    }
    Ok(Some(PromptSound { samples: samples.into(), wide: wide.map(Arc::from) }))
}

/// Whether both are the same words and sounds to callers: what a hash of their lists would tell, without hashing every sound.
pub fn is_alike(one: &Catalogue, other: &Catalogue) -> bool {
    let lines = |catalogue: &Catalogue| {
        let prompts = catalogue.prompts.iter().filter(|(_, prompt)| is_listed(prompt));
        let line = |(id, Prompt { text, samples }): (&String, &Prompt)| {
            (id.clone(), one_line(text), samples.clone(), catalogue.wide.get(id).cloned())
        };
        prompts.map(line).collect::<Vec<_>>()
    };
    lines(one) == lines(other)
}

/// The samples of a sound, and the wide ones where it has them.
type Samples<'a> = (&'a [i16], Option<&'a [i16]>);

/// Stands in place of a sound's name for a text that is filled in: its parts sound.
const NO_SOUND: &str = "-";

/// The list of the prompts, and their sounds by their names.
fn list(catalogue: &Catalogue) -> (String, BTreeMap<String, Samples<'_>>) {
    let (mut list, mut sounds) = (String::new(), BTreeMap::new());
    for (id, Prompt { text, samples }) in catalogue.prompts.iter().filter(|(_, prompt)| is_listed(prompt)) {
        let text = one_line(text);
        let Some(samples) = samples else {
            list.push_str(&format!("{id}\t{NO_SOUND}\t{text}\n"));
            continue;
        };
        let wide = catalogue.wide.get(id).map(|wide| &**wide);
        let hash = sound_hash(samples, wide);
        list.push_str(&format!("{id}\t{hash}\t{text}\n"));
        sounds.insert(hash, (&**samples, wide));
    }
    (list, sounds)
}

/// It has a sound, or parts that do.
fn is_listed(prompt: &Prompt) -> bool {
    prompt.samples.is_some() || phrase::is_filled_in(&prompt.text)
}

/// A text as a list has it.
fn one_line(text: &str) -> String {
    text.replace(|c: char| c.is_control(), " ")
}

/// The SHA-256 of some bytes, in hexadecimal, as `sha256sum` shows it.
pub fn hash(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// The name of a sound: the SHA-256 of its samples, and then of the wide ones where it has them, whatever header its file has.
pub fn sound_hash(samples: &[i16], wide: Option<&[i16]>) -> String {
    let all = samples.iter().chain(wide.unwrap_or_default());
    let bytes: Vec<u8> = all.flat_map(|sample| sample.to_le_bytes()).collect();
    hash(&bytes)
}

/// The file of what a sound has beyond a telephone's band, beside `HASH.wav`.
fn wide_name(hash: &str) -> String {
    format!("{hash}.wide.wav")
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Sorts by age in every listing.
fn name(number: u64) -> String {
    format!("{number:06}")
}

fn read_text(path: &Path) -> Result<String, String> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    fs::read_to_string(path).map_err(|error| format!("{name}: {error}"))
}

/// A folder for the engine's user and its group. One that is there stays as it is.
fn private_folder(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o750).create(path)
}

fn write_synced(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o640).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

#[cfg(test)]
mod tests;
