//! What travels between the engine, its callers, its centres and everybody else, and what comes of it there.

use super::{ENGINE, Event, Place, World};
use crate::engine::Input;
use crate::sim::backend::Centre;
use crate::sim::caller::{By, End, Packet, Phone, text};
use crate::sim::setup::Moment;
use crate::sim::trace::Brief;
use crate::sip::{Flow, Transport};
use crate::time::Instant;
use std::net::SocketAddr;

impl World {
    pub(super) fn arrives(&mut self, packet: Packet) {
        if packet.to == ENGINE {
            self.note(&packet.bytes, || format!("{:>15} -> engine  {}", packet.from.ip(), Brief(&packet.bytes)));
            let is_caller = matches!(self.addresses.get(&packet.from), Some(Place::Phone(_)));
            if is_caller && packet.by != By::Void {
                self.delivered(&packet.bytes);
            }
            if matches!(self.addresses.get(&packet.from), Some(Place::Centre(_))) && packet.by != By::Void {
                self.oracle.centre_says(self.now, &packet.bytes);
            }
            let flow = Flow { transport: Transport::Udp, local: ENGINE, remote: packet.from, connection: 0 };
            return self.feed(Input::Received { flow, bytes: &packet.bytes });
        }
        if packet.to.ip() == ENGINE.ip() {
            let Some(&stream) = self.ports.get(&packet.to.port()) else { return };
            self.note(&packet.bytes, || format!("{:>15} -> sound   {}", packet.from.ip(), Brief(&packet.bytes)));
            let mut events = Vec::new();
            if let Some((line, _)) = self.lines.get_mut(&stream) {
                line.received(self.now, packet.from, &packet.bytes, &mut events);
            }
            for event in events {
                self.sound(stream, event);
            }
            return;
        }
        match self.addresses.get(&packet.to) {
            Some(&Place::Phone(index)) => {
                self.with_phone(index, |phone, now, out| phone.received(now, packet.from, &packet.bytes, out));
            }
            Some(&Place::Centre(index)) => {
                self.with_centre(index, |centre, now, out| centre.received(now, packet.from, &packet.bytes, out));
            }
            Some(Place::Carrier) => self.carrier(packet.to, packet.from, &packet.bytes),
            Some(&Place::Other(index)) => self.at_other(index, packet),
            Some(Place::Sound | Place::Noise { .. }) | None => {}
        }
    }

    /// A whole message of a caller reaches the engine.
    pub(super) fn delivered(&mut self, bytes: &[u8]) {
        self.oracle.delivered(self.now, bytes);
        if self.moments.is_some() {
            self.notice_delivered(bytes);
        }
    }

    pub(super) fn carry(&mut self, packet: Packet) {
        if packet.by == By::Connection {
            return self.write(packet);
        }
        let [first, second] = self.network.datagram(self.now);
        if let Some(at) = second {
            self.push(at, Event::Arrives(packet.clone()));
        }
        if let Some(at) = first {
            self.push(at, Event::Arrives(packet));
        }
    }

    pub(super) fn with_phone(&mut self, index: usize, act: impl FnOnce(&mut Phone, Instant, &mut Vec<Packet>)) {
        let Some(phone) = self.phones.get_mut(index) else { return };
        let (held, reached, ended) = before(phone);
        let mut out = Vec::new();
        act(phone, self.now, &mut out);
        let deadline = phone.deadline();
        let story = phone.story();
        // Nor does anybody who is gone without a word.
        if story.deserted || matches!(story.end, Some((_, End::Vanished))) {
            self.oracle.deserts(&story.call_id);
        }
        if story.holding != held {
            self.oracle.holding(self.now, &story.call_id, story.holding);
        }
        if let Some((_, target)) = story.reached.get(reached) {
            let target = target.clone();
            self.moment(|| Moment::Reaches(target));
        }
        let released = match self.phones.get(index).and_then(|phone| phone.story().end) {
            Some((_, End::Released)) if !ended => Some(Moment::Releases),
            Some((_, End::Refused(status))) if !ended => Some(Moment::Refuses(status)),
            _ => None,
        };
        if let Some(moment) = released {
            self.moment(|| moment);
        }
        for packet in out {
            self.carry(packet);
        }
        if let Some(due) = deadline
            && self.phone_wakes.get(index).is_some_and(|wake| wake.is_none_or(|wake| due < wake))
        {
            if let Some(wake) = self.phone_wakes.get_mut(index) {
                *wake = Some(due);
            }
            self.push(due, Event::Phone(index));
        }
    }

    pub(super) fn with_centre(
        &mut self,
        index: usize,
        act: impl FnOnce(&mut Centre, Instant, &mut Vec<(SocketAddr, Vec<u8>)>),
    ) {
        let Some(centre) = self.centres.get_mut(index) else { return };
        let mut out = Vec::new();
        act(centre, self.now, &mut out);
        let (signals, sounds, deadline) = (centre.address(), centre.sound(), centre.deadline());
        for (to, bytes) in out {
            let from = if is_sound(&bytes) { sounds } else { signals };
            self.carry(Packet { from, to, bytes, by: By::Datagram });
        }
        if let Some(due) = deadline
            && self.centre_wakes.get(index).is_some_and(|wake| wake.is_none_or(|wake| due < wake))
        {
            if let Some(wake) = self.centre_wakes.get_mut(index) {
                *wake = Some(due);
            }
            self.push(due, Event::Centre(index));
        }
    }

    pub(super) fn transmit(&mut self, mut flow: Flow, bytes: Vec<u8>) {
        // Centres live at addresses of their own here, whatever the table says.
        if self.place_of(&flow).is_none()
            && let Some(uri) = std::str::from_utf8(&bytes).ok().and_then(|text| text.split(' ').nth(1))
            && let Some(&at) = self.directory.get(text::destination(uri))
        {
            flow.remote = at;
        }
        self.note(&bytes, || format!("engine -> {:<15} {}", flow.remote.ip(), Brief(&bytes)));
        match self.place_of(&flow) {
            Some(Place::Noise { known: true }) => self.oracle.told_noise(&bytes),
            Some(Place::Noise { known: false }) => self.oracle.told_stranger(self.now, &bytes, self.conditions.trunk),
            Some(Place::Carrier) => self.oracle.to_carrier(self.now, &bytes),
            Some(Place::Phone(_) | Place::Centre(_) | Place::Other(_) | Place::Sound) | None => {
                // Empty lines answer pings.
                if bytes != b"\r\n" {
                    self.oracle.sent(self.now, &bytes);
                }
                if self.moments.is_some() {
                    self.notice_sent(&bytes);
                }
            }
        }
        if flow.transport.is_stream() {
            return self.write_to_caller(flow, &bytes);
        }
        if self.random.chance(self.conditions.send_failure) || self.is_cut_off(flow.remote) {
            return self.push(self.now, Event::SendFailed(flow));
        }
        self.carry(Packet { from: flow.local, to: flow.remote, bytes, by: By::Datagram });
    }
}
/// A packet of RTP, whose version is 2.
fn is_sound(bytes: &[u8]) -> bool {
    bytes.first().is_some_and(|first| first >> 6 == 2)
}

fn before(phone: &Phone) -> (bool, usize, bool) {
    let story = phone.story();
    (story.holding, story.reached.len(), story.end.is_some())
}
