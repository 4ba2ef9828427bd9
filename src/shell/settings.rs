//! The engineer's settings: defaults, then `settings.toml`, then the environment (`IVR1357__SIP__LISTEN=…`).
//!
//! Every key has a default. All mistakes are reported at once, each with its key, its source and what would be right. What one
//! key means stands here, what a trunk's keys mean in `trunk`, a voice's in `speech`, which codecs there are
//! in `codecs`, what only several keys together show in `check`.

mod check;
mod codecs;
mod speech;
mod trunk;
mod value;

use crate::limits::{
    DRAIN, MEDIA_TIMEOUT_LEAST, SESSION_EXPIRES, SESSION_EXPIRES_LEAST, TCP_CONNECTIONS_PER_ADDRESS_MAX,
};
use crate::sdp::Codecs;
use crate::shell::journal::store::with_suffix;
use crate::shell::local::Advertised;
use crate::shell::media::Sends;
use crate::sip::trunk::{Peers, Strangers};
use crate::speech::Voice;
use crate::time::{Duration, Wall};
use config::{Config, Environment, File, FileFormat, Value, ValueKind};
use jiff::Timestamp;
use std::collections::BTreeMap;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use value::{OVER_PLAIN, distance, duration, flag, listen_help, number, ports, srtp, text, texts};

/// Read when it exists and no other file was named.
pub const DEFAULT_FILE: &str = "settings.toml";

const PREFIX: &str = "IVR1357";

/// How this process is set up.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// `sip.listen`: UDP and TCP.
    pub sip_listen: Vec<SocketAddr>,
    /// `sip.tls`: TLS.
    pub sip_tls: Vec<SocketAddr>,
    /// `sip.advertise`: what peers see instead of the addresses we listen on.
    pub advertise: Vec<Advertised>,
    /// `sip.session_expires` and `sip.session_least`.
    pub session_timer: SessionTimer,
    /// `[tls]`.
    pub tls: TlsFiles,
    /// `dns.servers`; empty: those of the system.
    pub dns_servers: Vec<SocketAddr>,
    /// `[limits]`.
    pub limits: Limits,
    /// `media.ports`: RTP on the even ones, RTCP on the odd ones.
    pub media_ports: RangeInclusive<u16>,
    /// `media.workers`.
    pub media_workers: usize,
    /// `media.io_uring`: how packets leave.
    pub media_sends: Sends,
    /// `media.timeout`: a caller whose packets stop for so long is gone; `None`: never.
    pub media_timeout: Option<Duration>,
    /// `media.quality`: whether loss and jitter of what callers send are counted.
    pub media_quality: bool,
    /// `media.codecs`: what calls may agree on, the best first.
    pub media_codecs: Codecs,
    /// `console.listen`.
    pub console_listen: SocketAddr,
    /// `records.file`.
    pub records_file: PathBuf,
    /// `records.hash_key`; without one, a key file beside the records.
    pub hash_key: Option<String>,
    /// `recording.folder`.
    pub recording_folder: PathBuf,
    /// `versions.folder`; without one, beside the records.
    pub versions_folder: Option<PathBuf>,
    /// `control.socket`; without one, beside the records.
    pub control_socket: Option<PathBuf>,
    /// `[speech.LANGUAGE]`: who reads the texts of prompts.
    pub speech: BTreeMap<String, Voice>,
    /// `clock.start`.
    pub clock_start: Option<Wall>,
    /// `[trunk.NAME]` and `sip.strangers`.
    pub peers: Peers,
}

/// Session timers (RFC 4028).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SessionTimer {
    /// What we ask for, and the most we grant.
    pub expires: Duration,
    /// The least we accept: a shorter one meets 422.
    pub least: Duration,
}

/// The files of TLS.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct TlsFiles {
    /// `tls.certificate`: ours, then those of its issuers (PEM).
    pub certificate: Option<PathBuf>,
    /// `tls.key`: the key of the certificate (PEM).
    pub key: Option<PathBuf>,
    /// `tls.client_ca`: who issues certificates to those who connect to us (PEM).
    pub client_ca: Option<PathBuf>,
    /// `tls.require_client`: nobody connects to us without a certificate.
    pub require_client: bool,
    /// `tls.ca`: whom we believe when we connect (PEM); `None`: whom the system believes.
    pub ca: Option<PathBuf>,
}

/// `[limits]`: what this machine takes on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limits {
    /// Calls at one time; `None`: what ports and files allow.
    pub calls: Option<u32>,
    /// New calls in a second.
    pub calls_per_second: Option<u32>,
    /// How long live calls may go on after SIGTERM.
    pub drain: Duration,
    /// TCP and TLS connections of all peers together; `None`: what files allow.
    pub connections: Option<usize>,
    /// Those of one address that belongs to no trunk.
    pub connections_per_address: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            sip_listen: vec![SocketAddr::from(([0, 0, 0, 0], 5060))],
            sip_tls: Vec::new(),
            advertise: Vec::new(),
            session_timer: SessionTimer { expires: SESSION_EXPIRES, least: SESSION_EXPIRES_LEAST },
            tls: TlsFiles::default(),
            dns_servers: Vec::new(),
            limits: Limits {
                calls: None,
                calls_per_second: None,
                drain: DRAIN,
                connections: None,
                connections_per_address: TCP_CONNECTIONS_PER_ADDRESS_MAX,
            },
            media_ports: 16384..=32767,
            media_workers: workers_for(std::thread::available_parallelism().map_or(1, usize::from)),
            media_sends: Sends::default(),
            media_timeout: None,
            media_quality: true,
            media_codecs: Codecs::USUAL,
            console_listen: SocketAddr::from(([127, 0, 0, 1], 8357)),
            records_file: PathBuf::from("calls.jsonl"),
            recording_folder: PathBuf::from("recordings"),
            hash_key: None,
            versions_folder: None,
            control_socket: None,
            speech: speech::defaults(),
            clock_start: None,
            peers: Peers::default(),
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
        let mut drafts: BTreeMap<String, trunk::Draft> = BTreeMap::new();
        let mut problems = Vec::new();
        let mut sources = check::Sources::new(name);
        // The environment comes after the file and overrides it.
        for (key, value, source) in leaves {
            // A table without a key sets nothing.
            let is_section = KEYS.iter().any(|known| known.starts_with(&format!("{key}.")));
            if is_section && key != "trunk" && matches!(value.kind, ValueKind::Table(_)) {
                continue;
            }
            sources.note(&key, &source);
            let set = match key.strip_prefix("trunk.") {
                Some(rest) => trunk::set(&mut drafts, rest, &value),
                None => match key.strip_prefix("speech.") {
                    Some(rest) => speech::set(&mut settings.speech, rest, &value),
                    None => settings.set(&key, &value),
                },
            };
            if let Err(Wrong { message, help }) = set {
                problems.push(Problem { message, source, help });
            }
        }
        for (name, draft) in drafts {
            match draft.finish(&name) {
                Ok(trunk) => settings.peers.trunks.push(trunk),
                Err(wrongs) => {
                    problems.extend(wrongs.into_iter().map(|wrong| sources.problem(wrong, &format!("trunk.{name}"))))
                }
            }
        }
        settings.check(&sources, &mut problems);
        if problems.is_empty() { Ok(settings) } else { Err(SettingsError(problems)) }
    }

    /// Where published tables are kept.
    pub fn versions(&self) -> PathBuf {
        self.versions_folder.clone().unwrap_or_else(|| with_suffix(&self.records_file, ".versions"))
    }

    /// Where a running engine is spoken to.
    pub fn control(&self) -> PathBuf {
        self.control_socket.clone().unwrap_or_else(|| with_suffix(&self.records_file, ".control"))
    }

    /// Who reads the texts of a language.
    pub fn voice(&self, language: &str) -> Voice {
        self.speech.get(language).cloned().unwrap_or_else(|| Voice::of_language(language))
    }

    fn set(&mut self, key: &str, value: &Value) -> Result<(), Wrong> {
        let bad = |value: &str, help: &str| Wrong::value(key, value, help);
        match key {
            "sip.listen" => {
                self.sip_listen = addresses(key, value, None, "\"0.0.0.0:5060\" or \"[::]:5060\"")?;
                if self.sip_listen.is_empty() {
                    return Err(bad("", "an IP address and a port, as in \"0.0.0.0:5060\""));
                }
            }
            "sip.tls" => self.sip_tls = addresses(key, value, Some(5061), "\"0.0.0.0:5061\" or \"[::]:5061\"")?,
            "sip.advertise" => {
                let help = "the address that peers see, as in \"203.0.113.5\", or one for each listener, as in \"192.168.0.10:5060=203.0.113.5:5060\"";
                self.advertise = texts(value)
                    .ok_or_else(|| bad(&value.to_string(), help))?
                    .iter()
                    .map(|text| text.parse().map_err(|()| bad(text, help)))
                    .collect::<Result<_, _>>()?;
            }
            "sip.strangers" => {
                self.peers.strangers = match text(value).as_str() {
                    "silence" => Strangers::Silence,
                    "403" => Strangers::Forbidden,
                    other => {
                        return Err(bad(
                            other,
                            "\"silence\" or \"403\": what an unknown source meets, whatever it asks",
                        ));
                    }
                }
            }
            "sip.session_expires" => {
                let help = "how long a session lasts without a refresh (RFC 4028), from \"90s\" on; \"30m\" is usual";
                self.session_timer.expires = duration(value)
                    .filter(|expires| *expires >= SESSION_EXPIRES_LEAST)
                    .ok_or_else(|| bad(&text(value), help))?;
            }
            "sip.session_least" => {
                let help = "the shortest session timer we accept, from \"90s\" on (RFC 4028)";
                self.session_timer.least = duration(value)
                    .filter(|least| *least >= SESSION_EXPIRES_LEAST)
                    .ok_or_else(|| bad(&text(value), help))?;
            }
            "tls.certificate" => self.tls.certificate = Some(file(key, value)?),
            "tls.key" => self.tls.key = Some(file(key, value)?),
            "tls.client_ca" => self.tls.client_ca = Some(file(key, value)?),
            "tls.require_client" => {
                self.tls.require_client = flag(value).ok_or_else(|| bad(&text(value), "true or false"))?;
            }
            "tls.ca" => self.tls.ca = Some(file(key, value)?),
            "dns.servers" => {
                let help = "addresses of name servers, as in [\"192.0.2.53\", \"192.0.2.54:5353\"]";
                let servers = texts(value).ok_or_else(|| bad(&value.to_string(), help))?;
                self.dns_servers = servers
                    .iter()
                    .map(|text| address_or(text, 53).ok_or_else(|| bad(text, help)))
                    .collect::<Result<_, _>>()?;
            }
            "limits.calls" => {
                let help = "how many calls at one time, from 1 on; left out, ports and open files decide";
                self.limits.calls =
                    Some(number(value).filter(|calls| *calls > 0).ok_or_else(|| bad(&text(value), help))?);
            }
            "limits.calls_per_second" => {
                let help = "how many new calls in a second, from 1 on; left out, as many as come";
                self.limits.calls_per_second =
                    Some(number(value).filter(|calls| *calls > 0).ok_or_else(|| bad(&text(value), help))?);
            }
            "limits.drain" => {
                let help = "how long live calls may go on after SIGTERM, as in \"120s\" or \"5m\"";
                self.limits.drain = duration(value).ok_or_else(|| bad(&text(value), help))?;
            }
            "limits.connections" => {
                let help = "how many TCP and TLS connections at one time, from 8 on; left out, open files decide";
                self.limits.connections =
                    Some(number(value).filter(|connections| *connections >= 8).ok_or_else(|| bad(&text(value), help))?);
            }
            "limits.connections_per_address" => {
                let help = "how many TCP and TLS connections of one address outside the trunks, from 1 on";
                self.limits.connections_per_address =
                    number(value).filter(|connections| *connections > 0).ok_or_else(|| bad(&text(value), help))?;
            }
            "media.ports" => {
                let text = text(value);
                self.media_ports = ports(&text)
                    .ok_or_else(|| bad(&text, "two ports from 1024 on, the first even, as in \"16384-32767\""))?;
            }
            "media.workers" => {
                self.media_workers = number(value).filter(|workers| (1..=64).contains(workers)).ok_or_else(|| {
                    bad(&text(value), "a number of threads from 1 to 64; the default is one less than the cores")
                })?;
            }
            "media.codecs" => {
                self.media_codecs =
                    codecs::read(&texts(value).unwrap_or_default()).map_err(|help| bad(&text(value), help))?;
            }
            "media.io_uring" => {
                let help = "true or false: packets leave many at a time where the system can, or one by one";
                let batched = flag(value).ok_or_else(|| bad(&text(value), help))?;
                self.media_sends = if batched { Sends::Batched } else { Sends::Plain };
            }
            "media.quality" => {
                let help = "true or false: whether loss, jitter and score of what callers send stand in the records";
                self.media_quality = flag(value).ok_or_else(|| bad(&text(value), help))?;
            }
            "media.timeout" => {
                let help = "how long a caller's packets may stop, as in \"60s\", from 5s on; left out, for ever";
                self.media_timeout = Some(
                    duration(value)
                        .filter(|timeout| *timeout >= MEDIA_TIMEOUT_LEAST)
                        .ok_or_else(|| bad(&text(value), help))?,
                );
            }
            "console.listen" => {
                let text = text(value);
                self.console_listen = text.parse().map_err(|_| {
                    bad(&text, &listen_help(&text, "an IP address and a port, as in \"127.0.0.1:8357\""))
                })?;
            }
            "media.srtp" => self.peers.srtp = srtp(key, value)?,
            "media.srtp_over_plain" => {
                self.peers.srtp_over_plain = flag(value).ok_or_else(|| bad(&text(value), OVER_PLAIN))?;
            }
            "records.file" => {
                let text = text(value);
                if text.is_empty() || text.ends_with('/') {
                    return Err(bad(&text, "the name of a file, as in \"calls.jsonl\""));
                }
                self.records_file = PathBuf::from(text);
            }
            "recording.folder" => {
                let text = text(value);
                if text.is_empty() {
                    return Err(bad(&text, "the name of a folder, as in \"recordings\""));
                }
                self.recording_folder = PathBuf::from(text);
            }
            "records.hash_key" => {
                let text = text(value);
                // The value is a secret: the message does not repeat it.
                if text.len() < 16 {
                    let help = "at least 16 characters, so that nobody finds callers by trying all keys";
                    return Err(Wrong::new(format!("`{key}` is too short"), help));
                }
                self.hash_key = Some(text);
            }
            "versions.folder" => {
                let text = text(value);
                if text.is_empty() {
                    return Err(bad(&text, "the name of a folder, as in \"calls.jsonl.versions\""));
                }
                self.versions_folder = Some(PathBuf::from(text));
            }
            "control.socket" => {
                let text = text(value);
                if text.is_empty() || text.ends_with('/') {
                    return Err(bad(&text, "the name of a Unix socket, as in \"/run/ivr1357/control\""));
                }
                self.control_socket = Some(PathBuf::from(text));
            }
            "clock.start" => {
                let text = text(value);
                let start: Timestamp =
                    text.parse().map_err(|_| bad(&text, "a time with its offset, as in \"2026-11-24T10:00+09:00\""))?;
                self.clock_start = Some(Wall::from_micros(start.as_microsecond()));
            }
            _ => return Err(unknown(key)),
        }
        Ok(())
    }
}

/// What is wrong with one key, before its source is known.
struct Wrong {
    message: String,
    help: String,
}

impl Wrong {
    fn new(message: impl Into<String>, help: impl Into<String>) -> Self {
        Self { message: message.into(), help: help.into() }
    }

    /// A value that cannot be used. Never for secrets: it is repeated.
    fn value(key: &str, value: &str, help: &str) -> Self {
        Self::new(format!("`{key} = {value:?}` cannot be used"), help)
    }
}

/// Addresses with ports; without one, `port`.
fn addresses(key: &str, value: &Value, port: Option<u16>, example: &str) -> Result<Vec<SocketAddr>, Wrong> {
    let help = format!("an IP address and a port, as in {example}; several as a list");
    texts(value)
        .ok_or_else(|| Wrong::value(key, &value.to_string(), &help))?
        .iter()
        .map(|text| {
            let parsed = match port {
                Some(port) => address_or(text, port),
                None => text.parse().ok(),
            };
            parsed.ok_or_else(|| Wrong::value(key, text, &listen_help(text, &help)))
        })
        .collect()
}

/// An address, with this port where it has none.
fn address_or(text: &str, port: u16) -> Option<SocketAddr> {
    let bare = || text.trim_matches(['[', ']']).parse::<IpAddr>().ok().map(|ip| SocketAddr::new(ip, port));
    text.parse().ok().or_else(bare)
}

fn file(key: &str, value: &Value) -> Result<PathBuf, Wrong> {
    let text = text(value);
    if text.is_empty() || text.ends_with('/') {
        return Err(Wrong::value(key, &text, "the name of a PEM file, as in \"tls/server.pem\""));
    }
    Ok(PathBuf::from(text))
}

/// Every key but those of trunks and voices.
const KEYS: [&str; 34] = [
    "sip.listen",
    "sip.tls",
    "sip.advertise",
    "sip.strangers",
    "sip.session_expires",
    "sip.session_least",
    "tls.certificate",
    "tls.key",
    "tls.client_ca",
    "tls.require_client",
    "tls.ca",
    "dns.servers",
    "limits.calls",
    "limits.calls_per_second",
    "limits.drain",
    "limits.connections",
    "limits.connections_per_address",
    "media.ports",
    "media.workers",
    "media.io_uring",
    "media.timeout",
    "media.quality",
    "media.codecs",
    "media.srtp",
    "media.srtp_over_plain",
    "console.listen",
    "records.file",
    "records.hash_key",
    "recording.folder",
    "versions.folder",
    "control.socket",
    "clock.start",
    "speech.LANGUAGE",
    "trunk.NAME",
];

fn unknown(key: &str) -> Wrong {
    let help = if key == "trunk" {
        trunk::EXAMPLE.to_owned()
    } else if key == "speech" {
        speech::EXAMPLE.to_owned()
    } else {
        nearest(key, &KEYS).unwrap_or_else(|| format!("the settings are {}", KEYS.join(", ")))
    };
    Wrong::new(format!("`{key}` is not a setting"), help)
}

/// `did you mean …?`, where one of the known keys is meant.
fn nearest(key: &str, known: &[&str]) -> Option<String> {
    let nearest = known.iter().min_by_key(|known| distance(known, key))?;
    (distance(nearest, key) <= 4).then(|| format!("did you mean `{nearest}`?"))
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sip::Transport;
    use crate::sip::trunk::{Credentials, Proof, Srtp, TrunkId};

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
        let is_key = |line: &&str| line.split_once(" = ").is_some_and(|(key, _)| !key.contains(' '));
        let lines: Vec<&str> = all.lines().filter(|line| line.starts_with('[') || is_key(line)).collect();
        let settings = load(&lines.join("\n"), &[]).expect("every commented line is right, too");
        assert!(settings.hash_key.is_some() && settings.clock_start.is_some());
        assert_eq!(settings.peers.trunks.len(), 3);
        let mut table = "";
        let mut shown = std::collections::BTreeSet::new();
        for line in &lines {
            match line.strip_prefix('[') {
                Some(name) => table = name.split([']', '.']).next().unwrap_or_default(),
                None => drop(shown.insert(format!("{table}.{}", line.split(" = ").next().unwrap_or_default()))),
            }
        }
        for key in KEYS.iter().filter(|key| !key.starts_with("trunk.") && !key.starts_with("speech.")) {
            assert!(shown.contains(*key), "{key} is not in the example");
        }
        for field in trunk::KEYS.iter().filter(|field| !field.ends_with("password_file")) {
            assert!(shown.contains(&format!("trunk.{field}")), "{field} of a trunk is not in the example");
        }
        for field in speech::KEYS {
            assert!(shown.contains(&format!("speech.{field}")), "{field} of a voice is not in the example");
        }
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
    fn a_language_has_a_voice_of_its_own() {
        let file = "[speech.ko]\ncommand = [\"piper\", \"--model\", \"ko.onnx\", \"-f\", \"{out}\"]\n[speech.vi]\nspeed = 140\n";
        let settings = load(file, &[("IVR1357__SPEECH__EN__SPEED_OF_PARTS", "170")]).expect("loads");
        assert_eq!(settings.voice("ko").command[0], "piper");
        assert_eq!(settings.voice("ko").speed, Voice::of_language("ko").speed);
        assert_eq!((settings.voice("vi").speed, settings.voice("en").speed_of_parts), (140, 170));
        assert_eq!(settings.voice("zh"), Voice::of_language("zh"));
        for (file, told) in [
            ("speech = 1", "a voice is a table"),
            ("[speech]\nko = \"x\"", "a voice is a table"),
            ("[speech.English]\nspeed = 140", "is no language"),
            ("[speech.ko]\ncommand = []", "standard input"),
            ("[speech.ko]\nspeed = 0", "words a minute"),
            ("[speech.ko]\nsped = 100", "did you mean `speed`?"),
        ] {
            let error = load(file, &[]).expect_err(file);
            assert!(error.contains(told), "{file}: {error}");
        }
    }

    #[test]
    fn the_clock_starts_at_a_time_with_and_without_seconds() {
        for text in ["2026-11-24T10:00+09:00", "2026-11-24T10:00:00+09:00", "2026-11-24T01:00:00Z"] {
            let settings = load("", &[("IVR1357__CLOCK__START", text)]).expect(text);
            assert_eq!(settings.clock_start, Some(Wall::from_micros(1_795_482_000_000_000)), "{text}");
        }
    }

    #[test]
    fn every_key_of_a_trunk_reaches_it() {
        let file = "[trunk.kt]\naddresses = [\"192.0.2.10\", \"198.51.100.0/24\"]\ntransport = \"TCP\"\nproxy = \"sip:sbc.kt.example\"\n\
            user = \"1357\"\nrealm = \"kt.example\"\nregistrar = \"sip:kt.example\"\naddress_of_record = \"sip:1357@kt.example\"\n\
            expires = \"10m\"\nkeepalive = \"25s\"\ncalls = 120\ncalls_per_second = 10\nearly_media = true\ntrusted = true\nsrtp = \"optional\"\nsrtp_over_plain = true\ndigest.user = \"kt\"\n\
            digest.password = \"theirs\"\n[sip]\nstrangers = 403\n";
        let settings = load(file, &[("IVR1357__TRUNK__KT__PASSWORD", "secret")]).expect("loads");
        assert_eq!(settings.peers.strangers, Strangers::Forbidden);
        let [kt] = &settings.peers.trunks[..] else { panic!("one trunk") };
        let networks: Vec<_> = kt.networks.iter().map(ToString::to_string).collect();
        assert_eq!(networks, ["192.0.2.10/32", "198.51.100.0/24"]);
        assert_eq!(kt.transport, Some(Transport::Tcp));
        assert_eq!((kt.srtp, kt.srtp_over_plain), (Some(Srtp::Optional), Some(true)));
        assert_eq!(kt.proxy.as_ref().map(|proxy| proxy.host()), Some("sbc.kt.example"));
        let ours = Credentials {
            realm: Some("kt.example".to_owned()),
            user: "1357".to_owned(),
            password: "secret".to_owned(),
        };
        assert_eq!(kt.credentials, Some(ours));
        let theirs = Credentials { realm: None, user: "kt".to_owned(), password: "theirs".to_owned() };
        assert_eq!(kt.proof, Proof::Digest(theirs));
        let registration = kt.registration.as_ref().expect("a registration");
        assert_eq!((registration.address.user().as_str(), registration.expires), ("1357", Duration::from_secs(600)));
        assert_eq!(registration.keepalive, Some(Duration::from_secs(25)));
        assert_eq!((kt.calls, kt.calls_per_second, kt.early_media, kt.trusted), (Some(120), Some(10), true, true));
    }

    #[test]
    fn a_password_may_stand_in_a_file_of_its_own() {
        let file = std::env::temp_dir().join(format!("ivr1357-password-{}", std::process::id()));
        std::fs::write(&file, "from the file\n").expect("writes");
        let text = format!(
            "[trunk.kt]\naddresses = \"192.0.2.10\"\nuser = \"1357\"\npassword_file = {:?}\n",
            file.display().to_string()
        );
        let settings = load(&text, &[]);
        std::fs::remove_file(&file).expect("removes");
        let settings = settings.expect("loads");
        assert_eq!(
            settings.peers.trunks[0].credentials.as_ref().map(|ours| ours.password.as_str()),
            Some("from the file")
        );
        let error = load(&text, &[]).expect_err("the file is gone");
        assert!(error.contains("`trunk.kt.password_file`: cannot read"), "{error}");
    }

    #[test]
    fn a_registrar_is_proof_enough() {
        let file = "[trunk.kt]\nregistrar = \"sip:kt.example\"\naddress_of_record = \"sip:1357@kt.example\"\n";
        let settings = load(file, &[]).expect("loads");
        assert!(settings.peers.trunks[0].networks.is_empty());
    }

    #[test]
    fn a_trunk_is_encrypted_as_it_says_or_as_everybody_is_and_keys_go_by_tls_unless_the_settings_say_otherwise() {
        let file = "[media]\nsrtp = \"optional\"\n[sip]\ntls = \"127.0.0.1:5061\"\n[tls]\ncertificate = \"a\"\nkey = \"b\"\n\
            [trunk.a]\naddresses = \"192.0.2.1\"\n[trunk.b]\naddresses = \"192.0.2.2\"\nsrtp = \"required\"\ntransport = \"tls\"\n\
            [trunk.c]\naddresses = \"192.0.2.3\"\nsrtp = \"off\"\nsrtp_over_plain = true\n";
        let peers = load(file, &[]).expect("loads").peers;
        for (trunk, transport, means) in [
            (None, Transport::Udp, (Srtp::Optional, false)),
            (None, Transport::Tls, (Srtp::Optional, true)),
            (Some(0), Transport::Tcp, (Srtp::Optional, false)),
            (Some(0), Transport::Tls, (Srtp::Optional, true)),
            (Some(1), Transport::Tls, (Srtp::Required, true)),
            (Some(2), Transport::Udp, (Srtp::Off, true)),
        ] {
            assert_eq!(peers.srtp(trunk.map(TrunkId), transport), means, "{trunk:?} {transport:?}");
        }
        let everybody = |more: &str| load(&format!("[media]\nsrtp = \"required\"\n{more}"), &[]);
        assert!(everybody("").expect_err("no TLS").to_string().contains("no call can bring its keys"));
        assert!(everybody("srtp_over_plain = true\n").is_ok());
    }

    #[test]
    fn what_makes_no_trunk_is_told_and_no_secret_is_repeated() {
        for (lines, part) in [
            ("", "nothing proves that a peer is `trunk.kt`"),
            ("proxy = \"sip:kt.example\"", "nothing proves that a peer is `trunk.kt`"),
            ("transport = \"sctp\"", "`trunk.kt.transport = \"sctp\"` cannot be used"),
            ("digest.user = \"kt\"", "`trunk.kt.digest.password` is missing"),
            ("digest.password = \"hidden\"", "`trunk.kt.digest.user` is missing"),
            ("addresses = \"192.0.2.1\"\npassword = \"hidden\"", "`trunk.kt.user` is missing"),
            ("addresses = \"192.0.2.1\"\nuser = \"a\"\npassword = \"hidden\"\npassword_file = \"x\"", "are both given"),
            ("addresses = \"192.0.2.1/33\"", "`trunk.kt.addresses = \"192.0.2.1/33\"` cannot be used"),
            ("addresses = \"192.0.2.1\"\nregistrar = \"sip:kt.example\"", "has half a registration"),
            ("addresses = \"192.0.2.1\"\nkeepalive = \"25s\"", "has half a registration"),
            ("addresses = \"192.0.2.1\"\nkeepalive = \"1s\"", "`trunk.kt.keepalive = \"1s\"` cannot be used"),
            ("addresses = \"192.0.2.1\"\nsrtp = \"on\"", "`trunk.kt.srtp = \"on\"` cannot be used"),
            ("addresses = \"192.0.2.1\"\nsrtp_over_plain = 3", "`trunk.kt.srtp_over_plain = \"3\"` cannot be used"),
            (
                "addresses = \"192.0.2.1\"\ntransport = \"udp\"\nsrtp = \"required\"",
                "`trunk.kt` requires SRTP, and its signalling would show the keys",
            ),
            ("addresses = \"192.0.2.1\"\nadresses = \"192.0.2.1\"", "did you mean `addresses`?"),
            ("addresses = \"192.0.2.1\"\nproxy = \"tel:1357\"", "`trunk.kt.proxy = \"tel:1357\"` cannot be used"),
            ("addresses = \"192.0.2.1\"\ntransport = \"tls\"", "`trunk.kt` uses TLS, and there is none"),
            ("certificate = \"sbc.kt.example\"", "`trunk.kt` cannot show its certificate"),
            ("certificate = \"*.kt.example\"", "no wildcard"),
            ("certificate = \"kt.example\"\ntransport = \"udp\"", "`trunk.kt.certificate` can never be seen"),
            ("certificate = \"kt.example\"\ndigest.user = \"a\"\ndigest.password = \"hidden\"", "has two proofs"),
        ] {
            let error = load(&format!("[trunk.kt]\n{lines}\n"), &[]).expect_err(lines);
            assert!(error.contains(part), "{part:?} is missing for {lines}\n{error}");
            assert!(error.contains("--> settings.toml") && !error.contains("hidden"), "{error}");
        }
    }

    #[test]
    fn listeners_and_tls_must_fit_together() {
        let tls = "[tls]\ncertificate = \"a.pem\"\nkey = \"a.key\"\n";
        for (file, part) in [
            ("[sip]\nlisten = [\"127.0.0.1:5060\", \"127.0.0.1:5060\"]", "`sip.listen` names 127.0.0.1:5060 twice"),
            ("[sip]\nlisten = [\"0.0.0.0:5060\", \"127.0.0.1:5060\"]", "0.0.0.0:5060 listens there already"),
            (&format!("[sip]\ntls = \"0.0.0.0:5060\"\n{tls}"), "`sip.tls` names 0.0.0.0:5060 twice"),
            ("[sip]\ntls = \"0.0.0.0\"", "`sip.tls` has no certificate to show"),
            ("[tls]\ncertificate = \"a.pem\"", "`tls.key` is missing"),
            ("[tls]\nrequire_client = true", "`tls.require_client` has nobody to believe"),
            (
                "[sip]\nadvertise = \"10.0.0.1:5060=203.0.113.5\"",
                "`sip.advertise` is for 10.0.0.1:5060, and nothing listens there",
            ),
            ("[sip]\nadvertise = \"0.0.0.0\"", "`sip.advertise = \"0.0.0.0\"` cannot be used"),
            ("[sip]\nsession_least = \"1h\"", "refuses what we ask for ourselves"),
        ] {
            let error = load(file, &[]).expect_err(file);
            assert!(error.contains(part), "{part:?} is missing for {file}\n{error}");
        }
        let both = format!("[sip]\nlisten = [\"0.0.0.0:5060\", \"[::]:5060\"]\ntls = [\"0.0.0.0\", \"[::]\"]\n{tls}");
        let settings = load(&both, &[]).expect("two families and TLS on its own port");
        let listen: Vec<_> = settings.sip_tls.iter().map(ToString::to_string).collect();
        assert_eq!(listen, ["0.0.0.0:5061", "[::]:5061"]);
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
