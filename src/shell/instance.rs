//! One engine with all its threads.

use crate::engine::{self, Engine};
use crate::limits::{TCP_CONNECTIONS_MAX, TCP_CONNECTIONS_PER_ADDRESS_MAX};
use crate::random::Random;
use crate::routing::switch::Switches;
use crate::shell::clock::Clock;
use crate::shell::engine_thread::{EngineThread, Surroundings};
use crate::shell::inbox::{Inbox, Message};
use crate::shell::journal::{Journal, Store, Writer};
use crate::shell::listen::Listener;
use crate::shell::live::Live;
use crate::shell::local::Views;
use crate::shell::media::{MediaPool, Sends};
use crate::shell::recorder::Recorder;
use crate::shell::resolver;
use crate::shell::settings::TlsFiles;
use crate::shell::tcp::{self, Caps, Patience};
use crate::shell::tls::{Tls, TlsError};
use crate::sip::Transport;
use crate::time::Duration;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use std::thread::JoinHandle;
use tokio::sync::oneshot;

/// What an instance is made of.
pub struct Parts {
    /// What the engine is told once.
    pub engine: engine::Settings,
    /// Where it is reached.
    pub sockets: Sockets,
    /// RTP and RTCP.
    pub media_ports: RangeInclusive<u16>,
    /// Media threads.
    pub media_workers: usize,
    /// How packets leave.
    pub media_sends: Sends,
    /// How long a caller who should speak may be silent.
    pub media_patience: Option<Duration>,
    /// Whether loss and jitter of what callers send are counted.
    pub media_counts: bool,
    /// Chance of the streams: SSRC, first sequence number and timestamp.
    pub media_random: Random,
    /// The folder of recordings; without one nothing is recorded.
    pub recordings: Option<PathBuf>,
    /// Time.
    pub clock: Clock,
    /// Records; `None` keeps none.
    pub store: Option<Store>,
    /// Who watches.
    pub live: Arc<Live>,
}

/// The SIP side of an instance.
pub struct Sockets {
    /// UDP and TCP, bound already.
    pub listeners: Vec<Listener>,
    /// TLS, bound already.
    pub tls_listeners: Vec<(SocketAddr, TcpListener)>,
    /// Certificates.
    pub tls: Arc<Tls>,
    /// What peers see of the listeners.
    pub views: Views,
    /// How many connections.
    pub caps: Caps,
    /// Name servers; none: those of the system.
    pub dns_servers: Vec<SocketAddr>,
}

impl Sockets {
    /// Without TLS and as it comes.
    pub fn plain(listeners: Vec<Listener>) -> Result<Self, TlsError> {
        Ok(Self {
            listeners,
            tls_listeners: Vec::new(),
            tls: Arc::new(Tls::load(TlsFiles::default())?),
            views: Views::default(),
            caps: Caps { all: TCP_CONNECTIONS_MAX, per_address: TCP_CONNECTIONS_PER_ADDRESS_MAX },
            dns_servers: Vec::new(),
        })
    }
}

/// A running engine.
pub struct Instance {
    /// Where it listens.
    pub addresses: Vec<SocketAddr>,
    /// Where it listens for TLS.
    pub tls_addresses: Vec<SocketAddr>,
    /// Its live calls.
    pub live: Arc<Live>,
    inbox: Arc<Inbox>,
    engine: JoinHandle<io::Result<()>>,
    tcp: JoinHandle<()>,
    names: JoinHandle<()>,
    ended: Option<oneshot::Receiver<()>>,
}

impl Instance {
    /// Starts all threads.
    pub fn start(parts: Parts) -> io::Result<Self> {
        let Parts {
            engine,
            sockets,
            media_ports,
            media_workers,
            media_sends,
            media_patience,
            media_counts,
            media_random,
            recordings,
            clock,
            store,
            live,
        } = parts;
        let Sockets { listeners, tls_listeners, tls, views, caps, dns_servers } = sockets;
        let poll = mio::Poll::new()?;
        let inbox = Arc::new(Inbox::new(&poll)?);
        let journal = match store {
            Some(store) => {
                inbox.push(Message::Orphaned(store.orphans()));
                let inbox = Arc::clone(&inbox);
                Journal::Files(Writer::start(store, live.alarms(), move |calls| {
                    inbox.extend(calls.iter().map(|&call| Message::Journaled { call }));
                })?)
            }
            None => Journal::Nowhere,
        };
        let media = {
            let inbox = Arc::clone(&inbox);
            MediaPool::start(media_workers, media_ports, clock, media_sends, media_random, move |events| {
                inbox.extend(events.drain(..).map(|(stream, event)| Message::Media { stream, event }));
            })?
            .with_patience(media_patience)
            .counting(media_counts)
        };
        let media = match recordings {
            Some(folder) => {
                let inbox = Arc::clone(&inbox);
                let tell = move |stream, event| inbox.push(Message::Media { stream, event });
                media.with_recorder(Recorder::start(folder, live.alarms(), tell)?)
            }
            None => media,
        };
        let addresses = listeners.iter().map(|listener| listener.address).collect();
        let tls_addresses: Vec<SocketAddr> = tls_listeners.iter().map(|(address, _)| *address).collect();
        let (udp, mut streams): (Vec<_>, Vec<_>) = listeners
            .into_iter()
            .map(|Listener { address, udp, tcp }| ((address, udp), (Transport::Tcp, address, tcp)))
            .unzip();
        streams.extend(tls_listeners.into_iter().map(|(address, listener)| (Transport::Tls, address, listener)));
        let (tcp_handle, tcp) = tcp::start(tcp::Parts {
            listeners: streams,
            inbox: Arc::clone(&inbox),
            peers: engine.peers.clone(),
            views: views.clone(),
            tls,
            caps,
            patience: Patience::default(),
        })?;
        let (resolver, names) = resolver::start(dns_servers, Arc::clone(&inbox))?;
        let around = Surroundings {
            clock,
            poll,
            inbox: Arc::clone(&inbox),
            tcp: tcp_handle,
            resolver,
            tls_addresses: tls_addresses.clone(),
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
        // Whoever reads that we listen finds an engine that answers at once; if it could not be made, `ended` says so.
        let _ = is_ready.recv();
        Ok(Self { addresses, tls_addresses, live, inbox, engine: thread, tcp, names, ended: Some(ended) })
    }

    /// New calls see these switches. Who has them (a file, a control socket) hands over the whole state.
    pub fn switched(&self, switches: Switches) {
        self.inbox.push(Message::Switched(Arc::new(switches)));
    }

    /// What other threads hand the engine.
    pub fn inbox(&self) -> Arc<Inbox> {
        Arc::clone(&self.inbox)
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
        let _ = self.names.join();
        result
    }
}
