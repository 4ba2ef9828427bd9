//! One engine with all its threads.

use crate::engine::{self, Engine};
use crate::random::Random;
use crate::routing::switch::Switches;
use crate::shell::clock::Clock;
use crate::shell::engine_thread::{EngineThread, Surroundings};
use crate::shell::inbox::{Inbox, Message};
use crate::shell::journal::{Journal, Store, Writer};
use crate::shell::listen::Listener;
use crate::shell::live::Live;
use crate::shell::local::Views;
use crate::shell::media::MediaPool;
use crate::shell::tcp;
use crate::time::Duration;
use std::io;
use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use std::thread::JoinHandle;
use tokio::sync::oneshot;

/// What an instance is made of.
pub struct Parts {
    /// What the engine is told once.
    pub engine: engine::Settings,
    /// Bound already.
    pub listeners: Vec<Listener>,
    /// RTP and RTCP.
    pub media_ports: RangeInclusive<u16>,
    /// Media threads.
    pub media_workers: usize,
    /// Chance of the streams: SSRC, first sequence number and timestamp.
    pub media_random: Random,
    /// Time.
    pub clock: Clock,
    /// Records; `None` keeps none.
    pub store: Option<Store>,
    /// Who watches.
    pub live: Arc<Live>,
    /// What peers see of the listeners.
    pub views: Views,
}

/// A running engine.
pub struct Instance {
    /// Where it listens.
    pub addresses: Vec<SocketAddr>,
    /// Its live calls.
    pub live: Arc<Live>,
    inbox: Arc<Inbox>,
    engine: JoinHandle<io::Result<()>>,
    tcp: JoinHandle<()>,
    ended: Option<oneshot::Receiver<()>>,
}

impl Instance {
    /// Starts all threads.
    pub fn start(parts: Parts) -> io::Result<Self> {
        let Parts { engine, listeners, media_ports, media_workers, media_random, clock, store, live, views } = parts;
        let poll = mio::Poll::new()?;
        let inbox = Arc::new(Inbox::new(&poll)?);
        let journal = match store {
            Some(store) => {
                let inbox = Arc::clone(&inbox);
                Journal::Files(Writer::start(store, move |calls| {
                    inbox.extend(calls.iter().map(|&call| Message::Journaled { call }));
                })?)
            }
            None => Journal::Nowhere,
        };
        let media = {
            let inbox = Arc::clone(&inbox);
            MediaPool::start(media_workers, media_ports, clock, media_random, move |events| {
                inbox.extend(events.drain(..).map(|(stream, event)| Message::Media { stream, event }));
            })?
        };
        let addresses = listeners.iter().map(|listener| listener.address).collect();
        let (udp, streams): (Vec<_>, Vec<_>) =
            listeners.into_iter().map(|listener| ((listener.address, listener.udp), listener.tcp)).unzip();
        let (tcp_handle, tcp) = tcp::start(streams, Arc::clone(&inbox))?;
        let around = Surroundings {
            clock,
            poll,
            inbox: Arc::clone(&inbox),
            tcp: tcp_handle,
            media,
            journal,
            live: Arc::clone(&live),
            views,
        };
        let (ends, ended) = oneshot::channel();
        let (ready, is_ready) = sync_channel(1);
        let thread = std::thread::Builder::new().name("engine".to_owned()).spawn(move || {
            let _ends = ends;
            // The engine is made where it lives: its streams and calls never change threads.
            let engine = EngineThread::new(Engine::new(engine), udp, around)?;
            let _ = ready.send(());
            engine.run()
        })?;
        // Making it encodes every prompt. Whoever reads that we listen finds an engine that answers at once; if it could
        // not be made, `ended` says so.
        let _ = is_ready.recv();
        Ok(Self { addresses, live, inbox, engine: thread, tcp, ended: Some(ended) })
    }

    /// New calls see these switches. Who has them (a file, a control socket) hands over the whole state.
    pub fn switched(&self, switches: Switches) {
        self.inbox.push(Message::Switched(Arc::new(switches)));
    }

    /// No new calls; the engine ends when the live ones are over, and ends those that last longer than this.
    pub fn drain(&self, limit: Duration) {
        self.inbox.push(Message::Drain { limit });
    }

    /// Completes when the engine has ended, by itself, drained, or after [`Instance::stop`].
    pub fn ended(&mut self) -> impl Future<Output = ()> + use<> {
        let ended = self.ended.take();
        async move {
            if let Some(ended) = ended {
                // The engine never sends: its end drops the sender.
                let _ = ended.await;
            }
        }
    }

    /// BYE to every live call, then the end of all threads, with every record written.
    pub fn stop(self) -> io::Result<()> {
        self.inbox.push(Message::Stop);
        let result = self.engine.join().unwrap_or_else(|_| Err(io::Error::other("the engine thread panicked")));
        let _ = self.tcp.join();
        result
    }
}
