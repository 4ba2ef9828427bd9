//! The state of the switches on disk: one small JSON file beside the records, `{"emergency": "2026-11-26T18:00:00+09:00"}`.
//!
//! `ivr1357 switch` writes it, a running engine looks at it twice a second, and a restarted one begins with it. The file is
//! replaced as a whole, so nobody reads half of it. One that was garbled by other hands must not keep an emergency from callers: it is
//! kept beside as `….broken`, and a new one begun.

use crate::limits::{SWITCHES_BYTES_MAX, SWITCHES_LOOK};
use crate::routing::switch::Switches;
use crate::shell::journal;
use crate::time::Wall;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::SystemTime;
use tracing::{info, warn};

/// Where the switches of the engine with these records lie.
pub fn path(records: &Path) -> PathBuf {
    journal::store::with_suffix(records, ".switches.json")
}

/// The state; all off where there is no file yet. The error says what is wrong with the file.
pub fn read(path: &Path) -> Result<Switches, String> {
    match std::fs::metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Switches::default()),
        Ok(file) if file.len() > SWITCHES_BYTES_MAX => return Err(format!("longer than {SWITCHES_BYTES_MAX} bytes")),
        _ => {}
    }
    parse(&std::fs::read_to_string(path).map_err(|error| error.to_string())?)
}

/// What somebody should know of a file that cannot be read, and what mends it.
pub fn unreadable(path: &Path, error: &str) -> [String; 2] {
    let path = path.display();
    [
        format!(
            "스위치의 파일 {path} 을(를) 읽을 수 없습니다 ({error}). 돌고 있는 엔진은 마지막으로 읽은 대로 하고, 다시 켜면 모두 꺼져 있습니다\n  고치는 법: 켜져 있어야 하는 것을 `ivr1357 switch NAME on` 으로 켜면 파일을 새로 쓰고 깨진 것은 옆에 둡니다 (.broken)"
        ),
        format!(
            "the file of the switches {path} cannot be read ({error}): a running engine keeps what it read last, and one that starts has all off\n  help: turn on what should be on with `ivr1357 switch NAME on`; it writes the file anew and keeps the garbled one beside (.broken)"
        ),
    ]
}

/// Keeps a file that cannot be read, beside; says where. What is there under its own name stays until it is replaced.
pub fn keep_broken(path: &Path) -> io::Result<PathBuf> {
    let beside = journal::store::with_suffix(path, ".broken");
    let _ = std::fs::remove_file(&beside);
    // A folder has no second name.
    std::fs::hard_link(path, &beside).or_else(|_| std::fs::rename(path, &beside))?;
    Ok(beside)
}

/// Which of these names stand in a file that cannot be read: they may have been on.
pub fn named_in<'n>(path: &Path, names: impl Iterator<Item = &'n str>) -> Vec<&'n str> {
    let mut text = Vec::new();
    let file = std::fs::File::open(path).ok().filter(|file| file.metadata().is_ok_and(|file| file.is_file()));
    let _ = file.map(|file| file.take(SWITCHES_BYTES_MAX).read_to_end(&mut text));
    let text = String::from_utf8_lossy(&text);
    names.filter(|name| text.contains(&format!("\"{name}\""))).collect()
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
                Err(error) => {
                    warn!(error, file = %path.display(), "switches stay as they are: their file cannot be read, and `ivr1357 switch` writes it anew");
                }
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
    fn a_broken_file_is_kept_beside_and_tells_what_may_have_been_on() {
        let folder = std::env::temp_dir().join(format!("ivr1357-switches-broken-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder");
        let file = path(&folder.join("calls.jsonl"));
        for garbled in ["{\"typhoon\": nul", "{\"typhoon\": 1}"] {
            std::fs::write(&file, garbled).expect("written");
            assert!(read(&file).is_err());
            assert_eq!(named_in(&file, ["emergency", "typhoon"].into_iter()), ["typhoon"]);
            let beside = keep_broken(&file).expect("kept");
            assert_eq!(std::fs::read_to_string(&beside).ok().as_deref(), Some(garbled));
            let mut switches = Switches::default();
            switches.turn_on("emergency", None);
            write(&file, &switches, &TimeZone::UTC).expect("written");
            assert_eq!(read(&file), Ok(switches));
            assert_eq!(std::fs::read_to_string(&beside).ok().as_deref(), Some(garbled), "not written through");
        }
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
