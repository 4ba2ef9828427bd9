//! Checking a table of a thousand rows: `cargo bench --bench check`. The goal is 50 ms.

mod thousand_rows;

use ivr1357::routing::{Severity, check, check_without_sound};
use std::collections::BTreeMap;
use std::time::Duration;

const RUNS: usize = 30;

#[allow(clippy::disallowed_methods)] // a benchmark is where real time is looked at
fn main() {
    let text = thousand_rows::table();
    let checked = check_without_sound(&text);
    let error = checked.findings.iter().find(|finding| finding.severity == Severity::Error);
    let plan = checked.plan.unwrap_or_else(|| panic!("{error:?}"));
    let rows = plan.numbers.len() + plan.menus.len() + plan.centers.len() + plan.notices.len() + plan.hours.len();
    let sounds: BTreeMap<String, Duration> =
        plan.prompts().iter().map(|id| (id.to_string(), Duration::from_millis(300))).collect();
    let mut times: Vec<Duration> = (0..RUNS)
        .map(|_| {
            let begin = std::time::Instant::now();
            std::hint::black_box(check(&text, &sounds));
            begin.elapsed()
        })
        .collect();
    times.sort();
    println!(
        "check of {rows} rows ({} KiB): median {:.1?}, worst {:.1?} of {RUNS}",
        text.len() / 1024,
        times[RUNS / 2],
        times[RUNS - 1]
    );
}
