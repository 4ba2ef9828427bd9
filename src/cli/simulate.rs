//! `ivr1357 simulate --seeds 0..1000`: thousands of calls in simulated time, with everything that can go wrong.

use crate::routing::Plan;
use crate::sim::{self, Report, Setup};
use crate::speech::Catalogue;
use crate::time::Wall;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

/// 2026-11-24 10:00 in Seoul: a Tuesday on which everybody is there.
const TUESDAY_MORNING: Wall = Wall::from_micros(1_795_482_000_000_000);
/// Lines of a failing run that are shown without `--trace`.
const TAIL: usize = 40;
/// Failing seeds that are told in full; the others by number.
const TOLD_MAX: usize = 5;

/// What many seeds came to.
#[derive(Clone, Debug, Default)]
pub struct Summary {
    /// Seeds run.
    pub seeds: u64,
    /// Calls that reached the engine.
    pub calls: usize,
    /// In how many seeds each fault was on.
    pub faults: BTreeMap<&'static str, u64>,
    /// Runs in which a promise was broken.
    pub failures: Vec<Report>,
}

impl Summary {
    /// The text for the terminal; `took` is real time.
    pub fn text(&self, took: Duration) -> String {
        let mut text = String::new();
        let seconds = took.as_secs_f64().max(1e-9);
        let _ = writeln!(text, "{} seeds, {} calls in {seconds:.1} s", self.seeds, self.calls);
        let _ = writeln!(text, "{:.0} calls per second of real time", self.calls as f64 / seconds);
        let faults: Vec<String> = self.faults.iter().map(|(name, count)| format!("{name} {count}")).collect();
        let _ = writeln!(text, "faults (in how many seeds): {}", faults.join(", "));
        let mut rules: BTreeMap<&str, usize> = BTreeMap::new();
        for violation in self.failures.iter().flat_map(|report| &report.violations) {
            *rules.entry(violation.rule).or_default() += 1;
        }
        let violations: usize = rules.values().sum();
        let _ = writeln!(text, "{violations} violations in {} seeds", self.failures.len());
        for (rule, count) in rules {
            let _ = writeln!(text, "  {rule}: {count}");
        }
        for report in self.failures.iter().take(TOLD_MAX) {
            let _ = writeln!(text, "\nseed {} ({})", report.seed, report.faults.join(" "));
            for violation in report.violations.iter().take(TOLD_MAX) {
                let _ = writeln!(text, "  {violation}");
            }
            let _ = writeln!(text, "  replay: ivr1357 simulate --seed {} --trace", report.seed);
        }
        if self.failures.len() > TOLD_MAX {
            let rest: Vec<String> = self.failures.iter().skip(TOLD_MAX).map(|report| report.seed.to_string()).collect();
            let _ = writeln!(text, "\nalso: seeds {}", rest.join(", "));
        }
        text
    }
}

/// Runs these seeds.
pub fn run(plan: Arc<Plan>, catalogue: &Catalogue, seeds: Range<u64>) -> Summary {
    let setup = Setup::new(plan, catalogue, TUESDAY_MORNING);
    let mut summary = Summary::default();
    for seed in seeds {
        let report = sim::run(&setup, seed, false);
        summary.seeds += 1;
        summary.calls += report.calls;
        for fault in &report.faults {
            *summary.faults.entry(fault).or_default() += 1;
        }
        if !report.violations.is_empty() {
            summary.failures.push(report);
        }
    }
    summary
}

/// One seed in words: all that happened with `whole`, else the end of it.
pub fn replay(plan: Arc<Plan>, catalogue: &Catalogue, seed: u64, whole: bool) -> (String, bool) {
    let report = sim::run(&Setup::new(plan, catalogue, TUESDAY_MORNING), seed, true);
    let mut text = String::new();
    let skipped = if whole { 0 } else { report.lines.len().saturating_sub(TAIL) };
    for line in report.lines.iter().skip(skipped) {
        let _ = writeln!(text, "{line}");
    }
    let _ =
        writeln!(text, "seed {seed} ({}), {} calls, trace {:016x}", report.faults.join(" "), report.calls, report.hash);
    for violation in &report.violations {
        let _ = writeln!(text, "  {violation}");
    }
    (text, report.violations.is_empty())
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
