//! Complete signalling calls per second of real time, on one core: `cargo bench --bench simulator`.
//!
//! The engine, its callers and its centres together; the goal is 5,000. Two figures: calls of the swarm with every
//! fault it draws, and plain calls (two keys, REFER, a centre answers, BYE).

use ivr1357::routing::check_without_sound;
use ivr1357::sim::caller::{Action, Manner, Step};
use ivr1357::sim::{self, Conditions, Faults, Setup, World};
use ivr1357::speech::{Catalogue, Prompt};
use ivr1357::time::{Duration, Instant, Wall};
use std::sync::Arc;

const PLAIN_CALLS: u64 = 5_000;
const SEEDS: u64 = 300;

fn main() {
    let plan = check_without_sound(include_str!("../routing.toml")).plan.expect("the shipped table checks");
    let mut catalogue = Catalogue::default();
    for id in plan.prompts() {
        let samples: Option<Arc<[i16]>> = Some(Arc::from(vec![0i16; 8_000]));
        catalogue.prompts.insert(id.to_string(), Prompt { text: id.to_string(), samples });
    }
    let setup = Setup::new(Arc::new(plan), &catalogue, Wall::from_micros(1_795_482_000_000_000));

    report("plain calls", || {
        let mut world = World::new(&setup, 1, Conditions::calm(), false);
        for call in 0..PLAIN_CALLS {
            let mut manner = Manner::plain("1357");
            let step = |after, key| Step { after: Duration::from_millis(after), action: Action::Key(key) };
            manner.steps = vec![step(400, '1'), step(400, '1')];
            world.add_caller(manner, Instant::from_nanos(call * 20_000_000));
        }
        world.run_to_the_end();
        assert_eq!(world.violations(), []);
        world.calls() as u64
    });
    report("swarm calls", || (0..SEEDS).map(|seed| sim::run(&setup, seed, Faults::all(), false).calls as u64).sum());
}

#[allow(clippy::disallowed_methods)] // a benchmark is where real time is looked at
fn report(name: &str, run: impl FnOnce() -> u64) {
    let began = std::time::Instant::now();
    let calls = run();
    let took = began.elapsed().as_secs_f64();
    println!("{name}: {calls} in {took:.2} s, {:.0} per second", calls as f64 / took);
}
