//! The control socket: `ivr1357 publish`, `history`, `rollback` and `status` talk to a running engine here.
//!
//! A Unix socket beside the records that its owner alone may open (mode 0600). Who asks is told by the kernel (`SO_PEERCRED`), not by the asker. One question and
//! one answer a connection ([`ask`](super::publish::ask)); whoever is slow, wordy or one too many is turned away.

use crate::limits::{
    CONTROL_ANSWER_PATIENCE, CONTROL_CLIENTS_MAX, CONTROL_LINE_BYTES_MAX, CONTROL_PATIENCE, TABLE_BYTES_MAX,
};
use crate::routing::Language;
use crate::shell::clock::Clock;
use crate::shell::live;
use crate::shell::media::Load;
use crate::shell::publish::ask::{Entry, MediaThread, Question, Reason, Registered, Reply, Status};
use crate::shell::publish::{Order, Publisher, What, tidy_word};
use crate::shell::switches;
use crate::shell::table;
use crate::shell::versions::{self, Who};
use crate::time::Wall;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use std::fs;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tracing::debug;

/// Who answers at the socket.
#[derive(Debug)]
pub struct Desk {
    /// Takes orders.
    pub publisher: Arc<Publisher>,
    /// The folder of versions.
    pub versions: PathBuf,
    /// The table's file.
    pub routing: PathBuf,
    /// The file of the switches.
    pub switches: PathBuf,
    /// Live calls.
    pub live: Arc<live::Live>,
    /// The engine's time.
    pub clock: Clock,
}

/// Binds the socket; one that a killed process left is replaced, one that answers is not. Inside a runtime.
pub fn bind(path: &Path) -> io::Result<UnixListener> {
    if std::os::unix::net::UnixStream::connect(path).is_ok() {
        return Err(io::Error::new(io::ErrorKind::AddrInUse, "another engine answers there"));
    }
    let mut draft = path.as_os_str().to_owned();
    draft.push(".new");
    let draft = PathBuf::from(draft);
    let _ = fs::remove_file(&draft);
    let listener = UnixListener::bind(&draft)?;
    // Nobody else finds it before it is ours alone.
    fs::set_permissions(&draft, fs::Permissions::from_mode(0o600))?;
    fs::rename(&draft, path)?;
    Ok(listener)
}

/// Answers until the process ends.
pub async fn serve(listener: UnixListener, desk: Arc<Desk>) {
    let clients = Arc::new(Semaphore::new(CONTROL_CLIENTS_MAX));
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            // Out of files, for a moment.
            tokio::time::sleep(crate::limits::SWITCHES_LOOK).await;
            continue;
        };
        let Ok(permit) = Arc::clone(&clients).try_acquire_owned() else { continue };
        let desk = Arc::clone(&desk);
        tokio::spawn(async move {
            if let Err(error) = attend(stream, desk).await {
                debug!(%error, "control socket");
            }
            drop(permit);
        });
    }
}

async fn attend(stream: UnixStream, desk: Arc<Desk>) -> io::Result<()> {
    let uid = stream.peer_cred()?.uid();
    let (reader, mut writer) = stream.into_split();
    let read = timeout(CONTROL_PATIENCE, read_question(reader)).await;
    let (reply, bytes) = match read {
        Err(_) => return Ok(()),
        Ok(Err(error)) => (unanswerable("질문을 알 수 없습니다", &error.to_string()), Vec::new()),
        Ok(Ok((question, bytes))) => answer(question, bytes, uid, desk).await,
    };
    let mut line = serde_json::to_vec(&reply)?;
    line.push(b'\n');
    line.extend_from_slice(&bytes);
    timeout(CONTROL_PATIENCE, writer.write_all(&line)).await?
}

async fn read_question(reader: impl tokio::io::AsyncRead + Unpin) -> io::Result<(Question, Vec<u8>)> {
    let mut reader = tokio::io::BufReader::new(reader);
    let mut line = Vec::new();
    (&mut reader).take(CONTROL_LINE_BYTES_MAX as u64).read_until(b'\n', &mut line).await?;
    let question: Question = serde_json::from_slice(&line)?;
    if question.bytes() > TABLE_BYTES_MAX {
        return Err(io::Error::other(format!("the table is longer than {TABLE_BYTES_MAX} bytes")));
    }
    let mut bytes = vec![0; question.bytes()];
    reader.read_exact(&mut bytes).await?;
    Ok((question, bytes))
}

async fn answer(question: Question, bytes: Vec<u8>, uid: u32, desk: Arc<Desk>) -> (Reply, Vec<u8>) {
    let reply = match question {
        Question::Publish { file, dry_run, reason, .. } => {
            let file = tidy_word(&file);
            order(&desk, What::Table { file, bytes }, dry_run, reason, uid).await
        }
        Question::Rollback { to, reason } => order(&desk, What::Again(to), false, reason, uid).await,
        // These read files, and the runtime has signals to hear.
        Question::History | Question::Show { .. } | Question::Status => {
            let look = tokio::task::spawn_blocking(move || look(&question, &desk)).await;
            return look
                .unwrap_or_else(|error| (unanswerable("오류가 우리 쪽에 있습니다", &error.to_string()), Vec::new()));
        }
    };
    (reply, Vec::new())
}

async fn order(desk: &Desk, what: What, dry_run: bool, reason: Reason, uid: u32) -> Reply {
    let language = reason.language();
    let Reason { why, by, over, .. } = reason;
    let why = tidy_word(&why);
    if why.is_empty() && !dry_run {
        return unanswerable("왜 바꾸는지 적어 주세요 (--why)", "say why it changes (--why)");
    }
    let by = by.map(|by| tidy_word(&by)).filter(|by| !by.is_empty());
    let who = Who { user: user_name(uid), uid: Some(uid), by };
    let answer = desk.publisher.order(Order { what, who, why, over, dry_run, language });
    match answer {
        None => unanswerable(
            "다른 사람들이 내보내는 중입니다. 잠시 뒤에 다시 하세요",
            "others are publishing; try again in a moment",
        ),
        Some(answer) => match answer.await {
            Ok(answer) => Reply::Published(Box::new(answer)),
            Err(_) => unanswerable("엔진이 끝나는 중입니다", "the engine is ending"),
        },
    }
}

fn look(question: &Question, desk: &Desk) -> (Reply, Vec<u8>) {
    let state = desk.publisher.state();
    match question {
        Question::Show { number } => match versions::read_table(&desk.versions, *number) {
            Ok((version, bytes)) => (Reply::Shown(Box::new(version)), bytes),
            Err(error) => {
                let words = versions::absent(&desk.versions, *number).unwrap_or_else(|| {
                    [
                        format!("{number}판을 읽을 수 없습니다: {error}"),
                        format!("version {number} cannot be read: {error}"),
                    ]
                });
                (Reply::Error { words }, Vec::new())
            }
        },
        Question::Status => {
            let on_disk = table::read(&desk.routing, Language::English).map(|bytes| versions::hash(&bytes));
            let (troubles, now) = (desk.live.troubles(), desk.clock.instant());
            let late = troubles.iter().enumerate().filter_map(|(index, trouble)| trouble.alarm(now, index));
            let beyond = table::beyond_calendar(&state.plan, desk.clock.now().wall);
            let garbled =
                switches::read(&desk.switches).err().map(|error| switches::unreadable(&desk.switches, &error));
            let status = Status {
                unpublished: on_disk.is_ok_and(|hash| hash != state.live.hash),
                live: state.live,
                alarms: state
                    .alarms
                    .into_iter()
                    .chain(late)
                    .chain(beyond)
                    .chain(garbled)
                    .chain(desk.live.alarms().standing())
                    .collect(),
                file: desk.routing.display().to_string(),
                calls: desk.live.len(),
                trunks: registered(desk),
                media: troubles
                    .iter()
                    .enumerate()
                    .map(|(index, trouble)| media_thread(index, trouble.load()))
                    .collect(),
            };
            (Reply::Status(Box::new(status)), Vec::new())
        }
        Question::History | Question::Publish { .. } | Question::Rollback { .. } => {
            (Reply::History(history(&desk.versions, Some(state.live.number))), Vec::new())
        }
    }
}

fn media_thread(index: usize, Load { late, skipped, failed }: Load) -> MediaThread {
    MediaThread { thread: format!("media-{index}"), late_ms: late.as_millis() as u64, lost: skipped, failed }
}

/// The registrations as they stand now: one that ran out since is none.
fn registered(desk: &Desk) -> Vec<Registered> {
    let now = desk.clock.now().wall;
    let stamp = |until: Wall| {
        let until = Timestamp::from_microsecond(until.as_micros()).unwrap_or(Timestamp::MAX);
        until.to_zoned_datetime(TimeZone::system()).strftime("%Y-%m-%dT%H:%M:%S%:z").to_string()
    };
    let told = |live::Registration { trunk, until, status }| Registered {
        trunk,
        until: until.filter(|until| *until > now).map(stamp),
        status,
    };
    desk.live.registrations().into_iter().map(told).collect()
}

/// All versions of a folder, the newest first.
pub fn history(folder: &Path, live: Option<u64>) -> Vec<Entry> {
    let entry = |number: u64| {
        let (version, damaged) = match versions::read_version(folder, number) {
            Ok(version) => (Some(version), None),
            Err(error) => (None, Some(error)),
        };
        Entry { number, live: live == Some(number), version, damaged }
    };
    versions::numbers(folder).into_iter().map(entry).collect()
}

fn unanswerable(korean: &str, english: &str) -> Reply {
    Reply::Error { words: [korean.to_owned(), english.to_owned()] }
}

/// The name of a user of this machine.
fn user_name(uid: u32) -> String {
    let users = fs::read_to_string("/etc/passwd").unwrap_or_default();
    let name = users.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)?.parse() == Ok(uid)).then(|| name.to_owned())
    });
    name.unwrap_or_else(|| format!("uid {uid}"))
}

// ---- the other end -------------------------------------------------------------------------------------------------

/// Asks a running engine; what it says, and the bytes behind it.
pub fn ask(path: &Path, question: &Question, bytes: &[u8]) -> io::Result<(Reply, Vec<u8>)> {
    let stream = std::os::unix::net::UnixStream::connect(path)?;
    converse(stream, question, bytes).map_err(|error| match error.kind() {
        io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe => {
            io::Error::new(error.kind(), "the engine said nothing: it is ending, or asked by too many")
        }
        _ => error,
    })
}

fn converse(
    mut stream: std::os::unix::net::UnixStream,
    question: &Question,
    bytes: &[u8],
) -> io::Result<(Reply, Vec<u8>)> {
    stream.set_write_timeout(Some(CONTROL_PATIENCE))?;
    stream.set_read_timeout(Some(CONTROL_ANSWER_PATIENCE))?;
    let mut line = serde_json::to_vec(question)?;
    line.push(b'\n');
    line.extend_from_slice(bytes);
    stream.write_all(&line)?;
    let mut reader = BufReader::new(stream);
    let mut line = Vec::new();
    reader.read_until(b'\n', &mut line)?;
    if line.is_empty() {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    let reply: Reply = serde_json::from_slice(&line)?;
    let mut bytes = Vec::new();
    if let Reply::Shown(version) = &reply {
        bytes.resize(version.bytes.min(TABLE_BYTES_MAX), 0);
        reader.read_exact(&mut bytes)?;
    }
    Ok((reply, bytes))
}
