//! The prompt catalogue: every prompt's text, and its sound where there is one. (First cut; loading follows.)

use std::collections::BTreeMap;
use std::time::Duration;

/// One prompt.
#[derive(Clone, Debug)]
pub struct Prompt {
    /// What is said.
    pub text: String,
    /// 8 kHz mono samples; `None` when nothing was recorded or built yet.
    pub samples: Option<std::sync::Arc<[i16]>>,
}

/// All prompts of one language by id.
#[derive(Clone, Debug, Default)]
pub struct Catalogue {
    /// Ordered, so that every listing is stable.
    pub prompts: BTreeMap<String, Prompt>,
}

impl Catalogue {
    /// The prompts that can be heard, and for how long: what `routing::check` needs to know.
    pub fn lengths(&self) -> BTreeMap<String, Duration> {
        self.prompts
            .iter()
            .filter_map(|(id, prompt)| {
                let samples = prompt.samples.as_ref()?;
                Some((id.clone(), Duration::from_micros(samples.len() as u64 * 125)))
            })
            .collect()
    }
}
