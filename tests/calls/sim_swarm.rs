//! Whole engines in simulated time, many seeds: no promise to callers breaks, and a seed replays bit for bit.

use crate::sim_table;
use ivr1357::cli::simulate;
use ivr1357::sim::{self, Fault, Faults, Setup};
use ivr1357::time::Wall;

fn setup() -> Setup {
    let (plan, catalogue) = sim_table::shipped();
    Setup::new(plan, &catalogue, Wall::from_micros(1_795_482_000_000_000))
}

#[test]
fn the_same_seed_tells_the_same_story() {
    let setup = setup();
    for seed in 0..20 {
        let (one, two) = (sim::run(&setup, seed, Faults::all(), true), sim::run(&setup, seed, Faults::all(), true));
        assert_eq!(one.lines, two.lines, "seed {seed}");
        assert_eq!(one.hash, two.hash, "seed {seed}");
        // Reading the trace must not change what happens.
        assert_eq!(one.hash, sim::run(&setup, seed, Faults::all(), false).hash, "seed {seed}");
    }
}

#[test]
fn another_seed_tells_another_story() {
    let setup = setup();
    assert_ne!(sim::run(&setup, 1, Faults::all(), false).hash, sim::run(&setup, 2, Faults::all(), false).hash);
}

#[test]
fn no_promise_breaks_in_many_seeds() {
    let (plan, catalogue) = sim_table::shipped();
    let summary = simulate::run(plan, &catalogue, 0..1000, Faults::all(), 2, &|_| {});
    assert!(summary.failures.is_empty(), "{}", summary.text(std::time::Duration::from_secs(1)));
    // A run in which nothing happens would break no promise either.
    assert!(summary.calls > 1_000, "only {} calls", summary.calls);
    for fault in Fault::ALL {
        assert!(summary.faults.contains_key(fault), "{} never occurred", fault.name());
    }
}

#[test]
fn no_promise_breaks_where_centres_are_called_by_us_and_calls_are_recorded() {
    let (plan, catalogue) = sim_table::bridged();
    let summary = simulate::run(plan, &catalogue, 0..600, Faults::all(), 2, &|_| {});
    assert!(summary.failures.is_empty(), "{}", summary.text(std::time::Duration::from_secs(1)));
    let (calls, talks, tapes) = (summary.calls, summary.talks, summary.tapes);
    assert!(calls > 6_000 && talks > 1_500 && tapes > 1_500, "only {calls} calls, {talks} talks, {tapes} recordings");
}

#[test]
fn the_sum_of_many_seeds_is_the_same_on_one_thread_and_on_three() {
    let (plan, catalogue) = sim_table::shipped();
    let text = |threads| {
        let summary = simulate::run(plan.clone(), &catalogue, 0..160, Faults::all(), threads, &|_| {});
        summary.text(std::time::Duration::from_secs(1))
    };
    assert_eq!(text(1), text(3));
}
