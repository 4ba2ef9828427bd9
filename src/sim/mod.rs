//! The second shell: the whole engine in simulated time, against callers and centres that share no code with it.
//!
//! [`world::World`] carries out what the engine wants, as the first shell does, but with a queue instead of a
//! clock. [`swarm::Conditions`] draws from a seed what goes wrong, [`oracle::Oracle`] watches, and [`run`] does
//! one seed: the same seed gives the same trace, bit for bit.

pub mod backend;
pub mod caller;
pub mod line;
pub mod network;
pub mod oracle;
pub mod queue;
pub mod script;
pub mod setup;
pub mod swarm;
pub mod trace;
pub mod world;

pub use oracle::Violation;
pub use setup::{Moment, Setup};
pub use swarm::Conditions;
pub use world::World;

use crate::random::Random;

/// What became of one seed.
#[derive(Clone, Debug)]
pub struct Report {
    /// The seed.
    pub seed: u64,
    /// Which faults were on.
    pub faults: Vec<&'static str>,
    /// Calls that reached the engine.
    pub calls: usize,
    /// The same seed gives the same number.
    pub hash: u64,
    /// Broken promises.
    pub violations: Vec<Violation>,
    /// What happened, line by line; empty unless asked for.
    pub lines: Vec<String>,
}

/// Runs one seed. With `traced`, the report tells what happened line by line.
pub fn run(setup: &Setup, seed: u64, traced: bool) -> Report {
    let conditions = Conditions::draw(&mut Random::from_number(seed));
    let faults = conditions.faults();
    // The world has a generator of its own, so that a change to the conditions moves nothing else.
    let mut world = World::new(setup, seed ^ 0x5eed_0000_0000_1357, conditions, traced);
    world.add_drawn_callers();
    world.run_to_the_end();
    Report {
        seed,
        faults,
        calls: world.calls(),
        hash: world.trace().hash(),
        violations: world.violations().to_vec(),
        lines: world.trace().lines().to_vec(),
    }
}
