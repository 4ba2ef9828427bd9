//! The command line: one file per subcommand, thin.

/// Prints a line for whoever reads on: [`write_out`].
macro_rules! println {
    ($($what:tt)*) => { $crate::cli::write_out(format_args!("{}\n", format_args!($($what)*))) };
}

/// Prints for whoever reads on: [`write_out`].
macro_rules! print {
    ($($what:tt)*) => { $crate::cli::write_out(format_args!($($what)*)) };
}

mod chart;
pub mod check;
mod demo;
pub mod diff;
mod explain;
mod filled;
mod gate;
mod hear;
mod history;
mod prompts;
pub mod prove;
mod publish;
mod schema;
mod serve;
mod show;
pub mod simulate;
mod simulated;
mod switch;
pub mod test;
pub mod try_;

use crate::routing::Language;
use crate::routing::diagnostic::Severity;
use crate::shell::serve::Failure;
use crate::shell::table::Files;
use clap::{ArgMatches, Args, CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum};
use std::ffi::OsString;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

/// The IVR and call-routing engine of 1357, Korea's call centre for small firms.
#[derive(Parser, Debug)]
#[command(name = "ivr1357", version, args_conflicts_with_subcommands = true)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    /// `ivr1357` alone is `ivr1357 serve`.
    #[command(flatten)]
    serve: serve::Arguments,
}

#[derive(Subcommand, Debug)]
enum Command {
    /// Answers calls (also without a subcommand)
    Serve(serve::Arguments),
    /// A whole call without a phone: engine, centres and a caller on this machine
    Demo(demo::Arguments),
    /// Shows every mistake of a table at once; exit code 0 is clean, 1 has errors
    Check(check::Arguments),
    /// Says what a code of `check` means, with a wrong and a right line
    Explain(explain::Arguments),
    /// Writes a commented table to begin with
    Init(schema::InitArguments),
    /// Prints the JSON Schema of the table, for editors
    Schema,
    /// Shows a row with all that it inherits, and the line each value came from
    Show(show::Arguments),
    /// Turns a switch of the table on or off, in a running engine too; without a name all are listed
    Switch(switch::Arguments),
    /// Puts a table live in a running engine: checked, proved, tested, and swapped without hurting a call; exit code 1 is refused
    Publish(publish::PublishArguments),
    /// Lists the published tables: who, when, why; with a number, prints that one
    History(history::Arguments),
    /// Puts an earlier table live again, as a new version
    Rollback(publish::RollbackArguments),
    /// Says which table is live, and what somebody should look at; exit code 1 is an alarm
    Status(history::StatusArguments),
    /// Walks every way through a table and shows the keys that break a promise; exit code 0 is kept, 1 is broken
    Prove(prove::Arguments),
    /// Makes the sounds of the prompts from their texts, and checks or lists them
    Prompts(prompts::Args),
    /// Runs the [[test]] rows of a table and then its proof; exit code 0 is all well, 1 is not
    Test(test::Arguments),
    /// Draws the linkage flow chart (연계흐름도) of a table
    Chart(chart::Arguments),
    /// Tells which callers go elsewhere in a new table, or which recorded calls would end otherwise
    Diff(diff::Arguments),
    /// Scores what a caller heard, from a capture or a recording, against the prompts that should have been played; exit code 1 is not as it should be
    Hear(hear::Arguments),
    /// Dials through the table in simulated time and tells what the caller hears: a script, or command by command
    Try(simulated::TryArguments),
    /// Thousands of calls in simulated time, with everything that can go wrong
    Simulate(simulated::SimulateArguments),
}

/// Where table and prompts lie.
#[derive(Args, Clone, Debug)]
struct FileArguments {
    /// The table
    #[arg(long, value_name = "FILE", default_value = "routing.toml")]
    routing: PathBuf,
    /// The folder of prompts
    #[arg(long, value_name = "DIR", default_value = "prompts")]
    prompts: PathBuf,
    /// The language in which mistakes are told
    #[arg(long, value_enum, default_value_t = Lang::of_locale())]
    lang: Lang,
}

/// A table named first, and where its prompts lie.
#[derive(Args, Clone, Debug)]
struct TableArguments {
    /// The table
    #[arg(value_name = "FILE", default_value = "routing.toml")]
    file: PathBuf,
    /// The folder of prompts
    #[arg(long, value_name = "DIR", default_value = "prompts")]
    prompts: PathBuf,
    /// The language of the report
    #[arg(long, value_enum, default_value = "ko")]
    lang: Lang,
}

impl From<TableArguments> for Files {
    fn from(arguments: TableArguments) -> Self {
        let TableArguments { file, prompts, lang } = arguments;
        Self { routing: file, prompts, language: lang.into() }
    }
}

#[derive(ValueEnum, Clone, Copy, Debug)]
pub(crate) enum Lang {
    /// Korean
    Ko,
    /// English
    En,
}

impl Lang {
    /// English where the locale is English, else Korean: most who edit tables of 1357 read Korean, whatever their server speaks.
    fn of_locale() -> Self {
        let locale = ["LC_ALL", "LC_MESSAGES", "LANG"]
            .into_iter()
            .find_map(|name| std::env::var(name).ok().filter(|value| !value.is_empty()));
        if locale.is_some_and(|locale| locale.starts_with("en")) { Self::En } else { Self::Ko }
    }
}

impl From<FileArguments> for Files {
    fn from(arguments: FileArguments) -> Self {
        let FileArguments { routing, prompts, lang } = arguments;
        Self { routing, prompts, language: lang.into() }
    }
}

impl From<Lang> for Language {
    fn from(lang: Lang) -> Self {
        match lang {
            Lang::Ko => Self::Korean,
            Lang::En => Self::English,
        }
    }
}

/// Runs what the arguments ask for. 0 is a clean end, 2 bad arguments or files, 1 anything else.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let matches = Cli::command().try_get_matches_from(arguments);
    let parsed = matches.and_then(|matches| Ok((Cli::from_arg_matches(&matches)?, language_of(&matches))));
    let (cli, language) = match parsed {
        Ok(parsed) => parsed,
        Err(error) => {
            // Help and version come this way too, with code 0.
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    let clean = |()| 0;
    let code = match cli.command {
        None => serve::run(cli.serve).map(clean),
        Some(Command::Serve(arguments)) => serve::run(arguments).map(clean),
        Some(Command::Demo(arguments)) => demo::run(arguments).map(clean),
        Some(Command::Explain(arguments)) => explain::run(&arguments).map(clean),
        Some(Command::Init(arguments)) => schema::init(&arguments).map(clean),
        Some(Command::Schema) => schema::print().map(clean),
        Some(Command::Show(arguments)) => show::run(&arguments).map(clean),
        Some(Command::Switch(arguments)) => switch::run(&arguments).map(clean),
        Some(Command::Try(arguments)) => simulated::run_try(arguments).map(clean),
        Some(Command::Simulate(arguments)) => simulated::run_simulate(arguments).map(clean),
        Some(Command::Check(arguments)) => check::run_command(&arguments),
        Some(Command::Publish(arguments)) => publish::run_publish(arguments),
        Some(Command::History(arguments)) => history::run_history(arguments),
        Some(Command::Rollback(arguments)) => publish::run_rollback(arguments),
        Some(Command::Status(arguments)) => history::run_status(arguments),
        Some(Command::Prove(arguments)) => prove::run_command(arguments),
        Some(Command::Test(arguments)) => test::run_command(arguments),
        Some(Command::Chart(arguments)) => chart::run_command(arguments),
        Some(Command::Hear(arguments)) => hear::run_command(&arguments),
        Some(Command::Diff(arguments)) => diff::run_command(arguments),
        Some(Command::Prompts(arguments)) => Ok(prompts::run(&arguments)),
    };
    ExitCode::from(code.unwrap_or_else(|failure| {
        tell(Severity::Error, language, &failure);
        if matches!(failure, Failure::Setup(_)) { 2 } else { 1 }
    }))
}

/// The language that the command was asked to tell in.
fn language_of(matches: &ArgMatches) -> Language {
    match matches.subcommand() {
        Some((_, below)) => language_of(below),
        None => matches.try_get_one::<Lang>("lang").ok().flatten().copied().unwrap_or_else(Lang::of_locale).into(),
    }
}

/// A mistake or a warning to whoever gave the command.
fn tell(severity: Severity, language: Language, text: impl std::fmt::Display) {
    eprintln!("{}: {text}", severity.word(language));
}

/// Writes to standard output. Who has read enough (`ivr1357 history 12 | head`) ends the program, and that is no error; a full disk is one.
pub(crate) fn write_out(text: std::fmt::Arguments<'_>) {
    if let Err(error) = std::io::stdout().lock().write_fmt(text) {
        if error.kind() == std::io::ErrorKind::BrokenPipe {
            std::process::exit(0);
        }
        eprintln!("error: cannot write to standard output: {error}");
        std::process::exit(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_arguments_are_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_subcommand_takes_the_language_before_and_after_its_own_words() {
        for words in [
            "--lang en",
            "serve --lang en",
            "demo --lang en",
            "check --lang en",
            "explain E0301 --lang en",
            "init new.toml --lang en",
            "schema",
            "show menu.rnd --resolved --lang en",
            "switch --lang en",
            "switch emergency on --until 18:00 --lang en",
            "check routing.toml --lang en --json",
            "publish routing.toml --why text --over 3 --lang en",
            "publish --dry-run --lang en",
            "history 3 --lang en",
            "rollback 3 --why text --by name --lang en",
            "status --json --lang en",
            "prove routing.toml --lang en",
            "test routing.toml --junit out.xml --lang en",
            "chart routing.toml --format svg --output chart.svg --lang en",
            "diff old.toml new.toml --calls calls.jsonl --lang en",
            "hear call.pcap --expect greeting menu_main --ssrc 0x1a2b3c4d --payload 97=pcma --chart call.svg --lang en",
            "hear --lang en message.wav --channel 2 --json",
            "prompts check --lang en",
            "prompts --lang en list",
            "prompts build --prune --lang en",
            "try --lang en call",
            "simulate --lang en --seeds 0..1",
        ] {
            let arguments = std::iter::once("ivr1357").chain(words.split(' '));
            assert!(Cli::try_parse_from(arguments).is_ok(), "{words}");
        }
    }

    #[test]
    fn serve_is_what_happens_without_a_subcommand() {
        let cli = Cli::try_parse_from(["ivr1357", "--stand-ins", "--routing", "x.toml"]).expect("parses");
        assert!(cli.command.is_none());
        assert!(format!("{:?}", cli.serve).contains("x.toml"));
    }
}
