//! `ivr1357 try` and `ivr1357 simulate` as subcommands: the same engine in simulated time.

use super::{FileArguments, simulate, try_};
use crate::routing::{Language, Plan};
use crate::shell::clock::Clock;
use crate::shell::serve::Failure;
use crate::shell::table::{Files, Table};
use crate::sim::Faults;
use crate::speech::Catalogue;
use crate::time::Duration;
use clap::Args;
use std::io::{IsTerminal, Read};
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

#[derive(Args, Debug)]
pub(super) struct TryArguments {
    /// A table and a script, or either; without a script commands are typed one by one, or read from standard input
    #[arg(value_name = "FILE|SCRIPT", num_args = 0..=2)]
    words: Vec<String>,
    #[command(flatten)]
    files: FileArguments,
}

pub(super) fn run_try(arguments: TryArguments) -> Result<(), Failure> {
    let TryArguments { words, files } = arguments;
    let mut files = Files::from(files);
    let script = match words.as_slice() {
        [] => None,
        [one] if is_file(one) => {
            files.routing = PathBuf::from(one);
            None
        }
        [one] => Some(one.clone()),
        [file, script, ..] => {
            files.routing = PathBuf::from(file);
            Some(script.clone())
        }
    };
    let language = files.language;
    let failed = |error: try_::ScriptError| {
        Failure::Setup(if language == Language::English { error.english() } else { error.to_string() })
    };
    let script = match script {
        Some(script) => script,
        None if std::io::stdin().is_terminal() => {
            let Table { plan, catalogue } = Table::load(&files).map_err(Failure::Setup)?;
            return talk(plan, &catalogue, language);
        }
        None => {
            let mut text = String::new();
            std::io::stdin().read_to_string(&mut text).map_err(|error| Failure::Setup(error.to_string()))?;
            text.lines().collect::<Vec<_>>().join(";")
        }
    };
    let Table { plan, catalogue } = Table::load(&files).map_err(Failure::Setup)?;
    print!("{}", try_::run(plan, &catalogue, &script, language).map_err(failed)?);
    Ok(())
}

/// A conversation in the terminal, with the lines of before at the arrow keys.
fn talk(plan: Arc<Plan>, catalogue: &Catalogue, language: Language) -> Result<(), Failure> {
    let broken = |error: String| Failure::Broken(error);
    let mut editor = rustyline::DefaultEditor::new().map_err(|error| broken(error.to_string()))?;
    let mut next = |prompt: &str| {
        let line = editor.readline(prompt).ok()?;
        let _ = editor.add_history_entry(line.as_str());
        Some(line)
    };
    try_::converse(plan, catalogue, language, &mut next, &mut std::io::stdout())
        .map_err(|error| broken(error.to_string()))
}

/// A script has commands; a table has a name that ends like one, or lies there.
fn is_file(word: &str) -> bool {
    word.ends_with(".toml") || Path::new(word).is_file()
}

#[derive(Args, Debug)]
pub(super) struct SimulateArguments {
    /// Which seeds
    #[arg(long, value_name = "FROM..TO", default_value = "0..1000", value_parser = simulate::seeds)]
    seeds: std::ops::Range<u64>,
    /// One seed alone, the end of its story
    #[arg(long, value_name = "SEED")]
    seed: Option<u64>,
    /// One seed alone, all that happened
    #[arg(long, value_name = "SEED", conflicts_with = "seed")]
    trace: Option<u64>,
    /// Only these faults may occur
    #[arg(long, value_name = "FAULT,…", value_parser = simulate::faults)]
    only: Option<Faults>,
    /// All faults but these
    #[arg(long, value_name = "FAULT,…", value_parser = simulate::faults)]
    without: Option<Faults>,
    /// Shows every fault, how often it is drawn, and what it is
    #[arg(long)]
    list_faults: bool,
    /// Threads; as many as there are cores unless said
    #[arg(long, value_name = "N")]
    threads: Option<NonZero<usize>>,
    #[command(flatten)]
    files: FileArguments,
}

/// How often long work says how far it is.
const PROGRESS: Duration = Duration::from_secs(5);

pub(super) fn run_simulate(arguments: SimulateArguments) -> Result<(), Failure> {
    let SimulateArguments { seeds, seed, trace, only, without, list_faults, threads, files } = arguments;
    if list_faults {
        print!("{}", simulate::list_faults());
        return Ok(());
    }
    let without = without.unwrap_or_default();
    let allowed: Faults = only.unwrap_or_else(Faults::all).iter().filter(|fault| !without.has(*fault)).collect();
    let Table { plan, catalogue } = Table::load(&files.into()).map_err(Failure::Setup)?;
    let (text, kept) = match trace.or(seed) {
        Some(seed) => simulate::replay(plan, &catalogue, seed, allowed, trace.is_some()),
        None => {
            let clock = Clock::start(None);
            let passed = || clock.now().instant.since(crate::time::Instant::START);
            let threads = threads.or_else(|| std::thread::available_parallelism().ok()).map_or(1, NonZero::get);
            let (all, told) = (seeds.end - seeds.start, AtomicU64::new(0));
            let progress = |done: u64| {
                let (now, last) = (passed(), told.load(Ordering::Relaxed));
                let due = now.as_secs() >= last + PROGRESS.as_secs() && done < all;
                if due && told.compare_exchange(last, now.as_secs(), Ordering::Relaxed, Ordering::Relaxed).is_ok() {
                    eprintln!("{done} of {all} seeds after {} s", now.as_secs());
                }
            };
            let summary = simulate::run(plan, &catalogue, seeds, allowed, threads, &progress);
            (summary.text(passed()), summary.failures.is_empty())
        }
    };
    print!("{text}");
    if kept { Ok(()) } else { Err(Failure::Broken("a promise was broken".to_owned())) }
}
