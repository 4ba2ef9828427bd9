//! One media thread: many sockets, one tick of a millisecond.
//!
//! The schedule is absolute: slot n begins n milliseconds after the clock did, however long the work of the slots
//! before took, so nothing drifts. Each slot reads what arrived, sends what is due and sleeps until the next one.
//! Per packet there is no allocation, no lock and no message to another thread.

mod leg;

use super::batch::Batch;
use super::encoder::Encoder;
use super::wheel::{Slot, Turn, Wheel};
use super::{Sends, Shared};
use crate::limits::{RTP_PACKET_BYTES_MAX, RTP_PACKETS_PER_SLOT, STREAM_BREAKS_MAX};
use crate::media::bridge::Ways;
use crate::media::stream::Stream;
use crate::media::tap::Sink;
use crate::media::{Command, Event, Recording, StreamKey};
use crate::shell::clock::Clock;
use crate::time::{Duration, Instant};
use leg::{Leg, Pace, sound_of};
use mio::net::UdpSocket;
use mio::{Events, Interest, Poll, Token};
use std::collections::HashMap;
use std::hint::black_box;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering, fence};
use std::sync::mpsc::{Receiver, TryRecvError};
use tracing::{error, warn};

/// The token of the bell that ends an idle worker's wait.
pub(super) const WAKE: Token = Token(usize::MAX);

const SLOT: Duration = Duration::from_millis(1);
/// The usual packet interval: who is later than this skips, who is less late catches up.
const LATE: Slot = 20;
/// Streams whose memory is fetched together.
const AHEAD: usize = 32;
/// Larger than any packet of a telephone; the rest of a longer one is cut off by the system.
const RECEIVED_BYTES_MAX: usize = 2048;

/// What the engine thread orders. The queue has no bound, for an order that were lost would leave a port or a caller behind: what fills it are the
/// messages and keys of admitted calls, and it is emptied in each slot.
pub(super) enum Order {
    Open { key: StreamKey, socket: UdpSocket, stream: Box<Stream> },
    Command { key: StreamKey, command: Command },
    Record { key: StreamKey, recording: Recording, sink: Box<dyn Sink> },
    Close { key: StreamKey },
    Stop,
}

pub(super) struct Worker<D> {
    poll: Poll,
    ready: Events,
    orders: Receiver<Order>,
    shared: Arc<Shared>,
    clock: Clock,
    deliver: D,
    /// By place, so that a packet finds its stream without a search; `free` lists the empty places.
    legs: Vec<Option<Leg>>,
    free: Vec<usize>,
    places: HashMap<StreamKey, usize>,
    wheel: Wheel,
    /// The slot being served.
    slot: Slot,
    /// Passed over since it last slept.
    passed: Duration,
    /// Sockets that may hold more: the poll tells of new packets only (edge-triggered).
    unread: Vec<usize>,
    /// Streams whose reports have come.
    reporting: Vec<usize>,
    told: Vec<(StreamKey, Event)>,
    /// What one stream tells, before its name is put to it.
    events: Vec<Event>,
    batch: Batch,
    encoder: Encoder,
    packet: [u8; RTP_PACKET_BYTES_MAX],
    received: [u8; RECEIVED_BYTES_MAX],
    sums: Sums,
}

#[derive(Default)]
struct Sums {
    sent: u64,
    received: u64,
    failed: u64,
    skipped: u64,
}

impl<D: Fn(&mut Vec<(StreamKey, Event)>)> Worker<D> {
    pub(super) fn new(
        poll: Poll,
        orders: Receiver<Order>,
        shared: Arc<Shared>,
        clock: Clock,
        sends: Sends,
        encoder: Encoder,
        deliver: D,
    ) -> Self {
        Self {
            poll,
            ready: Events::with_capacity(1024),
            orders,
            shared,
            clock,
            deliver,
            legs: Vec::new(),
            free: Vec::new(),
            places: HashMap::new(),
            wheel: Wheel::new(),
            slot: 0,
            passed: Duration::ZERO,
            unread: Vec::new(),
            reporting: Vec::new(),
            told: Vec::new(),
            events: Vec::new(),
            batch: Batch::new(sends == Sends::Batched),
            encoder,
            packet: [0; RTP_PACKET_BYTES_MAX],
            received: [0; RECEIVED_BYTES_MAX],
            sums: Sums::default(),
        }
    }

    pub(super) fn run(mut self) {
        while self.take_orders() {
            self.receive();
            self.send();
            self.tell();
            self.sleep();
        }
        // What was ordered just before the end is done, and told.
        self.tell();
    }

    /// Carries out what was ordered; waits for orders while there is no stream to pace. `false` at the end.
    fn take_orders(&mut self) -> bool {
        loop {
            let order = match self.orders.try_recv() {
                Ok(order) => order,
                Err(TryRecvError::Disconnected) => return false,
                Err(TryRecvError::Empty) if !self.places.is_empty() => return true,
                Err(TryRecvError::Empty) => {
                    self.tell();
                    self.wait_for_orders();
                    continue;
                }
            };
            match order {
                Order::Open { key, socket, stream } => self.open(key, socket, stream),
                Order::Command { key, command } => self.guarded(key, |worker| worker.command(key, command)),
                Order::Record { key, recording, sink } => {
                    self.guarded(key, |worker| worker.record(key, recording, sink))
                }
                Order::Close { key } => self.guarded(key, |worker| worker.close(key)),
                Order::Stop => return false,
            }
        }
    }

    /// An error of ours in the work for one stream must not silence the others.
    fn guarded(&mut self, key: StreamKey, work: impl FnOnce(&mut Self)) {
        let place = self.places.get(&key).copied();
        if catch_unwind(AssertUnwindSafe(|| work(self))).is_err()
            && let Some(place) = place
        {
            self.mend(place);
        }
    }

    /// The stream in this place broke in the middle of its work, and the other one of its bridge perhaps with it: both begin anew, and hear each other
    /// again.
    fn mend(&mut self, place: usize) {
        let now = self.clock.instant();
        // What it had told already is true.
        let broken = self.key_at(place);
        self.told.extend(self.events.drain(..).filter_map(|event| Some((broken?, event))));
        let other = self.legs.get_mut(place).and_then(|leg| leg.as_mut()?.other.take());
        let ways = self.legs.get(place).and_then(|leg| leg.as_ref()?.stream.ways()).unwrap_or_default();
        for place in [Some(place), other].into_iter().flatten() {
            let Some(Some(leg)) = self.legs.get_mut(place) else { continue };
            let key = leg.key;
            error!(stream = key.0, breaks = leg.breaks, "a stream was broken by an error of ours");
            leg.open_ears();
            leg.other = None;
            leg.breaks += 1;
            let mut begun = || catch_unwind(AssertUnwindSafe(|| leg.stream.anew(now, &mut self.events))).is_ok();
            if leg.breaks <= STREAM_BREAKS_MAX && begun() {
                self.told.extend(self.events.drain(..).map(|event| (key, event)));
                continue;
            }
            self.events.clear();
            self.places.remove(&key);
            // Not even its end is trusted.
            let gone = self.legs.get_mut(place).and_then(Option::take);
            let _ = catch_unwind(AssertUnwindSafe(|| drop(gone)));
            self.free.push(place);
            self.told.extend([(key, Event::Broken), (key, Event::Closed(None))]);
        }
        let Some(other) = other else { return };
        match (self.key_at(place), self.key_at(other)) {
            (Some(_), Some(other)) => self.bridge(place, other, ways),
            (Some(alone), None) | (None, Some(alone)) => self.told.push((alone, Event::Alone)),
            (None, None) => {}
        }
    }

    fn key_at(&self, place: usize) -> Option<StreamKey> {
        Some(self.legs.get(place)?.as_ref()?.key)
    }

    /// Sleeps until the bell, unless there is an order already.
    fn wait_for_orders(&mut self) {
        if self.shared.idle.load(Ordering::Relaxed) {
            // Told that we are idle, every sender rings.
            if let Err(error) = self.poll.poll(&mut self.ready, None)
                && error.kind() != io::ErrorKind::Interrupted
            {
                warn!(%error, "media poll");
            }
        } else {
            self.shared.gauge.rests();
            self.shared.idle.store(true, Ordering::Relaxed);
            // Pairs with the fence of `Handle::order`: an order whose sender did not see us idle is found by the next
            // look at the queue, before we sleep.
            fence(Ordering::SeqCst);
        }
        self.begin_slots();
    }

    /// After a pause: nothing is due, so no slot was missed.
    fn begin_slots(&mut self) {
        self.slot = slot_of(self.clock.instant());
        self.passed = Duration::ZERO;
    }

    fn open(&mut self, key: StreamKey, mut socket: UdpSocket, stream: Box<Stream>) {
        // From now on we look by ourselves.
        self.shared.idle.store(false, Ordering::Relaxed);
        let index = self.free.pop().unwrap_or(self.legs.len());
        if let Err(error) = self.poll.registry().register(&mut socket, sound_of(index), Interest::READABLE) {
            // It can still speak.
            warn!(%error, "an RTP socket cannot be polled");
        }
        match self.legs.get_mut(index) {
            Some(place) => *place = Some(Leg::new(key, socket, stream)),
            None => self.legs.push(Some(Leg::new(key, socket, stream))),
        }
        self.places.insert(key, index);
    }

    fn command(&mut self, key: StreamKey, command: Command) {
        let Some(&index) = self.places.get(&key) else { return };
        match command {
            Command::Bridge(other) => return self.bridge(index, other, Ways::Both),
            Command::Overhear(other) => return self.bridge(index, other, Ways::Hears),
            Command::Unbridge => return self.unbridge(index),
            _ => {}
        }
        let Some(Some(leg)) = self.legs.get_mut(index) else { return };
        leg.pace = match (leg.pace, &command) {
            (Pace::Waiting, Command::Configure(_)) => Pace::Silent(self.wheel.begin(self.slot, index)),
            // The greeting leaves now, not when the silence would have.
            (Pace::Silent(_), Command::Play { .. }) => Pace::Spoken(self.wheel.begin(self.slot, index)),
            (pace @ (Pace::Waiting | Pace::Silent(_) | Pace::Spoken(_)), _) => pace,
        };
        if matches!(command, Command::Configure(_)) {
            leg.open_ears();
        }
        let anew = matches!(command, Command::Configure(_) | Command::Play { .. });
        leg.stream.command(self.clock.instant(), command, &mut self.events);
        if anew {
            leg.encode(&self.encoder);
        }
        self.told.extend(self.events.drain(..).map(|event| (key, event)));
    }

    /// From now on each of the two hears the other, or one of them does.
    fn bridge(&mut self, index: usize, with: StreamKey, ways: Ways) {
        let other = self.places.get(&with).copied().filter(|&other| other != index);
        let Some(other) = other else {
            let Some(Some(leg)) = self.legs.get(index) else { return };
            return self.told.push((leg.key, Event::Alone));
        };
        for (index, other) in [(index, other), (other, index)] {
            if self.legs.get(index).and_then(Option::as_ref).is_some_and(|leg| leg.other != Some(other)) {
                self.leave(index, true);
            }
        }
        let now = self.clock.instant();
        let theirs = match ways {
            Ways::Both => Ways::Both,
            Ways::Hears => Ways::Heard,
            Ways::Heard => Ways::Hears,
        };
        for (index, other, ways) in [(index, other, ways), (other, index, theirs)] {
            if let Some(Some(leg)) = self.legs.get_mut(index) {
                leg.open_ears();
                leg.other = Some(other);
                match ways {
                    Ways::Both => leg.stream.command(now, Command::Bridge(with), &mut self.events),
                    Ways::Hears => leg.stream.command(now, Command::Overhear(with), &mut self.events),
                    Ways::Heard => leg.stream.overheard(),
                }
            }
        }
    }

    fn unbridge(&mut self, index: usize) {
        self.leave(index, false);
    }

    /// This stream hears no other any more, nor the other one it. `told`: the other is to know.
    fn leave(&mut self, index: usize, told: bool) {
        let now = self.clock.instant();
        let Some(Some(leg)) = self.legs.get_mut(index) else { return };
        let Some(other) = leg.other.take() else { return };
        leg.stream.command(now, Command::Unbridge, &mut self.events);
        let Some(Some(other)) = self.legs.get_mut(other) else { return };
        other.other = None;
        other.stream.command(now, Command::Unbridge, &mut self.events);
        if told {
            self.told.push((other.key, Event::Alone));
        }
    }

    /// A recording of a stream that is gone is over before it begins: its sink is dropped, which tells so.
    fn record(&mut self, key: StreamKey, recording: Recording, sink: Box<dyn Sink>) {
        let Some(&index) = self.places.get(&key) else { return };
        let Some(Some(leg)) = self.legs.get_mut(index) else { return };
        leg.open_ears();
        leg.stream.record(recording, sink);
    }

    /// The last report, and the last word. Closing a socket takes it out of the poll as well; its appointment is void without it.
    fn close(&mut self, key: StreamKey) {
        let place = self.places.remove(&key);
        if let Some(index) = place {
            self.leave(index, true);
        }
        if let Some(index) = place
            && let Some(place) = self.legs.get_mut(index)
        {
            if let Some(mut leg) = place.take() {
                leg.stream.end_recordings();
                leg.report(self.clock.instant(), true, &mut self.packet);
                self.told.push((key, Event::Closed(leg.stream.quality())));
            }
            self.free.push(index);
        }
    }

    fn receive(&mut self) {
        if let Err(error) = self.poll.poll(&mut self.ready, Some(Duration::ZERO)) {
            if error.kind() != io::ErrorKind::Interrupted {
                warn!(%error, "media poll");
            }
            return;
        }
        for event in &self.ready {
            let Token(token) = event.token();
            if token % 2 == 1 {
                self.reporting.push(token / 2);
                continue;
            }
            if let Some(Some(leg)) = self.legs.get_mut(token / 2)
                && !std::mem::replace(&mut leg.unread, true)
            {
                self.unread.push(token / 2);
            }
        }
        if self.unread.is_empty() && self.reporting.is_empty() {
            return;
        }
        let now = self.clock.instant();
        while let Some(index) = self.reporting.pop() {
            let read = catch_unwind(AssertUnwindSafe(|| {
                if let Some(Some(leg)) = self.legs.get_mut(index) {
                    leg.read_reports(now, &mut self.received);
                }
            }));
            if read.is_err() {
                self.mend(index);
            }
        }
        let mut unread = std::mem::take(&mut self.unread);
        unread.retain(|&index| match catch_unwind(AssertUnwindSafe(|| self.read(now, index))) {
            Ok(more) => more,
            Err(_) => {
                self.mend(index);
                true
            }
        });
        self.unread = unread;
    }

    /// Reads what has come for a stream; whether there may be more. What its other one is to hear goes into the batch.
    fn read(&mut self, now: Instant, index: usize) -> bool {
        // Bounded: a flood at one socket must not make the others late.
        for _ in 0..RTP_PACKETS_PER_SLOT {
            let Some(Some(leg)) = self.legs.get_mut(index) else { return false };
            let (length, from) = match leg.socket.recv_from(&mut self.received) {
                Ok(received) => received,
                Err(error) => {
                    // Only an empty socket is told of again.
                    leg.unread = error.kind() != io::ErrorKind::WouldBlock;
                    break;
                }
            };
            self.sums.received += 1;
            let packet = self.received.get_mut(..length).unwrap_or_default();
            let heard = leg.stream.received(now, from, packet, &mut self.events);
            if !self.events.is_empty() {
                self.told.extend(self.events.drain(..).map(|event| (leg.key, event)));
            }
            let (Some(heard), Some(place)) = (heard, leg.other) else { continue };
            let mut heard = Some(heard);
            loop {
                if self.batch.room().is_none() {
                    send_batch(&mut self.batch, &self.legs, &mut self.sums);
                }
                let (Some(Some(other)), Some(room)) = (self.legs.get_mut(place), self.batch.room()) else { break };
                let leaves = match heard.take() {
                    Some(heard) => other.stream.forward(&heard, &mut room.bytes),
                    None => other.stream.forward_next(&mut room.bytes),
                };
                let Some((to, length)) = leaves else { break };
                self.batch.take(place, to, length);
            }
        }
        let Some(Some(leg)) = self.legs.get_mut(index) else { return false };
        leg.shut_ears();
        leg.unread
    }

    /// Sends what is due, behind what was passed on, a batch at a time: first each stream of it writes its packet, then they leave, because a send
    /// drives the streams out of the cache.
    fn send(&mut self) {
        let turns = self.wheel.take(self.slot);
        let begins = begin_of(self.slot);
        for (number, &turn) in turns.iter().enumerate() {
            if number % AHEAD == 0 {
                self.fetch(turns.get(number..).unwrap_or_default());
            }
            if self.batch.room().is_none() {
                send_batch(&mut self.batch, &self.legs, &mut self.sums);
            }
            let keeps = self.legs.get(turn.index).and_then(Option::as_ref).filter(|leg| leg.keeps(turn));
            let Some(interval) = keeps.map(Leg::interval) else { continue };
            if catch_unwind(AssertUnwindSafe(|| self.prepare(begins, turn.index))).is_err() {
                self.mend(turn.index);
            }
            self.wheel.put(self.slot + interval, turn);
        }
        send_batch(&mut self.batch, &self.legs, &mut self.sums);
        self.wheel.give_back(self.slot, turns);
    }

    /// Has the memory of the next streams fetched, which the sends of the slots before drove out of the cache: first of all legs, then of what they
    /// point to.
    fn fetch(&self, turns: &[Turn]) {
        let legs = || turns.iter().take(AHEAD).filter_map(|turn| Some((turn, self.legs.get(turn.index)?.as_ref()?)));
        black_box(legs().filter(|(turn, leg)| leg.keeps(**turn)).count());
        black_box(legs().fold(0, |sum, (_, leg)| sum ^ leg.stream.touch()));
    }

    /// One stream writes what it sends in this slot.
    fn prepare(&mut self, begins: Instant, index: usize) {
        let Some(Some(leg)) = self.legs.get_mut(index) else { return };
        if leg.stream.owes_report(begins) {
            leg.open_reports(self.poll.registry(), index);
            leg.report(self.clock.instant(), false, &mut self.packet);
        }
        leg.stream.tick(begins, &mut self.events);
        if let Some(room) = self.batch.room()
            && let Some((to, length)) = leg.stream.next_packet(&mut room.bytes, &mut self.events)
        {
            self.batch.take(index, to, length);
        }
        if !self.events.is_empty() {
            self.told.extend(self.events.drain(..).map(|event| (leg.key, event)));
        }
    }

    /// What streams told and what was counted leaves once a slot.
    fn tell(&mut self) {
        if !self.told.is_empty() {
            (self.deliver)(&mut self.told);
            self.told.clear();
        }
        let totals = &self.shared.totals;
        for (sum, total) in [
            (&mut self.sums.sent, &totals.sent),
            (&mut self.sums.received, &totals.received),
            (&mut self.sums.failed, &totals.failed),
            (&mut self.sums.skipped, &totals.skipped),
        ] {
            add(total, std::mem::take(sum));
        }
    }

    /// Until the next slot begins. Late by less than an interval, the slots follow each other without sleep.
    fn sleep(&mut self) {
        self.slot += 1;
        let (begins, now) = (begin_of(self.slot), self.clock.instant());
        if self.paces(now) {
            std::thread::sleep(begins.since(now));
        }
    }

    /// Whether there is time to sleep before the next slot, which is passed over when it is later than an interval.
    fn paces(&mut self, now: Instant) -> bool {
        let begins = begin_of(self.slot);
        let late = now.since(begins);
        self.passed = if begins > now { Duration::ZERO } else { self.passed };
        self.shared.gauge.served(self.passed + late);
        if late > SLOT * LATE as u32 {
            self.passed += late;
            self.skip_to(slot_of(now));
        }
        begins > now
    }

    /// The clock ran away: sending all that was missed would be a burst. Each stream goes on in its own phase.
    fn skip_to(&mut self, slot: Slot) {
        for (due, turn) in self.wheel.take_all(self.slot) {
            let Some(Some(leg)) = self.legs.get_mut(turn.index) else { continue };
            if !leg.keeps(turn) {
                continue;
            }
            let interval = leg.interval();
            let missed = slot.saturating_sub(due).div_ceil(interval);
            if missed > 0 {
                leg.stream.skipped(u32::try_from(missed).unwrap_or(u32::MAX), &mut self.events);
                self.told.extend(self.events.drain(..).map(|event| (leg.key, event)));
                self.sums.skipped += missed;
            }
            self.wheel.put(due + missed * interval, turn);
        }
        self.slot = slot;
    }
}

fn send_batch(batch: &mut Batch, legs: &[Option<Leg>], sums: &mut Sums) {
    let sent = batch.send(|index| Some(&legs.get(index)?.as_ref()?.socket));
    sums.sent += sent.left as u64;
    sums.failed += sent.failed as u64;
}

fn slot_of(instant: Instant) -> Slot {
    instant.as_nanos() / SLOT.as_nanos() as u64
}

fn begin_of(slot: Slot) -> Instant {
    Instant::from_nanos(slot.saturating_mul(SLOT.as_nanos() as u64))
}

/// The worker alone writes, so no exchange is needed.
fn add(total: &AtomicU64, sum: u64) {
    if sum > 0 {
        total.store(total.load(Ordering::Relaxed).wrapping_add(sum), Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests;
