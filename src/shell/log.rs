//! Log events to standard error, one line each, without ever making the engine wait for it.
//!
//! A line goes through a bounded queue to a thread that writes. When standard error is a pipe that nobody
//! reads, lines are dropped and counted; calls go on.

use crate::limits::LOG_LINES_WAITING_MAX;
use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

/// Keeps the log going; [`Log::close`] writes what still waits.
#[derive(Debug)]
pub struct Log {
    lines: SyncSender<Vec<u8>>,
    writer: JoinHandle<()>,
}

impl Log {
    /// Starts the log at `RUST_LOG`, or at `default`. Once per process; a second start changes nothing.
    pub fn start(default: &str) -> Self {
        let (lines, waiting) = sync_channel(LOG_LINES_WAITING_MAX);
        let dropped = Arc::new(AtomicU64::new(0));
        let count = Arc::clone(&dropped);
        let writer = std::thread::Builder::new()
            .name("log".to_owned())
            .spawn(move || write_all(&waiting, &count))
            .expect("a thread can start: the program has only begun");
        let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(default));
        let queue = Queue { lines: lines.clone(), dropped };
        let _ = tracing_subscriber::fmt()
            .with_env_filter(filter)
            .with_writer(queue)
            .with_ansi(io::IsTerminal::is_terminal(&io::stderr()))
            .with_target(false)
            .try_init();
        Self { lines, writer }
    }

    /// Writes what still waits. The subscriber lives as long as the process, so an empty line says the end.
    pub fn close(self) {
        if self.lines.send(Vec::new()).is_ok() {
            let _ = self.writer.join();
        }
    }
}

/// Lines that come within this share one write: a busy engine wakes this thread 200 times a second, not for each line.
const GROUP: Duration = Duration::from_millis(5);

fn write_all(lines: &Receiver<Vec<u8>>, dropped: &AtomicU64) {
    let mut error = io::stderr();
    let mut closing = false;
    while !closing {
        let Ok(mut text) = lines.recv() else { return };
        closing = text.is_empty();
        for line in lines.try_iter() {
            closing |= line.is_empty();
            text.extend_from_slice(&line);
        }
        // Nobody is left to tell when standard error itself fails.
        let _ = error.write_all(&text);
        let lost = dropped.swap(0, Ordering::Relaxed);
        if lost > 0 {
            let _ = writeln!(error, "WARN log lines dropped, standard error is not read fast enough lines={lost}");
        }
        if !closing {
            std::thread::sleep(GROUP);
        }
    }
}

#[derive(Clone)]
struct Queue {
    lines: SyncSender<Vec<u8>>,
    dropped: Arc<AtomicU64>,
}

impl<'a> MakeWriter<'a> for Queue {
    type Writer = Line<'a>;

    fn make_writer(&'a self) -> Line<'a> {
        Line { queue: self, bytes: Vec::new() }
    }
}

/// One event as it is written; it leaves when it is dropped.
struct Line<'a> {
    queue: &'a Queue,
    bytes: Vec<u8>,
}

impl Write for Line<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Line<'_> {
    fn drop(&mut self) {
        let bytes = std::mem::take(&mut self.bytes);
        if bytes.is_empty() {
            return;
        }
        if let Err(TrySendError::Full(_)) = self.queue.lines.try_send(bytes) {
            self.queue.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }
}
