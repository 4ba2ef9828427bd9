//! Where the peer's packets come from, and where ours go: to whoever the first valid packets came from.

use super::Stream;
use crate::limits::RTP_SOURCE_CHANGE;
use crate::media::Event;
use crate::sdp::Direction;
use crate::time::Instant;
use std::net::SocketAddr;

/// Where the peer's packets come from. It need not be where its description says: NAT, or a client that listens
/// everywhere and sends from another address.
#[derive(Clone, Copy, Debug)]
pub(super) enum Source {
    /// The first valid packet decides when signalling named its address; from elsewhere two of one SSRC do, because noise
    /// passes for a packet once in a hundred times. Packets of the source of before may still be under way until then.
    Open { before: Option<(SocketAddr, Instant)>, candidate: Option<(SocketAddr, u32)> },
    /// Only this one is heard: learning that stays open lets anyone inject sound and keys (CVE-2025-53399).
    Latched(SocketAddr),
    /// Something was agreed on anew, and nothing has come from here since: a NAT may have given the telephone another port while it was silent
    /// (decision 54). Ours go here still; its first packet latches it again, two of one SSRC from elsewhere take its place.
    Doubted { source: SocketAddr, candidate: Option<(SocketAddr, u32)> },
}

impl Source {
    /// Where the peer was heard last, if it was.
    pub(super) fn known(&self) -> Option<SocketAddr> {
        match *self {
            Self::Latched(source) | Self::Doubted { source, .. } => Some(source),
            Self::Open { .. } => None,
        }
    }
}

impl Stream {
    /// Something was agreed on: a description that names this address, or none (hold). A new address means a new source; the same one again, or none,
    /// leaves the latch as it is until somebody else is heard and the source of before is not.
    pub(super) fn renegotiated(&mut self, now: Instant, remote: Option<SocketAddr>) {
        let moved = remote.is_some_and(|remote| self.signalled.replace(remote) != Some(remote));
        self.source = match self.source {
            Source::Latched(source) | Source::Doubted { source, .. } if moved => {
                Source::Open { before: Some((source, now + RTP_SOURCE_CHANGE)), candidate: None }
            }
            Source::Open { before, .. } if moved => Source::Open { before, candidate: None },
            Source::Latched(source) => Source::Doubted { source, candidate: None },
            source @ (Source::Open { .. } | Source::Doubted { .. }) => source,
        };
        self.reporter = None;
    }

    /// Whether packets of this source count. The first valid one latches.
    pub(super) fn heeds(&mut self, now: Instant, from: SocketAddr, ssrc: u32, events: &mut Vec<Event>) -> bool {
        // Whoever the signalling names may take the latch at any time: the first packet can be a stray one of an
        // earlier call on this port, and must not lock the caller out.
        let signalled = self.signalled == Some(from);
        match self.source {
            Source::Latched(source) if source == from => return true,
            Source::Doubted { source, .. } if source == from => {
                self.source = Source::Latched(source);
                return true;
            }
            Source::Latched(_) if !signalled => return false,
            // Its keys still count, yet sound no longer goes there.
            Source::Open { before: Some((source, until)), .. } if source == from && now < until && !signalled => {
                return true;
            }
            Source::Open { before, candidate } if !signalled && candidate != Some((from, ssrc)) => {
                self.source = Source::Open { before, candidate: Some((from, ssrc)) };
                return false;
            }
            Source::Doubted { source, candidate } if !signalled && candidate != Some((from, ssrc)) => {
                self.source = Source::Doubted { source, candidate: Some((from, ssrc)) };
                return false;
            }
            Source::Latched(_) | Source::Open { .. } | Source::Doubted { .. } => {}
        }
        self.source = Source::Latched(from);
        self.reporter = None;
        events.push(Event::Latched(from));
        true
    }

    pub(super) fn destination(&self) -> Option<SocketAddr> {
        let chosen = self.chosen.as_ref()?;
        match chosen.direction {
            Direction::RecvOnly | Direction::Inactive => None,
            Direction::SendRecv | Direction::SendOnly => self.source.known().or(chosen.remote),
        }
    }
}
