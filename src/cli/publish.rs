//! `ivr1357 publish [FILE]` and `ivr1357 rollback [N]`: another table goes live in a running engine.

use super::Lang;
use crate::routing::Language;
use crate::shell::publish::ask::{Question, Reason, Reply};
use crate::shell::publish::{Answer, Done};
use crate::shell::serve::Failure;
use crate::shell::settings::Settings;
use crate::shell::{control, reason, table};
use clap::Args;
use std::path::PathBuf;

/// A table to publish.
#[derive(Args, Debug)]
pub(super) struct PublishArguments {
    /// The table
    #[arg(value_name = "FILE", default_value = "routing.toml")]
    file: PathBuf,
    /// Everything but the publishing itself
    #[arg(long)]
    dry_run: bool,
    /// Why it changes: kept with the version
    #[arg(long, value_name = "TEXT", required_unless_present = "dry_run")]
    why: Option<String>,
    #[command(flatten)]
    common: Common,
}

/// A version to go back to.
#[derive(Args, Debug)]
pub(super) struct RollbackArguments {
    /// The version; without it, the one that the live version took over from
    #[arg(value_name = "N")]
    version: Option<u64>,
    /// Why: kept with the new version
    #[arg(long, value_name = "TEXT")]
    why: String,
    #[command(flatten)]
    common: Common,
}

#[derive(Args, Debug)]
struct Common {
    /// Only when this version is live: refused when another came in between
    #[arg(long, value_name = "N")]
    over: Option<u64>,
    /// Your name, where several people share a user of the machine
    #[arg(long, value_name = "NAME")]
    by: Option<String>,
    /// For programs: one JSON document
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    engine: Engine,
}

/// Which engine, and in which language.
#[derive(Args, Debug)]
pub(super) struct Engine {
    /// The settings of the engine [default: settings.toml where it exists]
    #[arg(long, value_name = "FILE")]
    settings: Option<PathBuf>,
    /// The language of the messages
    #[arg(long, value_enum, default_value_t = Lang::of_locale())]
    lang: Lang,
}

impl Engine {
    pub(super) fn language(&self) -> Language {
        self.lang.into()
    }

    pub(super) fn load(&self) -> Result<Settings, Failure> {
        Settings::load(self.settings.as_deref()).map_err(|error| Failure::Setup(error.told(self.language())))
    }
}

impl Common {
    fn reason(&self, why: Option<String>) -> Reason {
        let lang = if self.engine.language() == Language::English { "en" } else { "ko" };
        Reason { why: why.unwrap_or_default(), by: self.by.clone(), over: self.over, lang: lang.to_owned() }
    }
}

/// `ivr1357 publish`: the exit code.
pub(super) fn run_publish(arguments: PublishArguments) -> Result<u8, Failure> {
    let PublishArguments { file, dry_run, why, common } = arguments;
    let bytes = table::read(&file, common.engine.language()).map_err(Failure::Setup)?;
    let reason = common.reason(why);
    let question = Question::Publish { file: file.display().to_string(), bytes: bytes.len(), dry_run, reason };
    order(&common, &question, &bytes)
}

/// `ivr1357 rollback`: the exit code.
pub(super) fn run_rollback(arguments: RollbackArguments) -> Result<u8, Failure> {
    let RollbackArguments { version, why, common } = arguments;
    let question = Question::Rollback { to: version, reason: common.reason(Some(why)) };
    order(&common, &question, &[])
}

fn order(common: &Common, question: &Question, bytes: &[u8]) -> Result<u8, Failure> {
    let language = common.engine.language();
    let (reply, _) = ask(&common.engine.load()?, question, bytes, language)?;
    let Reply::Published(answer) = reply else { return Err(Failure::Broken(strange(language))) };
    if common.json {
        println!("{}", serde_json::to_string_pretty(&answer).map_err(|error| Failure::Broken(error.to_string()))?);
    } else {
        show(&answer);
    }
    Ok(match answer.done {
        Done::Published | Done::Unchanged | Done::WouldPublish => 0,
        Done::Refused | Done::Failed => 1,
    })
}

fn show(answer: &Answer) {
    let Answer { done, sentence, told, difference, notes, .. } = answer;
    match done {
        Done::Refused | Done::Failed => eprint!("{told}"),
        // Tests that passed are no news.
        Done::Published | Done::Unchanged | Done::WouldPublish => {
            told.lines().filter(|line| !line.starts_with("✓ ")).for_each(|line| println!("{line}"));
            if !difference.is_empty() {
                println!("\n{difference}");
            }
        }
    }
    notes.iter().for_each(|note| println!("! {note}"));
    match done {
        Done::Refused | Done::Failed => eprintln!("{sentence}"),
        Done::Published | Done::Unchanged | Done::WouldPublish => println!("{sentence}"),
    }
}

/// Asks the engine of these settings; an engine that cannot be asked, or does not understand, is an error.
pub(super) fn ask(
    settings: &Settings,
    question: &Question,
    bytes: &[u8],
    language: Language,
) -> Result<(Reply, Vec<u8>), Failure> {
    let socket = settings.control();
    let (reply, bytes) = control::ask(&socket, question, bytes).map_err(|error| {
        let (socket, error) = (socket.display(), reason::of(&error, language));
        Failure::Setup(language.of(&[
            format!("엔진에 닿지 않습니다 ({socket}): {error}\n  고치는 법: 엔진이 도는 폴더에서, 엔진과 같은 사용자와 설정으로 하세요. 엔진은 `ivr1357 serve` 로 켭니다"),
            format!("no engine answers at {socket}: {error}\n  help: run this in the engine's folder, as its user and with its settings; `ivr1357 serve` starts one"),
        ]).clone())
    })?;
    match reply {
        Reply::Error { words } => Err(Failure::Broken(language.of(&words).clone())),
        reply => Ok((reply, bytes)),
    }
}

/// An engine of another version.
pub(super) fn strange(language: Language) -> String {
    let words = [
        "엔진의 대답을 알 수 없습니다: 판이 다른 ivr1357 입니다",
        "the engine's answer is not understood: it is another ivr1357",
    ];
    (*language.of(&words)).to_owned()
}
