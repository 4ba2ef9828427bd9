//! The second shell: the whole engine in simulated time, against callers and centres that share no code with it.
//!
//! [`world::World`] carries out what the engine wants, as the first shell does, but with a queue instead of a
//! clock. [`swarm::Conditions`] draws from a seed what goes wrong, [`oracle::Oracle`] watches, and [`run`] does
//! one seed: the same seed gives the same trace, bit for bit.

pub mod backend;
pub mod caller;
pub mod fault;
pub mod line;
pub mod network;
pub mod noise;
pub mod oracle;
pub mod queue;
pub mod registrar;
pub mod script;
pub mod setup;
pub mod swarm;
pub mod trace;
pub mod world;

pub use fault::{Fault, Faults};
pub use oracle::Violation;
pub use setup::{Moment, Setup, Tape, UNSAID};
pub use swarm::Conditions;
pub use world::World;

use crate::random::Random;
use crate::time::Instant;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// What became of one seed.
#[derive(Clone, Debug)]
pub struct Report {
    /// The seed.
    pub seed: u64,
    /// Which faults were on.
    pub faults: Faults,
    /// Calls that reached the engine.
    pub calls: usize,
    /// Talks with centres that the engine called.
    pub talks: usize,
    /// Recordings of calls.
    pub tapes: usize,
    /// The same seed gives the same number.
    pub hash: u64,
    /// Broken promises.
    pub violations: Vec<Violation>,
    /// What happened, line by line; empty unless asked for.
    pub lines: Vec<String>,
}

/// Runs one seed with the faults it draws among those allowed. With `traced`, the report tells what happened line by
/// line.
pub fn run(setup: &Setup, seed: u64, allowed: Faults, traced: bool) -> Report {
    let conditions = Conditions::draw(&mut Random::from_number(seed), allowed);
    let faults = conditions.faults;
    let world = catch_unwind(AssertUnwindSafe(|| {
        // The world has a generator of its own, so that a change to the conditions moves nothing else.
        let mut world = World::new(setup, seed ^ 0x5eed_0000_0000_1357, conditions, traced);
        world.add_drawn_callers();
        world.run_to_the_end();
        world
    }));
    match world {
        Ok(world) => Report {
            seed,
            faults,
            calls: world.calls(),
            talks: world.talks(),
            tapes: world.tapes(),
            hash: world.trace().hash(),
            violations: world.violations().to_vec(),
            lines: world.trace().lines().to_vec(),
        },
        Err(panic) => {
            let what = panic.downcast_ref::<String>().cloned();
            let what = what.or_else(|| panic.downcast_ref::<&str>().map(|&text| text.to_owned()));
            let violation = Violation {
                at: Instant::START,
                rule: "no panic",
                call: String::new(),
                what: what.unwrap_or_else(|| "a panic".to_owned()),
            };
            Report {
                seed,
                faults,
                calls: 0,
                talks: 0,
                tapes: 0,
                hash: 0,
                violations: vec![violation],
                lines: Vec::new(),
            }
        }
    }
}
