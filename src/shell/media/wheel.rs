//! When each stream's next packet is due: a wheel of millisecond slots.
//!
//! A stream keeps its phase for good; a new one takes the first of the next slots that is not fuller than the others, so that the streams of
//! a worker spread over the packet interval instead of leaving in bursts, behind which the slots after them would be late.

/// More slots than the longest packet interval (60 ms) has milliseconds, so that a slot never holds two laps.
const SLOTS: u64 = 64;
/// A stream that begins may wait less than this many slots for an emptier one: 1357's greeting must not be late.
const CHOICE: u64 = 16;
/// A slot with so few packets is never worth waiting for another.
const FEW: usize = 8;

/// Milliseconds on the clock of the shell.
pub(super) type Slot = u64;

/// An appointment. A stream has one that counts; those it gave up are told by an older number.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Turn {
    pub(super) index: usize,
    pub(super) number: u64,
}

pub(super) struct Wheel {
    slots: Vec<Vec<Turn>>,
    number: u64,
}

impl Wheel {
    pub(super) fn new() -> Self {
        Self { slots: (0..SLOTS).map(|_| Vec::new()).collect(), number: 0 }
    }

    /// An appointment in one of the slots from `now` on; its number.
    pub(super) fn begin(&mut self, now: Slot, index: usize) -> u64 {
        let due = self.choose(now);
        self.number += 1;
        let number = self.number;
        self.put(due, Turn { index, number });
        number
    }

    /// The first slot that holds no more than the mean of those to choose from: at once while there is little to do, evenly when there is much.
    fn choose(&mut self, now: Slot) -> Slot {
        let all: usize = (now..now + CHOICE).map(|slot| self.slot(slot).len()).sum();
        let enough = (all / CHOICE as usize).max(FEW - 1);
        // There is always one at or below the mean.
        (now..now + CHOICE).find(|&slot| self.slot(slot).len() <= enough).unwrap_or(now)
    }

    /// The same stream again, less than [`SLOTS`] from now.
    pub(super) fn put(&mut self, due: Slot, turn: Turn) {
        self.slot(due).push(turn);
    }

    /// Everyone due in this slot. Give the vector back with [`Wheel::give_back`], so that its room is kept.
    pub(super) fn take(&mut self, slot: Slot) -> Vec<Turn> {
        std::mem::take(self.slot(slot))
    }

    pub(super) fn give_back(&mut self, slot: Slot, mut turns: Vec<Turn>) {
        turns.clear();
        let home = self.slot(slot);
        if home.is_empty() {
            *home = turns;
        }
    }

    /// Everyone due from `from` on, with the slot: for the rare moment when the clock ran away.
    pub(super) fn take_all(&mut self, from: Slot) -> Vec<(Slot, Turn)> {
        (from..from + SLOTS).flat_map(|slot| self.take(slot).into_iter().map(move |turn| (slot, turn))).collect()
    }

    fn slot(&mut self, slot: Slot) -> &mut Vec<Turn> {
        // SLOTS vectors, so the remainder always finds one.
        &mut self.slots[(slot % SLOTS) as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_that_begin_together_spread_and_few_of_them_do_not_wait() {
        let mut wheel = Wheel::new();
        for index in 0..8 {
            wheel.begin(1000, index);
        }
        assert_eq!(counts(&mut wheel, 1000)[0], 8, "few leave at once");
        for index in 0..160 {
            wheel.begin(1000, index);
        }
        let counts = counts(&mut wheel, 1000);
        assert!(counts[..16].iter().all(|count| (8..=12).contains(count)), "{counts:?}");
        assert_eq!(counts[16..], [0; 4], "nobody waits longer");
    }

    /// Calls that come at a steady pace would otherwise always meet the same phases of the interval.
    #[test]
    fn streams_that_begin_in_step_with_the_interval_spread_over_all_of_it() {
        let mut wheel = Wheel::new();
        let mut streams = 0;
        for slot in 0..20_000 {
            if slot % 5 == 0 {
                streams += 1;
                wheel.begin(slot, streams);
            }
            for turn in wheel.take(slot) {
                wheel.put(slot + 20, turn);
            }
        }
        let counts = counts(&mut wheel, 20_000);
        let (least, most) = (counts.iter().min().expect("slots"), counts.iter().max().expect("slots"));
        assert!(most - least <= 12, "{counts:?}");
    }

    fn counts(wheel: &mut Wheel, from: Slot) -> Vec<usize> {
        (from..from + 20).map(|slot| wheel.slot(slot).len()).collect()
    }

    #[test]
    fn the_longest_interval_does_not_meet_the_slot_it_comes_from() {
        let mut wheel = Wheel::new();
        wheel.begin(63, 7);
        let turns = wheel.take(63);
        wheel.put(63 + 60, turns[0]);
        wheel.give_back(63, turns.clone());
        assert_eq!(wheel.take(63), []);
        assert_eq!(wheel.take_all(64), [(123, turns[0])]);
    }
}
