//! The media threads: a few workers that own many RTP sockets each.
//!
//! [`MediaPool`] is the side of the engine thread: it binds sockets, hands them to the least busy worker and passes
//! commands on. No packet ever touches the engine thread; keys and ends of prompts come back in batches, at most one
//! a millisecond. What a packet means is known to `media::stream`, when it leaves to `wheel`.

mod batch;
mod deaf;
mod encoder;
mod lateness;
mod ports;
mod wheel;
mod worker;

use crate::media::stream::Stream;
use crate::media::{Command, Event, StreamKey};
use crate::random::Random;
use crate::shell::clock::Clock;
use crate::shell::recorder::Recorder;
use crate::time::Duration;
use encoder::Encoder;
pub use lateness::Trouble;
use lateness::{Gauge, Look};
use ports::{Ports, Unbound};
use std::collections::HashMap;
use std::io;
use std::net::IpAddr;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering, fence};
use std::sync::mpsc::{Sender, channel};
use std::thread::JoinHandle;
use worker::{Order, Worker};

/// All media threads, as the engine thread sees them. Dropping it ends them.
pub struct MediaPool {
    workers: Vec<Handle>,
    ports: Ports,
    streams: HashMap<StreamKey, Place>,
    /// Told to close, and where they lived.
    closing: HashMap<StreamKey, Place>,
    random: Random,
    patience: Option<Duration>,
    counts: bool,
    recorder: Option<Recorder>,
}

/// Where a stream lives.
#[derive(Clone, Copy)]
struct Place {
    worker: usize,
    port: u16,
}

struct Handle {
    orders: Sender<Order>,
    shared: Arc<Shared>,
    streams: usize,
    look: Look,
    thread: Option<JoinHandle<()>>,
}

/// What a worker shares with its handle.
struct Shared {
    waker: mio::Waker,
    /// The worker has no stream and waits for an order; else it looks by itself every millisecond.
    idle: AtomicBool,
    totals: Totals,
    gauge: Gauge,
}

#[derive(Default)]
struct Totals {
    sent: AtomicU64,
    received: AtomicU64,
    failed: AtomicU64,
    skipped: AtomicU64,
}

/// What became of a stream that was to be opened.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Opened {
    /// Its RTP port.
    At(u16),
    /// All ports are taken, but the socket of one is just being closed: to be asked again when a stream has said its last word.
    Later,
    /// No port is free, or the address is not ours.
    Never,
}

/// How packets leave.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub enum Sends {
    /// Many with one call of the kernel (io_uring), where the system lets us.
    #[default]
    Batched,
    /// One by one.
    Plain,
}

/// What the media threads did so far.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Counters {
    /// Packets sent.
    pub sent: u64,
    /// Packets received, of whatever kind.
    pub received: u64,
    /// Packets that could not leave: an ordinary event, the next one follows.
    pub failed: u64,
    /// Packet intervals passed over because a worker was more than one whole interval late.
    pub skipped: u64,
}

/// How a media thread stands.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Load {
    /// How late it serves the luckiest of its slots.
    pub late: Duration,
    /// As in [`Counters`], of this thread.
    pub skipped: u64,
    /// As in [`Counters`], of this thread.
    pub failed: u64,
}

impl MediaPool {
    /// Starts the workers. `deliver` takes what streams tell, in order, and must not block; it runs on the workers.
    /// `ports` are used in pairs, RTP on the even ones.
    pub fn start(
        workers: usize,
        ports: RangeInclusive<u16>,
        clock: Clock,
        sends: Sends,
        mut random: Random,
        deliver: impl Fn(&mut Vec<(StreamKey, Event)>) + Clone + Send + 'static,
    ) -> io::Result<Self> {
        let encoder = Encoder::start()?;
        let start = |index| Handle::start(index, clock, sends, encoder.clone(), deliver.clone());
        let workers = (0..workers.max(1)).map(start);
        Ok(Self {
            workers: workers.collect::<io::Result<_>>()?,
            ports: Ports::new(ports).beginning_at(random.u32()),
            streams: HashMap::new(),
            closing: HashMap::new(),
            random,
            patience: None,
            counts: true,
            recorder: None,
        })
    }

    /// Streams tell of peers who should speak and are silent for so long.
    pub fn with_patience(mut self, patience: Option<Duration>) -> Self {
        self.patience = patience;
        self
    }

    /// Whether loss and jitter of what peers send are counted. Where they are not, the kernel throws away what nobody listens to.
    pub fn counting(mut self, counts: bool) -> Self {
        self.counts = counts;
        self
    }

    /// Binds a socket on this address. A stream that is to be bridged lives beside the other one, on its worker.
    pub fn open(&mut self, stream: StreamKey, local: IpAddr, beside: Option<StreamKey>) -> Opened {
        self.close(stream);
        self.bury();
        let beside = beside.and_then(|other| self.streams.get(&other)).map(|place| place.worker);
        let living = self.workers.iter_mut().enumerate().filter(|(_, handle)| !handle.is_over());
        let fits = living.filter(|(worker, _)| beside.is_none_or(|beside| beside == *worker));
        let Some((worker, handle)) = fits.min_by_key(|(_, handle)| handle.streams) else { return Opened::Never };
        let (socket, port) = match self.ports.bind(local) {
            Ok(bound) => bound,
            Err(Unbound::Taken) if !self.closing.is_empty() => return Opened::Later,
            Err(Unbound::Taken | Unbound::Failed) => return Opened::Never,
        };
        let [ssrc, sequence, timestamp] = [(); 3].map(|()| self.random.u32());
        handle.streams += 1;
        let opened = Stream::new(ssrc, sequence as u16, timestamp).with_patience(self.patience);
        let opened = if self.counts { opened } else { opened.uncounted() };
        handle.order(Order::Open { key: stream, socket, stream: Box::new(opened) });
        self.streams.insert(stream, Place { worker, port });
        Opened::At(port)
    }

    /// A worker that panicked has closed its sockets and tells nothing more: the ports that it was told to close are free.
    fn bury(&mut self) {
        if self.workers.iter().any(Handle::is_over) {
            let (workers, ports) = (&self.workers, &mut self.ports);
            self.closing.retain(|_, place| {
                let over = workers.get(place.worker).is_none_or(Handle::is_over);
                if over {
                    ports.free(place.port);
                }
                !over
            });
        }
    }

    /// Recordings are written by this.
    pub fn with_recorder(mut self, recorder: Recorder) -> Self {
        self.recorder = Some(recorder);
        self
    }

    /// Tells a stream; one that is gone does not mind.
    pub fn command(&self, stream: StreamKey, command: Command) {
        let Some(handle) = self.streams.get(&stream).and_then(|place| self.workers.get(place.worker)) else { return };
        let sink = match (&command, &self.recorder) {
            (Command::Record(recording), Some(recorder)) => Some(recorder.begin(stream, recording)),
            _ => None,
        };
        handle.order(match (command, sink) {
            (Command::Record(recording), Some(sink)) => Order::Record { key: stream, recording, sink },
            (command, _) => Order::Command { key: stream, command },
        });
    }

    /// Nothing is kept of a recording that has ended, or is told to end by a command before.
    pub fn discard(&self, file: &str) {
        if let Some(recorder) = &self.recorder {
            recorder.discard(file);
        }
    }

    /// Closes the socket and forgets the stream. What it told before may still be on its way, its last word behind it: until
    /// that is told to [`MediaPool::closed`], its port is nobody's.
    pub fn close(&mut self, stream: StreamKey) {
        let Some(place) = self.streams.remove(&stream) else { return };
        self.closing.insert(stream, place);
        if let Some(handle) = self.workers.get_mut(place.worker) {
            handle.streams -= 1;
            handle.order(Order::Close { key: stream });
        }
    }

    /// This stream said [`Event::Closed`]: its port may serve again.
    pub fn closed(&mut self, stream: StreamKey) {
        if let Some(place) = self.closing.remove(&stream) {
            self.ports.free(place.port);
        }
    }

    /// Open streams.
    pub fn streams(&self) -> usize {
        self.streams.len()
    }

    /// How each media thread stands since the last time that this was asked.
    pub fn loads(&mut self) -> impl Iterator<Item = Load> {
        self.workers.iter_mut().map(|handle| {
            let Shared { totals, gauge, .. } = &*handle.shared;
            let [skipped, failed] = [&totals.skipped, &totals.failed].map(|total| total.load(Ordering::Relaxed));
            Load { late: handle.look.at(gauge), skipped, failed }
        })
    }

    /// What all workers did so far; at most a millisecond old.
    pub fn counters(&self) -> Counters {
        self.workers.iter().fold(Counters::default(), |sum, handle| {
            let totals = &handle.shared.totals;
            Counters {
                sent: sum.sent + totals.sent.load(Ordering::Relaxed),
                received: sum.received + totals.received.load(Ordering::Relaxed),
                failed: sum.failed + totals.failed.load(Ordering::Relaxed),
                skipped: sum.skipped + totals.skipped.load(Ordering::Relaxed),
            }
        })
    }

    /// Ends the media threads, and with them the recordings that still run; then waits for the disk, not for ever. Whatever is told of them has been
    /// delivered behind it.
    pub fn end(&mut self) {
        for handle in &self.workers {
            handle.order(Order::Stop);
        }
        for handle in &mut self.workers {
            if let Some(thread) = handle.thread.take() {
                // A worker that panicked has said so on standard error; there is nothing left to end.
                let _ = thread.join();
            }
        }
        self.recorder = None;
    }
}

impl Drop for MediaPool {
    fn drop(&mut self) {
        self.end();
    }
}

impl Handle {
    fn start(
        index: usize,
        clock: Clock,
        sends: Sends,
        encoder: Encoder,
        deliver: impl Fn(&mut Vec<(StreamKey, Event)>) + Send + 'static,
    ) -> io::Result<Self> {
        let poll = mio::Poll::new()?;
        let shared = Arc::new(Shared {
            waker: mio::Waker::new(poll.registry(), worker::WAKE)?,
            idle: AtomicBool::new(false),
            totals: Totals::default(),
            gauge: Gauge::default(),
        });
        let (orders, inbox) = channel();
        let worker = Worker::new(poll, inbox, Arc::clone(&shared), clock, sends, encoder, deliver);
        let thread = std::thread::Builder::new().name(format!("media-{index}")).spawn(move || worker.run())?;
        Ok(Self { orders, shared, streams: 0, look: Look::default(), thread: Some(thread) })
    }

    /// Its thread has ended, which it does by a panic alone while the pool lives.
    fn is_over(&self) -> bool {
        self.thread.as_ref().is_none_or(JoinHandle::is_finished)
    }

    fn order(&self, order: Order) {
        // A worker that is gone cannot take orders: its streams are silent, the calls go on by signalling.
        if self.orders.send(order).is_ok() {
            // Pairs with the fence of `Worker::wait_for_orders`: either the worker sees the order, or we see it idle.
            fence(Ordering::SeqCst);
            if self.shared.idle.load(Ordering::Relaxed) {
                // An eventfd of ours that cannot be gone while `shared` lives.
                let _ = self.shared.waker.wake();
            }
        }
    }
}

#[cfg(test)]
mod tests;
