//! From the packets of one leg to those of another that takes another codec, or packets of another length (a translator, RFC 3550 §7.1).
//!
//! What comes is decoded at once and goes behind what is left of the packet before; every whole packet that this gives leaves at once, and less
//! than one waits. Nothing waits for what is late: that is the business of the receiver's jitter buffer, which sees by our numbers and time
//! stamps what is lost (decision 56).

use super::{Heard, Noise, Place};
use crate::limits::PAYLOAD_BYTES_MAX;
use crate::media::codec::{self, Decoder, Encoder, Form};
use crate::media::conceal::Concealment;
use crate::sdp::Codec;

/// Time stamps that are off by less than this many samples follow each other: some senders read them from a clock. No packet is as short.
const WOBBLE: i32 = 80;
/// A gap of so many samples is the longest that is filled, where it has to be: the longest packet of ours. Nothing is left of a guess behind it.
const FILLED_MAX: usize = PAYLOAD_BYTES_MAX;

/// What a packet of ours is like.
#[derive(Clone, Copy, Debug)]
pub struct Ours {
    /// How it speaks.
    pub form: Form,
    /// Its length in samples of 8 kHz.
    pub samples: usize,
}

/// What came of a packet.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Taken {
    /// Numbers of ours that it takes, with those that are left out before it.
    pub numbers: u16,
    /// Packets of ours that leave now.
    pub packets: usize,
}

/// A packet of ours.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Said {
    /// Where it stands.
    pub place: Place,
    /// Bytes of its payload.
    pub length: usize,
}

/// The sound of one leg on its way to another.
#[derive(Default)]
pub struct Translator {
    ear: Decoder,
    mouth: Encoder,
    concealment: Concealment,
    /// Of the packet that came.
    heard: Vec<i16>,
    /// What was heard and did not leave: less than a packet, once all that leaves was asked for.
    waiting: Vec<i16>,
    /// The number and the time stamp of the packet that the first of it will be in.
    next: (u16, u32),
    /// That packet begins a talk spurt.
    marked: bool,
    /// Behind that packet something is missing.
    jump: Option<Jump>,
    /// What it said last is the last of our row.
    goes_on: bool,
}

/// Time in which nothing came.
#[derive(Clone, Copy, Debug)]
struct Gap {
    samples: usize,
    /// So many of them were said.
    lost: usize,
    /// What comes behind it begins a talk spurt.
    marked: bool,
}

/// What is left out between two packets of ours.
#[derive(Clone, Copy, Debug)]
struct Jump {
    numbers: u16,
    ticks: u32,
    marked: bool,
}

impl Translator {
    /// Ours goes on with something else. What waits is the last moment before a break, and would come too late to be heard in its place.
    pub fn cut(&mut self) {
        if self.goes_on {
            self.waiting.clear();
            self.concealment = Concealment::default();
            (self.goes_on, self.marked, self.jump) = (false, false, None);
        }
    }

    /// Whether a packet at this time stamp of ours would say again when something was said already: its source's clock was set back.
    pub fn is_behind(&self, timestamp: u32, ours: Ours) -> bool {
        let ticks = codec::ticks(ours.form.codec);
        self.goes_on && timestamp.wrapping_sub(self.end(ticks)) as i32 / ticks as i32 <= -WOBBLE
    }

    /// A packet of this leg's newest sound, which would stand there in our row.
    pub fn hear(&mut self, heard: &Heard<'_>, codec: Codec, place: Place, ours: Ours) -> Taken {
        if place.begins {
            self.cut();
        }
        self.heard.clear();
        let source = (heard.ssrc, heard.timestamp);
        let begins = self.ear.hear(codec, source, heard.payload, &mut self.heard);
        let Some(begins) = begins.filter(|_| !self.heard.is_empty()) else {
            self.marked |= heard.marked || place.begins;
            return Taken { numbers: place.lost, packets: 0 };
        };
        let ticks = codec::ticks(ours.form.codec);
        // What the codec guesses of the time before a packet.
        let guessed = (heard.timestamp.wrapping_sub(begins) / codec::ticks(codec)) as usize;
        let marked = heard.marked || place.begins;
        let missing = if self.goes_on {
            let start = place.timestamp.wrapping_sub(guessed as u32 * ticks);
            let gap = start.wrapping_sub(self.end(ticks)) as i32 / ticks as i32;
            match usize::try_from(gap) {
                Ok(gap) if gap as i32 >= WOBBLE => {
                    // A packet of theirs tells how much sound its lost neighbours had: the rest of a gap is a pause, and no number is missing for it.
                    let length = self.heard.len().saturating_sub(guessed);
                    let lost = gap.min(usize::from(place.lost) * length);
                    self.leave_out(Gap { samples: gap, lost, marked }, start, ours)
                }
                Ok(_) => {
                    self.marked |= marked;
                    0
                }
                Err(_) => {
                    // A guess of what was said.
                    self.heard.drain(..guessed.min(gap.unsigned_abs() as usize));
                    self.marked |= marked;
                    0
                }
            }
        } else {
            // What was said before is known to nobody.
            self.heard.drain(..guessed.min(self.heard.len()));
            self.next.1 = place.timestamp;
            self.marked |= marked;
            place.lost
        };
        let before = if self.jump.is_some() { 0 } else { missing };
        self.next.0 = place.sequence.wrapping_sub(place.lost).wrapping_add(before);
        self.goes_on = true;
        let Self { heard, waiting, concealment, .. } = self;
        waiting.extend(heard.iter().map(|&sample| concealment.next(Some(sample))));
        let packets = self.waiting.len() / ours.samples;
        Taken { numbers: missing.wrapping_add(packets as u16), packets }
    }

    /// The next packet that leaves, while there is a whole one.
    pub fn say(&mut self, ours: Ours, payload: &mut [u8]) -> Option<Said> {
        while let Some(samples) = self.waiting.get(..ours.samples) {
            let length = self.mouth.encode(ours.form, samples, payload);
            self.waiting.drain(..ours.samples);
            let (sequence, timestamp) = self.next;
            let begins = std::mem::take(&mut self.marked);
            let ticks = ours.samples as u32 * codec::ticks(ours.form.codec);
            self.next = (sequence.wrapping_add(1), timestamp.wrapping_add(ticks));
            if let Some(jump) = self.jump.take() {
                let (sequence, timestamp) = self.next;
                self.next = (sequence.wrapping_add(jump.numbers), timestamp.wrapping_add(jump.ticks));
                self.marked = jump.marked;
            }
            // Without memory for an encoder a packet is lost.
            if length > 0 {
                return Some(Said { place: Place { sequence, timestamp, begins, newest: true, lost: 0 }, length });
            }
        }
        None
    }

    /// Noise for a packet of ours; how many bytes.
    pub fn say_noise(&mut self, noise: &mut Noise, ours: Ours, payload: &mut [u8]) -> usize {
        self.heard.clear();
        self.heard.extend(std::iter::repeat_with(|| noise.next()).take(ours.samples));
        self.mouth.encode(ours.form, &self.heard, payload)
    }

    /// What comes now begins behind a gap, at this time stamp; how many numbers are left out.
    fn leave_out(&mut self, gap: Gap, start: u32, ours: Ours) -> u16 {
        let packets = |samples: usize| (samples / ours.samples) as u16;
        let room = ours.samples - self.waiting.len() % ours.samples;
        if gap.samples < room {
            self.fill(gap.samples);
            self.marked |= gap.marked;
            return 0;
        }
        if self.waiting.is_empty() || gap.samples > FILLED_MAX {
            // What waits would come too late to be heard, and is lost with what came behind it; before a pause it is no word's end.
            let waiting = if gap.lost > 0 { self.waiting.len() } else { 0 };
            let marked = self.marked || gap.marked;
            self.cut();
            (self.next.1, self.marked) = (start, marked);
            return packets(gap.lost + waiting);
        }
        self.fill(room);
        self.concealment = Concealment::default();
        let left = gap.samples - room;
        let numbers = packets(gap.lost.min(left));
        let ticks = left as u32 * codec::ticks(ours.form.codec);
        self.jump = Some(Jump { numbers, ticks, marked: gap.marked });
        numbers
    }

    /// The time stamp behind all that waits.
    fn end(&self, ticks: u32) -> u32 {
        let jump = self.jump.map_or(0, |jump| jump.ticks);
        self.next.1.wrapping_add(self.waiting.len() as u32 * ticks).wrapping_add(jump)
    }

    /// Silence within a packet would be a click, and nobody else can hide what is missing there: the voice goes on for a moment and fades.
    fn fill(&mut self, samples: usize) {
        let Self { waiting, concealment, .. } = self;
        waiting.extend(std::iter::repeat_with(|| concealment.next(None)).take(samples));
    }
}

impl std::fmt::Debug for Translator {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Translator({} samples wait)", self.waiting.len())
    }
}
