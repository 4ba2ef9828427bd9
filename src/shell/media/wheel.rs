//! When each stream's next packet is due: a wheel of millisecond slots.
//!
//! A stream keeps its phase for good; a new one takes the emptiest of the next few slots, so that the streams of a
//! worker spread over the packet interval instead of leaving in one burst.

/// More slots than the longest packet interval (60 ms) has milliseconds, so that a slot never holds two laps.
const SLOTS: u64 = 64;
/// A stream that begins may wait this many slots for an emptier one: 1357's greeting must not be late.
const CHOICE: u64 = 4;

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
        let emptiest = (now..now + CHOICE).min_by_key(|&slot| self.slot(slot).len()).unwrap_or(now);
        self.number += 1;
        let number = self.number;
        self.put(emptiest, Turn { index, number });
        number
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
    fn streams_that_begin_together_spread_and_wait_at_most_a_few_slots() {
        let mut wheel = Wheel::new();
        for index in 0..40 {
            wheel.begin(1000, index);
        }
        let counts: Vec<usize> = (1000..1020).map(|slot| wheel.take(slot).len()).collect();
        assert_eq!(counts[..4], [10, 10, 10, 10]);
        assert_eq!(counts[4..], [0; 16]);
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
