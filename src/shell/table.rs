//! The table and the sound of its prompts, from files to what the engine is told.

use crate::limits::TABLE_BYTES_MAX;
use crate::routing::bundle;
use crate::routing::plan::Plan;
use crate::routing::{self, Heard, Language, diagnostic, heard, select, stand_in};
use crate::shell::prompts;
use crate::speech::Catalogue;
use crate::time::Wall;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Where table and prompts lie, and in which language mistakes are told.
#[derive(Clone, Debug)]
pub struct Files {
    /// `--routing`.
    pub routing: PathBuf,
    /// `--prompts`.
    pub prompts: PathBuf,
    /// `--lang`.
    pub language: Language,
}

/// A table that checked, and its sound.
#[derive(Clone, Debug)]
pub struct Table {
    /// What it means.
    pub plan: Arc<Plan>,
    /// What it says.
    pub catalogue: Arc<Catalogue>,
}

/// The day in Korea: what holidays are looked up by.
pub fn day(now: Wall) -> Date {
    let now = Timestamp::from_microsecond(now.as_micros()).unwrap_or(Timestamp::UNIX_EPOCH);
    TimeZone::get("Asia/Seoul").unwrap_or(TimeZone::UTC).to_datetime(now).date()
}

impl Table {
    /// Reads and checks both; the error is the text for the operator, every mistake at once.
    pub fn load(files: &Files) -> Result<Self, String> {
        Self::of(&read(&files.routing)?, files)
    }

    /// Checks a table that was read, with its prompts.
    pub fn of(bytes: &[u8], files: &Files) -> Result<Self, String> {
        let Files { routing, prompts, language } = files;
        let name = routing.display();
        let catalogue = load_prompts(prompts, *language)?;
        let checked = routing::check_bytes(bytes, &heard(&catalogue));
        let show = || {
            let colour = std::io::IsTerminal::is_terminal(&std::io::stderr());
            // A file that is not UTF-8 has a finding that says so, and points into this text.
            let text = String::from_utf8_lossy(bytes);
            diagnostic::render(&name.to_string(), &text, &checked.findings, *language, colour)
        };
        match checked.plan.clone() {
            Some(plan) => {
                // Warnings are for the operator, not a reason to wait.
                if !checked.findings.is_empty() {
                    eprint!("{}", show());
                }
                Ok(Self { plan: Arc::new(plan), catalogue: Arc::new(catalogue) })
            }
            None => Err(format!(
                "the table {name} has mistakes\n\n{}  help: mend them; `ivr1357 check {name}` shows what is left",
                show()
            )),
        }
    }

    /// "1 number, 12 menus, 16 centres".
    pub fn size(&self) -> String {
        let count = |count: usize, one: &str, many: &str| format!("{count} {}", if count == 1 { one } else { many });
        format!(
            "{}, {}, {}",
            count(self.plan.numbers.len(), "number", "numbers"),
            count(self.plan.menus.len(), "menu", "menus"),
            count(self.plan.centers.len(), "centre", "centres"),
        )
    }

    /// The table of stand-in centres: a number for each target, a talking announcement behind it.
    pub fn stand_ins(&self) -> Plan {
        stand_in::stand_ins(&self.plan)
    }

    /// The ports that targets on this very machine name: where stand-in centres must listen.
    pub fn loopback_ports(&self) -> Vec<u16> {
        let targets = self.plan.centers.iter().flat_map(|center| &center.targets);
        let ports: std::collections::BTreeSet<u16> = targets
            .filter(|target| {
                let host = target.uri().host().trim_matches(['[', ']']);
                host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
            })
            .map(|target| target.uri().port().unwrap_or(5060))
            .collect();
        ports.into_iter().collect()
    }
}

/// "open until Tue 2026-11-24 18:00": the first number that is not open at all hours.
pub fn opening(plan: &Plan, now: Wall, language: Language) -> String {
    let korean = language == Language::Korean;
    let Some(number) = plan.numbers.iter().find(|number| !number.when.is_empty()) else {
        return if korean { "항상 열림" } else { "open at all hours" }.to_owned();
    };
    let open = select::is_open(plan, number, now);
    match (select::next_change(plan, number, now).map(|change| clock(plan, change)), clock(plan, now)) {
        (Some(change), now) if korean => {
            let (state, next) = if open { ("열림", "닫힘") } else { ("닫힘", "열림") };
            format!("지금 {state} ({now}), {change} 에 {next}")
        }
        (None, now) if korean => format!("지금 {} ({now})", if open { "열림" } else { "닫힘" }),
        (change, now) => {
            let state = if open { "open" } else { "closed" };
            change
                .map_or_else(|| format!("{state} (now {now})"), |change| format!("{state} until {change} (now {now})"))
        }
    }
}

/// "Tue 2026-11-24 18:00", in the table's zone.
fn clock(plan: &Plan, wall: Wall) -> String {
    let timestamp = Timestamp::from_microsecond(wall.as_micros()).unwrap_or(Timestamp::UNIX_EPOCH);
    timestamp.to_zoned_datetime(plan.timezone.clone()).strftime("%a %Y-%m-%d %H:%M").to_string()
}

/// The bytes of a table, its included files with it (`routing::bundle`); the error says what to do.
pub fn read(routing: &Path) -> Result<Vec<u8>, String> {
    let name = routing.display();
    let length = std::fs::metadata(routing).map(|file| file.len()).map_err(|error| {
        format!("cannot read the table {name}: {error}\n  help: start in the folder with routing.toml, or name the file: --routing FILE")
    })?;
    if length > TABLE_BYTES_MAX as u64 {
        return Err(format!("the table {name} is longer than {TABLE_BYTES_MAX} bytes"));
    }
    let main = std::fs::read(routing).map_err(|error| format!("cannot read the table {name}: {error}"))?;
    let own = routing.file_name().unwrap_or_default().to_string_lossy();
    let folder = routing.parent().unwrap_or(Path::new(""));
    Ok(bundle::gather(&own, main, &mut |included| {
        let file = folder.join(included);
        let length = std::fs::metadata(&file).map(|file| file.len()).ok()?;
        (length <= TABLE_BYTES_MAX as u64).then(|| std::fs::read(&file).ok()).flatten()
    }))
}

/// The folder of the Korean prompts; `DIR` itself where it has no folder of a language.
pub fn prompts_folder(folder: &Path) -> PathBuf {
    prompts::languages(folder).swap_remove(0).1
}

/// The prompts of a folder: the Korean ones by their names, those of other languages as `en/NAME`; `DIR` itself where it
/// has no folder of a language; the error says what to do.
pub fn load_prompts(folder: &Path, language: Language) -> Result<Catalogue, String> {
    let mut languages = prompts::languages(folder).into_iter();
    let mut all =
        languages.next().map_or_else(|| Ok(Catalogue::default()), |(_, korean)| load_folder(&korean, language))?;
    for (name, folder) in languages {
        let spoken = load_folder(&folder, language)?;
        all.said.extend(spoken.said.into_iter().map(|(id, said)| (format!("{name}/{id}"), said)));
        all.faults.extend(spoken.faults.into_iter().map(|(id, fault)| (format!("{name}/{id}"), fault)));
        all.wide.extend(spoken.wide.into_iter().map(|(id, wide)| (format!("{name}/{id}"), wide)));
        all.prompts.extend(spoken.prompts.into_iter().map(|(id, prompt)| (format!("{name}/{id}"), prompt)));
    }
    Ok(all)
}

/// What a check is told of the prompts.
pub fn heard(catalogue: &Catalogue) -> Heard {
    let lengths = catalogue.lengths();
    let prompt = |(id, prompt): (&String, &crate::speech::Prompt)| {
        let heard = heard::Prompt {
            length: lengths.get(id).copied(),
            text: Some(prompt.text.clone()).filter(|text| !text.trim().is_empty()),
            said: catalogue.said.get(id).cloned(),
            fault: catalogue.faults.get(id).cloned(),
        };
        (id.clone(), heard)
    };
    Heard(catalogue.prompts.iter().map(prompt).collect())
}

fn load_folder(folder: &Path, language: Language) -> Result<Catalogue, String> {
    prompts::load(folder).map_err(|errors| {
        let errors: Vec<_> = errors.iter().map(|error| error.render(language == Language::Korean)).collect();
        format!(
            "the prompts in {} cannot be read\n{}\n  help: `--prompts DIR` names the folder; `ivr1357 prompts build` makes missing sounds",
            folder.display(),
            errors.join("\n")
        )
    })
}
