//! A stream that hears another one: what arrives there leaves here, under this leg's own source, numbers, times and keys.

use super::{HEADER, Last, Stream, codec, our_events, samples, write_header};
use crate::limits::RTP_PACKET_BYTES_MAX;
use crate::media::bridge::{Bridge, Heard, Kind, Place, Way, Ways};
use crate::media::press::Presses;
use crate::media::tap::Tap;
use crate::number::Key;
use std::net::SocketAddr;

impl Stream {
    /// These ways to another stream are open from now on, or none.
    pub(super) fn bridge(&mut self, ways: Option<Ways>) {
        self.bridge = ways.map(|ways| Box::new(Bridge::new(ways)));
        self.last = Last::Nothing;
    }

    /// The other side of [`Command::Overhear`](crate::media::Command::Overhear): it is heard, and hears nothing.
    pub fn overheard(&mut self) {
        self.bridge(Some(Ways::Heard));
    }

    /// Which ways to another stream are open.
    pub fn ways(&self) -> Option<Ways> {
        self.bridge.as_ref().map(|bridge| bridge.ways())
    }

    pub(super) fn give_way(&mut self) {
        if let Some(playing) = &mut self.playing {
            playing.gives_way = true;
        }
    }

    /// A key that somebody pressed on another leg and told beside the sound.
    pub(super) fn relay(&mut self, key: Key) {
        self.pressing.get_or_insert_with(Presses::passed_on).push(key);
        if let Some(bridge) = &mut self.bridge {
            bridge.relayed(key);
        }
    }

    /// Whether what is heard of another stream may be recorded.
    pub(super) fn is_recorded(&self) -> bool {
        self.ways() != Some(Ways::Hears)
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
        let (to, recorded) = (self.destination(), self.is_recorded());
        let (Some(bridge), Some(chosen)) = (&mut self.bridge, &self.chosen) else { return None };
        if bridge.ways() == Ways::Heard {
            return None;
        }
        let events = our_events(chosen);
        // On hold nothing is heard; while something is played that gives no way, or a key of ours is pressed, that is.
        let plays = self.playing.as_ref().is_some_and(|playing| !playing.gives_way);
        if to.is_none() || plays || self.pressing.as_ref().is_some_and(|keys| !keys.is_passed_on()) {
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
            // While a key is pressed it is all that is heard.
            Way::Pass(_) if self.pressing.is_some() => {
                bridge.interrupted(0);
                None
            }
            Way::Pass(place) => {
                if let Kind::Sound(codec) = heard.kind
                    && recorded
                {
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
