//! The table and the sound of its prompts, from files to what the engine is told.

use crate::limits::TABLE_BYTES_MAX;
use crate::routing::bundle;
use crate::routing::calendar::korea;
use crate::routing::plan::Plan;
use crate::routing::switch::Switches;
use crate::routing::{self, Heard, Language, diagnostic, heard, opening, stand_in};
use crate::shell::{prompts, reason};
use crate::speech::Catalogue;
use crate::time::Wall;
use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use std::fs::{self, File};
use std::io::{self, Read};
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
        Self::of(&read(&files.routing, files.language)?, files)
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
            None => Err(match language {
                Language::Korean => format!(
                    "표 {name} 에 오류가 있습니다\n\n{}  고치는 법: 고친 뒤 `ivr1357 check {name}` 로 다시 보세요",
                    show()
                ),
                Language::English => format!(
                    "the table {name} has mistakes\n\n{}  help: mend them; `ivr1357 check {name}` shows what is left",
                    show()
                ),
            }),
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

/// "open until Tue 2026-11-24 18:00": the first number that is not open at all hours, as its callers would be told.
pub fn opening(plan: &Plan, switches: &Switches, now: Wall, language: Language) -> String {
    let korean = language == Language::Korean;
    let Some(number) = plan.numbers.iter().find(|number| !number.when.is_empty()) else {
        return if korean { "항상 열림" } else { "open at all hours" }.to_owned();
    };
    let (open, change) = opening::state(plan, number, switches, now);
    let clock = |at| clock(plan, at, language);
    match (change.map(clock), clock(now)) {
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

/// What follows where the clock stands in a year whose holidays are not known, and the table has them computed.
pub fn beyond_calendar(plan: &Plan, now: Wall) -> Option<[String; 2]> {
    let year = here(plan, now).year();
    let known = !plan.holidays.korean || korea::YEARS.contains(&year);
    let [korean, english] = (!known).then(|| korea::OutOfYears(year).words())?;
    Some([
        format!(
            "시계가 {year}년입니다. {korean}. 그해의 공휴일에는 평일처럼 엽니다. 고치는 법: 시계를 보세요 (clock.start, `date`)"
        ),
        format!(
            "the clock says {year}, and {english}; its public holidays are working days here; help: look at the clock (clock.start, `date`)"
        ),
    ])
}

/// A moment in the table's zone.
fn here(plan: &Plan, wall: Wall) -> DateTime {
    let timestamp = Timestamp::from_microsecond(wall.as_micros()).unwrap_or(Timestamp::UNIX_EPOCH);
    plan.timezone.to_datetime(timestamp)
}

/// "Tue 2026-11-24 18:00", "2026-11-24(화) 18:00", in the table's zone.
fn clock(plan: &Plan, wall: Wall, language: Language) -> String {
    let at = here(plan, wall);
    let day = usize::from(at.weekday().to_monday_zero_offset().unsigned_abs());
    match language {
        Language::Korean => {
            let day = ["월", "화", "수", "목", "금", "토", "일"].get(day).copied().unwrap_or_default();
            format!("{}({day}) {}", at.strftime("%Y-%m-%d"), at.strftime("%H:%M"))
        }
        Language::English => at.strftime("%a %Y-%m-%d %H:%M").to_string(),
    }
}

/// The bytes of a table, its included files with it (`routing::bundle`); the error says what to do.
pub fn read(routing: &Path, language: Language) -> Result<Vec<u8>, String> {
    let name = routing.display();
    let unreadable = |error: io::Error| {
        let told = match error.kind() {
            io::ErrorKind::NotFound => language.of(&["그런 파일이 없습니다", "there is no such file"]).to_string(),
            _ => reason::of(&error, language),
        };
        match language {
            Language::Korean => format!(
                "표 {name} 을(를) 읽을 수 없습니다: {told}\n  고치는 법: routing.toml 이 있는 폴더에서 하거나 파일의 이름을 쓰세요(`serve` 에서는 `--routing FILE`)"
            ),
            Language::English => format!(
                "cannot read the table {name}: {told}\n  help: work in the folder with routing.toml, or name the file (`--routing FILE` of `serve`)"
            ),
        }
    };
    let main = bounded(routing).map_err(|unread| match unread {
        Unread::Failed(error) => unreadable(error),
        Unread::NoFile => language
            .of(&[
                format!("표 {name} 은(는) 파일이 아닙니다 (폴더, 파이프, 장치)\n  고치는 법: 파일에 담아서 그 이름을 쓰세요"),
                format!("the table {name} is no regular file (a folder, a pipe, a device)\n  help: put it into a file, and name that"),
            ])
            .clone(),
        Unread::Long => language
            .of(&[
                format!("표 {name} 이(가) {TABLE_BYTES_MAX} 바이트보다 깁니다"),
                format!("the table {name} is longer than {TABLE_BYTES_MAX} bytes"),
            ])
            .clone(),
    })?;
    let own = routing.file_name().unwrap_or_default().to_string_lossy();
    let folder = routing.parent().unwrap_or(Path::new(""));
    Ok(bundle::gather(&own, main, &mut |included| bounded(&folder.join(included)).ok()))
}

/// Why a file was not read.
enum Unread {
    /// The system says why.
    Failed(io::Error),
    /// A folder, a pipe that may never say anything, a device without an end.
    NoFile,
    /// More than a table may have.
    Long,
}

/// The bytes of a regular file, as many as a table may have, however it grows meanwhile.
fn bounded(path: &Path) -> Result<Vec<u8>, Unread> {
    // Before it is opened: opening a pipe waits for who writes to it.
    if !fs::metadata(path).map_err(Unread::Failed)?.is_file() {
        return Err(Unread::NoFile);
    }
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(Unread::Failed)?;
    file.take(TABLE_BYTES_MAX as u64 + 1).read_to_end(&mut bytes).map_err(Unread::Failed)?;
    if bytes.len() > TABLE_BYTES_MAX { Err(Unread::Long) } else { Ok(bytes) }
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
        let (folder, errors) = (folder.display(), errors.join("\n"));
        match language {
            Language::Korean => format!(
                "안내음 {folder} 을(를) 읽을 수 없습니다\n{errors}\n  고치는 법: 폴더는 `--prompts DIR` 로 쓰고, 없는 소리는 `ivr1357 prompts build` 로 만드세요"
            ),
            Language::English => format!(
                "the prompts in {folder} cannot be read\n{errors}\n  help: `--prompts DIR` names the folder; `ivr1357 prompts build` makes missing sounds"
            ),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::routing::check_without_sound;

    #[test]
    fn only_regular_files_are_tables_and_no_more_than_a_table_is_read() {
        for (path, told) in [("/dev/zero", "no regular file"), ("/", "no regular file"), ("/no/such", "no such file")] {
            let error = read(Path::new(path), Language::English).expect_err(path);
            assert!(error.contains(told), "{path}: {error}");
        }
        assert!(read(Path::new("/dev/zero"), Language::Korean).is_err_and(|error| error.contains("파일이 아닙니다")));
        let folder = std::env::temp_dir().join(format!("ivr1357-bounded-{}", std::process::id()));
        fs::create_dir_all(&folder).expect("a folder");
        let long = folder.join("long.toml");
        // Nothing of it is on the disk.
        File::create(&long).and_then(|file| file.set_len(TABLE_BYTES_MAX as u64 + 1)).expect("made");
        assert!(read(&long, Language::English).is_err_and(|error| error.contains("longer than")));
        File::create(&long).and_then(|file| file.set_len(TABLE_BYTES_MAX as u64)).expect("made");
        assert_eq!(read(&long, Language::English).map(|bytes| bytes.len()), Ok(TABLE_BYTES_MAX));
        fs::remove_dir_all(&folder).expect("removed");
    }

    #[test]
    fn a_clock_outside_the_years_of_the_calendar_is_told_of_with_what_follows() {
        const SHIPPED: &str = include_str!("../../routing.toml");
        let wall = |text: &str| Wall::from_micros(text.parse::<Timestamp>().expect(text).as_microsecond());
        let plan = |text: &str| check_without_sound(text).plan.expect("a table that checks");
        let shipped = plan(SHIPPED);
        for (at, year) in [("1970-01-01T00:00:00+09:00", "1970"), ("2051-01-01T00:00:00+09:00", "2051")] {
            let [korean, english] = beyond_calendar(&shipped, wall(at)).expect(at);
            assert!(korean.contains(&format!("시계가 {year}년")) && english.contains(year), "{korean} {english}");
            assert!(korean.contains("평일처럼") && english.contains("working days"), "{korean} {english}");
        }
        for at in ["2026-01-01T00:00:00+09:00", "2050-12-31T23:59:59+09:00"] {
            assert_eq!(beyond_calendar(&shipped, wall(at)), None, "{at}");
        }
        // Whose holidays are not computed misses none.
        let elsewhere = plan(&SHIPPED.replacen("timezone = \"Asia/Seoul\"", "timezone = \"Europe/Berlin\"", 1));
        assert_eq!(beyond_calendar(&elsewhere, wall("1970-01-01T00:00:00Z")), None);
    }
}
