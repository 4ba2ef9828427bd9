//! Key presses that we send as events (RFC 4733 §2.5.1), for legs that we place: an extension behind a switch, a conference code.
//!
//! A press is packets with a growing duration under one timestamp, the first of them marked, and its end three times; a pause follows. What is heard
//! meanwhile waits: events stand in place of sound. For a peer that takes no events a key becomes two tones.

use super::codec::{Encoder, Form};
use super::jitter::RATE;
use super::tone;
use crate::limits::{KEYS_SENT_MAX, RTP_PACKET_BYTES_MAX};
use crate::number::Key;
use crate::time::Duration;
use std::collections::VecDeque;
use std::fmt;

/// Longer than the 40 ms that every receiver must take for a key (ITU-T Q.24), and what telephones send.
const HELD: Duration = Duration::from_millis(100);
/// Longer than the 50 ms between two keys.
const PAUSE: Duration = Duration::from_millis(80);
/// Packets before the end, even when fewer would fill the time: two may be lost.
const GROWING_LEAST: u32 = 3;
/// RFC 4733 §2.5.1.4: the end is sent three times.
const ENDS: u32 = 3;
/// RFC 4733 §2.3: the volume of a tone, −10 dBm0.
const VOLUME: u8 = 10;

/// Keys on their way out.
pub struct Presses {
    keys: VecDeque<Key>,
    /// Packets since the present key began.
    step: u32,
    /// Its timestamp.
    began: u32,
    done: u8,
    passed_on: bool,
    /// What says tones; some codecs remember what was said before.
    mouth: Option<Box<Encoder>>,
}

/// What leaves in an interval.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Turn {
    /// An event.
    Event {
        /// Its four bytes.
        payload: [u8; 4],
        /// When its press began.
        timestamp: u32,
        /// The first of its press.
        marked: bool,
    },
    /// Tones within the sound.
    Tone {
        /// Of which key.
        key: Key,
        /// How much of them was heard before.
        since: Duration,
    },
    /// Silence between two keys.
    Pause,
}

impl fmt::Debug for Presses {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Which keys may be an entry.
        write!(f, "Presses({} keys)", self.keys.len())
    }
}

impl Presses {
    /// These keys, in order.
    pub fn new(keys: impl IntoIterator<Item = Key>) -> Self {
        let keys = keys.into_iter().take(KEYS_SENT_MAX).collect();
        Self { keys, step: 0, began: 0, done: 0, passed_on: false, mouth: None }
    }

    /// Those that somebody presses on a leg bridged with this one: none yet, and nobody waits for their end.
    pub fn passed_on() -> Self {
        Self { passed_on: true, ..Self::new([]) }
    }

    /// Whether it is somebody else who presses.
    pub fn is_passed_on(&self) -> bool {
        self.passed_on
    }

    /// One more behind the others; too many are not pressed.
    pub fn push(&mut self, key: Key) {
        if self.keys.len() < KEYS_SENT_MAX {
            self.keys.push_back(key);
        }
    }

    /// What is due in the interval that begins at this timestamp; `None` when all keys and their pauses are over. `packet` is the interval and
    /// `clock` that of the events.
    pub fn next(&mut self, timestamp: u32, packet: Duration, clock: u32) -> Option<Turn> {
        let &key = self.keys.front()?;
        let intervals =
            |time: Duration| u32::try_from(time.as_millis().div_ceil(packet.as_millis().max(1))).unwrap_or(1);
        let growing = (intervals(HELD) - 1).max(GROWING_LEAST);
        let step = self.step;
        self.step += 1;
        if step == 0 {
            self.began = timestamp;
        }
        if step >= growing + ENDS {
            if step + 1 >= growing + ENDS + intervals(PAUSE) {
                self.keys.pop_front();
                (self.step, self.done) = (0, self.done.saturating_add(1));
            }
            return Some(Turn::Pause);
        }
        let (length, end) = if step < growing { (step + 1, 0) } else { (growing + 1, 0x80) };
        let ticks = u64::from(length) * u64::from(clock) * packet.as_millis() as u64 / 1000;
        let [high, low] = u16::try_from(ticks).unwrap_or(u16::MAX).to_be_bytes();
        Some(Turn::Event { payload: [key.event(), end | VOLUME, high, low], timestamp: self.began, marked: step == 0 })
    }

    /// The same for a peer that takes no events.
    pub fn next_tone(&mut self, packet: Duration) -> Option<Turn> {
        let &key = self.keys.front()?;
        let since = packet * self.step;
        self.step += 1;
        if since < HELD {
            return Some(Turn::Tone { key, since });
        }
        if packet * self.step >= HELD + PAUSE {
            self.keys.pop_front();
            (self.step, self.done) = (0, self.done.saturating_add(1));
        }
        Some(Turn::Pause)
    }

    /// The sound of such an interval, of so many samples; how many bytes.
    pub fn sound(&mut self, form: Form, key: Key, since: Duration, samples: usize, payload: &mut [u8]) -> usize {
        let mut sound = [0; RTP_PACKET_BYTES_MAX];
        let sound = sound.get_mut(..samples).unwrap_or_default();
        tone::fill(key, since.as_millis() as usize * (RATE as usize / 1000), sound);
        self.mouth.get_or_insert_default().encode(form, sound, payload)
    }

    /// Keys that have left whole.
    pub fn done(&self) -> u8 {
        self.done
    }

    /// Whether nothing is left to send.
    pub fn is_over(&self) -> bool {
        self.keys.is_empty()
    }
}
