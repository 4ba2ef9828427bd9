//! `ivr1357 serve`: start-up, the block that says what is running, and the end.

use crate::engine::{self, Edition};
use crate::limits::{CERTIFICATE_TOLD_EVERY, SIGNAL_ECHO, TCP_CONNECTIONS_MAX};
use crate::random::{Random, Secrets};
use crate::routing::Language;
use crate::shell::clock::Clock;
use crate::shell::control::{self, Desk};
use crate::shell::instance::{Instance, Parts, Sockets};
use crate::shell::journal::{self, OpenError};
use crate::shell::listen::{self, ListenError, Listener};
use crate::shell::live::Live;
use crate::shell::local::{Ours, Views};
use crate::shell::log::Log;
use crate::shell::publish::start::{self, Begun, Places};
use crate::shell::publish::{Gate, Order, Publisher, What};
use crate::shell::reason;
use crate::shell::settings::{self, Settings, Stray};
use crate::shell::switches;
use crate::shell::table::{self, Files, Table};
use crate::shell::tcp::Caps;
use crate::shell::tls::Tls;
use crate::shell::versions::{Version, Who};
use crate::sip::Transport;
use crate::sip::trunk::Peers;
use crate::time::{Duration, Wall};
use sha2::{Digest, Sha256};
use std::fmt;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::signal::unix::{SignalKind, signal};
use tracing::{error, info, warn};

/// What `serve` was asked for.
#[derive(Clone, Debug)]
pub struct Options {
    /// Table and prompts.
    pub files: Files,
    /// `--settings`.
    pub settings: Option<PathBuf>,
    /// `--stand-ins`.
    pub stand_ins: bool,
    /// `--publish`.
    pub publish: bool,
    /// What a table must pass before it goes live.
    pub gate: Gate,
}

/// Why the program ends early, as text for whoever started it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Failure {
    /// An argument, a setting, a file or a port: the reader can mend it. Exit code 2.
    Setup(String),
    /// Anything else. Exit code 1.
    Broken(String),
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Setup(text) | Self::Broken(text) => f.write_str(text),
        }
    }
}

/// Answers calls until SIGTERM or Ctrl-C.
pub fn run(options: &Options) -> Result<(), Failure> {
    let log = Log::start("info");
    let result = serve(options);
    log.close();
    result
}

fn serve(options: &Options) -> Result<(), Failure> {
    let variables = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
    for Stray { variable, meant } in settings::strays(variables) {
        warn!(variable, meant, "this variable is no setting and changes nothing: ours begin with IVR1357__");
    }
    let language = options.files.language;
    let settings = Settings::load(options.settings.as_deref()).map_err(|error| Failure::Setup(error.told(language)))?;
    let places = Places {
        files: options.files.clone(),
        versions: settings.versions(),
        switches: switches::path(&settings.records_file),
        codecs: settings.media_codecs,
        voices: settings.speech.clone(),
    };
    let mut found = start::find(&places, options.gate, options.publish)?;
    let tls = Tls::load(settings.tls.clone()).map_err(|error| Failure::Setup(error.told(language)))?;
    let tls = Arc::new(tls);
    let unbound = |error: ListenError| Failure::Setup(error.told(language));
    let listeners = listen::bind(&settings.sip_listen).map_err(unbound)?;
    let tls_listeners = listen::bind_tls(&settings.sip_tls).map_err(unbound)?;
    let stand_ins = if options.stand_ins { bind_stand_ins(&found.table, &listeners, language)? } else { Vec::new() };
    let store = journal::open(&settings.records_file).map_err(|error| records_failure(&settings, error, language))?;
    let hash_key = hash_key(&settings, language)?;
    let open_files = raise_file_limit();
    let caps = Caps {
        all: settings.limits.connections.unwrap_or_else(|| connections_possible(open_files)),
        per_address: settings.limits.connections_per_address,
    };

    // Before any thread starts: a signal that comes from now on ends the program in order.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(broken)?;
    let mut signals = runtime.block_on(async { Signals::new() }).map_err(broken)?;
    let mut hang_ups = runtime.block_on(async { signal(SignalKind::hangup()) }).map_err(broken)?;
    let clock = Clock::start(settings.clock_start);
    // Whatever may fail at a start has not failed: from here on, what was found is what is live.
    let (table, unpublished, begun) = loop {
        let (table, unpublished) = (found.table.clone(), found.unpublished.clone());
        match found.begin(&places, options.gate, clock)? {
            Some(begun) => break (table, unpublished, begun),
            None => found = start::find(&places, options.gate, options.publish)?,
        }
    };
    let Begun { press, alarms } = begun;
    let version = press.live().version.clone();
    let control = {
        let _runtime = runtime.enter();
        let path = settings.control();
        control::bind(&path).map_err(|error| control_failure(&path, &error, language))?
    };
    let (our_ports, their_ports) = match options.stand_ins {
        true => halves(&settings.media_ports),
        false => (settings.media_ports.clone(), 0..=0),
    };
    // A call beyond that room would be refused anyhow, at the price of a record, or find no port for its bridge.
    let room = u32::try_from(legs_possible(&our_ports, open_files, caps.all)).unwrap_or(u32::MAX);
    let peers = Peers {
        calls: settings.limits.calls,
        legs: Some(room),
        calls_per_second: settings.limits.calls_per_second,
        ..settings.peers.clone()
    };
    let mut instance = Instance::start(Parts {
        engine: engine::Settings {
            session: engine::Intervals {
                interval: settings.session_timer.expires,
                shortest: settings.session_timer.least,
            },
            ..engine_settings(Arc::clone(&press.live().edition), hash_key, peers, options.stand_ins)?
        },
        sockets: Sockets {
            listeners,
            tls_listeners,
            tls: Arc::clone(&tls),
            views: Views::new(settings.advertise.clone()),
            caps,
            dns_servers: settings.dns_servers.clone(),
        },
        media_ports: our_ports.clone(),
        media_workers: settings.media_workers,
        media_sends: settings.media_sends,
        media_patience: settings.media_timeout,
        media_counts: settings.media_quality,
        recordings: Some(settings.recording_folder.clone()),
        media_random: Random::from_seed(chance()?),
        clock,
        store: Some(store),
        live: Arc::new(Live::default()),
    })
    .map_err(broken)?;
    let beyond = table::beyond_calendar(&press.live().edition.plan, clock.now().wall);
    for [_, alarm] in alarms.iter().chain(&beyond) {
        error!(alarm, "alarm");
    }
    let listeners = instance.addresses.iter().chain(&instance.tls_addresses).copied().collect();
    let press = press.listening(Ours::new(listeners, Views::new(settings.advertise.clone())));
    let (publisher, _) = Publisher::start(press, instance.inbox(), alarms).map_err(broken)?;
    let centres = if options.stand_ins { Some(start_stand_ins(&table, stand_ins, their_ports, clock)?) } else { None };

    let block = Block {
        options,
        settings: &settings,
        table: &table,
        version: &version,
        unpublished: unpublished.as_deref(),
        now: clock.now().wall,
        addresses: &instance.addresses,
        tls_addresses: &instance.tls_addresses,
        connections: caps.all,
        stand_ins: centres.as_ref().map_or(&[], |centres| &centres.addresses),
        ports: our_ports,
        open_files,
    };
    // Whoever started us may not read what we print.
    let _ = io::stdout().lock().write_all(block.to_string().as_bytes());
    if settings.peers.trunks.is_empty() {
        warn!("no trunk in the settings: only loopback and private networks are answered");
    }

    tls.tell();
    warn_of_half_trunks(&settings);
    if let Some(unpublished) = &unpublished {
        warn!(
            live = version.number,
            unpublished, "edits that were not published are not live: `ivr1357 publish --why …`"
        );
    }
    let order = |what, why: &str| {
        let who = Who { user: why.to_owned(), ..Who::default() };
        let (why, language) = (why.to_owned(), options.files.language);
        Order { what, who, why, over: None, dry_run: false, language }
    };
    if !version.proved {
        publisher.order_unwatched(order(What::Prove, "serve"));
    }
    let desk = Arc::new(Desk {
        publisher: Arc::clone(&publisher),
        versions: places.versions.clone(),
        routing: options.files.routing.clone(),
        switches: places.switches.clone(),
        live: Arc::clone(&instance.live),
        clock,
    });

    let ended = instance.ended();
    let by_signal = runtime.block_on(async {
        tokio::pin!(ended);
        tokio::spawn(control::serve(control, desk));
        let watching = switches::watch(switches::path(&settings.records_file), |state| instance.switched(state));
        tokio::pin!(watching);
        let mut daily = tokio::time::interval(CERTIFICATE_TOLD_EVERY);
        daily.reset();
        loop {
            tokio::select! {
                () = signals.next() => break,
                () = &mut watching => break,
                () = &mut ended => return false,
                _ = daily.tick() => tls.tell(),
                _ = hang_ups.recv() => {
                    reload(&tls);
                    publisher.order_unwatched(order(What::File(options.files.routing.clone()), "SIGHUP"));
                }
            }
        }
        instance.drain(settings.limits.drain);
        let live = instance.live.summary();
        if !instance.live.is_empty() {
            info!(live, "asked to end: live calls go on to theirs; a second signal hangs up, a third ends at once");
        }
        tokio::select! {
            () = signals.again() => info!(live = instance.live.summary(), "second signal: hanging up"),
            () = ended => {}
        }
        true
    });
    // One that a killed process leaves behind is replaced by the next.
    let _ = std::fs::remove_file(settings.control());
    // Nothing can be lost by the third signal that the next start does not mend.
    runtime.block_on(async {
        let stop = tokio::task::spawn_blocking(move || {
            let result = instance.stop();
            if let Some(centres) = centres {
                let _ = centres.stop();
            }
            result
        });
        tokio::select! {
            stopped = stop => match stopped {
                Ok(Ok(())) if by_signal => Ok(()),
                Ok(Ok(())) => Err(Failure::Broken("the engine ended by itself".to_owned())),
                Ok(Err(error)) => Err(broken(error)),
                Err(error) => Err(Failure::Broken(error.to_string())),
            },
            () = signals.again() => Err(Failure::Broken("ended at once by the third signal".to_owned())),
        }
    })
}

/// SIGHUP: reads the certificates again. What is broken stays as it was.
fn reload(tls: &Tls) {
    match tls.reload() {
        Ok(()) => tls.tell(),
        Err(error) => warn!(error = error.message[1], help = error.help[1], "certificates not reloaded"),
    }
}

struct Signals {
    terminate: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
}

impl Signals {
    fn new() -> io::Result<Self> {
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    /// A further signal that is no echo of the one before.
    async fn again(&mut self) {
        tokio::time::sleep(SIGNAL_ECHO).await;
        // What came meanwhile came with the first: both streams hold at most one signal.
        let _ = tokio::time::timeout(Duration::ZERO, self.next()).await;
        let _ = tokio::time::timeout(Duration::ZERO, self.next()).await;
        self.next().await;
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

fn broken(error: io::Error) -> Failure {
    Failure::Broken(error.to_string())
}

/// What the engine is told once.
pub(super) fn engine_settings(
    edition: Arc<Edition>,
    hash_key: [u8; 32],
    peers: Peers,
    stand_ins: bool,
) -> Result<engine::Settings, Failure> {
    Ok(engine::Settings {
        edition,
        hash_key,
        peers,
        session: engine::Intervals::default(),
        stand_ins,
        random: Random::from_seed(chance()?),
        secrets: Secrets::from_seed(chance()?),
    })
}

/// 32 bytes of the system's randomness.
pub(super) fn chance() -> Result<[u8; 32], Failure> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(|error| Failure::Broken(format!("the system gives no randomness: {error}")))?;
    Ok(bytes)
}

/// What works in one direction only, and may be meant so.
fn warn_of_half_trunks(settings: &Settings) {
    for trunk in &settings.peers.trunks {
        if trunk.transport == Some(Transport::Tls) && settings.sip_tls.is_empty() {
            warn!(trunk = trunk.name, "without sip.tls it reaches us only on connections that we open");
        }
    }
}

// ---- stand-in centres ----------------------------------------------------------------------------------------------

/// Binds every port that a loopback target of the table names, on the addresses we listen on.
fn bind_stand_ins(table: &Table, ours: &[Listener], language: Language) -> Result<Vec<Listener>, Failure> {
    let ports = table.loopback_ports();
    if ports.is_empty() {
        let words = [
            "--stand-ins 로 대신할 센터가 없습니다: 대신 서는 센터는 127.0.0.1 의 주소를 맡는데, 표에 그런 주소가 없습니다",
            "--stand-ins has nothing to stand in for: stand-in centres answer targets on 127.0.0.1, and the table has none",
        ];
        return Err(Failure::Setup((*language.of(&words)).to_owned()));
    }
    let addresses: Vec<SocketAddr> = ours
        .iter()
        .flat_map(|listener| ports.iter().map(|&port| SocketAddr::new(listener.address.ip(), port)))
        .collect();
    listen::bind(&addresses).map_err(|error| {
        // Another `sip.listen` would not move them: they listen where the table's targets say.
        let error = error.told(language);
        let what = error.lines().next().unwrap_or_default();
        let words = [
            format!(
                "대신 서는 센터: {what}\n  고치는 법: 대신 서는 센터는 표에 있는 포트에서 듣습니다. 다른 프로그램을 멈추거나 표의 포트를 바꾸세요"
            ),
            format!(
                "stand-in centres: {what}\n  help: stand-in centres listen on the ports of the table's targets: end the other program, or change the ports in the table"
            ),
        ];
        Failure::Setup(language.of(&words).clone())
    })
}

/// The RTP ports of two engines on one machine, so that they do not try each other's.
pub(super) fn halves(ports: &RangeInclusive<u16>) -> (RangeInclusive<u16>, RangeInclusive<u16>) {
    let half = ports.start() + (ports.end() - ports.start()).saturating_add(1) / 4 * 2;
    (*ports.start()..=half.saturating_sub(1), half..=*ports.end())
}

/// A second engine that answers for every centre of the table.
pub(super) fn start_stand_ins(
    table: &Table,
    listeners: Vec<Listener>,
    media_ports: RangeInclusive<u16>,
    clock: Clock,
) -> Result<Instance, Failure> {
    let theirs = Arc::new(Edition::new(Arc::new(table.stand_ins()), &table.catalogue));
    Instance::start(Parts {
        engine: engine_settings(theirs, chance()?, Peers::default(), false)?,
        sockets: Sockets::plain(listeners).map_err(|error| Failure::Setup(error.told(Language::English)))?,
        media_ports,
        media_workers: 1,
        media_sends: Default::default(),
        media_patience: None,
        media_counts: true,
        recordings: None,
        media_random: Random::from_seed(chance()?),
        clock,
        store: None,
        live: Arc::new(Live::default()),
    })
    .map_err(broken)
}

// ---- files ---------------------------------------------------------------------------------------------------------

fn records_failure(settings: &Settings, error: OpenError, language: Language) -> Failure {
    let file = settings.records_file.display();
    let words = match error {
        OpenError::InUse => [
            format!(
                "다른 ivr1357 이 {file} 에 기록을 쓰고 있습니다\n  고치는 법: 그것을 멈추거나 다른 파일을 쓰세요: IVR1357__RECORDS__FILE=other.jsonl"
            ),
            format!(
                "another ivr1357 writes its records to {file}\n  help: stop it, or choose another file: IVR1357__RECORDS__FILE=other.jsonl"
            ),
        ],
        OpenError::Failed { step, path, error } => {
            let ([korean, english], path) = (reason::both(&error), path.display());
            [
                format!(
                    "기록의 파일 {path} 을(를) 쓸 수 없습니다: {korean}\n  고치는 법: records.file 에 이 사용자가 쓸 수 있는 폴더의 파일을 적으세요"
                ),
                format!(
                    "cannot {step} {path}: {english}\n  help: records.file names a file in a folder that this user may write to"
                ),
            ]
        }
    };
    Failure::Setup(language.of(&words).clone())
}

fn control_failure(path: &Path, error: &io::Error, language: Language) -> Failure {
    let ([korean, english], path) = (reason::both(error), path.display());
    let words = [
        format!(
            "제어 소켓 {path} 에서 들을 수 없습니다: {korean}\n  고치는 법: control.socket 에 이 사용자가 쓸 수 있는 폴더의 소켓(107바이트까지)을 적으세요: IVR1357__CONTROL__SOCKET=/run/ivr1357/control"
        ),
        format!(
            "cannot listen on the control socket {path}: {english}\n  help: control.socket names a socket (at most 107 bytes) in a folder that this user may write to: IVR1357__CONTROL__SOCKET=/run/ivr1357/control"
        ),
    ];
    Failure::Setup(language.of(&words).clone())
}

/// The key of the callers' hash: from the settings, else from a file beside the records that is made once.
fn hash_key(settings: &Settings, language: Language) -> Result<[u8; 32], Failure> {
    if let Some(text) = &settings.hash_key {
        return Ok(Sha256::digest(text.as_bytes()).into());
    }
    let path = journal::store::with_suffix(&settings.records_file, ".key");
    let help = language.of(&[
        "고치는 법: 이 열쇠로 한 사람의 통화들을 기록에서 알아봅니다. 되돌려 놓거나, 파일을 지우면 새로 만듭니다",
        "help: the key makes one caller's calls match in the records; put it back, or remove the file for a new key",
    ]);
    match std::fs::read_to_string(&path) {
        Ok(text) if text.trim().len() >= 32 => Ok(Sha256::digest(text.trim().as_bytes()).into()),
        Ok(_) => {
            let what = language.of(&["열쇠가 들어 있지 않습니다", "it holds no key"]);
            Err(Failure::Setup(format!("{}: {what}\n  {help}", path.display())))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let text: String = chance()?.iter().map(|byte| format!("{byte:02x}")).collect();
            write_secret(&path, &text).map_err(|error| Failure::Setup(reason::unwritable(&path, &error, language)))?;
            Ok(Sha256::digest(text.as_bytes()).into())
        }
        Err(error) => Err(Failure::Setup(format!("{}\n  {help}", reason::unreadable(&path, &error, language)))),
    }
}

/// A new file that only its owner reads.
fn write_secret(path: &Path, text: &str) -> io::Result<()> {
    use std::os::unix::fs::OpenOptionsExt;
    let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(text.as_bytes())?;
    file.write_all(b"\n")?;
    file.sync_all()
}

/// The soft limit of open files, raised to the hard one.
fn raise_file_limit() -> u64 {
    rlimit::increase_nofile_limit(u64::MAX).unwrap_or_else(|error| {
        warn!(%error, "the limit of open files stays as it is");
        rlimit::Resource::NOFILE.get_soft().unwrap_or(1024)
    })
}

// ---- what is running -----------------------------------------------------------------------------------------------

/// How many legs of calls fit: two ports each, for sound and reports, and as many files after those for connections and everything else.
fn legs_possible(ports: &RangeInclusive<u16>, open_files: u64, connections: usize) -> u64 {
    const FILES_FOR_THE_REST: u64 = 128;
    let ports = ports.clone().count() as u64 / 2;
    ports.min(open_files.saturating_sub(FILES_FOR_THE_REST + connections as u64) / 2)
}

/// How many TCP and TLS connections there may be: a quarter of the files, so that calls find room.
fn connections_possible(open_files: u64) -> usize {
    usize::try_from(open_files / 4).unwrap_or(usize::MAX).clamp(8, TCP_CONNECTIONS_MAX)
}

/// The one short block on standard output.
struct Block<'a> {
    options: &'a Options,
    settings: &'a Settings,
    table: &'a Table,
    version: &'a Version,
    unpublished: Option<&'a str>,
    now: Wall,
    addresses: &'a [SocketAddr],
    tls_addresses: &'a [SocketAddr],
    connections: usize,
    stand_ins: &'a [SocketAddr],
    ports: RangeInclusive<u16>,
    open_files: u64,
}

impl fmt::Display for Block<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { options, settings, table, version, unpublished, now, addresses, tls_addresses, .. } = self;
        let Self { connections, stand_ins, ports, open_files, .. } = self;
        let list = |addresses: &[SocketAddr]| addresses.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        let legs = legs_possible(ports, *open_files, *connections);
        let room = if table.plan.bridges() {
            format!("{} calls of two legs (bridge)", legs / 2)
        } else {
            format!("{legs} calls")
        };
        writeln!(f, "ivr1357 {}", env!("CARGO_PKG_VERSION"))?;
        writeln!(f, "  SIP        {} (UDP and TCP)", list(addresses))?;
        if !tls_addresses.is_empty() {
            writeln!(f, "  TLS        {}", list(tls_addresses))?;
        }
        let trunks = &settings.peers.trunks;
        if !trunks.is_empty() {
            let names: Vec<&str> = trunks.iter().map(|trunk| trunk.name.as_str()).collect();
            writeln!(f, "  trunks     {}", names.join(", "))?;
        }
        writeln!(f, "  RTP        ports {}-{}, room for {room}", ports.start(), ports.end())?;
        let (file, number, hash) = (&version.file, version.number, version.short_hash());
        writeln!(f, "  table      {file}, version {number} ({hash}): {}", table.size())?;
        if let Some(unpublished) = unpublished {
            let file = options.files.routing.display();
            writeln!(f, "  NOT LIVE   {unpublished}: ivr1357 publish {file} --why \"...\"")?;
        }
        // A file that cannot be read is told by who looks at it all the time.
        let switches = switches::read(&switches::path(&settings.records_file)).unwrap_or_default();
        writeln!(f, "  hours      {}", table::opening(&table.plan, &switches, *now, Language::English))?;
        writeln!(f, "  records    {}", settings.records_file.display())?;
        writeln!(f, "  control    {}", settings.control().display())?;
        if !stand_ins.is_empty() {
            writeln!(f, "  stand-ins  {}", list(stand_ins))?;
        }
        writeln!(f, "No phone? cargo run --release -- demo")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_room_for_legs_is_what_ports_and_files_allow() {
        let ports = Settings::default().media_ports;
        for (files, connections, legs) in [(20_000, 5000, 7436), (1024, 256, 320), (10, 8, 0)] {
            assert_eq!(connections_possible(files), connections);
            assert_eq!(legs_possible(&ports, files, connections), legs);
        }
        assert_eq!(connections_possible(u64::MAX), TCP_CONNECTIONS_MAX);
    }

    #[test]
    fn two_engines_share_the_ports_without_meeting() {
        assert_eq!(halves(&(16_384..=32_767)), (16_384..=24_575, 24_576..=32_767));
        assert_eq!(halves(&(20_000..=20_003)), (20_000..=20_001, 20_002..=20_003));
    }

    #[test]
    fn the_hash_key_is_made_once_and_only_its_owner_reads_it() {
        use std::os::unix::fs::PermissionsExt;
        let folder = std::env::temp_dir().join(format!("ivr1357-key-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder");
        let settings = Settings { records_file: folder.join("calls.jsonl"), ..Settings::default() };
        let hash_key = |settings| hash_key(settings, Language::English);
        let first = hash_key(&settings).expect("a key");
        assert_eq!(hash_key(&settings), Ok(first));
        let mode = std::fs::metadata(folder.join("calls.jsonl.key")).expect("a file").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        std::fs::write(folder.join("calls.jsonl.key"), "").expect("writes");
        assert!(matches!(hash_key(&settings), Err(Failure::Setup(_))));
        std::fs::remove_dir_all(folder).expect("removes");
    }
}
