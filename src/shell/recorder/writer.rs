//! The writer of recordings: one thread that turns frames into WAV files, and tells what became of them.
//!
//! The sizes in a file's header are right after each write, so that what a killed process leaves behind can be played. A recording that is lost
//! before anything of it was written leaves no file.

use super::{Lane, NOT_KEPT, Order, Shared};
use crate::media::tap::RATE;
use crate::media::{Event, Loss, RecordingEnd, StreamKey};
use crate::shell::reason;
use hound::{SampleFormat, WavSpec, WavWriter};
use std::collections::HashMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Seek, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Component, Path, PathBuf};
use std::sync::atomic::Ordering;
use std::sync::mpsc::Receiver;
use std::sync::{Arc, PoisonError};
use tracing::info;

/// Samples after which the header is written anew, so that a crash costs a second.
const FLUSHED: u32 = 8000;

/// What a file begins with, before its first sample.
const HEADER_BYTES: u64 = 44;

/// The thread's side. What it writes to is a file, or in a test a disk that is full.
pub(super) struct Writer<F: Write + Seek> {
    folder: PathBuf,
    create: fn(&Path) -> io::Result<F>,
    pub(super) open: HashMap<Arc<str>, Open<F>>,
    shared: Arc<Shared>,
    tell: Box<dyn Fn(StreamKey, Event) + Send>,
}

/// A recording that runs.
pub(super) struct Open<F: Write + Seek> {
    /// `None` when it is lost or not wanted.
    pub(super) file: Option<WavWriter<BufWriter<F>>>,
    /// The file is ours.
    is_made: bool,
    lane: Arc<Lane>,
    unflushed: u32,
}

impl<F: Write + Seek> Writer<F> {
    pub(super) fn new(
        folder: PathBuf,
        create: fn(&Path) -> io::Result<F>,
        shared: Arc<Shared>,
        tell: impl Fn(StreamKey, Event) + Send + 'static,
    ) -> Self {
        Self { folder, create, open: HashMap::new(), shared, tell: Box::new(tell) }
    }

    pub(super) fn run(mut self, inbox: &Receiver<Order>) {
        while let Ok(order) = inbox.recv()
            && !matches!(order, Order::Stop)
        {
            self.carry_out(order);
        }
        // The process ends: the last headers.
        for (name, open) in std::mem::take(&mut self.open) {
            let is_made = open.is_made;
            if open.close(&name, &self.shared).is_err() && is_made {
                self.remove_if_soundless(&name);
            }
        }
    }

    pub(super) fn carry_out(&mut self, order: Order) {
        if matches!(order, Order::Begin { .. } | Order::Samples { .. }) {
            self.shared.waiting.fetch_sub(1, Ordering::Relaxed);
        }
        match order {
            Order::Begin { file, channels, lane } => {
                let made = self.begin(&file, channels);
                if let Err(error) = &made {
                    lane.lost.store(true, Ordering::Relaxed);
                    let [own, english] = why(error);
                    let folder = [
                        format!("{own}. 디스크와 폴더의 권한을 보십시오"),
                        format!("{english}; is the disk full, the folder writable?"),
                    ];
                    self.shared.raise(NOT_KEPT, &folder);
                }
                let is_made = made.is_ok();
                self.open.insert(file, Open { file: made.ok(), is_made, lane, unflushed: 0 });
            }
            Order::Samples { file, samples } => {
                if let Some(open) = self.open.get_mut(&file) {
                    open.write(&samples, &self.shared);
                    open.give_back(samples);
                }
            }
            Order::End { file, stream, mut ended } => {
                let open = self.open.remove(&file);
                let is_made = open.as_ref().is_some_and(|open| open.is_made);
                let closed = open.map_or(Ok(()), |open| open.close(&file, &self.shared));
                if let (Err(loss), false) = (closed, matches!(ended.end, RecordingEnd::Failed(_))) {
                    ended.end = RecordingEnd::Failed(loss);
                }
                if is_made && matches!(ended.end, RecordingEnd::Failed(_)) {
                    self.remove_if_soundless(&file);
                }
                (self.tell)(stream, Event::Recorded(ended));
            }
            Order::Discard { file } => self.discard(&file),
            // Nothing is behind it.
            Order::Stop => {}
        }
    }

    fn discard(&mut self, file: &str) {
        if let Some(open) = self.open.get_mut(file) {
            // What is still on its way goes nowhere.
            open.file = None;
        }
        let Some(path) = path(&self.folder, file) else { return };
        match fs::remove_file(&path) {
            Ok(()) => info!(file, "a recording that is not wanted is gone"),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => self.shared.raise(
                ["남기지 않을 녹음을 지우지 못했습니다", "a recording that is not wanted cannot be removed"],
                &reason::both(&error),
            ),
        }
    }

    fn begin(&self, file: &str, channels: u16) -> Result<WavWriter<BufWriter<F>>, hound::Error> {
        let path = path(&self.folder, file).ok_or_else(|| io::Error::other("a name outside the folder"))?;
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        let made = (self.create)(&path)?;
        let spec = WavSpec { channels, sample_rate: RATE, bits_per_sample: 16, sample_format: SampleFormat::Int };
        let writer = WavWriter::new(BufWriter::new(made), spec).and_then(|mut writer| writer.flush().map(|()| writer));
        if writer.is_err() {
            self.remove_if_soundless(file);
        }
        writer
    }

    /// What was lost, and holds nothing that could be played, is only in the way of who looks for what callers said.
    fn remove_if_soundless(&self, file: &str) {
        let path = path(&self.folder, file);
        if let Some(path) = path.filter(|path| fs::metadata(path).is_ok_and(|file| file.len() <= HEADER_BYTES)) {
            // The alarm of what was lost says already that the disk refuses.
            let _ = fs::remove_file(path);
        }
    }
}

impl<F: Write + Seek> Open<F> {
    fn write(&mut self, samples: &[i16], shared: &Shared) {
        let Some(file) = &mut self.file else { return };
        self.unflushed += u32::try_from(samples.len()).unwrap_or(u32::MAX);
        let mut written = samples.iter().try_for_each(|&sample| file.write_sample(sample));
        if self.unflushed >= FLUSHED {
            self.unflushed = 0;
            written = written.and_then(|()| file.flush());
        }
        if let Err(error) = written {
            self.lane.lost.store(true, Ordering::Relaxed);
            self.file = None;
            let [own, english] = why(&error);
            let full = [format!("{own}. 디스크가 가득 찼는지 보십시오"), format!("{english}; is the disk full?")];
            shared.raise(["녹음이 중간에 끊겼습니다", "a recording ends early"], &full);
        }
    }

    /// The buffer may serve again. More than one is not kept: what a slow disk has let grow is memory of others once it is quick again.
    fn give_back(&self, mut samples: Vec<i16>) {
        samples.clear();
        *self.lane.spare.lock().unwrap_or_else(PoisonError::into_inner) = Some(samples);
    }

    /// The last samples and the header: only now is it known to be kept.
    fn close(self, name: &str, shared: &Shared) -> Result<(), Loss> {
        if self.lane.lost.load(Ordering::Relaxed) {
            return Err(Loss::Disk);
        }
        let Some(mut file) = self.file else { return Ok(()) };
        // The header of before is still right for all but the last second.
        file.flush().and_then(|()| file.finalize()).map_err(|error| {
            let [own, english] = why(&error);
            let full = [
                format!("{name}: {own}. 디스크가 가득 찼는지 보십시오"),
                format!("{name}: {english}; is the disk full?"),
            ];
            shared.raise(["녹음의 끝부분을 잃었습니다", "the end of a recording is lost"], &full);
            Loss::Disk
        })
    }
}

/// The system's reason, in Korean and in English.
fn why(error: &hound::Error) -> [String; 2] {
    match error {
        hound::Error::IoError(error) => reason::both(error),
        error => [error.to_string(), error.to_string()],
    }
}

/// What callers say is not for everybody on the machine.
pub(super) fn create(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).mode(0o640).open(path)
}

/// The path of a recording, if it lies in the folder.
pub(super) fn path(folder: &Path, file: &str) -> Option<PathBuf> {
    let relative = Path::new(file);
    let inside = relative.components().all(|part| matches!(part, Component::Normal(_)));
    (inside && !file.is_empty()).then(|| folder.join(format!("{file}.wav")))
}
