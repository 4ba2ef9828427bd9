//! The prompts of one language, from files to samples, on all cores.
//!
//! What this program built is in shape and is taken as it is. A recording is converted, looked at, and, where it is a part of what is joined,
//! given the silence at its ends that parts have: a studio's own would be heard as hesitation, or not at all.

use super::{Folder, read_bytes, shown};
use crate::routing::slots;
use crate::shell::parallel;
use crate::speech::ledger::{self, Origin};
use crate::speech::phrase::{self, Phrase, Tongue};
use crate::speech::{Catalogue, Kind, Prompt, PromptError, shape, sound, wav};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

/// A sound as it was read.
struct Loaded {
    samples: Vec<i16>,
    wide: Option<Vec<i16>>,
    /// The words that it was made from, where that is known.
    said: Option<String>,
    /// What a caller would find wrong with it.
    fault: Option<[String; 2]>,
}

/// Reads the folder of one language (`prompts/ko`).
///
/// A text without a sound is no error here, because only a table knows whether the prompt is used (`routing::check`, E0501). A table
/// or a WAV file that cannot be read is one.
pub fn load(dir: &Path) -> Result<Catalogue, Vec<PromptError>> {
    let folder = Folder::read(dir)?;
    let kinds = Kinds::of(&folder);
    let files: Vec<_> = folder.wavs.iter().collect();
    let loaded = parallel::map(&files, |(id, path)| read(&folder, &kinds, id, path));
    let mut errors = Vec::new();
    let mut catalogue = Catalogue::default();
    for text in &folder.texts {
        catalogue.prompts.insert(text.id.clone(), Prompt { text: text.text.clone(), samples: None });
    }
    for ((id, _), loaded) in files.into_iter().zip(loaded) {
        let Loaded { samples, wide, said, fault } = match loaded {
            Ok(loaded) => loaded,
            Err(error) => {
                errors.push(error);
                continue;
            }
        };
        let text = || folder.ledger.get(id).map_or_else(|| id.clone(), |entry| entry.text.clone());
        let prompt = catalogue.prompts.entry(id.clone()).or_insert_with(|| Prompt { text: text(), samples: None });
        prompt.samples = Some(samples.into());
        catalogue.wide.extend(wide.map(|wide| (id.clone(), Arc::from(wide))));
        catalogue.said.extend(said.map(|said| (id.clone(), said)));
        catalogue.faults.extend(fault.map(|fault| (id.clone(), fault)));
    }
    if errors.is_empty() { Ok(catalogue) } else { Err(errors) }
}

fn read(folder: &Folder, kinds: &Kinds, id: &str, path: &Path) -> Result<Loaded, PromptError> {
    let bytes = read_bytes(path)?;
    let hash = ledger::hash(&bytes);
    let known = folder.ledger.get(id).filter(|entry| entry.wav == hash);
    let said = known.map(|entry| entry.text.clone());
    let built = known.filter(|entry| entry.origin == Origin::Built).and_then(|_| wav::ours(&bytes));
    if let Some(samples) = built {
        return Ok(Loaded { samples, wide: None, said, fault: None });
    }
    let sound = wav::read(&bytes).map_err(|(what, fix)| PromptError::file(shown(path), what, fix))?;
    let fault = shape::faults(&sound, kinds.of_text(id)).into_iter().next().map(|what| *what);
    let (samples, wide) = match kinds.of_part(id) {
        Some(kind) => sound::with_ends(sound.samples, sound.wide, kind),
        None => (sound.samples, sound.wide),
    };
    Ok(Loaded { samples, wide, said, fault })
}

/// How the prompts of a folder end.
struct Kinds {
    texts: BTreeMap<String, Kind>,
    /// What stands between slots.
    literals: BTreeMap<String, Kind>,
}

impl Kinds {
    fn of(folder: &Folder) -> Self {
        let vocabulary = slots::vocabulary();
        let filled = folder.texts.iter().filter(|text| phrase::is_filled_in(&text.text));
        let read = filled.filter_map(|text| {
            let read = |tongue| Phrase::read_in(tongue, &text.id, &text.text, &vocabulary).ok();
            read(Tongue::Korean).or_else(|| read(Tongue::English))
        });
        let literals = read.flat_map(|phrase| phrase.literals());
        Self {
            texts: folder.texts.iter().map(|text| (text.id.clone(), text.kind)).collect(),
            literals: literals.map(|sound| (sound.id, sound.kind)).collect(),
        }
    }

    fn of_text(&self, id: &str) -> Kind {
        self.texts.get(id).copied().unwrap_or(Kind::Sentence)
    }

    /// The same for what is joined with others; `None` stands alone.
    fn of_part(&self, id: &str) -> Option<Kind> {
        let id = id.strip_prefix("slow/").unwrap_or(id);
        if id.starts_with("phrase/") {
            return phrase::kind_of_part(id).or_else(|| self.literals.get(id).copied());
        }
        if id.starts_with("say/") {
            return Some(Kind::GoingOn);
        }
        let kind = self.texts.get(id).copied().or_else(|| id.starts_with("name/").then_some(Kind::Ending))?;
        matches!(kind, Kind::GoingOn | Kind::Ending | Kind::Digit).then_some(kind)
    }
}
