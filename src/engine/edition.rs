//! A table as calls hold it: the plan, the sound of its prompts, and the number it was published under.
//!
//! A call keeps the edition it began with, words and sound, until its record is written; a new edition serves new calls. Making
//! one encodes every prompt, so it is made elsewhere and handed over whole: taking it over costs the engine a pointer.

use crate::media::Clip;
use crate::routing::Plan;
use crate::routing::plan::PromptId;
use crate::sdp::Codecs;
use crate::speech::{Catalogue, PromptSound};
use std::collections::HashMap;
use std::sync::Arc;

/// A table with its sound.
#[derive(Debug)]
pub struct Edition {
    /// What it means.
    pub plan: Arc<Plan>,
    /// Its number in the history of published tables; none for a table that never was published.
    pub number: Option<u64>,
    /// What its sound is held in, in our order of preference: nothing else is agreed on.
    pub codecs: Codecs,
    clips: HashMap<PromptId, Arc<Clip>>,
}

impl Edition {
    /// A table that no history knows.
    pub fn new(plan: Arc<Plan>, catalogue: &Catalogue) -> Self {
        let encode = |id: &str| {
            let PromptSound { samples, wide } = catalogue.sound(id)?;
            Some(Arc::new(Clip::of_recording(Codecs::USUAL, id, &samples, wide.as_deref())))
        };
        Self::published(plan, None, encode)
    }

    /// A published table; `clip` gives the sound of a prompt, shared with other editions where it is the same.
    pub fn published(plan: Arc<Plan>, number: Option<u64>, mut clip: impl FnMut(&str) -> Option<Arc<Clip>>) -> Self {
        let prompts = plan.prompts().into_iter();
        let clips = prompts.filter_map(|id| clip(&id).map(|clip| (id, clip))).collect();
        Self { plan, number, codecs: Codecs::USUAL, clips }
    }

    /// Its sound is held in these codecs.
    pub fn held_in(mut self, codecs: Codecs) -> Self {
        self.codecs = codecs;
        self
    }

    /// The sound of a prompt.
    pub fn clip(&self, id: &PromptId) -> Option<Arc<Clip>> {
        self.clips.get(id).cloned()
    }
}
