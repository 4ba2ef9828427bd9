//! A table as calls hold it: the plan, the sound of its prompts, and the number it was published under.
//!
//! A call keeps the edition it began with, words and sound, until its record is written; a new edition serves new calls. It is made
//! elsewhere and handed over whole: taking it over costs the engine a pointer. Prompts are encoded when calls first play them ([`Clip`]).

use crate::call::Saying;
use crate::media::Clip;
use crate::routing::Plan;
use crate::routing::plan::PromptId;
use crate::sdp::Codecs;
use crate::speech::{Catalogue, PromptSound};
use crate::time::Duration;
use std::collections::HashMap;
use std::sync::Arc;

/// A table with its sound.
#[derive(Debug)]
pub struct Edition {
    /// What it means.
    pub plan: Arc<Plan>,
    /// Its number in the history of published tables; none for a table that never was published.
    pub number: Option<u64>,
    /// What calls may agree on, in our order of preference.
    pub codecs: Codecs,
    clips: HashMap<PromptId, Arc<Clip>>,
    /// Silence between parts, every [`PAUSE_STEP`] longer.
    pauses: Vec<Arc<Clip>>,
}

/// The shortest pause between two parts of what is said, and the step between two pauses.
const PAUSE_STEP: Duration = Duration::from_millis(10);
/// The longest: between two groups of digits, less what the digits have at their ends.
const PAUSE_MAX: Duration = Duration::from_millis(300);

/// How long each silence between parts is, by its name in transcripts.
pub fn pauses() -> impl Iterator<Item = (String, Duration)> {
    (1..=PAUSE_MAX.as_millis() / PAUSE_STEP.as_millis()).map(|steps| {
        let pause = PAUSE_STEP * u32::try_from(steps).unwrap_or(1);
        (format!("{PAUSE}{}", pause.as_millis()), pause)
    })
}

/// What the names of silences begin with.
pub const PAUSE: &str = "pause/";

/// A prompt as calls play it, with more than a telephone's band where they may hear it. A slow one is made when it is first played.
pub fn clip(id: &str, catalogue: &Catalogue, is_wide: bool) -> Option<Clip> {
    let PromptSound { samples, wide } = catalogue.origin(id)?;
    let sound = PromptSound { samples, wide: wide.filter(|_| is_wide) };
    if !catalogue.is_stretched(id) {
        return Some(Clip::new(id, sound.samples, sound.wide));
    }
    let length = sound.length_slowly();
    let slowly = move || {
        let PromptSound { samples, wide } = sound.slowly();
        (samples, wide)
    };
    Some(Clip::made_when_played(id, length, slowly))
}

impl Edition {
    /// A table that no history knows.
    pub fn new(plan: Arc<Plan>, catalogue: &Catalogue) -> Self {
        Self::published(plan, None, |id| clip(id, catalogue, true).map(Arc::new))
    }

    /// A published table; `clip` gives the sound of a prompt, shared with other editions where it is the same.
    pub fn published(plan: Arc<Plan>, number: Option<u64>, mut clip: impl FnMut(&str) -> Option<Arc<Clip>>) -> Self {
        let prompts = plan.prompts().into_iter();
        let clips = prompts.filter_map(|id| clip(&id).map(|clip| (id, clip))).collect();
        let silence = |(id, pause): (String, Duration)| {
            Arc::new(Clip::new(&id, vec![0; pause.as_millis() as usize * 8].into(), None))
        };
        // A table without slots pauses nowhere.
        let pauses = if plan.phrases.is_empty() { Vec::new() } else { pauses().map(silence).collect() };
        Self { plan, number, codecs: Codecs::USUAL, clips, pauses }
    }

    /// Its calls may agree on these codecs.
    pub fn speaking(self, codecs: Codecs) -> Self {
        Self { codecs, ..self }
    }

    /// What is said, as one sequence of sounds and the silences between them.
    pub fn clips(&self, said: &[Saying]) -> Vec<Arc<Clip>> {
        let mut clips = Vec::with_capacity(said.len());
        for (id, pause) in said.iter().flat_map(Saying::sounds) {
            let Some(clip) = self.clip(id) else { continue };
            let steps = (pause.as_millis() / PAUSE_STEP.as_millis()) as usize;
            if let Some(silence) = steps.checked_sub(1).and_then(|at| self.pauses.get(at)) {
                clips.push(silence.clone());
            }
            clips.push(clip);
        }
        clips
    }

    /// What has no sound yet, because it is made when it is first played: for who has it made before ([`Clip::prepare`]).
    pub fn unmade(&self) -> Vec<Arc<Clip>> {
        self.clips.values().filter(|clip| !clip.is_made()).cloned().collect()
    }

    /// The sound of a prompt.
    pub fn clip(&self, id: &PromptId) -> Option<Arc<Clip>> {
        self.clips.get(id).cloned()
    }
}
