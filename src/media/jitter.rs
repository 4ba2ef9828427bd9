//! The jitter buffer: one sender's sound, put back in order by its time stamps and taken at our own pace.
//!
//! Packets come late, twice, in another order or not at all, and the sender's clock is not ours. What is missing is silence, or hidden
//! by what came before it ([`Concealment`]).
//! Its time is what is taken from it: whoever takes, takes as many samples as have gone by. A sender whose clock is faster or
//! slower than ours is followed a sample at a time, where the sound is smoothest, so that two people who talk for an hour
//! stay beside each other. A sender who begins anew, or whose clock has jumped, loses a moment.

use super::conceal::Concealment;
use crate::limits::JITTER_SAMPLES;
use crate::time::Duration;

/// Samples that are put in and taken in a second.
pub const RATE: u32 = 8000;
/// Packets too late one after the other, all of them new: the way has become longer, or the sender's clock has stood still.
const LATE_MAX: u32 = 5;
/// When so much is missing already, a packet that is too late begins anew at once: its sender was silent, and its clock with it.
const DRY: i32 = RATE as i32 / 5;
/// What is older than this is no copy: its sender's clock has jumped back.
const OLD: i32 = 4 * RATE as i32;
/// How long packets are watched before a step is made after them.
const WATCHED: u32 = 2 * RATE;
/// How far from their delay packets may come on the mean: less is the grain of our own intervals.
const STRAY: i32 = 15 * (RATE / 1000) as i32;
/// One sample in so many is left out or added to follow a sender: 10 ms, and a step of 20 ms takes two seconds.
const SLIP: usize = 80;
/// Of what is this quiet throughout, 10 ms can be left out at once.
const QUIET: u16 = 200;
/// What a delay grows by when one packet in fifty is too late.
const LONGER: u32 = 20 * (RATE / 1000);
const LATE_SHARE: u32 = 50;

/// Nothing came here. No sample is stored as this one.
const MISSING: i16 = i16::MIN;

/// The sound of one sender that has come and was not taken yet.
pub struct Jitter {
    /// A ring; what was taken is [`MISSING`] again.
    samples: Box<[i16]>,
    /// Hides what is missing; else it is silence.
    concealment: Option<Box<Concealment>>,
    /// The place that is taken next.
    next: usize,
    source: Option<Source>,
    /// How long sound waits here, in samples; it grows to twice what was asked for.
    delay: u32,
    longest: u32,
    watch: Watch,
    /// Samples still to be left out (above zero) or added.
    slip: i32,
}

/// Who speaks.
#[derive(Clone, Copy, Debug)]
struct Source {
    ssrc: u32,
    /// Ticks of its time stamps in a sample of ours.
    ticks: u32,
    /// The time stamp of the sample that is taken next.
    due: u32,
    /// The time stamp behind the newest sample.
    newest: u32,
    /// Packets in a row that were new and too late.
    late: u32,
    behind: Behind,
}

/// Packets that pass for copies of what came. Some senders set their clock back under the same source, as at the answer of a call that sounded
/// before it; then they follow each other, with nothing new between them.
#[derive(Clone, Copy, Default, Debug)]
pub(super) struct Behind {
    count: u32,
    /// The time stamp behind the last of them.
    next: u32,
}

impl Behind {
    /// One more, from this time stamp to that: whether its sender's clock was set back.
    pub(super) fn is_anew(&mut self, timestamp: u32, end: u32) -> bool {
        self.count = if self.count > 0 && timestamp == self.next { self.count + 1 } else { 1 };
        self.next = end;
        self.count >= LATE_MAX
    }
}

/// How packets came lately.
#[derive(Clone, Copy, Debug, Default)]
struct Watch {
    /// Samples taken meanwhile.
    taken: u32,
    packets: u32,
    late: u32,
    /// How far ahead of their time they came, in samples.
    ahead: i64,
}

impl Jitter {
    /// A buffer in which sound waits so long for what was sent before it.
    pub fn new(delay: Duration) -> Self {
        // At most a quarter of the ring, so that the grown delay and a burst behind it have room.
        let delay = u32::try_from(delay.as_millis()).unwrap_or(u32::MAX).saturating_mul(RATE / 1000);
        let delay = delay.min(JITTER_SAMPLES as u32 / 4);
        Self {
            samples: vec![MISSING; JITTER_SAMPLES].into(),
            concealment: None,
            next: 0,
            source: None,
            delay,
            longest: delay * 2,
            watch: Watch::default(),
            slip: 0,
        }
    }

    /// What is missing is hidden.
    pub fn concealing(mut self) -> Self {
        self.concealment = Some(Box::default());
        self
    }

    /// How long sound waits here now.
    pub fn delay(&self) -> Duration {
        Duration::from_micros(u64::from(self.delay) * 1_000_000 / u64::from(RATE))
    }

    /// Samples of a packet. `clock` is that of its time stamp, a multiple of [`RATE`].
    pub fn put(&mut self, ssrc: u32, clock: u32, timestamp: u32, samples: &[i16]) {
        let ticks = (clock / RATE).max(1);
        let length = i32::try_from(samples.len()).unwrap_or(i32::MAX);
        let mut source = match self.source {
            Some(source) if source.ssrc == ssrc && source.ticks == ticks => source,
            Some(_) | None => self.begin(ssrc, ticks, timestamp),
        };
        let mut ahead = source.ahead(timestamp);
        if ahead.saturating_add(length) > JITTER_SAMPLES as i32 {
            source = self.begin(ssrc, ticks, timestamp);
            ahead = source.ahead(timestamp);
        }
        let end = timestamp.wrapping_add(ticks.wrapping_mul(length as u32));
        let newer = (end.wrapping_sub(source.newest) as i32) / ticks as i32;
        let is_new = newer > 0;
        if ahead.saturating_add(length) <= 0 {
            // What is a little older than something that came is a copy, or came by a long way round: it tells nothing.
            let waits = if (-OLD..=0).contains(&newer) {
                !source.behind.is_anew(timestamp, end)
            } else {
                let missing = source.ahead(source.newest).saturating_neg();
                source.late += 1;
                self.watch.late += 1;
                source.newest = end;
                source.late < LATE_MAX && missing < DRY
            };
            if waits {
                self.source = Some(source);
                return;
            }
            source = self.begin(ssrc, ticks, timestamp);
            ahead = source.ahead(timestamp);
        }
        if is_new {
            (source.newest, source.behind) = (end, Behind::default());
            self.watch.packets += 1;
            self.watch.ahead += i64::from(ahead);
        }
        source.late = 0;
        self.source = Some(source);
        for (at, &sample) in (i64::from(ahead)..).zip(samples) {
            let Some(at) = usize::try_from(at).ok().filter(|&at| at < JITTER_SAMPLES) else { continue };
            if let Some(place) = self.samples.get_mut((self.next + at) % JITTER_SAMPLES) {
                *place = sample.max(-i16::MAX);
            }
        }
    }

    /// What is due: as many samples as have gone by.
    pub fn take(&mut self, samples: &mut [i16]) {
        for out in samples.chunks_mut(SLIP) {
            self.take_some(out);
        }
        // What comes while a step is made says nothing of the next one.
        if self.slip != 0 {
            self.watch = Watch::default();
        }
        if self.watch.taken >= WATCHED {
            let watch = std::mem::take(&mut self.watch);
            self.follow(watch);
        }
    }

    /// Nothing of what has come is to be heard, nor anything made of it.
    pub fn clear(&mut self) {
        self.samples.fill(MISSING);
        if let Some(concealment) = &mut self.concealment {
            **concealment = Concealment::default();
        }
    }

    /// The sender's first packet, or its first after a jump: it is taken when its delay is over.
    fn begin(&mut self, ssrc: u32, ticks: u32, timestamp: u32) -> Source {
        self.watch = Watch::default();
        self.slip = 0;
        Source {
            ssrc,
            ticks,
            due: timestamp.wrapping_sub(self.delay.wrapping_mul(ticks)),
            newest: timestamp,
            late: 0,
            behind: Behind::default(),
        }
    }

    /// A step after what was watched.
    fn follow(&mut self, Watch { packets, late, ahead, .. }: Watch) {
        if late > 0 && late * LATE_SHARE >= packets + late {
            self.delay = (self.delay + LONGER).min(self.longest);
        }
        if packets == 0 {
            return;
        }
        let stray = (ahead / i64::from(packets)) as i32 - self.delay as i32;
        self.slip = if stray.abs() > STRAY { stray } else { 0 };
    }

    /// At most [`SLIP`] samples, one of them left out or added where a step is due.
    fn take_some(&mut self, out: &mut [i16]) {
        let mut heard = [0; SLIP + 1];
        let step = self.slip.signum();
        let count = out.len().saturating_add_signed(step as isize);
        let heard = heard.get_mut(..count).unwrap_or_default();
        heard.fill_with(|| self.pop());
        self.slip -= step;
        // A pause need not be as long as it was.
        while self.slip >= SLIP as i32 && heard.iter().all(|sample| sample.unsigned_abs() < QUIET) {
            heard.fill_with(|| self.pop());
            self.slip -= count as i32;
        }
        self.watch.taken += out.len() as u32;
        let at = if step == 0 { 0 } else { smoothest(heard) };
        for (index, place) in out.iter_mut().enumerate() {
            let from = match step {
                1 if index >= at => index + 1,
                -1 if index > at => index - 1,
                _ => index,
            };
            *place = heard.get(from).copied().unwrap_or(0);
        }
    }

    fn pop(&mut self) -> i16 {
        let came = self.samples.get_mut(self.next).map(|place| std::mem::replace(place, MISSING));
        let came = came.filter(|&sample| sample != MISSING);
        self.next = (self.next + 1) % JITTER_SAMPLES;
        if let Some(source) = &mut self.source {
            source.due = source.due.wrapping_add(source.ticks);
        }
        match &mut self.concealment {
            Some(concealment) => concealment.next(came),
            None => came.unwrap_or(0),
        }
    }
}

impl Source {
    /// How many samples from now a time stamp is due.
    fn ahead(&self, timestamp: u32) -> i32 {
        (timestamp.wrapping_sub(self.due) as i32) / self.ticks as i32
    }
}

/// The second of the two neighbours that differ least.
fn smoothest(samples: &[i16]) -> usize {
    let pairs = samples.iter().zip(samples.iter().skip(1));
    pairs.map(|(before, sample)| before.abs_diff(*sample)).zip(1..).min().map_or(0, |(_, at)| at)
}

#[cfg(test)]
#[path = "jitter_tests.rs"]
mod tests;
