//! Proving tables, running their tests and making recorded calls again: `cargo bench --bench proof`.
//!
//! The goals: the shipped table proved in 100 ms, one of a thousand rows in 2 s; 10,000 tests a second and 100,000 recorded calls in 10 s, on one core.

mod thousand_rows;

use ivr1357::proof::{self, cases, replay};
use ivr1357::routing::plan::Plan;
use ivr1357::routing::{check, check_without_sound};
use ivr1357::sim::script::Script;
use ivr1357::speech::Catalogue;
use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

const SHIPPED: &str = include_str!("../routing.toml");
const PROOFS: usize = 15;
const PROOFS_OF_MANY: usize = 5;
const TESTS: usize = 20_000;
const CALLS: usize = 100_000;

/// Calls as the engine records them.
fn records(plan: &Arc<Plan>, catalogue: &Catalogue) -> Vec<String> {
    let scripts = [
        "call 1357; key 1; key 1",
        "call 1357; key 31",
        "call 1357; wait 2s; hangup",
        "call 1357; key 9; key 9; wait 60s",
        "call 1357; key 2; key #; key *; key 21",
        "at 2026-11-24T22:00; call 1357",
        "center kosmes busy; call 1357; key 11",
        "center kised rings; call 1357; key 31; wait 10s; hangup",
    ];
    let record = |script: &str| {
        let Ok(read) = Script::parse(script, plan) else { panic!("{script}") };
        let (world, _) = read.play(plan.clone(), catalogue);
        world.records().last().unwrap_or_else(|| panic!("{script}")).clone()
    };
    scripts.into_iter().map(record).collect()
}

#[allow(clippy::disallowed_methods)] // a benchmark is where real time is looked at
fn proved(name: &str, plan: &Arc<Plan>, runs: usize) {
    let mut states = 0;
    let mut times: Vec<Duration> = (0..runs)
        .map(|_| {
            let begin = Instant::now();
            let graph = proof::explore(plan);
            black_box(proof::prove(plan, &graph));
            assert!(!graph.cut, "{name}: every state is seen");
            states = graph.nodes.len();
            begin.elapsed()
        })
        .collect();
    times.sort();
    println!("{name}: {states} states proved, median {:.1?}, worst {:.1?} of {runs}", times[runs / 2], times[runs - 1]);
}

#[allow(clippy::disallowed_methods)] // a benchmark is where real time is looked at
fn main() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("prompts/ko");
    let Ok(catalogue) = ivr1357::shell::prompts::load(&folder) else { panic!("the prompts can be read") };
    let lengths = catalogue.lengths();
    let plan = Arc::new(check(SHIPPED, &lengths).plan.expect("the shipped table is right"));
    proved("the shipped table", &plan, PROOFS);
    let large = check_without_sound(&thousand_rows::table()).plan.expect("the large table is right");
    proved("a thousand rows", &Arc::new(large), PROOFS_OF_MANY);

    let begin = Instant::now();
    for test in plan.tests.iter().cycle().take(TESTS) {
        assert!(black_box(cases::run(&plan, &catalogue, &lengths, test)).surprises.is_empty());
    }
    let took = begin.elapsed();
    println!("{TESTS} tests in {took:.1?}: {:.0} a second", TESTS as f64 / took.as_secs_f64());

    let records = records(&plan, &catalogue);
    let mut replayed = replay::Replayed::default();
    let begin = Instant::now();
    for record in records.iter().cycle().take(CALLS) {
        replay::call([&plan, &plan], record, &mut replayed);
    }
    let took = begin.elapsed();
    assert_eq!((replayed.calls, replayed.unlike, replayed.otherwise.len()), (CALLS, 0, 0));
    println!("{CALLS} recorded calls made again in {took:.1?}");
}
