//! Tables in tests: what they mean, a second of sound for each of their prompts, and a script played on them.

use ivr1357::proof::{self, Graph, way};
use ivr1357::routing::{Language, Plan, check_without_sound};
use ivr1357::sim::script::{self, Script};
use ivr1357::speech::{Catalogue, Prompt};
use std::sync::Arc;

pub fn plan(text: &str) -> Arc<Plan> {
    let checked = check_without_sound(text);
    Arc::new(checked.plan.unwrap_or_else(|| panic!("{:#?}", checked.findings)))
}

/// Every prompt lasts a second and says its name.
pub fn catalogue(plan: &Plan) -> Catalogue {
    let mut catalogue = Catalogue::default();
    for id in plan.prompts() {
        let samples = Some(vec![0i16; 8000].into());
        catalogue.prompts.insert(id.to_string(), Prompt { text: id.to_string(), samples });
    }
    catalogue
}

/// Every way through a table, and the promises that are not kept, in words.
pub fn walk(plan: &Arc<Plan>) -> (Graph, Vec<String>) {
    let graph = proof::explore(plan);
    let told = |broken: proof::Broken| {
        let (_, mut steps) = graph.way(broken.node);
        steps.extend(&broken.then);
        format!("{}: {:?}: {}", broken.row, broken.promise, way::keys(&steps, Language::English))
    };
    let told = proof::prove(plan, &graph).into_iter().map(told).collect();
    (graph, told)
}

/// What happens, in the words of a flow, and the record.
pub fn play(plan: &Arc<Plan>, text: &str) -> (Vec<String>, serde_json::Value) {
    let Ok(script) = Script::parse(text, plan) else { panic!("{text}") };
    let (world, _) = script.play(plan.clone(), &catalogue(plan));
    assert_eq!(world.violations().len(), 0, "{text}: {:?}", world.violations());
    let told = world.moments().iter().map(|(_, moment)| script::words(&world, moment)).collect();
    (told, serde_json::from_str(world.records().last().expect("a record")).expect("JSON"))
}
