//! The prompt folder: its tables of texts, its WAV files and its ledger, read into a catalogue.
//!
//! `prompts/ko/*.tsv` are the texts, `prompts/ko/ID.wav` the sounds, `prompts/ko/built.tsv` says which sound was made from which
//! words. [`build`] makes what is missing.

pub mod build;
pub mod check;
pub mod loading;
pub mod say;
pub mod synthesis;

pub use crate::speech::{Catalogue, Derived, PromptError, Voice};
pub use build::{Report, Tongue, lacking, run_build};
pub use check::{Finding, Survey, survey};
pub use loading::load;

use crate::routing::plan::{BACK_TO_KOREAN, PromptId, Words};
use crate::routing::{Language, bundle};
use crate::shell::reason;
use crate::speech::finding::both;
use crate::speech::ledger::{self, Ledger};
use crate::speech::texts::{self, Text};
use crate::speech::{hangul, naming, wav};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use toml::de::DeTable;

/// The ledger's name in the folder.
const LEDGER: &str = "built.tsv";
/// The table of texts that are kept though the routing table names none of them: what an operator may pick from.
const LIBRARY: &str = "library.tsv";

/// The folders of the languages that have prompts, Korean first; `dir` itself is Korean's where it has no folder of a language.
pub fn languages(dir: &Path) -> Vec<(String, PathBuf)> {
    let named = |name: &str| (2..=3).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_lowercase());
    let entries = std::fs::read_dir(dir).into_iter().flatten().flatten();
    let mut folders: Vec<(String, PathBuf)> = entries
        .map(|entry| (entry.file_name().to_string_lossy().into_owned(), entry.path()))
        .filter(|(name, path)| named(name) && path.is_dir())
        .collect();
    folders.sort_by_key(|(name, _)| (name != "ko", name.clone()));
    if folders.first().is_none_or(|(name, _)| name != "ko") {
        return vec![("ko".to_owned(), dir.to_owned())];
    }
    folders
}

/// The words of a plan, as prompts to build.
pub fn derived(words: &BTreeMap<PromptId, Words>) -> BTreeMap<String, Derived> {
    words
        .iter()
        .map(|(id, words)| {
            let derived = match words {
                Words::Choice(text) => Derived::Choice(text.clone()),
                Words::Connecting(name) => Derived::Connecting(name.clone()),
                Words::Name(name) => Derived::Name(name.clone()),
            };
            (id.to_string(), derived)
        })
        .collect()
}

/// The words of a table that need not check: every `say` of a menu or inherited by all, and every centre's `name`.
///
/// A table with new words does not check until they have sounds, and sounds are built from the words: building must not wait for
/// a plan. What this reads too much costs a spare file; what it reads too little `check` reports.
pub fn words_in(table: &str) -> BTreeMap<String, Derived> {
    bundle::parts(table).iter().flat_map(|part| words_of_file(part.text)).collect()
}

fn words_of_file(file: &str) -> BTreeMap<String, Derived> {
    let (table, _mistakes) = DeTable::parse_recoverable(file);
    let mut words = BTreeMap::new();
    let inherited = table.get_ref().get("defaults").and_then(|value| value.get_ref().as_table());
    let inherited = inherited.and_then(|defaults| defaults.get("menu")?.get_ref().as_table());
    let inherited = inherited.and_then(|menu| menu.get("keys")?.get_ref().as_table());
    let menus = rows(table.get_ref(), "menu").into_iter().map(|(_, menu)| menu);
    for menu in menus.chain(inherited) {
        for choice in menu.values().filter_map(|value| value.get_ref().as_table()) {
            if let Some(text) = string(choice, "say") {
                words.insert(format!("say/{}", naming::part(&text)), Derived::Choice(text));
                if string(choice, "language").is_some() {
                    words.insert(format!("say/{BACK_TO_KOREAN}"), Derived::Choice(BACK_TO_KOREAN.to_owned()));
                }
            }
        }
    }
    for (row, center) in rows(table.get_ref(), "center") {
        if let Some(name) = string(center, "name") {
            words.insert(format!("center/{row}"), Derived::Connecting(name.clone()));
            words.insert(format!("name/{row}"), Derived::Name(name));
        }
    }
    words
}

fn rows<'t, 'i>(table: &'t DeTable<'i>, section: &str) -> Vec<(&'t str, &'t DeTable<'i>)> {
    let section = table.get(section).and_then(|value| value.get_ref().as_table());
    let rows = section.into_iter().flatten();
    rows.filter_map(|(name, row)| Some((name.get_ref().as_ref(), row.get_ref().as_table()?))).collect()
}

fn string(row: &DeTable<'_>, field: &str) -> Option<String> {
    row.get(field)?.get_ref().as_str().map(naming::words).filter(|text| !text.is_empty())
}

/// What the folder holds, sounds unread.
struct Folder {
    texts: Vec<Text>,
    ledger: Ledger,
    /// Texts of `library.tsv`: kept for tables that have a use for them.
    library: BTreeSet<String>,
    /// Prompt to file, for every WAV file below the folder.
    wavs: BTreeMap<String, PathBuf>,
}

impl Folder {
    fn read(dir: &Path) -> Result<Self, Vec<PromptError>> {
        let mut files = Vec::new();
        walk(dir, &mut files).map_err(|error| vec![error])?;
        files.sort();
        let mut folder =
            Self { texts: Vec::new(), ledger: Ledger::new(), library: BTreeSet::new(), wavs: BTreeMap::new() };
        let mut errors = Vec::new();
        let mut first: BTreeMap<String, String> = BTreeMap::new();
        for path in files {
            let relative = path.strip_prefix(dir).unwrap_or(&path).to_string_lossy().replace('\\', "/");
            let relative = hangul::compose(&relative);
            if relative == LEDGER {
                let (ledger, mut unread) = ledger::read(&shown(&path), &read_file(&path, &mut errors));
                folder.ledger = ledger;
                errors.append(&mut unread);
            } else if relative.ends_with(".tsv") && !relative.contains('/') {
                let (read, mut mistakes) = texts::read(&shown(&path), &read_file(&path, &mut errors));
                errors.append(&mut mistakes);
                for text in read {
                    if let Some(other) = first.insert(text.id.clone(), shown(&path)) {
                        errors.push(PromptError {
                            file: shown(&path),
                            line: Some(text.line),
                            what: both(
                                format!("`{}`이(가) {other}에도 있습니다", text.id),
                                format!("`{}` stands in {other}, too", text.id),
                            ),
                            fix: both("둘 중 하나를 지우세요", "delete one of them"),
                        });
                    }
                    if relative == LIBRARY {
                        folder.library.insert(text.id.clone());
                    }
                    folder.texts.push(text);
                }
            } else if let Some(id) = relative.strip_suffix(".wav") {
                folder.wavs.insert(id.to_owned(), path);
            }
        }
        if errors.is_empty() { Ok(folder) } else { Err(errors) }
    }
}

/// The sound of a file, and its bytes' hash.
fn read_wav(path: &Path) -> Result<(wav::Sound, String), PromptError> {
    let bytes = read_bytes(path)?;
    let sound = wav::read(&bytes).map_err(|(what, fix)| PromptError::file(shown(path), what, fix))?;
    Ok((sound, ledger::hash(&bytes)))
}

/// The bytes of a file that may be a prompt.
fn read_bytes(path: &Path) -> Result<Vec<u8>, PromptError> {
    let length = std::fs::metadata(path).map_err(|error| unreadable(path, &error))?.len();
    if let Some((what, fix)) = wav::too_big(length) {
        return Err(PromptError::file(shown(path), what, fix));
    }
    std::fs::read(path).map_err(|error| unreadable(path, &error))
}

fn read_file(path: &Path, errors: &mut Vec<PromptError>) -> Vec<u8> {
    std::fs::read(path).unwrap_or_else(|error| {
        errors.push(unreadable(path, &error));
        Vec::new()
    })
}

/// All files below `dir`; hidden ones (an editor's, a Mac's `._x.wav`) are not looked at.
fn walk(dir: &Path, files: &mut Vec<PathBuf>) -> Result<(), PromptError> {
    for entry in std::fs::read_dir(dir).map_err(|error| unreadable(dir, &error))? {
        let path = entry.map_err(|error| unreadable(dir, &error))?.path();
        if path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.')) {
            continue;
        }
        if path.is_dir() {
            walk(&path, files)?;
        } else {
            files.push(path);
        }
    }
    Ok(())
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}

fn unreadable(path: &Path, error: &std::io::Error) -> PromptError {
    PromptError::file(
        shown(path),
        both(format!("읽을 수 없습니다: {}", reason::of(error, Language::Korean)), format!("cannot be read: {error}")),
        both("경로와 권한을 확인하세요(`--prompts DIR`)", "look at the path and its permissions (`--prompts DIR`)"),
    )
}

#[cfg(test)]
mod tests;
