//! `ivr1357 simulate --seeds 0..1000`: thousands of calls in simulated time, with everything that can go wrong.

use crate::routing::Plan;
use crate::sim::{self, Fault, Faults, Report, Setup};
use crate::speech::Catalogue;
use crate::time::Wall;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// 2026-11-24 10:00 in Seoul: a Tuesday on which everybody is there.
const TUESDAY_MORNING: Wall = Wall::from_micros(1_795_482_000_000_000);
/// Lines of a failing run that are shown without `--trace`.
const TAIL: usize = 40;
/// Failing seeds that are told in full; the others by number.
const TOLD_MAX: usize = 5;

/// Seeds that one thread takes at once: few enough to share the work, many enough not to meet often.
const SEEDS_AT_ONCE: u64 = 50;

/// In how many seeds a fault was on, and how many calls lived through those.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Seen {
    /// Seeds.
    pub seeds: u64,
    /// Calls.
    pub calls: usize,
}

/// What many seeds came to.
#[derive(Clone, Debug, Default)]
pub struct Summary {
    /// Seeds run.
    pub seeds: u64,
    /// Calls that reached the engine.
    pub calls: usize,
    /// Talks with centres that the engine called.
    pub talks: usize,
    /// Recordings of calls.
    pub tapes: usize,
    /// How often each fault was on.
    pub faults: BTreeMap<Fault, Seen>,
    /// Runs in which a promise was broken, by seed.
    pub failures: Vec<Report>,
}

impl Summary {
    /// The text for the terminal; `took` is real time.
    pub fn text(&self, took: Duration) -> String {
        let mut text = String::new();
        let seconds = took.as_secs_f64().max(1e-9);
        let _ = writeln!(text, "{} seeds, {} calls in {seconds:.1} s", self.seeds, self.calls);
        let _ = writeln!(text, "{:.0} calls per second of real time", self.calls as f64 / seconds);
        let _ = writeln!(text, "faults, with the seeds and calls that had them:");
        for (fault, seen) in &self.faults {
            let _ = writeln!(text, "  {:<14} {:>7} {:>9}", fault.name(), seen.seeds, seen.calls);
        }
        let mut rules: BTreeMap<&str, usize> = BTreeMap::new();
        for violation in self.failures.iter().flat_map(|report| &report.violations) {
            *rules.entry(violation.rule).or_default() += 1;
        }
        let violations: usize = rules.values().sum();
        let _ = writeln!(text, "{violations} violations in {} of {} seeds", self.failures.len(), self.seeds);
        for (rule, count) in rules {
            let _ = writeln!(text, "  {rule}: {count}");
        }
        for report in self.failures.iter().take(TOLD_MAX) {
            let _ = writeln!(text, "\nseed {} ({})", report.seed, names(report.faults));
            for violation in report.violations.iter().take(TOLD_MAX) {
                let _ = writeln!(text, "  {violation}");
            }
            let _ = writeln!(text, "  replay: ivr1357 simulate --trace {}", report.seed);
        }
        if self.failures.len() > TOLD_MAX {
            let rest: Vec<String> = self.failures.iter().skip(TOLD_MAX).map(|report| report.seed.to_string()).collect();
            let _ = writeln!(text, "\nalso: seeds {}", rest.join(", "));
        }
        text
    }

    fn add(&mut self, report: Report) {
        self.seeds += 1;
        self.calls += report.calls;
        self.talks += report.talks;
        self.tapes += report.tapes;
        for fault in report.faults.iter() {
            let seen = self.faults.entry(fault).or_default();
            seen.seeds += 1;
            seen.calls += report.calls;
        }
        if !report.violations.is_empty() {
            self.failures.push(report);
        }
    }

    fn merge(&mut self, other: Self) {
        self.seeds += other.seeds;
        self.calls += other.calls;
        self.talks += other.talks;
        self.tapes += other.tapes;
        for (fault, seen) in other.faults {
            let sum = self.faults.entry(fault).or_default();
            sum.seeds += seen.seeds;
            sum.calls += seen.calls;
        }
        self.failures.extend(other.failures);
        self.failures.sort_by_key(|report| report.seed);
    }
}

/// Runs these seeds with these faults on so many threads. The sum does not depend on how the threads share the work;
/// `progress` is told now and then how many seeds are done.
pub fn run(
    plan: Arc<Plan>,
    catalogue: &Catalogue,
    seeds: Range<u64>,
    allowed: Faults,
    threads: usize,
    progress: &(dyn Fn(u64) + Sync),
) -> Summary {
    let setup = Setup::new(plan, catalogue, TUESDAY_MORNING);
    let next = AtomicU64::new(seeds.start);
    let done = AtomicU64::new(0);
    let work = || {
        let mut summary = Summary::default();
        loop {
            let from = next.fetch_add(SEEDS_AT_ONCE, Ordering::Relaxed);
            if from >= seeds.end {
                return summary;
            }
            let until = seeds.end.min(from + SEEDS_AT_ONCE);
            for seed in from..until {
                summary.add(sim::run(&setup, seed, allowed, false));
            }
            progress(done.fetch_add(until - from, Ordering::Relaxed) + until - from);
        }
    };
    std::thread::scope(|scope| {
        let others: Vec<_> = (1..threads.max(1)).map(|_| scope.spawn(work)).collect();
        let mut summary = work();
        for other in others {
            summary.merge(other.join().expect("a run catches its own panics"));
        }
        summary
    })
}

/// One seed in words: all that happened with `whole`, else the end of it.
pub fn replay(plan: Arc<Plan>, catalogue: &Catalogue, seed: u64, allowed: Faults, whole: bool) -> (String, bool) {
    let report = sim::run(&Setup::new(plan, catalogue, TUESDAY_MORNING), seed, allowed, true);
    let mut text = String::new();
    let skipped = if whole { 0 } else { report.lines.len().saturating_sub(TAIL) };
    for line in report.lines.iter().skip(skipped) {
        let _ = writeln!(text, "{line}");
    }
    let _ =
        writeln!(text, "seed {seed} ({}), {} calls, trace {:016x}", names(report.faults), report.calls, report.hash);
    for violation in &report.violations {
        let _ = writeln!(text, "  {violation}");
    }
    (text, report.violations.is_empty())
}

/// Every fault with its share of seeds and what it is.
pub fn list_faults() -> String {
    let mut text = String::new();
    for fault in Fault::ALL {
        let _ = writeln!(text, "{:<14} {:>3.0} %  {}", fault.name(), fault.share() * 100.0, fault.about());
    }
    text
}

fn names(faults: Faults) -> String {
    faults.iter().map(Fault::name).collect::<Vec<_>>().join(" ")
}

/// `loss,cancel`: faults by their names.
pub fn faults(text: &str) -> Result<Faults, String> {
    Faults::parse(text).map_err(|word| format!("'{word}' is no fault: --list-faults shows them"))
}

/// `0..1000`, or one number.
pub fn seeds(text: &str) -> Result<Range<u64>, String> {
    let wrong = || format!("'{text}' is not a range of seeds: write 0..1000");
    match text.split_once("..") {
        Some((from, to)) => {
            let (from, to) = (from.parse().map_err(|_| wrong())?, to.parse().map_err(|_| wrong())?);
            if from < to { Ok(from..to) } else { Err(wrong()) }
        }
        None => text.parse().map(|seed: u64| seed..seed.saturating_add(1)).map_err(|_| wrong()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seeds_are_a_range_or_one_number() {
        assert_eq!(seeds("0..1000"), Ok(0..1000));
        assert_eq!(seeds("7"), Ok(7..8));
        for wrong in ["", "a..b", "5..5", "9..1", "1...3", "-1"] {
            assert!(seeds(wrong).is_err(), "{wrong}");
        }
    }
}
