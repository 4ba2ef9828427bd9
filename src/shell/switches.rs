//! The state of the switches on disk: one small JSON file beside the records, `{"emergency": "2026-11-26T18:00:00+09:00"}`.
//!
//! `ivr1357 switch` writes it, a running engine looks at it twice a second, and a restarted one begins with it. The file is
//! replaced as a whole, so nobody reads half of it.

use crate::limits::{SWITCHES_BYTES_MAX, SWITCHES_LOOK};
use crate::routing::switch::Switches;
use crate::shell::journal;
use crate::time::Wall;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::SystemTime;
use tracing::{info, warn};

/// Where the switches of the engine with these records lie.
pub fn path(records: &Path) -> PathBuf {
    journal::store::with_suffix(records, ".switches.json")
}

/// The state; all off where there is no file yet.
pub fn read(path: &Path) -> Result<Switches, String> {
    let text = match std::fs::metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Switches::default()),
        Ok(file) if file.len() > SWITCHES_BYTES_MAX => Err(format!("longer than {SWITCHES_BYTES_MAX} bytes")),
        _ => std::fs::read_to_string(path).map_err(|error| error.to_string()),
    }
    .map_err(|error| format!("cannot read the switches {}: {error}", path.display()))?;
    parse(&text).map_err(|error| format!("the switches {} cannot be understood: {error}", path.display()))
}

fn parse(text: &str) -> Result<Switches, String> {
    let written: BTreeMap<String, Option<String>> = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let mut switches = Switches::default();
    for (name, until) in written {
        let until = until.map(|until| until.parse::<Timestamp>().map_err(|error| error.to_string())).transpose()?;
        switches.turn_on(&name, until.map(|until| Wall::from_micros(until.as_microsecond())));
    }
    Ok(switches)
}

/// Replaces the state.
pub fn write(path: &Path, switches: &Switches, zone: &TimeZone) -> io::Result<()> {
    let stamp = |until: Wall| {
        let until =
            Timestamp::from_microsecond(until.as_micros()).unwrap_or(Timestamp::MAX).to_zoned_datetime(zone.clone());
        until.strftime("%Y-%m-%dT%H:%M:%S%:z").to_string()
    };
    let written: BTreeMap<&str, Option<String>> =
        switches.iter().map(|(name, until)| (name, until.map(stamp))).collect();
    let text = serde_json::to_string_pretty(&written).map_err(io::Error::other)?;
    let draft = journal::store::with_suffix(path, &format!(".{}", std::process::id()));
    let mut file = std::fs::File::create(&draft)?;
    writeln!(file, "{text}")?;
    file.sync_all()?;
    std::fs::rename(&draft, path)
}

/// Hands over the state as it is now, and again whenever the file changes. A file that cannot be read changes nothing.
pub async fn watch(path: PathBuf, tell: impl Fn(Switches)) {
    let mut seen: Option<(SystemTime, u64)> = None;
    let mut told = Switches::default();
    loop {
        let present = std::fs::metadata(&path).ok().and_then(|file| Some((file.modified().ok()?, file.len())));
        if present != seen {
            seen = present;
            match read(&path) {
                Ok(switches) if switches != told => {
                    let on: Vec<&str> = switches.iter().map(|(name, _)| name).collect();
                    info!(on = on.join(","), "switches");
                    told = switches.clone();
                    tell(switches);
                }
                Ok(_) => {}
                Err(error) => warn!(error, "switches stay as they are"),
            }
        }
        tokio::time::sleep(SWITCHES_LOOK).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_read_again() {
        let folder = std::env::temp_dir().join(format!("ivr1357-switches-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder");
        let file = path(&folder.join("calls.jsonl"));
        assert_eq!(read(&file), Ok(Switches::default()));
        let mut switches = Switches::default();
        switches.turn_on("emergency", Some(Wall::from_micros(1_795_000_000_000_000)));
        switches.turn_on("training", None);
        write(&file, &switches, &TimeZone::get("Asia/Seoul").expect("a zone")).expect("written");
        assert_eq!(read(&file), Ok(switches));
        assert!(std::fs::read_to_string(&file).expect("text").contains("+09:00"));
        std::fs::remove_dir_all(&folder).expect("removed");
    }

    #[test]
    fn what_is_no_state_is_refused() {
        for text in ["", "[]", "{\"a\": 1}", "{\"a\": \"soon\"}"] {
            assert!(parse(text).is_err(), "{text}");
        }
        assert_eq!(parse("{}"), Ok(Switches::default()));
    }
}
