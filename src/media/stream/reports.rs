//! What a leg reports of its sound and is told of it (RTCP), and how it sounded in all.

use super::Stream;
use crate::limits::RTP_PACKET_BYTES_MAX;
use crate::media::quality::{Heard, Report};
use crate::media::reception::Reception;
use crate::media::rtcp::Sent;
use crate::sdp::Control;
use crate::time::Instant;
use std::net::SocketAddr;

/// The way a report takes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Way {
    /// Beside the sound (RFC 5761).
    Muxed,
    /// From our RTCP port, the one above.
    Apart,
}

impl Stream {
    /// A packet of reports. It never latches, and counts from the peer's host alone.
    pub fn reported(&mut self, now: Instant, from: SocketAddr, way: Way, packet: &mut [u8]) {
        let packet = match &mut self.srtp {
            Some(srtp) => match srtp.open_report(packet) {
                Some(packet) => packet,
                None => return,
            },
            None => packet,
        };
        let Some(chosen) = &self.chosen else { return };
        let host = self.source.known().or(self.signalled).map(|peer| peer.ip());
        if host == Some(from.ip()) && self.reports.received(now, self.ssrc, chosen.codec.clock(), packet) {
            // Who is silent on purpose still reports.
            self.heard = now;
            if way == Way::Apart {
                // Held like the latch: until something is agreed on anew, or the sound comes from elsewhere.
                self.reporter.get_or_insert(from);
            }
        }
    }

    /// Whether [`Stream::report`] has something to say.
    pub fn owes_report(&self, now: Instant) -> bool {
        self.reports.is_due(now)
    }

    /// Whether reports need a port of their own.
    pub fn reports_apart(&self) -> bool {
        matches!(self.reports_to(), Some((_, Way::Apart)))
    }

    /// Our report when it is due, or the last one with its BYE: where to, by which way, and how many bytes of the buffer.
    pub fn report(
        &mut self,
        now: Instant,
        last: bool,
        buffer: &mut [u8; RTP_PACKET_BYTES_MAX],
    ) -> Option<(SocketAddr, Way, usize)> {
        let Some((to, way)) = self.reports_to().filter(|_| !last || self.reports.has_told()) else {
            self.reports.passed(now);
            return None;
        };
        let (packets, bytes) = self.sent;
        let sent = Sent { ssrc: self.ssrc, timestamp: self.timestamp, packets, bytes };
        let length = self.reports.write(now, sent, self.reception.as_mut().and_then(Reception::block), last, buffer)?;
        let length = match &mut self.srtp {
            Some(srtp) => srtp.seal_report(buffer, length)?,
            None => length,
        };
        Some((to, way, length))
    }

    /// How this leg sounded so far; `None` before anything was agreed.
    pub fn quality(&self) -> Option<Report> {
        let chosen = self.chosen.as_ref()?;
        Some(Report {
            codec: chosen.codec,
            sent: self.sent.0,
            unsent: self.unsent,
            heard: self.reception.map(|reception| Heard {
                packets: reception.packets(),
                lost: reception.lost(),
                jitter: reception.jitter(),
            }),
            peer: self.reports.peer(),
            round_trip: self.reports.round_trip(),
            suite: self.srtp.as_ref().map(|srtp| srtp.suite()),
            forged: self.srtp.as_ref().map_or(0, |srtp| srtp.forged()).saturating_add(self.forged),
        })
    }

    /// Where our reports go; nowhere while the peer names no address. On hold they go on (RFC 3264 §5.1).
    fn reports_to(&self) -> Option<(SocketAddr, Way)> {
        let chosen = self.chosen.as_ref()?;
        let remote = chosen.remote?;
        let sound = self.source.known().unwrap_or(remote);
        match chosen.control {
            Control::Muxed => Some((sound, Way::Muxed)),
            Control::Off => None,
            Control::Apart(at) => {
                // Behind a NAT the port above is a guess, until a report of theirs shows a better one.
                let guess = match sound.ip() == at.ip() {
                    true => at,
                    false => SocketAddr::new(sound.ip(), sound.port().checked_add(1)?),
                };
                Some((self.reporter.unwrap_or(guess), Way::Apart))
            }
        }
    }
}
