//! The media threads: a few workers that own many RTP sockets each.
//!
//! [`MediaPool`] is the side of the engine thread: it binds sockets, hands them to the least busy worker and passes
//! commands on. No packet ever touches the engine thread; keys and ends of prompts come back in batches, at most one
//! a millisecond. What a packet means is known to `media::stream`, when it leaves to [`wheel`].

mod ports;
mod wheel;
mod worker;

use crate::media::stream::Stream;
use crate::media::{Command, Event, StreamKey};
use crate::random::Random;
use crate::shell::clock::Clock;
use ports::Ports;
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
    random: Random,
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
    thread: Option<JoinHandle<()>>,
}

/// What a worker shares with its handle.
struct Shared {
    waker: mio::Waker,
    /// The worker has no stream and waits for an order; else it looks by itself every millisecond.
    idle: AtomicBool,
    totals: Totals,
}

#[derive(Default)]
struct Totals {
    sent: AtomicU64,
    received: AtomicU64,
    failed: AtomicU64,
    skipped: AtomicU64,
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

impl MediaPool {
    /// Starts the workers. `deliver` takes what streams tell, in order, and must not block; it runs on the workers.
    /// `ports` are used in pairs, RTP on the even ones.
    pub fn start(
        workers: usize,
        ports: RangeInclusive<u16>,
        clock: Clock,
        random: Random,
        deliver: impl Fn(&mut Vec<(StreamKey, Event)>) + Clone + Send + 'static,
    ) -> io::Result<Self> {
        let workers = (0..workers.max(1)).map(|index| Handle::start(index, clock, deliver.clone()));
        Ok(Self {
            workers: workers.collect::<io::Result<_>>()?,
            ports: Ports::new(ports),
            streams: HashMap::new(),
            random,
        })
    }

    /// Binds a socket on this address: the RTP port, or `None` when no port is free.
    pub fn open(&mut self, stream: StreamKey, local: IpAddr) -> Option<u16> {
        self.close(stream);
        let (socket, port) = self.ports.bind(local)?;
        let (worker, handle) = self.workers.iter_mut().enumerate().min_by_key(|(_, handle)| handle.streams)?;
        let [ssrc, sequence, timestamp] = [(); 3].map(|()| self.random.u32());
        handle.streams += 1;
        handle.order(Order::Open {
            key: stream,
            socket,
            stream: Box::new(Stream::new(ssrc, sequence as u16, timestamp)),
        });
        self.streams.insert(stream, Place { worker, port });
        Some(port)
    }

    /// Tells a stream; one that is gone does not mind.
    pub fn command(&self, stream: StreamKey, command: Command) {
        if let Some(handle) = self.streams.get(&stream).and_then(|place| self.workers.get(place.worker)) {
            handle.order(Order::Command { key: stream, command });
        }
    }

    /// Closes the socket and forgets the stream. What it told before may still be on its way.
    pub fn close(&mut self, stream: StreamKey) {
        let Some(Place { worker, port }) = self.streams.remove(&stream) else { return };
        self.ports.free(port);
        if let Some(handle) = self.workers.get_mut(worker) {
            handle.streams -= 1;
            handle.order(Order::Close { key: stream });
        }
    }

    /// Open streams.
    pub fn streams(&self) -> usize {
        self.streams.len()
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
}

impl Drop for MediaPool {
    fn drop(&mut self) {
        for handle in &self.workers {
            handle.order(Order::Stop);
        }
        for handle in &mut self.workers {
            if let Some(thread) = handle.thread.take() {
                // A worker that panicked has said so on standard error; there is nothing left to end.
                let _ = thread.join();
            }
        }
    }
}

impl Handle {
    fn start(
        index: usize,
        clock: Clock,
        deliver: impl Fn(&mut Vec<(StreamKey, Event)>) + Send + 'static,
    ) -> io::Result<Self> {
        let poll = mio::Poll::new()?;
        let shared = Arc::new(Shared {
            waker: mio::Waker::new(poll.registry(), worker::WAKE)?,
            idle: AtomicBool::new(false),
            totals: Totals::default(),
        });
        let (orders, inbox) = channel();
        let worker = Worker::new(poll, inbox, Arc::clone(&shared), clock, deliver);
        let thread = std::thread::Builder::new().name(format!("media-{index}")).spawn(move || worker.run())?;
        Ok(Self { orders, shared, streams: 0, thread: Some(thread) })
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
#[path = "media/tests.rs"]
mod tests;
