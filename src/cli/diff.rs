//! `ivr1357 diff OLD NEW`: which callers go elsewhere in a new table; with `--calls`, which recorded calls would end otherwise.

use super::Lang;
use crate::proof::diff::{self, Change};
use crate::proof::replay::{self, Replayed};
use crate::routing::{Language, Plan};
use crate::shell::reason;
use crate::shell::serve::Failure;
use crate::shell::table::{Files, Table};
use crate::time::Duration;
use clap::Args;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::sync::Arc;

#[derive(Args, Debug)]
pub(super) struct Arguments {
    /// The table as it was
    #[arg(value_name = "OLD")]
    old: PathBuf,
    /// The table as it is to be
    #[arg(value_name = "NEW")]
    new: PathBuf,
    /// Recorded calls (one JSON object a line): lists each that would end otherwise
    #[arg(long, value_name = "FILE")]
    calls: Option<PathBuf>,
    /// The folder of prompts
    #[arg(long, value_name = "DIR", default_value = "prompts")]
    prompts: PathBuf,
    /// The language of the report
    #[arg(long, value_enum, default_value = "ko")]
    lang: Lang,
}

pub(super) fn run_command(arguments: Arguments) -> Result<u8, Failure> {
    let Arguments { old, new, calls, prompts, lang } = arguments;
    let language = Language::from(lang);
    let load = |routing| Table::load(&Files { routing, prompts: prompts.clone(), language }).map_err(Failure::Setup);
    let (old, new) = (load(old)?, load(new)?);
    let (told, same) = match calls {
        None => {
            let prompts = old.plan.prompts().into_iter().chain(new.plan.prompts());
            report([&old.plan, &new.plan], &old.catalogue.lengths_of(prompts), language)
        }
        Some(path) => {
            let failed = |error: std::io::Error| Failure::Setup(reason::unreadable(&path, &error, language));
            let file = BufReader::new(std::fs::File::open(&path).map_err(failed)?);
            let mut replayed = Replayed::default();
            for line in file.lines() {
                replay::call([&old.plan, &new.plan], &line.map_err(failed)?, &mut replayed);
            }
            (calls_report(&replayed, language), replayed.otherwise.is_empty())
        }
    };
    print!("{told}");
    Ok(u8::from(!same))
}

/// The differences in words, and whether there are none.
pub fn report(plans: [&Arc<Plan>; 2], lengths: &BTreeMap<String, Duration>, language: Language) -> (String, bool) {
    let found = diff::compare(plans[0], plans[1]);
    let mut out = String::new();
    let titles = [
        (Change::Number, ["받는 번호가 다릅니다", "numbers answered"]),
        (Change::Elsewhere, ["다른 곳으로 갑니다", "led elsewhere"]),
        (Change::Renamed, ["이름만 바뀐 행", "rows with another name"]),
        (Change::Words, ["다른 말을 듣습니다", "other words heard"]),
        (Change::Recording, ["녹음이 다릅니다", "recorded otherwise"]),
        (Change::Waits, ["기다리는 시간이 다릅니다", "other waits"]),
    ];
    for (change, title) in titles {
        let of_kind: Vec<_> = found.iter().filter(|difference| difference.change == change).collect();
        if of_kind.is_empty() {
            continue;
        }
        let _ = writeln!(out, "{} ({})", language.of(&title), of_kind.len());
        for difference in of_kind {
            let _ = writeln!(out, " · {}", difference.words(plans, lengths, language));
        }
        out.push('\n');
    }
    let elsewhere = found.iter().filter(|difference| difference.change <= Change::Elsewhere).count();
    let count = found.len();
    let _ = match language {
        Language::Korean => writeln!(out, "{count} (다른 곳으로 가는 길 {elsewhere})"),
        Language::English => writeln!(out, "{count} (ways that lead elsewhere: {elsewhere})"),
    };
    (out, found.is_empty())
}

fn calls_report(replayed: &Replayed, language: Language) -> String {
    let mut out = String::new();
    for other in &replayed.otherwise {
        let _ = writeln!(out, "{} {}: {} → {}", other.began, other.call, other.old, other.new);
    }
    let Replayed { calls, unlike, unreadable, otherwise } = replayed;
    let count = otherwise.len();
    let _ = match language {
        Language::Korean => writeln!(
            out,
            "{count} (통화 {calls}, 옛 표로도 기록과 다르게 간 통화 {unlike}, 읽을 수 없는 줄 {unreadable})"
        ),
        Language::English => writeln!(
            out,
            "{count} (calls {calls}, unlike their record on the old table too {unlike}, unreadable lines {unreadable})"
        ),
    };
    out
}
