//! One engine with all its threads.

use crate::engine::{self, Engine};
use crate::media::{Command, StreamKey};
use crate::shell::clock::Clock;
use crate::shell::engine_thread::{EngineThread, Surroundings};
use crate::shell::inbox::{Inbox, Message};
use crate::shell::journal::{Journal, Store, Writer};
use crate::shell::listen::Listener;
use crate::shell::live::Live;
use crate::shell::tcp;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::ops::RangeInclusive;
use std::sync::Arc;
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
    /// Time.
    pub clock: Clock,
    /// Records; `None` keeps none.
    pub store: Option<Store>,
    /// Who watches.
    pub live: Arc<Live>,
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
        let Parts { engine, listeners, media_ports, media_workers, clock, store, live } = parts;
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
        let media = MediaThreads::start(clock, media_workers, media_ports, Arc::clone(&inbox))?;
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
        };
        let (ends, ended) = oneshot::channel();
        // The engine is made where it lives: its streams and calls never change threads.
        let thread = std::thread::Builder::new().name("engine".to_owned()).spawn(move || {
            let _ends = ends;
            EngineThread::new(Engine::new(engine), udp, around)?.run()
        })?;
        Ok(Self { addresses, live, inbox, engine: thread, tcp, ended: Some(ended) })
    }

    /// Completes when the engine has ended, by itself or after [`Instance::stop`].
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

/// The media threads as the engine thread sees them.
pub struct MediaThreads {
    inbox: Arc<Inbox>,
}

impl MediaThreads {
    fn start(_clock: Clock, _workers: usize, _ports: RangeInclusive<u16>, inbox: Arc<Inbox>) -> io::Result<Self> {
        Ok(Self { inbox })
    }

    /// Binds a socket for a stream; the answer comes by the inbox.
    pub fn open(&self, stream: StreamKey, _local: IpAddr) {
        self.inbox.push(Message::StreamOpened { stream, port: None });
    }

    /// Tells a stream.
    pub fn command(&self, _stream: StreamKey, _command: Command) {}

    /// Closes a stream.
    pub fn close(&self, _stream: StreamKey) {}
}
