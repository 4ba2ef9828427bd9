//! The engineer's settings: defaults, then `settings.toml`, then the environment (`IVR1357__SIP__LISTEN=…`).
//!
//! Every key has a default. All mistakes are reported at once, each with its key, its source and what would be right. What one
//! key means stands in `keys`, what a trunk's keys mean in `trunk`, a voice's in `speech`, which codecs there are
//! in `codecs`, what only several keys together show in `check`.

mod check;
mod codecs;
mod keys;
mod speech;
mod stray;
mod trunk;
mod value;

use crate::limits::{DRAIN, SESSION_EXPIRES, SESSION_EXPIRES_LEAST, TCP_CONNECTIONS_PER_ADDRESS_MAX};
use crate::routing::Language;
use crate::sdp::Codecs;
use crate::shell::journal::store::with_suffix;
use crate::shell::local::Advertised;
use crate::shell::media::Sends;
use crate::shell::reason;
use crate::sip::trunk::Peers;
use crate::speech::{Voice, Voices};
use crate::time::{Duration, Wall};
use config::{Config, Environment, File, FileFormat, Value, ValueKind};
use keys::{KEYS, nearest};
use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
pub use stray::{Stray, strays};

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
    pub speech: Voices,
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
    /// What is wrong, with the key: in Korean and in English.
    pub message: [String; 2],
    /// Where it stands.
    pub source: String,
    /// What would be right; in English alone where it is mostly an example.
    pub help: [String; 2],
}

impl fmt::Display for SettingsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.told(Language::English))
    }
}

impl SettingsError {
    /// Every mistake, where it stands, and what would be right.
    pub fn told(&self, language: Language) -> String {
        let word = language.of(&["고치는 법", "help"]);
        let told = |Problem { message, source, help }: &Problem| {
            format!("{}\n  --> {source}\n  {word}: {}", language.of(message), language.of(help))
        };
        self.0.iter().map(told).collect::<Vec<_>>().join("\n")
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
                    let [korean, english] = reason::both(&error);
                    let message =
                        [format!("설정을 읽을 수 없습니다: {korean}"), format!("cannot read the settings: {english}")];
                    let help = [
                        "--settings 뒤에 있는 파일의 이름을 쓰거나 빼세요. 모든 설정에는 기본값이 있습니다",
                        "name an existing file after --settings, or leave the option out: every setting has a default",
                    ];
                    SettingsError(vec![Problem {
                        message,
                        source: file.display().to_string(),
                        help: help.map(str::to_owned),
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
                // Line and column, and the reader's own words, in English.
                let (error, help) = (error.to_string(), SEE_EXAMPLE.map(str::to_owned));
                let message = [
                    format!("설정을 TOML 로 읽을 수 없습니다: {}", error.trim()),
                    format!("the settings are not TOML: {}", error.trim()),
                ];
                SettingsError(vec![Problem { message, source: name.to_owned(), help }])
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
            let message =
                [format!("환경 변수를 읽을 수 없습니다: {error}"), format!("the environment cannot be read: {error}")];
            SettingsError(vec![Problem {
                message,
                source: format!("{PREFIX}__…"),
                help: SEE_EXAMPLE.map(str::to_owned),
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
        self.speech.of(language)
    }
}

const SEE_EXAMPLE: [&str; 2] = ["settings.example.toml 을 보세요", "see settings.example.toml"];

/// What is wrong with one key, before its source is known.
struct Wrong {
    message: [String; 2],
    help: [String; 2],
}

impl Wrong {
    /// In English alone.
    fn new(message: impl Into<String>, help: impl Into<String>) -> Self {
        let (message, help) = (message.into(), help.into());
        Self { message: [message.clone(), message], help: [help.clone(), help] }
    }

    /// In Korean and in English.
    fn both(message: [String; 2], help: [String; 2]) -> Self {
        Self { message, help }
    }

    /// A key that nobody knows; `known` is the one that is meant, or what there is.
    fn unknown(key: &str, known: [String; 2]) -> Self {
        Self::both([format!("`{key}` 라는 설정은 없습니다"), format!("`{key}` is not a setting")], known)
    }

    /// A value that cannot be used. Never for secrets: it is repeated.
    fn value(key: &str, value: &str, help: &str) -> Self {
        let message =
            [format!("`{key} = {value:?}` 은(는) 쓸 수 없는 값입니다"), format!("`{key} = {value:?}` cannot be used")];
        Self::both(message, [help.to_owned(), help.to_owned()])
    }
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
mod tests;
