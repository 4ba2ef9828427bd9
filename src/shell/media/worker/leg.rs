//! A stream of a media worker with its sockets: what the kernel is told to hear, what leaves for reports.

use super::RECEIVED_BYTES_MAX;
use crate::limits::{RTP_PACKET_BYTES_MAX, RTP_PACKETS_PER_SLOT, STRETCH};
use crate::media::StreamKey;
use crate::media::stream::{Stream, Way};
use crate::shell::media::deaf;
use crate::shell::media::encoder::Encoder;
use crate::shell::media::wheel::{Slot, Turn};
use crate::time::Instant;
use mio::net::UdpSocket;
use mio::{Interest, Registry, Token};
use socket2::SockRef;
use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use tracing::debug;

/// A stream and its socket.
pub(super) struct Leg {
    pub(super) key: StreamKey,
    pub(super) socket: UdpSocket,
    pub(super) stream: Box<Stream>,
    pub(super) pace: Pace,
    pub(super) unread: bool,
    ears: Ears,
    reports: Reports,
    /// The place of the stream that it is bridged with, on this worker as well.
    pub(super) other: Option<usize>,
    /// Times that an error of ours stopped it.
    pub(super) breaks: u8,
}

/// Whether the kernel hands over sound to which nobody listens.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ears {
    Open,
    /// Keys and reports alone.
    Shut,
    /// The kernel takes no filter of ours.
    Stuck,
}

/// The port above, for reports that do not share the port of the sound. Most calls end before it would be of use, so it is opened for the first
/// report.
enum Reports {
    Unopened,
    Open(UdpSocket),
    /// Another program holds it: this leg goes without.
    Closed,
}

/// Whether a stream sends, and the number of its appointment on the wheel.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Pace {
    /// Not configured yet.
    Waiting,
    /// Silence so far: the first prompt may move it to the next slot.
    Silent(u64),
    /// It has played: from now on it keeps its phase, so that the peer's jitter buffer is left in peace.
    Spoken(u64),
}

impl Leg {
    /// Nothing was agreed for it yet.
    pub(super) fn new(key: StreamKey, socket: UdpSocket, stream: Box<Stream>) -> Self {
        Self {
            key,
            socket,
            stream,
            pace: Pace::Waiting,
            unread: false,
            ears: Ears::Open,
            reports: Reports::Unopened,
            other: None,
            breaks: 0,
        }
    }

    /// Slots from packet to packet, within what the wheel can hold.
    pub(super) fn interval(&self) -> Slot {
        (self.stream.packet().as_millis() as u64).clamp(10, 60)
    }

    /// Whether this appointment is the one that counts.
    pub(super) fn keeps(&self, turn: Turn) -> bool {
        matches!(self.pace, Pace::Silent(number) | Pace::Spoken(number) if number == turn.number)
    }

    /// What it is to play is encoded in what it speaks now, unless it is already: the beginning before its first packet, the rest beside the calls.
    pub(super) fn encode(&self, encoder: &Encoder) {
        let Some((form, clips)) = self.stream.to_play() else { return };
        let (mut rest, mut begun) = (VecDeque::new(), 0);
        for clip in clips {
            let mut encoding = clip.encode(form);
            let more = match &mut encoding {
                Some(encoding) if begun < STRETCH => encoding.step(),
                Some(_) => true,
                None if begun < STRETCH => {
                    clip.begin_at_once(form);
                    false
                }
                None => false,
            };
            begun += clip.eighths();
            rest.extend(encoding.filter(|_| more));
        }
        if !rest.is_empty() {
            encoder.go_on(rest);
        }
    }

    /// Leaves in the kernel what the stream would drop.
    pub(super) fn shut_ears(&mut self) {
        if self.ears == Ears::Open
            && let Some(keys) = self.stream.keys_alone()
        {
            self.ears = match SockRef::from(&self.socket).attach_filter(&deaf::all_but(keys)) {
                Ok(()) => Ears::Shut,
                Err(error) => {
                    debug!(%error, "no filter before an RTP socket");
                    Ears::Stuck
                }
            };
        }
    }

    /// Hears everything again.
    pub(super) fn open_ears(&mut self) {
        if self.ears == Ears::Shut {
            // It has one, so it can be taken away.
            let _ = SockRef::from(&self.socket).detach_filter();
            self.ears = Ears::Open;
        }
    }

    /// Sends our report. One that cannot leave is missed by nobody: the next one says more.
    pub(super) fn report(&mut self, now: Instant, last: bool, buffer: &mut [u8; RTP_PACKET_BYTES_MAX]) {
        let Some((to, way, length)) = self.stream.report(now, last, buffer) else { return };
        let socket = match (way, &self.reports) {
            (Way::Muxed, _) => &self.socket,
            (Way::Apart, Reports::Open(socket)) => socket,
            (Way::Apart, Reports::Unopened | Reports::Closed) => return,
        };
        let _ = socket.send_to(buffer.get(..length).unwrap_or_default(), to);
    }

    /// Opens the port above that of the sound, if reports need it. It is of our range and of this pair.
    pub(super) fn open_reports(&mut self, registry: &Registry, index: usize) {
        if !matches!(self.reports, Reports::Unopened) || !self.stream.reports_apart() {
            return;
        }
        let opened = self.socket.local_addr().and_then(|sound| {
            let port = sound.port().checked_add(1).ok_or(io::ErrorKind::AddrNotAvailable)?;
            let mut socket = UdpSocket::bind(SocketAddr::new(sound.ip(), port))?;
            registry.register(&mut socket, reports_of(index), Interest::READABLE)?;
            Ok(socket)
        });
        self.reports = match opened {
            Ok(socket) => Reports::Open(socket),
            Err(error) => {
                debug!(%error, "no socket for reports");
                Reports::Closed
            }
        };
    }

    /// What came by the port of reports. Bounded: what a flood leaves there is read with what comes next.
    pub(super) fn read_reports(&mut self, now: Instant, buffer: &mut [u8; RECEIVED_BYTES_MAX]) {
        let Reports::Open(socket) = &self.reports else { return };
        for _ in 0..RTP_PACKETS_PER_SLOT {
            match socket.recv_from(buffer) {
                Ok((length, from)) => {
                    self.stream.reported(now, from, Way::Apart, buffer.get_mut(..length).unwrap_or_default());
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                // An ICMP word about a report of ours.
                Err(_) => {}
            }
        }
    }
}

pub(super) fn sound_of(index: usize) -> Token {
    Token(2 * index)
}

pub(super) fn reports_of(index: usize) -> Token {
    Token(2 * index + 1)
}
