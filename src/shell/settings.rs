//! The engineer's settings: defaults, then `settings.toml`, then the environment (`IVR1357__SIP__LISTEN=…`).
//!
//! Every key has a default. All mistakes are reported at once, each with its key, its source and what would be right.

use crate::sip::trunk::{self, Network, Peers};
use crate::time::Wall;
use config::{Config, Environment, File, FileFormat, Value, ValueKind};
use jiff::Timestamp;
use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

/// Read when it exists and no other file was named.
pub const DEFAULT_FILE: &str = "settings.toml";

const PREFIX: &str = "IVR1357";

/// How this process is set up.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// `sip.listen`: UDP and TCP.
    pub sip_listen: Vec<SocketAddr>,
    /// `media.ports`: RTP on the even ones, RTCP on the odd ones.
    pub media_ports: RangeInclusive<u16>,
    /// `media.workers`.
    pub media_workers: usize,
    /// `console.listen`.
    pub console_listen: SocketAddr,
    /// `records.file`.
    pub records_file: PathBuf,
    /// `records.hash_key`; without one, a key file beside the records.
    pub hash_key: Option<String>,
    /// `clock.start`.
    pub clock_start: Option<Wall>,
    /// `[trunk.NAME]`.
    pub trunks: BTreeMap<String, Trunk>,
}

/// A carrier's peer.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Trunk {
    /// `addresses`: where it calls from.
    pub networks: Vec<Network>,
    /// The rest, kept as written.
    pub other: BTreeMap<String, String>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            sip_listen: vec![SocketAddr::from(([0, 0, 0, 0], 5060))],
            media_ports: 16384..=32767,
            media_workers: workers_for(std::thread::available_parallelism().map_or(1, usize::from)),
            console_listen: SocketAddr::from(([127, 0, 0, 1], 8357)),
            records_file: PathBuf::from("calls.jsonl"),
            hash_key: None,
            clock_start: None,
            trunks: BTreeMap::new(),
        }
    }
}

/// One core is the engine's.
fn workers_for(cores: usize) -> usize {
    cores.saturating_sub(1).max(1)
}

/// What is wrong with the settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettingsError(pub Vec<Problem>);

/// One mistake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// What is wrong, with the key.
    pub message: String,
    /// Where it stands.
    pub source: String,
    /// What would be right.
    pub help: String,
}

impl fmt::Display for SettingsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, Problem { message, source, help }) in self.0.iter().enumerate() {
            let line = if index == 0 { "" } else { "\n" };
            write!(f, "{line}{message}\n  --> {source}\n  help: {help}")?;
        }
        Ok(())
    }
}

impl Settings {
    /// From the named file (or `settings.toml` where it exists) and the environment.
    pub fn load(file: Option<&Path>) -> Result<Self, SettingsError> {
        let environment = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect();
        let file = match file {
            Some(file) => Some(file),
            None => Some(Path::new(DEFAULT_FILE)).filter(|file| file.exists()),
        };
        let text = match file {
            Some(file) => Some((
                file.display().to_string(),
                std::fs::read_to_string(file).map_err(|error| {
                    SettingsError(vec![Problem {
                        message: format!("cannot read the settings: {error}"),
                        source: file.display().to_string(),
                        help: "name an existing file after --settings, or leave the option out: every setting has a default".to_owned(),
                    }])
                })?,
            )),
            None => None,
        };
        Self::from_sources(text.as_ref().map(|(name, text)| (name.as_str(), text.as_str())), environment)
    }

    /// From the text of a file and the variables of an environment.
    pub fn from_sources(
        file: Option<(&str, &str)>,
        environment: BTreeMap<String, String>,
    ) -> Result<Self, SettingsError> {
        let name = file.map_or(DEFAULT_FILE, |(name, _)| name);
        let read = |builder: config::ConfigBuilder<config::builder::DefaultState>| {
            builder.build().map(|config: Config| config.cache)
        };
        let mut leaves = Vec::new();
        if let Some((_, text)) = file {
            let tree = read(Config::builder().add_source(File::from_str(text, FileFormat::Toml))).map_err(|error| {
                SettingsError(vec![Problem {
                    message: format!("the settings are not TOML: {}", error.to_string().trim()),
                    source: name.to_owned(),
                    help: "see settings.example.toml".to_owned(),
                }])
            })?;
            flatten(String::new(), tree, &mut |key, value| leaves.push((key, value, name.to_owned())));
        }
        let variables: Vec<String> = environment.keys().cloned().collect();
        let source = Environment::with_prefix(PREFIX)
            .prefix_separator("__")
            .separator("__")
            .ignore_empty(true)
            .source(Some(environment.into_iter().collect()));
        let tree = read(Config::builder().add_source(source)).map_err(|error| {
            SettingsError(vec![Problem {
                message: format!("the environment cannot be read: {error}"),
                source: format!("{PREFIX}__…"),
                help: "see settings.example.toml".to_owned(),
            }])
        })?;
        flatten(String::new(), tree, &mut |key, value| {
            let variable = variables.iter().find(|variable| key_of(variable).as_deref() == Some(&key));
            let source = format!("environment variable {}", variable.map_or("", String::as_str));
            leaves.push((key, value, source));
        });
        let mut settings = Self::default();
        let mut problems = Vec::new();
        // The environment comes after the file and overrides it.
        for (key, value, source) in leaves {
            if let Err((message, help)) = settings.set(&key, value) {
                problems.push(Problem { message, source, help });
            }
        }
        if problems.is_empty() { Ok(settings) } else { Err(SettingsError(problems)) }
    }

    /// Who may call.
    pub fn peers(&self) -> Peers {
        let trunks = self.trunks.iter().map(|(name, trunk)| trunk::Trunk::new(name, trunk.networks.clone()));
        Peers { trunks: trunks.collect(), ..Peers::default() }
    }

    fn set(&mut self, key: &str, value: Value) -> Result<(), (String, String)> {
        let bad = |value: &str, help: &str| (format!("`{key} = {value:?}` cannot be used"), help.to_owned());
        match key {
            "sip.listen" => {
                let help = "an IP address and a port, as in \"0.0.0.0:5060\" or \"[::]:5060\"; several as a list";
                let addresses = texts(&value).ok_or_else(|| bad(&value.to_string(), help))?;
                let parsed: Result<Vec<SocketAddr>, _> = addresses
                    .iter()
                    .map(|address| address.parse().map_err(|_| bad(address, &listen_help(address, help))))
                    .collect();
                self.sip_listen = parsed?;
                if self.sip_listen.is_empty() {
                    return Err(bad("", help));
                }
            }
            "media.ports" => {
                let text = text(&value);
                self.media_ports = ports(&text)
                    .ok_or_else(|| bad(&text, "two ports from 1024 on, the first even, as in \"16384-32767\""))?;
            }
            "media.workers" => {
                let text = text(&value);
                self.media_workers =
                    text.parse().ok().filter(|workers| (1..=64).contains(workers)).ok_or_else(|| {
                        bad(&text, "a number of threads from 1 to 64; the default is one less than the cores")
                    })?;
            }
            "console.listen" => {
                let text = text(&value);
                self.console_listen = text.parse().map_err(|_| {
                    bad(&text, &listen_help(&text, "an IP address and a port, as in \"127.0.0.1:8357\""))
                })?;
            }
            "records.file" => {
                let text = text(&value);
                if text.is_empty() || text.ends_with('/') {
                    return Err(bad(&text, "the name of a file, as in \"calls.jsonl\""));
                }
                self.records_file = PathBuf::from(text);
            }
            "records.hash_key" => {
                let text = text(&value);
                // The value is a secret: the message does not repeat it.
                if text.len() < 16 {
                    let help = "at least 16 characters, so that nobody finds callers by trying all keys";
                    return Err((format!("`{key}` is too short"), help.to_owned()));
                }
                self.hash_key = Some(text);
            }
            "clock.start" => {
                let text = text(&value);
                let start: Timestamp =
                    text.parse().map_err(|_| bad(&text, "a time with its offset, as in \"2026-11-24T10:00+09:00\""))?;
                self.clock_start = Some(Wall::from_micros(start.as_microsecond()));
            }
            _ => match key.strip_prefix("trunk.").and_then(|rest| rest.split_once('.')) {
                Some((name, field)) => {
                    let trunk = self.trunks.entry(name.to_owned()).or_default();
                    match field {
                        "addresses" => {
                            let help = "addresses or networks, as in [\"192.0.2.10\", \"198.51.100.0/24\"]";
                            let texts = texts(&value).filter(|texts| !texts.is_empty());
                            trunk.networks = texts
                                .ok_or_else(|| bad(&value.to_string(), help))?
                                .iter()
                                .map(|text| text.parse().map_err(|()| bad(text, help)))
                                .collect::<Result<_, _>>()?;
                        }
                        _ => {
                            trunk.other.insert(field.to_owned(), text(&value));
                        }
                    }
                }
                None => return Err(unknown(key)),
            },
        }
        Ok(())
    }
}

/// Every key but the trunks'.
const KEYS: [&str; 7] =
    ["sip.listen", "media.ports", "media.workers", "console.listen", "records.file", "records.hash_key", "clock.start"];

fn unknown(key: &str) -> (String, String) {
    let nearest = KEYS.iter().min_by_key(|known| distance(known, key)).expect("there are keys");
    let help = if key == "trunk" || key.starts_with("trunk.") {
        "a trunk is a table with a name: [trunk.kt] with addresses = [\"192.0.2.10\"]".to_owned()
    } else if distance(nearest, key) <= 4 {
        format!("did you mean `{nearest}`?")
    } else {
        format!("the settings are {} and [trunk.NAME]", KEYS.join(", "))
    };
    (format!("`{key}` is not a setting"), help)
}

fn listen_help(address: &str, help: &str) -> String {
    if address.parse::<std::net::IpAddr>().is_ok() { format!("the port is missing: {help}") } else { help.to_owned() }
}

fn ports(text: &str) -> Option<RangeInclusive<u16>> {
    let (first, last) = text.split_once('-')?;
    let (first, last) = (first.trim().parse::<u16>().ok()?, last.trim().parse::<u16>().ok()?);
    (first >= 1024 && first.is_multiple_of(2) && last > first).then_some(first..=last)
}

/// `IVR1357__SIP__LISTEN` -> `sip.listen`, as the `config` crate reads it.
fn key_of(variable: &str) -> Option<String> {
    let lower = variable.to_lowercase();
    lower.strip_prefix(&format!("{}__", PREFIX.to_lowercase())).map(|rest| rest.replace("__", "."))
}

fn flatten(path: String, value: Value, leaf: &mut impl FnMut(String, Value)) {
    match value.kind {
        ValueKind::Table(table) if !table.is_empty() || path.is_empty() => {
            // A sorted walk: the same mistakes in the same order each time.
            for (key, value) in table.into_iter().collect::<BTreeMap<_, _>>() {
                let path = if path.is_empty() { key } else { format!("{path}.{key}") };
                flatten(path, value, leaf);
            }
        }
        _ => leaf(path, value),
    }
}

fn text(value: &Value) -> String {
    value.clone().into_string().unwrap_or_else(|_| value.to_string()).trim().to_owned()
}

/// A list, or a text with commas (the environment has no lists); `None` for a table.
fn texts(value: &Value) -> Option<Vec<String>> {
    match &value.kind {
        ValueKind::Array(values) => Some(values.iter().map(text).collect()),
        ValueKind::Table(_) => None,
        _ => Some(text(value).split(',').map(|part| part.trim().to_owned()).filter(|part| !part.is_empty()).collect()),
    }
}

/// Levenshtein: how many letters differ.
fn distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (i, l) in left.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, &r) in right.iter().enumerate() {
            let next = (diagonal + usize::from(l != r)).min(row[j] + 1).min(row[j + 1] + 1);
            diagonal = std::mem::replace(&mut row[j + 1], next);
        }
    }
    row[right.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(file: &str, environment: &[(&str, &str)]) -> Result<Settings, String> {
        let environment = environment.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect();
        Settings::from_sources(Some(("settings.toml", file)), environment).map_err(|error| error.to_string())
    }

    #[test]
    fn nothing_set_is_the_defaults() {
        let settings = load("", &[]).expect("loads");
        assert_eq!(settings, Settings::default());
        assert_eq!(settings.sip_listen, ["0.0.0.0:5060".parse().expect("an address")]);
    }

    #[test]
    fn the_example_shows_the_defaults_and_every_key() {
        let example = include_str!("../../settings.example.toml");
        assert_eq!(load(example, &[]).expect("loads"), Settings::default());
        let all: String =
            example.lines().map(|line| format!("{}\n", line.strip_prefix("# ").unwrap_or(line))).collect();
        let lines = all
            .lines()
            .filter(|line| line.starts_with('[') || line.split_once(" = ").is_some_and(|(key, _)| !key.contains(' ')));
        let settings = load(&lines.collect::<Vec<_>>().join("\n"), &[]).expect("every commented line is right, too");
        assert!(settings.hash_key.is_some() && settings.clock_start.is_some() && settings.trunks.contains_key("kt"));
    }

    #[test]
    fn the_environment_overrides_the_file() {
        let file = "[sip]\nlisten = \"0.0.0.0:5080\"\n[media]\nports = \"20000-20999\"\nworkers = 3\n";
        let settings =
            load(file, &[("IVR1357__SIP__LISTEN", "127.0.0.1:5070, [::1]:5070"), ("OTHER", "x")]).expect("loads");
        let listen: Vec<_> = settings.sip_listen.iter().map(ToString::to_string).collect();
        assert_eq!(listen, ["127.0.0.1:5070", "[::1]:5070"]);
        assert_eq!((settings.media_ports, settings.media_workers), (20000..=20999, 3));
    }

    #[test]
    fn the_clock_starts_at_a_time_with_and_without_seconds() {
        for text in ["2026-11-24T10:00+09:00", "2026-11-24T10:00:00+09:00", "2026-11-24T01:00:00Z"] {
            let settings = load("", &[("IVR1357__CLOCK__START", text)]).expect(text);
            assert_eq!(settings.clock_start, Some(Wall::from_micros(1_795_482_000_000_000)), "{text}");
        }
    }

    #[test]
    fn a_trunk_keeps_its_addresses_and_whatever_else_it_has() {
        let file = "[trunk.kt]\naddresses = [\"192.0.2.10\", \"192.0.2.11\"]\nuser = \"1357\"\n";
        let settings = load(file, &[("IVR1357__TRUNK__KT__PASSWORD", "secret")]).expect("loads");
        let kt = &settings.trunks["kt"];
        let networks: Vec<_> = kt.networks.iter().map(ToString::to_string).collect();
        assert_eq!(networks, ["192.0.2.10/32", "192.0.2.11/32"]);
        assert_eq!(kt.other["user"], "1357");
        assert_eq!(kt.other["password"], "secret");
    }

    #[test]
    fn every_mistake_is_told_with_its_source_and_a_fix() {
        let file = "[sip]\nlisen = \"x\"\nlisten = \"127.0.0.1\"\n[records]\nhash_key = \"short\"\n";
        let environment = [("IVR1357__MEDIA__PORTS", "20001-20002"), ("IVR1357__CLOCK__START", "10:00")];
        let error = load(file, &environment).expect_err("mistakes");
        for part in [
            "`sip.lisen` is not a setting\n  --> settings.toml\n  help: did you mean `sip.listen`?",
            "`sip.listen = \"127.0.0.1\"` cannot be used\n  --> settings.toml\n  help: the port is missing",
            "`records.hash_key` is too short",
            "  --> environment variable IVR1357__MEDIA__PORTS\n  help: two ports",
            "`clock.start = \"10:00\"` cannot be used\n  --> environment variable IVR1357__CLOCK__START",
        ] {
            assert!(error.contains(part), "{part:?} is missing in\n{error}");
        }
        assert!(!error.contains("short\""), "a secret is not repeated");
    }

    #[test]
    fn a_file_that_is_not_toml_is_an_error_with_its_line() {
        let error = load("[sip\nlisten", &[]).expect_err("a mistake");
        assert!(error.contains("settings.toml") && error.contains("line 1"), "{error}");
    }

    #[test]
    fn one_core_still_has_a_media_worker() {
        assert_eq!([1, 2, 8].map(workers_for), [1, 1, 7]);
    }
}
