//! Runs every flow in `tests/flows`: short calls through the shipped table, kept because they once went wrong or
//! because they show what a caller is promised.
//!
//! `call 1357 => play greeting`: an action, and what must happen in this order before the next one. See
//! `sim::script` for the words.

use crate::sim_table;
use ivr1357::sim::script::{Script, surprise, words};
use std::path::Path;

#[test]
fn every_flow_goes_as_written() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/flows");
    let mut files: Vec<_> = std::fs::read_dir(&folder)
        .expect("the folder of flows")
        .map(|entry| entry.expect("a folder entry").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "flow"))
        .collect();
    files.sort();
    assert!(files.len() >= 10, "the flows were not found");
    let (plan, catalogue) = sim_table::shipped();
    let mut wrong = Vec::new();
    for file in files {
        let text = std::fs::read_to_string(&file).expect("a flow");
        let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let script = match Script::parse(&text, &plan) {
            Ok(script) => script,
            Err(error) => {
                wrong.push(format!("{name}: {error}"));
                continue;
            }
        };
        let (world, marks) = script.play(plan.clone(), &catalogue);
        let broken: Vec<String> = world.violations().iter().map(ToString::to_string).collect();
        let surprise = surprise(&script, &world, &marks);
        if surprise.is_some() || !broken.is_empty() {
            let told: Vec<String> = world.moments().iter().map(|(_, moment)| words(&world, moment)).collect();
            let surprise = surprise.unwrap_or_default();
            let told = told.join("\n    ");
            wrong.push(format!("{name}: {surprise}\n  {}\n    {told}", broken.join("\n  ")));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}
