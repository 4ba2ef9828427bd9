//! Recordings on their way to the disk.
//!
//! Media threads never wait for a disk: one thread turns frames into WAV files (`writer`). So many frames may wait and no more; when
//! they do, or the disk is full, that recording fails, an alarm tells of it, and its call goes on. The end of a recording and that it is
//! not wanted always find room: there is one of each for a recording. The writer tells what became of each ([`Event::Recorded`]), since it
//! alone knows. What is on its way when the recorder ends is written first, within a time.

mod writer;

use super::alarm::{Alarms, What};
use crate::limits::{RECORDER_ENDS_WITHIN, RECORDING_FRAMES_WAITING, RECORDINGS_MAX};
use crate::media::tap::{self, Sink};
use crate::media::{Ended, Event, Loss, Recording, RecordingEnd, RecordingKey, StreamKey};
use crate::time::Duration;
use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex};
use tracing::error;
use writer::{Writer, create};

/// Samples gathered before they are sent on: 200 ms of one side.
const GATHERED: usize = 1600;

/// Hands recordings to the writer. Dropping it ends the writer, once all that was sent before is written or the disk has had its time.
pub struct Recorder {
    orders: Sender<Order>,
    shared: Arc<Shared>,
    /// Closed when the writer is through.
    ended: Receiver<()>,
    /// How long that may take.
    patience: Duration,
}

/// What an alarm says of a recording that is lost.
const NOT_KEPT: What = ["녹음을 남기지 못했습니다", "a recording is not kept"];

/// What both sides count.
struct Shared {
    /// Frames that may be on their way.
    room: usize,
    running: AtomicUsize,
    /// Frames on their way.
    waiting: AtomicUsize,
    alarms: Arc<Alarms>,
}

impl Shared {
    fn new(room: usize, alarms: Arc<Alarms>) -> Self {
        Self { room, running: AtomicUsize::new(0), waiting: AtomicUsize::new(0), alarms }
    }

    /// A recording is lost.
    fn raise(&self, what: What, why: &[impl AsRef<str>; 2]) {
        self.alarms.raise(what, why, 1);
    }

    /// Takes the room of one more frame.
    fn take_room(&self) -> Result<(), Loss> {
        if self.waiting.fetch_add(1, Ordering::Relaxed) < self.room {
            return Ok(());
        }
        self.waiting.fetch_sub(1, Ordering::Relaxed);
        self.raise(NOT_KEPT, &["디스크가 너무 느립니다", "the disk is too slow"]);
        Err(Loss::Slow)
    }
}

/// What the media thread and the writer share of one recording.
#[derive(Default)]
struct Lane {
    /// The disk has refused it.
    lost: AtomicBool,
    /// A buffer that was written, for the samples behind those that are gathered now: two go round.
    spare: Mutex<Option<Vec<i16>>>,
}

enum Order {
    Begin {
        file: Arc<str>,
        channels: u16,
        lane: Arc<Lane>,
    },
    Samples {
        file: Arc<str>,
        samples: Vec<i16>,
    },
    /// Whoever asks for this stream's events is told.
    End {
        file: Arc<str>,
        stream: StreamKey,
        ended: Ended,
    },
    Discard {
        file: Arc<str>,
    },
    /// The last one.
    Stop,
}

impl Recorder {
    /// Starts the writer; files are kept below this folder, which is made with the first one. `tell` takes the end of each recording, once it is
    /// known, and must not block.
    pub fn start(
        folder: PathBuf,
        alarms: Arc<Alarms>,
        tell: impl Fn(StreamKey, Event) + Send + 'static,
    ) -> io::Result<Self> {
        let (orders, inbox) = channel();
        let shared = Arc::new(Shared::new(RECORDING_FRAMES_WAITING, alarms));
        let writer = Writer::new(folder, create, shared.clone(), tell);
        let (ends, ended) = channel();
        std::thread::Builder::new().name("recorder".to_owned()).spawn(move || {
            let _ends = ends;
            writer.run(&inbox);
        })?;
        Ok(Self { orders, shared, ended, patience: RECORDER_ENDS_WITHIN })
    }

    /// A sink for this recording, also where it cannot be kept: then it says so.
    pub fn begin(&self, stream: StreamKey, recording: &Recording) -> Box<dyn Sink> {
        let (file, lane) = (recording.file.clone(), Arc::<Lane>::default());
        let channels = recording.sides.channels();
        let loss = self.order_begin(&file, channels, &lane).err();
        self.shared.running.fetch_add(usize::from(loss.is_none()), Ordering::Relaxed);
        Box::new(Gatherer {
            key: recording.key,
            stream,
            file,
            lane,
            loss,
            runs: loss.is_none(),
            taken: 0,
            channels,
            over: false,
            gathered: Vec::with_capacity(GATHERED * usize::from(channels)),
            orders: self.orders.clone(),
            shared: self.shared.clone(),
        })
    }

    fn order_begin(&self, file: &Arc<str>, channels: u16, lane: &Arc<Lane>) -> Result<(), Loss> {
        if self.shared.running.load(Ordering::Relaxed) >= RECORDINGS_MAX {
            self.shared.raise(NOT_KEPT, &["한꺼번에 너무 많습니다", "too many at once"]);
            return Err(Loss::Crowded);
        }
        self.shared.take_room()?;
        let begin = Order::Begin { file: file.clone(), channels, lane: lane.clone() };
        self.orders.send(begin).map_err(|_| Loss::Broken)
    }

    /// Nothing is kept of this recording.
    pub fn discard(&self, file: &str) {
        // Without a writer nothing is written either.
        let _ = self.orders.send(Order::Discard { file: file.into() });
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        // Without a writer there is nothing to wait for.
        let _ = self.orders.send(Order::Stop);
        if self.ended.recv_timeout(self.patience) == Err(RecvTimeoutError::Timeout) {
            let frames = self.shared.waiting.load(Ordering::Relaxed);
            error!(
                frames,
                "the disk is too slow: recordings are not written to their end, and some that are not wanted may be left"
            );
        }
    }
}

/// The frames of one recording, on their way.
struct Gatherer {
    key: RecordingKey,
    stream: StreamKey,
    file: Arc<str>,
    lane: Arc<Lane>,
    /// Why it cannot be kept.
    loss: Option<Loss>,
    /// It counts among those that run.
    runs: bool,
    /// Samples so far, of all channels.
    taken: u64,
    channels: u16,
    /// Its end was told.
    over: bool,
    gathered: Vec<i16>,
    orders: Sender<Order>,
    shared: Arc<Shared>,
}

impl Gatherer {
    fn send(&mut self) -> Result<(), Loss> {
        if self.lane.lost.load(Ordering::Relaxed) {
            return Err(Loss::Disk);
        }
        self.shared.take_room()?;
        // Nobody waits for the writer: where it is at the spare this very moment, or has not come so far, there is another one.
        let spare = self.lane.spare.try_lock().ok().and_then(|mut spare| spare.take());
        let empty = spare.unwrap_or_else(|| Vec::with_capacity(self.gathered.capacity()));
        let samples = std::mem::replace(&mut self.gathered, empty);
        self.orders.send(Order::Samples { file: self.file.clone(), samples }).map_err(|_| Loss::Broken)
    }

    fn try_take(&mut self, samples: &[i16]) -> Result<(), Loss> {
        self.loss.map_or(Ok(()), Err)?;
        self.gathered.extend_from_slice(samples);
        self.taken += samples.len() as u64;
        if self.gathered.len() + samples.len() <= self.gathered.capacity() { Ok(()) } else { self.send() }
    }
}

impl Sink for Gatherer {
    fn take(&mut self, samples: &[i16]) -> Result<(), Loss> {
        let taken = self.try_take(samples);
        self.loss = taken.err();
        taken
    }

    fn finish(&mut self, mut ended: Ended) {
        if self.over {
            return;
        }
        self.over = true;
        if self.loss.is_none() && !self.gathered.is_empty() {
            self.loss = self.send().err();
        }
        if let Some(loss) = self.loss {
            ended.end = RecordingEnd::Failed(loss);
        }
        // Without a writer nobody knows what became of it.
        let _ = self.orders.send(Order::End { file: self.file.clone(), stream: self.stream, ended });
    }
}

/// However it ended, the file is closed.
impl Drop for Gatherer {
    fn drop(&mut self) {
        let length = tap::time(self.taken / u64::from(self.channels));
        self.finish(Ended { length, ..Ended::unkept(self.key, Loss::Broken) });
        self.shared.running.fetch_sub(usize::from(self.runs), Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests;
