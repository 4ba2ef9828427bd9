//! A stream that hears another one: what arrives there leaves here, under this leg's own source, numbers, times and keys.

use super::{HEADER, Last, Stream, codec, our_events, samples, write_header};
use crate::limits::RTP_PACKET_BYTES_MAX;
use crate::media::bridge::{Heard, Kind, Place, Way};
use crate::media::press::Presses;
use crate::media::tap::Tap;
use std::net::SocketAddr;

impl Stream {
    /// It hears another stream from now on, or none.
    pub(super) fn bridge(&mut self, bridged: bool) {
        self.bridge = bridged.then(Box::default);
        self.last = Last::Nothing;
    }

    /// Whether it hears another stream.
    pub fn is_bridged(&self) -> bool {
        self.bridge.is_some()
    }

    /// A packet that the other stream received: where to, and how many bytes of the buffer, if it leaves at once.
    pub fn forward(
        &mut self,
        heard: &Heard<'_>,
        buffer: &mut [u8; RTP_PACKET_BYTES_MAX],
    ) -> Option<(SocketAddr, usize)> {
        let to = self.destination();
        let (Some(bridge), Some(chosen)) = (&mut self.bridge, &self.chosen) else { return None };
        let events = our_events(chosen);
        // On hold nothing is heard; while something is played, or a key of ours is pressed, that is.
        if to.is_none() || self.playing.is_some() || self.pressing.as_ref().is_some_and(|keys| !keys.is_passed_on()) {
            bridge.interrupted(0);
            return None;
        }
        let next = (self.sequence, self.timestamp);
        match bridge.heard(heard, (chosen.codec, chosen.packet), events.map(|events| events.clock), next) {
            Way::Kept => None,
            Way::Press(key) => {
                self.pressing.get_or_insert_with(Presses::passed_on).push(key);
                None
            }
            Way::Pass(place) => {
                if let Kind::Sound(codec) = heard.kind {
                    let tell = |tap: &mut Tap| tap.passed(codec, heard.ssrc, heard.timestamp, heard.payload);
                    self.taps.iter_mut().for_each(tell);
                }
                let number = match heard.kind {
                    Kind::Event(..) => events?.payload_type,
                    Kind::Sound(_) | Kind::Noise => chosen.payload_type,
                };
                let length = self.passed(heard, place, number, buffer)?;
                Some((to?, length))
            }
        }
    }

    fn passed(
        &mut self,
        heard: &Heard<'_>,
        place: Place,
        number: u8,
        buffer: &mut [u8; RTP_PACKET_BYTES_MAX],
    ) -> Option<usize> {
        let (header, payload) = buffer.split_at_mut(HEADER);
        payload.get_mut(..heard.payload.len())?.copy_from_slice(heard.payload);
        let marked = heard.marked || place.begins;
        write_header(header, number, marked, place.sequence, place.timestamp, self.ssrc)?;
        let length = self.sealed(buffer, HEADER + heard.payload.len())?;
        if place.newest {
            self.sequence = place.sequence.wrapping_add(1);
            // Our own time follows that of the other telephone; what is said next begins behind what it said.
            if matches!(heard.kind, Kind::Sound(_)) {
                let ticks = samples(heard.packet) as u32 * codec::ticks(heard.agreed);
                self.timestamp = place.timestamp.wrapping_add(ticks);
            }
        }
        self.sent = (self.sent.0.wrapping_add(1), self.sent.1.wrapping_add(heard.payload.len() as u32));
        self.last = Last::Nothing;
        Some(length)
    }
}

#[cfg(test)]
#[path = "bridged_tests.rs"]
mod tests;
