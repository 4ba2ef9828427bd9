//! The writer of recordings: one thread that turns frames into WAV files.
//!
//! Media threads never wait for a disk. So many frames may wait and no more; when they do, or the disk is full, that recording
//! fails, an alarm tells of it, and its call goes on. The end of a recording and that it is not wanted always find room: there
//! is one of each for a recording. The sizes in a file's header are right after each write, so that what a killed process
//! leaves behind can be played.

use super::alarm::Alarm;
use crate::limits::{RECORDING_FRAMES_WAITING, RECORDINGS_MAX};
use crate::media::Recording;
use crate::media::tap::{RATE, Sink};
use hound::{SampleFormat, WavSpec, WavWriter};
use std::collections::HashMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Component, Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use tracing::info;

/// Samples gathered before they are sent on: 200 ms of one side.
const GATHERED: usize = 1600;
/// Samples after which the header is written anew, so that a crash costs a second.
const FLUSHED: u32 = 8000;

/// Hands recordings to the writer.
#[derive(Clone)]
pub struct Recorder {
    orders: Sender<Order>,
    shared: Arc<Shared>,
}

/// What both sides count.
struct Shared {
    /// Frames that may be on their way.
    room: usize,
    running: AtomicUsize,
    /// Frames on their way.
    waiting: AtomicUsize,
    alarm: Mutex<Alarm>,
}

impl Shared {
    fn new(room: usize) -> Self {
        Self { room, running: AtomicUsize::new(0), waiting: AtomicUsize::new(0), alarm: Mutex::default() }
    }

    /// A recording is lost.
    fn raise(&self, what: &str, why: &str) {
        self.alarm.lock().unwrap_or_else(PoisonError::into_inner).raise(what, why, 1);
    }

    /// Room for one more frame, which is taken.
    fn has_room(&self) -> bool {
        let room = self.waiting.fetch_add(1, Ordering::Relaxed) < self.room;
        if !room {
            self.waiting.fetch_sub(1, Ordering::Relaxed);
            self.raise("a recording is not kept", "the disk is too slow");
        }
        room
    }
}

enum Order {
    Begin { file: Arc<str>, channels: u16, lost: Arc<AtomicBool> },
    Samples { file: Arc<str>, samples: Vec<i16> },
    End { file: Arc<str> },
    Discard { file: Arc<str> },
}

impl Recorder {
    /// Starts the writer; files are kept below this folder, which is made with the first one.
    pub fn start(folder: PathBuf) -> io::Result<Self> {
        let (orders, inbox) = channel();
        let shared = Arc::new(Shared::new(RECORDING_FRAMES_WAITING));
        let writer = Writer::new(folder, shared.clone());
        std::thread::Builder::new().name("recorder".to_owned()).spawn(move || writer.run(&inbox))?;
        Ok(Self { orders, shared })
    }

    /// A sink for this recording; `None` when it cannot be kept.
    pub fn begin(&self, recording: &Recording) -> Option<Box<dyn Sink>> {
        if self.shared.running.load(Ordering::Relaxed) >= RECORDINGS_MAX {
            self.shared.raise("a recording is not kept", "too many at once");
            return None;
        }
        let (file, lost) = (recording.file.clone(), Arc::new(AtomicBool::new(false)));
        let channels = recording.sides.channels();
        let begin = Order::Begin { file: file.clone(), channels, lost: lost.clone() };
        if !self.shared.has_room() || self.orders.send(begin).is_err() {
            return None;
        }
        self.shared.running.fetch_add(1, Ordering::Relaxed);
        let gathered = Vec::with_capacity(GATHERED * usize::from(channels));
        Some(Box::new(Gatherer { file, lost, gathered, orders: self.orders.clone(), shared: self.shared.clone() }))
    }

    /// Nothing is kept of this recording.
    pub fn discard(&self, file: &str) {
        // Without a writer nothing is written either.
        let _ = self.orders.send(Order::Discard { file: file.into() });
    }
}

/// The frames of one recording, on their way.
struct Gatherer {
    file: Arc<str>,
    /// The writer could not keep it.
    lost: Arc<AtomicBool>,
    gathered: Vec<i16>,
    orders: Sender<Order>,
    shared: Arc<Shared>,
}

impl Gatherer {
    fn send(&mut self) -> bool {
        if self.lost.load(Ordering::Relaxed) || !self.shared.has_room() {
            return false;
        }
        let capacity = self.gathered.capacity();
        let samples = std::mem::replace(&mut self.gathered, Vec::with_capacity(capacity));
        self.orders.send(Order::Samples { file: self.file.clone(), samples }).is_ok()
    }
}

impl Sink for Gatherer {
    fn take(&mut self, samples: &[i16]) -> bool {
        self.gathered.extend_from_slice(samples);
        self.gathered.len() + samples.len() <= self.gathered.capacity() || self.send()
    }

    fn finish(&mut self) {
        if !self.gathered.is_empty() {
            self.send();
        }
    }
}

/// However it ended, the file is closed.
impl Drop for Gatherer {
    fn drop(&mut self) {
        self.shared.running.fetch_sub(1, Ordering::Relaxed);
        // Without a writer the file is closed already.
        let _ = self.orders.send(Order::End { file: self.file.clone() });
    }
}

/// The thread's side.
struct Writer {
    folder: PathBuf,
    open: HashMap<Arc<str>, Open>,
    shared: Arc<Shared>,
}

/// A recording that runs.
struct Open {
    /// `None` when it is lost or not wanted.
    file: Option<WavWriter<BufWriter<File>>>,
    lost: Arc<AtomicBool>,
    unflushed: u32,
}

impl Writer {
    fn new(folder: PathBuf, shared: Arc<Shared>) -> Self {
        Self { folder, open: HashMap::new(), shared }
    }

    fn run(mut self, inbox: &Receiver<Order>) {
        while let Ok(order) = inbox.recv() {
            self.carry_out(order);
        }
        // The process ends: the last headers.
        for (name, open) in self.open.drain() {
            open.close(&name, &self.shared);
        }
    }

    fn carry_out(&mut self, order: Order) {
        if matches!(order, Order::Begin { .. } | Order::Samples { .. }) {
            self.shared.waiting.fetch_sub(1, Ordering::Relaxed);
        }
        match order {
            Order::Begin { file, channels, lost } => {
                let made = self.create(&file, channels);
                if let Err(error) = &made {
                    lost.store(true, Ordering::Relaxed);
                    let why = format!("{error}; is the disk full, the folder writable?");
                    self.shared.raise("a recording is not kept", &why);
                }
                self.open.insert(file, Open { file: made.ok(), lost, unflushed: 0 });
            }
            Order::Samples { file, samples } => {
                if let Some(open) = self.open.get_mut(&file) {
                    open.write(&samples, &self.shared);
                }
            }
            Order::End { file } => {
                if let Some(open) = self.open.remove(&file) {
                    open.close(&file, &self.shared);
                }
            }
            Order::Discard { file } => self.discard(&file),
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
            Err(error) => self.shared.raise("a recording that is not wanted cannot be removed", &error.to_string()),
        }
    }

    fn create(&self, file: &str, channels: u16) -> Result<WavWriter<BufWriter<File>>, hound::Error> {
        let path = path(&self.folder, file).ok_or_else(|| io::Error::other("a name outside the folder"))?;
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        // What callers say is not for everybody on the machine.
        let file = OpenOptions::new().write(true).create_new(true).mode(0o640).open(path)?;
        let spec = WavSpec { channels, sample_rate: RATE, bits_per_sample: 16, sample_format: SampleFormat::Int };
        let mut writer = WavWriter::new(BufWriter::new(file), spec)?;
        writer.flush()?;
        Ok(writer)
    }
}

impl Open {
    fn write(&mut self, samples: &[i16], shared: &Shared) {
        let Some(file) = &mut self.file else { return };
        self.unflushed += u32::try_from(samples.len()).unwrap_or(u32::MAX);
        let mut written = samples.iter().try_for_each(|&sample| file.write_sample(sample));
        if self.unflushed >= FLUSHED {
            self.unflushed = 0;
            written = written.and_then(|()| file.flush());
        }
        if let Err(error) = written {
            self.lost.store(true, Ordering::Relaxed);
            self.file = None;
            shared.raise("a recording ends early", &format!("{error}; is the disk full?"));
        }
    }

    fn close(self, name: &str, shared: &Shared) {
        let Some(mut file) = self.file else { return };
        // The header of before is still right for all but the last second.
        if let Err(error) = file.flush().and_then(|()| file.finalize()) {
            shared.raise("the end of a recording is lost", &format!("{name}: {error}; is the disk full?"));
        }
    }
}

/// The path of a recording, if it lies in the folder.
fn path(folder: &Path, file: &str) -> Option<PathBuf> {
    let relative = Path::new(file);
    let inside = relative.components().all(|part| matches!(part, Component::Normal(_)));
    (inside && !file.is_empty()).then(|| folder.join(format!("{file}.wav")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::{RecordingKey, Sides};
    use crate::time::Duration;

    fn recording(file: &str, sides: Sides) -> Recording {
        let longest = Duration::from_secs(60);
        Recording { key: RecordingKey(1), file: file.into(), sides, longest, silence: None }
    }

    fn folder(name: &str) -> PathBuf {
        let path = std::env::temp_dir().join(format!("ivr1357-recorder-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        path
    }

    /// A recorder whose writer runs on this thread, as far as it is asked to.
    fn by_hand(folder: &Path) -> (Recorder, Writer, Receiver<Order>) {
        let (orders, inbox) = channel();
        let shared = Arc::new(Shared::new(64));
        (Recorder { orders, shared: shared.clone() }, Writer::new(folder.to_owned(), shared), inbox)
    }

    fn work(writer: &mut Writer, inbox: &Receiver<Order>) {
        while let Ok(order) = inbox.try_recv() {
            writer.carry_out(order);
        }
    }

    fn samples(path: &Path) -> (u16, Vec<i16>) {
        let mut reader = hound::WavReader::open(path).expect("it can be played");
        let samples = reader.samples().collect::<Result<_, _>>().expect("whole samples");
        (reader.spec().channels, samples)
    }

    #[test]
    fn what_is_taken_is_in_the_file_and_nobody_else_may_read_it() {
        let folder = folder("taken");
        let (recorder, mut writer, inbox) = by_hand(&folder);
        let mut sink = recorder.begin(&recording("messages/2026-11-29/a-1", Sides::Both)).expect("a sink");
        let said: Vec<i16> = (0..5000).map(|n| n as i16).collect();
        assert!(said.chunks(320).all(|frame| sink.take(frame)));
        sink.finish();
        drop(sink);
        work(&mut writer, &inbox);
        let path = folder.join("messages/2026-11-29/a-1.wav");
        assert_eq!(samples(&path), (2, said));
        let mode = std::os::unix::fs::PermissionsExt::mode(&fs::metadata(&path).expect("a file").permissions());
        assert_eq!(mode & 0o777 & !0o640, 0);
        assert!(writer.open.is_empty());
        let _ = fs::remove_dir_all(folder);
    }

    #[test]
    fn a_process_that_is_killed_leaves_all_but_the_last_second() {
        let folder = folder("killed");
        let (recorder, mut writer, inbox) = by_hand(&folder);
        let mut sink = recorder.begin(&recording("messages/k", Sides::Caller)).expect("a sink");
        for _ in 0..150 {
            assert!(sink.take(&[700; 160]));
            work(&mut writer, &inbox);
        }
        // No header is written any more, no buffer emptied.
        writer.open.into_values().for_each(|open| std::mem::forget(open.file));
        let (_, left) = samples(&folder.join("messages/k.wav"));
        assert!(left.len() >= 16_000 && left.iter().all(|&sample| sample == 700), "{}", left.len());
        let _ = fs::remove_dir_all(folder);
    }

    #[test]
    fn a_disk_that_cannot_keep_it_is_told_to_the_next_frame() {
        // A folder that is a file.
        let folder = folder("full");
        fs::write(&folder, "").expect("a file");
        let (recorder, mut writer, inbox) = by_hand(&folder);
        let mut sink = recorder.begin(&recording("messages/f", Sides::Caller)).expect("a sink");
        work(&mut writer, &inbox);
        assert!(sink.take(&[1; 160]), "gathered");
        assert!(!sink.take(&[1; GATHERED]), "the next frames are told of it");
        // A writer that is too slow.
        let mut sink = recorder.begin(&recording("messages/g", Sides::Caller)).expect("a sink");
        assert!((0..100).any(|_| !sink.take(&[1; GATHERED])));
        assert!(recorder.begin(&recording("messages/h", Sides::Caller)).is_none());
        let _ = fs::remove_file(folder);
    }

    #[test]
    fn a_queue_that_is_full_still_takes_the_end_of_a_recording_and_that_nobody_wants_it() {
        let folder = folder("unwanted");
        let (recorder, mut writer, inbox) = by_hand(&folder);
        let mut wanted = recorder.begin(&recording("calls/wanted", Sides::Both)).expect("a sink");
        let mut unwanted = recorder.begin(&recording("calls/unwanted", Sides::Both)).expect("a sink");
        unwanted.take(&[1; 2 * GATHERED]);
        while wanted.take(&[1; 2 * GATHERED]) {}
        recorder.discard("calls/unwanted");
        drop((wanted, unwanted));
        work(&mut writer, &inbox);
        assert!(writer.open.is_empty(), "both are closed");
        assert!(!folder.join("calls/unwanted.wav").exists());
        let (_, kept) = samples(&folder.join("calls/wanted.wav"));
        assert!(kept.len() > 60 * 2 * GATHERED, "{}", kept.len());
        assert_eq!(recorder.shared.waiting.load(Ordering::Relaxed), 0);
        let _ = fs::remove_dir_all(folder);
    }

    #[test]
    fn nothing_stays_of_what_is_discarded_whether_it_runs_or_not_and_no_name_leaves_the_folder() {
        let folder = folder("discarded");
        let (recorder, mut writer, inbox) = by_hand(&folder);
        for ended in [true, false] {
            let mut sink = recorder.begin(&recording("messages/d", Sides::Caller)).expect("a sink");
            sink.take(&[1; 4000]);
            if ended {
                sink.finish();
                drop(sink);
                recorder.discard("messages/d");
            } else {
                recorder.discard("messages/d");
                sink.take(&[1; 4000]);
                drop(sink);
            }
            work(&mut writer, &inbox);
            assert!(!folder.join("messages/d.wav").exists() && writer.open.is_empty());
        }
        assert_eq!(path(&folder, "../x"), None);
        assert_eq!(path(&folder, "/etc/x"), None);
        assert_eq!(path(&folder, "a/../../x"), None);
        assert_eq!(path(&folder, ""), None);
        let _ = fs::remove_dir_all(folder);
    }
}
