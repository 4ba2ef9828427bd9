//! `ivr1357 prompts build|check|list`: text to WAV, and whether they agree.

use crate::shell::prompts::{self, Derived, PromptError, Report};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;

/// What to do with the prompts.
#[derive(clap::Args, Debug)]
pub struct Args {
    #[command(subcommand)]
    command: Action,
    /// The folder of the prompts.
    #[arg(long, global = true, default_value = "prompts")]
    prompts: PathBuf,
    /// The routing table whose words are prompts, too.
    #[arg(long, global = true, default_value = "routing.toml")]
    pub routing: PathBuf,
    /// The language of the messages.
    #[arg(long, global = true, value_enum, default_value_t = super::Lang::of_locale())]
    lang: super::Lang,
}

#[derive(clap::Subcommand, Debug)]
enum Action {
    /// Makes the sounds that are missing or older than their words; recordings are kept.
    Build {
        /// Also delete sounds made for words that nothing uses any more.
        #[arg(long)]
        prune: bool,
    },
    /// Tells whether every prompt has a sound that fits its words.
    Check,
    /// Lists every prompt with its length and its words.
    List,
}

/// Runs it. `words` are the prompts the routing table brings along (`shell::prompts::derived` of a plan's).
pub fn run(args: &Args, words: &BTreeMap<String, Derived>) -> ExitCode {
    let dir = args.prompts.join("ko");
    let korean = matches!(args.lang, super::Lang::Ko);
    let done = match args.command {
        Action::Build { prune } => {
            prompts::run_build(&dir, words, prune, &mut |line| eprintln!("{line}")).map(|report| {
                tell(&report, korean);
                let (built, kept, recorded) = (report.built.len(), report.unchanged, report.recorded.len());
                if korean {
                    println!("{built}개 만듦, {kept}개 그대로, 녹음 {recorded}개 보존, {}개 삭제", report.pruned.len());
                } else {
                    println!("{built} built, {kept} unchanged, {recorded} recorded, {} pruned", report.pruned.len());
                }
            })
        }
        Action::Check => prompts::check(&dir, words).map(|report| {
            tell(&report, korean);
            let (built, recorded) = (report.unchanged, report.recorded.len());
            if korean {
                println!("안내음 {}개: 합성 {built}개, 녹음 {recorded}개", built + recorded);
            } else {
                println!("{} prompts: {built} built, {recorded} recorded", built + recorded);
            }
        }),
        Action::List => prompts::load(&dir).map(|mut catalogue| {
            catalogue.join(words);
            let lengths = catalogue.lengths();
            for (id, prompt) in &catalogue.prompts {
                match lengths.get(id) {
                    Some(length) => println!("{id}\t{:.2}s\t{}", length.as_secs_f64(), prompt.text),
                    None => println!("{id}\t-\t{}", prompt.text),
                }
            }
        }),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(errors) => {
            for error in errors {
                eprintln!("error: {}", error.render(korean));
            }
            ExitCode::from(1)
        }
    }
}

fn tell(report: &Report, korean: bool) {
    let show = |warning: &PromptError| eprintln!("warning: {}", warning.render(korean));
    report.warnings.iter().for_each(show);
}
