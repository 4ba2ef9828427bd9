//! Whole engines in simulated time, many seeds: no promise to callers breaks, and a seed replays bit for bit.

mod sim_table;

use ivr1357::cli::simulate;
use ivr1357::sim::{self, Setup};
use ivr1357::time::Wall;

fn setup() -> Setup {
    let (plan, catalogue) = sim_table::shipped();
    Setup::new(plan, &catalogue, Wall::from_micros(1_795_482_000_000_000))
}

#[test]
fn the_same_seed_tells_the_same_story() {
    let setup = setup();
    for seed in 0..20 {
        let (one, two) = (sim::run(&setup, seed, true), sim::run(&setup, seed, true));
        assert_eq!(one.lines, two.lines, "seed {seed}");
        assert_eq!(one.hash, two.hash, "seed {seed}");
        // Reading the trace must not change what happens.
        assert_eq!(one.hash, sim::run(&setup, seed, false).hash, "seed {seed}");
    }
}

#[test]
fn another_seed_tells_another_story() {
    let setup = setup();
    assert_ne!(sim::run(&setup, 1, false).hash, sim::run(&setup, 2, false).hash);
}

#[test]
fn no_promise_breaks_in_many_seeds() {
    let (plan, catalogue) = sim_table::shipped();
    let summary = simulate::run(plan, &catalogue, 0..1000);
    assert!(summary.failures.is_empty(), "{}", summary.text(std::time::Duration::from_secs(1)));
    // A run in which nothing happens would break no promise either.
    assert!(summary.calls > 1_000, "only {} calls", summary.calls);
    for fault in ["loss", "duplication", "reorder", "cancel", "lost-ack", "odd-refer", "hold", "crash", "vanish"] {
        assert!(summary.faults.get(fault).is_some_and(|seeds| *seeds > 0), "{fault} never occurred");
    }
}
