//! `ivr1357 serve`: answers calls.

use super::FileArguments;
use crate::shell::serve::{self, Failure, Options};
use clap::Args;
use std::path::PathBuf;

#[derive(Args, Debug)]
pub(super) struct Arguments {
    #[command(flatten)]
    files: FileArguments,
    /// The settings [default: settings.toml where it exists]
    #[arg(long, value_name = "FILE")]
    settings: Option<PathBuf>,
    /// Adds talking stand-in centres for every target on this machine
    #[arg(long)]
    stand_ins: bool,
    /// Publishes the table's file first, when it is green: for those who edit and restart
    #[arg(long)]
    publish: bool,
}

pub(super) fn run(arguments: Arguments) -> Result<(), Failure> {
    let Arguments { files, settings, stand_ins, publish } = arguments;
    serve::run(&Options { files: files.into(), settings, stand_ins, publish, gate: super::gate::gate })
}
