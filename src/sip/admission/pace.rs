//! How fast calls come, and how fast they may.

use crate::time::Instant;

/// Events a second: a count that fades within about a second.
#[derive(Clone, Copy, Debug, Default)]
pub struct Pace {
    value: f64,
    at: Instant,
}

impl Pace {
    /// One more.
    pub fn add(&mut self, now: Instant) {
        *self = Self { value: self.at(now) + 1.0, at: now };
    }

    /// As it is now.
    pub fn at(&self, now: Instant) -> f64 {
        self.value * (-now.since(self.at).as_secs_f64()).exp()
    }
}

/// A token bucket that holds what it is given in a second, and one more: the slowest rate lets a call in, too.
#[derive(Clone, Copy, Debug)]
pub struct Bucket {
    rate: f64,
    level: f64,
    at: Instant,
}

impl Bucket {
    /// After a quiet time.
    pub fn full(rate: f64) -> Self {
        Self { rate, level: rate + 1.0, at: Instant::START }
    }

    /// In the middle of a rush.
    pub fn empty(now: Instant, rate: f64) -> Self {
        Self { rate, level: 0.0, at: now }
    }

    /// How many may come right now.
    pub fn level(&mut self, now: Instant) -> f64 {
        let given = now.since(self.at).as_secs_f64() * self.rate;
        self.level = (self.level + given).min(self.rate + 1.0);
        self.at = now;
        self.level
    }

    /// What of it is kept for those who ask seldom.
    pub fn reserve(&self) -> f64 {
        self.rate * 0.05
    }

    /// One has come.
    pub fn take(&mut self) {
        self.level -= 1.0;
    }

    /// Another rate from now on.
    pub fn change(&mut self, now: Instant, rate: f64) {
        self.level(now);
        self.rate = rate;
        self.level = self.level.min(rate + 1.0);
    }
}
