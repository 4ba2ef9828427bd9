//! The row of one source's packets beside our own: which number and which time stamp each of them leaves under.

use super::{Heard, Kind};
use crate::limits::BRIDGE_DRIFT_MAX;

/// Where a packet of the other leg stands in our row.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Place {
    /// Its number.
    pub sequence: u16,
    /// Its time stamp.
    pub timestamp: u32,
    /// The first of a row, or behind a jump: it is marked.
    pub begins: bool,
    /// None of the row so far is behind it.
    pub newest: bool,
    /// Numbers before it of which nothing has come yet.
    pub lost: u16,
}

/// Ticks in a second of two time stamps.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Clocks {
    /// Of a source.
    pub theirs: u32,
    /// Of the leg that hears it.
    pub ours: u32,
}

/// RFC 3550 A.1: a jump this far ahead is loss; beyond it, the source began anew.
const DROPOUT_MAX: u16 = 3000;
/// Packets that are known to have come, behind the newest.
const KNOWN: u16 = u64::BITS as u16;

/// The row of one source's numbers beside our own.
#[derive(Clone, Copy, Default, Debug)]
pub struct Row {
    source: Option<Source>,
}

#[derive(Clone, Copy, Debug)]
struct Source {
    ssrc: u32,
    clocks: Clocks,
    /// What is added to its numbers.
    shift: u16,
    /// A moment by its time stamps, and by ours.
    moment: (u32, u32),
    newest: u16,
    /// Which came: the newest lowest, those before it above.
    came: u64,
    /// What would be the next number of a source that began anew.
    anew: Option<u16>,
}

impl Row {
    /// Ours goes on with something else; what is passed next begins a row.
    pub fn cut(&mut self) {
        self.source = None;
    }

    /// Whether this source has a place in it.
    pub fn is_of(&self, ssrc: u32) -> bool {
        self.source.is_some_and(|source| source.ssrc == ssrc)
    }

    /// The place of a packet. `next` is the number and the time stamp that ours would go on with. `None`: it came before, or is not to be placed.
    pub fn place(&mut self, heard: &Heard<'_>, clocks: Clocks, next: (u16, u32)) -> Option<Place> {
        // The time stamp of an event stands still while it lasts, and noise has a clock of its own.
        let timed = matches!(heard.kind, Kind::Sound(_));
        let source = match &mut self.source {
            Some(source) if source.ssrc == heard.ssrc && (source.clocks == clocks || !timed) => source,
            Some(_) | None => return Some(self.begin(heard, clocks, next)),
        };
        let ahead = heard.sequence.wrapping_sub(source.newest);
        let behind = source.newest.wrapping_sub(heard.sequence);
        let newest = ahead != 0 && ahead < DROPOUT_MAX;
        if newest {
            source.came = source.came.checked_shl(ahead.into()).unwrap_or(0) | 1;
            source.newest = heard.sequence;
        } else if behind < KNOWN {
            let one = 1 << behind;
            if source.came & one != 0 {
                return None;
            }
            source.came |= one;
        } else if source.anew == Some(heard.sequence) {
            // Two in a row tell a new beginning from a stray packet.
            return Some(self.begin(heard, clocks, next));
        } else {
            source.anew = Some(heard.sequence.wrapping_add(1));
            return None;
        }
        let place = Place {
            sequence: heard.sequence.wrapping_add(source.shift),
            timestamp: source.time(heard.timestamp),
            begins: false,
            newest,
            lost: if newest { ahead - 1 } else { 0 },
        };
        if !timed || !newest {
            return Some(place);
        }
        let drift = (place.timestamp.wrapping_sub(next.1) as i32).unsigned_abs();
        if u64::from(drift) > BRIDGE_DRIFT_MAX.as_secs() * u64::from(clocks.ours) {
            return Some(self.set(heard, place, next.1));
        }
        source.follow(place.timestamp);
        Some(place)
    }

    /// The place of a packet whose source's clock has jumped: it goes on at this time stamp of ours.
    pub fn set(&mut self, heard: &Heard<'_>, place: Place, timestamp: u32) -> Place {
        if let Some(source) = &mut self.source {
            source.moment = (heard.timestamp, timestamp);
        }
        Place { timestamp, begins: true, ..place }
    }

    /// A packet that has a place left in so many others, or did not leave. `numbers` are what they and what was lost before them take up, so that
    /// what is not lost is not taken for it. Whatever is still under way from before would take a number that was used.
    pub fn took(&mut self, place: Place, numbers: u16) {
        let more = numbers.wrapping_sub(place.lost).wrapping_sub(1);
        if let (true, 1.., Some(source)) = (place.newest, more, &mut self.source) {
            source.shift = source.shift.wrapping_add(more);
            source.came = u64::MAX;
        }
    }

    fn begin(&mut self, heard: &Heard<'_>, clocks: Clocks, next: (u16, u32)) -> Place {
        self.source = Some(Source {
            ssrc: heard.ssrc,
            clocks,
            shift: next.0.wrapping_sub(heard.sequence),
            moment: (heard.timestamp, next.1),
            newest: heard.sequence,
            // What is under way from before it would take numbers that ours had.
            came: u64::MAX,
            anew: None,
        });
        Place { sequence: next.0, timestamp: next.1, begins: true, newest: true, lost: 0 }
    }
}

impl Source {
    /// Our time stamp at one of its own.
    fn time(&self, timestamp: u32) -> u32 {
        let since = timestamp.wrapping_sub(self.moment.0) as i32;
        let ours = i64::from(since) * i64::from(self.clocks.ours) / i64::from(self.clocks.theirs.max(1));
        self.moment.1.wrapping_add(ours as u32)
    }

    /// The moment is one of ours from here on: seen from an old one, a time stamp of theirs would soon be half a cycle away.
    fn follow(&mut self, timestamp: u32) {
        let since = timestamp.wrapping_sub(self.moment.1) as i32;
        let theirs = i64::from(since) * i64::from(self.clocks.theirs) / i64::from(self.clocks.ours.max(1));
        self.moment = (self.moment.0.wrapping_add(theirs as u32), timestamp);
    }
}
