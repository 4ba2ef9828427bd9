//! The shipped table with prompts of known lengths, for tests that run the engine in simulated time.

use ivr1357::routing::{Plan, check_without_sound};
use ivr1357::speech::{Catalogue, Prompt};
use std::sync::Arc;

/// The table that ships. Every prompt is three seconds of silence; the waiting tone, one.
pub fn shipped() -> (Arc<Plan>, Catalogue) {
    let plan = check_without_sound(include_str!("../../routing.toml")).plan.expect("the shipped table checks");
    let mut catalogue = Catalogue::default();
    for id in plan.prompts() {
        let seconds = if id == plan.waiting { 1 } else { 3 };
        let samples = Arc::from(vec![0i16; 8_000 * seconds]);
        let text = format!("«{id}»");
        catalogue.prompts.insert(id.to_string(), Prompt { text, samples: Some(samples) });
    }
    (Arc::new(plan), catalogue)
}
