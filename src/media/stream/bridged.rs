//! A stream that hears another one: what arrives there leaves here, under this leg's own source, numbers, times and keys.

use super::{HEADER, Last, Stream, codec, our_events, ours, write_header};
use crate::limits::RTP_PACKET_BYTES_MAX;
use crate::media::bridge::{Bridge, Heard, Kind, Place, Spoken, Way, Ways};
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
        if self.bridge.as_mut().is_none_or(|bridge| bridge.relayed(key)) {
            self.pressing.get_or_insert_with(Presses::passed_on).push(key);
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

    /// A packet that the other stream received: where to, and how many bytes of the buffer leave now. [`Stream::forward_next`] has more of them.
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
        let presses = self.pressing.is_some() && !bridge.is_passing_a_press();
        let ordered = presses && self.pressing.as_ref().is_some_and(|keys| !keys.is_passed_on());
        // On hold nothing is heard; while something is played that gives no way, or a key of ours is pressed, that is.
        let (plays, beneath) = match &self.playing {
            Some(playing) => (!playing.gives_way, playing.gives_way),
            None => (false, false),
        };
        let Some(to) = to.filter(|_| !plays && !ordered) else {
            bridge.interrupted(0);
            return None;
        };
        let next = (self.sequence, self.timestamp);
        let spoken = Spoken {
            ours: ours(chosen),
            packet: chosen.packet,
            events: events.map(|events| events.clock),
            presses: self.pressing.is_some(),
            beneath,
        };
        match bridge.heard(heard, spoken, next) {
            Way::Kept => None,
            Way::Press(key) => {
                self.pressing.get_or_insert_with(Presses::passed_on).push(key);
                None
            }
            // While a key is pressed it is all that is heard.
            Way::Pass(_) | Way::Translate if presses => {
                bridge.interrupted(0);
                None
            }
            way @ (Way::Pass(_) | Way::Translate) => {
                if let Kind::Sound(codec) = heard.kind
                    && recorded
                {
                    let tell = |tap: &mut Tap| tap.passed(codec, heard.ssrc, heard.timestamp, heard.payload);
                    self.taps.iter_mut().for_each(tell);
                }
                let Way::Pass(place) = way else { return self.forward_next(buffer) };
                let payload = buffer.get_mut(HEADER..)?;
                let (number, codec) = match heard.kind {
                    Kind::Event(..) => (events?.payload_type, None),
                    Kind::Sound(codec) => (chosen.payload_type, Some(codec)),
                    Kind::Noise => return None,
                };
                let from = codec.unwrap_or(chosen.codec);
                let length = codec::under_law(from, chosen.codec, heard.payload, payload)?;
                let samples = codec.map(|codec| codec::samples(codec, heard.payload));
                let place = Place { begins: heard.marked || place.begins, ..place };
                self.passed(place, number, samples, length, buffer).map(|length| (to, length))
            }
        }
    }

    /// What else leaves of the packet that [`Stream::forward`] was told of, for packets of ours may be shorter: asked for until there is none.
    pub fn forward_next(&mut self, buffer: &mut [u8; RTP_PACKET_BYTES_MAX]) -> Option<(SocketAddr, usize)> {
        let to = self.destination()?;
        let (Some(bridge), Some(chosen)) = (&mut self.bridge, &self.chosen) else { return None };
        let (ours, number) = (ours(chosen), chosen.payload_type);
        let said = bridge.say(ours, buffer.get_mut(HEADER..)?)?;
        self.passed(said.place, number, Some(ours.samples), said.length, buffer).map(|length| (to, length))
    }

    /// A payload that stands in the buffer, at its place in our row; how many samples it sounds, if it does.
    fn passed(
        &mut self,
        place: Place,
        number: u8,
        samples: Option<usize>,
        payload: usize,
        buffer: &mut [u8; RTP_PACKET_BYTES_MAX],
    ) -> Option<usize> {
        write_header(buffer.get_mut(..HEADER)?, number, place.begins, place.sequence, place.timestamp, self.ssrc)?;
        let length = self.sealed(buffer, HEADER + payload)?;
        if place.newest {
            self.sequence = place.sequence.wrapping_add(1);
            // Our own time follows that of the other telephone; what is said next begins behind what it said.
            if let (Some(samples), Some(chosen)) = (samples, &self.chosen) {
                self.timestamp = place.timestamp.wrapping_add(samples as u32 * codec::ticks(chosen.codec));
            }
        }
        self.sent = (self.sent.0.wrapping_add(1), self.sent.1.wrapping_add(payload as u32));
        self.last = Last::Nothing;
        Some(length)
    }
}

#[cfg(test)]
#[path = "bridged_tests.rs"]
mod tests;
