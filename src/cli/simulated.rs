//! `ivr1357 try` and `ivr1357 simulate` as subcommands: the same engine in simulated time.

use super::{FileArguments, simulate, try_};
use crate::routing::Language;
use crate::shell::clock::Clock;
use crate::shell::serve::Failure;
use crate::shell::table::{Files, Table};
use crate::time::Duration;
use clap::Args;
use std::io::{IsTerminal, Read};
use std::path::{Path, PathBuf};

#[derive(Args, Debug)]
pub(super) struct TryArguments {
    /// A table and a script, or either; without a script it is read from standard input
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
    let script = match script {
        Some(script) => script,
        None if std::io::stdin().is_terminal() => {
            print!("{}", try_::USAGE);
            return Ok(());
        }
        None => {
            let mut text = String::new();
            std::io::stdin().read_to_string(&mut text).map_err(|error| Failure::Setup(error.to_string()))?;
            text.lines().collect::<Vec<_>>().join(";")
        }
    };
    let language = files.language;
    let Table { plan, catalogue } = Table::load(&files).map_err(Failure::Setup)?;
    let told = try_::run(plan, &catalogue, &script).map_err(|error| {
        Failure::Setup(if language == Language::English { error.english() } else { error.to_string() })
    })?;
    print!("{told}");
    Ok(())
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
    /// One seed alone, told in words
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// All that happened, not only the end of it
    #[arg(long, requires = "seed")]
    trace: bool,
    #[command(flatten)]
    files: FileArguments,
}

pub(super) fn run_simulate(arguments: SimulateArguments) -> Result<(), Failure> {
    let SimulateArguments { seeds, seed, trace, files } = arguments;
    let Table { plan, catalogue } = Table::load(&files.into()).map_err(Failure::Setup)?;
    let (text, kept) = match seed {
        Some(seed) => simulate::replay(plan, &catalogue, seed, trace),
        None => {
            let clock = Clock::start(None);
            let summary = simulate::run(plan, &catalogue, seeds);
            let took: Duration = clock.now().instant.since(crate::time::Instant::START);
            (summary.text(took), summary.failures.is_empty())
        }
    };
    print!("{text}");
    if kept { Ok(()) } else { Err(Failure::Broken("a promise was broken".to_owned())) }
}
