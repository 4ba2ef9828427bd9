//! `ivr1357 demo`: a whole call without a telephone.

use super::FileArguments;
use crate::shell::demo::{self, Options};
use crate::shell::serve::Failure;
use clap::Args;
use std::path::PathBuf;

#[derive(Args, Debug)]
pub(super) struct Arguments {
    #[command(flatten)]
    files: FileArguments,
    /// The settings [default: settings.toml where it exists]
    #[arg(long, value_name = "FILE")]
    settings: Option<PathBuf>,
    /// The keys the caller presses, one in each menu
    #[arg(long, default_value = "11")]
    keys: String,
    /// Press keys and hang up without listening for long
    #[arg(long)]
    hurry: bool,
    /// Where the sound that the caller heard goes
    #[arg(long, value_name = "FILE", default_value = "heard.wav")]
    heard: PathBuf,
}

pub(super) fn run(arguments: Arguments) -> Result<(), Failure> {
    let Arguments { files, settings, keys, hurry, heard } = arguments;
    demo::run(&Options { files: files.into(), settings, keys, hurry, heard })
}
