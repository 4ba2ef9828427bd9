//! What the engine takes and gives: every way in and out of it.

use super::edition::Edition;
use crate::call::CallKey;
use crate::media::{self, StreamKey};
use crate::random::{Random, Secrets};
use crate::routing::switch::Switches;
use crate::sip::Flow;
pub use crate::sip::admission::Refused;
use crate::sip::locate::{Answer, LookupKey, Question};
pub use crate::sip::session_timer::Intervals;
use crate::sip::trunk::Peers;
use crate::time::{Duration, Instant};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

/// What the engine is told once.
pub struct Settings {
    /// What calls follow, until another is published.
    pub edition: Arc<Edition>,
    /// The key of the callers' hash in records.
    pub hash_key: [u8; 32],
    /// Who may call.
    pub peers: Peers,
    /// Session timers (RFC 4028).
    pub session: Intervals,
    /// Loopback targets take the address that routes to the caller: stand-in centres for a phone on the network.
    pub stand_ins: bool,
    /// Chance.
    pub random: Random,
    /// The keys of encrypted sound.
    pub secrets: Secrets,
}

/// How the registration of a trunk stands.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Registration {
    /// Which trunk.
    pub trunk: String,
    /// Calls reach us by it until then, and longer once it is refreshed; `None`: they do not.
    pub until: Option<Instant>,
    /// The registrar's last final response; 408 for silence, 503 where it could not be reached.
    pub status: Option<u16>,
}

/// What can happen to the engine.
#[derive(Debug)]
pub enum Input<'a> {
    /// A datagram, or some bytes of a TCP connection.
    Received {
        /// Where from.
        flow: Flow,
        /// What.
        bytes: &'a [u8],
    },
    /// A TLS peer has shown a certificate that holds (RFC 5922); comes before its first bytes, and counts until its connection ends.
    Secured {
        /// Which, as in [`Flow::connection`].
        connection: u64,
        /// Whom the certificate is for.
        names: Vec<String>,
    },
    /// A datagram that waited too long or found no room to wait: as [`Input::Received`], but a new call is refused.
    Overdue {
        /// Where from.
        flow: Flow,
        /// What.
        bytes: &'a [u8],
    },
    /// From time to time: how long messages wait before they come in, told by the luckiest of them. New calls come slower
    /// while that is long.
    Waits {
        /// How long.
        shortest: Duration,
        /// How late the media thread that is furthest behind serves its slots, told by the luckiest of them. No new call is taken while that is
        /// late.
        sound: Duration,
    },
    /// A TCP connection ended.
    Disconnected {
        /// Which, as in [`Flow::connection`].
        connection: u64,
    },
    /// Bytes could not leave.
    SendFailed {
        /// Where to.
        flow: Flow,
    },
    /// The answer to [`Output::Lookup`].
    LookedUp {
        /// Which.
        lookup: LookupKey,
        /// What was found.
        answer: Answer,
    },
    /// The answer to [`Output::OpenStream`]: the RTP port, or `None` when no port is free.
    StreamOpened {
        /// Which.
        stream: StreamKey,
        /// Its local RTP port.
        port: Option<u16>,
    },
    /// A stream speaks.
    Media {
        /// Which.
        stream: StreamKey,
        /// What it says.
        event: media::Event,
    },
    /// The answer to [`Output::Journal`] with [`Entry::Start`]: the start of this call is on disk (or could not be written:
    /// the call goes on, the shell raises the alarm).
    Journaled {
        /// Whose.
        call: CallKey,
    },
    /// Dialogs that an earlier process left open, as its journal kept them: each gets one BYE.
    Orphaned {
        /// As in [`Entry::Start`].
        dialogs: Vec<String>,
    },
    /// Time went by.
    Tick,
    /// No new calls: an INVITE and a balancer's OPTIONS are answered 503 with Retry-After. Live calls go on to their end.
    Drain,
    /// What operators turned on; new calls see it.
    Switched(Arc<Switches>),
    /// Another table was published: new calls follow it, live ones keep theirs. Whoever hands it over keeps the old one too, so
    /// that a thread with time to spare frees it.
    Published(Arc<Edition>),
    /// BYE to every live call, nothing new.
    Stop,
    /// No time is left: the records of calls that are over are written with what is known.
    End,
}

/// What the engine wants done.
#[derive(Debug)]
pub enum Output {
    /// Send these bytes.
    Transmit {
        /// Where.
        flow: Flow,
        /// One whole message.
        bytes: Vec<u8>,
    },
    /// Ask the name system, or our own sockets; answer with [`Input::LookedUp`].
    Lookup {
        /// Its name.
        lookup: LookupKey,
        /// What.
        question: Question,
    },
    /// A TLS connection to this address is opened only to a certificate with this name (RFC 5922). Told before the first
    /// bytes that go there; the latest name counts.
    Expect {
        /// Where.
        remote: SocketAddr,
        /// The name.
        name: String,
    },
    /// Close this TCP connection: what it says cannot be read on. What waits to be sent leaves first.
    CloseConnection {
        /// Which, as in [`Flow::connection`].
        connection: u64,
    },
    /// New calls met a 503 lately, for want of room or time: an operator must be told.
    Refused(Refused),
    /// Bind an RTP socket on this address; answer with [`Input::StreamOpened`].
    OpenStream {
        /// Its name.
        stream: StreamKey,
        /// Our address as the peer sees it.
        local: IpAddr,
        /// The stream that it is to be bridged with.
        beside: Option<StreamKey>,
    },
    /// Tell a stream.
    Media {
        /// Which.
        stream: StreamKey,
        /// What.
        command: media::Command,
    },
    /// Nothing is kept of a recording, which has ended or was told to end before.
    Discard {
        /// Its name below the folder of recordings.
        file: Arc<str>,
    },
    /// Close the socket and forget the stream.
    CloseStream {
        /// Which.
        stream: StreamKey,
    },
    /// Write to the journal of calls.
    Journal {
        /// Whose.
        call: CallKey,
        /// What.
        entry: Entry,
    },
    /// News of a live call, for those who watch.
    Live {
        /// Whose.
        call: CallKey,
        /// What.
        news: News,
    },
}

/// A line of the journal: JSON without its newline.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Entry {
    /// The call as it stands before its 200: on disk first, answered with [`Input::Journaled`].
    Start {
        /// This very line, completed by `interrupted`, becomes the record if the process dies.
        record: String,
        /// What [`Input::Orphaned`] needs to end the dialog then. It names the caller in clear: for the journal, never for the
        /// records.
        dialog: Option<String>,
    },
    /// The dialog of a call whose start was written, as it stands now: another peer, or reached elsewhere. Written soon; until
    /// then, and when the disk is slow, the one of before counts.
    Dialog(String),
    /// The same of the centre that is called or that the call is bridged with: as [`Entry::Dialog`].
    Centre(String),
    /// The record of a call whose start was written, as it stands now: answered, a row or a key further, on its way to a centre. It takes the place
    /// of the start's. Nothing waits for it: it outlives the process, and a power cut may lose it.
    SoFar(String),
    /// The whole record, once per call, also for calls without a start (refused ones).
    End(String),
}

/// What those who watch are told.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum News {
    /// A call began.
    Began {
        /// Masked.
        caller: String,
        /// The number.
        dialled: String,
    },
    /// It entered a row of the table.
    Entered {
        /// `menu.fund`, `center.kosmes`.
        row: Arc<str>,
    },
    /// A key counted.
    Key {
        /// Which; `None` where it may be part of what a caller enters.
        key: Option<crate::number::Key>,
    },
    /// It ended.
    Ended {
        /// The cause, as in the record.
        cause: &'static str,
    },
}
