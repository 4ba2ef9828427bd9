//! The shipped table with prompts of known lengths, for tests that run the engine in simulated time.

use ivr1357::routing::{Plan, check_without_sound};
use ivr1357::speech::{Catalogue, Prompt};
use std::sync::Arc;

/// The table that ships.
pub fn shipped() -> (Arc<Plan>, Catalogue) {
    with_sound(include_str!("../../../routing.toml"))
}

/// A table whose centres are called by us, and whose calls are recorded.
#[allow(dead_code, reason = "the flows play the shipped table")]
pub fn bridged() -> (Arc<Plan>, Catalogue) {
    with_sound(include_str!("bridged.toml"))
}

/// A table whose every prompt lasts three seconds; the parts a menu is put together from, a quarter of one.
fn with_sound(table: &str) -> (Arc<Plan>, Catalogue) {
    let checked = check_without_sound(table);
    let plan = checked.plan.unwrap_or_else(|| panic!("the table does not check: {:#?}", checked.findings));
    let mut catalogue = Catalogue::default();
    for id in plan.prompts() {
        let is_part = id.starts_with("say/") || id.starts_with("key_");
        let samples = Arc::from(vec![0i16; if is_part { 2_000 } else { 24_000 }]);
        let text = format!("«{id}»");
        catalogue.prompts.insert(id.to_string(), Prompt { text, samples: Some(samples) });
    }
    (Arc::new(plan), catalogue)
}
